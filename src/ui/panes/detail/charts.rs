//! What the guest did: charts over the chosen span, on one axis of time.

use ratatui::style::Style;
use ratatui::text::Line;

use super::CloseUp;
use super::gauges::LABEL;
use crate::app::Action;
use crate::app::keymap::Context;
use crate::domain::chart::{Channel, Window, present, resample, summary};
use crate::domain::failure::Failure;
use crate::domain::history::{Sample, Span};
use crate::ui::format;
use crate::ui::widgets::{Row, push_chart_row, push_sparkline, width};

/// A chart has a title and at least so many rows.
const LEAST_ROWS: usize = 3;
/// More rows show no more.
const MOST_ROWS: usize = 9;

/// The charts in the order in which they are given room.
const CHARTS: [(&str, &str, Channel); 4] = [
    ("CPU", "cpu", Channel::Cpu),
    ("MEM", "mem", Channel::Memory),
    ("disk", "disk", Channel::Disk),
    ("net", "net", Channel::Network),
];

/// Stacks as many charts as there is room for, over one axis.
pub(super) fn tall(close: &CloseUp<'_>, columns: usize, rows: usize) -> Vec<Line<'static>> {
    if rows == 0 {
        return Vec::new();
    }
    let samples = samples(close);
    let mut lines = state_lines(close, &samples, columns);
    if !has_figures(&samples) {
        lines.truncate(rows);
        return lines;
    }
    let rows = rows.saturating_sub(lines.len());
    let plot = columns.saturating_sub(LABEL).max(4);
    let now = present(samples.iter().copied(), close.state.server_time());
    let window = Window::covering(close.state.detail.span(), now, plot);
    if rows < LEAST_ROWS {
        if rows > 0 {
            lines.push(spark_line(close, &samples, window));
        }
        if rows > 1 {
            lines.push(axis(close, plot));
        }
        return lines;
    }
    let count = ((rows - 1) / (LEAST_ROWS + 1)).clamp(1, CHARTS.len());
    let height = ((rows - 1) / count - 1).min(MOST_ROWS);
    for (index, (title, _, channel)) in CHARTS.into_iter().take(count).enumerate() {
        let span = (index == 0).then(|| close.state.detail.span());
        lines.extend(chart(
            close,
            &samples,
            window,
            (title, span, channel),
            columns,
            height,
        ));
    }
    lines.push(axis(close, plot));
    lines
}

/// Sets processor and memory beside each other, a sparkline each.
pub(super) fn flat(close: &CloseUp<'_>, columns: usize) -> Vec<Line<'static>> {
    let samples = samples(close);
    if !has_figures(&samples) {
        let mut lines = state_lines(close, &samples, columns);
        lines.truncate(1);
        return lines;
    }
    let span = close.state.detail.span();
    let [_, back] = axis_words(span);
    let now = present(samples.iter().copied(), close.state.server_time());
    let left = columns * 2 / 5;
    let mut row = close.row();
    for (index, (_, label, channel)) in CHARTS.into_iter().take(2).enumerate() {
        let (label_width, plot) = if index == 0 {
            (4, left.saturating_sub(4))
        } else {
            row.gap(2);
            let rest = columns.saturating_sub(row.used() + LABEL + width(back) + 1);
            (LABEL, rest)
        };
        let window = Window::covering(span, now, plot);
        let values = resample(samples.iter().copied(), channel, window);
        row.left(label, label_width, close.theme.dim);
        push_sparkline(
            &mut row,
            &values,
            1.0,
            |value| close.level(value),
            close.theme,
        );
    }
    row.gap(1).text(back, close.theme.dim);
    vec![row.line()]
}

fn samples<'a>(close: &CloseUp<'a>) -> Vec<&'a Sample> {
    let span = close.state.detail.span();
    close
        .watched
        .map(|watched| watched.samples(span))
        .unwrap_or_default()
}

fn has_figures(samples: &[&Sample]) -> bool {
    samples.iter().any(|sample| {
        CHARTS
            .iter()
            .any(|(_, _, channel)| channel.of(&sample.averages).is_some())
    })
}

