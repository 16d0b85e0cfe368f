//! Held against botocore's signer by vectors, and against the official crate by a property.

use std::time::SystemTime;

use aws_sigv4::http_request::{SignableBody, SignableRequest, SignatureLocation, SigningSettings};
use aws_sigv4::sign::v4;
use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::aws::bearer::{Expiry, Service, mint};
use crate::aws::presigned;

fn credentials(key: &str, secret: &str, token: Option<String>) -> Credentials {
    Credentials {
        access_key_id: key.to_owned(),
        secret: secret.to_owned().into(),
        session_token: token.map(SecretString::from),
        expires: None,
        source: "a test".to_owned(),
    }
}

fn exposed(signed: &[(&'static str, SecretString)], name: &str) -> Option<String> {
    let found = signed.iter().find(|(known, _)| *known == name);
    found.map(|(_, value)| value.expose_secret().to_owned())
}

#[test]
fn a_call_of_an_endpoint_is_signed_as_botocore_signs_it() {
    let vectors: Value =
        serde_json::from_str(include_str!("../../../fixtures/aws/sagemaker.json")).unwrap();
    for vector in vectors["invoke_sigv4"].as_array().unwrap() {
        let text = |key: &str| vector[key].as_str().unwrap_or_default();
        let host = format!("runtime.sagemaker.{}.amazonaws.com", text("region"));
        let mut headers = vec![("host".to_owned(), host)];
        for (name, value) in vector["request_headers"].as_object().unwrap() {
            headers.push((name.clone(), value.as_str().unwrap().to_owned()));
        }
        let token = vector["session_token"].as_str().map(str::to_owned);
        let credentials = credentials(text("access_key_id"), text("secret_access_key"), token);
        let request = Request {
            method: text("method"),
            path: text("path"),
            query: &[],
            headers: &headers,
            body: text("body").as_bytes(),
        };
        let scope = Scope {
            at: text("now").parse().unwrap(),
            region: text("region"),
            service: "sagemaker",
        };
        let signed = sign(&credentials, &request, &scope);
        let id = text("id");
        assert_eq!(exposed(&signed, "authorization").unwrap(), text("authorization"), "{id}");
        assert_eq!(exposed(&signed, "x-amz-date").unwrap(), text("x_amz_date"), "{id}");
    }
}

/// What the official crate signs for the same request: its signature.
fn official(
    ours: &Credentials,
    request: &Request<'_>,
    scope: &Scope<'_>,
    change: impl FnOnce(&mut SigningSettings),
) -> String {
    let token = ours.session_token.as_ref().map(|token| token.expose_secret().to_owned());
    let secret = ours.secret.expose_secret();
    let identity =
        aws_credential_types::Credentials::new(&ours.access_key_id, secret, token, None, "t")
            .into();
    let mut settings = SigningSettings::default();
    change(&mut settings);
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region(scope.region)
        .name(scope.service)
        .time(SystemTime::from(scope.at))
        .settings(settings)
        .build()
        .unwrap()
        .into();
    let query: Vec<String> = request
        .query
        .iter()
        .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
        .collect();
    let headers = request.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let (_, host) = &request.headers[0];
    let url = format!("https://{host}{}?{}", request.path, query.join("&"));
    let body = SignableBody::Bytes(request.body);
    let signable = SignableRequest::new(request.method, url, headers, body).unwrap();
    aws_sigv4::http_request::sign(signable, &parameters).unwrap().into_parts().1
}

proptest! {
    #[test]
    fn our_signature_is_that_of_the_official_crate(
        secret in "[A-Za-z0-9/+]{1,60}",
        token in proptest::option::of("[!-~]{1,80}"),
        body in proptest::collection::vec(any::<u8>(), 0..80),
        name in "[a-zA-Z0-9_~-]{1,20}",
        value in "[ -~ü]{0,40}",
        header in "[!-~]( ?[!-~]){0,20}",
        region in "[a-z]{2}-[a-z]{4}-[1-9]",
        seconds in 0_i64..4_000_000_000,
    ) {
        let ours = credentials("AKIDEXAMPLE", &secret, token);
        let query = vec![(name.clone(), value)];
        let headers = [("host".to_owned(), "h.example".to_owned()), ("X-Team".to_owned(), header)];
        let path = format!("/endpoints/a%20b%3A/{name}");
        let request =
            Request { method: "POST", path: &path, query: &query, headers: &headers, body: &body };
        let at = DateTime::from_timestamp(seconds, 0).unwrap();
        let scope = Scope { at, region: &region, service: "sagemaker" };

        let signed = sign(&ours, &request, &scope);

        let theirs = official(&ours, &request, &scope, |_| ());
        let authorization = exposed(&signed, "authorization").unwrap();
        prop_assert!(authorization.ends_with(&theirs), "{} {}", authorization, theirs);
    }

    #[test]
    fn the_signature_of_a_token_is_that_of_the_official_crate(
        secret in "[A-Za-z0-9/+]{1,60}",
        token in proptest::option::of("[ -~é]{1,200}"),
        region in "[a-z]{2}-[a-z]{4}-[1-9]",
        seconds in 0_i64..4_000_000_000,
        life in 1_u32..=43_200,
    ) {
        let ours = credentials("AKIDEXAMPLE", &secret, token);
        let at = DateTime::from_timestamp(seconds, 0).unwrap();
        let expiry = Expiry::from_seconds(life).unwrap();
        let minted = mint(Service::SageMaker, &ours, &region, expiry, at).unwrap();
        let parsed = presigned::parse_token(minted.secret.expose_secret()).unwrap();

        let query = vec![("Action".to_owned(), "CallWithBearerToken".to_owned())];
        let headers = [("host".to_owned(), "sagemaker.amazonaws.com".to_owned())];
        let request =
            Request { method: "POST", path: "/", query: &query, headers: &headers, body: b"" };
        let theirs = official(&ours, &request, &Scope { at, region: &region, service: "sagemaker" }, |settings| {
            settings.signature_location = SignatureLocation::QueryParams;
            settings.expires_in = Some(expiry.into());
        });
        prop_assert_eq!(parsed.signature.expose_secret(), &theirs);
    }
}
