//! Every way in which a token is known to leak, made here from documented example keys: nothing
//! that a scanner would find stands in this file.

use std::io::{Cursor, Write as _};

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use secrecy::ExposeSecret as _;

use super::*;
use crate::aws::Credentials;
use crate::aws::bearer::{Expiry, Service, mint};
use crate::aws::sigv4;

fn now() -> DateTime<Utc> {
    "2026-11-20T10:00:00Z".parse().unwrap()
}

fn credentials(session: Option<&str>) -> Credentials {
    Credentials {
        access_key_id: "ASIAIOSFODNN7EXAMPLE".to_owned(),
        secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned().into(),
        session_token: session.map(|token| token.to_owned().into()),
        expires: None,
        source: "a test".to_owned(),
    }
}

const SESSION: &str = "AQoDYXdzEJr1K/example+session=token==";

fn bearer(service: Service, session: Option<&str>, minutes_ago: i64) -> String {
    let at = now() - chrono::TimeDelta::minutes(minutes_ago);
    let token = mint(service, &credentials(session), "us-west-2", Expiry::default(), at).unwrap();
    token.secret.expose_secret().to_owned()
}

fn sagemaker() -> String {
    bearer(Service::SageMaker, Some(SESSION), 5)
}

fn body(token: &str) -> String {
    token.split_once("key-").unwrap().1.to_owned()
}

fn url(token: &str) -> String {
    String::from_utf8(BASE64_STANDARD.decode(body(token)).unwrap()).unwrap()
}

fn find(text: &str) -> Vec<Finding> {
    let mut found = Vec::new();
    scan(&mut Cursor::new(text), now(), &mut |finding| found.push(finding));
    found
}

fn wrapped(text: &str, width: usize, between: &str) -> String {
    let lines: Vec<&str> =
        text.as_bytes().chunks(width).map(|line| std::str::from_utf8(line).unwrap()).collect();
    lines.join(between)
}

fn percent(text: &str) -> String {
    sigv4::encode(text)
}

