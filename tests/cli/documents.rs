//! Each JSON document as a golden file.

use crate::world::{World, stable};

const RULES: &str = "[selection]\ntags = [\"web\"]\n\
    [quota]\naccounting = \"since-boot\"\n\
    [projects.lab]\nuuid = \"6f0c2d1e-5a4b-4c3d-8e7f-0a1b2c3d4e5f\"\npool = \"lab\"\nwindow = \"7d\"\n\
    cpu_hours = 1000\nmemory_gb_hours = 0\nstorage_gb = 1\n";

fn golden(arguments: &[&str], name: &str, code: i32) {
    let world = World::small();
    world.home.write_config(&world.config(RULES));
    let ran = world.run(arguments);
    assert_eq!(ran.code, code, "{}", ran.stderr);
    ran.json();
    stable(&ran.stdout, |text| insta::assert_snapshot!(name, text));
}

#[test]
fn list() {
    golden(&["list", "--json"], "list", 0);
}

#[test]
fn snapshot_list() {
    golden(&["snapshot", "list", "101", "--json"], "snapshot_list", 0);
}

#[test]
fn snapshot_create() {
    let arguments = [
        "snapshot",
        "create",
        "101=web-1",
        "102",
        "--name",
        "before",
        "--description",
        "why: ü",
        "--json",
    ];
    golden(&arguments, "snapshot_create", 0);
}

#[test]
fn clone() {
    let arguments = [
        "clone",
        "101=web-1",
        "--vmid",
        "300",
        "--project",
        "lab",
        "--json",
    ];
    golden(&arguments, "clone", 0);
}

#[test]
fn destroy() {
    let arguments = ["destroy", "102=db-1", "--purge", "--yes", "--json"];
    golden(&arguments, "destroy", 0);
}

#[test]
fn quota() {
    golden(&["quota", "--json"], "quota", 0);
}

#[test]
fn quota_by_history() {
    let world = World::small();
    let rules = RULES.replace("since-boot", "history");
    world.home.write_config(&world.config(&rules));
    let ran = world.run(&["quota", "--json"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    ran.json();
    stable(&ran.stdout, |text| {
        insta::assert_snapshot!("quota_by_history", text);
    });
}

#[test]
fn error() {
    golden(&["snapshot", "list", "999999", "--json"], "error", 2);
}

#[test]
fn a_table_is_aligned_and_shows_what_is_unknown() {
    let world = World::small();
    world.home.write_config(&world.config(RULES));
    let ran = world.run(&["snapshot", "list", "101"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    stable(&ran.stdout, |text| {
        insta::assert_snapshot!("snapshot_table", text);
    });
    let ran = world.run(&["list", "tag:web"]);
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert!(lines[0].starts_with("VMID  NAME"), "{}", ran.stdout);
    assert_eq!(lines.len(), 3, "{}", ran.stdout);
    assert!(lines.iter().all(|line| line.trim_end() == *line));
}

#[test]
fn prune() {
    golden(&["prune", "--json"], "prune", 0);
}
