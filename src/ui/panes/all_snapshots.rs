//! The snapshots of all guests: what they weigh together, how much is known, and a row for each.

use std::fmt::Write as _;
use std::time::Duration;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;

use super::guests::draw_waiting;
use crate::app::State;
use crate::app::reading_queue::MOST_A_MINUTE;
use crate::app::snapshot_debt::{Debt, Unread, Why};
use crate::app::snapshot_table::Row as Place;
use crate::domain::id::Vmid;
use crate::domain::inventory::{Resources, SeenGuest};
use crate::domain::retention::{Class, Reason, Verdict};
use crate::domain::snapshot::Snapshot;
use crate::ui::format;
use crate::ui::panes::arrangement;
use crate::ui::theme::Theme;
use crate::ui::viewport::Viewport;
use crate::ui::widgets::{Row, Table, cursor_mark, fit, message, pane, width};

pub(in crate::ui) fn draw(
    frame: &mut Frame<'_>,
    area: Rect,
    state: &State,
    theme: &Theme,
    viewport: &mut Viewport,
) {
    let inner = pane(
        frame,
        area,
        "Snapshots of all guests",
        &note(state),
        true,
        theme,
    );
    let Some(resources) = state.inventory.resources.value() else {
        return draw_waiting(frame, inner, state, theme);
    };
    let columns = usize::from(inner.width);
    let mut lines = vec![
        debt_line(state, columns, theme),
        coverage_line(state, columns, theme),
    ];
    // Where there is room for little, the first reason stands for the others.
    let most = if inner.height >= 20 { 4 } else { 1 };
    lines.extend(unread_lines(state, columns, most, theme));
    let mut rest = inner;
    for line in lines {
        if rest.height > 0 {
            frame.render_widget(line, Rect { height: 1, ..rest });
            rest.y += 1;
            rest.height -= 1;
        }
    }
    if state.all_snapshots.rows().is_empty() {
        let (what, advice) = nothing(state);
        return message(frame, rest, &what, &advice, theme);
    }
    let columns = Columns::fit(columns, resources);
    let table = Table {
        inner: rest,
        titles: columns.titles(theme),
        cursor: state.all_snapshots.cursor_row(),
        shows_cursor: true,
        offset: &mut viewport.all_snapshots,
    };
    viewport.page = table.draw(
        frame,
        state.all_snapshots.rows(),
        theme,
        |place, at_cursor| columns.line(*place, resources, state, at_cursor, theme),
    );
}

/// How many are shown, in which order, by which filter, and when the list of the row was read.
fn note(state: &State) -> String {
    let table = &state.all_snapshots;
    let (shown, all) = (table.rows().len(), table.debt().snapshots);
    let read = table.cursor().and_then(|(vmid, _)| {
        let answer = state.snapshots.of(vmid)?.answer()?;
        let age = format::span(state.now.moment.since(answer.read));
        Some(format!(" · {vmid} read {age} ago"))
    });
    let read = read.unwrap_or_default();
    // What is typed may ask for nothing yet.
    let filter = (!table.filter().is_empty()).then(|| table.filter().text());
    let ascends = table.sort.descends() == table.reversed;
    let arranged = arrangement((shown, all), table.sort.as_str(), ascends, filter);
    format!("{arranged}{read}")
}

/// What all snapshots weigh together.
fn debt_line(state: &State, columns: usize, theme: &Theme) -> Line<'static> {
    let mut row = Row::new(theme.unicode);
    row.gap(1);
    for (index, (text, style)) in debt_parts(state, theme).into_iter().enumerate() {
        let separator = if index == 0 { "" } else { " · " };
        if row.used() + width(separator) + width(&text) > columns {
            break;
        }
        row.text(separator, theme.dim).text(text, style);
    }
    row.line()
}

