//! Plots as SVG that stretches with the page: the field is drawn in thousandths, and the labels
//! around it are placed in percent, so that they stay readable on a narrow screen.

use std::fmt::Write as _;

use serde::Serialize;

/// The field in the picture, in percent of its height: the rest is for the labels below.
const TOP: f64 = 5.0;
const HEIGHT: f64 = 84.0;

/// A plot.
#[derive(Serialize)]
pub(super) struct Chart {
    title: String,
    /// What it shows, for those who do not see it.
    label: String,
    note: Option<String>,
    unit: &'static str,
    series: Vec<Drawn>,
    bars: Vec<Bar>,
    bands: Vec<Band>,
    bounds: Vec<Bound>,
    hits: Vec<Hit>,
    x: Vec<Tick>,
    y: Vec<Tick>,
}

/// A line.
pub(super) struct Series {
    pub(super) name: String,
    /// Its colour, from 1.
    pub(super) tone: usize,
    pub(super) points: Vec<(f64, Option<f64>)>,
}

#[derive(Serialize)]
struct Drawn {
    name: String,
    tone: usize,
    path: String,
}

/// A part of a column.
#[derive(Serialize)]
struct Bar {
    tone: usize,
    x: String,
    y: String,
    width: String,
    height: String,
}

/// A part of the field that stands apart.
#[derive(Serialize)]
struct Band {
    class: &'static str,
    x: String,
    width: String,
    title: String,
}

/// A value that is not to be exceeded.
#[derive(Serialize)]
struct Bound {
    /// In thousandths, and in percent of the picture.
    y: String,
    label_y: String,
    text: String,
}

/// Says what is under the pointer.
#[derive(Serialize)]
struct Hit {
    x: String,
    width: String,
    text: String,
}

#[derive(Serialize)]
struct Tick {
    /// In percent of the picture.
    at: String,
    /// In thousandths of the field.
    line: String,
    text: String,
    anchor: &'static str,
}

/// A plot in the making: `x` runs from 0 to `x_max`.
pub(super) struct Plot {
    chart: Chart,
    x_max: f64,
    y_max: f64,
}

