//! Why a template cannot be filled in, and where.

use std::ops::Range;

use thiserror::Error;

use crate::text::did_you_mean;

/// A template that cannot be filled in: which, and why.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{kind} in `{template}`")]
pub struct TemplateError {
    /// The whole string.
    pub template: String,
    /// The bytes of it that are to blame.
    pub span: Range<usize>,
    /// Why.
    pub kind: TemplateErrorKind,
}

/// Why a template cannot be filled in.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum TemplateErrorKind {
    /// `${` without its `}`.
    #[error("`${{` without a closing `}}`\n(hint: a literal `${{` is written `$${{`)")]
    Unclosed,
    /// `${}`.
    #[error("an empty expression")]
    Empty,
    /// Not an expression.
    #[error("`{expression}` is not an expression: {why}")]
    Syntax {
        /// What stands between the braces.
        expression: String,
        /// What the expression reader says.
        why: String,
    },
    /// A name that is not there.
    #[error("there is no `{name}`; {}", known_names(name, known))]
    Unknown {
        /// The name.
        name: String,
        /// What there is.
        known: Vec<String>,
    },
    /// It can be read and not computed.
    #[error("`{expression}` has no value: {why}")]
    Evaluate {
        /// What stands between the braces.
        expression: String,
        /// What the evaluation says.
        why: String,
    },
    /// A condition that is not one expression.
    #[error("a condition is one expression: `\"${{usage}}\"` or `\"!${{usage}}\"`")]
    NotACondition,
}

pub(super) fn known_names(name: &str, known: &[String]) -> String {
    let list = known.iter().map(String::as_str);
    match did_you_mean(name, list) {
        Some(near) => format!("did you mean `{near}`? There are: {}", known.join(", ")),
        None => format!("there are: {}", known.join(", ")),
    }
}

pub(super) fn fault(template: &str, span: Range<usize>, kind: TemplateErrorKind) -> TemplateError {
    TemplateError { template: crate::text::ellipsis(template, 80), span, kind }
}
