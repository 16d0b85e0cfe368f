//! Faults of files and batches.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::Fault;
use super::reach::{error_text, set_500};
use crate::mock::act::{Act, Scene};
use crate::mock::reply::{Content, Reply};
use crate::mock::route::Route;

/// The body of an answer about one batch.
fn batch<'a>(reply: &'a mut Reply, scene: &Scene<'_>) -> Option<&'a mut Map<String, Value>> {
    let one = match &scene.request.route {
        Route::Batch(_) | Route::BatchCancel(_) => true,
        Route::Batches => scene.request.method == "POST",
        _ => false,
    };
    if one { reply.json_mut()?.as_object_mut() } else { None }
}

/// The body of an answer about one file.
fn file<'a>(reply: &'a mut Reply, scene: &Scene<'_>) -> Option<&'a mut Map<String, Value>> {
    let one = match &scene.request.route {
        Route::File(_) => true,
        Route::Files => scene.request.method == "POST",
        _ => false,
    };
    if one { reply.json_mut()?.as_object_mut() } else { None }
}

/// Changes the lines of a file that a batch has left.
fn lines(reply: &mut Reply, scene: &Scene<'_>, change: impl FnOnce(&mut Vec<Value>)) {
    let Route::FileContent(id) = &scene.request.route else { return };
    let result = scene.house.archive().file(id).is_some_and(|file| file.purpose == "batch_output");
    if let (true, Content::File(bytes)) = (result, &mut reply.content) {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let mut lines: Vec<Value> =
            text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        change(&mut lines);
        *bytes =
            lines.iter().fold(String::new(), |text, line| text + &line.to_string() + "\n").into();
    }
}

fn set(map: Option<&mut Map<String, Value>>, key: &str, value: Value) {
    if let Some(map) = map {
        map.insert(key.to_owned(), value);
    }
}

/// Sets a field where the status is this one.
fn set_when(reply: &mut Reply, scene: &Scene<'_>, status: &str, key: &str, value: Value) {
    if let Some(batch) = batch(reply, scene)
        && batch.get("status").and_then(Value::as_str) == Some(status)
    {
        batch.insert(key.to_owned(), value);
    }
}

/// A batch that was taken although it should not have been.
fn taken() -> Reply {
    Reply::json(json!({"id": "batch_taken", "object": "batch", "status": "validating"}))
}

/// Takes a batch although this field of it was refused.
fn take(reply: &mut Reply, scene: &Scene<'_>, param: &str, code: &str) {
    if scene.request.route == Route::Batches
        && error_text(reply, "param") == param
        && error_text(reply, "code") == code
    {
        *reply = taken();
    }
}

fn empty_list(reply: &mut Reply, scene: &Scene<'_>, route: &Route) {
    if scene.request.route == *route
        && scene.request.method == "GET"
        && let Some(data) = reply.json_mut().and_then(|body| body.get_mut("data"))
    {
        *data = json!([]);
    }
}

