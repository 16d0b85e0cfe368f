//! How long prompts and replies are: a number, or a distribution of numbers.

use fastrand::Rng;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::random::normal;

/// More tokens than any model reads; a plan that says so has a slip in it.
const TOKENS_MAX: u32 = 10_000_000;

/// Token counts: one number, or a distribution.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Lengths {
    /// Always this many.
    Fixed(u32),
    /// From a distribution.
    Drawn(Distribution),
}

/// A distribution of token counts.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Distribution {
    /// Every number from `min` to `max` is as likely.
    Uniform(Uniform),
    /// The normal distribution, cut to its bounds.
    Normal(Bell),
    /// The lognormal distribution with this mean and deviation of the counts themselves, cut to
    /// its bounds. Lengths of real prompts look like this.
    Lognormal(Bell),
    /// These values, each as likely; a value may come more than once.
    Values(Vec<u32>),
}

/// A range, both ends included.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Uniform {
    /// The smallest.
    pub min: u32,
    /// The largest.
    pub max: u32,
}

/// A mean, a standard deviation, and bounds.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Bell {
    /// The mean.
    #[schemars(range(min = 0))]
    pub mean: f64,
    /// The standard deviation.
    #[schemars(range(min = 0))]
    pub sd: f64,
    /// Nothing smaller is drawn; 1 if absent.
    #[serde(default)]
    pub min: Option<u32>,
    /// Nothing larger is drawn.
    #[serde(default)]
    pub max: Option<u32>,
}

impl Lengths {
    /// The next number; at least 1.
    pub fn draw(&self, rng: &mut Rng) -> u32 {
        let drawn = match self {
            Self::Fixed(count) => *count,
            Self::Drawn(Distribution::Uniform(range)) => {
                rng.u32(range.min.min(range.max)..=range.max)
            }
            Self::Drawn(Distribution::Normal(bell)) => bell.cut(bell.mean + bell.sd * normal(rng)),
            Self::Drawn(Distribution::Lognormal(bell)) => {
                // Moments of the counts, turned into those of their logarithm.
                let spread = (1.0 + (bell.sd / bell.mean.max(1e-9)).powi(2)).ln();
                let centre = bell.mean.max(1e-9).ln() - spread / 2.0;
                bell.cut((centre + spread.sqrt() * normal(rng)).exp())
            }
            Self::Drawn(Distribution::Values(values)) => {
                rng.choice(values).copied().unwrap_or_default()
            }
        };
        drawn.clamp(1, TOKENS_MAX)
    }

    /// What is wrong with it, if anything.
    pub(super) fn problem(&self) -> Option<String> {
        match self {
            Self::Fixed(0) => Some("a length is at least 1".to_owned()),
            Self::Drawn(Distribution::Uniform(range)) if range.min > range.max => {
                Some(format!("`min` {} is larger than `max` {}", range.min, range.max))
            }
            Self::Drawn(Distribution::Values(values)) if values.is_empty() => {
                Some("`values` is empty".to_owned())
            }
            _ => {
                let most = match self {
                    Self::Fixed(count) => Some(*count),
                    Self::Drawn(Distribution::Uniform(range)) => Some(range.max),
                    Self::Drawn(Distribution::Values(values)) => values.iter().copied().max(),
                    Self::Drawn(Distribution::Normal(_) | Distribution::Lognormal(_)) => None,
                };
                most.filter(|most| *most > TOKENS_MAX).map(|most| {
                    format!("{most} tokens are more than the {TOKENS_MAX} that are allowed")
                })
            }
        }
    }
}

impl Bell {
    fn cut(&self, value: f64) -> u32 {
        let low = f64::from(self.min.unwrap_or(1));
        let high = f64::from(self.max.unwrap_or(u32::MAX));
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "clamped to the range of u32 just before"
        )]
        let count = value.round().clamp(low.min(high), high) as u32;
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_draws_the_same_lengths_and_the_mean_is_kept() {
        let bell = Bell { mean: 400.0, sd: 200.0, min: None, max: None };
        for lengths in [
            Lengths::Drawn(Distribution::Lognormal(bell.clone())),
            Lengths::Drawn(Distribution::Normal(Bell { sd: 50.0, ..bell })),
            Lengths::Drawn(Distribution::Uniform(Uniform { min: 300, max: 500 })),
        ] {
            let draw = |seed| {
                let mut rng = Rng::with_seed(seed);
                (0..20_000).map(|_| lengths.draw(&mut rng)).collect::<Vec<_>>()
            };
            assert_eq!(draw(7), draw(7));
            let mean = draw(7).iter().map(|n| f64::from(*n)).sum::<f64>() / 20_000.0;
            assert!((mean - 400.0).abs() < 8.0, "{lengths:?}: {mean}");
        }
    }

    #[test]
    fn bounds_are_kept() {
        let bell = Bell { mean: 10.0, sd: 100.0, min: Some(5), max: Some(20) };
        let lengths = Lengths::Drawn(Distribution::Normal(bell));
        let mut rng = Rng::with_seed(1);
        assert!((0..1_000).all(|_| (5..=20).contains(&lengths.draw(&mut rng))));
    }
}
