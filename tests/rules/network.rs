//! What a network profile changes about a guest: which calls, in which order, and what they leave.

use pretty_assertions::assert_eq;
use proxdeck::domain::firewall::{AddressSet, Alias, Member, Policy, SecurityGroup};
use proxdeck::domain::id::GuestKind;
use proxdeck::domain::network::{
    Fence, NetworkProfile, Reality, Warning, keep, plan, plan_trial, put_back,
};

use crate::network_server::{NOON, Server, destinations, guest, profile, resolved, rule};

fn lines(plan: &proxdeck::domain::network::NetworkPlan) -> Vec<String> {
    let calls = plan.calls();
    let short = |text: String| text.replace("/nodes/pve1/qemu/104", "");
    calls.iter().map(|call| short(call.to_string())).collect()
}

const API: (&str, &[&str]) = ("api.github.com", &["140.82.121.6", "2606:50c0::153"]);

#[test]
fn pitfall_30_a_fence_is_built_in_the_order_that_never_opens_anything() {
    let server = Server::new();
    let profile = profile("api", &["api.github.com:443", "10.0.0.0/8"]);
    let plan = server.plan(&profile, &resolved(0, &[API]));
    let mark = "comment=proxdeck:api";
    let seen = "comment=2026-11-27T12:00:00Z api.github.com";
    let udp = "type=out  action=ACCEPT  enable=1  proto=udp  dest=+proxdeck-api-dns  dport=53";
    let tcp = "type=out  action=ACCEPT  enable=1  proto=tcp";
    assert_eq!(
        lines(&plan),
        [
            format!("POST /firewall/ipset  name=proxdeck-api-443  {mark}"),
            format!("POST /firewall/ipset/proxdeck-api-443  cidr=140.82.121.6  {seen}"),
            format!("POST /firewall/ipset/proxdeck-api-443  cidr=2606:50c0::153  {seen}"),
            format!("POST /firewall/ipset  name=proxdeck-api-all  {mark}"),
            "POST /firewall/ipset/proxdeck-api-all  cidr=10.0.0.0/8".to_owned(),
            format!("POST /firewall/ipset  name=proxdeck-api-dns  {mark}"),
            "POST /firewall/ipset/proxdeck-api-dns  cidr=10.0.0.53".to_owned(),
            format!("POST /firewall/rules  {tcp}  dest=+proxdeck-api-dns  dport=53  {mark}"),
            format!("POST /firewall/rules  {udp}  {mark}"),
            format!(
                "POST /firewall/rules  type=out  action=ACCEPT  enable=1  dest=+proxdeck-api-all  {mark}"
            ),
            format!("POST /firewall/rules  {tcp}  dest=+proxdeck-api-443  dport=443  {mark}"),
            "PUT /firewall/options  enable=1  policy_out=DROP".to_owned(),
            "PUT /config  net0=virtio=BC:24:11:AA:BB:CC,bridge=vmbr1,tag=5,queues=4,mystery=x,firewall=1"
                .to_owned(),
        ]
    );
    let mut server = server;
    server.execute(&plan);
    assert_eq!(
        server.rules(),
        [
            "out ACCEPT tcp to +proxdeck-api-443 port 443",
            "out ACCEPT to +proxdeck-api-all",
            "out ACCEPT udp to +proxdeck-api-dns port 53",
            "out ACCEPT tcp to +proxdeck-api-dns port 53",
        ]
    );
    assert_eq!(server.plan(&profile, &resolved(0, &[API])).steps(), []);
}

#[test]
fn pitfall_29_the_card_keeps_what_the_profile_does_not_speak_of() {
    let mut server = Server::new();
    server.apply(&profile("api", &["10.0.0.1:443"]), &resolved(0, &[]));
    assert_eq!(
        server.config["net0"],
        "virtio=BC:24:11:AA:BB:CC,bridge=vmbr1,tag=5,queues=4,mystery=x,firewall=1"
    );
    let mut open = profile("api", &["10.0.0.1:443"]);
    open.firewall = false;
    let plan = server.applied(&open, &resolved(0, &[]));
    assert!(server.config["net0"].ends_with("mystery=x,firewall=0"));
    assert_eq!(plan.warnings(), [Warning::CardSwitchOff]);
}

