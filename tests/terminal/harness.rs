//! A terminal with the program in it: keys go in, a screen comes out.
//!
//! A thread reads what the program writes into a terminal emulation; tests wait for what they want to see. Nothing
//! here sleeps: every wait is for a condition, and a missed deadline shows the screen.

use std::io::{Read, Write};
use std::process::Command;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use portable_pty::{CommandBuilder, ExitStatus, MasterPty, PtySize, native_pty_system};
use tempfile::TempDir;

/// A generous deadline for whatever must happen at some point, on a slow machine too.
const DEADLINE: Duration = Duration::from_secs(60);
const PROGRAM: &str = env!("CARGO_BIN_EXE_proxdeck");
/// What a program sends to learn where the cursor is.
const CURSOR_QUERY: &[u8] = b"\x1b[6n";

pub(crate) const ENTER: &str = "\r";
pub(crate) const ESCAPE: &str = "\x1b";
pub(crate) const TAB: &str = "\t";
pub(crate) const CTRL_C: &str = "\x03";
pub(crate) const CTRL_Z: &str = "\x1a";

/// What the help shows at any size, and nothing else does.
pub(crate) const HELP: &str = "j k scroll  Esc close";

/// Columns and rows.
pub(crate) type Size = (u16, u16);

/// The program in its terminal; dropping it ends both.
pub(crate) struct Screen {
    shared: Arc<Shared>,
    /// Absent once the terminal was closed.
    master: Option<Box<dyn MasterPty + Send>>,
    writer: Writer,
    process: u32,
    /// The line settings before the program came.
    untouched: String,
    _home: TempDir,
}

type Writer = Arc<Mutex<Option<Box<dyn Write + Send>>>>;

/// What the reading and waiting threads tell.
struct Shared {
    state: Mutex<Shown>,
    changed: Condvar,
}

/// The terminal as it stands.
pub(crate) struct Shown {
    parser: vt100::Parser,
    exit: Option<ExitStatus>,
    /// Whether everything that the program wrote was read.
    drained: bool,
    /// Whether the terminal leaves questions unanswered.
    mute: bool,
    /// Whether the terminal is to be closed with the next thing read.
    closing: bool,
}

impl Shown {
    pub(crate) fn text(&self) -> String {
        self.parser.screen().contents()
    }

    pub(crate) fn contains(&self, text: &str) -> bool {
        self.text().contains(text)
    }

    pub(crate) fn row(&self, row: u16) -> String {
        self.text().lines().nth(row.into()).unwrap_or("").to_owned()
    }

    pub(crate) fn glyph(&self, row: u16, column: u16) -> &str {
        let cell = self.parser.screen().cell(row, column);
        cell.map_or("", vt100::Cell::contents)
    }

    fn framed(&self) -> String {
        let (rows, columns) = self.parser.screen().size();
        let rule = "─".repeat(usize::from(columns.get()));
        let lines: Vec<String> = self.parser.screen().rows(0, columns.get()).collect();
        format!(
            "{columns}x{rows}, exit {:?}\n{rule}\n{}\n{rule}",
            self.exit,
            lines.join("\n")
        )
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Shown> {
        // A failed assertion elsewhere is that test's failure and not this terminal's.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut Shown)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }

    /// Waits until a condition holds, or panics with the screen.
    fn wait(&self, what: &str, holds: impl Fn(&Shown) -> bool) -> MutexGuard<'_, Shown> {
        let (shown, missed) = self
            .changed
            .wait_timeout_while(self.lock(), DEADLINE, |shown| !holds(shown))
            .unwrap_or_else(PoisonError::into_inner);
        if missed.timed_out() {
            let screen = shown.framed();
            drop(shown);
            panic!("waited in vain for {what}\n{screen}");
        }
        shown
    }
}

impl Screen {
    /// Starts the program in a terminal of this size.
    pub(crate) fn start(size: Size, arguments: &[&str]) -> Self {
        let mut command = CommandBuilder::new(PROGRAM);
        command.args(arguments);
        Self::start_command(size, command)
    }

    /// Starts the program behind a shell that has the terminal and keeps its signals for itself.
    pub(crate) fn start_behind_a_deaf_shell(size: Size, arguments: &str) -> Self {
        let mut command = CommandBuilder::new("/bin/sh");
        command.arg("-c");
        // The last command keeps the shell from turning into the program.
        command.arg(format!("trap '' HUP; '{PROGRAM}' {arguments}; exit $?"));
        Self::start_command(size, command)
    }

