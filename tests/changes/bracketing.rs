//! Brackets: taken, restored and dropped together, and gone on with after a partial failure.

use std::collections::{BTreeMap, BTreeSet};

use proxdeck::domain::bracket::{Bracket, Completeness, Nonce, find_all};
use proxdeck::domain::enforcement::CriticalTags;
use proxdeck::domain::guest::Guest;
use proxdeck::domain::guest_config::GuestConfig;
use proxdeck::domain::id::Vmid;
use proxdeck::domain::inventory::Resources;
use proxdeck::domain::operation::{Fate, Operation, Outcome, Report};
use proxdeck::domain::request::{
    CreateBracketRequest, DropBracketRequest, KnownGuests, KnownMembers, Objection,
    RestoreBracketRequest, lists_of,
};
use proxdeck::domain::snapshot::SnapshotList;
use proxdeck::simulator::{FaultKind, FaultRule, RunState, Scenario};

use crate::stage::{Stage, announced, until};

/// What is known of the guests 101 to 104.
pub(crate) struct Sight {
    resources: Resources,
    lists: BTreeMap<Vmid, SnapshotList>,
    configs: BTreeMap<Vmid, GuestConfig>,
    /// What snapshots froze, where that matters; elsewhere it is what is there now.
    frozen: BTreeMap<Vmid, GuestConfig>,
}

impl KnownGuests for Sight {
    fn resources(&self) -> Option<&Resources> {
        Some(&self.resources)
    }

    fn snapshots(&self, vmid: Vmid) -> Option<&SnapshotList> {
        self.lists.get(&vmid)
    }

    fn config(&self, vmid: Vmid) -> Option<&GuestConfig> {
        self.configs.get(&vmid)
    }
}

impl KnownMembers for Sight {
    fn frozen(&self, vmid: Vmid) -> Option<&GuestConfig> {
        self.frozen.get(&vmid).or_else(|| self.configs.get(&vmid))
    }

    fn is_comparing(&self, _vmid: Vmid) -> bool {
        false
    }

    fn critical_tags(&self) -> Option<&CriticalTags> {
        None
    }

    fn has_profiles(&self) -> bool {
        !self.frozen.is_empty()
    }
}

impl Sight {
    /// Returns all brackets.
    pub(crate) fn brackets(&self) -> Vec<Bracket> {
        find_all(lists_of(self))
    }
}

/// Reads guests and snapshots.
pub(crate) async fn look(stage: &Stage) -> Sight {
    let mut sight = Sight {
        resources: stage.resources().await,
        lists: BTreeMap::new(),
        configs: BTreeMap::new(),
        frozen: BTreeMap::new(),
    };
    for seen in &sight.resources.guests {
        let guest = seen.guest.to_ref();
        if seen.guest.template {
            continue;
        }
        let list = stage.snapshots(&seen.guest).await;
        sight.lists.insert(guest.vmid, list);
    }
    sight
}

/// Wishes for the bracket `x` of some guests.
pub(crate) async fn create(
    stage: &Stage,
    vmids: &[u64],
    nonce: u64,
) -> Result<Operation, Vec<Objection>> {
    let sight = look(stage).await;
    let guests = sight.resources.guests.iter().map(|seen| &seen.guest);
    let guests = guests.filter(|guest| vmids.contains(&u64::from(guest.vmid.get())));
    let request = CreateBracketRequest {
        guests: guests.map(Guest::to_ref).collect(),
        name: "x".into(),
        ram: false,
        nonce: Nonce::new(nonce << 32),
    };
    request.check(&sight)
}

/// Wishes that the guests of the one bracket go back, or some of them.
pub(crate) async fn restore(stage: &Stage, only: Option<BTreeSet<Vmid>>) -> Operation {
    let mut sight = look(stage).await;
    let bracket = sight.brackets().remove(0);
    for member in &bracket.members {
        let config = stage.client.guests().config(&member.guest).await;
        sight.configs.insert(member.guest.vmid, config.unwrap());
        if stage.profiles.is_some() {
            let name = member.snapshot.name.raw();
            let guests = stage.client.guests();
            let frozen = guests.snapshot_config(&member.guest, name).await;
            sight.frozen.insert(member.guest.vmid, frozen.unwrap());
        }
    }
    let request = RestoreBracketRequest {
        bracket,
        only,
        unfenced: true,
    };
    request.check(&sight).unwrap()
}

