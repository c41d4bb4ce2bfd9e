//! What a person at a terminal meets: a question for the password, a bar, and the dashboard itself.

use proxdeck::simulator::Scenario;
use rustix::process::Signal;

use crate::session::Session;
use crate::throttled;
use crate::world::World;

fn with_password(world: &World) {
    let config = format!(
        "[clusters.lab]\nendpoints = [\"{}\"]\nuser = \"{}\"\nfingerprints = [\"{}\"]\n",
        world.simulator.url(),
        world.simulator.accounts().user,
        world.simulator.fingerprint()
    );
    world.home.write_config(&config);
}

#[test]
fn the_password_is_asked_for_and_not_shown() {
    let world = World::small();
    with_password(&world);
    let password = world.simulator.accounts().password.clone();
    let mut session = Session::start(&world, &["list"]);
    session.wait_for("password of hub@pve: ");
    session.press(&password);
    session.press("\r");
    session.wait_for("web-1");
    let (code, printed) = session.end();
    assert_eq!(code, 0, "{printed}");
    assert!(!printed.contains(&password));
}

#[test]
fn whoever_types_a_wrong_password_is_asked_again_and_not_for_ever() {
    let world = World::small();
    with_password(&world);
    let password = world.simulator.accounts().password.clone();
    let mut session = Session::start(&world, &["list"]);
    session.wait_for("password of hub@pve: ");
    session.press("wrong\r");
    session.wait_for("the server refused user and password");
    session.press(&password);
    session.press("\r");
    session.wait_for("web-1");
    assert_eq!(session.end().0, 0);

    let mut session = Session::start(&world, &["list"]);
    for asked in 1..=3 {
        session.wait_for_times("password of hub@pve: ", asked);
        session.press("wrong\r");
    }
    session.wait_for("the server refused the login");
    assert_eq!(session.end().0, 3);
}

#[test]
fn a_password_typed_before_the_question_is_taken() {
    let world = World::small();
    with_password(&world);
    let password = world.simulator.accounts().password.clone();
    let mut session = Session::start(&world, &["list"]);
    session.press(&password);
    session.press("\r");
    session.wait_for("web-1");
    assert_eq!(session.end().0, 0);
}

#[test]
fn whoever_does_not_want_to_type_it_leaves_with_ctrl_c() {
    let world = World::small();
    with_password(&world);
    let mut session = Session::start(&world, &["list"]);
    session.wait_for("password of hub@pve: ");
    session.press("\u{3}");
    session.wait_for("interrupted; nothing was changed");
    assert_eq!(session.end().0, 130);
}

/// Raw input would stay behind in the shell.
#[test]
fn a_request_to_terminate_at_the_password_gives_the_terminal_back() {
    let world = World::small();
    with_password(&world);
    let session = Session::start(&world, &["list"]);
    session.wait_for("password of hub@pve: ");
    session.kill(Signal::TERM);
    session.wait_for("interrupted; nothing was changed");
    assert_eq!(session.end().0, 130);
    // The dashboard asks inside.
    let session = Session::start(&world, &[]);
    session.wait_for_shown("password");
    session.kill(Signal::TERM);
    session.end();
}

fn with_second_factor(recovery_keys: usize) -> World {
    let mut scenario = Scenario::small();
    scenario.second_factor.recovery_keys = recovery_keys;
    let world = World::with(scenario, Vec::new());
    let config = format!(
        "[clusters.lab]\nendpoints = [\"{}\"]\nuser = \"{}\"\npassword = \"{}\"\nfingerprints = [\"{}\"]\n",
        world.simulator.url(),
        world.simulator.accounts().second_factor_user,
        world.simulator.accounts().second_factor_password,
        world.simulator.fingerprint()
    );
    world.home.write_config(&config);
    world
}

