//! A dashboard without a terminal: keys in, text out.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crossterm::event::{Event as TerminalEvent, KeyCode, KeyEvent, KeyModifiers};
use futures_util::{StreamExt, stream};
use proxdeck::app::keymap::Keymap;
use proxdeck::app::state::{Rules, Setting};
use proxdeck::config::alert_memory::AlertMemory;
use proxdeck::notify::Notifier;
use proxdeck::operations::{Resolver, WriteAccess};
use proxdeck::proxmox::{Client, Connection, Credentials, Trust, Tuning};
use proxdeck::runtime::{Clusters, Dashboard, Remembered, Surface, drive};
use proxdeck::simulator::{FaultRule, Options, Scenario, Simulator};
use proxdeck::ui::{ColorDepth, Theme};
use ratatui::Frame;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

/// Machines are slow and shared; a test that passes never waits so long.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// A running dashboard and the simulator that it looks at.
pub(crate) struct Deck {
    simulator: Option<Simulator>,
    keys: mpsc::UnboundedSender<TerminalEvent>,
    screen: watch::Receiver<String>,
    told: watch::Receiver<Told>,
    brittle: Arc<AtomicBool>,
    loop_task: JoinHandle<io::Result<()>>,
}

/// How a deck is started.
pub(crate) struct Wish {
    pub(crate) scenario: Scenario,
    pub(crate) size: (u16, u16),
    pub(crate) interval: Duration,
    pub(crate) read_only: bool,
    pub(crate) account: Account,
    pub(crate) rules: Rules,
    /// Where files go that a person asks for.
    pub(crate) exports: PathBuf,
    /// What is remembered of alerts.
    pub(crate) memory: Option<AlertMemory>,
    /// How long the client waits for what.
    pub(crate) tuning: Tuning,
    /// What goes wrong from the start.
    pub(crate) faults: Vec<FaultRule>,
    /// What can be switched to.
    pub(crate) clusters: Clusters,
}

/// Who signs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Account {
    /// The token that may do everything.
    Token,
    /// The token without VM.Snapshot and SDN.Use.
    Limited,
    /// The user whose password is configured.
    Password,
    /// The user with a second factor, by hand.
    SecondFactor,
}

impl Default for Wish {
    fn default() -> Self {
        Self {
            scenario: Scenario::small(),
            size: (120, 40),
            interval: Duration::from_millis(500),
            read_only: false,
            account: Account::Token,
            rules: Rules::default(),
            exports: PathBuf::from("/nonexistent"),
            memory: None,
            tuning: Tuning::default(),
            faults: Vec::new(),
            clusters: Clusters::default(),
        }
    }
}

impl Deck {
    pub(crate) async fn start(wish: Wish) -> Self {
        let options = Options {
            faults: wish.faults.clone(),
            ..Options::new(wish.scenario.clone())
        };
        let simulator = Simulator::start(options).await.unwrap();
        let client = client_as(&simulator, credentials(&simulator, &wish), wish.tuning);
        let dashboard = dashboard_of("lab", client, &wish);
        let dashboard = Dashboard {
            remembered: Remembered {
                alerts: wish.memory,
                ..Remembered::default()
            },
            clusters: wish.clusters,
            resolver: Resolver::table(simulator.hosts()),
            ..dashboard
        };
        let (keys, pressed) = mpsc::unbounded_channel();
        let (shown, screen) = watch::channel(String::new());
        let (tell, told) = watch::channel(Told::default());
        let (columns, rows) = wish.size;
        let brittle = Arc::new(AtomicBool::new(false));
        let breaks = Arc::clone(&brittle);
        let loop_task = tokio::spawn(async move {
            let backend = TestBackend::new(columns, rows);
            let mut surface = Screen {
                terminal: Terminal::new(backend).unwrap(),
                shown,
                tell,
                breaks,
            };
            let pressed = Arc::new(Mutex::new(pressed));
            let keys = stream::poll_fn(move |context| pressed.lock().unwrap().poll_recv(context));
            let signals = stream::pending();
            drive(dashboard, keys.map(Ok), signals, &mut surface).await
        });
        Self {
            simulator: Some(simulator),
            keys,
            screen,
            told,
            brittle,
            loop_task,
        }
    }

