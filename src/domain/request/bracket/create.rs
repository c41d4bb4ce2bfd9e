//! The wish for a bracket, or for what is missing of one.

use std::collections::BTreeSet;

use super::lists_of;
use crate::domain::bracket::{
    Bracket, BracketLine, BracketName, Member, Nonce, find_all, strangers,
};
use crate::domain::guest::GuestRef;
use crate::domain::id::Vmid;
use crate::domain::operation::{Batch, BracketDeed, BracketKind, Operation, Skipped};
use crate::domain::request::{BatchSnapshotRequest, Field, KnownGuests, Objection, Objections};

/// The wish for a bracket of several guests.
#[derive(Debug, Clone, PartialEq)]
pub struct CreateBracketRequest {
    /// The guests, as they were when the form was opened.
    pub guests: Vec<GuestRef>,
    /// The name as typed.
    pub name: String,
    /// Whether memory is saved, of the guests that have any.
    pub ram: bool,
    /// What a new bracket is known by; one that is completed keeps its own.
    pub nonce: Nonce,
}

/// What is to be taken of a bracket.
struct Taking {
    nonce: Nonce,
    guests: Vec<GuestRef>,
    /// The bracket that is completed by it.
    completes: Option<Bracket>,
}

impl CreateBracketRequest {
    /// Checks the wish against what is known now.
    ///
    /// A bracket with a hole is no bracket: a guest that cannot take part is objected to, and not
    /// left out. A name that is there already is refused on any guest whose snapshots are known; but
    /// an incomplete bracket of the same guests is completed.
    pub fn check(&self, known: &impl KnownGuests) -> Result<Operation, Vec<Objection>> {
        let mut objections = Objections::default();
        if self.guests.is_empty() {
            objections.add(Field::Whole, "no guest is meant");
        }
        let mut unread = self.guests.iter();
        if let Some(guest) = unread.find(|guest| known.snapshots(guest.vmid).is_none()) {
            let reason = format!("the snapshots of {guest} are not read yet");
            objections.add(Field::Guests, reason);
        }
        let Some(name) = objections.accept(Field::Name, BracketName::of_typed(&self.name)) else {
            return objections.or(None);
        };
        let Some(taking) = objections.accept(Field::Name, self.taking(&name, known)) else {
            return objections.or(None);
        };
        let line = BracketLine::new(taking.nonce.clone(), self.vmids());
        let batch = BatchSnapshotRequest {
            guests: taking.guests,
            name: name.snapshot().to_string(),
            description: line.to_string(),
            ram: self.ram,
        };
        let (operations, skipped, own) = batch.sort_out(known);
        for objection in own.0 {
            objections.add(objection.field, objection.reason);
        }
        for Skipped { guest, reason } in &skipped {
            objections.add(Field::Guests, format!("{guest}: {reason}"));
        }
        let deed = BracketDeed {
            kind: BracketKind::Create {
                guests: self.vmids().into_iter().collect(),
                ram: self.ram,
            },
            name,
            nonce: taking.nonce,
        };
        objections.or(Batch::of_bracket(deed, operations, Vec::new()))
    }

    /// Returns the incomplete bracket that the wish would complete, if there is one.
    pub fn completes(&self, known: &impl KnownGuests) -> Option<Bracket> {
        let name = BracketName::of_typed(&self.name).ok()?;
        self.taking(&name, known).ok()?.completes
    }

    /// Says for each guest that takes part why its memory is not saved although that is wanted.
    pub fn without_ram(&self, known: &impl KnownGuests) -> Vec<Skipped> {
        self.batch().without_ram(known)
    }

    fn batch(&self) -> BatchSnapshotRequest {
        BatchSnapshotRequest {
            guests: self.guests.clone(),
            name: self.name.clone(),
            description: String::new(),
            ram: self.ram,
        }
    }

    fn vmids(&self) -> BTreeSet<Vmid> {
        self.guests.iter().map(|guest| guest.vmid).collect()
    }

