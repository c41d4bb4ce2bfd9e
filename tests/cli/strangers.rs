//! Other people's programs against `proxdeck simulate`, and proxdeck against other people's server.
//!
//! The script beside the tests installs them from public registries, so that it runs only where it is asked for.

use std::process::Command;

#[test]
fn other_peoples_programs_find_a_proxmox_and_proxdeck_finds_its_way_elsewhere() {
    if std::env::var_os("PROXDECK_STRANGERS").is_none_or(|value| value != "1") {
        println!("skipped: PROXDECK_STRANGERS=1 installs other people's programs and runs them");
        return;
    }
    let ran = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/strangers/run"))
        .env("PROXDECK_BINARY", env!("CARGO_BIN_EXE_proxdeck"))
        .output()
        .unwrap();
    let printed = String::from_utf8_lossy(&ran.stdout);
    println!("{printed}{}", String::from_utf8_lossy(&ran.stderr));
    assert!(ran.status.success(), "{}", ran.status);
    assert!(!printed.contains("FAILED"));
}
