//! vLLM's errors.

use serde_json::{Value, json};

use super::detail;
use crate::mock::act::Scene;
use crate::mock::desk::check_key;
use crate::mock::reply::{Content, Reply};
use crate::mock::route::Route;

/// What OpenAI's validation complaints become: pydantic's type and words.
const COMPLAINTS: [(&str, &str, &str); 6] = [
    (
        "expected a decimal",
        "float_parsing",
        "Input should be a valid number, unable to parse string as a number",
    ),
    (
        "expected an integer",
        "int_parsing",
        "Input should be a valid integer, unable to parse string as an integer",
    ),
    (
        "expected a boolean",
        "bool_parsing",
        "Input should be a valid boolean, unable to interpret input",
    ),
    ("expected an array", "list_type", "Input should be a valid list"),
    ("expected an object", "dict_type", "Input should be a valid dictionary"),
    ("expected a string", "string_type", "Input should be a valid string"),
];

pub(super) fn unauthorized(reply: &mut Reply, scene: &Scene<'_>) {
    // The key is asked for before the route is looked up.
    let front = matches!(reply.status, 404 | 405) && scene.request.path.starts_with("/v1");
    if reply.status == 401 || (front && check_key(scene.house, scene.request).is_err()) {
        *reply = Reply::new(401, Content::Json(json!({"error": "Unauthorized"})));
    }
}

pub(super) fn shape(reply: &mut Reply, scene: &Scene<'_>) {
    // There is no route for one model, nor for embeddings on a generative model.
    if matches!(scene.request.route, Route::Unknown | Route::Model(_) | Route::Embeddings)
        && reply.status != 401
    {
        *reply = detail(404, "Not Found");
        return;
    }
    if reply.status == 405 {
        let allow = reply.headers.get("allow").map(str::to_owned);
        *reply = detail(405, "Method Not Allowed");
        if let Some(allow) = allow {
            reply.headers.push("allow", allow.split(',').next().unwrap_or_default());
        }
        return;
    }
    let status = reply.status;
    let Some(error) = reply.json_mut().and_then(|body| body.get_mut("error")) else { return };
    let text = |key: &str| error.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (message, param, code) = (text("message"), text("param"), text("code"));
    let (message, kind, param) = if let Some(complaint) = complaint(scene, &message, &param, &code)
    {
        (complaint.0, "Bad Request", Some(complaint.1))
    } else {
        let (message, param) = said(scene, message, param, &code);
        let noted = match &param {
            Some(param) => format!("{message} (parameter={param})"),
            None => message,
        };
        // A model's name is no parameter of its own message.
        let noted =
            if code == "model_not_found" { noted.replace(" (parameter=model)", "") } else { noted };
        (noted, class(status), param)
    };
    if status == 415 {
        reply.status = 400;
        let text =
            "1 validation error:\n  Unsupported Media Type: Only 'application/json' is allowed";
        reply.content = Content::Json(
            json!({"error": {"message": text, "type": "Bad Request", "param": null, "code": 400}}),
        );
        return;
    }
    *error = json!({"message": message, "type": kind, "param": param, "code": status});
}

const fn class(status: u16) -> &'static str {
    match status {
        404 => "NotFoundError",
        429 => "RateLimitError",
        500 => "InternalServerError",
        503 => "ServiceUnavailableError",
        _ => "BadRequestError",
    }
}

