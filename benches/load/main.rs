//! The load driver against a server whose write times are known.
//!
//! `cargo bench --bench load` prints, for each load, what was true, what was reported, and what it
//! cost: time to first token, gaps, start lag, processor time for each token event of the event loop
//! and of the whole process (reading, parsing, judging and recording), memory, and memory over time.
//! `wrk`, where it is installed, and a bare reader, neither of which parses events, read the same
//! bytes for comparison; a thread that only wakes up tells how late anybody is on this machine. Run as a test it sends a handful of requests
//! and measures nothing worth reading. `cargo bench --bench load -- 1000` runs the loads whose name
//! holds `1000`.

#![expect(clippy::print_stdout, reason = "a benchmark's result is what it prints")]
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a benchmark may fail loudly"
)]

mod bare;
mod timer;
mod wrk;

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use proofhouse::clock::Clock;
use proofhouse::load::{Glance, Job, Watcher, run};
use proofhouse::mock::truth::{Shape, Told, serve};
use proofhouse::plan::load::complete;
use proofhouse::plan::{Arrival, Closed, LoadPlan, Prompt, Rate, Span, Stop, Tokenizer, Workload};
use proofhouse::record::load::LoadReport;
use proofhouse::transport::target::Target;
use serde_json::json;
use tabled::builder::Builder;
use tabled::settings::Style;

/// Looks at the memory once a second.
#[derive(Default)]
struct Memory(Vec<f64>);

impl Watcher for Memory {
    fn glance(&mut self, _: &Glance) {
        self.0.extend(rss_mib());
    }
}

fn rss_mib() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<f64>().ok()? / 1024.0)
}

/// The memory at four points of a run.
fn quarters(memory: &Memory) -> String {
    let seen = &memory.0;
    let at = |quarter: usize| seen.get((seen.len() * quarter / 4).saturating_sub(1)).copied();
    let told = (1..=4).filter_map(|quarter| Some(format!("{:.1}", at(quarter)?)));
    told.collect::<Vec<_>>().join(" ")
}

/// A load.
struct Scene {
    name: &'static str,
    arrival: Arrival,
    requests: u64,
    shape: Shape,
}

fn users(users: u32) -> Arrival {
    Arrival::Closed(Closed { users, think: Span::default(), ramp: None })
}

fn scenes() -> Vec<Scene> {
    let usual = Shape { ttft_us: 50_000, itl_us: 10_000, tokens: 100, pack: 1 };
    let scene = |name, arrival, requests, shape| Scene { name, arrival, requests, shape };
    vec![
        scene("1 stream", users(1), 5, usual),
        scene("100 streams", users(100), 500, usual),
        scene("1000 streams", users(1_000), 5_000, usual),
        scene(
            "1000 streams, bursts of 8",
            users(1_000),
            5_000,
            Shape { pack: 8, itl_us: 80_000, ..usual },
        ),
        scene(
            "flood, bursts of 64",
            users(8),
            400,
            Shape { ttft_us: 1, itl_us: 1, tokens: 10_000, pack: 64 },
        ),
        scene(
            "1000 requests/s",
            Arrival::Constant(Rate { rate: 1_000.0 }),
            10_000,
            Shape { tokens: 4, ..usual },
        ),
        scene(
            "10000 streams open",
            users(10_000),
            10_000,
            Shape { ttft_us: 3_000_000, itl_us: 1_000_000, tokens: 5, pack: 1 },
        ),
        scene(
            "minute of 200 streams",
            users(200),
            12_000,
            Shape { ttft_us: 100_000, itl_us: 9_000, ..usual },
        ),
    ]
}

/// The truth server, in a process of its own so that its processor time is not ours.
struct Server {
    child: Child,
    port: u16,
}

impl Server {
    fn start(sleeps: bool) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .arg(if sleeps { "--serve-asleep" } else { "--serve" })
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { port: line.trim().parse().unwrap(), child }
    }

    fn truth(&self) -> Told {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.write_all(b"TRUTH\n").unwrap();
        let mut text = String::new();
        BufReader::new(stream).read_line(&mut text).unwrap();
        serde_json::from_str(&text).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        Some("--serve") => return stand(false),
        Some("--serve-asleep") => return stand(true),
        Some("--timer") => return timer::run(arguments[1].parse().unwrap()),
        _ => {}
    }
    if arguments.first().is_some_and(|argument| argument == "--bare") {
        bare::read(arguments[1].parse().unwrap(), arguments[2].parse().unwrap(), &arguments[3]);
        return;
    }
    let bench = arguments.iter().any(|argument| argument == "--bench");
    let wanted: Vec<&String> = arguments.iter().filter(|a| !a.starts_with("--")).collect();
    let mut table = Builder::default();
    table.push_record([
        "load",
        "open",
        "good",
        "ttft p50 true/said ms",
        "gap p50 true/said",
        "gap p99 true/said",
        "lag p99 ms",
        "stall p99 ms",
        "loop µs/event",
        "all µs/event",
        "bare",
        "wrk",
        "all / wrk",
        "events/s of a core",
        "RSS MiB",
        "at quarters",
        "server late p99 µs",
        "bare timer late p99 ms",
    ]);
    for scene in scenes() {
        if !wanted.is_empty() && !wanted.iter().any(|wanted| scene.name.contains(*wanted)) {
            continue;
        }
        let requests = if bench { scene.requests } else { 3 };
        if !bench && scene.name.contains("0000") {
            continue;
        }
        // A process of its own for each, so that memory is its own as well.
        let open = !matches!(scene.arrival, Arrival::Closed(_));
        let server = Server::start(open);
        let timer = open.then(|| timer::start(if bench { 8 } else { 1 }));
        let mut memory = Memory::default();
        let report = drive(&scene, requests, server.port, &mut memory);
        let truth = server.truth();
        let streams = streams(&scene, requests);
        let bare = bare::measure(&scene.shape, streams, server.port);
        let _ = server.truth();
        let wrk = wrk::cpu_s(&scene.shape, streams, server.port).filter(|_| bench);
        #[expect(clippy::cast_precision_loss, reason = "events of a benchmark")]
        let wrk = wrk.map(|cpu| cpu * 1e6 / server.truth().tokens as f64);
        let beside = Beside { bare, wrk, timer: timer.and_then(timer::late_ms_p99) };
        row(&mut table, &scene, &report, &truth, &beside, &memory);
    }
    println!("{}", table.build().with(Style::psql()));
}

