//! A throttled project takes new guests only when a person at a terminal says so (SPEC §5.3).

use std::io::{self, IsTerminal as _};

use super::change::{Change, Step};
use super::complaint::Refusal;
use super::confirm;
use super::output::Output;
use crate::domain::admission::JoinedProject;
use crate::domain::project::Project;
use crate::operations::read_throttle;
use crate::proxmox::Client;
use crate::runtime::Ending;

/// What must be typed to override a throttle.
const WORD: &str = "override";

/// Reads the throttle of the project that new guests would join.
pub(super) async fn look(client: &Client, project: Option<&Project>) -> Option<JoinedProject> {
    let project = project?;
    let throttle = read_throttle(client, project.marker_pool()).await;
    Some(JoinedProject::new(project, throttle))
}

/// Asks whether the throttle that a change overrides is meant to be; refuses where nobody can be asked.
pub(super) async fn confirm_override(
    change: &Change,
    json: bool,
    output: &Output,
    ending: &mut Ending,
) -> anyhow::Result<()> {
    let Step::Do(operation) = &change.step else {
        return Ok(());
    };
    let Some(reason) = operation.overridden_throttle() else {
        return Ok(());
    };
    if json || !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        let advice = "at a terminal and without --json proxdeck asks whether to override it; \
                      or choose another --project; nothing was changed";
        return Err(Refusal::new("Throttled", reason, advice).into());
    }
    let question = format!("{reason}; new guests all the same");
    confirm::require(false, &question, WORD, output, ending).await
}
