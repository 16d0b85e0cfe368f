//! The Responses API at the desk.

use serde_json::{Value, json};

use super::{bend, mark, shape};
use crate::mock::act::{Act, ResponseAct, Scene};
use crate::mock::answer::Answer;
use crate::mock::archive::Stored;
use crate::mock::ask::ResponseAsk;
use crate::mock::event;
use crate::mock::house::House;
use crate::mock::refusal::Refusal;
use crate::mock::render;
use crate::mock::reply::Reply;
use crate::mock::request::Request;
use crate::mock::script::Script;
use crate::transcript::Headers;
use crate::units::Nanos;

/// The engine's answer to a request to the Responses API.
pub(super) fn say(house: &House, request: &Request, asked: &ResponseAsk) -> Script {
    let number = request.number;
    let scene = Scene { house, request, ask: Some(&asked.ask), answer: None };
    for act in &house.acts {
        if let Act::Response(ResponseAct::Instead(other)) = act
            && let Some(reply) = other(&scene)
        {
            return shape(&scene, reply);
        }
    }
    let mut answer = Answer::to(&asked.ask, house, number);
    for act in &house.acts {
        if let Act::Response(ResponseAct::Decide(change)) = act {
            change(&mut answer, &scene);
        }
    }
    let scene = Scene { answer: Some(&answer), ..scene };
    let whole = render::response(&answer, asked, house, number);
    if asked.store && answer.fail_after.is_none() {
        keep(house, asked, &whole);
    }
    if asked.ask.stream {
        let mut events = render::response_events(&answer, asked, house, number);
        for act in &house.acts {
            if let Act::Response(ResponseAct::Events(change)) = act {
                change(&mut events, &scene);
            }
        }
        let mut headers = Headers::default();
        mark(&scene, &mut headers, house.config.ttft);
        return bend(&scene, event::script(events, headers));
    }
    if answer.fail_after.is_some() {
        return shape(&scene, Refusal::engine().reply());
    }
    let gaps = u64::try_from(render::steps(&answer)).unwrap_or(u64::MAX).saturating_sub(1);
    let after = house.config.ttft + Nanos(house.config.itl.0.saturating_mul(gaps));
    shape(&scene, Reply { after, ..Reply::json(whole) })
}

fn keep(house: &House, asked: &ResponseAsk, whole: &Value) {
    let id = whole.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
    let output = whole.get("output").and_then(Value::as_array).cloned().unwrap_or_default();
    let context = asked.context.iter().cloned().chain(output).collect();
    let input = asked.input.clone();
    house.archive().keep_response(Stored { id, body: whole.clone(), input, context });
}

fn not_found(id: &str) -> Refusal {
    Refusal::new(404, format!("Response with id '{id}' not found."))
}

/// A stored response, or that it is forgotten now.
pub(super) fn one(house: &House, id: &str, method: &str) -> Result<Reply, Refusal> {
    let mut archive = house.archive();
    if method == "DELETE" {
        return if archive.forget_response(id) {
            Ok(Reply::json(json!({"id": id, "object": "response", "deleted": true})))
        } else {
            Err(not_found(id))
        };
    }
    let stored = archive.response(id).ok_or_else(|| not_found(id))?;
    Ok(Reply::json(stored.body.clone()))
}

/// What a stored response was asked, newest first.
pub(super) fn input_items(house: &House, id: &str) -> Result<Reply, Refusal> {
    let archive = house.archive();
    let stored = archive.response(id).ok_or_else(|| not_found(id))?;
    let items: Vec<Value> = stored.input.iter().rev().cloned().collect();
    Ok(Reply::json(super::list(&items)))
}
