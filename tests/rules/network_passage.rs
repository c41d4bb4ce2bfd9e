//! Whether a packet would pass, and what is said about it.

use pretty_assertions::assert_eq;
use proxdeck::domain::firewall::{AddressSet, Alias, Member, Policy, Rules, SecurityGroup};
use proxdeck::domain::network::{Packet, Passage, Protocol, Verdict, Way, passage};

use crate::network_server::{Server, profile, resolved, rule};

/// A guest whose card, own and datacenter's switch are on, and whose policies drop.
fn closed(rules: &[&str]) -> Server {
    let mut server = Server::new().with_rules(rules).with_options(|options| {
        options.enable = Some(true);
        options.policy_out = Some(Policy::Drop);
    });
    let card = "virtio=BC:24:11:AA:BB:CC,bridge=vmbr0,firewall=1".to_owned();
    server.config.insert("net0".to_owned(), card);
    server
}

/// Makes a packet from `out 10.0.0.1 tcp 443`.
fn packet(text: &str) -> Packet {
    let words: Vec<&str> = text.split(' ').collect();
    Packet {
        way: if words[0] == "in" { Way::In } else { Way::Out },
        peer: words[1].parse().unwrap(),
        protocol: match words[2] {
            "tcp" => Protocol::Tcp,
            "udp" => Protocol::Udp,
            _ => Protocol::Ping,
        },
        port: words.get(3).map_or(0, |port| port.parse().unwrap()),
    }
}

fn judge(server: &Server, text: &str) -> Passage {
    passage(&server.current(), "net0", &packet(text))
}

fn passes(server: &Server, text: &str) -> bool {
    let found = judge(server, text);
    assert_ne!(found.verdict, Verdict::Unclear, "{text}: {found}");
    found.verdict == Verdict::Passes
}

#[test]
fn a_fence_lets_through_what_its_profile_says_and_names_what_decides() {
    let mut server = Server::new();
    let api = profile("api", &["api.github.com:443"]);
    server.apply(
        &api,
        &resolved(0, &[("api.github.com", &["192.0.2.1", "2001:db8::1"])]),
    );
    let said = |text: &str| judge(&server, text).to_string();
    assert_eq!(
        said("out 192.0.2.1 tcp 443"),
        "passes: rule 0 (out ACCEPT tcp to +proxdeck-api-443 port 443)"
    );
    assert_eq!(
        said("out 192.0.2.2 tcp 443"),
        "does not pass: policy_out DROP, for no rule is about it"
    );
    assert!(passes(&server, "out 2001:db8::1 tcp 443"));
    assert!(!passes(&server, "out 192.0.2.1 tcp 80"));
    assert!(!passes(&server, "out 192.0.2.1 udp 443"));
    assert!(passes(&server, "out 10.0.0.53 udp 53") && passes(&server, "out 10.0.0.53 tcp 53"));
    assert!(!passes(&server, "out 10.0.0.54 udp 53"));
    assert_eq!(
        said("out 10.0.0.1 udp 67"),
        "passes: the option dhcp lets it through"
    );
    assert!(!passes(&server, "in 192.0.2.1 tcp 22"));
    let stopped = judge(&server, "in 192.0.2.1 tcp 22");
    assert_eq!(
        stopped.caveats,
        ["connections that are open already stay open"]
    );
}

#[test]
fn pitfall_30_with_a_switch_off_everything_passes_and_the_switch_is_named() {
    let said = |server: &Server| judge(server, "out 192.0.2.1 tcp 443").to_string();
    let mut server = closed(&[]);
    assert!(said(&server).starts_with("does not pass"));
    let on = server.clone();
    server.cluster.is_enabled = Some(false);
    assert_eq!(
        said(&server),
        "passes: the datacenter's firewall is switched off, nothing is enforced"
    );
    let server = on.clone().with_options(|options| options.enable = None);
    assert_eq!(
        said(&server),
        "passes: the guest's firewall is switched off, nothing is enforced"
    );
    let mut server = on.clone();
    server.config.insert(
        "net0".to_owned(),
        "virtio=BC:24:11:AA:BB:CC,bridge=vmbr0".to_owned(),
    );
    assert_eq!(
        said(&server),
        "passes: net0 has no firewall=1, nothing is enforced"
    );
    let mut server = on;
    server.cluster.is_enabled = None;
    let found = judge(&server, "out 192.0.2.1 tcp 443");
    assert_eq!(found.verdict, Verdict::Stopped);
    assert!(found.caveats[0].contains("needs Sys.Audit on /"));
}

