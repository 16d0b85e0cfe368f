//! From a request to its script.

mod batch;
mod response;

use serde_json::{Value, json};

use super::act::{Act, ResponseAct, Scene};
use super::answer::Answer;
use super::ask::{self, Ask, Fields, ResponseAsk};
use super::event::{self, Event};
use super::house::House;
use super::refusal::Refusal;
use super::reply::{Content, Reply};
use super::request::Request;
use super::route::Route;
use super::script::Script;
use super::{gzip, metrics, render, tokens};
use crate::transcript::Headers;
use crate::units::Nanos;

/// The script that answers `request`.
pub(crate) fn answer(house: &House, mut request: Request) -> Script {
    for act in &house.acts {
        match act {
            Act::Hear(change) if !request.route.is_apart() => change(&mut request, house),
            Act::Response(ResponseAct::Hear(change)) if request.route == Route::Responses => {
                change(&mut request, house);
            }
            _ => {}
        }
    }
    if let Some(mut shelf) = house.shelf()
        && request.route != Route::Metrics
    {
        let saved = shelf.take(&request.method, &request.path, &request.body);
        return saved.unwrap_or_else(|| {
            Refusal::new(404, "No saved exchange has this method and path.").reply().script()
        });
    }
    match admit(house, &request) {
        Ok(Admitted::Ask(ask)) => say(house, &request, &ask),
        Ok(Admitted::Response(asked)) => response::say(house, &request, &asked),
        Ok(Admitted::Reply(reply)) => finish(house, &request, reply),
        Err(refusal) => refuse(house, &request, &refusal),
    }
}

enum Admitted {
    /// The engine is asked.
    Ask(Box<Ask>),
    /// The engine is asked by way of the Responses API.
    Response(Box<ResponseAsk>),
    /// The front answers.
    Reply(Reply),
}

/// Everything before the engine.
fn admit(house: &House, request: &Request) -> Result<Admitted, Refusal> {
    let route = &request.route;
    if *route == Route::Unknown {
        let message = format!("Invalid URL ({} {})", request.method, request.path);
        return Err(Refusal::new(404, message));
    }
    if !route.takes(&request.method) {
        let message = format!(
            "Not allowed to {} on {}. (HINT: Perhaps you meant to use a different HTTP method?)",
            request.method, request.path
        );
        return Err(Refusal::new(405, message)
            .code("method_not_supported")
            .header("allow", route.methods().join(", ")));
    }
    if route.needs_key() {
        check_key(house, request)?;
    }
    let orders = request.orders();
    if route.needs_engine() && orders.rate_limit {
        return Err(Refusal::rate_limit());
    }
    if route.needs_engine() && orders.overload {
        return Err(Refusal::overload());
    }
    if request.method == "POST" && *route != Route::Files {
        check_media_type(request)?;
    }
    let reply = match route {
        Route::Chat => return Ok(Admitted::Ask(Box::new(ask::chat(request, house)?))),
        Route::Completions => {
            return Ok(Admitted::Ask(Box::new(ask::completion(request, house)?)));
        }
        Route::Responses => {
            return Ok(Admitted::Response(Box::new(ask::response(request, house)?)));
        }
        Route::Response(id) => response::one(house, id, &request.method)?,
        Route::ResponseInput(id) => response::input_items(house, id)?,
        Route::Files
        | Route::File(_)
        | Route::FileContent(_)
        | Route::Batches
        | Route::Batch(_)
        | Route::BatchCancel(_) => batch::reply(house, request)?,
        Route::Embeddings => {
            let fields = ask::body(request)?;
            let model = fields.string("model")?.ok_or_else(|| Refusal::missing("model"))?;
            ask::check_model(model, house)?;
            Reply { after: house.config.ttft, ..Reply::json(render::embeddings(fields, model)?) }
        }
        Route::Models => Reply::json(render::models(house)),
        Route::Model(id) => {
            if !house.config.models.contains(id) {
                let message = format!("The model '{id}' does not exist");
                return Err(Refusal::new(404, message).param("model").code("model_not_found"));
            }
            Reply::json(render::model(id))
        }
        Route::Tokenize => tokenize(house, ask::body(request)?)?,
        Route::Health | Route::Ping => Reply::new(200, Content::Nothing),
        Route::Metrics => Reply::text(200, "text/plain; version=0.0.4", metrics::page(house)),
        Route::Unknown => Reply::new(404, Content::Nothing),
    };
    Ok(Admitted::Reply(reply))
}

/// A page of a list; all of it.
fn list(data: &[Value]) -> Value {
    let id = |item: Option<&Value>| item.and_then(|item| item.get("id")).cloned();
    json!({
        "object": "list",
        "data": data,
        "first_id": id(data.first()),
        "last_id": id(data.last()),
        "has_more": false,
    })
}

/// Whether the request holds the right key.
pub(crate) fn check_key(house: &House, request: &Request) -> Result<(), Refusal> {
    if let Some(gate) = &house.config.gate {
        return gate.admit(request.header("authorization"), request.place.as_ref());
    }
    let Some(key) = &house.config.api_key else { return Ok(()) };
    let given = request.header("authorization").and_then(|value| {
        let (scheme, key) = value.split_once(' ')?;
        // The scheme's case does not matter: RFC 9110 11.1.
        scheme.eq_ignore_ascii_case("bearer").then_some(key.trim())
    });
    match given {
        None => Err(Refusal::new(
            401,
            "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY).",
        )
        .header("www-authenticate", "Bearer realm=\"proofhouse\"")),
        // OpenAI repeats the key here, partly masked. A key is better not repeated at all.
        Some(given) if given != key => {
            Err(Refusal::new(401, "Incorrect API key provided.").code("invalid_api_key"))
        }
        Some(_) => Ok(()),
    }
}

