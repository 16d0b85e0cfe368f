//! `proofhouse demo`: two mock servers, checked side by side. No network, no set-up.

use std::path::Path;

use super::check::{Job, Place, Rules};
use super::{report, runtime, selection};
use crate::cli::args::{DemoArgs, FormatArg, SelectionArgs};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output;
use crate::cli::settings::Settings;
use crate::cli::targets::{self, Cases, Chosen};
use crate::engine::Options;
use crate::mock::{Config, Persona, Server};
use crate::profile::Capability;
use crate::record::Run;
use crate::report::Style;

/// The personas, each with documented deviations of the real server, and no profile that would
/// excuse them: the demo is there to show findings.
const PERSONAS: [(&str, Persona); 2] =
    [("vllm-like", Persona::Vllm), ("sglang-like", Persona::Sglang)];

/// What both mocks want of their clients, so that refusals can be judged too. No secret.
const KEY: &str = "sk-proofhouse-demo";

pub(super) fn run(args: &DemoArgs, settings: &Settings) -> Result<Exit, Failure> {
    let files = [
        (FormatArg::Html, args.out.join("demo.html")),
        (FormatArg::Json, args.out.join("demo.json")),
        (FormatArg::Junit, args.out.join("demo.xml")),
    ];
    for (_, path) in &files {
        output::probe(path)?;
    }
    let everything = SelectionArgs::default();
    let suites = selection::wanted(&everything, settings)?.suites;
    let plan = selection::plan(&suites, &everything)?;
    let record = args.out.join("demo.run");
    forget(&record)?;
    let run = runtime()?.block_on(async {
        let mut profile = targets::load_profile("generic", settings, Cases::default())?;
        profile.capabilities.insert("inject_errors".to_owned(), Capability::Yes);
        let mut servers = Vec::new();
        let mut chosen = Vec::new();
        for (name, persona) in PERSONAS {
            let api_key = Some(KEY.to_owned());
            let config = Config { persona, api_key, ..Config::default() };
            let server = Server::start(config).map_err(|error| {
                Failure::new(Exit::Inconclusive, format!("the mock could not start: {error}"))
            })?;
            chosen.push(Chosen::mock(name, &server.base_url(), KEY, profile.clone())?);
            servers.push(server);
        }
        let options = Options { concurrency: 8, ..Options::default() };
        let job = Job {
            plan,
            chosen,
            options,
            preflight: false,
            rules: Rules { strict: false, strict_known: false, min_coverage: 0.5 },
            baseline: None,
            client: None,
            budget_tokens: None,
            quiet: true,
            record: Place::Named(record),
        };
        let run = job.run(settings).await;
        for server in servers {
            server.stop();
        }
        run
    })?;
    show(&run, &files, settings)?;
    Ok(Exit::Held)
}

/// A demo may be run again; its record is its own.
fn forget(record: &Path) -> Result<(), Failure> {
    match std::fs::remove_dir_all(record) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Failure::new(
            Exit::Unwritten,
            format!("`{}` could not be replaced: {error}", record.display()),
        )),
        _ => Ok(()),
    }
}

fn show(
    run: &Run,
    files: &[(FormatArg, std::path::PathBuf)],
    settings: &Settings,
) -> Result<(), Failure> {
    let plain = Style { width: settings.width, ..Style::default() };
    for (format, path) in files {
        output::file(path, &report::rendered(run, *format, &plain))?;
    }
    let style = Style { colour: settings.colour, ..plain };
    output::stdout(&report::rendered(run, FormatArg::Console, &style))?;
    output::stdout("\n")?;
    for (_, path) in files {
        output::stdout(&format!("wrote {}\n", path.display()))?;
    }
    output::stdout(
        "\nThe findings are real: each persona deviates as its server is documented to.\n\
         Open the HTML report, then judge your own endpoint:\n  \
         proofhouse check --url http://localhost:8000/v1\n",
    )
}