/// Two decimals do for thousandths and for percent.
fn at(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

impl Plot {
    /// An empty field up to `highest`, and a little further.
    pub(super) fn new(title: &str, unit: &'static str, x_max: f64, highest: f64) -> Self {
        let (y_max, step) = scale(highest);
        let mut y = Vec::new();
        let mut value = 0.0;
        while value <= y_max * 1.000_001 {
            let share = 1.0 - value / y_max;
            y.push(Tick {
                at: at(TOP + HEIGHT * share),
                line: at(share * 1_000.0),
                text: short(value, step),
                anchor: "start",
            });
            value += step;
        }
        let chart = Chart {
            title: title.to_owned(),
            label: String::new(),
            note: None,
            unit,
            series: Vec::new(),
            bars: Vec::new(),
            bands: Vec::new(),
            bounds: Vec::new(),
            hits: Vec::new(),
            x: Vec::new(),
            y,
        };
        Self { chart, x_max: x_max.max(1e-9), y_max }
    }

    fn x(&self, x: f64) -> f64 {
        (x / self.x_max).clamp(0.0, 1.0) * 1_000.0
    }

    fn y(&self, y: f64) -> f64 {
        (1.0 - y / self.y_max).clamp(0.0, 1.0) * 1_000.0
    }

    /// A line; it is broken where there is no value.
    pub(super) fn line(&mut self, series: Series) {
        let mut path = String::new();
        let mut pen_down = false;
        for (index, (x, y)) in series.points.iter().enumerate() {
            let Some(y) = y else {
                pen_down = false;
                continue;
            };
            let alone =
                !pen_down && series.points.get(index + 1).is_none_or(|(_, next)| next.is_none());
            let (x, y) = (at(self.x(*x)), at(self.y(*y)));
            let _ = write!(path, "{}{x} {y}", if pen_down { "L" } else { "M" });
            if alone {
                // A line of no length shows as a dot.
                path.push_str("h0.01");
            }
            pen_down = true;
        }
        self.chart.series.push(Drawn { name: series.name, tone: series.tone, path });
    }

    /// Columns from `x` to `x + width`, one part on the other.
    pub(super) fn column(&mut self, x: f64, width: f64, parts: &[(usize, f64)]) {
        let mut below = 0.0;
        for (tone, value) in parts.iter().filter(|(_, value)| *value > 0.0) {
            let (top, bottom) = (self.y(below + value), self.y(below));
            below += value;
            self.chart.bars.push(Bar {
                tone: *tone,
                x: at(self.x(x)),
                y: at(top),
                width: at((self.x(x + width) - self.x(x)).max(2.0)),
                height: at(bottom - top),
            });
        }
    }

    /// A name in the legend for columns.
    pub(super) fn named(&mut self, name: String, tone: usize) {
        self.chart.series.push(Drawn { name, tone, path: String::new() });
    }

    /// Sets a part of the field apart.
    pub(super) fn band(&mut self, class: &'static str, from: f64, to: f64, title: &str) {
        let (from, to) = (self.x(from), self.x(to));
        if to > from {
            let title = title.to_owned();
            self.chart.bands.push(Band { class, x: at(from), width: at(to - from), title });
        }
    }

    /// A value that is not to be exceeded, if it is in the field.
    pub(super) fn bound(&mut self, value: f64, text: &str) {
        if value <= self.y_max {
            let y = self.y(value);
            let label_y = at(TOP + HEIGHT * y / 1_000.0);
            self.chart.bounds.push(Bound { y: at(y), label_y, text: text.to_owned() });
        }
    }

    /// What is said of a part of the field.
    pub(super) fn hit(&mut self, from: f64, to: f64, text: String) {
        let (from, to) = (self.x(from), self.x(to));
        self.chart.hits.push(Hit { x: at(from), width: at(to - from), text });
    }

    pub(super) fn tick(&mut self, x: f64, text: String) {
        let share = self.x(x) / 10.0;
        let anchor = match share {
            s if s < 4.0 => "start",
            s if s > 93.0 => "end",
            _ => "middle",
        };
        self.chart.x.push(Tick { at: at(share), line: at(share * 10.0), text, anchor });
    }

    /// Seconds along the bottom.
    pub(super) fn time(&mut self) {
        let step = [1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1_800.0, 3_600.0]
            .into_iter()
            .find(|step| self.x_max / step <= 7.0)
            .unwrap_or(self.x_max / 6.0);
        let mut at = 0.0;
        // The last label must have room before the edge.
        while at <= self.x_max {
            let text = match at {
                at if at >= 60.0 && step >= 60.0 => format!("{:.0} min", at / 60.0),
                at => format!("{at:.0} s"),
            };
            self.tick(at, text);
            at += step;
        }
    }

    pub(super) fn done(mut self, label: String, note: Option<String>) -> Chart {
        self.chart.label = label;
        self.chart.note = note;
        self.chart
    }
}

/// The end of an axis that holds `highest`, and the distance of its ticks.
fn scale(highest: f64) -> (f64, f64) {
    let highest = if highest.is_finite() && highest > 0.0 { highest } else { 1.0 };
    let rough = highest / 4.0;
    let power = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 2.5, 5.0, 10.0]
        .into_iter()
        .map(|factor| factor * power)
        .find(|step| *step >= rough * 0.999_999)
        .unwrap_or(rough);
    ((highest / step).ceil() * step, step)
}

/// A tick's number with as many decimals as its distance to the next needs.
fn short(value: f64, step: f64) -> String {
    let decimals = [1.0, 0.1, 0.01].iter().filter(|least| step < **least * 0.999_999).count();
    let half =
        usize::from((step * 10_f64.powi(i32::try_from(decimals).unwrap_or(0))).fract() > 0.01);
    let decimals = decimals + half;
    if value >= 10_000.0 {
        return format!("{}k", at(value / 1e3));
    }
    format!("{value:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_ends_on_a_round_number_above_its_data() {
        for (highest, end, step) in
            [(0.0, 1.0, 0.25), (97.3, 100.0, 25.0), (401.0, 600.0, 200.0), (3.2, 4.0, 1.0)]
        {
            let (found, found_step) = scale(highest);
            assert!(
                (found - end).abs() < 1e-9 && (found_step - step).abs() < 1e-9,
                "{highest}: {found} {found_step}"
            );
        }
        assert_eq!((short(12.5, 2.5), short(25_000.0, 5_000.0)), ("12.5".into(), "25k".into()));
        assert_eq!((short(0.25, 0.25), short(400.0, 200.0)), ("0.25".into(), "400".into()));
    }

    #[test]
    fn a_line_breaks_where_there_is_no_value_and_a_lone_value_is_a_dot() {
        let mut plot = Plot::new("t", "ms", 4.0, 100.0);
        let points =
            vec![(0.0, Some(0.0)), (1.0, Some(100.0)), (2.0, None), (3.0, Some(50.0)), (4.0, None)];
        plot.line(Series { name: "p50".into(), tone: 1, points });
        let chart = plot.done(String::new(), None);
        assert_eq!(chart.series[0].path, "M0 1000L250 0M750 500h0.01");
    }
}
