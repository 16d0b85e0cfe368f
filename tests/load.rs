//! The load driver against the mock: what is sent, what is counted, what is kept.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use proofhouse::clock::Clock;
use proofhouse::load::{Glance, Job, LoadError, Watcher, run};
use proofhouse::mock::{Config, Server};
use proofhouse::plan::load::parse;
use proofhouse::record::load::{LoadReport, REPORT, REQUESTS, RequestLine};
use proofhouse::transport::target::Target;
use proofhouse::units::Nanos;

struct Silent;

impl Watcher for Silent {
    fn glance(&mut self, _: &Glance) {}
}

/// Stops the run at its first glance.
struct Impatient(Arc<AtomicBool>);

impl Watcher for Impatient {
    fn glance(&mut self, _: &Glance) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn job(url: &str, plan: &str) -> Job {
    let text = format!("proofhouse_plan: 1\n{plan}");
    let mut target = Target::new("mock", url).unwrap();
    "proofhouse-mock".clone_into(&mut target.model);
    Job {
        plan: parse("p.yaml", &text, Path::new("."))
            .unwrap_or_else(|e| panic!("{}", e.render(false))),
        target,
        auth: None,
        threads: 1,
        record: None,
        argv: Vec::new(),
        clock: Clock::system(),
        stop: Arc::default(),
    }
}

fn mock(faults: &str) -> Server {
    Server::start(Config { faults: faults.parse().unwrap(), ..Config::default() }).unwrap()
}

fn load(faults: &str, plan: &str) -> LoadReport {
    let server = mock(faults);
    run(job(&server.base_url(), plan), &mut Silent).unwrap()
}

/// Every intended request is one of the three.
fn adds_up(report: &LoadReport) {
    let summary = &report.summary;
    assert_eq!(
        summary.requests,
        summary.good + summary.failed + summary.shed + summary.never_sent,
        "{summary:?}"
    );
    assert_eq!(report.errors.values().sum::<u64>(), summary.failed, "{:?}", report.errors);
}

const WORDS: &str = "workload: [{prompt: {tokens: 12}, max_tokens: 8}]\n";

#[test]
fn users_ask_one_after_the_other_over_connections_of_their_own() {
    let report = load("", &format!("arrival: {{closed: {{users: 4}}}}\nrequests: 40\n{WORDS}"));

    adds_up(&report);
    assert_eq!(report.summary.good, 40, "{:?}", report.error_examples);
    assert!(report.summary.in_flight_max <= 4);
    assert_eq!(report.client.connections, 4);
    assert_eq!(report.tokens.with_usage, 40);
    assert_eq!(report.tokens.reply, 40 * 8);
    let metric = |name: &str| &report.metrics[name];
    assert_eq!((metric("ttft").values.n, metric("e2e").values.n), (40, 40));
    assert_eq!(metric("connect").values.n, 0);
    assert!(metric("ttft").values.p50.unwrap() >= 2.0);
    assert!(metric("ttft").values.needs.contains_key("p99") && metric("ttft").values.p99.is_none());
    assert!(metric("tpot").values.p50.is_some() && metric("icl").values.n >= 40 * 6);
    assert_eq!(report.goodput.fraction, Some(1.0));
}

#[test]
fn an_open_load_keeps_its_schedule_whatever_the_answers_do() {
    let plan = format!(
        "arrival: {{constant: {{rate: 100}}}}\nwarm_up: 100ms\nduration: 400ms\ncool_down: 100ms\n{WORDS}"
    );
    let report = load("", &plan);

    adds_up(&report);
    let summary = &report.summary;
    assert_eq!((summary.warm_up, summary.requests, summary.cool_down), (10, 40, 10));
    assert_eq!(summary.good, 40, "{:?}", report.error_examples);
    let again = load("", &plan);
    assert_eq!(again.plan_sha256, report.plan_sha256);
}

#[test]
fn several_event_loops_share_one_schedule() {
    let server = mock("");
    let plan = format!("arrival: {{poisson: {{rate: 200}}}}\nrequests: 60\n{WORDS}");
    let folder = tempfile::TempDir::new().unwrap();
    let record = folder.path().join("run");
    let job = Job { threads: 3, record: Some(record.clone()), ..job(&server.base_url(), &plan) };
    let report = run(job, &mut Silent).unwrap();

    adds_up(&report);
    assert_eq!(report.summary.good, 60);
    let lines = std::fs::read_to_string(record.join(REQUESTS)).unwrap();
    let mut numbers: Vec<u64> = lines
        .lines()
        .map(|line| serde_json::from_str::<RequestLine>(line).unwrap().number)
        .collect();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), 60);
    let kept: LoadReport =
        serde_json::from_slice(&std::fs::read(record.join(REPORT)).unwrap()).unwrap();
    assert_eq!(kept, report);
}

