//! Changes of guests, one after another: checked, carried out and watched.
//!
//! What comes in here has passed its checks; a guest that is left out is named with its reason.

use std::collections::BTreeSet;

use tokio_util::sync::CancellationToken;

use super::carried::{Carried, End, Ended};
use super::complaint::Refusal;
use super::connect::Session;
use super::execute::{Watched, Wires, execute};
use super::output::Output;
use super::progress::Progress;
use super::setup::Setup;
use crate::domain::guest::{Guest, GuestRef, Status};
use crate::domain::operation::Operation;
use crate::domain::permission::{Need, Permissions};
use crate::domain::request::Objection;
use crate::operations::WriteAccess;
use crate::proxmox::Client;
use crate::runtime::Ending;

/// What is to happen to one guest.
pub(super) struct Change {
    /// The guest.
    pub(super) guest: GuestRef,
    /// What it is about within the guest, as `snapshot before`; empty for the guest itself.
    pub(super) subject: String,
    /// The change, or why there is none.
    pub(super) step: Step,
}

/// A change, or the reason for leaving a guest out.
pub(super) enum Step {
    /// It is carried out.
    Do(Box<Operation>),
    /// It is not, for this reason.
    Skip(String),
}

impl Change {
    /// Makes the one change that is to happen, where the account may do it.
    pub(super) async fn permitted(
        client: &Client,
        guest: GuestRef,
        subject: String,
        operation: Operation,
        permissions: Permissions,
    ) -> Result<Self, Refusal> {
        let change = Self {
            guest,
            subject,
            step: Step::Do(Box::new(operation)),
        };
        require_privileges(client, std::slice::from_ref(&change), permissions).await?;
        Ok(change)
    }

    /// Makes a change of an operation on a guest; of enforcement, which may have none, a refusal.
    pub(super) fn of(operation: Operation) -> Result<Self, Refusal> {
        let guest = operation.guest().cloned();
        let guest = guest.ok_or_else(|| refused(&["no guest is concerned".to_owned()]))?;
        Ok(Self {
            guest,
            subject: String::new(),
            step: Step::Do(Box::new(operation)),
        })
    }
}

/// Carries changes out, one after another; one that fails stops no other.
///
/// `operation` names those that are skipped, as the operations name themselves.
pub(super) async fn carry_out(
    session: &Session,
    setup: &Setup,
    output: &Output,
    ending: &mut Ending,
    operation: &'static str,
    changes: Vec<Change>,
) -> Carried {
    let keep = CancellationToken::new();
    carry_out_or_keep(session, setup, output, ending, operation, changes, &keep).await
}

/// Carries changes out that may be trials; `keep` keeps what is on trial.
pub(super) async fn carry_out_or_keep(
    session: &Session,
    setup: &Setup,
    output: &Output,
    ending: &mut Ending,
    operation: &'static str,
    changes: Vec<Change>,
    keep: &CancellationToken,
) -> Carried {
    let access = access_of(session, setup, output);
    let mut carried = Carried {
        ended: Vec::new(),
        interrupted: false,
    };
    for change in changes {
        let end = match change.step {
            Step::Skip(reason) => End::Skipped(reason),
            Step::Do(_) if carried.interrupted || ending.has_come() => {
                carried.interrupted = true;
                End::Skipped("not begun".to_owned())
            }
            Step::Do(operation) => {
                // Of several guests the first one would be named for all.
                let label = if let Operation::Batch(batch) = operation.as_ref()
                    && (batch.bracket().is_some() || operation.kind() == "network")
                {
                    operation.title()
                } else {
                    change.guest.to_string()
                };
                let mut progress = Progress::of_work(output, &setup.environment, label);
                let wires = Wires {
                    keep: keep.clone(),
                    ..Wires::default()
                };
                let progressing = &mut progress;
                let watched =
                    execute(session, &operation, &access, wires, progressing, ending).await;
                progress.finish();
                match watched {
                    Watched::Ended(report) => End::Reported(report),
                    Watched::Stopped(report) => {
                        carried.interrupted = true;
                        End::Reported(report)
                    }
                    Watched::Left(tasks) => {
                        carried.interrupted = true;
                        End::Left(tasks)
                    }
                }
            }
        };
        carried.ended.push(Ended {
            guest: change.guest,
            subject: change.subject,
            operation,
            end,
        });
    }
    carried
}

/// Opens the audit log, and says where there is none.
pub(super) fn access_of(session: &Session, setup: &Setup, output: &Output) -> WriteAccess {
    let (access, note) = setup.write_access(&session.cluster);
    if let Some(note) = note {
        output.note(format_args!("proxdeck: note: {note}"));
    }
    access
}

/// Refuses before any write when the account lacks a privilege that a change needs.
///
/// The list leaves open whether a path that it does not name merely inherits or is closed altogether;
/// where a change rests on such a path, the server is asked about that path alone.
pub(super) async fn require_privileges(
    client: &Client,
    changes: &[Change],
    mut permissions: Permissions,
) -> Result<(), Refusal> {
    for path in doubtful(changes, &permissions) {
        // Where nobody can be asked the server has the last word.
        if let Ok(answer) = client.access().permissions_at(&path).await {
            permissions.settle(&path, &answer);
        }
    }
    refuse_lacking(changes, &permissions)
}

/// Collects the paths on which changes rest and of which the list says nothing.
///
/// A guest that is shown has a right on itself, so that it would be listed if it did not inherit.
fn doubtful(changes: &[Change], permissions: &Permissions) -> BTreeSet<String> {
    let mut paths = BTreeSet::new();
    for change in changes {
        let Step::Do(operation) = &change.step else {
            continue;
        };
        let guests = operation.guests().into_iter();
        let shown: Vec<String> = guests.map(|guest| format!("/vms/{}", guest.vmid)).collect();
        let needs = operation.needs();
        let open = needs
            .iter()
            .flat_map(Need::paths)
            .filter(|path| !permissions.lists(path) && shown.iter().all(|shown| shown != path));
        paths.extend(open.map(str::to_owned));
    }
    paths
}

fn refuse_lacking(changes: &[Change], permissions: &Permissions) -> Result<(), Refusal> {
    let mut missing: Vec<String> = Vec::new();
    for change in changes {
        let Step::Do(operation) = &change.step else {
            continue;
        };
        for need in operation.needs() {
            if !need.is_met(permissions) {
                missing.push(format!("{}: {need}", change.guest));
            }
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    let advice = "ask an administrator for the privilege; nothing was changed";
    Err(Refusal::new("Forbidden", missing.join("\n"), advice))
}

/// Refuses before any write when a guest's node does not answer for it.
pub(super) fn require_answering(guests: &[&Guest]) -> Result<(), Refusal> {
    match guests.iter().find(|guest| guest.status == Status::Unknown) {
        None => Ok(()),
        Some(guest) => Err(Refusal::new(
            "NodeUnreachable",
            format!("{} of guest {} does not answer", guest.node, guest.to_ref()),
            "check the node and its network; nothing was changed",
        )),
    }
}

/// Says for one guest why a change cannot be.
pub(super) fn objected(guest: &GuestRef, objections: &[Objection]) -> Vec<String> {
    let lines = objections.iter();
    lines
        .map(|objection| format!("{guest}: {objection}"))
        .collect()
}

/// Refuses with all reasons, before anything was written.
pub(super) fn refused(reasons: &[String]) -> Refusal {
    Refusal::new("Refused", reasons.join("\n"), "nothing was changed")
}
