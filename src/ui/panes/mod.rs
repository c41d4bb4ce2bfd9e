//! The panes of the dashboard, one file each.

pub(super) mod alerts;
pub(super) mod all_snapshots;
pub(super) mod budget;
pub(super) mod catalogue;
pub(super) mod detail;
pub(super) mod footer;
pub(super) mod guests;
pub(super) mod header;
pub(super) mod jobs;
pub(super) mod nodes;
pub(super) mod profiles;
pub(super) mod projects;
pub(super) mod snapshots;
pub(super) mod tasks;
mod verdicts;

/// Says how much of a table is shown, in which order and by which filter, for the pane's title.
fn arrangement(
    (shown, all): (usize, usize),
    sort: &str,
    ascends: bool,
    filter: Option<&str>,
) -> String {
    let counts = if shown == all {
        format!("{all}")
    } else {
        format!("{shown} of {all}")
    };
    let arrow = if ascends { "↑" } else { "↓" };
    let filter = filter.map_or_else(String::new, |text| format!(" · /{text}"));
    format!("{counts} · {sort} {arrow}{filter}")
}
