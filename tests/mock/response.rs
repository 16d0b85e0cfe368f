//! The Responses API, and what the mock keeps: responses, files and batches.

use proofhouse::mock::Server;
use serde_json::{Value, json};

use super::client::{Answer, ask};
use super::{mock, until};

const JSON: &str = "content-type: application/json";

fn post(server: &Server, path: &str, body: &Value) -> Answer {
    ask(server, "POST", path, &[JSON], body.to_string().as_bytes())
}

fn get(server: &Server, path: &str) -> Answer {
    ask(server, "GET", path, &[], b"")
}

fn respond(server: &Server, more: Value) -> Answer {
    let mut body = json!({"model": "proofhouse-mock", "temperature": 0});
    for (key, value) in more.as_object().unwrap() {
        body[key] = value.clone();
    }
    post(server, "/v1/responses", &body)
}

/// The events of a stream: what the `event` line says, and the data.
fn events(answer: &Answer) -> Vec<(String, Value)> {
    let text = answer.text();
    let read = |event: &str| {
        let (name, data) = event.split_once('\n').unwrap();
        let data = serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
        (name.strip_prefix("event: ").unwrap().to_owned(), data)
    };
    text.split_terminator("\n\n").map(read).collect()
}

fn flat_tool() -> Value {
    json!({"type": "function", "name": "get_weather", "parameters": {
        "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"],
    }})
}

#[test]
fn a_stream_tells_the_whole_life_of_its_items_in_order() {
    let answer = respond(&mock(), json!({"input": "Count from 1 to 2", "stream": true}));

    let events = events(&answer);

    let names: Vec<&str> = events.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        [
            "response.created",
            "response.in_progress",
            "response.output_item.added",
            "response.content_part.added",
            "response.output_text.delta",
            "response.output_text.delta",
            "response.output_text.done",
            "response.content_part.done",
            "response.output_item.done",
            "response.completed",
        ]
    );
    for (number, (name, data)) in events.iter().enumerate() {
        assert_eq!((&data["type"], &data["sequence_number"]), (&json!(name), &json!(number)));
    }
    let (_, last) = events.last().unwrap();
    assert_eq!(last["response"]["output"][0]["content"][0]["text"], "1 2");
    assert_eq!(events[8].1["item"], last["response"]["output"][0]);
}

#[test]
fn the_stream_and_the_plain_answer_say_the_same() {
    let server = mock();
    let wanted =
        json!({"input": "Weather in Paris?", "tools": [flat_tool()], "tool_choice": "required"});
    let mut streamed = wanted.clone();
    streamed["stream"] = json!(true);

    let plain = respond(&server, wanted).json();
    let events = events(&respond(&server, streamed));

    let (name, last) = events.last().unwrap();
    let call = &last["response"]["output"][0];
    assert_eq!(
        (name.as_str(), call["type"].as_str()),
        ("response.completed", Some("function_call"))
    );
    assert_eq!(call["arguments"], plain["output"][0]["arguments"]);
    assert_eq!(last["response"]["usage"], plain["usage"]);
    let deltas = events.iter().filter(|(name, _)| name == "response.function_call_arguments.delta");
    let joined: String = deltas.map(|(_, data)| data["delta"].as_str().unwrap()).collect();
    assert_eq!(joined, call["arguments"].as_str().unwrap());
}

#[test]
fn the_limit_makes_a_response_incomplete_and_thoughts_count_against_it() {
    let wanted = json!({"input": "Count from 1 to 99", "max_output_tokens": 20, "reasoning": {"effort": "low"}});

    let body = respond(&mock(), wanted).json();

    assert_eq!(body["status"], "incomplete");
    assert_eq!(body["incomplete_details"]["reason"], "max_output_tokens");
    assert_eq!(body["output"][0]["type"], "reasoning");
    assert_eq!(body["usage"]["output_tokens"], 20);
    let thought = body["usage"]["output_tokens_details"]["reasoning_tokens"].as_u64().unwrap();
    assert!((1..20).contains(&thought));
}

#[test]
fn a_failure_in_the_stream_is_an_error_and_a_failed_response() {
    let body = json!({"model": "proofhouse-mock", "input": "Count from 1 to 9", "stream": true});
    let orders = [JSON, "x-proofhouse-mock: fail-after=2"];
    let answer = ask(&mock(), "POST", "/v1/responses", &orders, body.to_string().as_bytes());

    let events = events(&answer);

    let [.., (first, error), (second, failed)] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!((first.as_str(), second.as_str()), ("error", "response.failed"));
    assert!(error["message"].is_string());
    assert_eq!(failed["response"]["status"], "failed");
}

