//! The gist against the whole: the same verdicts, the same times.

use proptest::prelude::*;
use serde_json::json;

use super::gist::Gist;
use super::ruling::{RULES, Rulebook};
use super::tokens::{Facts, Tokens};
use crate::assert::{Assertion, Scene, Seen, StepSeen};
use crate::dialect::openai::DONE;
use crate::plan::Kind;
use crate::transcript::{
    BodyFraming, Connection, End, Exchange, Frame, Headers, ResponseHead, Timing, WireRequest,
};
use crate::units::Nanos;
use crate::verdict::Judgement;

/// A piece of a stream, sound or not.
#[derive(Clone, Debug)]
enum Piece {
    Text { choice: u8, text: String, key: u8 },
    Role(u8),
    Logprobs(f64),
    Counting(u32),
    Finish(u8, u8),
    Usage,
    Done,
    Error(u8),
    ToolCall(String),
    Other(&'static [u8]),
}

const OTHERS: [&[u8]; 24] = [
    b": ping\n\n",
    b": ping\n",
    b"\n",
    b"data:\n\n",
    b"data: \n\n",
    b"data: : ping\n\n",
    b"data: oops\n\n",
    b"data: [1]\n\n",
    b"data: {\"choices\":[]}\n\n",
    b"data: {\"choices\":null}\n\n",
    b"data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":null}]}\n\n",
    b"data: {\"id\":\"c\",\"choices\":[{\"delta\":{\"content\":\"x\"}}]}\n\n",
    b"data: {\"id\":\"c\",\ndata: \"choices\":[]}\n\n",
    b"event: ping\ndata: {}\n\n",
    b"event: error\ndata: {\"message\":\"boom\"}\n\n",
    b"id: 1\nretry: 5\n\n",
    b"data:{\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"x\"},\"finish_reason\":null}]}\n\n",
    b"data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"x\"},\"finish_reason\":null}]}\r\n\r\n",
    b"data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\xff\"},\"finish_reason\":null}]}\n\n",
    b"data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\\ud800\"},\"finish_reason\":null}]}\n\n",
    b"\xef\xbb\xbfdata: {}\n\n",
    b"data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"},\"delta\":{},\"finish_reason\":null}]}\n\n",
    b"{\"id\":\"c\"}\n",
    b"data: [DONE]\n",
];

