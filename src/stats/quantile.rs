//! Quantiles of a sample: how sure they are, and how many values they need.
//!
//! Intervals are those of order statistics: the number of values below a quantile is binomial
//! whatever the distribution, so its bounds are ranks (H. A. David and H. N. Nagaraja, "Order
//! Statistics", 3rd ed., 7.1). They hold for independent values; values of one stream are not.

use statrs::distribution::{Binomial, DiscreteCDF};

/// How many values a quantile needs, so that at `confidence` the largest of them is not below it.
///
/// With fewer, the sample holds no upper bound of the quantile at all: a p99 of 50 values is one
/// request's bad luck. 29 for p90, 299 for p99, 2995 for p99.9 at 95 %.
pub fn values_needed(quantile: f64, confidence: f64) -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a logarithm's ratio, positive, and small for any quantile that is used"
    )]
    let needed = ((1.0 - confidence).ln() / quantile.ln()).ceil() as u64;
    needed.max(1)
}

/// The ranks, from 1, between whose values the quantile lies at `confidence`. `None` where the
/// sample of `n` holds no such bounds.
pub fn quantile_ranks(n: u64, quantile: f64, confidence: f64) -> Option<(u64, u64)> {
    let tail = (1.0 - confidence) / 2.0;
    let below = Binomial::new(quantile, n).ok()?;
    // P(the value of rank r is above the quantile) = P(at most r - 1 values are below it).
    let low = last(n, |rank| below.cdf(rank - 1) <= tail)?;
    let high = last(n, |rank| below.cdf(rank - 1) < 1.0 - tail).map_or(1, |rank| rank + 1);
    (high <= n).then_some((low, high))
}

/// The last rank of 1 to `n` for which a condition holds that holds up to some rank.
fn last(n: u64, holds: impl Fn(u64) -> bool) -> Option<u64> {
    let (mut yes, mut no) = (0, n + 1);
    while no - yes > 1 {
        let middle = u64::midpoint(yes, no);
        if holds(middle) {
            yes = middle;
        } else {
            no = middle;
        }
    }
    (yes > 0).then_some(yes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_needed_are_those_of_the_textbook() {
        let needed = [0.5, 0.9, 0.95, 0.99, 0.999].map(|q| values_needed(q, 0.95));
        assert_eq!(needed, [5, 29, 59, 299, 2995]);
    }

    /// Table of D. J. Hollander and M. Wolfe for the median at about 95 %: n = 20 gives ranks 6, 15.
    #[test]
    fn the_median_of_twenty_lies_between_the_6th_and_the_15th() {
        assert_eq!(quantile_ranks(20, 0.5, 0.95), Some((6, 15)));
        assert_eq!(quantile_ranks(50, 0.99, 0.95), None);
        let (low, high) = quantile_ranks(10_000, 0.99, 0.95).unwrap();
        assert!((9_878..9_884).contains(&low) && (9_917..9_923).contains(&high), "{low} {high}");
    }
}
