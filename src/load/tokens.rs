//! When tokens came: what is measured of one stream while it is read.

use serde_json::Value;

use crate::units::Nanos;

/// What one event says about tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tokens {
    /// It carries something generated: content, reasoning, refusal, a tool call's name or
    /// arguments, audio. A role, an empty text, usage and a ping are none of that.
    pub(super) any: bool,
    /// Some of it is part of the answer, and not of the reasoning.
    pub(super) visible: bool,
    /// The tokens so far, where the server counts along (`continuous_usage_stats`).
    pub(super) so_far: Option<u32>,
    /// A finish reason or an error: the stream is about to end.
    pub(super) closing: bool,
}

impl Tokens {
    /// Reads them from the JSON of an event.
    pub(super) fn of(value: &Value) -> Self {
        let mut tokens = Self {
            closing: value.get("error").is_some_and(|error| !error.is_null()),
            ..Self::default()
        };
        let choices = value.get("choices").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        for choice in choices {
            tokens.closing |= choice.get("finish_reason").is_some_and(|reason| !reason.is_null());
            tokens.visible |= is_text(choice.get("text"));
            let Some(delta) = choice.get("delta") else { continue };
            tokens.any |=
                is_text(delta.get("reasoning")) || is_text(delta.get("reasoning_content"));
            tokens.visible |= is_text(delta.get("content")) || is_text(delta.get("refusal"));
            tokens.visible |= delta.get("audio").is_some_and(|audio| is_text(audio.get("data")));
            let calls = delta.get("tool_calls").and_then(Value::as_array);
            let calls =
                calls.map_or(&[][..], Vec::as_slice).iter().map(|call| call.get("function"));
            tokens.visible |= calls.chain([delta.get("function_call")]).flatten().any(|function| {
                is_text(function.get("name")) || is_text(function.get("arguments"))
            });
        }
        tokens.any |= tokens.visible;
        if !choices.is_empty() {
            tokens.so_far = value
                .pointer("/usage/completion_tokens")
                .and_then(Value::as_u64)
                .and_then(|count| u32::try_from(count).ok());
        }
        tokens
    }
}

fn is_text(value: Option<&Value>) -> bool {
    value.and_then(Value::as_str).is_some_and(|text| !text.is_empty())
}

/// When the events of one stream came. Times are on the run's clock.
#[derive(Clone, Debug, Default)]
pub(super) struct Facts {
    window: (Nanos, Nanos),
    /// Events of any kind.
    pub(super) events: u32,
    /// Events with something generated.
    pub(super) token_events: u32,
    /// Those of them that came inside the window.
    pub(super) token_events_in_window: u32,
    /// Those of them that came with the same socket read as the one before.
    pub(super) coalesced: u32,
    /// The first event of any kind.
    pub(super) first_event: Option<Nanos>,
    /// The first event with something generated.
    pub(super) first_token: Option<Nanos>,
    /// The first event with a part of the answer.
    pub(super) first_visible: Option<Nanos>,
    /// The last event with something generated.
    pub(super) last_token: Option<Nanos>,
    /// From one event with something generated to the next, in microseconds.
    pub(super) gaps_us: Vec<u32>,
    /// Tokens of each event with something generated, where the server counts along.
    pub(super) steps: Vec<u32>,
    so_far: u32,
}

/// Room for so many gaps from the first on: most replies have more, and growing costs.
const GAPS: usize = 64;

impl Facts {
    pub(super) fn new(window: (Nanos, Nanos)) -> Self {
        Self { window, ..Self::default() }
    }

    /// An event without tokens.
    pub(super) fn other_event(&mut self, at: Nanos) {
        self.events += 1;
        self.first_event.get_or_insert(at);
    }

    /// An event whose text is part of the answer, or of the reasoning.
    pub(super) fn text_event(&mut self, visible: bool, at: Nanos) {
        self.other_event(at);
        self.token_events += 1;
        if visible && self.first_visible.is_none() {
            self.first_visible = Some(at);
        }
        if self.window.0 <= at && at < self.window.1 {
            self.token_events_in_window += 1;
        }
        match self.last_token.replace(at) {
            None => self.first_token = Some(at),
            Some(before) => {
                if before == at {
                    self.coalesced += 1;
                }
                let gap_us = (at.since(before).0 + 500) / 1_000;
                if self.gaps_us.is_empty() {
                    self.gaps_us.reserve(GAPS);
                }
                self.gaps_us.push(u32::try_from(gap_us).unwrap_or(u32::MAX));
            }
        }
    }

    /// Any event that was read in full.
    pub(super) fn event(&mut self, tokens: &Tokens, at: Nanos) {
        if !tokens.any {
            return self.other_event(at);
        }
        self.text_event(tokens.visible, at);
        if let Some(so_far) = tokens.so_far {
            self.steps.push(so_far.saturating_sub(self.so_far));
            self.so_far = so_far;
        }
    }

    /// The longest gap.
    pub(super) fn gap_max_us(&self) -> Option<u32> {
        self.gaps_us.iter().copied().max()
    }

    /// Bytes held.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        (self.gaps_us.capacity() + self.steps.capacity()) * 4
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(delta: &Value) -> Tokens {
        Tokens::of(&json!({"choices": [{"index": 0, "delta": delta, "finish_reason": null}]}))
    }

    #[test]
    fn a_role_an_empty_text_and_usage_are_no_token() {
        for delta in [
            json!({"role": "assistant"}),
            json!({"role": "assistant", "content": ""}),
            json!({"content": null, "tool_calls": []}),
        ] {
            assert!(!of(&delta).any, "{delta}");
        }
        let usage = json!({"choices": [], "usage": {"completion_tokens": 3}});
        assert_eq!(Tokens::of(&usage), Tokens::default());
    }

    #[test]
    fn reasoning_is_a_token_but_not_visible_and_tool_calls_are_both() {
        let thought = of(&json!({"reasoning_content": "hm"}));
        assert!(thought.any && !thought.visible);
        for delta in [
            json!({"content": "a"}),
            json!({"refusal": "no"}),
            json!({"tool_calls": [{"index": 0, "function": {"name": "f", "arguments": ""}}]}),
            json!({"tool_calls": [{"index": 0, "function": {"arguments": "{"}}]}),
        ] {
            assert!(of(&delta).any && of(&delta).visible, "{delta}");
        }
    }

    #[test]
    fn gaps_run_between_events_with_tokens_only() {
        let mut facts = Facts::new((Nanos(0), Nanos(4_000_000)));
        facts.other_event(Nanos(1_000_000));
        facts.text_event(false, Nanos(2_000_000));
        facts.other_event(Nanos(2_500_000));
        facts.text_event(true, Nanos(3_000_000));
        facts.text_event(true, Nanos(3_000_000));
        facts.text_event(true, Nanos(5_000_000));
        assert_eq!(facts.gaps_us, [1_000, 0, 2_000]);
        assert_eq!(
            (facts.first_event, facts.first_token),
            (Some(Nanos(1_000_000)), Some(Nanos(2_000_000)))
        );
        assert_eq!(
            (facts.first_visible, facts.last_token),
            (Some(Nanos(3_000_000)), Some(Nanos(5_000_000)))
        );
        assert_eq!((facts.coalesced, facts.token_events_in_window, facts.events), (1, 3, 6));
    }
}
