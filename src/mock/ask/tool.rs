//! Tools, the choice among them, and response formats.

use serde_json::{Map, Value, json};

use super::fields::{Fields, wrong_length};
use crate::mock::refusal::Refusal;

/// OpenAI's bound on the number of tools.
const TOOLS_MAX: usize = 128;
/// OpenAI's bound on a function's name.
const NAME_CHARS_MAX: usize = 64;

/// A function the model may call.
#[derive(Clone, Debug)]
pub(crate) struct Tool {
    pub(crate) name: String,
    /// The schema of its arguments; an empty object's if none is given.
    pub(crate) parameters: Value,
}

/// Which tool is to be called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ToolChoice {
    None,
    Auto,
    Required,
    Named(String),
}

/// What the text is to be.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Format {
    Text,
    /// Any JSON object.
    Json,
    /// JSON of this schema.
    Schema(Value),
}

pub(super) fn tools(fields: Fields<'_, '_>) -> Result<Vec<Tool>, Refusal> {
    let Some(tools) = fields.array("tools")? else { return Ok(Vec::new()) };
    if tools.len() > TOOLS_MAX {
        return Err(wrong_length("tools", true, TOOLS_MAX, tools.len()));
    }
    tools
        .iter()
        .enumerate()
        .map(|(index, tool)| {
            let path = format!("tools[{index}]");
            let map =
                tool.as_object().ok_or_else(|| Refusal::wrong_type(&path, "an object", tool))?;
            let outer = Fields::new(map, &path);
            let kind = outer.string("type")?;
            let kind = kind.ok_or_else(|| Refusal::missing(&outer.name("type")))?;
            if kind != "function" {
                return Err(Refusal::wrong_value(&outer.name("type"), kind, &["function"]));
            }
            let function = outer.object("function")?;
            let function = function.ok_or_else(|| Refusal::missing(&outer.name("function")))?;
            one(&outer.name("function"), function)
        })
        .collect()
}

/// One function: its name and its parameters.
pub(super) fn one(path: &str, function: &Map<String, Value>) -> Result<Tool, Refusal> {
    let fields = Fields::new(function, path);
    let name = fields.string("name")?.ok_or_else(|| Refusal::missing(&fields.name("name")))?;
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if name.is_empty() || name.len() > NAME_CHARS_MAX || !name.chars().all(fits) {
        return Err(Refusal::invalid(
            fields.name("name"),
            "invalid_value",
            format!(
                "Invalid '{}': string does not match pattern. Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'.",
                fields.name("name")
            ),
        ));
    }
    fields.string("description")?;
    fields.boolean("strict")?;
    let parameters = match fields.object("parameters")? {
        Some(schema) => Value::Object(schema.clone()),
        None => json!({"type": "object", "properties": {}}),
    };
    check_schema(&parameters).map_err(|why| {
        Refusal::invalid(
            fields.name("parameters"),
            "invalid_function_parameters",
            format!("Invalid schema for function '{name}': {why}"),
        )
    })?;
    Ok(Tool { name: name.to_owned(), parameters })
}

/// Why a schema is none, in one clause.
pub(super) fn check_schema(schema: &Value) -> Result<(), String> {
    jsonschema::validator_for(schema).map(drop).map_err(|error| error.to_string())
}

pub(super) fn choice(fields: Fields<'_, '_>, tools: &[Tool]) -> Result<ToolChoice, Refusal> {
    const WORDS: [&str; 3] = ["none", "auto", "required"];
    let choice = match fields.get("tool_choice") {
        None => return Ok(if tools.is_empty() { ToolChoice::None } else { ToolChoice::Auto }),
        Some(Value::String(word)) => match word.as_str() {
            "none" => ToolChoice::None,
            "auto" => ToolChoice::Auto,
            "required" => ToolChoice::Required,
            other => return Err(Refusal::wrong_value("tool_choice", other, &WORDS)),
        },
        Some(Value::Object(map)) => {
            let outer = Fields::new(map, "tool_choice");
            let function = outer.object("function")?;
            let function = function.ok_or_else(|| Refusal::missing("tool_choice.function"))?;
            let name = Fields::new(function, "tool_choice.function").string("name")?;
            let name = name.ok_or_else(|| Refusal::missing("tool_choice.function.name"))?;
            ToolChoice::Named(name.to_owned())
        }
        Some(other) => {
            return Err(Refusal::wrong_type("tool_choice", "a string or an object", other));
        }
    };
    offered(choice, tools)
}

/// The choice, if it is one among these tools.
pub(super) fn offered(choice: ToolChoice, tools: &[Tool]) -> Result<ToolChoice, Refusal> {
    // OpenAI refuses any choice without tools; `none` and `auto` change nothing and are let by,
    // because clients always send them.
    let forced = !matches!(choice, ToolChoice::None | ToolChoice::Auto);
    if tools.is_empty() && forced {
        return Err(Refusal::new(
            400,
            "Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are specified.",
        )
        .param("tool_choice"));
    }
    match &choice {
        ToolChoice::Named(name) if !tools.iter().any(|tool| tool.name == *name) => {
            Err(Refusal::new(
                400,
                format!("Invalid value for 'tool_choice': no function named '{name}' was specified in the 'tools' parameter."),
            )
            .param("tool_choice"))
        }
        _ => Ok(choice),
    }
}

pub(super) fn format(fields: Fields<'_, '_>) -> Result<Format, Refusal> {
    const KINDS: [&str; 3] = ["json_object", "json_schema", "text"];
    let Some(map) = fields.object("response_format")? else { return Ok(Format::Text) };
    let outer = Fields::new(map, "response_format");
    let kind = outer.string("type")?.ok_or_else(|| Refusal::missing("response_format.type"))?;
    match kind {
        "text" => Ok(Format::Text),
        "json_object" => Ok(Format::Json),
        "json_schema" => {
            let path = "response_format.json_schema";
            let inner = outer.object("json_schema")?.ok_or_else(|| Refusal::missing(path))?;
            let inner = Fields::new(inner, path);
            let name =
                inner.string("name")?.ok_or_else(|| Refusal::missing(&inner.name("name")))?;
            let Some(schema) = inner.object("schema")? else {
                return Err(Refusal::missing(&inner.name("schema")));
            };
            let schema = Value::Object(schema.clone());
            check_schema(&schema).map_err(|why| {
                Refusal::invalid(
                    "response_format",
                    "invalid_json_schema",
                    format!("Invalid schema for response_format '{name}': {why}"),
                )
            })?;
            Ok(Format::Schema(schema))
        }
        other => Err(Refusal::wrong_value("response_format.type", other, &KINDS)),
    }
}
