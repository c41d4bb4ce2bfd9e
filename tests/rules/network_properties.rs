//! What holds of network plans whatever stood in a guest's firewall before.

use std::net::IpAddr;

use proptest::prelude::*;
use proxdeck::domain::firewall::{AddressSet, Member, Policy, Rule};
use proxdeck::domain::network::{
    NetworkPlan, NetworkProfile, Packet, Protocol, Resolved, Verdict, Way, passage, plan_trial,
    put_back,
};

use crate::network_server::{NOON, Server, destinations, guest, profile, resolved};

const PEERS: [&str; 6] = [
    "10.0.0.1",
    "10.0.0.2",
    "10.1.0.1",
    "192.0.2.1",
    "192.0.2.2",
    "2001:db8::1",
];
const PORTS: [u16; 3] = [443, 80, 53];

/// Tells whether a rule is ours, by its comment.
fn is_ours(rule: &Rule) -> bool {
    let comment = rule.comment.as_ref().map_or("", |text| text.raw());
    comment.starts_with("proxdeck:")
}

/// Writes a random rule, ours or another's.
fn some_rule() -> impl Strategy<Value = String> {
    let ends = prop_oneof![
        Just(String::new()),
        prop::sample::select(&PEERS[..]).prop_map(|peer| format!("={peer}")),
        Just("=10.0.0.0/8".to_owned()),
        Just("=+proxdeck-a-443".to_owned()),
        Just("=+proxdeck-a-all".to_owned()),
        Just("=+proxdeck-b-443".to_owned()),
    ];
    let service = prop_oneof![
        Just(String::new()),
        prop::sample::select(&PORTS[..]).prop_map(|port| format!(" proto=tcp dport={port}")),
        Just(" proto=udp dport=53".to_owned()),
    ];
    let comment =
        prop::sample::select(vec!["", "mine", "proxdeck:a", "proxdeck:b", "proxdeck:a x"]);
    let head = (
        prop::bool::weighted(0.2),
        prop::bool::weighted(0.7),
        prop::sample::select(vec!["ACCEPT", "DROP", "REJECT"]),
    );
    (head, ends, service, comment).prop_map(|((off, out, action), end, service, comment)| {
        let (off, way) = (if off { "!" } else { "" }, if out { "out" } else { "in" });
        let ours = comment.starts_with("proxdeck");
        // Neither rules of others speak of our sets here, nor ours of a set of what is allowed in
        // order to block it: what those let through would change with the set, whoever changes it.
        let strange = end.starts_with("=+") && (!ours || action != "ACCEPT");
        let end = match (end.is_empty(), strange) {
            (true, _) | (_, true) => String::new(),
            (false, false) => format!(" {}{end}", if out { "dest" } else { "source" }),
        };
        format!(
            "{off}{way} {action}{end}{service}{}",
            match comment {
                "" => String::new(),
                text => format!(" comment={}", text.replace(' ', "\u{a0}")),
            }
        )
    })
}

fn policy() -> impl Strategy<Value = Option<Policy>> {
    prop::option::of(prop::sample::select(vec![
        Policy::Accept,
        Policy::Drop,
        Policy::Reject,
    ]))
}

/// A server with anything in a guest's firewall, sets of ours among it.
fn server() -> impl Strategy<Value = Server> {
    let rules = prop::collection::vec(some_rule(), 0..9);
    let members = prop::collection::vec(prop::sample::subsequence(&PEERS[..], 0..=3), 3);
    let options = (
        prop::option::of(any::<bool>()),
        policy(),
        policy(),
        prop::option::of(any::<bool>()),
    );
    let fenced = (any::<bool>(), any::<bool>());
    (rules, members, options, fenced).prop_map(|(rules, members, options, fenced)| {
        let rules: Vec<&str> = rules.iter().map(String::as_str).collect();
        let mut server = Server::new().with_rules(&rules).with_options(|written| {
            (
                written.enable,
                written.policy_in,
                written.policy_out,
                written.dhcp,
            ) = options;
        });
        let names = ["proxdeck-a-443", "proxdeck-a-all", "proxdeck-b-443"];
        for (name, members) in names.iter().zip(members) {
            server.firewall.sets.push(AddressSet {
                name: (*name).into(),
                comment: Some(format!("proxdeck:{}", &name[9..10]).into()),
                members: members
                    .into_iter()
                    .map(|cidr| Member {
                        cidr: cidr.into(),
                        is_excluded: false,
                        comment: Some("2026-11-26T18:00:00Z one.example".into()),
                    })
                    .collect(),
            });
        }
        for (key, fenced) in [("net0", fenced.0), ("net1", fenced.1)] {
            let firewall = if fenced { ",firewall=1" } else { "" };
            let card = format!(
                "virtio=BC:24:11:AA:BB:0{},bridge=vmbr0{firewall}",
                &key[3..]
            );
            server.config.insert(key.to_owned(), card);
        }
        server
    })
}

