//! Draws the state; reads everything, changes nothing but the [`Viewport`].

mod dialogs;
pub mod format;
mod panes;
mod plain;
pub mod theme;
mod viewport;
mod widgets;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::Line;

pub use theme::{ColorDepth, Theme, ThemeError};
pub use viewport::Viewport;

use crate::app::State;
use crate::app::state::{Pane, View};

/// Below this size nothing useful can be shown.
const SMALLEST: (u16, u16) = (60, 15);
/// From this width on the detail stands beside the table.
const WIDE: u16 = 110;
/// The width of the detail beside the table.
const DETAIL: u16 = 46;
/// From this width on the detail takes half of what is more, for longer curves.
const SPACIOUS: u16 = 130;

/// Draws one frame.
pub fn draw(frame: &mut Frame<'_>, state: &State, theme: &Theme, viewport: &mut Viewport) {
    compose(frame, state, theme, viewport);
    if !theme.unicode {
        plain::replace(frame.buffer_mut());
    }
}

fn compose(frame: &mut Frame<'_>, state: &State, theme: &Theme, viewport: &mut Viewport) {
    let area = frame.area();
    if area.width < SMALLEST.0 || area.height < SMALLEST.1 {
        let (columns, rows) = SMALLEST;
        let text = format!(
            "{}x{} is too small: {columns}x{rows} or more, please",
            area.width, area.height
        );
        frame.render_widget(
            Line::styled(text, theme.warning),
            Rect {
                height: area.height.min(1),
                ..area
            },
        );
        return;
    }
    let jobs = panes::jobs::height(state);
    let [header, body, job_area, footer] = Layout::vertical([
        Constraint::Length(panes::header::height(state)),
        Constraint::Min(3),
        Constraint::Length(jobs),
        Constraint::Length(1),
    ])
    .areas(area);
    panes::header::draw(frame, header, state, theme);
    draw_body(frame, body, state, theme, viewport);
    panes::jobs::draw(frame, job_area, state, theme);
    panes::footer::draw(frame, footer, state, theme);
    dialogs::draw(frame, state, theme, viewport);
}

fn draw_body(
    frame: &mut Frame<'_>,
    area: Rect,
    state: &State,
    theme: &Theme,
    viewport: &mut Viewport,
) {
    if state.zoomed {
        return draw_pane(frame, area, state.focus, state, theme, viewport);
    }
    match state.focus.view() {
        View::Guests => draw_guests(frame, area, state, theme, viewport),
        View::Alerts => panes::alerts::draw(frame, area, state, theme, viewport),
        View::Snapshots => panes::all_snapshots::draw(frame, area, state, theme, viewport),
        View::Projects => panes::projects::draw(frame, area, state, theme, viewport),
        View::Tasks => panes::tasks::draw(frame, area, state, theme, viewport),
        View::Templates => draw_catalogue(frame, area, state, theme, viewport),
        View::Nodes => {
            let nodes = state
                .inventory
                .resources
                .value()
                .map_or(1, |resources| resources.nodes.len());
            // The nodes get what they need, the storages the rest, and neither less than half when short.
            let wanted = u16::try_from(nodes + 3)
                .unwrap_or(u16::MAX)
                .min(area.height / 2);
            let [upper, lower] =
                Layout::vertical([Constraint::Length(wanted), Constraint::Min(4)]).areas(area);
            panes::nodes::draw_nodes(frame, upper, state, theme, viewport);
            panes::nodes::draw_storages(frame, lower, state, theme, viewport);
        }
    }
}

fn draw_pane(
    frame: &mut Frame<'_>,
    area: Rect,
    pane: Pane,
    state: &State,
    theme: &Theme,
    viewport: &mut Viewport,
) {
    match pane {
        Pane::Guests => panes::guests::draw(frame, area, state, theme, viewport),
        Pane::Detail => panes::detail::draw(frame, area, state, theme),
        Pane::Snapshots => panes::snapshots::draw(frame, area, state, theme, viewport),
        Pane::Alerts => panes::alerts::draw(frame, area, state, theme, viewport),
        Pane::AllSnapshots => panes::all_snapshots::draw(frame, area, state, theme, viewport),
        Pane::Projects => panes::projects::draw(frame, area, state, theme, viewport),
        Pane::Tasks => panes::tasks::draw(frame, area, state, theme, viewport),
        Pane::Nodes => panes::nodes::draw_nodes(frame, area, state, theme, viewport),
        Pane::Storages => panes::nodes::draw_storages(frame, area, state, theme, viewport),
        Pane::Templates => {
            let [upper, lower] = with_card(area);
            panes::catalogue::draw(frame, upper, state, theme, viewport);
            panes::catalogue::draw_card(frame, lower, state, theme);
        }
        Pane::Profiles => {
            let [upper, lower] = with_card(area);
            panes::profiles::draw(frame, upper, state, theme, viewport);
            panes::profiles::draw_card(frame, lower, state, theme);
        }
    }
}

/// Divides a place into that of a table and that of the card below it.
fn with_card(area: Rect) -> [Rect; 2] {
    let card = (area.height / 3).clamp(8, 14);
    Layout::vertical([Constraint::Min(4), Constraint::Length(card)]).areas(area)
}

/// Draws templates and network profiles, and below them what is under the cursor.
fn draw_catalogue(
    frame: &mut Frame<'_>,
    area: Rect,
    state: &State,
    theme: &Theme,
    viewport: &mut Viewport,
) {
    let rules = &state.setting.rules;
    let [tables, _] = with_card(area);
    // Each table gets what it needs, the card the rest, and neither table less than half when short.
    let wanted = |rows: usize| u16::try_from(rows + 3).unwrap_or(u16::MAX).max(5);
    let (upper, lower) = (wanted(rules.templates.len()), wanted(rules.profiles.len()));
    let lower = lower.min((tables.height / 2).max(tables.height.saturating_sub(upper)));
    let upper = upper.min(tables.height - lower);
    let [upper, lower, card] = Layout::vertical([
        Constraint::Length(upper),
        Constraint::Length(lower),
        Constraint::Min(0),
    ])
    .areas(area);
    panes::catalogue::draw(frame, upper, state, theme, viewport);
    panes::profiles::draw(frame, lower, state, theme, viewport);
    if state.focus == Pane::Profiles {
        panes::profiles::draw_card(frame, card, state, theme);
    } else {
        panes::catalogue::draw_card(frame, card, state, theme);
    }
}

fn detail_width(columns: u16) -> u16 {
    (DETAIL + columns.saturating_sub(SPACIOUS) / 2).min(90)
}

fn draw_guests(
    frame: &mut Frame<'_>,
    area: Rect,
    state: &State,
    theme: &Theme,
    viewport: &mut Viewport,
) {
    let lower = if area.width >= WIDE {
        (area.height / 3).clamp(8, 16)
    } else {
        8.min(area.height / 2)
    };
    let [upper, lower] =
        Layout::vertical([Constraint::Min(4), Constraint::Length(lower)]).areas(area);
    if area.width >= WIDE {
        let [table, detail] = Layout::horizontal([
            Constraint::Min(60),
            Constraint::Length(detail_width(area.width)),
        ])
        .areas(upper);
        panes::guests::draw(frame, table, state, theme, viewport);
        panes::detail::draw(frame, detail, state, theme);
        panes::snapshots::draw(frame, lower, state, theme, viewport);
        return;
    }
    panes::guests::draw(frame, upper, state, theme, viewport);
    let below = if state.focus == Pane::Snapshots {
        Pane::Snapshots
    } else {
        Pane::Detail
    };
    draw_pane(frame, lower, below, state, theme, viewport);
}
