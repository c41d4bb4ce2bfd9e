//! What should be looked at, how long it has been so, and what helps.

use chrono::{DateTime, Utc};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;

use crate::app::State;
use crate::app::alerts::remedies;
use crate::app::state::Pane;
use crate::domain::alert::{Acknowledgement, AlertBook, Standing, Stands, lasting};
use crate::domain::limits::Severity;
use crate::domain::text::clean;
use crate::ui::format;
use crate::ui::theme::Theme;
use crate::ui::viewport::Viewport;
use crate::ui::widgets::{Row, Table, cursor_mark, fit, message, pane, width};

/// How long it has been so, with a sign where it may be longer.
const SINCE: usize = 8;
/// From this width on the title tells how far failed tasks are known.
const WITH_SOURCES: usize = 100;
/// From this width on the keys that help stand beside each alert, else below for the one under the
/// cursor.
const WITH_KEYS: usize = 140;
const KEYS: usize = 32;
/// What stands of an acknowledgement beside an alert.
const IN_HAND: usize = 26;

pub(in crate::ui) fn draw(
    frame: &mut Frame<'_>,
    area: Rect,
    state: &State,
    theme: &Theme,
    viewport: &mut Viewport,
) {
    let book = state.alerts.book();
    let inner = pane(
        frame,
        area,
        "Alerts",
        &note(state, usize::from(area.width)),
        state.focus == Pane::Alerts,
        theme,
    );
    if book.order().is_empty() {
        let (text, advice) = match &state.inventory.resources.answer {
            None => ("Reading…", ""),
            Some(_) => (
                "No alerts.",
                "Limits, budgets, nodes, storages, locks and failed tasks are watched.",
            ),
        };
        return message(frame, inner, text, advice, theme);
    }
    let cursor = state.alerts.cursor_row();
    let columns = Columns::fit(usize::from(inner.width), book);
    let (inner, below) = with_explanation(inner);
    let table = Table {
        inner,
        titles: columns.titles(theme),
        cursor,
        shows_cursor: true,
        offset: &mut viewport.alerts,
    };
    let server = state.server_time();
    viewport.page = table.draw(frame, book.order(), theme, |key, at_cursor| {
        let each = book.get(key);
        each.map_or_else(Line::default, |each| {
            columns.line(&each, server, at_cursor, theme)
        })
    });
    let chosen = cursor.and_then(|row| book.get(book.order().get(row)?));
    if let (Some(area), Some(each)) = (below, chosen) {
        frame.render_widget(
            explanation(&each, server, usize::from(area.width), theme),
            area,
        );
    }
}

/// Leaves the last line to what is known of the alert under the cursor, where there is room.
fn with_explanation(inner: Rect) -> (Rect, Option<Rect>) {
    if inner.height < 6 {
        return (inner, None);
    }
    let table = Rect {
        height: inner.height - 2,
        ..inner
    };
    let below = Rect {
        y: inner.bottom() - 1,
        height: 1,
        ..inner
    };
    (table, Some(below))
}

/// Counts them, and says how far back failed tasks are known.
fn note(state: &State, columns: usize) -> String {
    let counts = state.alerts.book().counts();
    let mut parts = Vec::new();
    for (count, what) in [
        (counts.critical, "critical"),
        (counts.warning, "warning"),
        (counts.acknowledged, "acknowledged here"),
    ] {
        if count > 0 {
            parts.push(format!("{count} {what}"));
        }
    }
    if columns >= WITH_SOURCES {
        parts.push(failed_tasks(state));
    }
    parts.retain(|part| !part.is_empty());
    parts.join(" · ")
}

/// Says of how many nodes the failed tasks are known, and how old that is.
fn failed_tasks(state: &State) -> String {
    let nodes = state.inventory.resources.value();
    let all = nodes.map_or(0, |resources| resources.nodes.len());
    let reads = state.alerts.failed_tasks().answers();
    let dates: Vec<_> = reads.map(|(_, tasks)| tasks.read).collect();
    match dates.iter().min() {
        None => "failed tasks not read yet".to_owned(),
        Some(oldest) => {
            let age = format::span(state.now.moment.since(*oldest));
            format!("failed tasks of {} of {all} nodes, {age} old", dates.len())
        }
    }
}

struct Columns {
    all: usize,
    subject: usize,
    text: usize,
    keys: usize,
}

impl Columns {
    fn fit(all: usize, book: &AlertBook) -> Self {
        let in_hand = book.counts().acknowledged > 0;
        let keys = if all >= WITH_KEYS {
            KEYS
        } else if in_hand && all >= WITH_SOURCES {
            IN_HAND
        } else {
            0
        };
        let free = all.saturating_sub(4 + SINCE + 2 + keys);
        let subject = book.widest_subject().clamp(7, (free * 2 / 5).max(7));
        Self {
            all,
            subject,
            text: free.saturating_sub(subject + 2),
            keys,
        }
    }

