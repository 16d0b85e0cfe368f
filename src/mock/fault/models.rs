//! Faults of the routes around the engine: models, embeddings, health.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::Fault;
use super::reach::{error_text, forget, images, no, put, set_500, set_html};
use crate::mock::act::{Act, Scene};
use crate::mock::refusal::Refusal;
use crate::mock::render;
use crate::mock::reply::{Content, Reply};
use crate::mock::route::Route;

fn bare_array(reply: &mut Reply, scene: &Scene<'_>) {
    if scene.request.route == Route::Models
        && let Some(body) = reply.json_mut()
        && let Some(data) = body.get_mut("data")
    {
        *body = data.take();
    }
}

fn only_ids(reply: &mut Reply, scene: &Scene<'_>) {
    if scene.request.route != Route::Models {
        return;
    }
    let data = reply.json_mut().and_then(|body| body.get_mut("data")?.as_array_mut());
    for entry in data.into_iter().flatten() {
        *entry = json!({"id": entry.get("id")});
    }
}

fn turn_bytes(reply: &mut Reply, scene: &Scene<'_>) {
    if scene.request.route != Route::Embeddings {
        return;
    }
    let data = reply.json_mut().and_then(|body| body.get_mut("data")?.as_array_mut());
    for place in data.into_iter().flatten().filter_map(|entry| entry.get_mut("embedding")) {
        let Some(bytes) = place.as_str().and_then(|text| STANDARD.decode(text).ok()) else {
            continue;
        };
        let turned: Vec<u8> =
            bytes.chunks(4).flat_map(|number| number.iter().rev().copied()).collect();
        *place = Value::String(STANDARD.encode(turned));
    }
}

fn has_image(scene: &Scene<'_>, prefix: &str) -> bool {
    images(scene).iter().any(|image| {
        image.get("url").and_then(Value::as_str).is_some_and(|url| url.starts_with(prefix))
    })
}

fn vision_500() -> Reply {
    Refusal::new(500, "Internal server error").reply()
}

pub(super) const FAULTS: &[Fault] = &[
    Fault::new("models-bare-array", "array without object list", &[Act::Plain(bare_array)]),
    Fault::new("models-missing-fields", "id only", &[Act::Plain(only_ids)]),
    Fault::new(
        "models-retrieve-404",
        "no retrieve route",
        &[Act::Instead(|scene| {
            matches!(scene.request.route, Route::Model(_)).then(|| {
                Refusal::new(404, format!("Invalid URL (GET {})", scene.request.path)).reply()
            })
        })],
    ),
    Fault::new(
        "models-unknown-200",
        "200 for any id",
        &[Act::Error(|reply, scene| {
            if let Route::Model(id) = &scene.request.route
                && reply.status == 404
            {
                *reply = Reply::json(render::model(id));
            }
        })],
    ),
    Fault::new(
        "head-500",
        "500 on HEAD",
        &[Act::Script(|script, scene| {
            if scene.request.method == "HEAD" {
                script.head.status = 500;
            }
        })],
    ),
    Fault::new(
        "completions-absent-html",
        "no /completions, and a page that says so",
        &[Act::Instead(|scene| {
            (scene.request.route == Route::Completions).then(|| {
                let mut reply = Refusal::new(404, "Not Found").reply();
                set_html(&mut reply, "404 Not Found");
                reply
            })
        })],
    ),
    Fault::new(
        "reject-token-input",
        "400 on token ids as the input",
        &[Act::Instead(|scene| {
            let input = scene.request.field("input").and_then(Value::as_array);
            let ids = input.is_some_and(|input| input.iter().any(Value::is_number));
            (scene.request.route == Route::Embeddings && ids).then(|| no("Token ids"))
        })],
    ),
    Fault::new(
        "embeddings-bad-shape",
        "bare array",
        &[Act::Plain(|reply, scene| {
            if scene.request.route == Route::Embeddings
                && let Content::Json(body) = &mut reply.content
                && let Some(vector) = body.pointer_mut("/data/0/embedding")
            {
                *body = vector.take();
            }
        })],
    ),
    Fault::new(
        "embeddings-base64-ignored",
        "floats although base64",
        &[Act::Hear(|request, _| forget(request, "encoding_format"))],
    ),
    Fault::new("embeddings-base64-wrong-endian", "big-endian floats", &[Act::Plain(turn_bytes)]),
    Fault::new(
        "embeddings-dimensions-ignored",
        "full size",
        &[Act::Hear(|request, _| forget(request, "dimensions"))],
    ),
    Fault::new(
        "embeddings-empty-500",
        "500 on []",
        &[Act::Error(|reply, scene| {
            if scene.request.route == Route::Embeddings && error_text(reply, "param") == "input" {
                set_500(reply);
            }
        })],
    ),
    Fault::new(
        "vision-data-uri-500",
        "500 on data URIs",
        &[Act::Instead(|scene| has_image(scene, "data:").then(vision_500))],
    ),
    Fault::new(
        "vision-url-500",
        "500 on http URLs",
        &[Act::Instead(|scene| has_image(scene, "http").then(vision_500))],
    ),
    Fault::new(
        "vision-unsupported-500",
        "500 on an image for a model that sees none",
        &[Act::Error(|reply, _| {
            if error_text(reply, "message").contains("image_url is only supported") {
                set_500(reply);
            }
        })],
    ),
    Fault::new(
        "reject-vision-detail",
        "400 on detail",
        &[Act::Instead(|scene| {
            let detailed = images(scene).iter().any(|image| image.get("detail").is_some());
            detailed.then(|| no("detail"))
        })],
    ),
    Fault::new(
        "reject-two-images",
        "400 on two",
        &[Act::Instead(|scene| (images(scene).len() > 1).then(|| no("A second image")))],
    ),
    Fault::new(
        "vision-bad-base64-500",
        "500 on broken base64",
        &[Act::Error(|reply, _| {
            if error_text(reply, "param").ends_with("image_url.url") {
                set_500(reply);
            }
        })],
    ),
    Fault::new(
        "model-forgets-listing",
        "the list of models is empty",
        &[Act::Plain(|reply, scene| {
            if scene.request.route == Route::Models
                && let Some(data) = reply.json_mut().and_then(|body| body.get_mut("data"))
            {
                *data = json!([]);
            }
        })],
    ),
    Fault::new(
        "unknown-model-200",
        "200 for any model",
        &[Act::Traits(|traits| traits.any_model = true)],
    ),
    Fault::new(
        "unknown-model-first",
        "an unknown model is answered by the first, under its name",
        &[Act::Hear(|request, house| {
            let asked = request.field("model").and_then(Value::as_str).map(str::to_owned);
            if let (Some(asked), Some(first)) = (asked, house.config.models.first())
                && !house.config.models.contains(&asked)
            {
                put(request, "model", first.clone());
            }
        })],
    ),
];
