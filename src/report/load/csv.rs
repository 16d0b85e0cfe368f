//! One metric a line.

use std::fmt::Write as _;

use super::ROWS;
use crate::record::load::{LoadReport, Values};

pub(super) fn render(report: &LoadReport) -> String {
    let mut out = "metric,clock,unit,n,mean,min,p50,p90,p95,p99,p99.9,p99.99,max\n".to_owned();
    for (name, _) in ROWS {
        let Some(metric) = report.metrics.get(name) else { continue };
        row(&mut out, name, "actual", &metric.unit, &metric.values);
        if let Some(intended) = &metric.intended {
            row(&mut out, name, "intended", &metric.unit, intended);
        }
    }
    out
}

fn row(out: &mut String, name: &str, clock: &str, unit: &str, values: &Values) {
    let _ = write!(out, "{name},{clock},{unit},{}", values.n);
    let Values { n: _, mean, min, p50, p90, p95, p99, p99_9, p99_99, max, ci95: _, needs: _ } =
        values;
    for value in [mean, min, p50, p90, p95, p99, p99_9, p99_99, max] {
        match value {
            Some(value) => {
                let _ = write!(out, ",{value}");
            }
            None => out.push(','),
        }
    }
    out.push('\n');
}
