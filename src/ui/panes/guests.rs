//! The table of guests.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;

use crate::app::State;
use crate::app::state::Pane;
use crate::domain::guest::{Guest, Status};
use crate::domain::id::{GuestKind, PoolName};
use crate::domain::inventory::{Resources, SeenGuest};
use crate::domain::limits::Severity;
use crate::domain::quota::Tier;
use crate::domain::usage::ProjectStanding;
use crate::ui::format;
use crate::ui::panes::arrangement;
use crate::ui::panes::budget::tier_mark;
use crate::ui::theme::Theme;
use crate::ui::viewport::Viewport;
use crate::ui::widgets::{Row, Table, cursor_mark, fit, message, pane, push_bar, width};

pub(in crate::ui) fn draw(
    frame: &mut Frame<'_>,
    area: Rect,
    state: &State,
    theme: &Theme,
    viewport: &mut Viewport,
) {
    let focused = state.focus == Pane::Guests;
    let rows = state.guests.rows();
    let note = note(state);
    let inner = pane(frame, area, "Guests", &note, focused, theme);
    let Some(resources) = state.inventory.resources.value() else {
        return draw_waiting(frame, inner, state, theme);
    };
    if rows.is_empty() {
        return match resources.guests.len() {
            0 => {
                let advice =
                    "The cluster is empty, or the account may see none: it needs VM.Audit on /vms.";
                message(frame, inner, "No guests.", advice, theme);
            }
            all => {
                let what = format!(
                    "None of {all} guests matches /{}",
                    state.guests.filter().text()
                );
                message(frame, inner, &what, "Esc clears the filter.", theme);
            }
        };
    }
    let projects = state.setting.rules.projects.iter().next().is_some();
    let columns = Columns::fit(usize::from(inner.width), resources, projects);
    let table = Table {
        inner,
        titles: columns.titles(theme),
        cursor: state.guests.cursor_row(),
        // The other panes are about the guest under the cursor, whoever has the keys.
        shows_cursor: true,
        offset: &mut viewport.guests,
    };
    let page = table.draw(frame, rows, theme, |vmid, at_cursor| {
        let seen = resources.guest(*vmid);
        seen.map_or_else(Line::default, |seen| {
            columns.line(seen, state, at_cursor, theme)
        })
    });
    if focused {
        viewport.page = page;
    }
}

/// How many guests are shown, in which order, by which filter.
fn note(state: &State) -> String {
    let table = &state.guests;
    let all = state
        .inventory
        .resources
        .value()
        .map_or(0, |resources| resources.guests.len());
    let shown = table.rows().len();
    // What is typed may ask for nothing yet.
    let filter = (!table.filter().is_empty()).then(|| table.filter().text());
    let ascends = table.sort.descends() == table.reversed;
    arrangement((shown, all), table.sort.as_str(), ascends, filter)
}

pub(super) fn draw_waiting(frame: &mut Frame<'_>, inner: Rect, state: &State, theme: &Theme) {
    match &state.inventory.resources.failure {
        Some(failure) => message(
            frame,
            inner,
            &failure.value.to_string(),
            failure.value.advised(),
            theme,
        ),
        None => message(
            frame,
            inner,
            &format!("Asking {} …", state.setting.endpoint),
            "",
            theme,
        ),
    }
}

/// How wide each column is; bars and names share what the fixed ones leave.
struct Columns {
    id: usize,
    name: usize,
    node: usize,
    bar: usize,
    owner: usize,
    /// Whether guests are shown with their project, else with their pool.
    projects: bool,
}

const PERCENT: usize = 5;
const UPTIME: usize = 6;

impl Columns {
    fn fit(columns: usize, resources: &Resources, projects: bool) -> Self {
        let id = resources
            .guests
            .last()
            .map_or(4, |seen| seen.guest.vmid.to_string().len())
            .max(4);
        let node = resources
            .nodes
            .iter()
            .map(|node| width(node.name.as_str()))
            .max()
            .unwrap_or(4)
            .clamp(4, 10);
        // Mark, glyph, flag, id, name, node, two bars with figures, uptime, owner; two blanks between.
        let fixed = 4 + id + 1 + 2 + node + 2 * (2 + PERCENT) + 2 + UPTIME + 2;
        let free = columns.saturating_sub(fixed);
        let owner = (free / 5).clamp(7, 14);
        let bar = (free / 6).clamp(3, 14);
        let name = free.saturating_sub(owner + 2 * bar).clamp(6, 40);
        Self {
            id,
            name,
            node,
            bar,
            owner,
            projects,
        }
    }

