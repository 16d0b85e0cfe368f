//! Every report, from a saved record. The record is the one of `fixtures/record/v1`: this reader
//! and every later one must read it, and render it as the snapshots say.
#![expect(clippy::unwrap_used, reason = "a test that cannot read its fixture has failed")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use proofhouse::record::load::LoadReport;
use proofhouse::record::{self, Run};
use proofhouse::report::load::Format as LoadFormat;
use proofhouse::report::{self, Format, Style};
use proofhouse::verdict::Verdict;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn fixture() -> Run {
    record::read(repository("fixtures/record/v1")).unwrap()
}

fn render(format: Format, run: &Run) -> String {
    report::render(format, run, &Style::default())
}

/// Whatever an endpoint, a suite or a configuration can put into a record, made hostile.
fn hostile() -> Run {
    const PAYLOAD: &str =
        "</script></style></pre><img src=x onerror=alert(1)>\"'`|\u{1b}[2J\u{0}\u{202e}]]>&amp;";
    let mut run = fixture();
    run.meta.argv.push(PAYLOAD.into());
    for suite in &mut run.meta.suites {
        suite.title.push_str(PAYLOAD);
    }
    for warning in &mut run.warnings {
        warning.seen.push_str(PAYLOAD);
    }
    for target in &mut run.targets {
        target.meta.name.push_str(PAYLOAD);
        target.meta.server.insert("server".into(), PAYLOAD.into());
        for case in &mut target.cases {
            case.id.push_str(PAYLOAD);
            case.title.push_str(PAYLOAD);
            case.why.push_str(PAYLOAD);
            case.source.push(format!("javascript:alert(1)//{PAYLOAD}"));
            case.reason = Some(PAYLOAD.into());
            case.curl = Some(PAYLOAD.into());
            for hurt in &mut case.hurts {
                hurt.effect.push_str(PAYLOAD);
            }
            for finding in &mut case.findings {
                finding.line.push_str(PAYLOAD);
                for evidence in &mut finding.evidence {
                    evidence.seen.push_str(PAYLOAD);
                    evidence.place.what.push_str(PAYLOAD);
                    if let Some(excerpt) = &mut evidence.place.excerpt {
                        excerpt.text.push_str(PAYLOAD);
                        excerpt.label.push_str(PAYLOAD);
                        excerpt.mark = 100_000;
                    }
                }
            }
        }
    }
    for exchange in run.exchanges.values_mut() {
        exchange.request.url.push_str(PAYLOAD);
        exchange.request.body = PAYLOAD.to_owned().into();
        if let Some(head) = &mut exchange.head {
            head.headers.push(PAYLOAD, PAYLOAD);
        }
        for frame in &mut exchange.frames {
            frame.bytes = [PAYLOAD.as_bytes(), b"\xff\xfe"].concat().into();
        }
    }
    run
}

/// The saved run with its targets repeated until there are `count`.
fn many(count: usize) -> Run {
    let mut run = fixture();
    let targets = std::mem::take(&mut run.targets);
    run.targets = targets.iter().cycle().take(count).cloned().collect();
    for (index, target) in run.targets.iter_mut().enumerate() {
        target.meta.name = format!("target-{index}-of-a-long-name");
        for case in &mut target.cases {
            case.target.clone_from(&target.meta.name);
        }
    }
    run
}

#[test]
fn many_targets_are_told_in_as_many_tables_as_the_width_needs() {
    let said = render(Format::Console, &many(8));

    for line in said.lines().filter(|line| line.contains("required that held")) {
        assert!(line.chars().count() <= 80, "{line}");
    }
    for index in 0..8 {
        let name = format!("target-{index}-of-a-long-name");
        assert!(said.lines().any(|line| line.trim_start().starts_with(&name)), "{name}");
    }
}

#[test]
fn the_saved_record_is_read_whole_and_holds_every_verdict() {
    let run = fixture();

    assert!(!run.truncated);
    assert_eq!(run.targets.len(), 2);
    let seen: BTreeSet<_> =
        run.targets.iter().flat_map(|target| &target.cases).map(|case| case.verdict).collect();
    assert_eq!(seen.len(), Verdict::ALL.len(), "{seen:?}");
}

#[test]
fn a_case_quotes_only_bytes_that_are_in_the_record() {
    for case in fixture().targets.iter().flat_map(|target| &target.cases) {
        for evidence in case.findings.iter().flat_map(|finding| &finding.evidence) {
            let id = evidence.place.exchange.as_ref().unwrap();
            let exchange = &fixture().exchanges[id];
            let body = exchange.body();
            if let (Some(offset), Some(frame)) = (evidence.place.offset, evidence.place.frame) {
                let (index, at) = exchange
                    .frame_at(offset.min(body.len() - 1))
                    .unwrap_or_else(|| panic!("{} at {offset}", case.id));
                assert_eq!((index, Some(at)), (frame, evidence.place.at), "{}", case.id);
            }
        }
    }
}

