//! What `check` sets out to send: the line before a run, the table of `--dry-run`, the budget.

use serde::Serialize;
use tabled::builder::Builder;
use tabled::settings::object::Columns;
use tabled::settings::{Alignment, Style};

use super::list::pretty;
use super::selection::Planned as Cases;
use crate::cli::args::{CheckArgs, FormatArg};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output;
use crate::cli::targets::Chosen;
use crate::engine::{Options, Outline, Plan};
use crate::record::Planned;
use crate::text::{plural, thousands};

/// What a run would send to `chosen`.
pub(super) fn of(chosen: &Chosen, cases: &[Cases<'_>], options: &Options) -> Plan {
    Plan::of(&Outline { target: &chosen.target, profile: &chosen.profile, cases, options })
}

/// Refuses a run whose answers may have more tokens than `budget`, over all targets.
pub(super) fn within(budget: Option<u64>, planned: &[Planned]) -> Result<(), Failure> {
    let tokens =
        planned.iter().map(|planned| planned.output_tokens_max).fold(0, u64::saturating_add);
    let Some(budget) = budget.filter(|budget| tokens > *budget) else { return Ok(()) };
    Err(Failure::usage(format!(
        "the plan may take {} output tokens, and the budget is {}; nothing was judged",
        count(tokens),
        count(budget)
    ))
    .hint("ask for less: --suite core, --level must, or --select PATTERN")
    .hint("`--dry-run` shows what each suite asks for"))
}

/// A plan in one line: `planned: 301 requests (at most 420), at most 18,000 output tokens`.
pub(super) fn line(planned: &Planned) -> String {
    let most = if planned.requests_max > planned.requests {
        format!(" (at most {})", count(planned.requests_max))
    } else {
        String::new()
    };
    let unlimited = if planned.unlimited > 0 {
        format!(", and what {} without a limit may take", requests(planned.unlimited))
    } else {
        String::new()
    };
    format!(
        "{}{most}, at most {} output tokens{unlimited}",
        requests(planned.requests),
        count(planned.output_tokens_max)
    )
}

fn requests(number: u64) -> String {
    if number == 1 { "1 request".to_owned() } else { format!("{} requests", count(number)) }
}

fn count(number: u64) -> String {
    thousands(usize::try_from(number).unwrap_or(usize::MAX))
}

/// `--dry-run` in JSON.
#[derive(Serialize)]
struct Dry<'a> {
    /// The version of this format: 1.
    version: u32,
    /// One for each endpoint, in the order given.
    targets: Vec<DryTarget<'a>>,
}

#[derive(Serialize)]
struct DryTarget<'a> {
    name: &'a str,
    base_url: String,
    profile: &'a str,
    planned: Planned,
    suites: Vec<DrySuite<'a>>,
}

#[derive(Serialize)]
struct DrySuite<'a> {
    suite: &'a str,
    planned: Planned,
}

/// Prints the plan and sends nothing.
pub(super) fn dry(
    args: &CheckArgs,
    chosen: &[Chosen],
    cases: &[Cases<'_>],
    options: &Options,
) -> Result<Exit, Failure> {
    let plans: Vec<Plan> = chosen.iter().map(|chosen| of(chosen, cases, options)).collect();
    let totals: Vec<Planned> = plans.iter().map(Plan::total).collect();
    let targets = chosen.iter().zip(&plans).zip(&totals).map(|((chosen, plan), total)| {
        let suites = plan.by_suite().into_iter();
        DryTarget {
            name: &chosen.target.name,
            base_url: chosen.target.base_url.to_string(),
            profile: &chosen.profile.name,
            planned: *total,
            suites: suites.map(|(suite, planned)| DrySuite { suite, planned }).collect(),
        }
    });
    let dry = Dry { version: 1, targets: targets.collect() };
    let text = match args.output.format {
        FormatArg::Json => pretty(&dry)?,
        FormatArg::Console | FormatArg::Junit | FormatArg::Markdown | FormatArg::Html => {
            dry.targets.iter().map(table).collect::<Vec<_>>().join("\n")
        }
    };
    output::stdout(&text)?;
    within(args.budget_tokens, &totals)?;
    Ok(Exit::Held)
}

const HEAD: [&str; 8] = [
    "suite",
    "cases",
    "left out",
    "asked",
    "sent",
    "sent at most",
    "output tokens at most",
    "without limit",
];

fn table(target: &DryTarget<'_>) -> String {
    let mut builder = Builder::default();
    builder.push_record(HEAD);
    let rows = target.suites.iter().map(|suite| (suite.suite, &suite.planned));
    for (name, planned) in rows.chain([("all", &target.planned)]) {
        let numbers = [
            planned.cases,
            planned.left_out,
            planned.asked,
            planned.requests,
            planned.requests_max,
            planned.output_tokens_max,
            planned.unlimited,
        ];
        builder.push_record([name.to_owned()].into_iter().chain(numbers.map(count)));
    }
    let mut table = builder.build();
    table.with(Style::blank()).modify(Columns::new(1..), Alignment::right());
    let cases = plural(usize::try_from(target.planned.cases).unwrap_or(usize::MAX), "case");
    format!(
        "{} with the profile `{}`, nothing was sent\n\n{table}\n\n{cases}: {}\n",
        target.name,
        target.profile,
        line(&target.planned)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_is_said_in_one_line() {
        let mut planned = Planned { requests: 301, requests_max: 301, ..Planned::default() };
        planned.output_tokens_max = 18_000;
        assert_eq!(line(&planned), "301 requests, at most 18,000 output tokens");
        planned.requests_max = 1_420;
        planned.unlimited = 1;
        assert_eq!(
            line(&planned),
            "301 requests (at most 1,420), at most 18,000 output tokens, and what 1 request without \
             a limit may take"
        );
    }

    #[test]
    fn a_budget_is_over_all_targets() {
        let planned = Planned { output_tokens_max: 600, ..Planned::default() };
        assert!(within(None, &[planned, planned]).is_ok());
        assert!(within(Some(1_200), &[planned, planned]).is_ok());
        assert!(within(Some(1_199), &[planned, planned]).is_err());
    }
}
