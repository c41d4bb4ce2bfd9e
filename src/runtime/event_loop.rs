//! The loop: events in, state, effects out, frame.

use std::io;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crossterm::event::Event as TerminalEvent;
use futures_util::{FutureExt as _, Stream, StreamExt, stream};
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::clock::Clock;
use super::clusters::Clusters;
use super::perform::{Helm, Opened, Performer};
use super::refresh::{self, Known, Nudge};
use super::remembered::Remembered;
use super::signals::Signals;
use super::terminal::{Surface, Terminal};
use super::{clipboard, input, logging};
use crate::app::state::Setting;
use crate::app::{Effect, Event, State};
use crate::domain::failure::{Failure, FailureKind};
use crate::notify::Notifier;
use crate::operations::{Resolver, WriteAccess};
use crate::proxmox::Client;
use crate::ui::{self, Theme, Viewport};

/// Ages on screen count in seconds.
const TICK: Duration = Duration::from_secs(1);
/// Without a key, frames are at least so far apart.
const FRAME: Duration = Duration::from_millis(33);
/// So long may work go on after the end was asked for.
const GRACE: Duration = Duration::from_millis(1500);
/// A trial of a network profile may take so long to be put back before the program ends.
const TRIAL_GRACE: Duration = Duration::from_secs(70);

/// What the dashboard is started with.
#[derive(Debug)]
pub struct Dashboard {
    /// What does not change while it runs.
    pub setting: Setting,
    /// The server.
    pub client: Client,
    /// How often the inventory is read.
    pub interval: Duration,
    /// The colours.
    pub theme: Theme,
    /// Whether and how changes are made.
    pub access: WriteAccess,
    /// The folder into which plans are exported.
    pub exports: PathBuf,
    /// Who knows the addresses of the names in network profiles.
    pub resolver: Resolver,
    /// Who tells people elsewhere what enforcement did.
    pub notifier: Notifier,
    /// What outlives the dashboard.
    pub remembered: Remembered,
    /// What cannot be kept and should be known from the start, such as a log that cannot be written.
    pub notes: Vec<String>,
    /// What can be switched to.
    pub clusters: Clusters,
}

/// Runs the dashboard in the terminal until it is left.
///
/// Fails only when the terminal cannot be used; whatever happens to the server is shown on screen.
pub async fn run(dashboard: Dashboard) -> io::Result<()> {
    let signals = Signals::listen()?;
    let mut terminal = Terminal::enter()?;
    let mut pressed = input::listen();
    let keys = stream::poll_fn(move |context| pressed.poll_recv(context));
    let told = stream::unfold(signals, |mut signals| async move {
        let event = signals.next().await;
        Some((event, signals))
    });
    let told = Box::pin(told);
    drive(dashboard, keys, told, &mut terminal).await
}

/// Runs the dashboard on any surface, with keys and signals from anywhere.
pub async fn drive(
    mut dashboard: Dashboard,
    mut keys: impl Stream<Item = io::Result<TerminalEvent>> + Unpin,
    mut signals: impl Stream<Item = Event> + Unpin,
    surface: &mut impl Surface,
) -> io::Result<()> {
    let clock = Clock::start();
    loop {
        // Each cluster has a world of its own, of which nothing stays when it is left.
        match watch_cluster(dashboard, clock, &mut keys, &mut signals, surface).await? {
            Some(next) => dashboard = *next,
            None => return Ok(()),
        }
    }
}

