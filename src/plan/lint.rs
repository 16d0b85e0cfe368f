//! What is wrong with a plan, and where.

use serde_json::Value;

use super::load::VERSION;
use super::{Arrival, Kind, Lengths, LoadPlan, Objective, Prompt, Workload};
use crate::document::{Node, Problem};
use crate::units::Nanos;

/// What is wrong with a plan as a whole.
pub(super) fn sense(plan: &LoadPlan) -> Option<String> {
    let ends = plan.duration.is_some()
        || plan.requests.is_some()
        || matches!(plan.arrival, Arrival::Steps(_) | Arrival::Trace(_));
    if !ends {
        return Some("the plan never ends; give it a `duration`, `requests`, or both".to_owned());
    }
    if plan.workload.is_empty() {
        return Some("the plan sends nothing: `workload` is empty".to_owned());
    }
    if plan.duration.is_some_and(|duration| duration.0 == Nanos(0)) {
        return Some("nothing is measured in a `duration` of 0s".to_owned());
    }
    if plan.deadlines.is_some_and(|deadlines| deadlines.itl.0 == Nanos(0)) {
        return Some(
            "no token can come 0s after the one before; give `deadlines.itl` a span".to_owned(),
        );
    }
    match &plan.arrival {
        Arrival::Burst(burst) if burst.every.0 == Nanos(0) => {
            Some("bursts every 0s would be one without an end; give `every` a span".to_owned())
        }
        Arrival::Ramp(ramp) if ramp.from <= 0.0 && ramp.to <= 0.0 => {
            Some("the plan sends nothing: its ramp goes from 0 to 0".to_owned())
        }
        Arrival::Steps(steps) if steps.steps.iter().all(|step| step.rate <= 0.0) => {
            Some("the plan sends nothing: the rate of every step is 0".to_owned())
        }
        _ => None,
    }
}

/// Everything that the shape does not say.
pub(super) fn lint(plan: &LoadPlan, tree: &Node) -> Vec<Problem> {
    let mut problems = Vec::new();
    if plan.proofhouse_plan != VERSION
        && let Some(node) = tree.get("proofhouse_plan")
    {
        let message =
            format!("this binary reads plans of version {VERSION}, not {}", plan.proofhouse_plan);
        problems.push(Problem::new("version", message, node.caret()));
    }
    if let Some(message) = sense(plan) {
        problems.push(Problem::new("plan", message, tree.caret()));
    }
    let nodes = tree.get("objectives").map_or(&[][..], Node::items);
    for (text, node) in plan.objectives.iter().zip(nodes) {
        if let Err(message) = Objective::parse(text) {
            problems.push(Problem::new("objective", message, node.caret()));
        }
    }
    let nodes = tree.get("workload").map_or(&[][..], Node::items);
    for (workload, node) in plan.workload.iter().zip(nodes) {
        for (key, message) in faults(workload, &plan.arrival) {
            let place = key.split('/').fold(node, |node, part| match part.parse::<usize>() {
                Ok(nth) => node.items().get(nth).unwrap_or(node),
                Err(_) => node.get(part).unwrap_or(node),
            });
            problems.push(Problem::new("workload", message, place.caret()));
        }
    }
    problems
}

