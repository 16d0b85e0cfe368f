//! For CI systems: a test case for each objective, one for the client's own error, and one for
//! there being good answers at all.

use quick_junit::{NonSuccessKind, Property, Report, TestCase, TestCaseStatus, TestSuite};

use super::{number, percent};
use crate::record::load::{LoadReport, ObjectiveResult};

pub(super) fn render(report: &LoadReport) -> String {
    let mut out = Report::new("proofhouse");
    out.set_timestamp(report.started);
    out.set_time((report.ended - report.started).to_std().unwrap_or_default());
    let mut suite = TestSuite::new("load");
    suite.set_timestamp(report.started);
    for (name, value) in [
        ("base_url", report.target.as_str()),
        ("model", &report.model),
        ("plan_sha256", &report.plan_sha256),
        ("proofhouse", &report.tool),
    ] {
        suite.add_property(Property::new(name, value));
    }
    suite.add_test_case(answers(report));
    suite.add_test_case(client(report));
    suite.add_test_cases(report.objectives.iter().map(objective));
    out.add_test_suite(suite);
    out.to_string().expect("a string takes whatever is written to it")
}

fn case(name: &str, status: TestCaseStatus) -> TestCase {
    let mut case = TestCase::new(name, status);
    case.set_classname("load");
    case
}

fn failure(message: String) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
    status.set_message(message);
    status
}

fn answers(report: &LoadReport) -> TestCase {
    let summary = &report.summary;
    let good = report.goodput.fraction.map_or_else(|| "none".to_owned(), percent);
    let said = format!(
        "{} requests: {} good, {} failed, {} shed; goodput {good}",
        summary.requests, summary.good, summary.failed, summary.shed
    );
    let status = if summary.good == 0 { failure(said.clone()) } else { TestCaseStatus::success() };
    let mut case = case("there are good answers", status);
    case.set_system_out(said);
    case
}

fn client(report: &LoadReport) -> TestCase {
    let status = if report.client.limited {
        failure(report.client.why.join("; "))
    } else {
        TestCaseStatus::success()
    };
    case("the client is not the bottleneck", status)
}

fn objective(result: &ObjectiveResult) -> TestCase {
    let status = match (result.met, result.value) {
        (Some(true), _) => TestCaseStatus::success(),
        (Some(false), Some(value)) => failure(number(value)),
        (Some(false), None) => failure(result.why.clone().unwrap_or_default()),
        (None, _) => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
            status.set_message(result.why.clone().unwrap_or_default());
            status
        }
    };
    case(&result.objective, status)
}
