//! Each source against a home folder of its own and servers on loopback.

use std::path::Path;

use secrecy::ExposeSecret as _;
use wiremock::matchers::{body_string_contains, header, header_regex, method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::*;

const ID: &str = "AKIDEXAMPLE";
const SECRET: &str = "canary-wJalrXUtnFEMI-EXAMPLEKEY";
const SESSION: &str = "canary-session-token";

struct Home(tempfile::TempDir);

impl Home {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        Self(folder)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    async fn find(&self, variables: &[(&str, &str)]) -> Result<Credentials, CredentialsError> {
        let off = ("AWS_EC2_METADATA_DISABLED".to_owned(), "true".to_owned());
        let own = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let surroundings =
            Surroundings::new([off].into_iter().chain(own), Some(self.path().to_owned()));
        let clock = Clock::by_hand("2026-11-20T10:00:00Z".parse().unwrap());
        credentials(&surroundings, &clock).await
    }
}

fn keys(found: &Credentials) -> (&str, &str, Option<&str>) {
    let session = found.session_token.as_ref().map(secrecy::ExposeSecret::expose_secret);
    (&found.access_key_id, found.secret.expose_secret(), session)
}

/// A server that gives one answer to what `mock` describes.
async fn serve(mock: wiremock::MockBuilder, answer: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    mock.respond_with(answer).mount(&server).await;
    server
}

fn sts() -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_string(format!(
        "<R><Credentials><AccessKeyId>ASIAROLE</AccessKeyId><SecretAccessKey>{SECRET}</SecretAccessKey>\
         <SessionToken>{SESSION}</SessionToken><Expiration>2026-11-20T11:00:00Z</Expiration></Credentials></R>"
    ))
}

fn json() -> serde_json::Value {
    serde_json::json!({
        "Version": 1, "Code": "Success", "AccessKeyId": "ASIAROLE", "SecretAccessKey": SECRET,
        "Token": SESSION, "Expiration": "2026-11-20T11:00:00Z",
    })
}

const STATIC: &str = "[default]\naws_access_key_id = AKIDEXAMPLE\naws_secret_access_key = canary-wJalrXUtnFEMI-EXAMPLEKEY\n";

#[tokio::test]
async fn the_environment_comes_first_and_half_of_it_is_an_error() {
    let home = Home::new(&[(".aws/credentials", STATIC)]);
    let all = [
        ("AWS_ACCESS_KEY_ID", "AKIDENV"),
        ("AWS_SECRET_ACCESS_KEY", SECRET),
        ("AWS_SESSION_TOKEN", SESSION),
    ];
    let found = home.find(&all).await.unwrap();
    assert_eq!(keys(&found), ("AKIDENV", SECRET, Some(SESSION)));
    assert_eq!(found.source, "the environment");
    let error = home.find(&all[1..]).await.unwrap_err().to_string();
    assert!(error.contains("AWS_ACCESS_KEY_ID is not set") && !error.contains("canary"), "{error}");
}

#[tokio::test]
async fn a_profile_gives_its_own_keys_or_those_of_a_program() {
    let program = format!(
        "printf '{{\"Version\":1,\"AccessKeyId\":\"AKIDPROC\",\"SecretAccessKey\":\"{SECRET}\"}}'"
    );
    let config = format!(
        "[profile run]\ncredential_process = {program}\n[profile bad]\ncredential_process = echo {SECRET}; exit 0\n[profile empty]\nregion = x\n"
    );
    let home = Home::new(&[(".aws/credentials", STATIC), (".aws/config", &config)]);
    assert_eq!(keys(&home.find(&[]).await.unwrap()), (ID, SECRET, None));
    let found = home.find(&[("AWS_PROFILE", "run")]).await.unwrap();
    assert_eq!(
        (found.access_key_id.as_str(), found.source.as_str()),
        ("AKIDPROC", "the profile \"run\"")
    );
    for (profile, why) in [
        ("bad", "printed no credentials"),
        ("empty", "says nothing of credentials"),
        ("none", "no such profile"),
    ] {
        let error = home.find(&[("AWS_PROFILE", profile)]).await.unwrap_err().to_string();
        assert!(error.contains(why) && error.contains(profile), "{error}");
        assert!(!error.contains("canary"), "{error}");
    }
}

