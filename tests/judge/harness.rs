//! Running cases against the embedded mock, or against saved exchanges.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use chrono::NaiveDate;
use proofhouse::clock::Clock;
use proofhouse::engine::{Check, Options, Sink, Stopper, check};
use proofhouse::mock::{Config, Server};
use proofhouse::profile::{self, Capability, Profile};
use proofhouse::record::{CaseRecord, RunEvent, TargetMeta};
use proofhouse::suite::load::Loaded;
use proofhouse::suite::{At, Case};
use proofhouse::transcript::Exchange;
use proofhouse::transport::Auth;
use proofhouse::transport::Transport;
use proofhouse::transport::http::HttpTransport;
use proofhouse::transport::target::Target;
use proofhouse::units::Nanos;

/// The key that the mock demands; no secret.
pub(crate) const KEY: &str = "sk-proofhouse-test-key";

/// What a run brought forth.
#[derive(Default)]
pub(crate) struct Collected {
    pub(crate) cases: Vec<CaseRecord>,
    pub(crate) exchanges: Vec<Exchange>,
}

impl Sink for Collected {
    fn event(&mut self, event: RunEvent) {
        if let RunEvent::Case(case) = event {
            self.cases.push(*case);
        }
    }
    fn exchange(&mut self, exchange: &Exchange) {
        self.exchanges.push(exchange.clone());
    }
}

pub(crate) fn runtime() -> tokio::runtime::Runtime {
    // Judging takes the thread that waits for it; connections are served by the other one.
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

/// What `work` makes of each item, a few at once, each on a thread of its own.
pub(crate) fn at_once<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some((at, item)) = {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    items.get(at).map(|item| (at, item))
                } {
                    let result = work(item);
                    results.lock().unwrap().push((at, result));
                }
            });
        }
    });
    let mut results = results.into_inner().unwrap();
    results.sort_by_key(|(at, _)| *at);
    results.into_iter().map(|(_, result)| result).collect()
}

/// Mocks under trial at once. Some rows mostly wait for a fault that hangs.
const AT_ONCE: usize = 6;

/// The longest request body that the mock takes: small, so that one that is too long is short.
const BODY_BYTES_MAX: usize = 128 << 10;

/// Requests that the mock serves at once. So many are a crowd to it, and cheap.
const CAPACITY: usize = 16;

/// The longest silence that a rule about time allows here. [`target`]'s deadline is longer, so that
/// a fault that hangs is seen to break its rule before we give up.
const PATIENCE_S: f64 = 3.0;

pub(crate) fn mock_profile() -> Profile {
    built_in("mock")
}

/// A built-in profile, with the limits of a mock under trial. It is read from its file, so that a
/// change of it is tried without a new binary.
pub(crate) fn built_in(name: &str) -> Profile {
    let file = format!("{}/profiles/{name}.yaml", env!("CARGO_MANIFEST_DIR"));
    let mut profile = profile::builtin::resolve(&file).unwrap().profile;
    profile.limits.max_gap_s = PATIENCE_S;
    profile.limits.close_after_done_s = PATIENCE_S;
    profile.limits.max_concurrency = CAPACITY.try_into().unwrap();
    profile.limits.max_body_bytes = BODY_BYTES_MAX as u64;
    profile
}

/// A mock with these faults (`a+b`, or nothing), fast enough for a hundred runs, slow enough that
/// a stream is a stream.
pub(crate) fn mock(faults: &str, seed: u64) -> Server {
    let faults = faults.parse().unwrap();
    Server::start(Config { faults, ..config(seed) }).unwrap()
}

/// The settings of a mock under trial.
pub(crate) fn config(seed: u64) -> Config {
    Config {
        api_key: Some(KEY.to_owned()),
        ttft: Nanos::from_millis(2),
        itl: Nanos::from_millis(1),
        // What the mock's profile says.
        context_tokens: 4096,
        body_bytes_max: BODY_BYTES_MAX,
        // What the mock's profile says: who leaves and keeps a place is missed by the next.
        capacity: CAPACITY,
        seed,
        ..Config::default()
    }
}