fn chunk(choices: &serde_json::Value) -> String {
    json!({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": choices})
        .to_string()
}

impl Piece {
    fn bytes(&self) -> Vec<u8> {
        let choice = |index: u8, delta: serde_json::Value, finish: Option<&str>| {
            chunk(&json!([{"index": index, "delta": delta, "finish_reason": finish}]))
        };
        let data = match self {
            Self::Text { choice: index, text, key } => {
                let key = ["content", "reasoning_content", "refusal"][usize::from(*key) % 3];
                choice(*index, json!({ key: text }), None)
            }
            Self::Role(index) => choice(*index, json!({"role": "assistant", "content": ""}), None),
            Self::Logprobs(number) => chunk(&json!([{"index": 0, "delta": {"content": "x"},
                "logprobs": {"content": [{"token": "x", "logprob": number}]}, "finish_reason": null}])),
            Self::Counting(count) => json!({"id": "c", "created": 1, "model": "m",
                "choices": [{"index": 0, "delta": {"content": "y"}, "finish_reason": null}],
                "usage": {"prompt_tokens": 3, "completion_tokens": count}})
            .to_string(),
            Self::Finish(index, why) => {
                let why = ["stop", "length", "tool_calls"][usize::from(*why) % 3];
                choice(*index, json!({}), Some(why))
            }
            Self::Usage => json!({"id": "c", "choices": [],
                "usage": {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}})
            .to_string(),
            Self::Done => DONE.to_owned(),
            Self::Error(kind) => match kind % 3 {
                0 => json!({"error": {"message": "boom"}}).to_string(),
                1 => json!({"object": "error", "message": "boom"}).to_string(),
                _ => json!({"id": "c", "choices": [], "error": {"message": "boom"}}).to_string(),
            },
            Self::ToolCall(arguments) => choice(
                0,
                json!({"tool_calls": [{"index": 0, "id": "t", "type": "function",
                    "function": {"name": "f", "arguments": arguments}}]}),
                None,
            ),
            Self::Other(bytes) => return bytes.to_vec(),
        };
        format!("data: {data}\n\n").into_bytes()
    }
}

fn piece() -> impl Strategy<Value = Piece> {
    let text = prop_oneof![
        Just("word ".to_owned()),
        Just(String::new()),
        Just("a \"quoted\" \\ line\nend".to_owned()),
        Just("über 日本 \u{85}\u{2028}".to_owned()),
        "\\PC{0,6}",
    ];
    prop_oneof![
        12 => (0..2_u8, text, 0..3_u8).prop_map(|(choice, text, key)| Piece::Text { choice, text, key: u8::from(key == 2) }),
        1 => Just(Piece::Text { choice: 0, text: "no".to_owned(), key: 2 }),
        1 => (0..2_u8).prop_map(Piece::Role),
        2 => (-9.0..0.0).prop_map(Piece::Logprobs),
        2 => (0..50_u32).prop_map(Piece::Counting),
        2 => (0..2_u8, 0..3_u8).prop_map(|(index, why)| Piece::Finish(index, why)),
        1 => Just(Piece::Usage),
        1 => Just(Piece::Done),
        1 => (0..3_u8).prop_map(Piece::Error),
        1 => prop_oneof![Just("{}"), Just("{\"a\":"), Just("1}")].prop_map(|text| Piece::ToolCall(text.to_owned())),
        2 => (0..OTHERS.len()).prop_map(|index| Piece::Other(OTHERS[index])),
    ]
}

/// A stream: usually with a sound frame around what is in it, sometimes cut.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let inside = prop::collection::vec(piece(), 0..40);
    (inside, any::<bool>(), any::<bool>(), prop::option::of(any::<prop::sample::Index>())).prop_map(
        |(inside, opened, ended, cut)| {
            let mut pieces = Vec::new();
            if opened {
                pieces.push(Piece::Role(0));
            }
            pieces.extend(inside);
            if ended {
                pieces.extend([
                    Piece::Finish(0, 0),
                    Piece::Finish(1, 0),
                    Piece::Usage,
                    Piece::Done,
                ]);
            }
            let mut bytes: Vec<u8> = pieces.iter().flat_map(Piece::bytes).collect();
            if let Some(cut) = cut.filter(|_| !bytes.is_empty()) {
                bytes.truncate(cut.index(bytes.len()));
            }
            bytes
        },
    )
}

fn exchange(body: Vec<u8>) -> Exchange {
    let mut headers = Headers::default();
    headers.push("content-type", "text/event-stream");
    Exchange {
        id: "x".to_owned(),
        request: WireRequest {
            method: "POST".to_owned(),
            url: "http://h/v1/chat/completions".to_owned(),
            headers: Headers::default(),
            body: Vec::new().into(),
        },
        connection: Connection::default(),
        head: Some(ResponseHead { status: 200, reason: String::new(), headers }),
        framing: BodyFraming::Chunked,
        frames: vec![Frame { at: Nanos(1), bytes: body.into() }],
        encoded: Vec::new(),
        trailers: Headers::default(),
        end: End::Complete,
        timing: Timing { done: Nanos(2), ..Timing::default() },
        reads: Vec::new(),
        redactions: Vec::new(),
    }
}

/// What each rule says: holds, fails, or cannot tell.
fn verdicts(body: Vec<u8>, rules: &[&'static str]) -> Vec<(&'static str, &'static str)> {
    let seen = Seen::new(exchange(body));
    let (vars, limits) = Default::default();
    let steps = [StepSeen { name: "s", copies: vec![&seen] }];
    let scene = Scene { steps: &steps, current: 0, copy: 0, vars: &vars, limits: &limits };
    let judge = |name: &'static str| {
        let assertion: Assertion = serde_json::from_value(json!({"stream": name})).unwrap();
        match assertion.judge(&scene) {
            Judgement::Holds => (name, "holds"),
            Judgement::Fails(_) => (name, "fails"),
            Judgement::CannotTell { .. } => (name, "cannot tell"),
        }
    };
    rules.iter().map(|name| judge(name)).collect()
}

fn pieces<'a>(body: &'a [u8], cuts: &[usize]) -> Vec<&'a [u8]> {
    let mut ends: Vec<usize> = cuts.iter().map(|cut| cut % (body.len() + 1)).collect();
    ends.push(body.len());
    ends.sort_unstable();
    let mut start = 0;
    let pieces = ends.into_iter().map(|end| {
        let piece = &body[start..end];
        start = end;
        piece
    });
    pieces.collect()
}

