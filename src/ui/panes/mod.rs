//! The panes of the dashboard, one file each.

pub(super) mod all_snapshots;
pub(super) mod budget;
pub(super) mod catalogue;
pub(super) mod detail;
pub(super) mod footer;
pub(super) mod guests;
pub(super) mod header;
pub(super) mod jobs;
pub(super) mod nodes;
pub(super) mod snapshots;
pub(super) mod tasks;
mod verdicts;
