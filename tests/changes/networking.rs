//! Network profiles: applied step by step, tried and put back, and met by others who change the same lists.

use chrono::TimeDelta;
use proxdeck::domain::failure::FailureKind;
use proxdeck::domain::firewall::ClusterFirewall;
use proxdeck::domain::guest::GuestRef;
use proxdeck::domain::guest_config::GuestConfig;
use proxdeck::domain::network::{self, Current, Foreseen, NetworkPlan, NetworkProfile, WayBack};
use proxdeck::domain::operation::{Operation, Outcome, Report};
use proxdeck::domain::request::NetworkRequest;
use proxdeck::operations::Resolver;
use proxdeck::operations::network::{read, read_cluster};
use proxdeck::simulator::{FaultKind, FaultRule, RunState};

use crate::making::{self, Wish};
use crate::stage::{Played, Stage, announced, until};
use crate::{bracketing, creating, rolling_back};

/// The guest whose network is changed: it runs, and its card passes no firewall yet.
const GUEST: u64 = 101;

/// A fence with two addresses behind a name and a network.
pub(crate) fn profile() -> NetworkProfile {
    NetworkProfile {
        name: "api".to_owned(),
        bridge: "vmbr0".parse().unwrap(),
        firewall: true,
        allow: ["api.test:443", "10.0.0.0/8"]
            .map(|it| it.parse().unwrap())
            .into(),
        block: vec!["0.0.0.0/0".parse().unwrap()],
        allow_in: None,
        dns: Some(vec!["10.0.0.53".parse().unwrap()]),
    }
}

fn resolver() -> Resolver {
    let addresses = ["192.0.2.10", "2001:db8::10"].map(|it| it.parse().unwrap());
    Resolver::table([("api.test".to_owned(), addresses.into())].into())
}

async fn current(stage: &Stage) -> Current {
    let guest = stage.guest(GUEST).await.to_ref();
    let (config, firewall) = read(&stage.client, &guest).await.unwrap();
    Current {
        config: Ok(config),
        firewall: Ok(firewall),
        cluster: read_cluster(&stage.client).await.unwrap(),
    }
}

/// Foresees what will fence a guest in: a profile, or the one that its own rules name.
pub(crate) async fn foresee(
    stage: &Stage,
    guest: &GuestRef,
    config: &GuestConfig,
    profile: Option<&str>,
) -> Foreseen {
    let Some(profiles) = &stage.profiles else {
        return Foreseen::Nothing;
    };
    let (_, firewall) = read(&stage.client, guest).await.unwrap();
    let profile = match profile {
        Some(name) => profiles.iter().find(|profile| profile.name == name),
        None => network::own_profile(&firewall.rules, profiles).unwrap(),
    };
    let Some(profile) = profile else {
        return Foreseen::Nothing;
    };
    let now = stage.client.server_time().unwrap();
    let resolved = resolver().resolve(profile.host_names(), now).await;
    Foreseen::of(guest, profile, &resolved, config, &firewall)
}

/// Leaves out of calls what nobody can announce: digests, the times in comments, and a copy's address.
fn comparable(calls: Vec<String>, vmid: u32) -> Vec<String> {
    let is_plain = |part: &&str| !part.starts_with("digest=") && !part.starts_with("comment=");
    let address = |card: &str| -> String {
        let (_, rest) = card.split_once(',').unwrap_or_default();
        format!("net0=…,{rest}")
    };
    let calls = calls.into_iter().map(|call| {
        let parts = call.split("  ").filter(is_plain).map(|part| {
            let part = part
                .replace(&format!("/qemu/{vmid}/"), "/qemu/(the new guest)/")
                .replace("%2F", "/");
            if part.starts_with("net0=") {
                address(&part)
            } else {
                part
            }
        });
        parts.collect::<Vec<_>>().join("  ")
    });
    calls.collect()
}

async fn plan(stage: &Stage, trial: Option<i64>) -> NetworkPlan {
    let current = current(stage).await;
    let guest = stage.guest(GUEST).await.to_ref();
    let now = stage.client.server_time().unwrap();
    let profile = profile();
    let resolved = resolver().resolve(profile.host_names(), now).await;
    match trial {
        None => network::plan(&guest, &profile, &resolved, &current),
        Some(seconds) => {
            let times = (now, now + TimeDelta::seconds(seconds));
            network::plan_trial(&guest, &profile, &resolved, &current, times)
        }
    }
}

