//! Reports: a saved run, rendered.
//!
//! Every format is a pure function of a [`Run`]: no clock, no environment, no network. The same
//! record gives the same bytes, on the day of the run or a year later. Times are in UTC.

mod client;
mod console;
mod facts;
mod harm;
mod html;
mod json;
mod junit;
pub mod load;
mod markdown;
mod phrase;
mod readiness;

pub use client::as_seen;
pub use json::schema as json_schema;

use crate::record::Run;

/// The forms a report comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// For a terminal or a CI log.
    Console,
    /// For scripts; `schema/report.json` describes it.
    Json,
    /// For CI systems: JUnit XML.
    Junit,
    /// For a pull-request comment or a job summary.
    Markdown,
    /// For people: one file that needs no network.
    Html,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 5] = [Self::Console, Self::Json, Self::Junit, Self::Markdown, Self::Html];

    /// Its name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Console => "console",
            Self::Json => "json",
            Self::Junit => "junit",
            Self::Markdown => "markdown",
            Self::Html => "html",
        }
    }

    /// The usual extension of such a file, without the dot.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Console => "txt",
            Self::Json => "json",
            Self::Junit => "xml",
            Self::Markdown => "md",
            Self::Html => "html",
        }
    }
}

/// How a console report looks. The other formats have one look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Whether to colour, by ANSI escapes.
    pub colour: bool,
    /// Columns to stay within where text can be broken.
    pub width: usize,
    /// Whether the terminal can show more than ASCII.
    pub unicode: bool,
    /// Whether to list what passed, was skipped or is only informative, and to show every place.
    pub verbose: bool,
}

impl Default for Style {
    /// What suits a file: no colour, 80 columns, short.
    fn default() -> Self {
        Self { colour: false, width: 80, unicode: true, verbose: false }
    }
}

/// Renders a run.
pub fn render(format: Format, run: &Run, style: &Style) -> String {
    let harms = harm::Harms::of(run);
    match format {
        Format::Console => console::render(&harm::told(run, &harms), &harms, style),
        Format::Json => json::render(run, &harms),
        Format::Junit => junit::render(&harm::told(run, &harms)),
        Format::Markdown => markdown::render(&harm::told(run, &harms), &harms),
        Format::Html => html::render(run, &harms),
    }
}
