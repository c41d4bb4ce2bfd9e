//! Cloning.

use chrono::DateTime;
use proxdeck::domain::operation::CopyKind;
use proxdeck::domain::operation::{Operation, Outcome, Product, Stamp};
use proxdeck::domain::request::{CloneContext, CloneRequest, PoolChoice};
use proxdeck::simulator::{FaultKind, FaultRule, RunState, Scenario};

use crate::networking;
use crate::stage::{Stage, announced, until};

pub(crate) struct Wish<'a> {
    pub(crate) source: u64,
    pub(crate) snapshot: Option<&'a str>,
    pub(crate) vmid: &'a str,
    pub(crate) start: bool,
}

impl Default for Wish<'_> {
    fn default() -> Self {
        Self {
            source: 102,
            snapshot: None,
            vmid: "",
            start: false,
        }
    }
}

pub(crate) async fn clone(stage: &Stage, wish: Wish<'_>) -> Operation {
    let guest = stage.guest(wish.source).await;
    let list = stage.snapshots(&guest).await;
    let config = stage.client.guests().config(&guest.to_ref()).await.unwrap();
    let frozen = match wish.snapshot {
        Some(name) => {
            let guests = stage.client.guests();
            guests.snapshot_config(&guest.to_ref(), name).await.unwrap()
        }
        None => config.clone(),
    };
    let fence = networking::foresee(stage, &guest.to_ref(), &frozen, None).await;
    let resources = stage.resources().await;
    let request = CloneRequest {
        source: guest.to_ref(),
        snapshot: wish.snapshot.map(|name| list.find(name).unwrap().clone()),
        kind: CopyKind::Full,
        name: "copy-1".into(),
        vmid: wish.vmid.into(),
        pool: PoolChoice::OfSource,
        target: None,
        storage: None,
        description: config.description().to_owned(),
        start: wish.start,
        overrides_throttle: false,
    };
    let context = CloneContext {
        source: Some(&guest),
        snapshots: Some(&list),
        config: Some(&config),
        resources: Some(&resources),
        fence: Some(&fence),
        ..CloneContext::default()
    };
    let stamp = Stamp::new(DateTime::from_timestamp(1_795_424_445, 0).unwrap(), 42);
    request.check(&context, &stamp).unwrap()
}

