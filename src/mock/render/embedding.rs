//! Embeddings: directions drawn from the text's hash, of length one.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fastrand::Rng;
use serde_json::{Value, json};

use crate::mock::ask::Fields;
use crate::mock::refusal::Refusal;
use crate::mock::tokens;

/// Numbers of an embedding nobody asked to shorten.
const DIMENSIONS: usize = 1536;
/// OpenAI's bound on the inputs of one request.
const INPUTS_MAX: usize = 2048;

/// The answer to an embeddings request.
pub(crate) fn embeddings(fields: Fields<'_, '_>, model: &str) -> Result<Value, Refusal> {
    let inputs = inputs(fields)?;
    let most = i64::try_from(DIMENSIONS).unwrap_or(i64::MAX);
    let dimensions = fields.integer("dimensions", 1..=most)?;
    let dimensions = dimensions.and_then(|d| usize::try_from(d).ok()).unwrap_or(DIMENSIONS);
    let base64 = match fields.string("encoding_format")? {
        None | Some("float") => false,
        Some("base64") => true,
        Some(other) => {
            return Err(Refusal::wrong_value("encoding_format", other, &["float", "base64"]));
        }
    };
    let count: usize = inputs.iter().map(|input| tokens::count(input)).sum();
    let data: Vec<Value> = inputs
        .iter()
        .enumerate()
        .map(|(index, input)| {
            let vector = vector(input, dimensions);
            let embedding = if base64 {
                let bytes: Vec<u8> = vector.iter().flat_map(|x| x.to_le_bytes()).collect();
                Value::String(STANDARD.encode(bytes))
            } else {
                vector.iter().map(|x| shortest(*x)).collect()
            };
            json!({"object": "embedding", "index": index, "embedding": embedding})
        })
        .collect();
    Ok(json!({
        "object": "list",
        "data": data,
        "model": model,
        "usage": {"prompt_tokens": count, "total_tokens": count},
    }))
}

fn inputs(fields: Fields<'_, '_>) -> Result<Vec<String>, Refusal> {
    let ids = |ids: &[Value]| ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    let empty = || {
        let message = "Invalid 'input': empty array. Expected an array with minimum length 1, but got an empty array instead.";
        Refusal::invalid("input", "empty_array", message)
    };
    match fields.get("input") {
        None => Err(Refusal::missing("input")),
        Some(Value::String(text)) if text.is_empty() => {
            Err(Refusal::invalid("input", "invalid_value", "'input' cannot be an empty string"))
        }
        Some(Value::String(text)) => Ok(vec![text.clone()]),
        Some(Value::Array(items)) if items.is_empty() => Err(empty()),
        Some(Value::Array(items)) if items.len() > INPUTS_MAX => Err(Refusal::invalid(
            "input",
            "array_above_max_length",
            format!(
                "Invalid 'input': array too long. Expected an array with maximum length {INPUTS_MAX}, but got an array with length {} instead.",
                items.len()
            ),
        )),
        Some(Value::Array(items)) if items.iter().all(Value::is_u64) => Ok(vec![ids(items)]),
        Some(Value::Array(items)) => items
            .iter()
            .enumerate()
            .map(|(index, item)| match item {
                Value::String(text) => Ok(text.clone()),
                Value::Array(tokens) if tokens.iter().all(Value::is_u64) && !tokens.is_empty() => {
                    Ok(ids(tokens))
                }
                other => Err(Refusal::wrong_type(&format!("input[{index}]"), "a string", other)),
            })
            .collect(),
        Some(other) => Err(Refusal::wrong_type("input", "a string or an array", other)),
    }
}

fn vector(input: &str, dimensions: usize) -> Vec<f32> {
    let mut rng = Rng::with_seed(tokens::hash(input.as_bytes()));
    let raw: Vec<f32> = (0..dimensions).map(|_| rng.f32() - 0.5).collect();
    let length = raw.iter().map(|x| x * x).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
    raw.into_iter().map(|x| x / length).collect()
}

/// The shortest decimal that reads back as the same `f32`.
fn shortest(x: f32) -> Value {
    x.to_string().parse::<f64>().map_or(Value::Null, |x| json!(x))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_encodings_hold_the_same_numbers() {
        let ask = |encoding: &str| {
            let body = json!({"input": "hello", "encoding_format": encoding, "dimensions": 64});
            let map = body.as_object().unwrap();
            embeddings(Fields::new(map, ""), "m").unwrap()
        };

        let floats = ask("float");
        let encoded = ask("base64");

        let bytes = STANDARD.decode(encoded["data"][0]["embedding"].as_str().unwrap()).unwrap();
        let decoded: Vec<f32> =
            bytes.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect();
        let plain: Vec<f32> = floats["data"][0]["embedding"]
            .as_array()
            .unwrap()
            .iter()
            .map(|x| x.to_string().parse().unwrap())
            .collect();
        assert_eq!(decoded.len(), 64);
        assert_eq!(decoded, plain);
    }
}
