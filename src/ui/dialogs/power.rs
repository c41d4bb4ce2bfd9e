//! The menu of what can be done to a guest's power.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;

use crate::app::State;
use crate::app::action::{Action, Change};
use crate::app::availability::{Availability, availability};
use crate::app::dialogs::PowerMenu;
use crate::domain::operation::PowerAction;
use crate::domain::request::refuses_power;
use crate::ui::theme::Theme;
use crate::ui::widgets::{Row, cursor_mark, dialog, fit, hint_line};

pub(super) fn draw(frame: &mut Frame<'_>, menu: &PowerMenu, state: &State, theme: &Theme) {
    // The guest's end stands apart from what can be undone.
    let rows = PowerAction::ALL.len() as u16 + 7;
    let inner = dialog(frame, 72, rows, &format!("Power of {}", menu.target), theme);
    let columns = usize::from(inner.width);
    let resources = state.inventory.resources.value();
    let guest = resources
        .and_then(|resources| resources.guest(menu.target.vmid))
        .map(|seen| &seen.guest);
    for (index, action) in PowerAction::ALL.iter().enumerate() {
        let refusal = guest.map_or_else(
            || Some("the guest is gone".to_owned()),
            |guest| refuses_power(guest, *action),
        );
        let words = (action.as_str(), explain(*action));
        let line = line(words, refusal, index == menu.row, columns, theme);
        frame.render_widget(line, at(inner, 1 + index));
    }
    let destroy = Action::Change(Change::Destroy);
    let refusal = match availability(state, destroy) {
        Availability::Yes => None,
        Availability::No(reason) => Some(reason),
    };
    let words = (destroy.name(), "remove it for good (asks for id and name)");
    let last = PowerAction::ALL.len();
    let line = line(words, refusal, last == menu.row, columns, theme);
    frame.render_widget(line, at(inner, 2 + last));
    let hints = [
        ("Enter", "choose"),
        ("j k", "move"),
        ("Esc", "leave it as it is"),
    ];
    let bottom = Rect {
        y: inner.bottom().saturating_sub(1),
        height: 1,
        ..inner
    };
    frame.render_widget(hint_line(&hints, columns, theme), bottom);
}

/// Returns the line of the dialog with this number; nothing below its last.
fn at(inner: Rect, line: usize) -> Rect {
    let line = Rect {
        y: inner.y.saturating_add(line as u16),
        height: 1,
        ..inner
    };
    line.intersection(inner)
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