/// Wishes that the one bracket be dropped.
pub(crate) async fn drop(stage: &Stage) -> Operation {
    let sight = look(stage).await;
    let bracket = sight.brackets().remove(0);
    DropBracketRequest { bracket }.check(&sight).unwrap()
}

/// Starts a world in which the bracket `x` of some guests was taken.
pub(crate) async fn bracketed(vmids: &[u64]) -> Stage {
    let stage = Stage::new().await;
    let operation = create(&stage, vmids, 0xaaaa).await.unwrap();
    let report = stage.play(&operation).await.report;
    assert_eq!(report.outcome, Outcome::Done, "{report:?}");
    stage.forget_log();
    stage.forget();
    stage
}

/// The guests of the bracket that is worked on with faults: one runs, one does not.
pub(crate) const GUESTS: &[u64] = &[101, 102];

/// Holds what is said of each guest against the world.
pub(crate) fn judge(name: &str, stage: &Stage, report: &Report, case: &str) {
    assert_eq!(report.parts.len(), GUESTS.len(), "{case}");
    for part in &report.parts {
        let vmid = part.guest.vmid.get();
        let is_there = stage.names(vmid).contains(&"br-x".to_owned());
        let is_done = match name {
            "bracket" => stage.has_whole(vmid, "br-x"),
            "bracket-drop" => !is_there,
            // A guest goes back to what it descends from; only its task tells that it did.
            _ => went_back(stage, vmid),
        };
        match &part.fate {
            Fate::Ended(Outcome::Done | Outcome::Warnings(_)) => {
                assert!(is_done, "{case}: {part:?}");
            }
            // One that went back and does not run again has failed too.
            Fate::Ended(Outcome::Failed(_)) if name != "bracket-restore" || vmid == 102 => {
                assert!(!is_done, "{case}: {part:?}");
            }
            Fate::Skipped(_) | Fate::NotTried(_) => assert!(!is_done, "{case}: {part:?}"),
            Fate::Ended(Outcome::Failed(_) | Outcome::Unknown(_) | Outcome::Stopped) => {}
        }
    }
    let lines = stage.log().len();
    let whole = 2 + 2 * report.parts.len();
    assert_eq!(lines, whole, "{case}: two lines for each guest");
}

fn went_back(stage: &Stage, vmid: u32) -> bool {
    let world = stage.simulator.world();
    let tasks = world.tasks();
    let name = format!(":qmrollback:{vmid}:");
    let mut own = tasks.iter().filter(|task| task.upid.contains(&name));
    own.any(|task| task.status.as_deref() == Some("OK"))
}

/// Makes the same wish again, as the report advises, and expects all to be done in the end.
pub(crate) async fn go_on(name: &str, stage: &mut Stage, report: &Report, case: &str) {
    stage.simulator.faults().clear();
    // A client that was refused would wait before it signs in again.
    stage.sign_in_anew();
    until("the end of all tasks", || {
        let world = stage.simulator.world();
        world.tasks().iter().all(|task| task.status.is_some())
    })
    .await;
    let is_open = |fate: &Fate| {
        matches!(
            fate,
            Fate::Ended(Outcome::Failed(_) | Outcome::Stopped) | Fate::NotTried(_)
        )
    };
    let open = report.parts.iter().filter(|part| is_open(&part.fate));
    let open: BTreeSet<Vmid> = open.map(|part| part.guest.vmid).collect();
    let brackets = look(stage).await.brackets();
    let operation = match name {
        "bracket" => create(stage, GUESTS, 0xbbbb).await.ok(),
        "bracket-drop" if brackets.is_empty() => None,
        "bracket-drop" => Some(drop(stage).await),
        _ if open.is_empty() => None,
        _ => Some(restore(stage, Some(open)).await),
    };
    if let Some(operation) = &operation {
        let again = stage.play(operation).await.report;
        assert!(again.outcome.is_success(), "{case}: then {again:?}");
    }
    let brackets = look(stage).await.brackets();
    if name == "bracket-drop" {
        assert!(brackets.is_empty(), "{case}: {brackets:?}");
        return;
    }
    assert_eq!(brackets.len(), 1, "{case}: {brackets:?}");
    assert_eq!(brackets[0].members.len(), GUESTS.len(), "{case}");
    assert_eq!(brackets[0].completeness(), Completeness::Whole, "{case}");
}

