//! Reading a record back, as far as it goes.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::error::{Doing, RecordError, RecordErrorKind};
use super::{
    CaseRecord, EVENTS, EXCHANGES, FormatVersion, RUN, Run, RunEvent, RunMeta, TargetRun, Warning,
};
use crate::transcript::Exchange;
use crate::verdict::Verdict;

/// Reads the record in `dir`.
///
/// A record without its end (a crash, Ctrl-C, a run still going) is read as far as it is whole,
/// and says so in [`Run::truncated`]. A broken line anywhere but at the very end is an error.
pub fn read(dir: impl AsRef<Path>) -> Result<Run, RecordError> {
    let dir = dir.as_ref();
    let meta = read_meta(dir)?;
    let mut warnings = Vec::new();
    let events = read_events(&dir.join(EVENTS), meta.format)?;
    let (exchanges, exchanges_cut) = read_exchanges(&dir.join(EXCHANGES), &mut warnings)?;

    if events.unknown > 0 {
        warnings.push(Warning {
            target: None,
            seen: format!(
                "{} of a kind that this version does not know",
                crate::text::plural(events.unknown, "event")
            ),
            meaning: format!(
                "the record was written by proofhouse {} in format {}; what it added is not \
                 in this report",
                meta.tool, meta.format
            ),
            remedy: format!("render it with proofhouse {} or newer", meta.tool),
        });
    }

    let truncated = meta.ended.is_none() || events.cut || exchanges_cut;
    let mut run = Run { meta, targets: Vec::new(), warnings, exchanges, truncated };
    gather(&mut run, events.whole, &dir.join(EVENTS))?;
    Ok(run)
}

fn read_meta(dir: &Path) -> Result<RunMeta, RecordError> {
    // Read before the rest, because the rest may not have this shape in another major version.
    #[derive(Deserialize)]
    struct Front {
        format: FormatVersion,
        #[serde(default)]
        tool: String,
    }

    let path = dir.join(RUN);
    let bytes = std::fs::read(&path).map_err(|source| {
        if source.kind() == io::ErrorKind::NotFound {
            error(dir, None, RecordErrorKind::NoRecord)
        } else {
            error(&path, None, source.into())
        }
    })?;
    let malformed = |source| {
        error(&path, None, RecordErrorKind::Malformed { expected: "the head of a record", source })
    };
    let front: Front = serde_json::from_slice(&bytes).map_err(malformed)?;
    if front.format.major > FormatVersion::CURRENT.major {
        let kind = RecordErrorKind::TooNew { found: front.format, tool: front.tool };
        return Err(error(path, None, kind));
    }
    serde_json::from_slice(&bytes).map_err(malformed)
}

struct Events {
    /// With the line each stands on.
    whole: Vec<(usize, RunEvent)>,
    unknown: usize,
    cut: bool,
}

fn read_events(path: &Path, format: FormatVersion) -> Result<Events, RecordError> {
    let newer = format.minor > FormatVersion::CURRENT.minor;
    let mut events = Events { whole: Vec::new(), unknown: 0, cut: false };
    events.cut = lines(path, |number, line| match parse(line, "a run event") {
        Ok(event) => {
            events.whole.push((number, event));
            Ok(())
        }
        // A newer minor version may add kinds of events, and may not change known ones.
        Err(_) if newer && is_unknown_kind(line) => {
            events.unknown += 1;
            Ok(())
        }
        Err(kind) => Err(kind),
    })?;
    Ok(events)
}

fn is_unknown_kind(line: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Tag {
        event: String,
    }
    serde_json::from_slice::<Tag>(line)
        .is_ok_and(|tag| !RunEvent::KINDS.contains(&tag.event.as_str()))
}

fn read_exchanges(
    path: &Path,
    warnings: &mut Vec<Warning>,
) -> Result<(BTreeMap<String, Exchange>, bool), RecordError> {
    let mut exchanges = BTreeMap::new();
    let read = lines(path, |_, line| {
        let exchange: Exchange = parse(line, "an exchange")?;
        exchanges.insert(exchange.id.clone(), exchange);
        Ok(())
    });
    match read {
        Ok(cut) => Ok((exchanges, cut)),
        Err(RecordError { kind: RecordErrorKind::Io(source), .. })
            if source.kind() == io::ErrorKind::NotFound =>
        {
            warnings.push(Warning {
                target: None,
                seen: "the record has no exchanges.jsonl".to_owned(),
                meaning: "verdicts and evidence are whole, but no bytes can be shown".to_owned(),
                remedy: "keep exchanges.jsonl beside run.json when a record is moved".to_owned(),
            });
            Ok((exchanges, false))
        }
        Err(refused) => Err(refused),
    }
}

