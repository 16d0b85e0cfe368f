//! The run in numbers: targets side by side, where they differ, and what to doubt.

use tabled::builder::Builder;
use tabled::settings::object::Cell;
use tabled::settings::style::HorizontalLine;
use tabled::settings::{Alignment, Color, Modify, Padding, Style as Lines, Theme, object::Columns};
use unicode_width::UnicodeWidthStr as _;

use super::paint::{Page, Tone, around};
use super::{facts, phrase};
use crate::record::{Run, TargetRun};
use crate::report::harm::Harms;
use crate::report::readiness::{self, State};
use crate::text::ellipsis;
use crate::verdict::Verdict;

/// A longer id or name is cut in a table.
const NAME_CHARS_MAX: usize = 36;

/// Deviations that are known: why, until when, and where they are tracked.
pub(super) fn known(page: &mut Page, run: &Run) {
    let mut cases = run.targets.iter().flat_map(facts::known).peekable();
    if cases.peek().is_none() {
        return;
    }
    heading(page, "Known deviations");
    for case in cases {
        let Some(known) = &case.known else { continue };
        let word = page.paint(Tone::Of(case.verdict), case.verdict.name());
        let said = page.clean(&format!("{}   {}", case.id, case.target));
        page.line(&format!("  {word}  {said}"));
        let expiry = phrase::expiry(known);
        let tone = if known.expired { Tone::Of(Verdict::Fail) } else { Tone::Plain };
        page.field("    ", &format!("{expiry}: {}", known.reason), tone);
        if let Some(link) = &known.link {
            page.field("    ", link, Tone::Dim);
        }
    }
    page.line("");
}

/// What was seen, what it may mean, what to do.
pub(super) fn warnings(page: &mut Page, run: &Run) {
    if run.truncated || run.meta.interrupted {
        heading(page, "This run is not whole");
        let said = if run.meta.interrupted {
            "It was interrupted; cases that had not finished are missing."
        } else {
            "The record ends without its end: the run crashed or is still going."
        };
        page.field("  ", said, Tone::Plain);
        page.line("");
    }
    if run.warnings.is_empty() {
        return;
    }
    heading(page, "About this run");
    for warning in &run.warnings {
        let target = warning.target.as_ref().map(|name| format!("{name}: ")).unwrap_or_default();
        page.field("  ", &format!("{target}{}", warning.seen), Tone::Plain);
        page.field("    ", &format!("{}; {}", warning.meaning, warning.remedy), Tone::Dim);
    }
    page.line("");
}

/// The cases on which the targets do not agree.
pub(super) fn differences(page: &mut Page, run: &Run) {
    let rows = facts::rows(run);
    let differing: Vec<_> = rows.iter().filter(|row| row.differs()).collect();
    if differing.is_empty() {
        return;
    }
    heading(page, "Where the targets differ");
    let ids: Vec<_> = differing.iter().map(|row| ellipsis(row.id, NAME_CHARS_MAX)).collect();
    let first = ids.iter().map(|id| id.width()).max().unwrap_or(0);
    for columns in columns(page, run, first) {
        let mut table = Table::new(page, first, run, columns.clone());
        for (row, id) in differing.iter().zip(&ids) {
            let cells = row.cells.get(columns.clone()).unwrap_or_default().iter().map(|cell| {
                cell.map_or(("-".to_owned(), Tone::Dim), |case| {
                    (case.verdict.name().to_owned(), Tone::Of(case.verdict))
                })
            });
            table.row(id.clone(), cells);
        }
        table.write(page);
    }
}

/// Counts of verdicts, coverage and score.
pub(super) fn matrix(page: &mut Page, run: &Run) {
    let first = "decided of applicable".len();
    for columns in columns(page, run, first) {
        let targets = run.targets.get(columns.clone()).unwrap_or_default();
        let mut table = Table::new(page, first, run, columns);
        let shown = |verdict: &Verdict| {
            *verdict == Verdict::Pass || run.targets.iter().any(|t| t.tally().count(*verdict) > 0)
        };
        for verdict in Verdict::ALL.into_iter().rev().filter(shown) {
            let cells = targets.iter().map(|target| {
                let count = target.tally().count(verdict);
                let tone = if count > 0 { Tone::Of(verdict) } else { Tone::Dim };
                (count.to_string(), tone)
            });
            table.row(verdict.name().to_owned(), cells);
        }
        table.rule();
        let share = |of: fn(&TargetRun) -> facts::Share| {
            targets.iter().map(move |target| (of(target).to_string(), Tone::Plain))
        };
        table.row("decided of applicable".to_owned(), share(facts::coverage));
        table.row("required that held".to_owned(), share(facts::must));
        table.write(page);
    }
}