#[test]
fn a_token_is_found_in_every_encoding_once_and_on_its_line() {
    let token = sagemaker();
    let (body, url) = (body(&token), url(&token));
    let json =
        |text: &str| text.replace('/', "\\/").replace('&', "\\u0026").replace('=', "\\u003d");
    let log = |text: &str| format!("2026-11-20 INFO start\nGET / 200\nfound {text} end\nmore\n");
    let shapes = [
        ("as it is", log(&token)),
        ("as a header", log(&format!("Authorization: Bearer {token}"))),
        ("in JSON", log(&format!("{{\"key\":\"{}\"}}", json(&token)))),
        ("in JSON in JSON", log(&json(&json(&token)).replace('\\', "\\\\"))),
        ("URL-encoded", log(&format!("/?key={}&x=1", percent(&token)))),
        ("URL-encoded thrice", log(&percent(&percent(&percent(&token))))),
        ("without its prefix", log(&body)),
        ("without its padding", log(token.trim_end_matches('='))),
        ("in a shell", log(&format!("export K='{token}'; run"))),
        ("split at 76", log(&wrapped(&token, 76, "\n"))),
        ("split at 64, CR LF and indented", log(&wrapped(&token, 64, "\r\n    "))),
        ("split at 40 by a shell", log(&wrapped(&token, 40, " \\\n"))),
        ("split at 32", log(&wrapped(&token, 32, "\n"))),
        ("split in code", log(&format!("\"{}\"", wrapped(&token, 60, "\" +\n      \"")))),
        ("quoted in a mail", log(&wrapped(&token, 70, "\n> "))),
        ("split in JSON", log(&wrapped(&token, 76, "\\n"))),
        (
            "coloured",
            log(&token.replace("key-", "key-\x1b[m\x1b[K").replace("sage", "\x1b[01;31msage")),
        ),
        ("in base64, 0", log(&BASE64_STANDARD.encode(format!("abc{token}")))),
        ("in base64, 1", log(&BASE64_STANDARD.encode(format!("user:{token}")))),
        ("in base64, 2", log(&BASE64_STANDARD.encode(format!("ab{token}:")))),
        (
            "in URL-safe base64",
            log(&BASE64_URL_SAFE_NO_PAD.encode(format!("{{\"k\": \"{token}\"}}"))),
        ),
        ("in split base64", log(&wrapped(&BASE64_STANDARD.encode(&token), 76, "\n"))),
        (
            "in base64 twice",
            log(&BASE64_STANDARD.encode(BASE64_STANDARD.encode(format!("Bearer {token}")))),
        ),
        ("its body in base64", log(&BASE64_STANDARD.encode(format!("x {body}")))),
    ];
    for (shape, text) in shapes {
        let found = find(&text);
        assert_eq!(found.len(), 1, "{shape}: {found:?}");
        let finding = &found[0];
        assert_eq!((finding.kind, finding.line), (Kind::SagemakerToken, 3), "{shape}");
        assert_eq!(finding.state, State::Valid, "{shape}");
        assert_eq!(finding.key.as_deref(), Some("MPLE"), "{shape}");
    }
    let query = url.split_once("/?").unwrap().1;
    let mut turned: Vec<&str> = query.split('&').collect();
    turned.sort_unstable();
    let turned = format!("sagemaker.amazonaws.com/?{}", turned.join("&"));
    for (shape, text) in [
        ("decoded", log(&url)),
        ("decoded, with its scheme", log(&format!("https://{url}"))),
        ("sorted", log(&turned)),
        ("in HTML", log(&url.replace('&', "&amp;"))),
        ("in JSON", log(&json(&url))),
        ("URL-encoded", log(&percent(&url))),
        ("URL-encoded thrice", log(&percent(&percent(&percent(&url))))),
        ("split at 80", log(&wrapped(&url, 80, "\n"))),
    ] {
        let found = find(&text);
        assert_eq!(found.len(), 1, "{shape}: {found:?}");
        let finding = &found[0];
        assert_eq!((finding.kind, finding.line), (Kind::PresignedUrl, 3), "{shape}");
        assert_eq!(finding.state, State::Valid, "{shape}");
    }
    for text in [turned.clone(), url.clone()] {
        let inner = log(&BASE64_STANDARD.encode(text));
        assert_eq!(find(&inner).first().map(|f| f.kind), Some(Kind::SagemakerToken), "{inner}");
    }
}

#[test]
fn parts_of_tokens_are_found_too() {
    let token = sagemaker();
    let signature = "a1b2c3d4e5f60718".repeat(4);
    let secret = credentials(None).secret.expose_secret().to_owned();
    let long = format!(
        "ABSK{}",
        BASE64_STANDARD.encode((0..96_u32).map(|n| (n * 37 % 251) as u8).collect::<Vec<u8>>())
    );
    for (text, kind) in [
        (format!("&X-Amz-Signature={signature}&x=1"), Kind::Signature),
        (format!("\"X-Amz-Signature\": \"{signature}\""), Kind::Signature),
        (
            format!(
                "authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260520/us-east-1/sagemaker/aws4_request, SignedHeaders=host, Signature={signature}"
            ),
            Kind::Signature,
        ),
        (format!("x-amz-security-token: {SESSION}"), Kind::SessionToken),
        (format!("X-Amz-Security-Token={}", percent(SESSION)), Kind::SessionToken),
        (format!("aws_session_token = {SESSION}"), Kind::SessionToken),
        (format!("export AWS_SESSION_TOKEN=\"{SESSION}\""), Kind::SessionToken),
        (format!("{{\\\"SessionToken\\\": \\\"{SESSION}\\\"}}"), Kind::SessionToken),
        (format!("<SessionToken>{SESSION}</SessionToken>"), Kind::SessionToken),
        (format!("aws_secret_access_key={secret}"), Kind::SecretAccessKey),
        (format!("\"SecretAccessKey\":\"{secret}\","), Kind::SecretAccessKey),
        (format!("key {long};"), Kind::BedrockLongTermKey),
        (bearer(Service::Bedrock, None, 0), Kind::BedrockToken),
        (body(&bearer(Service::Bedrock, None, 0)), Kind::BedrockToken),
    ] {
        let found: Vec<Kind> = find(&format!("a\n{text}\nb\n")).iter().map(|f| f.kind).collect();
        assert_eq!(found, [kind], "{text}");
    }
    let expired = find(&bearer(Service::SageMaker, None, 16));
    assert_eq!(expired[0].state, State::Expired);
    let cut = token.get(..200).unwrap();
    assert_eq!(find(cut)[0].state, State::Unknown);
}

