//! Wishes about a guest's snapshots: taking one, deleting one, marking one as to be kept.

use super::{Field, Objection, Objections};
use crate::domain::bracket::is_still_of;
use crate::domain::guest::{Guest, GuestRef, Status};
use crate::domain::id::GuestKind;
use crate::domain::operation::{DeleteSnapshot, KeepMark, Operation, TakeSnapshot};
use crate::domain::retention::{Mark, OWN_MARK, Policy};
use crate::domain::snapshot::{Snapshot, SnapshotList, SnapshotName};
use crate::domain::text::Text;

/// The wish for a snapshot.
#[derive(Debug, Clone, PartialEq)]
pub struct SnapshotRequest {
    /// The guest, as it was when the form was opened.
    pub guest: GuestRef,
    /// The name as typed.
    pub name: String,
    /// The description as typed.
    pub description: String,
    /// Whether memory is to be saved.
    pub ram: bool,
}

impl SnapshotRequest {
    /// Checks the wish against the guest as it is now and its snapshots, where they are known.
    pub fn check(
        &self,
        guest: Option<&Guest>,
        existing: Option<&SnapshotList>,
    ) -> Result<Operation, Vec<Objection>> {
        self.check_parts(guest, existing)
            .map(Operation::TakeSnapshot)
    }

    pub(super) fn check_parts(
        &self,
        guest: Option<&Guest>,
        existing: Option<&SnapshotList>,
    ) -> Result<TakeSnapshot, Vec<Objection>> {
        let mut objections = Objections::default();
        if let Some(guest) = objections.same_guest(&self.guest, guest) {
            objections.add_some(Field::Whole, refuses_snapshots(guest));
            if self.ram {
                objections.add_some(Field::Ram, refuses_ram(guest));
            }
        }
        let name = objections.accept(Field::Name, new_name(&self.name, self.guest.kind, existing));
        objections.description(&self.description);
        objections.or(name.map(|name| {
            TakeSnapshot::new(
                // The node may have changed since the form was opened; identity has been checked.
                guest.map_or_else(|| self.guest.clone(), Guest::to_ref),
                name,
                self.description.clone(),
                self.ram,
            )
        }))
    }
}

/// Checks a name for a new snapshot of a guest.
fn new_name(
    text: &str,
    kind: GuestKind,
    existing: Option<&SnapshotList>,
) -> Result<SnapshotName, String> {
    let name: SnapshotName = text
        .parse()
        .map_err(|reason: crate::domain::snapshot::InvalidSnapshotName| reason.to_string())?;
    if kind == GuestKind::Lxc && text == "vzdump" {
        return Err("`vzdump` is a reserved word of Proxmox VE for containers".to_owned());
    }
    if existing.is_some_and(|list| list.find(text).is_some()) {
        return Err(format!("{name} exists already"));
    }
    Ok(name)
}

/// Says why a guest's snapshots cannot be changed now, if so.
pub fn refuses_snapshots(guest: &Guest) -> Option<String> {
    if guest.template {
        return Some("a template cannot have snapshots".to_owned());
    }
    guest.lock.as_ref().map(|lock| format!("locked ({lock})"))
}

/// Says why a guest's memory cannot be saved now, if so.
pub fn refuses_ram(guest: &Guest) -> Option<String> {
    if guest.kind == GuestKind::Lxc {
        return Some("a container has no RAM to save".to_owned());
    }
    match &guest.status {
        Status::Running | Status::Paused => None,
        status @ (Status::Stopped
        | Status::Suspended
        | Status::Prelaunch
        | Status::IoError
        | Status::InternalError
        | Status::Unknown
        | Status::Other(_)) => Some(format!(
            "only a running guest has RAM to save; this one is {status}"
        )),
    }
}

impl Objections {
    /// Objects unless the snapshot is there, finished, and still the one that was meant.
    ///
    /// A snapshot is the one that was meant while its date is the same: names are used again.
    pub(super) fn same_snapshot<'a>(
        &mut self,
        meant: &Snapshot,
        list: Option<&'a SnapshotList>,
    ) -> Option<&'a Snapshot> {
        let name = &meant.name;
        let Some(list) = list else {
            let reason = "the guest's snapshots are not read yet";
            self.add(Field::Snapshot, reason);
            return None;
        };
        let Some(found) = list.find(name.raw()) else {
            self.add(Field::Snapshot, format!("snapshot {name} is gone"));
            return None;
        };
        if found.taken != meant.taken {
            let reason = format!("{name} is not the snapshot that was meant: its date changed");
            self.add(Field::Snapshot, reason);
        } else if !is_still_of(meant.description.raw(), found.description.raw()) {
            let reason = format!("{name} no longer belongs to the bracket that was meant");
            self.add(Field::Snapshot, reason);
        }
        if let Some(state) = &found.unfinished {
            let reason = format!("{name} is unfinished ({state}); only root can clean it up");
            self.add(Field::Snapshot, reason);
        }
        Some(found)
    }
}

