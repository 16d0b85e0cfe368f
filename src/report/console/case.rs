//! One case on one target.

use super::paint::{Page, Tone};
use super::{headline, phrase};
use crate::record::{CaseRecord, Finding, Run};
use crate::text::plural;
use crate::verdict::{Evidence, Verdict};

/// More are in the other reports; here they would bury the next case.
const GROUPS_MAX: usize = 3;
/// A longer reproducer is left to the other reports.
const CURL_LINES_MAX: usize = 12;
/// The same, for one of its lines.
const CURL_LINE_CHARS_MAX: usize = 400;

/// Everything: what a person needs to mend it.
pub(super) fn full(page: &mut Page, run: &Run, case: &CaseRecord) {
    headline(page, case);
    page.field("  ", &case.title, Tone::Plain);
    let groups = groups(case);
    let shown = if page.style.verbose { groups.len() } else { GROUPS_MAX };
    let mut source_shown = None;
    for group in groups.iter().take(shown) {
        expectation(page, group);
        if source_shown != Some(group.finding.spot) {
            source(page, case, group.finding);
            source_shown = Some(group.finding.spot);
        }
        where_it_was(page, run, group);
    }
    if groups.len() > shown {
        let more = plural(groups.len() - shown, "more finding");
        page.field("  ", &format!("and {more}, in the HTML and JSON reports"), Tone::Dim);
    }
    about(page, case);
    next(page, case);
    page.line("");
}

/// What was expected, what was seen, and where.
pub(super) fn short(page: &mut Page, run: &Run, case: &CaseRecord) {
    headline(page, case);
    page.field("  ", &case.title, Tone::Plain);
    for group in groups(case).iter().take(1) {
        expectation(page, group);
        let place = phrase::place(run, &group.first.place);
        let spot = group.finding.spot;
        let at = format!("{place} ({}:{}:{})", case.file, spot.line, spot.column);
        page.field("        at  ", &at, Tone::Dim);
        also(page, "            ", group);
    }
    if let Some(known) = case.known.as_ref().filter(|known| known.expired) {
        page.field(
            "     known  ",
            &format!("{}: {}", phrase::expiry(known), known.reason),
            Tone::Plain,
        );
    }
    page.line("");
}

/// The verdict and the word that it needs; once for all cases with the same.
pub(super) fn reason(page: &mut Page, case: &CaseRecord, others: &[&CaseRecord]) {
    headline(page, case);
    let said = phrase::reason(case).unwrap_or(&case.title);
    page.field("  ", said, Tone::Plain);
    if let Some(attempts) = &case.attempts {
        page.field("  ", &phrase::attempts(attempts), Tone::Dim);
    }
    if let Some(known) = case.known.as_ref().filter(|_| case.verdict == Verdict::XPass) {
        let said = format!("take its entry out of the profile: {}", known.reason);
        page.field("  next  ", &said, Tone::Plain);
    }
    if !others.is_empty() {
        const NAMED_MAX: usize = 6;
        let mut named: Vec<_> = others.iter().take(NAMED_MAX).map(|c| c.id.as_str()).collect();
        if others.len() > NAMED_MAX {
            named.push(page.ellipsis());
        }
        let said = format!("and {} more for the same reason: {}", others.len(), named.join(", "));
        page.field("  ", &said, Tone::Dim);
    }
    page.line("");
}

/// Pieces of evidence that say the same of several places.
struct Group<'a> {
    finding: &'a Finding,
    first: &'a Evidence,
    others: Vec<&'a Evidence>,
}

fn groups(case: &CaseRecord) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for finding in &case.findings {
        for evidence in &finding.evidence {
            let same = groups.iter_mut().find(|group| {
                group.finding.spot == finding.spot
                    && group.finding.cell == finding.cell
                    && group.first.expected == evidence.expected
                    && group.first.seen == evidence.seen
            });
            match same {
                Some(group) => group.others.push(evidence),
                None => groups.push(Group { finding, first: evidence, others: Vec::new() }),
            }
        }
    }
    groups
}

fn expectation(page: &mut Page, group: &Group<'_>) {
    let cell = phrase::cell(group.finding);
    if !cell.is_empty() {
        page.field("      with  ", &cell, Tone::Dim);
    }
    page.field("  expected  ", &group.first.expected, Tone::Plain);
    page.field("      seen  ", &group.first.seen, Tone::Plain);
}

fn source(page: &mut Page, case: &CaseRecord, finding: &Finding) {
    let spot = finding.spot;
    page.field("  ", &format!("{}:{}:{}", case.file, spot.line, spot.column), Tone::Dim);
    if let Some(line) = phrase::SourceLine::of(finding) {
        let gutter = format!("  {:>3} | ", spot.line);
        page.quote(&gutter, &line.text, line.start, line.len, "");
    }
}

fn where_it_was(page: &mut Page, run: &Run, group: &Group<'_>) {
    let place = &group.first.place;
    let mut at = phrase::place(run, place);
    if group.finding.step != "main" {
        at = format!("step {}, {at}", group.finding.step);
    }
    page.field("  ", &at, Tone::Dim);
    if let Some(excerpt) = &place.excerpt {
        page.quote("      | ", &excerpt.text, excerpt.mark, 1, &excerpt.label);
    }
    also(page, "  ", group);
}

/// `the same at 10 more places: event 3, event 4, …`.
fn also(page: &mut Page, indent: &str, group: &Group<'_>) {
    const NAMED_MAX: usize = 4;
    if group.others.is_empty() {
        return;
    }
    let mut named: Vec<_> =
        group.others.iter().take(NAMED_MAX).map(|e| e.place.what.as_str()).collect();
    named.dedup();
    if group.others.len() > NAMED_MAX {
        named.push(page.ellipsis());
    }
    let said =
        format!("the same at {}: {}", plural(group.others.len(), "more place"), named.join(", "));
    page.field(indent, &said, Tone::Dim);
}

fn about(page: &mut Page, case: &CaseRecord) {
    if let Some(attempts) = &case.attempts {
        page.field("  rate  ", &phrase::attempts(attempts), Tone::Plain);
    }
    if let Some(known) = &case.known {
        let link = known.link.as_deref().unwrap_or_default();
        let said = format!("{} ({}) {link}", known.reason, phrase::expiry(known));
        page.field("  known ", &said, Tone::Plain);
    }
    if !case.hurts.is_empty() {
        let hurts: Vec<_> =
            case.hurts.iter().map(|hurt| format!("{}: {}", hurt.client, hurt.effect)).collect();
        page.field("  hurts ", &hurts.join(page.dot()), Tone::Plain);
    }
    page.field("  why   ", &case.why, Tone::Plain);
}

fn next(page: &mut Page, case: &CaseRecord) {
    page.field("  next  ", &format!("proofhouse explain {}", case.id), Tone::Plain);
    let Some(curl) = &case.curl else { return };
    let lines = page.clean_lines(curl);
    let fits = lines.len() <= CURL_LINES_MAX
        && lines.iter().all(|line| line.chars().count() <= CURL_LINE_CHARS_MAX);
    if fits {
        // Not wrapped: it is there to be copied.
        for line in lines {
            let line = page.paint(Tone::Dim, &line);
            page.line(&format!("        {line}"));
        }
    } else {
        page.field("        ", "the curl reproducer is in the HTML and JSON reports", Tone::Dim);
    }
}