fn debt_parts(state: &State, theme: &Theme) -> Vec<(String, Style)> {
    let debt: &Debt = state.all_snapshots.debt();
    let coverage = state.all_snapshots.coverage();
    if coverage.read == 0 && coverage.guests > 0 {
        return vec![("nothing is known yet".to_owned(), theme.dim)];
    }
    let partly = coverage.read < coverage.guests;
    if partly && debt.snapshots == 0 {
        return vec![("no snapshot so far".to_owned(), theme.dim)];
    }
    // While lists are missing, what is known is the least that there can be.
    let least = match (partly, theme.unicode) {
        (false, _) => "",
        (true, true) => "≥",
        (true, false) => ">=",
    };
    let guests = counted(debt.guests, "guest");
    let snapshots = counted(debt.snapshots, "snapshot");
    let mut parts = vec![(
        format!("{least}{snapshots} in {least}{guests}"),
        theme.strong,
    )];
    if debt.snapshots == 0 {
        return parts;
    }
    if debt.judged == 0 {
        let why = if state.setting.rules.selection.is_configured() {
            "none of a managed guest"
        } else {
            "no verdicts without [selection] in the config"
        };
        parts.push((why.to_owned(), theme.dim));
    } else {
        let style = if debt.delete > 0 {
            theme.warning
        } else {
            theme.ok
        };
        parts.push((format!("{least}{} to delete now", debt.delete), style));
    }
    if let Some((taken, vmid)) = debt.oldest {
        let age = (state.server_time() - taken).to_std().unwrap_or_default();
        let age = format::span(age);
        parts.push((format!("oldest {least}{age} ({vmid})"), theme.text));
    }
    if let Some((depth, vmid)) = debt.deepest {
        let chain = format!("deepest chain {least}{depth} ({vmid})");
        parts.push((chain, theme.text));
    }
    parts.push((format!("{least}{} with RAM", debt.with_ram), theme.text));
    parts
}

fn counted(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

/// How much of that is known, and since when.
fn coverage_line(state: &State, columns: usize, theme: &Theme) -> Line<'static> {
    let coverage = state.all_snapshots.coverage();
    let (read, guests) = (coverage.read, coverage.guests);
    let mut text = if guests == 0 {
        "no guest to read".to_owned()
    } else if read == guests {
        format!("all {} read", counted(guests, "guest"))
    } else {
        format!("{read} of {} read", counted(guests, "guest"))
    };
    if let Some(oldest) = coverage.oldest {
        let age = format::span(state.now.moment.since(oldest));
        let _ = write!(text, ", oldest reading {age} ago");
    }
    if coverage.waiting > 0 {
        let _ = write!(text, " · {} waiting", coverage.waiting);
    }
    // With so many it takes its time, and it is good to know how much.
    if coverage.waiting > MOST_A_MINUTE {
        let minutes = coverage.waiting.div_ceil(MOST_A_MINUTE) as u64;
        let left = format::span(Duration::from_secs(minutes * 60));
        let _ = write!(text, ", {MOST_A_MINUTE} a minute: about {left}");
    }
    let style = if read == guests {
        theme.dim
    } else {
        theme.text
    };
    Line::styled(
        format!(" {}", fit(&text, columns - 1, theme.unicode)),
        style,
    )
}

/// What is not known, and why.
fn unread_lines(state: &State, columns: usize, most: usize, theme: &Theme) -> Vec<Line<'static>> {
    let unread = &state.all_snapshots.coverage().unread;
    let hidden = unread.len().saturating_sub(most);
    let mut lines = Vec::new();
    for (index, group) in unread.iter().take(most).enumerate() {
        let more = if hidden > 0 && index + 1 == most {
            format!("  (and {} more)", counted(hidden, "reason"))
        } else {
            String::new()
        };
        let room = columns.saturating_sub(width(&more) + 1);
        let text = fit(&unread_text(group), room, theme.unicode);
        lines.push(Line::styled(format!(" {text}{more}"), theme.warning));
    }
    lines
}

fn unread_text(group: &Unread) -> String {
    let named: Vec<String> = group.first.iter().map(ToString::to_string).collect();
    let mut guests = named.join(", ");
    let others = group.count - group.first.len();
    if others > 0 {
        let _ = write!(guests, " and {others} more");
    }
    match &group.why {
        Why::Silent(node) => format!("not read: {guests}: {node} does not answer"),
        Why::Failed {
            failure,
            again: true,
        } => format!("not read again: {guests}: {failure}"),
        Why::Failed {
            failure,
            again: false,
        } => format!("not read: {guests}: {failure}"),
    }
}

