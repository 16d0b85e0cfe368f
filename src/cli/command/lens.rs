//! `proofhouse lens`: what well-known clients would make of saved exchanges.

use std::fs::File;
use std::io::BufReader;

use schemars::JsonSchema;
use serde::Serialize;
use tabled::builder::Builder;
use tabled::settings::Style;

use crate::cli::args::{LensArgs, ListFormat};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output;
use crate::lens::{self, Answer, Effect, Lens, Outcome};
use crate::text::{ellipsis, plural};
use crate::transcript::{Exchange, read_jsonl};

/// Characters of a detail in the table; the JSON has it whole.
const DETAIL_CHARS: usize = 100;

/// What clients would make of saved exchanges, as `lens FILE --format json` prints it.
///
/// Every key is always there. Keys may be added within a version, so readers pass over those they
/// do not know.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "proofhouse lenses")]
struct Looked<'a> {
    /// The version of this format: 1.
    version: u32,
    /// One for each exchange of the file, in order.
    exchanges: Vec<Seen<'a>>,
}

/// One exchange.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Exchange")]
struct Seen<'a> {
    /// Its id in the file.
    id: &'a str,
    /// Of the request.
    method: &'a str,
    /// Of the request.
    url: &'a str,
    /// Null if no answer came.
    status: Option<u16>,
    /// One for each client that would have made the request; empty for what is no chat.
    lenses: Vec<Sight<'a>>,
}

/// What one client would make of it.
#[derive(Serialize, JsonSchema)]
struct Sight<'a> {
    /// The id of the lens: `openai-python`.
    client: &'a str,
    /// The package and the version that the lens was proven against: `openai 3.54.0`.
    package: String,
    /// What becomes of the client's user.
    effect: Effect,
    /// A sentence on it.
    detail: String,
    /// How the call ends: `returns`, `raises` or `hangs`.
    outcome: &'static str,
    /// The exception's class as the caller sees it; null unless the call raises.
    exception: Option<String>,
    /// The exception's text as far as the lens knows it; null unless the call raises.
    message: Option<String>,
    /// What of the answer reached the caller.
    answer: Answer,
}

/// The JSON Schema of this format, as committed in `schema/lens.json`.
pub fn schema() -> serde_json::Value {
    schemars::generate::SchemaSettings::draft2020_12()
        .for_serialize()
        .into_generator()
        .into_root_schema_for::<Looked<'static>>()
        .to_value()
}

pub(super) fn run(args: &LensArgs) -> Result<Exit, Failure> {
    let shown = args.file.display();
    let file = File::open(&args.file).map_err(|error| {
        Failure::usage(format!("`{shown}` could not be read: {error}"))
            .hint("name a file of exchanges, such as exchanges.jsonl of a run record")
    })?;
    let exchanges = read_jsonl(BufReader::new(file)).map_err(|error| {
        Failure::from_error(Exit::Usage, &error)
            .hint("each line is an exchange as JSON, as in exchanges.jsonl of a run record")
    })?;
    let lenses = chosen(&args.client)?;
    let looked = Looked {
        version: 1,
        exchanges: exchanges.iter().map(|exchange| seen(exchange, &lenses)).collect(),
    };
    let text = match args.format {
        ListFormat::Json => super::list::pretty(&looked)?,
        ListFormat::Text => table(&looked),
    };
    output::stdout(&text)?;
    Ok(Exit::Held)
}

/// The lenses that were named, or all.
pub(super) fn chosen(names: &[String]) -> Result<Vec<&'static Lens>, Failure> {
    if names.is_empty() {
        return Ok(lens::all().iter().collect());
    }
    names.iter().map(|name| named(name)).collect()
}

/// The lens of this name.
pub(super) fn named(name: &str) -> Result<&'static Lens, Failure> {
    lens::find(name).ok_or_else(|| {
        let known: Vec<&str> = lens::all().iter().map(|lens| lens.id).collect();
        let failure = Failure::usage(format!("there is no lens for the client `{name}`"));
        match crate::text::did_you_mean(name, known.iter().copied()) {
            Some(near) => failure.hint(format!("did you mean `{near}`?")),
            None => failure.hint(format!("there are {}", known.join(", "))),
        }
    })
}

fn seen<'a>(exchange: &'a Exchange, lenses: &[&'static Lens]) -> Seen<'a> {
    let sights = lenses.iter().filter_map(|lens| {
        let lens::Sight { effect, detail, taken } = lens.look(exchange)?;
        let (outcome, exception, message) = match taken.outcome {
            Outcome::Returns => ("returns", None, None),
            Outcome::Raises { exception, message } => ("raises", Some(exception), Some(message)),
            Outcome::Hangs => ("hangs", None, None),
        };
        Some(Sight {
            client: lens.id,
            package: format!("{} {}", lens.package, lens.version),
            effect,
            detail,
            outcome,
            exception,
            message,
            answer: taken.answer,
        })
    });
    Seen {
        id: &exchange.id,
        method: &exchange.request.method,
        url: &exchange.request.url,
        status: exchange.status(),
        lenses: sights.collect(),
    }
}

fn table(looked: &Looked<'_>) -> String {
    let mut text = String::new();
    let mut passed_over = 0;
    for exchange in &looked.exchanges {
        if exchange.lenses.is_empty() {
            passed_over += 1;
            continue;
        }
        let status = exchange.status.map_or("no answer".to_owned(), |status| status.to_string());
        let mut builder = Builder::default();
        for sight in &exchange.lenses {
            builder.push_record([
                String::new(),
                sight.client.to_owned(),
                sight.effect.phrase().to_owned(),
                ellipsis(&crate::text::printable(sight.detail.as_bytes()), DETAIL_CHARS),
            ]);
        }
        let head = [exchange.id, exchange.method, exchange.url, &status].join(" ");
        let head = crate::text::printable(head.as_bytes());
        text = format!("{text}{head}\n{}\n\n", builder.build().with(Style::blank()));
    }
    if passed_over > 0 {
        let count = plural(passed_over, "exchange");
        text = format!("{text}{count} passed over: no chat, so no client reads them\n");
    }
    text
}
