//! The standard's cases, and the properties of the scanner.

use proptest::prelude::*;

use super::*;

/// Bytes made of the pieces that matter to the grammar, in any order.
pub(in crate::wire) fn body_like() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        8 => prop::sample::select(vec![
            &b"\n"[..], b"\r", b"\r\n", b"\n\n", b"data", b"data:", b"data: ", b"event: ", b"id: ",
            b"id", b"retry: ", b"12", b": ping", b":", b" ", b"x", b"foo: ", b"\0", b"{\"a\": 1}",
            "日本".as_bytes(), "🌍".as_bytes(), b"data: a\n\n", b"[DONE]",
        ]).prop_map(<[u8]>::to_vec),
        1 => prop::sample::select(vec![
            &b"\xef\xbb\xbf"[..], b"\xef\xbb", b"\xf0\x9f", b"\xff", b"\x80", b"\xed\xa0\x80",
        ]).prop_map(<[u8]>::to_vec),
        1 => prop::collection::vec(any::<u8>(), 0..4),
    ];
    let start = prop_oneof![3 => Just(Vec::new()), 1 => Just(b"\xef\xbb\xbf".to_vec())];
    (start, prop::collection::vec(piece, 0..40))
        .prop_map(|(start, pieces)| [start, pieces.concat()].concat())
}

fn read_in_pieces<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Stream {
    let mut stream = Stream::default();
    let mut scanner = Scanner::new();
    for piece in pieces {
        scanner.feed(piece, &mut stream);
    }
    scanner.finish(&mut stream);
    stream
}

/// `name|data|id`, the name only where a field gave it.
fn said(stream: &Stream) -> Vec<String> {
    let event = |event: &Event| {
        let name = if event.named { event.name.as_str() } else { "" };
        format!("{name}|{}|{}", event.data, event.id.as_deref().unwrap_or("-"))
    };
    stream.events.iter().map(event).collect()
}

fn oddities(body: &[u8]) -> Vec<(&'static str, usize, usize)> {
    let stream = read(body);
    stream.oddities.iter().map(|o| (o.kind.name(), o.offset, o.times)).collect()
}