    /// Lets the next drawing break, and waits for the end of the program that follows from it.
    pub(crate) async fn break_drawing(self) -> Simulator {
        self.brittle.store(true, Ordering::SeqCst);
        let ended = tokio::time::timeout(DEADLINE, self.loop_task).await;
        let broken = ended.expect("the dashboard ends").unwrap_err();
        assert!(broken.is_panic(), "what breaks is not swallowed");
        self.simulator.expect("the server runs")
    }

    /// Returns what the terminal was told beside what it shows.
    pub(crate) fn told(&self) -> Told {
        self.told.borrow().clone()
    }

    /// Returns the server that is watched.
    pub(crate) fn simulator(&self) -> &Simulator {
        self.simulator.as_ref().expect("the server runs")
    }

    /// Takes the server away, as a restart of its machine does.
    pub(crate) async fn stop_server(&mut self) -> SocketAddr {
        let simulator = self.simulator.take().expect("the server runs");
        let address = simulator.address();
        simulator.shutdown().await;
        address
    }

    /// Starts a server of the same world where the old one was.
    pub(crate) async fn start_server(&mut self, scenario: Scenario, listen: SocketAddr) {
        let options = Options {
            listen,
            ..Options::new(scenario)
        };
        self.simulator = Some(Simulator::start(options).await.unwrap());
    }

    /// Presses keys: words separated by blanks; `<Enter>` and the like are keys, others are typed.
    pub(crate) fn press(&self, script: &str) {
        for word in script.split_whitespace() {
            match word
                .strip_prefix('<')
                .and_then(|word| word.strip_suffix('>'))
            {
                Some(name) => self.key(named(name)),
                None => word.chars().for_each(|c| self.key(plain(KeyCode::Char(c)))),
            }
        }
    }

    fn key(&self, key: KeyEvent) {
        self.keys
            .send(TerminalEvent::Key(key))
            .expect("the dashboard takes keys");
    }

    /// Returns what the screen shows now.
    pub(crate) fn screen(&self) -> String {
        self.screen.borrow().clone()
    }

    /// Waits until the screen fulfils a condition; on failure the screen is shown.
    pub(crate) async fn until(&self, what: &str, holds: impl Fn(&str) -> bool) -> String {
        let mut screen = self.screen.clone();
        let waited = tokio::time::timeout(DEADLINE, screen.wait_for(|text| holds(text))).await;
        let waited = match waited {
            Ok(Ok(text)) => return text.clone(),
            Ok(Err(_)) => "the dashboard ended before",
            Err(tokio::time::error::Elapsed { .. }) => "waited in vain for",
        };
        panic!("{waited} {what}; the screen shows:\n{}", self.screen());
    }

    /// Waits until a text is on the screen.
    pub(crate) async fn see(&self, text: &str) -> String {
        self.until(&format!("{text:?}"), |screen| screen.contains(text))
            .await
    }

    /// Waits until a text is no longer on the screen.
    pub(crate) async fn see_no(&self, text: &str) -> String {
        self.until(&format!("the end of {text:?}"), |screen| {
            !screen.contains(text)
        })
        .await
    }

    /// Leaves with `q` and waits for the end.
    pub(crate) async fn quit(self) -> Simulator {
        self.press("q");
        self.ended().await
    }

    /// Waits for the end.
    pub(crate) async fn ended(self) -> Simulator {
        let ended = tokio::time::timeout(DEADLINE, self.loop_task).await;
        ended
            .expect("the dashboard ends")
            .expect("without a panic")
            .expect("without an error");
        self.simulator.expect("the server runs")
    }
}