#[test]
fn the_same_record_gives_the_same_bytes() {
    for format in Format::ALL {
        assert_eq!(render(format, &fixture()), render(format, &fixture()), "{}", format.name());
    }
}

#[test]
fn the_console_report_of_the_saved_record() {
    insta::assert_snapshot!(render(Format::Console, &fixture()));
}

#[test]
fn a_plain_terminal_gets_ascii_within_its_width() {
    let style = Style { unicode: false, width: 60, ..Style::default() };
    let said = report::render(Format::Console, &fixture(), &style);

    assert!(said.is_ascii(), "{:?}", said.chars().find(|c| !c.is_ascii()));
    let is_curl =
        |line: &str| line.contains("curl ") || line.contains("  --data") || line.contains("  -H");
    for line in said.lines().filter(|line| !is_curl(line)) {
        assert!(line.len() <= 60, "{line}");
    }
}

#[test]
fn colour_changes_nothing_but_colour() {
    let colour = Style { colour: true, ..Style::default() };
    let painted = report::render(Format::Console, &fixture(), &colour);

    let mut plain = String::new();
    let mut rest = painted.as_str();
    while let Some((before, after)) = rest.split_once('\u{1b}') {
        plain.push_str(before);
        rest = after.split_once('m').unwrap().1;
    }
    plain.push_str(rest);
    assert!(painted.contains("\u{1b}["));
    assert_eq!(plain, render(Format::Console, &fixture()));
}

#[test]
fn a_long_pass_list_is_told_only_when_asked_for() {
    let verbose = Style { verbose: true, ..Style::default() };
    let said = report::render(Format::Console, &fixture(), &verbose);

    assert!(said.contains("PASS  sse.content-type"), "{said}");
    assert!(!render(Format::Console, &fixture()).contains("\nPASS"));
}

#[test]
fn the_markdown_report_of_the_saved_record() {
    insta::assert_snapshot!(render(Format::Markdown, &fixture()));
}

#[test]
fn the_junit_report_of_the_saved_record() {
    // The whole file is long; its outline shows what each case became.
    let xml = render(Format::Junit, &fixture());
    let outline: Vec<_> = xml
        .lines()
        .map(str::trim_start)
        .filter(|line| {
            line.starts_with("<test")
                || line.starts_with("<skip")
                || line.starts_with("<fail")
                || line.starts_with("<err")
        })
        .map(|line| line.split_inclusive('>').next().unwrap())
        .collect();
    insta::assert_snapshot!(outline.join("\n"));
}

#[test]
fn an_unexpected_pass_fails_junit_only_when_the_run_is_strict() {
    let failures = |xml: &str| xml.matches("<failure").count();
    let mut run = fixture();
    let lenient = failures(&render(Format::Junit, &run));
    run.meta.strict_known = true;

    assert_eq!(failures(&render(Format::Junit, &run)), lenient + 1);
}