/// Says why there is no history, or only an old one.
fn state_lines(close: &CloseUp<'_>, samples: &[&Sample], columns: usize) -> Vec<Line<'static>> {
    let theme = close.theme;
    let span = close.state.detail.span().as_str();
    let remote = close
        .watched
        .and_then(|watched| watched.history(close.state.detail.span()));
    let answer = remote.and_then(|remote| remote.answer());
    let failure = remote.and_then(|remote| remote.failure());
    match (answer, failure) {
        (Some(answer), Some(failure)) => {
            let age = format::span(close.state.now.moment.since(answer.read));
            let text = format!("history as of {age} ago: {}", reason(failure));
            close.wrapped(&text, columns, theme.stale)
        }
        (None, Some(failure)) => {
            let text = format!("no history: {}", reason(failure));
            close.wrapped(&text, columns, theme.warning)
        }
        (Some(_), None) if !has_figures(samples) => close.wrapped(
            &format!("nothing was measured in the last {span}"),
            columns,
            theme.dim,
        ),
        (Some(_), None) => Vec::new(),
        (None, None) => {
            let dots = if theme.unicode { "…" } else { "..." };
            close.wrapped(
                &format!("reading the last {span}{dots}"),
                columns,
                theme.dim,
            )
        }
    }
}

/// The server's words for a missing file help nobody.
fn reason(failure: &Failure) -> String {
    let message = failure.message.raw();
    if message.contains("RRD error") && message.contains("No such file") {
        return "the server keeps none of this guest yet".to_owned();
    }
    failure.to_string()
}

/// Makes the one line that is left when there is no room for a chart.
fn spark_line(close: &CloseUp<'_>, samples: &[&Sample], window: Window) -> Line<'static> {
    let values = resample(samples.iter().copied(), Channel::Cpu, window);
    let mut row = close.row();
    row.left("cpu", LABEL, close.theme.dim);
    push_sparkline(
        &mut row,
        &values,
        1.0,
        |value| close.level(value),
        close.theme,
    );
    row.line()
}

/// Makes a title with average and peak, and the chart below it.
fn chart(
    close: &CloseUp<'_>,
    samples: &[&Sample],
    window: Window,
    (title, span, channel): (&str, Option<Span>, Channel),
    columns: usize,
    rows: usize,
) -> Vec<Line<'static>> {
    let theme = close.theme;
    let values = resample(samples.iter().copied(), channel, window);
    let scale = Scale::of(channel, &values);
    let mut head = close.row();
    head.left(title, LABEL, theme.dim);
    let figures = match summary(samples.iter().copied(), channel, window) {
        Some(sum) => format!(
            "avg {}  peak {}",
            scale.write(sum.average),
            scale.write(sum.peak)
        ),
        None => "?".to_owned(),
    };
    if let Some(span) = span {
        let room = columns.saturating_sub(head.used() + width(&figures) + 2);
        push_span(close, &mut head, span, room);
    }
    head.right(&figures, columns.saturating_sub(head.used()), theme.dim);
    let mut lines = vec![head.line()];
    for above in (0..rows).rev() {
        let mut row = close.row();
        let label = match above {
            _ if above + 1 == rows => scale.label.clone(),
            0 => "0".to_owned(),
            _ => String::new(),
        };
        row.right(&label, LABEL - 1, theme.dim).gap(1);
        let style = |value: f64| -> Style {
            if scale.is_share {
                close.level(value)
            } else {
                theme.gauge
            }
        };
        push_chart_row(&mut row, &values, scale.top, (rows, above), style, theme);
        lines.push(row.line());
    }
    lines
}

/// Adds the span, and the keys that change it where there is room to say what they do.
fn push_span(close: &CloseUp<'_>, head: &mut Row, span: Span, room: usize) {
    let theme = close.theme;
    let keymap = &close.state.setting.keymap;
    // In this order brackets, which they are by default, enclose nothing.
    let keys = [
        (Action::HistoryLonger, "more"),
        (Action::HistoryShorter, "less"),
    ]
    .map(|(action, word)| {
        let key = keymap.keys(Context::Detail, action).first();
        (key.map(ToString::to_string).unwrap_or_default(), word)
    });
    let text = format!("last {}", span.as_str());
    let shown = keys.iter().filter(|(key, _)| !key.is_empty());
    let needed: usize = shown
        .clone()
        .map(|(key, word)| width(key) + width(word) + 3)
        .sum();
    let has_room = width(&text) + needed <= room;
    head.text(text, theme.dim);
    for (key, word) in shown.filter(|_| has_room) {
        head.gap(2)
            .text(key.clone(), theme.accent)
            .text(format!(" {word}"), theme.dim);
    }
}

/// What the top of a chart stands for.
struct Scale {
    top: f64,
    label: String,
    is_share: bool,
}

impl Scale {
    /// Shares reach to everything; rates to the next round number above the highest column.
    fn of(channel: Channel, values: &[Option<f64>]) -> Self {
        match channel {
            Channel::Cpu | Channel::Memory => Self {
                top: 1.0,
                label: "100%".to_owned(),
                is_share: true,
            },
            Channel::Disk
            | Channel::DiskRead
            | Channel::DiskWrite
            | Channel::Network
            | Channel::NetIn
            | Channel::NetOut => {
                let highest = values.iter().flatten().copied().fold(1_000.0, f64::max);
                let top = round_up(highest);
                Self {
                    top,
                    label: format::short_rate(top).replace(".0", ""),
                    is_share: false,
                }
            }
        }
    }

    fn write(&self, value: f64) -> String {
        if self.is_share {
            format::percent(value)
        } else {
            format::rate(value)
        }
    }
}

/// Returns the next of 1, 2, 5, 10, 20… that is not below the value.
fn round_up(value: f64) -> f64 {
    let magnitude = 10_f64.powf(value.max(1.0).log10().floor());
    [1.0, 2.0, 5.0]
        .into_iter()
        .map(|step| step * magnitude)
        .find(|round| *round >= value)
        .unwrap_or(10.0 * magnitude)
}

const fn axis_words(span: Span) -> [&'static str; 2] {
    match span {
        Span::Hour => ["-30 min", "-60 min"],
        Span::Day => ["-12 h", "-24 h"],
        Span::Week => ["-3.5 d", "-7 d"],
        Span::Month => ["-15 d", "-30 d"],
        Span::Year => ["-180 d", "-360 d"],
    }
}

/// Makes the line that says when the columns were.
fn axis(close: &CloseUp<'_>, plot: usize) -> Line<'static> {
    let [half, back] = axis_words(close.state.detail.span());
    let dim = close.theme.dim;
    let mut row = close.row();
    row.gap(LABEL).text(back, dim);
    // The middle is marked where the words leave room between them.
    if plot >= 2 * (width(back) + width(half)) {
        let middle = LABEL + plot / 2;
        row.fill(middle - width(half) / 2).text(half, dim);
    }
    row.right("now", (LABEL + plot).saturating_sub(row.used()), dim);
    row.line()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_end_at_round_numbers() {
        for (value, top) in [(1.0, 1.0), (1_001.0, 2_000.0), (4.1e6, 5e6), (6e6, 1e7)] {
            assert!((round_up(value) - top).abs() < 1e-6, "{value}");
        }
    }
}
