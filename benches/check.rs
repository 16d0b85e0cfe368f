//! The whole catalogue against the mock at zero delay: wall time and requests a second.
//!
//! `cargo bench --bench check`. One process: the mock and the judge share the machine.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark prints its figures")]

use std::collections::BTreeMap;

use proofhouse::clock::Clock;
use proofhouse::engine::{Check, Options, Sink, Stopper, check};
use proofhouse::mock::{Config, Server};
use proofhouse::profile;
use proofhouse::record::{RunEvent, TargetMeta};
use proofhouse::suite::builtin;
use proofhouse::transcript::Exchange;
use proofhouse::transport::http::HttpTransport;
use proofhouse::transport::target::Target;
use proofhouse::units::Nanos;

#[derive(Default)]
struct Count {
    cases: usize,
    exchanges: usize,
    bytes: usize,
}

impl Sink for Count {
    fn event(&mut self, event: RunEvent) {
        if matches!(event, RunEvent::Case(_)) {
            self.cases += 1;
        }
    }
    fn exchange(&mut self, exchange: &Exchange) {
        self.exchanges += 1;
        self.bytes += exchange.frames.iter().map(|frame| frame.bytes.len()).sum::<usize>();
    }
}

fn main() {
    let suites = builtin::all().unwrap();
    let profile = profile::builtin::resolve("mock").unwrap().profile;
    let config = Config { ttft: Nanos(0), itl: Nanos(0), ..Config::default() };
    let server = Server::start(config).unwrap();
    let mut target = Target::new("mock", &server.base_url()).unwrap();
    "proofhouse-mock".clone_into(&mut target.model);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    println!(
        "{:>12} {:>7} {:>10} {:>10} {:>12} {:>10}",
        "concurrency", "cases", "requests", "wall ms", "requests/s", "body MB"
    );
    for concurrency in [1, 4, 8, 16] {
        let clock = Clock::system();
        let transport = HttpTransport::new(target.clone(), clock.clone()).unwrap();
        let meta = TargetMeta {
            name: "mock".to_owned(),
            base_url: target.base_url.to_string(),
            model: target.model.clone(),
            profile: profile.name.clone(),
            auth: String::new(),
            capabilities: BTreeMap::new(),
            server: BTreeMap::new(),
            planned: None,
        };
        let this = Check {
            transport: &transport,
            target: &target,
            meta: &meta,
            profile: &profile,
            plan: suites.iter().map(|l| (l, l.suite.cases.iter().collect())).collect(),
            clock: clock.clone(),
            today: clock.wall().date_naive(),
            options: Options { concurrency, ..Options::default() },
        };
        let mut count = Count::default();
        let started = clock.now();
        runtime.block_on(check(&this, &mut count, &Stopper::default()));
        let wall = clock.now().since(started);
        #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
        let rate = count.exchanges as f64 / wall.as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "a few megabytes")]
        let megabytes = count.bytes as f64 / 1e6;
        println!(
            "{concurrency:>12} {:>7} {:>10} {:>10.0} {rate:>12.0} {megabytes:>10.2}",
            count.cases,
            count.exchanges,
            wall.as_millis_f64(),
        );
    }
    server.stop();
}
