//! Metrics in Prometheus' text format 0.0.4, and what `OpenMetrics` adds to it.
//!
//! <https://prometheus.io/docs/instrumenting/exposition_formats/>

use std::collections::BTreeMap;

/// One sample.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// The metric's name.
    pub name: String,
    /// Its labels, in the order given.
    pub labels: Vec<(String, String)>,
    /// Its value.
    pub value: f64,
}

/// What was read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Metrics {
    /// Every sample, in the order given.
    pub samples: Vec<Sample>,
    /// Lines that are neither a sample nor a comment, from 1.
    pub strange: Vec<usize>,
}

/// A histogram, summed over its label sets.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Buckets {
    /// Upper ends, ascending, and how many values are at most that large.
    pub upto: Vec<(f64, f64)>,
    /// Sum of all values.
    pub sum: f64,
    /// How many values.
    pub count: f64,
}

/// Reads metrics. What is no sample is passed over and told.
pub fn read(text: &str) -> Metrics {
    let mut metrics = Metrics::default();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        match sample(line) {
            Some(sample) => metrics.samples.push(sample),
            None => metrics.strange.push(index + 1),
        }
    }
    metrics
}

impl Metrics {
    fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Sample> {
        self.samples.iter().filter(move |sample| sample.name == name && !sample.value.is_nan())
    }

    /// The sum of a metric over its label sets; `None` if there is no such metric.
    pub fn sum(&self, name: &str) -> Option<f64> {
        self.named(name).map(|sample| sample.value).reduce(|a, b| a + b)
    }

    /// The largest of a metric's label sets.
    pub fn largest(&self, name: &str) -> Option<f64> {
        self.named(name).map(|sample| sample.value).reduce(f64::max)
    }

    /// A histogram, summed over its label sets.
    pub fn histogram(&self, name: &str) -> Option<Buckets> {
        let count = self.sum(&format!("{name}_count"))?;
        let sum = self.sum(&format!("{name}_sum")).unwrap_or(0.0);
        // By the bits of the bound, since floats have no order of their own.
        let mut upto = BTreeMap::<u64, (f64, f64)>::new();
        for sample in self.named(&format!("{name}_bucket")) {
            let bound = sample.labels.iter().find(|(label, _)| label == "le");
            let Some(bound) = bound.and_then(|(_, bound)| number(bound)) else { continue };
            upto.entry(bound.to_bits()).or_insert((bound, 0.0)).1 += sample.value;
        }
        let mut upto: Vec<_> = upto.into_values().collect();
        upto.sort_by(|a, b| a.0.total_cmp(&b.0));
        Some(Buckets { upto, sum, count })
    }
}

impl Buckets {
    /// What came since `before`, which is an earlier reading of the same histogram.
    #[must_use]
    pub fn since(&self, before: &Self) -> Self {
        let at = |bound: f64| {
            let known = before.upto.iter().find(|(known, _)| known.total_cmp(&bound).is_eq());
            known.map_or(0.0, |(_, count)| *count)
        };
        Self {
            upto: self.upto.iter().map(|(bound, count)| (*bound, count - at(*bound))).collect(),
            sum: self.sum - before.sum,
            count: self.count - before.count,
        }
    }

    /// The mean; `None` without values.
    pub fn mean(&self) -> Option<f64> {
        (self.count > 0.0).then(|| self.sum / self.count)
    }

    /// The ends of the bucket that holds a quantile; `None` without values, or where that bucket
    /// has no upper end.
    pub fn bucket_of(&self, quantile: f64) -> Option<(f64, f64)> {
        let rank = (self.count * quantile).max(f64::MIN_POSITIVE);
        let index = self.upto.iter().position(|(_, count)| *count >= rank)?;
        let (upper, _) = *self.upto.get(index)?;
        let lower = index.checked_sub(1).and_then(|below| self.upto.get(below));
        let lower = lower.map_or(0.0, |(bound, _)| *bound);
        (self.count > 0.0 && upper.is_finite()).then_some((lower, upper))
    }
}

/// `name{label="value",…} number [time] [# exemplar]`, or `{"name", label="value"} number`.
fn sample(line: &str) -> Option<Sample> {
    let plain = line.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':'));
    let (name, mut rest) = line.split_at_checked(plain?)?;
    let mut name = name.to_owned();
    let mut labels = Vec::new();
    rest = rest.trim_start();
    if let Some(inside) = rest.strip_prefix('{') {
        rest = inside.trim_start();
        loop {
            if let Some(after) = rest.strip_prefix('}') {
                rest = after;
                break;
            }
            let (label, after) = label_name(rest)?;
            let after = after.trim_start();
            if let Some(after) = after.strip_prefix('=') {
                let (value, after) = quoted(after.trim_start())?;
                labels.push((label, value));
                rest = after.trim_start();
            } else if name.is_empty() {
                name = label;
                rest = after;
            } else {
                return None;
            }
            rest = match rest.strip_prefix(',') {
                Some(after) => after.trim_start(),
                None if rest.starts_with('}') => rest,
                None => return None,
            };
        }
    }
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let mut words = rest.split_whitespace();
    let value = number(words.next()?)?;
    match words.next() {
        // A time, or an exemplar: neither is of interest here, but it must be one.
        Some(word) if word != "#" && number(word).is_none() => None,
        _ => Some(Sample { name, labels, value }),
    }
}

fn label_name(text: &str) -> Option<(String, &str)> {
    if text.starts_with('"') {
        return quoted(text);
    }
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))?;
    let (name, rest) = text.split_at_checked(end)?;
    (!name.is_empty()).then(|| (name.to_owned(), rest))
}

