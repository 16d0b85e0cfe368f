//! Proportions, with exact (Clopper-Pearson) bounds.
//!
//! C. J. Clopper and E. S. Pearson, "The use of confidence or fiducial limits illustrated in the
//! case of the binomial", Biometrika 26 (1934). The bounds are quantiles of the beta distribution;
//! they never promise more than the attempts can carry.

use statrs::distribution::{Beta, ContinuousCDF};

/// Both ends of an interval for a proportion.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The lower end, 0 to 1.
    pub low: f64,
    /// The upper end, 0 to 1.
    pub high: f64,
}

/// The two-sided interval for `held` of `n` at `confidence` (0.95 for 95 %). `held` is at most
/// `n`; with no attempts the interval is everything.
pub fn clopper_pearson(held: u32, n: u32, confidence: f64) -> Interval {
    let tail = (1.0 - confidence) / 2.0;
    Interval { low: lower(held, n, tail), high: upper(held, n, tail) }
}

/// The one-sided lower bound: the share is at least this, at `confidence`.
pub fn lower_bound(held: u32, n: u32, confidence: f64) -> f64 {
    lower(held, n, 1.0 - confidence)
}

/// The one-sided upper bound: the share is at most this, at `confidence`.
pub fn upper_bound(held: u32, n: u32, confidence: f64) -> f64 {
    upper(held, n, 1.0 - confidence)
}

fn lower(held: u32, n: u32, tail: f64) -> f64 {
    assert!(held <= n, "no more attempts can hold than were made");
    if held == 0 {
        return 0.0;
    }
    let failed = n - held;
    Beta::new(f64::from(held), f64::from(failed) + 1.0).map_or(0.0, |beta| beta.inverse_cdf(tail))
}

fn upper(held: u32, n: u32, tail: f64) -> f64 {
    assert!(held <= n, "no more attempts can hold than were made");
    let failed = n - held;
    if failed == 0 {
        return 1.0;
    }
    Beta::new(f64::from(held) + 1.0, f64::from(failed))
        .map_or(1.0, |beta| beta.inverse_cdf(1.0 - tail))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() < 5e-4
    }

    /// With no failures the bound has a closed form: `tail^(1/n)`.
    #[test]
    fn forty_of_forty_proves_less_than_93_percent() {
        assert!(close(lower_bound(40, 40, 0.95), 0.05_f64.powf(1.0 / 40.0)));
        assert!(lower_bound(40, 40, 0.95) < 0.93);
        assert!(lower_bound(58, 58, 0.95) < 0.95 && lower_bound(59, 59, 0.95) > 0.95);
        assert!(lower_bound(298, 298, 0.95) < 0.99 && lower_bound(299, 299, 0.95) > 0.99);
    }

    /// P(X <= 35) is 4.8 % and P(X <= 36) is 13.8 % for n = 40 at 95 %.
    #[test]
    fn thirty_five_of_forty_refutes_95_percent_and_36_does_not() {
        assert!(upper_bound(35, 40, 0.95) < 0.95);
        assert!(upper_bound(36, 40, 0.95) > 0.95);
    }

    /// Values of the two-sided interval from R's `binom.test(8, 10)`.
    #[test]
    fn eight_of_ten_agrees_with_r() {
        let interval = clopper_pearson(8, 10, 0.95);
        assert!(close(interval.low, 0.4439) && close(interval.high, 0.9748), "{interval:?}");
    }

    #[test]
    fn no_attempts_say_nothing() {
        assert_eq!(clopper_pearson(0, 0, 0.95), Interval { low: 0.0, high: 1.0 });
    }
}
