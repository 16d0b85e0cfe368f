//! Phrases that several formats share.

use std::borrow::Cow;

use chrono::{DateTime, Utc};

use crate::record::{Attempts, CaseRecord, Finding, KnownNote, Run};
use crate::stats::{pass_all, pass_at};
use crate::verdict::{Place, Verdict};

/// `2026-11-02 09:30:00 UTC`.
pub(super) fn utc(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// `exchange x3, event 14, frame 14 (+812 ms), byte 2210 of 4096`.
pub(super) fn place(run: &Run, place: &Place) -> String {
    let mut parts = Vec::new();
    if let Some(exchange) = &place.exchange {
        parts.push(format!("exchange {exchange}"));
    }
    if !place.what.is_empty() {
        parts.push(place.what.clone());
    }
    if let Some(pointer) = place.pointer.as_ref().filter(|pointer| !pointer.is_empty()) {
        parts.push(pointer.clone());
    }
    match (place.frame, place.at) {
        (Some(frame), Some(at)) => parts.push(format!("frame {frame} (+{at})")),
        (Some(frame), None) => parts.push(format!("frame {frame}")),
        (None, Some(at)) => parts.push(format!("+{at}")),
        (None, None) => {}
    }
    if let Some(offset) = place.offset {
        let whole =
            place.exchange.as_ref().and_then(|id| run.exchanges.get(id)).map(|exchange| {
                exchange.frames.iter().map(|frame| frame.bytes.len()).sum::<usize>()
            });
        parts.push(match whole {
            Some(whole) if whole == offset => format!("end of {whole} bytes"),
            Some(whole) => format!("byte {offset} of {whole}"),
            None => format!("byte {offset}"),
        });
    }
    parts.join(", ")
}

/// Of how many attempts a report says how likely one or all of them hold.
pub(super) const PASS_K: [u32; 3] = [1, 3, 5];

/// `held in 17 of 20 attempts, 95 % interval 62 % to 97 %, 100 % wanted; 1 not counted; pass@1 85 %,
/// pass@5 100 %, pass^5 40 %`.
pub(super) fn attempts(attempts: &Attempts) -> String {
    let percent = |share: f64| format!("{:.0} %", share * 100.0);
    let mut text = format!(
        "held in {} of {} attempts, 95 % interval {} to {}, {} wanted",
        attempts.held,
        attempts.n,
        percent(attempts.low),
        percent(attempts.high),
        percent(attempts.at_least),
    );
    if attempts.not_counted > 0 {
        text = format!("{text}; {} more could not be judged", attempts.not_counted);
    }
    // Where all held, or none, every one of these says the same.
    if attempts.held > 0 && attempts.held < attempts.n {
        let at = |k| {
            Some((
                k,
                pass_at(attempts.held, attempts.n, k)?,
                pass_all(attempts.held, attempts.n, k)?,
            ))
        };
        if let (Some((_, one, _)), Some((k, any, all))) =
            (at(1), PASS_K.into_iter().rev().find_map(at).filter(|(k, ..)| *k > 1))
        {
            text = format!(
                "{text}; pass@1 {}, pass@{k} {}, pass^{k} {}",
                percent(one),
                percent(any),
                percent(all)
            );
        }
    }
    text
}

/// `expires 2027-03-31`, `expired 2026-10-01`, `no expiry`.
pub(super) fn expiry(known: &KnownNote) -> String {
    match known.expires {
        Some(day) if known.expired => format!("expired {day}"),
        Some(day) => format!("expires {day}"),
        None if known.expired => "expired".to_owned(),
        None => "no expiry".to_owned(),
    }
}

/// `stream=true n=2`; empty for a case without a matrix.
pub(super) fn cell(finding: &Finding) -> String {
    let pairs: Vec<_> =
        finding.cell.iter().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join(" ")
}

/// The case's reason, or the first one that a finding gives.
pub(super) fn reason(case: &CaseRecord) -> Option<&str> {
    case.reason
        .as_deref()
        .or_else(|| case.findings.iter().find_map(|finding| finding.cannot_tell.as_deref()))
}

/// What a verdict means, in one clause.
pub(super) const fn meaning(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Fail => "a required rule was broken",
        Verdict::Error => "the harness or the network kept it from being judged",
        Verdict::XPass => "a known deviation no longer deviates; its entry should go",
        Verdict::Warn => "a recommended rule was broken",
        Verdict::Inconclusive => "what it asks about never came up",
        Verdict::XFail => "a known deviation, with a reason and an expiry",
        Verdict::Info => "worth knowing; nothing is wrong",
        Verdict::Unsupported => "the endpoint refused the feature cleanly",
        Verdict::Skipped => "the profile says the endpoint does not offer it",
        Verdict::Pass => "everything held",
    }
}

