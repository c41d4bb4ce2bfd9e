//! Firewalls of guests: positions, digests, sets, what is refused and in which words.

use serde_json::Value;

use crate::stranger::{Form, Stranger, small};

const PATH: &str = "/nodes/pve1/qemu/102/firewall";

async fn rules(stranger: &Stranger) -> Vec<Value> {
    stranger
        .get(&format!("{PATH}/rules"))
        .await
        .data()
        .as_array()
        .unwrap()
        .clone()
}

fn column<'a>(rules: &'a [Value], key: &str) -> Vec<&'a str> {
    rules
        .iter()
        .map(|rule| rule[key].as_str().unwrap_or("-"))
        .collect()
}

#[tokio::test]
async fn new_rules_come_first_and_are_off() {
    let stranger = small().await;
    let create =
        async |form: &[(&str, &str)]| stranger.post(&format!("{PATH}/rules"), form).await.data();
    create(&[
        ("type", "in"),
        ("action", "ACCEPT"),
        ("enable", "1"),
        ("proto", "tcp"),
        ("dport", "22"),
        ("source", "10.0.0.0/8"),
    ])
    .await;
    create(&[
        ("type", "in"),
        ("action", "REJECT"),
        ("pos", "5"),
        ("digest", &"0".repeat(40)),
    ])
    .await;
    let found = rules(&stranger).await;
    assert_eq!(column(&found, "action"), ["REJECT", "ACCEPT"]);
    assert_eq!(
        (found[0]["enable"].as_i64(), found[1]["enable"].as_i64()),
        (Some(0), Some(1))
    );
    assert_eq!(
        (found[1]["ipversion"].as_i64(), found[1]["pos"].as_i64()),
        (Some(4), Some(1))
    );
    assert_eq!(found[0]["digest"], found[1]["digest"]);
    let single = stranger.get(&format!("{PATH}/rules/1")).await.data();
    assert_eq!(single["pos"], "1", "text when alone");
    assert!(
        stranger
            .get("/nodes/pve1/qemu/999/firewall/rules")
            .await
            .data()
            .as_array()
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn rules_move_before_what_is_there_now() {
    let stranger = small().await;
    for comment in ["e", "d", "c", "b", "a"] {
        let form = [("type", "out"), ("action", "ACCEPT"), ("comment", comment)];
        stranger.post(&format!("{PATH}/rules"), &form).await.data();
    }
    stranger
        .put(
            &format!("{PATH}/rules/0"),
            &[("moveto", "3"), ("comment", "ignored")],
        )
        .await
        .data();
    assert_eq!(
        column(&rules(&stranger).await, "comment"),
        ["b", "c", "a", "d", "e"]
    );
    stranger
        .put(&format!("{PATH}/rules/4"), &[("moveto", "1")])
        .await
        .data();
    assert_eq!(
        column(&rules(&stranger).await, "comment"),
        ["b", "e", "c", "a", "d"]
    );
    stranger
        .put(&format!("{PATH}/rules/0"), &[("comment", "")])
        .await
        .data();
    assert_eq!(
        column(&rules(&stranger).await, "comment"),
        ["-", "e", "c", "a", "d"]
    );
}

#[tokio::test]
async fn digests_are_looked_at_when_changing() {
    let stranger = small().await;
    stranger
        .post(
            &format!("{PATH}/rules"),
            &[("type", "out"), ("action", "DROP")],
        )
        .await
        .data();
    let digest = rules(&stranger).await[0]["digest"]
        .as_str()
        .unwrap()
        .to_owned();
    stranger
        .put(
            &format!("{PATH}/rules/0"),
            &[("enable", "1"), ("digest", &digest)],
        )
        .await
        .data();
    let stale = "detected modified configuration - file changed by other user? Try again.";
    assert_eq!(
        stranger
            .put(
                &format!("{PATH}/rules/0"),
                &[("enable", "0"), ("digest", &digest)]
            )
            .await
            .reason,
        stale
    );
    assert_eq!(
        stranger
            .delete(&format!("{PATH}/rules/0?digest={digest}"))
            .await
            .reason,
        stale
    );
    assert_eq!(
        stranger.delete(&format!("{PATH}/rules/99")).await.reason,
        "no rule at position 99"
    );
    assert!(
        stranger
            .delete(&format!("{PATH}/rules/0"))
            .await
            .data()
            .is_null()
    );
    assert_eq!(
        stranger
            .put(
                &format!("{PATH}/options"),
                &[("enable", "1"), ("digest", &digest)]
            )
            .await
            .reason,
        stale
    );
}

#[tokio::test]
async fn rules_that_are_refused() {
    let stranger = small().await;
    let base = [("type", "out"), ("action", "ACCEPT"), ("enable", "1")];
    let cases: [(Form<'_>, &str, &str); 9] = [
        (
            &[("dport", "443")],
            "proto",
            "missing property - 'dport' requires this property",
        ),
        (
            &[("dest", "api.github.com")],
            "dest",
            "invalid format - invalid IP address: Invalid chars in IP api.github.com\n",
        ),
        (&[("dest", "myserver")], "dest", "no such alias 'myserver'"),
        (&[("dest", "+nosuch")], "dest", "no such ipset 'nosuch'"),
        (
            &[("source", "192.0.2.1"), ("dest", "2001:db8::1")],
            "dest",
            "detected mixed ipv4/ipv6 addresses in rule",
        ),
        (&[("macro", "NoSuch")], "macro", "unknown macro 'NoSuch'"),
        (
            &[("proto", "tcp"), ("dport", "70000")],
            "dport",
            "invalid format - invalid port '70000'\n",
        ),
        (
            &[("proto", "quic")],
            "proto",
            "invalid format - unknown protocol 'quic'\n",
        ),
        (
            &[("icmp-type", "8")],
            "icmp-type",
            "invalid format - invalid icmp-type value '8'\n",
        ),
    ];
    for (extra, parameter, why) in cases {
        let form: Vec<(&str, &str)> = base.iter().chain(extra).copied().collect();
        assert_eq!(
            stranger
                .post(&format!("{PATH}/rules"), &form)
                .await
                .error(parameter),
            why
        );
    }
    let answer = stranger
        .post(
            &format!("{PATH}/rules"),
            &[("type", "forward"), ("action", "ACCEPT")],
        )
        .await;
    assert_eq!(
        answer.error("type"),
        "invalid rule type 'forward' for rule_env 'vm'"
    );
    let limited = stranger
        .post(
            &format!("{PATH}/rules"),
            &[("type", "group"), ("action", "nosuchgroup")],
        )
        .await;
    assert!(limited.data().is_null(), "unknown groups are taken");
}

#[tokio::test]
async fn sets_and_what_refers_to_them() {
    let stranger = small().await;
    let set = format!("{PATH}/ipset");
    stranger
        .post(&set, &[("name", "peers"), ("comment", "v4 and v6")])
        .await
        .data();
    assert_eq!(
        stranger
            .post(&set, &[("name", "peers")])
            .await
            .error("name"),
        "IPSet 'peers' already exists"
    );
    assert_eq!(
        stranger.post(&set, &[("name", "1bad")]).await.error("name"),
        "value does not match the regex pattern"
    );
    let members = format!("{set}/peers");
    for cidr in ["192.0.2.10", "192.0.2.77/24", "2001:db8::7/128"] {
        stranger.post(&members, &[("cidr", cidr)]).await.data();
    }
    let found = stranger.get(&members).await.data();
    assert_eq!(
        column(found.as_array().unwrap(), "cidr"),
        ["192.0.2.10", "192.0.2.0/24", "2001:db8::7"]
    );
    assert_eq!(
        stranger
            .post(&members, &[("cidr", "192.0.2.10/32")])
            .await
            .error("cidr"),
        "address '192.0.2.10' already exists"
    );
    assert_eq!(
        stranger.post(&members, &[("cidr", "noalias")]).await.reason,
        "no such alias 'noalias'"
    );
    let range = stranger
        .post(&members, &[("cidr", "203.0.113.1-203.0.113.9")])
        .await;
    assert_eq!(
        range.error("cidr"),
        "invalid format - value does not look like a valid IP address or CIDR network\n"
    );
    for path in ["192.0.2.0%2F24", "192.0.2.0/24"] {
        assert_eq!(
            stranger.get(&format!("{members}/{path}")).await.data()["cidr"],
            "192.0.2.0/24"
        );
    }
    let form = [
        ("type", "out"),
        ("action", "ACCEPT"),
        ("proto", "tcp"),
        ("dport", "443"),
        ("dest", "+peers"),
        ("enable", "1"),
    ];
    stranger.post(&format!("{PATH}/rules"), &form).await.data();
    let references = stranger
        .get(&format!("{PATH}/refs?type=ipset"))
        .await
        .data();
    assert_eq!(
        (
            references[0]["ref"].as_str(),
            references[0]["scope"].as_str()
        ),
        (Some("+peers"), Some("guest"))
    );
    assert_eq!(
        stranger.delete(&members).await.reason,
        "IPSet 'peers' is not empty"
    );
    assert!(
        stranger
            .delete(&format!("{members}?force=1"))
            .await
            .data()
            .is_null()
    );
    assert_eq!(
        rules(&stranger).await[0]["errors"]["dest"],
        "no such ipset 'peers'"
    );
    assert_eq!(stranger.get(&members).await.reason, "no such IPSet 'peers'");
}

#[tokio::test]
async fn options_list_only_what_was_set() {
    let stranger = small().await;
    let path = format!("{PATH}/options");
    let empty = stranger.get(&path).await.data();
    assert_eq!(
        empty,
        serde_json::json!({ "digest": "da39a3ee5e6b4b0d3255bfef95601890afd80709" })
    );
    stranger
        .put(
            &path,
            &[("enable", "1"), ("policy_out", "DROP"), ("dhcp", "0")],
        )
        .await
        .data();
    let found = stranger.get(&path).await.data();
    assert_eq!(
        (
            found["enable"].as_i64(),
            found["policy_out"].as_str(),
            found["dhcp"].as_i64()
        ),
        (Some(1), Some("DROP"), Some(0))
    );
    stranger.put(&path, &[("delete", "dhcp")]).await.data();
    assert!(stranger.get(&path).await.data().get("dhcp").is_none());
    assert_eq!(
        stranger
            .put(&path, &[("delete", "foo")])
            .await
            .error("delete"),
        "no such option 'foo'"
    );
    let answer = stranger.put(&path, &[("policy_in", "MAYBE")]).await;
    assert_eq!(
        answer.error("policy_in"),
        "value 'MAYBE' does not have a value in the enumeration 'ACCEPT, REJECT, DROP'"
    );
    let clone = stranger
        .post("/nodes/pve1/qemu/102/clone", &[("newid", "107")])
        .await;
    assert_eq!(stranger.follow(&clone).await.0, "OK");
    let copied = stranger
        .get("/nodes/pve1/qemu/107/firewall/options")
        .await
        .data();
    assert_eq!(
        copied["policy_out"], "DROP",
        "a clone takes the firewall file along"
    );
}

#[tokio::test]
async fn locks_do_not_concern_firewalls() {
    let stranger = small().await;
    stranger.simulator.edit(|world| {
        world.lock_guest(102, Some("backup")).unwrap();
        world.set_datacenter_firewall(true);
    });
    assert!(
        stranger
            .put(&format!("{PATH}/options"), &[("enable", "1")])
            .await
            .data()
            .is_null()
    );
    assert_eq!(
        stranger.get("/cluster/firewall/options").await.data()["enable"],
        1
    );
    let container = stranger
        .put("/nodes/pve1/lxc/150/firewall/options", &[("enable", "1")])
        .await;
    assert!(container.data().is_null());
}
