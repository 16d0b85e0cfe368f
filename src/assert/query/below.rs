//! What may stand below a root.

use super::parse::Fault;
use super::{Root, Segment};
use crate::text::did_you_mean;

/// What stands below `timing`.
const TIMINGS: [&str; 5] = ["connect", "ttfb", "ttft", "total", "gap_max"];
/// What stands below `connection`.
const CONNECTION: [&str; 2] = ["number", "reused"];
/// What an item of `events` has.
const EVENT: [&str; 6] = ["data", "name", "id", "at_ms", "bytes", "data_lines"];
/// What an item of `oddities` has.
const ODDITY: [&str; 3] = ["kind", "offset", "times"];
/// What an item of `redactions` has.
const REDACTION: [&str; 3] = ["side", "place", "secret"];

/// What may stand below a root is known for all but JSON; a slip there would never find anything.
pub(super) fn check_below(
    root: &Root,
    path: &[Segment],
    starts: &[usize],
    end: usize,
) -> Result<(), Fault> {
    let column = |index: usize| starts.get(index).map_or(end, |start| start + 1);
    let (root_word, fields): (&str, &[&str]) = match root {
        Root::Status
        | Root::HttpVersion
        | Root::Header(_)
        | Root::Headers(_)
        | Root::Raw
        | Root::Reads
        | Root::End
        | Root::Framing => {
            return if path.is_empty() {
                Ok(())
            } else {
                Err((column(0) - 1, "there is nothing below a plain value".to_owned()))
            };
        }
        Root::Timing | Root::Connection => {
            let (word, fields): (&str, &[&str]) = match root {
                Root::Timing => ("`timing`", &TIMINGS),
                _ => ("`connection`", &CONNECTION),
            };
            return match path {
                [Segment::Name(name)] => known(name, fields, column(0), word),
                _ => Err((end, format!("{word} needs one of {}", list(fields)))),
            };
        }
        Root::Events => ("an event", &EVENT),
        Root::Oddities => ("an oddity", &ODDITY),
        Root::Redactions => ("a redaction", &REDACTION),
        Root::Comments | Root::SecondReader => ("a text", &[]),
        Root::Body | Root::Chunks | Root::Assembled | Root::Request | Root::Var(_) => {
            if let (Root::Chunks, Some(Segment::Name(name))) = (root, path.first()) {
                return Err((column(0) - 1, needs_index("chunks", name)));
            }
            return Ok(());
        }
    };
    match path.first() {
        Some(Segment::Name(name)) => {
            let word = match root {
                Root::Events => "events",
                Root::Oddities => "oddities",
                Root::Redactions => "redactions",
                Root::Comments => "comments",
                _ => "second_reader",
            };
            Err((column(0) - 1, needs_index(word, name)))
        }
        Some(Segment::Names(_)) => Err((column(0) - 1, "a list has no names".to_owned())),
        _ => match path.get(1) {
            Some(Segment::Name(name)) => known(name, fields, column(1), root_word),
            Some(Segment::Names(names)) => {
                names.iter().try_for_each(|name| known(name, fields, column(1), root_word))
            }
            Some(_) if fields.is_empty() => {
                Err((column(1) - 1, "there is nothing below a text".to_owned()))
            }
            _ => Ok(()),
        },
    }
}

fn needs_index(list: &str, name: &str) -> String {
    format!(
        "`{list}` is a list: `{list}[*].{name}` for every item, `{list}[0].{name}` for the first"
    )
}

pub(super) fn known(name: &str, fields: &[&str], at: usize, whose: &str) -> Result<(), Fault> {
    if fields.contains(&name) {
        return Ok(());
    }
    let hint = did_you_mean(name, fields.iter().copied()).map_or_else(
        || format!("it has {}", list(fields)),
        |near| format!("did you mean `{near}`?"),
    );
    Err((at, format!("{whose} has no `{name}`; {hint}")))
}

pub(super) fn unknown(noun: &str, word: &str, known: &[&str]) -> String {
    match did_you_mean(word, known.iter().copied()) {
        Some(near) => format!("there is no {noun} `{word}`; did you mean `{near}`?"),
        None => format!("there is no {noun} `{word}`; there are {}", list(known)),
    }
}

fn list(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    quoted.join(", ")
}