/// The symbol that stands beside a verdict's word, so that a table can be scanned.
pub(super) const fn symbol(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Fail => "✗",
        Verdict::Error => "!",
        Verdict::XPass => "±",
        Verdict::Warn => "△",
        Verdict::Inconclusive => "?",
        Verdict::XFail => "≈",
        Verdict::Info => "i",
        Verdict::Unsupported => "∅",
        Verdict::Skipped => "–",
        Verdict::Pass => "✓",
    }
}

/// A piece of a sentence, and whether it is code.
pub(super) struct Piece<'a> {
    pub(super) text: &'a str,
    pub(super) code: bool,
}

/// Splits a sentence at its backticks. An odd number of them is text.
pub(super) fn pieces(sentence: &str) -> Vec<Piece<'_>> {
    if sentence.matches('`').count() % 2 == 1 {
        return vec![Piece { text: sentence, code: false }];
    }
    sentence
        .split('`')
        .enumerate()
        .map(|(index, text)| Piece { text, code: index % 2 == 1 })
        .filter(|piece| !piece.text.is_empty())
        .collect()
}

/// Whether a character is unseen, or makes the text around it be seen otherwise: control
/// characters, and those that reorder, join or hide (U+202E turns the rest of a line around).
pub(super) fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
        )
}

/// `text` with every unseen character spelled out; line ends and tabs stay.
pub(super) fn visible(text: &str) -> Cow<'_, str> {
    let hidden = |c: char| is_unseen(c) && c != '\n' && c != '\t';
    if !text.contains(hidden) {
        return text.into();
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if hidden(c) {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out.into()
}

/// Only these are made links; a `javascript:` one is text.
pub(super) fn is_link(text: &str) -> bool {
    text.starts_with("https://") || text.starts_with("http://")
}

/// A line of a suite file, and which characters of it are meant.
pub(super) struct SourceLine {
    pub(super) text: String,
    /// In characters from the start of `text`.
    pub(super) start: usize,
    /// In characters.
    pub(super) len: usize,
}

impl SourceLine {
    /// The line as it stood in the file, as far as the finding tells: its indentation is rebuilt
    /// from the column, which is that of the assertion after its `- `.
    pub(super) fn of(finding: &Finding) -> Option<Self> {
        let line = finding.line.trim_end();
        if line.trim().is_empty() {
            return None;
        }
        let column = usize::try_from(finding.spot.column).unwrap_or(0).saturating_sub(1);
        let own = line.chars().take_while(|c| c.is_whitespace()).count();
        let mut dash = 0;
        let mut rest = line.trim_start();
        while let Some(after) = rest.strip_prefix('-').filter(|after| after.starts_with(' ')) {
            let trimmed = after.trim_start();
            dash += 1 + after.chars().count() - trimmed.chars().count();
            rest = trimmed;
        }
        let (text, start) = if own > 0 {
            (line.to_owned(), column.max(own))
        } else {
            (" ".repeat(column.saturating_sub(dash)) + line, column.max(dash))
        };
        let len = text.chars().count().saturating_sub(start);
        (len > 0).then_some(Self { text, start, len })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::suite::Spot;
    use crate::verdict::Level;

    fn source(line: &str, column: u64) -> (String, usize, usize) {
        let finding = Finding {
            assertion: String::new(),
            level: Level::Must,
            spot: Spot { line: 18, column },
            line: line.to_owned(),
            cell: std::collections::BTreeMap::new(),
            step: "main".into(),
            cannot_tell: None,
            evidence: Vec::new(),
        };
        let line = SourceLine::of(&finding).unwrap();
        (line.text, line.start, line.len)
    }

    #[test]
    fn the_caret_stands_under_the_assertion_with_or_without_the_lines_indentation() {
        let want = ("          - stream: done".to_owned(), 12, 12);
        assert_eq!(source("- stream: done", 13), want);
        assert_eq!(source("          - stream: done", 13), want);
    }

    #[test]
    fn a_sentence_is_split_at_its_backticks_unless_one_is_left_over() {
        let said = |text| {
            pieces(text).into_iter().map(|piece| (piece.text, piece.code)).collect::<Vec<_>>()
        };
        assert_eq!(said("`[DONE]` last"), [("[DONE]", true), (" last", false)]);
        assert_eq!(said("a ` b"), [("a ` b", false)]);
    }

    #[test]
    fn what_cannot_be_seen_is_spelled_out() {
        assert_eq!(visible("a\u{202e}b\u{0}\n"), "a\\u{202e}b\\u{0}\n");
        assert!(matches!(visible("plain 日本"), Cow::Borrowed(_)));
    }

    #[test]
    fn a_column_that_cannot_be_still_leaves_a_caret() {
        assert_eq!(source("- stream: done", 0), ("- stream: done".to_owned(), 2, 12));
    }
}
