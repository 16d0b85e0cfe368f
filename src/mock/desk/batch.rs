//! Files and batches at the desk.

use bytes::Bytes;
use serde_json::{Value, json};

use super::{answer, list};
use crate::mock::archive::{Batch, File, Line};
use crate::mock::ask;
use crate::mock::house::House;
use crate::mock::multipart;
use crate::mock::pacer;
use crate::mock::refusal::Refusal;
use crate::mock::render::unique;
use crate::mock::reply::{Content, Reply};
use crate::mock::request::Request;
use crate::mock::route::Route;
use crate::transcript::Headers;
use crate::units::Nanos;

/// OpenAI's bounds.
const LINES_MAX: usize = 50_000;
const PURPOSES: [&str; 6] = ["assistants", "batch", "fine-tune", "vision", "user_data", "evals"];
const ENDPOINTS: [&str; 4] =
    ["/v1/responses", "/v1/chat/completions", "/v1/embeddings", "/v1/completions"];

/// Everything about files and batches.
pub(super) fn reply(house: &House, request: &Request) -> Result<Reply, Refusal> {
    house.archive().settle(pacer::now());
    let posts = request.method == "POST";
    match &request.route {
        Route::Files if posts => upload(house, request),
        Route::Files => {
            let files: Vec<Value> = house.archive().files().map(File::object).collect();
            Ok(Reply::json(list(&files)))
        }
        Route::File(id) if request.method == "DELETE" => {
            if house.archive().forget_file(id) {
                Ok(Reply::json(json!({"id": id, "object": "file", "deleted": true})))
            } else {
                Err(no_file(id))
            }
        }
        Route::File(id) => {
            let archive = house.archive();
            Ok(Reply::json(archive.file(id).ok_or_else(|| no_file(id))?.object()))
        }
        Route::FileContent(id) => {
            let archive = house.archive();
            let file = archive.file(id).ok_or_else(|| no_file(id))?;
            Ok(Reply::new(200, Content::File(file.bytes.clone())))
        }
        Route::Batches if posts => create(house, request),
        Route::Batches => {
            let now = pacer::now();
            let batches: Vec<Value> =
                house.archive().batches().map(|batch| batch.object(now)).collect();
            Ok(Reply::json(list(&batches)))
        }
        Route::Batch(id) => {
            let archive = house.archive();
            let batch = archive.batch(id).ok_or_else(|| no_batch(id))?;
            Ok(Reply::json(batch.object(pacer::now())))
        }
        Route::BatchCancel(id) => cancel(house, id),
        _ => Err(Refusal::new(404, format!("Invalid URL ({} {})", request.method, request.path))),
    }
}

fn no_file(id: &str) -> Refusal {
    Refusal::new(404, format!("No such File object: {id}")).param("id")
}

fn no_batch(id: &str) -> Refusal {
    Refusal::new(404, format!("No batch found with id '{id}'."))
}

fn upload(house: &House, request: &Request) -> Result<Reply, Refusal> {
    let content_type = request.header("content-type").unwrap_or_default();
    let fields = multipart::read(content_type, &request.body).ok_or_else(|| {
        Refusal::new(400, "Could not parse multipart form: a 'file' and a 'purpose' are expected.")
    })?;
    let field = |name: &str| {
        let found = fields.iter().find(|field| field.name == name);
        found.ok_or_else(|| Refusal::missing(name))
    };
    let purpose = String::from_utf8_lossy(&field("purpose")?.bytes).into_owned();
    if !PURPOSES.contains(&purpose.as_str()) {
        return Err(Refusal::wrong_value("purpose", &purpose, &PURPOSES).param("purpose"));
    }
    let file = field("file")?;
    let file = File {
        id: format!("file-{}", unique(house.config.seed, request.number, 24)),
        number: request.number,
        name: file.file.clone().unwrap_or_else(|| "file".to_owned()),
        purpose,
        bytes: Bytes::from(file.bytes.clone()),
    };
    let object = file.object();
    house.archive().keep_file(file);
    Ok(Reply::json(object))
}