#[test]
fn pitfall_22_rules_that_a_clone_brought_along_are_reconciled() {
    let mut server = Server::new();
    server.apply(
        &profile("old", &["10.0.0.1:443", "10.0.0.2:80"]),
        &resolved(0, &[]),
    );
    server
        .firewall
        .rules
        .list
        .push(rule("in ACCEPT proto=tcp dport=22 comment=ssh"));
    let new = profile("new", &["10.0.0.3:22"]);
    let plan = server.applied(&new, &resolved(0, &[]));
    assert_eq!(
        server.rules(),
        [
            "out ACCEPT tcp to +proxdeck-new-22 port 22",
            "out ACCEPT udp to +proxdeck-new-dns port 53",
            "out ACCEPT tcp to +proxdeck-new-dns port 53",
            "in ACCEPT tcp port 22",
        ]
    );
    assert_eq!(server.set_names(), ["proxdeck-new-22", "proxdeck-new-dns"]);
    assert_eq!(plan.foreign().len(), 1);
    assert!(server.plan(&new, &resolved(0, &[])).is_empty());
    // What the new one needs is there before what the old one had goes.
    let text = lines(&plan).join("\n");
    let at = |part: &str| {
        text.find(part)
            .unwrap_or_else(|| panic!("{part} in {text}"))
    };
    assert!(at("POST /firewall/rules") < at("DELETE /firewall/rules"));
    assert!(at("DELETE /firewall/rules") < at("DELETE /firewall/ipset/proxdeck-old-443  force=1"));
}

#[test]
fn addresses_come_at_once_and_go_after_a_day_and_neither_is_drift() {
    let profile = profile("api", &["api.github.com:443", "10.9.0.0/16:443"]);
    let set = "proxdeck-api-443";
    let mut server = Server::new();
    server.apply(
        &profile,
        &resolved(0, &[("api.github.com", &["192.0.2.1", "192.0.2.2"])]),
    );
    let second = ("api.github.com", &["192.0.2.2", "192.0.2.3"][..]);

    let plan = server.applied(&profile, &resolved(1, &[second]));
    assert_eq!(plan.differences().count(), 0);
    assert_eq!(
        lines(&plan),
        [
            "POST /firewall/ipset/proxdeck-api-443  cidr=192.0.2.3  comment=2026-11-27T13:00:00Z api.github.com"
        ]
    );
    assert!(server.plan(&profile, &resolved(12, &[second])).is_empty());

    let plan = server.applied(&profile, &resolved(13, &[second]));
    assert_eq!(
        lines(&plan),
        [
            "PUT /firewall/ipset/proxdeck-api-443/192.0.2.2  comment=2026-11-28T01:00:00Z api.github.com"
        ]
    );
    let plan = server.applied(&profile, &resolved(25, &[second]));
    assert_eq!(plan.refreshes().count(), plan.steps().len());
    assert_eq!(
        server.members(set),
        ["10.9.0.0/16", "192.0.2.2", "192.0.2.3"],
        "192.0.2.1 was seen a day ago"
    );
}

#[test]
fn what_a_person_did_to_our_sets_is_drift() {
    let api = profile("api", &["api.github.com:443"]);
    let mut server = Server::new();
    let answers = resolved(0, &[("api.github.com", &["192.0.2.1"])]);
    server.apply(&api, &answers);
    let at = server
        .firewall
        .sets
        .iter()
        .position(|set| set.name.raw() == "proxdeck-api-443");
    let members = &mut server.firewall.sets[at.unwrap()].members;
    let mut add = |cidr: &str, comment: Option<&str>, is_excluded| {
        members.push(Member {
            cidr: cidr.into(),
            is_excluded,
            comment: comment.map(Into::into),
        });
    };
    add("0.0.0.0/1", None, false);
    add(
        "198.51.100.0/24",
        Some("2026-11-27T08:00:00Z other.example"),
        false,
    );
    add(
        "198.51.100.7",
        Some("9999-01-01T00:00:00Z api.github.com"),
        false,
    );
    add("192.0.2.9", None, true);
    add("gateway", None, false);
    let plan = server.applied(&api, &answers);
    assert_eq!(plan.differences().count(), 5);
    assert_eq!(server.members("proxdeck-api-443"), ["192.0.2.1"]);
}

#[test]
fn a_name_without_an_address_leaves_everything_as_it_is() {
    let server = Server::new();
    let profile = profile(
        "api",
        &["api.github.com:443", "gone.example:80", "10.0.0.1:22"],
    );
    let answers = resolved(0, &[API, ("gone.example", &[])]);
    let plan = server.plan(&profile, &answers);
    let reasons: Vec<&str> = plan
        .objections()
        .iter()
        .map(|it| it.reason.as_str())
        .collect();
    assert_eq!(reasons, ["gone.example resolves to no address"]);
    assert!(plan.is_empty());
    let failed = resolved(0, &[API]).with("gone.example", Err("no such name".to_owned()));
    let plan = server.plan(&profile, &failed);
    assert_eq!(
        plan.objections()[0].reason,
        "gone.example does not resolve: no such name"
    );
    let filtered = resolved(0, &[API, ("gone.example", &["0.0.0.0"])]);
    assert!(!server.plan(&profile, &filtered).objections().is_empty());
}

