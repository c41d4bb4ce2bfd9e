//! Requests as a person fills them in, and the checks that turn them into operations.
//!
//! Each `check` catches everything that can be known beforehand and objects to all of it at once;
//! what is unknown is left to the server, never guessed.

mod batch;
mod bracket;
mod clone_guest;
mod create_guest;
mod danger;
mod destroy;
mod enforce;
mod losses;
mod network;
mod permitted;
mod places;
mod power;
mod prune;
mod refence;
mod roll_back;
mod snapshot;
mod state_space;

pub use batch::{BatchPowerRequest, BatchSnapshotRequest, KnownGuests};
pub use bracket::{
    CreateBracketRequest, DropBracketRequest, KnownMembers, RestoreBracketRequest, RestoreLosses,
    lists_of,
};
pub use clone_guest::{
    CloneContext, CloneRequest, PoolChoice, copied_along, critical_tags_copied, refuses_clones,
};
pub use create_guest::{CreateContext, CreateRequest, MOST_GUESTS, refuses_template};
pub use danger::Danger;
pub use destroy::{
    DestroyContext, DestroyLosses, DestroyRequest, linked_clones, refuses_destruction,
    refuses_destruction_in,
};
pub use enforce::EnforceRequest;
pub use losses::{Afterwards, ConfigChange, Losses};
pub use network::{BatchNetworkRequest, NetworkRequest, refuses_profile};
pub use permitted::permit;
pub use places::{Features, Original, refuses_copy, refuses_node, refuses_storage, takes_disks};
pub use power::{PowerRequest, refuses_power};
pub use prune::{MOST_CLOCK_SKEW, PruneRequest};
pub use refence::{Meanwhile, Refence, RefencedBy};
pub use roll_back::{RollBackContext, RollBackRequest};
pub use snapshot::{
    DeleteSnapshotRequest, KeepMarkRequest, SnapshotRequest, refuses_ram, refuses_snapshots,
};

pub(super) use state_space::{StateNeeds, nearly_full};

use std::fmt;

use super::admission::{Admission, JoinedProject};
use super::guest::{Guest, GuestRef};

/// The longest description that is sent; the server's limit for a guest's own is the same.
pub const MAX_DESCRIPTION: usize = 8192;

/// A field of a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Field {
    /// The whole request.
    Whole,
    /// The name.
    Name,
    /// The description.
    Description,
    /// Which guests take part.
    Guests,
    /// How long a snapshot is meant to live.
    Class,
    /// Whether memory is saved.
    Ram,
    /// The snapshot that is meant.
    Snapshot,
    /// Whether a guest goes back in place or lives on as a new one.
    Mode,
    /// Whether a copy is full or linked.
    Copy,
    /// The template of the catalogue.
    Template,
    /// How many guests are made.
    Count,
    /// The processor cores.
    Cores,
    /// The memory.
    Memory,
    /// The boot disk's size.
    Disk,
    /// The network profile.
    Network,
    /// For how long it is tried.
    Trial,
    /// What is asked whether it would pass.
    Question,
    /// The safety snapshot before a roll-back.
    Safety,
    /// Whether a guest may run without its fence until that is up again.
    Unfenced,
    /// Whether the guest is started afterwards.
    Start,
    /// The new guest's number.
    Vmid,
    /// The pool.
    Pool,
    /// Whether the throttle of the project is overridden.
    Throttle,
    /// The node.
    Node,
    /// The storage.
    Storage,
    /// The time limit.
    Timeout,
    /// Whether a guest is also taken out of what else speaks of it.
    Purge,
}

/// Why a request cannot be carried out as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Objection {
    /// The field at fault.
    pub field: Field,
    /// What is wrong with it, in one sentence.
    pub reason: String,
}

impl Objection {
    /// Makes an objection to a field.
    pub fn new(field: Field, reason: impl fmt::Display) -> Self {
        Self {
            field,
            reason: reason.to_string(),
        }
    }
}

impl fmt::Display for Objection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.reason)
    }
}