async fn operation(stage: &Stage, plan: NetworkPlan) -> Operation {
    let guest = stage.guest(GUEST).await;
    NetworkRequest { plan }.check(Some(&guest)).unwrap()
}

pub(crate) async fn apply(stage: &Stage) -> Operation {
    operation(stage, plan(stage, None).await).await
}

pub(crate) async fn try_out(stage: &Stage, seconds: i64) -> Operation {
    operation(stage, plan(stage, Some(seconds)).await).await
}

/// Puts back what a trial has left behind whose proxdeck is gone.
pub(crate) async fn put_back(stage: &Stage) -> Operation {
    leave_a_trial(stage).await;
    let guest = stage.guest(GUEST).await.to_ref();
    let plan = network::put_back(&guest, &current(stage).await).unwrap();
    stage.forget_log();
    operation(stage, plan).await
}

/// Begins a trial and drops it, as a process that is killed would.
async fn leave_a_trial(stage: &Stage) {
    let operation = try_out(stage, 600).await;
    let under_way = async {
        until("a trial", || is_fenced(stage)).await;
        // The last step is followed by a look, which nobody waits for.
    };
    tokio::select! {
        _ = stage.play(&operation) => panic!("the trial ended"),
        () = under_way => {}
    }
}

fn card(stage: &Stage) -> String {
    stage.view(101).config["net0"].clone()
}

/// Tells whether the guest is fenced in as the profile says.
pub(crate) fn is_fenced(stage: &Stage) -> bool {
    let firewall = stage.simulator.world().firewall(101);
    let option = |key: &str| firewall.options.get(key).map(String::as_str);
    card(stage).contains("firewall=1")
        && option("enable") == Some("1")
        && option("policy_out") == Some("DROP")
        && firewall.sets.values().map(Vec::len).sum::<usize>() >= 3
        && firewall.rules.iter().any(|rule| rule["enable"] == "1")
}

/// Tells whether nothing of a profile is there.
pub(crate) fn is_as_before(stage: &Stage) -> bool {
    let firewall = stage.simulator.world().firewall(101);
    let is_set = |key: &str| firewall.options.contains_key(key);
    !card(stage).contains("firewall=1")
        && firewall.rules.is_empty()
        && firewall.sets.is_empty()
        && !(is_set("enable") || is_set("policy_in") || is_set("policy_out"))
}

/// Holds what is said of a trial against the world.
pub(crate) fn judge_trial(stage: &Stage, report: &Report, case: &str) {
    let promised = says(report, "as before");
    let nothing_written = report.notes.iter().any(|it| it.starts_with("0 of "))
        || matches!(&report.outcome, Outcome::Failed(_)) && report.notes.is_empty();
    let is_left = report
        .notes
        .iter()
        .any(|it| it.contains("stands in a rule"));
    // The note of a way back that failed counts its own steps, and none of them may have been done.
    if promised || (nothing_written && !is_left) {
        assert!(is_as_before(stage), "{case}: {report:?}");
    } else {
        assert!(is_left || report.outcome.is_success(), "{case}: {report:?}");
    }
}

fn has_note(played: &Played, words: &str) -> bool {
    says(&played.report, words)
}

/// Tells whether a report says something, of the trial or in a note.
fn says(report: &Report, words: &str) -> bool {
    let trial = report.trial().map(ToString::to_string);
    let mut said = report.notes.iter().chain(&trial);
    said.any(|text| text.contains(words))
}

#[tokio::test]
async fn a_profile_is_applied_as_announced_and_once() {
    let stage = Stage::new().await;
    let operation = apply(&stage).await;
    stage.forget();
    let played = stage.play(&operation).await;
    assert_eq!(played.report.outcome, Outcome::Done, "{:?}", played.report);
    // Digests are fetched at each step's turn, so that no announcement has them.
    let without_digest = |call: &String| {
        let parts = call.split("  ").filter(|part| !part.starts_with("digest="));
        parts.collect::<Vec<_>>().join("  ")
    };
    let sent: Vec<String> = stage.writes().iter().map(without_digest).collect();
    let sent: Vec<String> = sent.iter().map(|call| call.replace("%2F", "/")).collect();
    let said: Vec<String> = announced(&operation)
        .iter()
        .map(|call| call.replace("%2F", "/"))
        .collect();
    assert_eq!(sent, said);
    assert!(is_fenced(&stage));
    assert_eq!(stage.logged(), ["started", "done"]);
    let again = plan(&stage, None).await;
    assert!(again.is_empty(), "{:?}", again.steps());
}

