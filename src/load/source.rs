//! What is due next on one event loop.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use super::call::Due;
use crate::plan::{Closed, Pace};
use crate::record::load::Stage;
use crate::units::Nanos;

/// After a connection that could not be made a user waits so long: without it, a closed loop would
/// ask a dead server as fast as the machine can.
const AFTER_REFUSAL: Nanos = Nanos::from_millis(100);

/// Where the parts of a run end, from the start of the load.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stages {
    /// The window begins.
    pub(super) warm: Nanos,
    /// The window ends.
    pub(super) window: Nanos,
    /// Nothing starts any more.
    pub(super) load: Nanos,
}

impl Stages {
    fn of(&self, at: Nanos) -> Stage {
        match at {
            at if at < self.warm => Stage::WarmUp,
            at if at < self.window => Stage::Measured,
            _ => Stage::CoolDown,
        }
    }
}

/// The due requests of one of several event loops.
#[derive(Debug)]
pub(super) struct Source {
    stages: Stages,
    /// This loop takes one in so many numbers.
    step: u64,
    kind: Kind,
    /// Turns of sessions that wait for their time.
    turns: BTreeMap<(Nanos, u64), Due>,
    /// Sessions under way.
    sessions: u64,
}

#[derive(Debug)]
enum Kind {
    /// The pace, and the arrival that is next.
    Open { pace: Box<Pace>, next: Option<(u64, Nanos)> },
    /// The users that wait, by when they ask next, and the number of the next request.
    Closed { users: BinaryHeap<Reverse<(Nanos, u32)>>, think: Nanos, number: u64 },
}

impl Source {
    /// An open process; of its arrivals, those whose number leaves `shard` when divided by `shards`.
    pub(super) fn open(mut pace: Pace, shard: u64, shards: u64, stages: Stages) -> Self {
        let first = nth(&mut pace, shard);
        let next = first.map(|at| (shard, at));
        Self::new(stages, shards, Kind::Open { pace: Box::new(pace), next })
    }

    /// The users whose number leaves `shard`.
    pub(super) fn closed(closed: &Closed, shard: u64, shards: u64, stages: Stages) -> Self {
        let ramp = closed.ramp.map_or(RAMP_FOR_EACH.0 * u64::from(closed.users), |ramp| ramp.0.0);
        let starts = (0..closed.users).filter(|user| u64::from(*user) % shards == shard);
        let users = starts.map(|user| {
            let at = u128::from(ramp) * u128::from(user) / u128::from(closed.users.max(1));
            Reverse((Nanos(u64::try_from(at).unwrap_or(u64::MAX)), user))
        });
        let users = users.collect();
        Self::new(stages, shards, Kind::Closed { users, think: closed.think.0, number: shard })
    }

    fn new(stages: Stages, step: u64, kind: Kind) -> Self {
        Self { stages, step, kind, turns: BTreeMap::new(), sessions: 0 }
    }

    /// Goes on with a run that had come to `at`: what was due before is over, and numbers below
    /// `number` are taken.
    pub(super) fn go_on(&mut self, at: Nanos, number: u64) {
        match &mut self.kind {
            Kind::Open { pace, next } => {
                while let Some((nth_due, _)) = next.filter(|(_, due)| *due < at) {
                    *next = nth(pace, self.step - 1).map(|due| (nth_due + self.step, due));
                }
            }
            Kind::Closed { users, number: own, .. } => {
                let later = users.drain().map(|Reverse((due, user))| Reverse((due + at, user)));
                *users = later.collect();
                while *own < number {
                    *own += self.step;
                }
            }
        }
    }

    /// When something is due next; `None` while everybody waits for an answer, or for good.
    pub(super) fn next_at(&self) -> Option<Nanos> {
        let turn = self.turns.first_key_value().map(|((at, _), _)| *at);
        let at = self.next_new().into_iter().chain(turn).min();
        at.filter(|at| *at < self.stages.load)
    }

