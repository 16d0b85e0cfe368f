//! Runs that did not come to their end: going on with one, and making the report of one that was
//! killed.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};

use super::driver::{LoadError, stages, terms};
use super::ledger::Ledger;
use super::note::Gauges;
pub(super) use super::recount::breaks;
use super::recount::{Left, Past};
use super::source::Stages;
use super::summary::{self, Facts};
use crate::plan::{LoadPlan, LoadedPlan};
use crate::record::load::{LoadReport, Part, REPORT, START, Start, VERSION};
use crate::text::plural;
use crate::transport::target::Target;
use crate::units::Nanos;

/// What a run starts from: nothing, or what an earlier part of it came to.
pub(super) struct Begun {
    pub(super) ledger: Ledger,
    /// The load's time.
    pub(super) from: Nanos,
    pub(super) measured: u64,
    pub(super) next: u64,
    pub(super) in_flight_max: u64,
    pub(super) lost: BTreeMap<usize, u64>,
    /// What the folder says of its start, and the requests on record.
    before: Option<(Start, u64)>,
}

impl Default for Begun {
    fn default() -> Self {
        Self {
            ledger: Ledger::new(),
            from: Nanos(0),
            measured: 0,
            next: 0,
            in_flight_max: 0,
            lost: BTreeMap::new(),
            before: None,
        }
    }
}

impl Begun {
    /// From the folder of a run that was interrupted or killed.
    pub(super) fn again(
        folder: &Path,
        plan: &LoadedPlan,
        target: &Target,
        stages: Stages,
    ) -> Result<Self, LoadError> {
        let refused = |why: String| LoadError::Resume { path: folder.to_owned(), why };
        let left = Left::read(folder).map_err(|error| refused(error.to_string()))?;
        let start = left.start.clone();
        if start.plan_sha256 != plan.sha256 {
            return Err(refused(format!(
                "its plan has the digest {}, and this one {}",
                start.plan_sha256, plan.sha256
            )));
        }
        if plan.plan.workload.iter().any(|workload| workload.session.is_some()) {
            let why = "its sessions stand on replies that are on no record";
            return Err(refused(why.to_owned()));
        }
        let here = (target.base_url.to_string(), &target.model);
        if (&start.target, &start.model) != (&here.0, here.1) {
            return Err(refused(format!(
                "it asked {} for {}, and this would ask {} for {}",
                start.target, start.model, here.0, here.1
            )));
        }
        let ended = fs::read(folder.join(REPORT)).ok();
        let ended: Option<LoadReport> = ended.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        if ended.is_some_and(|report| report.cut.is_none()) {
            return Err(refused("it came to its end".to_owned()));
        }
        left.mend(folder)
            .map_err(|source| LoadError::Record { path: folder.to_owned(), source })?;
        let (from, lines) = (left.until, left.requests());
        let Past { ledger, measured, next, in_flight_max, lost } =
            left.count(&terms(plan, stages), true);
        Ok(Self { ledger, from, measured, next, in_flight_max, lost, before: Some((start, lines)) })
    }

    /// What is written down at the start.
    pub(super) fn start(
        &self,
        argv: &[String],
        plan: &LoadedPlan,
        target: &Target,
        threads: u32,
        now: DateTime<Utc>,
    ) -> Start {
        let (parts, lines) = self
            .before
            .as_ref()
            .map_or((Vec::new(), 0), |(start, lines)| (start.parts.clone(), *lines));
        let part = Part { started: now, from_ms: self.from.as_millis_f64(), lines };
        Start {
            proofhouse_load: VERSION,
            tool: env!("CARGO_PKG_VERSION").to_owned(),
            argv: argv.to_vec(),
            host: summary::host(),
            target: target.base_url.to_string(),
            model: target.model.clone(),
            plan: serde_json::to_value(&plan.plan).unwrap_or_default(),
            plan_sha256: plan.sha256.clone(),
            threads,
            parts: [parts, vec![part]].concat(),
        }
    }
}