/// Gives every line of a file to `take`, and tells whether the last one was cut.
fn lines(
    path: &Path,
    mut take: impl FnMut(usize, &[u8]) -> Result<(), RecordErrorKind>,
) -> Result<bool, RecordError> {
    let file = File::open(path).map_err(|source| error(path, None, source.into()))?;
    let mut file = BufReader::new(file);
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        file.read_until(b'\n', &mut line)
            .map_err(|source| error(path, Some(number), source.into()))?;
        if line.is_empty() {
            break;
        }
        let whole = line.ends_with(b"\n");
        if line.trim_ascii().is_empty() {
            continue;
        }
        match take(number, &line) {
            Err(_) if !whole => return Ok(true),
            taken => taken.map_err(|kind| error(path, Some(number), kind))?,
        }
    }
    Ok(false)
}

fn parse<T: DeserializeOwned>(line: &[u8], expected: &'static str) -> Result<T, RecordErrorKind> {
    serde_json::from_slice(line).map_err(|source| RecordErrorKind::Malformed { expected, source })
}

/// Sorts events under their targets. Cases come in suite order whatever order they finished in,
/// so that two runs of the same suites can be set side by side.
fn gather(run: &mut Run, events: Vec<(usize, RunEvent)>, path: &Path) -> Result<(), RecordError> {
    run.targets = run
        .meta
        .targets
        .iter()
        .map(|meta| TargetRun { meta: meta.clone(), cases: Vec::new(), unasked: 0 })
        .collect();
    for (line, event) in events {
        match event {
            RunEvent::Warning(warning) => run.warnings.push(warning),
            RunEvent::TargetProbed(meta) => {
                if let Some(target) = run.targets.iter_mut().find(|t| t.meta.name == meta.name) {
                    target.meta = meta;
                }
            }
            RunEvent::Case(case) => {
                let Some(target) = run.targets.iter_mut().find(|t| t.meta.name == case.target)
                else {
                    let CaseRecord { id, target, .. } = *case;
                    let kind = RecordErrorKind::UnknownTarget { id, target };
                    return Err(error(path, Some(line), kind));
                };
                match target.cases.iter_mut().find(|c| c.id == case.id && c.suite == case.suite) {
                    Some(earlier) => *earlier = *case,
                    None => target.cases.push(*case),
                }
            }
        }
    }
    let suites = &run.meta.suites;
    for target in &mut run.targets {
        // Those that the profile leaves out were not planned.
        let planned = target.meta.planned.map_or(0, |planned| planned.cases);
        let asked = target.cases.iter().filter(|case| case.verdict != Verdict::Skipped).count();
        target.unasked = usize::try_from(planned).unwrap_or(0).saturating_sub(asked);
        target.cases.sort_by_key(|case| {
            let suite = suites.iter().position(|suite| suite.id == case.suite);
            (suite.unwrap_or(usize::MAX), case.spot.line, case.spot.column)
        });
    }
    Ok(())
}

