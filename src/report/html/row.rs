//! One check on every target: a row of the matrix and what opens below it.

use serde::Serialize;

use crate::record::{CaseRecord, Finding, KnownNote, Run};
use crate::report::facts;
use crate::report::harm::Harms;
use crate::report::phrase::{self, SourceLine, symbol};
use crate::text::{plural, thousands};
use crate::verdict::{Evidence, Excerpt, Verdict};

/// More places of one kind than this are counted, not listed; the JSON report has them all.
const PLACES_MAX: usize = 12;

#[derive(Serialize)]
pub(super) struct Row<'a> {
    pub(super) suite: &'a str,
    anchor: String,
    id: &'a str,
    title: Vec<Text<'a>>,
    level: &'static str,
    provisional: bool,
    differs: bool,
    /// The gravest verdict, for the row's edge.
    gravest: &'static str,
    /// Every verdict, for the filter.
    verdicts: String,
    why: Vec<Text<'a>>,
    hurts: Vec<(&'a str, Vec<Text<'a>>)>,
    sources: Vec<Link<'a>>,
    cells: Vec<Cell<'a>>,
}

#[derive(Serialize)]
struct Cell<'a> {
    anchor: String,
    target: &'a str,
    verdict: &'static str,
    symbol: &'static str,
    /// Absent where the case did not run on the target.
    detail: Option<Detail<'a>>,
}

/// What one target did.
#[derive(Serialize)]
struct Detail<'a> {
    open: bool,
    meaning: &'static str,
    reason: Option<Vec<Text<'a>>>,
    took: String,
    attempts: Option<String>,
    known: Option<Known<'a>>,
    findings: Vec<Group<'a>>,
    hurts: Vec<(&'static str, String)>,
    exchanges: Vec<ExchangeLink<'a>>,
    curl: Option<&'a str>,
}

#[derive(Serialize)]
struct Known<'a> {
    reason: Vec<Text<'a>>,
    link: Option<Link<'a>>,
    expiry: String,
    expired: bool,
}

/// Pieces of evidence of one assertion that say the same.
#[derive(Serialize)]
struct Group<'a> {
    cell: String,
    step: Option<&'a str>,
    level: &'static str,
    expected: Vec<Text<'a>>,
    seen: Vec<Text<'a>>,
    place: String,
    excerpt: Option<Quote>,
    others: Vec<String>,
    more: usize,
    spot: String,
    source: Option<Quote>,
    #[serde(skip)]
    key: (&'a Finding, &'a Evidence),
}

/// A line with a part of it marked, and what the mark says.
#[derive(Serialize)]
struct Quote {
    before: String,
    marked: String,
    after: String,
    /// As many blanks as stand before the mark.
    lead: String,
    carets: String,
    label: String,
}

#[derive(Serialize)]
struct ExchangeLink<'a> {
    id: &'a str,
    anchor: String,
    label: String,
    /// Indices of frames that evidence points at, joined by spaces.
    frames: String,
    missing: bool,
}

#[derive(Serialize)]
pub(super) struct Text<'a> {
    text: &'a str,
    code: bool,
}

#[derive(Serialize)]
struct Link<'a> {
    text: &'a str,
    is_link: bool,
}

pub(super) fn rows_of<'a>(
    run: &'a Run,
    harms: &Harms<'_>,
    rows: Vec<facts::Row<'a>>,
) -> impl Iterator<Item = Row<'a>> {
    rows.into_iter().filter_map(move |row| {
        let cases = || row.cells.iter().copied().flatten();
        let any = cases().next()?;
        let anchor = anchor(row.suite, row.id);
        let mut verdicts: Vec<_> = cases().map(|case| case.verdict.name()).collect();
        verdicts.dedup();
        Some(Row {
            suite: row.suite,
            id: row.id,
            title: text(row.title),
            level: row.level.name(),
            provisional: any.provisional,
            differs: row.differs(),
            gravest: row.gravest().name(),
            verdicts: verdicts.join(" "),
            why: text(&any.why),
            // Some runs note them only where they apply.
            hurts: cases()
                .map(|case| case.hurts.iter())
                .find(|hurts| hurts.len() > 0)
                .unwrap_or_default()
                .map(|hurt| (hurt.client.as_str(), text(&hurt.effect)))
                .collect(),
            sources: any.source.iter().map(|source| link(source)).collect(),
            cells: run
                .targets
                .iter()
                .zip(&row.cells)
                .enumerate()
                .map(|(column, (target, case))| Cell {
                    anchor: format!("{anchor}-{column}"),
                    target: &target.meta.name,
                    verdict: case.map_or("absent", |case| case.verdict.name()),
                    symbol: case.map_or("", |case| symbol(case.verdict)),
                    detail: case.map(|case| detail(run, harms, case)),
                })
                .collect(),
            anchor,
        })
    })
}

/// A name for links into the page. Ids are words joined by dots; whatever else a strange suite
/// puts into one is spelled out, so that two ids never meet.
pub(super) fn anchor(suite: &str, id: &str) -> String {
    let mut out = String::from("c-");
    spell(&mut out, suite);
    out.push('-');
    spell(&mut out, id);
    out
}

/// As [`anchor`], for an exchange.
pub(super) fn exchange_anchor(id: &str) -> String {
    let mut out = String::from("x-");
    spell(&mut out, id);
    out
}

fn spell(out: &mut String, text: &str) {
    use std::fmt::Write as _;
    for c in text.chars() {
        if c.is_ascii_alphanumeric() || matches!(c, '.' | '-') {
            out.push(c);
        } else {
            let _ = write!(out, "_{:x}_", u32::from(c));
        }
    }
}