    /// Finds out of which guests snapshots are to be taken; objects to a name that is there already.
    fn taking(&self, name: &BracketName, known: &impl KnownGuests) -> Result<Taking, String> {
        let snapshot = name.snapshot();
        if let Some(guest) = strangers(name, lists_of(known)).first() {
            return Err(format!(
                "{guest} has a snapshot {snapshot} that belongs to no bracket"
            ));
        }
        let mut called = find_all(lists_of(known));
        called.retain(|bracket| bracket.name == *name);
        let bracket = match called.as_slice() {
            [] => {
                return Ok(Taking {
                    nonce: self.nonce.clone(),
                    guests: self.guests.clone(),
                    completes: None,
                });
            }
            [only] => only,
            several => {
                return Err(format!("{} brackets have this name already", several.len()));
            }
        };
        let (here, there) = (self.vmids(), bracket.vmids());
        if here != there {
            return Err(format!(
                "{} is there already, of {}",
                bracket.full_name(),
                numbers(&there)
            ));
        }
        if bracket.missing.is_empty() {
            return Err(exists(bracket));
        }
        let is_missing = |guest: &&GuestRef| bracket.missing.contains(&guest.vmid);
        Ok(Taking {
            nonce: bracket.nonce.clone(),
            guests: self.guests.iter().filter(is_missing).cloned().collect(),
            completes: Some(bracket.clone()),
        })
    }
}

/// Says that a bracket lacks nobody, and what is wrong with it all the same.
fn exists(bracket: &Bracket) -> String {
    let mut text = format!("{} is there already", bracket.full_name());
    for Member { guest, snapshot } in &bracket.members {
        if let Some(state) = &snapshot.unfinished {
            let name = &snapshot.name;
            text = format!(
                "{text}, and {name} of {guest} is unfinished ({state}); only root can clean it up"
            );
        }
    }
    text
}