#[test]
fn names_that_others_took_are_objected_to() {
    let mut server = Server::new();
    server.firewall.sets.push(AddressSet {
        name: "proxdeck-api-443".into(),
        comment: Some("mine".into()),
        members: Vec::new(),
    });
    server.firewall.aliases.push(Alias {
        name: "Proxdeck-API-dns".into(),
        cidr: "10.0.0.1".into(),
    });
    let plan = server.plan(&profile("api", &["10.0.0.1:443"]), &resolved(0, &[]));
    assert_eq!(plan.objections().len(), 2);
    assert!(plan.is_empty());
}

#[test]
fn containers_guests_without_a_card_and_unread_firewalls_are_objected_to() {
    let profile = profile("api", &["10.0.0.1:443"]);
    let answers = resolved(0, &[]);
    let reason = |plan: proxdeck::domain::network::NetworkPlan| {
        assert!(plan.is_empty());
        plan.objections()[0].reason.clone()
    };
    let mut container = guest();
    container.kind = GuestKind::Lxc;
    let current = Server::new().current();
    assert!(reason(plan(&container, &profile, &answers, &current)).contains("container"));
    let mut server = Server::new();
    server.config.clear();
    assert!(reason(server.plan(&profile, &answers)).contains("no net0"));
    let mut unread = Server::new().current();
    unread.firewall = Err("403".to_owned());
    assert!(reason(plan(&guest(), &profile, &answers, &unread)).contains("could not be read: 403"));
}

#[test]
fn without_allow_in_what_came_in_before_still_comes_in() {
    let mut profile = profile("api", &["10.0.0.1:443"]);
    profile.allow_in = None;
    let after = |mut server: Server| {
        let plan = server.applied(&profile, &resolved(0, &[]));
        assert!(server.plan(&profile, &resolved(0, &[])).is_empty());
        (
            server.firewall.options.policy_in,
            plan.warnings().contains(&Warning::InboundCloses),
        )
    };
    assert_eq!(after(Server::new()), (Some(Policy::Accept), false));
    let mut on = Server::new().with_options(|options| options.enable = Some(true));
    assert_eq!(
        after(on.clone()),
        (Some(Policy::Accept), false),
        "the card was open"
    );
    let other = "virtio=BC:24:11:AA:BB:DD,bridge=vmbr0,firewall=1";
    on.config.insert("net1".to_owned(), other.to_owned());
    assert_eq!(after(on.clone()), (None, true), "net1 is not opened");
    on.config.insert("net0".to_owned(), other.to_owned());
    assert_eq!(after(on), (None, false), "nothing came in");
}

#[test]
fn allow_in_becomes_rules_and_a_policy_that_drops() {
    let mut profile = profile("api", &[]);
    profile.allow_in = Some(destinations(&["10.0.0.0/8:22", "0.0.0.0/0:443"]));
    let mut server = Server::new().with_options(|options| options.policy_in = Some(Policy::Accept));
    server.apply(&profile, &resolved(0, &[]));
    assert_eq!(server.firewall.options.policy_in, Some(Policy::Drop));
    assert_eq!(
        server.rules()[..2],
        [
            "in ACCEPT tcp from +proxdeck-api-in-22 port 22",
            "in ACCEPT tcp from 0.0.0.0/0 port 443",
        ]
    );
}

#[test]
fn blocks_follow_the_allows_and_without_any_the_policy_stays() {
    let profile = NetworkProfile {
        block: destinations(&["10.0.0.0/8", "bad.example:25"]),
        allow_in: None,
        ..profile("lan", &["10.0.0.1:443"])
    };
    let answers = resolved(0, &[("bad.example", &["192.0.2.66"])]);
    let mut server = Server::new();
    server.apply(&profile, &answers);
    assert_eq!(
        server.rules(),
        [
            "out ACCEPT tcp to +proxdeck-lan-443 port 443",
            "out DROP to +proxdeck-lan-block-all",
            "out DROP tcp to +proxdeck-lan-block-25 port 25",
        ]
    );
    assert_eq!(server.firewall.options.policy_out, None);
    let mut closed =
        Server::new().with_options(|options| options.policy_out = Some(Policy::Reject));
    let plan = closed.applied(&profile, &answers);
    assert_eq!(closed.firewall.options.policy_out, Some(Policy::Reject));
    assert_eq!(plan.warnings(), [Warning::PolicyOutStays(Policy::Reject)]);
}

