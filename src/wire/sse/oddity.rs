//! What a lenient reader of server-sent events would not have noticed.

/// Something that the standard allows or repairs, but that breaks some client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Oddity {
    /// What it is.
    pub kind: OddityKind,
    /// Body offset, in bytes, of the (first) place.
    pub offset: usize,
    /// How often it was seen. Habits of a stream, such as its line ends, are noted once with their
    /// first place; incidents once each, up to 256 of a kind.
    pub times: usize,
}

/// A body of nothing but incidents may not fill the memory: the last one then counts the rest.
pub(super) const INCIDENTS_MAX: usize = 256;

/// The kinds of oddity. A *habit* is noted once, an *incident* every time.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OddityKind {
    /// The body begins with U+FEFF; the standard drops it, some clients lose the first event.
    ByteOrderMark,
    /// A line ends with CR alone (a habit). The offset is that of the CR.
    CrLineEnd,
    /// A line ends with CR LF (a habit). The offset is that of the CR.
    CrLfLineEnd,
    /// A field's value follows its colon without a space (a habit). The offset is the line's.
    NoSpaceAfterColon,
    /// Fields and a blank line, but no `data` field: the standard dispatches nothing. The offset is
    /// that of the first field.
    NoData,
    /// An event was dispatched whose data is the empty string. The offset is that of its start.
    EmptyData,
    /// The body ended inside an event, which was therefore not dispatched. The offset is that of
    /// its first field.
    UnterminatedEvent {
        /// The data it had so far, a `data` line without line end included.
        data: String,
    },
    /// The body ended inside a line. The offset is that of the line.
    UnterminatedLine {
        /// The line so far.
        text: String,
    },
    /// Bytes that are not UTF-8, read as U+FFFD. The offset is that of the first of them.
    InvalidUtf8,
    /// U+0000 in a line. An `id` field with one is ignored, other values keep it.
    Nul,
    /// An `id` field (a habit).
    IdField,
    /// A `retry` field of digits (a habit).
    RetryField,
    /// A `retry` field whose value is not digits, which is ignored.
    BadRetry,
    /// A line whose field name means nothing: `Data: x`, `<html>`, a bare JSON document.
    UnknownField {
        /// The name, cut after 40 characters.
        name: String,
    },
    /// A line longer than the limit. It was dropped, and its event with it.
    LineTooLong,
    /// An event whose data lines together are longer than the limit. It was dropped.
    EventTooLong,
    /// A comment line (a habit); each one is in [`Stream::comments`](super::Stream::comments).
    Comment,
}

impl OddityKind {
    /// The kind in kebab case, as suites write it.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::ByteOrderMark => "byte-order-mark",
            Self::CrLineEnd => "cr-line-end",
            Self::CrLfLineEnd => "cr-lf-line-end",
            Self::NoSpaceAfterColon => "no-space-after-colon",
            Self::NoData => "no-data",
            Self::EmptyData => "empty-data",
            Self::UnterminatedEvent { .. } => "unterminated-event",
            Self::UnterminatedLine { .. } => "unterminated-line",
            Self::InvalidUtf8 => "invalid-utf8",
            Self::Nul => "nul",
            Self::IdField => "id-field",
            Self::RetryField => "retry-field",
            Self::BadRetry => "bad-retry",
            Self::UnknownField { .. } => "unknown-field",
            Self::LineTooLong => "line-too-long",
            Self::EventTooLong => "event-too-long",
            Self::Comment => "comment",
        }
    }

    /// The kind as a noun phrase for evidence: `a line end of CR alone`.
    pub fn describe(&self) -> String {
        match self {
            Self::ByteOrderMark => "a byte-order mark at the start of the body".to_owned(),
            Self::CrLineEnd => "a line end of CR alone".to_owned(),
            Self::CrLfLineEnd => "a line end of CR LF".to_owned(),
            Self::NoSpaceAfterColon => "a field without a space after its colon".to_owned(),
            Self::NoData => "an event without a `data` field".to_owned(),
            Self::EmptyData => "an event with empty data".to_owned(),
            Self::UnterminatedEvent { .. } => "a last event with no blank line after it".to_owned(),
            Self::UnterminatedLine { .. } => "a last line without a line end".to_owned(),
            Self::InvalidUtf8 => "bytes that are not UTF-8".to_owned(),
            Self::Nul => "a NUL character".to_owned(),
            Self::IdField => "an `id` field".to_owned(),
            Self::RetryField => "a `retry` field".to_owned(),
            Self::BadRetry => "a `retry` field that is not a number".to_owned(),
            Self::UnknownField { name } => format!("a line with the unknown field `{name}`"),
            Self::LineTooLong => "a line longer than the limit".to_owned(),
            Self::EventTooLong => "an event longer than the limit".to_owned(),
            Self::Comment => "a comment".to_owned(),
        }
    }

    /// Whether the kind describes how a stream is written, so that one note says it all.
    pub(super) const fn is_habit(&self) -> bool {
        matches!(
            self,
            Self::CrLineEnd
                | Self::CrLfLineEnd
                | Self::NoSpaceAfterColon
                | Self::IdField
                | Self::RetryField
                | Self::Comment
        )
    }

    /// A small number for each kind, for tallies.
    pub(super) const fn rank(&self) -> usize {
        match self {
            Self::ByteOrderMark => 0,
            Self::CrLineEnd => 1,
            Self::CrLfLineEnd => 2,
            Self::NoSpaceAfterColon => 3,
            Self::NoData => 4,
            Self::EmptyData => 5,
            Self::UnterminatedEvent { .. } => 6,
            Self::UnterminatedLine { .. } => 7,
            Self::InvalidUtf8 => 8,
            Self::Nul => 9,
            Self::IdField => 10,
            Self::RetryField => 11,
            Self::BadRetry => 12,
            Self::UnknownField { .. } => 13,
            Self::LineTooLong => 14,
            Self::EventTooLong => 15,
            Self::Comment => 16,
        }
    }

    /// One more than the highest [rank](Self::rank).
    pub(super) const COUNT: usize = 17;
}
