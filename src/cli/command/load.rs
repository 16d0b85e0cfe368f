//! `proofhouse load`: a plan's requests against one endpoint, measured.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::runtime;
use crate::cli::args::{ArrivalArg, LoadArgs, LoadFormatArg};
use crate::cli::exit::Exit;
use crate::cli::failure::{self, Failure};
use crate::cli::output;
use crate::cli::progress::LoadProgress;
use crate::cli::settings::Settings;
use crate::cli::targets::{self, Chosen};
use crate::cli::{argv, preflight, project, signals, vocabulary};
use crate::clock::Clock;
use crate::engine::Stopper;
use crate::load::{self, Job, LoadError};
use crate::plan::{
    Arrival, Closed, Gamma, Kind, Lengths, LoadPlan, LoadedPlan, PlanError, Prompt, Rate, Span,
    Stop, Tokenizer, Workload,
};
use crate::record::load::LoadReport;
use crate::report::Style;
use crate::report::load::{Format, render};
use crate::suite::duration;
use crate::transcript::Redactor;
use crate::transport::http::HttpTransport;
use crate::transport::target::BaseUrl;

/// Without a word about it, and of each request.
const DURATION: Span = Span::secs(30);
const TOKENS: u32 = 100;
const IN_FLIGHT: u32 = 10_000;

pub(super) fn run(args: &LoadArgs, settings: &Settings) -> Result<Exit, Failure> {
    for (_, path) in &args.report {
        output::probe(path)?;
    }
    let mut plan = plan(args, settings)?;
    let scrape = args.scrape.iter().map(|url| BaseUrl::parse(url));
    let scrape = scrape
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| Failure::usage(format!("--scrape: {error}")))?;
    let project = project::find(&args.target, settings)?;
    let mut chosen = targets::choose(&args.target, project.as_ref(), settings, &[])?;
    let one = "load measures one endpoint at a time";
    let mut chosen = match (chosen.pop(), chosen.is_empty()) {
        (Some(only), true) => only,
        (Some(_), false) => return Err(Failure::usage(one).hint("name one --url or --target")),
        (None, _) => return Err(Failure::usage("no target was named").hint("name one: --url URL")),
    };
    load::check_target(&chosen.target).map_err(|error| refused(&error))?;
    let clock = Clock::system();
    let runtime = runtime()?;
    let auth = runtime.block_on(meet(&mut chosen, &mut plan, &clock))?;
    let stop = Arc::new(AtomicBool::new(false));
    runtime.spawn(interrupt(Arc::clone(&stop)));
    let mut redactor = Redactor::default();
    if let Some((_, _, key)) = &auth {
        redactor.add("key", key);
    }
    let record = match (args.resume.as_ref().or(args.record.as_ref()), args.no_record) {
        (Some(folder), _) => Some(folder.clone()),
        (None, true) => None,
        (None, false) => {
            let stamp = clock.wall().format("%Y%m%dT%H%M%S%3fZ");
            Some(PathBuf::from(format!("reports/load-{stamp}")))
        }
    };
    let job = Job {
        plan,
        target: chosen.target,
        auth,
        threads: args.threads.unwrap_or_else(threads),
        record: record.clone(),
        resume: args.resume.is_some(),
        scrape,
        argv: argv::kept(std::env::args_os(), &redactor),
        clock,
        stop: Arc::clone(&stop),
    };
    let mut progress = LoadProgress::start(settings);
    let report = load::run(job, &mut progress).map_err(|error| refused(&error))?;
    drop(progress);
    for (format, path) in &args.report {
        output::file(path, &rendered(&report, *format, settings, false))?;
    }
    output::stdout(&rendered(&report, args.format, settings, settings.colour))?;
    if let Some(folder) = record {
        output::note(&format!("record: {}", folder.display()));
    }
    if let Some(cut) = &report.cut {
        output::note(&format!("{cut}: what was measured so far is reported"));
    }
    Ok(exit(&report, args.accept_limited))
}

/// One for each two processors: the other half is for the clerk, and often for the server.
fn threads() -> u32 {
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    u32::try_from(cpus / 2).unwrap_or(1).clamp(1, 16)
}

pub(super) fn rendered(
    report: &LoadReport,
    format: LoadFormatArg,
    settings: &Settings,
    colour: bool,
) -> String {
    let format = match format {
        LoadFormatArg::Console => Format::Console,
        LoadFormatArg::Json => Format::Json,
        LoadFormatArg::Csv => Format::Csv,
        LoadFormatArg::Markdown => Format::Markdown,
        LoadFormatArg::Junit => Format::Junit,
        LoadFormatArg::Html => Format::Html,
        LoadFormatArg::VllmJson => Format::VllmJson,
    };
    render(format, report, &Style { colour, width: settings.width, ..Style::default() })
}

fn exit(report: &LoadReport, accept_limited: bool) -> Exit {
    let mut exit = Exit::Held;
    let missed = |met: Option<bool>| met == Some(false);
    let limited = report.client.limited && !accept_limited;
    if limited || report.objectives.iter().any(|result| missed(result.met)) {
        exit = exit.and(Exit::Missed);
    }
    if report.cut.is_some() || report.objectives.iter().any(|result| result.met.is_none()) {
        exit = exit.and(Exit::Inconclusive);
    }
    if report.summary.good == 0 && report.summary.requests > 0 && report.cut.is_none() {
        exit = exit.and(Exit::Broken);
    }
    exit
}

