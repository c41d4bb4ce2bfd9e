//! The header: which cluster, how it stands, how old the data is.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;

use crate::app::State;
use crate::app::census::Count;
use crate::app::state::View;
use crate::domain::failure::Failure;
use crate::domain::inventory::{LinkState, NodeState};
use crate::domain::time::Moment;
use crate::ui::format;
use crate::ui::theme::Theme;
use crate::ui::widgets::{Row, fit, stack, width};

/// The columns between two words of the first line.
const GAP: usize = 2;

/// Returns how many lines it needs: one more while the link is down, to say why.
pub(in crate::ui) fn height(state: &State) -> u16 {
    match state.link.state {
        LinkState::Down { .. } => 3,
        LinkState::Connecting | LinkState::Up => 2,
    }
}

pub(in crate::ui) fn draw(frame: &mut Frame<'_>, area: Rect, state: &State, theme: &Theme) {
    let columns = usize::from(area.width);
    let mut lines = vec![
        first_line(state, columns, theme),
        views(state, columns, theme),
    ];
    if let LinkState::Down { failure, retry, .. } = &state.link.state {
        lines.push(trouble(failure, *retry, state, columns, theme));
    }
    stack(frame, area, lines);
}

/// What gives way on a narrow screen, the first first; what is wrong never does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Account,
    Demo,
    Program,
    Server,
    Nodes,
    Cluster,
    Running,
    Never,
}

impl Rank {
    const ORDER: [Self; 7] = [
        Self::Account,
        Self::Demo,
        Self::Program,
        Self::Server,
        Self::Nodes,
        Self::Cluster,
        Self::Running,
    ];
}

/// A word of the first line.
#[derive(Debug, Clone)]
struct Word {
    text: String,
    style: Style,
    rank: Rank,
}

impl Word {
    fn new(text: impl Into<String>, style: Style, rank: Rank) -> Self {
        Self {
            text: text.into(),
            style,
            rank,
        }
    }
}

fn first_line(state: &State, columns: usize, theme: &Theme) -> Line<'static> {
    // The blanks at both ends are as many as a gap.
    let needed = |left: &[Word], right: &[Word]| -> usize {
        let words = left.iter().chain(right);
        words.map(|word| width(&word.text) + GAP).sum()
    };
    let mut right = right_side(state, theme);
    let mut left = left_side(state, false, theme);
    if needed(&left, &right) > columns {
        left = left_side(state, true, theme);
    }
    for rank in Rank::ORDER {
        if needed(&left, &right) > columns {
            left.retain(|word| word.rank != rank);
            right.retain(|word| word.rank != rank);
        }
    }
    let mut row = Row::new(theme.unicode);
    row.gap(1);
    for Word { text, style, .. } in left {
        row.text(text, style).gap(GAP);
    }
    let beside: usize = right.iter().map(|word| width(&word.text) + GAP).sum();
    row.fill((columns + 1).saturating_sub(beside));
    for Word { text, style, .. } in right {
        row.text(text, style).gap(GAP);
    }
    row.line()
}

/// Says which cluster it is, and what is up and what is wrong in it.
///
/// Figures have the width of the largest that they can become, so that nothing beside them moves.
fn left_side(state: &State, short: bool, theme: &Theme) -> Vec<Word> {
    let cluster = fit(&state.setting.cluster, 20, theme.unicode);
    let mut words = vec![
        Word::new("proxdeck", theme.accent, Rank::Program),
        Word::new(cluster, theme.strong, Rank::Cluster),
    ];
    let Some(resources) = state.inventory.resources.value() else {
        return words;
    };
    let cluster = state.inventory.cluster.value();
    if cluster.and_then(|cluster| cluster.quorate) == Some(false) {
        words.push(Word::new("NO QUORUM", theme.critical, Rank::Never));
    }
    let is_online = |state: NodeState| state == NodeState::Online;
    let all = resources.nodes.len();
    let online = resources.nodes.iter().filter(|node| is_online(node.state));
    let online = online.count();
    let style = if online < all {
        theme.warning
    } else {
        theme.text
    };
    let digits = all.to_string().len();
    let nodes = format!("{online:>digits$}/{all} nodes");
    words.push(Word::new(nodes, style, Rank::Nodes));
    let Count { all, running } = state.census.cluster();
    let running = format::running(running, theme.unicode);
    let digits = all.to_string().len();
    let running = if short {
        format!("{running:>digits$}/{all} run")
    } else {
        format!("{running:>digits$} of {all} running")
    };
    words.push(Word::new(running, theme.text, Rank::Running));
    words.extend(alerts(state, theme));
    if resources.rejected > 0 {
        let text = format!("{} unreadable rows", resources.rejected);
        words.push(Word::new(text, theme.warning, Rank::Nodes));
    }
    words
}

/// Counts what is wrong; while there is anything, both counts keep their places.
fn alerts(state: &State, theme: &Theme) -> Vec<Word> {
    let (critical, warning) = if theme.unicode {
        ("▲", "△")
    } else {
        ("!", "-")
    };
    let found = state.alerts.book().counts();
    let counts = [
        (critical, found.critical, theme.critical),
        (warning, found.warning, theme.warning),
    ];
    if counts.iter().all(|(_, count, _)| *count == 0) {
        return Vec::new();
    }
    let word = |(mark, count, style): (&str, usize, Style)| match count {
        0 => Word::new("   ", Style::new(), Rank::Never),
        count => Word::new(format!("{mark}{count:>2}"), style, Rank::Never),
    };
    counts.into_iter().map(word).collect()
}