#[test]
fn a_conversation_goes_on_from_a_kept_response_until_it_is_deleted() {
    let server = mock();
    let call = respond(
        &server,
        json!({"input": "Weather in Paris?", "tools": [flat_tool()], "tool_choice": "required"}),
    )
    .json();
    let (id, call_id) = (call["id"].as_str().unwrap(), &call["output"][0]["call_id"]);
    let output =
        json!([{"type": "function_call_output", "call_id": call_id, "output": "{\"temp\": 17}"}]);

    let on = respond(&server, json!({"previous_response_id": id, "input": output})).json();

    assert_eq!(
        on["output"][0]["content"][0]["text"],
        "According to get_weather for Paris: temp is 17."
    );
    let path = format!("/v1/responses/{id}");
    assert_eq!(get(&server, &path).json(), call);
    let items = get(&server, &format!("{path}/input_items")).json();
    assert_eq!(items["data"][0]["content"][0]["text"], "Weather in Paris?");
    assert_eq!(ask(&server, "DELETE", &path, &[], b"").json()["deleted"], true);
    assert_eq!(get(&server, &path).status, 404);
    let gone = respond(&server, json!({"previous_response_id": id, "input": "x"}));
    assert_eq!(gone.json()["error"]["code"], "previous_response_not_found");
}

#[test]
fn wrong_inputs_are_refused_by_name() {
    let server = mock();
    let cases = [
        (json!({}), "input"),
        (json!({"input": 5}), "input"),
        (json!({"input": [{"type": "nope"}]}), ""),
        (
            json!({"input": [{"type": "function_call_output", "call_id": "a", "output": "b"}]}),
            "input",
        ),
        (json!({"input": "x", "max_output_tokens": 1}), "max_output_tokens"),
        (
            json!({"input": "x", "text": {"format": {"type": "json_schema", "name": "n"}}}),
            "text.format.schema",
        ),
        (
            json!({"input": "x", "tools": [{"type": "function", "function": {"name": "n"}}]}),
            "tools[0].name",
        ),
    ];
    for (wanted, param) in cases {
        let answer = respond(&server, wanted.clone());
        assert_eq!(answer.status, 400, "{wanted}");
        if !param.is_empty() {
            assert_eq!(answer.json()["error"]["param"], param, "{wanted}");
        }
    }
}

/// Uploads a file and starts a batch of it.
fn batch(server: &Server, lines: &str) -> String {
    let form = format!(
        "--b\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nbatch\r\n--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"x.jsonl\"\r\n\r\n{lines}\r\n--b--\r\n"
    );
    let content_type = "content-type: multipart/form-data; boundary=b";
    let file = ask(server, "POST", "/v1/files", &[content_type], form.as_bytes()).json();
    assert_eq!(file["bytes"], lines.len());
    let wanted = json!({"input_file_id": file["id"], "endpoint": "/v1/chat/completions", "completion_window": "24h"});
    post(server, "/v1/batches", &wanted).json()["id"].as_str().unwrap().to_owned()
}

fn line(custom_id: &str, body: &Value) -> String {
    json!({"custom_id": custom_id, "method": "POST", "url": "/v1/chat/completions", "body": body})
        .to_string()
}

#[test]
fn a_batch_is_worked_off_and_its_refused_lines_stand_apart() {
    let server = mock();
    let good = super::says("Count from 1 to 3", json!({}));
    let lines = format!("{}\n{}\n", line("a", &good), line("b", &json!({"model": "nope"})));
    let path = format!("/v1/batches/{}", batch(&server, &lines));

    until("the end of the batch", || get(&server, &path).json()["status"] == "completed");

    let done = get(&server, &path).json();
    assert_eq!(done["request_counts"], json!({"total": 2, "completed": 1, "failed": 1}));
    let read = |key: &str| {
        let id = done[key].as_str().unwrap();
        get(&server, &format!("/v1/files/{id}/content")).json()
    };
    let (output, error) = (read("output_file_id"), read("error_file_id"));
    assert_eq!(output["custom_id"], "a");
    assert_eq!(output["response"]["body"]["choices"][0]["message"]["content"], "1 2 3");
    assert_eq!(
        (&error["custom_id"], error["response"]["status_code"].as_u64()),
        (&json!("b"), Some(400))
    );
    assert_eq!(post(&server, &format!("{path}/cancel"), &json!({})).status, 409);
}

#[test]
fn a_batch_with_a_bad_file_fails_and_says_in_which_line() {
    let server = mock();
    let good = super::says("Say hi", json!({}));
    let lines = format!("{}\nnot json\n{}\n", line("a", &good), line("a", &good));
    let path = format!("/v1/batches/{}", batch(&server, &lines));

    until("the end of the batch", || get(&server, &path).json()["status"] == "failed");

    let errors = get(&server, &path).json()["errors"]["data"].clone();
    assert_eq!((&errors[0]["line"], &errors[0]["code"]), (&json!(2), &json!("invalid_json_line")));
    assert_eq!(
        (&errors[1]["line"], &errors[1]["code"]),
        (&json!(3), &json!("duplicate_custom_id"))
    );
}
