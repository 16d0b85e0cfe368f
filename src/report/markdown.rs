//! The report for a pull-request comment or a job summary, in GitHub's Markdown.

use std::fmt::Write as _;

use super::facts::{self, Row};
use super::harm::Harms;
use super::phrase;
use super::readiness::{self, State};
use crate::record::{CaseRecord, Run};
use crate::text::plural;
use crate::verdict::Verdict;

/// A comment holds 65,536 characters on GitHub. What comes after this many is counted, not shown.
const BYTES_MAX: usize = 60_000;

pub(super) fn render(run: &Run, harms: &Harms<'_>) -> String {
    let mut out = String::from("## proofhouse\n\n");
    for target in &run.targets {
        let standing = facts::standing(run, target);
        let _ = writeln!(
            out,
            "- {} **{}**: {}",
            text(&target.meta.name),
            standing.word,
            text(&standing.why)
        );
    }
    out.push('\n');
    counts(&mut out, run);
    readiness(&mut out, run, harms);
    differences(&mut out, run);
    problems(&mut out, run);
    known(&mut out, run);
    warnings(&mut out, run);
    footer(&mut out, run);
    out
}

fn counts(out: &mut String, run: &Run) {
    header(out, run, "");
    let shown = |verdict: &Verdict| {
        *verdict == Verdict::Pass || run.targets.iter().any(|t| t.tally().count(*verdict) > 0)
    };
    for verdict in Verdict::ALL.into_iter().rev().filter(shown) {
        let counts = run.targets.iter().map(|target| target.tally().count(verdict).to_string());
        line(out, verdict.name(), counts);
    }
    line(out, "decided", run.targets.iter().map(|target| facts::coverage(target).to_string()));
    let held = run.targets.iter().map(|target| facts::must(target).to_string());
    line(out, "required that held", held);
    out.push('\n');
}

/// Which clients can be used with each target.
fn readiness(out: &mut String, run: &Run, harms: &Harms<'_>) {
    for target in &run.targets {
        let readiness = readiness::of(target, harms);
        if readiness.iter().all(|client| client.state == State::Unknown) {
            continue;
        }
        let _ = writeln!(out, "### Clients on {}\n", text(&target.meta.name));
        out.push_str("| client | state | first reason |\n| --- | --- | --- |\n");
        for client in readiness {
            let (state, why) = (client.state.name(), text(&client.summary()));
            let _ = writeln!(out, "| {} | {state} | {why} |", code(client.client));
        }
        out.push('\n');
    }
}

fn differences(out: &mut String, run: &Run) {
    let rows = facts::rows(run);
    let differing: Vec<&Row<'_>> = rows.iter().filter(|row| row.differs()).collect();
    if differing.is_empty() {
        return;
    }
    out.push_str("### Where the targets differ\n\n");
    header(out, run, "check");
    for row in differing {
        let cells = row
            .cells
            .iter()
            .map(|cell| cell.map_or("–".to_owned(), |case| word(case.verdict).to_owned()));
        line(out, &code(row.id), cells);
    }
    out.push('\n');
}

fn header(out: &mut String, run: &Run, corner: &str) {
    line(out, corner, run.targets.iter().map(|target| text(&target.meta.name)));
    line(out, "---", run.targets.iter().map(|_| "---:".to_owned()));
}

fn line(out: &mut String, first: &str, cells: impl Iterator<Item = String>) {
    let cells: Vec<_> = cells.collect();
    let _ = writeln!(out, "| {first} | {} |", cells.join(" | "));
}

/// What breaks the run in full, and below it what should be mended.
fn problems(out: &mut String, run: &Run) {
    for (verdict, heading) in [
        (Verdict::Fail, "Failed"),
        (Verdict::Error, "Could not be run"),
        (Verdict::XPass, "Known deviations that are gone"),
        (Verdict::Warn, "Warnings"),
        (Verdict::Inconclusive, "Inconclusive"),
    ] {
        let mut cases = run
            .targets
            .iter()
            .flat_map(|target| &target.cases)
            .filter(|case| case.verdict == verdict)
            .peekable();
        if cases.peek().is_none() {
            continue;
        }
        let _ = writeln!(out, "### {heading}\n");
        let mut left_out = 0;
        for case in cases {
            let mut said = String::new();
            details(&mut said, run, case);
            if out.len() + said.len() > BYTES_MAX {
                left_out += 1;
            } else {
                out.push_str(&said);
            }
        }
        if left_out > 0 {
            let _ =
                writeln!(out, "… and {}; see the HTML report.\n", plural(left_out, "more case"));
        }
    }
}

