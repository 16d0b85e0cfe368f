//! A transport whose answers are a function of the request, and a run on it.

use std::collections::BTreeMap;
use std::sync::Mutex;

use chrono::NaiveDate;
use proofhouse::clock::Clock;
use proofhouse::engine::{Check, Options, Sink, Stopper, check};
use proofhouse::profile::{self, Profile};
use proofhouse::record::{CaseRecord, RunEvent, TargetMeta, Warning};
use proofhouse::suite::load;
use proofhouse::transcript::{
    BodyFraming, Connection, End, Exchange, Frame, Headers, ResponseHead, Timing, WireRequest,
};
use proofhouse::transport::target::Target;
use proofhouse::transport::{Carry, Transport};
use proofhouse::units::Nanos;

/// An answer: its status and body, or an end without one.
pub(crate) enum Answer {
    Json(u16, &'static str),
    With(u16, &'static str, &'static str),
    End(End),
}

/// Answers the `n`th request (from 0) by a function.
pub(crate) struct Script<F> {
    answer: F,
    pub(crate) sent: Mutex<Vec<(WireRequest, Carry)>>,
}

impl<F: Fn(usize, &WireRequest) -> Answer + Send + Sync> Script<F> {
    pub(crate) fn new(answer: F) -> Self {
        Self { answer, sent: Mutex::default() }
    }
}

impl<F: Fn(usize, &WireRequest) -> Answer + Send + Sync> Transport for Script<F> {
    async fn exchange(&self, request: &WireRequest, carry: &Carry) -> Exchange {
        let number = {
            let mut sent = self.sent.lock().unwrap();
            sent.push((request.clone(), carry.clone()));
            sent.len() - 1
        };
        let mut headers = Headers::default();
        headers.push("content-type", "application/json");
        let (status, body, end) = match (self.answer)(number, request) {
            Answer::Json(status, body) => (Some(status), body, End::Complete),
            Answer::With(status, header, body) => {
                let (name, value) = header.split_once(": ").unwrap();
                headers.push(name, value);
                (Some(status), body, End::Complete)
            }
            Answer::End(end) => (None, "", end),
        };
        let number = u64::try_from(number).unwrap() + 1;
        Exchange {
            id: carry.id.clone(),
            request: request.clone(),
            connection: Connection { number, ..Connection::default() },
            head: status.map(|status| ResponseHead { status, reason: String::new(), headers }),
            framing: BodyFraming::Length,
            frames: vec![Frame { at: Nanos(1), bytes: body.to_owned().into() }],
            encoded: Vec::new(),
            trailers: Headers::default(),
            end,
            timing: Timing::default(),
            reads: Vec::new(),
            redactions: Vec::new(),
        }
    }
}

/// What a run brought forth.
#[derive(Default)]
pub(crate) struct Told {
    pub(crate) cases: Vec<CaseRecord>,
    pub(crate) warnings: Vec<Warning>,
    pub(crate) exchanges: Vec<String>,
}

impl Sink for Told {
    fn event(&mut self, event: RunEvent) {
        match event {
            RunEvent::Case(case) => self.cases.push(*case),
            RunEvent::Warning(warning) => self.warnings.push(warning),
            RunEvent::TargetProbed(_) => {}
        }
    }
    fn exchange(&mut self, exchange: &Exchange) {
        self.exchanges.push(exchange.id.clone());
    }
}

/// A suite around cases; each is YAML, indented by two.
pub(crate) fn suite(cases: &str) -> String {
    format!("proofhouse: 1\nsuite: stage\ntitle: Stage\ncases:\n{cases}")
}

/// A case with these further lines.
pub(crate) fn case(id: &str, level: &str, lines: &str) -> String {
    format!(
        "  - id: {id}\n    title: It holds\n    level: {level}\n    source: [\"https://example.com/rule\"]\n    \
         why: Somebody relies on it and breaks without it.\n{lines}"
    )
}

/// A step that asks `path` and expects this.
pub(crate) fn step(path: &str, expect: &str) -> String {
    format!(
        "    steps:\n      - request: {{path: {path}, method: GET}}\n        expect:\n          - {expect}\n"
    )
}

pub(crate) fn profile(lines: &str) -> Profile {
    let text = format!("proofhouse_profile: 1\nname: stage\n{lines}");
    profile::load::parse("stage.yaml", &text)
        .unwrap_or_else(|e| panic!("{}", e.render(false)))
        .profile
}

pub(crate) fn run(suite: &str, transport: &impl Transport) -> Told {
    run_with(suite, transport, &profile(""))
}

pub(crate) fn run_with(suite: &str, transport: &impl Transport, profile: &Profile) -> Told {
    let loaded = load::parse("stage.yaml", suite).unwrap_or_else(|e| panic!("{}", e.render(false)));
    let target = Target::new("stage", "http://stage.example/v1").unwrap();
    let meta = TargetMeta {
        name: "stage".to_owned(),
        base_url: target.base_url.to_string(),
        model: "m".to_owned(),
        profile: profile.name.clone(),
        auth: "none".to_owned(),
        capabilities: BTreeMap::new(),
        server: BTreeMap::new(),
        planned: None,
    };
    let today = NaiveDate::from_ymd_opt(2026, 11, 21).unwrap();
    let check_this = Check {
        transport,
        target: &target,
        meta: &meta,
        profile,
        plan: vec![(&loaded, loaded.suite.cases.iter().collect())],
        clock: Clock::by_hand(today.and_hms_opt(0, 0, 0).unwrap().and_utc()),
        today,
        options: Options::default(),
    };
    let mut told = Told::default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    assert!(runtime.block_on(check(&check_this, &mut told, &Stopper::default())));
    told
}
