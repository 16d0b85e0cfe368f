//! Plans from text and files.

use std::path::Path;
use std::sync::LazyLock;

use serde_json::Value;
use sha2::{Digest, Sha256};
use thiserror::Error;

use super::trace::{self, nanos};
use super::{Arrival, Lengths, LoadPlan, Objective, Prompt, TraceRow};
use crate::document::{self, DocumentError, Node, Problem};
use crate::suite::load::{hex, read_text};
use crate::units::Nanos;

/// The version of the format that this binary reads.
pub const VERSION: u32 = 1;

static SCHEMA: LazyLock<Value> = LazyLock::new(document::shape::schema_of::<LoadPlan>);

/// A plan with what belongs to it.
#[derive(Clone, Debug)]
pub struct LoadedPlan {
    /// The plan.
    pub plan: LoadPlan,
    /// Its objectives, read.
    pub objectives: Vec<Objective>,
    /// The rows of its trace, scaled; empty without one.
    pub trace: Vec<TraceRow>,
    /// Of the plan as it is run, in hexadecimal: two runs of one digest and seed send the same.
    pub sha256: String,
}

/// A plan that cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PlanError {
    /// A file could not be read.
    #[error("{what} `{path}` cannot be read: {source}")]
    Read {
        /// `plan` or `trace`.
        what: &'static str,
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The file is wrong.
    #[error("plan {0}")]
    Wrong(DocumentError),
    /// The trace is wrong.
    #[error("trace `{path}`: {why}")]
    Trace {
        /// The file.
        path: String,
        /// What is wrong, with its line.
        why: String,
    },
    /// It makes no sense as a whole.
    #[error("{0}")]
    Sense(String),
}

impl PlanError {
    /// For a terminal; ends with a line end.
    pub fn render(&self, colour: bool) -> String {
        match self {
            Self::Wrong(error) => error.render(colour),
            _ => format!("error: {self}\n"),
        }
    }
}

/// Reads a plan. `origin` is how messages call it; `folder` is where its trace is looked for.
pub fn parse(origin: &str, text: &str, folder: &Path) -> Result<LoadedPlan, PlanError> {
    let wrong = |problems| Err(PlanError::Wrong(DocumentError::new(origin, text, problems)));
    let (tree, mut problems) = document::parse_yaml(text);
    let Some(tree) = tree else { return wrong(problems) };
    let (plan, shape) = document::read::<LoadPlan>(&SCHEMA, &tree);
    problems.extend(shape);
    if let Some(plan) = &plan {
        problems.extend(lint(plan, &tree));
    }
    match plan {
        Some(plan) if problems.is_empty() => complete(plan, folder),
        _ => wrong(problems),
    }
}

/// Reads the plan in a file.
pub fn file(path: &Path) -> Result<LoadedPlan, PlanError> {
    let shown = path.display().to_string();
    let text = read_text(path).map_err(|source| PlanError::Read {
        what: "plan",
        path: shown.clone(),
        source,
    })?;
    parse(&shown, &text, path.parent().unwrap_or(Path::new(".")))
}

/// A plan made otherwise than from a file: by the command line.
pub fn complete(plan: LoadPlan, folder: &Path) -> Result<LoadedPlan, PlanError> {
    let objectives = plan.objectives.iter().map(|text| Objective::parse(text));
    let objectives = objectives.collect::<Result<_, _>>().map_err(PlanError::Sense)?;
    if let Some(problem) = sense(&plan) {
        return Err(PlanError::Sense(problem));
    }
    let trace = match &plan.arrival {
        Arrival::Trace(trace) => {
            let path = folder.join(&trace.file);
            let shown = path.display().to_string();
            let text = std::fs::read_to_string(&path).map_err(|source| PlanError::Read {
                what: "trace",
                path: shown.clone(),
                source,
            })?;
            let mut rows = trace::read(trace.format, &text)
                .map_err(|why| PlanError::Trace { path: shown, why })?;
            for row in &mut rows {
                row.at = nanos(row.at.as_secs_f64() * trace.scale);
            }
            rows
        }
        _ => Vec::new(),
    };
    let canonical = serde_json::to_string(&plan).unwrap_or_default();
    let mut digest = Sha256::new();
    digest.update(&canonical);
    for row in &trace {
        digest.update(row.at.0.to_le_bytes());
        digest.update([row.prompt.to_le_bytes(), row.reply.to_le_bytes()].concat());
    }
    Ok(LoadedPlan { plan, objectives, trace, sha256: hex(&digest.finalize()) })
}

/// What is wrong with a plan as a whole.
fn sense(plan: &LoadPlan) -> Option<String> {
    let ends = plan.duration.is_some()
        || plan.requests.is_some()
        || matches!(plan.arrival, Arrival::Steps(_) | Arrival::Trace(_));
    if !ends {
        return Some("the plan never ends; give it a `duration`, `requests`, or both".to_owned());
    }
    if plan.workload.is_empty() {
        return Some("the plan sends nothing: `workload` is empty".to_owned());
    }
    if plan.duration.is_some_and(|duration| duration.0 == Nanos(0)) {
        return Some("nothing is measured in a `duration` of 0s".to_owned());
    }
    if plan.deadlines.is_some_and(|deadlines| deadlines.itl.0 == Nanos(0)) {
        return Some(
            "no token can come 0s after the one before; give `deadlines.itl` a span".to_owned(),
        );
    }
    match &plan.arrival {
        Arrival::Burst(burst) if burst.every.0 == Nanos(0) => {
            Some("bursts every 0s would be one without an end; give `every` a span".to_owned())
        }
        Arrival::Ramp(ramp) if ramp.from <= 0.0 && ramp.to <= 0.0 => {
            Some("the plan sends nothing: its ramp goes from 0 to 0".to_owned())
        }
        Arrival::Steps(steps) if steps.steps.iter().all(|step| step.rate <= 0.0) => {
            Some("the plan sends nothing: the rate of every step is 0".to_owned())
        }
        _ => None,
    }
}

