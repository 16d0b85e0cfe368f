use serde_json::json;

use super::*;

fn assembled(chunks: Vec<serde_json::Value>) -> Assembly {
    let chunks: Vec<_> =
        chunks.into_iter().enumerate().map(|(event, value)| Chunk { event, value }).collect();
    assemble(&chunks)
}

#[test]
fn text_is_joined_in_order() {
    let got = assembled(vec![
        json!({"id": "c1", "choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]}),
        json!({"id": "c1", "choices": [{"index": 0, "delta": {"content": "He"}}]}),
        json!({"id": "c1", "choices": [{"index": 0, "delta": {"content": "llo"}, "finish_reason": "stop"}]}),
    ]);

    assert_eq!(
        got.value,
        Some(json!({
            "id": "c1",
            "object": "chat.completion",
            "choices": [{
                "index": 0,
                "message": {"role": "assistant", "content": "Hello"},
                "finish_reason": "stop",
            }],
        }))
    );
    assert_eq!(got.faults, []);
}