/// What pydantic complains of before vLLM looks: message and parameter.
fn complaint(
    scene: &Scene<'_>,
    message: &str,
    param: &str,
    code: &str,
) -> Option<(String, String)> {
    let one = |kind: &str, place: &str, text: &str, input: &str| {
        let line =
            format!("{{'type': '{kind}', 'loc': '{place}', 'msg': '{text}', 'input': {input}}}");
        (format!("1 validation error:\n  {line}"), place.to_owned())
    };
    if scene.request.body.is_empty() {
        return Some(one("missing", "body", "Field required", "'None'"));
    }
    match &scene.request.json {
        None => {
            let fault = serde_json::from_slice::<Value>(&scene.request.body).err();
            let column = fault.map_or(0, |fault| fault.column());
            return Some(one(
                "json_invalid",
                &format!("body.{column}"),
                "JSON decode error",
                "'<dict of 0 items>'",
            ));
        }
        Some(Value::Object(_)) => {}
        Some(_) => {
            let text = "Input should be a valid dictionary or object to extract fields from";
            return Some(one("model_attributes_type", "body", text, "'<list of 0 items>'"));
        }
    }
    let place = format!("body.{}", param.replace('[', ".").replace(']', ""));
    let input = format!("'<dict of {} items>'", scene.request.object().len());
    match code {
        "missing_required_parameter" if param.starts_with("response_format") => None,
        "missing_required_parameter" => Some(one("missing", &place, "Field required", &input)),
        "invalid_type" => {
            let (_, kind, text) =
                COMPLAINTS.iter().find(|(words, _, _)| message.contains(words))?;
            Some(one(kind, &place, text, &input))
        }
        "array_above_max_length" => Some(one("too_long", &place, "List is too long", &input)),
        "invalid_value" if param == "response_format.type" => {
            let text = "Input should be \\'text\\', \\'json_object\\' or \\'json_schema\\'";
            Some(one("literal_error", &place, text, &input))
        }
        _ => None,
    }
}

/// What vLLM itself says where its words differ from OpenAI's.
fn said(scene: &Scene<'_>, message: String, param: String, code: &str) -> (String, Option<String>) {
    let param = Some(param).filter(|param| !param.is_empty());
    let number = |key: &str| scene.request.field(key).map(ToString::to_string).unwrap_or_default();
    match (code, param.as_deref()) {
        ("context_length_exceeded", _) => {
            let max = scene.house.config.context_tokens;
            let limit =
                scene.request.field("max_completion_tokens").or(scene.request.field("max_tokens"));
            let beyond = limit.and_then(Value::as_u64).filter(|limit| *limit > max as u64);
            if let Some(limit) = beyond {
                let text = format!(
                    "max_tokens={limit} cannot be greater than max_model_len={max}. Please request fewer output tokens."
                );
                return (text, Some("max_tokens".to_owned()));
            }
            let text = format!(
                "This model's maximum context length is {max} tokens. However, your prompt contains at least {} input tokens, which exceeds this limit even without any output tokens. Please reduce the length of the input prompt.",
                max + 1
            );
            (text, Some("input_tokens".to_owned()))
        }
        ("model_not_found", _) => {
            let asked = scene.request.field("model").and_then(Value::as_str).unwrap_or_default();
            (format!("The model `{asked}` does not exist."), Some("model".to_owned()))
        }
        ("empty_array", Some("messages")) => (
            "Cannot apply chat template to an empty conversation. Provide at least one message."
                .to_owned(),
            None,
        ),
        ("integer_below_min_value", Some("n")) => {
            (format!("n must be at least 1, got {}.", number("n")), None)
        }
        ("integer_below_min_value", Some(name)) => {
            (format!("{name} must be at least 1, got {}.", number(name)), param)
        }
        ("decimal_above_max_value" | "decimal_below_min_value", Some("temperature")) => {
            (format!("temperature must be in [0, 2], got {}.", number("temperature")), param)
        }
        ("invalid_json_schema" | "invalid_function_parameters", _) => {
            (format!("Grammar error: {message}"), None)
        }
        ("missing_required_parameter", _) => (
            "When response_format type is 'json_schema', the 'json_schema' field must be provided."
                .to_owned(),
            Some("response_format".to_owned()),
        ),
        (_, Some("tool_choice")) if message.contains("only allowed when") => {
            ("When using `tool_choice`, `tools` must be set.".to_owned(), param)
        }
        (_, Some("tool_choice")) => (
            "The tool specified in `tool_choice` does not match any of the specified `tools`"
                .to_owned(),
            param,
        ),
        (_, Some("top_logprobs")) => {
            ("when using `top_logprobs`, `logprobs` must be set to true.".to_owned(), param)
        }
        (_, Some("stream_options")) => {
            ("Stream options can only be defined when `stream=True`.".to_owned(), param)
        }
        _ => (message, param),
    }
}