fn lint(plan: &LoadPlan, tree: &Node) -> Vec<Problem> {
    let mut problems = Vec::new();
    if plan.proofhouse_plan != VERSION
        && let Some(node) = tree.get("proofhouse_plan")
    {
        let message =
            format!("this binary reads plans of version {VERSION}, not {}", plan.proofhouse_plan);
        problems.push(Problem::new("version", message, node.caret()));
    }
    if let Some(message) = sense(plan) {
        problems.push(Problem::new("plan", message, tree.caret()));
    }
    let nodes = tree.get("objectives").map_or(&[][..], Node::items);
    for (text, node) in plan.objectives.iter().zip(nodes) {
        if let Err(message) = Objective::parse(text) {
            problems.push(Problem::new("objective", message, node.caret()));
        }
    }
    let nodes = tree.get("workload").map_or(&[][..], Node::items);
    for (workload, node) in plan.workload.iter().zip(nodes) {
        let empty = match &workload.prompt {
            Prompt::Texts(texts) if texts.is_empty() => Some("`texts` is empty".to_owned()),
            Prompt::Tokens(lengths) => lengths.problem(),
            Prompt::Text(_) | Prompt::Texts(_) => None,
        };
        let place = |key: &str| node.get(key).unwrap_or(node).caret();
        problems.extend(empty.map(|message| Problem::new("prompt", message, place("prompt"))));
        let length = workload.max_tokens.as_ref().and_then(Lengths::problem);
        problems.extend(length.map(|message| Problem::new("length", message, place("max_tokens"))));
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Rate, Span};

    fn read(text: &str) -> Result<LoadedPlan, PlanError> {
        parse("p.yaml", text, Path::new("."))
    }

    fn refusal(text: &str) -> String {
        read(text).unwrap_err().render(false)
    }

    const PLAN: &str = "proofhouse_plan: 1\narrival: {poisson: {rate: 12.5}}\nwarm_up: 5s\nduration: 1m\n\
                        objectives: [\"ttft.p99 < 500ms\"]\nworkload:\n  - prompt: {tokens: 200}\n    max_tokens: {uniform: {min: 10, max: 20}}\n";

    #[test]
    fn a_plan_is_read_with_its_defaults() {
        let loaded = read(PLAN).unwrap();
        assert_eq!(loaded.plan.arrival, Arrival::Poisson(Rate { rate: 12.5 }));
        assert_eq!(loaded.plan.duration, Some(Span::secs(60)));
        assert!(loaded.plan.workload[0].stream && loaded.plan.workload[0].unique);
        assert_eq!(loaded.objectives.len(), 1);
        assert_eq!(loaded.sha256, read(&format!("{PLAN}\n# more\n")).unwrap().sha256);
    }

    #[test]
    fn a_misspelt_key_a_negative_rate_and_an_endless_plan_are_refused_where_they_stand() {
        let said = refusal(&PLAN.replace("warm_up", "warmup"));
        assert!(said.contains("p.yaml:3:1") && said.contains("warm_up"), "{said}");
        let said = refusal(&PLAN.replace("12.5", "-1"));
        assert!(said.contains("expected at least") && said.contains("p.yaml:2:"), "{said}");
        let said = refusal(&PLAN.replace("duration: 1m\n", ""));
        assert!(said.contains("never ends"), "{said}");
        let said = refusal(&PLAN.replace("ttft.p99", "tftt.p99"));
        assert!(said.contains("did you mean `ttft`?"), "{said}");
        let said = refusal(&PLAN.replace("poisson", "poison"));
        assert!(said.contains("poisson"), "{said}");
        let said = refusal(&PLAN.replace("min: 10", "min: 30"));
        assert!(said.contains("larger than"), "{said}");
        let said = refusal(&PLAN.replace("duration: 1m", "duration: soon"));
        assert!(said.contains("5m"), "{said}");
        let said = refusal(&PLAN.replace("tokens: 200", "tokens: 4000000000"));
        assert!(said.contains("10000000"), "{said}");
    }

    #[test]
    fn a_plan_that_would_send_nothing_or_without_end_is_refused() {
        for (arrival, why) in [
            ("{burst: {size: 3, every: 0s}}", "without an end"),
            ("{ramp: {from: 0, to: 0, over: 5s}}", "from 0 to 0"),
            ("{steps: {steps: [{rate: 0, for: 5s}]}}", "every step is 0"),
        ] {
            let said = refusal(&PLAN.replace("{poisson: {rate: 12.5}}", arrival));
            assert!(said.contains(why), "{arrival}: {said}");
        }
        let said = refusal(&PLAN.replace("duration: 1m", "duration: 0s"));
        assert!(said.contains("nothing is measured"), "{said}");
        let weights = PLAN.replace("    max_tokens", "    weight: 4294967295\n    max_tokens");
        let again = weights.split("workload:\n").nth(1).unwrap();
        let loaded = read(&format!("{weights}{again}")).unwrap();
        assert!(crate::plan::Asks::new(loaded, "m").ask(7).workload < 2);
    }

    #[test]
    fn a_trace_that_is_not_there_is_named() {
        let plan = "proofhouse_plan: 1\narrival: {trace: {file: nope.jsonl, format: mooncake}}\n\
                    workload: [{prompt: {text: hi}}]\n";
        let said = refusal(plan);
        assert!(said.contains("nope.jsonl") && said.contains("trace"), "{said}");
    }
}
