//! The `/openai/v1` route of a SageMaker endpoint. Answers are the container's, here vLLM's; errors
//! are those of the front door, as another gateway measured them.
//!
//! With a [`Gate`](crate::mock::Gate), bearer tokens are verified for real: signature, expiry,
//! region, and what the identity may call. The cold start is not played.

use serde_json::{Value, json};

use super::{Character, Habit, hear, vllm};
use crate::mock::act::{Act, ResponseAct, Scene};
use crate::mock::house::House;
use crate::mock::refusal::Refusal;
use crate::mock::reply::{Content, Reply};
use crate::mock::request::Request;
use crate::mock::route::Route;
use crate::mock::script::Script;
use crate::mock::tokens;

const DOCS: &str =
    "https://docs.aws.amazon.com/sagemaker/latest/dg/realtime-endpoints-openai-compatible.html";
/// A gateway whose tests hold what a live endpoint answered.
const MEASURED: &str = "https://github.com/stdapi-ai/stdapi.ai";

/// The account of AWS's own examples.
const ACCOUNT: &str = "111122223333";

pub(super) const CHARACTER: Character = Character {
    name: "sagemaker",
    title: "SageMaker's `/openai/v1` route, with vLLM in the container",
    layers: &[vllm::HABITS, HABITS],
    gauge: Some("vllm:num_requests_running"),
};

const HABITS: &[Habit] = &[
    Habit::new(
        "only chat/completions is routed: no models, no completions, no embeddings, no responses",
        DOCS,
        &[
            Act::Instead(elsewhere),
            Act::Response(ResponseAct::Instead(elsewhere)),
            Act::Error(not_routed),
            Act::Plain(not_routed),
        ],
    ),
    Habit::new(
        "the header of an inference component is refused; its name belongs into the path",
        MEASURED,
        &[Act::Instead(component), Act::Error(component_refused)],
    ),
    Habit::new(
        "an empty model is the one that the container serves, as vLLM has it",
        MEASURED,
        &[Act::Hear(own_model)],
    ),
    Habit::new(
        "an error of the container comes as a 400, its whole body quoted in a message of the type `server_error` with the code `model_error`",
        MEASURED,
        &[Act::Error(quoted)],
    ),
    Habit::new(
        "an answer has x-amzn-requestid, and no x-request-id",
        DOCS,
        &[Act::Script(headers)],
    ),
];

/// An error that the front door writes itself.
fn front(message: &str) -> Reply {
    let mut reply = Refusal::new(400, message).code("validation_error").reply();
    reply.headers.push("x-proofhouse-front", "1");
    reply
}

fn own_model(request: &mut Request, house: &House) {
    if let Some(first) = house.config.models.first()
        && request.field("model").and_then(Value::as_str) == Some("")
    {
        hear::put(request, "model", first.clone());
    }
}

fn is_routed(scene: &Scene<'_>) -> bool {
    matches!(scene.request.route, Route::Chat | Route::Ping | Route::Metrics | Route::Health)
}

fn elsewhere(scene: &Scene<'_>) -> Option<Reply> {
    (!is_routed(scene)).then(|| Refusal::new(404, "").reply())
}

fn not_routed(reply: &mut Reply, scene: &Scene<'_>) {
    if !is_routed(scene) && reply.status != 401 {
        *reply = front(&format!("There is no route {}.", scene.request.path));
        reply.status = 404;
    }
}

fn quoted(reply: &mut Reply, scene: &Scene<'_>) {
    if !is_routed(scene) || reply.headers.get("x-proofhouse-front").is_some() {
        return;
    }
    let (status, Content::Json(body)) = (reply.status, &reply.content) else { return };
    // What becomes of a container that is too busy was not measured.
    if matches!(status, 429 | 503) {
        return;
    }
    let who = if status < 500 { "client" } else { "server" };
    let text = format!(
        "Received {who} error ({status}) from primary with message \"{body}\". See https://us-east-1.console.aws.amazon.com/cloudwatch/home in account {ACCOUNT} for more information."
    );
    let error = json!({
        "message": text,
        "type": "server_error",
        "param": null,
        "code": "model_error",
    });
    reply.status = 400;
    reply.content = Content::Json(json!({"error": error}));
}

fn names_component(scene: &Scene<'_>) -> bool {
    scene.request.header("x-amzn-sagemaker-inference-component").is_some()
}

fn component(scene: &Scene<'_>) -> Option<Reply> {
    names_component(scene).then(|| Refusal::new(400, "").reply())
}

fn component_refused(reply: &mut Reply, scene: &Scene<'_>) {
    if names_component(scene) {
        *reply = front("The inference component is named in the path, not in a header.");
    }
}

fn headers(script: &mut Script, scene: &Scene<'_>) {
    let headers = &mut script.head.headers;
    headers.remove("x-proofhouse-front");
    headers.remove("x-request-id");
    let seed = scene.house.config.seed;
    let id = tokens::hash(format!("{seed}/{}", scene.number()).as_bytes());
    headers.push("x-amzn-requestid", format!("{id:016x}"));
}
