//! `sagemaker` and `scan`, as typed.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use clap::{Args, Subcommand, ValueEnum};

use super::ListFormat;
use crate::aws::bearer::Expiry;

/// `sagemaker`.
#[derive(Debug, Args)]
pub struct SagemakerArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: SagemakerCommand,
}

/// The commands below `sagemaker`.
#[derive(Debug, Subcommand)]
pub enum SagemakerCommand {
    /// Mint a short-lived bearer token from AWS credentials; nothing is sent
    Token(TokenArgs),
    /// Print the least IAM policy for an endpoint, or judge one that was exported
    Policy(PolicyArgs),
}

/// `sagemaker token`.
#[derive(Debug, Args)]
pub struct TokenArgs {
    /// Region the token is good in [default: `$AWS_REGION`]
    #[arg(long, value_name = "REGION")]
    pub region: Option<String>,
    /// How long it is to live, 1 s to 12 h; never longer than the credentials do
    #[arg(long, value_name = "SPAN", default_value = "15m")]
    pub expiry: Expiry,
    /// Give it to this command in an environment variable, and print nothing
    #[arg(long, value_name = "COMMAND", conflicts_with = "inspect")]
    pub exec: Option<String>,
    /// The variable that --exec sets
    #[arg(long, value_name = "VAR", default_value = "OPENAI_API_KEY")]
    pub exec_env: String,
    /// Print it even on a terminal
    #[arg(long, conflicts_with_all = ["exec", "inspect"])]
    pub print: bool,
    /// Say what a token on stdin is, or else the one that would be minted; never its signature
    #[arg(long)]
    pub inspect: bool,
    /// Mint a short-term key of Bedrock instead
    #[arg(long)]
    pub bedrock: bool,
    /// How --inspect prints
    #[arg(long, value_enum, default_value_t = ListFormat::Text)]
    pub format: ListFormat,
    /// The time it is
    #[arg(long, value_name = "RFC3339", value_parser = time, hide = true)]
    pub frozen_clock: Option<DateTime<Utc>>,
}

fn time(text: &str) -> Result<DateTime<Utc>, String> {
    let read = DateTime::parse_from_rfc3339(text).map_err(|error| error.to_string())?;
    Ok(read.with_timezone(&Utc))
}

/// `sagemaker policy`.
#[derive(Debug, Args)]
pub struct PolicyArgs {
    /// Judge an exported policy instead (JSON); exit code 1 when something in it is of high severity
    #[arg(long, value_name = "FILE", conflicts_with_all = ["endpoint", "region", "account"])]
    pub lint: Option<PathBuf>,
    /// Name of the endpoint
    #[arg(long, value_name = "NAME", required_unless_present = "lint")]
    pub endpoint: Option<String>,
    /// Inference component that is called
    #[arg(long, value_name = "NAME", requires = "endpoint")]
    pub component: Option<String>,
    /// Its region [default: `$AWS_REGION`]
    #[arg(long, value_name = "REGION")]
    pub region: Option<String>,
    /// The account it is in, twelve digits
    #[arg(long, value_name = "ACCOUNT", required_unless_present = "lint")]
    pub account: Option<String>,
    /// How --lint prints
    #[arg(long, value_enum, default_value_t = ListFormat::Text)]
    pub format: ListFormat,
}

/// `scan`.
#[derive(Debug, Args)]
pub struct ScanArgs {
    /// Files and folders, also gzip and zstd; `-` is stdin
    #[arg(value_name = "PATH", required = true)]
    pub paths: Vec<PathBuf>,
    /// How to print
    #[arg(long, value_enum, default_value_t = ScanFormat::Text)]
    pub format: ScanFormat,
    /// The time it is
    #[arg(long, value_name = "RFC3339", value_parser = time, hide = true)]
    pub frozen_clock: Option<DateTime<Utc>>,
}

/// How `scan` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ScanFormat {
    /// For people
    Text,
    /// For scripts
    Json,
    /// For code scanning services (SARIF 2.1.0)
    Sarif,
}
