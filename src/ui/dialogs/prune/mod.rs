//! The retention plan: a timeline of every guest, and the snapshots of one with verdict and reason.

mod rows;
mod scale;
mod timeline;

use std::ops::Range;

use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::text::Line;

use crate::app::dialogs::PruneDialog;
use crate::domain::retention::{RetentionPlan, Row as PlanRow, Verdict};
use crate::ui::theme::Theme;
use crate::ui::viewport::Viewport;
use crate::ui::widgets::{Row, dialog, fit, hint_line, line_at, push_bar, width};

use rows::Columns;
use timeline::Timeline;
pub(super) use timeline::letters;

/// The dialog is never wider than this: a longer line is hard to follow.
const WIDEST: u16 = 170;
/// The lines that are always there: the policy, the guest's heading, and three at the bottom.
const FIXED: usize = 5;
/// With fewer lines for both the timeline gives way to the list.
const LEAST_ROOM: usize = 8;
/// The empty lines between the parts, where there is plenty of room.
const GAPS: usize = 3;
/// From this width on the plan leaves something of the screen behind it in sight.
const SPACIOUS: u16 = 100;
/// On fewer columns than these too.
const NARROW: usize = 60;

pub(super) fn draw(
    frame: &mut Frame<'_>,
    prune: &PruneDialog,
    theme: &Theme,
    viewport: &mut Viewport,
) {
    let screen = frame.area();
    // On a small screen every column counts.
    let margin = if screen.width < SPACIOUS { 0 } else { 6 };
    let columns = screen.width.saturating_sub(margin).min(WIDEST);
    let most = screen.height.saturating_sub(4);
    let Some(plan) = &prune.plan else {
        let inner = dialog(frame, columns, most.min(7), "Prune plan", theme);
        return draw_reading(frame, inner, prune, theme);
    };
    let guests = guests(prune.rows());
    let text_columns = usize::from(columns).saturating_sub(4);
    let summary = summary(plan, text_columns, theme);
    let legend = wrapped(&timeline::legend(prune.rows(), theme), text_columns, theme);
    let shares = Shares::new(
        usize::from(most).saturating_sub(2 + FIXED + summary.len()),
        guests.len(),
        guests.iter().map(ExactSizeIterator::len).max().unwrap_or(0),
        if text_columns < NARROW {
            0
        } else {
            legend.len()
        },
    );
    let height = shares.height() + FIXED + summary.len() + 2;
    let title = if prune.read_only {
        "Prune plan (read-only)"
    } else {
        "Prune plan"
    };
    let inner = dialog(frame, columns, height as u16, title, theme);
    let mut page = Page {
        frame,
        inner,
        next: 0,
    };
    let columns = usize::from(inner.width);
    let policy = plain(&plan.policy().to_string(), theme);
    page.put(Line::styled(
        fit(&policy, columns, theme.unicode),
        theme.dim,
    ));
    viewport.page = shares.list;
    if prune.rows().is_empty() {
        page.put(Line::default());
        page.put(Line::styled(
            "The managed guests have no snapshots.",
            theme.dim,
        ));
    } else {
        draw_timeline(&mut page, prune, &guests, &shares, theme);
        for line in legend.into_iter().take(shares.legend) {
            page.put(line);
        }
        draw_list(&mut page, prune, &shares, theme);
    }
    page.next = usize::from(inner.height).saturating_sub(3 + summary.len());
    for line in summary {
        page.put(Line::styled(line, theme.strong));
    }
    page.put(problem(prune, columns, theme));
    draw_keys(&mut page, prune, theme);
}

/// The inside of the dialog, filled line by line.
struct Page<'a, 'b> {
    frame: &'a mut Frame<'b>,
    inner: Rect,
    next: usize,
}

impl Page<'_, '_> {
    fn put(&mut self, line: Line<'static>) {
        self.frame
            .render_widget(line, line_at(self.inner, self.next));
        self.next += 1;
    }
}

/// How many lines timeline and list get of the room for both.
#[derive(Debug, PartialEq, Eq)]
struct Shares {
    /// The lines of guests on the axis; the scale has one more. None: no timeline.
    timeline: usize,
    list: usize,
    /// Empty lines between the parts, and the lines of the legend, where there is plenty.
    gaps: bool,
    legend: usize,
}

