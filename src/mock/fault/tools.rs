//! Faults of tool calls, and of conversations that hold them.

use serde_json::{Map, Value, json};

use super::Fault;
use super::reach::{calls, forget, no, put};
use crate::mock::act::{Act, Scene};
use crate::mock::answer::{Answer, Call, call_id};
use crate::mock::house::House;
use crate::mock::request::Request;

/// Tools beyond which one of the faults gives up.
const MANY_TOOLS: usize = 32;

/// The calls that the engine has decided on.
fn decided(answer: &mut Answer) -> impl Iterator<Item = &mut Call> {
    answer.choices.iter_mut().flat_map(|choice| &mut choice.calls)
}

/// Changes the arguments' JSON of every call.
fn rewrite(answer: &mut Answer, change: impl Fn(&str) -> String) {
    for call in decided(answer) {
        let json = change(&call.json());
        call.set_json(&json);
    }
    answer.recount();
}

/// Changes the `function` of every call of a plain answer.
fn functions(call: &mut Value) -> Option<&mut Map<String, Value>> {
    call.get_mut("function")?.as_object_mut()
}

fn tools(request: &Request) -> &[Value] {
    request.field("tools").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn declared(request: &Request) -> Vec<Value> {
    let names = tools(request).iter().filter_map(|tool| tool.pointer("/function/name"));
    names.cloned().collect()
}

fn chosen_tool(request: &Request) -> Option<Value> {
    request.field("tool_choice")?.pointer("/function/name").cloned()
}

fn choose(request: &mut Request, name: &Value) {
    put(request, "tool_choice", json!({"type": "function", "function": {"name": name}}));
}

fn is_auto(request: &Request) -> bool {
    let choice = request.field("tool_choice");
    !tools(request).is_empty() && choice.is_none_or(|choice| choice == "auto")
}

fn choose_first(request: &mut Request, _: &House) {
    let chosen = chosen_tool(request).filter(|chosen| declared(request).contains(chosen));
    if let (Some(_), Some(first)) = (chosen, declared(request).into_iter().next()) {
        choose(request, &first);
    }
}

fn choose_declared(request: &mut Request, _: &House) {
    let declared = declared(request);
    if let (Some(chosen), Some(first)) = (chosen_tool(request), declared.first())
        && !declared.contains(&chosen)
    {
        choose(request, first);
    }
}

fn invent_call(answer: &mut Answer, scene: &Scene<'_>) {
    let Some(ask) = scene.ask else { return };
    if !ask.tools.is_empty() || !ask.last_user_text().to_lowercase().contains("files") {
        return;
    }
    for (index, choice) in answer.choices.iter_mut().enumerate() {
        let mut call = Call {
            id: call_id(scene.number(), index, 0),
            name: "list_files".to_owned(),
            arguments: Vec::new(),
        };
        call.set_json("{\"path\":\".\"}");
        choice.calls.push(call);
        choice.text = None;
        "tool_calls".clone_into(&mut choice.finish);
    }
    answer.recount();
}

pub(super) const FAULTS: &[Fault] = &[
    Fault::new(
        "tools-bad-shape",
        "id inside function, no type",
        &[Act::Plain(|reply, scene| {
            for call in calls(reply, scene) {
                let Some(map) = call.as_object_mut() else { continue };
                map.shift_remove("type");
                if let (Some(id), Some(function)) = (map.shift_remove("id"), functions(call)) {
                    function.insert("id".to_owned(), id);
                }
            }
        })],
    ),
    Fault::new(
        "tools-arguments-object",
        "arguments as an object",
        &[Act::Plain(|reply, scene| {
            for function in calls(reply, scene).iter_mut().filter_map(functions) {
                let text = function.get("arguments").and_then(Value::as_str).unwrap_or_default();
                if let Ok(value @ Value::Object(_)) = serde_json::from_str(text) {
                    function.insert("arguments".to_owned(), value);
                }
            }
        })],
    ),
    Fault::new(
        "tools-arguments-broken-json",
        "cut the last brace",
        &[Act::Plain(|reply, scene| {
            for function in calls(reply, scene).iter_mut().filter_map(functions) {
                if let Some(Value::String(text)) = function.get_mut("arguments")
                    && text.ends_with('}')
                {
                    text.pop();
                }
            }
        })],
    ),
    Fault::new(
        "tools-schema-violation",
        "leave out the first required key",
        &[Act::Decide(|answer, scene| {
            for call in decided(answer) {
                let tool =
                    scene.ask.and_then(|ask| ask.tools.iter().find(|tool| tool.name == call.name));
                let key = tool.and_then(|tool| tool.parameters.pointer("/required/0")?.as_str());
                if let (Some(key), Ok(Value::Object(mut map))) =
                    (key, serde_json::from_str(&call.json()))
                {
                    map.shift_remove(key);
                    call.set_json(&Value::Object(map).to_string());
                }
            }
            answer.recount();
        })],
    ),
    Fault::new(
        "tools-unknown-name",
        "call a tool that was not declared",
        &[Act::Decide(|answer, _| {
            for call in decided(answer) {
                "undeclared_tool".clone_into(&mut call.name);
            }
        })],
    ),
    Fault::new(
        "tools-id-empty",
        "id ''",
        &[Act::Decide(|answer, _| decided(answer).for_each(|call| call.id.clear()))],
    ),
    Fault::new(
        "tools-id-duplicate",
        "same id for both calls",
        &[Act::Decide(|answer, _| {
            for choice in &mut answer.choices {
                if let Some(first) = choice.calls.first().map(|call| call.id.clone()) {
                    choice.calls.iter_mut().for_each(|call| call.id.clone_from(&first));
                }
            }
        })],
    ),
    Fault::new(
        "tools-id-reused-turns",
        "ids name:0 restarting each turn",
        &[Act::Decide(|answer, _| {
            for choice in &mut answer.choices {
                for (index, call) in choice.calls.iter_mut().enumerate() {
                    call.id = format!("{}:{index}", call.name);
                }
            }
        })],
    ),
    Fault::new(
        "tools-choice-required-ignored",
        "prose although required",
        &[Act::Hear(|request, _| {
            if request.field("tool_choice").is_some_and(|choice| choice == "required")
                && !tools(request).is_empty()
            {
                put(request, "tool_choice", "none");
            }
        })],
    ),
    Fault::new(
        "tools-choice-named-ignored",
        "call the first tool always",
        &[Act::Hear(choose_first)],
    ),
    Fault::new(
        "tools-choice-undeclared-200",
        "200 for an undeclared name",
        &[Act::Hear(choose_declared)],
    ),
    Fault::new(
        "tools-choice-none-ignored",
        "call a tool although tool_choice is none",
        &[Act::Hear(|request, _| {
            if request.field("tool_choice").is_some_and(|choice| choice == "none") {
                put(request, "tool_choice", "required");
            }
        })],
    ),
    Fault::new(
        "tools-required-no-tools-200",
        "200 for required without tools",
        &[Act::Hear(|request, _| {
            if tools(request).is_empty() {
                forget(request, "tool_choice");
            }
        })],
    ),
    Fault::new(
        "tools-auto-never-calls",
        "auto never calls",
        &[Act::Hear(|request, _| {
            if is_auto(request) {
                put(request, "tool_choice", "none");
            }
        })],
    ),
    Fault::new(
        "tools-parallel-false-ignored",
        "two calls although false",
        &[Act::Hear(|request, _| forget(request, "parallel_tool_calls"))],
    ),
    Fault::new(
        "tools-single-call-only",
        "never more than one call",
        &[Act::Hear(|request, _| {
            if !tools(request).is_empty() {
                put(request, "parallel_tool_calls", false);
            }
        })],
    ),
    Fault::new(
        "tools-empty-arguments",
        "arguments '' for no parameters",
        &[Act::Decide(|answer, _| {
            rewrite(answer, |json| if json == "{}" { String::new() } else { json.to_owned() });
        })],
    ),
    Fault::new(
        "reject-no-parameters",
        "400 without parameters",
        &[Act::Instead(|scene| {
            let bare = |tool: &Value| tool.pointer("/function/parameters").is_none();
            tools(scene.request).iter().any(bare).then(|| no("A function without parameters"))
        })],
    ),
    Fault::new(
        "tools-markup-leak",
        "<tool_call> text in content",
        &[Act::Decide(|answer, _| {
            for choice in answer.choices.iter_mut().filter(|choice| !choice.calls.is_empty()) {
                let leak =
                    |call: &Call| format!("<tool_call>{{\"name\": \"{}\"}}</tool_call>", call.name);
                let leak = choice.calls.iter().map(leak).collect::<Vec<_>>().concat();
                choice.set_content(&leak);
            }
            answer.recount();
        })],
    ),
    Fault::new(
        "tools-phantom-call",
        "tool_calls although no tools were declared",
        &[Act::Decide(invent_call)],
    ),
    Fault::new(
        "tools-reject-ref",
        "400 on $ref",
        &[Act::Instead(|scene| {
            let refers = |tool: &Value| tool.to_string().contains("\"$ref\"");
            tools(scene.request).iter().any(refers).then(|| no("$ref"))
        })],
    ),
    Fault::new(
        "tools-arguments-unescaped",
        "raw newline inside the JSON string",
        &[Act::Decide(|answer, _| rewrite(answer, |json| json.replace("\\n", "\n")))],
    ),
    Fault::new(
        "tools-argument-ufffd",
        "U+FFFD inside arguments",
        &[Act::Decide(|answer, _| {
            rewrite(answer, |json| {
                json.chars().map(|c| if c.is_ascii() { c } else { '\u{fffd}' }).collect()
            });
        })],
    ),
    Fault::new(
        "reject-many-tools",
        "400 above 32 tools",
        &[Act::Instead(|scene| {
            (tools(scene.request).len() > MANY_TOOLS).then(|| no("More than 32 tools"))
        })],
    ),
    Fault::new(
        "bad-schema-crash",
        "the server goes down on an invalid schema",
        &[Act::Error(|reply, scene| {
            let code = super::reach::error_text(reply, "code");
            if ["invalid_function_parameters", "invalid_json_schema"].contains(&code.as_str()) {
                scene.house.go_down();
                super::reach::set_500(reply);
            }
        })],
    ),
];
