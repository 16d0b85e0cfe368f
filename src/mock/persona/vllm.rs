//! vLLM 0.32.

use super::Habit;

pub(super) const HABITS: &[Habit] = &[];