fn made(product: Option<Product>) -> u32 {
    match product {
        Some(Product::Guest(guest)) => guest.vmid.get(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_copy_is_made_with_the_next_free_id_and_carries_its_stamp() {
    let stage = Stage::new().await;
    let operation = clone(&stage, Wish::default()).await;
    stage.forget();
    let played = stage.play(&operation).await;
    assert_eq!(played.report.outcome, Outcome::Done, "{:?}", played.report);
    let vmid = made(played.report.product);
    let sent = stage
        .writes()
        .join("\n")
        .replace(&vmid.to_string(), "(the next free id)");
    assert_eq!(sent, announced(&operation).join("\n"));
    let view = stage.view(vmid);
    assert_eq!(view.name, "copy-1");
    assert_eq!(view.pool.as_deref(), Some("lab"));
    assert!(view.config["description"].contains("000000000000002a"));
    assert_eq!(view.status, RunState::Stopped);
    assert!(played.fractions.is_sorted(), "{:?}", played.fractions);
}

#[tokio::test]
async fn a_copy_of_a_running_guest_s_snapshot_is_started() {
    let stage = Stage::new().await;
    let wish = Wish {
        source: 101,
        snapshot: Some("s1"),
        vmid: "777",
        start: true,
    };
    let operation = clone(&stage, wish).await;
    stage.forget();
    let report = stage.play(&operation).await.report;
    assert_eq!(report.outcome, Outcome::Done, "{report:?}");
    assert_eq!(stage.writes(), announced(&operation));
    assert_eq!(stage.view(777).status, RunState::Running);
    assert_eq!(report.tally().done, 2);
}

#[tokio::test]
async fn pitfall_20_an_id_taken_meanwhile_is_replaced_by_another() {
    let stage = Stage::new().await;
    let operation = clone(&stage, Wish::default()).await;
    let taken = FaultRule::new(FaultKind::Error(
        "unable to create VM 105: config file already exists".into(),
    ));
    let fault = stage.simulator.faults().add(taken.method("POST").times(4));
    let played = stage.play(&operation).await;
    assert_eq!(played.report.outcome, Outcome::Done, "{:?}", played.report);
    assert_eq!(stage.simulator.faults().strikes(fault), 4);

    let stage = Stage::new().await;
    let operation = clone(&stage, Wish::default()).await;
    let taken = FaultRule::new(FaultKind::TaskFails(
        1,
        "unable to create VM 105: config file already exists".into(),
    ));
    stage.simulator.faults().add(taken.path("qmclone"));
    stage.forget();
    let report = stage.play(&operation).await.report;
    assert!(matches!(report.outcome, Outcome::Failed(_)));
    assert_eq!(stage.writes().len(), 5, "at most five ids are tried");
}

#[tokio::test]
async fn a_chosen_id_is_never_replaced() {
    let stage = Stage::new().await;
    let wish = Wish {
        vmid: "777",
        ..Wish::default()
    };
    let operation = clone(&stage, wish).await;
    let taken = FaultRule::new(FaultKind::Error(
        "unable to create VM 777: config file already exists".into(),
    ));
    stage.simulator.faults().add(taken.method("POST"));
    stage.forget();
    let report = stage.play(&operation).await.report;
    assert!(matches!(report.outcome, Outcome::Failed(_)));
    assert_eq!(stage.writes().len(), 1);
}

#[tokio::test]
async fn a_copy_whose_start_failed_is_reported_as_existing() {
    let stage = Stage::new().await;
    let wish = Wish {
        start: true,
        ..Wish::default()
    };
    let operation = clone(&stage, wish).await;
    let fault = FaultRule::new(FaultKind::TaskFails(1, "no memory left".into()));
    stage.simulator.faults().add(fault.path("qmstart"));
    let report = stage.play(&operation).await.report;
    assert!(matches!(report.outcome, Outcome::Failed(_)));
    let vmid = made(report.product);
    assert_eq!(stage.view(vmid).name, "copy-1");
    assert!(report.notes[0].contains("exists"), "{:?}", report.notes);
    let last = stage.log().pop().unwrap();
    assert_eq!(last["made"]["vmid"], vmid);
}

#[tokio::test]
async fn asked_to_begin_nothing_more_a_copy_at_work_is_finished_and_not_started() {
    let stage = Stage::unhurried().await;
    let wish = Wish {
        start: true,
        ..Wish::default()
    };
    let operation = clone(&stage, wish).await;
    stage.forget();
    let ask_to_stop = async {
        until("the copy's begin", || {
            let world = stage.simulator.world();
            world.tasks().iter().any(|task| task.kind == "qmclone")
        })
        .await;
        stage.stop.cancel();
    };
    let (played, ()) = tokio::join!(stage.play(&operation), ask_to_stop);
    let report = played.report;
    let writes = stage.writes();
    assert_eq!(
        writes.len(),
        1,
        "hours of copying are not thrown away: {writes:?}"
    );
    assert_eq!(report.outcome, Outcome::Stopped, "{report:?}");
    assert!(report.notes[0].contains("was not started"), "{report:?}");
    let vmid = made(report.product);
    assert_eq!(stage.view(vmid).status, RunState::Stopped);
}

#[tokio::test]
async fn a_copy_that_somebody_stops_at_the_server_is_told_and_leaves_nothing() {
    let mut scenario = Scenario::small();
    scenario.speed = 1.0;
    let stage = Stage::of(scenario).await;
    let operation = clone(&stage, Wish::default()).await;
    let stop_it = async {
        let mut upid = None;
        until("the copy's begin", || {
            let world = stage.simulator.world();
            let tasks = world.tasks();
            let found = tasks
                .iter()
                .find(|task| task.kind == "qmclone" && task.log.len() > 4);
            upid = found.map(|task| task.upid.parse().unwrap());
            upid.is_some()
        })
        .await;
        stage.client.tasks().stop(&upid.unwrap()).await.unwrap();
    };
    let (played, ()) = tokio::join!(stage.play(&operation), stop_it);
    let report = played.report;
    let failure = report.outcome.failure().unwrap();
    let reason = failure.message.to_string();
    assert!(reason.ends_with("interrupted by signal"), "{reason}");
    let guests = stage.simulator.world().guests();
    assert!(guests.iter().all(|guest| guest.name != "copy-1"));
    assert_eq!(report.product, None);
}

#[tokio::test]
async fn a_source_that_moved_is_copied_on_its_new_node() {
    let stage = Stage::with_two_nodes().await;
    let wish = Wish {
        start: true,
        ..Wish::default()
    };
    let operation = clone(&stage, wish).await;
    stage
        .simulator
        .edit(|world| world.move_guest(102, "pve2").unwrap());
    let report = stage.play(&operation).await.report;
    assert_eq!(report.outcome, Outcome::Done, "{report:?}");
    let vmid = made(report.product);
    assert_eq!(stage.view(vmid).node, "pve2");
    assert_eq!(stage.view(vmid).status, RunState::Running);
}
