//! Recorded traces: when requests came, and how long they were.

use chrono::NaiveDateTime;
use serde::Deserialize;

use super::TraceFormat;
use crate::units::Nanos;

/// A request of a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceRow {
    /// When, from the trace's first request.
    pub at: Nanos,
    /// Prompt tokens.
    pub prompt: u32,
    /// Reply tokens.
    pub reply: u32,
}

#[derive(Deserialize)]
struct Mooncake {
    /// Milliseconds.
    timestamp: f64,
    input_length: u32,
    output_length: u32,
}

/// Reads a trace, in order of time. An error names the line.
pub(super) fn read(format: TraceFormat, text: &str) -> Result<Vec<TraceRow>, String> {
    let mut rows = match format {
        TraceFormat::Mooncake => mooncake(text)?,
        TraceFormat::Azure => azure(text)?,
    };
    rows.sort_by_key(|row| row.0);
    let Some(first) = rows.first().map(|row| row.0) else {
        return Err("the trace has no request".to_owned());
    };
    let rows = rows.into_iter().map(|(at, prompt, reply)| TraceRow {
        at: Nanos(at.saturating_sub(first).unsigned_abs()),
        prompt,
        reply,
    });
    Ok(rows.collect())
}

/// Seconds as nanoseconds; negative ones are 0.
pub(super) fn nanos(seconds: f64) -> Nanos {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a float beyond the range saturates, which is what is wanted"
    )]
    let nanos = (seconds * 1e9).round() as u64;
    Nanos(nanos)
}

/// A row as it stands in a file: when, in nanoseconds from wherever its clock counts, and the tokens.
type Raw = (i64, u32, u32);

fn mooncake(text: &str) -> Result<Vec<Raw>, String> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(index, line)| {
            let row: Mooncake =
                serde_json::from_str(line).map_err(|e| format!("line {}: {e}", index + 1))?;
            #[expect(
                clippy::cast_possible_truncation,
                reason = "a float beyond the range saturates, which is what is wanted"
            )]
            let at = (row.timestamp * 1e6).round() as i64;
            Ok((at, row.input_length, row.output_length))
        })
        .collect()
}

fn azure(text: &str) -> Result<Vec<Raw>, String> {
    let mut lines = text.lines().enumerate();
    let (_, head) = lines.next().ok_or("the trace is empty")?;
    let columns: Vec<&str> = head.split(',').map(str::trim).collect();
    let column = |name: &str| {
        let found = columns.iter().position(|column| column.eq_ignore_ascii_case(name));
        found.ok_or_else(|| format!("line 1: there is no column `{name}`"))
    };
    let (at, prompt, reply) =
        (column("TIMESTAMP")?, column("ContextTokens")?, column("GeneratedTokens")?);
    let rows = lines.filter(|(_, line)| !line.trim().is_empty()).map(|(index, line)| {
        let cells: Vec<&str> = line.split(',').map(str::trim).collect();
        let cell = |place: usize| cells.get(place).copied().unwrap_or_default();
        let wrong = |what: &str, text: &str| format!("line {}: `{text}` is no {what}", index + 1);
        let time = cell(at);
        let stamp =
            NaiveDateTime::parse_from_str(time.trim_end_matches("+00:00"), "%Y-%m-%d %H:%M:%S%.f")
                .map_err(|_| wrong("time", time))?
                .and_utc();
        // A year that nanoseconds do not reach is no time of a trace.
        let at = stamp.timestamp_nanos_opt().ok_or_else(|| wrong("time", time))?;
        let count = |text: &str| text.parse::<u32>().map_err(|_| wrong("token count", text));
        Ok((at, count(cell(prompt))?, count(cell(reply))?))
    });
    rows.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_formats_give_times_from_the_first_request_and_lengths() {
        let mooncake = "{\"timestamp\": 3000, \"input_length\": 20, \"output_length\": 5, \"hash_ids\": [1]}\n\
                        {\"timestamp\": 1500, \"input_length\": 10, \"output_length\": 7}\n";
        let rows = read(TraceFormat::Mooncake, mooncake).unwrap();
        assert_eq!(rows[0], TraceRow { at: Nanos(0), prompt: 10, reply: 7 });
        assert_eq!(rows[1], TraceRow { at: Nanos::from_millis(1500), prompt: 20, reply: 5 });
        let azure = "TIMESTAMP,ContextTokens,GeneratedTokens\n\
                     2023-11-16 18:17:03.9799600,4808,10\n2023-11-16 18:17:04.0319600,110,27\n";
        let rows = read(TraceFormat::Azure, azure).unwrap();
        assert_eq!(rows[1].at, Nanos::from_millis(52));
        assert_eq!((rows[0].prompt, rows[1].reply), (4808, 27));
    }

    #[test]
    fn a_broken_line_is_named() {
        assert!(read(TraceFormat::Mooncake, "{}\n").unwrap_err().starts_with("line 1: "));
        let azure = "TIMESTAMP,ContextTokens,GeneratedTokens\nsoon,1,2\n";
        assert!(read(TraceFormat::Azure, azure).unwrap_err().contains("`soon` is no time"));
        assert!(read(TraceFormat::Azure, "a,b\n").unwrap_err().contains("TIMESTAMP"));
        assert!(read(TraceFormat::Mooncake, "\n").unwrap_err().contains("no request"));
    }
}
