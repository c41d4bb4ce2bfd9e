//! The execution of an enforcement plan.

use super::call::Call;
use super::power::{Power, PowerAction};
use super::snapshot::TakeSnapshot;
use crate::domain::enforcement::{Action, EnforcementPlan, Shutdown, SnapshotFirst};
use crate::domain::guest::GuestRef;
use crate::domain::permission::Need;
use crate::domain::snapshot::{SnapshotList, SnapshotName};

/// What is written about the snapshot before a shutdown.
const DESCRIPTION: &str = "before enforcement shut the guest down";

/// The execution of an enforcement plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Enforce {
    cluster: String,
    plan: EnforcementPlan,
    timeout_seconds: u32,
}

impl Enforce {
    pub(in crate::domain) fn new(
        cluster: String,
        plan: EnforcementPlan,
        timeout_seconds: u32,
    ) -> Self {
        Self {
            cluster,
            plan,
            timeout_seconds,
        }
    }

    /// Returns the writes that it will send; of a pool's comment only the line that is ours.
    pub(super) fn calls(&self) -> Vec<Call> {
        let mut calls = Vec::new();
        for (project, step) in self.plan.steps() {
            let pool = project.project().marker_pool();
            let comment = |text: String| Call {
                method: "PUT",
                path: "/pools".to_owned(),
                parameters: vec![("poolid", pool.to_string()), ("comment", text)],
            };
            match &step.action {
                Action::Throttle(marker) => calls.push(comment(format!("… {marker}"))),
                Action::Unthrottle => calls.push(comment("… without the throttle".to_owned())),
                Action::Shutdown(shutdown) => {
                    let none = SnapshotList::default();
                    let snapshot = self.snapshot(shutdown, &shutdown.guest, &none);
                    calls.extend(snapshot.as_ref().map(TakeSnapshot::call));
                    calls.push(self.power(shutdown, &shutdown.guest).call());
                }
                Action::Warn | Action::Notify(_) => {}
            }
        }
        calls
    }

    pub(super) fn needs(&self) -> Vec<Need> {
        let mut needs = Vec::new();
        for (project, step) in self.plan.steps() {
            match &step.action {
                Action::Throttle(_) | Action::Unthrottle => {
                    let path = format!("/pool/{}", project.project().marker_pool());
                    needs.push(Need::on("Pool.Allocate", path));
                }
                Action::Shutdown(shutdown) => {
                    let vmid = shutdown.guest.vmid;
                    if !matches!(shutdown.snapshot, SnapshotFirst::None(_)) {
                        needs.push(Need::on_guest("VM.Snapshot", vmid));
                    }
                    needs.push(Need::on_guest("VM.PowerMgmt", vmid));
                }
                Action::Warn | Action::Notify(_) => {}
            }
        }
        needs
    }

    pub(super) fn title(&self) -> String {
        match self.plan.len() {
            1 => "enforce 1 step".to_owned(),
            count => format!("enforce {count} steps"),
        }
    }

    /// Iterates over the guests that are shut down.
    pub fn guests(&self) -> impl Iterator<Item = &GuestRef> {
        self.plan.shutdowns().map(|shutdown| &shutdown.guest)
    }

    /// Returns what is done, project by project.
    pub fn plan(&self) -> &EnforcementPlan {
        &self.plan
    }

    /// Returns the name under which people are told of the cluster.
    pub fn cluster(&self) -> &str {
        &self.cluster
    }

    /// Makes the snapshot before a shutdown, where there is to be one.
    ///
    /// `guest` is where the guest is now, and `taken` are its snapshots, whose names are taken.
    pub fn snapshot(
        &self,
        shutdown: &Shutdown,
        guest: &GuestRef,
        taken: &SnapshotList,
    ) -> Option<TakeSnapshot> {
        let ram = match shutdown.snapshot {
            SnapshotFirst::Ram => true,
            SnapshotFirst::Disks => false,
            SnapshotFirst::None(_) => return None,
        };
        let name: SnapshotName = SnapshotName::suggest(self.plan.time(), "", taken)
            .parse()
            .ok()?;
        let description = DESCRIPTION.to_owned();
        Some(TakeSnapshot::new(guest.clone(), name, description, ram))
    }

    /// Makes the shutdown itself, graceful and never forced; `guest` is where the guest is now.
    pub fn power(&self, shutdown: &Shutdown, guest: &GuestRef) -> Power {
        Power::new(
            guest.clone(),
            PowerAction::Shutdown,
            Some(self.timeout_seconds),
            false,
            shutdown.ha_managed,
        )
    }
}