fn gist(pieces: &[&[u8]]) -> (Vec<u8>, Facts) {
    let mut gist = Gist::of_stream((Nanos(0), Nanos(u64::MAX)));
    for (nth, piece) in pieces.iter().enumerate() {
        gist.feed(piece, Nanos(1_000 * nth as u64));
    }
    let kept = gist.finish();
    (kept, gist.facts)
}

/// The times as the shared reader gives them.
fn reference(pieces: &[&[u8]]) -> Facts {
    let mut whole = exchange(Vec::new());
    let frames = pieces.iter().enumerate();
    whole.frames = frames
        .map(|(nth, piece)| Frame { at: Nanos(1_000 * nth as u64), bytes: piece.to_vec().into() })
        .collect();
    let seen = Seen::new(whole);
    let reading = seen.reading();
    let mut facts = Facts::new((Nanos(0), Nanos(u64::MAX)));
    for (event, arrival) in reading.events().iter().zip(&reading.arrivals) {
        match serde_json::from_str(&event.data) {
            Ok(value) => facts.event(&Tokens::of(&value), arrival.at),
            Err(_) => facts.other_event(arrival.at),
        }
    }
    facts
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, ..ProptestConfig::default() })]

    #[test]
    fn the_rules_say_of_the_gist_what_they_say_of_the_whole(body in stream(), cuts in prop::collection::vec(any::<usize>(), 0..12)) {
        let (kept, _) = gist(&pieces(&body, &cuts));
        prop_assert!(kept.len() <= body.len());
        // Those about ids and models hold as well, for ordinary chunks have the same.
        let rules: Vec<_> = RULES.into_iter().chain(["finish_once", "id_stable", "model_stable", "role_first", "tool_identity_once"]).collect();
        let whole = verdicts(body.clone(), &rules);
        let of_gist = verdicts(kept.clone(), &rules);
        prop_assert_eq!(of_gist, whole, "{}\n--\n{}", String::from_utf8_lossy(&body), String::from_utf8_lossy(&kept));
    }

    #[test]
    fn a_request_is_good_by_its_gist_if_it_is_by_the_whole(body in stream(), cuts in prop::collection::vec(any::<usize>(), 0..4)) {
        let book = Rulebook::new(Kind::Chat, true, true, None);
        let (kept, _) = gist(&pieces(&body, &cuts));
        let (of_gist, whole) = (book.rule(exchange(kept)), book.rule(exchange(body)));
        prop_assert_eq!((of_gist.class, of_gist.usage, of_gist.finish), (whole.class, whole.usage, whole.finish));
        prop_assert_eq!(of_gist.others.vllm_bench, whole.others.vllm_bench);
        prop_assert_eq!(of_gist.others.sglang_bench, whole.others.sglang_bench);
    }

    #[test]
    fn tokens_come_when_the_shared_reader_says(body in stream(), cuts in prop::collection::vec(any::<usize>(), 0..12)) {
        let pieces = pieces(&body, &cuts);
        // A body that is one JSON document is no stream to the shared reader, and has no events.
        let (_, fast) = gist(&pieces);
        let shared = reference(&pieces);
        prop_assert_eq!(fast.events, shared.events);
        prop_assert_eq!(fast.token_events, shared.token_events);
        prop_assert_eq!((fast.first_event, fast.first_token, fast.first_visible, fast.last_token),
            (shared.first_event, shared.first_token, shared.first_visible, shared.last_token));
        prop_assert_eq!(fast.gaps_us, shared.gaps_us);
        prop_assert_eq!(fast.coalesced, shared.coalesced);
    }
}

#[test]
fn a_running_usage_that_returns_to_an_earlier_one_is_the_last_word() {
    let chunk = |completion: u32| {
        format!(
            "data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"a\"}}}}],\"usage\":{{\"prompt_tokens\":1,\"completion_tokens\":{completion}}}}}\n\n"
        )
    };
    let body = [chunk(32), chunk(0), chunk(32), chunk(32)].concat().into_bytes();
    let book = Rulebook::new(Kind::Chat, true, true, None);
    let (kept, facts) = gist(&pieces(&body, &[]));
    assert_eq!(book.rule(exchange(kept)).usage, book.rule(exchange(body)).usage);
    assert_eq!(facts.steps.len(), 4);
}

