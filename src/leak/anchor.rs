//! The texts that are constant in whatever may leak.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::seek::Seeker;
use crate::aws::bearer::Service;

/// What an anchor tells of what is around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Part of a token or of a presigned URL, in any encoding.
    Blob,
    /// A name after which a value comes.
    Named(Name),
    /// `AWS4-HMAC-SHA256`, in a header or in a URL.
    Algorithm,
}

/// Names of values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Name {
    /// A session token.
    Session,
    /// A secret access key.
    Secret,
    /// A signature.
    Signature,
}

/// What follows the host in every bearer token, up to the access key id.
const CONSTANT: &str =
    ".amazonaws.com/?Action=CallWithBearerToken&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=";

const SESSION: [&str; 7] = [
    "X-Amz-Security-Token",
    "x-amz-security-token",
    "X-AMZ-SECURITY-TOKEN",
    "aws_session_token",
    "AWS_SESSION_TOKEN",
    "SessionToken",
    "sessionToken",
];
const SECRET: [&str; 4] =
    ["secret_access_key", "SECRET_ACCESS_KEY", "SecretAccessKey", "secretAccessKey"];
const SIGNATURE: [&str; 2] = ["X-Amz-Signature", "x-amz-signature"];
const BLOB: [&str; 3] = ["CallWithBearerToken", "X-Amz-Credential", "x-amz-credential"];

/// Every anchor, and what finds them.
pub(super) struct Anchors {
    pub(super) seeker: Seeker,
    pub(super) forms: Vec<Form>,
}

pub(super) static ANCHORS: LazyLock<Anchors> = LazyLock::new(|| {
    let mut list: Vec<(String, Form)> = Vec::new();
    let named = |names: &[&str], name| -> Vec<(String, Form)> {
        names.iter().map(|text| ((*text).to_owned(), Form::Named(name))).collect()
    };
    list.extend(named(&SESSION, Name::Session));
    list.extend(named(&SECRET, Name::Secret));
    list.extend(named(&SIGNATURE, Name::Signature));
    list.push(("AWS4-HMAC-SHA256".to_owned(), Form::Algorithm));
    let mut blobs: Vec<String> = BLOB.into_iter().map(str::to_owned).collect();
    let prefixes = Service::ALL.map(Service::prefix);
    blobs.extend(prefixes.into_iter().map(str::to_owned));
    // In base64, at each alignment. The constant part is cut into pieces, so that a line end or a
    // colour inside one leaves others whole.
    let constant = aligned(CONSTANT);
    blobs.extend(constant.iter().flat_map(|text| pieces(text)));
    let words = ["X-Amz-Signature=", "X-Amz-Security-Token=", "CallWithBearerToken"];
    let hosts = Service::ALL.map(Service::host);
    for word in words.into_iter().chain(hosts) {
        blobs.extend(aligned(word));
    }
    for prefix in prefixes {
        for once in aligned(prefix) {
            // In base64 twice: a Kubernetes Secret of a header.
            blobs.extend(aligned(&once).iter().flat_map(|text| pieces(text)));
            blobs.push(once);
        }
    }
    // A token's body in base64 once more.
    blobs.extend(constant.iter().flat_map(|once| aligned(once)).flat_map(|text| pieces(&text)));
    for text in blobs {
        let safe = text.replace('+', "-").replace('/', "_");
        if safe != text {
            list.push((safe, Form::Blob));
        }
        list.push((text, Form::Blob));
    }
    list.sort_by(|one, other| one.0.cmp(&other.0));
    list.dedup_by(|one, other| one.0 == other.0);
    let forms = list.iter().map(|(_, form)| *form).collect();
    Anchors { seeker: Seeker::new(list.into_iter().map(|(text, _)| text.into_bytes())), forms }
});

/// The base64 of `text` when it stands 0, 1 or 2 bytes after a group of three: what is the same
/// whatever stands before and behind.
fn aligned(text: &str) -> Vec<String> {
    let encode = |before: usize| {
        let padded = [vec![b' '; before], text.as_bytes().to_vec()].concat();
        let encoded = BASE64_STANDARD.encode(&padded);
        // A character that also holds bits of something else is left out.
        let (front, whole) = ((before * 8).div_ceil(6), padded.len() * 8 / 6);
        encoded.get(front..whole).unwrap_or_default().to_owned()
    };
    (0..3).map(encode).filter(|text| text.len() >= Seeker::MIN).collect()
}

/// Pieces as short as an anchor may be.
fn pieces(text: &str) -> Vec<String> {
    let cut = |at: usize| text.get(at..at + Seeker::MIN).map(str::to_owned);
    (0..text.len()).step_by(Seeker::MIN).filter_map(cut).collect()
}
