//! The report for people: one file that needs no network and no script.

mod chart;
mod charts;
mod view;

use crate::record::load::LoadReport;
use crate::report::html::{Sheet, fill};

const PAGE: &str = include_str!("page.html");
const STYLE: &str = include_str!("style.css");

pub(super) fn render(report: &LoadReport) -> String {
    fill(PAGE, &view::Page::of(report, Sheet::new(STYLE, "")))
}