    /// When the next one is due that is no turn after another.
    fn next_new(&self) -> Option<Nanos> {
        match &self.kind {
            Kind::Open { next, .. } => next.map(|(_, at)| at),
            Kind::Closed { users, .. } => users.peek().map(|Reverse((at, _))| *at),
        }
    }

    /// The next number, whose request can be made ready.
    pub(super) fn next_number(&self) -> Option<u64> {
        match &self.kind {
            Kind::Open { next, .. } => next.map(|(number, _)| number),
            Kind::Closed { number, .. } => Some(*number),
        }
    }

    /// How far apart the numbers are.
    pub(super) fn step(&self) -> u64 {
        self.step
    }

    /// What is due now, if anything is.
    pub(super) fn take(&mut self, now: Nanos) -> Option<Due> {
        let at = self.next_at().filter(|at| *at <= now)?;
        let stage = self.stages.of(at);
        if let Some(turn) = self.turns.first_entry()
            && turn.key().0 == at
        {
            return Some(Due { stage, ..turn.remove() });
        }
        match &mut self.kind {
            Kind::Open { pace, next } => {
                let (number, _) = (*next)?;
                *next = nth(pace, self.step - 1).map(|at| (number + self.step, at));
                Some(Due { number, turn: 0, user: None, stage, at, ready: None })
            }
            Kind::Closed { users, number, .. } => {
                let Reverse((_, user)) = users.pop()?;
                let (number_of, user) = (*number, Some(user));
                let due = Due { number: number_of, turn: 0, user, stage, at, ready: None };
                *number += self.step;
                Some(due)
            }
        }
    }

    /// Nothing starts any more.
    pub(super) fn stop(&mut self) {
        self.stages.load = Nanos(0);
    }

    /// Whether nothing more will become due, whatever is answered.
    pub(super) fn is_over(&self, now: Nanos) -> bool {
        match &self.kind {
            Kind::Open { .. } => {
                self.next_at().is_none() && (self.sessions == 0 || now >= self.stages.load)
            }
            Kind::Closed { .. } => now >= self.stages.load,
        }
    }

    /// A session was begun.
    pub(super) fn session_began(&mut self) {
        self.sessions += 1;
    }

    /// Its next turn is known.
    pub(super) fn follow(&mut self, due: Due) {
        self.turns.insert((due.at, due.number), due);
    }

    /// It has no further turn, and its user is free.
    pub(super) fn session_over(&mut self, user: Option<u32>, at: Nanos, refused: bool) {
        self.sessions = self.sessions.saturating_sub(1);
        self.answered(user, at, refused);
    }

    /// A user has an answer, or will get none.
    pub(super) fn answered(&mut self, user: Option<u32>, at: Nanos, refused: bool) {
        if let (Kind::Closed { users, think, .. }, Some(user)) = (&mut self.kind, user) {
            let pause = if refused { (*think).max(AFTER_REFUSAL) } else { *think };
            users.push(Reverse((at + pause, user)));
        }
    }
}

/// The span in which users start, for each of them: about what a start takes one thread.
const RAMP_FOR_EACH: Nanos = Nanos(200_000);

