//! What a person at a terminal meets: a question for the password, a bar, and the dashboard itself.

use std::io::{Read as _, Write as _};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use rustix::process::{Pid, Signal, kill_process};

use proxdeck::simulator::Scenario;

use crate::throttled;
use crate::world::World;

const PATIENCE: Duration = Duration::from_secs(30);

/// The binary in a terminal; everything that it printed is kept.
struct Session {
    child: Box<dyn Child + Send + Sync>,
    keyboard: Box<dyn std::io::Write + Send>,
    printed: Arc<(Mutex<String>, Condvar)>,
    reading: JoinHandle<()>,
    terminal: Box<dyn MasterPty + Send>,
    /// The line settings before the program came.
    untouched: String,
}

impl Session {
    fn start(world: &World, arguments: &[&str]) -> Self {
        let size = PtySize {
            rows: 30,
            cols: 120,
            pixel_width: 0,
            pixel_height: 0,
        };
        let pair = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_proxdeck"));
        command.args(arguments);
        command.env_clear();
        let folder = world.home.folder.path();
        command.env("HOME", folder);
        command.env("XDG_CONFIG_HOME", folder.join("config"));
        command.env("XDG_STATE_HOME", folder.join("state"));
        command.env("TERM", "xterm-256color");
        command.env("LANG", "C.UTF-8");
        let untouched = settings(pair.master.as_ref());
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let keyboard = pair.master.take_writer().unwrap();
        let mut screen = pair.master.try_clone_reader().unwrap();
        let printed = Arc::new((Mutex::new(String::new()), Condvar::new()));
        let kept = Arc::clone(&printed);
        let reading = std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = screen.read(&mut bytes) {
                let text = String::from_utf8_lossy(&bytes[..count]).into_owned();
                kept.0.lock().unwrap().push_str(&text);
                kept.1.notify_all();
            }
        });
        Self {
            child,
            keyboard,
            printed,
            reading,
            terminal: pair.master,
            untouched,
        }
    }

    fn wait_for(&self, text: &str) {
        self.wait_for_times(text, 1);
    }

    fn wait_for_times(&self, text: &str, times: usize) {
        let (printed, changed) = &*self.printed;
        let (printed, late) = changed
            .wait_timeout_while(printed.lock().unwrap(), PATIENCE, |printed| {
                printed.matches(text).count() < times
            })
            .unwrap();
        assert!(!late.timed_out(), "no {text:?} in {printed}");
    }

    fn press(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
        self.keyboard.flush().unwrap();
    }

    fn kill(&self, signal: Signal) {
        let process = self.child.process_id().unwrap().cast_signed();
        kill_process(Pid::from_raw(process).unwrap(), signal).unwrap();
    }

    /// Waits for the end of the program and of all that it printed.
    fn end(mut self) -> (u32, String) {
        let code = self.child.wait().unwrap().exit_code();
        let settings = settings(self.terminal.as_ref());
        assert_eq!(settings, self.untouched, "the terminal is given back");
        self.reading.join().unwrap();
        let printed = self.printed.0.lock().unwrap().clone();
        (code, printed)
    }
}

/// Returns how the terminal treats what is typed.
fn settings(terminal: &dyn MasterPty) -> String {
    format!("{:?}", terminal.get_termios().unwrap())
}

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
    session.wait_for("password ");
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
    session.wait_for("web-1");
    session.press("@");
    session.wait_for("Clusters");
    session.press("\r");
    session.wait_for("gone was not opened");
    session.press("prod\r");
    session.wait_for("far-web-1");
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
