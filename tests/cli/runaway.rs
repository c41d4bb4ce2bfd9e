//! A project runs away in the demo's world, from the first alert to the refusal of new guests.

use crate::enforcing::rows;
use crate::simulate::Serving;
use crate::world::{Home, Ran, until};

/// The demo's rules with a channel that writes into a file.
fn config(serving: &Serving, home: &Home) -> String {
    let demo = include_str!("../../assets/demo.toml");
    let rules = &demo[..demo.find("[notify.").unwrap()];
    let told = home.folder.path().join("told");
    let command = format!(
        "command = [\"/bin/sh\", \"-c\", \"cat >> {}\"]",
        told.display()
    );
    format!(
        "{}\n{rules}[notify.alpha-admins]\n{command}\n[notify.administrators]\n{command}\n",
        serving.config()
    )
}

/// Returns the alert about what gamma sends over the network.
fn alert(ran: &Ran) -> String {
    let document = ran.json();
    let rows = document["rows"].as_array().unwrap();
    let mut alerts = rows
        .iter()
        .filter(|row| row["subject"] == "gamma network_gb");
    let alert = alerts.next().unwrap_or_else(|| panic!("{document}"));
    format!(
        "{} {}",
        alert["severity"].as_str().unwrap(),
        alert["kind"].as_str().unwrap()
    )
}

#[test]
fn an_emergency_is_seen_planned_carried_out_and_goes_on_to_bind() {
    let home = Home::new();
    let serving = Serving::start(&home, &["--speed", "1000"]);
    home.write_config(&config(&serving, &home));
    let create = [
        "create",
        "claude-code",
        "--name",
        "one-more",
        "--project",
        "gamma",
        "--json",
    ];

    let seen = home.run(&["check", "--json"]);
    assert_eq!(seen.code, 2, "{}", seen.stderr);
    assert_eq!(alert(&seen), "critical QuotaExceeded");

    let planned = home.run(&["enforce", "--json"]);
    assert_eq!(planned.code, 0, "{}", planned.stderr);
    let of_gamma = |ran: &Ran| -> Vec<String> {
        let all = rows(ran).into_iter();
        all.filter(|row| row.starts_with("gamma ")).collect()
    };
    let steps = ["throttle null", "shutdown 124", "notify null"];
    assert_eq!(
        of_gamma(&planned),
        steps.map(|step| format!("gamma {step} null"))
    );

    let done = home.run(&["enforce", "--yes", "--json"]);
    assert_eq!(done.code, 0, "{}{}", done.stdout, done.stderr);
    assert_eq!(
        of_gamma(&done),
        steps.map(|step| format!("gamma {step} done"))
    );
    let told = std::fs::read_to_string(home.folder.path().join("told")).unwrap();
    assert_eq!(told.matches("\"project\":\"gamma\"").count(), 1, "{told}");
    until("the guest to be listed as stopped", || {
        let list = home.run(&["list", "--json", "agent-mirror-1"]).json();
        list["rows"][0]["status"] == "stopped"
    });

    // What was used is used: the alert stands, the plan names nothing new, and nobody may add to it.
    assert_eq!(
        alert(&home.run(&["check", "--json"])),
        "critical QuotaExceeded"
    );
    assert!(of_gamma(&home.run(&["enforce", "--json"])).is_empty());
    let refused = home.run(&create);
    assert_eq!(refused.code, 2, "{}{}", refused.stdout, refused.stderr);
    let error = &refused.json()["error"];
    assert_eq!(error["kind"], "Throttled", "{error}");
    let message = error["message"].as_str().unwrap();
    assert!(
        message.starts_with("gamma is throttled since "),
        "{message}"
    );
    assert!(
        message.contains("network_gb over its quota (tier emergency)"),
        "{message}"
    );
}
