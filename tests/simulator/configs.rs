//! Configurations: digests, what waits for a restart, tags, cards, locks, rights.

use crate::stranger::small;

const PATH: &str = "/nodes/pve1/qemu/101/config";

#[tokio::test]
async fn numbers_and_strings_leak_as_recorded() {
    let stranger = small().await;
    let config = stranger.get(PATH).await.data();
    assert!(
        config["cores"].is_i64() && config["memory"].is_string() && config["digest"].is_string(),
        "{config}"
    );
    assert_eq!(config["digest"].as_str().unwrap().len(), 40);
    let container = stranger.get("/nodes/pve1/lxc/150/config").await.data();
    assert!(
        container["memory"].is_i64() && container["unprivileged"].is_i64(),
        "{container}"
    );
}

#[tokio::test]
async fn a_stale_digest_is_refused() {
    let stranger = small().await;
    let digest = stranger.get(PATH).await.data()["digest"]
        .as_str()
        .unwrap()
        .to_owned();
    let zeros = "0".repeat(40);
    let answer = stranger
        .put(PATH, &[("description", "x"), ("digest", &zeros)])
        .await;
    assert_eq!(
        answer.reason,
        "checksum mismatch (file change by other user?)"
    );
    assert!(
        stranger
            .put(PATH, &[("description", "x\nsecond ü"), ("digest", &digest)])
            .await
            .data()
            .is_null()
    );
    assert_eq!(
        stranger.get(PATH).await.data()["description"],
        "x\nsecond ü"
    );
    let answer = stranger
        .put(PATH, &[("description", "y"), ("digest", &digest)])
        .await;
    assert_eq!(answer.status, 500, "every change changes it");
    let answer = stranger
        .put(
            "/nodes/pve1/lxc/150/config",
            &[("memory", "310"), ("digest", &zeros)],
        )
        .await;
    assert_eq!(
        answer.reason,
        "detected modified configuration - file changed by other user? Try again."
    );
}

#[tokio::test]
async fn a_card_that_may_not_be_plugged_waits_and_takes_what_concerns_the_host_at_once() {
    let stranger = small().await;
    let card = |config: serde_json::Value| config["net0"].as_str().unwrap().to_owned();
    let now = format!("{PATH}?current=1");
    let before = card(stranger.get(PATH).await.data());
    // Its bridge and its firewall are not the guest's matter.
    stranger.put(PATH, &[("hotplug", "disk,usb")]).await.data();
    let walled = format!("{before},firewall=1");
    stranger.put(PATH, &[("net0", &walled)]).await.data();
    let live = card(stranger.get(&now).await.data());
    assert!(live.contains("firewall=1"), "{live}");
    // Another model is another device.
    let other = live.replace("virtio=", "e1000=");
    stranger.put(PATH, &[("net0", &other)]).await.data();
    assert_eq!(card(stranger.get(&now).await.data()), live);
    assert_eq!(card(stranger.get(PATH).await.data()), other);
    stranger.put(PATH, &[("revert", "net0")]).await.data();
    assert_eq!(card(stranger.get(PATH).await.data()), live);
    // Where cards may be plugged it is there at once.
    stranger.put(PATH, &[("hotplug", "network")]).await.data();
    stranger.put(PATH, &[("net0", &other)]).await.data();
    assert_eq!(card(stranger.get(&now).await.data()), other);
}

#[tokio::test]
async fn memory_of_a_running_machine_waits() {
    let stranger = small().await;
    stranger.put(PATH, &[("memory", "4096")]).await.data();
    assert_eq!(stranger.get(PATH).await.data()["memory"], "4096");
    assert_eq!(
        stranger.get(&format!("{PATH}?current=1")).await.data()["memory"],
        "2048"
    );
    let rows = stranger.get("/nodes/pve1/qemu/101/pending").await.data();
    let row = rows
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["key"] == "memory")
        .unwrap();
    assert_eq!(
        (row["value"].as_str(), row["pending"].as_str()),
        (Some("2048"), Some("4096"))
    );
    stranger.put(PATH, &[("revert", "memory")]).await.data();
    assert_eq!(stranger.get(PATH).await.data()["memory"], "2048");
    stranger.put(PATH, &[("memory", "4096")]).await.data();
    let answer = stranger
        .post("/nodes/pve1/qemu/101/status/reboot", &[])
        .await;
    assert_eq!(stranger.follow(&answer).await.0, "OK");
    assert_eq!(
        stranger.get(&format!("{PATH}?current=1")).await.data()["memory"],
        "4096"
    );
}

#[tokio::test]
async fn tags_are_normalised() {
    let stranger = small().await;
    for (sent, kept) in [
        ("web;prod;Zeta", "prod;web;zeta"),
        ("b,a b;a", "a;b"),
        ("", " "),
    ] {
        stranger.put(PATH, &[("tags", sent)]).await.data();
        assert_eq!(stranger.get(PATH).await.data()["tags"], kept, "{sent}");
    }
    for bad in ["bad tag!;ok", "-x", "+x"] {
        let answer = stranger.put(PATH, &[("tags", bad)]).await;
        assert_eq!(
            answer.error("tags"),
            "invalid format - invalid characters in tag\n"
        );
    }
    stranger.put(PATH, &[("delete", "tags")]).await.data();
    assert!(stranger.get(PATH).await.data().get("tags").is_none());
}

