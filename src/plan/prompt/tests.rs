use std::path::Path;

use super::*;
use crate::plan::Vocabulary;
use crate::plan::load::parse;

fn asks(workload: &str) -> Asks {
    let text = format!(
        "proofhouse_plan: 1\nseed: 4\narrival: {{constant: {{rate: 1}}}}\nrequests: 9\nworkload:\n{workload}"
    );
    Asks::new(parse("p.yaml", &text, Path::new(".")).unwrap(), "m")
}

fn body(ask: &Ask) -> Value {
    serde_json::from_slice(&ask.body).unwrap()
}

#[test]
fn a_request_is_a_function_of_its_number_and_prompts_begin_differently() {
    let asks = asks("  - {prompt: {tokens: {uniform: {min: 5, max: 50}}}, max_tokens: 8}\n");
    assert_eq!(asks.ask(3), asks.ask(3));
    let start = |number| {
        let body = body(&asks.ask(number));
        body["messages"][0]["content"].as_str().unwrap().chars().take(19).collect::<String>()
    };
    let mut starts: Vec<_> = (0..500).map(start).collect();
    starts.sort();
    starts.dedup();
    assert_eq!(starts.len(), 500);
    let first = body(&asks.ask(0));
    assert_eq!(first["max_tokens"], 8);
    assert_eq!(first["stream_options"]["include_usage"], true);
}

#[test]
fn weights_are_kept_and_further_keys_go_before_ours() {
    let asks = asks(
        "  - {prompt: {text: a}, weight: 3, unique: false, body: {stream: false, temperature: 0}}\n  \
           - {prompt: {text: b}, exact_output: true, max_tokens: 7, kind: completions, system: 's '}\n",
    );
    let all: Vec<Ask> = (0..2_000).map(|number| asks.ask(number)).collect();
    let first = all.iter().filter(|ask| ask.workload == 0).count();
    assert!((1_420..1_580).contains(&first), "{first}");
    let plain = all.iter().find(|ask| ask.workload == 0).unwrap();
    assert!(!plain.stream && !plain.usage_asked);
    assert_eq!(body(plain)["messages"][0]["content"], "a");
    let exact = all.iter().find(|ask| ask.workload == 1).unwrap();
    assert_eq!((exact.path, exact.reply_tokens), ("/completions", Some(7)));
    assert_eq!(body(exact)["ignore_eos"], true);
    assert!(body(exact)["prompt"].as_str().unwrap().starts_with("s ["));
}

#[test]
fn a_counted_prompt_has_exactly_its_words_and_still_no_two_are_alike() {
    let mut asks = asks(
        "  - {prompt: {tokens: {uniform: {min: 10, max: 40}}}, prefix: {tokens: 30, groups: 2, share: 0.5}}\n",
    );
    let costs: Vec<_> = Vocabulary::candidates().iter().map(|word| (*word, 1)).collect();
    let before = asks.loaded.sha256.clone();
    asks.loaded.count_by(Vocabulary::of_costs(&costs, "t".into()));
    assert_ne!(asks.loaded.sha256, before);
    let mut texts = Vec::new();
    let mut shared: Vec<(Option<u32>, String)> = Vec::new();
    for number in 0..400 {
        let ask = asks.ask(number);
        let text = body(&ask)["messages"][0]["content"].as_str().unwrap().to_owned();
        let words = text.split(' ').count();
        assert_eq!(ask.marks.prompt_tokens, u32::try_from(words).ok());
        let start = text.split(' ').take(30).collect::<Vec<_>>().join(" ");
        shared.push((ask.marks.shared.unwrap().group, start));
        texts.push(text);
    }
    texts.sort();
    texts.dedup();
    assert_eq!(texts.len(), 400);
    let alone = shared.iter().filter(|(group, _)| group.is_none()).count();
    assert!((160..240).contains(&alone), "{alone}");
    shared.sort();
    shared.dedup();
    assert_eq!(shared.iter().filter(|(group, _)| group.is_some()).count(), 2);
    assert_eq!(shared.len(), 2 + alone);
}

