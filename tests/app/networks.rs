//! Network profiles as state: what `N` reads and shows, what confirming does, and what drift raises.

use std::time::Duration;

use pretty_assertions::assert_eq;
use proxdeck::app::dialogs::{Dialog, NetworkDialog, NetworkLine};
use proxdeck::app::jobs::JobId;
use proxdeck::app::state::{Pane, Rules};
use proxdeck::app::{Answer, Effect, Event, Query, Ticket};
use proxdeck::domain::alert::AlertKind;
use proxdeck::domain::firewall::{ClusterFirewall, GuestFirewall};
use proxdeck::domain::guest::Guest;
use proxdeck::domain::guest_config::GuestConfig;
use proxdeck::domain::id::GuestKind;
use proxdeck::domain::network::{Deed, NetworkProfile, Resolved, Verdict};
use proxdeck::domain::operation::Operation;
use proxdeck::domain::selection::Selection;

use super::world::{Desk, guest, start, vmid};

const SECOND: Duration = Duration::from_secs(1);

fn profile(name: &str) -> NetworkProfile {
    NetworkProfile {
        name: name.to_owned(),
        bridge: "vmbr1".parse().unwrap(),
        firewall: true,
        allow: vec!["api.github.com:443".parse().unwrap()],
        block: vec!["0.0.0.0/0".parse().unwrap()],
        allow_in: None,
        dns: None,
    }
}

fn desk_with(guests: Vec<Guest>, read_only: bool) -> Desk {
    let mut desk = Desk::new(read_only);
    desk.state.setting.rules = Rules {
        profiles: vec![profile("api_access"), profile("wider")],
        selection: Selection::new(true, &[], &[], &[]).unwrap(),
        ..Rules::default()
    };
    desk.inventory(guests);
    desk
}

fn desk() -> Desk {
    desk_with(vec![guest(105, "agent-docs-1"), guest(106, "other")], false)
}

/// A guest on another bridge, without any rule.
fn bare() -> (GuestConfig, GuestFirewall) {
    let card = "virtio=BC:24:11:00:00:01,bridge=vmbr0";
    let config = GuestConfig::new([("net0".to_owned(), card.into())], None);
    (config, GuestFirewall::default())
}

fn switched_on() -> ClusterFirewall {
    ClusterFirewall {
        is_enabled: Some(true),
        sets: Some(Vec::new()),
        aliases: Some(Vec::new()),
        groups: Some(Vec::new()),
    }
}

fn resolved() -> Resolved {
    let address = "140.82.121.6".parse().unwrap();
    Resolved::new(start().wall).with("api.github.com", Ok(vec![address]))
}

/// Answers what a network dialog asks; every guest's firewall is `network`.
fn answer(desk: &mut Desk, effects: &[Effect], network: &(GuestConfig, GuestFirewall)) -> usize {
    let mut asked = 0;
    let mut waiting: Vec<(Ticket, Query)> = fetched(effects);
    while let Some((ticket, query)) = waiting.pop() {
        let answer = match query {
            Query::Network(_) => {
                asked += 1;
                Answer::Network(Box::new(network.clone()))
            }
            Query::Datacenter => Answer::Datacenter(Box::new(switched_on())),
            Query::Resolve(names, _) => {
                assert_eq!(names, ["api.github.com"]);
                Answer::Resolved(resolved())
            }
            _ => continue,
        };
        waiting.extend(fetched(&desk.happen(Event::Fetched(ticket, Ok(answer)))));
    }
    asked
}

fn fetched(effects: &[Effect]) -> Vec<(Ticket, Query)> {
    let fetched = effects.iter().filter_map(|effect| match effect {
        Effect::Fetch(ticket, query) => Some((*ticket, query.clone())),
        _ => None,
    });
    fetched.collect()
}

fn opened(desk: &mut Desk, network: &(GuestConfig, GuestFirewall)) {
    let effects = desk.press("N");
    answer(desk, &effects, network);
}