pub(crate) fn target(base_url: &str) -> Target {
    let mut target = Target::new("mock", base_url).unwrap();
    "proofhouse-mock".clone_into(&mut target.model);
    target.auth = Auth::bearer("TEST_KEY", KEY.to_owned().into());
    // A fault that hangs is seen soon; a healthy mock answers in milliseconds.
    target.timeouts.first_byte = Duration::from_secs(5);
    target.timeouts.gap = Duration::from_secs(5);
    target.timeouts.total = Duration::from_secs(30);
    target
}

/// The mock's model that sees no images.
const BLIND: &str = "proofhouse-mock-small";

/// Whether a case is about what an endpoint is known not to have: the mock has a model for those.
pub(crate) fn is_blind(case: &Case) -> bool {
    !case.without.is_empty()
}

/// What is known of that model, and the target that asks for it.
pub(crate) fn blind(target: &Target) -> (Profile, Target) {
    let mut profile = mock_profile();
    profile.capabilities.insert("vision".to_owned(), Capability::No);
    let mut target = target.clone();
    BLIND.clone_into(&mut target.model);
    (profile, target)
}

/// Judges the cases that `wanted` picks over `transport`.
pub(crate) async fn judge<T: Transport>(
    suites: &[Loaded],
    wanted: impl Fn(&Case) -> bool,
    transport: &T,
    target: &Target,
    options: Options,
) -> Collected {
    let mut collected = Collected::default();
    let today = Clock::system().wall().date_naive();
    let seeing = (mock_profile(), target.clone());
    for (blind, (profile, target)) in [(false, seeing), (true, blind(target))] {
        let here = |case: &Case| is_blind(case) == blind && wanted(case);
        let options = options.clone();
        let more = judge_as(&profile, today, suites, here, transport, &target, options).await;
        collected.cases.extend(more.cases);
        collected.exchanges.extend(more.exchanges);
    }
    collected
}

/// The same with another profile than the mock's own, on a day.
pub(crate) async fn judge_as<T: Transport>(
    profile: &Profile,
    today: NaiveDate,
    suites: &[Loaded],
    wanted: impl Fn(&Case) -> bool,
    transport: &T,
    target: &Target,
    options: Options,
) -> Collected {
    let clock = Clock::system();
    let meta = TargetMeta {
        name: target.name.clone(),
        base_url: target.base_url.to_string(),
        model: target.model.clone(),
        profile: profile.name.clone(),
        auth: "test".to_owned(),
        capabilities: BTreeMap::new(),
        server: BTreeMap::new(),
        planned: None,
    };
    let plan: Vec<(&Loaded, Vec<&At<Case>>)> = suites
        .iter()
        .map(|loaded| (loaded, loaded.suite.cases.iter().filter(|case| wanted(case)).collect()))
        .collect();
    let mut collected = Collected::default();
    let check_this = Check {
        transport,
        target,
        meta: &meta,
        profile,
        plan,
        clock: clock.clone(),
        today,
        options,
    };
    assert!(check(&check_this, &mut collected, &Stopper::default()).await);
    collected
}

/// The whole catalogue, or what `wanted` picks of it, against a mock with these faults.
pub(crate) async fn judge_mock(
    suites: &[Loaded],
    wanted: impl Fn(&Case) -> bool,
    faults: &str,
    options: Options,
) -> Collected {
    judge_seeded(suites, wanted, faults, 0, options).await
}

/// The same against a mock of another seed.
pub(crate) async fn judge_seeded(
    suites: &[Loaded],
    wanted: impl Fn(&Case) -> bool,
    faults: &str,
    seed: u64,
    options: Options,
) -> Collected {
    let server = mock(faults, seed);
    let target = target(&server.base_url());
    let transport = HttpTransport::new(target.clone(), Clock::system()).unwrap();
    let collected = judge(suites, wanted, &transport, &target, options).await;
    server.stop();
    collected
}

/// `fixtures/faults.yaml`.
pub(crate) struct Table {
    /// Each fault and exactly the checks that catch it.
    pub(crate) caught: BTreeMap<String, Vec<String>>,
    /// Faults that are legal oddities: no check may catch them.
    pub(crate) harmless: Vec<String>,
}

pub(crate) fn table() -> Table {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/faults.yaml");
    let mut caught: BTreeMap<String, Vec<String>> =
        serde_saphyr::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let harmless = caught.remove("harmless").unwrap_or_default();
    Table { caught, harmless }
}
