//! `created_stable`: every chunk has the same `created`, a whole number.
//!
//! # Why
//!
//! `created` is when the reply began. Typed clients read it as an integer and fail on anything
//! else; a value that moves makes one reply look like several in logs and traces.
//!
//! # Example
//!
//! ```yaml
//! expect:
//!   - stream: created_stable
//! ```

use serde_json::Value;

use super::look::Look;
use super::stable::stable;
use crate::verdict::Judgement;

pub(super) fn judge(look: &Look<'_>, _: &Value) -> Judgement {
    stable(look, look.chunks(), "created", "a whole number of seconds", Value::is_u64)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::assert::kit::*;

    #[test]
    fn a_moving_time_and_a_fraction_are_each_shown() {
        holds("{stream: created_stable}", chunks(&sound()));
        for wrong in
            [json!(1_700_000_001), json!(1_700_000_000.5), json!("1700000000"), json!(null)]
        {
            let mut stream = sound();
            stream[2]["created"] = wrong.clone();
            assert_eq!(fails("{stream: created_stable}", chunks(&stream)).len(), 1, "{wrong}");
        }
    }
}
