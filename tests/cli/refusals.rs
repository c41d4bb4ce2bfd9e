//! What cannot be reached, trusted or signed in to: exit code 3, and what to do about it.

use proxdeck::simulator::{FaultKind, FaultRule, Scenario};

use crate::world::{Home, World};

#[test]
fn a_wrong_pin_shows_both_fingerprints_and_ends_with_3() {
    let world = World::small();
    let pinned = world.simulator.fingerprint();
    world
        .simulator
        .faults()
        .add(FaultRule::new(FaultKind::CertificateSwapped));
    let ran = world.run(&["list", "--json"]);
    assert_eq!(ran.code, 3, "{}{}", ran.stdout, ran.stderr);
    let error = &ran.json()["error"];
    assert_eq!(error["kind"], "UntrustedCertificate");
    let message = error["message"].as_str().unwrap();
    assert!(message.contains(&pinned), "{message}");
    assert!(
        message.contains(&world.simulator.swapped_fingerprint()),
        "{message}"
    );
    assert!(
        error["advice"]
            .as_str()
            .unwrap()
            .contains("pvenode cert info")
    );
}

/// The first server is a stranger, the second is trusted and knows it.
#[test]
fn a_server_that_is_passed_over_is_told_with_the_lines_that_would_pin_it() {
    let stranger = World::small();
    stranger
        .simulator
        .faults()
        .add(FaultRule::new(FaultKind::CertificateSwapped));
    let mut scenario = Scenario::small();
    let mut second = scenario.nodes[0].clone();
    second.name = "pve2".into();
    second.fingerprint = Some(stranger.simulator.swapped_fingerprint());
    scenario.nodes.push(second);
    let world = World::with(scenario, Vec::new());
    let both = format!(
        "endpoints = [\"{}\", \"{}\"]",
        stranger.simulator.url(),
        world.simulator.url()
    );
    let one = format!("endpoints = [\"{}\"]", world.simulator.url());
    world
        .home
        .write_config(&world.config("").replace(&one, &both));
    let ran = world.run(&["list", "--json"]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert_eq!(ran.json()["schema"], "proxdeck.list/1");
    assert!(
        ran.stderr.contains("which is that of pve2"),
        "{}",
        ran.stderr
    );
    let line = format!(
        "\"{}\",  # pve2, new",
        stranger.simulator.swapped_fingerprint()
    );
    assert!(ran.stderr.contains(&line), "{}", ran.stderr);
    assert!(
        stranger.simulator.journal().is_empty(),
        "nothing was sent to it"
    );
}

#[test]
fn a_wrong_token_ends_with_3_and_its_secret_is_not_repeated() {
    let world = World::small();
    let accounts = world.simulator.accounts().clone();
    let secret = "11111111-2222-3333-4444-555555555555";
    world
        .home
        .write_config(&world.config_as(&accounts.token_id, secret, ""));
    let ran = world.run(&["list"]);
    assert_eq!(ran.code, 3);
    assert!(
        ran.stderr
            .starts_with("proxdeck: the server refused the login"),
        "{}",
        ran.stderr
    );
    assert!(!format!("{}{}", ran.stdout, ran.stderr).contains(secret));
}

#[test]
fn a_dead_server_ends_with_3_and_the_next_of_several_is_used() {
    let world = World::small();
    let url = world.simulator.url();
    // Nobody listens on a privileged port of loopback.
    let dead = "https://127.0.0.1:1";
    let config = world.config("").replace(&url, dead);
    world.home.write_config(&config);
    let ran = world.run(&["list"]);
    assert_eq!(ran.code, 3);
    assert!(
        ran.stderr
            .starts_with("proxdeck: cannot reach the server: https://127.0.0.1:1: "),
        "{}",
        ran.stderr
    );
    // Nothing is tried again by a command that has ended.
    assert!(!ran.stderr.contains("by itself"), "{}", ran.stderr);
    let config = world
        .config("")
        .replace(&format!("\"{url}\""), &format!("\"{dead}\", \"{url}\""));
    world.home.write_config(&config);
    assert_eq!(world.run(&["list"]).code, 0);
}

#[test]
fn a_password_that_nobody_can_be_asked_for_is_refused_and_a_given_one_works() {
    let world = World::small();
    let accounts = world.simulator.accounts().clone();
    let config = format!(
        "[clusters.lab]\nendpoints = [\"{}\"]\nuser = \"{}\"\nfingerprints = [\"{}\"]\n",
        world.simulator.url(),
        accounts.user,
        world.simulator.fingerprint()
    );
    world.home.write_config(&config);
    let ran = world.run(&["list"]);
    assert_eq!(ran.code, 2);
    assert!(
        ran.stderr.contains("nobody can be asked for it"),
        "{}",
        ran.stderr
    );
    let password = accounts.password.as_str();
    let ran = world
        .home
        .run_with(&[("PROXDECK_PASSWORD", password)], &["list"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
}

#[test]
fn variables_of_other_tools_are_enough_and_a_ca_file_is_trusted() {
    let world = World::small();
    let home = Home::new();
    let authority = home.folder.path().join("ca.pem");
    std::fs::write(&authority, world.simulator.ca_pem()).unwrap();
    let accounts = world.simulator.accounts().clone();
    let url = world.simulator.url();
    let variables = [
        ("PROXMOX_HOST", url.as_str()),
        ("PROXMOX_TOKEN_ID", &accounts.token_id),
        ("PROXMOX_TOKEN_SECRET", &accounts.token_secret),
        ("PROXMOX_VERIFY_SSL", "false"),
        ("PROXDECK_CA_FILE", authority.to_str().unwrap()),
    ];
    let ran = home.run_with(&variables, &["list", "--json"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(
        ran.stderr.contains("PROXMOX_VERIFY_SSL is not obeyed"),
        "{}",
        ran.stderr
    );
    ran.json();
}

#[test]
fn a_server_that_fails_ends_with_1() {
    let fault = FaultRule::new(FaultKind::Error("cluster not ready - no quorum?".into()));
    let world = World::with(Scenario::small(), vec![fault]);
    let ran = world.run(&["list", "--json"]);
    assert_eq!(ran.code, 1);
    assert!(
        ran.json()["error"]["message"]
            .as_str()
            .unwrap()
            .contains("no quorum?")
    );
}

#[test]
fn retention_looks_at_managed_guests_alone_and_not_with_clocks_far_apart() {
    let world = World::small();
    let ran = world.run(&["prune"]);
    assert_eq!(ran.code, 2);
    assert!(
        ran.stderr.contains("the config selects no guests"),
        "{}",
        ran.stderr
    );
    world
        .home
        .write_config(&world.config("[selection]\ntags = [\"web\"]\n"));
    assert_eq!(world.run(&["prune", "101=web-1"]).code, 0);
    let stranger = world.run(&["prune", "102"]);
    assert_eq!(stranger.code, 2);
    assert!(
        stranger.stderr.contains("guest 102 db-1 is not managed"),
        "{}",
        stranger.stderr
    );
    world
        .simulator
        .faults()
        .add(FaultRule::new(FaultKind::ClockSkew(3600)));
    let skewed = world.run(&["prune", "--json"]);
    assert_eq!(skewed.code, 2);
    assert_eq!(skewed.json()["error"]["kind"], "ClockSkew");
    assert_eq!(world.writes(), [""; 0]);
}