/// The plan of a run that left a folder.
///
/// # Errors
///
/// When the folder holds no load.
pub fn plan_of(folder: &Path) -> Result<LoadPlan, LoadError> {
    let unreadable = |source| LoadError::Unreadable { path: folder.to_owned(), source };
    let start = fs::read(folder.join(START)).map_err(unreadable)?;
    let start: Start = serde_json::from_slice(&start).map_err(|error| unreadable(error.into()))?;
    serde_json::from_value(start.plan).map_err(|error| unreadable(error.into()))
}

/// Whether a folder holds the record of a load.
pub fn is_load(folder: &Path) -> bool {
    [REPORT, START].iter().any(|name| folder.join(name).is_file())
}

/// The report of a run, from its folder: the one it wrote at its end, or where it came to none, one
/// made again from its requests.
///
/// # Errors
///
/// When the folder holds no load, or one that cannot be read.
pub fn saved(folder: &Path) -> Result<LoadReport, LoadError> {
    let unreadable = |source| LoadError::Unreadable { path: folder.to_owned(), source };
    match fs::read(folder.join(REPORT)) {
        Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| unreadable(error.into())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => remade(folder),
        Err(error) => Err(unreadable(error)),
    }
}

fn remade(folder: &Path) -> Result<LoadReport, LoadError> {
    let unreadable = |source| LoadError::Unreadable { path: folder.to_owned(), source };
    let left = Left::read(folder).map_err(unreadable)?;
    let start = left.start.clone();
    let wrong = |why: String| unreadable(std::io::Error::other(why));
    let plan = crate::plan::load::kept(&start.plan, &start.plan_sha256).map_err(wrong)?;
    let mut target = Target::new("load", &start.target)?;
    target.model.clone_from(&start.model);
    let (stages, until) = (stages(&plan), left.until);
    let Past { mut ledger, in_flight_max, lost, .. } = left.count(&terms(&plan, stages), false);
    ledger.settle(Nanos(u64::MAX));
    ledger.cut = Some("killed".to_owned());
    let gauges = Gauges::default();
    gauges.in_flight_max.store(in_flight_max, std::sync::atomic::Ordering::Relaxed);
    let first = start.parts.first().map(|part| part.started).unwrap_or_default();
    let ended = start.parts.last().map_or(first, |part| {
        let ran = until.since(Nanos::from_millis(0)).as_millis_f64() - part.from_ms;
        #[expect(clippy::cast_possible_truncation, reason = "milliseconds of a run")]
        let ran = TimeDelta::milliseconds(ran as i64);
        part.started + ran
    });
    let breaks = breaks(&start, &lost);
    let mut report = summary::report(
        ledger,
        Facts {
            loaded: &plan,
            target: &target,
            argv: start.argv,
            started: first,
            ended,
            stages,
            elapsed: until,
            interrupted: false,
            process_cpu: Nanos(0),
            threads: start.threads,
            file_limit: None,
            gauges: &gauges,
            breaks,
            servers: Vec::new(),
        },
    );
    report.tool = start.tool;
    report.host = start.host;
    report.client.rss_mib = None;
    report.warnings.push(
        "the run was killed: this report was made again from what was on disk, which is all but the last second; requests in flight are missing, chunk times of the timeline are spread evenly, and what the client measured of itself is not known but for its start lag"
            .to_owned(),
    );
    Ok(report)
}

/// The warning of a run that was continued.
pub(super) fn continued(report: &LoadReport) -> String {
    let breaks = &report.breaks;
    let told = breaks.iter().map(|one| {
        format!(
            "at {:.1} s for {:.0} s ({} in flight lost)",
            one.at_ms / 1e3,
            one.lasted_s,
            one.lost
        )
    });
    format!(
        "the run was interrupted {} and continued: {}; the server drained and filled up again, which is in the numbers around it; compare with a run in one piece",
        plural(breaks.len(), "time"),
        told.collect::<Vec<_>>().join(", ")
    )
}
