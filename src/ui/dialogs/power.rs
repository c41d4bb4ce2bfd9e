//! The menu of what can be done to a guest's power.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;

use crate::app::State;
use crate::app::dialogs::PowerMenu;
use crate::domain::operation::PowerAction;
use crate::domain::request::refuses_power;
use crate::ui::theme::Theme;
use crate::ui::widgets::{Row, cursor_mark, dialog, fit, hint_line};

pub(super) fn draw(frame: &mut Frame<'_>, menu: &PowerMenu, state: &State, theme: &Theme) {
    let rows = PowerAction::ALL.len() as u16 + 5;
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
        let mut row = Row::new(theme.unicode);
        cursor_mark(&mut row, index == menu.row, theme);
        row.gap(1);
        match refusal {
            Some(reason) => {
                row.left(action.as_str(), 11, theme.dim);
                row.text(fit(&reason, columns - 13, theme.unicode), theme.dim);
            }
            None => {
                row.left(action.as_str(), 11, theme.strong)
                    .text(explain(*action), theme.text);
            }
        }
        let style = if index == menu.row {
            theme.cursor
        } else {
            Style::new()
        };
        let area = Rect {
            y: inner.y + 1 + index as u16,
            height: 1,
            ..inner
        };
        frame.render_widget(row.fill(columns).line().style(style), area);
    }
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
    let line: Line<'static> = hint_line(&hints, columns, theme);
    frame.render_widget(line, bottom);
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