#[tokio::test]
async fn roles_are_taken_one_after_the_other() {
    let mock = Mock::given(method("POST"))
        .and(body_string_contains("Action=AssumeRole&"))
        .and(body_string_contains("RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Finner"))
        .and(header_regex(
            "authorization",
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261120/eu-west-1/sts/",
        ));
    let server = serve(mock, sts()).await;
    Mock::given(method("POST"))
        .and(body_string_contains("role%2Fouter"))
        .and(body_string_contains("ExternalId=x%2F1"))
        .and(header("x-amz-security-token", SESSION))
        .and(header_regex("authorization", "Credential=ASIAROLE/"))
        .respond_with(sts())
        .mount(&server)
        .await;
    let config = "[profile outer]\nrole_arn = arn:aws:iam::1:role/outer\nsource_profile = inner\nexternal_id = x/1\n\
        [profile inner]\nrole_arn = arn:aws:iam::1:role/inner\nsource_profile = default\nregion = eu-west-1\n\
        [profile a]\nrole_arn = r\nsource_profile = b\n[profile b]\nrole_arn = r\nsource_profile = a\n\
        [profile mfa]\nrole_arn = r\nsource_profile = default\nmfa_serial = m\n";
    let home = Home::new(&[(".aws/credentials", STATIC), (".aws/config", config)]);
    let url = server.uri();
    let variables =
        |profile: &'static str| [("AWS_PROFILE", profile), ("AWS_ENDPOINT_URL_STS", url.as_str())];

    let found = home.find(&variables("outer")).await.unwrap();

    assert_eq!(keys(&found), ("ASIAROLE", SECRET, Some(SESSION)));
    assert_eq!(found.source, "the profile \"outer\"");
    assert_eq!(found.expires.unwrap().to_rfc3339(), "2026-11-20T11:00:00+00:00");
    for (profile, why) in [("a", "circle"), ("mfa", "mfa_serial")] {
        let error = home.find(&variables(profile)).await.unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }
}

#[tokio::test]
async fn a_web_identity_is_read_from_its_file_and_sent_unsigned() {
    let mock = Mock::given(method("POST"))
        .and(body_string_contains("Action=AssumeRoleWithWebIdentity"))
        .and(body_string_contains("WebIdentityToken=canary.jwt"))
        .and(body_string_contains("RoleSessionName=job"));
    let server = serve(mock, sts()).await;
    let home = Home::new(&[("token", "canary.jwt\n")]);
    let file = home.path().join("token").display().to_string();
    let mut variables = vec![
        ("AWS_WEB_IDENTITY_TOKEN_FILE", file.as_str()),
        ("AWS_ROLE_ARN", "arn:aws:iam::1:role/ci"),
        ("AWS_ROLE_SESSION_NAME", "job"),
    ];
    let url = server.uri();
    variables.push(("AWS_ENDPOINT_URL_STS", &url));
    assert_eq!(keys(&home.find(&variables).await.unwrap()).0, "ASIAROLE");
    assert!(server.received_requests().await.unwrap()[0].headers.get("authorization").is_none());

    let refusal = ResponseTemplate::new(403)
        .set_body_string("<E><Code>InvalidIdentityToken</Code><Message>canary.jwt</Message></E>");
    let server = serve(Mock::given(method("POST")), refusal).await;
    let url = server.uri();
    variables.pop();
    variables.push(("AWS_ENDPOINT_URL_STS", &url));
    let error = home.find(&variables).await.unwrap_err().to_string();
    assert!(error.contains("403 (InvalidIdentityToken)") && !error.contains("canary"), "{error}");
}