#[test]
fn name_servers_are_those_of_the_profile_or_any_or_none_and_dhcp_is_allowed() {
    let mut profile = profile("api", &["10.0.0.1:443"]);
    let mut server = Server::new().with_options(|options| options.dhcp = Some(false));
    profile.dns = None;
    server.apply(&profile, &resolved(0, &[]));
    assert_eq!(
        server.rules()[1..],
        ["out ACCEPT udp port 53", "out ACCEPT tcp port 53"]
    );
    assert_eq!(server.firewall.options.dhcp, Some(true));
    profile.dns = Some(Vec::new());
    server.apply(&profile, &resolved(0, &[]));
    assert_eq!(server.rules().len(), 1);
}

#[test]
fn a_profile_without_rules_leaves_one_that_does_nothing() {
    let mut bridge_only = profile("bridge", &[]);
    (bridge_only.block, bridge_only.allow_in) = (Vec::new(), None);
    let mut server = Server::new();
    server.apply(&bridge_only, &resolved(0, &[]));
    assert_eq!(server.rules(), ["out DROP (disabled)"]);
    let reality = Reality::of(&guest(), &[bridge_only.clone()], &server.current());
    assert_eq!(reality.fence, Fence::Kept("bridge".to_owned()));
    server.firewall.rules.list[0].is_enabled = true;
    server.apply(&bridge_only, &resolved(0, &[]));
    assert_eq!(server.rules(), ["out DROP (disabled)"]);
}

#[test]
fn rules_of_others_stay_in_their_order_and_those_that_defeat_the_fence_are_named() {
    let foreign = [
        "out ACCEPT dest=192.0.2.0/24 comment=mine",
        "in DROP source=10.0.0.66",
        "!out ACCEPT comment=off",
        "out ACCEPT iface=net1",
        "group web",
        "in ACCEPT proto=tcp dport=22",
    ];
    let mut server = Server::new().with_rules(&foreign);
    server.cluster.groups = Some(vec![SecurityGroup {
        name: "web".into(),
        rules: proxdeck::domain::firewall::Rules {
            list: vec![rule("in ACCEPT macro=HTTPS")],
            digest: None,
        },
    }]);
    let profile = profile("api", &["10.0.0.1:443"]);
    let before = server.firewall.rules.list.clone();
    let plan = server.plan(&profile, &resolved(0, &[]));
    let defeated = |position: usize, rule: &str| Warning::Defeated {
        position,
        rule: rule.to_owned(),
    };
    assert_eq!(
        plan.warnings(),
        [
            defeated(0, "out ACCEPT to 192.0.2.0/24"),
            defeated(4, "group web"),
            defeated(5, "in ACCEPT tcp port 22"),
        ]
    );
    assert!(plan.warnings().iter().all(Warning::is_grave));
    server.cluster.groups = None;
    let hidden = server.plan(&profile, &resolved(0, &[]));
    assert!(matches!(
        hidden.warnings()[1],
        Warning::PerhapsDefeated { position: 4, .. }
    ));
    server.execute(&plan);
    assert_eq!(server.firewall.rules.list[3..], before);
}

#[test]
fn switches_that_are_off_and_open_cards_are_said_in_red() {
    let mut server = Server::new();
    server.cluster.is_enabled = Some(false);
    server.config.insert(
        "net1".to_owned(),
        "e1000=BC:24:11:AA:BB:DD,bridge=vmbr0".to_owned(),
    );
    let profile = profile("api", &["10.0.0.1:443"]);
    let plan = server.plan(&profile, &resolved(0, &[]));
    assert_eq!(
        plan.warnings(),
        [
            Warning::ClusterSwitchOff,
            Warning::OpenCard("net1".to_owned())
        ]
    );
    assert!(plan.warnings().iter().all(Warning::is_grave));
    server.cluster.is_enabled = None;
    let plan = server.plan(&profile, &resolved(0, &[]));
    assert!(plan.warnings()[0].to_string().contains("needs Sys.Audit"));
}