/// Why no snapshot is shown, and what helps.
fn nothing(state: &State) -> (String, String) {
    let table = &state.all_snapshots;
    let coverage = table.coverage();
    if table.debt().snapshots > 0 {
        let what = format!(
            "None of {} matches /{}",
            counted(table.debt().snapshots, "snapshot"),
            table.filter().text()
        );
        return (what, "Esc clears the filter.".to_owned());
    }
    let guests = counted(coverage.guests, "guest");
    if coverage.guests == 0 {
        return (
            "No guest can have snapshots.".to_owned(),
            "The cluster is empty, or the account may see none: it needs VM.Audit on /vms."
                .to_owned(),
        );
    }
    if coverage.waiting > 0 {
        return match coverage.read {
            0 => (
                format!("Reading the snapshots of {guests} …"),
                String::new(),
            ),
            read => (
                format!("No snapshot in the {} read so far.", counted(read, "guest")),
                String::new(),
            ),
        };
    }
    if coverage.read == 0 {
        let failure = coverage.unread.iter().find_map(|group| match &group.why {
            Why::Failed { failure, .. } => Some(failure),
            Why::Silent(_) => None,
        });
        let advice = failure.map_or_else(String::new, |failure| {
            if failure.advice.is_empty() {
                failure.kind.advice().to_owned()
            } else {
                failure.advice.clone()
            }
        });
        return ("No list could be read.".to_owned(), advice);
    }
    (
        format!(
            "No snapshot in the {} read.",
            counted(coverage.read, "guest")
        ),
        "s takes one where the guests are shown.".to_owned(),
    )
}

/// How wide each column is; those on the right give way to those on the left.
struct Columns {
    all: usize,
    id: usize,
    guest: usize,
    name: usize,
    reason: usize,
    ram: usize,
    class: usize,
    size: usize,
    description: usize,
}

const AGE: usize = 6;
const VERDICT: usize = 6;
const RAM: usize = 3;
const CLASS: usize = 7;
const SIZE: usize = 7;
/// A description narrower than this says nothing.
const LEAST_DESCRIPTION: usize = 14;

impl Columns {
    fn fit(all: usize, resources: &Resources) -> Self {
        let last = resources.guests.last();
        let id = last.map_or(4, |seen| seen.guest.vmid.to_string().len());
        let id = id.max(4);
        let guest = (all / 6).clamp(10, 16).max((all / 8).min(24));
        let name = (all * 23 / 100).clamp(16, 32);
        // The mark of the cursor, and a blank before each column.
        let fixed = 1 + 1 + id + 1 + guest + 1 + name + 1 + AGE + 1 + VERDICT + 1;
        let free = all.saturating_sub(fixed);
        let reason = match free {
            0..=40 => 20,
            41..=80 => 22,
            _ => 32,
        };
        let mut columns = Self {
            all,
            id,
            guest,
            name,
            reason: reason.min(free),
            ram: 0,
            class: 0,
            size: 0,
            description: 0,
        };
        let mut left = free - columns.reason;
        let mut take = |wanted: usize| {
            let fits = left > wanted;
            left -= if fits { wanted + 1 } else { 0 };
            if fits { wanted } else { 0 }
        };
        columns.ram = take(RAM);
        columns.class = take(CLASS);
        if columns.class > 0 && left > LEAST_DESCRIPTION {
            left -= 1;
            if left > 2 * LEAST_DESCRIPTION {
                columns.size = SIZE;
                left -= SIZE + 1;
            }
            columns.description = left;
        } else {
            columns.reason += left;
        }
        columns
    }

