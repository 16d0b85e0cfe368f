//! One value in every chunk of a stream: what `id_stable` and its siblings share.

use serde_json::Value;

use super::look::{Look, evidence, show};
use crate::dialect::openai::Chunk;
use crate::verdict::Judgement;

/// Judges that `key` is `sound` in every chunk and the same in all; `noun` is what it should be.
pub(super) fn stable<'a>(
    look: &Look<'a>,
    chunks: impl Iterator<Item = &'a Chunk>,
    key: &str,
    noun: &str,
    sound: fn(&Value) -> bool,
) -> Judgement {
    let mut first: Option<(usize, &Value)> = None;
    let mut pieces = Vec::new();
    for chunk in chunks {
        let value = chunk.value.get(key);
        let expected = match (value, first) {
            (Some(value), None) if sound(value) => {
                first = Some((chunk.event, value));
                continue;
            }
            (Some(value), Some((_, wanted))) if value == wanted => continue,
            (_, Some((event, wanted))) => {
                format!("the `{key}` of event {event}: {}", show(Some(wanted)))
            }
            (_, None) => format!("`{key}`: {noun}"),
        };
        let label =
            if value.is_none() { format!("no `{key}` in this object") } else { String::new() };
        let place = look.place(chunk.event, &format!("/{key}"), &label);
        pieces.push(evidence(expected, show(value), place));
    }
    Judgement::from_evidence(pieces)
}