#[test]
fn pitfall_09_a_second_factor_is_asked_for_and_a_wrong_code_is_asked_again() {
    let world = with_second_factor(0);
    let accounts = world.simulator.accounts().clone();
    let mut session = Session::start(&world, &["list"]);
    session.wait_for("code of the authenticator of oncall@pve: ");
    session.press("123\u{7f}4\r");
    session.wait_for("the server refused code of the authenticator: authentication failure");
    let code = accounts.second_factor_code(world.simulator.clock().seconds());
    session.press(&code);
    session.press("\r");
    session.wait_for("web-1");
    let (status, printed) = session.end();
    assert_eq!(status, 0, "{printed}");
    assert!(
        printed.contains(&code),
        "a code is over soon and may be seen"
    );
}

#[test]
fn a_recovery_key_is_typed_unseen() {
    let world = with_second_factor(3);
    let key = world.simulator.accounts().recovery_keys[2].clone();
    let mut session = Session::start(&world, &["list"]);
    session.wait_for("second factor of oncall@pve: 1 code, 2 recovery key [1]: ");
    session.press("2\r");
    session.wait_for("recovery key of oncall@pve (3 left): ");
    session.press(&key);
    session.press("\r");
    session.wait_for("web-1");
    let (status, printed) = session.end();
    assert_eq!(status, 0, "{printed}");
    assert!(!printed.contains(&key), "{printed}");
}

#[test]
fn a_second_factor_without_a_terminal_ends_with_3_and_advises_a_token() {
    let world = with_second_factor(0);
    let ran = world.run(&["list", "--json"]);
    assert_eq!(ran.code, 3, "{}{}", ran.stdout, ran.stderr);
    let error = &ran.json()["error"];
    assert_eq!(error["kind"], "SecondFactorRequired");
    assert!(error["advice"].as_str().unwrap().contains("API token"));
}

#[test]
fn the_dashboard_goes_to_another_cluster_of_the_config() {
    let world = World::small();
    let mut scenario = Scenario::small();
    for guest in &mut scenario.guests {
        guest.name = guest.name.as_ref().map(|name| format!("far-{name}"));
    }
    let far = World::with(scenario, Vec::new());
    let gone = "[clusters.gone]\nendpoints = [\"https://127.0.0.1:9\"]\ntoken_id = \"a@pve!b\"\n\
                token_secret = \"c\"\n";
    let prod = far.config("").replace("[clusters.lab]", "[clusters.prod]");
    world
        .home
        .write_config(&format!("{}{gone}{prod}", world.config("")));
    let mut session = Session::start(&world, &[]);
    session.wait_for_shown("web-1");
    session.press("@");
    session.wait_for_shown("Clusters");
    session.press("\r");
    session.wait_for_shown("gone was not opened");
    session.press("prod\r");
    session.wait_for_shown("far-web-1");
    session.press("q");
    assert_eq!(session.end().0, 0);
}

/// Everything that is asked before it is done, and the word that it wants.
const ASKED: [(&[&str], &str); 3] = [
    (&["power", "stop", "101"], "101"),
    (&["snapshot", "delete", "101", "s2ram"], "101"),
    (&["restore", "101", "s1"], "web-1"),
];

#[test]
fn what_is_confirmed_is_done() {
    for (arguments, word) in ASKED {
        let world = World::small();
        let mut session = Session::start(&world, arguments);
        session.wait_for(&format!("Type {word} to go on:"));
        session.press(word);
        session.press("\r");
        let (code, printed) = session.end();
        assert_eq!(code, 0, "{arguments:?}: {printed}");
        assert!(!world.writes().is_empty(), "{arguments:?}");
    }
}

#[test]
fn whoever_is_asked_may_leave_with_ctrl_c_or_be_told_to() {
    for (arguments, word) in ASKED {
        for signal in [None, Some(Signal::TERM), Some(Signal::HUP)] {
            let world = World::small();
            let mut session = Session::start(&world, arguments);
            session.wait_for(&format!("Type {word} to go on:"));
            match signal {
                Some(signal) => session.kill(signal),
                None => session.press("\u{3}"),
            }
            session.wait_for("interrupted; nothing was changed");
            assert_eq!(session.end().0, 130, "{arguments:?} {signal:?}");
            assert!(world.writes().is_empty(), "{arguments:?} {signal:?}");
        }
    }
}

