//! From findings to a verdict.

use super::attempt::Attempt;
use crate::profile::Profile;
use crate::record::{Attempts, Finding, KnownNote};
use crate::stats;
use crate::suite::{Decide, Repeat};
use crate::verdict::{Level, Verdict};

/// The confidence of every bound and interval that a report shows.
const CONFIDENCE: f64 = 0.95;

/// A verdict, the word it needs, and the numbers of a repeated case.
#[derive(Debug)]
pub(super) struct Decision {
    pub(super) verdict: Verdict,
    pub(super) reason: Option<String>,
    pub(super) attempts: Option<Attempts>,
}

impl Decision {
    fn plain(verdict: Verdict, reason: Option<String>) -> Self {
        Self { verdict, reason, attempts: None }
    }
}

/// The gravest level that is broken outright, if any.
pub(super) fn broken(findings: &[Finding]) -> Option<Level> {
    findings.iter().filter(|f| f.cannot_tell.is_none()).map(|f| f.level).min()
}

/// Decides a case that ran once for each cell of its matrix.
pub(super) fn once(attempts: &[Attempt], never_applied: &[String]) -> Decision {
    let worst = attempts.iter().filter_map(|a| broken(&a.findings)).min();
    if let Some(level) = worst {
        return Decision::plain(level.when_broken(), None);
    }
    if let Some(fault) = attempts.iter().find_map(|a| a.fault.clone()) {
        return Decision::plain(Verdict::Error, Some(fault));
    }
    let cannot_tell = attempts.iter().flat_map(|a| &a.findings).find_map(|f| f.cannot_tell.clone());
    let unmet = attempts.iter().find_map(|a| a.unmet.clone());
    let never = never_applied.first().cloned();
    match cannot_tell.or(unmet).or(never) {
        Some(why) => Decision::plain(Verdict::Inconclusive, Some(why)),
        None => Decision::plain(Verdict::Pass, None),
    }
}

/// What a repeated case has come to so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Count {
    pub(super) held: u32,
    pub(super) decided: u32,
    pub(super) not_counted: u32,
}

/// Counts attempts. One that could not be judged, or that a transport fault ended, is no attempt.
pub(super) fn count(attempts: &[Attempt], level: Level) -> Count {
    let mut count = Count { held: 0, decided: 0, not_counted: 0 };
    for attempt in attempts {
        let broken = broken(&attempt.findings).is_some_and(|at| at <= level);
        if broken {
            count.decided += 1;
        } else if attempt.is_decided() {
            count.decided += 1;
            count.held += 1;
        } else {
            count.not_counted += 1;
        }
    }
    count
}

/// Whether more attempts could still decide a case that is not decided by the share alone.
pub(super) fn is_open(repeat: &Repeat, count: Count) -> bool {
    let low = || stats::lower_bound(count.held, count.decided, CONFIDENCE);
    let high = || stats::upper_bound(count.held, count.decided, CONFIDENCE);
    match repeat.decide {
        Decide::Observed => false,
        Decide::Bound => low() < repeat.at_least && high() >= repeat.at_least,
        // Where no attempt could be judged, more of them will hardly be.
        Decide::Refute => {
            count.decided > 0 && share(count) < repeat.at_least && high() >= repeat.at_least
        }
    }
}

/// The share that held.
fn share(count: Count) -> f64 {
    f64::from(count.held) / f64::from(count.decided)
}

/// Decides a repeated case.
pub(super) fn repeated(repeat: &Repeat, count: Count, level: Level) -> Decision {
    let interval = stats::clopper_pearson(count.held, count.decided, CONFIDENCE);
    let attempts = Attempts {
        n: count.decided,
        held: count.held,
        not_counted: count.not_counted,
        low: interval.low,
        high: interval.high,
        at_least: repeat.at_least,
    };
    let decision = |verdict, reason| Decision { verdict, reason, attempts: Some(attempts) };
    let said = format!(
        "{} of {} attempts held, {:.1} % asked for (95 % interval {:.1} % to {:.1} %)",
        count.held,
        count.decided,
        repeat.at_least * 100.0,
        interval.low * 100.0,
        interval.high * 100.0
    );
    if count.decided == 0 {
        let why = format!("none of {} attempts could be judged", count.not_counted);
        return decision(Verdict::Inconclusive, Some(why));
    }
    let holds = match repeat.decide {
        Decide::Bound | Decide::Refute if is_open(repeat, count) => None,
        Decide::Observed | Decide::Refute => Some(share(count) >= repeat.at_least),
        Decide::Bound => {
            Some(stats::lower_bound(count.held, count.decided, CONFIDENCE) >= repeat.at_least)
        }
    };
    match holds {
        Some(true) => decision(Verdict::Pass, None),
        Some(false) => decision(level.when_broken(), Some(said)),
        None => decision(Verdict::Inconclusive, Some(said)),
    }
}

/// Applies the profile's known deviations. Only what was decided can be known: a case that could
/// not be judged stays what it is.
pub(super) fn with_known(
    id: &str,
    verdict: Verdict,
    profile: &Profile,
    today: chrono::NaiveDate,
) -> (Verdict, Option<KnownNote>) {
    let Some(found) = profile.known_for(id, today) else { return (verdict, None) };
    let note = KnownNote {
        reason: found.known.reason.clone(),
        link: found.known.link.clone(),
        expires: found.known.expires,
        expired: found.expired,
    };
    match verdict {
        Verdict::Fail | Verdict::Warn if found.expired => (verdict, Some(note)),
        Verdict::Fail | Verdict::Warn => (Verdict::XFail, Some(note)),
        // A pattern covers cases that never deviated; only an entry of its own can be outdated.
        Verdict::Pass if found.known.check == id && !found.known.sometimes => {
            (Verdict::XPass, Some(note))
        }
        _ => (verdict, None),
    }
}
