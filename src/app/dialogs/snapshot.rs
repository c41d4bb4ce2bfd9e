//! The form that takes a snapshot.

use chrono::{DateTime, Utc};

use super::form::{Form, Item, Switch};
use super::purpose::{FormDialog, Known, Purpose};
use crate::domain::guest::{Guest, GuestRef};
use crate::domain::request::{self, Field, SnapshotRequest};
use crate::domain::snapshot::{SnapshotList, SnapshotName};

/// How long a snapshot is meant to live; retention reads it from the name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SnapshotClass {
    /// No suffix.
    Daily,
    /// The suffix `-weekly`.
    Weekly,
    /// The suffix `-monthly`.
    Monthly,
    /// The prefix `keep-`.
    Keep,
}

impl SnapshotClass {
    /// The classes in the order in which they are offered.
    pub const ORDER: [Self; 4] = [Self::Daily, Self::Weekly, Self::Monthly, Self::Keep];

    /// Returns its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Daily => "daily",
            Self::Weekly => "weekly",
            Self::Monthly => "monthly",
            Self::Keep => "keep",
        }
    }

    /// Suggests a name of this class that is not taken.
    pub fn suggest(self, now: DateTime<Utc>, existing: &SnapshotList) -> String {
        match self {
            Self::Daily => SnapshotName::suggest(now, "", existing),
            Self::Weekly => SnapshotName::suggest(now, "-weekly", existing),
            Self::Monthly => SnapshotName::suggest(now, "-monthly", existing),
            Self::Keep => SnapshotName::suggest_kept(now, existing),
        }
    }
}

/// What the form needs beside its fields.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct SnapshotPurpose {
    opened: DateTime<Utc>,
    /// The names that were taken when it opened, for suggestions.
    existing: SnapshotList,
}

impl FormDialog {
    /// Opens the form that takes a snapshot of a guest.
    pub(in crate::app) fn snapshot(
        guest: &Guest,
        list: Option<&SnapshotList>,
        now: DateTime<Utc>,
    ) -> Self {
        let existing = list.cloned().unwrap_or_default();
        let classes = SnapshotClass::ORDER
            .map(|class| class.as_str().to_owned())
            .to_vec();
        let items = vec![
            Item::text(
                Field::Name,
                "name",
                SnapshotClass::Daily.suggest(now, &existing),
            ),
            Item::choice(Field::Class, "kept as", classes),
            Item::text(Field::Description, "description", ""),
            Item::switch(Field::Ram, "memory", Switch::new("save the RAM too", false)),
        ];
        let target = guest.to_ref();
        let form = Form::new(
            format!("Snapshot of {target} on {}", target.node),
            items,
            "take it",
        );
        Self::new(
            target,
            form,
            Purpose::Snapshot(SnapshotPurpose {
                opened: now,
                existing,
            }),
        )
    }
}

impl SnapshotPurpose {
    pub(super) fn suggest(&self, form: &mut Form) {
        if let Some(class) = SnapshotClass::ORDER.get(form.chosen(Field::Class)) {
            form.set_text(Field::Name, class.suggest(self.opened, &self.existing));
        }
    }

    #[expect(clippy::unused_self, reason = "every purpose is checked alike")]
    pub(super) fn check(&self, form: &mut Form, target: &GuestRef, known: &Known<'_>) {
        let guest = known.guest(target.vmid);
        if let Some(guest) = guest {
            form.forbid(Field::Ram, request::refuses_ram(guest));
        }
        let request = SnapshotRequest {
            guest: target.clone(),
            name: form.text(Field::Name).to_owned(),
            description: form.text(Field::Description).trim_end().to_owned(),
            ram: form.is_on(Field::Ram),
        };
        form.checked = request.check(guest, known.snapshots);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::snapshot::Snapshot;

    #[test]
    fn no_class_suggests_a_name_that_is_taken() {
        let now = DateTime::from_timestamp(1_795_424_445, 0).unwrap();
        for class in SnapshotClass::ORDER {
            let first = class.suggest(now, &SnapshotList::default());
            let taken = SnapshotList {
                snapshots: vec![Snapshot {
                    name: first.as_str().into(),
                    taken: Some(now),
                    parent: None,
                    description: "".into(),
                    has_ram: false,
                    unfinished: None,
                }],
                ..SnapshotList::default()
            };
            let second = class.suggest(now, &taken);
            assert_ne!(first, second, "{}", class.as_str());
            assert!(second.parse::<SnapshotName>().is_ok(), "{second}");
        }
        let kept = SnapshotClass::Keep.suggest(now, &SnapshotList::default());
        assert_eq!(kept, "keep-av-20261123-0900");
    }
}
