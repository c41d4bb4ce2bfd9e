//! The wish that the guests of a bracket go back to it, and what would be lost by that.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::departure;
use crate::domain::bracket::{Bracket, Member};
use crate::domain::enforcement::CriticalTags;
use crate::domain::guest::{Guest, GuestRef};
use crate::domain::guest_config::GuestConfig;
use crate::domain::id::{GuestKind, Vmid};
use crate::domain::network::Foreseen;
use crate::domain::operation::{Batch, BracketDeed, BracketKind, Operation, Skipped};
use crate::domain::request::batch::{find, is_silent};
use crate::domain::request::{
    Afterwards, Danger, Field, KnownGuests, Objection, Objections, Refence, RollBackContext,
    RollBackRequest,
};
use crate::domain::text::Text;

/// The wish that the guests of a bracket go back to it.
#[derive(Debug, Clone, PartialEq)]
pub struct RestoreBracketRequest {
    /// The bracket, as it was when the form was opened.
    pub bracket: Bracket,
    /// The guests that go back; absent for all of them.
    pub only: Option<BTreeSet<Vmid>>,
    /// Whether guests may run without their fence for a moment, whose memory resumes before that is up.
    pub unfenced: bool,
}

/// What is known of a bracket's guests when they are to go back.
pub trait KnownMembers: KnownGuests {
    /// Returns the configuration that a guest's snapshot of the bracket froze, once it is read.
    fn frozen(&self, vmid: Vmid) -> Option<&GuestConfig>;
    /// Tells whether a guest's configurations are still being read.
    fn is_comparing(&self, vmid: Vmid) -> bool;
    /// Returns the tags of guests that enforcement spares.
    fn critical_tags(&self) -> Option<&CriticalTags>;
    /// Tells whether the config has any network profile that could fence a guest in.
    fn has_profiles(&self) -> bool;
}

impl RestoreBracketRequest {
    /// Checks the wish against what is known now.
    ///
    /// Guests whose snapshot is gone or another by now are left out and named. Every other obstacle
    /// is an objection: guests that were bracketed belong together, and whoever wants some of them
    /// to go back without the others has to say so.
    pub fn check(&self, known: &impl KnownMembers) -> Result<Operation, Vec<Objection>> {
        let mut objections = Objections::default();
        let bracket = &self.bracket;
        for vmid in self.only.iter().flatten() {
            if bracket.member(*vmid).is_none() {
                let reason = format!("{vmid} has no snapshot of bracket {}", bracket.name);
                objections.add(Field::Guests, reason);
            }
        }
        for vmid in bracket.unread.iter().filter(|vmid| self.wants(**vmid)) {
            let reason = format!("{vmid} belongs to it and is not read; name only the others");
            objections.add(Field::Guests, reason);
        }
        let mut skipped = self.missing(known);
        let mut operations = Vec::new();
        for member in self.wanted() {
            let (guest, vmid) = (&member.guest, member.guest.vmid);
            let list = known.snapshots(vmid);
            if let Some(reason) = list.and_then(|list| departure(member, list)) {
                let guest = guest.clone();
                skipped.push(Skipped { guest, reason });
                continue;
            }
            let checked = match is_silent(known, vmid) {
                Some(reason) => Err(vec![Objection::new(Field::Whole, reason)]),
                None => self
                    .request_of(member, known)
                    .check(&context_of(vmid, known)),
            };
            match checked {
                Ok(operation) => operations.push(operation),
                Err(reasons) => reasons.into_iter().for_each(|it| {
                    let field = if it.field == Field::Unfenced {
                        Field::Unfenced
                    } else {
                        Field::Snapshot
                    };
                    objections.add(field, format!("{guest}: {it}"));
                }),
            }
        }
        if operations.is_empty() && objections.0.is_empty() {
            let reason = match skipped.first() {
                Some(Skipped { guest, reason }) => format!("of none: {guest}: {reason}"),
                None => "no guest is meant".to_owned(),
            };
            objections.add(Field::Guests, reason);
        }
        let deed = BracketDeed {
            kind: BracketKind::Restore,
            name: bracket.name.clone(),
            nonce: bracket.nonce.clone(),
        };
        objections.or(Batch::of_bracket(deed, operations, skipped))
    }