#[tokio::test]
async fn a_card_without_an_address_gets_a_new_one() {
    let stranger = small().await;
    stranger
        .put(PATH, &[("net0", "virtio,bridge=vmbr1,firewall=1")])
        .await
        .data();
    let card = stranger.get(PATH).await.data()["net0"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(
        card.starts_with("virtio=BC:24:11:") && card.ends_with(",bridge=vmbr1,firewall=1"),
        "{card}"
    );
    stranger
        .put(PATH, &[("net0", &card.replace("vmbr1", "vmbr0"))])
        .await
        .data();
    assert_eq!(
        stranger.get(PATH).await.data()["net0"],
        card.replace("vmbr1", "vmbr0")
    );
    let answer = stranger.put(PATH, &[("net0", "bridge=vmbr0")]).await;
    assert!(
        answer
            .error("net0")
            .starts_with("invalid format - format error\nnet0.model: ")
    );
}

#[tokio::test]
async fn refusals_of_changes() {
    let stranger = small().await;
    assert_eq!(stranger.put(PATH, &[]).await.reason, "no options specified");
    assert_eq!(
        stranger.put(PATH, &[("lock", "backup")]).await.reason,
        "only root can set 'lock' config"
    );
    assert_eq!(
        stranger.put(PATH, &[("delete", "lock")]).await.reason,
        "only root can set 'lock' config"
    );
    let answer = stranger
        .put(PATH, &[("description", "x"), ("skiplock", "1")])
        .await;
    assert_eq!(answer.error("skiplock"), "Only root may use this option.");
    stranger
        .simulator
        .edit(|world| world.lock_guest(101, Some("snapshot-delete")).unwrap());
    assert_eq!(
        stranger.put(PATH, &[("description", "x")]).await.reason,
        "VM is locked (snapshot-delete)"
    );
}

#[tokio::test]
async fn the_bridge_needs_a_right() {
    let stranger = small().await.limited();
    let answer = stranger.put(PATH, &[("net0", "virtio,bridge=vmbr1")]).await;
    assert_eq!(
        answer.reason,
        "Permission check failed (/sdn/zones/localnetwork/vmbr0, SDN.Use)"
    );
    assert!(
        stranger
            .put(PATH, &[("description", "fine")])
            .await
            .data()
            .is_null()
    );
}

#[tokio::test]
async fn later_changes_are_tasks() {
    let stranger = small().await;
    let answer = stranger.post(PATH, &[("name", "web-2")]).await;
    let (end, log) = stranger.follow(&answer).await;
    assert_eq!(
        (end.as_str(), log[0].as_str()),
        ("OK", "update VM 101: -name web-2")
    );
    assert!(
        stranger
            .post(PATH, &[("name", "web-1"), ("background_delay", "5")])
            .await
            .data()
            .is_null()
    );
    let answer = stranger
        .post("/nodes/pve1/lxc/150/config", &[("memory", "310")])
        .await;
    assert_eq!(answer.status, 501);
}

#[tokio::test]
async fn pools_have_no_digest_and_their_own_words() {
    let stranger = small().await;
    let words = async |form: &[(&str, &str)]| stranger.put("/pools", form).await.reason;
    assert_eq!(
        words(&[("poolid", "prod"), ("vms", "102")]).await,
        "update pools failed: VM 102 belongs already to pool 'lab' and 'allow-move' is not set"
    );
    assert_eq!(
        words(&[("poolid", "prod"), ("vms", "103")]).await,
        "update pools failed: VM 103 is already a pool member"
    );
    assert_eq!(
        words(&[("poolid", "prod"), ("vms", "104"), ("delete", "1")]).await,
        "update pools failed: VM 104 is not a pool member"
    );
    assert_eq!(
        words(&[("poolid", "nopool"), ("comment", "x")]).await,
        "update pools failed: pool 'nopool' does not exist"
    );
    assert!(
        stranger
            .put(
                "/pools",
                &[("poolid", "prod"), ("vms", "102"), ("allow-move", "1")]
            )
            .await
            .data()
            .is_null()
    );
    assert_eq!(stranger.simulator.world().pool_members("prod"), [102, 103]);
    assert!(
        stranger
            .put("/pools/prod", &[("comment", "line one\nline two")])
            .await
            .data()
            .is_null()
    );
    let pool = stranger.get("/pools?poolid=prod").await.data();
    assert_eq!(pool[0]["comment"], "line one\nline two");
    assert_eq!(pool[0]["members"].as_array().unwrap().len(), 2);
    assert_eq!(
        stranger.post("/pools", &[("poolid", "lab")]).await.reason,
        "create pool failed: pool 'lab' already exists"
    );
    assert!(
        stranger
            .post("/pools", &[("poolid", "lab/sub")])
            .await
            .data()
            .is_null()
    );
    let answer = stranger.delete("/pools?poolid=lab").await;
    assert_eq!(
        answer.reason,
        "delete pool failed: pool 'lab' is not empty (contains pool 'lab/sub')"
    );
    assert_eq!(
        stranger.get("/pools/lab%2Fsub").await.reason,
        "Method 'GET /pools/lab/sub' not implemented"
    );
}
