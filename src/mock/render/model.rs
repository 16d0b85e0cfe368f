//! The list of models.

use serde_json::{Value, json};

use super::EPOCH;
use crate::mock::house::House;

/// One model.
pub(crate) fn model(id: &str) -> Value {
    json!({"id": id, "object": "model", "created": EPOCH, "owned_by": "proofhouse"})
}

/// All of them.
pub(crate) fn models(house: &House) -> Value {
    let data: Vec<Value> = house.config.models.iter().map(|id| model(id)).collect();
    json!({"object": "list", "data": data})
}