/// Section 9.2 of the HTML standard, its examples first.
const CASES: &[(&str, &[u8], &[&str])] = &[
    (
        "the standard's stock example: data lines joined by LF",
        b"data: YHOO\ndata: +2\ndata: 10\n\n",
        &["|YHOO\n+2\n10|-"],
    ),
    (
        "the standard's four blocks: comment, id, id reset, leading space kept",
        b": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n",
        &["|first event|1", "|second event|", "| third event|-"],
    ),
    (
        "the standard's empty data: two events, the last block is discarded",
        b"data\n\ndata\ndata\n\ndata:",
        &["||-", "|\n|-"],
    ),
    ("the standard's optional space", b"data:test\n\ndata: test\n\n", &["|test|-", "|test|-"]),
    ("an empty body", b"", &[]),
    ("blank lines alone", b"\n\n\r\r\r\n\r\n", &[]),
    ("one event", b"data: a\n\n", &["|a|-"]),
    ("CR LF line ends", b"data: a\r\n\r\ndata: b\r\n\r\n", &["|a|-", "|b|-"]),
    ("CR line ends, to the last one", b"data: a\r\rdata: b\r\r", &["|a|-", "|b|-"]),
    ("mixed line ends", b"data: a\r\n\ndata: b\n\rdata: c\r\r\n", &["|a|-", "|b|-", "|c|-"]),
    ("LF CR is two line ends", b"data: a\n\rdata: b\n\n", &["|a|-", "|b|-"]),
    ("a byte-order mark at the start is dropped", b"\xef\xbb\xbfdata: a\n\n", &["|a|-"]),
    ("only one byte-order mark is dropped", b"\xef\xbb\xbf\xef\xbb\xbfdata: a\n\ndata: b\n\n", &["|b|-"]),
    ("a byte-order mark later is part of the name", b"data: a\n\n\xef\xbb\xbfdata: b\n\n", &["|a|-"]),
    ("a byte-order mark alone on its line is a blank line", b"\xef\xbb\xbf\ndata: a\n\n", &["|a|-"]),
    ("half a byte-order mark is a bad character", b"\xef\xbbdata: a\n\ndata: b\n\n", &["|b|-"]),
    ("an event without data is not dispatched", b"event: ping\n\ndata: a\n\n", &["|a|-"]),
    ("its name does not pass to the next", b"event: ping\nid: 7\n\ndata: a\n\n", &["|a|-"]),
    ("the last event and id fields count", b"event: a\nevent: b\nid: 1\nid: 2\ndata: x\n\n", &["b|x|2"]),
    ("an empty event field takes the name back", b"event: a\nevent:\ndata: x\n\n", &["|x|-"]),
    ("an id with NUL is ignored", b"id: 1\nid: 2\x003\ndata: x\n\n", &["|x|1"]),
    ("NUL in data is kept", b"data: a\0b\n\n", &["|a\0b|-"]),
    ("an empty id is an id", b"id:\ndata: x\n\n", &["|x|"]),
    ("a retry field is no data", b"retry: 3000\n\nretry: 3s\n\ndata: x\n\n", &["|x|-"]),
    ("a comment inside an event", b"data: a\n: ping\ndata: b\n\n", &["|a\nb|-"]),
    ("a comment alone dispatches nothing", b":\n\n: ping\n\n", &[]),
    ("unknown fields are ignored", b"foo: 1\nfoo\ndata: a\nbar:\n\n", &["|a|-"]),
    ("field names mind their case", b"Data: a\nDATA: b\n\n", &[]),
    ("field names mind their spaces", b" data: a\ndata : b\n\n", &[]),
    ("only the first colon and one space count", b"data:  a: b\n\n", &["| a: b|-"]),
    ("a tab is not a space", b"data:\ta\n\n", &["|\ta|-"]),
    ("other line separators are text", "data: a\u{2028}b\u{85}c\x0bd\n\n".as_bytes(), &["|a\u{2028}b\u{85}c\x0bd|-"]),
    ("a last event without blank line is discarded", b"data: a\n\ndata: b\n", &["|a|-"]),
    ("a last line without line end is discarded", b"data: a\n\ndata: b", &["|a|-"]),
    ("one bad byte is one U+FFFD", b"data: a\xffb\n\n", &["|a\u{fffd}b|-"]),
    ("a truncated character is one U+FFFD", b"data: \xf0\x9f\x8c\n\n", &["|\u{fffd}|-"]),
    ("an encoded surrogate is three U+FFFD", b"data: \xed\xa0\x80\n\n", &["|\u{fffd}\u{fffd}\u{fffd}|-"]),
    ("an overlong NUL is two U+FFFD", b"id: \xc0\x80\ndata: a\n\n", &["|a|\u{fffd}\u{fffd}"]),
    ("a bad byte does not eat the line end", b"data: a\xe6\n\ndata: b\n\n", &["|a\u{fffd}|-", "|b|-"]),
];

#[test]
fn events_are_dispatched_as_the_standard_says() {
    for (title, body, events) in CASES {
        assert_eq!(said(&read(body)), *events, "{title}");
    }
}

#[test]
fn every_case_reads_the_same_byte_by_byte_and_cut_anywhere() {
    for (title, body, _) in CASES {
        let whole = read(body);
        assert_eq!(read_in_pieces(body.chunks(1)), whole, "{title}");
        for cut in 0..=body.len() {
            let (first, second) = body.split_at(cut);
            assert_eq!(read_in_pieces([first, b"", second]), whole, "{title}, cut at {cut}");
        }
    }
}

