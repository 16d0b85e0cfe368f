//! Spans of time as suites and project files write them.

use crate::units::Nanos;

/// A day: a longer wait in a suite is a slip of the pen.
const LONGEST: f64 = 86_400e9;

/// Reads `200ms`, `2s`, `1.5s`, `5m`. The message of an error says what is allowed.
pub fn duration(text: &str) -> Result<Nanos, String> {
    const UNITS: [(&str, f64); 5] =
        [("ns", 1.0), ("us", 1e3), ("ms", 1e6), ("s", 1e9), ("m", 6e10)];
    let refuse = || format!("`{text}` is not a duration; write `200ms`, `2s`, `1.5s` or `5m`");
    let trimmed = text.trim();
    let digits = trimmed.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = trimmed.get(digits.len()..).unwrap_or_default();
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let scale = UNITS.iter().find(|(name, _)| *name == unit).map(|(_, scale)| *scale);
    match (plain.then(|| digits.parse::<f64>()), scale) {
        (Some(Ok(number)), Some(scale)) if number * scale <= LONGEST => {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "between 0 and a day"
            )]
            let nanos = (number * scale).round() as u64;
            Ok(Nanos(nanos))
        }
        (Some(Ok(_)), Some(_)) => Err(format!("`{text}` is longer than a day")),
        _ => Err(refuse()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_a_number_and_a_unit() {
        let read = |text| duration(text).unwrap();
        assert_eq!(read("200ms"), Nanos::from_millis(200));
        assert_eq!(read("2s"), Nanos::from_millis(2000));
        assert_eq!(read("1.5s"), Nanos::from_millis(1500));
        assert_eq!(read("5m"), Nanos::from_millis(300_000));
        assert_eq!(read("0s"), Nanos(0));
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "5", "s", "-1s", "1h", "1e3s", "1.2.3s", "2 weeks", "25000m"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