/// Shows one cluster until it is left; returns what is shown next, unless the program ends.
async fn watch_cluster(
    dashboard: Dashboard,
    clock: Clock,
    keys: &mut (impl Stream<Item = io::Result<TerminalEvent>> + Unpin),
    signals: &mut (impl Stream<Item = Event> + Unpin),
    surface: &mut impl Surface,
) -> io::Result<Option<Box<Dashboard>>> {
    let Begun {
        mut performer,
        mut happened,
        mut known,
        mut openings,
        nudge,
        setting,
        notes,
        theme,
    } = begin(dashboard, clock);
    let mut screen = Screen {
        theme,
        viewport: Viewport::default(),
    };
    let mut state = first_state(setting, notes, &performer, clock);
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut frame = tokio::time::interval(FRAME);
    frame.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut dirty = true;
    let looped = async {
        let mut ready: Option<Box<Dashboard>> = None;
        loop {
            let mut urgent = false;
            let mut past = None;
            let mut effects = Vec::new();
            let event = tokio::select! {
                biased;
                Some(event) = signals.next() => Some(event),
                key = keys.next() => {
                    urgent = true;
                    match key {
                        Some(Ok(event)) => input::translate(event),
                        // The terminal is gone, and with it whoever looked at it.
                        Some(Err(_)) | None => Some(Event::Leave),
                    }
                }
                Some(event) = happened.recv() => Some(event),
                Some((name, opened)) = openings.recv() => {
                    let result = opened.map(|next| ready = Some(next));
                    Some(Event::ClusterOpened(name, result))
                }
                Ok(()) = known.changed() => {
                    let Known { inventory, link } = known.borrow_and_update().clone();
                    past = Some(Arc::clone(&state.inventory));
                    // Whatever the state asks for in any event must be asked, or it waits for ever.
                    effects = state.update(Event::Link(link), clock.now());
                    Some(Event::Inventory(inventory))
                }
                _ = tick.tick() => {
                    // Told in passing, as it asks for nothing.
                    let lost = logging::lost().map(not_kept);
                    effects = lost.map_or_else(Vec::new, |lost| state.update(lost, clock.now()));
                    Some(Event::Tick)
                }
                _ = frame.tick(), if dirty => None,
            };
            if let Some(event) = event {
                dirty = true;
                let anew = event == Event::Resize;
                effects.extend(state.update(event, clock.now()));
                if let Some(past) = past {
                    performer.let_go(past);
                }
                let after = perform(effects, &mut performer, &nudge, surface);
                let result = match after {
                    After::GoOn if anew => surface.forget(),
                    After::GoOn => Ok(()),
                    After::Suspend => surface.suspend(),
                    After::Leave => break Ok(None),
                    After::Switch => break surface.forget().map(|()| ready),
                };
                if let Err(error) = result {
                    break Err(error);
                }
                if !urgent {
                    continue;
                }
            }
            if dirty {
                dirty = false;
                if let Err(error) = screen.draw(surface, &mut state, clock) {
                    break Err(error);
                }
            }
        }
    };
    // Whatever breaks, what is at work ends in order: a trial is put back.
    let result = AssertUnwindSafe(looped).catch_unwind().await;
    if !matches!(result, Ok(Ok(Some(_)))) {
        surface.release();
    }
    // Whoever waits for room to tell something need not wait any more, least of all to put back.
    drop(happened);
    wind_down(performer).await;
    result.unwrap_or_else(|broken| resume_unwind(broken))
}

/// A cluster that is watched from now on.
struct Begun {
    performer: Performer,
    happened: mpsc::Receiver<Event>,
    known: watch::Receiver<Known>,
    openings: mpsc::Receiver<Opened>,
    nudge: Nudge,
    setting: Setting,
    notes: Vec<String>,
    theme: Theme,
}