fn dialog(desk: &Desk) -> &NetworkDialog {
    match desk.state.dialogs.last() {
        Some(Dialog::Network(dialog)) => dialog,
        other => panic!("{other:?}"),
    }
}

fn runs(effects: &[Effect]) -> Vec<(JobId, Operation)> {
    let runs = effects.iter().filter_map(|effect| match effect {
        Effect::Run(job, operation) => Some((*job, operation.clone())),
        _ => None,
    });
    runs.collect()
}

/// The firewall as the operation leaves it.
fn after(
    operation: &Operation,
    before: &(GuestConfig, GuestFirewall),
) -> (GuestConfig, GuestFirewall) {
    let Operation::Network(change) = operation else {
        panic!("{operation:?}");
    };
    let (mut config, mut firewall) = before.clone();
    for step in change.plan().steps() {
        step.action.apply_to(&mut firewall);
        if let proxdeck::domain::network::Action::SetCard { after, .. } = &step.action {
            let card = after.to_string().as_str().into();
            config = GuestConfig::new([("net0".to_owned(), card)], None);
        }
    }
    (config, firewall)
}

#[test]
fn a_profile_is_previewed_and_applied_only_when_that_is_chosen() {
    let mut desk = desk();
    opened(&mut desk, &bare());
    let differences = dialog(&desk)
        .lines()
        .into_iter()
        .filter(|line| matches!(line, NetworkLine::Difference(_)))
        .count();
    assert!(differences >= 4, "{:?}", dialog(&desk).lines());
    // Enter on the first field does nothing, and on the side that leaves it leaves it.
    assert_eq!(runs(&desk.press("Enter")), []);
    assert_eq!(runs(&desk.press("Tab Tab Tab Enter")), []);
    assert!(desk.state.dialogs.is_empty());

    opened(&mut desk, &bare());
    let effects = desk.press("Tab Tab Tab Right Enter");
    let (_, Operation::Network(change)) = runs(&effects).remove(0) else {
        panic!("{effects:?}");
    };
    assert_eq!(change.guest().vmid, vmid(105));
    assert_eq!(change.plan().profile(), "api_access");
    assert_eq!(change.plan().deed(), &Deed::Apply);
}

#[test]
fn what_is_as_the_profile_says_cannot_be_applied_again() {
    let mut desk = desk();
    opened(&mut desk, &bare());
    let effects = desk.press("Tab Tab Tab Right Enter");
    let (_, operation) = runs(&effects).remove(0);
    let fenced = after(&operation, &bare());

    let mut desk = desk_with(vec![guest(105, "agent-docs-1")], false);
    opened(&mut desk, &fenced);
    let lines = dialog(&desk).lines();
    assert!(
        lines
            .iter()
            .any(|line| matches!(line, NetworkLine::Nothing)),
        "{lines:?}"
    );
    assert_eq!(runs(&desk.press("Tab Tab Tab Right Enter")), []);
}

#[test]
fn a_name_that_resolves_to_nothing_lets_nothing_be_applied() {
    let mut desk = desk();
    let effects = desk.press("N");
    for (ticket, query) in fetched(&effects) {
        let answer = match query {
            Query::Network(_) => Answer::Network(Box::new(bare())),
            Query::Datacenter => Answer::Datacenter(Box::new(switched_on())),
            Query::Resolve(..) => {
                let nowhere = Err("there is no such name".to_owned());
                Answer::Resolved(Resolved::new(start().wall).with("api.github.com", nowhere))
            }
            _ => continue,
        };
        desk.happen(Event::Fetched(ticket, Ok(answer)));
    }
    let objects = |line: &NetworkLine<'_>| match line {
        NetworkLine::Objection(objection) => objection.reason.contains("api.github.com"),
        _ => false,
    };
    assert!(dialog(&desk).lines().iter().any(objects));
    assert_eq!(runs(&desk.press("Tab Tab Tab Right Enter")), []);
}