    /// Sums up what would be lost; `now` is the server's clock.
    pub fn losses(&self, known: &impl KnownMembers, now: DateTime<Utc>) -> RestoreLosses {
        let mut losses = RestoreLosses {
            left_out: self.missing(known),
            gone: self.gone(known),
            ..RestoreLosses::default()
        };
        for member in self.wanted() {
            let guest = member.guest.clone();
            let list = known.snapshots(guest.vmid);
            if let Some(reason) = list.and_then(|list| departure(member, list)) {
                losses.left_out.push(Skipped { guest, reason });
                continue;
            }
            let own = self
                .request_of(member, known)
                .losses(&context_of(guest.vmid, known), now);
            losses.guests += 1;
            match own.time {
                Some(time) => losses.longest = losses.longest.max(Some((time, guest.vmid))),
                None => losses.undated.push(guest.clone()),
            }
            if own.hard_stop {
                losses.stopped.push(guest.clone());
            }
            match own.afterwards {
                Afterwards::Resumes => losses.resume += 1,
                Afterwards::Starts => losses.start += 1,
                Afterwards::StaysOff | Afterwards::MayBeStarted => losses.stay_off += 1,
            }
            if let Some(fence) = own.fence {
                losses.fences.push((guest.clone(), fence));
            }
            let dangers = own.dangers.into_iter();
            losses
                .dangers
                .extend(dangers.map(|danger| (guest.clone(), danger)));
            if !own.branches.is_empty() {
                losses.branches.push((guest.clone(), own.branches));
            }
            match own.changes {
                Some(changes) if changes.is_empty() => {}
                Some(changes) => losses.changed.push((guest, changes.len())),
                None => losses.uncompared.push(guest),
            }
        }
        losses
    }

    fn request_of(&self, member: &Member, known: &impl KnownMembers) -> RollBackRequest {
        RollBackRequest {
            guest: member.guest.clone(),
            snapshot: member.snapshot.clone(),
            // What ran shall run again; what has its memory saved resumes by itself.
            start: find(known, member.guest.vmid).is_some_and(Guest::is_running),
            safety: None,
            unfenced: self.unfenced,
        }
    }

    fn wants(&self, vmid: Vmid) -> bool {
        self.only.as_ref().is_none_or(|only| only.contains(&vmid))
    }

    /// Iterates over the parts of the bracket whose guests are to go back.
    pub fn wanted(&self) -> impl Iterator<Item = &Member> {
        let members = self.bracket.members.iter();
        members.filter(|member| self.wants(member.guest.vmid))
    }

    /// Names the wanted guests that are no guests any more.
    fn gone(&self, known: &impl KnownGuests) -> Vec<Vmid> {
        let missing = self.bracket.missing.iter().filter(|_| self.only.is_none());
        missing
            .filter(|vmid| find(known, **vmid).is_none())
            .copied()
            .collect()
    }

    /// Names the wanted guests that never had a snapshot of it, or have lost it.
    fn missing(&self, known: &impl KnownGuests) -> Vec<Skipped> {
        if self.only.is_some() {
            return Vec::new();
        }
        let missing = self.bracket.missing.iter();
        let there = missing.filter_map(|vmid| find(known, *vmid));
        there
            .map(|guest| Skipped {
                guest: guest.to_ref(),
                reason: format!("it has no {}", self.bracket.name.snapshot()),
            })
            .collect()
    }
}

fn context_of(vmid: Vmid, known: &impl KnownMembers) -> RollBackContext<'_> {
    let guest = find(known, vmid);
    let may_have_one =
        known.has_profiles() && guest.is_some_and(|guest| guest.kind == GuestKind::Qemu);
    RollBackContext {
        guest,
        snapshots: known.snapshots(vmid),
        present: known.config(vmid),
        frozen: known.frozen(vmid),
        comparing: known.is_comparing(vmid),
        storages: known
            .resources()
            .map_or(&[], |resources| &resources.storages),
        critical_tags: known.critical_tags(),
        // Firewalls of many guests are not read for a preview; each is looked at when its turn comes.
        fence: (!may_have_one).then_some(&Foreseen::Nothing),
    }
}

