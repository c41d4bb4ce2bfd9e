//! Names of hosts: from a table, from one name server, and what there is to say when there is no answer.

use std::collections::BTreeMap;
use std::net::{IpAddr, UdpSocket};
use std::time::Duration;

use chrono::{DateTime, Utc};
use proxdeck::operations::Resolver;
use proxdeck::simulator::NameServer;

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_424_445, 0).unwrap()
}

fn hosts() -> BTreeMap<String, Vec<IpAddr>> {
    let host = |name: &str, addresses: &[&str]| {
        let addresses = addresses.iter().map(|it| it.parse().unwrap());
        (name.to_owned(), addresses.collect())
    };
    [
        host("api.test", &["2001:db8::10", "192.0.2.11", "192.0.2.10"]),
        host("old.test", &["192.0.2.20"]),
        host("empty.test", &[]),
    ]
    .into()
}

fn addresses(texts: &[&str]) -> Vec<IpAddr> {
    texts.iter().map(|it| it.parse().unwrap()).collect()
}

#[tokio::test]
async fn a_table_knows_its_names_in_any_spelling_and_no_others() {
    let resolver = Resolver::table(hosts());
    let names = ["API.test", "old.test", "gone.test"];
    let resolved = resolver.resolve(names, now()).await;
    assert_eq!(resolved.time(), now());
    let found = resolved.addresses("api.test").unwrap();
    assert_eq!(
        found,
        addresses(&["192.0.2.10", "192.0.2.11", "2001:db8::10"])
    );
    assert_eq!(
        resolved.addresses("gone.test").unwrap_err(),
        "gone.test does not resolve: there is no such name"
    );
}

#[tokio::test]
async fn a_name_server_is_asked_for_both_families() {
    let server = NameServer::start(hosts()).await.unwrap();
    let resolver = Resolver::server(server.address());
    let names = ["api.test", "old.test", "empty.test", "gone.test"];
    let resolved = resolver.resolve(names, now()).await;
    let found = resolved.addresses("api.test").unwrap();
    assert_eq!(
        found,
        addresses(&["192.0.2.10", "192.0.2.11", "2001:db8::10"])
    );
    assert_eq!(
        resolved.addresses("old.test").unwrap(),
        addresses(&["192.0.2.20"])
    );
    let why = |name: &str| resolved.addresses(name).unwrap_err();
    assert_eq!(why("empty.test"), "empty.test resolves to no address");
    assert_eq!(
        why("gone.test"),
        "gone.test does not resolve: there is no such name"
    );
}

#[tokio::test]
async fn a_name_server_that_says_nothing_is_told_from_a_name_that_is_not_there() {
    let silent = UdpSocket::bind(("127.0.0.1", 0)).unwrap();
    let address = silent.local_addr().unwrap();
    let resolver = Resolver::server(address).with_patience(Duration::from_millis(300));
    let resolved = resolver.resolve(["api.test", "old.test"], now()).await;
    for name in ["api.test", "old.test"] {
        assert_eq!(
            resolved.addresses(name).unwrap_err(),
            format!("{name} does not resolve: no answer in time from {address}")
        );
    }
}

#[tokio::test]
async fn the_system_knows_at_least_this_machine() {
    let resolved = Resolver::system().resolve(["localhost"], now()).await;
    let found = resolved.addresses("localhost").unwrap();
    assert!(found.iter().all(IpAddr::is_loopback) && !found.is_empty());
    assert!(Resolver::system().name().contains("system"));
}
