//! The command line, as typed. Nothing here touches the world.

mod aws;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::verdict::Level;

pub(super) use aws::{
    PolicyArgs, SagemakerArgs, SagemakerCommand, ScanArgs, ScanFormat, TokenArgs,
};

/// Conformance and load testing for OpenAI-compatible LLM endpoints.
#[derive(Debug, Parser)]
#[command(name = "proofhouse", version, propagate_version = true, max_term_width = 100)]
#[command(
    after_help = "Start with `proofhouse demo`, then `proofhouse check --url http://localhost:8000/v1`.\n\
                        Exit codes: 0 held, 1 broken, 2 usage, 3 inconclusive or unreachable, 4 nothing selected,\n\
                        5 bound missed, 6 not written."
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Check two embedded mock servers and write one HTML report: no network, no set-up
    Demo(DemoArgs),
    /// Judge one or more endpoints
    Check(Box<CheckArgs>),
    /// Measure an endpoint under load
    Load(Box<LoadArgs>),
    /// Measure the load client's own error on this machine, against known times
    Calibrate(CalibrateArgs),
    /// Be the server that `calibrate` holds the client against
    #[command(hide = true)]
    Truth,
    /// Be an endpoint: a conforming one, a well-known one, or a broken one
    Mock(MockArgs),
    /// Render a saved run
    Report(ReportArgs),
    /// Say what a check, a stream rule or a mock fault means
    Explain(ExplainArgs),
    /// Say what well-known clients would make of saved exchanges
    Lens(LensArgs),
    /// List checks, suites, profiles, load plans, capabilities or stream rules
    List(ListArgs),
    /// Check suite and profile files without sending anything
    Lint(LintArgs),
    /// Bearer tokens and IAM policies for SageMaker's OpenAI route
    Sagemaker(Box<SagemakerArgs>),
    /// Look for leaked AWS bearer tokens in logs; never prints what it finds
    Scan(ScanArgs),
    /// Write a commented proofhouse.toml and a first suite
    Init(InitArgs),
    /// Print completions for a shell
    Completions(CompletionsArgs),
}

/// `demo`.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Where the reports go
    #[arg(long, value_name = "DIR", default_value = "reports")]
    pub out: PathBuf,
}

/// `check`.
#[derive(Clone, Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag that stands alone")]
pub struct CheckArgs {
    #[command(flatten)]
    pub target: TargetArgs,
    #[command(flatten)]
    pub selection: SelectionArgs,
    /// Cases under way at once [default: 4]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256), help_heading = "Run")]
    pub concurrency: Option<u16>,
    /// Seed of nonces and other random choices
    #[arg(long, value_name = "N", default_value_t = 0, help_heading = "Run")]
    pub seed: u64,
    /// Send identical requests again for each case, instead of once
    #[arg(long, help_heading = "Run")]
    pub no_share: bool,
    /// Print what would be sent, by suite, and send nothing
    #[arg(long, visible_alias = "plan", help_heading = "Run")]
    pub dry_run: bool,
    /// Do not begin a run whose answers may have more tokens than this
    #[arg(long, value_name = "N", help_heading = "Run")]
    pub budget_tokens: Option<u64>,
    /// A broken `should` fails the run
    #[arg(long, help_heading = "Verdict")]
    pub strict: bool,
    /// A known deviation that no longer deviates fails the run
    #[arg(long, help_heading = "Verdict")]
    pub strict_known: bool,
    /// Exit 5 when a check that held in this earlier record is broken now, required or not
    #[arg(long, value_name = "RUN", help_heading = "Verdict")]
    pub baseline: Option<PathBuf>,
    /// Judge from this client's point of view: what hurts it fails, what it tolerates is a note
    #[arg(long, value_name = "NAME", help_heading = "Verdict")]
    pub client: Option<String>,
    /// Exit 3 when fewer than this share of the applicable cases was decided
    #[arg(long, value_name = "SHARE", default_value_t = 0.5, value_parser = share, help_heading = "Verdict")]
    pub min_coverage: f64,
    #[command(flatten)]
    pub output: OutputArgs,
    /// Keep the run record here [default: a new folder under reports/]
    #[arg(long, value_name = "DIR", help_heading = "Output")]
    pub record: Option<PathBuf>,
    /// Keep no run record
    #[arg(long, conflicts_with = "record", help_heading = "Output")]
    pub no_record: bool,
}

