//! Going on with a conversation: calls are answered as the suite says, a bounded number of turns.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::attempt::{Context, Underway};
use crate::assert::Seen;
use crate::suite::template::{self, Vars};
use crate::suite::{At, Converse, Step};
use crate::transport::Transport;

/// The name under which a tool's template finds what the tool was called with.
const ARGUMENTS: &str = "arguments";

impl<T: Transport> Context<'_, T> {
    /// Sends the results of calls until an answer holds none, is no success, or the turns are used
    /// up; `false` when a call cannot be answered, and then nothing can be told.
    pub(super) async fn converse(
        &self,
        converse: &Converse,
        step: &At<Step>,
        at: &mut Underway<'_>,
    ) -> Result<bool, String> {
        let Some(json) = &step.request.json else {
            return Err("converse: the request has no JSON body to go on with".to_owned());
        };
        let fill = |key: &str, value: &Value| {
            template::fill_value(value, &at.vars).map_err(|error| format!("{key}: {error}"))
        };
        let mut body = fill("request.json", json)?;
        let then = fill("converse.then", &Value::Object(converse.then.clone()))?;
        for turn in 2..=converse.turns {
            let Some(message) = at.last().and_then(calling) else { break };
            if at.attempt.fault.is_some() {
                break;
            }
            match results(converse, message, &at.vars) {
                Ok(results) => change(&mut body, &then, message, results)?,
                Err(why) => {
                    let assertion = format!("converse: turn {}", turn - 1);
                    let untold = self.untold(step, at.cell, step.spot, assertion, why);
                    at.attempt.findings.push(untold);
                    return Ok(false);
                }
            }
            let answers = self.send(&spoken(step, &body), at, turn).await?;
            at.retake(answers);
        }
        Ok(true)
    }
}

/// The message of an answer that calls tools.
fn calling(seen: &Seen) -> Option<&Value> {
    let status = seen.exchange.status()?;
    let message = seen.reading().assembled.as_ref()?.pointer("/choices/0/message")?;
    let calls = message.get("tool_calls").and_then(Value::as_array);
    ((200..300).contains(&status) && calls.is_some_and(|calls| !calls.is_empty()))
        .then_some(message)
}

/// A tool's message for every call of `message`, or why there cannot be one.
fn results(converse: &Converse, message: &Value, vars: &Vars) -> Result<Vec<Value>, String> {
    let calls = message.get("tool_calls").and_then(Value::as_array);
    let answer = |(index, call): (usize, &Value)| {
        let text = |pointer: &str| call.pointer(pointer).and_then(Value::as_str);
        let lacks = |what: &str| format!("call {index} has no {what}, so it cannot be answered");
        let id = text("/id").ok_or_else(|| lacks("id"))?;
        let name = text("/function/name").ok_or_else(|| lacks("name"))?;
        let result = converse
            .tools
            .get(name)
            .ok_or_else(|| format!("call {index} is of `{name}`, which the case cannot run"))?;
        let given: Option<Value> =
            text("/function/arguments").and_then(|text| serde_json::from_str(text).ok());
        let given = given.filter(Value::is_object);
        let mut vars = vars.clone();
        vars.set(ARGUMENTS, given.ok_or_else(|| lacks("arguments that are a JSON object"))?);
        let result = template::fill_value(result, &vars)
            .map_err(|error| format!("call {index} of `{name}` has no result: {error}"))?;
        let content = result.as_str().map_or_else(|| result.to_string(), str::to_owned);
        Ok(json!({"role": "tool", "tool_call_id": id, "content": content}))
    };
    calls.into_iter().flatten().enumerate().map(answer).collect()
}

/// Adds an answer and the results to a conversation, with what changes after its first turn.
fn change(
    body: &mut Value,
    then: &Value,
    message: &Value,
    results: Vec<Value>,
) -> Result<(), String> {
    let fields = body.as_object_mut().ok_or("converse: the request is no object")?;
    for (key, value) in then.as_object().into_iter().flatten() {
        if value.is_null() {
            fields.shift_remove(key);
        } else {
            fields.insert(key.clone(), value.clone());
        }
    }
    let messages = fields.get_mut("messages").and_then(Value::as_array_mut);
    let messages = messages.ok_or("converse: the request has no messages")?;
    messages.push(message.clone());
    messages.extend(results);
    Ok(())
}

/// The step with this body, which holds what a model said and is no template any more.
fn spoken(step: &At<Step>, body: &Value) -> At<Step> {
    let mut spoken = step.clone();
    let request = &mut spoken.value.request;
    request.json = None;
    request.base64 = Some(STANDARD.encode(body.to_string()));
    if !request.headers.keys().any(|name| name.eq_ignore_ascii_case("content-type")) {
        request.headers.insert("content-type".to_owned(), json!("application/json"));
    }
    spoken
}
