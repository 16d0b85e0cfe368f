//! `proofhouse mock`: be an endpoint until interrupted.

use std::path::Path;

use secrecy::ExposeSecret as _;
use serde_json::json;

use super::list::pretty;
use super::runtime;
use super::table::Table;
use crate::aws::bearer::Service;
use crate::cli::args::{ListFormat, MockArgs};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output;
use crate::cli::settings::{self, Settings};
use crate::clock::Clock;
use crate::mock::{self, Config, Gate, Persona, Server};
use crate::suite::duration;
use crate::transcript::{Exchange, read_jsonl};
use crate::transport::aws::environment;
use crate::units::Nanos;

pub(super) fn run(args: &MockArgs, settings: &Settings) -> Result<Exit, Failure> {
    if args.list_faults {
        return list_faults(args.format, settings);
    }
    if args.list_personas {
        return list_personas(args.format);
    }
    let config = config(args)?;
    runtime()?.block_on(serve(config))
}

fn list_faults(format: ListFormat, settings: &Settings) -> Result<Exit, Failure> {
    let rows = mock::faults().iter().map(|fault| vec![json!(fault.name), json!(fault.does)]);
    let table =
        Table { head: &[("name", "fault"), ("does", "what it does")], rows: rows.collect() };
    output::stdout(&table.print(format, settings.width)?)?;
    Ok(Exit::Held)
}

fn list_personas(format: ListFormat) -> Result<Exit, Failure> {
    let text = match format {
        ListFormat::Json => {
            let rows: Vec<_> = Persona::ALL
                .iter()
                .map(|persona| {
                    let deviations: Vec<_> = persona
                        .deviations()
                        .iter()
                        .map(|deviation| json!({"what": deviation.what, "link": deviation.link}))
                        .collect();
                    json!({
                        "name": persona.name(),
                        "title": persona.title(),
                        "deviations": deviations,
                    })
                })
                .collect();
            pretty(&rows)?
        }
        ListFormat::Text => {
            let mut lines = Vec::new();
            for persona in Persona::ALL {
                lines.push(format!("{}: {}", persona.name(), persona.title()));
                for deviation in persona.deviations() {
                    lines.push(format!("  - {}\n    {}", deviation.what, deviation.link));
                }
            }
            lines.join("\n") + "\n"
        }
    };
    output::stdout(&text)?;
    Ok(Exit::Held)
}

fn config(args: &MockArgs) -> Result<Config, Failure> {
    let mut config = Config { port: args.port, seed: args.seed, ..Config::default() };
    config.persona = args.persona.parse().map_err(|error| {
        Failure::usage(format!("{error}")).hint("`proofhouse mock --list-personas` shows them")
    })?;
    config.faults = args.fault.join("+").parse().map_err(|error| {
        Failure::usage(format!("{error}")).hint("`proofhouse mock --list-faults` shows them")
    })?;
    config.ttft = span("--ttft", &args.ttft)?;
    config.itl = span("--itl", &args.itl)?;
    if let Some(variable) = &args.auth_env {
        let key = settings::secret(variable).ok_or_else(|| {
            Failure::usage(format!("the environment variable `{variable}` is not set"))
        })?;
        config.api_key = Some(key.expose_secret().to_owned());
    }
    if let Some(region) = &args.verify_region {
        config.gate = Some(gate(config.persona, region, &args.endpoint)?);
    }
    if !args.model.is_empty() {
        config.models.clone_from(&args.model);
    }
    if !args.blind.is_empty() {
        config.blind.clone_from(&args.blind);
        let more = args.blind.iter().filter(|name| !config.models.contains(name));
        let more: Vec<String> = more.cloned().collect();
        config.models.extend(more);
    }
    if let Some(context) = args.context {
        config.context_tokens = context;
    }
    if let Some(path) = &args.capture {
        capturable(path)?;
    }
    config.capture.clone_from(&args.capture);
    if let Some(path) = &args.replay {
        config.replay = Some(replay(path)?);
    }
    Ok(config)
}

/// A front door that lets in whoever signs with the keys of this environment.
fn gate(persona: Persona, region: &str, endpoint: &str) -> Result<Gate, Failure> {
    if persona != Persona::SageMaker {
        return Err(Failure::usage(format!("the persona {persona} has no front door of AWS's"))
            .hint("name the one that has: --persona sagemaker"));
    }
    let surroundings = settings::surroundings();
    let identity = environment(&surroundings)
        .map_err(|error| Failure::from_error(Exit::Usage, &error))?
        .ok_or_else(|| {
            Failure::usage("there are no keys to verify with")
                .hint("set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, to example keys for one")
        })?;
    let (endpoint, component) = endpoint.split_once('/').unwrap_or((endpoint, ""));
    Ok(Gate {
        service: Service::SageMaker,
        region: region.to_owned(),
        account: "111122223333".to_owned(),
        identity,
        endpoint: endpoint.to_owned(),
        components: vec![component.to_owned()],
        allowed: vec![endpoint.to_owned()],
        clock: Clock::system(),
    })
}

fn span(flag: &str, text: &str) -> Result<Nanos, Failure> {
    duration(text).map_err(|error| Failure::usage(format!("{flag}: {error}")))
}

fn replay(path: &Path) -> Result<Vec<Exchange>, Failure> {
    let wrong = |error: &dyn std::error::Error| {
        Failure::usage(format!("`{}`: {}", path.display(), crate::cli::failure::chain(error)))
            .hint("a saved run has them in exchanges.jsonl")
    };
    let file = std::fs::File::open(path).map_err(|error| wrong(&error))?;
    read_jsonl(std::io::BufReader::new(file)).map_err(|error| wrong(&error))
}

/// Makes sure that requests can be kept, before any comes.
fn capturable(path: &Path) -> Result<(), Failure> {
    let opened = std::fs::OpenOptions::new().create(true).append(true).open(path);
    opened.map(|_| ()).map_err(|error| {
        Failure::new(Exit::Unwritten, format!("`{}` could not be opened: {error}", path.display()))
            .hint("name a file for --capture in a folder that exists and that you may write to")
    })
}

async fn serve(config: Config) -> Result<Exit, Failure> {
    let address = format!("{}:{}", config.host, config.port);
    let endpoint = config.gate.as_ref().map(|gate| gate.endpoint.clone());
    let server = Server::start(config).map_err(|error| {
        Failure::new(Exit::Inconclusive, format!("cannot listen on {address}: {error}"))
            .hint("name another port with --port, or 0 for a free one")
    })?;
    let below = endpoint
        .map(|name| server.base_url().replace("/v1", &format!("/endpoints/{name}/openai/v1")));
    // Scripts read the first line; it is flushed at once, whatever stdout is.
    output::stdout(&format!("{base}\n", base = below.unwrap_or_else(|| server.base_url())))?;
    let waited = tokio::signal::ctrl_c().await;
    server.stop();
    waited.map(|()| Exit::Held).map_err(|error| {
        Failure::new(Exit::Inconclusive, format!("the interrupt could not be waited for: {error}"))
    })
}