/// A quoted text, with `\\`, `\"` and `\n` undone, and what follows it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let inside = text.strip_prefix('"')?;
    let mut out = String::new();
    let mut chars = inside.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((out, inside.get(at + 1..)?)),
            '\\' => match chars.next()?.1 {
                'n' => out.push('\n'),
                c @ ('"' | '\\') => out.push(c),
                // Unknown escapes stay as they are.
                c => out.extend(['\\', c]),
            },
            c => out.push(c),
        }
    }
    None
}

fn number(text: &str) -> Option<f64> {
    match text.to_ascii_lowercase().as_str() {
        "+inf" | "inf" => Some(f64::INFINITY),
        "-inf" => Some(f64::NEG_INFINITY),
        "nan" => Some(f64::NAN),
        // Rust reads `infinity` as well, which is no number here.
        lower if lower.contains("inf") || lower.contains("nan") => None,
        lower => lower.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn one(line: &str) -> Option<Sample> {
        sample(line)
    }

    #[test]
    fn the_example_of_the_format_is_read() {
        let text = concat!(
            "# HELP http_requests_total The total number of HTTP requests.\n",
            "# TYPE http_requests_total counter\n",
            "http_requests_total{method=\"post\",code=\"200\"} 1027 1395066363000\n",
            "http_requests_total{method=\"post\",code=\"400\"}    3 1395066363000\n\n",
            "# Escaping in label values:\n",
            "msdos_file_access_time_seconds{path=\"C:\\\\DIR\\\\FILE.TXT\",error=\"Cannot find file:\\n\\\"FILE.TXT\\\"\"} 1.458255915e9\n\n",
            "# Minimalistic line:\nmetric_without_timestamp_and_labels 12.47\n\n",
            "# A weird metric from before the epoch:\n",
            "something_weird{problem=\"division by zero\"} +Inf -3982045\n\n",
            "# TYPE http_request_duration_seconds histogram\n",
            "http_request_duration_seconds_bucket{le=\"0.05\"} 24054\n",
            "http_request_duration_seconds_bucket{le=\"0.1\"} 33444\n",
            "http_request_duration_seconds_bucket{le=\"0.2\"} 100392\n",
            "http_request_duration_seconds_bucket{le=\"0.5\"} 129389\n",
            "http_request_duration_seconds_bucket{le=\"1\"} 133988\n",
            "http_request_duration_seconds_bucket{le=\"+Inf\"} 144320\n",
            "http_request_duration_seconds_sum 53423\n",
            "http_request_duration_seconds_count 144320\n",
        );
        let metrics = read(text);
        assert_eq!((metrics.samples.len(), metrics.strange.as_slice()), (13, &[][..]));
        assert_eq!(metrics.sum("http_requests_total"), Some(1030.0));
        assert_eq!(metrics.largest("something_weird"), Some(f64::INFINITY));
        assert_eq!(metrics.sum("metric_without_timestamp_and_labels"), Some(12.47));
        assert_eq!(metrics.sum("nothing"), None);
        let weird = &metrics.samples[2].labels;
        assert_eq!(weird[0].1, "C:\\DIR\\FILE.TXT");
        assert_eq!(weird[1].1, "Cannot find file:\n\"FILE.TXT\"");
        let histogram = metrics.histogram("http_request_duration_seconds").unwrap();
        assert_eq!(histogram.bucket_of(0.5), Some((0.1, 0.2)));
        assert_eq!(histogram.bucket_of(0.8), Some((0.2, 0.5)));
        assert_eq!(histogram.bucket_of(0.99), None);
        assert!((histogram.mean().unwrap() - 53423.0 / 144_320.0).abs() < 1e-12);
    }

    #[test]
    fn label_sets_are_summed_and_an_earlier_reading_is_taken_away() {
        let of = |a: u32, b: u32| {
            read(&format!(
                "h_bucket{{e=\"0\",le=\"1.0\"}} {a}\nh_bucket{{e=\"1\",le=\"1.0\"}} {b}\n\
                 h_bucket{{e=\"0\",le=\"+Inf\"}} {a}\nh_bucket{{e=\"1\",le=\"+Inf\"}} {b}\n\
                 h_sum{{e=\"0\"}} {a}\nh_sum{{e=\"1\"}} {b}\nh_count{{e=\"0\"}} {a}\nh_count{{e=\"1\"}} {b}\n"
            ))
            .histogram("h")
            .unwrap()
        };
        let since = of(5, 7).since(&of(1, 2));
        assert_eq!((since.count, since.sum), (9.0, 9.0));
        assert_eq!(since.upto, [(1.0, 9.0), (f64::INFINITY, 9.0)]);
        assert_eq!(of(0, 0).bucket_of(0.5), None);
        assert_eq!(of(0, 0).mean(), None);
    }

    #[test]
    fn what_open_metrics_adds_is_read_and_what_is_no_sample_is_told() {
        assert!(one("a_total 3 # {trace_id=\"x\"} 0.5 12.1").is_some());
        assert_eq!(one("{\"my.metric\",a=\"b\"} 1").unwrap().name, "my.metric");
        assert_eq!(one("a{b=\"c\",} 1").unwrap().labels.len(), 1);
        for line in
            ["a", "a{b} 1", "a{b=\"c} 1", "a{b=\"c\"", "1a 2", "a b", "a 1 b", "{\"x\"", "é 1"]
        {
            assert_eq!(one(line), None, "{line}");
        }
        let metrics = read("<html>\na 1\n# EOF\n");
        assert_eq!((metrics.samples.len(), metrics.strange.as_slice()), (1, &[1][..]));
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in "\\PC*|([a-z:_]{1,3}[{]?([a-z]=\"[^\"]*\"[,}]?){0,2} ?[-+0-9.eInfNa]*\n?){0,4}") {
            let metrics = read(&text);
            prop_assert!(metrics.samples.len() + metrics.strange.len() <= text.lines().count());
        }
    }
}
