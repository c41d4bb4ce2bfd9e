//! `proxdeck simulate` in one terminal, and a config made of what it prints in another.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, Stdio};

use crate::world::Home;

pub(crate) struct Serving {
    child: Child,
    printed: String,
}

impl Serving {
    pub(crate) fn start(home: &Home, arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_proxdeck"))
            .args(["simulate", "--listen", "127.0.0.1:0"])
            .args(arguments)
            .env_clear()
            .env("HOME", home.folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut reader = BufReader::new(child.stdout.as_mut().unwrap());
        let mut printed = String::new();
        while !printed.contains("\nfingerprints = ") {
            assert!(reader.read_line(&mut printed).unwrap() > 0, "{printed}");
        }
        Self { child, printed }
    }

    /// Returns the part that is a config.
    pub(crate) fn config(&self) -> &str {
        &self.printed[self.printed.find("resolver = ").unwrap()..]
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn what_it_prints_is_a_config_that_works_over_several_commands() {
    let home = Home::new();
    let serving = Serving::start(
        &home,
        &[
            "--nodes", "2", "--guests", "5", "--seed", "3", "--speed", "100",
        ],
    );
    for word in [
        "address ",
        "fingerprint ",
        "user ",
        "token ",
        "limited token ",
    ] {
        assert!(serving.printed.contains(word), "{}", serving.printed);
    }
    home.write_config(serving.config());
    let list = home.run(&["list", "--json"]);
    assert_eq!(list.code, 0, "{}", list.stderr);
    let document = list.json();
    assert_eq!(document["cluster"], "simulated");
    let rows = document["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 5);
    let vmid = rows.iter().find(|row| row["status"] == "running").unwrap()["vmid"].to_string();
    let created = home.run(&["snapshot", "create", &vmid, "--name", "between"]);
    assert_eq!(created.code, 0, "{}", created.stderr);
    let listed = home.run(&["snapshot", "list", &vmid]);
    assert!(listed.stdout.contains("between"), "{}", listed.stdout);
}

#[cfg(unix)]
#[test]
fn sigterm_ends_it_well() {
    let home = Home::new();
    let mut serving = Serving::start(&home, &[]);
    let killed = Command::new("kill")
        .args(["-TERM", &serving.child.id().to_string()])
        .status()
        .unwrap();
    assert!(killed.success());
    assert_eq!(serving.child.wait().unwrap().code(), Some(0));
    let mut rest = String::new();
    let stdout = serving.child.stdout.as_mut().unwrap();
    stdout.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "");
}

#[test]
fn faults_are_served_and_nonsense_is_refused() {
    let home = Home::new();
    let serving = Serving::start(&home, &["--fault", "500=1"]);
    home.write_config(serving.config());
    assert_eq!(home.run(&["list"]).code, 1);
    let scenario = home.folder.path().join("broken.toml");
    std::fs::write(&scenario, "seed = 'x'").unwrap();
    for arguments in [
        &["--fault", "gremlins=1"][..],
        &["--fault", "500=2"],
        &["--speed", "0"],
        &["--nodes", "0"],
        &["--scenario", "/nowhere.toml"],
        &["--scenario", scenario.to_str().unwrap()],
        &["--scenario", "x", "--nodes", "3"],
        &["--listen", "here"],
    ] {
        let ran = home.run(&[&["simulate"], arguments].concat());
        assert_eq!(ran.code, 2, "{arguments:?}: {}", ran.stderr);
    }
}
