//! Policies as people export them, brought into one shape.

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};
use thiserror::Error;

/// What a file holds of policies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exported {
    /// Every statement of every document in it.
    pub(super) statements: Vec<Statement>,
    /// ARNs of managed policies that it says are attached; their text is elsewhere.
    pub(super) attached: Vec<String>,
}

/// Why a file is no policy.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// It is not JSON.
    #[error("it is not JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// Nothing in it is a policy.
    #[error(
        "it holds no policy: neither a `Statement`, nor what `aws iam get-role-policy`, `get-policy-version` or `list-attached-role-policies` print"
    )]
    Nothing,
    /// A statement is none.
    #[error("{place}: {why}")]
    Statement {
        /// `Statement[0]`.
        place: String,
        /// What is wrong with it.
        why: String,
    },
}

/// One statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Statement {
    /// `Statement[0]`, with its `Sid` if it has one.
    pub(super) place: String,
    pub(super) allows: bool,
    pub(super) actions: Only,
    pub(super) resources: Only,
    pub(super) conditions: Vec<String>,
}

/// A list of patterns, or everything but one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Only {
    These(Vec<String>),
    AllBut(Vec<String>),
}

impl Only {
    pub(super) fn these(&self) -> &[String] {
        match self {
            Self::These(patterns) => patterns,
            Self::AllBut(_) => &[],
        }
    }
}

/// Reads an export: a document, or what the command line of AWS prints around one.
pub(super) fn read(text: &str) -> Result<Exported, PolicyError> {
    let value: Value = serde_json::from_str(text.trim_start_matches('\u{feff}'))?;
    let mut exported = Exported::default();
    let mut documents = 0;
    collect(&value, &mut exported, &mut documents)?;
    if documents == 0 && exported.attached.is_empty() {
        return Err(PolicyError::Nothing);
    }
    Ok(exported)
}

fn collect(value: &Value, into: &mut Exported, documents: &mut usize) -> Result<(), PolicyError> {
    match value {
        Value::Array(items) => items.iter().try_for_each(|item| collect(item, into, documents)),
        Value::Object(object) => {
            if let Some(statements) = object.get("Statement") {
                *documents += 1;
                return document(statements, into);
            }
            for (key, value) in object {
                match (key.as_str(), value) {
                    ("AttachedManagedPolicies" | "AttachedPolicies", Value::Array(items)) => {
                        into.attached.extend(items.iter().filter_map(arn));
                    }
                    // IAM's own API gives documents percent-encoded.
                    ("PolicyDocument" | "Document", Value::String(text)) => {
                        let text = percent_decode_str(text).decode_utf8_lossy();
                        collect(&serde_json::from_str(&text)?, into, documents)?;
                    }
                    // Who may take a role is another question.
                    ("AssumeRolePolicyDocument", _) => {}
                    (_, Value::Array(_) | Value::Object(_)) => collect(value, into, documents)?,
                    _ => {}
                }
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

fn arn(value: &Value) -> Option<String> {
    let text = value.as_str().or_else(|| value.get("PolicyArn")?.as_str());
    text.map(str::to_owned)
}

fn document(statements: &Value, into: &mut Exported) -> Result<(), PolicyError> {
    // A single statement may stand without its list.
    let list = match statements {
        Value::Array(items) => items.as_slice(),
        other => std::slice::from_ref(other),
    };
    for (index, value) in list.iter().enumerate() {
        let place = format!("Statement[{index}]");
        let wrong = |why: String| PolicyError::Statement { place: place.clone(), why };
        let object = value.as_object().ok_or_else(|| wrong("expected an object".to_owned()))?;
        let statement = statement(object, &place).map_err(wrong)?;
        into.statements.push(statement);
    }
    Ok(())
}

fn statement(object: &Map<String, Value>, place: &str) -> Result<Statement, String> {
    let allows = match object.get("Effect").and_then(Value::as_str) {
        Some("Allow") => true,
        Some("Deny") => false,
        _ => return Err("`Effect` is neither `Allow` nor `Deny`".to_owned()),
    };
    let sid = object.get("Sid").and_then(Value::as_str);
    let place = sid.map_or(place.to_owned(), |sid| format!("{place} ({sid})"));
    let conditions = match object.get("Condition") {
        Some(Value::Object(operators)) => {
            let keys = operators.values().filter_map(Value::as_object).flat_map(Map::keys);
            keys.cloned().collect()
        }
        _ => Vec::new(),
    };
    Ok(Statement {
        place,
        allows,
        actions: only(object, "Action", "NotAction")?,
        resources: only(object, "Resource", "NotResource")?,
        conditions,
    })
}

fn only(object: &Map<String, Value>, these: &str, all_but: &str) -> Result<Only, String> {
    match (object.get(these), object.get(all_but)) {
        (Some(value), None) => texts(value, these).map(Only::These),
        (None, Some(value)) => texts(value, all_but).map(Only::AllBut),
        (None, None) => Err(format!("neither `{these}` nor `{all_but}`")),
        (Some(_), Some(_)) => Err(format!("both `{these}` and `{all_but}`")),
    }
}

fn texts(value: &Value, key: &str) -> Result<Vec<String>, String> {
    let texts: Option<Vec<String>> = match value {
        Value::String(text) => Some(vec![text.clone()]),
        Value::Array(items) => items.iter().map(|item| item.as_str().map(str::to_owned)).collect(),
        _ => None,
    };
    texts.ok_or_else(|| format!("`{key}` is neither a text nor a list of texts"))
}
