//! How many tokens the answer to a request may have, by what the request itself says.

use serde_json::Value;

use crate::transcript::WireRequest;

/// The most tokens that an answer may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tokens {
    /// So many.
    AtMost(u64),
    /// The request names no limit: the endpoint's own holds.
    Unlimited,
}

/// The keys that limit an answer, newest names too. If a request has several, the largest counts.
const LIMITS: [&str; 3] = ["max_tokens", "max_completion_tokens", "max_output_tokens"];
/// Routes that write text, by the end of their path.
const WRITING: [&str; 3] = ["/chat/completions", "/completions", "/responses"];
/// What a legacy completion has when it names no limit:
/// <https://platform.openai.com/docs/api-reference/completions/create#completions-create-max_tokens>.
const LEGACY_DEFAULT: u64 = 16;

/// What the answer to `request` may have.
pub(super) fn of(request: &WireRequest) -> Tokens {
    let path = request.url.split('?').next().unwrap_or_default();
    let body: &[u8] = &request.body;
    if request.method != "POST" {
        return Tokens::AtMost(0);
    }
    if path.ends_with("/files") {
        return Tokens::AtMost(in_batch(&String::from_utf8_lossy(body)));
    }
    if !WRITING.iter().any(|route| path.ends_with(route)) {
        return Tokens::AtMost(0);
    }
    // What is no object is no request, and is refused.
    let Ok(Value::Object(asked)) = serde_json::from_slice(body) else { return Tokens::AtMost(0) };
    let asked = Value::Object(asked);
    let legacy = path.ends_with("/completions") && !path.ends_with("/chat/completions");
    match limit(&asked).or(legacy.then_some(LEGACY_DEFAULT)) {
        Some(limit) => Tokens::AtMost(limit.saturating_mul(answers(&asked))),
        None => Tokens::Unlimited,
    }
}

fn limit(asked: &Value) -> Option<u64> {
    LIMITS.iter().filter_map(|key| asked.get(key)?.as_u64()).max()
}

/// How many texts are asked for: `n` or `best_of`, for each prompt of a list.
fn answers(asked: &Value) -> u64 {
    let number = |key| asked.get(key).and_then(Value::as_u64);
    let texts = number("n").max(number("best_of")).unwrap_or(1).max(1);
    let prompts = asked.get("prompt").and_then(Value::as_array).map_or(1, |prompts| {
        // Numbers are the tokens of one prompt.
        if prompts.iter().all(Value::is_number) { 1 } else { prompts.len() }
    });
    texts.saturating_mul(u64::try_from(prompts).unwrap_or(u64::MAX))
}

/// The requests of a batch stand in the file that it is made of, one on a line.
fn in_batch(upload: &str) -> u64 {
    let lines = upload.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let limits = lines.filter_map(|line| {
        let asked = line.get("body")?;
        Some(limit(asked)?.saturating_mul(answers(asked)))
    });
    limits.fold(0, u64::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transcript::Headers;
    use serde_json::json;

    fn posted(path: &str, body: &Value) -> Tokens {
        sent("POST", path, &body.to_string())
    }

    fn sent(method: &str, path: &str, body: &str) -> Tokens {
        of(&WireRequest {
            method: method.to_owned(),
            url: format!("http://127.0.0.1:8000/v1{path}"),
            headers: Headers::default(),
            body: body.to_owned().into(),
        })
    }

    #[test]
    fn the_limit_of_a_request_is_the_largest_of_its_names() {
        let chat = |body| posted("/chat/completions", &body);
        assert_eq!(chat(json!({"max_tokens": 8})), Tokens::AtMost(8));
        assert_eq!(chat(json!({"max_completion_tokens": 9})), Tokens::AtMost(9));
        assert_eq!(chat(json!({"max_tokens": 8, "max_completion_tokens": 64})), Tokens::AtMost(64));
        assert_eq!(posted("/responses", &json!({"max_output_tokens": 20})), Tokens::AtMost(20));
    }

    #[test]
    fn a_request_without_a_limit_that_can_be_read_is_unlimited() {
        assert_eq!(posted("/chat/completions", &json!({})), Tokens::Unlimited);
        assert_eq!(posted("/chat/completions", &json!({"max_tokens": -1})), Tokens::Unlimited);
        assert_eq!(posted("/responses", &json!({"input": "x"})), Tokens::Unlimited);
    }

    #[test]
    fn every_text_that_is_asked_for_counts() {
        let legacy = |body| posted("/completions", &body);
        assert_eq!(legacy(json!({"prompt": "x"})), Tokens::AtMost(16));
        assert_eq!(legacy(json!({"prompt": ["x", "y"], "n": 2})), Tokens::AtMost(64));
        assert_eq!(legacy(json!({"prompt": [1, 2, 3], "best_of": 3})), Tokens::AtMost(48));
        assert_eq!(
            posted("/chat/completions", &json!({"n": 3, "max_tokens": 4})),
            Tokens::AtMost(12)
        );
    }

    #[test]
    fn what_is_no_request_for_text_writes_none() {
        assert_eq!(sent("GET", "/models", ""), Tokens::AtMost(0));
        assert_eq!(posted("/embeddings", &json!({"input": "x"})), Tokens::AtMost(0));
        assert_eq!(sent("POST", "/chat/completions", "{\"model\": "), Tokens::AtMost(0));
        assert_eq!(posted("/chat/completions", &json!([])), Tokens::AtMost(0));
    }

    #[test]
    fn a_batch_writes_what_the_lines_of_its_file_ask_for() {
        let file = "--x\r\n\r\n{\"custom_id\": \"a\", \"body\": {\"max_tokens\": 8}}\n\
                    {\"custom_id\": \"b\", \"body\": {\"max_tokens\": 4, \"n\": 2}}\n--x--\r\n";
        assert_eq!(sent("POST", "/files", file), Tokens::AtMost(16));
    }
}
