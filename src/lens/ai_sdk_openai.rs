//! The AI SDK with its own OpenAI provider, pointed at another endpoint: `generateText(…)` and
//! `streamText(…)` with `createOpenAI({baseURL}).chat(…)`.
//!
//! It reads as `ai-sdk` does, with a stricter schema: every choice and every fragment of a tool
//! call needs its index, a plain tool call its type, and a content is a text. An error before any
//! output fails the call. A stream that ends without a finish reason is no error here.

use super::ai_sdk::{self, Provider};
use super::{Lens, Surface, Taken};
use crate::transcript::Exchange;

pub(super) const LENS: Lens = Lens {
    id: "ai-sdk-openai",
    title: "AI SDK, generateText() and streamText() with the OpenAI provider",
    package: "@ai-sdk/openai",
    version: "3.0.141",
    names: ["Vercel AI SDK", "Vercel AI SDK, openai"],
    surface: Surface::Both,
    read,
};

fn read(exchange: &Exchange) -> Taken {
    ai_sdk::read_with(exchange, Provider::OpenAi)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::lens::Outcome;
    use crate::lens::tests::{chunk, exchange, streamed, usage_chunk};

    fn raised(taken: &Taken) -> &str {
        match &taken.outcome {
            Outcome::Raises { exception, .. } => exception,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_stream_without_a_reason_for_its_end_is_taken_for_whole() {
        let taken = read(&streamed(&[chunk(&json!({"content": "Hel"}), None)]));

        assert_eq!(taken.outcome, Outcome::Returns);
        assert_eq!(taken.answer.finish_reason.as_deref(), Some("other"));
    }

    #[test]
    fn a_choice_without_an_index_is_an_error_part() {
        let mut lost = chunk(&json!({"content": "Hi"}), Some("stop"));
        lost["choices"][0].as_object_mut().unwrap().remove("index");

        let taken = read(&streamed(&[lost, usage_chunk()]));

        assert_eq!(raised(&taken), "AI_TypeValidationError");
        assert_eq!(taken.answer.text, None);
    }

    #[test]
    fn an_error_fails_the_call_only_before_any_output() {
        let error = json!({"error": {"message": "busy"}});
        let text = chunk(&json!({"content": "Hi"}), Some("stop"));
        let role = chunk(&json!({"role": "assistant", "content": ""}), None);

        let early = read(&streamed(&[role.clone(), error.clone(), text.clone()]));
        let late = read(&streamed(&[role, text, error]));

        assert_eq!((raised(&early), early.answer.text.clone()), ("AI_APICallError", None));
        assert_eq!((raised(&late), late.answer.text.as_deref()), ("error part", Some("Hi")));
        assert_eq!(late.answer.finish_reason.as_deref(), Some("error"));
    }

    #[test]
    fn a_null_error_beside_the_choices_is_no_error() {
        let mut text = chunk(&json!({"content": "Hi"}), Some("stop"));
        text["error"] = json!(null);

        assert_eq!(read(&streamed(&[text])).outcome, Outcome::Returns);
    }

    #[test]
    fn a_refusal_is_text_and_turns_stop_into_a_filter() {
        let answer = json!({"choices": [{
            "index": 0, "finish_reason": "stop",
            "message": {"role": "assistant", "content": null, "refusal": "I cannot"},
        }]});
        let streamed = streamed(&[chunk(&json!({"refusal": "I cannot"}), Some("stop"))]);

        for taken in
            [read(&exchange(false, 200, "application/json", &answer.to_string())), read(&streamed)]
        {
            assert_eq!(taken.answer.text.as_deref(), Some("I cannot"));
            assert_eq!(taken.answer.finish_reason.as_deref(), Some("content-filter"));
        }
    }

    #[test]
    fn a_plain_call_needs_its_type() {
        let mut answer = json!({"choices": [{
            "index": 0, "finish_reason": "tool_calls",
            "message": {"role": "assistant", "content": null, "tool_calls": [
                {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}},
            ]},
        }]});
        let say = |answer: &serde_json::Value| {
            read(&exchange(false, 200, "application/json", &answer.to_string()))
        };
        assert_eq!(say(&answer).outcome, Outcome::Returns);

        answer["choices"][0]["message"]["tool_calls"][0].as_object_mut().unwrap().remove("type");

        assert_eq!(raised(&say(&answer)), "AI_APICallError");
    }
}