fn some_profile() -> impl Strategy<Value = NetworkProfile> {
    let allow = vec![
        "10.0.0.1:443",
        "one.example:443",
        "10.0.0.0/8",
        "192.0.2.1:80",
        "0.0.0.0/0:80",
    ];
    let block = vec!["10.1.0.0/16", "192.0.2.2", "two.example:80", "0.0.0.0/0"];
    let allow_in = vec!["10.0.0.0/8:443", "192.0.2.1"];
    (
        prop::sample::subsequence(allow, 0..=4),
        prop::sample::subsequence(block, 0..=3),
        prop::option::of(prop::sample::subsequence(allow_in, 0..=2)),
        prop::option::of(Just(vec!["10.0.0.2".parse::<IpAddr>().unwrap()])),
        prop::bool::weighted(0.8),
    )
        .prop_map(|(allow, block, allow_in, dns, firewall)| NetworkProfile {
            firewall,
            block: destinations(&block),
            allow_in: allow_in.map(|list| destinations(&list)),
            dns,
            ..profile("a", &allow)
        })
}

fn answers() -> Resolved {
    resolved(
        0,
        &[
            ("one.example", &["192.0.2.1", "2001:db8::1"]),
            ("two.example", &["192.0.2.2"]),
        ],
    )
}

/// Returns what passes of a sample of packets, over each card.
fn open(server: &Server) -> Vec<bool> {
    let current = server.current();
    let mut open = Vec::new();
    for card in ["net0", "net1"] {
        for peer in PEERS {
            for port in PORTS {
                for way in [Way::In, Way::Out] {
                    for protocol in [Protocol::Tcp, Protocol::Udp] {
                        let peer = peer.parse().unwrap();
                        let packet = Packet {
                            way,
                            peer,
                            protocol,
                            port,
                        };
                        let found = passage(&current, card, &packet);
                        assert_ne!(found.verdict, Verdict::Unclear, "{found}");
                        open.push(found.verdict == Verdict::Passes);
                    }
                }
            }
        }
    }
    open
}

fn foreign(server: &Server) -> Vec<Rule> {
    let rules = server.firewall.rules.list.iter();
    rules.filter(|rule| !is_ours(rule)).cloned().collect()
}

fn ours(server: &Server) -> Vec<String> {
    let rules = server.firewall.rules.list.iter();
    let ours = rules.filter(|rule| is_ours(rule));
    ours.map(ToString::to_string).collect()
}

/// Executes a plan call by call; at no moment more passes than before and after together.
fn execute_watched(server: &mut Server, plan: &NetworkPlan) {
    let mut states = vec![open(server)];
    for call in plan.calls() {
        server.take(&call);
        states.push(open(server));
    }
    let (before, after) = (states[0].clone(), states[states.len() - 1].clone());
    for (step, state) in states.iter().enumerate() {
        for (packet, open) in state.iter().enumerate() {
            let allowed = before[packet] || after[packet];
            assert!(
                allowed || !open,
                "packet {packet} passes after {step} of {:#?}",
                plan.calls()
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn a_plan_leaves_the_wanted_rules_and_those_of_others_and_opens_nothing_on_the_way(
        mut server in server(),
        profile in some_profile(),
    ) {
        let others = foreign(&server);
        let plan = server.plan(&profile, &answers());
        prop_assert_eq!(plan.objections(), []);
        execute_watched(&mut server, &plan);
        prop_assert_eq!(foreign(&server), others);
        let mut fresh = Server::new();
        fresh.apply(&profile, &answers());
        prop_assert_eq!(ours(&server), ours(&fresh), "in the order of a first application");
        prop_assert_eq!(server.set_names(), fresh.set_names());
        prop_assert_eq!(server.plan(&profile, &answers()).calls(), []);
    }

    #[test]
    fn a_plan_that_was_cut_short_is_finished_by_making_it_again(
        mut server in server(),
        profile in some_profile(),
        cut in any::<prop::sample::Index>(),
    ) {
        let calls = server.plan(&profile, &answers()).calls();
        let mut whole = server.clone();
        whole.apply(&profile, &answers());
        for call in &calls[..cut.index(calls.len() + 1)] {
            server.take(call);
        }
        server.apply(&profile, &answers());
        prop_assert_eq!(server.plan(&profile, &answers()).calls(), []);
        prop_assert_eq!(ours(&server), ours(&whole));
        prop_assert_eq!(foreign(&server), foreign(&whole));
        prop_assert_eq!(server.set_names(), whole.set_names());
    }

    #[test]
    fn the_way_back_leads_to_what_was_there_wherever_a_trial_was_cut_short_and_neither_opens_anything(
        mut server in server(),
        profile in some_profile(),
        cut in any::<prop::sample::Index>(),
    ) {
        let time = |seconds| chrono::DateTime::from_timestamp(NOON + seconds, 0).unwrap();
        let before = server.clone();
        let trial = plan_trial(
            &guest(), &profile, &answers(), &server.current(), (time(0), time(60)),
        );
        prop_assert_eq!(trial.objections(), []);
        let calls = trial.calls();
        prop_assume!(!calls.is_empty());
        execute_watched(&mut server.clone(), &trial);
        for call in &calls[..=cut.index(calls.len())] {
            server.take(call);
        }
        let back = put_back(&guest(), &server.current()).unwrap();
        execute_watched(&mut server, &back);
        prop_assert_eq!(&server.config, &before.config);
        prop_assert_eq!(&server.firewall.options, &before.firewall.options);
        prop_assert_eq!(&server.firewall.rules, &before.firewall.rules);
        let sets = |server: &Server| -> Vec<(String, Vec<String>)> {
            let names = server.set_names().into_iter();
            names.map(|name| (name.clone(), { let mut all = server.members(&name); all.sort(); all })).collect()
        };
        prop_assert_eq!(sets(&server), sets(&before));
        prop_assert_eq!(put_back(&guest(), &server.current()), None);
    }
}