    fn titles(&self, theme: &Theme) -> Line<'static> {
        let dim = theme.dim;
        let mut row = Row::new(theme.unicode);
        row.gap(2).right("ID", self.id, dim).gap(1);
        row.left("GUEST", self.guest, dim).gap(1);
        row.left("SNAPSHOT", self.name, dim).gap(1);
        row.right("AGE", AGE, dim).gap(1);
        row.left("VERDICT", VERDICT + 1 + self.reason, dim);
        optional(&mut row, self.ram, |row| row.left("RAM", self.ram, dim));
        optional(&mut row, self.class, |row| {
            row.left("CLASS", self.class, dim)
        });
        optional(&mut row, self.size, |row| row.right("SIZE", self.size, dim));
        optional(&mut row, self.description, |row| {
            row.left("DESCRIPTION", self.description, dim)
        });
        row.line()
    }

    fn line(
        &self,
        place: Place,
        resources: &Resources,
        state: &State,
        at_cursor: bool,
        theme: &Theme,
    ) -> Line<'static> {
        let table = &state.all_snapshots;
        let (Some(seen), Some(snapshot)) = (
            resources.guest(place.vmid),
            table.snapshot(place, state.snapshots.lists()),
        ) else {
            return Line::default();
        };
        let mut row = Row::new(theme.unicode);
        cursor_mark(&mut row, at_cursor, theme);
        row.gap(1);
        self.guest(&mut row, place.vmid, seen, theme);
        row.left(&snapshot.name.to_string(), self.name, theme.text)
            .gap(1);
        row.right(&age(snapshot, state), AGE, theme.text).gap(1);
        let managed = state.setting.rules.selection.manages(&seen.guest);
        let reason = table.reason(place).filter(|_| managed);
        self.verdict(&mut row, snapshot, reason, theme);
        let ram = if snapshot.has_ram { "RAM" } else { "" };
        optional(&mut row, self.ram, |row| {
            row.left(ram, self.ram, theme.accent)
        });
        let class = Class::of(snapshot.name.raw()).as_str();
        optional(&mut row, self.class, |row| {
            row.left(class, self.class, theme.dim)
        });
        let bound = state.disk_sizes.bound(&seen.guest, snapshot);
        optional(&mut row, self.size, |row| {
            row.right(&size(bound, theme), self.size, theme.dim)
        });
        optional(&mut row, self.description, |row| {
            row.left(
                &snapshot.description.to_string(),
                self.description,
                theme.dim,
            )
        });
        row.fill(self.all);
        row.line()
    }

    fn guest(&self, row: &mut Row, vmid: Vmid, seen: &SeenGuest, theme: &Theme) {
        let style = if seen.vouched {
            theme.text
        } else {
            theme.stale
        };
        let name = seen.guest.name.as_ref().map(ToString::to_string);
        row.right(&vmid.to_string(), self.id, style).gap(1);
        row.left(name.as_deref().unwrap_or("?"), self.guest, style)
            .gap(1);
    }

    /// What is to become of the snapshot, and why; only managed guests have verdicts.
    fn verdict(&self, row: &mut Row, snapshot: &Snapshot, reason: Option<&Reason>, theme: &Theme) {
        let (word, why, style) = match (reason, &snapshot.unfinished) {
            (Some(reason), _) => {
                let style = match reason.verdict() {
                    Verdict::Delete => theme.critical,
                    Verdict::Keep => theme.text,
                };
                (reason.verdict().as_str(), reason.to_string(), style)
            }
            (None, Some(state)) => ("", format!("unfinished ({state})"), theme.warning),
            (None, None) => ("", "not managed".to_owned(), theme.dim),
        };
        let why_style = if reason.is_some() { theme.dim } else { style };
        row.left(word, VERDICT, style).gap(1);
        row.left(&why, self.reason, why_style);
    }
}

fn age(snapshot: &Snapshot, state: &State) -> String {
    let Some(taken) = snapshot.taken else {
        return "?".to_owned();
    };
    match (state.server_time() - taken).to_std() {
        Ok(age) => format::span(age),
        Err(_) => "future".to_owned(),
    }
}

/// Adds a column where there is room for it.
/// Writes how much a snapshot holds at most; the server tells no size of one.
pub(super) fn size(bound: Option<(u64, bool)>, theme: &Theme) -> String {
    let (most, about) = if theme.unicode {
        ("≤", "~")
    } else {
        ("<=", "~")
    };
    match bound {
        None => "?".to_owned(),
        Some((bytes, is_estimate)) => {
            let sign = if is_estimate { about } else { most };
            format!("{sign}{}", format::short_size(bytes))
        }
    }
}

fn optional<'r>(row: &'r mut Row, columns: usize, cell: impl FnOnce(&'r mut Row) -> &'r mut Row) {
    if columns > 0 {
        row.gap(1);
        cell(row);
    }
}
