//! From a template to a running guest with keys alone.

use proxdeck::app::state::Rules;
use proxdeck::domain::id::Vmid;
use proxdeck::domain::network::NetworkProfile;
use proxdeck::domain::project::{Membership, Project, Projects};
use proxdeck::domain::selection::Selection;
use proxdeck::domain::template::Template;
use proxdeck::domain::units::Size;
use proxdeck::simulator::{Entry, FaultKind, FaultRule, GuestView, RunState, Simulator};

use super::harness::{Deck, Wish};

/// The small world's template with a network profile, as autovibe's catalogue has it.
pub(super) fn wish() -> Wish {
    let template = Template {
        name: "base".into(),
        vmid: Vmid::new(100).unwrap(),
        cores: Some(2),
        memory: Some(Size::from_bytes(2 << 30)),
        disk: Some(Size::from_bytes(12 << 30)),
        network: Some("api_access".into()),
        software: vec!["Ubuntu".into()],
    };
    Wish {
        rules: Rules {
            templates: vec![template],
            profiles: vec![NetworkProfile {
                name: "api_access".into(),
                bridge: "vmbr1".parse().unwrap(),
                firewall: true,
                allow: Vec::new(),
                block: Vec::new(),
                allow_in: None,
                dns: None,
            }],
            selection: Selection::new(false, &["autovibe".into()], &[], &[]).unwrap(),
            ..Rules::default()
        },
        ..Wish::default()
    }
}

/// Returns the writes so far as `METHOD path`, the new guest's number as `NEW`.
fn writes(simulator: &Simulator, vmid: u32) -> Vec<String> {
    let entries = simulator.journal().entries();
    let written = entries.iter().filter(|entry| entry.method != "GET");
    written
        .map(|Entry { method, path, .. }| {
            format!("{method} {path}").replace(&format!("/{vmid}/"), "/NEW/")
        })
        .collect()
}

fn called(simulator: &Simulator, name: &str) -> GuestView {
    let guests = simulator.world().guests().into_iter();
    let mut called: Vec<GuestView> = guests.filter(|guest| guest.name == name).collect();
    assert_eq!(called.len(), 1, "{called:?}");
    called.remove(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn five_keys_lead_from_a_template_to_a_running_guest() {
    let deck = Deck::start(wish()).await;
    deck.see("web-1").await;
    deck.press("n");
    deck.see("a linked copy of 100 tmpl-base on pve1").await;
    deck.see("its firewall rules").await;
    deck.press("<Tab> <Tab> <Left>");
    deck.see("[x] once it is there").await;
    deck.press("<Enter>");
    deck.see("create base-1 from base done").await;
    deck.see("base-1").await;
    let simulator = deck.quit().await;
    let guest = called(&simulator, "base-1");
    assert_eq!(
        writes(&simulator, guest.vmid),
        [
            "POST /nodes/pve1/qemu/100/clone",
            "PUT /nodes/pve1/qemu/NEW/config",
            "PUT /nodes/pve1/qemu/NEW/resize",
            "POST /nodes/pve1/qemu/NEW/status/start",
        ]
    );
    assert_eq!(guest.status, RunState::Running);
    assert_eq!(guest.config["tags"], "autovibe");
    assert!(guest.config["scsi0"].ends_with("size=12G"));
}

#[tokio::test(flavor = "multi_thread")]
async fn with_its_network_profile_it_starts_behind_its_fence() {
    let deck = Deck::start(wish()).await;
    deck.see("web-1").await;
    deck.press("7");
    deck.see("tmpl-base on pve1").await;
    deck.press("<Enter>");
    deck.see("[x] once it is there").await;
    deck.see("its firewall rules").await;
    deck.press("<Enter>");
    deck.see("create base-1 from base done").await;
    let simulator = deck.quit().await;
    let guest = called(&simulator, "base-1");
    assert_eq!(guest.status, RunState::Running);
    assert!(guest.config["net0"].contains("bridge=vmbr1"), "{guest:?}");
    let writes = writes(&simulator, guest.vmid);
    let at = |path: &str| writes.iter().position(|write| write.contains(path));
    let (fenced, started) = (at("/firewall/options"), at("/status/start"));
    assert!(fenced.is_some() && fenced < started, "{writes:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_that_is_half_made_is_named_on_the_screen() {
    let deck = Deck::start(wish()).await;
    deck.see("web-1").await;
    let fault = FaultRule::new(FaultKind::TaskFails(1, "no space left".into()));
    deck.simulator().faults().add(fault.path("resize"));
    deck.press("n");
    deck.see("its firewall rules").await;
    deck.press("<Tab> <Tab> <Left> <Enter>");
    deck.see("no space left  Enter read it").await;
    deck.press("<Enter>");
    let screen = deck.see("base-1 exists and is stopped").await;
    assert!(screen.contains("its disk is not as wanted"), "{screen}");
    deck.press("<Esc>");
    deck.see_no("its disk is not as wanted").await;
    let simulator = deck.quit().await;
    assert_eq!(called(&simulator, "base-1").status, RunState::Stopped);
}

/// The same, with a project whose pool is throttled.
async fn throttled() -> Deck {
    let project = Project::new("alpha", Membership::Pool("lab".parse().unwrap()));
    let mut wish = wish();
    wish.rules.projects = Projects::new(vec![project.unwrap()]).unwrap();
    let deck = Deck::start(wish).await;
    let marker = "[proxdeck throttled 2026-11-27T08:10:31Z cpu_hours tier=throttle]";
    deck.simulator()
        .edit(|world| world.set_pool_comment("lab", Some(marker)).unwrap());
    deck.see("web-1").await;
    deck
}

#[tokio::test(flavor = "multi_thread")]
async fn a_throttled_project_takes_a_guest_once_its_throttle_is_overridden() {
    let deck = throttled().await;
    deck.press("n");
    deck.see("its firewall rules").await;
    deck.press("<Tab> <Right>");
    deck.see("alpha is throttled since 2026-11-27 08:10Z: cpu_hours over its quota")
        .await;
    deck.see("(not yet)").await;
    deck.press("<Enter> <Tab>");
    deck.see("[ ] override that of alpha").await;
    deck.press("<Space>");
    deck.see("[x] override that of alpha").await;
    deck.press("<Enter>");
    deck.see("create base-1 from base (throttle overridden) done")
        .await;
    let simulator = deck.quit().await;
    let guest = called(&simulator, "base-1");
    assert_eq!(guest.pool.as_deref(), Some("lab"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_throttle_set_while_the_form_is_open_refuses_on_enter() {
    let deck = throttled().await;
    let comment = |text| {
        deck.simulator()
            .edit(|world| world.set_pool_comment("lab", text).unwrap());
    };
    comment(None);
    deck.press("n");
    deck.see("its firewall rules").await;
    deck.press("<Tab> <Right>");
    deck.until("that alpha is free", |screen| {
        screen.contains("◉ alpha") && screen.contains("Enter make it")
    })
    .await;
    comment(Some("[proxdeck throttled by hand]"));
    deck.press("<Enter>");
    deck.see_no("New guest").await;
    deck.see("alpha counts as throttled").await;
    let simulator = deck.quit().await;
    assert_eq!(writes(&simulator, 0), [] as [&str; 0]);
}