fn create(house: &House, request: &Request) -> Result<Reply, Refusal> {
    let fields = ask::body(request)?;
    let need = |key: &str| fields.string(key)?.ok_or_else(|| Refusal::missing(key));
    let input = need("input_file_id")?;
    let endpoint = need("endpoint")?;
    let window = need("completion_window")?;
    if !ENDPOINTS.contains(&endpoint) {
        return Err(Refusal::wrong_value("endpoint", endpoint, &ENDPOINTS).param("endpoint"));
    }
    if window != "24h" {
        let refusal = Refusal::wrong_value("completion_window", window, &["24h"]);
        return Err(refusal.param("completion_window"));
    }
    let bytes = house.archive().file(input).map(|file| file.bytes.clone());
    let bytes = bytes.ok_or_else(|| {
        let message = format!("Invalid value for 'input_file_id': no file with id '{input}'.");
        Refusal::invalid("input_file_id", "invalid_request", message)
    })?;
    let (lines, errors) = read(&bytes, endpoint);
    let lines = if errors.is_empty() {
        lines.iter().map(|line| work(house, request, line)).collect()
    } else {
        Vec::new()
    };
    let now = pacer::now();
    let batch = Batch {
        id: format!("batch_{}", unique(house.config.seed, request.number, 32)),
        number: request.number,
        seed: house.config.seed,
        input: input.to_owned(),
        endpoint: endpoint.to_owned(),
        window: window.to_owned(),
        metadata: request.field("metadata").cloned().unwrap_or_default(),
        start: now,
        lines,
        errors,
        stopped: None,
        filed: false,
    };
    let object = batch.object(now);
    house.archive().keep_batch(batch);
    Ok(Reply::json(object))
}

/// One request of the input.
struct Order {
    custom_id: String,
    url: String,
    body: Value,
}

/// The requests of an input file, and what is wrong with it.
fn read(bytes: &[u8], endpoint: &str) -> (Vec<Order>, Vec<Value>) {
    let text = String::from_utf8_lossy(bytes);
    let mut orders: Vec<Order> = Vec::new();
    let mut errors = Vec::new();
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let mut wrong = |code: &str, message: &str, param: Option<&str>| {
            errors
                .push(json!({"code": code, "line": index + 1, "message": message, "param": param}));
        };
        let Ok(Value::Object(map)) = serde_json::from_str(line) else {
            wrong("invalid_json_line", "This line is not parseable as valid JSON.", None);
            continue;
        };
        let text = |key: &str| map.get(key).and_then(Value::as_str);
        let Some(custom_id) = text("custom_id") else {
            wrong("missing_required_parameter", "Missing 'custom_id'.", Some("custom_id"));
            continue;
        };
        if orders.iter().any(|order| order.custom_id == custom_id) {
            let message = format!("The custom_id '{custom_id}' stands in more than one line.");
            wrong("duplicate_custom_id", &message, Some("custom_id"));
            continue;
        }
        if text("method") != Some("POST") {
            wrong("invalid_method", "The method of every line is 'POST'.", Some("method"));
        } else if text("url") != Some(endpoint) {
            let message = format!("The url of every line is the batch's endpoint, '{endpoint}'.");
            wrong("mismatched_endpoint", &message, Some("url"));
        } else {
            let mut body = map.get("body").cloned().unwrap_or_default();
            if let Some(fields) = body.as_object_mut() {
                // A file has no place for a stream.
                fields.shift_remove("stream");
            }
            orders.push(Order { custom_id: custom_id.to_owned(), url: endpoint.to_owned(), body });
        }
    }
    if orders.is_empty() && errors.is_empty() {
        errors.push(json!({"code": "empty_file", "line": null, "message": "The input file is empty.", "param": "input_file_id"}));
    }
    if orders.len() > LINES_MAX {
        errors.push(json!({"code": "too_many_tasks", "line": null, "message": format!("A batch has at most {LINES_MAX} lines."), "param": null}));
    }
    (orders, errors)
}

/// Answers one line as if it had come by itself.
fn work(house: &House, request: &Request, order: &Order) -> Line {
    let number = house.next_number();
    let mut headers: Headers = [("content-type", "application/json")].into_iter().collect();
    if let Some(key) = request.header("authorization") {
        headers.push("authorization", key);
    }
    let body = Bytes::from(order.body.to_string());
    let script = answer(house, Request::new(number, "POST", &order.url, headers, body));
    let status = script.head.status;
    let takes: Nanos = script.cues.iter().fold(script.head.after, |sum, cue| sum + cue.after);
    let id = script.head.headers.get("x-request-id").unwrap_or_default().to_owned();
    let body: Value = serde_json::from_slice(&script.body()).unwrap_or_default();
    let seed = house.config.seed;
    Line {
        takes,
        ok: status < 400,
        result: json!({
            "id": format!("batch_req_{}", unique(seed, number, 24)),
            "custom_id": order.custom_id,
            "response": {"status_code": status, "request_id": id, "body": body},
            "error": null,
        }),
    }
}

fn cancel(house: &House, id: &str) -> Result<Reply, Refusal> {
    let now = pacer::now();
    let mut archive = house.archive();
    let batch = archive.batch_mut(id).ok_or_else(|| no_batch(id))?;
    let status = batch.status(now);
    if !batch.stop(now) {
        let message = format!("Cannot cancel a batch with status '{status}'.");
        return Err(Refusal::new(409, message));
    }
    Ok(Reply::json(batch.object(now)))
}