#[test]
fn the_first_rule_that_counts_and_fits_decides() {
    let server = closed(&[
        "!out ACCEPT",
        "in ACCEPT",
        "out ACCEPT iface=net1",
        "out REJECT dest=10.0.0.1 proto=tcp dport=443",
        "out ACCEPT dest=10.0.0.0/8",
    ]);
    let found = judge(&server, "out 10.0.0.1 tcp 443");
    assert_eq!((found.verdict, found.rule), (Verdict::Stopped, Some(3)));
    assert!(passes(&server, "out 10.0.0.1 tcp 80"));
    assert!(passes(&server, "in 2001:db8::1 ping"));
}

/// A closed guest with one rule, and sets and aliases of which it may speak.
fn with_names(text: &str) -> Server {
    let mut server = closed(&[text]);
    let set = |name: &str, members: &[&str]| AddressSet {
        name: name.into(),
        comment: None,
        members: members
            .iter()
            .map(|text| Member {
                cidr: text.trim_start_matches('!').into(),
                is_excluded: text.starts_with('!'),
                comment: None,
            })
            .collect(),
    };
    let alias = |name: &str, cidr: &str| Alias {
        name: name.into(),
        cidr: cidr.into(),
    };
    server
        .firewall
        .aliases
        .push(alias("gateway", "198.51.100.1"));
    server.cluster.aliases = Some(vec![alias("gateway", "203.0.113.1")]);
    server
        .firewall
        .sets
        .push(set("peers", &["192.0.2.16/28", "!192.0.2.20", "gateway"]));
    let far = &["203.0.113.0/24"];
    server.cluster.sets = Some(vec![set("peers", far), set("common", far)]);
    server
}

#[test]
fn addresses_ports_and_protocols_in_every_form_that_the_server_takes() {
    for (text, through, stopped) in [
        (
            "out ACCEPT dest=192.0.2.1-192.0.2.9",
            "out 192.0.2.9 tcp 1",
            "out 192.0.2.10 tcp 1",
        ),
        (
            "out ACCEPT dest=192.0.2.1,192.0.2.8/29",
            "out 192.0.2.15 tcp 1",
            "out 192.0.2.2 tcp 1",
        ),
        (
            "out ACCEPT dest=0.0.0.0/0",
            "out 192.0.2.1 tcp 1",
            "out ::1 tcp 1",
        ),
        (
            "in ACCEPT source=2001:db8::/32",
            "in 2001:db8::5 tcp 1",
            "in 192.0.2.1 tcp 1",
        ),
        (
            "out ACCEPT proto=tcp dport=80,443,8000:8010",
            "out ::1 tcp 8005",
            "out ::1 tcp 8011",
        ),
        (
            "out ACCEPT proto=tcp dport=https",
            "out ::1 tcp 443",
            "out ::1 tcp 444",
        ),
        ("out ACCEPT proto=17", "out ::1 udp 9", "out ::1 tcp 9"),
        (
            "out ACCEPT proto=icmp icmp-type=echo-request",
            "out 192.0.2.1 ping",
            "out ::1 ping",
        ),
        (
            "out ACCEPT proto=ipv6-icmp",
            "out ::1 ping",
            "out 192.0.2.1 ping",
        ),
        ("out ACCEPT macro=DNS", "out ::1 udp 53", "out ::1 udp 54"),
        (
            "out ACCEPT macro=Ping dest=10.0.0.0/8",
            "out 10.0.0.1 ping",
            "out 11.0.0.1 ping",
        ),
        (
            "out ACCEPT macro=HTTPS",
            "out ::1 tcp 443",
            "out ::1 tcp 80",
        ),
        (
            "in ACCEPT macro=SSH source=10.0.0.0/8",
            "in 10.1.1.1 tcp 22",
            "in 11.1.1.1 tcp 22",
        ),
        (
            "out ACCEPT dest=gateway",
            "out 198.51.100.1 tcp 1",
            "out 198.51.100.2 tcp 1",
        ),
        (
            "out ACCEPT dest=dc/GATEWAY",
            "out 203.0.113.1 tcp 1",
            "out 198.51.100.1 tcp 1",
        ),
        (
            "out ACCEPT dest=+peers",
            "out 192.0.2.17 tcp 1",
            "out 192.0.2.20 tcp 1",
        ),
        (
            "out ACCEPT dest=+dc/peers",
            "out 203.0.113.9 tcp 1",
            "out 192.0.2.17 tcp 1",
        ),
        (
            "out ACCEPT dest=+common",
            "out 203.0.113.9 tcp 1",
            "out 192.0.2.17 tcp 1",
        ),
    ] {
        let server = with_names(text);
        assert!(passes(&server, through), "{text} and {through}");
        assert!(!passes(&server, stopped), "{text} and {stopped}");
    }
}

