//! Whether a run was in a steady state inside its window.
//!
//! Two questions, asked of the series of whole seconds inside the window. Does the start still belong
//! to the warm-up? That is MSER (White 1997): of all cuts of the start, the one that leaves the
//! smallest standard error of the mean; each second is a batch, as the batches of five are in MSER-5.
//! And does what is left rise or fall? That is the trend test of Mann and Kendall, with the slope of
//! Theil and Sen to say how much. A trend counts when it is no chance and large enough to matter: a
//! series of seconds is correlated, and the test alone would find trends everywhere.

use statrs::distribution::{ContinuousCDF as _, Normal};

use crate::record::load::{Second, Steadiness, Trend};

/// Fewer seconds are not judged.
const SECONDS_MIN: usize = 10;
/// More are not compared pair by pair; they are averaged first.
const POINTS_MAX: usize = 600;
/// A trend of chance is found as seldom as this.
const P_MAX: f64 = 0.01;
/// And must change the series by this share of its median over the window.
const CHANGE_MIN: f64 = 0.2;

/// Judges the seconds of a window; `None` when there are too few of them.
pub(super) fn judge(seconds: &[Second]) -> Option<Steadiness> {
    if seconds.len() < SECONDS_MIN {
        return None;
    }
    #[expect(clippy::cast_precision_loss, reason = "counts of one second")]
    let series: [(&str, Vec<f64>); 3] = [
        ("in_flight", seconds.iter().map(|second| second.in_flight).collect()),
        ("ttft_ms_p50", seconds.iter().filter_map(|second| second.ttft_ms_p50).collect()),
        ("token_events", seconds.iter().map(|second| second.token_events as f64).collect()),
    ];
    let trends: Vec<Trend> = series
        .into_iter()
        .filter(|(_, values)| values.len() >= SECONDS_MIN)
        .map(|(name, values)| trend(name, &thinned(values)))
        .collect();
    let stationary = trends.iter().all(|trend| !trend.found && !trend.unsettled);
    Some(Steadiness { stationary, seconds: seconds.len(), trends })
}

/// Neighbours averaged, so that comparing every pair stays cheap.
fn thinned(values: Vec<f64>) -> Vec<f64> {
    let of_each = values.len().div_ceil(POINTS_MAX);
    if of_each == 1 { values } else { values.chunks(of_each).map(mean).collect() }
}

fn trend(name: &str, values: &[f64]) -> Trend {
    // What only gets better the more is cut off has no settled part: then all of it is looked at.
    let cut = Some(mser(values)).filter(|cut| *cut < values.len() / 2).unwrap_or(0);
    let (start, rest) = values.split_at(cut);
    let middle = median(rest.to_vec());
    let (tau, p) = mann_kendall(rest);
    #[expect(clippy::cast_precision_loss, reason = "at most some hundred points")]
    let change = slope(rest) * rest.len().saturating_sub(1) as f64;
    let matters = |by: f64| by.abs() > CHANGE_MIN * middle.abs().max(f64::MIN_POSITIVE);
    Trend {
        series: name.to_owned(),
        tau,
        p,
        change,
        median: middle,
        found: p < P_MAX && matters(change),
        cut,
        unsettled: cut > 0 && matters(mean(start) - mean(rest)),
    }
}

/// How many points to cut off the start; at most half.
pub(super) fn mser(values: &[f64]) -> usize {
    let half = values.len() / 2;
    let error = |cut: usize| {
        let rest = values.get(cut..).unwrap_or_default();
        let middle = mean(rest);
        #[expect(clippy::cast_precision_loss, reason = "at most some hundred points")]
        let n = rest.len() as f64;
        rest.iter().map(|value| (value - middle).powi(2)).sum::<f64>() / (n * n)
    };
    (0..=half).min_by(|a, b| error(*a).total_cmp(&error(*b))).unwrap_or(0)
}

