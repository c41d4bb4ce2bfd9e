//! Firewalls on the wire: positions, digests, forms, and what of the datacenter's may be read.

use proxdeck::domain::failure::FailureKind;
use proxdeck::domain::firewall::{Direction, Policy, Rule};
use proxdeck::simulator::{Options, Scenario, Simulator};

use crate::house::{by_token, guest, listening_to, small, token, writes};
use crate::teller::{Say, Teller};

fn rule(comment: &str) -> Rule {
    Rule {
        direction: Direction::Out,
        action: "ACCEPT".into(),
        is_enabled: true,
        macro_name: None,
        protocol: Some("tcp".into()),
        source: None,
        destination: Some("+peers".into()),
        source_port: None,
        destination_port: Some("443".into()),
        interface: None,
        icmp_type: None,
        log: None,
        comment: Some(comment.into()),
        is_broken: false,
    }
}

/// The last write: method, path below the guest, and form.
fn last(simulator: &Simulator) -> (String, String, Vec<(String, String)>) {
    let entry = writes(simulator).pop().unwrap();
    let path = entry.path.split("/qemu/102").nth(1).unwrap().to_owned();
    (entry.method, path, entry.form)
}

fn pairs(form: &[(String, String)]) -> Vec<(&str, &str)> {
    form.iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect()
}

#[tokio::test]
async fn pitfall_30_a_rule_is_switched_on_when_it_is_made_and_comes_first() {
    let simulator = small().await;
    let client = by_token(&simulator);
    let (firewall, guest) = (client.firewall(), guest(102));
    firewall
        .create_set(&guest, "peers", Some("ours"))
        .await
        .unwrap();
    for comment in ["b", "a"] {
        firewall.add_rule(&guest, &rule(comment)).await.unwrap();
    }
    let (method, path, form) = last(&simulator);
    assert_eq!(
        (method.as_str(), path.as_str()),
        ("POST", "/firewall/rules")
    );
    let wanted = [
        ("type", "out"),
        ("action", "ACCEPT"),
        ("enable", "1"),
        ("proto", "tcp"),
        ("dest", "+peers"),
        ("dport", "443"),
        ("comment", "a"),
    ];
    assert_eq!(pairs(&form), wanted);
    let mut off = rule("c");
    off.is_enabled = false;
    firewall.add_rule(&guest, &off).await.unwrap();
    let rules = firewall.rules(&guest).await.unwrap();
    assert_eq!(rules.list, [off, rule("a"), rule("b")]);
}

#[tokio::test]
async fn pitfall_30_every_change_of_a_position_needs_the_digest_of_its_list() {
    let simulator = small().await;
    let client = by_token(&simulator);
    let (firewall, guest) = (client.firewall(), guest(102));
    firewall.create_set(&guest, "peers", None).await.unwrap();
    for comment in ["d", "c", "b", "a"] {
        firewall.add_rule(&guest, &rule(comment)).await.unwrap();
    }
    let digest = async || firewall.rules(&guest).await.unwrap().digest.unwrap();
    let old = digest().await;
    firewall.move_rule(&guest, 0, 2, &old).await.unwrap();
    let (method, path, form) = last(&simulator);
    assert_eq!(
        (method.as_str(), path.as_str()),
        ("PUT", "/firewall/rules/0")
    );
    assert_eq!(pairs(&form), [("moveto", "2"), ("digest", old.as_str())]);
    for stale in [
        firewall.delete_rule(&guest, 3, &old).await,
        firewall.enable_rule(&guest, 0, &old).await,
        firewall.move_rule(&guest, 0, 2, &old).await,
    ] {
        let error = stale.unwrap_err();
        assert_eq!(error.kind(), FailureKind::Conflict, "{error}");
        assert!(!error.outcome_unknown());
    }
    // From the highest position on, each with the digest of its own turn.
    for position in [3, 2] {
        let digest = digest().await;
        firewall
            .delete_rule(&guest, position, &digest)
            .await
            .unwrap();
    }
    let rules = firewall.rules(&guest).await.unwrap();
    assert_eq!(rules.list, [rule("b"), rule("a")]);
}