/// The exchanges of a case: those it was judged on, and those its evidence names besides.
pub(super) fn exchange_ids(case: &CaseRecord) -> impl Iterator<Item = &str> {
    let named = case
        .findings
        .iter()
        .flat_map(|finding| &finding.evidence)
        .filter_map(|evidence| evidence.place.exchange.as_deref())
        .filter(|id| !case.exchanges.iter().any(|known| known == id));
    case.exchanges.iter().map(String::as_str).chain(named)
}

fn detail<'a>(run: &'a Run, harms: &Harms<'_>, case: &'a CaseRecord) -> Detail<'a> {
    let mut ids = std::collections::BTreeSet::new();
    Detail {
        open: case.verdict != Verdict::Pass,
        meaning: phrase::meaning(case.verdict),
        reason: phrase::reason(case).map(text),
        took: case.took.to_string(),
        attempts: case.attempts.as_ref().map(phrase::attempts),
        known: case.known.as_ref().map(known),
        findings: groups(run, case),
        hurts: harms
            .of_case(case)
            .into_iter()
            .map(|harm| (harm.client, harm.said().to_owned()))
            .collect(),
        exchanges: exchange_ids(case)
            .filter(|id| ids.insert(*id))
            .map(|id| exchange_link(run, case, id))
            .collect(),
        curl: case.curl.as_deref(),
    }
}

fn known(known: &KnownNote) -> Known<'_> {
    Known {
        reason: text(&known.reason),
        link: known.link.as_deref().map(link),
        expiry: phrase::expiry(known),
        expired: known.expired,
    }
}

fn groups<'a>(run: &Run, case: &'a CaseRecord) -> Vec<Group<'a>> {
    let mut groups: Vec<Group<'a>> = Vec::new();
    for finding in &case.findings {
        for evidence in &finding.evidence {
            let same = groups.iter_mut().find(|group| {
                let (f, e) = group.key;
                (f.spot, &f.cell, &f.step) == (finding.spot, &finding.cell, &finding.step)
                    && (&e.expected, &e.seen) == (&evidence.expected, &evidence.seen)
            });
            match same {
                Some(group) if group.others.len() < PLACES_MAX => {
                    group.others.push(phrase::place(run, &evidence.place));
                }
                Some(group) => group.more += 1,
                None => groups.push(group(run, case, finding, evidence)),
            }
        }
    }
    groups
}

fn group<'a>(
    run: &Run,
    case: &'a CaseRecord,
    finding: &'a Finding,
    evidence: &'a Evidence,
) -> Group<'a> {
    let spot = finding.spot;
    Group {
        cell: phrase::cell(finding),
        step: Some(finding.step.as_str()).filter(|step| *step != "main"),
        level: finding.level.name(),
        expected: text(&evidence.expected),
        seen: text(&evidence.seen),
        place: phrase::place(run, &evidence.place),
        excerpt: evidence.place.excerpt.as_ref().map(Quote::excerpt),
        others: Vec::new(),
        more: 0,
        spot: format!("{}:{}:{}", case.file, spot.line, spot.column),
        source: SourceLine::of(finding)
            .map(|line| Quote::new(&line.text, line.start, line.len, String::new())),
        key: (finding, evidence),
    }
}

impl Quote {
    fn excerpt(excerpt: &Excerpt) -> Self {
        Self::new(&excerpt.text, excerpt.mark, 1, excerpt.label.clone())
    }

    fn new(line: &str, start: usize, len: usize, label: String) -> Self {
        let before: String = line.chars().take(start).collect();
        let marked: String = line.chars().skip(start).take(len).collect();
        let after: String = line.chars().skip(start + len).collect();
        let columns = unicode_width::UnicodeWidthStr::width(before.as_str());
        let carets = unicode_width::UnicodeWidthStr::width(marked.as_str()).max(1);
        Self {
            lead: " ".repeat(columns),
            carets: "^".repeat(carets),
            // One past the end there is no character to mark; a blank shows the place.
            marked: if marked.is_empty() { " ".to_owned() } else { marked },
            before,
            after,
            label,
        }
    }
}

fn exchange_link<'a>(run: &Run, case: &CaseRecord, id: &'a str) -> ExchangeLink<'a> {
    let mut frames: Vec<_> = case
        .findings
        .iter()
        .flat_map(|finding| &finding.evidence)
        .filter(|evidence| evidence.place.exchange.as_deref() == Some(id))
        .filter_map(|evidence| evidence.place.frame)
        .collect();
    frames.sort_unstable();
    frames.dedup();
    let frames: Vec<_> = frames.iter().map(ToString::to_string).collect();
    let exchange = run.exchanges.get(id);
    let label = exchange.map_or_else(
        || "not in the record".to_owned(),
        |exchange| {
            let bytes: usize = exchange.frames.iter().map(|frame| frame.bytes.len()).sum();
            let status = exchange.status().map_or("no response".to_owned(), |s| s.to_string());
            format!(
                "{status}, {}, {} bytes, {}",
                plural(exchange.frames.len(), "read"),
                thousands(bytes),
                exchange.timing.done
            )
        },
    );
    ExchangeLink {
        id,
        anchor: exchange_anchor(id),
        label,
        frames: frames.join(" "),
        missing: exchange.is_none(),
    }
}

pub(super) fn text(sentence: &str) -> Vec<Text<'_>> {
    phrase::pieces(sentence)
        .into_iter()
        .map(|piece| Text { text: piece.text, code: piece.code })
        .collect()
}

fn link(text: &str) -> Link<'_> {
    Link { text, is_link: phrase::is_link(text) }
}
