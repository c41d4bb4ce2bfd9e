//! The selected guest, closer: gauges, rates, history, limits and budget.
//!
//! A tall pane stacks its parts, a flat one sets them side by side. Whatever the room, the limits
//! and the budget stand complete at the end; history takes what is left.

mod charts;
mod gauges;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::app::State;
use crate::app::detail::{Unmeasured, Watched};
use crate::app::state::Pane;
use crate::domain::guest::Guest;
use crate::domain::guest_status::GuestStatus;
use crate::domain::history::believed_cpu;
use crate::domain::id::GuestKind;
use crate::domain::inventory::SeenGuest;
use crate::domain::rates::Rates;
use crate::ui::format;
use crate::ui::theme::Theme;
use crate::ui::widgets::{Row, fit, pane, stack, width};

/// A pane of at most so many rows is flat, when it is wide enough for two columns.
const FLAT: usize = 9;
/// Two columns need so much room.
const TWO_COLUMNS: usize = 66;
/// From so many columns on, rates stand beside the gauges.
const BROAD: usize = 110;
/// With so many rows, blank lines part the sections.
const AIRY: usize = 16;

pub(in crate::ui) fn draw(frame: &mut Frame<'_>, area: Rect, state: &State, theme: &Theme) {
    let focused = state.focus == Pane::Detail;
    let Some(seen) = state.selected_guest() else {
        pane(frame, area, "No guest", "", focused, theme);
        return;
    };
    let close = CloseUp::new(seen, state, theme);
    let title = seen.guest.to_ref().to_string();
    let inner = pane(frame, area, &title, &close.note(), focused, theme);
    let (columns, rows) = (usize::from(inner.width), usize::from(inner.height));
    let lines = if rows <= FLAT && columns >= TWO_COLUMNS {
        flat(&close, columns, rows)
    } else {
        tall(&close, columns, rows)
    };
    stack(frame, inner, lines);
}

/// Stacks the parts; the history takes what they leave.
fn tall(close: &CloseUp<'_>, columns: usize, rows: usize) -> Vec<Line<'static>> {
    let tail = super::verdicts::lines(close.seen, close.state, columns, close.theme);
    let mut sections = vec![close.facts(columns, rows)];
    let measured = close.unmeasured.is_none();
    if close.runs() && measured && columns >= BROAD {
        let half = columns / 2 - 2;
        let right = gauges::rates(close, columns - half - 4);
        sections.push(beside(gauges::tall(close, half), right, half + 4));
    } else if close.runs() {
        sections.push(gauges::tall(close, columns));
        if measured {
            sections.push(gauges::rates(close, columns));
        }
    }
    sections.push(close.remarks(columns));
    sections.retain(|section| !section.is_empty());
    let blanks = usize::from(rows >= AIRY);
    let used: usize = sections.iter().map(|section| section.len() + blanks).sum();
    let kept = tail.len() + blanks * usize::from(!tail.is_empty());
    if measured {
        let room = rows.saturating_sub(used + kept);
        let history = charts::tall(close, columns, room);
        if !history.is_empty() {
            sections.push(history);
        }
    }
    let alarms = super::verdicts::alarms(close.seen, close.state, columns, close.theme);
    if used + alarms.len() > rows && !alarms.is_empty() {
        // At the end they would be cut off, and they are what matters most.
        sections.insert(0, alarms);
    } else if !tail.is_empty() {
        sections.push(tail);
    }
    sections.join(&vec![Line::default(); blanks][..])
}

/// Sets one block of lines beside another that begins at a column.
fn beside(
    left: Vec<Line<'static>>,
    right: Vec<Line<'static>>,
    column: usize,
) -> Vec<Line<'static>> {
    let rows = left.len().max(right.len());
    let (mut left, mut right) = (left.into_iter(), right.into_iter());
    (0..rows)
        .map(|_| {
            let mut line = left.next().unwrap_or_default();
            let rest = column.saturating_sub(line.width());
            // A style of the whole line would be taken over by what is set beside it.
            let mut spans = own_styles(std::mem::take(&mut line));
            spans.push(Span::raw(" ".repeat(rest)));
            spans.extend(own_styles(right.next().unwrap_or_default()));
            Line::from(spans)
        })
        .collect()
}