    fn titles(&self, theme: &Theme) -> Line<'static> {
        let mut row = Row::new(theme.unicode);
        let style = theme.dim;
        row.gap(4)
            .right("ID", self.id, style)
            .gap(1)
            .left("NAME", self.name, style);
        row.gap(2).left("NODE", self.node, style);
        row.gap(2)
            .left("CPU", self.bar + PERCENT, style)
            .gap(2)
            .left("MEM", self.bar + PERCENT, style);
        row.gap(2).right("UP", UPTIME, style).gap(2).left(
            if self.projects { "PROJECT" } else { "POOL" },
            self.owner,
            style,
        );
        row.line()
    }

    fn line(
        &self,
        seen: &SeenGuest,
        state: &State,
        at_cursor: bool,
        theme: &Theme,
    ) -> Line<'static> {
        let guest = &seen.guest;
        let stale = state.is_stale(seen);
        let text = if stale { theme.stale } else { theme.text };
        let mut row = Row::new(theme.unicode);
        let marked = state.guests.marks().contains(&guest.vmid);
        if marked {
            row.text(if theme.unicode { "✓" } else { "+" }, theme.accent);
        } else {
            cursor_mark(&mut row, at_cursor, theme);
        }
        let (glyph, glyph_style) = status_glyph(seen, stale, theme);
        row.text(glyph, glyph_style);
        let (flag, flag_style) = flag(seen, state, theme);
        row.left(flag, 1, flag_style).gap(1);
        row.right(&guest.vmid.to_string(), self.id, text).gap(1);
        row.left(
            &guest
                .name
                .as_ref()
                .map_or_else(|| "?".to_owned(), ToString::to_string),
            self.name,
            text,
        );
        row.gap(2)
            .left(
                guest.node.as_str(),
                self.node,
                if stale { theme.stale } else { theme.dim },
            )
            .gap(2);
        match changing(guest) {
            Some(what) => {
                row.left(&what, 2 * (self.bar + PERCENT) + 2, theme.warning);
            }
            None if guest.status == Status::Stopped || guest.template => {
                let what = if guest.template {
                    "template"
                } else {
                    "stopped"
                };
                let style = if stale { theme.stale } else { theme.dim };
                row.left(what, 2 * (self.bar + PERCENT) + 2, style);
            }
            None => {
                let figures = &guest.figures;
                self.gauge(&mut row, (figures.cpu, ""), stale, theme);
                row.gap(2);
                let sign = if figures.memory_is_host_view() {
                    "~"
                } else {
                    ""
                };
                self.gauge(&mut row, (figures.memory_fraction(), sign), stale, theme);
            }
        }
        let uptime = guest.figures.uptime.filter(|uptime| !uptime.is_zero());
        row.gap(2)
            .right(&uptime.map(format::span).unwrap_or_default(), UPTIME, text)
            .gap(2);
        if self.projects {
            self.project(&mut row, state.project_of(guest), state, text, theme);
        } else {
            let pool = guest.pool.as_ref().map(PoolName::as_str);
            row.left(pool.unwrap_or_default(), self.owner, text);
        }
        row.line()
    }

    /// Adds the name of a project, and behind it a mark where the project is over its budget.
    fn project(
        &self,
        row: &mut Row,
        project: Option<&str>,
        state: &State,
        text: Style,
        theme: &Theme,
    ) {
        let project = project.unwrap_or_default();
        let standing = state.usage.project(project);
        let tier = standing.map_or(Tier::Unlimited, ProjectStanding::tier);
        let mark = tier_mark(tier, theme);
        let room = self.owner - if mark.is_some() { 2 } else { 0 };
        row.text(fit(project, room, theme.unicode), text);
        if let Some((mark, style)) = mark {
            row.gap(1).text(mark, style);
        }
    }

    /// Adds a bar and its share, with a sign before it where it is an estimate.
    fn gauge(
        &self,
        row: &mut Row,
        (fraction, sign): (Option<f64>, &str),
        stale: bool,
        theme: &Theme,
    ) {
        match fraction {
            Some(fraction) => {
                let style = if stale {
                    theme.stale
                } else {
                    theme.level(fraction)
                };
                push_bar(row, fraction, self.bar, style, theme);
                row.right(
                    &format!("{sign}{}", format::percent(fraction)),
                    PERCENT,
                    if stale { theme.stale } else { theme.text },
                );
            }
            None => {
                row.gap(self.bar).right("?", PERCENT, theme.stale);
            }
        }
    }
}

/// What happens to a guest or hinders it, where that is more telling than figures.
fn changing(guest: &Guest) -> Option<String> {
    if let Some(lock) = &guest.lock {
        return Some(format!("locked ({lock})"));
    }
    match &guest.status {
        Status::Running | Status::Stopped | Status::Unknown => None,
        status @ (Status::Paused
        | Status::Suspended
        | Status::Prelaunch
        | Status::IoError
        | Status::InternalError
        | Status::Other(_)) => Some(status.to_string()),
    }
}

/// Marks a guest that should be looked at.
fn flag(seen: &SeenGuest, state: &State, theme: &Theme) -> (&'static str, Style) {
    match state.alerts.flag(seen.guest.vmid) {
        Some(Severity::Critical) => (if theme.unicode { "▲" } else { "!" }, theme.critical),
        Some(Severity::Warning) => (if theme.unicode { "△" } else { "-" }, theme.warning),
        None => ("", theme.text),
    }
}

fn status_glyph(seen: &SeenGuest, stale: bool, theme: &Theme) -> (&'static str, Style) {
    let (glyph, ascii, style) = match &seen.guest {
        _ if stale => ("◌", "?", theme.stale),
        guest if guest.lock.is_some() => ("◐", "~", theme.warning),
        guest if guest.template => ("■", "#", theme.dim),
        guest => match &guest.status {
            Status::Running if guest.kind == GuestKind::Lxc => ("◆", "@", theme.ok),
            Status::Running => ("●", "*", theme.ok),
            Status::Stopped | Status::Suspended => ("○", "o", theme.dim),
            Status::IoError | Status::InternalError => ("▲", "!", theme.critical),
            Status::Paused | Status::Prelaunch | Status::Other(_) => ("◐", "~", theme.warning),
            Status::Unknown => ("◌", "?", theme.stale),
        },
    };
    (if theme.unicode { glyph } else { ascii }, style)
}
