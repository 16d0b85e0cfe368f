//! A request as a shell command that asks the same.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::transcript::{Header, WireRequest, is_secret_header};

/// A longer body stands below the command, where it does not hide the headers.
const INLINE_BYTES_MAX: usize = 1024;
/// A longer body stays in the record: nobody reads it, and a shell may not take it.
const HEREDOC_BYTES_MAX: usize = 64 * 1024;

/// What curl or HTTP itself fills in, and what would contradict it.
const LEFT_TO_CURL: [&str; 4] = ["host", "content-length", "transfer-encoding", "connection"];
/// What a request without a word of its own on it has, from us and from curl alike.
const OURS: [(&str, &str); 2] = [("user-agent", "proofhouse/"), ("accept", "*/*")];
/// What the key's variable is called where its name cannot be one, or it has none.
const KEY_VARIABLE: &str = "API_KEY";

/// How a command names the target's key, which it does not hold.
#[derive(Clone, Copy, Debug)]
pub struct Key<'a> {
    /// What stands for the key in the values of the request's headers.
    pub mark: &'a str,
    /// The environment variable that holds it; none if a command prints it.
    pub variable: Option<&'a str>,
}

/// A command for a POSIX shell that sends `request` again.
///
/// Secrets stand in it as variables: the key's own, and for a header that holds another secret one
/// that is named after the header, with a comment that says what belongs into it. What the
/// transport did besides, such as splitting writes or leaving early, is not in it.
pub fn curl(request: &WireRequest, key: Option<Key<'_>>) -> String {
    let mut lines = vec![first_line(request)];
    let mut before = String::new();
    for header in &request.headers {
        let name = header.name.to_ascii_lowercase();
        let ours = OURS.iter().any(|(own, value)| name == *own && header.value.starts_with(value));
        if ours || LEFT_TO_CURL.contains(&name.as_str()) {
            continue;
        }
        let (word, comment) = header_word(header, key);
        lines.push(format!("-H {word}"));
        if let Some(comment) = comment {
            let _ = writeln!(before, "# {comment}");
        }
    }

    let body = Body::of(&request.body);
    if body != Body::None && request.headers.get("content-type").is_none() {
        // Otherwise curl says that the body is a form.
        lines.push("-H 'Content-Type:'".to_owned());
    }
    let mut after = String::new();
    match body {
        Body::None => {}
        Body::Inline(text) => lines.push(format!("--data-binary {}", quoted(text))),
        Body::Long(text) => {
            let end = delimiter(text);
            lines.push(format!("--data-binary @- <<'{end}'"));
            let _ = write!(after, "\n{text}\n{end}");
        }
        Body::Bytes(bytes) => {
            let _ = write!(before, "printf %s {} | base64 -d | ", STANDARD.encode(bytes));
            lines.push("--data-binary @-".to_owned());
        }
        Body::Elsewhere(bytes) => {
            let _ = writeln!(before, "# request-body: the {bytes} bytes sent, from the run record");
            lines.push("--data-binary @request-body".to_owned());
        }
    }
    before + &lines.join(" \\\n  ") + &after
}

fn first_line(request: &WireRequest) -> String {
    let mut line = "curl -sS -i".to_owned();
    if is_stream(request) {
        line.push_str(" --no-buffer");
    }
    match (request.method.as_str(), request.body.is_empty()) {
        ("GET", true) | ("POST", false) => {}
        ("HEAD", true) => line.push_str(" --head"),
        (method, _) => {
            let _ = write!(line, " -X {}", word(method));
        }
    }
    // Without these curl reads brackets as ranges and resolves `..` itself.
    if request.url.contains(['[', ']', '{', '}']) {
        line.push_str(" --globoff");
    }
    if request.url.contains("/.") {
        line.push_str(" --path-as-is");
    }
    line + " " + &word(&request.url)
}

fn is_stream(request: &WireRequest) -> bool {
    let asks = serde_json::from_slice::<Value>(&request.body)
        .is_ok_and(|body| body.get("stream") == Some(&Value::Bool(true)));
    asks || request.headers.get("accept").is_some_and(|accept| accept.contains("event-stream"))
}

