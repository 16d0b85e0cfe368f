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
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::record::Run;
use crate::report::harm::Harms;
use crate::report::phrase::visible;

const HEAD: &str = include_str!("head.html");
const PAGE: &str = include_str!("page.html");
/// What every page has: colours, text, cards, warnings.
const BASE: &str = include_str!("base.css");
const STYLE: &str = include_str!("check.css");
const SCRIPT: &str = include_str!("script.js");

pub(super) fn render(run: &Run, harms: &Harms<'_>) -> String {
    // The number of columns is the one thing that the style depends on. An inline `style`
    // attribute would need a policy that lets everybody's styles in.
    let own = format!("{}:root{{--targets:{}}}\n", unix(STYLE), run.targets.len().max(1));
    let sheet = Sheet::new(&own, SCRIPT);
    fill(PAGE, &view::Page::of(run, harms, sheet))
}

/// What the head of a page needs: its style and its script, and a policy that names them by hash.
#[derive(Serialize)]
pub(super) struct Sheet {
    policy: String,
    style: String,
    script: String,
}

impl Sheet {
    /// A page with a style of its own besides everybody's, and a script, if that is not empty.
    pub(super) fn new(style: &str, script: &str) -> Self {
        let style = format!("{}{}", unix(BASE), unix(style));
        let script = unix(script);
        let scripts =
            if script.is_empty() { "'none'".to_owned() } else { format!("'{}'", hash(&script)) };
        let policy = format!(
            "default-src 'none'; style-src '{}'; script-src {scripts}; img-src data:; \
             base-uri 'none'; form-action 'none'",
            hash(&style),
        );
        Self { policy, style, script }
    }
}

/// Fills in a template.
pub(super) fn fill(template: &str, page: &impl Serialize) -> String {
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
        .add_template_owned("head.html", unix(HEAD))
        .and_then(|()| environment.render_str(&unix(template), Serde(page)))
        .expect("the template is part of the program, and a test renders every branch of it")
}

/// A browser hashes the text after it has made every line end a `\n`.
fn unix(text: &str) -> String {
    text.replace("\r\n", "\n")
}

fn hash(text: &str) -> String {
    format!("sha256-{}", STANDARD.encode(Sha256::digest(text.as_bytes())))
}
