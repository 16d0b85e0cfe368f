//! The load driver against the mock: what is sent, what is counted, what is kept.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use proofhouse::clock::Clock;
use proofhouse::load::{Glance, Job, LoadError, Watcher, run, saved};
use proofhouse::mock::{Config, Server};
use proofhouse::plan::Manners;
use proofhouse::plan::load::parse;
use proofhouse::record::load::{LoadReport, REPORT, REQUESTS, RequestLine, START, Start};
use proofhouse::transport::target::{BaseUrl, Target};
use proofhouse::units::Nanos;
use serde_json::{Value, json};

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
        resume: false,
        scrape: Vec::new(),
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

/// A server that gives everybody the same answer, framed by the close.
fn answering(answer: &'static str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for socket in listener.incoming() {
            let mut socket = socket.unwrap();
            std::thread::spawn(move || {
                let asked = socket.read(&mut [0; 8_192]).unwrap_or(0);
                let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n";
                if asked > 0 {
                    let _ = socket.write_all(format!("{head}{answer}").as_bytes());
                }
            });
        }
    });
    port
}

/// Head, body and end arrive as one: no event tells of the end again.
#[test]
fn an_answer_framed_by_the_close_is_whole_when_the_close_comes_with_it() {
    const ANSWER: &str = r#"{"choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1}}"#;
    let port = answering(ANSWER);
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

/// The bodies that reached the mock, in the order of their coming.
fn bodies(server: &Server) -> Vec<Value> {
    let captured = server.captured();
    captured.iter().map(|one| serde_json::from_slice(&one.request.body).unwrap()).collect()
}

fn lines(record: &Path) -> Vec<RequestLine> {
    let text = std::fs::read_to_string(record.join(REQUESTS)).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_session_grows_by_the_replies_that_really_came() {
    for (arrival, threads) in [("closed: {users: 2}", 2), ("burst: {size: 3, every: 1m}", 1)] {
        let server = mock("");
        let plan = format!(
            "arrival: {{{arrival}}}\nrequests: 12\nduration: 20s\nworkload:\n  \
             - {{prompt: {{tokens: 6}}, system: be brief, max_tokens: 5, session: {{turns: 4, think: 1ms}}}}\n"
        );
        let folder = tempfile::TempDir::new().unwrap();
        let record = folder.path().join("run");
        let job = Job { threads, record: Some(record.clone()), ..job(&server.base_url(), &plan) };
        let report = run(job, &mut Silent).unwrap();

        adds_up(&report);
        assert_eq!(report.summary.good, 12, "{:?}", report.error_examples);
        let sessions = report.sessions.unwrap();
        assert_eq!(sessions.started, sessions.completed + sessions.unfinished, "{sessions:?}");
        assert!(sessions.completed >= 2 && sessions.turns.len() == 4, "{sessions:?}");
        assert_eq!(sessions.turns.iter().map(|turn| turn.good).sum::<u64>(), 12);
        let prompts: Vec<f64> =
            sessions.turns.iter().filter_map(|turn| turn.prompt_tokens).collect();
        assert!(prompts.windows(2).all(|pair| pair[0] < pair[1]), "{prompts:?}");

        // Each conversation begins with the one before it, and the replies are the mock's own.
        let mut by_length: Vec<Vec<Value>> = bodies(&server)
            .into_iter()
            .map(|body| body["messages"].as_array().unwrap().clone())
            .collect();
        by_length.sort_by_key(Vec::len);
        for later in by_length.iter().filter(|messages| messages.len() > 2) {
            assert_eq!(later[0]["role"], "system");
            let said = &later[later.len() - 2];
            assert_eq!(said["role"], "assistant");
            assert!(!said["content"].as_str().unwrap().is_empty());
            let before = &later[..later.len() - 2];
            assert_eq!(by_length.iter().filter(|earlier| earlier[..] == *before).count(), 1);
        }
        let lines = lines(&record);
        let mut turns: Vec<(u64, Option<u32>)> =
            lines.iter().map(|line| (line.number, line.turn)).collect();
        turns.sort_unstable();
        turns.dedup();
        assert_eq!(turns.len(), 12);
        for line in lines.iter().filter(|line| line.turn > Some(0)) {
            let earlier = lines.iter().find(|other| {
                (other.number, other.turn.map(|turn| turn + 1)) == (line.number, line.turn)
            });
            // A turn is due a pause after the end of the reply before it, to the microsecond.
            let pause = line.due_ms - earlier.unwrap().end_ms;
            assert!((pause - 1.0).abs() < 0.002, "{pause}");
        }
    }
}

#[test]
fn a_session_breaks_off_where_a_turn_fails_and_its_user_begins_another() {
    let plan = "arrival: {closed: {users: 2}}\nrequests: 10\nworkload:\n  \
                - {prompt: {tokens: 6}, max_tokens: 5, session: {turns: 3}}\n";
    let report = load("sse-no-done", plan);
    adds_up(&report);
    assert_eq!(report.summary.failed, 10);
    let sessions = report.sessions.unwrap();
    assert_eq!((sessions.started, sessions.broken, sessions.completed), (10, 10, 0));
    assert!(report.warnings.iter().any(|doubt| doubt.contains("10 of 10 sessions broke off")));
}

#[test]
fn sessions_under_way_at_the_end_are_unfinished_and_none_is_lost() {
    let server = mock("");
    let plan = "arrival: {closed: {users: 3}}\nduration: 5m\nworkload:\n  \
                - {prompt: {tokens: 6}, max_tokens: 5, session: {turns: 3, think: 30ms}}\n";
    let job = job(&server.base_url(), plan);
    let mut watcher = Impatient(Arc::clone(&job.stop));
    let report = run(job, &mut watcher).unwrap();
    adds_up(&report);
    let sessions = report.sessions.unwrap();
    assert_eq!(sessions.started, sessions.completed + sessions.unfinished, "{sessions:?}");
    assert!(sessions.completed > 0 && sessions.unfinished <= 3, "{sessions:?}");
}

#[test]
fn agents_answer_calls_with_results_until_their_turns_are_over() {
    let server = mock("");
    let plan = "arrival: {closed: {users: 1}}\nrequests: 4\nworkload:\n  \
                - prompt: {text: What is the weather?}\n    \
                  tools: [{type: function, function: {name: look, parameters: {type: object, properties: {a: {type: string}}}}}]\n    \
                  tool_choice: required\n    \
                  session: {turns: 2, tool_result: 30}\n";
    let report = run(job(&server.base_url(), plan), &mut Silent).unwrap();
    adds_up(&report);
    assert_eq!(report.summary.good, 4, "{:?}", report.error_examples);
    let bodies = bodies(&server);
    let messages = bodies[1]["messages"].as_array().unwrap();
    assert_eq!(messages.len(), 3, "{messages:?}");
    assert_eq!(messages[1]["tool_calls"][0]["function"]["name"], "look");
    assert_eq!(messages[2]["role"], "tool");
    assert_eq!(messages[2]["tool_call_id"], messages[1]["tool_calls"][0]["id"]);
    assert_eq!(messages[2]["content"].as_str().unwrap().split(' ').count(), 30);
}

#[test]
fn a_tool_call_that_was_required_and_a_form_that_was_asked_for_are_judged() {
    let tools = "tools: [{type: function, function: {name: look, parameters: {type: object}}}], tool_choice: required";
    for (fault, keys, class) in [
        ("tools-choice-required-ignored", tools, "no-tool-call"),
        ("", tools, ""),
        ("", "response_format: {type: json_object}", ""),
        ("structured-not-json", "response_format: {type: json_object}", "schema"),
    ] {
        for stream in [true, false] {
            let plan = format!(
                "arrival: {{closed: {{users: 1}}}}\nrequests: 3\nworkload:\n  \
                 - {{prompt: {{text: 'Give JSON.'}}, stream: {stream}, {keys}}}\n"
            );
            let report = load(fault, &plan);
            adds_up(&report);
            let failed = report.errors.get(class).copied().unwrap_or_default();
            let expected = if class.is_empty() { 0 } else { 3 };
            assert_eq!(
                (failed, report.summary.failed),
                (expected, expected),
                "{fault} {stream}: {:?}",
                report.error_examples
            );
        }
    }
}

#[test]
fn embeddings_come_in_batches_and_pictures_in_their_size() {
    let server = mock("");
    let plan = "arrival: {closed: {users: 1}}\nrequests: 6\nworkload:\n  \
                - {prompt: {tokens: 4}, kind: embeddings, batch: 5}\n  \
                - {prompt: {text: what is this}, images: {count: 2, width: 256, height: 128}, max_tokens: 5}\n";
    let report = run(job(&server.base_url(), plan), &mut Silent).unwrap();
    assert_eq!(report.summary.good, 6, "{:?}", report.error_examples);
    let bodies = bodies(&server);
    let batches = bodies.iter().filter_map(|body| body["input"].as_array());
    assert!(batches.clone().count() > 0 && batches.clone().all(|texts| texts.len() == 5));
    let parts = bodies.iter().filter_map(|body| body["messages"][0]["content"].as_array());
    assert!(parts.clone().count() > 0 && parts.clone().all(|parts| parts.len() == 3));
}

#[test]
fn prompts_of_counted_words_are_as_long_as_they_should_be() {
    let server = mock("");
    let folder = tempfile::TempDir::new().unwrap();
    // A third of the words is in two pieces here, and is not used.
    let words = proofhouse::plan::Vocabulary::candidates();
    let whole: Vec<&str> = words.iter().copied().filter(|word| !word.contains('e')).collect();
    let vocabulary: serde_json::Map<String, Value> =
        whole.iter().map(|word| (format!("Ġ{word}"), json!(1))).collect();
    let file =
        json!({"model": {"type": "BPE", "vocab": vocabulary, "merges": [], "ignore_merges": true}});
    std::fs::write(folder.path().join("tokenizer.json"), file.to_string()).unwrap();
    let text = "proofhouse_plan: 1\narrival: {closed: {users: 2}}\nrequests: 20\ntokenizer: {file: tokenizer.json}\n\
                workload: [{prompt: {tokens: {uniform: {min: 20, max: 90}}}, max_tokens: 4}]\n";
    let job = Job {
        plan: parse("p.yaml", text, folder.path()).unwrap(),
        ..job(
            &server.base_url(),
            "arrival: {closed: {users: 1}}\nrequests: 1\nworkload: [{prompt: {text: a}}]\n",
        )
    };
    let report = run(job, &mut Silent).unwrap();
    let prompts = report.prompts.unwrap();
    assert_eq!((prompts.n, prompts.exact), (20, true));
    // What is left is the mock's own template, the same for each.
    assert_eq!(prompts.difference_min, prompts.difference_max, "{prompts:?}");
    assert!(
        !report.warnings.iter().any(|doubt| doubt.contains("prompts had")),
        "{:?}",
        report.warnings
    );
    for body in bodies(&server) {
        let text = body["messages"][0]["content"].as_str().unwrap().to_owned();
        assert!(text.split(' ').all(|word| whole.contains(&word)), "{text}");
    }
}

#[test]
fn a_chosen_hit_rate_is_sent_and_held_against_what_was_cached() {
    let server = mock("");
    let plan = "arrival: {closed: {users: 2}}\nrequests: 100\nworkload:\n  \
                - {prompt: {tokens: 20}, prefix: {tokens: 80, groups: 4, share: 0.5}, max_tokens: 2}\n";
    let report = run(job(&server.base_url(), plan), &mut Silent).unwrap();
    assert_eq!(report.summary.good, 100, "{:?}", report.error_examples);
    let start = |body: &Value| {
        let text = body["messages"][0]["content"].as_str().unwrap().to_owned();
        text.split(' ').take(80).collect::<Vec<_>>().join(" ")
    };
    let mut starts: Vec<String> = bodies(&server).iter().map(start).collect();
    starts.sort();
    let shared = starts.windows(2).filter(|pair| pair[0] == pair[1]).count();
    starts.dedup();
    // Four starts that came again, and as many more as there were requests on their own.
    assert_eq!(starts.len() + shared, 100);
    assert!((35..60).contains(&shared), "{shared}");
    let cache = report.cache.unwrap();
    let wanted = cache.wanted_share.unwrap();
    let could = 80.0 * f64::from(u32::try_from(shared).unwrap())
        / f64::from(u32::try_from(cache.prompt).unwrap());
    assert!((wanted - could).abs() < 1e-9, "{wanted} {could}");
    // The mock has no prefix cache, and the plan wanted one.
    assert!(
        report.warnings.iter().any(|doubt| doubt.contains("the plan's prefixes")),
        "{:?}",
        report.warnings
    );
}

/// 400 prompt tokens, of which a cache had 300.
#[test]
fn what_a_cache_had_is_told_unless_it_was_wanted() {
    const ANSWER: &str = r#"{"choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":400,"completion_tokens":1,"prompt_tokens_details":{"cached_tokens":300}}}"#;
    let port = answering(ANSWER);
    let run_with = |prefix: &str| {
        let plan = format!(
            "arrival: {{closed: {{users: 1}}}}\nrequests: 20\nworkload: [{{prompt: {{tokens: 90}}, stream: false{prefix}}}]\n"
        );
        run(job(&format!("http://127.0.0.1:{port}/v1"), &plan), &mut Silent).unwrap()
    };
    let said =
        |report: &LoadReport, what: &str| report.warnings.iter().any(|doubt| doubt.contains(what));
    let surprise = run_with("");
    let cache = surprise.cache.unwrap();
    assert_eq!((cache.told, cache.cached, cache.share), (20, 6_000, Some(0.75)));
    assert!(said(&surprise, "75 % of the prompt tokens"), "{:?}", surprise.warnings);
    // Nineteen of twenty could have 320 of their 400.
    let wanted = run_with(", prefix: {tokens: 320}");
    let cache = wanted.cache.unwrap();
    assert_eq!((cache.wanted_share, cache.shared_share), (Some(0.76), Some(0.75)));
    assert!(!said(&wanted, "prefix cache"), "{:?}", wanted.warnings);
    let other = run_with(", prefix: {tokens: 100}");
    assert!(said(&other, "where the plan's prefixes make 24 %"), "{:?}", other.warnings);
}

#[test]
fn conversations_of_a_data_set_are_asked_again_turn_by_turn() {
    let folder = tempfile::TempDir::new().unwrap();
    let data = json!([
        {"conversations": [{"from": "human", "value": "one?"}, {"from": "gpt", "value": "x"}, {"from": "human", "value": "two?"}]},
        {"conversations": [{"from": "human", "value": "three?"}]},
    ]);
    std::fs::write(folder.path().join("data.json"), data.to_string()).unwrap();
    for (session, expected) in
        [("", vec!["one?", "three?"]), ("session: {}, ", vec!["one?", "two?", "three?"])]
    {
        let server = mock("");
        let text = format!(
            "proofhouse_plan: 1\narrival: {{closed: {{users: 1}}}}\nrequests: {}\nworkload: [{{{session}prompt: {{sharegpt: data.json}}, unique: false, max_tokens: 3}}]\n",
            expected.len()
        );
        let job = Job {
            plan: parse("p.yaml", &text, folder.path()).unwrap(),
            ..job(
                &server.base_url(),
                "arrival: {closed: {users: 1}}\nrequests: 1\nworkload: [{prompt: {text: a}}]\n",
            )
        };
        let report = run(job, &mut Silent).unwrap();
        adds_up(&report);
        assert_eq!(
            usize::try_from(report.summary.good),
            Ok(expected.len()),
            "{:?}",
            report.error_examples
        );
        let asked: Vec<String> = bodies(&server)
            .iter()
            .map(|body| {
                body["messages"].as_array().unwrap().last().unwrap()["content"]
                    .as_str()
                    .unwrap()
                    .to_owned()
            })
            .collect();
        assert_eq!(asked, expected);
    }
}

#[test]
fn a_profile_without_a_done_and_without_length_keys_is_heard() {
    let server = mock("sse-no-done");
    let plan = "arrival: {closed: {users: 1}}\nrequests: 3\nworkload: [{prompt: {tokens: 5}, max_tokens: 40, exact_output: true}]\n";
    let mut job = job(&server.base_url(), plan);
    job.plan.mind(Manners { done: false, exact_output: Vec::new(), ..Manners::default() });
    let report = run(job, &mut Silent).unwrap();
    assert_eq!(report.summary.good, 3, "{:?}", report.error_examples);
    let body = &bodies(&server)[0];
    assert!(body.get("ignore_eos").is_none() && body["max_tokens"] == 40, "{body}");
    assert!(
        report.warnings.iter().any(|doubt| doubt.contains("names no key")),
        "{:?}",
        report.warnings
    );
}

/// What a kill leaves is the same, but for what only the process knew.
#[test]
fn a_report_made_again_from_what_is_on_disk_says_the_same() {
    let server =
        Server::start(Config { ttft: Nanos::from_millis(5), ..Config::default() }).unwrap();
    let folder = tempfile::TempDir::new().unwrap();
    let record = folder.path().join("run");
    let plan = "arrival: {constant: {rate: 60}}\nwarm_up: 300ms\nduration: 1500ms\n\
                objectives: [\"ttft.p90 < 1s\", \"e2e.p50 < 1ms\"]\nworkload:\n  \
                - {prompt: {tokens: 12}, max_tokens: 8}\n  \
                - {prompt: {text: hi}, max_tokens: 8, body: {model: nobody}}\n";
    let job = Job { record: Some(record.clone()), ..job(&server.base_url(), plan) };
    let report = run(job, &mut Silent).unwrap();
    assert!(report.summary.good > 20 && report.summary.failed > 20, "{:?}", report.summary);

    std::fs::remove_file(record.join(REPORT)).unwrap();
    // As a kill in the middle of a line would leave them.
    for name in [REQUESTS, "load.hlog"] {
        let mut file = std::fs::File::options().append(true).open(record.join(name)).unwrap();
        file.write_all(b"{\"number\": 4, \"sta").unwrap();
    }
    let again = saved(&record).unwrap();

    adds_up(&again);
    assert_eq!(again.cut.as_deref(), Some("killed"));
    assert!(again.warnings.iter().any(|warning| warning.contains("killed")));
    let counts = |report: &LoadReport| {
        let summary = &report.summary;
        (summary.good, summary.failed, summary.warm_up, summary.shed)
    };
    assert_eq!(counts(&again), counts(&report));
    assert_eq!(again.errors, report.errors);
    assert_eq!(again.false_success_classes, report.false_success_classes);
    assert_eq!(again.errors_by_second, report.errors_by_second);
    assert_eq!((&again.tokens, &again.whole), (&report.tokens, &report.whole));
    for (name, metric) in &report.metrics {
        let other = &again.metrics[name];
        assert_eq!(other.values.n, metric.values.n, "{name}");
        let near = |a: Option<f64>, b: Option<f64>| match (a, b) {
            // Each end of a span is rounded to a microsecond.
            (Some(a), Some(b)) => (a - b).abs() < 0.002 + 0.002 * b,
            (a, b) => a == b,
        };
        let same = near(other.values.mean, metric.values.mean)
            && near(other.values.p90, metric.values.p90)
            && other.intended.is_some() == metric.intended.is_some();
        assert!(same, "{name}: {other:?} {metric:?}");
    }
    let met = |report: &LoadReport| report.objectives.iter().map(|one| one.met).collect::<Vec<_>>();
    assert_eq!(met(&again), met(&report));
    let events =
        |report: &LoadReport| report.seconds.iter().map(|second| second.token_events).sum::<u64>();
    assert_eq!(events(&again), events(&report));
    let (a, b) = (again.throughput.output_tokens_per_s, report.throughput.output_tokens_per_s);
    assert!((a.unwrap() / b.unwrap() - 1.0).abs() < 0.1, "{a:?} {b:?}");
    assert!(again.client.stall_ms_p99.is_none() && again.client.rss_mib.is_none());
}

#[test]
fn a_run_that_was_interrupted_is_continued_and_the_gap_is_shown() {
    let server = mock("");
    let folder = tempfile::TempDir::new().unwrap();
    let record = folder.path().join("run");
    let plan = format!("arrival: {{constant: {{rate: 50}}}}\nduration: 2s\n{WORDS}");
    let job = || Job { record: Some(record.clone()), ..job(&server.base_url(), &plan) };
    let first = job();
    let mut watcher = Impatient(Arc::clone(&first.stop));
    let cut = run(first, &mut watcher).unwrap();
    assert_eq!(cut.cut.as_deref(), Some("interrupted"));
    assert!(cut.summary.good < 100);

    let again = run(Job { resume: true, ..job() }, &mut Silent).unwrap();

    adds_up(&again);
    assert_eq!(again.cut, None);
    assert_eq!(again.breaks.len(), 1);
    let lost = again.breaks[0].lost;
    assert_eq!(lost, cut.summary.unfinished);
    // What was due while nobody was there is not asked again.
    let sent = again.summary.good + again.summary.failed + lost;
    assert!((95..=100).contains(&sent), "{:?}", again.summary);
    assert!(again.summary.good > cut.summary.good && again.summary.failed == 0);
    assert!(again.warnings.iter().any(|warning| warning.contains("continued")));
    let lines = std::fs::read_to_string(record.join(REQUESTS)).unwrap();
    let lines: Vec<RequestLine> =
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut numbers: Vec<_> = lines.iter().map(|line| line.number).collect();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), lines.len(), "no request is sent twice");
    let icl = |report: &LoadReport| report.metrics["icl"].values.n;
    assert!(icl(&again) > icl(&cut));
    let start: Start = serde_json::from_slice(&std::fs::read(record.join(START)).unwrap()).unwrap();
    assert_eq!(start.parts.len(), 2);

    // The report of both parts can be made again as well.
    std::fs::remove_file(record.join(REPORT)).unwrap();
    let remade = saved(&record).unwrap();
    assert_eq!((remade.summary.good, remade.breaks.len()), (again.summary.good, 1));
    assert_eq!(icl(&remade), icl(&again));
}

