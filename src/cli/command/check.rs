//! `proofhouse check`: suites against endpoints, into a record, out as reports.

use std::path::{Path, PathBuf};

use super::{plan, report, runtime, selection};
use crate::cli::args::{CheckArgs, FormatArg};
use crate::cli::exit::{self, Exit};
use crate::cli::failure::Failure;
use crate::cli::progress::Progress;
use crate::cli::settings::Settings;
use crate::cli::targets::{self, Chosen};
use crate::cli::{argv, output, preflight, project, signals};
use crate::clock::Clock;
use crate::engine::{self, Check, Options, Sink, Stopper};
use crate::record::{
    self, Baseline, FormatVersion, HostFacts, Planned, Run, RunEvent, RunMeta, SuiteRef,
    TargetMeta, Writer,
};
use crate::suite::load::Loaded;
use crate::transcript::{Exchange, Redactor};
use crate::transport::http::HttpTransport;

pub(super) fn run(args: &CheckArgs, settings: &Settings) -> Result<Exit, Failure> {
    let project = project::find(&args.target, settings)?;
    let mut args = args.clone();
    project::complete(&mut args, project.as_ref());
    report::probe(&args.output.report)?;
    if let Some(folder) = args.record.as_ref().filter(|_| !args.dry_run) {
        Writer::vacant(folder).map_err(|error| unwritten(&error))?;
    }
    let client = args.client.as_deref().map(super::lens::named).transpose()?;
    let client = client.map(|lens| lens.id.to_owned());
    let wanted = selection::wanted(&args.selection, settings)?;
    let plan = selection::plan(&wanted.suites, &args.selection)?;
    let mut chosen = targets::choose(&args.target, project.as_ref(), settings, &wanted.suites)?;
    for chosen in &mut chosen {
        chosen.allow(&wanted.allow);
    }
    let options = Options {
        concurrency: args.concurrency.map_or(Options::default().concurrency, Into::into),
        seed: args.seed,
        share: !args.no_share,
        several: false,
    };
    if args.dry_run {
        return plan::dry(&args, &chosen, &plan, &options);
    }
    let baseline = args.baseline.as_deref().map(|folder| baseline(folder, &chosen)).transpose()?;
    let job = Job {
        plan,
        chosen,
        options,
        preflight: true,
        rules: Rules {
            strict: args.strict,
            strict_known: args.strict_known,
            min_coverage: args.min_coverage,
        },
        baseline,
        client,
        budget_tokens: args.budget_tokens,
        quiet: args.output.format == FormatArg::Json,
        record: place(&args),
    };
    // Kept until the end, because it is what obeys signals.
    let runtime = runtime()?;
    let run = crate::report::as_seen(runtime.block_on(job.run(settings))?);
    let written = report::write(&run, &args.output, settings);
    Ok(exit::of_run(&run).and(written))
}

/// What held in an earlier record, for the targets that are asked now.
fn baseline(folder: &Path, chosen: &[Chosen]) -> Result<Baseline, Failure> {
    let earlier = record::read(folder).map_err(|error| {
        Failure::from_error(Exit::Usage, &error)
            .hint("--baseline takes the folder of an earlier record, as --record named it")
    })?;
    let names: Vec<&str> = chosen.iter().map(|chosen| chosen.target.name.as_str()).collect();
    let shown = folder.display().to_string();
    Baseline::of(shown.clone(), &crate::report::as_seen(earlier), &names).map_err(|name| {
        Failure::usage(format!("the record in `{shown}` has no target `{name}`")).hint(
            "give the target the name it had then: --target NAME, or `targets` in proofhouse.toml",
        )
    })
}

/// Where the record goes, and whether it stays.
fn place(args: &CheckArgs) -> Place {
    match (&args.record, args.no_record) {
        (Some(folder), _) => Place::Named(folder.clone()),
        (None, true) => Place::Nowhere,
        (None, false) => Place::Fresh,
    }
}

/// Where a run's record goes.
#[derive(Debug)]
pub(super) enum Place {
    /// A folder that the user named.
    Named(PathBuf),
    /// A new folder under `reports/`.
    Fresh,
    /// Kept only as long as the run lasts.
    Nowhere,
}