fn refused(error: &LoadError) -> Failure {
    let exit = match error {
        LoadError::Unsupported(_)
        | LoadError::Target(_)
        | LoadError::Machine { .. }
        | LoadError::Unreadable { .. }
        | LoadError::Resume { .. } => Exit::Usage,
        LoadError::Record { .. } => Exit::Unwritten,
        _ => Exit::Inconclusive,
    };
    let failure = Failure::from_error(exit, error);
    match error {
        LoadError::Resume { .. } => failure.hint("--resume takes the plan and the target of the run that it goes on with"),
        LoadError::Scrape { .. } => failure.hint("--scrape takes the URL of Prometheus metrics, for example http://localhost:8000/metrics"),
        _ => failure,
    }
}

/// Finds the model, makes sure that somebody answers, learns what its words cost, and gets the key.
async fn meet(
    chosen: &mut Chosen,
    plan: &mut LoadedPlan,
    clock: &Clock,
) -> Result<Option<(String, secrecy::SecretString, secrecy::SecretString)>, Failure> {
    let transport = HttpTransport::new(chosen.target.clone(), clock.clone())
        .map_err(|error| Failure::from_error(Exit::Usage, &error))?;
    // The question is a chat; an endpoint for something else may not know it.
    let chat = plan.plan.workload.iter().any(|workload| workload.kind == Kind::Chat);
    preflight::meet(chosen, &transport, chat).await?;
    plan.mind(chosen.profile.load.clone());
    vocabulary::learn(plan, chosen, &transport).await?;
    chosen
        .target
        .auth
        .line()
        .await
        .map_err(|error| Failure::new(Exit::Inconclusive, failure::chain(&error)))
}

/// Ctrl-C and SIGTERM end the load with a report of what there is.
async fn interrupt(stop: Arc<AtomicBool>) {
    let stopper = Stopper::default();
    tokio::spawn(signals::obey(stopper.clone()));
    stopper.stopped().await;
    stop.store(true, Ordering::Relaxed);
}

fn plan(args: &LoadArgs, settings: &Settings) -> Result<LoadedPlan, Failure> {
    let wrong = |error: PlanError| match &error {
        PlanError::Wrong(_) | PlanError::Unknown { .. } => {
            Failure::rendered(Exit::Usage, error.render(settings.colour_stderr))
        }
        _ => Failure::usage(&error),
    };
    let spelt = args.plan.is_some() || args.users.is_some() || args.rate.is_some();
    if let (Some(folder), false) = (&args.resume, spelt) {
        // The run says itself what its plan was; files that the plan names are looked for here.
        return load::plan_of(folder)
            .map_err(|error| refused(&error))
            .and_then(|plan| crate::plan::load::complete(plan, Path::new(".")).map_err(wrong));
    }
    let (mut plan, folder) = match &args.plan {
        Some(path) => {
            let loaded = crate::plan::builtin::resolve(path).map_err(wrong)?;
            (loaded.plan, path.parent().unwrap_or(Path::new(".")))
        }
        None => (given(args)?, Path::new(".")),
    };
    let span = |flag: &str, text: &Option<String>| match text {
        Some(text) => duration(text)
            .map(|span| Some(Span(span)))
            .map_err(|error| Failure::usage(format!("{flag}: {error}"))),
        None => Ok(None),
    };
    if let Some(duration) = span("--duration", &args.duration)? {
        plan.duration = Some(duration);
    }
    if let Some(requests) = args.requests {
        plan.requests = Some(requests);
    }
    if args.plan.is_none() && plan.duration.is_none() && plan.requests.is_none() {
        plan.duration = Some(DURATION);
    }
    if let Some(warm_up) = span("--warm-up", &args.warm_up)? {
        plan.warm_up = warm_up;
    }
    if let Some(cool_down) = span("--cool-down", &args.cool_down)? {
        plan.cool_down = cool_down;
    }
    if let Some(most) = args.in_flight {
        plan.in_flight_max = most;
    }
    if let Some(seed) = args.seed {
        plan.seed = seed;
    }
    plan.objectives.extend(args.objective.iter().cloned());
    crate::plan::load::complete(plan, folder).map_err(wrong)
}

/// The plan that the command line spells out.
fn given(args: &LoadArgs) -> Result<LoadPlan, Failure> {
    let arrival = match (args.users, args.rate) {
        (Some(users), _) => Arrival::Closed(Closed { users, think: Span::default(), ramp: None }),
        (None, Some(rate)) => match args.arrival {
            ArrivalArg::Constant => Arrival::Constant(Rate { rate }),
            ArrivalArg::Poisson => Arrival::Poisson(Rate { rate }),
            ArrivalArg::Gamma => Arrival::Gamma(Gamma { rate, burstiness: args.burstiness }),
        },
        (None, None) => {
            return Err(Failure::usage("nothing says when requests start")
                .hint("so many users at once: --users 8")
                .hint("so many requests a second: --rate 5")
                .hint("or a plan: --plan FILE, or one of `proofhouse list plans`"));
        }
    };
    let prompt = match (&args.prompt, args.prompt_tokens) {
        (Some(text), _) => Prompt::Text(text.clone()),
        (None, tokens) => Prompt::Tokens(Lengths::Fixed(tokens.unwrap_or(TOKENS))),
    };
    Ok(LoadPlan {
        proofhouse_plan: crate::plan::load::VERSION,
        title: None,
        seed: 0,
        arrival,
        warm_up: Span::default(),
        duration: None,
        cool_down: Span::default(),
        requests: None,
        in_flight_max: IN_FLIGHT,
        drain: Span::secs(60),
        stop: Stop::default(),
        deadlines: None,
        slow: None,
        objectives: Vec::new(),
        tokenizer: Tokenizer::default(),
        workload: vec![Workload {
            max_tokens: Some(Lengths::Fixed(args.max_tokens.unwrap_or(TOKENS))),
            exact_output: args.exact_output,
            stream: !args.no_stream,
            ..Workload::of(prompt)
        }],
    })
}