    fn start_command((columns, rows): Size, mut command: CommandBuilder) -> Self {
        let home = tempfile::tempdir().unwrap();
        command.env_clear();
        command.cwd(home.path());
        command.env("PATH", "/usr/bin:/bin");
        command.env("TERM", "xterm-256color");
        command.env("LANG", "C.UTF-8");
        command.env("TZ", "UTC");
        command.env("HOME", home.path());
        for (name, folder) in [
            ("XDG_CONFIG_HOME", "config"),
            ("XDG_STATE_HOME", "state"),
            ("XDG_DATA_HOME", "data"),
            ("XDG_CACHE_HOME", "cache"),
            ("XDG_RUNTIME_DIR", "run"),
            ("TMPDIR", "tmp"),
        ] {
            let folder = home.path().join(folder);
            std::fs::create_dir(&folder).unwrap();
            command.env(name, folder);
        }
        let pair = native_pty_system()
            .openpty(pty_size((columns, rows)))
            .unwrap();
        let untouched = settings(pair.master.as_ref());
        let mut child = pair.slave.spawn_command(command).unwrap();
        // Only the program holds its end, so that reading stops when it is gone.
        drop(pair.slave);
        let shared = Arc::new(Shared {
            state: Mutex::new(Shown {
                parser: vt100::Parser::new(
                    rows.try_into().unwrap(),
                    columns.try_into().unwrap(),
                    0,
                ),
                exit: None,
                drained: false,
                mute: false,
                closing: false,
            }),
            changed: Condvar::new(),
        });
        let writer: Writer = Arc::new(Mutex::new(Some(pair.master.take_writer().unwrap())));
        let process = child.process_id().unwrap();
        let reader = pair.master.try_clone_reader().unwrap();
        in_background({
            let (shared, writer) = (Arc::clone(&shared), Arc::clone(&writer));
            move || read(reader, &shared, &writer)
        });
        in_background({
            let shared = Arc::clone(&shared);
            move || {
                let exit = child.wait().unwrap();
                shared.change(|shown| shown.exit = Some(exit));
            }
        });
        Self {
            shared,
            master: Some(pair.master),
            writer,
            process,
            untouched,
            _home: home,
        }
    }

    /// Lets the terminal answer no more questions, as simple ones and slow lines do.
    pub(crate) fn fall_mute(&self) {
        self.shared.change(|shown| shown.mute = true);
    }

    /// Waits until a text is on the screen.
    pub(crate) fn wait_for(&self, text: &str) {
        self.wait_until(&format!("{text:?}"), |shown| shown.contains(text));
    }

    /// Waits until a text is no longer on the screen.
    pub(crate) fn wait_until_gone(&self, text: &str) {
        self.wait_until(&format!("{text:?} to go"), |shown| !shown.contains(text));
    }

    /// Waits until the screen fulfils a condition.
    pub(crate) fn wait_until(&self, what: &str, holds: impl Fn(&Shown) -> bool) {
        drop(self.shared.wait(what, holds));
    }

    /// Looks at the screen as it is now.
    pub(crate) fn look<R>(&self, look: impl FnOnce(&Shown) -> R) -> R {
        look(&self.shared.lock())
    }

    /// Types, as a terminal would send it.
    pub(crate) fn press(&self, keys: &str) {
        send(&self.writer, keys.as_bytes());
    }

    /// Changes the terminal's size.
    pub(crate) fn resize(&self, size: Size) {
        let (columns, rows) = size;
        // The emulation first: what is drawn for the new size must find it.
        self.shared.change(|shown| {
            let screen = shown.parser.screen_mut();
            screen.set_size(rows.try_into().unwrap(), columns.try_into().unwrap());
        });
        self.master
            .as_ref()
            .unwrap()
            .resize(pty_size(size))
            .unwrap();
    }

    /// Waits until the program has the terminal, so that giving it back means something.
    pub(crate) fn wait_until_taken(&self) {
        self.wait_until("the program to take the terminal", |shown| {
            let screen = shown.parser.screen();
            screen.alternate_screen() && screen.bracketed_paste()
        });
        assert_ne!(self.settings(), self.untouched, "input is raw");
    }

    /// Asserts that the terminal is as a shell wants to find it.
    pub(crate) fn assert_given_back(&self) {
        self.look(|shown| {
            let screen = shown.parser.screen();
            assert!(!screen.alternate_screen(), "the alternate screen was left");
            assert!(!screen.hide_cursor(), "the cursor is shown again");
            assert!(!screen.bracketed_paste(), "pastes are plain again");
            assert_eq!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None);
            assert!(!screen.application_cursor() && !screen.application_keypad());
            assert_eq!(shown.text().trim(), "", "nothing was left behind");
        });
        assert_eq!(self.settings(), self.untouched, "the line is as it was");
    }

