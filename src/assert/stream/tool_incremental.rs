//! `tool_incremental`: the arguments of a tool call arrive while they are being made.
//!
//! The longest call must come in at least `min_fragments` fragments (4), over at least the share
//! `spread` (0.3) of the time from request to end. Arguments of less than 40 characters, or an
//! answer in less than 20 ms, tell nothing.
//!
//! # Why
//!
//! A call whose arguments come in one block cannot be shown as it grows, and a long one looks like
//! a stall.
//!
//! # Example
//!
//! ```yaml
//! expect:
//!   - stream: {tool_incremental: {min_fragments: 4, spread: 0.3}}
//!     level: should
//! ```

use serde::Deserialize;
use serde_json::Value;

use super::NO_CALL;
use super::call::calls;
use super::incremental::TOO_SHORT;
use super::look::{Look, evidence};
use crate::text::plural;
use crate::verdict::Judgement;

/// Shorter arguments may be one token or two.
const CHARS_MIN: usize = 40;

/// How far apart fragments must arrive.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Spread {
    /// How many fragments at least.
    min_fragments: usize,
    /// Over which share of the whole time at least, 0 to 1.
    spread: f64,
}

impl Default for Spread {
    fn default() -> Self {
        Self { min_fragments: 4, spread: 0.3 }
    }
}

fn read(setting: &Value) -> Result<Spread, String> {
    if setting.is_null() {
        return Ok(Spread::default());
    }
    let spread: Spread =
        serde_json::from_value(setting.clone()).map_err(|error| error.to_string())?;
    if (0.0..=1.0).contains(&spread.spread) {
        Ok(spread)
    } else {
        Err(format!("`spread` is a share from 0 to 1, not {}", spread.spread))
    }
}

pub(super) fn check(setting: &Value) -> Result<(), String> {
    read(setting).map(drop)
}

pub(super) fn judge(look: &Look<'_>, setting: &Value) -> Judgement {
    let Spread { min_fragments, spread } = read(setting).unwrap_or_default();
    let calls = calls(look);
    let Some(call) = calls.iter().max_by_key(|call| call.arguments().len()) else {
        return Judgement::cannot_tell(NO_CALL);
    };
    let length = call.arguments().chars().count();
    let (Some(first), Some(last), true) =
        (call.first(), call.fragments.last(), length >= CHARS_MIN)
    else {
        let why = format!("the longest arguments have {}", plural(length, "character"));
        return Judgement::cannot_tell(format!("{why}, too few to spread"));
    };
    let timing = &look.exchange().timing;
    let total = timing.done.since(timing.sent.unwrap_or_default());
    let over = look.arrival(last.event).since(look.arrival(first.event));
    let count = call.fragments.len();
    let mut pieces = Vec::new();
    if count < min_fragments {
        let expected = format!("at least {}", plural(min_fragments, "fragment"));
        let seen = format!("{} of {length} characters", plural(count, "fragment"));
        pieces.push(evidence(expected, seen, first.place(look, "/function/arguments", "")));
    }
    if over.as_secs_f64() < spread * total.as_secs_f64() {
        let expected = format!("fragments over at least {:.0} % of the time", spread * 100.0);
        let seen = format!("all of them within {over}, of {total} in total");
        pieces.push(evidence(expected, seen, first.place(look, "/function/arguments", "")));
    }
    if !pieces.is_empty() && total < TOO_SHORT {
        let why = format!("the whole answer took {total}, too short to tell buffering from speed");
        return Judgement::cannot_tell(why);
    }
    Judgement::from_evidence(pieces)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::check;
    use crate::assert::kit::*;

    #[test]
    fn arguments_in_one_block_are_shown() {
        let piece = |text: &str| {
            delta(json!({"tool_calls": [{"index": 0, "function": {"arguments": text}}]}))
        };
        let text = "0123456789";
        let spread =
            [call(0, "a", "w", text), piece(text), piece(text), piece(text), finish("tool_calls")];
        holds("{stream: tool_incremental}", chunks(&spread));
        let block = [call(0, "a", "w", &text.repeat(4)), finish("tool_calls"), usage()];
        insta::assert_snapshot!(said(&fails("{stream: tool_incremental}", chunks(&block))), @r#"
        expected at least 4 fragments
            seen 1 fragment of 40 characters
              at event 0, /choices/0/delta/tool_calls/0/function/arguments, frame 0, byte 209, +200 ms
               | ion","function":{"name":"w","arguments":"012345678901234567890123456789012345678
               |                                         ^
        expected fragments over at least 30 % of the time
            seen all of them within 0 ns, of 490 ms in total
              at event 0, /choices/0/delta/tool_calls/0/function/arguments, frame 0, byte 209, +200 ms
               | ion","function":{"name":"w","arguments":"012345678901234567890123456789012345678
               |                                         ^
        "#);
        cannot_tell("{stream: tool_incremental}", chunks(&[call(0, "a", "w", "{}")]));
        cannot_tell("{stream: tool_incremental}", chunks(&sound()));
    }

    #[test]
    fn settings_are_checked() {
        assert!(check(&json!({"min_fragments": 2})).is_ok());
        assert!(check(&json!({"min_reads": 2})).is_err());
    }
}
