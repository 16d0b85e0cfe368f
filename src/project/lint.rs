//! What a project file that can be read may still have wrong.

use std::ops::Range;

use crate::aws::bearer::Expiry;
use crate::document::{Entry, Kind, Node, Problem};
use crate::suite::duration;
use crate::transcript::is_secret_header;

/// Keys under which people put a secret.
const SECRET_KEYS: [&str; 9] = [
    "key",
    "api_key",
    "api-key",
    "apikey",
    "token",
    "secret",
    "password",
    "bearer",
    "authorization",
];

const INSTEAD: &str = "name the environment variable that holds it: `auth-env = \"MY_KEY\"` (and \
                       `auth-header = \"api-key\"` if it does not go into `authorization`)";

/// A secret in the file, and the bytes that must not be shown.
pub(super) struct Secret {
    pub(super) problem: Problem,
    pub(super) value: Range<usize>,
}

/// Literal secrets of all targets.
pub(super) fn secrets(tree: &Node) -> Vec<Secret> {
    let mut secrets = Vec::new();
    for target in targets(tree) {
        for entry in target.value.entries() {
            let word = entry.key.to_ascii_lowercase();
            match word.as_str() {
                "headers" => secrets.extend(entry.value.entries().iter().filter_map(header)),
                "auth-env" => secrets.extend(variable(entry)),
                "url" | "proxy" => secrets.extend(credentials(entry)),
                _ if SECRET_KEYS.contains(&word.as_str()) => {
                    secrets.push(refuse(entry, "a secret does not belong in this file"));
                }
                _ => {}
            }
        }
    }
    secrets
}

fn targets(tree: &Node) -> &[Entry] {
    tree.get("targets").map_or(&[], Node::entries)
}

fn refuse(entry: &Entry, message: &str) -> Secret {
    let problem = Problem::new("literal-secret", message.to_owned(), entry.key_span.clone());
    Secret { problem: problem.help(INSTEAD.to_owned()), value: entry.value.span.clone() }
}

fn header(entry: &Entry) -> Option<Secret> {
    let name = entry.key.to_ascii_lowercase();
    is_secret_header(&name).then(|| refuse(entry, &format!("the header `{name}` is a secret")))
}

fn variable(entry: &Entry) -> Option<Secret> {
    let name = entry.value.text()?;
    let plain = !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    (!plain).then(|| refuse(entry, "`auth-env` takes the name of a variable, not its value"))
}

fn credentials(entry: &Entry) -> Option<Secret> {
    let url = entry.value.text()?;
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    authority.contains('@').then(|| refuse(entry, "a URL here holds no user name or password"))
}

/// Overwrites a value, byte for byte, so that every other position stays.
pub(super) fn mask(text: &mut String, span: &Range<usize>) {
    let stars: String = text
        .get(span.clone())
        .unwrap_or_default()
        .bytes()
        .map(|byte| if byte == b'\n' { '\n' } else { '*' })
        .collect();
    if text.is_char_boundary(span.start) && text.is_char_boundary(span.end) {
        text.replace_range(span.clone(), &stars);
    }
}

/// Everything else beyond shape.
pub(super) fn problems(tree: &Node) -> Vec<Problem> {
    let mut problems = Vec::new();
    for target in targets(tree) {
        lint_target(target, &mut problems);
    }
    problems
}

/// What an endpoint is known by: its URL, or its names in AWS.
fn lint_cloud(target: &Entry, problems: &mut Vec<Problem>) {
    let mut report = |message: String, at: &Range<usize>| {
        problems.push(Problem::new("bad-setting", message, at.clone()));
    };
    let node = &target.value;
    let kind = node.entry("kind").and_then(|kind| kind.value.text());
    match kind {
        None => {
            if node.get("url").is_none() {
                report("`url` is missing in a target".into(), &target.key_span);
            }
            for key in ["region", "endpoint", "component", "fips", "dual-stack", "token-expiry"] {
                if let Some(entry) = node.entry(key) {
                    report(format!("`{key}` is about a `kind`, which is missing"), &entry.key_span);
                }
            }
        }
        Some("sagemaker") => {
            if node.get("endpoint").is_none() {
                let message = "`endpoint` is missing: the endpoint's name in SageMaker";
                report(message.into(), &target.key_span);
            }
        }
        Some(_) => {
            for key in ["endpoint", "component", "fips", "dual-stack"] {
                if let Some(entry) = node.entry(key) {
                    report(format!("`{key}` is about SageMaker"), &entry.key_span);
                }
            }
        }
    }
    if let Some(expiry) = node.get("token-expiry")
        && let Some(Err(error)) = expiry.text().map(str::parse::<Expiry>)
    {
        report(error.to_string(), &expiry.span);
    }
}

fn lint_target(target: &Entry, problems: &mut Vec<Problem>) {
    let mut report = |message: String, at: &Range<usize>| {
        problems.push(Problem::new("bad-setting", message, at.clone()));
    };
    if target.key.is_empty() || target.key.contains(['/', '\\', ' ', ',']) {
        let message =
            format!("`{}` is not a name for a target: it becomes part of paths", target.key);
        report(message, &target.key_span);
    }
    let node = &target.value;
    for key in ["url", "proxy"] {
        if let Some(url) = node.get(key)
            && url
                .text()
                .is_some_and(|text| !text.starts_with("http://") && !text.starts_with("https://"))
        {
            report(format!("`{key}` starts with `http://` or `https://`"), &url.span);
        }
    }
    lint_cloud(target, problems);
    let mut report = |message: String, at: &Range<usize>| {
        problems.push(Problem::new("bad-setting", message, at.clone()));
    };
    let (env, command) = (node.entry("auth-env"), node.entry("auth-command"));
    if let (Some(_), Some(second)) = (env, command) {
        report("a key comes from `auth-env` or `auth-command`, not both".into(), &second.key_span);
    }
    if let Some(command) = command
        && matches!(&command.value.kind, Kind::List(words) if words.is_empty())
    {
        report("`auth-command` is empty".into(), &command.key_span);
    }
    if let Some(header) = node.entry("auth-header")
        && env.is_none()
        && command.is_none()
    {
        report("`auth-header` without a key: `auth-env` is missing".into(), &header.key_span);
    }
    if let Some(ttl) = node.entry("auth-ttl")
        && command.is_none()
    {
        report("`auth-ttl` is about the key of `auth-command`".into(), &ttl.key_span);
    }
    for (one, other) in [("client-cert", "client-key"), ("client-key", "client-cert")] {
        if let (Some(entry), None) = (node.entry(one), node.entry(other)) {
            report(format!("`{one}` needs `{other}` beside it"), &entry.key_span);
        }
    }
    let timeouts = node.get("timeouts").map_or(&[][..], Node::entries);
    for value in timeouts.iter().map(|entry| &entry.value).chain(node.get("auth-ttl")) {
        if let Some(Err(message)) = value.text().map(duration) {
            report(message, &value.span);
        }
    }
}