#[test]
fn only_the_same_plan_on_the_same_target_goes_on_and_only_where_there_is_more() {
    let server = mock("");
    let folder = tempfile::TempDir::new().unwrap();
    let record = folder.path().join("run");
    let plan =
        |users: u32| format!("arrival: {{closed: {{users: {users}}}}}\nrequests: 4\n{WORDS}");
    let job = |plan: &str, resume| Job {
        record: Some(record.clone()),
        resume,
        ..job(&server.base_url(), plan)
    };
    let refused = |job| match run(job, &mut Silent) {
        Err(error @ LoadError::Resume { .. }) => error.to_string(),
        other => panic!("{other:?}"),
    };
    assert!(refused(job(&plan(1), true)).contains("cannot be continued"));
    let report = run(job(&plan(1), false), &mut Silent).unwrap();
    assert!(refused(job(&plan(1), true)).contains("came to its end"));
    let other = refused(job(&plan(2), true));
    let digests = other.split(|c: char| !c.is_ascii_hexdigit()).filter(|word| word.len() == 64);
    assert_eq!(digests.count(), 2, "{other}");
    assert!(other.contains(&report.plan_sha256));
    let mut elsewhere = job(&plan(1), true);
    "another".clone_into(&mut elsewhere.target.model);
    assert!(refused(elsewhere).contains("another"));
}

