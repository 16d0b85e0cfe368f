//! A page of text for a terminal: columns, colours, and strangers' bytes made harmless.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Effects};
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use crate::report::Style;
use crate::report::phrase::is_unseen;
use crate::text::wrap;
use crate::verdict::Verdict;

/// How a piece of text is meant, which decides its colour.
#[derive(Clone, Copy)]
pub(super) enum Tone {
    Plain,
    Strong,
    Dim,
    /// A caret and what it says.
    Mark,
    Of(Verdict),
}

/// The page under the pen.
pub(super) struct Page {
    pub(super) style: Style,
    out: String,
}

impl Page {
    pub(super) fn new(style: Style) -> Self {
        Self { style, out: String::new() }
    }

    pub(super) fn finish(self) -> String {
        self.out
    }

    /// Writes a line as it is.
    pub(super) fn line(&mut self, text: &str) {
        self.out.push_str(text.trim_end());
        self.out.push('\n');
    }

    /// Writes `text` after a label of its own column, wrapped under itself.
    pub(super) fn field(&mut self, label: &str, text: &str, tone: Tone) {
        let text = self.clean(text);
        let indent = label.width();
        let room = self.style.width.saturating_sub(indent).max(20);
        for (index, line) in wrap(&text, room).iter().enumerate() {
            let lead = if index == 0 { self.paint(Tone::Dim, label) } else { " ".repeat(indent) };
            let line = self.paint(tone, line);
            self.line(&format!("{lead}{line}"));
        }
    }

    /// Writes one line of a quotation and a mark under part of it. `start` and `len` are in
    /// characters of `text`.
    pub(super) fn quote(
        &mut self,
        gutter: &str,
        text: &str,
        start: usize,
        len: usize,
        label: &str,
    ) {
        let (text, start, len) = self.escape(text, start, len);
        let room = self.style.width.saturating_sub(gutter.width()).max(20);
        let (text, start, len) = crop(&text, start, len, room, self.ellipsis());
        let before: String = text.chars().take(start).collect();
        let marked: String = text.chars().skip(start).take(len).collect();
        let column = before.width();
        let carets = "^".repeat(marked.width().max(1));

        let head = self.paint(Tone::Dim, gutter);
        self.line(&format!("{head}{text}"));

        let blank = format!("{:>1$}", "| ", gutter.width());
        let blank = self.paint(Tone::Dim, &blank);
        let label = self.clean(label);
        let width = label.width() + 1;
        // The mark's words go where there is room: after it, before it, or below it.
        let under = if label.is_empty() || column + carets.len() + width <= room {
            format!("{}{}", " ".repeat(column), self.paint(Tone::Mark, &join(&carets, &label)))
        } else if width <= column {
            let lead = " ".repeat(column - width);
            format!("{lead}{}", self.paint(Tone::Mark, &format!("{label} {carets}")))
        } else {
            let carets = self.paint(Tone::Mark, &carets);
            self.line(&format!("{blank}{}{carets}", " ".repeat(column)));
            self.paint(Tone::Mark, &label)
        };
        self.line(&format!("{blank}{under}"));
    }

    /// `text` in the colour of its tone.
    pub(super) fn paint(&self, tone: Tone, text: &str) -> String {
        if !self.style.colour || text.is_empty() {
            return text.to_owned();
        }
        let style = ansi(tone);
        format!("{style}{text}{style:#}")
    }

    /// `text` on one line, with nothing in it that a terminal would obey.
    pub(super) fn clean(&self, text: &str) -> String {
        self.escape(text, 0, 0).0
    }

    /// As [`Page::clean`], but line ends stay.
    pub(super) fn clean_lines(&self, text: &str) -> Vec<String> {
        text.lines().map(|line| self.clean(line)).collect()
    }

    /// Escapes `text` and moves a span of characters along with it.
    fn escape(&self, text: &str, start: usize, len: usize) -> (String, usize, usize) {
        let mut out = String::with_capacity(text.len());
        let (mut from, mut to) = (None, None);
        let mut written = 0;
        for (index, c) in text.chars().enumerate() {
            if index == start {
                from = Some(written);
            }
            if index == start + len {
                to = Some(written);
            }
            let before = out.len();
            escape_char(c, self.style.unicode, &mut out);
            written += out.get(before..).map_or(0, |added| added.chars().count());
        }
        let from = from.unwrap_or(written);
        (out, from, to.unwrap_or(written).saturating_sub(from))
    }

    pub(super) const fn ellipsis(&self) -> &'static str {
        if self.style.unicode { "…" } else { "..." }
    }

    /// What stands between two things of one line.
    pub(super) const fn dot(&self) -> &'static str {
        if self.style.unicode { " · " } else { " - " }
    }
}

fn join(carets: &str, label: &str) -> String {
    if label.is_empty() { carets.to_owned() } else { format!("{carets} {label}") }
}

fn escape_char(c: char, unicode: bool, out: &mut String) {
    match c {
        '\n' if unicode => out.push('⏎'),
        '\r' if unicode => out.push('␍'),
        '\t' if unicode => out.push('→'),
        c if is_unseen(c) => out.extend(c.escape_default()),
        c if unicode || c.is_ascii() => out.push(c),
        '⏎' => out.push_str("\\n"),
        '␍' => out.push_str("\\r"),
        '→' => out.push_str("\\t"),
        '…' => out.push_str("..."),
        '·' | '–' | '—' => out.push('-'),
        'µ' => out.push('u'),
        c => out.extend(c.escape_unicode()),
    }
}