fn nth(pace: &mut Pace, skip: u64) -> Option<Nanos> {
    for _ in 0..skip {
        pace.next()?;
    }
    pace.next()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Arrival, Rate, Span};

    fn stages() -> Stages {
        Stages {
            warm: Nanos::from_millis(1_000),
            window: Nanos::from_millis(3_000),
            load: Nanos::from_millis(4_000),
        }
    }

    fn all(source: &mut Source) -> Vec<(u64, Nanos, Stage)> {
        let end = Nanos(u64::MAX);
        std::iter::from_fn(|| source.take(end)).map(|due| (due.number, due.at, due.stage)).collect()
    }

    #[test]
    fn shards_together_are_the_one_schedule() {
        let pace = || Pace::of(&Arrival::Poisson(Rate { rate: 50.0 }), &[], 5).unwrap();
        let whole = all(&mut Source::open(pace(), 0, 1, stages()));
        let mut parts: Vec<_> =
            (0..3).flat_map(|shard| all(&mut Source::open(pace(), shard, 3, stages()))).collect();
        parts.sort_by_key(|(number, ..)| *number);
        assert_eq!(parts, whole);
        assert!(whole.len() > 120 && whole.iter().all(|(_, at, _)| *at < stages().load));
        for (_, at, stage) in whole {
            assert_eq!(stage == Stage::WarmUp, at < stages().warm);
            assert_eq!(stage == Stage::CoolDown, at >= stages().window);
        }
    }

    #[test]
    fn a_run_goes_on_where_its_schedule_stood() {
        let pace = || Pace::of(&Arrival::Poisson(Rate { rate: 50.0 }), &[], 5).unwrap();
        let whole = all(&mut Source::open(pace(), 0, 1, stages()));
        let at = Nanos::from_millis(1_700);
        let rest: Vec<_> = (0..2)
            .flat_map(|shard| {
                let mut source = Source::open(pace(), shard, 2, stages());
                source.go_on(at, 0);
                all(&mut source)
            })
            .collect();
        let expected = whole.iter().filter(|(_, due, _)| *due >= at).count();
        assert_eq!(rest.len(), expected);
        assert!(rest.iter().all(|due| whole.contains(due)));

        let closed = Closed { users: 2, think: Span::default(), ramp: Some(Span::default()) };
        let mut source = Source::closed(&closed, 1, 2, stages());
        source.go_on(at, 8);
        assert_eq!(source.next_at(), Some(at));
        assert_eq!(source.take(at).unwrap().number, 9);
    }

    #[test]
    fn a_user_asks_again_after_its_answer_and_its_pause() {
        let closed = Closed { users: 2, think: Span::secs(1), ramp: Some(Span::default()) };
        let mut source = Source::closed(&closed, 0, 1, stages());
        let now = Nanos::from_millis(10);
        let (first, second) = (source.take(now).unwrap(), source.take(now).unwrap());
        assert_eq!((first.number, second.number), (0, 1));
        assert!(source.take(now).is_none() && source.next_at().is_none());
        source.answered(first.user, now, false);
        assert_eq!(source.next_at(), Some(Nanos::from_millis(1_010)));
        assert!(!source.is_over(now));
        source.answered(second.user, stages().load, false);
        assert!(source.take(Nanos::from_millis(1_010)).is_some() && source.next_at().is_none());
        assert!(source.is_over(stages().load));
    }

    #[test]
    fn a_session_keeps_its_user_and_the_run_until_its_last_turn() {
        let steps = Arrival::Burst(crate::plan::Burst { size: 1, every: Span::secs(9) });
        let pace = Pace::of(&steps, &[], 5).unwrap();
        let mut source = Source::open(pace, 0, 1, stages());
        let first = source.take(Nanos(0)).unwrap();
        source.session_began();
        assert!(source.next_at().is_none() && !source.is_over(Nanos(0)));
        let at = Nanos::from_millis(2_000);
        source.follow(Due { turn: 1, at, ..first });
        assert_eq!(source.next_at(), Some(at));
        let second = source.take(at).unwrap();
        assert_eq!((second.turn, second.stage), (1, Stage::Measured));
        source.session_over(None, at, false);
        assert!(source.is_over(at));
    }

    #[test]
    fn a_refused_user_does_not_hammer() {
        let closed = Closed { users: 1, think: Span::default(), ramp: None };
        let mut source = Source::closed(&closed, 0, 1, stages());
        let due = source.take(Nanos(0)).unwrap();
        source.answered(due.user, Nanos(0), true);
        assert_eq!(source.next_at(), Some(AFTER_REFUSAL));
    }
}
