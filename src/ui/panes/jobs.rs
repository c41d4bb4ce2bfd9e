//! Operations at work, a line each, and the message on top.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::app::State;
use crate::app::action::{Action, Change};
use crate::app::availability::{Availability, availability};
use crate::app::jobs::Job;
use crate::app::toasts::Tone;
use crate::ui::format;
use crate::ui::theme::Theme;
use crate::ui::widgets::{Row, fit, push_bar, stack, width};

/// Returns how many lines it needs.
pub(in crate::ui) fn height(state: &State) -> u16 {
    let running = state.jobs.running().count().min(3) as u16;
    running + u16::from(!state.toasts.is_empty()) + u16::from(!state.guests.marks().is_empty())
}

pub(in crate::ui) fn draw(frame: &mut Frame<'_>, area: Rect, state: &State, theme: &Theme) {
    let columns = usize::from(area.width);
    let mut lines: Vec<Line<'static>> = state
        .jobs
        .running()
        .take(3)
        .map(|job| job_line(job, state, columns, theme))
        .collect();
    lines.extend(marks_line(state, columns, theme));
    lines.extend(toast_line(state, columns, theme));
    stack(frame, area, lines);
}

fn job_line(job: &Job, state: &State, columns: usize, theme: &Theme) -> Line<'static> {
    let now = state.now.moment;
    let elapsed = format::elapsed(now.since(job.began));
    let mut row = Row::new(theme.unicode);
    row.gap(1)
        .text(
            spinner(now.since(job.began).as_secs(), theme.unicode),
            theme.accent,
        )
        .gap(1);
    row.left(&job.title, (columns / 3).max(20), theme.strong)
        .gap(2);
    if let Some(fraction) = job.fraction {
        row.right(&format::percent(fraction), 4, theme.text).gap(1);
        push_bar(&mut row, fraction, (columns / 6).max(8), theme.gauge, theme);
        row.gap(2);
    }
    let line = if job.is_silent(now) {
        "waiting for the guest agent".to_owned()
    } else {
        job.line.to_string()
    };
    let room = columns.saturating_sub(row.used() + elapsed.len() + 3);
    row.left(&line, room, theme.dim)
        .gap(1)
        .text(elapsed, theme.text);
    row.line()
}

fn spinner(seconds: u64, unicode: bool) -> &'static str {
    let frames: &[&str] = if unicode {
        &["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧"]
    } else {
        &["|", "/", "-", "\\"]
    };
    frames[(seconds % frames.len() as u64) as usize]
}

fn marks_line(state: &State, columns: usize, theme: &Theme) -> Option<Line<'static>> {
    let marks = state.guests.marks();
    if marks.is_empty() {
        return None;
    }
    let numbers: Vec<String> = marks.iter().take(40).map(ToString::to_string).collect();
    // Asked this way round, ten thousand marks cost no more than the table is long.
    let shown = state
        .guests
        .rows()
        .iter()
        .filter(|vmid| marks.contains(vmid))
        .count();
    let hidden = marks.len() - shown;
    let hidden = if hidden > 0 {
        format!(" ({hidden} not shown)")
    } else {
        String::new()
    };
    let hints = mark_hints(state);
    let taken: usize = hints
        .iter()
        .map(|(key, word)| width(key) + width(word) + 3)
        .sum();
    let mut row = Row::new(theme.unicode);
    let text = format!("{} marked{hidden}: {}", marks.len(), numbers.join(" "));
    row.gap(1).text(
        fit(&text, columns.saturating_sub(taken + 4), theme.unicode),
        theme.accent,
    );
    row.gap(1)
        .text(if theme.unicode { "·" } else { "-" }, theme.dim);
    for (index, (key, word)) in hints.into_iter().enumerate() {
        row.gap(if index == 0 { 1 } else { 2 })
            .text(key, theme.accent)
            .text(format!(" {word}"), theme.dim);
    }
    Some(row.line())
}

/// The keys that mean all marked guests now, and the one that takes the marks off.
fn mark_hints(state: &State) -> Vec<(String, String)> {
    let all = match state.guests.marks().len() {
        1 => "",
        2 => " both",
        _ => " all",
    };
    let context = state.focus.context();
    let changes = [
        (Change::Bracket, "bracket".to_owned()),
        (Change::Snapshot, format!("snapshot{all}")),
        (Change::Power, "power".to_owned()),
    ];
    let possible = changes.into_iter().filter_map(|(change, word)| {
        let action = Action::Change(change);
        let is_possible = availability(state, action) == Availability::Yes;
        let key = state.setting.keymap.keys(context, action).first()?;
        is_possible.then(|| (key.to_string(), word))
    });
    let back = state.setting.keymap.keys(context, Action::Back).first();
    let word = if state.guests.filter().is_empty() {
        "clears"
    } else {
        "shows all"
    };
    let back = back.map(|key| (key.to_string(), word.to_owned()));
    possible.chain(back).collect()
}

fn toast_line(state: &State, columns: usize, theme: &Theme) -> Option<Line<'static>> {
    let toast = state.toasts.top()?;
    let (mark, ascii, style) = match &toast.tone {
        Tone::Good => ("✓", "+", theme.ok),
        Tone::Notice => ("△", "-", theme.warning),
        Tone::Bad(..) => ("✗", "x", theme.critical),
    };
    let more = state.toasts.len() - 1;
    let more = if more > 0 {
        format!("  +{more}")
    } else {
        String::new()
    };
    let hints: &[(&str, &str)] = match &toast.tone {
        Tone::Bad(..) => &[("Enter", "read it"), ("Esc", "dismiss")],
        Tone::Good | Tone::Notice => &[],
    };
    let hints_width: usize = hints
        .iter()
        .map(|(key, what)| key.len() + what.len() + 3)
        .sum();
    let mut row = Row::new(theme.unicode);
    row.gap(1)
        .text(if theme.unicode { mark } else { ascii }, style)
        .gap(1);
    row.text(
        fit(
            &toast.text,
            columns.saturating_sub(4 + more.len() + hints_width),
            theme.unicode,
        ),
        style,
    );
    for (key, what) in hints {
        row.gap(2)
            .text(*key, theme.accent)
            .text(format!(" {what}"), theme.dim);
    }
    row.text(more, theme.dim);
    Some(row.line())
}