#[tokio::test]
async fn members_are_named_in_paths_with_their_slash_escaped() {
    let simulator = small().await;
    let client = by_token(&simulator);
    let (firewall, guest) = (client.firewall(), guest(102));
    firewall.create_set(&guest, "peers", None).await.unwrap();
    for cidr in ["192.0.2.0/28", "2001:db8::7/128"] {
        firewall
            .add_member(&guest, "peers", cidr, Some("seen"))
            .await
            .unwrap();
    }
    let members = firewall.members(&guest, "peers").await.unwrap();
    let cidrs: Vec<&str> = members.iter().map(|member| member.cidr.raw()).collect();
    assert_eq!(cidrs, ["192.0.2.0/28", "2001:db8::7"]);
    firewall
        .describe_member(&guest, "peers", "192.0.2.0/28", "again")
        .await
        .unwrap();
    let members = firewall.members(&guest, "peers").await.unwrap();
    assert_eq!(members[0].comment, Some("again".into()));
    let teller = Teller::start(|_| Say::data("null")).await;
    let told = listening_to(&teller, token("hub@pve!deck", "secret"));
    told.firewall()
        .delete_member(&guest, "peers", "192.0.2.0/28")
        .await
        .unwrap();
    let heard = teller.heard().pop().unwrap();
    let target = "/api2/json/nodes/pve1/qemu/102/firewall/ipset/peers/192.0.2.0%2F28";
    assert_eq!(
        (heard.method.as_str(), heard.target.as_str()),
        ("DELETE", target)
    );
    firewall.delete_set(&guest, "peers").await.unwrap();
    assert!(firewall.sets(&guest).await.unwrap().is_empty());
}

#[tokio::test]
async fn options_are_written_together_and_only_over_what_was_read() {
    let simulator = small().await;
    let client = by_token(&simulator);
    let (firewall, guest) = (client.firewall(), guest(102));
    let before = firewall.options(&guest).await.unwrap();
    let digest = before.digest.as_deref();
    let options = [("enable", "1"), ("policy_in", "ACCEPT")];
    firewall
        .set_options(&guest, &options, &["dhcp"], digest)
        .await
        .unwrap();
    let (method, path, form) = last(&simulator);
    assert_eq!(
        (method.as_str(), path.as_str()),
        ("PUT", "/firewall/options")
    );
    let names: Vec<&str> = form.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["enable", "policy_in", "delete", "digest"]);
    let again = firewall.set_options(&guest, &options, &[], digest).await;
    assert_eq!(again.unwrap_err().kind(), FailureKind::Conflict);
    let after = firewall.options(&guest).await.unwrap();
    assert!(after.is_enabled());
    assert_eq!(after.policy_in, Some(Policy::Accept));
}

#[tokio::test]
async fn the_datacenter_s_sets_aliases_and_groups_are_read_whole() {
    let mut scenario = Scenario::small();
    scenario.firewall = true;
    let sets = &mut scenario.datacenter.sets;
    sets.insert("offices".to_owned(), vec!["198.51.100.0/24".to_owned()]);
    let aliases = &mut scenario.datacenter.aliases;
    aliases.insert("gateway".to_owned(), "198.51.100.1".to_owned());
    let rule = [("type", "in"), ("action", "ACCEPT"), ("macro", "HTTPS")];
    let rule = rule.map(|(field, value)| (field.to_owned(), value.to_owned()));
    let group = vec![rule.into()];
    scenario.groups.insert("webservers".to_owned(), group);
    let simulator = Simulator::start(Options::new(scenario)).await.unwrap();
    let client = by_token(&simulator);
    let firewall = client.firewall();
    assert!(firewall.cluster_enabled().await.unwrap());
    let sets = firewall.cluster_sets().await.unwrap();
    assert_eq!(sets[0].name.raw(), "offices");
    let members = firewall.cluster_members("offices").await.unwrap();
    assert_eq!(members[0].cidr.raw(), "198.51.100.0/24");
    let aliases = firewall.cluster_aliases().await.unwrap();
    assert_eq!(aliases[0].cidr.raw(), "198.51.100.1");
    assert_eq!(firewall.groups().await.unwrap(), ["webservers".into()]);
    let rules = firewall.group_rules("webservers").await.unwrap();
    assert_eq!(rules.list[0].macro_name, Some("HTTPS".into()));
    assert!(rules.digest.is_some());
}