#[tokio::test]
async fn pitfall_29_a_card_that_waits_for_the_next_start_is_said_and_not_called_fenced() {
    let stage = Stage::new().await;
    let guests = stage.client.guests();
    let guest = stage.guest(GUEST).await.to_ref();
    // Somebody wants another model, which this machine takes with its next start only.
    let other = card(&stage).replace("virtio=", "e1000=");
    let options = [("hotplug", "disk,usb"), ("net0", other.as_str())];
    for option in options {
        guests
            .set_config(&guest, &[option], &[], None)
            .await
            .unwrap();
    }
    assert!(card(&stage).starts_with("virtio="));
    let operation = apply(&stage).await;
    let played = stage.play(&operation).await;
    let Outcome::Warnings(1) = played.report.outcome else {
        panic!("{:?}", played.report);
    };
    let said = format!("net0 changes with the next start of {guest} only: it is virtio=");
    assert!(has_note(&played, &said), "{:?}", played.report.notes);
    assert!(!card(&stage).contains("firewall=1"), "{}", card(&stage));
    assert_eq!(stage.logged(), ["started", "warnings"]);
}

#[tokio::test]
async fn what_somebody_changed_since_the_plan_is_not_written_over() {
    let stage = Stage::new().await;
    let operation = apply(&stage).await;
    let guest = stage.guest(GUEST).await.to_ref();
    let firewall = stage.client.firewall();
    firewall
        .set_options(&guest, &[("enable", "1")], &[], None)
        .await
        .unwrap();
    stage.forget();
    let report = stage.play(&operation).await.report;
    let failure = report.outcome.failure().unwrap();
    assert_eq!(failure.kind, FailureKind::Conflict);
    assert!(failure.message.to_string().contains("the options of 101"));
    assert_eq!(stage.writes(), [] as [&str; 0]);
}

#[tokio::test]
async fn what_somebody_changes_meanwhile_ends_the_work_and_is_left() {
    let stage = Stage::new().await;
    let operation = apply(&stage).await;
    // One rule is in the list, and the next request for the list waits.
    let slow = FaultKind::Latency(std::time::Duration::from_millis(600));
    stage.simulator.faults().add(
        FaultRule::new(slow)
            .method("GET")
            .path("firewall/rules")
            .nth(3),
    );
    let meddle = async {
        until("our first rule", || {
            !stage.simulator.world().firewall(101).rules.is_empty()
        })
        .await;
        let guest = stage.guest(GUEST).await.to_ref();
        let rules = stage.client.firewall().rules(&guest).await.unwrap();
        let mut foreign = rules.list[0].clone();
        foreign.comment = Some("mine".into());
        stage
            .client
            .firewall()
            .add_rule(&guest, &foreign)
            .await
            .unwrap();
    };
    let (played, ()) = tokio::join!(stage.play(&operation), meddle);
    let failure = played.report.outcome.failure().unwrap();
    assert_eq!(failure.kind, FailureKind::Conflict, "{failure}");
    assert!(has_note(&played, "steps were done; not done: "));
    let rules = stage.simulator.world().firewall(101).rules;
    assert!(rules.iter().any(|rule| rule["comment"] == "mine"));
}