#[test]
fn a_trial_is_kept_or_put_back_from_where_it_was_begun() {
    let mut desk = desk();
    opened(&mut desk, &bare());
    let effects = desk.press("Tab Right Tab Tab Right Enter");
    let (job, operation) = runs(&effects).remove(0);
    assert!(operation.is_trial());
    let tried = after(&operation, &bare());

    // While it runs the key leads to its end and not to a second change.
    opened(&mut desk, &tried);
    assert!(dialog(&desk).form.title.contains("Trial of api_access"));
    let effects = desk.press("Tab Tab Right Enter");
    assert!(effects.contains(&Effect::Keep(job)), "{effects:?}");
    assert_eq!(runs(&effects), []);

    opened(&mut desk, &tried);
    let effects = desk.press("Right Tab Tab Right Enter");
    assert!(effects.contains(&Effect::Stop(job)), "{effects:?}");
}

#[test]
fn a_trial_that_somebody_left_behind_can_be_put_back() {
    let mut desk = desk();
    opened(&mut desk, &bare());
    let effects = desk.press("Tab Right Tab Tab Right Enter");
    let (_, operation) = runs(&effects).remove(0);
    let tried = after(&operation, &bare());

    let mut desk = desk_with(vec![guest(105, "agent-docs-1")], false);
    opened(&mut desk, &tried);
    let effects = desk.press("Right Tab Tab Right Enter");
    let (_, operation) = runs(&effects).remove(0);
    let (_, firewall) = after(&operation, &tried);
    assert_eq!(firewall, bare().1);
}

#[test]
fn several_guests_are_fenced_in_when_their_count_is_typed() {
    let mut desk = desk();
    desk.press("Space Space");
    opened(&mut desk, &bare());
    assert_eq!(dialog(&desk).guests().len(), 2);
    assert_eq!(runs(&desk.press("Tab Tab 1 Enter")), []);
    let effects = desk.press("Backspace 2 Enter");
    let (_, operation) = runs(&effects).remove(0);
    assert_eq!(operation.guests().len(), 2);
}

#[test]
fn containers_and_clusters_without_profiles_say_why_there_is_no_fence() {
    let mut container = guest(105, "agent-docs-1");
    container.kind = GuestKind::Lxc;
    let mut desk = desk_with(vec![container], false);
    desk.press("N");
    assert!(desk.state.dialogs.is_empty());
    assert!(desk.toast().contains("container"), "{}", desk.toast());

    let mut desk = Desk::with(vec![guest(105, "agent-docs-1")]);
    desk.press("N");
    assert!(
        desk.toast().contains("[network_profiles]"),
        "{}",
        desk.toast()
    );
}

#[test]
fn nothing_is_read_for_fences_where_the_config_has_none() {
    let mut desk = Desk::with(vec![guest(105, "agent-docs-1")]);
    for _ in 0..20 {
        desk.wait(SECOND);
    }
    let asks = |effect: &Effect| {
        matches!(
            effect,
            Effect::Fetch(_, Query::Network(_) | Query::Datacenter)
        )
    };
    assert!(!desk.effects.iter().any(asks));
}

#[test]
fn fences_are_read_in_the_background_and_one_that_was_changed_is_an_alert() {
    let mut desk = desk();
    opened(&mut desk, &bare());
    let effects = desk.press("Tab Tab Tab Right Enter");
    let (_, operation) = runs(&effects).remove(0);
    let fenced = after(&operation, &bare());
    let mut changed = fenced.clone();
    changed.1.options.policy_out = None;

    let guests = || vec![guest(105, "agent-docs-1"), guest(106, "other")];
    let mut desk = desk_with(guests(), false);
    let mut asked = 0;
    for _ in 0..20 {
        let effects = desk.wait(SECOND);
        asked += answer(&mut desk, &effects, &changed);
    }
    assert_eq!(asked, 2, "each guest is read once");
    desk.inventory(guests());
    let drifts: Vec<String> = desk
        .state
        .alerts
        .book()
        .standing()
        .iter()
        .filter(|each| each.alert.kind == AlertKind::NetworkDrift)
        .map(|each| each.alert.to_string())
        .collect();
    assert_eq!(drifts.len(), 2, "{drifts:?}");
    assert!(drifts[0].contains("policy_out"), "{drifts:?}");
    assert_eq!(desk.state.profiles.fold("api_access").drifted.len(), 2);

    // The alert leads to its cure.
    desk.press("2 N");
    assert_eq!(dialog(&desk).guests()[0].guest.vmid, vmid(105));
}