#[test]
fn a_broken_stream_is_no_success_and_its_class_says_why() {
    for (fault, class, vllm) in [
        ("sse-no-done", "no-done", true),
        ("finish-missing", "truncated", true),
        ("usage-stream-missing", "no-usage", true),
        ("sse-unterminated-last-event", "truncated", true),
    ] {
        let plan = format!("arrival: {{closed: {{users: 2}}}}\nrequests: 6\n{WORDS}");
        let report = load(fault, &plan);
        adds_up(&report);
        let failed = report.errors.get(class).copied().unwrap_or_default();
        assert_eq!(failed, 6, "{fault}: {:?} {:?}", report.errors, report.error_examples);
        assert_eq!(report.false_successes["vllm bench"] > 0, vllm, "{fault}");
        assert_eq!(report.false_success_classes["vllm bench"][class], 6, "{fault}");
        assert_eq!(report.metrics["ttft"].values.n, 0);
        assert_eq!(report.goodput.fraction, Some(0.0));
    }
}

/// Servers that fail half way: as they should, with a bare end, and with a reset.
#[test]
fn a_server_that_fails_inside_a_stream_is_told_by_what_it_did() {
    for (fault, class, vllm, guidellm) in [
        ("", "in-band-error", true, false),
        ("errstream-bare-eof", "truncated", true, true),
        ("errstream-cut-connection", "reset", false, false),
    ] {
        let server = mock(fault);
        let plan = format!("arrival: {{closed: {{users: 2}}}}\nrequests: 6\n{WORDS}");
        let mut job = job(&server.base_url(), &plan);
        job.target.headers.push("x-proofhouse-mock", "fail-after=3");
        let report = run(job, &mut Silent).unwrap();
        adds_up(&report);
        let failed = report.errors.get(class).copied().unwrap_or_default();
        assert_eq!(failed, 6, "{fault}: {:?} {:?}", report.errors, report.error_examples);
        assert_eq!(report.false_successes["vllm bench"] == 6, vllm, "{fault}");
        assert_eq!(report.false_successes["guidellm"] == 6, guidellm, "{fault}");
    }
}

#[test]
fn odd_but_sound_framing_is_good() {
    for fault in ["sse-crlf", "sse-no-space", "usage-continuous"] {
        let plan = format!("arrival: {{closed: {{users: 2}}}}\nrequests: 6\n{WORDS}");
        let report = load(fault, &plan);
        assert_eq!(report.summary.good, 6, "{fault}: {:?}", report.error_examples);
        assert_eq!(report.metrics["ttft"].values.n, 6, "{fault}");
    }
}

#[test]
fn what_is_due_while_too_many_are_in_flight_is_shed_and_counted() {
    let server =
        Server::start(Config { ttft: Nanos::from_millis(300), ..Config::default() }).unwrap();
    let plan =
        format!("arrival: {{constant: {{rate: 100}}}}\nduration: 500ms\nin_flight_max: 2\n{WORDS}");
    let report = run(job(&server.base_url(), &plan), &mut Silent).unwrap();

    adds_up(&report);
    assert_eq!(report.summary.requests, 50);
    assert!(report.summary.shed >= 40, "{:?}", report.summary);
    assert!(report.summary.in_flight_max <= 2);
    assert!(
        report.warnings.iter().any(|warning| warning.contains("shed")),
        "{:?}",
        report.warnings
    );
}

#[test]
fn a_run_that_is_stopped_reports_what_there_was() {
    let server =
        Server::start(Config { ttft: Nanos::from_millis(200), ..Config::default() }).unwrap();
    let plan = format!("arrival: {{closed: {{users: 3}}}}\nduration: 5m\n{WORDS}");
    let job = job(&server.base_url(), &plan);
    let mut watcher = Impatient(Arc::clone(&job.stop));
    let report = run(job, &mut watcher).unwrap();

    adds_up(&report);
    assert_eq!(report.cut.as_deref(), Some("interrupted"));
    assert!(report.summary.good > 0 && report.summary.unfinished <= 3, "{:?}", report.summary);
}

