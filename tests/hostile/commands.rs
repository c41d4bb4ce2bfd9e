//! Headless commands in front of a hostile server: they end with a known code, and what they print is clean.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;

use proxdeck::simulator::{FaultKind, FaultRule, Options, Scenario, Simulator};
use tokio::process::Command;

use crate::DEADLINE;
use crate::entries::shown;
use crate::{seed, tell};

const COMMANDS: [&[&str]; 14] = [
    &["list"],
    &["list", "--json"],
    &["snapshot", "list"],
    &["snapshot", "list", "--json"],
    &["check"],
    &["check", "--json"],
    &["prune"],
    &["quota"],
    &["quota", "--json"],
    &["enforce"],
    &["bracket", "list"],
    &["network", "plan", "101", "shut"],
    &["console", "101"],
    &["doctor"],
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_end_well_and_print_nothing_raw() {
    let simulator = Simulator::start(Options::new(Scenario {
        seed: seed(),
        ..Scenario::small()
    }))
    .await
    .unwrap();
    let home = tempfile::tempdir().unwrap();
    let config = home.path().join("config.toml");
    let accounts = simulator.accounts();
    let text = format!(
        "[clusters.lab]\nendpoints = [\"{}\"]\ntoken_id = \"{}\"\ntoken_secret = \"{}\"\nfingerprints = [\"{}\"]\n\
         [selection]\nall = true\n[projects.lab]\npool = \"lab\"\ncpu_hours = 1\nstorage_gb = 1\n\
         [network_profiles.shut]\nbridge = \"vmbr0\"\nfirewall = true\nallow = [\"192.0.2.1:443\"]\nblock = [\"0.0.0.0/0\"]\n",
        simulator.url(),
        accounts.token_id,
        accounts.token_secret,
        simulator.fingerprint()
    );
    std::fs::write(&config, text).unwrap();
    std::fs::set_permissions(&config, std::fs::Permissions::from_mode(0o600)).unwrap();
    let mut codes = std::collections::BTreeMap::<i32, usize>::new();
    let fault = simulator
        .faults()
        .add(FaultRule::new(FaultKind::Hostile).rate(0.35));
    for _ in 0..4 {
        for arguments in COMMANDS {
            let ran = Command::new(env!("CARGO_BIN_EXE_proxdeck"))
                .arg("--config")
                .arg(&config)
                .args(arguments)
                .env_clear()
                .env("HOME", home.path())
                .stdin(Stdio::null())
                .kill_on_drop(true)
                .output();
            let Ok(ran) = tokio::time::timeout(DEADLINE, ran).await else {
                panic!("{arguments:?} hangs");
            };
            let ran = ran.unwrap();
            let printed = [&ran.stdout[..], b"\n", &ran.stderr].concat();
            let printed = String::from_utf8(printed).expect("what is printed is UTF-8");
            shown(&printed);
            let code = ran.status.code();
            let code = code.unwrap_or_else(|| panic!("{arguments:?} was killed: {printed}"));
            assert!((0..=3).contains(&code), "{arguments:?}: {code}: {printed}");
            assert!(!printed.contains("panicked"), "{arguments:?}: {printed}");
            if arguments.contains(&"--json") && !ran.stdout.is_empty() {
                serde_json::from_slice::<serde_json::Value>(&ran.stdout).expect("a document");
            }
            *codes.entry(code).or_default() += 1;
        }
    }
    let lies = simulator.faults().remove(fault);
    tell(format_args!(
        "{lies} hostile answers to commands that ended so (code: times): {codes:?}"
    ));
    simulator.shutdown().await;
}