fn error(path: impl Into<PathBuf>, line: Option<usize>, kind: RecordErrorKind) -> RecordError {
    RecordError { doing: Doing::Read, path: path.into(), line, kind }
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;
    use std::fs;

    use super::*;
    use crate::record::sample::{case, exchange, meta};
    use crate::record::{RunEvent, Writer};
    use crate::suite::Spot;

    /// A finished record with two cases and one exchange.
    fn record() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = Writer::create(dir.path(), &meta()).unwrap();
        writer.exchange(&exchange("x1")).unwrap();
        for id in ["a.one", "a.two"] {
            writer.event(&RunEvent::Case(Box::new(case(id, Verdict::Pass)))).unwrap();
        }
        writer.finish(&RunMeta { ended: Some(meta().started), ..meta() }).unwrap();
        dir
    }

    fn chain(error: &RecordError) -> String {
        format!("{error}: {}", error.source().unwrap())
    }

    #[test]
    fn a_record_cut_at_any_byte_is_read_as_far_as_it_is_whole() {
        let dir = record();
        let path = dir.path().join(EVENTS);
        let whole = fs::read(&path).unwrap();
        let first = whole.iter().position(|byte| *byte == b'\n').unwrap();

        for cut in 0..whole.len() {
            fs::write(&path, &whole[..cut]).unwrap();
            let run = read(dir.path()).unwrap();
            // A line that lacks only its line end is whole.
            let kept = usize::from(cut >= first) + usize::from(cut + 1 >= whole.len());
            assert_eq!(run.targets[0].cases.len(), kept, "cut at {cut}");
            let inside = !(cut == 0 || cut == first || cut == first + 1 || cut + 1 == whole.len());
            assert_eq!(run.truncated, inside, "cut at {cut}");
        }
    }

    #[test]
    fn a_broken_line_is_named_by_file_and_line() {
        let dir = record();
        let path = dir.path().join(EVENTS);
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, format!("{text}{{\"event\":\"case\"}}\n{text}")).unwrap();

        let refused = chain(&read(dir.path()).unwrap_err());
        assert!(refused.contains("events.jsonl:3: not a run event: missing field"), "{refused}");
    }

    #[test]
    fn a_newer_major_version_is_refused_whatever_else_changed() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(
            dir.path().join(RUN),
            r#"{"format": {"major": 7, "minor": 2}, "tool": "9.1.0", "unheard": "of"}"#,
        )
        .unwrap();

        let refused = chain(&read(dir.path()).unwrap_err());
        assert!(refused.contains("format 7.2, written by proofhouse 9.1.0"), "{refused}");
    }

    #[test]
    fn a_newer_minor_version_is_read_without_what_it_added() {
        let dir = record();
        let path = dir.path().join(RUN);
        let newer = fs::read_to_string(&path).unwrap().replace("\"minor\": 1", "\"minor\": 9");
        fs::write(&path, newer).unwrap();
        let path = dir.path().join(EVENTS);
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, format!("{{\"event\":\"weather\",\"fine\":true}}\n{text}")).unwrap();

        let run = read(dir.path()).unwrap();
        assert_eq!(run.targets[0].cases.len(), 2);
        assert!(run.warnings[0].seen.starts_with("1 event"), "{:?}", run.warnings);
    }

    #[test]
    fn a_directory_without_a_record_says_so() {
        let dir = tempfile::tempdir().unwrap();
        let refused = chain(&read(dir.path()).unwrap_err());
        assert!(refused.ends_with("so it is not a run record"), "{refused}");
    }

    #[test]
    fn a_record_without_its_exchanges_is_read_with_a_warning() {
        let dir = record();
        fs::remove_file(dir.path().join(EXCHANGES)).unwrap();

        let run = read(dir.path()).unwrap();
        assert!(run.exchanges.is_empty() && !run.truncated);
        assert_eq!(run.warnings[0].seen, "the record has no exchanges.jsonl");
    }

    #[test]
    fn cases_come_in_suite_order_and_a_later_record_of_a_case_replaces_the_earlier() {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = Writer::create(dir.path(), &meta()).unwrap();
        for (id, line, verdict) in [
            ("a.last", 30, Verdict::Pass),
            ("a.first", 2, Verdict::Fail),
            ("a.last", 30, Verdict::Warn),
        ] {
            let case = CaseRecord { spot: Spot { line, column: 1 }, ..case(id, verdict) };
            writer.event(&RunEvent::Case(Box::new(case))).unwrap();
        }

        let run = read(dir.path()).unwrap();
        let order: Vec<_> =
            run.targets[0].cases.iter().map(|c| (c.id.as_str(), c.verdict)).collect();
        assert_eq!(order, [("a.first", Verdict::Fail), ("a.last", Verdict::Warn)]);
    }

    #[test]
    fn a_case_of_an_unlisted_target_is_an_error_with_its_line() {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = Writer::create(dir.path(), &meta()).unwrap();
        let stray = CaseRecord { target: "elsewhere".into(), ..case("a.b", Verdict::Pass) };
        writer.event(&RunEvent::Case(Box::new(stray))).unwrap();

        let refused = chain(&read(dir.path()).unwrap_err());
        assert!(refused.contains("events.jsonl:1") && refused.contains("`elsewhere`"), "{refused}");
    }
}