#[test]
fn the_servers_own_counts_stand_beside_the_clients() {
    for (persona, family) in [("vllm", "vLLM"), ("sglang", "SGLang")] {
        let config = Config { persona: persona.parse().unwrap(), ..Config::default() };
        let server = Server::start(config).unwrap();
        let plan = format!("arrival: {{closed: {{users: 3}}}}\nrequests: 30\n{WORDS}");
        // What came before the run is not in its counts.
        run(job(&server.base_url(), &plan), &mut Silent).unwrap();
        let origin = server.base_url().replace("/v1", "");
        let scrape = vec![BaseUrl::parse(&origin).unwrap()];
        let report = run(Job { scrape, ..job(&server.base_url(), &plan) }, &mut Silent).unwrap();

        assert_eq!(report.summary.good, 30, "{:?}", report.error_examples);
        let [side] = report.servers.as_slice() else { panic!("{:?}", report.servers) };
        assert_eq!(side.family.as_deref(), Some(family));
        assert_eq!(side.url, format!("{origin}/metrics"));
        assert!(side.scrapes >= 2 && side.failed == 0, "{side:?}");
        assert_eq!(side.counted.requests, Some(30.0));
        assert_eq!(side.counted.reply_tokens, Some(240.0));
        let same = |server: f64, client: u64| format!("{server:.0}") == client.to_string();
        assert!(same(side.counted.prompt_tokens.unwrap(), report.whole.prompt_tokens));
        assert!(same(side.ttft.unwrap().n, 30));
        let little = report.little.unwrap();
        assert!(little.expected > 0.5 && little.expected < 4.0, "{little:?}");
    }
}

#[test]
fn a_scrape_that_finds_no_metrics_is_refused_before_the_load() {
    let server = mock("");
    let plan = format!("arrival: {{closed: {{users: 1}}}}\nrequests: 1\n{WORDS}");
    let scrape = vec![BaseUrl::parse(&format!("{}/models", server.base_url())).unwrap()];
    match run(Job { scrape, ..job(&server.base_url(), &plan) }, &mut Silent) {
        Err(LoadError::Scrape { why, .. }) => assert!(why.contains("no Prometheus"), "{why}"),
        other => panic!("{other:?}"),
    }
    assert!(server.captured().iter().all(|asked| asked.request.method == "GET"));
}
