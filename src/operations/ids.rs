//! The ids that copies of this run are about to take.
//!
//! The server offers the same free id until somebody has it (PITFALLS 20). Copies that are made side
//! by side must not race each other; whoever races from elsewhere is met by trying again.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use crate::domain::id::Vmid;

/// The ids that were handed out in one run.
#[derive(Debug, Default)]
pub(super) struct Ids(Mutex<BTreeSet<Vmid>>);

impl Ids {
    /// Hands an id out, unless it was handed out before.
    pub(super) fn reserve(&self, vmid: Vmid) -> bool {
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        taken.insert(vmid)
    }
}
