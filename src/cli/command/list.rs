//! `proofhouse list`: what there is.

use serde::Serialize;
use tabled::builder::Builder;
use tabled::settings::Style;

use super::selection;
use crate::assert;
use crate::cli::args::{ListArgs, ListFormat, Listed};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output;
use crate::cli::settings::Settings;
use crate::profile;
use crate::suite::{CAPABILITIES, builtin, set};
use crate::text::plural;

pub(super) fn run(args: &ListArgs, settings: &Settings) -> Result<Exit, Failure> {
    let table = match args.what {
        Listed::Cases => return cases(args, settings),
        Listed::Suites => suites()?,
        Listed::Profiles => Table {
            head: &["profile"],
            rows: profile::builtin::names().into_iter().map(|name| vec![name]).collect(),
        },
        Listed::Capabilities => Table {
            head: &["capability", "meaning"],
            rows: CAPABILITIES
                .iter()
                .map(|word| vec![word.name.to_owned(), word.means.to_owned()])
                .collect(),
        },
        Listed::Rules => Table {
            head: &["rule", "what it holds"],
            rows: assert::rules()
                .iter()
                .map(|rule| vec![rule.name.to_owned(), rule.summary.to_owned()])
                .collect(),
        },
    };
    output::stdout(&table.print(args.format)?)?;
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
                head: &["check", "level", "suite", "title"],
                rows: rows
                    .iter()
                    .map(|row| [row.id, row.level, row.suite, row.title].map(str::to_owned).into())
                    .collect(),
            };
            format!("{}{}\n", table.print(ListFormat::Text)?, plural(rows.len(), "check"))
        }
    };
    output::stdout(&text)?;
    Ok(Exit::Held)
}

fn suites() -> Result<Table, Failure> {
    let all =
        builtin::all().map_err(|error| Failure::rendered(Exit::Usage, error.render(false)))?;
    let mut rows: Vec<Vec<String>> = all
        .iter()
        .map(|loaded| {
            let suite = &loaded.suite;
            let (id, checks) = (suite.suite.value.clone(), suite.cases.len().to_string());
            vec![id, "suite".to_owned(), checks, suite.revision.to_string(), suite.title.clone()]
        })
        .collect();
    let sets = set::all().map_err(|error| Failure::rendered(Exit::Usage, error.render(false)))?;
    for set in sets {
        let picked = set.of(all.clone()).map_err(|error| Failure::new(Exit::Usage, error))?;
        let checks: usize = picked.iter().map(|loaded| loaded.suite.cases.len()).sum();
        let checks = checks.to_string();
        rows.push(vec![set.set.value, "set".to_owned(), checks, String::new(), set.title]);
    }
    Ok(Table { head: &["suite", "kind", "checks", "revision", "title"], rows })
}

/// Rows under a head; as JSON, objects with the head's words as keys.
struct Table {
    head: &'static [&'static str],
    rows: Vec<Vec<String>>,
}

impl Table {
    fn print(self, format: ListFormat) -> Result<String, Failure> {
        match format {
            ListFormat::Json => {
                let objects: Vec<serde_json::Map<String, serde_json::Value>> = self
                    .rows
                    .into_iter()
                    .map(|row| {
                        self.head
                            .iter()
                            .map(|key| (*key).to_owned())
                            .zip(row.into_iter().map(Into::into))
                            .collect()
                    })
                    .collect();
                pretty(&objects)
            }
            ListFormat::Text => {
                let mut builder = Builder::default();
                builder.push_record(self.head.iter().copied());
                for row in self.rows {
                    builder.push_record(row);
                }
                Ok(format!("{}\n", builder.build().with(Style::blank())))
            }
        }
    }
}

pub(super) fn pretty(value: &impl Serialize) -> Result<String, Failure> {
    serde_json::to_string_pretty(value)
        .map(|text| text + "\n")
        .map_err(|error| Failure::new(Exit::Unwritten, error))
}
