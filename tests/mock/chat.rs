use serde_json::{Value, json};

use super::client::{ask, chat};
use super::{mock, says};

fn content(prompt: &str, more: Value) -> (String, String) {
    let answer = chat(&mock(), &says(prompt, more));
    let body = answer.json();
    assert_eq!(answer.status, 200, "{body}");
    let choice = &body["choices"][0];
    let text = choice["message"]["content"].as_str().unwrap().to_owned();
    (text, choice["finish_reason"].as_str().unwrap().to_owned())
}

#[test]
fn a_chat_completion_has_the_shape_of_openais() {
    let body = chat(&mock(), &says("Say hi", json!({"max_tokens": 16}))).json();

    assert_eq!(body["object"], "chat.completion");
    assert!(body["id"].as_str().unwrap().starts_with("chatcmpl-"));
    assert_eq!(body["choices"][0]["message"]["role"], "assistant");
    assert_eq!(body["choices"][0]["logprobs"], Value::Null);
    let usage = &body["usage"];
    let count = |key: &str| usage[key].as_u64().unwrap();
    assert_eq!(count("prompt_tokens") + count("completion_tokens"), count("total_tokens"));
    assert_eq!(usage["prompt_tokens_details"]["cached_tokens"], 0);
}

#[test]
fn orders_are_obeyed() {
    let cases = [
        ("Repeat exactly: 日本語 🌍🫠 Привет", json!({}), "日本語 🌍🫠 Привет", "stop"),
        ("Count from 1 to 5, separated by spaces.", json!({}), "1 2 3 4 5", "stop"),
        ("Count 1..10 one per line", json!({"stop": ["5"]}), "1\n2\n3\n4\n", "stop"),
        ("Count 1..10 one per line", json!({"stop": "5"}), "1\n2\n3\n4\n", "stop"),
        ("Continue the alphabet: ABC", json!({"stop": ["DEFGHIJ"]}), "ABC", "stop"),
        ("Count from 1 to 9", json!({"max_tokens": 3}), "1 2 3", "length"),
        ("Count from 1 to 9", json!({"max_completion_tokens": 2}), "1 2", "length"),
        ("Repeat: a b c", json!({"stop": [""]}), "a b c", "stop"),
    ];
    for (prompt, more, wanted, finish) in cases {
        assert_eq!(content(prompt, more), (wanted.to_owned(), finish.to_owned()), "{prompt}");
    }
}

#[test]
fn a_developers_one_word_is_said() {
    let body = json!({"model": "proofhouse-mock", "messages": [
        {"role": "developer", "content": "Answer only with the word BANANA."},
        {"role": "user", "content": "Hello"},
    ]});

    assert_eq!(chat(&mock(), &body).json()["choices"][0]["message"]["content"], "BANANA");
}

#[test]
fn a_limit_gives_exactly_as_many_tokens() {
    let body = chat(&mock(), &says("Write a long story", json!({"max_tokens": 5}))).json();

    assert_eq!(body["usage"]["completion_tokens"], 5);
    assert_eq!(body["choices"][0]["finish_reason"], "length");
}

#[test]
fn a_seed_or_no_temperature_gives_the_same_answer_and_nothing_else_does() {
    let server = mock();
    let text = |more: Value| {
        let body = chat(&server, &says("Tell me a story", more)).json();
        body["choices"][0]["message"]["content"].as_str().unwrap().to_owned()
    };

    assert_eq!(
        text(json!({"seed": 7, "temperature": 0.7})),
        text(json!({"seed": 7, "temperature": 0.7}))
    );
    assert_eq!(text(json!({"temperature": 0})), text(json!({"temperature": 0})));
    assert_ne!(text(json!({})), text(json!({})));
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let twice = [mock(), mock()].map(|server| {
        ["Tell me a story", "Say hi"].map(|prompt| chat(&server, &says(prompt, json!({}))).body)
    });

    assert_eq!(twice[0], twice[1]);
}

#[test]
fn a_schema_is_obeyed_whatever_the_prompt_says() {
    let schema = json!({
        "type": "object",
        "properties": {"name": {"type": "string"}, "age": {"type": "integer"}, "role": {"enum": ["admin", "user"]}},
        "required": ["name", "age", "role"],
        "additionalProperties": false,
    });
    let judge = jsonschema::validator_for(&schema).unwrap();
    let format = json!({"type": "json_schema", "json_schema": {"name": "person", "strict": true, "schema": schema}});
    for prompt in ["Who are you?", "Write a haiku. Do not output JSON.", "Count from 1 to 9"] {
        let (text, _) = content(prompt, json!({"response_format": format}));
        assert!(judge.is_valid(&serde_json::from_str(&text).unwrap()), "{text}");
    }
    let (text, finish) = content("Hi", json!({"response_format": format, "max_tokens": 5}));
    assert_eq!(finish, "length");
    assert!(serde_json::from_str::<Value>(&text).is_err());
    let (text, _) = content(
        "List three colours as a JSON array",
        json!({"response_format": {"type": "json_object"}}),
    );
    assert!(serde_json::from_str::<Value>(&text).unwrap().is_object());
}