fn right_side(state: &State, theme: &Theme) -> Vec<Word> {
    let mut right = Vec::new();
    match (&state.link.state, &state.inventory.resources.answer) {
        (LinkState::Connecting, None) => {
            right.push(Word::new("connecting…", theme.dim, Rank::Never));
        }
        (LinkState::Down { .. }, answer) => {
            let age = answer
                .as_ref()
                .map(|answer| format::span(state.now.moment.since(answer.read)));
            let age = age.map_or_else(|| "no data".to_owned(), |age| format!("data {age:>3} old"));
            // Nothing is wrong with the link where a person only has to sign in.
            let what = if state.link.wanted.is_some() {
                "SIGNED OUT"
            } else {
                "LINK DOWN"
            };
            let text = format!("{what}  {age}");
            right.push(Word::new(text, theme.critical, Rank::Never));
        }
        (_, Some(answer)) => {
            let age = state.now.moment.since(answer.read);
            let style = if age.as_secs() >= 30 {
                theme.stale
            } else {
                theme.dim
            };
            let text = format!("data {:>3}", format::span(age));
            right.push(Word::new(text, style, Rank::Never));
        }
        (LinkState::Up, None) => {}
    }
    if let Some(server) = &state.link.elsewhere {
        // The first server of the cluster does not answer; which one does is worth a warning.
        let host = server.strip_prefix("https://").unwrap_or(server);
        let text = format!("via {}", fit(host, 28, theme.unicode));
        right.push(Word::new(text, theme.warning, Rank::Server));
    }
    let account = fit(&state.setting.account, 28, theme.unicode);
    right.push(Word::new(account, theme.dim, Rank::Account));
    if state.setting.read_only {
        right.push(Word::new("READ-ONLY", theme.badge, Rank::Never));
    }
    if state.setting.demo {
        right.push(Word::new("DEMO", theme.badge, Rank::Demo));
    }
    right
}

/// The line of the views: with whole titles where there is room, else with shorter ones.
fn views(state: &State, columns: usize, theme: &Theme) -> Line<'static> {
    let mut row = (0..3)
        .map(|level| titles(state, level, theme))
        .find(|row| row.used() <= columns)
        .unwrap_or_else(|| titles(state, 2, theme));
    for cost in costs(state) {
        if row.used() + width(&cost) + GAP < columns {
            row.fill(columns.saturating_sub(width(&cost) + 1))
                .text(cost, theme.dim);
            break;
        }
    }
    row.line()
}

/// Makes the titles of all views, from the whole ones at level 0 to the shortest.
fn titles(state: &State, level: usize, theme: &Theme) -> Row {
    let mut row = Row::new(theme.unicode);
    row.gap(1);
    let gap = [3, 2, 1][level.min(2)];
    for (view, key, titles) in View::ALL {
        let shown = state.focus.view() == view;
        let style = if shown { theme.strong } else { theme.dim };
        row.text(key.to_string(), theme.accent)
            .text(format!(" {}", titles[level.min(2)]), style);
        // Counts have a place of their own, so that the others do not move when one comes.
        match view {
            View::Alerts => {
                row.left(&open_alerts(state), 3, alert_style(state, theme));
            }
            View::Tasks => {
                row.left(&running_tasks(state), 3, theme.accent);
            }
            View::Guests | View::Snapshots | View::Projects | View::Nodes | View::Templates => {}
        }
        row.gap(gap);
    }
    row
}

/// Says what watching costs, from the whole sentence to the number alone.
fn costs(state: &State) -> Vec<String> {
    let lists = state
        .snapshots
        .lists()
        .asked_in_last_minute(state.now.moment);
    // The total is as old as the last refresh; what was read since in the background is in it soon.
    let total = state.link.requests_per_minute.max(lists);
    let number = format!("{total} req/min");
    let mut whole = number.clone();
    if lists > 0 {
        // That has a budget of its own; watching alone costs the rest.
        whole = format!("{whole}, {lists} in background");
    }
    let short = whole.clone();
    if let Some(latency) = state.link.latency_p95 {
        whole = format!("{whole}, 95 % in {:>3} ms", latency.as_millis());
    }
    vec![whole, short, number]
}

fn open_alerts(state: &State) -> String {
    match state.alerts.book().counts().open() {
        0 => String::new(),
        open => format!(" {}", open.min(99)),
    }
}

fn alert_style(state: &State, theme: &Theme) -> Style {
    if state.alerts.book().counts().critical > 0 {
        theme.critical
    } else {
        theme.warning
    }
}

fn running_tasks(state: &State) -> String {
    let tasks = state.known_tasks().iter();
    match tasks.filter(|task| task.state.is_running()).count() {
        0 => String::new(),
        running => format!(" {}", running.min(99)),
    }
}

/// Says what is wrong with the link, of which server, and when it is tried again.
fn trouble(
    failure: &Failure,
    retry: Moment,
    state: &State,
    columns: usize,
    theme: &Theme,
) -> Line<'static> {
    let next = retry.since(state.now.moment).as_secs();
    let when = if next == 0 {
        "trying now".to_owned()
    } else {
        format!("next try in {next:>2} s")
    };
    // The address comes first, so that it is what a narrow screen leaves.
    let elsewhere = state.link.elsewhere.as_ref();
    let endpoint = elsewhere.unwrap_or(&state.setting.endpoint);
    let mut failure = failure.clone();
    if let Some(rest) = failure.message.raw().strip_prefix(&format!("{endpoint}: ")) {
        failure.message = rest.into();
    }
    let what = format!("{endpoint}: {failure}");
    let room = columns.saturating_sub(width(&when) + 4);
    let mut row = Row::new(theme.unicode);
    row.gap(1)
        .text(fit(&what, room, theme.unicode), theme.critical);
    row.gap(2).text(when, theme.dim);
    row.line()
}