/// Kendall's tau of the series against time, and how likely one as far from 0 is by chance.
pub(super) fn mann_kendall(values: &[f64]) -> (f64, f64) {
    let mut score = 0_i64;
    for (at, later) in values.iter().enumerate() {
        for earlier in values.iter().take(at) {
            score += i64::from(later > earlier) - i64::from(later < earlier);
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "at most some hundred points")]
    let (n, score) = (values.len() as f64, score as f64);
    let pairs = n * (n - 1.0) / 2.0;
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    #[expect(clippy::cast_precision_loss, reason = "at most some hundred points")]
    let ties: f64 = sorted
        .chunk_by(|a, b| a.total_cmp(b).is_eq())
        .map(|tied| tied.len() as f64)
        .map(|tied| tied * (tied - 1.0) * (2.0 * tied + 5.0))
        .sum();
    let variance = (n * (n - 1.0) * (2.0 * n + 5.0) - ties) / 18.0;
    if variance <= 0.0 || pairs <= 0.0 {
        return (0.0, 1.0);
    }
    let z = (score.abs() - 1.0).max(0.0) / variance.sqrt();
    (score / pairs, 2.0 * (1.0 - Normal::standard().cdf(z)))
}

/// The median slope of all pairs (Theil and Sen).
pub(super) fn slope(values: &[f64]) -> f64 {
    let mut slopes = Vec::new();
    for (at, later) in values.iter().enumerate() {
        for (before, earlier) in values.iter().enumerate().take(at) {
            #[expect(clippy::cast_precision_loss, reason = "at most some hundred points")]
            slopes.push((later - earlier) / (at - before) as f64);
        }
    }
    median(slopes)
}

fn median(mut values: Vec<f64>) -> f64 {
    let middle = values.len() / 2;
    if values.is_empty() {
        return 0.0;
    }
    *values.select_nth_unstable_by(middle, f64::total_cmp).1
}

fn mean(values: &[f64]) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "at most some hundred points")]
    let n = values.len().max(1) as f64;
    values.iter().sum::<f64>() / n
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Noise without a trend, the same every time.
    fn noise(count: usize) -> Vec<f64> {
        let mut rng = fastrand::Rng::with_seed(11);
        (0..count).map(|_| 100.0 + 10.0 * (rng.f64() - 0.5)).collect()
    }

    fn seconds(ttft: &[f64]) -> Vec<Second> {
        let of = |ttft: &f64| Second {
            ttft_ms_p50: Some(*ttft),
            in_flight: 4.0,
            token_events: 100,
            ..Second::default()
        };
        ttft.iter().map(of).collect()
    }

    #[test]
    fn noise_is_stationary() {
        let steady = judge(&seconds(&noise(60))).unwrap();
        assert!(steady.stationary, "{steady:?}");
        assert_eq!(steady.seconds, 60);
    }

    #[test]
    fn a_rise_is_found_with_its_size() {
        let rising: Vec<f64> =
            noise(60).iter().zip(0_u8..).map(|(value, at)| value + f64::from(at)).collect();
        let steady = judge(&seconds(&rising)).unwrap();
        let ttft = steady.trends.iter().find(|trend| trend.series == "ttft_ms_p50").unwrap();
        assert!(!steady.stationary && ttft.tau > 0.8 && ttft.p < 1e-6, "{ttft:?}");
        assert!(ttft.found && ttft.change > 50.0);
        // The other series did not move, and are not blamed.
        assert!(
            steady.trends.iter().filter(|trend| trend.series != "ttft_ms_p50").all(|t| !t.found)
        );
    }

    #[test]
    fn a_start_that_differs_is_cut_off() {
        let mut late = noise(40);
        for value in late.iter_mut().take(7) {
            *value *= 5.0;
        }
        assert_eq!(mser(&late), 7);
        let steady = judge(&seconds(&late)).unwrap();
        let ttft = steady.trends.iter().find(|trend| trend.series == "ttft_ms_p50").unwrap();
        assert!(!steady.stationary && ttft.unsettled && !ttft.found && ttft.cut == 7, "{ttft:?}");
    }

    #[test]
    fn the_tests_give_the_numbers_of_a_textbook() {
        // Ten values without ties, one pair of neighbours exchanged: 43 of 45 pairs agree net.
        let values = [1.0, 2.0, 3.0, 5.0, 4.0, 6.0, 7.0, 8.0, 9.0, 10.0];
        let (tau, p) = mann_kendall(&values);
        assert!((tau - 43.0 / 45.0).abs() < 1e-12);
        // z = 42 / sqrt(125) = 3.7566
        assert!((p - 1.722e-4).abs() < 1e-6, "{p}");
        assert!((slope(&[1.0, 3.0, 5.0, 7.0, 100.0]) - 2.0).abs() < 1e-12);
        assert_eq!(mann_kendall(&[4.0; 12]), (0.0, 1.0));
    }

    #[test]
    fn too_few_seconds_are_not_judged() {
        assert!(judge(&seconds(&noise(9))).is_none());
    }
}
