//! A simulator in this process, and a home folder of its own for the binary.

use std::path::PathBuf;
use std::process::Output;
use std::time::{Duration, Instant};

use assert_cmd::Command;
use proxdeck::simulator::{FaultRule, Options, Scenario, Simulator};
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// How long a command may take, or a thing may be waited for, before the test gives up.
const PATIENCE: Duration = Duration::from_mins(1);

/// What a run of the binary left behind.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    fn of(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Reads stdout as exactly one JSON document.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}\n{}", self.stdout, self.stderr))
    }
}

/// A folder that is the binary's whole world of files.
pub(crate) struct Home {
    pub(crate) folder: TempDir,
}

impl Home {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// Returns where the binary looks for its config.
    pub(crate) fn config_file(&self) -> PathBuf {
        self.folder.path().join("config/proxdeck/config.toml")
    }

    pub(crate) fn write_config(&self, text: &str) {
        let file = self.config_file();
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, text).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        }
    }

    /// Returns the binary with nothing of the tester's environment, and no patience.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::from_std(self.program(arguments));
        command.timeout(PATIENCE);
        command
    }

    /// Returns the binary with nothing of the tester's environment.
    pub(crate) fn program(&self, arguments: &[&str]) -> std::process::Command {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_proxdeck"));
        command
            .env_clear()
            .env("HOME", self.folder.path())
            .env("XDG_CONFIG_HOME", self.folder.path().join("config"))
            .env("XDG_STATE_HOME", self.folder.path().join("state"))
            .env("PATH", "/usr/bin:/bin")
            .env("LANG", "C.UTF-8")
            .args(arguments);
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        Ran::of(self.command(arguments).output().unwrap())
    }

    pub(crate) fn run_with(&self, variables: &[(&str, &str)], arguments: &[&str]) -> Ran {
        let mut command = self.command(arguments);
        command.envs(variables.iter().copied());
        Ran::of(command.output().unwrap())
    }
}

/// A simulated cluster with a home whose config leads to it.
pub(crate) struct World {
    pub(crate) home: Home,
    pub(crate) simulator: Simulator,
    // Declared last: the simulator's tasks end before their runtime does.
    _runtime: Runtime,
}

impl World {
    /// Starts the small world of the tests.
    pub(crate) fn small() -> Self {
        Self::with(Scenario::small(), Vec::new())
    }

    pub(crate) fn with(scenario: Scenario, faults: Vec<FaultRule>) -> Self {
        let runtime = Runtime::new().unwrap();
        let mut options = Options::new(scenario);
        options.faults = faults;
        let simulator = runtime.block_on(Simulator::start(options)).unwrap();
        let world = Self {
            home: Home::new(),
            simulator,
            _runtime: runtime,
        };
        world.home.write_config(&world.config(""));
        world
    }

    /// Returns a config that leads to the cluster with the full token, and says `more` below.
    pub(crate) fn config(&self, more: &str) -> String {
        let accounts = self.simulator.accounts();
        self.config_as(&accounts.token_id, &accounts.token_secret, more)
    }

    pub(crate) fn config_as(&self, token: &str, secret: &str, more: &str) -> String {
        format!(
            "[clusters.lab]\nendpoints = [\"{}\"]\ntoken_id = \"{token}\"\ntoken_secret = \"{secret}\"\n\
             fingerprints = [\"{}\"]\n{more}",
            self.simulator.url(),
            self.simulator.fingerprint()
        )
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        self.home.run(arguments)
    }

    /// Writes a ledger that has been kept for longer than a day.
    pub(crate) fn vouch(&self, projects: &[&str]) {
        let now = self.simulator.clock().seconds();
        let kept: Vec<String> = projects
            .iter()
            .map(|project| format!("\"{project}\": [[{}, {now}]]", now - 90_000))
            .collect();
        let text = format!(
            r#"{{"lab": {{"version": 1, "kept": {{{}}}, "guests": []}}}}"#,
            kept.join(", ")
        );
        let folder = self.home.folder.path().join("state/proxdeck");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("usage.json"), text).unwrap();
    }

    /// Returns the writes that the server has seen.
    pub(crate) fn writes(&self) -> Vec<String> {
        let entries = self.simulator.journal().entries();
        entries
            .iter()
            .filter(|entry| entry.method != "GET")
            .map(|entry| format!("{} {}", entry.method, entry.path))
            .collect()
    }
}

/// Waits until something is true, or fails.
///
/// What a list shows of a guest may be as old as its node's last broadcast: what a command has just
/// changed is waited for.
pub(crate) fn until(what: &str, mut is_true: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !is_true() {
        assert!(Instant::now() < end, "never came: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Replaces what differs from run to run, so that a document can be compared whole.
pub(crate) fn stable(text: &str, check: impl FnOnce(&str)) {
    let mut settings = insta::Settings::clone_current();
    settings.add_filter(r"UPID:[^\x22\s]+", "[UPID]");
    settings.add_filter(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "[time]");
    settings.add_filter(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ", "[time]");
    settings.add_filter(r"\d{8}-\d{4}(\d\d)?", "[date]");
    settings.add_filter(
        r"(\x22(cpu|memory|uptime|used|excess|projected|coverage)\x22: )[\d.e-]+",
        "$1[figure]",
    );
    settings.add_filter(r"(\x22age_seconds\x22: )\d\d+", "$1[figure]");
    settings.add_filter(r"127\.0\.0\.1:\d+", "[address]");
    settings.set_prepend_module_to_snapshot(false);
    settings.bind(|| check(text));
}
