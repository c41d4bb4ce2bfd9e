//! Something in the program breaks: the terminal is usable afterwards, and it is said what, where, and where to read on.
//!
//! The program has no switch to break it, so this test starts itself a second time in the terminal: the true loop with the
//! true terminal, but keys or drawing that break.

use std::io;

use crossterm::event::{Event as TerminalEvent, KeyCode, KeyEvent, KeyModifiers};
use futures_util::stream;
use portable_pty::CommandBuilder;
use proxdeck::app::keymap::Keymap;
use proxdeck::app::state::{Rules, Setting};
use proxdeck::notify::Notifier;
use proxdeck::operations::{Resolver, WriteAccess};
use proxdeck::proxmox::{Client, Connection, Credentials, Trust};
use proxdeck::runtime::{
    Clusters, Dashboard, Remembered, Surface, Terminal, drive, logging, panics,
};
use proxdeck::ui::{ColorDepth, Theme};
use ratatui::Frame;
use tokio::sync::mpsc;
use tracing::level_filters::LevelFilter;

use crate::harness::{Home, Screen};

/// Says to the second start what is to break.
const BREAKS: &str = "BREAKS";
const SECRET: &str = "5ecret-0f-the-t0ken";

/// The terminal, whose drawing breaks once something was shown.
struct Brittle {
    terminal: Terminal,
    frames: usize,
    breaks_at: usize,
}

impl Surface for Brittle {
    fn draw(&mut self, draw: &mut dyn FnMut(&mut Frame<'_>)) -> io::Result<()> {
        self.frames += 1;
        let breaks = self.frames == self.breaks_at;
        self.terminal.draw(&mut |frame| {
            draw(frame);
            assert!(!breaks, "a pane without \u{1b}[31mroom");
        })
    }

    fn forget(&mut self) -> io::Result<()> {
        self.terminal.forget()
    }

    fn ring(&mut self) {
        self.terminal.ring();
    }

    fn title(&mut self, title: &str) {
        self.terminal.title(title);
    }

    fn suspend(&mut self) -> io::Result<()> {
        self.terminal.suspend()
    }

    fn release(&mut self) {
        self.terminal.release();
    }
}

fn dashboard() -> Dashboard {
    let pin = ["AB"; 32].join(":");
    let client = Client::new(Connection {
        endpoints: vec!["https://127.0.0.1:1".into()],
        trust: Trust::Pins(vec![pin.parse().unwrap()]),
        credentials: Credentials::Token {
            id: "hub@pve!deck".into(),
            secret: SECRET.to_owned().into(),
        },
    });
    let client = client.unwrap();
    Dashboard {
        setting: Setting {
            cluster: "lab".into(),
            endpoint: client.endpoint().to_owned(),
            account: client.account().to_owned(),
            read_only: false,
            demo: false,
            bell: false,
            operator: "ops".into(),
            keymap: Keymap::default(),
            rules: Rules::default(),
            seed: 7,
        },
        client,
        interval: std::time::Duration::from_secs(5),
        theme: Theme::load("dark", ColorDepth::True, true).unwrap(),
        access: WriteAccess::Unlogged,
        exports: "/nonexistent".into(),
        resolver: Resolver::system(),
        notifier: Notifier::new(Vec::new()),
        remembered: Remembered::default(),
        notes: Vec::new(),
        clusters: Clusters::default(),
    }
}

/// What the second start does; in the first one, among all other tests, it is nothing.
#[expect(
    clippy::disallowed_methods,
    reason = "how one start of a test speaks to the other"
)]
#[test]
fn second_start() {
    let Ok(breaks) = std::env::var(BREAKS) else {
        return;
    };
    let state = std::env::var("XDG_STATE_HOME").unwrap();
    let log = logging::start(state.as_ref(), LevelFilter::INFO).unwrap();
    panics::explain(Some(state.into()));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let (press, mut pressed) = mpsc::channel(8);
        press
            .send(TerminalEvent::Key(KeyEvent::new(
                KeyCode::Char('2'),
                KeyModifiers::NONE,
            )))
            .await
            .unwrap();
        let in_keys = breaks == "update";
        let keys = stream::poll_fn(move |context| {
            let key = pressed.poll_recv(context);
            assert!(
                !in_keys || key.is_ready() || press.capacity() < 8,
                "a key that nobody knows"
            );
            key.map(|key| key.map(Ok))
        });
        let mut surface = Brittle {
            terminal: Terminal::enter().unwrap(),
            frames: 0,
            breaks_at: if breaks == "draw" { 3 } else { usize::MAX },
        };
        drive(dashboard(), keys, stream::pending(), &mut surface)
            .await
            .unwrap();
    });
    drop(log);
}

#[test]
fn a_break_gives_the_terminal_back_and_says_what_and_where_and_where_the_log_is() {
    for (breaks, words) in [
        ("draw", "a pane without"),
        ("update", "a key that nobody knows"),
    ] {
        let home = Home::new();
        let mut again = CommandBuilder::new(std::env::current_exe().unwrap());
        again.args(["--exact", "breaking::second_start", "--nocapture"]);
        again.env(BREAKS, breaks);
        let screen = Screen::start_command(&home, (110, 30), again);
        assert_ne!(screen.exit_code(), 0);
        screen.look(|shown| {
            let text = shown.text();
            assert!(text.contains(&format!("proxdeck broke: {words}")), "{text}");
            assert!(text.contains(", at tests/terminal/breaking.rs:"), "{text}");
            let folder = home.path("state").display().to_string();
            let joined = text.replace('\n', "");
            assert!(
                joined.contains(&format!("the log says more: {folder}")),
                "{text}"
            );
            assert!(!text.contains(SECRET));
        });
        screen.assert_usable();
        let mut log = String::new();
        for file in std::fs::read_dir(home.path("state")).unwrap() {
            log += &std::fs::read_to_string(file.unwrap().path()).unwrap();
        }
        assert!(log.contains(&format!("broke: {words}")), "{log}");
        assert!(!log.contains(SECRET) && !log.contains('\u{1b}'), "{log}");
    }
}