/// What is lost when the guests of a bracket go back to it, summed up.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RestoreLosses {
    /// How many guests go back.
    pub guests: usize,
    /// The longest time that is undone, and of which guest; absent where no date is known.
    pub longest: Option<(Duration, Vmid)>,
    /// The guests of which nobody knows how much is undone.
    pub undated: Vec<GuestRef>,
    /// The guests whose process is killed.
    pub stopped: Vec<GuestRef>,
    /// How many go on from their memory.
    pub resume: usize,
    /// How many boot.
    pub start: usize,
    /// How many stay off.
    pub stay_off: usize,
    /// What makes guests less safe afterwards.
    pub dangers: Vec<(GuestRef, Danger)>,
    /// How guests are fenced in again whose cards come back otherwise.
    pub fences: Vec<(GuestRef, Refence)>,
    /// The snapshots that stay on a branch beside the present.
    pub branches: Vec<(GuestRef, Vec<Text>)>,
    /// The guests whose configuration changes, and in how many options.
    pub changed: Vec<(GuestRef, usize)>,
    /// The guests whose configurations could not be compared.
    pub uncompared: Vec<GuestRef>,
    /// The guests that do not go back although they belong to the bracket.
    pub left_out: Vec<Skipped>,
    /// The guests that belong to the bracket and are no guests any more.
    pub gone: Vec<Vmid>,
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::super::lists_of;
    use super::super::samples::{World, vmid};
    use super::*;
    use crate::domain::bracket::find_all;
    use crate::domain::guest::Status;
    use crate::domain::request::samples::config;

    fn request(world: &World) -> RestoreBracketRequest {
        RestoreBracketRequest {
            bracket: find_all(lists_of(world)).remove(0),
            only: None,
            unfenced: false,
        }
    }

    fn calls(operation: &Operation) -> Vec<String> {
        operation.calls().iter().map(ToString::to_string).collect()
    }

    fn left_out(operation: &Operation) -> Vec<String> {
        let Operation::Batch(batch) = operation else {
            panic!("a bracket is always several")
        };
        batch
            .skipped()
            .iter()
            .map(|skipped| format!("{}: {}", skipped.guest, skipped.reason))
            .collect()
    }

    fn reasons(request: &RestoreBracketRequest, world: &World) -> Vec<String> {
        let objections = request.check(world).unwrap_err();
        objections.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_ran_is_started_again_and_what_has_memory_resumes_by_itself() {
        let mut world = World::bracketed(&[104, 109, 110]);
        world.guest(104).guest.status = Status::Stopped;
        world.lists.get_mut(&vmid(110)).unwrap().snapshots[0].has_ram = true;
        let operation = request(&world).check(&world).unwrap();
        assert_eq!(operation.title(), "roll back 3 guests to bracket x");
        assert_eq!(operation.kind(), "bracket-restore");
        assert_eq!(
            calls(&operation),
            [
                "POST /nodes/pve1/qemu/104/snapshot/br-x/rollback",
                "POST /nodes/pve1/qemu/109/snapshot/br-x/rollback  start=1",
                "POST /nodes/pve1/qemu/110/snapshot/br-x/rollback",
            ]
        );
        let now = DateTime::from_timestamp(10 * 3600, 0).unwrap();
        let losses = request(&world).losses(&world, now);
        assert_eq!(losses.guests, 3);
        assert_eq!(
            losses.longest,
            Some((Duration::from_secs(9 * 3600), vmid(104)))
        );
        assert_eq!(losses.stopped.len(), 2);
        assert_eq!((losses.resume, losses.start, losses.stay_off), (1, 1, 1));
        assert_eq!(losses.uncompared.len(), 3);
    }

    #[test]
    fn some_of_the_guests_can_be_named_and_no_strangers() {
        let world = World::bracketed(&[104, 110]);
        let mut request = request(&world);
        let all = request.check(&world).unwrap();
        assert_eq!(left_out(&all), ["109 agent-109: it has no br-x"]);
        request.only = Some([vmid(110)].into());
        let one = request.check(&world).unwrap();
        assert_eq!(one.title(), "roll back 1 guest to bracket x");
        assert_eq!(left_out(&one), [""; 0]);
        request.only = Some([vmid(109), vmid(110)].into());
        assert_eq!(
            reasons(&request, &world),
            ["109 has no snapshot of bracket x"]
        );
        request.only = Some(BTreeSet::new());
        assert_eq!(reasons(&request, &world), ["no guest is meant"]);
    }

    #[test]
    fn who_has_lost_the_snapshot_meanwhile_is_left_out_and_named() {
        let mut world = World::bracketed(&[104, 109, 110]);
        let request = request(&world);
        world.lists.get_mut(&vmid(104)).unwrap().snapshots.clear();
        world.lists.get_mut(&vmid(109)).unwrap().snapshots[0].taken =
            DateTime::from_timestamp(77, 0);
        let operation = request.check(&world).unwrap();
        assert_eq!(
            left_out(&operation),
            [
                "104 agent-104: br-x is gone",
                "109 agent-109: br-x has another date now: it was made anew"
            ]
        );
        let now = DateTime::from_timestamp(10 * 3600, 0).unwrap();
        assert_eq!(request.losses(&world, now).left_out.len(), 2);
        world.lists.get_mut(&vmid(110)).unwrap().snapshots[0].description =
            "proxdeck: bracket cccc 110".into();
        assert_eq!(
            reasons(&request, &world),
            ["of none: 104 agent-104: br-x is gone"]
        );
    }

    #[test]
    fn an_obstacle_at_one_guest_holds_all_until_the_others_are_named() {
        let mut world = World::bracketed(&[104, 109, 110]);
        world.storage("tank", "zfspool");
        world.storage("vmstore", "dir");
        world.frozen.insert(
            vmid(109),
            config(&[("scsi0", "tank:vm-109-disk-0,size=8G")]),
        );
        world.add(109, "later", "", 9);
        world.guest(110).guest.lock = Some("backup".into());
        let mut request = request(&world);
        assert_eq!(
            reasons(&request, &world),
            [
                "109 agent-109: storage tank (zfspool) goes back only to the newest snapshot; in the way: later",
                "110 agent-110: locked (backup)"
            ]
        );
        request.only = Some([vmid(104)].into());
        assert!(request.check(&world).is_ok());
    }

    #[test]
    fn a_guest_that_may_belong_to_it_and_is_not_read_has_to_be_left_out_by_name() {
        let mut world = World::bracketed(&[104, 110]);
        world.lists.remove(&vmid(109));
        let mut request = request(&world);
        assert_eq!(request.bracket.unread, [vmid(109)]);
        assert!(reasons(&request, &world)[0].starts_with("109 belongs to it and is not read"));
        request.only = Some([vmid(104), vmid(110)].into());
        assert!(request.check(&world).is_ok());
    }

    #[test]
    fn dangers_and_changes_are_told_of_each_guest() {
        let mut world = World::bracketed(&[104, 109]);
        let fenced = config(&[("net0", "virtio=AA,bridge=vmbr1,firewall=1")]);
        let open = config(&[("net0", "virtio=AA,bridge=vmbr1")]);
        for number in [104, 109] {
            world.configs.insert(vmid(number), fenced.clone());
        }
        world.frozen.insert(vmid(104), fenced);
        world.frozen.insert(vmid(109), open);
        let now = DateTime::from_timestamp(10 * 3600, 0).unwrap();
        let losses = request(&world).losses(&world, now);
        assert_eq!(
            told(&losses.dangers),
            ["109 agent-109: net0 goes without firewall=1: the guest is not fenced"]
        );
        assert_eq!(losses.changed.len(), 1);
        assert!(losses.uncompared.is_empty());
    }

    fn told<T: ToString>(of_guests: &[(GuestRef, T)]) -> Vec<String> {
        let told = of_guests.iter();
        told.map(|(guest, what)| format!("{guest}: {}", what.to_string()))
            .collect()
    }

    #[test]
    fn another_bridge_or_vlan_is_told_of_each_guest_and_what_its_fence_does_then() {
        let mut world = World::bracketed(&[104, 109, 110]);
        let fenced = config(&[("net0", "virtio=AA,bridge=vmbr1,firewall=1,tag=5")]);
        let open = config(&[("net0", "virtio=AA,bridge=vmbr1")]);
        let cards = [
            (104, &fenced, "virtio=AA,bridge=vmbr0,firewall=1,tag=5"),
            (109, &fenced, "virtio=AA,bridge=vmbr1,firewall=1,tag=6"),
            (110, &open, "virtio=AA,bridge=vmbr0"),
        ];
        for (number, now, then) in cards {
            world.configs.insert(vmid(number), now.clone());
            world.frozen.insert(vmid(number), config(&[("net0", then)]));
        }
        let now = DateTime::from_timestamp(10 * 3600, 0).unwrap();
        let losses = request(&world).losses(&world, now);
        assert_eq!(
            told(&losses.dangers),
            [
                "104 agent-104: net0 moves from bridge vmbr1 to vmbr0",
                "109 agent-109: net0 moves from VLAN 5 to VLAN 6, which no network profile changes",
                "110 agent-110: net0 moves from bridge vmbr1 to vmbr0",
            ]
        );
        assert_eq!(
            told(&losses.fences),
            [
                "104 agent-104: the network profile that its rules name, if any, is applied again \
                 before its start; that moves net0 to the profile's bridge"
            ]
        );
        world.has_profiles = false;
        let losses = request(&world).losses(&world, now);
        assert_eq!(losses.dangers.len(), 3);
        assert_eq!(told(&losses.fences), [""; 0], "nothing fences them in");
    }
}
