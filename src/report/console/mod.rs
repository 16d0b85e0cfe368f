//! The report for a terminal or a CI log: what broke in full, the rest in counts.

mod case;
mod paint;
mod summary;

use self::paint::{Page, Tone};
use super::harm::Harms;
use super::{Style, facts, phrase};
use crate::record::{CaseRecord, Run};
use crate::verdict::Verdict;

/// The order in which verdicts are told, and how fully.
const TOLD: [(Verdict, Detail); 10] = [
    (Verdict::Fail, Detail::Full),
    (Verdict::Error, Detail::Reason),
    (Verdict::XPass, Detail::Reason),
    (Verdict::Warn, Detail::Short),
    (Verdict::Inconclusive, Detail::Reason),
    // These are told only when everything is asked for.
    (Verdict::XFail, Detail::Verbose),
    (Verdict::Info, Detail::Verbose),
    (Verdict::Unsupported, Detail::Verbose),
    (Verdict::Skipped, Detail::Verbose),
    (Verdict::Pass, Detail::Verbose),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Detail {
    /// Evidence, source, bytes, who is hurt, what next.
    Full,
    /// Expected, seen, where.
    Short,
    /// The reason alone.
    Reason,
    /// One line, and only when asked for.
    Verbose,
}

pub(super) fn render(run: &Run, harms: &Harms<'_>, style: &Style) -> String {
    let mut page = Page::new(*style);
    for (verdict, detail) in TOLD {
        if detail == Detail::Verbose && !style.verbose {
            continue;
        }
        if detail == Detail::Reason && !style.verbose {
            for alike in alike(cases(run, verdict)) {
                match alike.as_slice() {
                    [first, others @ ..] if others.len() >= ALIKE_MIN => {
                        case::reason(&mut page, first, others);
                    }
                    few => few.iter().for_each(|case| case::reason(&mut page, case, &[])),
                }
            }
            continue;
        }
        for case in cases(run, verdict) {
            match detail {
                Detail::Full => case::full(&mut page, run, case),
                Detail::Short if style.verbose => case::full(&mut page, run, case),
                Detail::Short => case::short(&mut page, run, case),
                Detail::Reason | Detail::Verbose => case::reason(&mut page, case, &[]),
            }
        }
    }
    summary::known(&mut page, run);
    summary::warnings(&mut page, run);
    summary::differences(&mut page, run);
    summary::matrix(&mut page, run);
    summary::readiness(&mut page, run, harms);
    summary::standings(&mut page, run);
    page.finish()
}

/// So many more for the same reason are told with the first: a server that dies half way leaves
/// hundreds of them.
const ALIKE_MIN: usize = 2;

/// Cases by target and reason, in the order of the first of each.
fn alike<'a>(cases: impl Iterator<Item = &'a CaseRecord>) -> Vec<Vec<&'a CaseRecord>> {
    let mut groups: Vec<Vec<&CaseRecord>> = Vec::new();
    for case in cases {
        let same = |first: &CaseRecord| {
            first.target == case.target
                && first.attempts.is_none()
                && case.attempts.is_none()
                && first.provisional == case.provisional
                && phrase::reason(case).is_some_and(|why| phrase::reason(first) == Some(why))
        };
        match groups.iter_mut().find(|group| group.first().is_some_and(|first| same(first))) {
            Some(group) => group.push(case),
            None => groups.push(vec![case]),
        }
    }
    groups
}

fn cases(run: &Run, verdict: Verdict) -> impl Iterator<Item = &CaseRecord> {
    run.targets.iter().flat_map(|target| &target.cases).filter(move |c| c.verdict == verdict)
}

/// `FAIL  sse.done-sentinel   must   staging-vllm`.
fn headline(page: &mut Page, case: &CaseRecord) {
    let word = case.verdict.name().to_ascii_uppercase();
    let word = page.paint(Tone::Of(case.verdict), &word);
    let id = page.clean(&case.id);
    let id = page.paint(Tone::Strong, &id);
    let target = page.clean(&case.target);
    page.line(&format!("{word}  {id}   {}   {target}", case.level.name()));
    if case.provisional {
        page.field("  ", "provisional: shown, not counted", Tone::Dim);
    }
}
