use serde_json::{Value, json};

use super::client::{Answer, chat};
use super::{mock, says, weather};

fn calls(prompt: &str, more: Value) -> (Vec<Value>, String) {
    let body = chat(&mock(), &says(prompt, more)).json();
    let choice = &body["choices"][0];
    let calls = choice["message"]["tool_calls"].as_array().cloned().unwrap_or_default();
    (calls, choice["finish_reason"].as_str().unwrap().to_owned())
}

fn arguments(call: &Value) -> Value {
    serde_json::from_str(call["function"]["arguments"].as_str().unwrap()).unwrap()
}

/// The tool calls of a stream, put together by index.
fn assembled(answer: &Answer) -> Vec<Value> {
    let mut calls: Vec<Value> = Vec::new();
    for chunk in answer.chunks() {
        for piece in chunk["choices"][0]["delta"]["tool_calls"].as_array().into_iter().flatten() {
            let index = usize::try_from(piece["index"].as_u64().unwrap()).unwrap();
            if index == calls.len() {
                calls.push(piece.clone());
            } else {
                let more = piece["function"]["arguments"].as_str().unwrap();
                let so_far = calls[index]["function"]["arguments"].as_str().unwrap().to_owned();
                calls[index]["function"]["arguments"] = json!(so_far + more);
            }
        }
    }
    calls
}

#[test]
fn tool_choice_is_obeyed() {
    let named = json!({"type": "function", "function": {"name": "get_weather"}});
    let cases = [
        ("What is the weather in Paris?", json!("none"), 0, "stop"),
        ("What is the weather in Paris?", json!("auto"), 1, "tool_calls"),
        ("Hello, how are you today?", json!("auto"), 0, "stop"),
        ("Hello, how are you today?", json!("required"), 1, "tool_calls"),
        ("Hello, how are you today?", named, 1, "stop"),
        ("Weather in Paris and Rome", json!("required"), 2, "tool_calls"),
    ];
    for (prompt, choice, count, finish) in cases {
        let (calls, seen) = calls(prompt, json!({"tools": [weather()], "tool_choice": choice}));
        assert_eq!((calls.len(), seen.as_str()), (count, finish), "{prompt} {choice}");
        assert!(calls.iter().all(|call| call["type"] == "function"));
    }
}

#[test]
fn several_places_give_parallel_calls_unless_that_is_off() {
    let tools = json!({"tools": [weather()]});
    let (both, _) = calls("Weather in Paris and Rome in celsius", tools.clone());
    let mut single = tools;
    single["parallel_tool_calls"] = json!(false);
    let (one, _) = calls("Weather in Paris and Rome in celsius", single);

    let cities: Vec<Value> = both.iter().map(arguments).collect();
    assert_eq!(
        cities,
        [json!({"city": "Paris", "unit": "c"}), json!({"city": "Rome", "unit": "c"})]
    );
    assert_ne!(both[0]["id"], both[1]["id"]);
    assert_eq!(one.len(), 1);
}

#[test]
fn a_streamed_call_is_the_plain_one_in_pieces() {
    let more = json!({"tools": [weather()], "tool_choice": "required", "stream": true, "seed": 7});
    let answer = chat(&mock(), &says("Weather in Paris and Rome", more));

    let calls = assembled(&answer);
    assert_eq!(calls.len(), 2);
    assert_eq!(arguments(&calls[1])["city"], "Rome");
    let fragments: Vec<Value> = answer
        .chunks()
        .iter()
        .filter_map(|c| c["choices"][0]["delta"]["tool_calls"].get(0).cloned())
        .collect();
    assert_eq!(fragments[0]["function"], json!({"name": "get_weather", "arguments": ""}));
    assert!(fragments[1].get("id").is_none() && fragments[1].get("type").is_none());
    assert_eq!(answer.finishes(), ["tool_calls"]);
}

#[test]
fn a_limit_cuts_arguments_and_says_length() {
    for stream in [false, true] {
        let more = json!({"tools": [weather()], "tool_choice": "required", "max_tokens": 4, "stream": stream});
        let answer = chat(&mock(), &says("Weather in Paris", more));
        if stream {
            assert_eq!(answer.finishes(), ["length"]);
        } else {
            let choice = &answer.json()["choices"][0];
            assert_eq!(choice["finish_reason"], "length");
            let text =
                choice["message"]["tool_calls"][0]["function"]["arguments"].as_str().unwrap();
            assert!(serde_json::from_str::<Value>(text).is_err());
        }
    }
}

#[test]
fn a_tools_result_is_in_the_final_text() {
    let server = mock();
    let tools = json!({"tools": [weather()], "tool_choice": "auto"});
    let mut body = says("Weather in Paris and Rome in celsius?", tools);
    let message = chat(&server, &body).json()["choices"][0]["message"].clone();
    let messages = body["messages"].as_array_mut().unwrap();
    messages.push(message.clone());
    for (call, marker) in message["tool_calls"].as_array().unwrap().iter().zip(["QZX-1", "QZX-2"]) {
        let result = json!({"temp": 17, "code": marker}).to_string();
        messages.insert(2, json!({"role": "tool", "tool_call_id": call["id"], "content": result}));
    }

    let body = chat(&server, &body).json();

    let text = body["choices"][0]["message"]["content"].as_str().unwrap();
    assert_eq!(body["choices"][0]["finish_reason"], "stop");
    for (city, marker) in [("Paris", "QZX-1"), ("Rome", "QZX-2")] {
        let sentence = text.split(". ").find(|s| s.contains(city)).unwrap();
        assert!(sentence.contains(marker), "{text}");
    }
}

#[test]
fn two_tools_are_called_one_after_the_other() {
    let tool = |name: &str, key: &str| json!({"type": "function", "function": {"name": name, "parameters": {"type": "object", "properties": {key: {"type": "string"}}, "required": [key]}}});
    let server = mock();
    let tools = json!({"tools": [tool("lookup_id", "name"), tool("get_record", "id")]});
    let mut body =
        says("Use lookup_id to find the id of Ada, then call get_record with it.", tools);
    let mut called = Vec::new();
    for result in [r#"{"id": "K-77"}"#, r#"{"born": 1815}"#] {
        let message = chat(&server, &body).json()["choices"][0]["message"].clone();
        let call = &message["tool_calls"][0];
        called.push((call["function"]["name"].as_str().unwrap().to_owned(), arguments(call)));
        let answer = json!({"role": "tool", "tool_call_id": call["id"], "content": result});
        body["messages"].as_array_mut().unwrap().extend([message, answer]);
    }

    let last = chat(&server, &body).json();

    assert_eq!(called[0].0, "lookup_id");
    assert_eq!(called[1], ("get_record".to_owned(), json!({"id": "K-77"})));
    assert!(last["choices"][0]["message"]["content"].as_str().unwrap().contains("1815"));
}
