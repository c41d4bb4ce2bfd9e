//! Guests from templates.

use chrono::DateTime;
use proxdeck::domain::guest::GuestRef;
use proxdeck::domain::network::Foreseen;
use proxdeck::domain::operation::{CopyKind, Operation, Outcome, Product, Stamp};
use proxdeck::domain::request::{CreateContext, CreateRequest};
use proxdeck::domain::template::{CardProfile, Template};
use proxdeck::simulator::{FaultKind, FaultRule, GuestView, RunState, Scenario};

use crate::networking;
use crate::stage::{Stage, announced};

/// What the mark of the first guest of every wish here ends in.
pub(crate) const NONCE: &str = "000000000000002a";

/// The small world, whose template carries everything that its copies should not have.
pub(crate) fn world() -> Scenario {
    let mut scenario = Scenario::small();
    let template = &mut scenario.guests[0];
    assert_eq!(template.vmid, 100);
    template.protection = true;
    template.onboot = true;
    template.description = Some("base image".into());
    scenario
}

/// A wish for a guest of 2 cores, 1 GiB more of memory, 12 GiB of disk, in a pool, started.
pub(crate) async fn wish(stage: &Stage) -> CreateRequest {
    CreateRequest {
        template: Template {
            name: "base".into(),
            vmid: stage.guest(100).await.vmid,
            cores: None,
            memory: None,
            disk: None,
            network: None,
            software: Vec::new(),
        },
        source: None,
        name: "agent".into(),
        count: "1".into(),
        pool: Some("lab".parse().unwrap()),
        cores: "2".into(),
        memory: "2GiB".into(),
        disk: "12GiB".into(),
        profile: None,
        target: None,
        storage: None,
        kind: None,
        tag: Some("autovibe".into()),
        start: true,
        overrides_throttle: false,
    }
}

pub(crate) async fn check(stage: &Stage, request: &CreateRequest) -> Operation {
    check_with(stage, request, 42).await
}

pub(crate) async fn check_with(stage: &Stage, request: &CreateRequest, nonce: u64) -> Operation {
    let source = stage.guest(100).await;
    let guests = stage.client.guests();
    let config = guests.config(&source.to_ref()).await.unwrap();
    let resources = stage.resources().await;
    let fence = match &request.profile {
        None => Foreseen::Nothing,
        Some(card) => {
            let wanted = card.card_for(&config).map(|card| card.to_string());
            let config = match wanted {
                Some(card) => config.with("net0", card.as_str()),
                None => config.clone(),
            };
            networking::foresee(stage, &source.to_ref(), &config, Some(&card.name)).await
        }
    };
    let context = CreateContext {
        source: Some(&source),
        fence: Some(&fence),
        config: Some(&config),
        resources: Some(&resources),
        ..CreateContext::default()
    };
    let stamp = Stamp::new(DateTime::from_timestamp(1_795_424_445, 0).unwrap(), nonce);
    request.check(&context, &stamp).unwrap()
}

/// Checks a wish that differs from the usual one.
pub(crate) async fn create(stage: &Stage, change: impl FnOnce(&mut CreateRequest)) -> Operation {
    let mut request = wish(stage).await;
    change(&mut request);
    check(stage, &request).await
}

pub(crate) fn made(product: Option<Product>) -> GuestRef {
    match product {
        Some(Product::Guest(guest)) => guest,
        other => panic!("{other:?}"),
    }
}

/// Writes what was sent as it is announced, when nothing of the new guest is known yet.
fn sent(stage: &Stage, vmid: u32, view: &GuestView) -> Vec<String> {
    let address = view.config["net0"]
        .split(',')
        .next()
        .and_then(|model| model.split_once('='))
        .map_or("", |(_, address)| address);
    let writes = stage.writes().into_iter();
    writes
        .map(|call| {
            let call = match call.split_once("  digest=") {
                Some((call, _)) => call.to_owned(),
                None => call,
            };
            call.replace(&format!("newid={vmid}"), "newid=(the next free id)")
                .replace(&format!("/{vmid}/"), "/(the new guest)/")
                .replace(address, "(its own)")
        })
        .collect()
}

