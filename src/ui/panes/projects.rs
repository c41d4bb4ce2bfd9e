//! What projects use of their budgets, now and at the end of their windows.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::app::State;
use crate::app::heaviest::Members;
use crate::app::projects::{ProjectRow, rows};
use crate::app::state::Pane;
use crate::domain::project::{Resource, Window};
use crate::domain::quota::{Certainty, ResourceUsage, Tier};
use crate::domain::throttle::Found;
use crate::domain::usage::{Accounting, ProjectStanding, Projection};
use crate::ui::format;
use crate::ui::panes::budget::{amount, bar_style_of, resource_label, short, style_of, tier_mark};
use crate::ui::theme::Theme;
use crate::ui::viewport::Viewport;
use crate::ui::widgets::{Row, Table, cursor_mark, message, pane, push_bar, stack, width, wrapped};

/// `1420/2000`, with a sign.
const FIGURES: usize = 14;
/// A share of the quota.
const SHARE: usize = 6;
/// The longest word about a tier.
const TIER: usize = 22;
/// The lines about the project under the cursor.
const ABOUT: u16 = 5;

pub(in crate::ui) fn draw(
    frame: &mut Frame<'_>,
    area: Rect,
    state: &State,
    theme: &Theme,
    viewport: &mut Viewport,
) {
    let standings = state.usage.standings();
    let inner = pane(
        frame,
        area,
        "Projects",
        &note(state),
        state.focus == Pane::Projects,
        theme,
    );
    if standings.is_empty() {
        let (text, advice) = if state.setting.rules.projects.iter().next().is_none() {
            (
                "No projects.",
                "Sections [projects.NAME] in the config give budgets to the guests of a pool.",
            )
        } else {
            ("Reading…", "")
        };
        return message(frame, inner, text, advice, theme);
    }
    let rows = rows(standings);
    let cursor = state.projects.cursor_row(&rows);
    let (table_area, about) = split(inner);
    let columns = Columns::fit(usize::from(inner.width), &rows);
    let table = Table {
        inner: table_area,
        titles: columns.titles(theme),
        cursor,
        shows_cursor: true,
        offset: &mut viewport.projects,
    };
    viewport.page = table.draw(frame, &rows, theme, |row, at_cursor| {
        columns.line(row, throttle(row, state), at_cursor, theme)
    });
    let chosen = cursor.and_then(|row| rows.get(row));
    if let (Some(area), Some(row)) = (about, chosen) {
        let lines = explanation(row, state, usize::from(area.width), theme);
        stack(frame, area, lines);
    }
}

/// Leaves the last lines to the project under the cursor, where there is room.
fn split(inner: Rect) -> (Rect, Option<Rect>) {
    if inner.height < ABOUT + 5 {
        return (inner, None);
    }
    let table = Rect {
        height: inner.height - ABOUT - 1,
        ..inner
    };
    let about = Rect {
        y: inner.bottom() - ABOUT,
        height: ABOUT,
        ..inner
    };
    (table, Some(about))
}

/// Says how far the figures are read.
fn note(state: &State) -> String {
    if state.setting.rules.accounting == Accounting::SinceBoot {
        return "since each guest was started".to_owned();
    }
    let (read, guests) = state.usage.progress();
    let unread = guests - read;
    if unread == 0 {
        format!("{guests} guests read")
    } else {
        format!(
            "{} of {guests} guests read, the others follow",
            guests - unread
        )
    }
}

struct Columns {
    all: usize,
    project: usize,
    resource: usize,
    bar: usize,
    tier: usize,
}

impl Columns {
    fn fit(all: usize, rows: &[ProjectRow<'_>]) -> Self {
        let longest = rows.iter().map(|row| width(&row.standing.project)).max();
        let project = longest.unwrap_or(0).clamp(7, (all / 5).max(7));
        let is_broad = all >= 100;
        let resource = if is_broad { 15 } else { 9 };
        let tier = if is_broad { TIER } else { 12 };
        let fixed = 2 + project + 2 + resource + 1 + FIGURES + 2 + 2 + SHARE + 1 + SHARE + 1 + tier;
        Self {
            all,
            project,
            resource,
            bar: all.saturating_sub(fixed).clamp(4, 40),
            tier,
        }
    }

    fn titles(&self, theme: &Theme) -> Line<'static> {
        let mut row = Row::new(theme.unicode);
        row.gap(2)
            .left("PROJECT", self.project, theme.dim)
            .gap(2)
            .left("RESOURCE", self.resource, theme.dim)
            .gap(1)
            .right("USED/QUOTA", FIGURES, theme.dim)
            .gap(2 + self.bar + 2)
            .right("NOW", SHARE, theme.dim)
            .gap(1)
            .right("AT END", SHARE, theme.dim)
            .gap(1)
            .left("TIER", self.tier, theme.dim);
        row.line()
    }