fn share(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|share| (0.0..=1.0).contains(share))
        .ok_or_else(|| "expected a share from 0 to 1".to_owned())
}

/// Which endpoints.
#[derive(Clone, Debug, Args)]
pub struct TargetArgs {
    /// Base URL, with its /v1; again for more targets
    #[arg(long, value_name = "URL", help_heading = "Target")]
    pub url: Vec<String>,
    /// Model to ask for [default: the first that the endpoint lists]
    #[arg(long, value_name = "NAME", help_heading = "Target")]
    pub model: Option<String>,
    /// An endpoint of SageMaker, with tokens minted from AWS credentials; --url overrides its URL
    #[arg(long, value_name = "NAME", conflicts_with_all = ["target", "config", "auth_env", "auth_command"], help_heading = "Target")]
    pub sagemaker: Option<String>,
    /// Its inference component
    #[arg(long, value_name = "NAME", requires = "sagemaker", help_heading = "Target")]
    pub component: Option<String>,
    /// Its region [default: `$AWS_REGION`]
    #[arg(long, value_name = "REGION", requires = "sagemaker", help_heading = "Target")]
    pub region: Option<String>,
    /// A target named in the project file; again for more
    #[arg(long, value_name = "NAME", conflicts_with = "url", help_heading = "Target")]
    pub target: Vec<String>,
    /// The project file [default: proofhouse.toml here or above]
    #[arg(long, value_name = "FILE", conflicts_with = "url", help_heading = "Target")]
    pub config: Option<PathBuf>,
    /// Profile: built-in name or a file
    #[arg(long, value_name = "NAME|FILE", help_heading = "Target")]
    pub profile: Option<String>,
    /// Environment variable that holds the API key
    #[arg(long, value_name = "VAR", help_heading = "Target")]
    pub auth_env: Option<String>,
    /// Header the key goes into, whole, instead of `authorization: Bearer …`
    #[arg(long, value_name = "NAME", help_heading = "Target")]
    pub auth_header: Option<String>,
    /// Command whose output is the key
    #[arg(long, value_name = "COMMAND", conflicts_with = "auth_env", help_heading = "Target")]
    pub auth_command: Option<String>,
    /// Further header, `name: value`; not for secrets
    #[arg(long, value_name = "HEADER", help_heading = "Target")]
    pub header: Vec<String>,
    /// CA certificates to trust besides the system's (PEM)
    #[arg(long, value_name = "FILE", help_heading = "Connection")]
    pub ca: Vec<PathBuf>,
    /// Client certificate (PEM)
    #[arg(long, value_name = "FILE", requires = "client_key", help_heading = "Connection")]
    pub client_cert: Option<PathBuf>,
    /// Key of the client certificate (PEM)
    #[arg(long, value_name = "FILE", requires = "client_cert", help_heading = "Connection")]
    pub client_key: Option<PathBuf>,
    /// Do not verify the server's certificate
    #[arg(long, help_heading = "Connection")]
    pub insecure: bool,
    /// HTTP proxy
    #[arg(long, value_name = "URL", help_heading = "Connection")]
    pub proxy: Option<String>,
    /// HTTP version
    #[arg(long, value_enum, default_value_t = HttpArg::Auto, help_heading = "Connection")]
    pub http: HttpArg,
    /// Deadline of a whole exchange [default: 300s]
    #[arg(long, value_name = "SPAN", help_heading = "Connection")]
    pub timeout: Option<String>,
    /// Deadline of name resolution and connect [default: 10s]
    #[arg(long, value_name = "SPAN", help_heading = "Connection")]
    pub connect_timeout: Option<String>,
    /// Deadline of the first byte [default: 120s]
    #[arg(long, value_name = "SPAN", help_heading = "Connection")]
    pub first_byte_timeout: Option<String>,
    /// Longest silence inside a response [default: 60s]
    #[arg(long, value_name = "SPAN", help_heading = "Connection")]
    pub gap_timeout: Option<String>,
}

