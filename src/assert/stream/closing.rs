//! How soon a body ends after an event: what `closes_within` and `error_terminates` share.

use super::look::Look;
use crate::transcript::End;
use crate::units::Nanos;
use crate::verdict::Judgement;

/// Judges that the body ends within `allowed` of an event; `noun` is what the event is called.
///
/// That a deadline of ours ended it does not excuse the endpoint once the time allowed is over.
pub(super) fn ends_within(look: &Look<'_>, event: usize, noun: &str, allowed: Nanos) -> Judgement {
    let exchange = look.exchange();
    let open = exchange.timing.done.since(look.arrival(event));
    let ended_by_us = exchange.end.is_ours() || matches!(exchange.end, End::TimedOut { .. });
    if open <= allowed {
        return if ended_by_us {
            Judgement::cannot_tell(format!("{}, {open} after {noun}", exchange.end.describe()))
        } else {
            Judgement::Holds
        };
    }
    let seen = if ended_by_us {
        format!("the body still open {open} after it ({})", exchange.end.describe())
    } else {
        format!("the end of the body {open} after it")
    };
    Judgement::fail(
        format!("the end of the body within {allowed} of {noun}"),
        seen,
        look.place(event, "", "the body was due to end after this"),
    )
}
