//! The network profiles of the config, each with the guests that it fences in.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;

use crate::app::State;
use crate::app::profiles::Fold;
use crate::app::state::Pane;
use crate::domain::guest::GuestRef;
use crate::domain::network::{Destination, NetworkProfile};
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
    let profiles = &state.setting.rules.profiles;
    let focused = state.focus == Pane::Profiles;
    let note = note(state);
    let inner = pane(frame, area, "Network profiles", &note, focused, theme);
    if profiles.is_empty() {
        let advice = "Describe fences in [network_profiles.NAME] of the config; config.example.toml shows how.";
        return message(frame, inner, "No guest is fenced in.", advice, theme);
    }
    let columns = usize::from(inner.width);
    let name = profiles
        .iter()
        .map(|profile| width(&profile.name))
        .max()
        .unwrap_or(8)
        .clamp(8, if columns < WIDE { 20 } else { 28 });
    let table = Table {
        inner,
        titles: titles(name, columns, theme),
        cursor: Some(state.profiles.row(profiles)),
        shows_cursor: focused,
        offset: &mut viewport.profiles,
    };
    let page = table.draw(frame, profiles, theme, |profile, at_cursor| {
        let fold = state.profiles.fold(&profile.name);
        profile_line(profile, fold, (name, columns), at_cursor, theme)
    });
    if focused {
        viewport.page = page;
    }
}

/// Says how many guests have no profile, and how many are not looked at yet.
fn note(state: &State) -> String {
    if state.setting.rules.profiles.is_empty() {
        return String::new();
    }
    let unfenced = state.profiles.unfenced();
    let without = match unfenced.without {
        0 => String::new(),
        count => format!("{count} managed without one"),
    };
    let unread = match unfenced.unread {
        0 => String::new(),
        count => format!("{count} not read yet"),
    };
    let parts = [without, unread];
    let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    parts.join(" · ")
}

fn titles(name: usize, columns: usize, theme: &Theme) -> Line<'static> {
    let mut row = Row::new(theme.unicode);
    row.gap(3).left("NAME", name, theme.dim).gap(2);
    row.left("BRIDGE", 8, theme.dim).gap(1);
    row.left("OUT", 13, theme.dim).gap(1);
    row.left("IN", 9, theme.dim).gap(1);
    row.right("GUESTS", 6, theme.dim).gap(2);
    row.last("HOW THEY ARE", columns, theme.dim);
    row.line()
}

fn profile_line(
    profile: &NetworkProfile,
    fold: &Fold,
    (name, columns): (usize, usize),
    at_cursor: bool,
    theme: &Theme,
) -> Line<'static> {
    let (mark, ascii, style) = if !fold.open.is_empty() {
        ("▲", "!", theme.critical)
    } else if !fold.drifted.is_empty() {
        ("△", "-", theme.warning)
    } else if fold.is_empty() {
        ("○", "o", theme.dim)
    } else {
        ("●", "*", theme.ok)
    };
    let mut row = Row::new(theme.unicode);
    cursor_mark(&mut row, at_cursor, theme);
    row.text(if theme.unicode { mark } else { ascii }, style)
        .gap(1);
    row.left(&profile.name, name, theme.strong).gap(2);
    row.left(profile.bridge.as_str(), 8, theme.text).gap(1);
    row.left(&outgoing(profile), 13, theme.text).gap(1);
    row.left(&incoming(profile), 9, theme.text).gap(1);
    row.right(&fold.len().to_string(), 6, theme.text).gap(2);
    let (text, style) = standing(fold, theme);
    row.last(&text, columns, style);
    row.fill(columns).line()
}

/// Says in two words what may get out.
fn outgoing(profile: &NetworkProfile) -> String {
    if !profile.firewall {
        return "everything".to_owned();
    }
    match (profile.blocks_everything(), profile.allow.len()) {
        (true, 0) => "nothing".to_owned(),
        (true, 1) => "1 place".to_owned(),
        (true, count) => format!("{count} places"),
        (false, _) if !profile.block.is_empty() => format!("not {} nets", profile.block.len()),
        (false, _) => "as before".to_owned(),
    }
}

/// Says in two words what may come in.
fn incoming(profile: &NetworkProfile) -> String {
    match &profile.allow_in {
        None => "as before".to_owned(),
        Some(allowed) if allowed.is_empty() => "nothing".to_owned(),
        Some(allowed) if allowed.len() == 1 => "1 place".to_owned(),
        Some(allowed) => format!("{} places", allowed.len()),
    }
}

/// Says how the guests of a profile are.
fn standing(fold: &Fold, theme: &Theme) -> (String, Style) {
    if fold.is_empty() {
        return ("none as far as it is read".to_owned(), theme.dim);
    }
    let count = |count: usize, what: &str| (count > 0).then(|| format!("{count} {what}"));
    let parts = [
        count(fold.kept.len() - fold.open.len(), "as it says"),
        count(fold.drifted.len(), "drifted"),
        count(fold.open.len(), "open"),
        count(fold.on_trial.len(), "on trial"),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    let style = if !fold.open.is_empty() {
        theme.critical
    } else if !fold.drifted.is_empty() {
        theme.warning
    } else {
        theme.ok
    };
    (parts.join(", "), style)
}

/// Says what a profile lets through, and which guests it fences in.
pub(in crate::ui) fn draw_card(frame: &mut Frame<'_>, area: Rect, state: &State, theme: &Theme) {
    let Some(profile) = state.selected_profile() else {
        pane(frame, area, "What a profile says", "", false, theme);
        return;
    };
    let hint = "Enter shows its guests, marked";
    let inner = pane(frame, area, &profile.name, hint, false, theme);
    let fold = state.profiles.fold(&profile.name);
    let all = |destinations: &[Destination]| {
        let destinations: Vec<String> = destinations.iter().map(ToString::to_string).collect();
        destinations.join(", ")
    };
    let or = |text: String, empty: &str| {
        if text.is_empty() {
            empty.to_owned()
        } else {
            text
        }
    };
    let dns = profile.dns.as_ref().map_or_else(
        || "any name server".to_owned(),
        |servers| {
            let servers: Vec<String> = servers.iter().map(ToString::to_string).collect();
            or(servers.join(", "), "no name server")
        },
    );
    let comes_in = match &profile.allow_in {
        None => "whatever came in before".to_owned(),
        Some(allowed) => or(all(allowed), "nothing"),
    };
    let mut rows: Vec<CardRow> = vec![
        ("allows", or(all(&profile.allow), "nothing"), theme.text),
        ("blocks", or(all(&profile.block), "nothing"), theme.text),
        ("lets in", comes_in, theme.text),
        ("asks", dns, theme.text),
    ];
    let drifted = fold.drifted.iter().map(|(guest, count)| {
        let noun = if *count == 1 {
            "difference"
        } else {
            "differences"
        };
        format!("{guest} ({count} {noun})")
    });
    let drifted: Vec<String> = drifted.collect();
    let names = |guests: &[GuestRef]| {
        let names: Vec<String> = guests.iter().map(ToString::to_string).collect();
        names.join(", ")
    };
    rows.extend(
        fold.open
            .iter()
            .map(|(guest, why)| ("open", format!("{guest}: {why}"), theme.critical)),
    );
    if !drifted.is_empty() {
        rows.push(("drifted", drifted.join(", "), theme.warning));
    }
    if !fold.on_trial.is_empty() {
        rows.push(("on trial", names(&fold.on_trial), theme.warning));
    }
    if !fold.kept.is_empty() {
        rows.push(("fences in", names(&fold.kept), theme.text));
    }
    card(frame, inner, &rows, theme);
}
