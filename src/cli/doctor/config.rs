//! What can be said about the config before any server is asked.

use crate::cli::setup::Setup;
use crate::domain::doctor::{Finding, Health, notifications};
use crate::domain::text::clean;

/// Judges the config, which was read: whatever is wrong in it ends every command before.
pub(super) fn findings(setup: &Setup) -> Vec<Finding> {
    let loaded = &setup.loaded;
    let mut list = Vec::new();
    match &loaded.origin.file {
        _ if setup.demo => list.push(Finding::ok("config", "", "the demo's own")),
        Some(file) => {
            let name = clean(&file.display().to_string());
            list.push(if others_may_write(file) {
                Finding::bad(
                    Health::Warn,
                    "config",
                    "",
                    format!("{name}: others can write to it, and it names commands that are run"),
                    format!("chmod 600 {name}"),
                )
            } else {
                Finding::ok("config", "", format!("{name}: nothing in it is unknown"))
            });
        }
        None => {
            let variables = loaded.origin.variables.join(", ");
            let detail = format!("no file; from the environment: {variables}");
            list.push(Finding::ok("config", "", detail));
        }
    }
    let notes = loaded.notes.iter();
    list.extend(notes.map(|note| Finding::bad(Health::Warn, "config", "", note, "")));
    if !setup.rules.selection.is_configured() {
        let detail = "no guest is managed: prune and enforce refuse, and no limit is watched";
        let fix = "add [selection] with tags, pools or vmids to the config";
        list.push(Finding::bad(Health::Warn, "selection", "", detail, fix));
    }
    let channels = loaded.settings.notify.iter();
    let channels: Vec<&str> = channels.map(|channel| channel.name.as_str()).collect();
    let projects = setup.rules.projects.iter().count();
    list.extend(notifications(projects, &channels));
    list
}

/// Tells whether anybody but the owner may write to a file.
#[cfg(unix)]
fn others_may_write(file: &std::path::Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    let metadata = std::fs::metadata(file);
    metadata.is_ok_and(|metadata| metadata.permissions().mode() & 0o022 != 0)
}

/// Where permissions are of another kind nothing is claimed.
#[cfg(not(unix))]
fn others_may_write(_file: &std::path::Path) -> bool {
    false
}