#[test]
fn a_server_that_is_gone_ends_the_run() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let plan = format!("arrival: {{closed: {{users: 8}}}}\nduration: 5m\n{WORDS}");
    let report = run(job(&format!("http://127.0.0.1:{port}/v1"), &plan), &mut Silent).unwrap();

    adds_up(&report);
    assert!(report.cut.as_deref().unwrap().contains("reached nobody"), "{:?}", report.cut);
    assert_eq!(report.errors.keys().collect::<Vec<_>>(), ["connect"]);
}

#[test]
fn a_plan_may_stop_at_failures_and_objectives_say_what_they_lack() {
    let plan = format!(
        "arrival: {{closed: {{users: 2}}}}\nduration: 5m\nstop: {{failed_share: 0.5, after: 10}}\n\
         objectives: [\"failed.share < 1%\", \"ttft.p99 < 1s\", \"start_lag.p99 < 0ns\"]\n{WORDS}"
    );
    let report = load("sse-no-done", &plan);

    adds_up(&report);
    assert!(report.cut.as_deref().unwrap().contains("failed"), "{:?}", report.cut);
    assert_eq!(report.objectives[0].met, Some(false));
    assert_eq!(report.objectives[1].met, None);
    assert!(report.objectives[1].why.as_deref().unwrap().contains("299"));
    // Few values cannot meet a p99, but they can miss it.
    assert_eq!(report.objectives[2].met, Some(false), "{:?}", report.objectives);
}

#[test]
fn whole_answers_and_embeddings_are_measured_too() {
    let plan = "arrival: {closed: {users: 2}}\nrequests: 20\nworkload:\n  \
                - {prompt: {text: hi}, stream: false, max_tokens: 5}\n  \
                - {prompt: {text: hi}, kind: embeddings}\n";
    let report = load("", plan);
    assert_eq!(report.summary.good, 20, "{:?}", report.error_examples);
    assert_eq!((report.metrics["ttft"].values.n, report.metrics["e2e"].values.n), (0, 20));
}

/// Head, body and end arrive as one: no event tells of the end again.
#[test]
fn an_answer_framed_by_the_close_is_whole_when_the_close_comes_with_it() {
    const ANSWER: &str = r#"{"choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1}}"#;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for socket in listener.incoming() {
            let mut socket = socket.unwrap();
            std::thread::spawn(move || {
                let asked = socket.read(&mut [0; 4096]).unwrap_or(0);
                let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n";
                if asked > 0 {
                    let _ = socket.write_all(format!("{head}{ANSWER}").as_bytes());
                }
            });
        }
    });
    let plan = "arrival: {closed: {users: 4}}\nrequests: 80\n\
                workload: [{prompt: {text: hi}, stream: false}]\n";
    let mut job = job(&format!("http://127.0.0.1:{port}/v1"), plan);
    job.target.timeouts.gap = Duration::from_secs(2);
    let report = run(job, &mut Silent).unwrap();
    adds_up(&report);
    assert_eq!(report.summary.good, 80, "{:?}", report.error_examples);
}

#[test]
fn a_record_is_not_overwritten() {
    let server = mock("");
    let folder = tempfile::TempDir::new().unwrap();
    std::fs::write(folder.path().join(REPORT), "{}").unwrap();
    let plan = format!("arrival: {{closed: {{users: 1}}}}\nrequests: 1\n{WORDS}");
    let job = Job { record: Some(folder.path().to_owned()), ..job(&server.base_url(), &plan) };
    assert!(matches!(run(job, &mut Silent), Err(LoadError::Record { .. })));
}

#[test]
fn what_an_interrupted_run_never_sent_is_intended_and_not_good() {
    let server = mock("");
    for (arrival, ends, planned) in [
        ("{constant: {rate: 100}}", "duration: 60s", 6_000),
        ("{constant: {rate: 50}}", "duration: 60s\nrequests: 1000", 1_000),
        ("{closed: {users: 1, think: 400ms}}", "requests: 500", 500),
    ] {
        let plan = format!("arrival: {arrival}\n{ends}\n{WORDS}");
        let job = job(&server.base_url(), &plan);
        let mut watcher = Impatient(Arc::clone(&job.stop));
        let report = run(job, &mut watcher).unwrap();

        adds_up(&report);
        let summary = &report.summary;
        assert_eq!(summary.requests, planned, "{arrival}: {summary:?}");
        assert!(summary.never_sent > 0 && summary.good > 0, "{arrival}: {summary:?}");
        assert!(report.goodput.fraction.unwrap() < 1.0);
        assert!(report.warnings.iter().any(|warning| warning.contains("never sent")));
    }
}