    fn line(
        &self,
        line: &ProjectRow<'_>,
        throttle: Option<Found>,
        at_cursor: bool,
        theme: &Theme,
    ) -> Line<'static> {
        let mut row = Row::new(theme.unicode);
        cursor_mark(&mut row, at_cursor, theme);
        let project = if line.is_first {
            line.standing.project.as_str()
        } else {
            ""
        };
        row.gap(1).left(project, self.project, theme.strong).gap(2);
        let Some((usage, ahead)) = line.resource else {
            row.text("no quota", theme.dim);
            return row.fill(self.all).line();
        };
        let name = if self.resource >= 15 {
            usage.resource.as_str()
        } else {
            resource_label(usage.resource)
        };
        row.left(name, self.resource, theme.text).gap(1);
        let bound = usage.quota.bound().unwrap_or_default();
        let figures = format!("{}/{}", amount(usage.used, theme.unicode), short(bound));
        row.right(&figures, FIGURES, theme.text).gap(2);
        push_bar(
            &mut row,
            usage.fraction.unwrap_or(0.0),
            self.bar,
            bar_style_of(usage.tier, theme),
            theme,
        );
        let style = match usage.tier {
            Tier::Unlimited | Tier::Ok | Tier::Unknown => theme.text,
            Tier::Warn | Tier::Throttle | Tier::Emergency => style_of(usage.tier, theme),
        };
        row.gap(2)
            .right(&share(usage, theme), SHARE, style)
            .gap(1)
            .right(
                &at_end(usage, ahead, theme),
                SHARE,
                ahead_style(usage, ahead, theme),
            )
            .gap(1);
        if let Some((mark, style)) = tier_mark(usage.tier, theme) {
            row.text(mark, style).gap(1);
        }
        let is_short = self.tier < TIER;
        let room = self.all.saturating_sub(row.used());
        let mut text = tier(usage, ahead, is_short);
        let is_partial = line.standing.unread > 0 && usage.resource != Resource::StorageGb;
        if is_partial && usage.tier == Tier::Ok {
            text = String::from("still being read");
        }
        if let Some(found) = throttle {
            text = match (usage.tier, found.marker()) {
                _ if is_short => "throttled".to_owned(),
                (Tier::Throttle, Some(marker)) => {
                    format!("throttled {}", marker.since().format("%d %b %H:%M"))
                }
                (_, Some(_)) => format!("{text}, throttled"),
                (_, None) => format!("{text}, throttle unreadable"),
            };
        }
        row.left(&text, room, style);
        row.fill(self.all).line()
    }
}

/// Returns the throttle that a line is about: the whole project's on its first line, else that of
/// its resource.
fn throttle(row: &ProjectRow<'_>, state: &State) -> Option<Found> {
    let projects = &state.setting.rules.projects;
    let found = state.throttles.of(projects.find(&row.standing.project)?)?;
    let is_meant = match (&found, row.resource) {
        (Found::None, _) => false,
        (Found::One(marker), Some((usage, _))) => marker.resources().contains(&usage.resource),
        (Found::Malformed(_), _) | (Found::One(_), None) => row.is_first,
    };
    is_meant.then_some(found)
}

fn share(usage: &ResourceUsage, theme: &Theme) -> String {
    match usage.fraction {
        Some(fraction) => format!("{}{}", sign(usage, theme), format::percent(fraction)),
        None if usage.used.value().is_none() => "?".to_owned(),
        None => String::new(),
    }
}

fn sign(usage: &ResourceUsage, theme: &Theme) -> &'static str {
    match usage.used.certainty() {
        Certainty::AtLeast if !theme.unicode => ">=",
        certainty @ (Certainty::Exact
        | Certainty::Estimated
        | Certainty::AtLeast
        | Certainty::Unknown) => certainty.sign(),
    }
}

/// The share at the end of the window; in a sliding one, and of disks, that of now.
fn at_end(usage: &ResourceUsage, ahead: &Projection, theme: &Theme) -> String {
    if ahead.used == usage.used {
        return share(usage, theme);
    }
    let then = ResourceUsage::new(usage.resource, ahead.used, usage.quota);
    let Some(fraction) = then.fraction else {
        return String::new();
    };
    let arrow = match (fraction > 1.0, theme.unicode) {
        (true, true) => "⇡",
        (true, false) => "^",
        (false, _) => "",
    };
    format!("{arrow}{}", format::percent(fraction))
}

fn ahead_style(usage: &ResourceUsage, ahead: &Projection, theme: &Theme) -> ratatui::style::Style {
    if ahead.tier > usage.tier && ahead.tier >= Tier::Warn {
        theme.warning
    } else {
        theme.dim
    }
}