#[test]
fn drift_is_told_without_asking_for_any_name() {
    let api = profile("api", &["api.github.com:443"]);
    let profiles = [api.clone(), profile("other", &["10.0.0.1:443"])];
    let mut server = Server::new();
    let fence = |server: &Server| Reality::of(&guest(), &profiles, &server.current()).fence;
    assert_eq!(fence(&server), Fence::None);
    server.apply(&api, &resolved(0, &[API]));
    assert_eq!(fence(&server), Fence::Kept("api".to_owned()));
    let kept = server.clone();
    server.firewall.rules.list[0].is_enabled = false;
    server.firewall.options.policy_out = Some(Policy::Accept);
    assert_eq!(
        fence(&server),
        Fence::Drifted {
            profile: "api".to_owned(),
            differences: vec![
                "rule out ACCEPT tcp to +proxdeck-api-443 port 443: disabled → enabled".to_owned(),
                "options: policy_out ACCEPT → policy_out DROP".to_owned(),
            ],
        }
    );
    let mut server = kept.clone();
    server.firewall.rules.list[0].comment = Some("proxdeck:\u{1b}[31mgone".into());
    assert_eq!(
        fence(&server),
        Fence::Strange(vec!["␛[31mgone".to_owned(), "api".to_owned()])
    );
    let mut unread = kept.current();
    unread.firewall = Err("no answer".to_owned());
    let reality = Reality::of(&guest(), &profiles, &unread);
    assert_eq!(
        reality.fence,
        Fence::Unknown("its firewall could not be read: no answer".to_owned())
    );
}

#[test]
fn a_trial_is_put_back_to_what_was_there_or_kept() {
    let time = |seconds| chrono::DateTime::from_timestamp(NOON + seconds, 0).unwrap();
    let during = (time(0), time(120));
    let mut server = Server::new().with_rules(&["out DROP dest=192.0.2.1", "in ACCEPT"]);
    server.apply(
        &profile("old", &["10.0.0.1:443", "10.0.0.2:80"]),
        &resolved(0, &[]),
    );
    // Somebody put a rule between ours.
    server
        .firewall
        .rules
        .list
        .insert(1, rule("out DROP dest=192.0.2.2 comment=mine"));
    let before = server.clone();
    let new = profile("new", &["api.github.com:443"]);
    let answers = resolved(0, &[API]);

    let trial = plan_trial(&guest(), &new, &answers, &server.current(), during);
    assert_eq!(trial.objections(), []);
    server.execute(&trial);
    assert!(lines(&trial)[0].contains("enable=0  comment=proxdeck:new way-back {"));
    let found = Reality::of(&guest(), std::slice::from_ref(&new), &server.current())
        .way_back
        .unwrap();
    assert_eq!((found.profile(), found.ends()), ("new", time(120)));
    let again = plan_trial(&guest(), &new, &answers, &server.current(), during);
    assert!(
        again.objections()[0]
            .reason
            .contains("a trial is under way")
    );

    let mut kept = server.clone();
    kept.execute(&keep(&guest(), &kept.current()).unwrap());
    assert_eq!(keep(&guest(), &kept.current()), None);
    assert!(kept.plan(&new, &answers).is_empty());
    assert_eq!(kept.set_names(), ["proxdeck-new-443", "proxdeck-new-dns"]);

    let back = put_back(&guest(), &server.current()).unwrap();
    assert_eq!(back.objections(), []);
    server.execute(&back);
    assert_eq!(put_back(&guest(), &server.current()), None);
    assert_eq!(server, before);
}

#[test]
fn a_set_that_a_rule_of_others_uses_stays() {
    let mut server = Server::new();
    server.apply(&profile("old", &["10.0.0.1:443"]), &resolved(0, &[]));
    server
        .firewall
        .rules
        .list
        .push(rule("out DROP dest=+guest/proxdeck-old-443"));
    let plan = server.applied(&profile("new", &["10.0.0.1:22"]), &resolved(0, &[]));
    assert!(
        plan.warnings()
            .contains(&Warning::SetStays("proxdeck-old-443".to_owned()))
    );
    assert!(server.set_names().contains(&"proxdeck-old-443".to_owned()));
}

#[test]
fn a_firewall_that_somebody_flooded_is_objected_to_and_not_worked_through() {
    let api = profile("api", &["10.0.0.1:443"]);
    let mut server = Server::new();
    server.apply(&api, &resolved(0, &[]));
    let kept = server.clone();
    server
        .firewall
        .rules
        .list
        .extend(vec![rule("out DROP comment=proxdeck:api"); 100_000]);
    let plan = server.plan(&api, &resolved(0, &[]));
    assert!(plan.is_empty());
    assert!(
        plan.objections()[0].reason.contains("holds 100003 rules"),
        "{:?}",
        plan.objections()
    );
    let reality = Reality::of(&guest(), std::slice::from_ref(&api), &server.current());
    assert!(matches!(reality.fence, Fence::Unknown(_)));
    let mut server = kept;
    let member = server.firewall.sets[0].members[0].clone();
    server.firewall.sets[0]
        .members
        .extend(vec![member; 100_000]);
    assert!(server.plan(&api, &resolved(0, &[])).is_empty());
}