/// The HTTP version to speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum HttpArg {
    /// What TLS agrees on; HTTP/1.1 without TLS
    Auto,
    /// HTTP/1.1
    #[value(name = "1.1")]
    One,
    /// HTTP/2, with prior knowledge where there is no TLS
    #[value(name = "2")]
    Two,
}

/// Which cases.
#[derive(Clone, Debug, Default, Args)]
pub struct SelectionArgs {
    /// Suite or set (`core`, `full`, `soak`): built-in name or a file; again for more [default: all built in]
    #[arg(long, value_name = "NAME|FILE", help_heading = "Selection")]
    pub suite: Vec<String>,
    /// Only these: `sse.done-sentinel`, `sse.*`, `suite:tools`, `level:must`, `tag:…`
    #[arg(long, value_name = "PATTERN", value_delimiter = ',', help_heading = "Selection")]
    pub select: Vec<String>,
    /// Not these
    #[arg(long, value_name = "PATTERN", value_delimiter = ',', help_heading = "Selection")]
    pub skip: Vec<String>,
    /// Only these levels
    #[arg(long, value_enum, value_delimiter = ',', help_heading = "Selection")]
    pub level: Vec<LevelArg>,
}

/// How strongly a rule binds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LevelArg {
    /// Breaks a client when broken
    Must,
    /// Documented, and relied on by some
    Should,
    /// Worth knowing
    May,
}

impl From<Level> for LevelArg {
    fn from(level: Level) -> Self {
        match level {
            Level::Must => Self::Must,
            Level::Should => Self::Should,
            Level::May => Self::May,
        }
    }
}

impl LevelArg {
    /// The same, as verdicts know it.
    pub const fn level(self) -> Level {
        match self {
            Self::Must => Level::Must,
            Self::Should => Level::Should,
            Self::May => Level::May,
        }
    }
}

/// What is printed and written.
#[derive(Clone, Debug, Args)]
pub struct OutputArgs {
    /// What stdout gets
    #[arg(long, value_enum, default_value_t = FormatArg::Console, help_heading = "Output")]
    pub format: FormatArg,
    /// Write a report as well, `html=FILE`; again for more
    #[arg(long, value_name = "FORMAT=FILE", value_parser = report_file, help_heading = "Output")]
    pub report: Vec<(FormatArg, PathBuf)>,
    /// Show what passed, too
    #[arg(long, short, help_heading = "Output")]
    pub verbose: bool,
}

fn report_file(text: &str) -> Result<(FormatArg, PathBuf), String> {
    format_and_file(text)
}

fn format_and_file<F: ValueEnum>(text: &str) -> Result<(F, PathBuf), String> {
    let (format, path) = text
        .split_once('=')
        .filter(|(_, path)| !path.is_empty())
        .ok_or_else(|| "expected FORMAT=FILE, for example html=report.html".to_owned())?;
    let format = F::from_str(format, true).map_err(|_| {
        let known: Vec<String> = F::value_variants()
            .iter()
            .filter_map(|format| Some(format.to_possible_value()?.get_name().to_owned()))
            .collect();
        format!("there is no format `{format}`; there are: {}", known.join(", "))
    })?;
    Ok((format, path.into()))
}

/// A report's format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FormatArg {
    /// For a terminal
    Console,
    /// For scripts; schema/report.json describes it
    Json,
    /// For CI systems
    Junit,
    /// For a pull request
    Markdown,
    /// One self-contained page
    Html,
}