    fn settings(&self) -> String {
        settings(self.master.as_ref().unwrap().as_ref())
    }

    /// Sends a signal, such as `TERM`.
    pub(crate) fn kill(&self, signal: &str) {
        assert!(send_signal(signal, &self.process.to_string()));
    }

    /// Waits until the program stands still, as after Ctrl-Z.
    pub(crate) fn wait_until_stopped(&self) {
        let pause = Duration::from_millis(20);
        for _ in 0..DEADLINE.as_millis() / pause.as_millis() {
            let state = Command::new("ps")
                .args(["-o", "stat=", "-p", &self.process.to_string()])
                .output()
                .unwrap();
            if state.stdout.starts_with(b"T") {
                return;
            }
            std::thread::sleep(pause);
        }
        panic!("the program did not stop\n{}", self.look(Shown::framed));
    }

    /// Closes the terminal under the program, as a window or a lost connection does.
    pub(crate) fn close(&mut self) {
        self.shared.change(|shown| shown.closing = true);
        // The reading thread holds the terminal open until something comes; a new size makes the program draw.
        self.master
            .as_ref()
            .unwrap()
            .resize(pty_size((99, 33)))
            .unwrap();
        self.wait_until("the reading to stop", |shown| shown.drained);
        *self.writer.lock().unwrap() = None;
        self.master = None;
    }

    /// Waits for the program's end and for the last of what it wrote.
    pub(crate) fn exit(&self) -> ExitStatus {
        let shown = self.shared.wait("the program to end", |shown| {
            shown.exit.is_some() && shown.drained
        });
        shown.exit.clone().unwrap()
    }

    /// Waits for the program's end, in whatever way.
    pub(crate) fn wait_for_end(&self) {
        self.wait_until("the program to end", |shown| shown.exit.is_some());
    }

    /// Waits for the program's end; returns its exit code.
    pub(crate) fn exit_code(&self) -> u32 {
        let exit = self.exit();
        assert!(exit.signal().is_none(), "ended by a signal: {exit:?}");
        exit.exit_code()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // Only while it runs: afterwards its number may belong to somebody else.
        let runs = self.shared.lock().exit.is_none();
        if runs {
            // A terminal has a process group of its own; what hangs in it listens to nothing else.
            send_signal("KILL", &format!("-{}", self.process));
        }
    }
}

fn send_signal(signal: &str, process: &str) -> bool {
    Command::new("kill")
        .args(["-s", signal, "--", process])
        .status()
        .is_ok_and(|status| status.success())
}

/// Reads until the program's end is gone, or the terminal is to be closed.
fn read(mut reader: Box<dyn Read + Send>, shared: &Shared, writer: &Writer) {
    let mut buffer = [0; 1 << 14];
    let mut last = Vec::new();
    while let Ok(length @ 1..) = reader.read(&mut buffer) {
        let bytes = &buffer[..length];
        let (mut closing, mut mute, mut cursor) = (false, false, (0, 0));
        shared.change(|shown| {
            shown.parser.process(bytes);
            cursor = shown.parser.screen().cursor_position();
            (closing, mute) = (shown.closing, shown.mute);
        });
        // A query may be cut in two by the reading.
        last.extend_from_slice(bytes);
        while let Some(at) = last
            .windows(CURSOR_QUERY.len())
            .position(|part| part == CURSOR_QUERY)
        {
            last.drain(..at + CURSOR_QUERY.len());
            let (row, column) = cursor;
            if mute {
                continue;
            }
            send(
                writer,
                format!("\x1b[{};{}R", row + 1, column + 1).as_bytes(),
            );
        }
        last.drain(..last.len().saturating_sub(CURSOR_QUERY.len() - 1));
        if closing {
            break;
        }
    }
    drop(reader);
    shared.change(|shown| shown.drained = true);
}

fn send(writer: &Writer, bytes: &[u8]) {
    let mut writer = writer.lock().unwrap();
    let writer = writer.as_mut().expect("the terminal is open");
    // A program that has just ended takes no keys; what it did is asserted elsewhere.
    let _ = writer.write_all(bytes).and_then(|()| writer.flush());
}

/// Returns a terminal's line settings, which a program has to leave as it found them.
fn settings(master: &dyn MasterPty) -> String {
    format!("{:?}", master.get_termios().unwrap())
}

fn pty_size((columns, rows): Size) -> PtySize {
    PtySize {
        rows,
        cols: columns,
        pixel_width: 0,
        pixel_height: 0,
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "reading a pseudo-terminal blocks; the thread ends with the program that writes to it"
)]
fn in_background(work: impl FnOnce() + Send + 'static) {
    std::thread::spawn(work);
}
