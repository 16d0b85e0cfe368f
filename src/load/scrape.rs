//! Reads the server's metrics while a load runs.

use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use secrecy::SecretString;
use tokio::runtime::{Builder, Runtime};

use super::driver::LoadError;
use super::ledger::ms;
use super::machine;
use super::note::Gauges;
use super::server::Reading;
use crate::clock::Clock;
use crate::record::load::{ServerSample, ServerSide};
use crate::transport::control;
use crate::transport::target::{BaseUrl, Target};
use crate::units::Nanos;
use crate::wire::prometheus;

/// Between two readings.
const EVERY: Nanos = Nanos::from_millis(1_000);
/// How soon the end of the load is noticed.
const NAP: Duration = Duration::from_millis(20);
/// Servers count a request a moment after its last byte.
const SETTLE: Duration = Duration::from_millis(300);

/// Reads the metrics of servers.
pub(super) struct Scraper {
    runtime: Option<Runtime>,
    eyes: Vec<Eye>,
}

/// One URL.
struct Eye {
    /// Where, and with whose key.
    target: Target,
    url: String,
    before: Reading,
    last: Reading,
    side: ServerSide,
}

impl Scraper {
    /// Reads each URL once, before the load begins at `from`: a URL that has no metrics is a mistake.
    pub(super) fn meet(
        urls: &[BaseUrl],
        target: &Target,
        auth: Option<&(String, SecretString, SecretString)>,
        from: Nanos,
    ) -> Result<Self, LoadError> {
        let mut scraper = Self { runtime: None, eyes: Vec::new() };
        if urls.is_empty() {
            return Ok(scraper);
        }
        let wrong = |url: &str, why: String| LoadError::Scrape { url: url.to_owned(), why };
        let runtime = Builder::new_current_thread().enable_all().build();
        scraper.runtime = Some(runtime.map_err(LoadError::Loop)?);
        for base in urls {
            let path = base.to_string();
            let path = path.strip_prefix(&base.origin()).unwrap_or_default();
            let url =
                format!("{}{}", base.origin(), if path.is_empty() { "/metrics" } else { path });
            // The key is for whom the load is for, and for nobody else.
            let mut asked = if auth.is_some() && base.origin() == target.base_url.origin() {
                target.clone()
            } else {
                Target { tls: target.tls.clone(), ..Target::new("metrics", &base.origin())? }
            };
            asked.base_url = base.clone();
            let mut eye = Eye {
                target: asked,
                url: url.clone(),
                before: Reading::default(),
                last: Reading::default(),
                side: ServerSide { url: url.clone(), ..ServerSide::default() },
            };
            let reading = scraper.read(&eye).map_err(|why| wrong(&url, why))?;
            eye.before = reading.clone();
            eye.side.family = reading.family.map(str::to_owned);
            eye.take(from, Ok(reading));
            scraper.eyes.push(eye);
        }
        Ok(scraper)
    }

    fn read(&self, eye: &Eye) -> Result<Reading, String> {
        let Some(runtime) = &self.runtime else { return Err("there is no runtime".to_owned()) };
        let (status, text) = runtime
            .block_on(control::text(&eye.target, &eye.url))
            .map_err(|error| chain(&error))?;
        if status != 200 {
            return Err(format!("the answer was {status}, and metrics were expected"));
        }
        let metrics = prometheus::read(&text);
        if metrics.samples.is_empty() {
            return Err("the answer holds no Prometheus metrics".to_owned());
        }
        Ok(Reading::of(&metrics))
    }

    /// Reads until every loop has ended.
    pub(super) fn run(&mut self, clock: &Clock, origin: Nanos, gauges: &Gauges, loops: u32) {
        if self.eyes.is_empty() {
            return;
        }
        machine::step_back();
        let now = || clock.now().since(origin);
        let mut next = now();
        while gauges.ended.load(Ordering::Relaxed) < u64::from(loops) {
            if now() >= next {
                next = now() + EVERY;
                self.look(now);
            }
            thread::sleep(NAP);
        }
        thread::sleep(SETTLE);
        self.look(now);
    }

    fn look(&mut self, now: impl Fn() -> Nanos) {
        let readings: Vec<_> = self.eyes.iter().map(|eye| (now(), self.read(eye))).collect();
        for (eye, (at, reading)) in self.eyes.iter_mut().zip(readings) {
            eye.take(at, reading);
        }
    }

    /// What came of it.
    pub(super) fn end(self) -> Vec<ServerSide> {
        let eyes = self.eyes.into_iter();
        eyes.map(|mut eye| {
            eye.side.counted = eye.last.counted_since(&eye.before);
            eye.side.ttft = eye.last.ttft_since(&eye.before);
            eye.side
        })
        .collect()
    }
}

impl Eye {
    fn take(&mut self, at: Nanos, reading: Result<Reading, String>) {
        let reading = match reading {
            Ok(reading) => reading,
            Err(why) => {
                self.side.failed += 1;
                self.side.why = Some(why);
                return;
            }
        };
        self.side.scrapes += 1;
        self.side.samples.push(ServerSample {
            at_ms: ms(at),
            running: reading.running,
            queued: reading.queued,
            kv_use: reading.kv_use,
            preemptions: reading.counted_since(&self.before).preemptions,
        });
        self.last = reading;
    }
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
