//! What the guest uses now: bars, and rates with their last minutes.

use std::time::Duration;

use ratatui::text::Line;

use super::CloseUp;
use crate::domain::chart::{Channel, Window, present, resample};
use crate::domain::history::Span;
use crate::domain::id::GuestKind;
use crate::ui::format;
use crate::ui::widgets::{Row, push_bar, push_sparkline};

/// The width of the labels at the left.
pub(super) const LABEL: usize = 5;
/// The width of the figures at the right.
const FIGURES: usize = 17;
/// A column of a sparkline stands for so long.
const SPARK_COLUMN: Duration = Duration::from_secs(15);
/// Sparklines are scaled to no less: a few bytes are no mountain.
const LEAST_TOP: f64 = 1_000.0;
/// The highest column stays an eighth below the top, so that lines one above the other stay apart.
const HEADROOM: f64 = 8.0 / 7.0;
/// A share of waiting at which it is worth a warning, in percent.
const PRESSING: f64 = 10.0;

/// Makes one gauge a line, over the whole width.
pub(super) fn tall(close: &CloseUp<'_>, columns: usize) -> Vec<Line<'static>> {
    let bar = columns.saturating_sub(LABEL + FIGURES).max(4);
    let mut lines: Vec<Line<'static>> = parts(close)
        .into_iter()
        .map(|gauge| {
            let mut row = close.row();
            push_gauge(close, &mut row, &gauge, (LABEL, bar, FIGURES));
            row.line()
        })
        .collect();
    let notes = [balloon(close), pressure(close)];
    for (text, style) in notes.into_iter().flatten() {
        let mut row = close.row();
        row.gap(LABEL)
            .left(&text, columns.saturating_sub(LABEL), style);
        lines.push(row.line());
    }
    lines
}

/// Makes gauges at the left and rates at the right of the same lines.
pub(super) fn flat(close: &CloseUp<'_>, columns: usize) -> Vec<Line<'static>> {
    const LABELS: usize = 4;
    const TEXT: usize = 13;
    let left = columns * 2 / 5;
    let pairs = [
        ("disk", "r", "w", (Channel::DiskRead, Channel::DiskWrite)),
        ("net", "in", "out", (Channel::NetIn, Channel::NetOut)),
    ];
    let gauges = parts(close);
    let mut lines: Vec<Line<'static>> = Vec::new();
    for (gauge, (label, first, second, channels)) in gauges.iter().zip(pairs) {
        let mut row = close.row();
        let bar = left.saturating_sub(LABELS + TEXT).max(4);
        push_gauge(close, &mut row, gauge, (LABELS, bar, TEXT));
        if close.unmeasured.is_none() {
            row.gap(2).left(label, LABEL, close.theme.dim);
            let spark = columns.saturating_sub(row.used() + 22);
            push_pair(close, &mut row, channels, spark);
            for (word, columns, channel) in [(first, 3, channels.0), (second, 4, channels.1)] {
                row.right(word, columns, close.theme.dim);
                push_rate(close, &mut row, channel, 7, format::short_rate);
            }
        }
        lines.push(row.line());
    }
    for gauge in gauges.iter().skip(pairs.len()) {
        let mut row = close.row();
        let bar = left.saturating_sub(LABELS + TEXT).max(4);
        push_gauge(close, &mut row, gauge, (LABELS, bar, TEXT));
        lines.push(row.line());
    }
    lines
}

/// Makes one line of what explains the gauges, if anything does.
pub(super) fn notes(close: &CloseUp<'_>) -> Vec<Line<'static>> {
    let mut row = close.row();
    for (text, style) in [balloon(close), pressure(close)].into_iter().flatten() {
        row.text(text, style).gap(3);
    }
    if row.used() == 0 {
        return Vec::new();
    }
    vec![row.line()]
}

/// Makes a line for each direction of disk and network: its last minutes, and its rate now.
pub(super) fn rates(close: &CloseUp<'_>, columns: usize) -> Vec<Line<'static>> {
    let spark = columns.saturating_sub(LABEL + FIGURES).max(4);
    let directions = [
        ("disk", "read", Channel::DiskRead, Channel::DiskWrite),
        ("", "write", Channel::DiskWrite, Channel::DiskRead),
        ("net", "in", Channel::NetIn, Channel::NetOut),
        ("", "out", Channel::NetOut, Channel::NetIn),
    ];
    directions
        .into_iter()
        .map(|(label, word, channel, other)| {
            let mut row = close.row();
            row.left(label, LABEL, close.theme.dim);
            let values = recent(close, channel, spark);
            // Both directions share a scale, so that their heights can be compared.
            let top = top_of(&values).max(top_of(&recent(close, other, spark)));
            push_sparkline(&mut row, &values, top, |_| close.theme.gauge, close.theme);
            row.right(word, FIGURES - 11, close.theme.dim);
            push_rate(close, &mut row, channel, 11, format::rate);
            row.line()
        })
        .collect()
}

/// A bar with its label and figures.
struct Gauge {
    label: &'static str,
    fraction: Option<f64>,
    text: String,
}

/// Gathers the gauges that the guest has.
fn parts(close: &CloseUp<'_>) -> Vec<Gauge> {
    let figures = &close.guest.figures;
    let cores = figures
        .max_cpu
        .map(|cores| format!(" of {cores}"))
        .unwrap_or_default();
    let cpu = close.cpu();
    let mut gauges = vec![Gauge {
        label: "CPU",
        fraction: cpu,
        text: format!(
            "{}{cores}",
            cpu.map_or_else(|| "?".to_owned(), format::percent)
        ),
    }];
    let memory = close.memory();
    let tilde = if close.memory_is_host_view() { "~" } else { "" };
    gauges.push(Gauge {
        label: "MEM",
        fraction: memory
            .filter(|(_, most)| *most > 0)
            .map(|(used, most)| used as f64 / most as f64),
        text: match (memory, figures.max_memory) {
            (Some((used, most)), _) => format!("{tilde}{}", format::used_of(used, most)),
            (None, Some(most)) => format!("? of {}", format::size(most)),
            (None, None) => "?".to_owned(),
        },
    });
    // What a virtual machine uses of its disks nobody outside knows: the server says 0.
    if close.guest.kind == GuestKind::Lxc
        && let (Some(used), Some(most)) = (figures.disk, figures.max_disk)
        && most > 0
    {
        gauges.push(Gauge {
            label: "root",
            fraction: Some(used as f64 / most as f64),
            text: format::used_of(used, most),
        });
    }
    gauges
}

fn push_gauge(
    close: &CloseUp<'_>,
    row: &mut Row,
    gauge: &Gauge,
    (label, bar, figures): (usize, usize, usize),
) {
    row.left(gauge.label, label, close.theme.dim);
    let fraction = gauge.fraction.unwrap_or(0.0);
    push_bar(row, fraction, bar, close.level(fraction), close.theme);
    let style = if gauge.fraction.is_some() {
        close.text()
    } else {
        close.theme.stale
    };
    row.right(&gauge.text, figures, style);
}

/// Says what the balloon holds, or that nobody inside reports.
fn balloon(close: &CloseUp<'_>) -> Option<(String, ratatui::style::Style)> {
    let theme = close.theme;
    if close.memory_is_host_view() && close.guest.kind == GuestKind::Qemu {
        let text = "~ the host's view: no balloon driver";
        return Some((text.to_owned(), theme.dim));
    }
    let status = close.status?;
    let report = status.balloon_report.unwrap_or_default();
    let actual = report.actual.or(status.balloon)?;
    let most = status.max_memory?;
    let free = report.free.or(status.free_memory);
    let free = free.map_or_else(String::new, |free| {
        format!(", {} free", format::short_size(free))
    });
    let left = format::short_size(actual);
    // A balloon that takes memory away explains a guest that is short of it.
    Some(match most.checked_sub(actual) {
        Some(taken) if taken > 0 => (
            format!("balloon {left}, {} taken{free}", format::short_size(taken)),
            theme.warning,
        ),
        _ => (format!("balloon {left}{free}"), theme.dim),
    })
}

/// Says how much its processes wait, where they do.
fn pressure(close: &CloseUp<'_>) -> Option<(String, ratatui::style::Style)> {
    let pressure = &close.status?.pressure;
    let kinds = [
        ("cpu", pressure.cpu),
        ("io", pressure.io),
        ("memory", pressure.memory),
    ];
    let waits: Vec<(&str, f64)> = kinds
        .into_iter()
        .filter_map(|(kind, percent)| Some((kind, percent?)))
        .filter(|(_, percent)| *percent >= 0.05)
        .collect();
    if waits.is_empty() {
        return None;
    }
    let words: Vec<String> = waits
        .iter()
        .map(|(kind, percent)| format!("{kind} {percent:.1}%"))
        .collect();
    let pressing = waits.iter().any(|(_, percent)| *percent >= PRESSING);
    let style = if pressing {
        close.theme.warning
    } else {
        close.theme.dim
    };
    Some((format!("pressure {}", words.join(", ")), style))
}

/// Returns the last minutes of a figure, a column for each 15 s.
fn recent(close: &CloseUp<'_>, channel: Channel, columns: usize) -> Vec<Option<f64>> {
    let Some(watched) = close.watched else {
        return vec![None; columns];
    };
    let samples = watched.samples(Span::Hour);
    let now = present(samples.iter().copied(), close.state.server_time());
    let window = Window::ending(now, SPARK_COLUMN, columns);
    resample(samples, channel, window)
}

fn top_of(values: &[Option<f64>]) -> f64 {
    values.iter().flatten().copied().fold(LEAST_TOP, f64::max) * HEADROOM
}

/// Draws both directions as one sparkline.
fn push_pair(close: &CloseUp<'_>, row: &mut Row, channels: (Channel, Channel), columns: usize) {
    let values: Vec<Option<f64>> = recent(close, channels.0, columns)
        .into_iter()
        .zip(recent(close, channels.1, columns))
        .map(|(first, second)| Some(first? + second?))
        .collect();
    let style = |_| close.theme.gauge;
    push_sparkline(row, &values, top_of(&values), style, close.theme);
}

fn push_rate(
    close: &CloseUp<'_>,
    row: &mut Row,
    channel: Channel,
    columns: usize,
    write: fn(f64) -> String,
) {
    let rates = close.rates();
    let rate = match channel {
        Channel::DiskRead => rates.disk_read,
        Channel::DiskWrite => rates.disk_write,
        Channel::NetIn => rates.net_in,
        Channel::NetOut => rates.net_out,
        Channel::Cpu | Channel::Memory | Channel::Disk | Channel::Network => None,
    };
    let unknown = if close.theme.unicode { "·" } else { "?" };
    match rate {
        Some(rate) => row.right(&write(rate), columns, close.text()),
        None => row.right(unknown, columns, close.theme.stale),
    };
}
