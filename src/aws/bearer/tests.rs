//! The vectors were made by AWS's own generators with frozen clocks and documented example keys.

use serde_json::Value;

use super::*;

fn vectors() -> Value {
    serde_json::from_str(include_str!("../../../fixtures/aws/sagemaker.json")).unwrap()
}

fn credentials(input: &Value) -> Credentials {
    let text = |key: &str| input[key].as_str().map(str::to_owned);
    Credentials {
        access_key_id: text("access_key_id").unwrap(),
        secret: text("secret_access_key").unwrap().into(),
        session_token: text("session_token").map(SecretString::from),
        expires: None,
        source: "a vector".to_owned(),
    }
}

fn digest(text: &str) -> String {
    use sha2::Digest as _;
    sigv4::hex(&sha2::Sha256::digest(text.as_bytes()))
}

#[test]
fn tokens_are_byte_for_byte_those_of_the_generators() {
    let vectors = vectors();
    let mut same = 0;
    for (key, service) in [("sagemaker", Service::SageMaker), ("bedrock", Service::Bedrock)] {
        for vector in vectors[key].as_array().unwrap() {
            let (id, input) = (vector["id"].as_str().unwrap(), &vector["input"]);
            let asked =
                input["expiry_seconds"].as_f64().map_or("12h".to_owned(), |s| s.to_string());
            let Ok(expiry) = asked.parse() else {
                // The one that the generators sign for no second at all.
                assert_eq!((id, vector["expires_in_token"].as_u64()), ("sm-14", Some(0)));
                continue;
            };
            let now = input["now"].as_str().unwrap().parse().unwrap();
            let region = input["region"].as_str().unwrap();
            let token = mint(service, &credentials(input), region, expiry, now).unwrap();

            let text = token.secret.expose_secret();
            assert_eq!(digest(text), vector["token_sha256"], "{id}");
            assert_eq!(Some(text.len() as u64), vector["token_len"].as_u64(), "{id}");
            let valid_until: DateTime<Utc> =
                vector["valid_until"].as_str().unwrap().parse().unwrap();
            assert_eq!(token.expires, valid_until, "{id}");
            same += 1;
        }
    }
    assert_eq!(same, 25);
}

#[test]
fn what_no_token_lives_for_is_refused() {
    for text in
        ["0", "-1", "43201", "43200.5", "0.5", "0.999s", "13h", "", "s", "1d", "1e2", "nan", "1 m"]
    {
        assert_eq!(text.parse::<Expiry>(), Err(ExpiryError), "{text}");
    }
    for (text, seconds) in [
        ("1", 1),
        ("1.9", 1),
        ("43200", 43200),
        ("12h", 43200),
        ("15m", 900),
        ("0.5m", 30),
        ("90s", 90),
    ] {
        assert_eq!(text.parse::<Expiry>().map(Expiry::seconds), Ok(seconds), "{text}");
    }
    assert_eq!(Expiry::default().seconds(), 900);
}

#[test]
fn a_token_ends_with_its_credentials() {
    let vectors = vectors();
    let mut credentials = credentials(&vectors["sagemaker"][0]["input"]);
    let now: DateTime<Utc> = "2026-05-20T00:00:00Z".parse().unwrap();
    credentials.expires = Some(now + TimeDelta::milliseconds(60_900));
    let token = |c: &Credentials| mint(Service::SageMaker, c, "us-east-1", Expiry::default(), now);
    assert_eq!(token(&credentials).unwrap().expiry.seconds(), 60);
    for left in [999, 0, -5000] {
        credentials.expires = Some(now + TimeDelta::milliseconds(left));
        let error = token(&credentials).unwrap_err().to_string();
        assert!(error.contains("a vector ended at 2026-05-"), "{error}");
    }
}

#[test]
fn an_empty_session_token_is_none() {
    let vectors = vectors();
    let mut with = credentials(&vectors["sagemaker"][0]["input"]);
    with.session_token = Some(SecretString::from(""));
    let now = "2015-08-30T12:36:00Z".parse().unwrap();
    let token = mint(Service::SageMaker, &with, "us-east-1", Expiry::MAX, now).unwrap();
    assert_eq!(digest(token.secret.expose_secret()), vectors["sagemaker"][0]["token_sha256"]);
}

#[test]
fn a_region_that_could_not_stand_in_a_scope_is_refused() {
    let vectors = vectors();
    let credentials = credentials(&vectors["sagemaker"][0]["input"]);
    for region in ["", "us east", "US-EAST-1", "us-east-1/x", "é"] {
        let now = DateTime::UNIX_EPOCH;
        let minted = mint(Service::SageMaker, &credentials, region, Expiry::MAX, now);
        assert_eq!(minted.unwrap_err(), MintError::Region(region.to_owned()));
    }
}

#[test]
fn neither_a_token_nor_credentials_are_shown() {
    let vectors = vectors();
    let credentials = credentials(&vectors["sagemaker"][5]["input"]);
    let now = "2026-05-20T00:00:00Z".parse().unwrap();
    let token = mint(Service::SageMaker, &credentials, "us-east-1", Expiry::MAX, now).unwrap();
    let shown = format!("{token:?} {credentials:?}");
    assert!(
        !shown.contains("c2Fn") && !shown.contains("wJalr") && !shown.contains("ASIAIO"),
        "{shown}"
    );
    assert!(shown.contains("…MPLE"), "{shown}");
}
