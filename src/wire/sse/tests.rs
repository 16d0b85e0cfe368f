use super::*;

fn data(body: &[u8]) -> Vec<String> {
    read(body).events.into_iter().map(|event| event.data).collect()
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
fn a_stream_is_read() {
    assert_eq!(data(b"data: a\n\ndata: b\ndata:c\r\n\r\ndata: d\r\rdata: e\n"), ["a", "b\nc", "d"]);
}