/// Says what the dashboard of a cluster is started with.
pub(crate) fn dashboard_of(cluster: &str, client: Client, wish: &Wish) -> Dashboard {
    Dashboard {
        setting: Setting {
            cluster: cluster.to_owned(),
            endpoint: client.endpoint().to_owned(),
            account: client.account().to_owned(),
            read_only: wish.read_only,
            demo: false,
            bell: true,
            operator: "ops".into(),
            keymap: Keymap::default(),
            rules: wish.rules.clone(),
            seed: 7,
        },
        client,
        interval: wish.interval,
        theme: Theme::load("dark", ColorDepth::True, true).unwrap(),
        access: if wish.read_only {
            WriteAccess::ReadOnly
        } else {
            WriteAccess::Unlogged
        },
        exports: wish.exports.clone(),
        resolver: Resolver::system(),
        notifier: Notifier::new(Vec::new()),
        remembered: Remembered::default(),
        notes: Vec::new(),
        clusters: Clusters::default(),
    }
}

/// Signs in to a simulator with its token and its pinned certificate.
pub(crate) fn client_of(simulator: &Simulator) -> Client {
    let wish = Wish::default();
    client_as(simulator, credentials(simulator, &wish), wish.tuning)
}

fn credentials(simulator: &Simulator, wish: &Wish) -> Credentials {
    let accounts = simulator.accounts();
    let token = |id: &str, secret: &str| Credentials::Token {
        id: id.to_owned(),
        secret: secret.to_owned().into(),
    };
    match wish.account {
        Account::Token => token(&accounts.token_id, &accounts.token_secret),
        Account::Limited => token(&accounts.limited_token_id, &accounts.limited_token_secret),
        Account::Password => Credentials::Password {
            user: accounts.user.clone(),
            password: accounts.password.clone().into(),
        },
        Account::SecondFactor => Credentials::Asked {
            user: accounts.second_factor_user.clone(),
        },
    }
}

fn client_as(simulator: &Simulator, credentials: Credentials, tuning: Tuning) -> Client {
    let connection = Connection {
        endpoints: vec![simulator.url()],
        trust: Trust::Pins(vec![simulator.fingerprint().parse().unwrap()]),
        credentials,
    };
    Client::tuned(connection, tuning).unwrap()
}

fn plain(code: KeyCode) -> KeyEvent {
    KeyEvent::new(code, KeyModifiers::NONE)
}

fn named(name: &str) -> KeyEvent {
    if let Some(character) = name.strip_prefix("Ctrl-") {
        let character = character.chars().next().unwrap();
        return KeyEvent::new(KeyCode::Char(character), KeyModifiers::CONTROL);
    }
    plain(match name {
        "Enter" => KeyCode::Enter,
        "Esc" => KeyCode::Esc,
        "Tab" => KeyCode::Tab,
        "Space" => KeyCode::Char(' '),
        "Backspace" => KeyCode::Backspace,
        "Up" => KeyCode::Up,
        "Down" => KeyCode::Down,
        "Left" => KeyCode::Left,
        "Right" => KeyCode::Right,
        other => panic!("no key is called {other}"),
    })
}

/// What a terminal is told beside what it shows.
#[derive(Debug, Clone, Default)]
pub(crate) struct Told {
    pub(crate) rings: usize,
    pub(crate) title: String,
}

struct Screen {
    terminal: Terminal<TestBackend>,
    shown: watch::Sender<String>,
    tell: watch::Sender<Told>,
    breaks: Arc<AtomicBool>,
}

impl Surface for Screen {
    fn draw(&mut self, draw: &mut dyn FnMut(&mut Frame<'_>)) -> io::Result<()> {
        assert!(!self.breaks.load(Ordering::SeqCst), "the drawing breaks");
        self.terminal
            .draw(|frame| draw(frame))
            .map_err(io::Error::other)?;
        self.shown.send_replace(self.terminal.backend().to_string());
        Ok(())
    }

    fn forget(&mut self) -> io::Result<()> {
        self.terminal.clear().map_err(io::Error::other)
    }

    fn ring(&mut self) {
        self.tell.send_modify(|told| told.rings += 1);
    }

    fn title(&mut self, title: &str) {
        self.tell
            .send_modify(|told| title.clone_into(&mut told.title));
    }

    fn suspend(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn release(&mut self) {}
}
