//! SGLang.

use super::Habit;

pub(super) const HABITS: &[Habit] = &[];