/// The wish that a snapshot be deleted.
#[derive(Debug, Clone, PartialEq)]
pub struct DeleteSnapshotRequest {
    /// The guest, as it was when the form was opened.
    pub guest: GuestRef,
    /// The snapshot, as it was when the form was opened.
    pub snapshot: Snapshot,
}

impl DeleteSnapshotRequest {
    /// Checks the wish against the guest as it is now and its snapshots, which must be known.
    pub fn check(
        &self,
        guest: Option<&Guest>,
        existing: Option<&SnapshotList>,
    ) -> Result<Operation, Vec<Objection>> {
        let mut objections = Objections::default();
        let guest = objections.same_guest(&self.guest, guest);
        if let Some(guest) = guest {
            objections.add_some(Field::Whole, refuses_snapshots(guest));
        }
        let found = objections.same_snapshot(&self.snapshot, existing);
        objections.or(guest.zip(found).map(|(guest, snapshot)| {
            Operation::DeleteSnapshot(DeleteSnapshot::new(guest.to_ref(), snapshot.clone()))
        }))
    }
}

/// The wish that a snapshot be kept by retention, or no longer.
#[derive(Debug, Clone, PartialEq)]
pub struct KeepMarkRequest {
    /// The guest, as it was when the wish came up.
    pub guest: GuestRef,
    /// The snapshot, as it was when the wish came up.
    pub snapshot: Snapshot,
    /// Whether it is to be kept.
    pub keep: bool,
}

impl KeepMarkRequest {
    /// Checks the wish against the guest as it is now and its snapshots, which must be known.
    ///
    /// `policy` tells what counts as a mark. All marks of the description are taken off together,
    /// since any one of them keeps the snapshot; one in the name cannot be taken off.
    pub fn check(
        &self,
        guest: Option<&Guest>,
        existing: Option<&SnapshotList>,
        policy: &Policy,
    ) -> Result<Operation, Vec<Objection>> {
        let mut objections = Objections::default();
        let guest = objections.same_guest(&self.guest, guest);
        if let Some(guest) = guest {
            objections.add_some(Field::Whole, refuses_snapshots(guest));
        }
        let found = objections.same_snapshot(&self.snapshot, existing);
        let description = found.and_then(|snapshot| {
            let written = if self.keep {
                marked(snapshot, policy)
            } else {
                unmarked(snapshot, policy)
            };
            objections.accept(Field::Snapshot, written)
        });
        objections.description(description.as_deref().unwrap_or_default());
        let made = guest.zip(found).zip(description);
        objections.or(made.map(|((guest, snapshot), description)| {
            let mark = self.keep.then(|| Mark::Description(OWN_MARK.to_owned()));
            let guest = guest.to_ref();
            let mark = KeepMark::new(guest, snapshot.clone(), mark, description);
            Operation::KeepMark(Box::new(mark))
        }))
    }
}

/// Returns the description with our mark, on a line of its own so that other lines stay readable.
fn marked(snapshot: &Snapshot, policy: &Policy) -> Result<String, String> {
    if let Some(mark) = policy.mark_of(snapshot) {
        return Err(format!(
            "{} is kept already: marked `{mark}`",
            snapshot.name
        ));
    }
    let description = snapshot.description.raw().trim_end();
    Ok(if description.is_empty() {
        format!("#{OWN_MARK}")
    } else {
        format!("{description}\n#{OWN_MARK}")
    })
}

/// Returns the description without any mark.
fn unmarked(snapshot: &Snapshot, policy: &Policy) -> Result<String, String> {
    let name = &snapshot.name;
    match policy.mark_of(snapshot) {
        None => return Err(format!("{name} carries no keep mark")),
        Some(Mark::Name(word)) => {
            return Err(format!(
                "{name} is kept by the word `{word}` in its name, which cannot be taken off"
            ));
        }
        Some(Mark::Description(_)) => {}
    }
    let mut rest = snapshot.clone();
    // Each turn takes one mark off, so that there are at most as many turns as characters.
    while let Some(Mark::Description(word)) = policy.mark_of(&rest) {
        let Some(shorter) = without_mark(rest.description.raw(), &word) else {
            return Err(format!(
                "the mark `#{word}` in the description of {name} hides among invisible characters; edit it by hand"
            ));
        };
        rest.description = Text::new(shorter);
    }
    Ok(rest.description.raw().trim_end().to_owned())
}

