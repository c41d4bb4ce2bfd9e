//! Nodes and storages.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::app::State;
use crate::app::census::Count;
use crate::app::state::Pane;
use crate::domain::inventory::{Node, NodeState, Resources, Storage};
use crate::ui::format;
use crate::ui::theme::Theme;
use crate::ui::viewport::Viewport;
use crate::ui::widgets::{Row, Table, cursor_mark, message, pane, push_bar, width};

pub(in crate::ui) fn draw_nodes(
    frame: &mut Frame<'_>,
    area: Rect,
    state: &State,
    theme: &Theme,
    viewport: &mut Viewport,
) {
    let focused = state.focus == Pane::Nodes;
    let inner = pane(frame, area, "Nodes", &note(state), focused, theme);
    let Some(resources) = known(frame, inner, state, theme) else {
        return;
    };
    let columns = NodeColumns::fit(usize::from(inner.width), resources);
    let outdated = state.is_outdated();
    let table = Table {
        inner,
        titles: columns.titles(theme),
        cursor: Some(state.nodes.node_row(resources)),
        shows_cursor: focused,
        offset: &mut viewport.nodes,
    };
    let page = table.draw(frame, &resources.nodes, theme, |node, at_cursor| {
        columns.line(node, state, (at_cursor, outdated), theme)
    });
    if focused {
        viewport.page = page;
    }
}

/// Says whether there is a quorum, and what the cluster calls itself where the config calls it
/// otherwise.
fn note(state: &State) -> String {
    let Some(cluster) = state.inventory.cluster.value() else {
        return String::new();
    };
    let quorum = match cluster.quorate {
        Some(true) => "quorate",
        Some(false) => "NO QUORUM: changes are refused by the cluster",
        None => "a single server",
    };
    match cluster.name.as_ref().map(ToString::to_string) {
        Some(name) if name != state.setting.cluster => format!("calls itself {name} · {quorum}"),
        Some(_) | None => quorum.to_owned(),
    }
}

pub(in crate::ui) fn draw_storages(
    frame: &mut Frame<'_>,
    area: Rect,
    state: &State,
    theme: &Theme,
    viewport: &mut Viewport,
) {
    let focused = state.focus == Pane::Storages;
    let inner = pane(frame, area, "Storages", "shared ones once", focused, theme);
    let Some(resources) = known(frame, inner, state, theme) else {
        return;
    };
    if resources.storages.is_empty() {
        let advice = "The account sees storages with Datastore.Audit on /storage.";
        return message(frame, inner, "No storages.", advice, theme);
    }
    let columns = usize::from(inner.width);
    let name = resources
        .storages
        .iter()
        .map(|storage| width(storage.name.as_str()))
        .max()
        .unwrap_or(8)
        .clamp(8, 24);
    let mut titles = Row::new(theme.unicode);
    titles
        .gap(3)
        .left("STORAGE", name, theme.dim)
        .gap(1)
        .left("ON", 10, theme.dim)
        .gap(1)
        .left("KIND", 9, theme.dim);
    titles
        .gap(1)
        .left("USED", bar_width(columns) + 6, theme.dim)
        .gap(1)
        .left("SIZE", 24, theme.dim);
    titles.last("HOLDS", columns, theme.dim);
    let outdated = state.is_outdated();
    let table = Table {
        inner,
        titles: titles.line(),
        cursor: Some(state.nodes.storage_row(resources)),
        shows_cursor: focused,
        offset: &mut viewport.storages,
    };
    let page = table.draw(frame, &resources.storages, theme, |storage, at_cursor| {
        storage_line(storage, (name, columns), (at_cursor, outdated), theme)
    });
    if focused {
        viewport.page = page;
    }
}

fn bar_width(columns: usize) -> usize {
    (columns / 8).clamp(6, 20)
}

/// Returns the resources, or says why there are none.
fn known<'a>(
    frame: &mut Frame<'_>,
    inner: Rect,
    state: &'a State,
    theme: &Theme,
) -> Option<&'a Resources> {
    let source = &state.inventory.resources;
    if let Some(resources) = source.value() {
        return Some(resources);
    }
    match &source.failure {
        Some(failure) => message(
            frame,
            inner,
            &failure.value.to_string(),
            failure.value.advised(),
            theme,
        ),
        None => message(frame, inner, "Reading…", "", theme),
    }
    None
}

struct NodeColumns {
    all: usize,
    name: usize,
    bar: usize,
}

impl NodeColumns {
    fn fit(all: usize, resources: &Resources) -> Self {
        let name = resources
            .nodes
            .iter()
            .map(|node| width(node.name.as_str()))
            .max()
            .unwrap_or(6)
            .clamp(6, 20);
        Self {
            all,
            name,
            bar: bar_width(all),
        }
    }

