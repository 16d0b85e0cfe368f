//! Statistics of measurements: proportions and quantiles, with bounds.

mod pass;
mod proportion;
mod quantile;

pub use pass::{pass_all, pass_at};
pub use proportion::{Interval, clopper_pearson, lower_bound, upper_bound};
pub use quantile::{quantile_ranks, values_needed};
