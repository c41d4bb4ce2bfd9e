//! What a person at a terminal meets: a question for the password, a bar, and the dashboard itself.

use std::io::{Read as _, Write as _};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

use crate::world::World;

const PATIENCE: Duration = Duration::from_secs(30);

/// The binary in a terminal; everything that it printed is kept.
struct Session {
    child: Box<dyn Child + Send + Sync>,
    keyboard: Box<dyn std::io::Write + Send>,
    printed: Arc<(Mutex<String>, Condvar)>,
    _terminal: Box<dyn MasterPty + Send>,
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
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let keyboard = pair.master.take_writer().unwrap();
        let mut screen = pair.master.try_clone_reader().unwrap();
        let printed = Arc::new((Mutex::new(String::new()), Condvar::new()));
        let kept = Arc::clone(&printed);
        std::thread::spawn(move || {
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
            _terminal: pair.master,
        }
    }

    fn wait_for(&self, text: &str) {
        let (printed, changed) = &*self.printed;
        let (printed, late) = changed
            .wait_timeout_while(printed.lock().unwrap(), PATIENCE, |printed| {
                !printed.contains(text)
            })
            .unwrap();
        assert!(!late.timed_out(), "no {text:?} in {printed}");
    }

    fn printed(&self) -> String {
        self.printed.0.lock().unwrap().clone()
    }

    fn press(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
        self.keyboard.flush().unwrap();
    }

    fn end(mut self) -> (u32, String) {
        let code = self.child.wait().unwrap().exit_code();
        (code, self.printed())
    }
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

#[test]
fn a_guest_is_destroyed_only_when_its_number_and_name_are_typed() {
    let world = World::small();
    let mut session = Session::start(&world, &["destroy", "102"]);
    session.wait_for("Type 102=db-1 to go on:");
    assert!(session.printed().contains("disk scsi0 is destroyed: 4 GiB"));
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