#[test]
fn a_long_stream_of_ordinary_chunks_is_held_in_a_few_kilobytes() {
    let mut stream = Piece::Role(0).bytes();
    for nth in 0..2_000_u32 {
        let text = format!("word {nth} ");
        stream.extend(Piece::Text { choice: u8::from(nth % 2 == 1), text, key: 0 }.bytes());
    }
    let mut gist = Gist::of_stream((Nanos(0), Nanos(u64::MAX)));
    for (nth, piece) in stream.chunks(700).enumerate() {
        gist.feed(piece, Nanos(1_000_000 * nth as u64));
    }
    assert!(stream.len() > 250_000);
    // Four bytes a gap, and the few chunks that were kept.
    assert!(gist.held() < 2_000 * 8 + 6_000, "{}", gist.held());
    assert_eq!(gist.facts.token_events, 2_000);
}

#[test]
fn a_reply_that_is_judged_itself_is_kept_whole() {
    let stream: Vec<u8> =
        (0..20).flat_map(|_| Piece::Text { choice: 0, text: "x".into(), key: 0 }.bytes()).collect();
    let mut gist = Gist::of_stream((Nanos(0), Nanos(9)));
    gist.keep_all();
    gist.feed(&stream, Nanos(1));
    assert_eq!(gist.finish(), stream);
}

#[test]
fn the_schema_that_was_asked_for_is_held_against_the_reply() {
    let schema = json!({"type": "object", "required": ["a"]});
    let book = Rulebook::new(Kind::Chat, true, true, Some(&schema));
    let reply = |text: &str| {
        let pieces = [
            Piece::Role(0),
            Piece::Text { choice: 0, text: text.into(), key: 0 },
            Piece::Finish(0, 0),
            Piece::Usage,
            Piece::Done,
        ];
        book.rule(exchange(pieces.iter().flat_map(Piece::bytes).collect()))
    };
    assert_eq!(reply("{\"a\":1}").class, None);
    assert_eq!(reply("{\"b\":1}").class.as_deref(), Some("schema"));
    let usage = reply("{\"a\":1}").usage.unwrap();
    assert_eq!((usage.prompt, usage.reply), (3, 4));
}

#[test]
fn each_way_to_fail_has_its_class() {
    let book = Rulebook::new(Kind::Chat, true, true, None);
    let sound = [
        Piece::Role(0),
        Piece::Text { choice: 0, text: "hi".into(), key: 0 },
        Piece::Finish(0, 0),
        Piece::Usage,
        Piece::Done,
    ];
    let class = |pieces: &[Piece]| {
        book.rule(exchange(pieces.iter().flat_map(Piece::bytes).collect())).class
    };
    let named = |class: &str| Some(class.to_owned());
    assert_eq!(class(&sound), None);
    assert_eq!(class(&sound[..4]), named("no-done"));
    assert_eq!(class(&sound[..2]), named("truncated"));
    assert_eq!(class(&[&sound[..2], &sound[3..]].concat()), named("truncated"));
    assert_eq!(class(&[&sound[..3], &sound[4..]].concat()), named("no-usage"));
    assert_eq!(
        class(&[&sound[..2], &[Piece::Error(0), Piece::Done]].concat()),
        named("in-band-error")
    );
    assert_eq!(
        class(&[&sound[..2], &[Piece::Other(OTHERS[6])], &sound[2..]].concat()),
        named("invalid-json")
    );
    assert_eq!(class(&[Piece::Other(b"{\"id\":1}")]), named("no-stream"));
    let mut refused = exchange(b"{\"error\":{\"message\":\"slow down\"}}".to_vec());
    refused.head.as_mut().unwrap().status = 429;
    let ruling = book.rule(refused);
    assert_eq!(ruling.class, named("http-429"));
    assert!(ruling.why.unwrap().contains("slow down"));
    let mut broken = exchange(sound[..2].iter().flat_map(Piece::bytes).collect());
    broken.end = End::Reset { why: "peer".to_owned() };
    assert_eq!(book.rule(broken).class, named("reset"));
}

#[test]
fn what_others_would_call_a_success_is_told() {
    let book = Rulebook::new(Kind::Chat, true, true, None);
    let of = |pieces: &[Piece]| {
        book.rule(exchange(pieces.iter().flat_map(Piece::bytes).collect())).others
    };
    let text = Piece::Text { choice: 0, text: "hi".into(), key: 0 };
    let cut = of(&[Piece::Role(0), text.clone()]);
    assert!(cut.vllm_bench && cut.sglang_bench && cut.guidellm);
    let error = of(&[text, Piece::Error(0)]);
    assert!(error.vllm_bench && error.sglang_bench && !error.guidellm);
    let only_error = of(&[Piece::Error(0)]);
    assert!(!only_error.vllm_bench && only_error.sglang_bench && !only_error.guidellm);
}
