//! `generateText(…)`: one answer, read whole.

use serde_json::Value;

use super::{
    Choice, Part, ProviderCall, Settings, call_error, finish_reason, secure_parse, stopped,
    success, usage,
};
use crate::lens::decode::http::BodyEnd;
use crate::lens::decode::js::{self, Stop, property};
use crate::lens::{Answer, Call, MADE_UP_ID, Taken};
use crate::transcript::Exchange;

pub(super) fn read(exchange: &Exchange, settings: &Settings) -> Taken {
    match completion(exchange, settings).and_then(|completion| answer(&completion, settings)) {
        Ok(answer) => Taken::returns(answer),
        Err(stop) => stopped(stop, Answer::default()),
    }
}

fn completion(exchange: &Exchange, settings: &Settings) -> Result<Value, Stop> {
    success(exchange)?;
    match BodyEnd::of(exchange) {
        BodyEnd::Whole => {}
        BodyEnd::Broken => return Err(call_error("Failed to process successful response")),
        BodyEnd::Silent => return Err(Stop::Hangs),
    }
    secure_parse(&js::utf8(&exchange.body()))
        .filter(|completion| settings.provider.takes_completion(completion))
        .ok_or_else(|| call_error("Invalid JSON response"))
}

fn answer(completion: &Value, settings: &Settings) -> Result<Answer, Stop> {
    let choice = completion.pointer("/choices/0").ok_or_else(|| {
        let message = "Response did not contain any choices.";
        Stop::raises("AI_InvalidResponseDataError", message)
    })?;
    let message = choice.get("message").unwrap_or(&Value::Null);
    let mut text = String::new();
    let mut thoughts = String::new();
    for part in settings.provider.parts(message) {
        match part {
            Part::Text(more) => text.push_str(&more),
            Part::Reasoning(more) => thoughts.push_str(&more),
        }
    }
    let refused = settings.provider.refuses(message);
    let calls = property(message, "tool_calls").and_then(Value::as_array);
    let tool_calls: Vec<Call> =
        calls.into_iter().flatten().map(|call| settings.parse(provider_call(call))).collect();
    enforce(&settings.choice, &tool_calls)?;
    Ok(Answer {
        text: Some(text),
        reasoning: (!thoughts.is_empty()).then_some(thoughts),
        tool_calls,
        finish_reason: Some(finish_reason(choice.get("finish_reason"), refused).to_owned()),
        usage: property(completion, "usage").map(usage),
        others: Vec::new(),
    })
}

fn provider_call(call: &Value) -> ProviderCall {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    ProviderCall {
        id: text(call.get("id")).unwrap_or_else(|| MADE_UP_ID.to_owned()),
        name: text(call.pointer("/function/name")).unwrap_or_default(),
        input: text(call.pointer("/function/arguments")).unwrap_or_default(),
    }
}

/// The calls must be what the tool choice asked for.
fn enforce(choice: &Choice, calls: &[Call]) -> Result<(), Stop> {
    let violated = match choice {
        Choice::Auto => None,
        Choice::None => {
            (!calls.is_empty()).then_some("a tool call even though tool choice was none")
        }
        Choice::Required => calls.is_empty().then_some("no tool call"),
        Choice::Tool(name) => {
            let called = calls.iter().any(|call| call.name.as_ref() == Some(name));
            (!called).then_some("no call to the required tool")
        }
    };
    violated.map_or(Ok(()), |seen| {
        Err(Stop::raises("AI_ToolChoiceViolationError", format!("Model response contained {seen}")))
    })
}