#[tokio::test]
async fn a_trial_that_nobody_keeps_is_put_back() {
    let stage = Stage::new().await;
    let before = stage.simulator.world().firewall(101);
    let card_before = card(&stage);
    let operation = try_out(&stage, 2).await;
    let fenced = until("the fence", || is_fenced(&stage));
    let (played, ()) = tokio::join!(stage.play(&operation), fenced);
    assert_eq!(played.report.outcome, Outcome::Done, "{:?}", played.report);
    assert_eq!(
        played.report.trial().unwrap().to_string(),
        "put back, for nobody kept it in time (net0, 3 options, 4 rules, 3 sets): everything is as \
         before, nothing of api is left"
    );
    assert_eq!(card(&stage), card_before);
    let after = stage.simulator.world().firewall(101);
    assert_eq!((after.rules, after.sets), (before.rules, before.sets));
    assert!(is_as_before(&stage));
    let actions: Vec<String> = stage
        .log()
        .iter()
        .map(|line| line["action"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(actions, ["network", "put-back", "network"]);
}

#[tokio::test]
async fn a_trial_is_kept_by_a_word() {
    let stage = Stage::new().await;
    let operation = try_out(&stage, 600).await;
    let word = async {
        until("the fence", || is_fenced(&stage)).await;
        stage.keep.cancel();
    };
    let (played, ()) = tokio::join!(stage.play(&operation), word);
    assert_eq!(played.report.outcome, Outcome::Done, "{:?}", played.report);
    assert!(has_note(&played, "kept"));
    assert!(plan(&stage, None).await.is_empty());
    let firewall = current(&stage).await.firewall.unwrap();
    assert_eq!(WayBack::find(&firewall.rules), None);
}

#[tokio::test]
async fn asked_to_stop_a_trial_puts_everything_back_first() {
    let stage = Stage::new().await;
    let operation = try_out(&stage, 600).await;
    let end = async {
        until("the fence", || is_fenced(&stage)).await;
        stage.stop.cancel();
    };
    let (played, ()) = tokio::join!(stage.play(&operation), end);
    assert_eq!(played.report.outcome, Outcome::Done, "{:?}", played.report);
    assert!(
        has_note(&played, "put back as asked (net0, "),
        "{:?}",
        played.report
    );
    assert!(has_note(&played, "nothing of api is left"));
    assert!(is_as_before(&stage));
    let last = stage.log().pop().unwrap();
    assert!(
        last["notes"][0]
            .as_str()
            .unwrap()
            .starts_with("put back as asked"),
        "{last}"
    );
}

#[tokio::test]
async fn asked_to_stop_before_a_trial_stands_whatever_was_written_is_put_back() {
    let stage = Stage::new().await;
    let operation = try_out(&stage, 600).await;
    let word = async {
        until("the record of the way back", || {
            !stage.simulator.world().firewall(101).rules.is_empty()
        })
        .await;
        stage.stop.cancel();
    };
    let (played, ()) = tokio::join!(stage.play(&operation), word);
    assert_eq!(played.report.outcome, Outcome::Done, "{:?}", played.report);
    assert!(has_note(&played, "put back as asked"));
    assert!(has_note(&played, "everything is as before"));
    assert!(is_as_before(&stage));
}

#[tokio::test]
async fn asked_to_stop_before_the_first_step_a_trial_changes_nothing_and_says_so() {
    let stage = Stage::new().await;
    let operation = try_out(&stage, 600).await;
    stage.stop.cancel();
    stage.forget();
    let played = stage.play(&operation).await;
    assert_eq!(played.report.outcome, Outcome::Done, "{:?}", played.report);
    assert!(has_note(&played, "nothing was changed"));
    assert_eq!(stage.writes(), [] as [&str; 0]);
}

#[tokio::test]
async fn a_way_back_that_is_refused_stays_a_failure_that_says_what_is_left() {
    let stage = Stage::new().await;
    let operation = try_out(&stage, 600).await;
    let end = async {
        until("the fence", || is_fenced(&stage)).await;
        let refused = FaultKind::Forbidden("/vms/101".into(), "VM.Config.Network".into());
        stage.simulator.faults().add(
            FaultRule::new(refused)
                .method("PUT")
                .path("/101/firewall/options")
                .times(99),
        );
        stage.stop.cancel();
    };
    let (played, ()) = tokio::join!(stage.play(&operation), end);
    let failure = played.report.outcome.failure().unwrap();
    assert_eq!(failure.kind, FailureKind::Forbidden, "{failure}");
    assert_eq!(played.report.trial(), None);
    for words in [
        "not everything could be put back",
        "stands in a rule of 101",
        "not done: ",
    ] {
        assert!(has_note(&played, words), "{words}: {:?}", played.report);
    }
    assert!(!is_as_before(&stage));
}

#[tokio::test]
async fn a_trial_finds_its_way_back_when_the_link_drops_meanwhile() {
    let stage = Stage::new().await;
    let operation = try_out(&stage, 2).await;
    let cut = async {
        until("the fence", || is_fenced(&stage)).await;
        let rule = FaultRule::new(FaultKind::ResetBefore)
            .path("/101/")
            .times(4);
        stage.simulator.faults().add(rule);
    };
    let (played, ()) = tokio::join!(stage.play(&operation), cut);
    assert!(
        has_note(&played, "everything is as before"),
        "{:?}",
        played.report
    );
    assert!(is_as_before(&stage));
}

#[tokio::test]
async fn a_trial_that_was_left_behind_is_found_and_put_back_by_another() {
    let stage = Stage::new().await;
    leave_a_trial(&stage).await;
    let firewall = current(&stage).await.firewall.unwrap();
    let found = WayBack::find(&firewall.rules).unwrap();
    assert_eq!(found.profile(), "api");
    let guest = stage.guest(GUEST).await.to_ref();
    let plan = network::put_back(&guest, &current(&stage).await).unwrap();
    let report = stage.play(&operation(&stage, plan).await).await.report;
    assert_eq!(report.outcome, Outcome::Done, "{report:?}");
    assert!(is_as_before(&stage));
}

#[tokio::test]
async fn what_the_datacenter_may_not_tell_is_absent_and_not_off() {
    let stage = Stage::new().await;
    let refused = FaultKind::Forbidden("/".into(), "Sys.Audit".into());
    let rule = FaultRule::new(refused).path("/cluster/firewall/options");
    stage.simulator.faults().add(rule);
    let cluster = read_cluster(&stage.client).await.unwrap();
    assert_eq!(cluster.is_enabled, None);
    assert!(cluster.sets.is_some());
    assert_ne!(cluster, ClusterFirewall::default());
}

/// Brings a guest under the profile and names it to all that follows.
async fn fenced() -> Stage {
    let mut stage = Stage::new().await;
    let operation = apply(&stage).await;
    let report = stage.play(&operation).await.report;
    assert_eq!(report.outcome, Outcome::Done, "{report:?}");
    stage.profiles = Some(vec![profile()]);
    stage.resolver = Some(resolver());
    stage
}

#[tokio::test]
async fn pitfall_22_a_branch_from_before_the_fence_starts_only_behind_it() {
    let stage = fenced().await;
    let wish = Wish {
        source: 101,
        snapshot: Some("s1"),
        vmid: "777",
        start: true,
    };
    let operation = making::clone(&stage, wish).await;
    stage.forget();
    let report = stage.play(&operation).await.report;
    assert_eq!(report.outcome, Outcome::Done, "{report:?}");
    let writes = stage.writes();
    let place = |words: &str| writes.iter().position(|call| call.contains(words)).unwrap();
    assert!(place("net0=") < place("/777/status/start"), "{writes:?}");
    let said = comparable(announced(&operation), 777);
    assert_eq!(comparable(writes, 777)[1..], said[1..]);
    assert!(stage.view(777).config["net0"].contains("firewall=1"));
    let parts: Vec<String> = report
        .parts
        .iter()
        .map(|it| it.subject.to_string())
        .collect();
    assert_eq!(parts, ["copy", "network profile", "start"]);
}

#[tokio::test]
async fn a_branch_whose_fence_cannot_be_made_sure_of_is_not_started() {
    let mut stage = fenced().await;
    stage.resolver = Some(Resolver::table(std::collections::BTreeMap::new()));
    let wish = Wish {
        source: 101,
        snapshot: Some("s1"),
        vmid: "777",
        start: true,
    };
    let operation = making::clone(&stage, wish).await;
    let report = stage.play(&operation).await.report;
    let failure = report.outcome.failure().unwrap();
    assert!(
        failure.to_string().contains("api.test does not resolve"),
        "{failure}"
    );
    assert_eq!(stage.view(777).status, RunState::Stopped);
    assert_eq!(report.half_made.len(), 1);
}

#[tokio::test]
async fn a_return_to_before_the_fence_is_fenced_in_before_the_start() {
    let stage = fenced().await;
    let operation = rolling_back::roll_back(&stage, "s1", true, None).await;
    stage.forget();
    let report = stage.play(&operation).await.report;
    assert_eq!(report.outcome, Outcome::Done, "{report:?}");
    let writes = stage.writes();
    assert!(writes[0].ends_with("/snapshot/s1/rollback"), "{writes:?}");
    let place = |words: &str| writes.iter().position(|call| call.contains(words)).unwrap();
    assert!(place("net0=") < place("/101/status/start"), "{writes:?}");
    let said = comparable(announced(&operation), 101);
    assert_eq!(comparable(writes, 101), said);
    assert!(card(&stage).contains("firewall=1"));
    assert_eq!(stage.view(101).status, RunState::Running);
}

#[tokio::test]
async fn a_bracket_from_another_bridge_is_brought_to_that_of_the_profile_before_the_start() {
    let stage = fenced().await;
    let guest = stage.guest(GUEST).await.to_ref();
    let elsewhere = card(&stage).replace("bridge=vmbr0", "bridge=vmbr7");
    let guests = stage.client.guests();
    let moved = [("net0", elsewhere.as_str())];
    guests.set_config(&guest, &moved, &[], None).await.unwrap();
    let bracket = bracketing::create(&stage, &[GUEST], 0xaaaa).await.unwrap();
    let report = stage.play(&bracket).await.report;
    assert_eq!(report.outcome, Outcome::Done, "{report:?}");
    let again = apply(&stage).await;
    let report = stage.play(&again).await.report;
    assert_eq!(report.outcome, Outcome::Done, "{report:?}");

    let operation = bracketing::restore(&stage, None).await;
    stage.forget();
    let report = stage.play(&operation).await.report;
    assert_eq!(report.outcome, Outcome::Done, "{report:?}");
    let writes = stage.writes();
    let place = |words: &str| writes.iter().position(|call| call.contains(words)).unwrap();
    assert!(place("net0=") < place("/101/status/start"), "{writes:?}");
    assert!(card(&stage).contains("bridge=vmbr0"), "{}", card(&stage));
    assert_eq!(stage.view(101).status, RunState::Running);
}

#[tokio::test]
async fn a_guest_that_resumes_from_its_memory_is_fenced_in_right_after() {
    let stage = fenced().await;
    let operation = rolling_back::roll_back(&stage, "s2ram", true, None).await;
    assert_eq!(operation.resume_unfenced().len(), 1);
    stage.forget();
    let report = stage.play(&operation).await.report;
    assert_eq!(report.outcome, Outcome::Done, "{report:?}");
    assert_eq!(
        comparable(stage.writes(), 101),
        comparable(announced(&operation), 101)
    );
    assert!(card(&stage).contains("firewall=1"));
    assert_eq!(stage.view(101).status, RunState::Running);
}

#[tokio::test]
async fn a_new_guest_is_fenced_in_before_its_first_start() {
    let mut stage = Stage::of(creating::world()).await;
    stage.profiles = Some(vec![profile()]);
    stage.resolver = Some(resolver());
    let operation = creating::create(&stage, |wish| {
        wish.profile = Some(profile().card());
        wish.start = true;
    })
    .await;
    stage.forget();
    let report = stage.play(&operation).await.report;
    assert_eq!(report.outcome, Outcome::Done, "{report:?}");
    let writes = stage.writes();
    let place = |words: &str| writes.iter().position(|call| call.contains(words)).unwrap();
    assert!(
        place("policy_out=DROP") < place("/status/start"),
        "{writes:?}"
    );
    let vmid = creating::made(report.product).vmid.get();
    let said = comparable(announced(&operation), vmid);
    assert_eq!(comparable(writes, vmid)[1..], said[1..]);
    stage.resolver = Some(Resolver::table(std::collections::BTreeMap::new()));
    stage.forget();
    let operation = creating::create(&stage, |wish| {
        wish.name = "second".into();
        wish.profile = Some(profile().card());
    })
    .await;
    let report = stage.play(&operation).await.report;
    assert!(report.outcome.failure().is_some());
    assert_eq!(stage.writes(), [] as [&str; 0], "nothing was made");
}
