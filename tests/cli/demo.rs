//! `--demo` works on a machine that has neither a Proxmox nor a config.

use crate::world::Home;

#[test]
fn the_demo_answers_every_question_and_leaves_nothing_behind() {
    let home = Home::new();
    let temporary = home.folder.path().join("tmp");
    std::fs::create_dir(&temporary).unwrap();
    let run = |arguments: &[&str]| {
        home.run_with(
            &[
                ("TMPDIR", temporary.to_str().unwrap()),
                // A demo asks nobody else, whatever the environment says.
                ("PROXDECK_ENDPOINT", "nonsense"),
            ],
            arguments,
        )
    };
    let list = run(&["--demo", "list", "--json"]);
    assert_eq!(list.code, 0, "{}", list.stderr);
    let document = list.json();
    assert_eq!(document["cluster"], "lab");
    let rows = document["rows"].as_array().unwrap();
    assert!(rows.len() > 30, "{} guests", rows.len());
    let agent = rows.iter().find(|row| row["vmid"] == 104).unwrap();
    assert_eq!(agent["managed"], true);
    assert_eq!(agent["project"], "alpha");
    let quota = run(&["quota", "--demo", "--json"]).json();
    let projects: Vec<&str> = quota["summary"]["projects"]
        .as_array()
        .unwrap()
        .iter()
        .map(|project| project["project"].as_str().unwrap())
        .collect();
    assert_eq!(projects, ["alpha", "beta", "gamma", "hub"]);
    let console = run(&["--demo", "console", "104"]);
    assert!(
        console.stdout.contains("&vmid=104&node=pve2"),
        "{}",
        console.stdout
    );
    assert!(console.stdout.contains("ssh -t root@pve2 qm terminal 104"));
    assert_eq!(run(&["--demo", "config", "check"]).code, 0);
    assert_eq!(std::fs::read_dir(&temporary).unwrap().count(), 0);
    assert!(!home.folder.path().join("state").exists());
}

#[test]
fn a_filter_speaks_the_language_of_the_screen() {
    let home = Home::new();
    let count = |filter: &[&str]| {
        let arguments = [&["--demo", "list", "--json"], filter].concat();
        home.run(&arguments).json()["rows"]
            .as_array()
            .unwrap()
            .len()
    };
    assert_eq!(count(&["agent-build-4"]), 1);
    assert_eq!(count(&["tag:autovibe", "project:gamma", "mirror"]), 2);
    assert_eq!(count(&["nothing-like-it"]), 0);
    let none = home.run(&["--demo", "list", "nothing-like-it"]);
    assert_eq!((none.code, none.stdout.as_str()), (0, ""));
    assert!(none.stderr.contains("no guest matches"));
    for (filter, sentence) in [
        (
            "foo:bar",
            "there is no foo:, only tag: node: status: pool: project:",
        ),
        (
            "status:bogus",
            "no status begins with bogus: running stopped",
        ),
    ] {
        let ran = home.run(&["--demo", "list", filter]);
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{filter}");
        assert!(ran.stderr.contains(sentence), "{}", ran.stderr);
    }
}

#[test]
fn guests_of_a_silent_node_are_named_as_unread() {
    let ran = Home::new().run(&["--demo", "snapshot", "list", "--json"]);
    assert_eq!(ran.code, 1, "not everything could be read");
    let document = ran.json();
    let unread = document["summary"]["unread"].as_array().unwrap();
    assert!(unread.iter().all(|guest| guest["node"] == "pve4"));
    assert_eq!(unread[0]["error"]["kind"], "NodeUnreachable");
}

#[test]
fn the_demo_has_a_guest_of_each_kind_of_fence() {
    let home = Home::new();
    let check = home.run(&["--demo", "check", "--json"]).json();
    let rows = check["rows"].as_array().unwrap();
    for (kind, vmid) in [
        ("NetworkDrift", 122),
        ("NotFenced", 120),
        ("TrialLeft", 118),
    ] {
        let of_kind: Vec<u64> = rows
            .iter()
            .filter(|row| row["kind"] == kind)
            .map(|row| row["vmid"].as_u64().unwrap())
            .collect();
        assert_eq!(of_kind, [vmid], "{kind}");
    }
    let plan = |vmid: &str| {
        home.run(&["--demo", "network", "plan", vmid, "api_access"])
            .stdout
    };
    assert!(plan("113").contains("nothing to change"), "{}", plan("113"));
    assert!(plan("118").contains("--put-back"), "{}", plan("118"));
    let drifted = plan("122");
    assert!(
        drifted.contains("policy_out ACCEPT → policy_out DROP"),
        "{drifted}"
    );
    assert!(
        !plan("105").contains("nothing to change"),
        "it is not fenced yet"
    );
}
