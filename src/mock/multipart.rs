//! Bodies of `multipart/form-data`, as files come (RFC 7578).

/// One field of a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) file: Option<String>,
    pub(crate) bytes: Vec<u8>,
}

/// The fields of a form; `None` if the body is none.
pub(crate) fn read(content_type: &str, body: &[u8]) -> Option<Vec<Field>> {
    let (media_type, parameters) = content_type.split_once(';')?;
    if !media_type.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let boundary = parameter(parameters, "boundary").filter(|boundary| !boundary.is_empty())?;
    // The first boundary has no line end before it; with one put there all are alike.
    let body = [b"\r\n", body].concat();
    let pieces = split(&body, format!("\r\n--{boundary}").as_bytes());
    let mut fields = Vec::new();
    let mut whole = false;
    for piece in pieces.into_iter().skip(1) {
        if piece.starts_with(b"--") {
            whole = true;
            break;
        }
        fields.push(field(piece)?);
    }
    whole.then_some(fields)
}

fn field(piece: &[u8]) -> Option<Field> {
    let piece = piece.strip_prefix(b"\r\n")?;
    let at = piece.windows(4).position(|window| window == b"\r\n\r\n")?;
    let (head, rest) = piece.split_at(at);
    let bytes = rest.get(4..)?.to_vec();
    let head = std::str::from_utf8(head).ok()?;
    let disposition = head.split("\r\n").find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-disposition").then_some(value)
    })?;
    Some(Field {
        name: parameter(disposition, "name")?,
        file: parameter(disposition, "filename"),
        bytes,
    })
}

/// `name=value` or `name="value"` among parameters.
fn parameter(text: &str, wanted: &str) -> Option<String> {
    text.split(';').find_map(|part| {
        let (name, value) = part.trim().split_once('=')?;
        let value = value.trim().trim_matches('"');
        name.trim().eq_ignore_ascii_case(wanted).then(|| value.to_owned())
    })
}

fn split<'a>(bytes: &'a [u8], by: &[u8]) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    let mut rest = bytes;
    while let Some(at) = rest.windows(by.len()).position(|window| window == by) {
        let (piece, after) = rest.split_at(at);
        pieces.push(piece);
        rest = after.get(by.len()..).unwrap_or_default();
    }
    pieces.push(rest);
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    const TYPE: &str = "multipart/form-data; boundary=\"ph\"";

    #[test]
    fn a_form_is_read_to_the_byte() {
        let body = b"--ph\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nbatch\r\n--ph\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.jsonl\"\r\nContent-Type: application/jsonl\r\n\r\n{}\r\n\r\n{}\n\r\n--ph--\r\n";

        let fields = read(TYPE, body).unwrap();

        assert_eq!(fields.len(), 2);
        assert_eq!(
            (fields[0].name.as_str(), fields[0].bytes.as_slice()),
            ("purpose", &b"batch"[..])
        );
        assert_eq!(fields[1].file.as_deref(), Some("a.jsonl"));
        assert_eq!(fields[1].bytes, b"{}\r\n\r\n{}\n");
    }

    #[test]
    fn what_is_no_whole_form_is_none() {
        for body in [
            &b""[..],
            b"--ph\r\n",
            b"--ph\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nx",
            b"{}",
        ] {
            assert_eq!(read(TYPE, body), None);
        }
        assert_eq!(read("application/json", b"--ph--"), None);
    }
}