#[test]
fn a_guest_is_destroyed_only_when_its_number_and_name_are_typed() {
    let world = World::small();
    let mut session = Session::start(&world, &["destroy", "102"]);
    session.wait_for("Type 102=db-1 to go on:");
    session.wait_for("disk scsi0 is destroyed: 4 GiB");
    session.press("102\r");
    session.wait_for("interrupted; nothing was changed");
    assert_eq!(session.end().0, 130);
    assert!(world.writes().is_empty());
    let mut session = Session::start(&world, &["destroy", "102"]);
    session.wait_for("Type 102=db-1 to go on:");
    session.press("102=db-1\r");
    session.wait_for("102 db-1: destroy");
    assert_eq!(session.end().0, 0);
    assert_eq!(world.writes(), ["DELETE /nodes/pve1/qemu/102"]);
}

#[test]
fn a_bracket_goes_back_when_its_name_is_typed_and_is_dropped_when_its_count_is() {
    let world = World::small();
    let taken = world.run(&["bracket", "create", "x-1", "101", "102"]);
    assert_eq!(taken.code, 0, "{}", taken.stderr);
    for (verb, wrong, word) in [("restore", "y", "x-1"), ("drop", "", "2")] {
        let before = world.writes().len();
        let mut session = Session::start(&world, &["bracket", verb, "x-1"]);
        session.wait_for(&format!("Type {word} to go on:"));
        session.press(&format!("{wrong}\r"));
        assert_eq!(session.end().0, 130);
        assert_eq!(world.writes().len(), before, "{verb}");
        let mut session = Session::start(&world, &["bracket", verb, "x-1"]);
        session.wait_for(&format!("Type {word} to go on:"));
        session.press(&format!("{word}\r"));
        let (code, printed) = session.end();
        assert_eq!(code, 0, "{printed}");
        assert!(world.writes().len() >= before + 2, "{printed}");
    }
}

#[test]
fn progress_is_a_bar_that_leaves_nothing_but_the_result() {
    let world = World::small();
    let session = Session::start(&world, &["snapshot", "create", "101", "--name", "seen"]);
    session.wait_for("101 web-1: snapshot seen taken");
    let (code, printed) = session.end();
    assert_eq!(code, 0, "{printed}");
    assert!(!printed.contains("101 web-1: UPID"), "{printed}");
}

#[test]
fn the_dashboard_shows_a_configured_cluster_until_it_is_left() {
    let world = World::small();
    let mut session = Session::start(&world, &["--read-only"]);
    session.wait_for("web-1");
    session.press("q");
    let (code, printed) = session.end();
    assert_eq!(code, 0, "{printed}");
    assert!(printed.contains("\u{1b}[?1049h") && printed.contains("\u{1b}[?1049l"));
}

#[test]
fn a_throttle_is_overridden_only_when_that_is_typed() {
    for (arguments, _) in throttled::WAYS {
        let world = throttled::world(throttled::THROTTLE);
        let mut session = Session::start(&world, arguments);
        session.wait_for("cpu_hours over its quota");
        session.wait_for("Type override to go on:");
        session.press("y\r");
        session.wait_for("interrupted; nothing was changed");
        assert_eq!(session.end().0, 130, "{arguments:?}");
        assert!(world.writes().is_empty(), "{arguments:?}");
        let mut session = Session::start(&world, arguments);
        session.wait_for("Type override to go on:");
        session.press("override\r");
        let (code, printed) = session.end();
        assert_eq!(code, 0, "{arguments:?}: {printed}");
        assert!(
            printed.contains("throttle overridden: alpha is"),
            "{printed}"
        );
        assert!(!world.writes().is_empty(), "{arguments:?}");
        let asked_for_json = [arguments, &["--json"]].concat();
        let session = Session::start(&world, &asked_for_json);
        session.wait_for("\"Throttled\"");
        assert_eq!(session.end().0, 2, "{arguments:?}");
    }
}