/// `load`.
#[derive(Clone, Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag that stands alone")]
#[command(
    after_help = "A load is a plan file, or --users or --rate with what else is said here.\n\
                  What is measured, and from where to where, stands in the JSON beside each number."
)]
pub struct LoadArgs {
    #[command(flatten)]
    pub target: TargetArgs,
    /// A plan file or a built-in plan (`list plans`); what else is said here goes before it
    #[arg(long, value_name = "PLAN", conflicts_with_all = ["users", "rate", "prompt", "prompt_tokens", "max_tokens", "exact_output", "no_stream"], help_heading = "Load")]
    pub plan: Option<PathBuf>,
    /// So many users, each with one request at a time
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000), conflicts_with = "rate", help_heading = "Load")]
    pub users: Option<u32>,
    /// Requests per second, whatever the answers do
    #[arg(long, value_name = "PER_SECOND", value_parser = rate, allow_negative_numbers = true, help_heading = "Load")]
    pub rate: Option<f64>,
    /// How arrivals of --rate are spaced
    #[arg(long, value_enum, default_value_t = ArrivalArg::Poisson, requires = "rate", help_heading = "Load")]
    pub arrival: ArrivalArg,
    /// Shape of gamma arrivals: 1 is Poisson, less is burstier
    #[arg(long, value_name = "SHAPE", default_value_t = 1.0, value_parser = rate, allow_negative_numbers = true, help_heading = "Load")]
    pub burstiness: f64,
    /// Length of the measured window [default: 30s, unless --requests]
    #[arg(long, value_name = "SPAN", help_heading = "Load")]
    pub duration: Option<String>,
    /// The window ends after so many requests
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..), help_heading = "Load")]
    pub requests: Option<u64>,
    /// Load before the measured window [default: none]
    #[arg(long, value_name = "SPAN", help_heading = "Load")]
    pub warm_up: Option<String>,
    /// Load after it [default: none]
    #[arg(long, value_name = "SPAN", help_heading = "Load")]
    pub cool_down: Option<String>,
    /// Requests in flight at most; more are shed, and counted [default: 10000]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000), help_heading = "Load")]
    pub in_flight: Option<u32>,
    /// Seed of arrivals and prompts
    #[arg(long, value_name = "N", help_heading = "Load")]
    pub seed: Option<u64>,
    /// Event loops [default: one for each two processors]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=256), help_heading = "Load")]
    pub threads: Option<u32>,
    /// Ask this
    #[arg(long, value_name = "TEXT", conflicts_with = "prompt_tokens", help_heading = "Requests")]
    pub prompt: Option<String>,
    /// Ask about so many tokens of plain words [default: 100]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), help_heading = "Requests")]
    pub prompt_tokens: Option<u32>,
    /// Limit of each reply in tokens [default: 100]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), help_heading = "Requests")]
    pub max_tokens: Option<u32>,
    /// Insist on that length, with `ignore_eos` and `min_tokens` (vLLM, SGLang)
    #[arg(long, help_heading = "Requests")]
    pub exact_output: bool,
    /// Ask for whole answers instead of streams
    #[arg(long, help_heading = "Requests")]
    pub no_stream: bool,
    /// Read the server's Prometheus metrics here while the load runs (vLLM, SGLang, TGI,
    /// llama.cpp); `/metrics` if the URL has no path; again for more
    #[arg(long, value_name = "URL", help_heading = "Load")]
    pub scrape: Vec<String>,
    /// Go on with this record, of a run that was interrupted or killed
    #[arg(long, value_name = "RUN", conflicts_with_all = ["record", "no_record"], help_heading = "Load")]
    pub resume: Option<PathBuf>,
    /// What must hold: `ttft.p99 < 500ms`, `goodput.fraction >= 0.99`; again for more
    #[arg(long, value_name = "BOUND", help_heading = "Verdict")]
    pub objective: Vec<String>,
    /// Do not exit 5 because the client was the bottleneck; the report still says so
    #[arg(long, help_heading = "Verdict")]
    pub accept_limited: bool,
    /// What stdout gets
    #[arg(long, value_enum, default_value_t = LoadFormatArg::Console, help_heading = "Output")]
    pub format: LoadFormatArg,
    /// Write a report as well, `json=FILE`; again for more
    #[arg(long, value_name = "FORMAT=FILE", value_parser = load_report_file, help_heading = "Output")]
    pub report: Vec<(LoadFormatArg, PathBuf)>,
    /// Keep the run record here [default: a new folder under reports/]
    #[arg(long, value_name = "DIR", help_heading = "Output")]
    pub record: Option<PathBuf>,
    /// Keep no run record
    #[arg(long, conflicts_with = "record", help_heading = "Output")]
    pub no_record: bool,
}

