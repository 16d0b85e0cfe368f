//! Plans from text and files.

use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use serde::Deserialize as _;
use serde_json::Value;
use sha2::{Digest, Sha256};
use thiserror::Error;

use super::conversations::{self, Conversations};
use super::lint::{faults, lint, sense};
use super::tokenizer::Tokenizer;
use super::trace::{self, nanos};
use super::{Arrival, LoadPlan, Objective, Prompt, TraceRow, Vocabulary};
use crate::document::{self, DocumentError, Node, Problem};
use crate::suite::load::{hex, read_text};

pub use super::manners::{ExactKey, Manners};

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
    /// What its data sets ask, by workload; empty without one.
    pub(super) conversations: Vec<Arc<Conversations>>,
    /// What its prompts are made of.
    pub vocabulary: Vocabulary,
    /// How the endpoint differs from others.
    pub manners: Manners,
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
        /// `plan`, `trace`, `data set` or `tokenizer`.
        what: &'static str,
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The file is wrong.
    #[error("plan {0}")]
    Wrong(DocumentError),
    /// What a file holds is wrong.
    #[error("{what} `{path}`: {why}")]
    Data {
        /// `trace`, `data set` or `tokenizer`.
        what: &'static str,
        /// The file.
        path: String,
        /// What is wrong, with its line.
        why: String,
    },
    /// No built-in plan has that name, and no file either.
    #[error("there is no plan `{name}`: neither a built-in one nor a file")]
    Unknown {
        /// The name as given.
        name: String,
        /// What there is.
        hint: String,
    },
    /// It makes no sense as a whole.
    #[error("{0}")]
    Sense(String),
}

impl PlanError {
    /// What to do about a file that is not there or cannot be used.
    fn way_out(&self) -> Option<String> {
        let (Self::Read { what, .. } | Self::Data { what, .. }) = self else { return None };
        Some(match *what {
            "tokenizer" => "a `tokenizer.json` lies beside a model's weights; without one: `tokenizer: server` asks the endpoint's own, `tokenizer: calibrated` learns from its usage".to_owned(),
            _ => "files are looked for from the plan's folder".to_owned(),
        })
    }

    /// For a terminal; ends with a line end.
    pub fn render(&self, colour: bool) -> String {
        match self {
            Self::Wrong(error) => error.render(colour),
            Self::Unknown { hint, .. } => format!("error: {self}\n  = help: {hint}\n"),
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
        Some(plan) if problems.is_empty() => match complete(plan, folder) {
            // What is wrong with a file is told where the plan names it.
            Err(error @ (PlanError::Read { .. } | PlanError::Data { .. })) => {
                let mut problem = Problem::new("file", error.to_string(), named(&error, &tree));
                problem.help = error.way_out();
                wrong(vec![problem])
            }
            done => done,
        },
        _ => wrong(problems),
    }
}

/// Where a plan names the file that an error is about.
fn named(error: &PlanError, tree: &Node) -> Range<usize> {
    let (PlanError::Read { what, path, .. } | PlanError::Data { what, path, .. }) = error else {
        return tree.caret();
    };
    let place = |from: &Node, keys: &[&str]| {
        let found = keys.iter().try_fold(from.clone(), |node, key| node.get(key).cloned());
        found.map(|node| node.caret())
    };
    let found = match *what {
        "trace" => place(tree, &["arrival", "trace", "file"]),
        "tokenizer" => place(tree, &["tokenizer", "file"]),
        _ => tree.get("workload").and_then(|list| {
            let mut files =
                list.items().iter().filter_map(|one| one.get("prompt")?.get("sharegpt"));
            let file = files.find(|file| file.text().is_some_and(|name| path.ends_with(name)))?;
            Some(file.caret())
        }),
    };
    found.unwrap_or_else(|| tree.caret())
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
    let faults = plan.workload.iter().flat_map(|workload| faults(workload, &plan.arrival));
    if let Some((_, message)) = faults.into_iter().next() {
        return Err(PlanError::Sense(message));
    }
    let trace = match &plan.arrival {
        Arrival::Trace(trace) => {
            let text = beside("trace", folder, &trace.file)?;
            let mut rows = trace::read(trace.format, &text).map_err(|why| PlanError::Data {
                what: "trace",
                path: folder.join(&trace.file).display().to_string(),
                why,
            })?;
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
    let mut conversations = Vec::new();
    for workload in &plan.workload {
        let read = match &workload.prompt {
            Prompt::Sharegpt(file) => {
                let text = beside("data set", folder, file)?;
                digest.update(Sha256::digest(&text));
                conversations::read(&text).map_err(|why| PlanError::Data {
                    what: "data set",
                    path: folder.join(file).display().to_string(),
                    why,
                })?
            }
            _ => Vec::new(),
        };
        conversations.push(Arc::new(read));
    }
    let sha256 = hex(&digest.finalize());
    let mut loaded = LoadedPlan {
        plan,
        objectives,
        trace,
        conversations,
        vocabulary: Vocabulary::default(),
        manners: Manners::default(),
        sha256,
    };
    if let super::Tokenizer::File(file) = &loaded.plan.tokenizer {
        let text = beside("tokenizer", folder, file)?;
        let path = folder.join(file).display().to_string();
        let tokenizer = Tokenizer::read(&text).map_err(|why| PlanError::Data {
            what: "tokenizer",
            path: path.clone(),
            why,
        })?;
        let words = Vocabulary::candidates().iter();
        let costs: Vec<(&str, u64)> = words.map(|word| (*word, tokenizer.cost(word))).collect();
        loaded.count_by(Vocabulary::of_costs(&costs, path));
    }
    Ok(loaded)
}

/// The plan of a saved run, as far as a report takes one: without the files it names.
///
/// # Errors
///
/// Says why `plan` is none.
pub fn kept(plan: &Value, sha256: &str) -> Result<LoadedPlan, String> {
    let plan = LoadPlan::deserialize(plan).map_err(|error| error.to_string())?;
    let objectives = plan.objectives.iter().map(|text| Objective::parse(text));
    Ok(LoadedPlan {
        objectives: objectives.collect::<Result<_, _>>()?,
        trace: Vec::new(),
        conversations: Vec::new(),
        vocabulary: Vocabulary::default(),
        manners: Manners::default(),
        sha256: sha256.to_owned(),
        plan,
    })
}

/// The text of a file that a plan names.
fn beside(what: &'static str, folder: &Path, file: &str) -> Result<String, PlanError> {
    let path = folder.join(file);
    std::fs::read_to_string(&path).map_err(|source| PlanError::Read {
        what,
        path: path.display().to_string(),
        source,
    })
}

impl LoadedPlan {
    /// Makes prompts of other words: the digest of the requests is another.
    pub fn count_by(&mut self, vocabulary: Vocabulary) {
        self.sha256 = hex(&Sha256::digest(format!("{} {}", self.sha256, vocabulary.digest())));
        self.vocabulary = vocabulary;
    }

    /// Asks an endpoint in its own manner.
    pub fn mind(&mut self, manners: Manners) {
        if manners.exact_output != self.manners.exact_output
            && self.plan.workload.iter().any(|workload| workload.exact_output)
        {
            let keys = format!("{:?}", manners.exact_output);
            self.sha256 = hex(&Sha256::digest(format!("{} {keys}", self.sha256)));
        }
        self.manners = manners;
    }
}

#[cfg(test)]
mod tests;