#[test]
fn logprobs_cover_every_token_and_spell_the_text() {
    let more = json!({"logprobs": true, "top_logprobs": 3, "max_tokens": 5});
    let body = chat(&mock(), &says("Repeat: 日本語のテキスト", more)).json();

    let entries = body["choices"][0]["logprobs"]["content"].as_array().unwrap().clone();
    let bytes: Vec<u8> = entries
        .iter()
        .flat_map(|e| {
            e["bytes"]
                .as_array()
                .unwrap()
                .iter()
                .map(|b| u8::try_from(b.as_u64().unwrap()).unwrap())
        })
        .collect();
    assert_eq!(entries.len() as u64, body["usage"]["completion_tokens"].as_u64().unwrap());
    assert_eq!(
        String::from_utf8(bytes).unwrap(),
        body["choices"][0]["message"]["content"].as_str().unwrap()
    );
    assert!(entries.iter().all(|e| e["top_logprobs"].as_array().unwrap().len() == 3));
    let bare = chat(&mock(), &says("Say hi", json!({"logprobs": true}))).json();
    assert_eq!(bare["choices"][0]["logprobs"]["content"][0]["top_logprobs"], json!([]));
}

#[test]
fn a_banned_token_is_not_said() {
    let server = mock();
    let ids = ask(&server, "POST", "/tokenize", &[], br#"{"prompt": " 2"}"#).json();
    let bias = json!({"logit_bias": {ids["tokens"][0].to_string(): -100}});

    let body = chat(&server, &says("Count from 1 to 4", bias)).json();

    assert_eq!(body["choices"][0]["message"]["content"], "1 3 4");
}

#[test]
fn several_choices_are_told_apart() {
    let body = chat(&mock(), &says("Tell me a story", json!({"n": 2, "max_tokens": 9}))).json();

    let indices: Vec<_> =
        body["choices"].as_array().unwrap().iter().map(|c| c["index"].clone()).collect();
    assert_eq!(indices, [json!(0), json!(1)]);
    assert_eq!(body["usage"]["completion_tokens"], 18);
}

#[test]
fn a_long_prompt_is_cached_the_second_time() {
    let server = mock();
    let body = says(&"lorem ipsum ".repeat(1_000), json!({}));

    let cached = [0, 1].map(|_| {
        chat(&server, &body).json()["usage"]["prompt_tokens_details"]["cached_tokens"]
            .as_u64()
            .unwrap()
    });

    assert_eq!(cached[0], 0);
    assert!(cached[1] >= 1024 && cached[1].is_multiple_of(128));
}

#[test]
fn an_image_is_accepted_and_a_broken_one_is_not() {
    let image = |url: &str| {
        json!({"model": "proofhouse-mock", "messages": [{"role": "user", "content": [
            {"type": "text", "text": "What is this?"},
            {"type": "image_url", "image_url": {"url": url, "detail": "low"}},
        ]}]})
    };
    let pixel = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

    assert_eq!(chat(&mock(), &image(pixel)).status, 200);
    assert_eq!(chat(&mock(), &image("https://example.com/a.png")).status, 200);
    let broken = chat(&mock(), &image("data:image/png;base64,@@@"));
    assert_eq!(
        (broken.status, broken.json()["error"]["param"].clone()),
        (400, json!("messages[0].content[1].image_url.url"))
    );
}

#[test]
fn legacy_completions_echo_and_take_several_prompts() {
    let server = mock();
    let complete =
        |body: Value| ask(&server, "POST", "/v1/completions", &[], body.to_string().as_bytes());

    let echo = complete(json!({"model": "proofhouse-mock", "prompt": "Once", "echo": true})).json();
    let two =
        complete(json!({"model": "proofhouse-mock", "prompt": ["a", "b"], "logprobs": 2})).json();
    let stream = complete(
        json!({"model": "proofhouse-mock", "prompt": "Once", "stream": true, "stream_options": {"include_usage": true}}),
    );

    assert_eq!(echo["object"], "text_completion");
    assert!(echo["choices"][0]["text"].as_str().unwrap().starts_with("Once"));
    assert_eq!(two["choices"][1]["index"], 1);
    assert_eq!(two["choices"][0]["logprobs"]["top_logprobs"][0].as_object().unwrap().len(), 2);
    let last = stream.data().pop().unwrap();
    assert_eq!(last, "[DONE]");
    assert!(stream.chunks().iter().all(|chunk| chunk["object"] == "text_completion"));
    assert_eq!(stream.chunks().last().unwrap()["choices"], json!([]));
}

#[test]
fn embeddings_come_as_floats_or_base64() {
    let server = mock();
    let embed = |more: Value| {
        let mut body = json!({"model": "proofhouse-mock", "input": "hello"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        ask(&server, "POST", "/v1/embeddings", &[], body.to_string().as_bytes())
    };

    let floats = embed(json!({"dimensions": 64})).json();
    let encoded = embed(json!({"encoding_format": "base64"})).json();

    assert_eq!(floats["data"][0]["embedding"].as_array().unwrap().len(), 64);
    assert_eq!(encoded["data"][0]["embedding"].as_str().unwrap().len(), 1536 * 4 / 3 * 4);
    assert_eq!(embed(json!({"input": []})).status, 400);
}
