//! How long somebody thinks: a span, or a distribution of spans.

use fastrand::Rng;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Span;
use super::random::{exponential, normal};
use super::trace::nanos;
use crate::units::Nanos;

/// A pause: one span, or a distribution.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Pause {
    /// Always this long.
    Fixed(Span),
    /// From a distribution.
    Drawn(PauseDistribution),
}

/// A distribution of pauses.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum PauseDistribution {
    /// Every span between the two is as likely.
    Uniform(Between),
    /// The exponential distribution.
    Exponential(Mean),
    /// The lognormal distribution with this mean and deviation of the spans themselves: how long
    /// people read and write.
    Lognormal(Spread),
}

/// Two bounds.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Between {
    /// The shortest.
    pub min: Span,
    /// The longest.
    pub max: Span,
}

/// A mean, and the longest.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Mean {
    /// The mean.
    pub mean: Span,
    /// Nothing longer is drawn.
    #[serde(default)]
    pub max: Option<Span>,
}

/// A mean, a deviation, and the longest.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Spread {
    /// The mean.
    pub mean: Span,
    /// The standard deviation.
    pub sd: Span,
    /// Nothing longer is drawn.
    #[serde(default)]
    pub max: Option<Span>,
}

impl Default for Pause {
    fn default() -> Self {
        Self::Fixed(Span::default())
    }
}

impl Pause {
    /// The next pause.
    pub fn draw(&self, rng: &mut Rng) -> Nanos {
        let (drawn_s, most) = match self {
            Self::Fixed(span) => return span.0,
            Self::Drawn(PauseDistribution::Uniform(Between { min, max })) => {
                let (low, high) = (min.0.as_secs_f64(), max.0.as_secs_f64());
                (low + (high - low) * rng.f64(), Some(*max))
            }
            Self::Drawn(PauseDistribution::Exponential(Mean { mean, max })) => {
                (mean.0.as_secs_f64() * exponential(rng), *max)
            }
            Self::Drawn(PauseDistribution::Lognormal(Spread { mean, sd, max })) => {
                let (mean, sd) = (mean.0.as_secs_f64().max(1e-9), sd.0.as_secs_f64());
                let spread = (1.0 + (sd / mean).powi(2)).ln();
                ((mean.ln() - spread / 2.0 + spread.sqrt() * normal(rng)).exp(), *max)
            }
        };
        let drawn = nanos(drawn_s);
        most.map_or(drawn, |most| drawn.min(most.0))
    }

    /// What is wrong with it, if anything.
    pub(super) fn problem(&self) -> Option<String> {
        match self {
            Self::Drawn(PauseDistribution::Uniform(Between { min, max })) if min > max => {
                Some("`min` is longer than `max`".to_owned())
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_is_kept_and_so_is_the_bound() {
        let (mean, sd) = (Span::secs(10), Span::secs(5));
        for pause in [
            PauseDistribution::Uniform(Between { min: Span::secs(5), max: Span::secs(15) }),
            PauseDistribution::Exponential(Mean { mean, max: None }),
            PauseDistribution::Lognormal(Spread { mean, sd, max: None }),
        ] {
            let mut rng = Rng::with_seed(3);
            let pause = Pause::Drawn(pause);
            let sum: f64 = (0..20_000).map(|_| pause.draw(&mut rng).as_secs_f64()).sum();
            assert!((sum / 20_000.0 - 10.0).abs() < 0.3, "{pause:?}: {sum}");
        }
        let most = Some(Span::secs(1));
        let cut = Pause::Drawn(PauseDistribution::Exponential(Mean { mean, max: most }));
        let mut rng = Rng::with_seed(3);
        assert!((0..500).all(|_| cut.draw(&mut rng) <= Span::secs(1).0));
    }
}