#[test]
fn a_session_says_again_what_was_said_and_answers_tools_with_their_results() {
    let asks = asks(
        "  - {prompt: {tokens: 5}, system: s, session: {turns: 4, think: {uniform: {min: 1s, max: 3s}}, tool_result: 7}}\n",
    );
    let first = asks.ask(2);
    assert_eq!((first.marks.turn, first.marks.turns, first.marks.goes_on()), (0, 4, true));
    let replies = [
        json!({"role": "assistant", "content": "one"}),
        json!({"role": "assistant", "content": null, "tool_calls": [{"id": "c1"}, {"id": "c2"}]}),
        json!({"role": "assistant", "content": "three"}),
    ];
    let messages = |count: usize| body(&asks.turn(2, &replies[..count]))["messages"].clone();
    let last = messages(3);
    let roles: Vec<_> =
        last.as_array().unwrap().iter().map(|message| message["role"].as_str().unwrap()).collect();
    assert_eq!(
        roles,
        ["system", "user", "assistant", "user", "assistant", "tool", "tool", "assistant", "user"]
    );
    assert_eq!(last[6]["tool_call_id"], "c2");
    assert_eq!(last[5]["content"].as_str().unwrap().split(' ').count(), 7);
    for count in 0..3 {
        let before = messages(count);
        let before = before.as_array().unwrap();
        assert_eq!(before[..], last.as_array().unwrap()[..before.len()]);
    }
    assert_eq!(asks.turn(2, &replies[..2]).marks.prompt_tokens, Some(14));
    assert!(!asks.turn(2, &replies).marks.goes_on());
    let pause = asks.pause(2, 1);
    assert!(pause >= Nanos::from_millis(1_000) && pause <= Nanos::from_millis(3_000));
    assert_eq!(pause, asks.pause(2, 1));
    assert_ne!(pause, asks.pause(2, 2));
}

#[test]
fn pictures_batches_tools_and_formats_are_in_the_body() {
    let asks = asks(
        "  - {prompt: {text: a}, images: {count: 2, width: 64, height: 32}, response_format: {type: json_object}}\n  \
           - {prompt: {text: b}, kind: embeddings, batch: 3}\n  \
           - {prompt: {text: c}, kind: embeddings}\n  \
           - {prompt: {text: d}, tools: [{type: function, function: {name: f, parameters: {type: object}}}], tool_choice: required}\n",
    );
    let of = |index| (0..200).map(|n| asks.ask(n)).find(|ask| ask.workload == index).unwrap();
    let seen = body(&of(0));
    let parts = seen["messages"][0]["content"].as_array().unwrap();
    assert_eq!(parts.len(), 3);
    assert_ne!(parts[1], parts[2]);
    assert_eq!(of(0).schema, Some(json!({"type": "object"})));
    assert_eq!(body(&of(1))["input"].as_array().unwrap().len(), 3);
    assert_eq!((of(1).marks.items, of(2).marks.items), (Some(3), Some(1)));
    assert!(body(&of(2))["input"].is_string() && body(&of(2)).get("stream").is_none());
    let tools = body(&of(3));
    assert_eq!(
        (&tools["tools"][0]["function"]["name"], &tools["tool_choice"]),
        (&json!("f"), &json!("required"))
    );
}

#[test]
fn lengths_are_insisted_on_in_the_words_of_the_profile() {
    let mut asks = asks("  - {prompt: {text: a}, max_tokens: 7, exact_output: true}\n");
    asks.loaded.mind(crate::plan::Manners {
        exact_output: vec![ExactKey::MinNewTokens],
        ..crate::plan::Manners::default()
    });
    let seen = body(&asks.ask(0));
    assert_eq!(seen["min_new_tokens"], 7);
    assert!(seen.get("ignore_eos").is_none() && seen.get("min_tokens").is_none());
}

#[test]
fn a_schema_that_is_asked_for_is_what_replies_must_fit() {
    let asks = asks(
        "  - prompt: {text: a}\n    body: {response_format: {type: json_schema, json_schema: {name: n, schema: {type: object}}}}\n",
    );
    assert_eq!(asks.ask(0).schema, Some(json!({"type": "object"})));
}