/// A header as one word of the shell, and what must be known of its variable.
fn header_word(header: &Header, key: Option<Key<'_>>) -> (String, Option<String>) {
    let Header { name, value } = header;
    if let Some(key) = key.filter(|key| value.contains(key.mark)) {
        let (variable, comment) = match key.variable {
            Some(name) if is_variable(name) => (name, None),
            Some(name) => (KEY_VARIABLE, Some(format!("{KEY_VARIABLE}: the value of `{name}`"))),
            None => (
                KEY_VARIABLE,
                Some(format!("{KEY_VARIABLE}: what the target's key command prints")),
            ),
        };
        let around: Vec<_> = value.split(key.mark).map(in_double_quotes).collect();
        let value = around.join(&format!("${{{variable}}}"));
        // Braces only where the name would go on.
        let value = plain_variable(&value, variable);
        return (format!("\"{}: {value}\"", in_double_quotes(name)), comment);
    }
    if is_secret_header(name) || value.contains("****") {
        let variable = variable(&name.to_ascii_lowercase());
        let scheme = value.split_once(' ').filter(|(scheme, _)| is_plain(scheme));
        let scheme = scheme.map(|(scheme, _)| format!("{scheme} ")).unwrap_or_default();
        let comment =
            format!("{variable}: what the request has in `{name}`, which is not the target's key");
        let word = format!("\"{}: {scheme}${variable}\"", in_double_quotes(name));
        return (word, Some(one_line(&comment)));
    }
    // curl takes `name:` as "leave this header out" and `name;` as "send it empty".
    let word = if value.is_empty() {
        quoted(&format!("{name};"))
    } else {
        quoted(&format!("{name}: {value}"))
    };
    (word, None)
}