#[test]
fn a_profile_leads_to_its_guests() {
    let mut desk = desk();
    opened(&mut desk, &bare());
    let effects = desk.press("Tab Tab Tab Right Enter");
    let (_, operation) = runs(&effects).remove(0);
    let fenced = after(&operation, &bare());
    let mut desk = desk_with(vec![guest(104, "free"), guest(105, "agent-docs-1")], false);
    for _ in 0..20 {
        let mut waiting = fetched(&desk.wait(SECOND));
        while let Some((ticket, query)) = waiting.pop() {
            let answer = match query {
                Query::Network(guest) if guest.vmid == vmid(105) => {
                    Answer::Network(Box::new(fenced.clone()))
                }
                Query::Network(_) => Answer::Network(Box::new(bare())),
                Query::Datacenter => Answer::Datacenter(Box::new(switched_on())),
                _ => continue,
            };
            waiting.extend(fetched(&desk.happen(Event::Fetched(ticket, Ok(answer)))));
        }
    }
    let unfenced = desk.state.profiles.unfenced();
    assert_eq!((unfenced.without, unfenced.unread), (1, 0));
    desk.press("7 Tab Enter");
    assert_eq!(desk.state.focus, Pane::Guests);
    assert_eq!(desk.state.guests.cursor(), Some(vmid(105)));
    assert_eq!(desk.state.guests.marks().len(), 1);
}

#[test]
fn it_says_what_would_pass_now_and_then_and_by_which_rule() {
    let mut desk = desk();
    opened(&mut desk, &bare());
    desk.press("Tab Tab");
    for letter in "api.github.com:443".chars() {
        desk.press(&letter.to_string());
    }
    let told: Vec<(&str, bool)> = dialog(&desk)
        .answers
        .iter()
        .map(|answer| (answer.label, answer.verdict == Some(Verdict::Passes)))
        .collect();
    assert_eq!(
        told,
        [("now", true), ("then", true)],
        "{:?}",
        dialog(&desk).answers
    );
    let then = &dialog(&desk).answers[1].text;
    assert!(then.contains("rule") && then.contains("ACCEPT"), "{then}");

    desk.press("Ctrl-u");
    for letter in "1.1.1.1:80".chars() {
        desk.press(&letter.to_string());
    }
    let then = &dialog(&desk).answers[1];
    assert_eq!(then.verdict, Some(Verdict::Stopped));
    assert!(then.text.contains("policy_out"), "{}", then.text);
    assert!(
        dialog(&desk).form.checked.is_ok(),
        "a question is in nobody's way"
    );
}

#[test]
fn a_name_that_no_profile_has_is_resolved_once_it_is_typed() {
    let mut desk = desk();
    opened(&mut desk, &bare());
    desk.press("Tab Tab");
    let mut asked = Vec::new();
    for letter in "example.org:443".chars() {
        asked.extend(fetched(&desk.press(&letter.to_string())));
    }
    let names: Vec<&Query> = asked.iter().map(|(_, query)| query).collect();
    assert_eq!(names.len(), 1, "{names:?}");
    let (ticket, Query::Resolve(names, time)) = asked.remove(0) else {
        panic!("{asked:?}");
    };
    assert_eq!(names, ["example.org"]);
    let nowhere = Err("there is no such name".to_owned());
    let answer = Answer::Resolved(Resolved::new(time).with("example.org", nowhere));
    desk.happen(Event::Fetched(ticket, Ok(answer)));
    let answers = &dialog(&desk).answers;
    assert!(answers[0].text.contains("no such name"), "{answers:?}");
}
