//! `proofhouse sagemaker policy`.

use std::path::Path;

use serde_json::json;

use super::region;
use crate::aws::endpoint::Endpoint;
use crate::aws::policy::{self, BLIND, Finding, Severity};
use crate::cli::args::{ListFormat, PolicyArgs};
use crate::cli::command::list::pretty;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output;
use crate::cli::settings::Settings;

pub(super) fn run(args: &PolicyArgs, settings: &Settings) -> Result<Exit, Failure> {
    if let Some(path) = &args.lint {
        return lint(path, args.format, settings);
    }
    let wrong = |error: &dyn std::error::Error| Failure::from_error(Exit::Usage, error);
    let (Some(name), Some(account)) = (&args.endpoint, &args.account) else {
        return Err(Failure::usage("name the endpoint and its account: --endpoint, --account"));
    };
    if !policy::is_account(account) {
        return Err(Failure::usage(format!("`{account}` is not an account: twelve digits")));
    }
    let mut endpoint =
        Endpoint::new(&region(args.region.as_ref())?, name).map_err(|error| wrong(&error))?;
    if let Some(component) = &args.component {
        endpoint = endpoint.component(component).map_err(|error| wrong(&error))?;
    }
    output::stdout(&pretty(&policy::least(&endpoint, account))?)?;
    Ok(Exit::Held)
}

fn lint(path: &Path, format: ListFormat, settings: &Settings) -> Result<Exit, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        Failure::usage(format!("`{}` could not be read: {error}", path.display()))
    })?;
    let (findings, notes) = policy::lint(&text).map_err(|error| {
        Failure::usage(format!("`{}`: {error}", path.display())).hint(
            "`aws iam get-role-policy --role-name R --policy-name P` prints one that can be read",
        )
    })?;
    let text = match format {
        ListFormat::Json => {
            pretty(&json!({"findings": findings, "notes": notes, "not_seen": BLIND}))?
        }
        ListFormat::Text => page(path, &findings, &notes, settings),
    };
    output::stdout(&text)?;
    let is_high = findings.iter().any(|finding| finding.severity == Severity::High);
    Ok(if is_high { Exit::Broken } else { Exit::Held })
}

fn page(path: &Path, findings: &[Finding], notes: &[String], settings: &Settings) -> String {
    let (red, yellow, plain) =
        if settings.colour { ("\x1b[1;31m", "\x1b[33m", "\x1b[0m") } else { ("", "", "") };
    let mut lines = Vec::new();
    for finding in findings {
        let (colour, severity) = match finding.severity {
            Severity::High => (red, "high"),
            Severity::Medium => (yellow, "medium"),
        };
        let place = finding.statement.as_deref().unwrap_or("the whole");
        lines.push(format!("{colour}{severity:<6}{plain}  {}  {place}", finding.rule));
        lines.push(format!("        {}", finding.why));
    }
    if findings.is_empty() {
        lines.push(format!("{}: no finding", path.display()));
    }
    lines.extend(notes.iter().map(|note| format!("note    {note}")));
    lines.push("not seen:".to_owned());
    lines.extend(BLIND.iter().map(|what| format!("  - {what}")));
    lines.join("\n") + "\n"
}