/// Serves until it is killed. The first line of output is the port.
fn stand(naps: bool) {
    serve(&AtomicBool::new(false), naps, |port| println!("{port}")).unwrap();
}

fn streams(scene: &Scene, requests: u64) -> u64 {
    match &scene.arrival {
        Arrival::Closed(closed) => u64::from(closed.users).min(requests),
        _ => 100.min(requests),
    }
}

/// What others took for the same, in microseconds of processor time for each token event, and how
/// late a timer was meanwhile.
struct Beside {
    bare: Option<f64>,
    wrk: Option<f64>,
    timer: Option<f64>,
}

fn drive(scene: &Scene, requests: u64, port: u16, memory: &mut Memory) -> LoadReport {
    let mut body = serde_json::Map::new();
    body.insert("truth".to_owned(), json!(scene.shape));
    let plan = LoadPlan {
        proofhouse_plan: 1,
        title: None,
        seed: 1,
        arrival: scene.arrival.clone(),
        warm_up: Span::default(),
        duration: None,
        cool_down: Span::default(),
        requests: Some(requests),
        in_flight_max: 20_000,
        drain: Span::secs(60),
        stop: Stop::default(),
        deadlines: None,
        slow: None,
        objectives: Vec::new(),
        tokenizer: Tokenizer::default(),
        workload: vec![Workload { body, ..Workload::of(Prompt::Text("hello".to_owned())) }],
    };
    let folder = tempfile::TempDir::new().unwrap();
    let mut target = Target::new("truth", &format!("http://127.0.0.1:{port}/v1")).unwrap();
    "truth".clone_into(&mut target.model);
    let job = Job {
        resume: false,
        scrape: Vec::new(),
        plan: complete(plan, Path::new(".")).unwrap(),
        target,
        auth: None,
        threads: 1,
        record: Some(folder.path().join("run")),
        argv: Vec::new(),
        clock: Clock::system(),
        stop: Arc::default(),
    };
    run(job, memory).unwrap()
}

fn row(
    table: &mut Builder,
    scene: &Scene,
    report: &LoadReport,
    truth: &Told,
    beside: &Beside,
    memory: &Memory,
) {
    let ms = |us: u64| format!("{:.2}", std::time::Duration::from_micros(us).as_secs_f64() * 1e3);
    let said =
        |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |value| format!("{value:.2}"));
    let metric = |name: &str| &report.metrics[name].values;
    let client = &report.client;
    #[expect(clippy::cast_precision_loss, reason = "events of a benchmark")]
    let (events, tokens) = (client.events as f64, truth.tokens as f64);
    // For each token event, as for the others: a stream has a few more, which they do not count.
    let of_loop = client.cpu_us_per_event.map(|us| us * events / tokens);
    let all = client.cpu_s.map(|cpu| cpu * 1e6 / tokens);
    table.push_record([
        scene.name.to_owned(),
        truth.open_max.to_string(),
        format!("{}/{}", report.summary.good, report.summary.requests),
        format!("{} / {}", ms(truth.ttft_us[0]), said(metric("ttft").p50)),
        format!("{} / {}", ms(truth.gap_us[0]), said(metric("icl").p50)),
        format!("{} / {}", ms(truth.gap_us[1]), said(metric("icl").p99)),
        said(client.start_lag_ms_p99),
        said(client.stall_ms_p99),
        said(of_loop),
        said(all),
        said(beside.bare),
        said(beside.wrk),
        said(all.zip(beside.wrk).map(|(all, wrk)| all / wrk)),
        all.map_or_else(|| "–".to_owned(), |us| format!("{:.0}", 1e6 / us)),
        said(client.rss_mib),
        quarters(memory),
        truth.late_us[1].to_string(),
        said(beside.timer),
    ]);
}
