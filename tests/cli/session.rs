//! The binary in a terminal of its own: what it printed, what is typed, and how it leaves the terminal.

use std::io::{Read as _, Write as _};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use rustix::process::{Pid, Signal, kill_process};

use crate::world::World;

const PATIENCE: Duration = Duration::from_mins(1);

const SIZE: PtySize = PtySize {
    rows: 30,
    cols: 120,
    pixel_width: 0,
    pixel_height: 0,
};

/// The binary in a terminal; everything that it printed is kept.
pub(crate) struct Session {
    child: Box<dyn Child + Send + Sync>,
    keyboard: Box<dyn std::io::Write + Send>,
    printed: Arc<(Mutex<Vec<u8>>, Condvar)>,
    reading: JoinHandle<()>,
    terminal: Box<dyn MasterPty + Send>,
    /// The line settings before the program came.
    untouched: String,
}

impl Session {
    pub(crate) fn start(world: &World, arguments: &[&str]) -> Self {
        let pair = native_pty_system().openpty(SIZE).unwrap();
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
        let printed = Arc::new((Mutex::new(Vec::new()), Condvar::new()));
        let kept = Arc::clone(&printed);
        let reading = std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = screen.read(&mut bytes) {
                kept.0.lock().unwrap().extend_from_slice(&bytes[..count]);
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

    pub(crate) fn wait_for(&self, text: &str) {
        self.wait_for_times(text, 1);
    }

    pub(crate) fn wait_for_times(&self, text: &str, times: usize) {
        let has = |printed: &str| printed.matches(text).count() >= times;
        self.wait_until(text, text_of, has);
    }

    /// Waits until a text stands on the screen of a dashboard, whose frames write only what has changed.
    pub(crate) fn wait_for_shown(&self, text: &str) {
        let shown = |printed: &[u8]| {
            let [rows, columns] = [SIZE.rows, SIZE.cols].map(|side| side.try_into().unwrap());
            let mut screen = vt100::Parser::new(rows, columns, 0);
            screen.process(printed);
            screen.screen().contents()
        };
        self.wait_until(text, shown, |shown| shown.contains(text));
    }

    fn wait_until(&self, what: &str, read: impl Fn(&[u8]) -> String, holds: impl Fn(&str) -> bool) {
        let (printed, changed) = &*self.printed;
        let (printed, late) = changed
            .wait_timeout_while(printed.lock().unwrap(), PATIENCE, |printed| {
                !holds(&read(printed))
            })
            .unwrap();
        assert!(!late.timed_out(), "no {what:?} in\n{}", read(&printed));
    }

    pub(crate) fn press(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
        self.keyboard.flush().unwrap();
    }

    pub(crate) fn kill(&self, signal: Signal) {
        let process = self.child.process_id().unwrap().cast_signed();
        kill_process(Pid::from_raw(process).unwrap(), signal).unwrap();
    }

    /// Waits for the end of the program and of all that it printed.
    pub(crate) fn end(mut self) -> (u32, String) {
        let code = self.child.wait().unwrap().exit_code();
        let settings = settings(self.terminal.as_ref());
        assert_eq!(settings, self.untouched, "the terminal is given back");
        self.reading.join().unwrap();
        let printed = text_of(&self.printed.0.lock().unwrap());
        (code, printed)
    }
}

/// Returns how the terminal treats what is typed.
fn settings(terminal: &dyn MasterPty) -> String {
    format!("{:?}", terminal.get_termios().unwrap())
}

fn text_of(printed: &[u8]) -> String {
    String::from_utf8_lossy(printed).into_owned()
}
