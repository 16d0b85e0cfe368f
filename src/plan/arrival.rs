//! When requests start.
//!
//! A pace is an iterator of due times, counted from the start of the load. It never sleeps and
//! never looks at a clock, so the driver has one loop for every process, and a plan can be printed,
//! plotted and tested without sending anything.
//!
//! Every process is a *unit process* (arrivals of rate 1: even, Poisson, gamma) seen through a
//! *cumulative intensity*: the k-th arrival is at the time by which so much intensity has passed.
//! That is how a Poisson process of varying rate is made exactly, and even spacing does not drift.

use fastrand::Rng;

use super::random::{exponential, gamma};
use super::trace::nanos;
use super::{Arrival, Burst, Ramp, Spacing, Steps, TraceRow};
use crate::units::Nanos;

/// Due times of an open process, in order. Infinite unless the process ends by itself.
#[derive(Clone, Debug)]
pub struct Pace {
    unit: Unit,
    intensity: Intensity,
    rng: Rng,
}

/// Arrivals of rate 1.
#[derive(Clone, Debug)]
enum Unit {
    /// 0, 1, 2, …
    Even { next: u64 },
    /// Sums of gaps of mean 1; the shape is that of the gamma distribution, 1 for Poisson.
    Random { sum: f64, shape: f64 },
}

/// From the amount of intensity passed to the time in seconds.
#[derive(Clone, Debug)]
enum Intensity {
    Constant {
        rate: f64,
    },
    Ramp {
        from: f64,
        to: f64,
        over: f64,
    },
    /// (rate, seconds), in order.
    Steps(Vec<(f64, f64)>),
    Bursts {
        size: u32,
        every: Nanos,
    },
    Times(Vec<Nanos>),
}

impl Pace {
    /// The due times of an open process; `None` for users in a closed loop. `trace` holds the rows
    /// of the plan's trace, already scaled.
    pub fn of(arrival: &Arrival, trace: &[TraceRow], seed: u64) -> Option<Self> {
        let even = Unit::Even { next: 0 };
        let random = |shape| Unit::Random { sum: 0.0, shape };
        let spaced = |spacing| match spacing {
            Spacing::Even => Unit::Even { next: 0 },
            Spacing::Poisson => random(1.0),
        };
        let (unit, intensity) = match arrival {
            Arrival::Closed(_) => return None,
            Arrival::Constant(rate) => (even, Intensity::Constant { rate: rate.rate }),
            Arrival::Poisson(rate) => (random(1.0), Intensity::Constant { rate: rate.rate }),
            Arrival::Gamma(g) => (random(g.burstiness), Intensity::Constant { rate: g.rate }),
            Arrival::Ramp(Ramp { from, to, over, spacing }) => {
                let over = over.0.as_secs_f64();
                (spaced(*spacing), Intensity::Ramp { from: *from, to: *to, over })
            }
            Arrival::Steps(Steps { steps, spacing }) => {
                let list = steps.iter().map(|step| (step.rate, step.lasts.0.as_secs_f64()));
                (spaced(*spacing), Intensity::Steps(list.collect()))
            }
            Arrival::Burst(Burst { size, every }) => {
                (even, Intensity::Bursts { size: *size, every: every.0 })
            }
            Arrival::Trace(_) => (even, Intensity::Times(trace.iter().map(|row| row.at).collect())),
        };
        // A stream of its own: lengths and prompts do not move when the arrivals change.
        Some(Self { unit, intensity, rng: Rng::with_seed(seed ^ 0x6172_7269_7661_6c73) })
    }
}

impl Iterator for Pace {
    type Item = Nanos;

    fn next(&mut self) -> Option<Nanos> {
        let (number, passed) = match &mut self.unit {
            Unit::Even { next } => {
                let number = *next;
                *next += 1;
                #[expect(clippy::cast_precision_loss, reason = "2^53 requests are enough")]
                let passed = number as f64;
                (number, passed)
            }
            Unit::Random { sum, shape } => {
                #[expect(clippy::float_cmp, reason = "exactly 1 is the exponential")]
                let gap = if *shape == 1.0 {
                    exponential(&mut self.rng)
                } else {
                    gamma(&mut self.rng, *shape)
                };
                *sum += gap;
                (0, *sum)
            }
        };
        self.intensity.time(number, passed)
    }
}

impl Intensity {
    fn time(&self, number: u64, passed: f64) -> Option<Nanos> {
        match self {
            Self::Constant { rate } => Some(nanos(passed / rate)),
            Self::Ramp { from, to, over } => ramp(*from, *to, *over, passed).map(nanos),
            Self::Steps(steps) => {
                let mut left = passed;
                let mut start = 0.0;
                for (rate, lasts) in steps {
                    let here = rate * lasts;
                    if left < here {
                        return Some(nanos(start + left / rate));
                    }
                    left -= here;
                    start += lasts;
                }
                None
            }
            Self::Bursts { size, every } => {
                let nth = number / u64::from(*size).max(1);
                Some(Nanos(every.0.saturating_mul(nth)))
            }
            Self::Times(times) => {
                usize::try_from(number).ok().and_then(|number| times.get(number)).copied()
            }
        }
    }
}