/// Tells whether a guest is what the usual wish wants, but for its run state.
pub(crate) fn is_configured(view: &GuestView) -> bool {
    let has = |key: &str, value: &str| view.config.get(key).is_some_and(|it| it == value);
    has("cores", "2")
        && has("memory", "2048")
        && has("tags", "autovibe")
        && view.config["scsi0"].contains("size=12G")
        && !view.config.contains_key("protection")
        && !view.config.contains_key("onboot")
}

/// Tells whether there is exactly one guest of each name, as wanted and running.
pub(crate) fn finished(stage: &Stage, names: &[&str]) -> bool {
    let guests = stage.simulator.world().guests();
    names.iter().all(|name| {
        let mut called = guests.iter().filter(|guest| guest.name == *name);
        let is_whole =
            |guest: &GuestView| is_configured(guest) && guest.status == RunState::Running;
        called.next().is_some_and(is_whole) && called.next().is_none()
    })
}

pub(crate) fn guests_called(stage: &Stage, name: &str) -> Vec<GuestView> {
    let mut guests = stage.simulator.world().guests();
    guests.retain(|guest| guest.name.starts_with(name));
    guests
}

#[tokio::test]
async fn pitfall_22_a_guest_is_copied_configured_grown_and_started_as_announced() {
    let stage = Stage::of(world()).await;
    let operation = create(&stage, |_| {}).await;
    let template = stage.view(100);
    stage.forget();
    let played = stage.play(&operation).await;
    let report = played.report;
    assert_eq!(report.outcome, Outcome::Done, "{report:?}");
    let guest = made(report.product);
    assert_eq!(guest.name.as_ref().unwrap().raw(), "agent");
    let view = stage.view(guest.vmid.get());
    assert_eq!(sent(&stage, guest.vmid.get(), &view), announced(&operation));
    assert_eq!(view.name, "agent");
    assert!(is_configured(&view), "{view:?}");
    assert_eq!(view.status, RunState::Running);
    assert_eq!(view.pool.as_deref(), Some("lab"));
    assert_eq!(
        view.config["description"].trim_end(),
        format!("base image\nproxdeck: created 2026-11-23T09:00:45Z {NONCE}")
    );
    assert_ne!(
        view.config["net0"], template.config["net0"],
        "an address of its own"
    );
    assert!(!view.config.contains_key("template"));
    assert_eq!(report.notes, [""; 0]);
    assert_eq!(report.half_made, []);
    let parts: Vec<(String, &str)> = report
        .parts
        .iter()
        .map(|part| (part.subject.to_string(), part.fate.as_str()))
        .collect();
    let expected = ["copy", "configuration", "disk", "start"];
    assert_eq!(parts, expected.map(|subject| (subject.to_owned(), "done")));
    assert!(played.fractions.is_sorted(), "{:?}", played.fractions);
    assert_eq!(stage.logged(), ["started", "done"]);
    assert_eq!(stage.log()[1]["made"]["name"], "agent");
    assert_eq!(
        stage.view(100).config,
        template.config,
        "the template stays as it is"
    );
}

#[tokio::test]
async fn a_wish_for_what_the_template_is_already_is_no_more_than_a_copy() {
    let mut scenario = world();
    scenario.guests[0].protection = false;
    scenario.guests[0].onboot = false;
    scenario.guests[0].tags = "autovibe".into();
    let stage = Stage::of(scenario).await;
    let operation = create(&stage, |request| {
        request.cores = String::new();
        request.memory = "1GiB".into();
        request.disk = "8GiB".into();
        request.start = false;
    })
    .await;
    stage.forget();
    let report = stage.play(&operation).await.report;
    assert_eq!(report.outcome, Outcome::Done, "{report:?}");
    assert_eq!(stage.writes().len(), 1);
    let view = stage.view(made(report.product).vmid.get());
    assert_eq!(view.status, RunState::Stopped);
}

