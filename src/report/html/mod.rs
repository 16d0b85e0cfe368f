//! The report for people: one file, no network.
//!
//! The page carries its style and its script under a content security policy that names them by
//! hash, so nothing that an endpoint sent can run or load anything. Without its script the page
//! is whole: rows open by themselves, and every exchange stands at the end.

mod row;
mod view;
mod wire;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Serde, Value};
use minijinja::{AutoEscape, Environment, UndefinedBehavior, escape_formatter};
use sha2::{Digest as _, Sha256};

use crate::record::Run;
use crate::report::harm::Harms;
use crate::report::phrase::visible;

const PAGE: &str = include_str!("page.html");
const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

pub(super) fn render(run: &Run, harms: &Harms<'_>) -> String {
    // The number of columns is the one thing that the style depends on. An inline `style`
    // attribute would need a policy that lets everybody's styles in.
    let style = format!("{}:root{{--targets:{}}}\n", unix(STYLE), run.targets.len().max(1));
    let script = unix(SCRIPT);
    let policy = format!(
        "default-src 'none'; style-src '{}'; script-src '{}'; img-src data:; base-uri 'none'; \
         form-action 'none'",
        hash(&style),
        hash(&script)
    );
    let page = view::Page::of(run, harms, policy, style, script);

    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    // Escaped text can still turn around what stands after it; that is not markup's business.
    environment.set_formatter(|out, state, value| match value.as_str() {
        Some(text) if !value.is_safe() => {
            escape_formatter(out, state, &Value::from(visible(text).as_ref()))
        }
        _ => escape_formatter(out, state, value),
    });
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
    environment.set_syntax(syntax.expect("the delimiters are the default ones"));
    environment
        .render_str(&unix(PAGE), Serde(&page))
        .expect("the template is part of the program, and a test renders every branch of it")
}

/// A browser hashes the text after it has made every line end a `\n`.
fn unix(text: &str) -> String {
    text.replace("\r\n", "\n")
}

fn hash(text: &str) -> String {
    format!("sha256-{}", STANDARD.encode(Sha256::digest(text.as_bytes())))
}
