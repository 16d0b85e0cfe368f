//! `tool_args_json`: the fragments of a call's arguments join to one JSON object.
//!
//! Calls of a choice that ended with `length` are left out: they are cut, and say so.
//!
//! # Why
//!
//! A tool is called with what the fragments join to. A lost or doubled fragment is a tool that is
//! not called, or called with what a repairing parser made of it.
//!
//! # Example
//!
//! ```yaml
//! expect:
//!   - stream: tool_args_json
//! ```

use std::collections::BTreeMap;

use serde_json::Value;

use super::NO_CALL;
use super::call::calls;
use super::look::{Look, evidence};
use crate::assert::operand::type_phrase;
use crate::text::ellipsis;
use crate::verdict::Judgement;
use crate::wire::json;

pub(super) fn judge(look: &Look<'_>, _: &Value) -> Judgement {
    let calls = calls(look);
    if calls.is_empty() {
        return Judgement::cannot_tell(NO_CALL);
    }
    let finish: BTreeMap<u64, &str> = look
        .choices()
        .filter_map(|choice| Some((choice.index(), choice.finish()?.as_str()?)))
        .collect();
    let mut judged = 0;
    let mut pieces = Vec::new();
    for call in &calls {
        let Some(last) = call.fragments.last() else { continue };
        let texts_only = call.fragments.iter().all(|fragment| {
            fragment.function("arguments").is_none_or(|value| value.is_string() || value.is_null())
        });
        if finish.get(&last.choice) == Some(&"length") || !texts_only {
            continue;
        }
        judged += 1;
        let arguments = call.arguments();
        let shown = ellipsis(&arguments, 80);
        let seen = match json::parse(arguments.as_bytes()) {
            Ok(Value::Object(_)) => continue,
            Ok(other) => format!("{}: `{shown}`", type_phrase(&other)),
            Err(_) if arguments.is_empty() => "no arguments at all".to_owned(),
            Err(fault) => {
                format!("`{shown}`, which is not JSON: {} at byte {}", fault.message, fault.offset)
            }
        };
        let place = last.place(look, "/function/arguments", "the last fragment");
        let id = call.id().unwrap_or("without an id");
        pieces.push(evidence(
            format!("arguments of call `{id}` that join to a JSON object"),
            seen,
            place,
        ));
    }
    if judged == 0 {
        return Judgement::cannot_tell(
            "every tool call was cut by `length`, or has no text to join",
        );
    }
    Judgement::from_evidence(pieces)
}

#[cfg(test)]
mod tests {
    use crate::assert::kit::*;

    #[test]
    fn a_lost_fragment_an_array_and_nothing_at_all_are_shown() {
        holds("{stream: tool_args_json}", chunks(&tool_stream()));
        let mut stream = tool_stream();
        stream.remove(2);
        insta::assert_snapshot!(said(&fails("{stream: tool_args_json}", chunks(&stream))), @r#"
        expected arguments of call `call_a` that join to a JSON object
            seen `is"}`, which is not JSON: expected value at byte 0
              at event 2, /choices/0/delta/tool_calls/0/function/arguments, frame 2, byte 609, +400 ms
               | ls":[{"index":0,"function":{"arguments":"is\"}"}}]},"finish_reason":null}]}⏎⏎dat
               |                                         ^ the last fragment
        "#);
        assert_eq!(
            fails("{stream: tool_args_json}", chunks(&[call(0, "a", "w", "[1]")]))[0].seen,
            "an array: `[1]`"
        );
        assert_eq!(
            fails("{stream: tool_args_json}", chunks(&[call(0, "a", "w", "")]))[0].seen,
            "no arguments at all"
        );
    }

    #[test]
    fn a_call_cut_by_length_tells_nothing_and_a_shared_index_is_another_fault() {
        let cut = [call(0, "a", "w", "{\"c"), finish("length")];
        cannot_tell("{stream: tool_args_json}", chunks(&cut));
        holds(
            "{stream: tool_args_json}",
            chunks(&[call(0, "a", "w", "{}"), call(0, "b", "w", "{}")]),
        );
        cannot_tell("{stream: tool_args_json}", chunks(&sound()));
    }
}
