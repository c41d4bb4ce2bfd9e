//! Checked changes, and what is told about them while they run.
//!
//! An [`Operation`] can only come out of a request that passed its checks (`domain::request`);
//! `operations` executes it, the screen and the command line show its [`Update`]s.

mod batch;
mod bracket;
mod call;
mod clone_guest;
mod create_guest;
mod destroy;
mod enforce;
mod network;
mod power;
mod prune;
mod report;
mod roll_back;
mod snapshot;
mod stamp;

pub use batch::{Batch, Skipped};
pub use bracket::{BracketDeed, BracketKind};
pub use call::Call;
pub use clone_guest::{CloneGuest, CopyKind};
pub use create_guest::{ConfigChange, CreateGuest};
pub use destroy::DestroyGuest;
pub use enforce::Enforce;
pub use network::ChangeNetwork;
pub use power::{Power, PowerAction};
pub use prune::Prune;
pub use report::{
    Enforced, Fate, HalfMade, Outcome, Part, PowerFacts, Product, PutBackReason, Report,
    RollBackFacts, SizeEstimate, SnapshotFacts, Tally, Told, TrialEnd, TrialFacts, Update,
};
pub use roll_back::RollBack;
pub use snapshot::{DeleteSnapshot, KeepMark, TakeSnapshot};
pub use stamp::Stamp;

pub(super) use clone_guest::{Copy, CopyUses};
pub(super) use create_guest::Wish;
pub(super) use snapshot::deletion;

use super::admission::Admission;
use super::guest::GuestRef;
use super::network::Deed;
use super::permission::Need;

/// A change that may be executed.
#[derive(Debug, Clone, PartialEq)]
#[must_use = "an operation does nothing until it is run"]
pub enum Operation {
    /// Takes a snapshot.
    TakeSnapshot(TakeSnapshot),
    /// Deletes a snapshot.
    DeleteSnapshot(DeleteSnapshot),
    /// Sets or takes off a snapshot's keep mark.
    KeepMark(Box<KeepMark>),
    /// Returns a guest to a snapshot.
    RollBack(Box<RollBack>),
    /// Starts, stops or holds a guest.
    Power(Power),
    /// Makes a guest as a copy of another.
    CloneGuest(Box<CloneGuest>),
    /// Makes a guest from a template of the catalogue.
    CreateGuest(Box<CreateGuest>),
    /// Removes a guest for good.
    Destroy(Box<DestroyGuest>),
    /// Deletes what a retention plan says.
    Prune(Prune),
    /// Does what an enforcement plan says.
    Enforce(Box<Enforce>),
    /// Does what a network plan says.
    Network(Box<ChangeNetwork>),
    /// Does several of the above.
    Batch(Batch),
}

impl Operation {
    /// Returns the guest that the change concerns, the first one where there are several.
    ///
    /// Only enforcement may concern none: a throttle stands in a pool's comment.
    pub fn guest(&self) -> Option<&GuestRef> {
        Some(match self {
            Self::TakeSnapshot(operation) => operation.guest(),
            Self::DeleteSnapshot(operation) => operation.guest(),
            Self::KeepMark(operation) => operation.guest(),
            Self::RollBack(operation) => operation.guest(),
            Self::Power(operation) => operation.guest(),
            Self::CloneGuest(operation) => operation.source(),
            Self::CreateGuest(operation) => operation.source(),
            Self::Destroy(operation) => operation.guest(),
            Self::Network(operation) => operation.guest(),
            Self::Prune(operation) => operation.lead(),
            Self::Enforce(operation) => return operation.guests().next(),
            Self::Batch(batch) => return batch.lead(),
        })
    }

    /// Returns every guest that the change concerns.
    pub fn guests(&self) -> Vec<&GuestRef> {
        match self {
            Self::Prune(operation) => operation.guests().collect(),
            Self::Enforce(operation) => operation.guests().collect(),
            Self::Batch(batch) => batch.operations().flat_map(Self::guests).collect(),
            Self::TakeSnapshot(_)
            | Self::DeleteSnapshot(_)
            | Self::KeepMark(_)
            | Self::RollBack(_)
            | Self::Power(_)
            | Self::CloneGuest(_)
            | Self::CreateGuest(_)
            | Self::Destroy(_)
            | Self::Network(_) => self.guest().into_iter().collect(),
        }
    }

    /// Returns the writes that it will send, in order.
    ///
    /// Of a plan each step is looked at again first, and left out where it no longer applies.
    pub fn calls(&self) -> Vec<Call> {
        match self {
            Self::TakeSnapshot(operation) => vec![operation.call()],
            Self::DeleteSnapshot(operation) => vec![operation.call()],
            Self::KeepMark(operation) => vec![operation.call()],
            Self::RollBack(operation) => operation.calls(),
            Self::Power(operation) => vec![operation.call()],
            Self::CloneGuest(operation) => operation.calls(),
            Self::CreateGuest(operation) => operation.calls(),
            Self::Destroy(operation) => vec![operation.call()],
            Self::Prune(operation) => operation.calls(),
            Self::Enforce(operation) => operation.calls(),
            Self::Network(operation) => operation.calls(),
            Self::Batch(batch) => batch.operations().flat_map(Self::calls).collect(),
        }
    }