    fn titles(&self, theme: &Theme) -> Line<'static> {
        let mut row = Row::new(theme.unicode);
        row.gap(3)
            .left("NODE", self.name, theme.dim)
            .gap(1)
            .right("UP", 6, theme.dim)
            .gap(2);
        row.left("GUESTS", 9, theme.dim).gap(1);
        row.left("CPU", self.bar + 6, theme.dim)
            .gap(1)
            .left("MEM", self.bar + 6, theme.dim)
            .gap(1);
        row.left("ROOT DISK", self.bar + 6, theme.dim)
            .gap(1)
            .last("SIZE", self.all, theme.dim);
        row.line()
    }

    fn line(
        &self,
        node: &Node,
        state: &State,
        (at_cursor, outdated): (bool, bool),
        theme: &Theme,
    ) -> Line<'static> {
        let mut row = Row::new(theme.unicode);
        cursor_mark(&mut row, at_cursor, theme);
        let (glyph, ascii, style) = match node.state {
            _ if outdated => ("◌", "?", theme.stale),
            NodeState::Online => ("●", "*", theme.ok),
            NodeState::Offline => ("▲", "!", theme.critical),
            NodeState::Unknown => ("◌", "?", theme.stale),
        };
        row.text(if theme.unicode { glyph } else { ascii }, style)
            .gap(1);
        row.left(node.name.as_str(), self.name, theme.strong).gap(1);
        let online = node.state == NodeState::Online;
        let uptime = node
            .uptime
            .filter(|_| online)
            .map(format::span)
            .unwrap_or_default();
        row.right(&uptime, 6, theme.text).gap(2);
        let Count { all, running } = state.census.node(&node.name);
        let running = format::running(running, theme.unicode);
        row.left(&format!("{running}/{all}"), 9, theme.text).gap(1);
        if !online {
            let text = match node.state {
                NodeState::Offline => "offline: its guests are shown as last seen",
                NodeState::Online | NodeState::Unknown => {
                    "silent: its guests are shown as last seen"
                }
            };
            return row.text(text, style).fill(self.all).line();
        }
        self.gauge(&mut row, node.cpu, theme);
        self.gauge(&mut row, share(node.memory, node.max_memory), theme);
        self.gauge(&mut row, share(node.disk, node.max_disk), theme);
        let cores = node
            .max_cpu
            .map(|cores| format!("{cores} cores, "))
            .unwrap_or_default();
        let memory = node.max_memory.map(format::size).unwrap_or_default();
        row.last(&format!("{cores}{memory}"), self.all, theme.dim);
        row.fill(self.all).line()
    }

    fn gauge(&self, row: &mut Row, fraction: Option<f64>, theme: &Theme) {
        gauge(row, fraction, self.bar, theme);
        row.gap(1);
    }
}

fn share(used: Option<u64>, most: Option<u64>) -> Option<f64> {
    let most = most.filter(|most| *most > 0)?;
    Some(used? as f64 / most as f64)
}

fn gauge(row: &mut Row, fraction: Option<f64>, bar: usize, theme: &Theme) {
    match fraction {
        Some(fraction) => {
            push_bar(row, fraction, bar, theme.level(fraction), theme);
            row.right(&format::percent(fraction), 5, theme.text).gap(1);
        }
        None => {
            row.left("not allowed to see", bar + 6, theme.dim);
        }
    }
}

fn storage_line(
    storage: &Storage,
    (name, columns): (usize, usize),
    (at_cursor, outdated): (bool, bool),
    theme: &Theme,
) -> Line<'static> {
    let mut row = Row::new(theme.unicode);
    cursor_mark(&mut row, at_cursor, theme);
    let (glyph, ascii, style) = if storage.available && !outdated {
        ("●", "*", theme.ok)
    } else {
        ("◌", "?", theme.stale)
    };
    row.text(if theme.unicode { glyph } else { ascii }, style)
        .gap(1);
    row.left(storage.name.as_str(), name, theme.strong).gap(1);
    let place = if storage.shared {
        "all nodes"
    } else {
        storage.node.as_str()
    };
    row.left(place, 10, theme.dim).gap(1);
    row.left(
        &storage
            .plugin
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
        9,
        theme.text,
    )
    .gap(1);
    if !storage.available {
        return row
            .text("does not answer", theme.stale)
            .fill(columns)
            .line();
    }
    gauge(
        &mut row,
        share(storage.used, storage.size),
        bar_width(columns),
        theme,
    );
    row.gap(1);
    let size = match (storage.used, storage.size) {
        (Some(used), Some(size)) => format!("{} of {}", format::size(used), format::size(size)),
        _ => String::new(),
    };
    row.left(&size, 24, theme.text);
    let holds = storage
        .content
        .as_ref()
        .map(ToString::to_string)
        .unwrap_or_default();
    row.last(&holds, columns, theme.dim);
    row.fill(columns).line()
}
