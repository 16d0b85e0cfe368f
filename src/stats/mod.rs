//! Statistics of measurements. So far: proportions.

mod proportion;

pub use proportion::{Interval, clopper_pearson, lower_bound, upper_bound};