pub(super) const FAULTS: &[Fault] = &[
    Fault::new(
        "files-bad-shape",
        "a file calls itself document",
        &[Act::Plain(|reply, scene| {
            let posted = scene.request.method == "POST";
            set(file(reply, scene).filter(|_| posted), "object", json!("document"));
        })],
    ),
    Fault::new(
        "files-bytes-zero",
        "bytes is 0",
        &[Act::Plain(|reply, scene| set(file(reply, scene), "bytes", json!(0)))],
    ),
    Fault::new(
        "files-retrieve-other",
        "another file is shown than the one asked for",
        &[Act::Plain(|reply, scene| {
            let asked = scene.request.method == "GET";
            set(file(reply, scene).filter(|_| asked), "id", json!("file-other"));
        })],
    ),
    Fault::new(
        "files-list-empty",
        "the list of files is empty",
        &[Act::Plain(|reply, scene| empty_list(reply, scene, &Route::Files))],
    ),
    Fault::new(
        "files-content-quoted",
        "the content of an uploaded file comes as a JSON text",
        &[Act::Plain(|reply, scene| {
            let Route::FileContent(id) = &scene.request.route else { return };
            let uploaded =
                scene.house.archive().file(id).is_some_and(|file| file.purpose == "batch");
            if let (true, Content::File(bytes)) = (uploaded, &reply.content) {
                let text = String::from_utf8_lossy(bytes).into_owned();
                reply.content = Content::Json(Value::String(text));
            }
        })],
    ),
    Fault::new(
        "files-delete-keeps",
        "a deleted file can still be read",
        &[Act::Plain(|reply, scene| {
            if let (Route::File(id), "DELETE") =
                (&scene.request.route, scene.request.method.as_str())
            {
                let kept = crate::mock::archive::File {
                    id: id.clone(),
                    number: scene.request.number,
                    name: "kept.jsonl".to_owned(),
                    purpose: "batch".to_owned(),
                    bytes: Bytes::new(),
                };
                scene.house.archive().keep_file(kept);
            }
            let _ = reply;
        })],
    ),
    Fault::new(
        "files-unknown-500",
        "500 on an unknown id of a file",
        &[Act::Error(|reply, scene| {
            if matches!(scene.request.route, Route::File(_)) && reply.status == 404 {
                set_500(reply);
            }
        })],
    ),
    Fault::new(
        "files-no-purpose-200",
        "a file without a purpose is taken",
        &[Act::Error(|reply, scene| {
            if scene.request.route == Route::Files && error_text(reply, "param") == "purpose" {
                *reply = Reply::json(json!({"id": "file-taken", "object": "file"}));
            }
        })],
    ),
    Fault::new(
        "files-json-500",
        "500 on an upload that is no form",
        &[Act::Error(|reply, scene| {
            if scene.request.route == Route::Files && scene.request.json.is_some() {
                set_500(reply);
            }
        })],
    ),
    Fault::new(
        "batches-bad-shape",
        "a batch calls itself batch_job",
        &[Act::Plain(|reply, scene| set(batch(reply, scene), "object", json!("batch_job")))],
    ),
    Fault::new(
        "batches-status-odd",
        "the first status is pending",
        &[Act::Plain(|reply, scene| {
            set_when(reply, scene, "validating", "status", json!("pending"));
        })],
    ),
    Fault::new(
        "batches-metadata-dropped",
        "metadata of a batch comes back empty",
        &[Act::Plain(|reply, scene| set(batch(reply, scene), "metadata", json!({})))],
    ),
    Fault::new(
        "batches-fail-whole",
        "one bad line fails the batch",
        &[Act::Plain(|reply, scene| {
            let failed = batch(reply, scene)
                .is_some_and(|batch| batch.get("error_file_id").is_some_and(Value::is_string));
            if failed {
                set_when(reply, scene, "completed", "status", json!("failed"));
            }
        })],
    ),
    Fault::new(
        "batches-no-output-file",
        "a completed batch has no output_file_id",
        &[Act::Plain(|reply, scene| {
            set_when(reply, scene, "completed", "output_file_id", Value::Null);
        })],
    ),
    Fault::new(
        "batches-lines-flat",
        "a line of the output has its body beside the custom_id",
        &[Act::Plain(|reply, scene| {
            lines(reply, scene, |lines| {
                for line in lines.iter_mut().filter_map(Value::as_object_mut) {
                    let response = line.shift_remove("response").unwrap_or_default();
                    let status = response.get("status_code").cloned().unwrap_or_default();
                    // Refused requests keep their form.
                    if status == 200 {
                        line.insert(
                            "body".to_owned(),
                            response.get("body").cloned().unwrap_or_default(),
                        );
                    } else {
                        line.insert("response".to_owned(), response);
                    }
                }
            });
        })],
    ),
    Fault::new(
        "batches-lost-line",
        "the last line of the output is lost",
        &[Act::Plain(|reply, scene| {
            lines(reply, scene, |lines| {
                if lines.len() > 1 {
                    lines.pop();
                }
            });
        })],
    ),
    Fault::new(
        "batches-line-twice",
        "the last line of the output comes twice",
        &[Act::Plain(|reply, scene| {
            lines(reply, scene, |lines| {
                if lines.len() > 1 {
                    lines.extend(lines.last().cloned());
                }
            });
        })],
    ),
    Fault::new(
        "batches-bodies-text",
        "the body in a line is a text",
        &[Act::Plain(|reply, scene| {
            lines(reply, scene, |lines| {
                for body in lines.iter_mut().filter_map(|line| line.pointer_mut("/response/body")) {
                    *body = Value::String(body.to_string());
                }
            });
        })],
    ),
    Fault::new(
        "batches-swapped",
        "two answers change their custom_ids",
        &[Act::Plain(|reply, scene| {
            lines(reply, scene, |lines| {
                let ids: Vec<Value> =
                    lines.iter().filter_map(|line| line.get("custom_id").cloned()).collect();
                for (line, id) in lines.iter_mut().zip(ids.iter().rev()) {
                    set(line.as_object_mut(), "custom_id", id.clone());
                }
            });
        })],
    ),
    Fault::new(
        "batches-no-error-file",
        "refused requests leave no file",
        &[Act::Plain(|reply, scene| {
            set_when(reply, scene, "completed", "error_file_id", Value::Null);
        })],
    ),
    Fault::new(
        "batches-error-200",
        "a refused request has the status 200 in its line",
        &[Act::Plain(|reply, scene| {
            lines(reply, scene, |lines| {
                for status in
                    lines.iter_mut().filter_map(|line| line.pointer_mut("/response/status_code"))
                {
                    *status = json!(200);
                }
            });
        })],
    ),
    Fault::new(
        "batches-counts-zero",
        "request_counts stay 0",
        &[Act::Plain(|reply, scene| {
            let none = json!({"total": 0, "completed": 0, "failed": 0});
            set(batch(reply, scene), "request_counts", none);
        })],
    ),
    Fault::new(
        "batches-no-completed-at",
        "a completed batch has no completed_at",
        &[Act::Plain(|reply, scene| {
            set_when(reply, scene, "completed", "completed_at", Value::Null);
        })],
    ),
    Fault::new(
        "batches-list-empty",
        "the list of batches is empty",
        &[Act::Plain(|reply, scene| empty_list(reply, scene, &Route::Batches))],
    ),
    Fault::new(
        "batches-cancel-goes-on",
        "cancelling is answered with in_progress",
        &[Act::Plain(|reply, scene| {
            if matches!(scene.request.route, Route::BatchCancel(_)) {
                set_when(reply, scene, "cancelling", "status", json!("in_progress"));
            }
        })],
    ),
    Fault::new(
        "batches-cancelled-as-expired",
        "a cancelled batch ends as expired",
        &[Act::Plain(|reply, scene| {
            set_when(reply, scene, "cancelled", "status", json!("expired"));
        })],
    ),
    Fault::new(
        "batches-cancel-over-200",
        "a batch that is over is cancelled",
        &[Act::Error(|reply, scene| {
            if matches!(scene.request.route, Route::BatchCancel(_)) && reply.status == 409 {
                *reply = taken();
            }
        })],
    ),
    Fault::new(
        "batches-unknown-500",
        "500 on an unknown id of a batch",
        &[Act::Error(|reply, scene| {
            if matches!(scene.request.route, Route::Batch(_)) && reply.status == 404 {
                set_500(reply);
            }
        })],
    ),
    Fault::new(
        "batches-unknown-file-200",
        "a batch of an unknown file is taken",
        &[Act::Error(|reply, scene| take(reply, scene, "input_file_id", "invalid_request"))],
    ),
    Fault::new(
        "batches-bad-endpoint-200",
        "a batch for an unknown route is taken",
        &[Act::Error(|reply, scene| take(reply, scene, "endpoint", "invalid_value"))],
    ),
    Fault::new(
        "batches-missing-endpoint-200",
        "a batch without an endpoint is taken",
        &[Act::Error(|reply, scene| take(reply, scene, "endpoint", "missing_required_parameter"))],
    ),
    Fault::new(
        "batches-bad-input-completes",
        "a batch with a bad file completes",
        &[Act::Plain(|reply, scene| {
            set_when(reply, scene, "failed", "status", json!("completed"));
        })],
    ),
    Fault::new(
        "batches-no-errors",
        "a batch that failed does not say why",
        &[Act::Plain(|reply, scene| set_when(reply, scene, "failed", "errors", Value::Null))],
    ),
];
