//! Looking a check up among the known deviations.

use chrono::NaiveDate;

use super::model::{Capability, Known, Profile};
use crate::suite::capability;
use crate::suite::select::covers;

/// A known deviation that covers a check.
#[derive(Clone, Copy, Debug)]
pub struct KnownMatch<'a> {
    /// The entry.
    pub known: &'a Known,
    /// Its last day has passed: the deviation counts as a failure again.
    pub expired: bool,
}

impl Profile {
    /// The entry that covers a check on a day. One that still holds goes before one that has
    /// expired, and the id itself before a pattern.
    pub fn known_for(&self, check: &str, today: NaiveDate) -> Option<KnownMatch<'_>> {
        self.known
            .iter()
            .filter(|known| covers(&known.check, check))
            .map(|known| KnownMatch {
                known: &known.value,
                expired: known.expires.is_some_and(|day| day <= today),
            })
            .min_by_key(|found| (found.expired, found.known.check != check))
    }

    /// What the profile says of a capability. If it says nothing, the capability's own default:
    /// `no` for those that one opts in to, else `probe`.
    pub fn capability(&self, name: &str) -> Capability {
        self.capabilities.get(name).copied().unwrap_or_else(|| {
            match capability::named(name).and_then(|word| word.opt_in) {
                Some(_) => Capability::No,
                None => Capability::Probe,
            }
        })
    }
}