#[tokio::test]
async fn a_session_of_identity_center_is_exchanged() {
    let mock = Mock::given(method("GET"))
        .and(path("/federation/credentials"))
        .and(query_param("role_name", "Dev"))
        .and(query_param("account_id", "123456789012"))
        .and(header("x-amz-sso_bearer_token", "canary-new"));
    let answer = serde_json::json!({"roleCredentials": {
        "accessKeyId": "ASIASSO", "secretAccessKey": SECRET, "sessionToken": SESSION,
        "expiration": 1_795_172_400_000_i64,
    }});
    let server = serve(mock, ResponseTemplate::new(200).set_body_json(answer)).await;
    let config = "[profile corp]\nsso_session = s\nsso_account_id = 123456789012\nsso_role_name = Dev\n\
        [sso-session s]\nsso_start_url = https://corp.example/start\nsso_region = eu-west-1\n";
    let cached = |token: &str, until: &str| {
        format!(
            r#"{{"startUrl":"https://corp.example/start","accessToken":"{token}","expiresAt":"{until}","region":"eu-west-1"}}"#
        )
    };
    let old = cached("canary-old", "2026-11-20T09:00:00Z");
    let new = cached("canary-new", "2026-11-20T12:00:00Z");
    let home = Home::new(&[
        (".aws/config", config),
        (".aws/sso/cache/a.json", &old),
        (".aws/sso/cache/b.json", &new),
        (".aws/sso/cache/c.json", "{}"),
    ]);
    let url = server.uri();
    let variables = [("AWS_PROFILE", "corp"), ("AWS_ENDPOINT_URL_SSO", url.as_str())];
    assert_eq!(keys(&home.find(&variables).await.unwrap()), ("ASIASSO", SECRET, Some(SESSION)));

    std::fs::remove_file(home.path().join(".aws/sso/cache/b.json")).unwrap();
    let error = home.find(&variables).await.unwrap_err().to_string();
    assert!(error.contains("aws sso login") && !error.contains("canary"), "{error}");
}

#[tokio::test]
async fn a_container_asks_its_agent_with_the_token_of_the_moment() {
    let mock =
        Mock::given(method("GET")).and(path("/creds")).and(header("authorization", "canary-2"));
    let server = serve(mock, ResponseTemplate::new(200).set_body_json(json())).await;
    let home = Home::new(&[("token", "canary-2\n")]);
    let (url, file) = (format!("{}/creds", server.uri()), home.path().join("token"));
    let variables = [
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", url.as_str()),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", file.to_str().unwrap()),
    ];
    let found = home.find(&variables).await.unwrap();
    assert_eq!(keys(&found), ("ASIAROLE", SECRET, Some(SESSION)));
    assert_eq!(found.source, "the container's agent");
    let far = [("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://far.example/creds")];
    let error = home.find(&far).await.unwrap_err().to_string();
    assert!(error.contains("far.example is not this machine"), "{error}");
}

#[tokio::test]
async fn an_instance_is_asked_by_version_two_only() {
    let role = "/latest/meta-data/iam/security-credentials/";
    let mock = Mock::given(method("PUT")).and(path("/latest/api/token"));
    let server = serve(mock, ResponseTemplate::new(200).set_body_string("canary-imds")).await;
    for (at, answer) in [
        (role.to_owned(), ResponseTemplate::new(200).set_body_string("worker")),
        (format!("{role}worker"), ResponseTemplate::new(200).set_body_json(json())),
    ] {
        Mock::given(method("GET"))
            .and(path(at))
            .and(header("x-aws-ec2-metadata-token", "canary-imds"))
            .respond_with(answer)
            .mount(&server)
            .await;
    }
    let home = Home::new(&[]);
    let url = server.uri();
    let on = [
        ("AWS_EC2_METADATA_DISABLED", "false"),
        ("AWS_EC2_METADATA_SERVICE_ENDPOINT", url.as_str()),
    ];
    assert_eq!(keys(&home.find(&on).await.unwrap()).0, "ASIAROLE");
    let error = home.find(&[]).await.unwrap_err().to_string();
    assert!(error.contains("not in the environment, not in a web identity"), "{error}");
}
