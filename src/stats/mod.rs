//! Statistics of measurements. So far: proportions.

mod pass;
mod proportion;

pub use pass::{pass_all, pass_at};
pub use proportion::{Interval, clopper_pearson, lower_bound, upper_bound};
