//! The shape of a profile file. `docs/profile-format.md` explains each key to its writers.

use std::borrow::Cow;
use std::collections::BTreeMap;

use chrono::NaiveDate;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::plan::Manners;
use crate::suite::At;

/// A profile file.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// The format's version; this binary reads version 1.
    pub proofhouse_profile: u32,
    /// The profile's name.
    pub name: String,
    /// One line for people: which server and version it describes.
    #[serde(default)]
    pub title: Option<String>,
    /// `yes`, `no` or `probe` for each capability. Those not named are `probe`, or `no` where cases
    /// cost, take minutes or assume a special server: `batches`, `load`, `slow` and others.
    #[serde(default)]
    pub capabilities: BTreeMap<String, Capability>,
    /// Numbers that checks take as parameters.
    #[serde(default)]
    pub limits: Limits,
    /// What a load asks of it otherwise than of others.
    #[serde(default)]
    pub load: Manners,
    /// Deviations that are known and dated.
    #[serde(default)]
    pub known: Vec<At<Known>>,
}

/// Whether an endpoint offers something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Capability {
    /// It does: a refusal is a failure.
    #[serde(alias = "true")]
    Yes,
    /// It does not: cases are skipped.
    #[serde(alias = "false")]
    No,
    /// To be found out: a clean refusal is `unsupported`.
    #[default]
    Probe,
}

impl JsonSchema for Capability {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Capability".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"enum": ["yes", "no", "probe", true, false]})
    }
}

/// Numbers that checks take as parameters, as `${limits.context_tokens}`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// The context length in tokens.
    pub context_tokens: u64,
    /// Requests that the endpoint serves at once.
    pub max_concurrency: u32,
    /// The longest silence in a stream that is still fine, in seconds.
    pub max_gap_s: f64,
    /// The longest time to the end of a body after `[DONE]`, in seconds.
    pub close_after_done_s: f64,
    /// The largest request body, in bytes.
    pub max_body_bytes: u64,
    /// How long a stream must be able to last, in seconds.
    pub min_stream_s: f64,
    /// `prompt_tokens` of each reference prompt, in the order of `docs/profile-format.md`, as the
    /// model's own tokenizer and chat template make them.
    pub reference_tokens: Vec<u64>,
}

/// How many reference prompts there are.
pub(super) const REFERENCE_PROMPTS: usize = 3;

impl Default for Limits {
    fn default() -> Self {
        Self {
            context_tokens: 4096,
            max_concurrency: 8,
            max_gap_s: 30.0,
            close_after_done_s: 2.0,
            max_body_bytes: 6 * 1024 * 1024,
            min_stream_s: 120.0,
            reference_tokens: Vec::new(),
        }
    }
}

/// A deviation that is known.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Known {
    /// A case id, or a pattern with `*` (which needs `expires`).
    pub check: String,
    /// Why it is accepted for now.
    pub reason: String,
    /// Where it is tracked.
    #[serde(default)]
    pub link: Option<String>,
    /// From this day on it counts as a failure.
    #[serde(default)]
    #[schemars(schema_with = "date")]
    pub expires: Option<NaiveDate>,
    /// For people: the version that mends it.
    #[serde(default)]
    pub until: Option<String>,
    /// It shows in some runs only, by load or by timing: a run without it is no sign that the entry is outdated.
    #[serde(default)]
    pub sometimes: bool,
}

fn date(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": ["string", "null"],
        "format": "date",
        "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
        "x-expected": "a day such as `2027-01-31`",
    })
}
