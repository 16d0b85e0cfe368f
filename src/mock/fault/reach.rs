//! How faults reach the part they bend.

use serde_json::{Map, Value};

use crate::mock::act::Scene;
use crate::mock::answer::Choice;
use crate::mock::ask::Ask;
use crate::mock::event::{Event, Part};
use crate::mock::refusal::Refusal;
use crate::mock::reply::{Content, Reply};
use crate::mock::request::Request;
use crate::mock::route::Route;
use crate::mock::script::Script;

/// Every chunk of a stream.
pub(super) fn chunks(events: &mut [Event]) -> impl Iterator<Item = &mut Value> {
    events.iter_mut().filter(|event| event.part != Part::Error).filter_map(Event::chunk_mut)
}

/// The chunks of one part of the answer.
pub(super) fn parts(events: &mut [Event], part: Part) -> impl Iterator<Item = &mut Event> {
    events.iter_mut().filter(move |event| event.part == part)
}

/// Every tool call fragment, and whether it is the first of its call.
pub(super) fn fragments(
    events: &mut [Event],
) -> impl Iterator<Item = (bool, &mut Map<String, Value>)> {
    parts(events, Part::Call)
        .filter_map(|event| event.call_mut()?.as_object_mut())
        .map(|fragment| (fragment.get("id").is_some_and(Value::is_string), fragment))
}

/// The message of the first choice of a plain chat.
pub(super) fn message<'a>(
    reply: &'a mut Reply,
    scene: &Scene<'_>,
) -> Option<&'a mut Map<String, Value>> {
    if scene.request.route != Route::Chat {
        return None;
    }
    reply.json_mut()?.pointer_mut("/choices/0/message")?.as_object_mut()
}

/// The choices of a plain chat.
pub(super) fn choices<'a>(reply: &'a mut Reply, scene: &Scene<'_>) -> &'a mut [Value] {
    if scene.request.route != Route::Chat {
        return &mut [];
    }
    let choices = reply.json_mut().and_then(|body| body.get_mut("choices"));
    choices.and_then(Value::as_array_mut).map_or(&mut [], Vec::as_mut_slice)
}

/// The body of a plain chat.
pub(super) fn chat<'a>(
    reply: &'a mut Reply,
    scene: &Scene<'_>,
) -> Option<&'a mut Map<String, Value>> {
    if scene.request.route != Route::Chat {
        return None;
    }
    reply.json_mut()?.as_object_mut()
}

/// The tool calls of a plain chat.
pub(super) fn calls<'a>(reply: &'a mut Reply, scene: &Scene<'_>) -> &'a mut [Value] {
    let calls = message(reply, scene).and_then(|message| message.get_mut("tool_calls"));
    calls.and_then(Value::as_array_mut).map_or(&mut [], Vec::as_mut_slice)
}

/// The body of a reply, whatever its route.
pub(super) fn body(reply: &mut Reply) -> Option<&mut Map<String, Value>> {
    reply.json_mut()?.as_object_mut()
}

/// The error of an error reply.
pub(super) fn error(reply: &mut Reply) -> Option<&mut Map<String, Value>> {
    reply.json_mut()?.get_mut("error")?.as_object_mut()
}

/// A text of the error.
pub(super) fn error_text(reply: &mut Reply, key: &str) -> String {
    error(reply).and_then(|error| error.get(key)?.as_str()).unwrap_or_default().to_owned()
}

/// A page where JSON was due.
pub(super) fn set_html(reply: &mut Reply, title: &str) {
    reply.content = Content::Text {
        media_type: "text/html",
        text: format!(
            "<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>\n"
        ),
    };
}

/// The error becomes one of the server.
pub(super) fn set_500(reply: &mut Reply) {
    reply.status = 500;
    if let Some(error) = error(reply) {
        error.insert("type".to_owned(), "server_error".into());
        error.insert("message".to_owned(), "Internal server error".into());
        error.insert("param".to_owned(), Value::Null);
        error.insert("code".to_owned(), Value::Null);
    }
}

/// A 400 for something that is quite in order.
pub(super) fn no(what: &str) -> Reply {
    Refusal::new(400, format!("{what} is not supported.")).reply()
}

/// A 500 for something that is quite in order.
pub(super) fn crash() -> Reply {
    Refusal::new(500, "Internal server error").reply()
}

/// Whether some message satisfies a condition.
pub(super) fn any_message(scene: &Scene<'_>, holds: impl Fn(&Value) -> bool) -> bool {
    scene.request.messages().iter().any(holds)
}

/// Whether a message has this role.
pub(super) fn has_role(message: &Value, role: &str) -> bool {
    message.get("role").and_then(Value::as_str) == Some(role)
}

/// The image parts of all messages.
pub(super) fn images<'a>(scene: &Scene<'a>) -> Vec<&'a Value> {
    let parts =
        scene.request.messages().iter().filter_map(|message| message.get("content")?.as_array());
    parts.flatten().filter_map(|part| part.get("image_url")).collect()
}

/// Drops a field of the request.
pub(super) fn forget(request: &mut Request, name: &str) {
    if let Some(object) = request.object_mut() {
        object.shift_remove(name);
    }
}

/// Sets a field of the request.
pub(super) fn put(request: &mut Request, name: &str, value: impl Into<Value>) {
    if let Some(object) = request.object_mut() {
        object.insert(name.to_owned(), value.into());
    }
}

/// Changes what is said, as far as the limit on tokens allows.
pub(super) fn retell(choice: &mut Choice, ask: &Ask, change: impl FnOnce(&str) -> String) {
    let text = change(&choice.content());
    choice.set_content(&text);
    if let (Some(limit), Some(tokens)) = (ask.limit, &mut choice.text)
        && tokens.len() > limit
    {
        tokens.truncate(limit);
        "length".clone_into(&mut choice.finish);
    }
}

/// Whether the script answers a request to the engine with 200.
pub(super) fn is_answer(script: &Script, scene: &Scene<'_>) -> bool {
    script.head.status == 200 && matches!(scene.request.route, Route::Chat | Route::Completions)
}

/// Whether the engine was told to fail inside a stream.
pub(super) fn is_failing(scene: &Scene<'_>) -> bool {
    scene.ask.is_some_and(|ask| ask.stream && ask.fail_after.is_some())
}

/// Whether a request is for a chat or a legacy completion.
pub(super) fn is_generation(request: &Request) -> bool {
    matches!(request.route, Route::Chat | Route::Completions)
}