#[tokio::test]
async fn with_a_network_profile_a_guest_stays_stopped_and_is_said_to_be_not_fenced() {
    let stage = Stage::of(world()).await;
    let operation = create(&stage, |request| {
        request.profile = Some(CardProfile {
            name: "api_access".into(),
            bridge: "vmbr1".into(),
            firewall: true,
        });
    })
    .await;
    stage.forget();
    let report = stage.play(&operation).await.report;
    assert_eq!(report.outcome, Outcome::Done, "{report:?}");
    let guest = made(report.product);
    let view = stage.view(guest.vmid.get());
    let said = announced(&operation);
    let (start, before) = said.split_last().unwrap();
    assert!(start.ends_with("/status/start"), "it waits for the fence");
    assert_eq!(sent(&stage, guest.vmid.get(), &view), before);
    assert_eq!(view.status, RunState::Stopped);
    let card = &view.config["net0"];
    assert!(
        card.contains("bridge=vmbr1") && card.contains("firewall=1"),
        "{card}"
    );
    assert!(card.starts_with("virtio=BC:24:11:"), "{card}");
    assert_eq!(
        report.notes,
        [format!(
            "not fenced: the rules of network profile api_access are not applied; {guest} stays stopped"
        )]
    );
}

#[tokio::test]
async fn pitfall_23_linked_copies_refer_to_the_base_image_and_full_ones_lie_where_they_are_wanted()
{
    let stage = Stage::of(world()).await;
    let linked = create(&stage, |_| {}).await;
    stage.forget();
    let report = stage.play(&linked).await.report;
    let view = stage.view(made(report.product).vmid.get());
    let disk = &view.config["scsi0"];
    assert!(
        disk.starts_with("vmstore:100/base-100-disk-0.qcow2/"),
        "{disk}"
    );
    let written = stage.writes().remove(0);
    assert!(
        !written.contains("storage=") && !written.contains("format="),
        "{written}"
    );
    let stage = Stage::of(world()).await;
    let full = create(&stage, |request| {
        request.storage = Some("local-lvm".parse().unwrap());
    })
    .await;
    let report = stage.play(&full).await.report;
    assert_eq!(report.outcome, Outcome::Done, "{report:?}");
    let view = stage.view(made(report.product).vmid.get());
    let disk = &view.config["scsi0"];
    assert!(
        disk.starts_with("local-lvm:vm-") && disk.ends_with("size=12G"),
        "{disk}"
    );
    let full = create(&stage, |request| request.kind = Some(CopyKind::Full)).await;
    let report = stage.play(&full).await.report;
    let view = stage.view(made(report.product).vmid.get());
    let disk = &view.config["scsi0"];
    assert!(!disk.contains("base-100"), "{disk}");
}

#[tokio::test]
async fn a_disk_that_could_not_grow_leaves_a_guest_that_is_named_with_its_mark() {
    let stage = Stage::of(world()).await;
    let operation = create(&stage, |_| {}).await;
    let fault = FaultRule::new(FaultKind::TaskFails(1, "no space left".into()));
    stage.simulator.faults().add(fault.path("resize"));
    let report = stage.play(&operation).await.report;
    assert!(matches!(report.outcome, Outcome::Failed(_)), "{report:?}");
    let guest = made(report.product);
    assert_eq!(stage.view(guest.vmid.get()).status, RunState::Stopped);
    assert_eq!(report.half_made.len(), 1);
    assert_eq!(
        report.notes,
        [format!(
            "{guest} exists and is stopped, but its disk is not as wanted; it is kept until you destroy it"
        )]
    );
}

#[tokio::test]
async fn what_others_change_meanwhile_is_neither_lost_nor_in_the_way() {
    let stage = Stage::of(world()).await;
    let operation = create(&stage, |request| request.start = false).await;
    let text = "checksum mismatch (file change by other user?)";
    let rule = FaultRule::new(FaultKind::Error(text.into()));
    let fault = stage
        .simulator
        .faults()
        .add(rule.method("PUT").path("/config").times(2));
    let report = stage.play(&operation).await.report;
    assert_eq!(report.outcome, Outcome::Done, "{report:?}");
    assert_eq!(stage.simulator.faults().strikes(fault), 2);
    assert!(is_configured(&stage.view(made(report.product).vmid.get())));
}