/// Collects objections while a request is checked.
#[derive(Debug, Default)]
struct Objections(Vec<Objection>);

impl Objections {
    fn add(&mut self, field: Field, reason: impl fmt::Display) {
        self.0.push(Objection::new(field, reason));
    }

    /// Adds an objection where there is a reason for one.
    fn add_some(&mut self, field: Field, reason: Option<impl fmt::Display>) {
        if let Some(reason) = reason {
            self.add(field, reason);
        }
    }

    /// Unwraps a checked field, or objects to it.
    fn accept<T, E: fmt::Display>(&mut self, field: Field, checked: Result<T, E>) -> Option<T> {
        checked.map_err(|reason| self.add(field, reason)).ok()
    }

    /// Objects unless the guest is there and still the one that was meant; returns it as it is now.
    fn same_guest<'a>(&mut self, meant: &GuestRef, found: Option<&'a Guest>) -> Option<&'a Guest> {
        let Some(guest) = found else {
            self.add(Field::Whole, format!("guest {} is gone", meant.vmid));
            return None;
        };
        let now = guest.to_ref();
        if !meant.is_same_guest(&now) {
            let reason = format!("{} {meant} is now {} {now}", meant.kind, now.kind);
            self.add(Field::Whole, reason);
        }
        Some(guest)
    }

    /// Asks the project that new guests join for admission, and objects where it has none.
    fn admit(&mut self, project: Option<&JoinedProject>, overriding: bool) -> Option<Admission> {
        self.accept(Field::Throttle, project?.admit(overriding))
    }

    /// Objects to a description that the server would cut or refuse.
    fn description(&mut self, description: &str) {
        let length = description.chars().count();
        if length > MAX_DESCRIPTION {
            let reason = format!(
                "a description has at most {MAX_DESCRIPTION} characters, this one has {length}"
            );
            self.add(Field::Description, reason);
        }
    }

    /// Returns what was made if nothing was objected to.
    fn or<T>(self, made: Option<T>) -> Result<T, Vec<Objection>> {
        match made {
            Some(made) if self.0.is_empty() => Ok(made),
            _ => Err(self.0),
        }
    }
}

#[cfg(test)]
pub(super) mod samples {
    //! Values that the tests of several requests begin with.

    use chrono::DateTime;

    use crate::domain::guest::{Figures, Guest, Status};
    use crate::domain::guest_config::GuestConfig;
    use crate::domain::id::{GuestKind, Vmid};
    use crate::domain::snapshot::{Snapshot, SnapshotList};
    use crate::domain::text::Text;

    pub(in crate::domain) fn guest() -> Guest {
        Guest {
            vmid: Vmid::new(104).unwrap(),
            kind: GuestKind::Qemu,
            node: "pve1".parse().unwrap(),
            name: Some("agent-4".into()),
            status: Status::Running,
            template: false,
            lock: None,
            tags: Vec::new(),
            pool: Some("lab".parse().unwrap()),
            ha_state: None,
            figures: Figures::default(),
        }
    }

    pub(super) fn snapshot(name: &str, parent: Option<&str>, hour: i64) -> Snapshot {
        Snapshot {
            name: name.into(),
            taken: DateTime::from_timestamp(hour * 3600, 0),
            parent: parent.map(Text::from),
            description: Text::default(),
            has_ram: false,
            unfinished: None,
        }
    }

    /// Makes `first` ← `second` ← `third` ← present.
    pub(super) fn chain() -> SnapshotList {
        SnapshotList {
            snapshots: vec![
                snapshot("third", Some("second"), 3),
                snapshot("first", None, 1),
                snapshot("second", Some("first"), 2),
            ],
            current_parent: Some("third".into()),
            digest: None,
        }
    }

    pub(super) fn config(options: &[(&str, &str)]) -> GuestConfig {
        let options = options
            .iter()
            .map(|(key, value)| ((*key).to_owned(), Text::from(*value)));
        GuestConfig::new(options, None)
    }
}