/// Cuts a line that is too wide, so that what is marked stays in sight. Counts characters; wide
/// ones make the result a little shorter than it could be, never too wide.
fn crop(text: &str, start: usize, len: usize, room: usize, cut: &str) -> (String, usize, usize) {
    let columns = |c: char| c.width().unwrap_or(0);
    if text.width() <= room {
        return (text.to_owned(), start, len);
    }
    let chars: Vec<char> = text.chars().collect();
    let room = room.saturating_sub(2 * cut.width());
    // A third of the room is for what stands before the mark.
    let mut from = start.min(chars.len());
    let mut lead = 0;
    while let Some(c) = from.checked_sub(1).and_then(|i| chars.get(i)) {
        if lead + columns(*c) > room / 3 {
            break;
        }
        lead += columns(*c);
        from -= 1;
    }
    let mut to = from;
    let mut used = 0;
    while let Some(c) = chars.get(to) {
        if used + columns(*c) > room {
            break;
        }
        used += columns(*c);
        to += 1;
    }
    // At the end of the line there may be room left for more of its beginning.
    while let Some(c) = from.checked_sub(1).and_then(|i| chars.get(i)) {
        if used + columns(*c) > room {
            break;
        }
        used += columns(*c);
        from -= 1;
    }
    let mut out = String::new();
    let mut shift = 0;
    if from > 0 {
        out.push_str(cut);
        shift = cut.chars().count();
    }
    out.extend(chars.get(from..to).unwrap_or_default());
    if to < chars.len() {
        out.push_str(cut);
    }
    let end = start.saturating_add(len).min(to);
    let start = start.max(from);
    let len = end.saturating_sub(start).max(1);
    let start = start - from + shift;
    (out, start, len)
}

pub(super) fn ansi(tone: Tone) -> anstyle::Style {
    let colour = |colour: AnsiColor| anstyle::Style::new().fg_color(Some(colour.into()));
    match tone {
        Tone::Plain => anstyle::Style::new(),
        Tone::Strong => anstyle::Style::new().effects(Effects::BOLD),
        Tone::Dim => anstyle::Style::new().effects(Effects::DIMMED),
        Tone::Mark => colour(AnsiColor::Red),
        Tone::Of(verdict) => match verdict {
            Verdict::Fail => colour(AnsiColor::Red).effects(Effects::BOLD),
            Verdict::Error => colour(AnsiColor::Magenta).effects(Effects::BOLD),
            Verdict::Warn | Verdict::XPass => colour(AnsiColor::Yellow),
            Verdict::Inconclusive => colour(AnsiColor::Cyan),
            Verdict::Pass => colour(AnsiColor::Green),
            Verdict::XFail | Verdict::Info | Verdict::Unsupported | Verdict::Skipped => {
                anstyle::Style::new().effects(Effects::DIMMED)
            }
        },
    }
}

/// Writes the escapes that begin and end a tone, for a table that colours its own cells.
pub(super) fn around(tone: Tone) -> (String, String) {
    let style = ansi(tone);
    let (mut start, mut end) = (String::new(), String::new());
    let _ = write!(start, "{style}");
    let _ = write!(end, "{style:#}");
    (start, end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quote(style: Style, text: &str, start: usize, label: &str) -> String {
        let mut page = Page::new(style);
        page.quote("      | ", text, start, 1, label);
        page.finish()
    }

    #[test]
    fn a_caret_stands_under_its_character_whatever_the_width_of_those_before() {
        let style = Style::default();
        assert_eq!(quote(style, "日本x", 2, "here"), "      | 日本x\n      |     ^ here\n");
        assert_eq!(
            quote(Style { unicode: false, ..style }, "é⏎x", 2, "here"),
            "      | \\u{e9}\\nx\n      |         ^ here\n"
        );
    }

    #[test]
    fn a_long_line_is_cut_around_its_mark_and_the_words_go_where_there_is_room() {
        let text = format!("{}X{}", "a".repeat(300), "b".repeat(300));
        let said =
            quote(Style { width: 40, ..Style::default() }, &text, 300, "a mark of some length");
        let lines: Vec<_> = said.lines().collect();

        assert!(lines.iter().all(|line| line.width() <= 40), "{said}");
        let column = lines[0].chars().position(|c| c == 'X').unwrap();
        assert_eq!(lines[1].chars().position(|c| c == '^').unwrap(), column, "{said}");
    }

    #[test]
    fn a_mark_at_the_far_end_has_its_words_before_it() {
        let said = quote(Style { width: 40, ..Style::default() }, &"a".repeat(30), 29, "the end");
        assert!(said.ends_with("the end ^\n"), "{said}");
    }

    #[test]
    fn no_byte_of_an_endpoint_moves_the_cursor_or_turns_the_text() {
        let page = Page::new(Style::default());
        let said = page.clean("\u{1b}[2Jgone\r\u{202e}kcab\u{7}");
        assert_eq!(said, "\\u{1b}[2Jgone␍\\u{202e}kcab\\u{7}");
    }
}