#[test]
fn the_json_report_is_as_its_schema_says() {
    let schema: Value =
        serde_json::from_str(&std::fs::read_to_string(repository("schema/report.json")).unwrap())
            .unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();

    for run in [fixture(), hostile()] {
        let report: Value = serde_json::from_str(&render(Format::Json, &run)).unwrap();
        let errors: Vec<_> = validator
            .iter_errors(&report)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{errors:#?}");
    }
}

#[test]
fn the_committed_schema_is_the_one_of_the_code() {
    let path = repository("schema/report.json");
    let mut made = serde_json::to_string_pretty(&report::json_schema()).unwrap();
    made.push('\n');
    if std::env::vars().any(|(name, _)| name == "BLESS") {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &made).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default().replace("\r\n", "\n");
    assert!(committed == made, "schema/report.json is out of date: BLESS=1 cargo test");
}

#[test]
fn the_json_report_keeps_its_promise_to_scripts() {
    let report: Value = serde_json::from_str(&render(Format::Json, &fixture())).unwrap();

    for target in report["targets"].as_array().unwrap() {
        assert!(target["name"].is_string());
        let summary = target["summary"].as_object().unwrap();
        for verdict in Verdict::ALL {
            assert!(summary[verdict.name()].is_u64(), "{verdict:?}");
        }
        let counted: u64 = summary.values().filter_map(Value::as_u64).sum();
        let cases = target["cases"].as_array().unwrap();
        let provisional = cases.iter().filter(|case| case["provisional"] == true).count();
        assert_eq!(usize::try_from(counted).unwrap(), cases.len() - provisional);
        for case in cases {
            for key in ["id", "level", "verdict", "title"] {
                assert!(case[key].is_string(), "{key}");
            }
            let evidence = case["evidence"].as_array().unwrap();
            assert!(case["verdict"] != "fail" || !evidence.is_empty(), "{case}");
        }
    }
}

#[test]
fn junit_is_well_formed_whatever_the_bytes() {
    let xml = render(Format::Junit, &hostile());

    let report = quick_junit::Report::deserialize(xml.as_bytes()).unwrap();
    let run = fixture();
    let cases: usize = run.targets.iter().map(|target| target.cases.len()).sum();
    assert_eq!(report.tests, cases);
    assert!(!xml.contains(['\u{0}', '\u{1b}']));
}

#[test]
fn the_console_obeys_no_byte_of_an_endpoint() {
    let said = render(Format::Console, &hostile());
    assert!(!said.contains(['\u{1b}', '\u{0}', '\u{202e}']), "{said}");
}

#[test]
fn no_report_for_people_lets_a_stranger_turn_its_text_around() {
    for format in [Format::Console, Format::Markdown, Format::Html] {
        let said = render(format, &hostile());
        let unseen = said.find(|c: char| c == '\u{202e}' || (c.is_control() && c != '\n'));
        assert_eq!(unseen, None, "{}", format.name());
    }
}

#[test]
fn markdown_lets_no_html_of_an_endpoint_through() {
    let said = render(Format::Markdown, &hostile());
    let mut fenced = false;
    for line in said.lines() {
        if line.starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            assert!(!line.contains("<img") && !line.contains("</script>"), "{line}");
        }
    }
    assert!(!fenced);
}

/// A strict reading of a page: every element closed in order, every attribute quoted.
struct Page {
    ids: Vec<String>,
    /// Element, attribute, value.
    attributes: Vec<(String, String, String)>,
    /// Contents of `style` and `script`.
    raw: BTreeMap<String, String>,
}

fn unescape(text: &str) -> String {
    text.replace("&#x27;", "'").replace("&#x2f;", "/").replace("&quot;", "\"").replace("&amp;", "&")
}

fn parse(html: &str) -> Page {
    const VOID: [&str; 4] = ["meta", "link", "input", "br"];
    let mut page = Page { ids: Vec::new(), attributes: Vec::new(), raw: BTreeMap::new() };
    let mut open: Vec<String> = Vec::new();
    let mut rest = html.strip_prefix("<!doctype html>").expect("a doctype");
    while let Some((_, tag)) = rest.split_once('<') {
        if let Some(tag) = tag.strip_prefix('/') {
            let (name, after) = tag.split_once('>').unwrap();
            assert_eq!(open.pop().as_deref(), Some(name), "near {}", tag.lines().next().unwrap());
            rest = after;
            continue;
        }
        let end = tag.find(|c: char| !c.is_ascii_alphanumeric()).unwrap();
        let (name, mut attributes) = tag.split_at(end);
        assert!(!name.is_empty(), "a bare < near {}", tag.lines().next().unwrap());
        let mut closed = false;
        rest = loop {
            attributes = attributes.trim_start();
            if let Some(after) = attributes.strip_prefix("/>") {
                closed = true;
                break after;
            }
            if let Some(after) = attributes.strip_prefix('>') {
                break after;
            }
            let end = attributes.find(['=', '>', ' ']).unwrap();
            let (key, after) = attributes.split_at(end);
            let (value, after) = match after.strip_prefix("=\"") {
                Some(after) => after.split_once('"').unwrap(),
                None => ("", after),
            };
            if key == "id" {
                page.ids.push(value.to_owned());
            }
            page.attributes.push((name.to_owned(), key.to_owned(), unescape(value)));
            attributes = after;
        };
        if name == "style" || name == "script" {
            let (content, after) = rest.split_once(&format!("</{name}>")).unwrap();
            assert!(page.raw.insert(name.to_owned(), content.to_owned()).is_none(), "one {name}");
            rest = after;
        } else if !closed && !VOID.contains(&name) {
            open.push(name.to_owned());
        }
    }
    assert!(open.is_empty(), "left open: {open:?}");
    page
}

