//! Assertions judged whole: roots, paths, modifiers, and when nothing can be told.

use serde_json::json;

use super::super::kit::*;
use crate::transcript::{End, Limit, Phase, Redaction, Side};
use crate::units::Nanos;
use crate::verdict::Judgement;

fn html() -> crate::transcript::Exchange {
    answer(200, "text/html", &[b"<html><body>Welcome</body></html>"])
}

fn refused() -> crate::transcript::Exchange {
    let mut exchange = ended(End::Refused { why: "port closed".into() }, html());
    exchange.head = None;
    exchange.frames.clear();
    exchange
}

fn timed_out(exchange: crate::transcript::Exchange) -> crate::transcript::Exchange {
    ended(End::TimedOut { phase: Phase::Total, after: Nanos::from_millis(700) }, exchange)
}

#[test]
fn every_root_can_be_asked() {
    let mut exchange = raw_stream(&[
        ": hi\n\ndata:{\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}\n\n",
        "data: [DONE]\n\n",
    ]);
    exchange.head.as_mut().unwrap().headers.push("x-id", "1");
    exchange.head.as_mut().unwrap().headers.push("X-Id", "2");
    exchange.connection.number = 7;
    exchange.redactions.push(Redaction {
        side: Side::Response,
        place: "body".into(),
        offset: 3,
        len: 9,
        secret: "KEY".into(),
    });
    for yaml in [
        "{that: status, is: 200}",
        "{that: http.version, is: '1.1'}",
        "{that: header.content-type, media_type: text/event-stream}",
        "{that: header.x-id, is: '1'}",
        "{that: headers.x-id, distinct: true}",
        "{that: 'headers.x-id | count', is: 2}",
        "{that: raw, contains: '[DONE]'}",
        "{that: 'events[*].name', is: message}",
        "{that: 'events[-1].data', is: '[DONE]'}",
        "{that: 'events[0].at_ms', is: 200}",
        "{that: 'events[0].bytes', gt: 60}",
        "{that: 'events[*].data_lines', is: 1}",
        "{that: 'events | len', is: 2}",
        "{that: 'comments[*]', is: hi}",
        "{that: 'oddities[*].kind', contains: space, any: true}",
        "{that: 'chunks[*].id', is: c}",
        "{that: 'chunks | len', is: 1}",
        "{that: 'assembled.choices[0].message.content', is: a}",
        "{that: timing.ttfb, approx: 0.09}",
        "{that: timing.ttft, approx: 0.19}",
        "{that: timing.total, approx: 0.3}",
        "{that: timing.gap_max, approx: 0.1}",
        "{that: timing.connect, absent: true}",
        "{that: reads, is: 2}",
        "{that: end, is: complete}",
        "{that: connection.number, is: 7}",
        "{that: connection.reused, is: false}",
        "{that: 'redactions[*].secret', is: KEY}",
        "{that: 'redactions[*] | where(\"side\", \"request\")', absent: true}",
        "{that: framing, is: chunked}",
        "{that: 'second_reader[*]', count: 2}",
        "{that: request.model, is: m}",
        "{that: var.call_id, is: call_1}",
    ] {
        holds(yaml, exchange.clone());
    }
    holds("{that: 'body.choices[0].n', is: 1}", json_answer(200, &json!({"choices": [{"n": 1}]})));
}

