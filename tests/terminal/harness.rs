//! A terminal with the program in it: keys go in, a screen comes out.
//!
//! A thread reads what the program writes into a terminal emulation; tests wait for what they want to see. Nothing
//! here sleeps: every wait is for a condition, and a missed deadline shows the screen.

use std::fs::Permissions;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use portable_pty::{CommandBuilder, ExitStatus, MasterPty, PtySize, native_pty_system};
use proxdeck::simulator::{Options, Scenario, Simulator};
use tempfile::TempDir;
use tokio::runtime::Runtime;

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
    _home: Home,
}

/// A folder that is the program's whole world of files; those who share it share its state.
#[derive(Clone)]
pub(crate) struct Home(Arc<TempDir>);

impl Home {
    pub(crate) fn new() -> Self {
        let home = Self(Arc::new(tempfile::tempdir().unwrap()));
        for (_, folder) in FOLDERS {
            std::fs::create_dir(home.path(folder)).unwrap();
        }
        home
    }

    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.0.path().join(below)
    }

    /// Reads a file of the program's state.
    pub(crate) fn state(&self, name: &str) -> String {
        let path = self.path("state/proxdeck").join(name);
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// Reads the lines of the audit log.
    pub(crate) fn audited(&self) -> Vec<serde_json::Value> {
        let log = self.state("audit.jsonl");
        let lines = log.lines().map(serde_json::from_str);
        lines.map(Result::unwrap).collect()
    }
}

/// The places of the user's files, each a folder of the home.
const FOLDERS: [(&str, &str); 6] = [
    ("XDG_CONFIG_HOME", "config"),
    ("XDG_STATE_HOME", "state"),
    ("XDG_DATA_HOME", "data"),
    ("XDG_CACHE_HOME", "cache"),
    ("XDG_RUNTIME_DIR", "run"),
    ("TMPDIR", "tmp"),
];

/// A simulated cluster, and a home whose config leads to it.
pub(crate) struct Cluster {
    pub(crate) home: Home,
    pub(crate) simulator: Simulator,
    // Declared last: the simulator's tasks end before their runtime does.
    _runtime: Runtime,
}

impl Cluster {
    /// Starts a world; every guest is managed, and the config says `more` below.
    pub(crate) fn start(scenario: Scenario, more: &str) -> Self {
        let runtime = Runtime::new().unwrap();
        let simulator = runtime.block_on(Simulator::start(Options::new(scenario)));
        let simulator = simulator.unwrap();
        let accounts = simulator.accounts();
        let config = format!(
            "[clusters.lab]\nendpoints = [\"{}\"]\ntoken_id = \"{}\"\ntoken_secret = \"{}\"\n\
             fingerprints = [\"{}\"]\n[selection]\nall = true\n{more}",
            simulator.url(),
            accounts.token_id,
            accounts.token_secret,
            simulator.fingerprint()
        );
        let home = Home::new();
        let file = home.path("config/proxdeck/config.toml");
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, config).unwrap();
        std::fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
        Self {
            home,
            simulator,
            _runtime: runtime,
        }
    }

    /// Opens a dashboard before it.
    pub(crate) fn open(&self, size: Size) -> Screen {
        Screen::start_at(&self.home, size, &[])
    }
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
        // After its end nothing more will come.
        let ended = |shown: &Shown| shown.exit.is_some() && shown.drained;
        let (shown, _) = self
            .changed
            .wait_timeout_while(self.lock(), DEADLINE, |shown| {
                !holds(shown) && !ended(shown)
            })
            .unwrap_or_else(PoisonError::into_inner);
        if !holds(&shown) {
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
        Self::start_at(&Home::new(), size, arguments)
    }

    /// Starts the program with files that are there already.
    pub(crate) fn start_at(home: &Home, size: Size, arguments: &[&str]) -> Self {
        let mut command = CommandBuilder::new(PROGRAM);
        command.args(arguments);
        Self::start_command(home, size, command)
    }

    /// Starts the program from a shell, as `$DECK`.
    pub(crate) fn start_in_shell(home: &Home, size: Size, script: &str) -> Self {
        let mut command = CommandBuilder::new("/bin/sh");
        command.args(["-c", script]);
        Self::start_command(home, size, command)
    }

    /// Starts the program behind a shell that has the terminal and keeps its signals for itself.
    pub(crate) fn start_behind_a_deaf_shell(home: &Home, size: Size, arguments: &str) -> Self {
        // The last command keeps the shell from turning into the program.
        let script = format!("trap '' HUP; \"$DECK\" {arguments}; times > \"$HOME/times\"; exit");
        Self::start_in_shell(home, size, &script)
    }

    /// Starts whatever it is, in this home.
    pub(crate) fn start_command(
        home: &Home,
        (columns, rows): Size,
        mut command: CommandBuilder,
    ) -> Self {
        let own: Vec<(String, String)> = command
            .iter_extra_env_as_str()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        command.env_clear();
        command.cwd(home.0.path());
        command.env("PATH", "/usr/bin:/bin");
        command.env("TERM", "xterm-256color");
        command.env("LANG", "C.UTF-8");
        command.env("TZ", "UTC");
        command.env("HOME", home.0.path());
        command.env("DECK", PROGRAM);
        for (name, folder) in FOLDERS {
            command.env(name, home.path(folder));
        }
        for (name, value) in own {
            command.env(name, value);
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
            _home: home.clone(),
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
        self.assert_usable();
        self.look(|shown| assert_eq!(shown.text().trim(), "", "nothing was left behind"));
    }

    /// Asserts the same of a terminal on which something was said at the end.
    pub(crate) fn assert_usable(&self) {
        self.look(|shown| {
            let screen = shown.parser.screen();
            assert!(!screen.alternate_screen(), "the alternate screen was left");
            assert!(!screen.hide_cursor(), "the cursor is shown again");
            assert!(!screen.bracketed_paste(), "pastes are plain again");
            assert_eq!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None);
            assert!(!screen.application_cursor() && !screen.application_keypad());
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

    /// Returns how long the programs behind the shell have had a processor so far.
    #[cfg(target_os = "linux")]
    pub(crate) fn processor_time(&self) -> Duration {
        let shell = self.process;
        let children = std::fs::read_to_string(format!("/proc/{shell}/task/{shell}/children"));
        let ticks = children
            .unwrap()
            .split_whitespace()
            .map(|child| {
                let stat = std::fs::read_to_string(format!("/proc/{child}/stat")).unwrap();
                let (_, fields) = stat.rsplit_once(')').unwrap();
                let mut fields = fields.split_whitespace().skip(11);
                let mut field = || fields.next().unwrap().parse::<u64>().unwrap();
                field() + field()
            })
            .sum::<u64>();
        // A tick is a hundredth of a second on every Linux.
        Duration::from_millis(ticks * 10)
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
        self.close_at((99, 33));
    }

    /// Closes the terminal after it got another size.
    pub(crate) fn close_at(&mut self, size: Size) {
        self.shared.change(|shown| shown.closing = true);
        // The reading thread holds the terminal open until something comes; a new size makes the program draw.
        self.master
            .as_ref()
            .unwrap()
            .resize(pty_size(size))
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
