//! How strongly a rule binds, and what became of a case.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How strongly a rule binds (RFC 2119).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Breaking it breaks a mainstream client, or a property the specification requires.
    Must,
    /// Documented behaviour that some clients rely on.
    Should,
    /// Worth knowing; never fails a run.
    May,
}

impl Level {
    /// `must`, `should` or `may`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Must => "must",
            Self::Should => "should",
            Self::May => "may",
        }
    }

    /// What a broken rule of this level makes of its case.
    pub const fn when_broken(self) -> Verdict {
        match self {
            Self::Must => Verdict::Fail,
            Self::Should => Verdict::Warn,
            Self::May => Verdict::Info,
        }
    }
}

/// What became of a case.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// A `must` was broken.
    Fail,
    /// The harness or the network, not the endpoint, kept the case from being judged.
    Error,
    /// A known deviation no longer deviates; its entry should go.
    XPass,
    /// A `should` was broken.
    Warn,
    /// What the case asks about never came up, or the evidence does not decide it.
    Inconclusive,
    /// A known deviation, with a reason and an expiry.
    XFail,
    /// A `may` was not met; nothing is wrong.
    Info,
    /// The endpoint refused the feature cleanly.
    Unsupported,
    /// The profile says the endpoint does not offer the feature.
    Skipped,
    /// Everything held.
    Pass,
}

impl Verdict {
    /// Every verdict, gravest first.
    pub const ALL: [Self; 10] = [
        Self::Fail,
        Self::Error,
        Self::XPass,
        Self::Warn,
        Self::Inconclusive,
        Self::XFail,
        Self::Info,
        Self::Unsupported,
        Self::Skipped,
        Self::Pass,
    ];

    /// Lower-case name, as in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Warn => "warn",
            Self::Fail => "fail",
            Self::Info => "info",
            Self::Inconclusive => "inconclusive",
            Self::Unsupported => "unsupported",
            Self::Skipped => "skipped",
            Self::XFail => "xfail",
            Self::XPass => "xpass",
            Self::Error => "error",
        }
    }

    /// Whether the case applied to this endpoint at all.
    pub const fn is_applicable(self) -> bool {
        !matches!(self, Self::Skipped | Self::Unsupported)
    }

    /// Whether the case was decided, one way or the other.
    pub const fn is_decided(self) -> bool {
        self.is_applicable() && !matches!(self, Self::Inconclusive | Self::Error)
    }
}