fn tier(usage: &ResourceUsage, ahead: &Projection, is_short: bool) -> String {
    match (usage.tier, ahead.full_in) {
        (Tier::Ok, Some(left)) if is_short => format!("full {}", format::span(left)),
        (Tier::Ok, Some(left)) => format!("ok, full in {}", format::span(left)),
        (Tier::Ok, None) => "ok".to_owned(),
        (Tier::Unlimited, _) => "no quota".to_owned(),
        (Tier::Unknown, _) => "unknown".to_owned(),
        (Tier::Warn, _) => "warning".to_owned(),
        (Tier::Throttle, _) => "throttle".to_owned(),
        (Tier::Emergency, _) => "EMERGENCY".to_owned(),
    }
}

/// Tells of the project under the cursor since when it is counted, how sure that is, and who uses most.
fn explanation(
    row: &ProjectRow<'_>,
    state: &State,
    columns: usize,
    theme: &Theme,
) -> Vec<Line<'static>> {
    let standing = row.standing;
    let mut texts = vec![counted(standing, state)];
    texts.extend(throttled(standing, state));
    texts.push(certainty(standing, state));
    if let Some((usage, _)) = row.resource {
        texts.push(heaviest(standing, usage.resource, state, theme));
    }
    texts
        .into_iter()
        .filter(|text| !text.is_empty())
        .flat_map(|text| wrapped(&text, columns.saturating_sub(2)))
        .map(|text| Line::styled(format!(" {text}"), theme.dim))
        .collect()
}

/// Says since when a project takes no new guests.
fn throttled(standing: &ProjectStanding, state: &State) -> Option<String> {
    let project = state.setting.rules.projects.find(&standing.project)?;
    let found = state.throttles.of(project)?;
    let marker = found.marker()?;
    let resources: Vec<&str> = marker
        .resources()
        .iter()
        .map(|resource| resource.as_str())
        .collect();
    let since = marker.since().format("%Y-%m-%d %H:%M UTC");
    Some(format!(
        "throttled since {since} ({}): no new guests; E plans what follows",
        resources.join(", ")
    ))
}

fn counted(standing: &ProjectStanding, state: &State) -> String {
    let zone = state.quota_zone();
    let since = standing.period.from.with_timezone(&zone.calendar());
    let window = match standing.window {
        Window::Month => {
            let zone = match zone.known() {
                Some(zone) => zone.name(),
                None => "UTC, for want of a known zone",
            };
            let left = format::span(standing.period.left());
            format!(
                "{} since {} ({zone}), {left} left",
                since.format("%B"),
                since.format("%Y-%m-%d %H:%M")
            )
        }
        Window::Days30 => "the last 30 days".to_owned(),
        Window::Days7 => "the last 7 days".to_owned(),
        Window::Hours24 => "the last 24 hours".to_owned(),
    };
    let noun = if standing.guests == 1 {
        "guest"
    } else {
        "guests"
    };
    format!(
        "{}: {window} · {} {noun} · Enter shows them",
        standing.project, standing.guests
    )
}

fn certainty(standing: &ProjectStanding, state: &State) -> String {
    if state.setting.rules.accounting == Accounting::SinceBoot {
        return "figures since each guest was started, from the resource list: ~".to_owned();
    }
    let mut parts = Vec::new();
    if standing.unread > 0 {
        parts.push(format!("{} not read yet", standing.unread));
    }
    if let Some(least) = standing.coverage.least() {
        parts.push(format!("{} of the time is known", format::percent(least)));
    }
    let members = state.usage.members(&standing.project);
    if let Some(oldest) = members.and_then(Members::oldest) {
        let age = format::span(state.now.moment.since(oldest));
        parts.push(format!("the oldest figure was read {age} ago"));
    }
    let is_lower_bound = |usage: &ResourceUsage| {
        usage.resource != Resource::StorageGb && usage.used.certainty() == Certainty::AtLeast
    };
    if standing.unread == 0 && standing.usage.iter().any(is_lower_bound) {
        parts.push("≥: guests may have come and gone while nobody kept count".to_owned());
    }
    parts.join(" · ")
}

/// Names the guests that use most of a resource.
fn heaviest(
    standing: &ProjectStanding,
    resource: Resource,
    state: &State,
    theme: &Theme,
) -> String {
    // How much each stores is in no guest's account.
    let members = state.usage.members(&standing.project);
    let Some(members) = members.filter(|_| resource != Resource::StorageGb) else {
        return String::new();
    };
    let named: Vec<String> = members
        .heaviest(resource)
        .iter()
        .map(|(guest, used)| format!("{guest} {}", amount(*used, theme.unicode)))
        .collect();
    if named.is_empty() {
        return String::new();
    }
    format!("most {}: {}", resource.as_str(), named.join(" · "))
}
