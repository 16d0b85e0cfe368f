//! Heads as they stood on the wire: order, spelling and duplicates.

use crate::transcript::{Headers, HttpVersion, ResponseHead};

/// A head may have so many lines; hyper is told the same.
pub(super) const LINES_MAX: usize = 256;

/// The final response head at the front of `inbound`; interim ones (100 Continue) are passed over.
pub(super) fn response(mut inbound: &[u8]) -> Option<(ResponseHead, HttpVersion)> {
    loop {
        let mut lines = [httparse::EMPTY_HEADER; LINES_MAX];
        let mut response = httparse::Response::new(&mut lines);
        let httparse::Status::Complete(len) = response.parse(inbound).ok()? else { return None };
        let status = response.code?;
        if (100..200).contains(&status) && status != 101 {
            inbound = inbound.get(len..)?;
            continue;
        }
        let version =
            if response.version == Some(0) { HttpVersion::Http10 } else { HttpVersion::Http11 };
        let head = ResponseHead {
            status,
            reason: response.reason.unwrap_or_default().to_owned(),
            headers: headers(response.headers),
        };
        return Some((head, version));
    }
}

/// The request's header lines as they went out.
pub(super) fn request(outbound: &[u8]) -> Option<Headers> {
    let mut lines = [httparse::EMPTY_HEADER; LINES_MAX];
    let mut request = httparse::Request::new(&mut lines);
    request.parse(outbound).ok()?;
    Some(headers(request.headers))
}

fn headers(lines: &[httparse::Header<'_>]) -> Headers {
    lines.iter().map(|line| (line.name, String::from_utf8_lossy(line.value).into_owned())).collect()
}

/// A head from hyper's map, for HTTP/2, where names are lower-case and order is the map's.
pub(super) fn from_map(status: http::StatusCode, map: &http::HeaderMap) -> ResponseHead {
    ResponseHead { status: status.as_u16(), reason: String::new(), headers: lines(map) }
}

pub(super) fn lines(map: &http::HeaderMap) -> Headers {
    map.iter()
        .map(|(name, value)| {
            (name.as_str(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        })
        .collect()
}