impl Shares {
    /// Divides the room; a legend of no lines means that it is too narrow for a timeline.
    fn new(room: usize, guests: usize, longest: usize, legend: usize) -> Self {
        let list = longest.max(1);
        if room < LEAST_ROOM || guests == 0 || legend == 0 {
            return Self {
                timeline: 0,
                list: list.min(room),
                gaps: false,
                legend: 0,
            };
        }
        // Each gets what it needs; where that is too much, half is the timeline's at most.
        let wanted = guests + 1;
        let timeline = wanted.min((room / 2).max(room.saturating_sub(list)));
        let list = list.min(room - timeline);
        let rest = room - timeline - list;
        Self {
            timeline: timeline - 1,
            list,
            gaps: rest >= GAPS,
            legend: legend.min(rest.saturating_sub(GAPS)),
        }
    }

    fn height(&self) -> usize {
        let scale = usize::from(self.timeline > 0);
        let gaps = if self.gaps { GAPS } else { 0 };
        self.timeline + scale + self.list + gaps + self.legend
    }
}

/// Returns the rows of each guest, as ranges of all rows.
fn guests(rows: &[PlanRow]) -> Vec<Range<usize>> {
    let mut guests: Vec<Range<usize>> = Vec::new();
    for (index, row) in rows.iter().enumerate() {
        match guests.last_mut() {
            Some(last) if rows[last.start].guest().vmid == row.guest().vmid => last.end = index + 1,
            _ => guests.push(index..index + 1),
        }
    }
    guests
}

/// Returns the first of `length` lines to show, with the cursor in the middle where that is possible.
fn first_shown(cursor: usize, height: usize, length: usize) -> usize {
    cursor
        .saturating_sub(height / 2)
        .min(length.saturating_sub(height))
}

fn draw_timeline(
    page: &mut Page<'_, '_>,
    prune: &PruneDialog,
    guests: &[Range<usize>],
    shares: &Shares,
    theme: &Theme,
) {
    let columns = usize::from(page.inner.width);
    let rows = prune.rows();
    let titles = guests.iter().map(|range| &rows[range.start]);
    let name = titles.map(|row| width(&row.guest().to_string())).max();
    let name = name.unwrap_or(0).clamp(12, (columns / 4).max(12));
    let timeline = Timeline::new(rows, name, columns).filter(|_| shares.timeline > 0);
    let Some(timeline) = timeline else { return };
    if shares.gaps {
        page.put(Line::default());
    }
    let at = guests
        .iter()
        .position(|range| range.contains(&prune.row))
        .unwrap_or(0);
    let first = first_shown(at, shares.timeline, guests.len());
    let shown = guests.len().min(shares.timeline);
    let note = match guests.len() {
        1 => "1 guest".to_owned(),
        all if shown < all => format!("{}-{} of {all}", first + 1, first + shown),
        all => format!("{all} guests"),
    };
    page.put(timeline.scale_line(&note, theme));
    for (index, range) in guests.iter().enumerate().skip(first).take(shown) {
        let chosen = (index == at).then(|| prune.row - range.start);
        page.put(timeline.guest_line(&rows[range.clone()], chosen, theme));
    }
}