fn rate(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|rate: &f64| (0.001..=1e6).contains(rate))
        .ok_or_else(|| "expected a number from 0.001 to 1000000".to_owned())
}

fn load_report_file(text: &str) -> Result<(LoadFormatArg, PathBuf), String> {
    format_and_file(text)
}

/// How arrivals of a rate are spaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ArrivalArg {
    /// Evenly
    Constant,
    /// Independent of each other
    Poisson,
    /// In gamma-distributed gaps, see --burstiness
    Gamma,
}

/// The format of a load report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LoadFormatArg {
    /// For a terminal
    Console,
    /// For scripts
    Json,
    /// One metric a line
    Csv,
    /// For a pull request
    Markdown,
    /// For CI systems: a test case for each objective
    Junit,
    /// One self-contained page
    Html,
    /// With the key names of `vllm bench serve`
    VllmJson,
}

/// `calibrate`.
#[derive(Debug, Args)]
pub struct CalibrateArgs {
    /// So many users, each with one request at a time
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub users: u32,
    /// Requests per second instead
    #[arg(long, value_name = "PER_SECOND", value_parser = rate, allow_negative_numbers = true, conflicts_with = "users")]
    pub rate: Option<f64>,
    /// For how long
    #[arg(long, value_name = "SPAN", default_value = "10s")]
    pub duration: String,
    /// The server's time to first token
    #[arg(long, value_name = "SPAN", default_value = "50ms")]
    pub ttft: String,
    /// The server's time between tokens
    #[arg(long, value_name = "SPAN", default_value = "10ms")]
    pub itl: String,
    /// Tokens of each reply
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(2..=100_000))]
    pub tokens: u32,
    /// Event loops
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=256))]
    pub threads: Option<u32>,
    /// How to print
    #[arg(long, value_enum, default_value_t = ListFormat::Text)]
    pub format: ListFormat,
}

/// `mock`.
#[derive(Debug, Args)]
pub struct MockArgs {
    /// Whose behaviour; `--list-personas` shows them
    #[arg(long, value_name = "NAME", default_value = "openai")]
    pub persona: String,
    /// Named faults, joined with `+` or given again
    #[arg(long, value_name = "NAME[+NAME]")]
    pub fault: Vec<String>,
    /// Port on the loopback address; 0 picks a free one
    #[arg(long, value_name = "PORT", default_value_t = 8089)]
    pub port: u16,
    /// Environment variable that holds the key which clients must send
    #[arg(long, value_name = "VAR")]
    pub auth_env: Option<String>,
    /// Verify bearer tokens as AWS would, for this region: the caller must have signed with the
    /// AWS_* keys of this environment (persona sagemaker)
    #[arg(long, value_name = "REGION", conflicts_with = "auth_env")]
    pub verify_region: Option<String>,
    /// The endpoint that --verify-region lets in, with a /NAME for its inference component
    #[arg(long, value_name = "NAME", default_value = "mock-endpoint", requires = "verify_region")]
    pub endpoint: String,
    /// Model to serve; again for more
    #[arg(long, value_name = "NAME")]
    pub model: Vec<String>,
    /// Model to serve that sees no images; again for more
    #[arg(long, value_name = "NAME")]
    pub blind: Vec<String>,
    /// Time to first token
    #[arg(long, value_name = "SPAN", default_value = "2ms")]
    pub ttft: String,
    /// Time between tokens
    #[arg(long, value_name = "SPAN", default_value = "1ms")]
    pub itl: String,
    /// Seed of the text it writes
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    /// Context length in tokens
    #[arg(long, value_name = "N")]
    pub context: Option<usize>,
    /// Answer from saved exchanges (JSON Lines), with their own timing
    #[arg(long, value_name = "FILE")]
    pub replay: Option<PathBuf>,
    /// Append every request that arrives to this file (JSON Lines)
    #[arg(long, value_name = "FILE")]
    pub capture: Option<PathBuf>,
    /// List the faults instead
    #[arg(long)]
    pub list_faults: bool,
    /// List the personas and their documented deviations instead
    #[arg(long, conflicts_with = "list_faults")]
    pub list_personas: bool,
    /// How to list
    #[arg(long, value_enum, default_value_t = ListFormat::Text)]
    pub format: ListFormat,
}