/// Begins to read a cluster, and to take orders for it.
fn begin(dashboard: Dashboard, clock: Clock) -> Begun {
    let tasks = TaskTracker::new();
    let cancelled = CancellationToken::new();
    let (events, happened) = mpsc::channel(256);
    let (publish, known) = watch::channel(Known::default());
    let (opened, openings) = mpsc::channel(1);
    let nudge: Nudge = Arc::new(Notify::new());
    tasks.spawn(refresh::run(
        dashboard.client.clone(),
        clock,
        dashboard.interval,
        publish,
        Arc::clone(&nudge),
        cancelled.clone(),
    ));
    let performer = Performer {
        client: dashboard.client,
        events,
        tasks,
        cancelled,
        access: Arc::new(dashboard.access),
        exports: dashboard.exports,
        notifier: dashboard.notifier,
        remembered: dashboard.remembered,
        resolver: dashboard.resolver,
        profiles: dashboard.setting.rules.profiles.clone().into(),
        helm: Helm::default(),
        clusters: dashboard.clusters,
        opened,
        unkept: Arc::default(),
    };
    Begun {
        performer,
        happened,
        known,
        openings,
        nudge,
        setting: dashboard.setting,
        notes: dashboard.notes,
        theme: dashboard.theme,
    }
}

/// Ends what is at work: trials when everything is put back, the rest within moments.
async fn wind_down(mut performer: Performer) {
    performer.end_trials(TRIAL_GRACE).await;
    performer.cancelled.cancel();
    performer.tasks.close();
    let _ = tokio::time::timeout(GRACE, performer.tasks.wait()).await;
}

/// Makes the state with which a cluster is begun: what is remembered of it, and the notes.
fn first_state(setting: Setting, notes: Vec<String>, performer: &Performer, clock: Clock) -> State {
    let mut state = State::new(setting, clock.now());
    state.clusters.clone_from(&performer.clusters.known);
    let notes = notes.into_iter().map(not_kept);
    for event in performer.remembered.recall().into_iter().chain(notes) {
        // Neither what is remembered nor a note asks for anything.
        let _ = state.update(event, clock.now());
    }
    state
}

/// Makes the event that tells what could not be kept on this machine.
pub(super) fn not_kept(what: String) -> Event {
    let advice = "make room in the state folder, or let it be written; watching goes on without";
    let failure = Failure::new(FailureKind::FileNotWritten, what).with_advice(advice);
    Event::NotKept(Box::new(failure))
}

struct Screen {
    theme: Theme,
    viewport: Viewport,
}

impl Screen {
    fn draw(
        &mut self,
        surface: &mut impl Surface,
        state: &mut State,
        clock: Clock,
    ) -> io::Result<()> {
        surface.draw(&mut |frame| ui::draw(frame, state, &self.theme, &mut self.viewport))?;
        if self.viewport.page != state.page {
            // Only the length of a page is told; nothing is to be done about it.
            let _ = state.update(Event::Drawn(self.viewport.page), clock.now());
        }
        Ok(())
    }
}

/// What the loop does after the effects of an event.
enum After {
    GoOn,
    Suspend,
    Leave,
    Switch,
}

fn perform(
    effects: Vec<Effect>,
    performer: &mut Performer,
    nudge: &Nudge,
    surface: &mut impl Surface,
) -> After {
    let mut after = After::GoOn;
    for effect in effects {
        match effect {
            Effect::Run(job, operation) => performer.run(job, operation),
            Effect::Stop(job) => performer.stop(job),
            Effect::Keep(job) => performer.keep(job),
            Effect::Fetch(ticket, query) => performer.fetch(ticket, query),
            Effect::Refresh => nudge.notify_one(),
            Effect::SignIn(given) => performer.sign_in(given),
            Effect::Copy(text) => clipboard::copy(&text),
            Effect::Ring => surface.ring(),
            Effect::Title(title) => surface.title(&title),
            Effect::RecordTold(told, server) => performer.record_told(told, server),
            Effect::RecordUsage(entries, server) => performer.record_usage(entries, server),
            Effect::Remember(changes, server) => performer.remember(*changes, server),
            Effect::Export { name, text } => performer.export(name, text),
            Effect::Wake(milliseconds) => performer.wake(Duration::from_millis(milliseconds)),
            Effect::OpenCluster(name) => performer.open(name),
            Effect::Switch(_) => return After::Switch,
            Effect::Suspend => after = After::Suspend,
            Effect::Leave => return After::Leave,
        }
    }
    after
}