    fn titles(&self, theme: &Theme) -> Line<'static> {
        let mut row = Row::new(theme.unicode);
        row.gap(4)
            .left("WHAT", self.subject, theme.dim)
            .gap(2)
            .left("WHY", self.text, theme.dim)
            .right("SINCE", SINCE, theme.dim)
            .gap(2);
        if self.keys == KEYS {
            row.text("KEYS", theme.dim);
        }
        row.line()
    }

    fn line(
        &self,
        each: &Standing<'_>,
        now: DateTime<Utc>,
        at_cursor: bool,
        theme: &Theme,
    ) -> Line<'static> {
        let mut row = Row::new(theme.unicode);
        cursor_mark(&mut row, at_cursor, theme);
        let (mark, style) = mark(each, theme);
        row.gap(1).text(mark, style).gap(1);
        let is_calm = each.acknowledgement.is_some() || each.stands != Stands::Raised;
        let strong = if is_calm { theme.dim } else { theme.strong };
        let text = if is_calm { theme.dim } else { theme.text };
        row.left(&each.alert.subject.to_string(), self.subject, strong)
            .gap(2);
        row.left(&what(each), self.text, text);
        row.right(&age(each, now), SINCE, theme.dim).gap(2);
        if let Some(word) = each.acknowledgement {
            row.left(&in_hand(word), self.keys, theme.dim);
        } else if self.keys == KEYS {
            let mut room = self.keys;
            for (key, word) in remedies(each.alert) {
                let needed = width(key) + width(word) + 3;
                if needed > room {
                    break;
                }
                row.text(*key, theme.accent)
                    .text(format!(" {word}"), theme.dim)
                    .gap(2);
                room -= needed;
            }
        }
        row.fill(self.all).line()
    }
}

fn mark(each: &Standing<'_>, theme: &Theme) -> (&'static str, Style) {
    let (glyph, ascii, style) = match (each.acknowledgement, each.alert.severity) {
        (Some(_), _) => ("○", "o", theme.dim),
        (None, Severity::Critical) => ("▲", "!", theme.critical),
        (None, Severity::Warning) => ("△", "-", theme.warning),
    };
    let style = match each.stands {
        Stands::Raised => style,
        Stands::Unseen | Stands::Clearing => theme.stale,
    };
    (if theme.unicode { glyph } else { ascii }, style)
}

fn what(each: &Standing<'_>) -> String {
    let text = &each.alert.text;
    match each.stands {
        Stands::Raised => text.clone(),
        Stands::Unseen => format!("{text} (as last seen)"),
        Stands::Clearing => format!("{text} (has ended)"),
    }
}

fn age(each: &Standing<'_>, now: DateTime<Utc>) -> String {
    let sign = if each.perhaps_earlier { "≥" } else { "" };
    format!("{sign}{}", format::span(lasting(each.since, now)))
}

fn in_hand(word: &Acknowledgement) -> String {
    let until = word.until().format("%H:%M");
    // Read from a file that anything may have happened to.
    format!("{} until {until} UTC", clean(&word.by))
}

/// Tells the alert under the cursor in a whole line: who has it in hand, or what helps.
fn explanation(
    each: &Standing<'_>,
    now: DateTime<Utc>,
    columns: usize,
    theme: &Theme,
) -> Line<'static> {
    let mut row = Row::new(theme.unicode);
    row.gap(1);
    if let Some(word) = each.acknowledgement {
        let ago = format::ago(word.at, now);
        let note = if word.note.is_empty() {
            String::new()
        } else {
            format!(" \"{}\"", clean(&word.note))
        };
        let text = format!(
            "{} has it in hand until {} UTC{note} ({ago}) · a gives it back · seen on this machine alone",
            clean(&word.by),
            word.until().format("%H:%M"),
        );
        row.text(
            fit(&text, columns.saturating_sub(2), theme.unicode),
            theme.dim,
        );
        return row.line();
    }
    row.text(
        fit(
            &format!("{} {}", each.alert.subject, what(each)),
            columns.saturating_sub(24),
            theme.unicode,
        ),
        theme.text,
    );
    row.gap(2);
    for (key, word) in remedies(each.alert).iter().chain(&[("a", "acknowledge")]) {
        if row.used() + width(key) + width(word) + 3 > columns {
            break;
        }
        row.text(*key, theme.accent)
            .text(format!(" {word}"), theme.dim)
            .gap(2);
    }
    row.line()
}
