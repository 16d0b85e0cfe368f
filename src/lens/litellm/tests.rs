//! LiteLLM's own ways, on hand-written exchanges.

use serde_json::{Value, json};

use super::LENS;
use crate::lens::tests::{chunk, exchange, streamed, usage_chunk};
use crate::lens::{Effect, MADE_UP_COUNT, Outcome, Sight};
use crate::transcript::Exchange;

fn look(exchange: &Exchange) -> Sight {
    LENS.look(exchange).unwrap()
}

fn raised(exchange: &Exchange) -> String {
    match look(exchange).taken.outcome {
        Outcome::Raises { exception, .. } => exception,
        other => panic!("{other:?}"),
    }
}

/// A plain answer of this message.
fn answered(message: &Value, finish: &Value) -> Exchange {
    let body = json!({
        "choices": [{"index": 0, "finish_reason": finish, "message": message}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    });
    exchange(false, 200, "application/json", &body.to_string())
}

#[test]
fn a_stream_without_a_finish_reason_ends_with_one_made_up() {
    let cut = streamed(&[chunk(&json!({"role": "assistant", "content": "Hel"}), None)]);

    let sight = look(&cut);

    let answer = sight.taken.answer;
    assert_eq!(sight.effect, Effect::SilentlyWrong);
    assert_eq!(
        (answer.text.as_deref(), answer.finish_reason.as_deref()),
        (Some("Hel"), Some("stop"))
    );
}

#[test]
fn token_counts_that_a_stream_lacks_are_made_up() {
    let hi = json!({"role": "assistant", "content": "Hi"});
    let uncounted = streamed(&[chunk(&hi, None), chunk(&json!({}), Some("stop"))]);

    let usage = look(&uncounted).taken.answer.usage.unwrap();
    assert_eq!(usage.prompt_tokens, MADE_UP_COUNT);

    let counted = streamed(&[chunk(&hi, None), chunk(&json!({}), Some("stop")), usage_chunk()]);
    assert_eq!(look(&counted).taken.answer.usage.unwrap().total_tokens, 5);
    assert_eq!(look(&counted).effect, Effect::Ok);
}

#[test]
fn what_does_not_fit_its_types_is_the_servers_error() {
    let parts =
        answered(&json!({"role": "assistant", "content": [{"type": "text"}]}), &json!("stop"));
    assert_eq!(raised(&parts), "litellm.InternalServerError");
    let page = exchange(false, 200, "text/html", "<html></html>");
    assert_eq!(raised(&page), "litellm.InternalServerError");
    let error =
        exchange(false, 200, "application/json", r#"{"error": {"message": "no", "code": 400}}"#);
    assert_eq!(raised(&error), "litellm.BadRequestError");
}

#[test]
fn an_error_is_known_by_its_words_before_its_status() {
    let refused = |status, message: &str| {
        let error = json!({"error": {"message": message, "type": "server_error"}});
        raised(&exchange(false, status, "application/json", &error.to_string()))
    };
    assert_eq!(refused(500, "rate limit reached"), "litellm.RateLimitError");
    assert_eq!(
        refused(400, "This model's maximum context length is 10 tokens"),
        "litellm.ContextWindowExceededError"
    );
    assert_eq!(refused(400, "id 429 is no model"), "litellm.BadRequestError");
    assert_eq!(refused(403, "no"), "litellm.APIError");
}

#[test]
fn unknown_finish_reasons_become_stop_and_stop_with_calls_becomes_tool_calls() {
    let call = json!({
        "id": null, "type": "function", "function": {"name": "f", "arguments": {"a": 1}},
    });
    let called = json!({"role": "assistant", "content": null, "tool_calls": [call]});

    let answer = look(&answered(&called, &json!("stop"))).taken.answer;

    assert_eq!(answer.finish_reason.as_deref(), Some("tool_calls"));
    assert_eq!(answer.tool_calls[0].arguments, "{\"a\": 1}");
    assert_eq!(answer.tool_calls[0].id.as_deref(), Some(crate::lens::MADE_UP_ID));
    let text = json!({"role": "assistant", "content": "Hi"});
    let answer = look(&answered(&text, &json!("tired"))).taken.answer;
    assert_eq!(answer.finish_reason.as_deref(), Some("stop"));
}

#[test]
fn thoughts_between_tags_are_taken_out_of_a_plain_text() {
    let thinking = json!({"role": "assistant", "content": "<think>hm</think>Hi"});

    let answer = look(&answered(&thinking, &json!("stop"))).taken.answer;

    assert_eq!((answer.reasoning.as_deref(), answer.text.as_deref()), (Some("hm"), Some("Hi")));
}
