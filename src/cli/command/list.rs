//! `proofhouse list`: what there is.

use std::path::Path;

use serde::Serialize;
use serde_json::{Value, json};

use super::selection;
use super::table::Table;
use crate::assert;
use crate::cli::args::{ListArgs, ListFormat, Listed};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output;
use crate::cli::settings::Settings;
use crate::plan;
use crate::profile;
use crate::suite::{CAPABILITIES, builtin, set};
use crate::text::plural;

pub(super) fn run(args: &ListArgs, settings: &Settings) -> Result<Exit, Failure> {
    let table = match args.what {
        Listed::Cases => return cases(args, settings),
        Listed::Suites => suites()?,
        Listed::Profiles => {
            Table { head: &[("profile", "profile"), ("title", "title")], rows: profiles()? }
        }
        Listed::Plans => Table { head: &[("plan", "plan"), ("title", "title")], rows: plans()? },
        Listed::Capabilities => Table {
            head: &[("capability", "capability"), ("unnamed", "unnamed"), ("meaning", "meaning")],
            rows: CAPABILITIES
                .iter()
                .map(|word| {
                    let unnamed = if word.opt_in.is_some() { "no" } else { "probe" };
                    vec![json!(word.name), json!(unnamed), json!(word.means)]
                })
                .collect(),
        },
        Listed::Rules => Table {
            head: &[("rule", "rule"), ("holds", "what it holds")],
            rows: assert::rules()
                .iter()
                .map(|rule| vec![json!(rule.name), json!(rule.summary)])
                .collect(),
        },
    };
    output::stdout(&table.print(args.format, settings.width)?)?;
    Ok(Exit::Held)
}

#[derive(Serialize)]
struct Row<'a> {
    id: &'a str,
    level: &'a str,
    suite: &'a str,
    title: &'a str,
}

fn cases(args: &ListArgs, settings: &Settings) -> Result<Exit, Failure> {
    let suites = selection::wanted(&args.selection, settings)?.suites;
    let plan = selection::plan(&suites, &args.selection)?;
    let rows: Vec<Row<'_>> = plan
        .iter()
        .flat_map(|(loaded, cases)| {
            cases.iter().map(|case| Row {
                id: &case.id,
                level: case.level.name(),
                suite: &loaded.suite.suite,
                title: &case.title,
            })
        })
        .collect();
    let text = match args.format {
        ListFormat::Json => pretty(&rows)?,
        ListFormat::Text => {
            let table = Table {
                head: &[
                    ("check", "check"),
                    ("level", "level"),
                    ("suite", "suite"),
                    ("title", "title"),
                ],
                rows: rows
                    .iter()
                    .map(|row| [row.id, row.level, row.suite, row.title].map(Value::from).into())
                    .collect(),
            };
            let text = table.print(ListFormat::Text, settings.width)?;
            format!("{text}{}\n", plural(rows.len(), "check"))
        }
    };
    output::stdout(&text)?;
    Ok(Exit::Held)
}

fn suites() -> Result<Table, Failure> {
    let all =
        builtin::all().map_err(|error| Failure::rendered(Exit::Usage, error.render(false)))?;
    let mut rows: Vec<Vec<Value>> = all
        .iter()
        .map(|loaded| {
            let suite = &loaded.suite;
            let (id, checks) = (&suite.suite.value, suite.cases.len());
            vec![
                json!(id),
                json!("suite"),
                json!(checks),
                json!(suite.revision),
                json!(suite.title),
            ]
        })
        .collect();
    let sets = set::all().map_err(|error| Failure::rendered(Exit::Usage, error.render(false)))?;
    for set in sets {
        let picked = set.of(all.clone()).map_err(|error| Failure::new(Exit::Usage, error))?;
        let checks: usize = picked.iter().map(|loaded| loaded.suite.cases.len()).sum();
        let (id, title) = (json!(set.set.value), json!(set.title));
        rows.push(vec![id, json!("set"), json!(checks), Value::Null, title]);
    }
    Ok(Table {
        head: &[
            ("suite", "suite"),
            ("kind", "kind"),
            ("checks", "checks"),
            ("revision", "revision"),
            ("title", "title"),
        ],
        rows,
    })
}

fn profiles() -> Result<Vec<Vec<Value>>, Failure> {
    let names = profile::builtin::names().into_iter();
    names
        .map(|name| {
            let loaded = profile::builtin::resolve(&name)
                .map_err(|error| Failure::rendered(Exit::Usage, error.render(false)))?;
            Ok(vec![json!(name), json!(loaded.profile.title)])
        })
        .collect()
}

fn plans() -> Result<Vec<Vec<Value>>, Failure> {
    let names = plan::builtin::names().into_iter();
    names
        .map(|name| {
            let loaded = plan::builtin::resolve(Path::new(&name))
                .map_err(|error| Failure::rendered(Exit::Usage, error.render(false)))?;
            Ok(vec![json!(name), json!(loaded.plan.title)])
        })
        .collect()
}

pub(super) fn pretty(value: &impl Serialize) -> Result<String, Failure> {
    serde_json::to_string_pretty(value)
        .map(|text| text + "\n")
        .map_err(|error| Failure::new(Exit::Unwritten, error))
}