/// Writes letters and what they mean, in as many lines as that takes.
pub(super) fn wrapped(
    entries: &[(String, &'static str)],
    columns: usize,
    theme: &Theme,
) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    let mut row = Row::new(theme.unicode);
    row.gap(1);
    for (letter, word) in entries {
        if row.used() + width(letter) + word.len() + 1 > columns {
            lines.push(row.line());
            row = Row::new(theme.unicode);
            row.gap(1);
        }
        row.text(letter.clone(), theme.accent)
            .text(format!(" {word}"), theme.dim)
            .gap(2);
    }
    lines.push(row.line());
    lines
}

fn draw_list(page: &mut Page<'_, '_>, prune: &PruneDialog, shares: &Shares, theme: &Theme) {
    let columns = usize::from(page.inner.width);
    let rows = prune.rows();
    let here = prune.guest_rows();
    if shares.gaps {
        page.put(Line::default());
    }
    let Some(first_row) = rows.get(here.start) else {
        return;
    };
    let goes = rows[here.clone()]
        .iter()
        .filter(|row| row.verdict() == Verdict::Delete)
        .count();
    let first = first_shown(prune.row - here.start, shares.list, here.len());
    let part = if here.len() > shares.list {
        let last = (first + shares.list).min(here.len());
        format!("{}-{last} of ", first + 1)
    } else {
        String::new()
    };
    let count = match here.len() {
        1 => "1 snapshot".to_owned(),
        many => format!("{many} snapshots"),
    };
    let mut heading = Row::new(theme.unicode);
    let guest = first_row.guest();
    let goes = match goes {
        0 => "none goes".to_owned(),
        1 => "1 goes".to_owned(),
        many => format!("{many} go"),
    };
    let note = format!("{part}{count}, {goes}, on {}", guest.node);
    let room = columns.saturating_sub(width(&note) + 3).max(20);
    heading
        .gap(1)
        .text(fit(&guest.to_string(), room, theme.unicode), theme.strong)
        .gap(2);
    let room = columns.saturating_sub(heading.used());
    heading.text(fit(&note, room, theme.unicode), theme.dim);
    page.put(heading.line());
    let widths = Columns::of(rows, columns);
    for index in here.skip(first).take(shares.list) {
        page.put(rows::line(
            &rows[index],
            &widths,
            index == prune.row,
            prune.shows_calls,
            theme,
        ));
    }
}

/// Replaces the sign between parts where the terminal may not have it.
fn plain(text: &str, theme: &Theme) -> String {
    if theme.unicode {
        text.to_owned()
    } else {
        text.replace(" · ", ", ")
    }
}

/// Writes the sums in one line, or what goes and what stays apart, and the latter in two.
fn summary(plan: &RetentionPlan, columns: usize, theme: &Theme) -> Vec<String> {
    let text = plan.summary().to_string();
    if width(&text) <= columns {
        return vec![plain(&text, theme)];
    }
    let mut lines: Vec<String> = Vec::new();
    for part in text.split(" · ") {
        let mut line = String::new();
        for piece in part.split_inclusive(", ") {
            if !line.is_empty() && width(&line) + width(piece.trim_end()) > columns {
                lines.push(line.trim_end().to_owned());
                line.replace_range(.., "  ");
            }
            line.push_str(piece);
        }
        lines.push(fit(&line, columns, theme.unicode));
    }
    lines
}

fn draw_reading(frame: &mut Frame<'_>, inner: Rect, prune: &PruneDialog, theme: &Theme) {
    let (read, all) = prune.progress();
    let mut row = Row::new(theme.unicode);
    row.text(
        format!("reading the snapshots of {all} managed guests  "),
        theme.text,
    );
    push_bar(
        &mut row,
        read as f64 / all.max(1) as f64,
        20,
        theme.gauge,
        theme,
    );
    row.text(format!("  {read}"), theme.text);
    let mut page = Page {
        frame,
        inner,
        next: 1,
    };
    page.put(row.line());
    page.next = usize::from(inner.height).saturating_sub(1);
    page.put(hint_line(
        &[("Esc", "nothing")],
        usize::from(inner.width),
        theme,
    ));
}

/// What stands in the way of the plan, or what it leaves out.
fn problem(prune: &PruneDialog, columns: usize, theme: &Theme) -> Line<'static> {
    if let (Err(objections), true) = (&prune.checked, prune.count() > 0)
        && let Some(objection) = objections.first()
    {
        return Line::styled(
            fit(&objection.reason, columns, theme.unicode),
            theme.critical,
        );
    }
    let unread = prune.unread().count();
    if let Some((guest, failure)) = prune.unread().next() {
        let text = format!("{unread} not read and not in the plan: {guest}: {failure}");
        return Line::styled(fit(&text, columns, theme.unicode), theme.warning);
    }
    Line::default()
}

fn draw_keys(page: &mut Page<'_, '_>, prune: &PruneDialog, theme: &Theme) {
    let count = prune.count();
    let mut row = Row::new(theme.unicode);
    if count == 0 {
        row.text("nothing is to be deleted", theme.ok);
    } else if prune.read_only {
        row.text("read-only: nothing is deleted", theme.warning);
    } else {
        row.text("type ", theme.text)
            .text(count.to_string(), theme.strong);
        row.text(format!(" to delete {count}   "), theme.text);
        let right = count.to_string().starts_with(prune.typed.value());
        row.text(
            prune.typed.value().to_owned(),
            if right { theme.strong } else { theme.critical },
        );
        if prune.is_confirmed() {
            row.text("  that is it", theme.ok);
        } else {
            let inner = page.inner;
            let x = row.used().min(usize::from(inner.width).saturating_sub(1)) as u16;
            let y = inner.y + page.next as u16;
            page.frame
                .set_cursor_position(Position { x: inner.x + x, y });
        }
    }
    page.put(row.line());
    let enter = if prune.is_confirmed() && prune.checked.is_ok() {
        "execute"
    } else {
        "(not yet)"
    };
    let mut hints = vec![("Enter", enter), ("Space", "keep")];
    if prune.read_only {
        hints.clear();
    }
    hints.extend([
        ("e", "export"),
        ("x", "calls"),
        ("?", "keys"),
        ("Esc", "nothing"),
        ("Tab", "next guest"),
    ]);
    let columns = usize::from(page.inner.width);
    page.put(hint_line(&hints, columns, theme));
}