    /// Returns the privileges that it needs, each of them.
    pub fn needs(&self) -> Vec<Need> {
        match self {
            Self::TakeSnapshot(operation) => operation.needs(),
            Self::DeleteSnapshot(operation) => operation.needs(),
            Self::KeepMark(operation) => operation.needs(),
            Self::RollBack(operation) => operation.needs(),
            Self::Power(operation) => operation.needs(),
            Self::CloneGuest(operation) => operation.needs(),
            Self::CreateGuest(operation) => operation.needs(),
            Self::Destroy(operation) => operation.needs(),
            Self::Prune(operation) => operation.needs(),
            Self::Enforce(operation) => operation.needs(),
            Self::Network(operation) => operation.needs(),
            Self::Batch(batch) => batch.operations().flat_map(Self::needs).collect(),
        }
    }

    /// Tells whether it tries something that is put back unless somebody keeps it.
    pub fn is_trial(&self) -> bool {
        match self {
            Self::Network(operation) => matches!(operation.plan().deed(), Deed::Try(_)),
            Self::Batch(batch) => batch.operations().any(Self::is_trial),
            Self::TakeSnapshot(_)
            | Self::DeleteSnapshot(_)
            | Self::KeepMark(_)
            | Self::RollBack(_)
            | Self::Power(_)
            | Self::CloneGuest(_)
            | Self::CreateGuest(_)
            | Self::Destroy(_)
            | Self::Prune(_)
            | Self::Enforce(_) => false,
        }
    }

    /// Returns the guests that run for a moment without their fence, as a snapshot's memory resumes at once.
    pub fn resume_unfenced(&self) -> Vec<&GuestRef> {
        match self {
            Self::RollBack(operation) if operation.resumes_unfenced() => vec![operation.guest()],
            Self::Batch(batch) => batch.operations().flat_map(Self::resume_unfenced).collect(),
            Self::RollBack(_)
            | Self::TakeSnapshot(_)
            | Self::DeleteSnapshot(_)
            | Self::KeepMark(_)
            | Self::Power(_)
            | Self::CloneGuest(_)
            | Self::CreateGuest(_)
            | Self::Destroy(_)
            | Self::Prune(_)
            | Self::Enforce(_)
            | Self::Network(_) => Vec::new(),
        }
    }

    /// Returns what kept its project from taking new guests and was overridden, if so.
    pub fn overridden_throttle(&self) -> Option<&str> {
        match self {
            Self::CloneGuest(operation) => operation.admission().and_then(Admission::overridden),
            Self::CreateGuest(operation) => {
                let admission = operation.copy().admission();
                admission.and_then(Admission::overridden)
            }
            Self::Batch(batch) => batch.operations().find_map(Self::overridden_throttle),
            Self::TakeSnapshot(_)
            | Self::DeleteSnapshot(_)
            | Self::KeepMark(_)
            | Self::RollBack(_)
            | Self::Power(_)
            | Self::Destroy(_)
            | Self::Prune(_)
            | Self::Enforce(_)
            | Self::Network(_) => None,
        }
    }

    /// Returns the word under which `--json` and the audit log name it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::TakeSnapshot(_) => "snapshot",
            Self::DeleteSnapshot(_) => "delete-snapshot",
            Self::KeepMark(_) => "keep",
            Self::RollBack(_) => "rollback",
            Self::Power(operation) => operation.action().as_str(),
            Self::CloneGuest(_) => "clone",
            Self::CreateGuest(_) => "create",
            Self::Destroy(_) => "destroy",
            Self::Prune(_) => "prune",
            Self::Enforce(_) => "enforce",
            Self::Network(_) => "network",
            Self::Batch(batch) => batch.kind(),
        }
    }

    /// Returns what it does, as a title: `snapshot 104 agent-build-4`.
    pub fn title(&self) -> String {
        let mut title = self.deed();
        if self.overridden_throttle().is_some() {
            title.push_str(" (throttle overridden)");
        }
        title
    }

    fn deed(&self) -> String {
        match self {
            Self::TakeSnapshot(operation) => format!("snapshot {}", operation.guest()),
            Self::DeleteSnapshot(operation) => format!(
                "delete {} of {}",
                operation.snapshot().name,
                operation.guest()
            ),
            Self::KeepMark(operation) => {
                let verb = if operation.keeps() { "keep" } else { "unmark" };
                let name = &operation.snapshot().name;
                format!("{verb} {name} of {}", operation.guest())
            }
            Self::RollBack(operation) => format!(
                "roll back {} to {}",
                operation.guest(),
                operation.snapshot().name
            ),
            Self::Power(operation) => format!("{} {}", operation.action(), operation.guest()),
            Self::CloneGuest(operation) => {
                format!("clone {} as {}", operation.source(), operation.name())
            }
            Self::CreateGuest(operation) => {
                format!("create {} from {}", operation.name(), operation.template())
            }
            Self::Batch(batch) => batch.title(),
            Self::Enforce(operation) => operation.title(),
            Self::Network(operation) => operation.title(),
            Self::Destroy(operation) => format!("destroy {}", operation.guest()),
            Self::Prune(operation) => match operation.plan().len() {
                1 => "prune 1 snapshot".to_owned(),
                count => format!("prune {count} snapshots"),
            },
        }
    }
}