/// Gives each part of a line the style of the line as its own.
fn own_styles(line: Line<'static>) -> Vec<Span<'static>> {
    let style = line.style;
    let spans = line.spans.into_iter();
    spans
        .map(|span| {
            let own = style.patch(span.style);
            span.style(own)
        })
        .collect()
}

/// Sets the parts side by side; what there is no room for gives way to limits and budget.
fn flat(close: &CloseUp<'_>, columns: usize, rows: usize) -> Vec<Line<'static>> {
    let measured = close.unmeasured.is_none();
    let gauges = if close.runs() {
        gauges::flat(close, columns)
    } else {
        Vec::new()
    };
    let remarks = close.remarks(columns);
    let mut tail = super::verdicts::lines(close.seen, close.state, columns, close.theme);
    if gauges.len() + tail.len() + remarks.len() >= rows {
        let size = (columns, rows.saturating_sub(gauges.len()));
        tail = super::verdicts::compact(close.seen, close.state, size, close.theme);
    }
    let mut room = rows.saturating_sub(gauges.len() + tail.len());
    let mut fitting = |section: Vec<Line<'static>>| -> Vec<Line<'static>> {
        if section.len() > room {
            return Vec::new();
        }
        room -= section.len();
        section
    };
    let remarks = fitting(remarks);
    let history = fitting(if measured {
        charts::flat(close, columns)
    } else {
        Vec::new()
    });
    let notes = fitting(if measured {
        gauges::notes(close)
    } else {
        Vec::new()
    });
    let facts = fitting(close.facts(columns, rows));
    [gauges, notes, history, remarks, facts, tail].concat()
}

/// What the pane is about, gathered once for a frame.
struct CloseUp<'a> {
    seen: &'a SeenGuest,
    guest: &'a Guest,
    state: &'a State,
    theme: &'a Theme,
    watched: Option<&'a Watched>,
    /// What its node said just now.
    status: Option<&'a GuestStatus>,
    unmeasured: Option<Unmeasured>,
}

impl<'a> CloseUp<'a> {
    fn new(seen: &'a SeenGuest, state: &'a State, theme: &'a Theme) -> Self {
        let watched = state.detail.of(&seen.guest);
        let unmeasured = state.unmeasured(seen);
        let status = watched
            .filter(|_| unmeasured.is_none())
            .and_then(|watched| watched.fresh_status(state.now.moment));
        Self {
            seen,
            guest: &seen.guest,
            state,
            theme,
            watched,
            status,
            unmeasured,
        }
    }

    /// Tells whether there are figures, live or last known.
    fn runs(&self) -> bool {
        match self.unmeasured {
            Some(Unmeasured::Template | Unmeasured::Stopped) => false,
            Some(Unmeasured::Silent | Unmeasured::Stale | Unmeasured::LinkDown) => {
                self.guest.figures.max_memory.is_some()
            }
            None => true,
        }
    }

    /// Tells whether its figures are only the last known.
    fn is_aged(&self) -> bool {
        matches!(
            self.unmeasured,
            Some(Unmeasured::Silent | Unmeasured::Stale | Unmeasured::LinkDown)
        )
    }

    /// Returns the style of figures.
    fn text(&self) -> Style {
        if self.is_aged() {
            self.theme.stale
        } else {
            self.theme.text
        }
    }

    /// Returns the style of what is filled to a share.
    fn level(&self, fraction: f64) -> Style {
        if self.is_aged() {
            self.theme.stale
        } else {
            self.theme.level(fraction)
        }
    }

    fn cpu(&self) -> Option<f64> {
        believed_cpu(&self.guest.figures)
    }

    /// Returns used memory and its bound, from the fresher source.
    fn memory(&self) -> Option<(u64, u64)> {
        let figures = &self.guest.figures;
        let status = self
            .status
            .and_then(|status| Some((status.memory?, status.max_memory?)));
        status.or(Some((figures.memory?, figures.max_memory?)))
    }

    fn memory_is_host_view(&self) -> bool {
        match self.status {
            Some(status) => status.memory_is_host_view(),
            None => self.guest.figures.memory_is_host_view(),
        }
    }

    fn rates(&self) -> Rates {
        self.watched
            .map(|watched| watched.rates(self.state.now.moment))
            .unwrap_or_default()
    }

    /// Says beside the title how the guest stands.
    fn note(&self) -> String {
        let guest = self.guest;
        let age = self.state.now.moment.since(self.seen.seen);
        match self.unmeasured {
            Some(Unmeasured::Template) => return "template".to_owned(),
            Some(Unmeasured::Silent | Unmeasured::Stale) => {
                return format!("as of {} ago", format::span(age));
            }
            Some(Unmeasured::Stopped | Unmeasured::LinkDown) | None => {}
        }
        let status = self
            .status
            .and_then(|status| status.status.as_ref())
            .unwrap_or(&guest.status);
        let uptime = guest.figures.uptime.filter(|uptime| !uptime.is_zero());
        match uptime.filter(|_| self.runs()) {
            Some(uptime) => format!("{status} {}", format::span(uptime)),
            None => status.to_string(),
        }
    }

    /// Makes the lines that say what and where the guest is.
    fn facts(&self, columns: usize, rows: usize) -> Vec<Line<'static>> {
        let guest = self.guest;
        let mut facts = vec![guest.node.to_string()];
        if guest.kind == GuestKind::Lxc {
            facts.push("container".to_owned());
        }
        facts.extend(guest.pool.as_ref().map(|pool| format!("pool {pool}")));
        facts.extend(guest.ha_state.as_ref().map(|state| format!("HA {state}")));
        facts.extend(guest.lock.as_ref().map(|lock| format!("locked ({lock})")));
        if !guest.tags.is_empty() {
            let tags: Vec<String> = guest.tags.iter().map(ToString::to_string).collect();
            facts.push(format!("tags {}", tags.join(", ")));
        }
        let mut lines = vec![self.dim(&facts.join(self.dot()), columns)];
        let size = self.size();
        if !self.runs() && !size.is_empty() {
            lines.push(self.dim(&size.join(self.dot()), columns));
        } else if rows > AIRY + FLAT
            && let Some(software) = self.software()
        {
            lines.push(self.dim(&software, columns));
        }
        lines
    }

    /// Says what the guest is made of.
    fn size(&self) -> Vec<String> {
        let figures = &self.guest.figures;
        let disk = match self.guest.kind {
            GuestKind::Qemu => "boot disk",
            GuestKind::Lxc => "root disk",
        };
        let cores = figures.max_cpu.map(|cores| {
            // Containers may have half a core.
            let word = if cores > 1.0 { "cores" } else { "core" };
            format!("{cores} {word}")
        });
        let memory = figures
            .max_memory
            .filter(|bytes| *bytes > 0)
            .map(|bytes| format!("{} memory", format::size(bytes)));
        let disk = figures
            .max_disk
            .filter(|bytes| *bytes > 0)
            .map(|bytes| format!("{disk} {}", format::size(bytes)));
        [cores, memory, disk].into_iter().flatten().collect()
    }

    fn software(&self) -> Option<String> {
        let status = self.status?;
        let mut parts = Vec::new();
        parts.extend(
            status
                .qemu
                .as_ref()
                .map(|version| format!("QEMU {version}")),
        );
        parts.extend(status.machine.as_ref().map(ToString::to_string));
        if status.agent == Some(true) {
            parts.push("guest agent".to_owned());
        }
        (!parts.is_empty()).then(|| parts.join(self.dot()))
    }

    /// Makes the lines that say why something is missing.
    fn remarks(&self, columns: usize) -> Vec<Line<'static>> {
        let theme = self.theme;
        let node = &self.guest.node;
        match self.unmeasured {
            Some(Unmeasured::Template) => {
                return self.wrapped(
                    "A template never runs; clone it to use it.",
                    columns,
                    theme.dim,
                );
            }
            Some(Unmeasured::Stopped) => {
                let text = format!("It is {}: nothing is measured.", self.guest.status);
                return self.wrapped(&text, columns, theme.dim);
            }
            Some(Unmeasured::Silent) => {
                let text = format!("{node} does not answer: these figures are the last known.");
                return self.wrapped(&text, columns, theme.stale);
            }
            Some(Unmeasured::Stale) => {
                let text = format!(
                    "The figures stand still: {node} has stopped sampling, or the guest hangs."
                );
                return self.wrapped(&text, columns, theme.stale);
            }
            Some(Unmeasured::LinkDown) => {
                let text = "The link is down: these figures are the last known.";
                return self.wrapped(text, columns, theme.stale);
            }
            None => {}
        }
        let Some(failure) = self.watched.and_then(|watched| watched.status().failure()) else {
            return Vec::new();
        };
        self.wrapped(&format!("live figures: {failure}"), columns, theme.warning)
    }

    fn dim(&self, text: &str, columns: usize) -> Line<'static> {
        Line::styled(fit(text, columns, self.theme.unicode), self.theme.dim)
    }

    /// Breaks a text at its blanks into at most two lines.
    fn wrapped(&self, text: &str, columns: usize, style: Style) -> Vec<Line<'static>> {
        let mut first = String::new();
        let mut rest = text.split(' ').peekable();
        while let Some(word) = rest.peek() {
            let blank = usize::from(!first.is_empty());
            if !first.is_empty() && width(&first) + blank + width(word) > columns {
                break;
            }
            if blank > 0 {
                first.push(' ');
            }
            first.push_str(word);
            rest.next();
        }
        let second = rest.collect::<Vec<_>>().join(" ");
        [first, second]
            .iter()
            .filter(|line| !line.is_empty())
            .map(|line| Line::styled(fit(line, columns, self.theme.unicode), style))
            .collect()
    }

    /// Returns what stands between facts.
    fn dot(&self) -> &'static str {
        if self.theme.unicode { " · " } else { ", " }
    }

    fn row(&self) -> Row {
        Row::new(self.theme.unicode)
    }
}