fn is_variable(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// A variable's name, made from a header's.
fn variable(header: &str) -> String {
    let name: String = header
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' })
        .collect();
    if is_variable(&name) { name } else { format!("H_{name}") }
}

/// `${NAME}` at the very end of `value` without its braces.
fn plain_variable(value: &str, name: &str) -> String {
    match value.strip_suffix(&format!("${{{name}}}")) {
        Some(before) => format!("{before}${name}"),
        None => value.to_owned(),
    }
}

/// Text as it stands between double quotes.
fn in_double_quotes(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '"' | '\\' | '$' | '`') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// A comment ends with its line.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[derive(PartialEq, Eq)]
enum Body<'a> {
    None,
    Inline(&'a str),
    Long(&'a str),
    /// Not text: a shell's words cannot hold it.
    Bytes(&'a [u8]),
    /// Too long to be shown; how long.
    Elsewhere(usize),
}

impl<'a> Body<'a> {
    fn of(bytes: &'a [u8]) -> Self {
        if bytes.is_empty() {
            return Self::None;
        }
        if bytes.len() > HEREDOC_BYTES_MAX {
            return Self::Elsewhere(bytes.len());
        }
        match std::str::from_utf8(bytes) {
            // A leading `@` would make curl read a file.
            Ok(text)
                if text.len() <= INLINE_BYTES_MAX && !text.starts_with('@') && !has_nul(text) =>
            {
                Self::Inline(text)
            }
            // A here-document adds a line end. JSON does not mind; anything else is sent exactly.
            Ok(text) if serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok() => {
                Self::Long(text)
            }
            _ => Self::Bytes(bytes),
        }
    }
}

/// A word of a shell ends at a NUL, and JSON has none.
fn has_nul(text: &str) -> bool {
    text.contains('\0')
}

/// A line that does not stand in `text`.
fn delimiter(text: &str) -> String {
    let mut end = "EOF".to_owned();
    while text.lines().any(|line| line == end) {
        end.push('_');
    }
    end
}

/// `text` as one word of a shell, bare where that is safe.
fn word(text: &str) -> String {
    if !text.is_empty() && is_plain(text) { text.to_owned() } else { quoted(text) }
}

fn is_plain(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_alphanumeric() || "-_./:=,%+".contains(c))
}

/// `text` in single quotes.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
#[cfg(unix)] // The commands are for a POSIX shell, and the tests run them in one.
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    fn request(body: &str) -> WireRequest {
        WireRequest {
            method: "POST".into(),
            url: "http://127.0.0.1:8000/v1/chat/completions".into(),
            headers: [
                ("Host", "127.0.0.1:8000"),
                ("Content-Type", "application/json"),
                ("Authorization", "Bearer ${key}"),
                ("User-Agent", "proofhouse/0.1.0"),
                ("Accept", "*/*"),
                ("Content-Length", "2"),
            ]
            .into_iter()
            .collect(),
            body: body.to_owned().into(),
        }
    }

    fn key(variable: &str) -> Key<'_> {
        Key { mark: "${key}", variable: Some(variable) }
    }

    /// Runs the command with a `curl` that prints its arguments and its standard input.
    fn run(command: &str) -> (Vec<String>, Vec<u8>) {
        let dir = tempfile::tempdir().unwrap();
        let script = format!(
            "curl() {{ for a in \"$@\"; do printf '%s\\0' \"$a\"; done > '{0}/args'; \
             case \"$*\" in *@-*) cat > '{0}/stdin';; esac; }}\n{command}\n",
            dir.path().display()
        );
        let status = Command::new("sh")
            .arg("-c")
            .arg(script)
            .env("OPENAI_API_KEY", "sk-real")
            .stdin(Stdio::null())
            .status()
            .unwrap();
        assert!(status.success(), "{command}");
        let args = std::fs::read_to_string(dir.path().join("args")).unwrap();
        let args = args.trim_end_matches('\0').split('\0').map(str::to_owned).collect();
        (args, std::fs::read(dir.path().join("stdin")).unwrap_or_default())
    }

    #[test]
    fn the_command_asks_the_same_and_names_the_key_instead_of_giving_it() {
        let command =
            curl(&request(r#"{"stream":true,"say":"it's"}"#), Some(key("OPENAI_API_KEY")));

        assert_eq!(
            command,
            r#"curl -sS -i --no-buffer http://127.0.0.1:8000/v1/chat/completions \
  -H 'Content-Type: application/json' \
  -H "Authorization: Bearer $OPENAI_API_KEY" \
  --data-binary '{"stream":true,"say":"it'\''s"}'"#
        );
        let (args, _) = run(&command);
        assert!(args.contains(&"Authorization: Bearer sk-real".to_owned()), "{args:?}");
        assert_eq!(args.last().unwrap(), r#"{"stream":true,"say":"it's"}"#);
    }

    #[test]
    fn no_text_of_a_request_is_read_by_the_shell() {
        let mut request = request("");
        request.method = "PUT; touch owned".into();
        request.url = "http://h/$(touch owned)?a=[1]&b='`x`".into();
        request.headers.push("x-odd", "\"$HOME\" `id` ' \\ \n !");
        request.headers.push("x-empty", "");

        let (args, _) = run(&curl(&request, None));
        for want in ["PUT; touch owned", "http://h/$(touch owned)?a=[1]&b='`x`", "--globoff"] {
            assert!(args.contains(&want.to_owned()), "{want} in {args:?}");
        }
        assert!(args.contains(&"x-odd: \"$HOME\" `id` ' \\ \n !".to_owned()), "{args:?}");
        assert!(args.contains(&"x-empty;".to_owned()), "{args:?}");
    }

    #[test]
    fn a_long_body_goes_below_the_command_and_arrives_whole() {
        let body = format!("{{\"a\":\"it's $HOME\",\n\"EOF\":\n\"{}\"}}", "x".repeat(2000));
        let (args, stdin) = run(&curl(&request(&body), None));

        assert_eq!(args.last().unwrap(), "@-");
        assert_eq!(String::from_utf8(stdin).unwrap(), body + "\n");
    }

    #[test]
    fn a_body_that_is_no_text_or_would_name_a_file_arrives_byte_for_byte() {
        for body in [&b"\xff\x00\n"[..], b"@/etc/passwd"] {
            let mut request = request("");
            request.body = body.to_vec().into();

            let (_, stdin) = run(&curl(&request, None));
            assert_eq!(stdin, body);
        }
    }

    #[test]
    fn a_body_too_long_to_show_is_pointed_at() {
        let command = curl(&request(&" ".repeat(HEREDOC_BYTES_MAX + 1)), Some(key("K")));
        assert!(command.starts_with("# request-body: the 65537 bytes"), "{command}");
        assert!(command.len() < 400);
    }

    #[test]
    fn a_secret_header_is_a_variable_even_if_it_was_not_masked() {
        let mut request = request("");
        request.headers.set("authorization", "Bearer sk-live");
        request.headers.push("X-Amz-Security-Token", "secret");

        let command = curl(&request, Some(key("OPENAI_API_KEY")));
        assert!(!command.contains("sk-live") && !command.contains("secret'"), "{command}");
        // Another key than the target's must not be taken for it.
        assert!(command.contains("Bearer $AUTHORIZATION\""), "{command}");
        assert!(command.contains("# AUTHORIZATION: what the request has"), "{command}");
        assert!(command.contains("\"X-Amz-Security-Token: $X_AMZ_SECURITY_TOKEN\""), "{command}");
        let (args, _) = run(&command);
        assert!(args.contains(&"authorization: Bearer ".to_owned()), "{args:?}");
    }

    #[test]
    fn a_key_without_a_variable_of_its_own_is_said_in_a_comment() {
        for (variable, said) in [(None, "key command prints"), (Some("no name"), "`no name`")] {
            let command = curl(&request(""), Some(Key { mark: "${key}", variable }));
            assert!(command.starts_with("# API_KEY: ") && command.contains(said), "{command}");
            assert!(command.contains("Bearer $API_KEY\""), "{command}");
        }
    }

    #[test]
    fn what_stands_around_the_key_is_not_read_by_the_shell() {
        let mut request = request("");
        request.headers.set("authorization", "`id` ${key}_$HOME\"\\");

        let (args, _) = run(&curl(&request, Some(key("OPENAI_API_KEY"))));
        assert!(args.contains(&"authorization: `id` sk-real_$HOME\"\\".to_owned()), "{args:?}");
    }
}