#[test]
fn the_page_is_well_formed_and_its_policy_names_exactly_what_it_runs() {
    for run in [fixture(), hostile()] {
        let html = render(Format::Html, &run);
        let page = parse(&html);

        let (_, _, policy) = page
            .attributes
            .iter()
            .find(|(name, key, value)| name == "meta" && key == "content" && value.contains("-src"))
            .unwrap();
        assert!(policy.starts_with("default-src 'none'; "), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        for (element, directive) in [("style", "style-src"), ("script", "script-src")] {
            let digest = Sha256::digest(page.raw[element].as_bytes());
            let digest = base64::engine::general_purpose::STANDARD.encode(digest);
            assert!(policy.contains(&format!("{directive} 'sha256-{digest}'")), "{element}");
        }
        for (element, key, value) in &page.attributes {
            assert!(key != "style" && !key.starts_with("on"), "{element} {key}={value}");
        }
    }
}

#[test]
fn the_page_loads_nothing_and_links_only_to_sources() {
    let run = fixture();
    let page = parse(&render(Format::Html, &run));

    let mut known: BTreeSet<&str> = BTreeSet::new();
    for case in run.targets.iter().flat_map(|target| &target.cases) {
        known.extend(case.source.iter().map(String::as_str));
        known.extend(case.known.as_ref().and_then(|known| known.link.as_deref()));
    }
    for (element, key, value) in &page.attributes {
        match (element.as_str(), key.as_str()) {
            ("a", "href") => {
                assert!(value.starts_with('#') || known.contains(value.as_str()), "{value}");
            }
            ("link", "href") => assert_eq!(value, "data:,"),
            (_, "src" | "href" | "srcset" | "action" | "poster" | "data") => {
                panic!("{element} {key}={value}")
            }
            _ => {}
        }
    }
}

#[test]
fn a_link_of_a_suite_cannot_run_a_script() {
    let page = parse(&render(Format::Html, &hostile()));
    for (_, key, value) in &page.attributes {
        assert!(key != "href" || !value.contains("javascript"), "{value}");
    }
}

#[test]
fn every_case_and_every_exchange_has_its_place_and_every_link_of_the_page_leads_somewhere() {
    for run in [fixture(), hostile()] {
        let html = render(Format::Html, &run);
        let page = parse(&html);

        let ids: BTreeSet<_> = page.ids.iter().map(String::as_str).collect();
        assert_eq!(ids.len(), page.ids.len(), "an id stands twice");
        let rows = ids.iter().filter(|id| id.starts_with("c-")).count();
        // One row and two cells for each of the cases that both targets have.
        assert_eq!(rows, 3 * run.targets[0].cases.len());
        assert_eq!(ids.iter().filter(|id| id.starts_with("x-")).count(), run.exchanges.len());
        for (_, key, value) in &page.attributes {
            let target = match key.as_str() {
                "href" => value.strip_prefix('#'),
                "data-exchange" => Some(value.as_str()),
                _ => None,
            };
            assert!(target.is_none_or(|target| ids.contains(target)), "{value}");
        }
    }
}

#[test]
fn a_verdict_is_never_told_by_colour_alone() {
    let html = render(Format::Html, &fixture());
    for verdict in Verdict::ALL {
        let badge = format!("<span class=\"badge v-{}\">", verdict.name());
        let (_, after) = html.split_once(&badge).unwrap();
        let (badge, _) = after.split_once("</span>\n").or(after.split_once("</span></")).unwrap();
        assert!(badge.contains(verdict.name()), "{badge}");
    }
}

#[test]
fn a_run_without_cases_or_exchanges_still_renders() {
    let mut run = fixture();
    run.truncated = true;
    run.exchanges.clear();
    for format in Format::ALL {
        assert!(!render(format, &run).is_empty());
    }
    for target in &mut run.targets {
        target.cases.clear();
    }
    run.warnings.clear();
    for format in Format::ALL {
        let said = render(format, &run);
        assert!(said.contains("vllm-like") || format == Format::Junit, "{said}");
    }
}

#[test]
#[ignore = "writes the pages that scripts/browser-test.sh opens"]
fn pages_for_the_browser() {
    let dir = repository("target/browser");
    std::fs::create_dir_all(&dir).unwrap();
    std::fs::write(dir.join("report.html"), render(Format::Html, &fixture())).unwrap();
    std::fs::write(dir.join("hostile.html"), render(Format::Html, &hostile())).unwrap();
    std::fs::write(dir.join("many.html"), render(Format::Html, &many(8))).unwrap();
    for (name, report) in [("load", load_fixture()), ("load-hostile", hostile_load())] {
        let page = render_load(LoadFormat::Html, &report);
        std::fs::write(dir.join(format!("{name}.html")), page).unwrap();
    }
}

/// A load that was interrupted, killed, and continued each time; with failures of two kinds and a
/// server that was scraped.
fn load_fixture() -> LoadReport {
    let path = repository("fixtures/load/v1/load.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// The same with hostile text wherever an endpoint, a plan or a command line can put some.
fn hostile_load() -> LoadReport {
    const PAYLOAD: &str =
        "</script></style></pre><img src=x onerror=alert(1)>\"'`|\u{1b}[2J\u{0}\u{202e}]]>&amp;";
    let mut report = load_fixture();
    for text in [&mut report.target, &mut report.model, &mut report.plan_sha256, &mut report.tool] {
        text.push_str(PAYLOAD);
    }
    report.argv.push(PAYLOAD.into());
    report.warnings.push(PAYLOAD.into());
    report.cut = Some(PAYLOAD.into());
    report.plan.as_object_mut().unwrap().insert("title".into(), PAYLOAD.into());
    report.client.why.push(PAYLOAD.into());
    report.client.limited = true;
    for count in [&mut report.errors, &mut report.finish_reasons, &mut report.false_successes] {
        count.insert(PAYLOAD.into(), 3);
    }
    report.error_examples.insert(PAYLOAD.into(), PAYLOAD.into());
    report.false_success_classes.insert(PAYLOAD.into(), [(PAYLOAD.into(), 2)].into());
    report.errors_by_second.insert(PAYLOAD.into(), vec![(1, 3)]);
    for objective in &mut report.objectives {
        objective.objective.push_str(PAYLOAD);
        objective.why = Some(PAYLOAD.into());
    }
    for server in &mut report.servers {
        server.url.push_str(PAYLOAD);
        server.family = Some(PAYLOAD.into());
        server.failed = 1;
        server.why = Some(PAYLOAD.into());
    }
    report
}

fn render_load(format: LoadFormat, report: &LoadReport) -> String {
    report::load::render(format, report, &Style::default())
}

#[test]
fn the_page_of_a_load_is_well_formed_needs_no_script_and_loads_nothing() {
    let mut bare = load_fixture();
    bare.seconds.clear();
    bare.curves.clear();
    bare.metrics.clear();
    bare.errors.clear();
    bare.servers.clear();
    bare.little = None;
    bare.cut = Some("killed".into());
    for report in [load_fixture(), hostile_load(), bare] {
        let html = render_load(LoadFormat::Html, &report);
        let page = parse(&html);
        assert!(!page.raw.contains_key("script"));
        let digest = Sha256::digest(page.raw["style"].as_bytes());
        let digest = base64::engine::general_purpose::STANDARD.encode(digest);
        let policy = format!(
            "default-src 'none'; style-src 'sha256-{digest}'; script-src 'none'; img-src data:; \
             base-uri 'none'; form-action 'none'"
        );
        assert!(page.attributes.iter().any(|(_, _, value)| *value == policy));
        for (element, key, value) in &page.attributes {
            assert!(key != "style" && !key.starts_with("on"), "{element} {key}={value}");
            match (element.as_str(), key.as_str()) {
                ("link", "href") => assert_eq!(value, "data:,"),
                (_, "src" | "href" | "srcset" | "action") => panic!("{element} {key}={value}"),
                _ => {}
            }
        }
        let unseen = html.find(|c: char| c == '\u{202e}' || (c.is_control() && c != '\n'));
        assert_eq!(unseen, None);
    }
}

#[test]
fn the_page_of_a_load_draws_what_was_measured() {
    let report = load_fixture();
    let html = render_load(LoadFormat::Html, &report);
    let charts = html.matches("<figure class=\"chart\">").count();
    assert_eq!(charts, 4 + 6, "percentiles of four metrics, and six series over time");
    for class in report.errors.keys() {
        assert!(html.contains(&format!("<code>{class}</code>")), "{class}");
    }
    for tool in report.false_successes.keys() {
        assert!(html.contains(tool.as_str()), "{tool}");
    }
    assert!(html.contains("class=\"break\"") && html.contains("class=\"bound\""));
    assert!(!html.contains("NaN") && !html.contains("inf "), "a number that is none");
}

#[test]
fn the_json_of_a_load_is_as_its_schema_says_and_comes_back_the_same() {
    let schema = std::fs::read_to_string(repository("schema/load.json")).unwrap();
    let validator = jsonschema::validator_for(&serde_json::from_str(&schema).unwrap()).unwrap();
    for report in [load_fixture(), hostile_load()] {
        let text = render_load(LoadFormat::Json, &report);
        let value: Value = serde_json::from_str(&text).unwrap();
        let errors: Vec<_> = validator
            .iter_errors(&value)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{errors:#?}");
        assert_eq!(serde_json::from_str::<LoadReport>(&text).unwrap(), report);
    }
}