#[test]
fn what_only_speaks_of_tokens_is_let_be() {
    let hex = "0123456789abcdef".repeat(4);
    let innocent =
        BASE64_STANDARD.encode((0..3000_u32).map(|n| (n * n % 251) as u8).collect::<Vec<_>>());
    for text in [
        "A token starts with sagemaker-api-key- and goes on in base64; see the docs.",
        "Authorization: Bearer sagemaker-api-key-[REDACTED]",
        "sagemaker-api-key-****************************************************",
        "sagemaker-api-key-XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX",
        "sagemaker-api-key-$TOKEN sagemaker-api-key-${AWS_TOKEN_OF_THE_ENDPOINT_THAT_IS_CALLED_HERE}",
        "\"Action\": \"sagemaker:CallWithBearerToken\", \"Resource\": \"*\"",
        &format!("sha256:{hex} X-Amz-Signature=REDACTED"),
        &innocent,
        "aws_secret_access_key = <your secret access key of forty characters>",
        "AWS_SESSION_TOKEN=${AWS_SESSION_TOKEN} SessionToken: null, \"SessionToken\": \"********************************\"",
        "x-amz-security-token: your-session-token-goes-here-please",
        "ABSK is how long-term keys start; ABSKXXXXXXXX",
        "https://sagemaker.amazonaws.com/?Action=CallWithBearerToken&X-Amz-Signature=...",
    ] {
        assert_eq!(find(text), [], "{text}");
    }
}

#[test]
fn each_of_many_tokens_is_found_wherever_the_pieces_of_the_stream_end() {
    let tokens: Vec<String> =
        (0..14).map(|n| bearer(Service::SageMaker, Some(SESSION), n)).collect();
    // Lines of nothing but tokens.
    let found = find(&tokens.join("\n"));
    let lines: Vec<u64> = found.iter().map(|finding| finding.line).collect();
    assert_eq!(lines, (1..=14).collect::<Vec<u64>>());
    let prints: std::collections::BTreeSet<&str> =
        found.iter().map(|finding| finding.fingerprint.as_str()).collect();
    assert_eq!(prints.len(), 14);
    // One around every end of a piece.
    let filler = "2026-11-20T10:00:00Z INFO request done status=200 tokens=17\n";
    for shift in [0, 1, 300, 600, 900, 17_000] {
        let mut text = String::new();
        let mut expected = Vec::new();
        for (piece, token) in tokens.iter().take(3).enumerate() {
            while text.len() < (piece + 1) * (1 << 20) - 500 - shift {
                text.push_str(filler);
            }
            text.push_str(token);
            text.push('\n');
            expected.push(text.lines().count() as u64);
        }
        text.push_str(&filler.repeat(20_000));
        let lines: Vec<u64> = find(&text).iter().map(|finding| finding.line).collect();
        assert_eq!(lines, expected, "{shift}");
    }
}

#[test]
fn a_broken_stream_is_searched_as_far_as_it_goes() {
    let token = sagemaker();
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
    writer.write_all(format!("{token}\n{}", "x ".repeat(40_000)).as_bytes()).unwrap();
    let packed = writer.finish().unwrap();
    let mut found = 0;
    let mut stream = unpack(&packed[..packed.len() - 100]).unwrap();
    let scanned = scan(&mut *stream, now(), &mut |_| found += 1);
    assert!(scanned.broken.is_some());
    assert_eq!(found, 1);
}

proptest::proptest! {
    #[test]
    fn no_bytes_make_it_panic(
        bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300),
        at in 0_usize..900,
    ) {
        let mut text = sagemaker().into_bytes();
        let at = at.min(text.len());
        text.splice(at..at, bytes);
        scan(&mut Cursor::new(text), now(), &mut |_| ());
    }
}
