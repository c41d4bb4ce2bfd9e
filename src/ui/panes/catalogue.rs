//! The templates of the catalogue, each beside what the cluster has under its number.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;

use crate::app::State;
use crate::app::catalogue::{Reality, reality};
use crate::app::state::Pane;
use crate::domain::template::Template;
use crate::domain::units::Size;
use crate::ui::theme::Theme;
use crate::ui::viewport::Viewport;
use crate::ui::widgets::{CardRow, Row, Table, card, cursor_mark, message, pane, width};

/// From so many columns on there is room for long names.
const WIDE: usize = 100;

pub(in crate::ui) fn draw(
    frame: &mut Frame<'_>,
    area: Rect,
    state: &State,
    theme: &Theme,
    viewport: &mut Viewport,
) {
    let templates = &state.setting.rules.templates;
    let focused = state.focus == Pane::Templates;
    let note = "the catalogue of the config";
    let inner = pane(frame, area, "Templates", note, focused, theme);
    if templates.is_empty() {
        let advice =
            "Describe templates in [templates.NAME] of the config; config.example.toml shows how.";
        return message(frame, inner, "The catalogue is empty.", advice, theme);
    }
    let resources = state.inventory.resources.value().map(|known| &**known);
    let columns = usize::from(inner.width);
    let name = templates
        .iter()
        .map(|template| width(&template.name))
        .max()
        .unwrap_or(8)
        .clamp(8, if columns < WIDE { 16 } else { 24 });
    let cursor = state.catalogue.row(templates);
    let table = Table {
        inner,
        titles: titles(name, columns, theme),
        cursor: Some(cursor),
        shows_cursor: focused,
        offset: &mut viewport.templates,
    };
    let page = table.draw(frame, templates, theme, |template, at_cursor| {
        let reality = reality(template, resources);
        template_line(template, &reality, (name, columns), at_cursor, theme)
    });
    if focused {
        viewport.page = page;
    }
}

fn titles(name: usize, columns: usize, theme: &Theme) -> Line<'static> {
    let mut row = Row::new(theme.unicode);
    row.gap(3).left("NAME", name, theme.dim).gap(1);
    row.right("ID", 6, theme.dim).gap(2);
    row.right("CORES", 5, theme.dim).gap(1);
    row.right("MEMORY", 8, theme.dim).gap(1);
    row.right("DISK", 8, theme.dim).gap(2);
    row.last("ON THE CLUSTER", columns, theme.dim);
    row.line()
}

fn template_line(
    template: &Template,
    reality: &Reality<'_>,
    (name, columns): (usize, usize),
    at_cursor: bool,
    theme: &Theme,
) -> Line<'static> {
    let (mark, ascii) = match reality {
        Reality::Unread => ("◌", "?"),
        Reality::Missing => ("▲", "!"),
        Reality::Unfit(..) => ("△", "-"),
        Reality::Fit(_) => ("■", "#"),
    };
    let (text, style) = told(reality, theme);
    let mark_style = match reality {
        Reality::Fit(_) => theme.ok,
        Reality::Unread | Reality::Missing | Reality::Unfit(..) => style,
    };
    // What the entry leaves open is the template's own.
    let own = |value: Option<String>| value.unwrap_or_else(|| "own".to_owned());
    let size = |size: Option<Size>| own(size.map(|size| size.to_string()));
    let mut row = Row::new(theme.unicode);
    cursor_mark(&mut row, at_cursor, theme);
    row.text(if theme.unicode { mark } else { ascii }, mark_style)
        .gap(1);
    row.left(&template.name, name, theme.strong).gap(1);
    row.right(&template.vmid.to_string(), 6, theme.text).gap(2);
    let cores = template.cores.map(|cores| cores.to_string());
    row.right(&own(cores), 5, theme.text).gap(1);
    row.right(&size(template.memory), 8, theme.text).gap(1);
    row.right(&size(template.disk), 8, theme.text).gap(2);
    row.last(&text, columns, style);
    row.fill(columns).line()
}

/// Says what the cluster has under a template's number, and how much that matters.
fn told(reality: &Reality<'_>, theme: &Theme) -> (String, Style) {
    match reality {
        Reality::Unread => ("not read yet".to_owned(), theme.stale),
        Reality::Missing => {
            let text = "there is no such guest, or the account may not see it";
            (text.to_owned(), theme.critical)
        }
        Reality::Unfit(_, reason) => (reason.clone(), theme.warning),
        Reality::Fit(guest) => {
            let name = guest.name.as_ref().map(ToString::to_string);
            let text = format!("{} on {}", name.unwrap_or_default(), guest.node);
            (text, theme.text)
        }
    }
}

/// Says what a guest made from the template under the cursor gets.
pub(in crate::ui) fn draw_card(frame: &mut Frame<'_>, area: Rect, state: &State, theme: &Theme) {
    let templates = &state.setting.rules.templates;
    let Some(template) = templates.get(state.catalogue.row(templates)) else {
        pane(frame, area, "What a guest gets", "", false, theme);
        return;
    };
    let resources = state.inventory.resources.value().map(|known| &**known);
    let reality = reality(template, resources);
    let title = format!("A guest from {}", template.name);
    let inner = pane(frame, area, &title, "Enter or n makes one", false, theme);
    let software = if template.software.is_empty() {
        "the config does not say".to_owned()
    } else {
        template.software.join(", ")
    };
    let network = match &template.network {
        Some(profile) => format!("{profile}, applied before the first start"),
        None => "as the template's; no profile".to_owned(),
    };
    let gets = "tag and size of its own; not the template's tags, protection or start at boot";
    let (cluster, style) = told(&reality, theme);
    let rows: [CardRow; 4] = [
        ("cluster", cluster, style),
        ("holds", software, theme.text),
        ("network", network, theme.text),
        ("gets", gets.to_owned(), theme.text),
    ];
    card(frame, inner, &rows, theme);
}