/// What the run is held to, beyond what is required.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    /// A broken `should` fails the run.
    pub(super) strict: bool,
    /// A known deviation that no longer deviates fails the run.
    pub(super) strict_known: bool,
    /// The share of the applicable cases that must be decided.
    pub(super) min_coverage: f64,
}

/// A check of one or more targets.
pub(super) struct Job<'a> {
    pub(super) plan: Vec<selection::Planned<'a>>,
    pub(super) chosen: Vec<Chosen>,
    pub(super) options: Options,
    pub(super) preflight: bool,
    pub(super) rules: Rules,
    /// What held before and may not break.
    pub(super) baseline: Option<Baseline>,
    /// The client from whose point of view reports are made.
    pub(super) client: Option<String>,
    /// The most tokens that all answers together may have.
    pub(super) budget_tokens: Option<u64>,
    /// Whether the plan is kept to the record.
    pub(super) quiet: bool,
    pub(super) record: Place,
}

impl Job<'_> {
    /// Runs it and reads the record back: a live report is a report of the record.
    pub(super) async fn run(mut self, settings: &Settings) -> Result<Run, Failure> {
        let clock = Clock::system();
        self.options.several = self.chosen.len() > 1;
        // Before anything is sent, and again once the targets are known better.
        self.planned()?;
        let transports = self.transports(&clock)?;
        let mut metas = Vec::new();
        for (chosen, transport) in self.chosen.iter_mut().zip(&transports) {
            metas.push(preflight::meet(chosen, transport, self.preflight).await?);
        }
        for (meta, planned) in metas.iter_mut().zip(self.planned()?) {
            if !self.quiet {
                output::note(&format!("planned for {}: {}", meta.name, plan::line(&planned)));
            }
            meta.planned = Some(planned);
        }
        let redactor = self.redactor().await;
        let meta = self.meta(&clock, &redactor, masked(&metas, &redactor));
        let temporary;
        let folder = match &self.record {
            Place::Named(folder) => folder.clone(),
            Place::Fresh => fresh(&clock),
            Place::Nowhere => {
                temporary = Temporary::new(&clock)?;
                temporary.0.clone()
            }
        };
        let mut writer = Writer::create(&folder, &meta).map_err(|error| unwritten(&error))?;
        let stopper = Stopper::default();
        tokio::spawn(signals::obey(stopper.clone()));
        let interrupted =
            self.check_all(&transports, &metas, &clock, &stopper, &mut writer, settings).await?;
        // From here on nothing waits for an answer, and a signal ends the process.
        stopper.stop();
        let meta = RunMeta { ended: Some(clock.wall()), interrupted, ..meta };
        writer.finish(&meta).map_err(|error| unwritten(&error))?;
        let run =
            record::read(&folder).map_err(|error| Failure::from_error(Exit::Unwritten, &error))?;
        match self.record {
            Place::Nowhere => {}
            Place::Named(_) | Place::Fresh => {
                output::note(&format!("record: {}", folder.display()));
            }
        }
        if interrupted {
            output::note("interrupted: what was judged so far is reported, the rest was not asked");
        }
        Ok(run)
    }

    /// What will be sent to each target, if that is within the budget.
    fn planned(&self) -> Result<Vec<Planned>, Failure> {
        let plans = self.chosen.iter().map(|chosen| plan::of(chosen, &self.plan, &self.options));
        let planned: Vec<Planned> = plans.map(|plan| plan.total()).collect();
        plan::within(self.budget_tokens, &planned)?;
        Ok(planned)
    }

    fn transports(&self, clock: &Clock) -> Result<Vec<HttpTransport>, Failure> {
        self.chosen
            .iter()
            .map(|chosen| {
                HttpTransport::new(chosen.target.clone(), clock.clone())
                    .map_err(|error| Failure::from_error(Exit::Usage, &error))
            })
            .collect()
    }

    /// Checks target after target; `true` when it was interrupted.
    async fn check_all(
        &self,
        transports: &[HttpTransport],
        metas: &[TargetMeta],
        clock: &Clock,
        stopper: &Stopper,
        writer: &mut Writer,
        settings: &Settings,
    ) -> Result<bool, Failure> {
        for ((chosen, transport), meta) in self.chosen.iter().zip(transports).zip(metas) {
            let total = self.plan.iter().map(|(_, cases)| cases.len()).sum();
            let check = Check {
                transport,
                target: &chosen.target,
                meta,
                profile: &chosen.profile,
                plan: self.plan.clone(),
                clock: clock.clone(),
                today: clock.wall().date_naive(),
                options: self.options.clone(),
            };
            let mut sink = Recorder {
                writer,
                progress: Progress::start(settings, &meta.name, total),
                trouble: None,
            };
            let whole = engine::check(&check, &mut sink, stopper).await;
            if let Some(trouble) = sink.trouble {
                return Err(trouble);
            }
            if !whole {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Knows the keys of all targets.
    async fn redactor(&self) -> Redactor {
        let mut redactor = Redactor::default();
        for chosen in &self.chosen {
            let auth = &chosen.target.auth;
            // A key that cannot be had now is said where it is needed.
            if let Ok(Some(secret)) = auth.secret().await {
                redactor.add(auth.secret_name(), &secret);
            }
        }
        redactor
    }

    fn meta(&self, clock: &Clock, redactor: &Redactor, targets: Vec<TargetMeta>) -> RunMeta {
        RunMeta {
            format: FormatVersion::CURRENT,
            tool: env!("CARGO_PKG_VERSION").to_owned(),
            argv: argv::kept(std::env::args_os(), redactor),
            started: clock.wall(),
            ended: None,
            interrupted: false,
            seed: self.options.seed,
            strict: self.rules.strict,
            strict_known: self.rules.strict_known,
            min_coverage: self.rules.min_coverage,
            baseline: self.baseline.clone(),
            client: self.client.clone(),
            suites: self.plan.iter().map(|(loaded, _)| suite_ref(loaded)).collect(),
            targets,
            host: HostFacts {
                os: std::env::consts::OS.to_owned(),
                arch: std::env::consts::ARCH.to_owned(),
                cpus: std::thread::available_parallelism().map_or(0, usize::from),
            },
        }
    }
}

/// The targets as the record keeps them: what an endpoint says of itself may repeat a key.
fn masked(metas: &[TargetMeta], redactor: &Redactor) -> Vec<TargetMeta> {
    let mut metas = metas.to_vec();
    for meta in &mut metas {
        for text in
            [&mut meta.base_url, &mut meta.model].into_iter().chain(meta.server.values_mut())
        {
            *text = redactor.text(text);
        }
    }
    metas
}

fn suite_ref(loaded: &Loaded) -> SuiteRef {
    SuiteRef {
        id: loaded.suite.suite.value.clone(),
        title: loaded.suite.title.clone(),
        revision: loaded.suite.revision,
        origin: loaded.origin.clone(),
        sha256: loaded.sha256.clone(),
    }
}

fn unwritten(error: &record::RecordError) -> Failure {
    Failure::from_error(Exit::Unwritten, error)
        .hint("name another folder with --record, or none with --no-record")
}

fn fresh(clock: &Clock) -> PathBuf {
    let stamp = clock.wall().format("%Y%m%dT%H%M%S%3fZ");
    PathBuf::from(format!("reports/check-{stamp}"))
}

/// A folder that goes when it is dropped.
struct Temporary(PathBuf);

impl Temporary {
    fn new(clock: &Clock) -> Result<Self, Failure> {
        let stamp = clock.wall().timestamp_nanos_opt().unwrap_or_default();
        let folder =
            std::env::temp_dir().join(format!("proofhouse-{}-{stamp}", std::process::id()));
        std::fs::create_dir(&folder).map_err(|error| {
            Failure::new(Exit::Unwritten, format!("no temporary folder: {error}"))
        })?;
        Ok(Self(folder.join("run")))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if let Some(folder) = self.0.parent() {
            // Left behind at worst: the system clears its temporary folder.
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}

/// Writes what the engine tells, and moves the progress line.
struct Recorder<'a> {
    writer: &'a mut Writer,
    progress: Progress,
    trouble: Option<Failure>,
}

impl Sink for Recorder<'_> {
    fn event(&mut self, event: RunEvent) {
        if let RunEvent::Case(case) = &event {
            self.progress.case(&case.id, case.verdict);
        }
        if let Err(error) = self.writer.event(&event) {
            self.trouble.get_or_insert_with(|| unwritten(&error));
        }
    }

    fn exchange(&mut self, exchange: &Exchange) {
        if let Err(error) = self.writer.exchange(exchange) {
            self.trouble.get_or_insert_with(|| unwritten(&error));
        }
    }
}