fn numbers(vmids: &BTreeSet<Vmid>) -> String {
    let numbers: Vec<String> = vmids.iter().map(ToString::to_string).collect();
    numbers.join(", ")
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;
    use rstest::rstest;

    use super::super::samples::{World, vmid};
    use super::*;
    use crate::domain::guest::Status;
    use crate::domain::guest_config::GuestConfig;
    use crate::domain::id::GuestKind;
    use crate::domain::text::Text;

    fn request(world: &World, numbers: &[u64]) -> CreateBracketRequest {
        let guests = world.resources.guests.iter();
        let guests = guests.filter(|seen| numbers.contains(&u64::from(seen.guest.vmid.get())));
        CreateBracketRequest {
            guests: guests.map(|seen| seen.guest.to_ref()).collect(),
            name: "x".into(),
            ram: false,
            nonce: Nonce::new(0x0bbb_bbbb << 32),
        }
    }

    fn calls(checked: Result<Operation, Vec<Objection>>) -> Vec<String> {
        let operation = checked.unwrap();
        operation.calls().iter().map(ToString::to_string).collect()
    }

    fn reasons(checked: Result<Operation, Vec<Objection>>) -> Vec<String> {
        let objections = checked.unwrap_err();
        objections.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_snapshot_carries_the_nonce_and_all_guests() {
        let world = World::new();
        let checked = request(&world, &[104, 110]).check(&world);
        let operation = checked.clone().unwrap();
        assert_eq!(operation.title(), "bracket x of 2 guests");
        assert_eq!(operation.kind(), "bracket-create");
        assert_eq!(
            calls(checked),
            [104, 110].map(|number| format!(
                "POST /nodes/pve1/qemu/{number}/snapshot  snapname=br-x  \
                 description=proxdeck: bracket 0bbbbbbb 104,110"
            ))
        );
    }

    #[test]
    fn an_incomplete_bracket_of_the_same_guests_is_completed_with_its_own_nonce() {
        let world = World::bracketed(&[104, 110]);
        let request = request(&world, &[104, 109, 110]);
        let completed = request.completes(&world).unwrap();
        assert_eq!(completed.missing, [vmid(109)]);
        let checked = request.check(&world);
        assert_eq!(checked.clone().unwrap().title(), "bracket x of 1 guest");
        assert_eq!(
            calls(checked),
            ["POST /nodes/pve1/qemu/109/snapshot  snapname=br-x  \
                 description=proxdeck: bracket aaaa 104,109,110"]
        );
    }

    #[rstest]
    #[case::whole(&[104, 109, 110], &[104, 109, 110], "x@aaaa is there already")]
    #[case::of_others(&[104], &[104, 110], "x@aaaa is there already, of 104, 109, 110")]
    #[case::elsewhere(&[109], &[104, 110], "x@aaaa is there already, of 104, 109, 110")]
    fn a_name_that_is_there_is_refused(
        #[case] taken: &[u64],
        #[case] wanted: &[u64],
        #[case] reason: &str,
    ) {
        let world = World::bracketed(taken);
        assert_eq!(reasons(request(&world, wanted).check(&world)), [reason]);
    }

    #[test]
    fn neither_a_stranger_s_snapshot_nor_several_brackets_are_built_upon() {
        let mut world = World::bracketed(&[104]);
        world.add(109, "br-x", "mine", 1);
        let wish = request(&world, &[104, 109, 110]);
        assert_eq!(
            reasons(wish.check(&world)),
            ["109 agent-109 has a snapshot br-x that belongs to no bracket"]
        );
        assert!(wish.completes(&world).is_none());
        let mut world = World::bracketed(&[104]);
        world.add(109, "br-x", "proxdeck: bracket cccc 109,110", 1);
        let wish = request(&world, &[104, 109, 110]);
        assert_eq!(
            reasons(wish.check(&world)),
            ["2 brackets have this name already"]
        );
        assert!(wish.completes(&world).is_none());
    }

    #[test]
    fn a_bracket_has_no_hole_and_everyone_who_would_be_one_is_named() {
        let mut world = World::new();
        world.guest(104).guest.lock = Some("backup".into());
        world.guest(110).vouched = false;
        assert_eq!(
            reasons(request(&world, &[104, 109, 110]).check(&world)),
            [
                "104 agent-104: locked (backup)",
                "110 agent-110: pve1 does not answer"
            ]
        );
        let mut world = World::new();
        world.lists.remove(&vmid(109));
        assert_eq!(
            reasons(request(&world, &[104, 109]).check(&world)),
            ["the snapshots of 109 agent-109 are not read yet"]
        );
        let gone = request(&world, &[104]);
        world.resources.guests.clear();
        assert_eq!(
            reasons(gone.check(&world)),
            ["104 agent-104: guest 104 is gone"]
        );
        let none = request(&world, &[]);
        assert_eq!(reasons(none.check(&world)), ["no guest is meant"]);
    }

    #[test]
    fn a_name_is_checked_with_what_is_put_before_it() {
        let world = World::new();
        let mut wish = request(&world, &[104]);
        wish.name = "a b".into();
        let objections = wish.check(&world).unwrap_err();
        assert_eq!(objections[0].field, Field::Name);
        wish.name = "br-x".into();
        assert!(calls(wish.check(&world))[0].contains("snapname=br-x "));
    }

    #[test]
    fn memory_is_saved_where_there_is_any_and_summed_up() {
        let mut world = World::new();
        world.guest(104).guest.kind = GuestKind::Lxc;
        world.guest(109).guest.status = Status::Stopped;
        world.guest(110).guest.figures.max_memory = Some(40 << 30);
        let mut wish = request(&world, &[104, 109, 110]);
        wish.ram = true;
        let with_ram = |world: &World| {
            let calls = calls(wish.check(world));
            calls.iter().filter(|it| it.contains("vmstate=1")).count()
        };
        assert_eq!(with_ram(&world), 1);
        let left_out: Vec<u32> = wish
            .without_ram(&world)
            .iter()
            .map(|skipped| skipped.guest.vmid.get())
            .collect();
        assert_eq!(left_out, [104, 109]);
        world.storage("vmstore", "dir");
        let disk = (
            "scsi0".to_owned(),
            Text::from("vmstore:110/a.qcow2,size=8G"),
        );
        let config = GuestConfig::new([disk], None);
        world.configs.insert(vmid(110), config);
        assert_eq!(with_ram(&world), 1, "80 of 100 GiB");
        world.guest(110).guest.figures.max_memory = Some(48 << 30);
        let reason =
            "the RAM would need 96.5 GiB on storage vmstore, which would keep less than 5 % free";
        assert_eq!(
            wish.check(&world).unwrap_err(),
            [Objection::new(Field::Ram, reason)]
        );
    }
}
