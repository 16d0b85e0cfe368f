//! Faults of token counts.

use serde_json::{Value, json};

use super::Fault;
use super::reach::{body, chunks, error_text, forget, is_generation, set_500};
use crate::mock::act::{Act, Scene};
use crate::mock::answer::Answer;
use crate::mock::event::{Event, Part};

/// By how much a count is over the limit.
const OVER: usize = 8;
/// How far a prompt's count wanders.
const JITTER: u64 = 11;
/// How far it is off at least.
const JITTER_MIN: usize = 4;

fn over_limit(answer: &mut Answer, scene: &Scene<'_>, by: usize) {
    let Some(limit) = scene.ask.and_then(|ask| ask.limit) else { return };
    answer.usage.completion = limit.saturating_add(by);
    answer.usage.total = answer.usage.prompt.saturating_add(answer.usage.completion);
}

fn run_along(events: &mut [Event]) {
    let last = events.iter_mut().find(|event| event.part == Part::Usage);
    let Some(usage) = last.and_then(|event| event.chunk_mut()?.get("usage").cloned()) else {
        return;
    };
    let mut said = 0;
    for event in events.iter_mut().filter(|event| event.part != Part::Usage) {
        said += u64::from(matches!(event.part, Part::Thought | Part::Content | Part::Call));
        let Some(chunk) = event.chunk_mut().and_then(Value::as_object_mut) else { continue };
        let mut running = usage.clone();
        let prompt = usage.get("prompt_tokens").and_then(Value::as_u64).unwrap_or(0);
        if let Some(running) = running.as_object_mut() {
            running.insert("completion_tokens".to_owned(), json!(said));
            running.insert("total_tokens".to_owned(), json!(prompt + said));
        }
        chunk.insert("usage".to_owned(), running);
    }
}

pub(super) const FAULTS: &[Fault] = &[
    Fault::new(
        "usage-missing",
        "no usage",
        &[Act::Plain(|reply, scene| {
            if let Some(body) = body(reply).filter(|_| is_generation(scene.request)) {
                body.shift_remove("usage");
            }
        })],
    ),
    Fault::new(
        "usage-bad-sum",
        "total off by one",
        &[Act::Decide(|answer, _| answer.usage.total += 1)],
    ),
    Fault::new(
        "usage-zero",
        "all zero",
        &[Act::Decide(|answer, _| {
            answer.usage.prompt = 0;
            answer.usage.completion = 0;
            answer.usage.total = 0;
        })],
    ),
    Fault::new(
        "usage-over-limit",
        "completion_tokens above max_tokens",
        &[Act::Decide(|answer, scene| over_limit(answer, scene, OVER))],
    ),
    Fault::new(
        "usage-off-by-one",
        "completion_tokens limit+1",
        &[Act::Decide(|answer, scene| {
            if answer.choices.iter().any(|choice| choice.finish == "length") {
                over_limit(answer, scene, 1);
            }
        })],
    ),
    Fault::new(
        "usage-stream-missing",
        "ignore include_usage",
        &[Act::Hear(|request, _| {
            if request.wants_stream() {
                forget(request, "stream_options");
            }
        })],
    ),
    Fault::new(
        "usage-continuous",
        "running usage on every chunk",
        &[Act::Events(|events, _| run_along(events))],
    ),
    Fault::new(
        "usage-then-chunk",
        "usage chunk before the finish chunk",
        &[Act::Events(|events, _| {
            let usage = events.iter().position(|event| event.part == Part::Usage);
            let finish = events.iter().position(|event| event.part == Part::Finish);
            if let (Some(usage), Some(finish)) = (usage, finish) {
                let event = events.remove(usage);
                events.insert(finish, event);
            }
        })],
    ),
    Fault::new(
        "usage-repeated",
        "usage chunk twice",
        &[Act::Events(|events, _| {
            if let Some(at) = events.iter().position(|event| event.part == Part::Usage)
                && let Some(again) = events.get(at).cloned()
            {
                events.insert(at, again);
            }
        })],
    ),
    Fault::new(
        "usage-bad-details",
        "cached_tokens above prompt_tokens",
        &[Act::Decide(|answer, _| answer.usage.cached = answer.usage.prompt + 1)],
    ),
    Fault::new(
        "usage-prompt-jitter",
        "prompt_tokens 4 to 14 too high, at random",
        &[Act::Decide(|answer, scene| {
            // No two requests in a row get the same error, and none a small one.
            let by = usize::try_from(scene.number().wrapping_mul(7) % JITTER).unwrap_or_default();
            answer.usage.prompt += by + JITTER_MIN;
            answer.usage.total = answer.usage.prompt + answer.usage.completion;
        })],
    ),
    Fault::new(
        "usage-no-reasoning-tokens",
        "omit reasoning_tokens",
        &[
            Act::Plain(|reply, _| {
                let details = reply.json_mut().and_then(|body| {
                    body.pointer_mut("/usage/completion_tokens_details")?.as_object_mut()
                });
                if let Some(details) = details {
                    details.shift_remove("reasoning_tokens");
                }
            }),
            Act::Events(|events, _| {
                let details = |chunk: &mut Value| -> Option<()> {
                    let details = chunk.pointer_mut("/usage/completion_tokens_details")?;
                    details.as_object_mut()?.shift_remove("reasoning_tokens").map(drop)
                };
                chunks(events).for_each(|chunk| {
                    details(chunk);
                });
            }),
        ],
    ),
    Fault::new(
        "stream-options-500",
        "500 on stream_options without stream",
        &[Act::Error(|reply, _| {
            if error_text(reply, "param") == "stream_options" {
                set_500(reply);
            }
        })],
    ),
];