/// What is wrong with a workload: the key it is about, and a message.
pub(super) fn faults(workload: &Workload, arrival: &Arrival) -> Vec<(String, String)> {
    let mut faults = Vec::new();
    let mut add = |key: &str, message: Option<String>| {
        faults.extend(message.map(|message| (key.to_owned(), message)));
    };
    let chat = workload.kind == Kind::Chat;
    let told = workload.kind != Kind::Embeddings;
    let only = |kind: &str, key: &str| Some(format!("`{key}` is for {kind} only"));
    add(
        "prompt",
        match &workload.prompt {
            Prompt::Texts(texts) if texts.is_empty() => Some("`texts` is empty".to_owned()),
            Prompt::Tokens(lengths) => lengths.problem(),
            Prompt::Text(_) | Prompt::Texts(_) | Prompt::Sharegpt(_) => None,
        },
    );
    let length = |lengths: &Option<Lengths>| lengths.as_ref().and_then(Lengths::problem);
    add("max_tokens", length(&workload.max_tokens));
    add("batch", length(&workload.batch));
    add(
        "batch",
        workload.batch.as_ref().filter(|_| told).and_then(|_| only("`kind: embeddings`", "batch")),
    );
    if workload.exact_output && workload.max_tokens.is_none() && told {
        let message =
            "`exact_output` insists on the length that `max_tokens` says, and none is said";
        add("exact_output", Some(message.to_owned()));
    }
    let chats = [
        ("images", workload.images.is_some()),
        ("session", workload.session.is_some()),
        ("tools", !workload.tools.is_empty()),
        ("response_format", workload.response_format.is_some()),
    ];
    for (key, _) in chats.into_iter().filter(|(_, given)| *given && !chat) {
        add(key, only("`kind: chat`", key));
    }
    if let Some(images) = &workload.images {
        add("images/count", length(&images.count));
    }
    if let Some(session) = &workload.session {
        add("session/turns", length(&session.turns));
        add("session/tool_result", length(&session.tool_result));
        add("session/think", session.think.problem());
        if session.turns.is_none() && !matches!(workload.prompt, Prompt::Sharegpt(_)) {
            let message = "a session needs a number of `turns`; only conversations of `sharegpt` have their own";
            add("session", Some(message.to_owned()));
        }
        if matches!(arrival, Arrival::Trace(_)) {
            let message = "a trace says the length of each request, so no session can follow it; give `arrival` a rate or users";
            add("session", Some(message.to_owned()));
        }
    }
    for (nth, tool) in workload.tools.iter().enumerate() {
        add(&format!("tools/{nth}"), tool_fault(tool));
    }
    add("tool_choice", choice_fault(workload));
    if let Some(format) = &workload.response_format {
        add("response_format", format_fault(format));
    }
    faults
}

fn tool_fault(tool: &serde_json::Map<String, Value>) -> Option<String> {
    if tool.get("type").and_then(Value::as_str) != Some("function") {
        return Some("a tool is `{type: function, function: {name, parameters}}`".to_owned());
    }
    let function = tool.get("function")?;
    let name = function.get("name").and_then(Value::as_str).unwrap_or_default();
    let sound = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if name.is_empty() || name.len() > 64 || !name.chars().all(sound) {
        return Some(format!(
            "a function's `name` has 1 to 64 letters, digits, `_` and `-`, and this one is `{name}`"
        ));
    }
    schema_fault("parameters", function.get("parameters")?)
}

fn schema_fault(what: &str, schema: &Value) -> Option<String> {
    let error = jsonschema::validator_for(schema).err()?;
    Some(format!("`{what}` is no JSON Schema: {error}"))
}

fn choice_fault(workload: &Workload) -> Option<String> {
    let choice = workload.tool_choice.as_ref()?;
    if workload.tools.is_empty() {
        return Some("`tool_choice` chooses among `tools`, and there are none".to_owned());
    }
    let named = choice.pointer("/function/name").and_then(Value::as_str);
    match (choice.as_str(), named) {
        (Some("auto" | "required" | "none"), _) => None,
        (None, Some(named)) => {
            let known = workload.tools.iter().any(|tool| {
                tool.get("function")
                    .and_then(|function| function.get("name"))
                    .and_then(Value::as_str)
                    == Some(named)
            });
            (!known).then(|| format!("`tool_choice` names `{named}`, which is none of `tools`"))
        }
        _ => Some(
            "`tool_choice` is `auto`, `required`, `none`, or `{type: function, function: {name}}`"
                .to_owned(),
        ),
    }
}

fn format_fault(format: &serde_json::Map<String, Value>) -> Option<String> {
    match format.get("type").and_then(Value::as_str) {
        Some("text" | "json_object") => None,
        Some("json_schema") => {
            match format.get("json_schema").and_then(|part| part.get("schema")) {
                Some(schema) => schema_fault("schema", schema),
                None => Some("`json_schema` needs a `schema`, and a `name`".to_owned()),
            }
        }
        _ => Some("`type` is `text`, `json_object` or `json_schema`".to_owned()),
    }
}