#[test]
fn a_root_that_is_not_there_leaves_nothing_to_tell() {
    insta::assert_snapshot!(cannot_tell("{that: 'chunks[*].id', all_same: true}", html()), @"the answer is not an event stream: content-type text/html, starts `<html><body>Welcome</body></html>`");
    insta::assert_snapshot!(cannot_tell("{that: 'assembled.usage', exists: true}", html()), @"the answer is neither an event stream nor JSON: content-type text/html, starts `<html><body>Welcome</body></html>`");
    insta::assert_snapshot!(cannot_tell("{that: body.error, exists: true}", html()), @"the body is not JSON: expected value at byte 0 (content-type text/html, starts `<html><body>Welcome</body></html>`)");
    insta::assert_snapshot!(cannot_tell("{that: body.id, exists: true}", answer(200, "application/json", &[])), @"the body is empty");
    insta::assert_snapshot!(cannot_tell("{that: 'events[*].name', is: message}", json_answer(404, &json!({}))), @"the status is 404, so there is no reply to judge");
    insta::assert_snapshot!(cannot_tell("{that: assembled.id, exists: true}", json_answer(500, &json!({}))), @"the status is 500, so there is no reply to judge");
    insta::assert_snapshot!(cannot_tell("{that: assembled.id, exists: true}", json_answer(200, &json!({"error": {"message": "no"}}))), @r#"the answer is an error and no reply: content-type application/json, starts `{"error":{"message":"no"}}`"#);
    insta::assert_snapshot!(cannot_tell("{that: 'chunks[*]', exists: true}", raw_stream(&["data: {}"])), @"no event of the stream is complete: content-type text/event-stream, starts `data: {}`");
    insta::assert_snapshot!(cannot_tell("{that: status, is: 200}", refused()), @"no response: the connection was refused (port closed)");
    insta::assert_snapshot!(cannot_tell("{that: var.other, is: 1}", html()), @"nothing is known as `other`");
    insta::assert_snapshot!(cannot_tell("{that: step.other.status, is: 1}", html()), @"step `other` has not run");
    insta::assert_snapshot!(cannot_tell("{stream: done}", html()), @"the answer is not an event stream: content-type text/html, starts `<html><body>Welcome</body></html>`");
    insta::assert_snapshot!(cannot_tell("{stream: done}", json_answer(404, &json!({}))), @"the status is 404, so there is no reply to judge");
    insta::assert_snapshot!(cannot_tell("{stream: done}", refused()), @"no response: the connection was refused (port closed)");
}

#[test]
fn what_comes_after_done_is_an_event_and_no_chunk() {
    let stream = || events(&["{\"id\":\"a\"}", "[DONE]", "{\"id\":\"b\"}"]);
    holds("{that: 'chunks[*].id', is: a}", stream());
    holds("{that: 'events[2].data | json | get(\"id\")', is: b}", stream());
}

#[test]
fn some_roots_are_always_there() {
    for yaml in [
        "{that: status, is: 201}",
        "{that: header.content-type, media_type: application/json}",
        "{that: raw, contains: Traceback}",
        "{that: end, is: reset}",
        "{that: timing.total, gt: 60}",
    ] {
        fails(yaml, html());
    }
    holds("{that: 'oddities[*]', absent: true}", html());
    holds("{that: end, is: refused}", refused());
    fails("{that: end, is: complete}", refused());
    // A JSON body under any status is a body.
    holds("{that: body.error.code, is: null}", json_answer(400, &json!({"error": {"code": null}})));
}

#[test]
fn a_path_missing_below_a_root_fails_unless_its_absence_is_asked_for() {
    let body = || json_answer(200, &json!({"usage": null, "data": [{"id": "a"}, {}]}));
    for yaml in [
        "{that: body.usage.prompt_tokens, is: 1}",
        "{that: body.model, exists: true}",
        "{that: body.model, not: x}",
        "{that: body.model, 'null': false}",
        "{that: 'body.data[*].id', type: string}",
        "{that: 'body.data[2].id', type: string}",
        "{that: header.x-request-id, exists: true}",
    ] {
        fails(yaml, body());
    }
    for yaml in [
        "{that: body.model, absent: true}",
        "{that: body.model, exists: false}",
        "{that: body.model, 'null': true}",
        "{that: body.usage, 'null': true}",
        "{that: body.model, empty: true}",
        "{that: 'body.data[*].id | present', type: string}",
        "{that: header.retry-after, absent: true}",
        "{that: 'body.model | json', exists: false}",
    ] {
        holds(yaml, body());
    }
    fails("{that: body.usage, absent: true}", body());
}

#[test]
fn a_wildcard_that_finds_nothing_fails_unless_that_is_allowed() {
    let body = || json_answer(200, &json!({"data": []}));
    fails("{that: 'body.data[*].id', type: string}", body());
    fails("{that: 'body.data[*].id', 'null': true}", body());
    fails("{that: 'body.data[*].id', all_same: true}", body());
    fails("{that: 'body.data[*].id', is: a, any: true}", body());
    holds("{that: 'body.data[*].id', type: string, allow_empty: true}", body());
    holds("{that: 'body.data[*].id', absent: true}", body());
    holds("{that: 'body.data[*].id', type: string, count: 0}", body());
    holds("{that: 'body.data[*] | count', is: 0}", body());
}

#[test]
fn any_and_count_change_how_many_items_must_hold() {
    let body = || json_answer(200, &json!({"n": [1, 2, 2]}));
    holds("{that: 'body.n[*]', is: 2, any: true}", body());
    fails("{that: 'body.n[*]', is: 3, any: true}", body());
    holds("{that: 'body.n[*]', is: 2, count: 2}", body());
    insta::assert_snapshot!(said(&fails("{that: 'body.n[*]', is: 2, count: 1}", body())), @r#"
    expected 1 item of which: `2`
        seen 2 of 3 items
          at body, frame 0, byte 0, +200 ms
           | {"n":[1,2,2]}
           | ^
    "#);
    holds("{that: 'body.n[*]', count: 3}", body());
    holds("{that: body.n, count: 3}", body());
    insta::assert_snapshot!(said(&fails("{that: body.n, count: 2}", body())), @r#"
    expected 2 items
        seen 3 items
          at body, /n, frame 0, byte 5, +200 ms
           | {"n":[1,2,2]}
           |      ^
    "#);
}

#[test]
fn an_exchange_that_a_deadline_cut_fails_nothing_but_what_is_about_its_end() {
    let cut = || timed_out(events(&["{\"id\":\"a\",\"choices\":[{\"delta\":{}}]}"]));
    for yaml in [
        "{that: 'chunks[*].id', is: b}",
        "{that: status, is: 201}",
        "{that: raw, contains: '[DONE]'}",
        "{stream: done}",
        "{stream: finish_present}",
    ] {
        let why = cannot_tell(yaml, cut());
        assert_eq!(why, "the exchange was cut on our side: no end of the response within 700 ms");
        cannot_tell(
            yaml,
            ended(End::Interrupted, events(&["{\"id\":\"a\",\"choices\":[{\"delta\":{}}]}"])),
        );
    }
    fails("{that: end, is: complete}", cut());
    fails("{that: timing.total, gt: 60}", cut());
    // What holds, holds.
    holds("{that: 'chunks[*].id', is: a}", cut());
}

#[test]
fn leaving_early_excuses_what_is_read_from_the_body_and_nothing_else() {
    for end in [End::Left, End::LimitReached { limit: Limit::BodyBytes }] {
        let left = || ended(end.clone(), events(&["{\"id\":\"a\",\"choices\":[{\"delta\":{}}]}"]));
        cannot_tell("{that: raw, contains: '[DONE]'}", left());
        cannot_tell("{stream: done}", left());
        fails("{that: status, is: 201}", left());
    }
    // A cut by the peer is the peer's.
    let reset = ended(End::Reset { why: "RST".into() }, events(&["{\"id\":\"a\"}"]));
    fails("{stream: done}", reset);
}

#[test]
fn other_steps_and_all_copies_can_be_asked() {
    let body = |n: u64| json_answer(200, &json!({"id": n, "list": [n]}));
    let steps = || vec![("a", vec![body(1)]), ("b", vec![body(1), body(2), body(2)])];
    for yaml in [
        "{that: body.id, is: 1}",
        "{that: body.id, same_as: 'query:step.a.body.id'}",
        "{that: body.list, same_as: 'query:step.a.body.list'}",
        "{that: 'body.list[*]', same_as: 'query:step.a.body.list[*]'}",
        "{that: all.status, is: 200}",
        "{that: 'all.body.id | unique | len', is: 2}",
        "{that: step.b.all.body.id, in: [1, 2]}",
        "{that: body.id, le: 'query:step.a.body.id'}",
    ] {
        assert_eq!(judge_all(yaml, steps()), Judgement::Holds, "{yaml}");
    }
    let Judgement::Fails(evidence) = judge_all("{that: all.body.id, distinct: true}", steps())
    else {
        panic!("two copies share an id")
    };
    insta::assert_snapshot!(said(&evidence), @r#"
    expected no value twice
        seen `2` again, as in copy 1, the body /id
          at copy 2, body, /id, frame 0, byte 6, +200 ms
           | {"id":2,"list":[2]}
           |       ^
    "#);
    let Judgement::Fails(evidence) =
        judge_all("{that: body.id, same_as: 'query:step.a.body.nope'}", steps())
    else {
        panic!("there is nothing to compare with")
    };
    insta::assert_snapshot!(said(&evidence), @r#"
    expected a value at `step.a.body.nope` to compare with
        seen no `nope`; the keys are id, list
          at step `a`, body, /nope, frame 0, byte 0, +200 ms
           | {"id":1,"list":[1]}
           | ^
    "#);
}

#[test]
fn a_copy_without_a_reply_leaves_the_others_to_show_a_failure_but_no_success() {
    let steps = |second: u64| {
        let body = |n: u64| json_answer(200, &json!({"id": n}));
        vec![("a", vec![body(1), html(), body(second)])]
    };
    let yaml = "{that: all.body.id, distinct: true}";
    let Judgement::CannotTell { why } = judge_all(yaml, steps(2)) else { panic!("copy 1 is HTML") };
    assert!(why.starts_with("copy 1, the body is not JSON"), "{why}");
    assert!(matches!(judge_all(yaml, steps(1)), Judgement::Fails(_)));
}

#[test]
fn evidence_shows_the_event_the_frame_the_byte_and_the_time() {
    let mut stream = sound();
    stream[2]["id"] = json!("chatcmpl-2");
    insta::assert_snapshot!(said(&fails("{that: 'chunks[*].id', all_same: true}", chunks(&stream))), @r#"
    expected `"chatcmpl-1"` as in event 0
        seen `"chatcmpl-2"`
          at event 2, /id, frame 2, byte 360, +400 ms
           | "},"finish_reason":null}]}⏎⏎data: {"id":"chatcmpl-2","object":"chat.completion.c
           |                                         ^
    "#);
    stream[1]["choices"][0]["delta"] = json!(null);
    insta::assert_snapshot!(said(&fails("{that: 'chunks[*].choices[*].delta', type: object}", chunks(&stream))), @r#"
    expected an object
        seen null
          at event 1, /choices/0/delta, frame 1, byte 301, +300 ms
           | odel":"m","choices":[{"index":0,"delta":null,"finish_reason":null}]}⏎⏎data: {"id
           |                                         ^
    "#);
    insta::assert_snapshot!(said(&fails("{that: 'chunks[1].choices[0].delta.content', type: string}", chunks(&stream))), @r#"
    expected a string
        seen null, which has no `content`
          at event 1, /choices/0/delta/content, frame 1, byte 301, +300 ms
           | odel":"m","choices":[{"index":0,"delta":null,"finish_reason":null}]}⏎⏎data: {"id
           |                                         ^
    "#);
}

#[test]
fn evidence_in_a_body_a_header_a_status_and_a_text() {
    let body = json!({"error": {"message": "bad\nTraceback", "code": 400}});
    let exchange = || json_answer(400, &body);
    insta::assert_snapshot!(said(&fails("{that: body.error.code, type: [string, 'null']}", exchange())), @r#"
    expected a string or null
        seen an integer: `400`
          at body, /error/code, frame 0, byte 44, +200 ms
           | ror":{"message":"bad\nTraceback","code":400}}
           |                                         ^
    "#);
    insta::assert_snapshot!(said(&fails("{that: body.error, schema: {required: [message, type, param, code], properties: {code: {type: string}}}}", exchange())), @r#"
    expected a value that fits the schema, at `/required`
        seen "type" is a required property
          at body, /error, frame 0, byte 9, +200 ms
           | {"error":{"message":"bad\nTraceback","code":400}}
           |          ^
    expected a value that fits the schema, at `/required`
        seen "param" is a required property
          at body, /error, frame 0, byte 9, +200 ms
           | {"error":{"message":"bad\nTraceback","code":400}}
           |          ^
    expected a value that fits the schema, at `/properties/code/type`
        seen 400 is not of type "string"
          at body, /error/code, frame 0, byte 44, +200 ms
           | ror":{"message":"bad\nTraceback","code":400}}
           |                                         ^
    "#);
    insta::assert_snapshot!(said(&fails("{that: raw, not_contains: Traceback}", exchange())), @r#"
    expected a value without `"Traceback"`
        seen `…error":{"message":"bad\nTraceback` in it, at byte 26
          at body, frame 0, byte 26, +200 ms
           | {"error":{"message":"bad\nTraceback","code":400}}
           |                           ^
    "#);
    insta::assert_snapshot!(said(&fails("{that: status, is: 200}", exchange())), @r#"
    expected `200`
        seen `400`
          at status, +100 ms
           | HTTP/1.1 400
           |          ^
    "#);
    insta::assert_snapshot!(said(&fails("{that: header.content-type, media_type: text/event-stream}", exchange())), @r#"
    expected the media type `text/event-stream`
        seen `"application/json"`
          at header content-type, +100 ms
           | Content-Type: application/json
           |               ^
    "#);
    insta::assert_snapshot!(said(&fails("{that: header.x-request-id, exists: true}", exchange())), @r#"
    expected a value
        seen no header `x-request-id`
          at header x-request-id, +100 ms
    "#);
}

#[test]
fn evidence_in_an_assembled_reply_names_the_event_it_came_from() {
    insta::assert_snapshot!(said(&fails("{that: 'assembled.choices[0].finish_reason', is: length}", chunks(&sound()))), @r#"
    expected `"length"`
        seen `"stop"`
          at assembled reply, from event 3, /choices/0/finish_reason, frame 3, byte 655, +500 ms
           | :[{"index":0,"delta":{},"finish_reason":"stop"}]}⏎⏎data: {"id":"chatcmpl-1","obj
           |                                         ^
    "#);
    insta::assert_snapshot!(said(&fails("{that: 'assembled.usage.total_tokens', is: 6}", chunks(&sound()))), @r#"
    expected `6`
        seen `5`
          at assembled reply, from event 4, /usage/total_tokens, frame 4, byte 834, +600 ms
           | :3,"completion_tokens":2,"total_tokens":5}}⏎⏎data: [DONE]⏎⏎
           |                                         ^
    "#);
    insta::assert_snapshot!(said(&fails("{that: 'assembled.choices[0].message.content | json', type: object}", chunks(&sound()))), @r#"
    expected an object
        seen `"Hello, world."`, which is not JSON: expected value at byte 0
          at assembled reply, from event 2, /choices/0/message/content, frame 2, byte 480, +400 ms
           | choices":[{"index":0,"delta":{"content":"world."},"finish_reason":null}]}⏎⏎data:
           |                                         ^
    "#);
}

#[test]
fn a_place_inside_parsed_json_is_named_on_the_text_it_came_from() {
    let body = json!({"arguments": "{\"city\": 3}"});
    let evidence = fails(
        "{that: 'body.arguments | json', schema: {properties: {city: {type: string}}}}",
        json_answer(200, &body),
    );
    insta::assert_snapshot!(said(&evidence), @r#"
    expected a value that fits the schema, at `/properties/city/type`
        seen 3 is not of type "string"
          at body, inside it /city, /arguments, frame 0, byte 13, +200 ms
           | {"arguments":"{\"city\": 3}"}
           |              ^
    "#);
}

#[test]
fn at_most_five_pieces_of_evidence_and_a_count_of_the_rest() {
    let body = json!({"n": [1, 2, 3, 4, 5, 6, 7]});
    let evidence = fails("{that: 'body.n[*]', is: 0}", json_answer(200, &body));
    assert_eq!(evidence.len(), 5);
    assert_eq!(evidence[3].seen, "`4`");
    assert_eq!(evidence[4].seen, "`5` (and 2 places more like these)");
}

#[test]
fn a_label_says_what_is_expected_in_its_own_words() {
    let evidence = fails("{that: status, is: 200, label: an answer}", json_answer(500, &json!({})));
    assert_eq!(evidence[0].expected, "an answer");
}
