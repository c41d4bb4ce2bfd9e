//! The question before a snapshot is deleted.

use super::form::{Form, Item, Preview, Weight};
use super::purpose::{FormDialog, Known, Purpose};
use crate::domain::guest::{Guest, GuestRef};
use crate::domain::request::DeleteSnapshotRequest;
use crate::domain::snapshot::{Snapshot, SnapshotList};

/// Which snapshot is meant, as it was when the question came up.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct DeletePurpose {
    snapshot: Snapshot,
}

impl FormDialog {
    /// Opens the question whether a snapshot is deleted.
    pub(in crate::app) fn delete_snapshot(guest: &Guest, snapshot: Snapshot) -> Self {
        let target = guest.to_ref();
        let items = vec![Item::consent("keep it", "delete it")];
        let title = format!("Delete a snapshot of {target} on {}", target.node);
        let mut form = Form::new(title, items, "delete it");
        form.refusal = "keep it";
        Self::new(target, form, Purpose::Delete(DeletePurpose { snapshot }))
    }
}

impl DeletePurpose {
    pub(super) fn check(&self, form: &mut Form, target: &GuestRef, known: &Known<'_>) {
        let snapshot = &self.snapshot;
        let mut preview = vec![Preview::new(
            "deletes",
            snapshot.name.to_string(),
            Weight::Loss,
        )];
        if !snapshot.description.is_blank() {
            preview.push(Preview::new(
                "",
                snapshot.description.to_string(),
                Weight::Plain,
            ));
        }
        if let Some(taken) = snapshot.taken {
            let text = format!("{} UTC", taken.format("%Y-%m-%d %H:%M"));
            preview.push(Preview::new("taken", text, Weight::Plain));
        }
        if snapshot.has_ram {
            preview.push(Preview::new("", "with the RAM saved in it", Weight::Plain));
        }
        preview.push(Preview::new(
            "then",
            self.consequence(known.snapshots),
            Weight::Plain,
        ));
        form.preview = preview;
        let request = DeleteSnapshotRequest {
            guest: target.clone(),
            snapshot: snapshot.clone(),
        };
        form.checked = request.check(known.guest(target.vmid), known.snapshots);
    }

    /// Says what becomes of what descends from it.
    fn consequence(&self, list: Option<&SnapshotList>) -> String {
        let name = &self.snapshot.name;
        let children = list.map_or(0, |list| {
            list.snapshots
                .iter()
                .filter(|each| each.parent.as_ref() == Some(name))
                .count()
        });
        let is_base = list.is_some_and(|list| list.current_parent.as_ref() == Some(name));
        match (children, is_base) {
            (0, false) => "nothing else changes; it cannot be undone".to_owned(),
            (0, true) => "the guest goes on as it is; it cannot be undone".to_owned(),
            (1, _) => "the snapshot after it stays; it cannot be undone".to_owned(),
            (count, _) => format!("the {count} snapshots after it stay; it cannot be undone"),
        }
    }
}