fn details(out: &mut String, run: &Run, case: &CaseRecord) {
    let _ = writeln!(
        out,
        "<details><summary><b>{}</b> <code>{}</code> on {}: {}</summary>\n",
        case.verdict.name(),
        html(&case.id),
        html(&case.target),
        inline(&case.title),
    );
    for finding in &case.findings {
        // The same flaw in every chunk is one flaw.
        let mut evidence = finding.evidence.iter();
        let Some(first) = evidence.next() else { continue };
        let same = evidence.clone().filter(|e| e.seen == first.seen).count();
        let _ = writeln!(out, "- expected {}", text(&first.expected));
        let _ = writeln!(out, "- seen {}", text(&first.seen));
        let more =
            if same > 0 { format!(" and {}", plural(same, "more place")) } else { String::new() };
        let _ = writeln!(out, "- at {}{more}", text(&phrase::place(run, &first.place)));
        for other in evidence.filter(|e| e.seen != first.seen).take(3) {
            let _ = writeln!(out, "- and seen {}", text(&other.seen));
        }
        let spot = finding.spot;
        let _ = writeln!(
            out,
            "- asked by {} in {}\n",
            code(&finding.assertion),
            code(&format!("{}:{}:{}", case.file, spot.line, spot.column))
        );
        if let Some(excerpt) = &first.place.excerpt {
            let mark = format!("{}^ {}", " ".repeat(excerpt.mark), excerpt.label);
            fence(out, "", &format!("{}\n{}", excerpt.text, mark.trim_end()));
        }
    }
    if let Some(reason) = phrase::reason(case) {
        let _ = writeln!(out, "{}\n", text(reason));
    }
    if let Some(attempts) = &case.attempts {
        let _ = writeln!(out, "{}\n", text(&phrase::attempts(attempts)));
    }
    if !case.hurts.is_empty() {
        let hurts: Vec<_> = case
            .hurts
            .iter()
            .map(|hurt| format!("{}: {}", text(&hurt.client), text(&hurt.effect)))
            .collect();
        let _ = writeln!(out, "Hurts {}.\n", hurts.join("; "));
    }
    let _ = writeln!(out, "{}\n", text(&case.why));
    if let Some(curl) = &case.curl {
        fence(out, "sh", curl);
    }
    out.push_str("</details>\n\n");
}

fn known(out: &mut String, run: &Run) {
    let mut cases = run.targets.iter().flat_map(facts::known).peekable();
    if cases.peek().is_none() {
        return;
    }
    out.push_str("### Known deviations\n\n| check | target | verdict | why | until |\n");
    out.push_str("| --- | --- | --- | --- | --- |\n");
    for case in cases {
        let Some(known) = &case.known else { continue };
        let why = match &known.link {
            Some(link) => format!("{} ({})", text(&known.reason), self::link(link)),
            None => text(&known.reason),
        };
        let expiry = phrase::expiry(known);
        let expiry = if known.expired { format!("**{expiry}**") } else { expiry };
        let _ = writeln!(
            out,
            "| {} | {} | {} | {why} | {expiry} |",
            code(&case.id),
            text(&case.target),
            case.verdict.name(),
        );
    }
    out.push('\n');
}

fn warnings(out: &mut String, run: &Run) {
    if run.warnings.is_empty() && !run.truncated && !run.meta.interrupted {
        return;
    }
    out.push_str("### About this run\n\n");
    if run.truncated || run.meta.interrupted {
        out.push_str("- **This run is not whole**: cases that had not finished are missing.\n");
    }
    for warning in &run.warnings {
        let target = warning.target.as_ref().map(|name| format!("{name}: ")).unwrap_or_default();
        let _ = writeln!(
            out,
            "- {}{}; {}; {}",
            text(&target),
            text(&warning.seen),
            text(&warning.meaning),
            text(&warning.remedy)
        );
    }
    out.push('\n');
}

