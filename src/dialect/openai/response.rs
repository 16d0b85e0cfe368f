//! Streams of the Responses API, whose last event carries the whole response.

use serde_json::Value;

use super::Chunk;

/// Whether these events are those of a Responses stream.
pub(super) fn is_response(chunks: &[&Chunk]) -> bool {
    chunks.iter().any(|chunk| kind(chunk).starts_with("response."))
}

/// The response that the last event carries; `None` if the stream has no end.
pub(super) fn assembled(chunks: &[&Chunk]) -> Option<Value> {
    const ENDS: [&str; 3] = ["response.completed", "response.incomplete", "response.failed"];
    let last = chunks.iter().rev().find(|chunk| ENDS.contains(&kind(chunk)))?;
    last.value.get("response").cloned()
}

fn kind(chunk: &Chunk) -> &str {
    chunk.value.get("type").and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_whole_is_that_of_the_last_event_and_a_chat_has_none() {
        let chunk = |value: Value| Chunk { event: 0, value };
        let stream = [
            chunk(json!({"type": "response.created", "response": {"status": "in_progress"}})),
            chunk(json!({"type": "response.completed", "response": {"status": "completed"}})),
        ];
        let all: Vec<&Chunk> = stream.iter().collect();
        assert_eq!(assembled(&all), Some(json!({"status": "completed"})));
        assert_eq!(assembled(&all[..1]), None);
        assert!(is_response(&all) && !is_response(&[&chunk(json!({"choices": []}))]));
    }
}
