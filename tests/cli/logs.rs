//! The log: where it is, and what is never in it.

use proxdeck::simulator::Scenario;

use crate::world::World;

fn log_of(world: &World) -> String {
    let folder = world.home.folder.path().join("state/proxdeck/logs");
    let mut text = String::new();
    for file in std::fs::read_dir(folder).unwrap() {
        text += &std::fs::read_to_string(file.unwrap().path()).unwrap();
    }
    text
}

#[test]
fn a_log_tells_what_was_done_and_never_a_secret() {
    let world = World::small();
    let accounts = world.simulator.accounts().clone();
    let trace = [("PROXDECK_LOG", "trace")];
    let ran = world
        .home
        .run_with(&trace, &["snapshot", "create", "101", "--ram"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let config = format!(
        "[clusters.lab]\nendpoints = [\"{}\"]\nuser = \"{}\"\nfingerprints = [\"{}\"]\n",
        world.simulator.url(),
        accounts.user,
        world.simulator.fingerprint()
    );
    world.home.write_config(&config);
    let with_password = [trace[0], ("PROXDECK_PASSWORD", accounts.password.as_str())];
    assert_eq!(world.home.run_with(&with_password, &["list"]).code, 0);
    let log = log_of(&world);
    assert!(log.contains("done: snapshot 101 web-1"), "{log}");
    assert!(log.contains("GET /cluster/resources"), "{log}");
    for secret in [&accounts.token_secret, &accounts.password] {
        assert!(!log.contains(secret.as_str()));
        assert!(!format!("{}{}", ran.stdout, ran.stderr).contains(secret.as_str()));
    }
    for word in [
        "PVEAuthCookie",
        "PVEAPIToken",
        "CSRFPreventionToken",
        "PVE:hub",
    ] {
        assert!(!log.contains(word), "{word}: {log}");
    }
}

#[test]
fn a_folder_that_cannot_be_written_is_told_and_keeps_nothing_from_working() {
    let world = World::small();
    std::fs::write(world.home.folder.path().join("state"), "a file").unwrap();
    let ran = world.run(&["list", "--json"]);
    assert_eq!(ran.code, 0);
    assert!(ran.stderr.contains("no log is written"), "{}", ran.stderr);
    ran.json();
}

#[test]
fn a_word_that_is_no_level_is_told() {
    let world = World::with(Scenario::small(), Vec::new());
    let ran = world
        .home
        .run_with(&[("PROXDECK_LOG", "loud")], &["list", "--json"]);
    assert_eq!(ran.code, 0);
    assert!(
        ran.stderr.contains("PROXDECK_LOG names no level"),
        "{}",
        ran.stderr
    );
}

#[cfg(unix)]
#[test]
fn the_state_folder_is_the_user_s_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = World::small();
    assert_eq!(world.run(&["list"]).code, 0);
    let state = world.home.folder.path().join("state/proxdeck");
    let mode = state.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o700);
}

/// No file may grow, as on a disk without room; beyond such a limit the system sends a deadly signal, too.
#[cfg(unix)]
#[test]
fn on_a_full_disk_a_change_is_made_and_what_is_not_written_down_is_told() {
    let world = World::small();
    assert_eq!(world.run(&["list"]).code, 0);
    let state = world.home.folder.path().join("state/proxdeck");
    let line = "{\"action\":\"snapshot\",\"outcome\":\"done\"}\n";
    std::fs::write(state.join("audit.jsonl"), line).unwrap();
    let arguments = ["snapshot", "create", "101", "--name", "now", "--json"];
    let program = world.home.program(&arguments);
    let mut shell = std::process::Command::new("/bin/sh");
    shell.args(["-c", "ulimit -f 0; exec \"$0\" \"$@\""]);
    shell.arg(program.get_program()).args(program.get_args());
    shell.env_clear();
    shell.envs(
        program
            .get_envs()
            .map(|(name, value)| (name, value.unwrap())),
    );
    let ran = shell.output().unwrap();
    let said = String::from_utf8(ran.stderr).unwrap();
    assert_eq!(ran.status.code(), Some(0), "{said}");
    let document: serde_json::Value = serde_json::from_slice(&ran.stdout).unwrap();
    let row = &document["rows"][0];
    assert_eq!(row["outcome"], "done");
    let note = row["notes"][0].as_str().unwrap();
    assert!(
        note.contains("audit.jsonl could not be written: File too large"),
        "{note}"
    );
    assert!(
        said.contains("lines of the log are lost: File too large"),
        "{said}"
    );
    let kept = std::fs::read_to_string(state.join("audit.jsonl")).unwrap();
    assert_eq!(kept, line, "what is there stays");
}

#[test]
fn a_demo_without_a_place_for_its_files_says_which_variable_names_one() {
    let home = crate::world::Home::new();
    let nowhere = [("TMPDIR", "/dev/null/nowhere")];
    let ran = home.run_with(&nowhere, &["--demo", "list", "--json"]);
    assert_eq!(ran.code, 2, "{}", ran.stdout);
    let error = &ran.json()["error"];
    let message = error["message"].as_str().unwrap();
    assert!(
        message.contains("TMPDIR") && message.contains("/dev/null/nowhere"),
        "{error}"
    );
    assert!(
        error["advice"].as_str().unwrap().contains("TMPDIR"),
        "{error}"
    );
}