#[test]
fn an_answer_that_the_plan_calls_too_slow_is_failed_as_slow() {
    let server =
        Server::start(Config { ttft: Nanos::from_millis(40), ..Config::default() }).unwrap();
    for (slow, why) in [("ttft", "first token"), ("total", "response")] {
        let plan = format!(
            "arrival: {{closed: {{users: 2}}}}\nrequests: 6\nslow: {{{slow}: 10ms}}\n{WORDS}"
        );
        let report = run(job(&server.base_url(), &plan), &mut Silent).unwrap();
        adds_up(&report);
        assert_eq!(report.errors["slow"], 6, "{:?}", report.errors);
        assert!(report.error_examples["slow"].contains(why), "{:?}", report.error_examples);
        // The stream was sound: nobody is blamed for counting it.
        assert_eq!(report.false_successes["vllm bench"], 0);
    }
    let plan = format!(
        "arrival: {{closed: {{users: 2}}}}\nrequests: 6\nslow: {{ttft: 5m, gap: 5m, total: 5m}}\n{WORDS}"
    );
    let report = run(job(&server.base_url(), &plan), &mut Silent).unwrap();
    assert_eq!(report.summary.good, 6, "{:?}", report.error_examples);
}

#[test]
fn refusals_of_too_much_are_told_with_the_wait_they_ask_for() {
    let server =
        Server::start(Config { capacity: 1, ttft: Nanos::from_millis(300), ..Config::default() })
            .unwrap();
    let plan = format!("arrival: {{burst: {{size: 8, every: 60s}}}}\nrequests: 8\n{WORDS}");
    let report = run(job(&server.base_url(), &plan), &mut Silent).unwrap();

    adds_up(&report);
    let limited = report.rate_limited;
    assert!(limited.requests >= 6, "{limited:?} {:?}", report.errors);
    assert_eq!(limited.requests, report.errors["http-429"]);
    assert_eq!(limited.with_retry_after, limited.requests);
    assert_eq!(limited.retry_after_s_max, Some(1.0));
    assert!(report.warnings.iter().any(|warning| warning.contains("429")), "{:?}", report.warnings);
}

#[test]
fn deadlines_of_tokens_are_met_or_missed() {
    let server =
        Server::start(Config { ttft: Nanos::from_millis(20), ..Config::default() }).unwrap();
    let with = |deadlines: &str| {
        let plan = format!(
            "arrival: {{closed: {{users: 2}}}}\nrequests: 10\ndeadlines: {deadlines}\n{WORDS}"
        );
        run(job(&server.base_url(), &plan), &mut Silent).unwrap()
    };

    let easy = with("{ttft: 5m, itl: 5m}").fluidity.unwrap();
    assert_eq!((easy.deadlines, easy.missed, easy.requests), (80, 0, 10), "{easy:?}");
    assert_eq!((easy.share, easy.requests_without_miss), (Some(1.0), 10));
    // No token comes before 20 ms: the first one is always late.
    let report = with("{ttft: 1ms, itl: 5m}");
    let strict = report.fluidity.unwrap();
    assert_eq!((strict.deadlines, strict.missed), (80, 10), "{strict:?}");
    assert_eq!((strict.requests_without_miss, strict.requests_met_90_percent), (0, 0));
    assert!(
        load("", &format!("arrival: {{closed: {{users: 1}}}}\nrequests: 1\n{WORDS}"))
            .fluidity
            .is_none()
    );
}

#[test]
fn the_first_event_is_told_beside_the_first_token() {
    let server =
        Server::start(Config { ttft: Nanos::from_millis(20), ..Config::default() }).unwrap();
    let plan = format!("arrival: {{closed: {{users: 2}}}}\nrequests: 40\n{WORDS}");
    let report = run(job(&server.base_url(), &plan), &mut Silent).unwrap();
    let p50 = |name: &str| report.metrics[name].values.p50.unwrap();

    assert_eq!(report.metrics["tt_first_event"].values.n, 40);
    assert!(p50("headers") <= p50("tt_first_event"));
    assert!(p50("tt_first_event") <= p50("ttft"));
    assert!(report.steadiness.is_none(), "a second is too short to judge");
}