#[test]
fn groups_are_judged_where_they_can_be_read_and_are_unclear_where_not() {
    let mut server = closed(&["group web", "out ACCEPT dest=10.0.0.1"]);
    server.cluster.groups = Some(vec![SecurityGroup {
        name: "web".into(),
        rules: Rules {
            list: vec![
                rule("!out ACCEPT"),
                rule("out DROP dest=10.0.0.1"),
                rule("in ACCEPT macro=HTTPS"),
            ],
            digest: None,
        },
    }]);
    assert!(!passes(&server, "out 10.0.0.1 tcp 1"));
    assert_eq!(
        judge(&server, "in 192.0.2.1 tcp 443").to_string(),
        "passes: rule 0 (group web)"
    );
    server.cluster.groups = None;
    assert_eq!(
        judge(&server, "in 192.0.2.1 tcp 443").to_string(),
        "cannot be said: rule 0 (group web) may decide, and the rules of security group web cannot \
         be read (needs Sys.Audit on /); else policy_in DROP, for no rule is about it"
    );
}

#[test]
fn what_is_not_known_makes_it_unclear_only_where_it_would_matter() {
    let unclear = |text: &str, packet: &str| {
        let verdict = judge(&closed(&[text]), packet).verdict;
        verdict == Verdict::Unclear
    };
    let out = "out 192.0.2.1 tcp 443";
    for text in [
        "out ACCEPT macro=Amanda",
        "out ACCEPT macro=HTTPS proto=tcp",
        "out ACCEPT dest=+nowhere",
        "out ACCEPT dest=nowhere",
        "out ACCEPT source=10.0.0.1",
        "out ACCEPT proto=tcp sport=1024:65535",
        "out ACCEPT proto=tcp dport=amanda",
        "out webservers",
    ] {
        assert!(unclear(text, out), "{text}");
        let drops = text.replace("ACCEPT", "DROP");
        assert_eq!(
            unclear(&drops, out),
            drops == text,
            "{drops} only does what the policy does"
        );
    }
    assert!(unclear("out ACCEPT macro=HTTPS", "out 192.0.2.1 udp 443"));
    let mut hidden = closed(&["out ACCEPT dest=+dc/peers"]);
    hidden.cluster.sets = None;
    assert!(judge(&hidden, out).because.contains("needs Sys.Audit on /"));
}

#[test]
fn broken_rules_are_left_out_as_the_server_does_and_said() {
    let mut server = closed(&["out ACCEPT dest=+gone"]);
    server.firewall.rules.list[0].is_broken = true;
    let found = judge(&server, "out 192.0.2.1 tcp 443");
    assert_eq!(found.verdict, Verdict::Stopped);
    assert_eq!(
        found.caveats[0],
        "rule 0 is broken, the server leaves it out: out ACCEPT to +gone"
    );
}

#[test]
fn the_blacklist_of_the_datacenter_stops_what_comes_in() {
    let mut server = closed(&["in ACCEPT"]);
    assert!(passes(&server, "in 192.0.2.1 tcp 22"));
    server.cluster.sets = Some(vec![AddressSet {
        name: "blacklist".into(),
        comment: None,
        members: vec![Member {
            cidr: "192.0.2.0/24".into(),
            is_excluded: false,
            comment: None,
        }],
    }]);
    assert!(!passes(&server, "in 192.0.2.1 tcp 22"));
    assert!(passes(&server, "in 198.51.100.1 tcp 22"));
}

#[test]
fn nothing_is_said_of_what_was_not_read() {
    let mut current = closed(&[]).current();
    let out = packet("out 192.0.2.1 tcp 443");
    assert_eq!(
        passage(&current, "net7", &out).to_string(),
        "cannot be said: the guest has no net7"
    );
    current.firewall = Err("no answer".to_owned());
    assert_eq!(
        passage(&current, "net0", &out).to_string(),
        "cannot be said: the guest's firewall could not be read: no answer"
    );
}
