//! `proofhouse explain`: what a check, a stream rule or a mock fault means.

use serde::Serialize;

use crate::assert;
use crate::cli::args::{ExplainArgs, ListFormat};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output;
use crate::cli::settings::Settings;
use crate::mock;
use crate::suite::load::Loaded;
use crate::suite::{At, Case, Hurt, builtin};
use crate::text;
use crate::verdict::Level;

/// Which checks catch which fault of the mock; the fault matrix test holds it true.
const FAULTS: &str = include_str!("../../../fixtures/faults.yaml");

#[derive(Serialize)]
struct Explained<'a> {
    id: &'a str,
    title: &'a str,
    level: Level,
    suite: &'a str,
    file: String,
    why: &'a str,
    source: &'a [String],
    needs: Vec<&'a str>,
    faults: Vec<String>,
    hurts: &'a [Hurt],
}

pub(super) fn run(args: &ExplainArgs, settings: &Settings) -> Result<Exit, Failure> {
    let suites = suites(args)?;
    let found = suites
        .iter()
        .flat_map(|loaded| loaded.suite.cases.iter().map(move |case| (loaded, case)))
        .find(|(_, case)| case.id.value == args.id);
    if let Some((loaded, case)) = found {
        let text = match args.format {
            ListFormat::Text => case_text(loaded, case, settings.width)?,
            ListFormat::Json => json(&explained(loaded, case)?)?,
        };
        output::stdout(&text)?;
        return Ok(Exit::Held);
    }
    if let Some(rule) = assert::rules().iter().find(|rule| rule.name == args.id) {
        let docs: Vec<String> =
            rule.docs.trim().lines().flat_map(|line| wrapped("", line, settings.width)).collect();
        output::stdout(&format!("stream: {}\n\n{}\n", rule.name, docs.join("\n")))?;
        return Ok(Exit::Held);
    }
    if let Some(fault) = mock::faults().iter().find(|fault| fault.name == args.id) {
        let caught = caught_by(fault.name)?;
        let caught =
            if caught.is_empty() { "no built-in check".to_owned() } else { caught.join(", ") };
        let mut lines = vec![format!("fault {}", fault.name), String::new()];
        lines.extend(wrapped("  does       ", fault.does, settings.width));
        lines.extend(wrapped("  caught by  ", &caught, settings.width));
        lines.push(format!("  try        proofhouse mock --fault {}", fault.name));
        output::stdout(&(lines.join("\n") + "\n"))?;
        return Ok(Exit::Held);
    }
    let known = suites
        .iter()
        .flat_map(|loaded| loaded.suite.cases.iter().map(|case| case.id.as_str()))
        .chain(assert::rules().iter().map(|rule| rule.name))
        .chain(mock::faults().iter().map(|fault| fault.name));
    let failure = Failure::usage(format!("nothing is called `{}`", args.id));
    Err(match text::did_you_mean(&args.id, known) {
        Some(near) => failure.hint(format!("did you mean `{near}`?")),
        None => failure.hint("`proofhouse list` shows every check"),
    })
}

fn suites(args: &ExplainArgs) -> Result<Vec<Loaded>, Failure> {
    let mut suites =
        builtin::all().map_err(|error| Failure::rendered(Exit::Usage, error.render(false)))?;
    for name in &args.suite {
        let named = builtin::named(name)
            .map_err(|error| Failure::rendered(Exit::Usage, error.render(false)))?;
        // A set has no cases of its own.
        if let builtin::Named::Suite(loaded) = named {
            suites.push(*loaded);
        }
    }
    Ok(suites)
}

fn json(value: &impl Serialize) -> Result<String, Failure> {
    serde_json::to_string_pretty(value)
        .map(|text| text + "\n")
        .map_err(|error| Failure::new(Exit::Unwritten, error))
}

fn explained<'a>(loaded: &'a Loaded, case: &'a At<Case>) -> Result<Explained<'a>, Failure> {
    Ok(Explained {
        id: &case.id,
        title: &case.title,
        level: case.level,
        suite: &loaded.suite.suite,
        file: format!("{}:{}", loaded.origin, case.spot.line),
        why: &case.why,
        source: &case.source,
        needs: case.needs.iter().map(|need| need.as_str()).collect(),
        faults: faults_caught_by(&case.id)?,
        hurts: &case.hurts,
    })
}

fn case_text(loaded: &Loaded, case: &At<Case>, width: usize) -> Result<String, Failure> {
    let mut lines = vec![format!(
        "{}   {}   suite {}",
        case.id.value,
        case.level.name(),
        loaded.suite.suite.value
    )];
    lines.extend(wrapped("  ", &case.title, width));
    lines.push(String::new());
    lines.extend(wrapped("  why     ", &case.why, width));
    for hurt in &case.hurts {
        lines.extend(wrapped("  hurts   ", &format!("{}: {}", hurt.client, hurt.effect), width));
    }
    for source in &case.source {
        lines.extend(wrapped("  source  ", source, width));
    }
    if !case.needs.is_empty() {
        let needs: Vec<_> = case.needs.iter().map(|need| need.as_str()).collect();
        lines.extend(wrapped("  needs   ", &needs.join(", "), width));
    }
    lines.push(format!("  file    {}:{}", loaded.origin, case.spot.line));
    lines.push("  expects".to_owned());
    for step in &case.steps {
        lines.push(format!(
            "    {}: {} {}",
            step.name.value, step.request.method, step.request.path
        ));
        for expect in &step.expect {
            lines.extend(wrapped("      - ", &expect.describe(), width));
        }
    }
    let faults = faults_caught_by(&case.id)?;
    if let Some(first) = faults.first() {
        lines.extend(wrapped("  catches ", &faults.join(", "), width));
        lines.push(format!("  try     proofhouse mock --fault {first}"));
    }
    Ok(lines.join("\n") + "\n")
}

/// `text` after a label, wrapped under itself, without blanks at line ends.
fn wrapped(label: &str, text: &str, width: usize) -> Vec<String> {
    let indent = label.chars().count();
    let room = width.saturating_sub(indent).max(20);
    let lines = text::wrap(text, room).into_iter().enumerate();
    lines
        .map(|(index, line)| {
            let lead = if index == 0 { label.to_owned() } else { " ".repeat(indent) };
            format!("{lead}{line}").trim_end().to_owned()
        })
        .collect()
}

fn table() -> Result<std::collections::BTreeMap<String, Vec<String>>, Failure> {
    serde_saphyr::from_str(FAULTS)
        .map_err(|error| Failure::new(Exit::Usage, format!("the built-in fault table: {error}")))
}

fn faults_caught_by(id: &str) -> Result<Vec<String>, Failure> {
    let caught = |(fault, checks): (String, Vec<String>)| {
        checks.iter().any(|check| check == id).then_some(fault)
    };
    Ok(table()?.into_iter().filter_map(caught).collect())
}

fn caught_by(fault: &str) -> Result<Vec<String>, Failure> {
    Ok(table()?.remove(fault).unwrap_or_default())
}
