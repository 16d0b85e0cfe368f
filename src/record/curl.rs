//! A request as a shell command that asks the same.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::transcript::{Header, WireRequest};

/// A longer body stands below the command, where it does not hide the headers.
const INLINE_BYTES_MAX: usize = 1024;
/// A longer body stays in the record: nobody reads it, and a shell may not take it.
const HEREDOC_BYTES_MAX: usize = 64 * 1024;

/// What curl or HTTP itself fills in, and what would contradict it.
const LEFT_TO_CURL: [&str; 5] =
    ["host", "content-length", "transfer-encoding", "connection", "user-agent"];
/// Headers that hold a secret. Their value is never written, masked or not.
const SECRET: [&str; 8] = [
    "authorization",
    "proxy-authorization",
    "api-key",
    "x-api-key",
    "x-amz-security-token",
    "x-goog-api-key",
    "cookie",
    "x-auth-token",
];

/// A command for a POSIX shell that sends `request` again.
///
/// Secrets stand in it as variables: `auth_var` names the one that holds the key (`OPENAI_API_KEY`);
/// without it the name is made from the header's. What the transport did besides, such as
/// splitting writes or leaving early, is not in it.
pub fn curl(request: &WireRequest, auth_var: Option<&str>) -> String {
    let mut lines = vec![first_line(request)];
    lines.extend(
        request
            .headers
            .iter()
            .filter(|header| !LEFT_TO_CURL.contains(&header.name.to_ascii_lowercase().as_str()))
            .map(|header| format!("-H {}", header_word(header, auth_var))),
    );

    let body = Body::of(&request.body);
    if body != Body::None && request.headers.get("content-type").is_none() {
        // Otherwise curl says that the body is a form.
        lines.push("-H 'Content-Type:'".to_owned());
    }
    let mut before = String::new();
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

fn header_word(header: &Header, auth_var: Option<&str>) -> String {
    let Header { name, value } = header;
    let lower = name.to_ascii_lowercase();
    if SECRET.contains(&lower.as_str()) || value.contains("****") {
        let variable = variable(&lower, auth_var);
        let scheme = value.split_once(' ').filter(|(scheme, _)| is_plain(scheme));
        let scheme = scheme.map(|(scheme, _)| format!("{scheme} ")).unwrap_or_default();
        // The only word of the command in double quotes, and made of harmless characters.
        return if is_plain(name) {
            format!("\"{name}: {scheme}${variable}\"")
        } else {
            format!("{}\"{scheme}${variable}\"", quoted(&format!("{name}: ")))
        };
    }
    // curl takes `name:` as "leave this header out" and `name;` as "send it empty".
    if value.is_empty() { quoted(&format!("{name};")) } else { quoted(&format!("{name}: {value}")) }
}

fn variable(header: &str, auth_var: Option<&str>) -> String {
    let is_key = matches!(header, "authorization" | "api-key" | "x-api-key" | "x-goog-api-key");
    let is_name = |name: &&str| {
        !name.is_empty()
            && !name.starts_with(|c: char| c.is_ascii_digit())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    match auth_var.filter(is_name) {
        Some(name) if is_key => name.to_owned(),
        _ if is_key => "API_KEY".to_owned(),
        _ => {
            let name: String = header
                .chars()
                .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' })
                .collect();
            if name.starts_with(|c: char| c.is_ascii_digit()) { format!("H_{name}") } else { name }
        }
    }
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
                ("Authorization", "Bearer *********"),
                ("Content-Length", "2"),
            ]
            .into_iter()
            .collect(),
            body: body.to_owned().into(),
        }
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
        let command = curl(&request(r#"{"stream":true,"say":"it's"}"#), Some("OPENAI_API_KEY"));

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
        let command = curl(&request(&" ".repeat(HEREDOC_BYTES_MAX + 1)), None);
        assert!(command.starts_with("# request-body: the 65537 bytes"), "{command}");
        assert!(command.len() < 400);
    }

    #[test]
    fn a_secret_header_is_a_variable_even_if_it_was_not_masked() {
        let mut request = request("");
        request.headers.set("authorization", "Bearer sk-live");
        request.headers.push("X-Amz-Security-Token", "secret");

        let command = curl(&request, Some("not a name"));
        assert!(!command.contains("sk-live") && !command.contains("secret'"), "{command}");
        assert!(command.contains("Bearer $API_KEY\""), "{command}");
        assert!(command.contains("\"X-Amz-Security-Token: $X_AMZ_SECURITY_TOKEN\""), "{command}");
    }
}