fn check_media_type(request: &Request) -> Result<(), Refusal> {
    let Some(given) = request.header("content-type") else { return Ok(()) };
    let media_type = given.split(';').next().unwrap_or_default().trim();
    let json = media_type.eq_ignore_ascii_case("application/json")
        || (media_type.starts_with("application/") && media_type.ends_with("+json"));
    if json {
        return Ok(());
    }
    let message = format!(
        "Unsupported content type: '{media_type}'. This API method only accepts 'application/json' requests, but you specified the header 'Content-Type: {given}'. Please try again with a supported content type."
    );
    Err(Refusal::new(415, message).code("unsupported_content_type"))
}

/// vLLM's `/tokenize`, so that a client can learn the ids that `logit_bias` speaks of.
fn tokenize(house: &House, fields: Fields<'_, '_>) -> Result<Reply, Refusal> {
    let prompt = fields.string("prompt")?.ok_or_else(|| Refusal::missing("prompt"))?;
    let ids: Vec<u64> = tokens::split(prompt).iter().map(|token| tokens::id(token)).collect();
    let context = house.config.context_tokens;
    Ok(Reply::json(json!({"count": ids.len(), "max_model_len": context, "tokens": ids})))
}

/// The engine's answer to an ask.
fn say(house: &House, request: &Request, ask: &Ask) -> Script {
    let number = request.number;
    let scene = Scene { house, request, ask: Some(ask), answer: None };
    for act in &house.acts {
        if let Act::Instead(other) = act
            && let Some(reply) = other(&scene)
        {
            return shape(&scene, reply);
        }
    }
    let mut answer = Answer::to(ask, house, number);
    for act in &house.acts {
        if let Act::Decide(change) = act {
            change(&mut answer, &scene);
        }
    }
    house.tally().decided(number, &answer);
    let scene = Scene { answer: Some(&answer), ..scene };
    if ask.stream {
        let events = if request.route == Route::Chat {
            render::chat_events(&answer, ask, house, number)
        } else {
            render::completion_events(&answer, ask, house, number)
        };
        return stream(&scene, events);
    }
    if answer.fail_after.is_some() {
        return shape(&scene, Refusal::engine().reply());
    }
    let value = if request.route == Route::Chat {
        render::chat(&answer, ask, house, number)
    } else {
        render::completion(&answer, ask, house, number)
    };
    let gaps = u64::try_from(render::steps(&answer)).unwrap_or(u64::MAX).saturating_sub(1);
    let after = house.config.ttft + Nanos(house.config.itl.0.saturating_mul(gaps));
    shape(&scene, Reply { after, ..Reply::json(value) })
}

fn stream(scene: &Scene<'_>, mut events: Vec<Event>) -> Script {
    for act in &scene.house.acts {
        if let Act::Events(change) = act {
            change(&mut events, scene);
        }
    }
    let mut headers = Headers::default();
    mark(scene, &mut headers, scene.house.config.ttft);
    bend(scene, event::script(events, headers))
}

/// A reply of the front.
fn finish(house: &House, request: &Request, reply: Reply) -> Script {
    let scene = Scene { house, request, ask: None, answer: None };
    for act in &house.acts {
        if let Act::Instead(other) = act
            && let Some(reply) = other(&scene)
        {
            return shape(&scene, reply);
        }
    }
    shape(&scene, reply)
}

/// The script that refuses `request`.
pub(crate) fn refuse(house: &House, request: &Request, refusal: &Refusal) -> Script {
    shape(&Scene { house, request, ask: None, answer: None }, refusal.reply())
}

/// Gives a reply its persona's and its faults' shape.
fn shape(scene: &Scene<'_>, mut reply: Reply) -> Script {
    for act in &scene.house.acts {
        match act {
            Act::Plain(change) if reply.status < 400 => change(&mut reply, scene),
            Act::Error(change) if reply.status >= 400 => change(&mut reply, scene),
            _ => {}
        }
    }
    let after = reply.after;
    mark(scene, &mut reply.headers, after);
    bend(scene, reply.script())
}

/// The headers that OpenAI puts on every answer.
fn mark(scene: &Scene<'_>, headers: &mut Headers, took: Nanos) {
    let seed = scene.house.config.seed;
    headers.push("x-request-id", format!("req_{}", render::unique(seed, scene.number(), 24)));
    headers.push("openai-processing-ms", (took.0 / 1_000_000).to_string());
    headers.push("openai-version", "2020-10-01");
}

fn bend(scene: &Scene<'_>, mut script: Script) -> Script {
    for act in &scene.house.acts {
        if let Act::Script(change) = act {
            change(&mut script, scene);
        }
    }
    if script.is_stream() && gzip::is_wanted(scene.request.header("accept-encoding")) {
        gzip::pack(&mut script, scene.house.traits.holds_gzip);
    }
    script
}