/// `report`.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// The run record, of a check or of a load
    #[arg(value_name = "RUN")]
    pub run: PathBuf,
    /// What stdout gets
    #[arg(long, value_enum, default_value_t = AnyFormatArg::Console, help_heading = "Output")]
    pub format: AnyFormatArg,
    /// Write a report as well, `html=FILE`; again for more
    #[arg(long, value_name = "FORMAT=FILE", value_parser = any_report_file, help_heading = "Output")]
    pub report: Vec<(AnyFormatArg, PathBuf)>,
    /// Show what passed, too
    #[arg(long, short, help_heading = "Output")]
    pub verbose: bool,
}

/// A report's format: those of checks and those of loads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum AnyFormatArg {
    /// For a terminal
    Console,
    /// For scripts
    Json,
    /// For CI systems
    Junit,
    /// For a pull request
    Markdown,
    /// One self-contained page
    Html,
    /// Of a load: one metric a line
    Csv,
    /// Of a load: with the key names of `vllm bench serve`
    VllmJson,
}

impl AnyFormatArg {
    /// The same for a check, if checks have it.
    pub const fn of_check(self) -> Option<FormatArg> {
        Some(match self {
            Self::Console => FormatArg::Console,
            Self::Json => FormatArg::Json,
            Self::Junit => FormatArg::Junit,
            Self::Markdown => FormatArg::Markdown,
            Self::Html => FormatArg::Html,
            Self::Csv | Self::VllmJson => return None,
        })
    }

    /// The same for a load.
    pub const fn of_load(self) -> LoadFormatArg {
        match self {
            Self::Console => LoadFormatArg::Console,
            Self::Json => LoadFormatArg::Json,
            Self::Junit => LoadFormatArg::Junit,
            Self::Markdown => LoadFormatArg::Markdown,
            Self::Html => LoadFormatArg::Html,
            Self::Csv => LoadFormatArg::Csv,
            Self::VllmJson => LoadFormatArg::VllmJson,
        }
    }
}

fn any_report_file(text: &str) -> Result<(AnyFormatArg, PathBuf), String> {
    format_and_file(text)
}

/// `explain`.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// A check, a stream rule or a mock fault
    #[arg(value_name = "ID")]
    pub id: String,
    /// Look here too: suite files
    #[arg(long, value_name = "FILE")]
    pub suite: Vec<String>,
    /// How to print
    #[arg(long, value_enum, default_value_t = ListFormat::Text)]
    pub format: ListFormat,
}

/// `lens`.
#[derive(Debug, Args)]
pub struct LensArgs {
    /// Exchanges as JSON Lines, such as exchanges.jsonl of a run record
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Only these clients: `openai-python`, `langchain`, …
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub client: Vec<String>,
    /// How to print; schema/lens.json describes the JSON
    #[arg(long, value_enum, default_value_t = ListFormat::Text)]
    pub format: ListFormat,
}

/// `list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// What to list
    #[arg(value_enum, default_value_t = Listed::Cases)]
    pub what: Listed,
    #[command(flatten)]
    pub selection: SelectionArgs,
    /// How to print
    #[arg(long, value_enum, default_value_t = ListFormat::Text)]
    pub format: ListFormat,
}

/// What `list` lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Listed {
    /// Every check
    Cases,
    /// The suites
    Suites,
    /// Built-in profiles
    Profiles,
    /// Built-in load plans
    Plans,
    /// Words that `needs` and profiles use
    Capabilities,
    /// Named stream rules
    Rules,
}

/// Text for people or JSON for scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ListFormat {
    /// For people
    Text,
    /// For scripts
    Json,
}

/// `lint`.
#[derive(Debug, Args)]
pub struct LintArgs {
    /// Suite, profile and project files, or folders of them [default: what is built in, and
    /// ./proofhouse.toml and ./suites]
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
}

/// `init`.
#[derive(Debug, Args)]
pub struct InitArgs {
    /// Where
    #[arg(value_name = "DIR", default_value = ".")]
    pub dir: PathBuf,
}

/// `completions`.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// For which shell
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}
