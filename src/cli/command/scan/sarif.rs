//! SARIF 2.1.0, as code scanning services read it.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::{Located, Searched, Unread, key, state};
use crate::leak::{Kind, State};

/// What may stand in the path of a URI as it is.
const PATH: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The report.
pub(super) fn report(searched: &Searched) -> Value {
    let rules: Vec<Value> = Kind::ALL
        .iter()
        .map(|kind| json!({"id": kind.name(), "shortDescription": {"text": kind.title()}}))
        .collect();
    let results: Vec<Value> = searched.findings.iter().map(result).collect();
    let notes: Vec<Value> = searched
        .unread
        .iter()
        .map(|Unread { file, why }| {
            json!({"level": "error", "message": {"text": format!("{file}: not read to its end: {why}")}})
        })
        .collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "proofhouse",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            }},
            "results": results,
            "invocations": [{
                "executionSuccessful": searched.unread.is_empty(),
                "toolExecutionNotifications": notes,
            }],
        }],
    })
}

fn result(Located { file, finding }: &Located) -> Value {
    let level = match finding.state {
        State::Valid => "error",
        State::Unknown => "warning",
        State::Expired => "note",
    };
    let text = format!("{}, {}{}", finding.kind.title(), state(finding), key(finding));
    json!({
        "ruleId": finding.kind.name(),
        "level": level,
        "message": {"text": text},
        "locations": [{"physicalLocation": {
            "artifactLocation": {"uri": utf8_percent_encode(file, PATH).to_string()},
            "region": {"startLine": finding.line},
        }}],
        "partialFingerprints": {"proofhouseLeak/v1": finding.fingerprint},
    })
}