fn footer(out: &mut String, run: &Run) {
    let suites: Vec<_> =
        run.meta.suites.iter().map(|suite| format!("{} r{}", suite.id, suite.revision)).collect();
    let _ = writeln!(
        out,
        "<sub>proofhouse {}, {}, seed {}, suites {}</sub>",
        html(&run.meta.tool),
        phrase::utc(run.meta.started),
        run.meta.seed,
        html(&suites.join(", ")),
    );
}

/// Failures stand out in a table without colour.
const fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Fail => "**fail**",
        Verdict::Error => "**error**",
        Verdict::XPass => "**xpass**",
        Verdict::Warn => "warn",
        Verdict::Inconclusive => "inconclusive",
        Verdict::XFail => "xfail",
        Verdict::Info => "info",
        Verdict::Unsupported => "unsupported",
        Verdict::Skipped => "skipped",
        Verdict::Pass => "pass",
    }
}

/// Text in which Markdown and HTML find nothing to do, on one line. Code between backticks that
/// our own messages write is kept as code.
fn text(raw: &str) -> String {
    phrase::pieces(raw)
        .into_iter()
        .map(|piece| if piece.code { code(piece.text) } else { escape(piece.text) })
        .collect()
}

fn escape(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    for c in raw.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            // `@name` and `#1` would notify people and link issues.
            '@' => out.push_str("&#64;"),
            '#' => out.push_str("&#35;"),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '|' | '~' | '!' => {
                out.push('\\');
                out.push(c);
            }
            c if c == '\n' || c == '\t' => out.push(' '),
            c if phrase::is_unseen(c) => out.extend(c.escape_default()),
            c => out.push(c),
        }
    }
    out
}

/// Code on one line, for text and for a table's cell.
fn code(raw: &str) -> String {
    if raw.trim().is_empty() {
        return String::new();
    }
    // HTML's own element, because a table's `|` cannot be escaped between backticks.
    format!("<code>{}</code>", html(raw))
}

/// As [`text`], inside an element of HTML, where Markdown is not read.
fn inline(raw: &str) -> String {
    phrase::pieces(raw)
        .into_iter()
        .map(|piece| if piece.code { code(piece.text) } else { html(piece.text) })
        .collect()
}

/// A link as it is, where nothing in it could be read as anything else.
fn link(raw: &str) -> String {
    let plain = raw.chars().all(|c| c.is_ascii_graphic() && !"<>|\\`".contains(c));
    if plain && phrase::is_link(raw) { format!("<{raw}>") } else { text(raw) }
}

fn html(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    for c in raw.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '|' => out.push_str("&#124;"),
            '`' => out.push_str("&#96;"),
            '*' => out.push_str("&#42;"),
            '_' => out.push_str("&#95;"),
            '~' => out.push_str("&#126;"),
            '[' => out.push_str("&#91;"),
            ']' => out.push_str("&#93;"),
            '\\' => out.push_str("&#92;"),
            '@' => out.push_str("&#64;"),
            c if c == '\n' || c == '\t' => out.push(' '),
            c if phrase::is_unseen(c) => out.extend(c.escape_default()),
            c => out.push(c),
        }
    }
    out
}

/// A block of code, fenced by more backticks than stand in it.
fn fence(out: &mut String, language: &str, body: &str) {
    let body = phrase::visible(body);
    let mut longest = 0;
    let mut run = 0;
    for c in body.chars() {
        run = if c == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    let fence = "`".repeat(longest.max(2) + 1);
    let _ = writeln!(out, "{fence}{language}\n{body}\n{fence}\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strangers_text_makes_no_markup_no_row_and_no_mention() {
        assert_eq!(
            text("a|b <img src=x> *x* [l](u) @team #1"),
            "a\\|b &lt;img src=x&gt; \\*x\\* \\[l\\](u) &#64;team &#35;1"
        );
    }

    #[test]
    fn code_of_our_messages_stays_code_and_an_odd_backtick_is_text() {
        assert_eq!(text("`[DONE]` last"), "<code>&#91;DONE&#93;</code> last");
        assert_eq!(text("then `\"`"), "then <code>&quot;</code>");
        assert_eq!(text("odd ` one"), "odd \\` one");
    }

    #[test]
    fn a_fence_is_longer_than_any_inside() {
        let mut out = String::new();
        fence(&mut out, "", "a\n````\nb");
        assert_eq!(out, "`````\na\n````\nb\n`````\n\n");
    }
}
