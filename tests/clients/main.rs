//! Every lens is held against the real client that it speaks for.
//!
//! Each fault of the mock answers each scenario once; our own transport keeps the exchange, and the
//! lens says what its client would make of it. Then the recorded bytes are played to the real,
//! pinned client, and what it hands over or raises must be the same. `scripts/client-test.sh` puts
//! the clients in place and runs this; without them what they said the last time, kept under
//! `fixtures/lens/`, stands in.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::panic,
    clippy::format_collect,
    reason = "a test may fail loudly, prints its figures, and is steered by CLIENT, FAULT and BLESS"
)]

mod driver;
mod known;
mod play;
mod said;

use std::collections::BTreeMap;
use std::sync::{Mutex, OnceLock};

use proofhouse::lens::{self, Lens};

use play::Play;
use said::{Kept, Said};

/// A play and what a lens says of it, against what the client did.
struct Trial<'a> {
    play: &'a Play,
    differences: Vec<String>,
}

fn trial<'a>(lens: &Lens, play: &'a Play, said: &Said) -> Trial<'a> {
    Trial { play, differences: said::differences(&lens.read(&play.exchange), said) }
}

/// Prints `k of n` for a client, and gives what is wrong: disagreements that are not listed, and
/// listed ones that are none.
fn account(lens: &Lens, trials: &[Trial<'_>]) -> Vec<String> {
    let listed = known::of(lens.id);
    let mut wrong = Vec::new();
    let (apart, together): (Vec<_>, Vec<_>) =
        trials.iter().partition(|trial| !trial.differences.is_empty());
    println!("{}: {} of {}", lens.id, together.len(), trials.len());
    for trial in &apart {
        let Play { fault, scenario, .. } = trial.play;
        let told = format!("{} {fault} {scenario}: {}", lens.id, trial.differences.join("; "));
        match listed.iter().find(|known| known.covers(fault, scenario)) {
            Some(known) => println!("  {told} ({})", known.reason),
            None => wrong.push(told),
        }
    }
    for known in &listed {
        if !apart.iter().any(|trial| known.covers(&trial.play.fault, &trial.play.scenario)) {
            wrong.push(format!("{} {} is listed and agrees", lens.id, known.fault));
        }
    }
    wrong
}

fn wanted(lens: &Lens) -> bool {
    std::env::var("CLIENT").map_or(true, |only| only.split(',').any(|id| id == lens.id))
}

/// A client, and what it is asked.
type Question<'a> = (&'a Lens, Vec<&'a Play>);

/// Clients that are asked at once: a client waits for timeouts half of the time.
const CLIENTS_AT_ONCE: usize = 2;

/// What each client makes of its plays.
fn ask(questions: &[Question<'_>]) -> Vec<BTreeMap<String, Said>> {
    let answers: Vec<OnceLock<BTreeMap<String, Said>>> =
        questions.iter().map(|_| OnceLock::new()).collect();
    let queue = Mutex::new(questions.iter().zip(&answers));
    std::thread::scope(|scope| {
        for _ in 0..CLIENTS_AT_ONCE {
            scope.spawn(|| {
                loop {
                    let Some(((lens, asked), answer)) = queue.lock().unwrap().next() else {
                        return;
                    };
                    answer.set(driver::ask(lens, asked)).unwrap();
                }
            });
        }
    });
    answers.into_iter().map(|answer| answer.into_inner().unwrap()).collect()
}

#[test]
#[ignore = "needs the real clients: scripts/client-test.sh"]
fn lenses_say_what_the_real_clients_do() {
    let plays = play::all();
    let mut wrong = Vec::new();
    let questions: Vec<Question<'_>> = lens::all()
        .iter()
        .filter(|lens| wanted(lens))
        .map(|lens| {
            let news = plays.iter().filter(|play| play.is_news && lens.applies(&play.exchange));
            (lens, news.collect())
        })
        .collect();
    for ((lens, asked), said) in questions.iter().zip(ask(&questions)) {
        let trials: Vec<Trial<'_>> =
            asked.iter().filter_map(|play| Some(trial(lens, play, said.get(&play.id)?))).collect();
        for play in asked.iter().filter(|play| !said.contains_key(&play.id)) {
            wrong.push(format!("{} said nothing of {} {}", lens.id, play.fault, play.scenario));
        }
        wrong.extend(account(lens, &trials));
        if std::env::var_os("BLESS").is_some() {
            said::keep(lens, asked, &said);
        }
    }
    assert!(wrong.is_empty(), "{} disagreements:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn lenses_say_what_the_clients_said_the_last_time() {
    let plays = play::all();
    let mut wrong = Vec::new();
    for lens in lens::all() {
        let kept: BTreeMap<(String, String), Kept> = said::kept(lens);
        if kept.is_empty() {
            continue;
        }
        let mut stale = 0;
        let mut trials = Vec::new();
        for play in plays.iter().filter(|play| play.is_news && lens.applies(&play.exchange)) {
            match kept.get(&(play.fault.clone(), play.scenario.clone())) {
                Some(kept) if kept.digest == play.digest => {
                    trials.push(trial(lens, play, &kept.said));
                }
                _ => stale += 1,
            }
        }
        wrong.extend(account(lens, &trials));
        // The mock's faults grow faster than the clients are asked again.
        println!("  {stale} answers are new since");
        assert!(trials.len() > stale, "ask the clients again: scripts/client-test.sh");
    }
    assert!(wrong.is_empty(), "{} disagreements:\n{}", wrong.len(), wrong.join("\n"));
}