/// When `passed` has accumulated under a rate that goes from `from` to `to` over `over` seconds and
/// then stays. The rate's integral is a parabola; this is its root, in the form that does not
/// cancel for small differences.
fn ramp(from: f64, to: f64, over: f64, passed: f64) -> Option<f64> {
    let whole = f64::midpoint(from, to) * over;
    if over > 0.0 && passed < whole {
        let slope = (to - from) / over;
        let root = (from * from + 2.0 * slope * passed).max(0.0).sqrt();
        let sum = from + root;
        return Some(if sum > 0.0 { 2.0 * passed / sum } else { 0.0 });
    }
    (to > 0.0).then(|| over + (passed - whole) / to)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Gamma, Rate, Span, StepRate};

    fn pace(arrival: &Arrival, seed: u64) -> Pace {
        Pace::of(arrival, &[], seed).unwrap()
    }

    fn seconds(arrival: &Arrival, count: usize) -> Vec<f64> {
        pace(arrival, 3).take(count).map(Nanos::as_secs_f64).collect()
    }

    #[test]
    fn constant_arrivals_do_not_drift() {
        let thousandth = pace(&Arrival::Constant(Rate { rate: 3.0 }), 0).nth(3_000).unwrap();
        assert_eq!(thousandth, Nanos(1_000_000_000_000));
    }

    #[test]
    fn the_schedule_is_a_function_of_plan_and_seed() {
        for arrival in [
            Arrival::Poisson(Rate { rate: 50.0 }),
            Arrival::Gamma(Gamma { rate: 50.0, burstiness: 0.3 }),
        ] {
            let of = |seed| pace(&arrival, seed).take(100).collect::<Vec<_>>();
            assert_eq!(of(1), of(1));
            assert_ne!(of(1), of(2));
        }
    }

    #[test]
    fn random_processes_keep_the_rate_and_gamma_its_burstiness() {
        let spread = |arrival: &Arrival| {
            let times = seconds(arrival, 50_001);
            let gaps: Vec<f64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
            let mean = gaps.iter().sum::<f64>() / 50_000.0;
            let variance = gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / 50_000.0;
            assert!((mean * 100.0 - 1.0).abs() < 0.03, "{arrival:?}: {mean}");
            variance / mean.powi(2)
        };
        let poisson = spread(&Arrival::Poisson(Rate { rate: 100.0 }));
        let bursty = spread(&Arrival::Gamma(Gamma { rate: 100.0, burstiness: 0.25 }));
        let even = spread(&Arrival::Gamma(Gamma { rate: 100.0, burstiness: 10.0 }));
        assert!((poisson - 1.0).abs() < 0.05, "{poisson}");
        assert!((bursty - 4.0).abs() < 0.3, "{bursty}");
        assert!((even - 0.1).abs() < 0.01, "{even}");
    }

    #[test]
    fn a_ramp_starts_as_many_as_its_rate_sums_up_to() {
        let arrival = Arrival::Ramp(Ramp {
            from: 0.0,
            to: 100.0,
            over: Span::secs(10),
            spacing: Spacing::Even,
        });
        let times = seconds(&arrival, 1_000);
        let before = |at: f64| times.iter().filter(|time| **time < at).count();
        // The integral of 10 t: 125 by 5 s, 500 by 10 s; then 100 each second.
        assert_eq!((before(5.0), before(10.0)), (125, 500));
        assert_eq!(before(12.0), 700);
        let down = Ramp { from: 20.0, to: 0.0, over: Span::secs(10), spacing: Spacing::Even };
        assert_eq!(pace(&Arrival::Ramp(down), 0).count(), 100);
    }

    #[test]
    fn steps_follow_each_other_and_end() {
        let step = |rate, lasts| StepRate { rate, lasts: Span::secs(lasts) };
        let steps = Steps {
            steps: vec![step(10.0, 2), step(0.0, 1), step(100.0, 1)],
            spacing: Spacing::Even,
        };
        let times = seconds(&Arrival::Steps(steps), 1_000);
        assert_eq!(times.len(), 120);
        assert!(times.iter().all(|time| !(2.0..3.0).contains(time)));
    }

    #[test]
    fn a_burst_is_due_at_one_moment() {
        let arrival = Arrival::Burst(Burst { size: 3, every: Span::secs(2) });
        assert_eq!(seconds(&arrival, 7), [0.0, 0.0, 0.0, 2.0, 2.0, 2.0, 4.0]);
    }

    #[test]
    fn due_times_never_go_back() {
        let ramp = Ramp { from: 500.0, to: 5.0, over: Span::secs(3), spacing: Spacing::Poisson };
        for arrival in [Arrival::Ramp(ramp), Arrival::Poisson(Rate { rate: 1e6 })] {
            let times: Vec<_> = pace(&arrival, 9).take(2_000).collect();
            assert!(times.is_sorted());
        }
    }
}