#[test]
fn oddities_say_what_a_lenient_reader_drops_and_where() {
    type Case = (&'static [u8], &'static [(&'static str, usize, usize)]);
    let cases: &[Case] = &[
        (b"data: a\n\nevent: x\ndata: b\n\n", &[]),
        (b"\xef\xbb\xbfdata: a\n\n", &[("byte-order-mark", 0, 1)]),
        (b"data: a\r\r", &[("cr-line-end", 7, 2)]),
        (b"data: a\r\n\r\n", &[("cr-lf-line-end", 7, 2)]),
        (b"data: a\r\n\r", &[("cr-lf-line-end", 7, 1), ("cr-line-end", 9, 1)]),
        (b"data:a\n\ndata:b\n\n", &[("no-space-after-colon", 0, 2)]),
        (b"data:\n\n", &[("empty-data", 0, 1)]),
        (b"\nevent: ping\n\n", &[("no-data", 1, 1)]),
        (b"data: a\n: x\n\n:\n\n", &[("comment", 8, 2)]),
        (b"id: 1\ndata: a\nretry: 5\n\n", &[("id-field", 0, 1), ("retry-field", 14, 1)]),
        (b"data: a\nretry: +5\nretry:\n\n", &[("bad-retry", 8, 1), ("bad-retry", 18, 1)]),
        (b"data: a\0\0\n\n", &[("nul", 7, 1)]),
        (b"data: \xff-\xfe\n\n", &[("invalid-utf8", 6, 1), ("invalid-utf8", 8, 1)]),
        (b"{\"id\":1}\n", &[("unknown-field", 0, 1)]),
        (b"data: a\n", &[("unterminated-event", 0, 1)]),
        (b"data: a\n\n: pi", &[("unterminated-line", 9, 1)]),
        (b"data: a\ndat", &[("unterminated-line", 8, 1), ("unterminated-event", 0, 1)]),
    ];
    for (body, expected) in cases {
        assert_eq!(oddities(body), *expected, "{}", crate::text::printable(body));
    }
}

#[test]
fn an_event_knows_its_bytes() {
    let body = b": hi\n\nevent: x\ndata: a\n\n\r\ndata: b\r\n\r\ndata: c\r\r";

    let stream = read(body);
    let bytes: Vec<_> = stream.events.iter().map(|event| &body[event.start..event.end]).collect();

    assert_eq!(bytes, [&b"event: x\ndata: a\n\n"[..], b"data: b\r\n\r\n", b"data: c\r\r"]);
}

#[test]
fn the_data_of_an_unterminated_event_is_kept() {
    let stream = read(b"data: x\n\ndata: [DONE]\ndata: 2");

    assert_eq!(stream.events.len(), 1);
    assert_eq!(
        stream.oddity("unterminated-event").unwrap(),
        &Oddity {
            kind: OddityKind::UnterminatedEvent { data: "[DONE]\n2".to_owned() },
            offset: 9,
            times: 1,
        }
    );
    assert_eq!(
        stream.oddity("unterminated-line").unwrap().kind,
        OddityKind::UnterminatedLine { text: "data: 2".to_owned() }
    );
    assert_eq!(stream.data_lines, 3);
}

#[test]
fn a_cr_dispatches_without_waiting_for_the_next_byte() {
    let mut stream = Stream::default();
    let mut scanner = Scanner::new();

    scanner.feed(b"data: a\r\n\r", &mut stream);

    assert_eq!((stream.events[0].data.as_str(), stream.events[0].end), ("a", 10));
    scanner.feed(b"\n", &mut stream);
    assert_eq!(stream.events[0].end, 11);
}

#[test]
fn a_comment_knows_whether_a_blank_line_follows() {
    let stream = read(b": a\n\n: b\ndata: x\n: c\n\n:d");

    let said: Vec<_> =
        stream.comments.iter().map(|c| (c.text.as_str(), c.offset, c.blank_follows)).collect();
    assert_eq!(said, [("a", 0, true), ("b", 5, false), ("c", 17, true)]);
}

#[test]
fn a_body_that_is_no_event_stream_has_no_data_lines() {
    assert_eq!(read(b"<html>\n<p>data: x</p>\n\n").data_lines, 0);
    assert_eq!(read(b"{\"data\": 1}").data_lines, 0);
}

#[test]
fn an_endless_line_in_many_pieces_is_searched_once() {
    let piece = [b'x'; 1448];
    let mut stream = Stream::default();
    let mut scanner = Scanner::new();

    scanner.feed(b"data: ", &mut stream);
    for _ in 0..3_000 {
        scanner.feed(&piece, &mut stream);
    }
    scanner.feed(b"\n\n", &mut stream);

    assert_eq!(stream.events[0].data.len(), 3_000 * 1448);
    assert_eq!(scanner.searched(), stream.events[0].end);
}

#[test]
fn a_line_beyond_the_limit_is_dropped_with_its_event_however_it_is_cut() {
    let body = b"data: before\n\nid: 1\ndata: 0123456789abcdef\n\ndata: after\n\n";
    for size in 1..body.len() {
        let mut stream = Stream::default();
        let mut scanner = Scanner::with_limit(16);
        for piece in body.chunks(size) {
            scanner.feed(piece, &mut stream);
            assert!(scanner.kept() <= 16 + size, "{} bytes kept", scanner.kept());
        }
        scanner.finish(&mut stream);

        assert_eq!(said(&stream), ["|before|-", "|after|-"]);
        assert_eq!(stream.oddity("line-too-long").unwrap().offset, 20);
    }
}

#[test]
fn a_line_of_exactly_the_limit_is_read_however_it_is_cut() {
    let body = b"data: 0123456789\n\ndata: 0123456789a\n\n";
    for size in 1..=body.len() {
        let mut stream = Stream::default();
        let mut scanner = Scanner::with_limit(16);
        for piece in body.chunks(size) {
            scanner.feed(piece, &mut stream);
        }
        scanner.finish(&mut stream);

        assert_eq!(said(&stream), ["|0123456789|-"], "pieces of {size}");
    }
}

#[test]
fn an_endless_line_or_event_never_holds_more_than_the_limit() {
    for piece in [&b"x"[..], b"data: xxxxxxxxxx\n", b"data: \n", b"event: a\n", b"id: 12\n"] {
        let mut stream = Stream::default();
        let mut scanner = Scanner::with_limit(1_000);
        for _ in 0..5_000 {
            scanner.feed(piece, &mut stream);
            assert!(scanner.kept() <= 2_000, "{} bytes kept", scanner.kept());
        }
        assert!(stream.oddities.len() <= 2);
        assert_eq!(stream.events.len(), 0);
    }
}

#[test]
fn a_body_of_incidents_is_counted_and_not_listed_for_ever() {
    let stream = read(&b"<p>\n".repeat(10_000));

    assert_eq!(stream.oddities.len(), 256);
    assert_eq!(stream.oddities.iter().map(|oddity| oddity.times).sum::<usize>(), 10_000);
}

proptest! {
    #[test]
    fn any_cut_of_the_bytes_gives_the_same_stream(
        body in body_like(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(body.len() + 1)).collect();
        cuts.sort_unstable();
        let mut pieces = Vec::new();
        let mut start = 0;
        for cut in cuts.into_iter().chain([body.len()]) {
            pieces.push(&body[start..cut]);
            start = cut;
        }

        let whole = read(&body);

        prop_assert_eq!(&read_in_pieces(pieces), &whole);
        prop_assert_eq!(&read_in_pieces(body.chunks(1)), &whole);
    }

    #[test]
    fn arbitrary_bytes_never_panic_and_offsets_stay_inside(
        body in prop::collection::vec(any::<u8>(), 0..400),
    ) {
        let stream = read(&body);

        prop_assert!(stream.events.iter().all(|e| e.start < e.end && e.end <= body.len()));
        prop_assert!(stream.oddities.iter().all(|o| o.offset < body.len()));
    }

    #[test]
    fn events_never_overlap_and_come_in_order(body in body_like()) {
        let stream = read(&body);

        for pair in stream.events.windows(2) {
            prop_assert!(pair[0].end <= pair[1].start);
        }
    }

    /// An independent reading of the standard: the body decoded first, then cut into lines.
    #[test]
    fn the_scanner_agrees_with_the_standard_written_out_naively(body in body_like()) {
        prop_assert_eq!(said(&read(&body)), naive(&body));
    }
}

/// The standard's algorithm over the decoded text, as literally as it can be written.
fn naive(body: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body));
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut lines: Vec<_> = text.split('\n').collect();
    lines.pop();
    let mut said = Vec::new();
    let (mut name, mut data, mut id) = (String::new(), String::new(), None::<String>);
    for line in lines {
        if line.is_empty() {
            if let Some(data) = data.strip_suffix('\n') {
                said.push(format!("{name}|{data}|{}", id.as_deref().unwrap_or("-")));
            }
            (name, data, id) = (String::new(), String::new(), None);
            continue;
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "data" => data = format!("{data}{value}\n"),
            "event" => value.clone_into(&mut name),
            "id" if !value.contains('\0') => id = Some(value.to_owned()),
            _ => {}
        }
    }
    said
}