/// Which clients can be used with each target, and what hurts them first.
pub(super) fn readiness(page: &mut Page, run: &Run, harms: &Harms<'_>) {
    for target in &run.targets {
        let readiness = readiness::of(target, harms);
        if readiness.iter().all(|client| client.state == State::Unknown) {
            continue;
        }
        heading(page, &format!("Clients on {}", page.clean(&target.meta.name)));
        let first = readiness.iter().map(|client| client.client.len()).max().unwrap_or(0);
        for client in readiness {
            let word = page.paint(Tone::Of(client.state.verdict()), client.state.name());
            page.line(&format!("  {:<first$}  {word}", client.client));
            if !client.reasons.is_empty() {
                page.field("    ", &client.summary(), Tone::Dim);
            }
        }
        page.line("");
    }
}

/// One line for each target, the last thing on the screen; more where the page is narrow.
pub(super) fn standings(page: &mut Page, run: &Run) {
    for target in &run.targets {
        let standing = facts::standing(run, target);
        let clean = page.clean(&target.meta.name);
        let wide = clean.width() + standing.word.width() + standing.why.width() + " : ".len();
        let name = page.paint(Tone::Strong, &clean);
        let word = page.paint(Tone::Of(standing.verdict), standing.word);
        if wide <= page.style.width {
            page.line(&format!("{name} {word}: {}", standing.why));
        } else {
            page.line(&format!("{name} {word}:"));
            page.field("  ", &standing.why, Tone::Plain);
        }
    }
}

fn heading(page: &mut Page, text: &str) {
    let text = page.paint(Tone::Strong, text);
    page.line(&text);
}

/// Ranges of targets that fit beside a first column of `first` characters.
fn columns(page: &Page, run: &Run, first: usize) -> Vec<std::ops::Range<usize>> {
    const COLUMN_CHARS_MIN: usize = 16;
    let widest = run
        .targets
        .iter()
        .map(|target| target.meta.name.width().min(NAME_CHARS_MAX))
        .max()
        .unwrap_or(0)
        .max(COLUMN_CHARS_MIN);
    let room = page.style.width.saturating_sub(first + 2);
    let each = (room / (widest + 3)).max(1);
    let count = run.targets.len();
    (0..count).step_by(each).map(|start| start..(start + each).min(count)).collect()
}

/// A table with one column for each of some targets.
struct Table {
    builder: Builder,
    tones: Vec<(usize, usize, Tone)>,
    rows: usize,
    rules: Vec<usize>,
}

impl Table {
    fn new(page: &Page, first: usize, run: &Run, columns: std::ops::Range<usize>) -> Self {
        let mut builder = Builder::default();
        let names = run.targets.get(columns).unwrap_or_default().iter();
        let names = names.map(|target| page.clean(&ellipsis(&target.meta.name, NAME_CHARS_MAX)));
        let corner = " ".repeat(first);
        builder.push_record(std::iter::once(corner).chain(names));
        Self { builder, tones: Vec::new(), rows: 1, rules: vec![1] }
    }

    fn row(&mut self, name: String, cells: impl Iterator<Item = (String, Tone)>) {
        let mut texts = vec![name];
        for (index, (text, tone)) in cells.enumerate() {
            self.tones.push((self.rows, index + 1, tone));
            texts.push(text);
        }
        self.builder.push_record(texts);
        self.rows += 1;
    }

    /// A line above the next row.
    fn rule(&mut self) {
        self.rules.push(self.rows);
    }

    fn write(self, page: &mut Page) {
        let mut table = self.builder.build();
        let line = HorizontalLine::filled(if page.style.unicode { '─' } else { '-' });
        let rules: Vec<_> = self.rules.iter().map(|row| (*row, line)).collect();
        table
            .with(Padding::new(2, 1, 0, 0))
            .with(Modify::new(Columns::new(1..)).with(Alignment::right()));
        let mut theme = Theme::from_style(Lines::empty());
        for (row, line) in rules {
            theme.insert_horizontal_line(row, line);
        }
        table.with(theme);
        if page.style.colour {
            for (row, column, tone) in self.tones {
                let (start, end) = around(tone);
                table.with(Modify::new(Cell::new(row, column)).with(Color::new(start, end)));
            }
        }
        for line in table.to_string().lines() {
            page.line(line);
        }
        page.line("");
    }
}