/// Tells from which snapshot a guest's present descends.
pub(crate) fn parent(stage: &Stage, vmid: u32) -> Option<String> {
    stage.view(vmid).config.get("parent").cloned()
}

fn fates(report: &Report) -> Vec<String> {
    let parts = report.parts.iter();
    parts
        .map(|part| format!("{} {}", part.guest.vmid, part.fate.as_str()))
        .collect()
}

/// Lets the server refuse one write.
fn refuse(stage: &Stage, path: &str) {
    let refusal = FaultRule::new(FaultKind::Error("storage 'vmstore' is not online".into()));
    let refusal = refusal.method("POST").path(path).times(1);
    stage.simulator.faults().add(refusal);
}

fn note_of<'a>(report: &'a Report, words: &str) -> &'a str {
    let mut notes = report.notes.iter();
    notes
        .find(|note| note.contains(words))
        .unwrap_or_else(|| panic!("no note of {words:?}: {:?}", report.notes))
}

#[tokio::test]
async fn every_guest_gets_the_snapshot_and_anyone_finds_the_bracket_again() {
    let stage = Stage::new().await;
    let operation = create(&stage, &[101, 102, 150], 0xaaaa).await.unwrap();
    stage.forget();
    let report = stage.play(&operation).await.report;
    assert_eq!(report.outcome, Outcome::Done, "{report:?}");
    let mut sent = stage.writes();
    sent.sort();
    let mut said = announced(&operation);
    said.sort();
    assert_eq!(sent, said);
    assert_eq!(report.notes, ["3 done"]);
    let brackets = look(&stage).await.brackets();
    assert_eq!(brackets.len(), 1);
    assert_eq!(brackets[0].full_name(), "x@0000aaaa");
    assert_eq!(brackets[0].members.len(), 3);
    assert_eq!(brackets[0].completeness(), Completeness::Whole);
    let log = stage.log();
    assert_eq!(log.len(), 8, "begin, two lines a guest, end");
    assert_eq!(log[0]["action"], "bracket-create");
    assert_eq!(log[0]["targets"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn two_operators_who_take_the_same_name_at_once_do_not_mix() {
    let stage = Stage::new().await;
    let mine = create(&stage, &[101, 102], 0xaaaa).await.unwrap();
    let theirs = create(&stage, &[102, 103], 0xbbbb).await.unwrap();
    let (mine, theirs) = tokio::join!(stage.play(&mine), stage.play(&theirs));
    let done = mine.report.tally().done + theirs.report.tally().done;
    assert_eq!(done, 3, "{:?} {:?}", mine.report, theirs.report);
    let brackets = look(&stage).await.brackets();
    assert_eq!(brackets.len(), 2);
    let members: usize = brackets.iter().map(|it| it.members.len()).sum();
    assert_eq!(members, 3, "102 is in one of them");
    let again = create(&stage, &[101, 102], 0xcccc).await.unwrap_err();
    assert_eq!(again[0].to_string(), "2 brackets have this name already");
}

#[tokio::test]
async fn guests_go_back_together_and_run_again_where_they_ran() {
    let stage = bracketed(&[101, 102]).await;
    stage.simulator.edit(|world| {
        world.set_option(101, "memory", Some("512")).unwrap();
        world.set_option(102, "memory", Some("512")).unwrap();
    });
    let operation = restore(&stage, None).await;
    stage.forget();
    let report = stage.play(&operation).await.report;
    assert_eq!(report.outcome, Outcome::Done, "{report:?}");
    let mut sent = stage.writes();
    sent.retain(|call| !call.ends_with("status/start"));
    sent.sort();
    assert_eq!(
        sent,
        [
            "POST /nodes/pve1/qemu/101/snapshot/br-x/rollback  start=1",
            "POST /nodes/pve1/qemu/102/snapshot/br-x/rollback"
        ]
    );
    for vmid in [101, 102] {
        assert_ne!(stage.view(vmid).config.get("memory").unwrap(), "512");
        assert_eq!(parent(&stage, vmid).as_deref(), Some("br-x"));
    }
    assert_eq!(stage.view(101).status, RunState::Running);
    assert_eq!(stage.view(102).status, RunState::Stopped);
    assert_eq!(stage.log()[0]["action"], "bracket-restore");
}

#[tokio::test]
async fn what_is_missing_after_a_failure_is_taken_by_the_same_wish() {
    let stage = Stage::new().await;
    let operation = create(&stage, &[101, 102, 103], 0xaaaa).await.unwrap();
    refuse(&stage, "qemu/102/snapshot");
    let report = stage.play(&operation).await.report;
    assert!(matches!(report.outcome, Outcome::Failed(_)), "{report:?}");
    assert_eq!(fates(&report), ["101 done", "102 failed", "103 done"]);
    assert_eq!(
        note_of(&report, "incomplete"),
        "the bracket is incomplete; this takes what is missing: \
         proxdeck bracket create x 101 102 103"
    );
    let other = create(&stage, &[101, 102], 0xbbbb).await.unwrap_err();
    assert!(
        other[0]
            .reason
            .contains("is there already, of 101, 102, 103")
    );
    let again = create(&stage, &[101, 102, 103], 0xbbbb).await.unwrap();
    stage.forget();
    let report = stage.play(&again).await.report;
    assert_eq!(report.outcome, Outcome::Done, "{report:?}");
    assert_eq!(stage.writes().len(), 1, "only the one that was missing");
    let brackets = look(&stage).await.brackets();
    assert_eq!(brackets.len(), 1, "with the nonce that it has");
    assert_eq!(brackets[0].completeness(), Completeness::Whole);
    let whole = create(&stage, &[101, 102, 103], 0xcccc).await.unwrap_err();
    assert_eq!(whole[0].reason, "x@0000aaaa is there already");
}

#[tokio::test]
async fn a_half_made_snapshot_is_said_and_taken_anew_once_it_was_cleaned_up() {
    let stage = Stage::new().await;
    let operation = create(&stage, &[101, 102], 0xaaaa).await.unwrap();
    let fault = FaultRule::new(FaultKind::TaskFails(1, "disk on fire".into()));
    let fault = fault.path("qmsnapshot:102").times(1);
    stage.simulator.faults().add(fault);
    let report = stage.play(&operation).await.report;
    assert_eq!(fates(&report), ["101 done", "102 failed"]);
    assert!(note_of(&report, "lock").contains("102 db-1 is left with the lock `snapshot`"));
    let bracket = look(&stage).await.brackets().remove(0);
    assert_eq!(bracket.completeness(), Completeness::Incomplete);
    let again = create(&stage, &[101, 102], 0xbbbb).await.unwrap_err();
    assert_eq!(
        again[0].reason,
        "x@0000aaaa is there already, and br-x of 102 db-1 is unfinished (prepare); \
         only root can clean it up"
    );
    stage.simulator.edit(|world| {
        world.lock_guest(102, None).unwrap();
        world.remove_snapshot(102, "br-x").unwrap();
    });
    let again = create(&stage, &[101, 102], 0xbbbb).await.unwrap();
    let report = stage.play(&again).await.report;
    assert_eq!(fates(&report), ["102 done"]);
    let bracket = look(&stage).await.brackets().remove(0);
    assert_eq!(bracket.completeness(), Completeness::Whole);
}

#[tokio::test]
async fn after_a_failure_those_alone_go_back_that_did_not() {
    let stage = bracketed(&[101, 102, 103]).await;
    let operation = restore(&stage, None).await;
    refuse(&stage, "qemu/102/snapshot/br-x/rollback");
    let report = stage.play(&operation).await.report;
    assert_eq!(fates(&report), ["101 done", "102 failed", "103 done"]);
    assert_eq!(
        note_of(&report, "not rolled back"),
        "not rolled back: 102; this rolls back these alone: \
         proxdeck bracket restore x@0000aaaa 102"
    );
    let rest = restore(&stage, Some([Vmid::new(102).unwrap()].into())).await;
    stage.forget();
    let report = stage.play(&rest).await.report;
    assert_eq!(report.outcome, Outcome::Done, "{report:?}");
    assert_eq!(
        stage.writes(),
        ["POST /nodes/pve1/qemu/102/snapshot/br-x/rollback"]
    );
}

#[tokio::test]
async fn what_no_longer_belongs_to_the_bracket_is_left_alone() {
    for change in ["other", "none", "date", "gone"] {
        for goes in ["restore", "drop"] {
            let stage = bracketed(&[101, 102]).await;
            let operation = match goes {
                "drop" => drop(&stage).await,
                _ => restore(&stage, None).await,
            };
            let theirs = "proxdeck: bracket ffff 101";
            stage.simulator.edit(|world| {
                match change {
                    "other" => world.describe_snapshot(101, "br-x", theirs),
                    "none" => world.describe_snapshot(101, "br-x", "mine"),
                    "date" => world.set_snapshot_time(101, "br-x", Some(1_700_000_000)),
                    _ => world.remove_snapshot(101, "br-x"),
                }
                .unwrap();
            });
            stage.forget();
            let report = stage.play(&operation).await.report;
            let case = format!("{goes}, {change}: {report:?}");
            assert_eq!(fates(&report), ["101 failed", "102 done"], "{case}");
            let Fate::Ended(Outcome::Failed(failure)) = &report.parts[0].fate else {
                panic!("{case}")
            };
            let reason = match change {
                "other" | "none" => "br-x no longer belongs to the bracket that was meant",
                "date" => "br-x has another date now: it was made anew",
                _ => "br-x is gone",
            };
            assert!(failure.to_string().ends_with(reason), "{case}");
            let writes = stage.writes();
            assert_eq!(writes.len(), 1, "{case}: {writes:?}");
            assert!(writes[0].contains("/102/"), "{case}: {writes:?}");
        }
    }
}

#[tokio::test]
async fn a_keep_mark_set_meanwhile_does_not_take_it_out_of_the_bracket() {
    let stage = bracketed(&[101, 102]).await;
    let operation = drop(&stage).await;
    let line = stage.view(101).snapshots.pop().unwrap().description;
    stage.simulator.edit(|world| {
        let marked = format!("{line}\n#keep");
        world.describe_snapshot(101, "br-x", &marked).unwrap();
    });
    let report = stage.play(&operation).await.report;
    assert_eq!(fates(&report), ["101 done", "102 done"], "{report:?}");
}

#[tokio::test]
async fn a_snapshot_of_that_name_that_came_first_is_not_taken_for_ours() {
    let stage = Stage::new().await;
    let mine = create(&stage, &[101, 102], 0xaaaa).await.unwrap();
    let theirs = create(&stage, &[101], 0xbbbb).await.unwrap();
    assert_eq!(stage.play(&theirs).await.report.outcome, Outcome::Done);
    let report = stage.play(&mine).await.report;
    assert_eq!(fates(&report), ["101 failed", "102 done"], "{report:?}");
    // Nor where the task's end says nothing.
    let stage = Stage::new().await;
    let mine = create(&stage, &[101, 102], 0xaaaa).await.unwrap();
    let vanishes = FaultRule::new(FaultKind::TaskVanishes(1));
    let vanishes = vanishes.path("qmsnapshot:102").times(1);
    stage.simulator.faults().add(vanishes);
    let report = stage.play(&mine).await.report;
    assert_ne!(fates(&report)[1], "102 failed", "{report:?}");
}

#[tokio::test]
async fn asked_to_stop_it_begins_no_further_guest_and_says_how_to_go_on() {
    let mut scenario = Scenario::small();
    scenario.speed = 2.0;
    let stage = Stage::of(scenario).await;
    let operation = create(&stage, &[101, 102, 103, 104], 0xaaaa).await;
    let Ok(operation) = operation else {
        panic!("{operation:?}")
    };
    let ask_to_stop = async {
        until("a snapshot at work", || {
            let world = stage.simulator.world();
            let tasks = world.tasks();
            tasks.iter().any(|task| task.kind == "qmsnapshot")
        })
        .await;
        stage.stop.cancel();
    };
    let (played, ()) = tokio::join!(stage.play(&operation), ask_to_stop);
    let report = played.report;
    assert_eq!(report.outcome, Outcome::Stopped, "{report:?}");
    assert_eq!(report.tally().not_tried, 2, "{:?}", fates(&report));
    let command = "proxdeck bracket create x 101 102 103 104";
    assert!(note_of(&report, "incomplete").ends_with(command));
}
