//! The menu of what can be done to a guest's power.

use ratatui::Frame;
use ratatui::style::Style;
use ratatui::text::Line;

use crate::app::State;
use crate::app::action::{Action, Change};
use crate::app::availability::{Availability, availability};
use crate::app::dialogs::PowerMenu;
use crate::domain::guest::{Guest, GuestRef};
use crate::domain::operation::PowerAction;
use crate::domain::request::refuses_power;
use crate::ui::theme::Theme;
use crate::ui::widgets::{Row, cursor_mark, dialog, fit, hint_line, line_at, line_from_bottom};

pub(super) fn draw(frame: &mut Frame<'_>, menu: &PowerMenu, state: &State, theme: &Theme) {
    let all = PowerAction::ALL.len();
    // The guest's end stands apart from what can be undone, and is for one guest alone.
    let rows = if menu.only().is_some() {
        all + 7
    } else {
        all + 5
    };
    let title = match menu.only() {
        Some(only) => format!("Power of {only}"),
        None => format!("Power of {} marked guests", menu.targets.len()),
    };
    let inner = dialog(frame, 72, rows as u16, &title, theme);
    let columns = usize::from(inner.width);
    for (index, action) in PowerAction::ALL.iter().enumerate() {
        let row = match menu.only() {
            Some(only) => row_of_one(only, *action, state),
            None => row_of_several(&menu.targets, *action, state),
        };
        let words = (action.as_str(), row.as_deref().unwrap_or_else(|why| why));
        let refusal = row.as_ref().err().cloned();
        let line = line(words, refusal, index == menu.row, columns, theme);
        frame.render_widget(line, line_at(inner, 1 + index));
    }
    if menu.only().is_some() {
        let destroy = Action::Change(Change::Destroy);
        let refusal = match availability(state, destroy) {
            Availability::Yes => None,
            Availability::No(reason) => Some(reason),
        };
        let words = (destroy.name(), "remove it for good (asks for id and name)");
        let line = line(words, refusal, all == menu.row, columns, theme);
        frame.render_widget(line, line_at(inner, 2 + all));
    }
    let hints = [
        ("Enter", "choose"),
        ("j k", "move"),
        ("Esc", "leave it as it is"),
    ];
    let bottom = line_from_bottom(inner, 0);
    frame.render_widget(hint_line(&hints, columns, theme), bottom);
}

fn find<'a>(target: &GuestRef, state: &'a State) -> Option<&'a Guest> {
    let resources = state.inventory.resources.value()?;
    resources.guest(target.vmid).map(|seen| &seen.guest)
}

/// Says what an action does to a guest, or why it cannot be.
fn row_of_one(target: &GuestRef, action: PowerAction, state: &State) -> Result<String, String> {
    let guest = find(target, state).ok_or("the guest is gone")?;
    match refuses_power(guest, action) {
        Some(reason) => Err(reason),
        None => Ok(explain(action).to_owned()),
    }
}

/// Says of how many guests an action is possible, or why of none.
fn row_of_several(
    targets: &[GuestRef],
    action: PowerAction,
    state: &State,
) -> Result<String, String> {
    let refusals: Vec<String> = targets
        .iter()
        .filter_map(|target| match find(target, state) {
            Some(guest) => refuses_power(guest, action),
            None => Some("the guest is gone".to_owned()),
        })
        .collect();
    let possible = targets.len() - refusals.len();
    match refusals.into_iter().next() {
        Some(first) if possible == 0 => Err(format!("of none: {first}")),
        Some(_) => Ok(format!("{possible} of {}", targets.len())),
        None => Ok("all of them".to_owned()),
    }
}

/// Writes a row of the menu: what it does, or why it cannot.
fn line(
    (name, explanation): (&str, &str),
    refusal: Option<String>,
    chosen: bool,
    columns: usize,
    theme: &Theme,
) -> Line<'static> {
    let mut row = Row::new(theme.unicode);
    cursor_mark(&mut row, chosen, theme);
    row.gap(1);
    match refusal {
        Some(reason) => {
            row.left(name, 11, theme.dim);
            row.text(fit(&reason, columns - 13, theme.unicode), theme.dim);
        }
        None => {
            row.left(name, 11, theme.strong)
                .text(explanation, theme.text);
        }
    }
    let style = if chosen { theme.cursor } else { Style::new() };
    row.fill(columns).line().style(style)
}

fn explain(action: PowerAction) -> &'static str {
    match action {
        PowerAction::Start => "start it",
        PowerAction::Shutdown => "ask its system to shut down",
        PowerAction::Reboot => "ask its system to shut down, then start it",
        PowerAction::Suspend => "halt its processors, keep its memory",
        PowerAction::Resume => "let it go on where it was",
        PowerAction::Reset => "start it anew at once (asks for the name)",
        PowerAction::Stop => "cut its power at once (asks for the name)",
    }
}