/// Takes the first `#word` out of a text, with the blank before it; a line left empty goes too.
fn without_mark(text: &str, word: &str) -> Option<String> {
    let wanted = word.to_lowercase();
    let (at, end) = text.match_indices('#').find_map(|(at, _)| {
        let after = &text[at + 1..];
        let length = after
            .find(|c: char| !c.is_alphanumeric())
            .unwrap_or(after.len());
        (after[..length].to_lowercase() == wanted).then_some((at, at + 1 + length))
    })?;
    let (before, after) = (&text[..at], &text[end..]);
    let opens_line = before.is_empty() || before.ends_with('\n');
    let ends_line = after.is_empty() || after.starts_with('\n');
    Some(if opens_line && ends_line {
        format!("{before}{}", after.strip_prefix('\n').unwrap_or(after))
    } else {
        format!("{}{after}", before.strip_suffix(' ').unwrap_or(before))
    })
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::super::samples::{chain, guest, snapshot};
    use super::*;

    fn reasons(result: Result<Operation, Vec<Objection>>) -> Vec<String> {
        result
            .unwrap_err()
            .into_iter()
            .map(|objection| objection.reason)
            .collect()
    }

    fn delete(name: &str) -> DeleteSnapshotRequest {
        DeleteSnapshotRequest {
            guest: guest().to_ref(),
            snapshot: chain().find(name).unwrap().clone(),
        }
    }

    #[test]
    fn only_the_snapshot_that_was_meant_is_deleted() {
        let request = delete("second");
        let operation = request.check(Some(&guest()), Some(&chain())).unwrap();
        let calls = operation.calls();
        assert_eq!(
            calls[0].to_string(),
            "DELETE /nodes/pve1/qemu/104/snapshot/second"
        );
        assert_eq!(operation.title(), "delete second of 104 agent-4");

        let mut again = chain();
        again.snapshots[2].taken = None;
        let because = reasons(request.check(Some(&guest()), Some(&again)));
        assert_eq!(
            because,
            ["second is not the snapshot that was meant: its date changed"]
        );
        again.snapshots.clear();
        let because = reasons(request.check(Some(&guest()), Some(&again)));
        assert_eq!(because, ["snapshot second is gone"]);
        let because = reasons(request.check(Some(&guest()), None));
        assert_eq!(because, ["the guest's snapshots are not read yet"]);
    }

    #[test]
    fn pitfall_26_an_unfinished_snapshot_and_a_locked_guest_are_left_alone() {
        let (mut locked, mut list) = (guest(), chain());
        locked.lock = Some("snapshot-delete".into());
        list.snapshots[2].unfinished = Some("delete".into());
        let because = reasons(delete("second").check(Some(&locked), Some(&list)));
        assert_eq!(
            because,
            [
                "locked (snapshot-delete)",
                "second is unfinished (delete); only root can clean it up"
            ]
        );
        let mut other = guest();
        other.name = Some("somebody-else".into());
        let because = reasons(delete("second").check(Some(&other), Some(&chain())));
        assert_eq!(because, ["qemu 104 agent-4 is now qemu 104 somebody-else"]);
    }

    fn mark(description: &str, keep: bool) -> Result<String, Vec<String>> {
        named_mark("av-1", description, keep)
    }

    fn named_mark(name: &str, description: &str, keep: bool) -> Result<String, Vec<String>> {
        let mut snapshot = snapshot(name, None, 1);
        snapshot.description = description.into();
        let list = SnapshotList {
            snapshots: vec![snapshot.clone()],
            ..SnapshotList::default()
        };
        let request = KeepMarkRequest {
            guest: guest().to_ref(),
            snapshot,
            keep,
        };
        match request.check(Some(&guest()), Some(&list), &Policy::default()) {
            Ok(Operation::KeepMark(mark)) => Ok(mark.description().to_owned()),
            Ok(other) => panic!("{other:?}"),
            Err(objections) => Err(objections
                .into_iter()
                .map(|objection| objection.reason)
                .collect()),
        }
    }

    #[test]
    fn a_mark_is_put_on_its_own_line_and_taken_off_without_a_trace() {
        for description in ["", "nightly", "two\nlines", "a\n\nb"] {
            let marked = mark(description, true).unwrap();
            assert!(marked.ends_with("#keep"), "{marked:?}");
            assert_eq!(mark(&marked, false), Ok(description.to_owned()));
        }
        assert_eq!(
            mark("x #keep", true),
            Err(vec!["av-1 is kept already: marked `#keep`".to_owned()])
        );
    }

    #[test]
    fn every_mark_of_a_description_is_taken_off_and_nothing_else() {
        assert_eq!(
            mark("see #12 #Keep and #IMPORTANT, #keepsake", false),
            Ok("see #12 and, #keepsake".to_owned())
        );
        assert_eq!(mark("#keep\nrest", false), Ok("rest".to_owned()));
        assert_eq!(
            mark("rest", false),
            Err(vec!["av-1 carries no keep mark".to_owned()])
        );
        let hidden = mark("#k\u{200b}eep", false).unwrap_err();
        assert!(hidden[0].contains("invisible"), "{hidden:?}");
    }

    #[test]
    fn a_mark_in_the_name_cannot_be_taken_off() {
        let because = named_mark("before-keep-1", "#keep", false).unwrap_err();
        assert_eq!(
            because,
            ["before-keep-1 is kept by the word `keep` in its name, which cannot be taken off"]
        );
    }

    #[test]
    fn containers_reserve_a_name_of_their_own() {
        let mut container = guest();
        container.kind = GuestKind::Lxc;
        let request = SnapshotRequest {
            guest: container.to_ref(),
            name: "vzdump".into(),
            description: String::new(),
            ram: false,
        };
        assert!(request.check(Some(&container), None).is_err());
    }
}
