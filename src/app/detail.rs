//! The selected guest seen close up: what is asked of its node, how often, and what is kept.
//!
//! Only the guest under the cursor is asked about, and only while its view is shown. Two budgets
//! bound that whatever the cursor does (SPEC §1.1): at most one `status/current` every 5 s, and
//! histories at most as fast as one every 5 s after a few at once. A guest that does not run, or
//! whose node is silent, is not asked about at all.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::effect::{Effect, Query, Ticket};
use super::remote::Remote;
use super::state::{State, View};
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::guest::{Guest, GuestRef, Status};
use crate::domain::guest_status::GuestStatus;
use crate::domain::history::{Averages, Sample, Series, Span, believed_cpu};
use crate::domain::id::Vmid;
use crate::domain::inventory::{LinkState, SeenGuest};
use crate::domain::rates::{Counters, Measurement, RateMeter, Rates, Reading};
use crate::domain::time::Moment;

/// The present of a guest is read so often.
const STATUS_INTERVAL: Duration = Duration::from_secs(5);
/// Its answer is good for less, because the allowance paces the asking, not the answering.
const STATUS_LIVES: Duration = Duration::from_secs(4);
/// A history may be asked for so often in the long run.
const HISTORY_INTERVAL: Duration = Duration::from_secs(5);
/// So many histories may be asked for at once, when the cursor rests here and there.
const HISTORIES_AT_ONCE: u32 = 4;
/// After a failure that will not pass by itself so long passes before it is asked again.
const LONG_RETRY: Duration = Duration::from_secs(60);
/// After any other failure.
const SHORT_RETRY: Duration = Duration::from_secs(10);
/// Rates and figures read close up are the present for so long.
const FRESH: Duration = Duration::from_secs(16);
/// Rates from the resource list, which is sampled every 10 s, are the present for so long.
const LISTED_FRESH: Duration = Duration::from_secs(30);
/// What was measured of so many guests is kept, so that coming back to one shows its curves at once.
const GUESTS_KEPT: usize = 8;
/// Twenty minutes of measurements.
const SAMPLES_KEPT: usize = 240;

/// Why nothing is measured of a guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unmeasured {
    /// A template never runs.
    Template,
    /// It does not run.
    Stopped,
    /// Its node does not answer for it.
    Silent,
    /// Its figures stand still.
    Stale,
    /// The server cannot be reached.
    LinkDown,
}

impl Unmeasured {
    /// Decides whether a guest can be measured, and why not.
    pub fn of(seen: &SeenGuest, link: &LinkState, now: Moment) -> Option<Self> {
        let guest = &seen.guest;
        if guest.template {
            return Some(Self::Template);
        }
        if matches!(link, LinkState::Down { .. }) {
            return Some(Self::LinkDown);
        }
        if !seen.vouched {
            return Some(Self::Silent);
        }
        match guest.status {
            Status::Stopped | Status::Suspended => Some(Self::Stopped),
            Status::Unknown => Some(Self::Silent),
            _ if seen.is_stale(now) => Some(Self::Stale),
            Status::Running
            | Status::Paused
            | Status::Prelaunch
            | Status::IoError
            | Status::InternalError
            | Status::Other(_) => None,
        }
    }
}

/// A steady allowance of questions, with a few saved up.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Allowance {
    interval: Duration,
    at_once: u32,
    /// When the allowance would be whole again.
    whole: Moment,
}

impl Allowance {
    fn new(interval: Duration, at_once: u32) -> Self {
        Self {
            interval,
            at_once,
            whole: Moment::default(),
        }
    }

    fn permits(&self, now: Moment) -> bool {
        self.whole.since(now) <= self.interval * (self.at_once - 1)
    }

    fn spend(&mut self, now: Moment) {
        self.whole = self.whole.max(now).later(self.interval);
    }
}

/// What was measured of one guest.
#[derive(Debug, Clone, PartialEq)]
pub struct Watched {
    guest: GuestRef,
    status: Remote<GuestStatus>,
    histories: HashMap<Span, Remote<Series>>,
    /// Rates from the answers of its own node.
    live: RateMeter,
    /// Rates from the resource list; they stand in where its node says nothing.
    listed: RateMeter,
    recent: VecDeque<Sample>,
}

impl Watched {
    fn new(guest: GuestRef) -> Self {
        Self {
            guest,
            status: Remote::default(),
            histories: HashMap::new(),
            live: RateMeter::default(),
            listed: RateMeter::default(),
            recent: VecDeque::new(),
        }
    }

    /// Returns what its node said of it last.
    pub fn status(&self) -> &Remote<GuestStatus> {
        &self.status
    }

    /// Returns what its node said of it just now; what is older is not the present.
    pub fn fresh_status(&self, now: Moment) -> Option<&GuestStatus> {
        self.status
            .answer()
            .filter(|answer| now.since(answer.read) <= FRESH)
            .map(|answer| &answer.value)
    }

    /// Returns what is known of its history over a span.
    pub fn history(&self, span: Span) -> Option<&Remote<Series>> {
        self.histories.get(&span)
    }

    /// Returns its present rates.
    pub fn rates(&self, now: Moment) -> Rates {
        let live = self.live.rates(now, FRESH).unwrap_or_default();
        live.or(self.listed.rates(now, LISTED_FRESH).unwrap_or_default())
    }

    /// Returns the samples of a span: the server's, and ours since.
    pub fn samples(&self, span: Span) -> Vec<&Sample> {
        let history = self.histories.get(&span).and_then(Remote::value);
        Series::continued(history, &self.recent)
    }

    fn note(&mut self, measured: Measurement, guest: &Guest, until: DateTime<Utc>) {
        let now = measured.at;
        let (memory, max_memory) = match self.fresh_status(now) {
            Some(status) => (status.memory, status.max_memory),
            None => (guest.figures.memory, guest.figures.max_memory),
        };
        if self.recent.len() >= SAMPLES_KEPT {
            self.recent.pop_front();
        }
        self.recent.push_back(Sample {
            until,
            length: measured.length,
            averages: Averages {
                cpu: believed_cpu(&guest.figures),
                max_cpu: guest.figures.max_cpu,
                memory: memory.map(|bytes| bytes as f64),
                max_memory: max_memory.map(|bytes| bytes as f64),
                host_memory: guest.figures.host_memory.map(|bytes| bytes as f64),
                rates: self.rates(now),
            },
        });
    }
}

/// What was measured lately, and the chosen span.
#[derive(Debug, Clone, PartialEq)]
pub struct DetailPane {
    span: Span,
    /// The guests looked at last, the latest at the end.
    watched: VecDeque<Watched>,
    status_allowance: Allowance,
    history_allowance: Allowance,
}

impl Default for DetailPane {
    fn default() -> Self {
        Self {
            span: Span::default(),
            watched: VecDeque::new(),
            status_allowance: Allowance::new(STATUS_INTERVAL, 1),
            history_allowance: Allowance::new(HISTORY_INTERVAL, HISTORIES_AT_ONCE),
        }
    }
}

impl DetailPane {
    /// Returns how far back the charts reach.
    pub fn span(&self) -> Span {
        self.span
    }

    /// Returns what was measured of a guest.
    pub fn of(&self, guest: &Guest) -> Option<&Watched> {
        self.watched
            .iter()
            .find(|watched| is_about(&watched.guest, guest))
    }

    pub(super) fn longer(&mut self) {
        self.span = self.span.longer();
    }

    pub(super) fn shorter(&mut self) {
        self.span = self.span.shorter();
    }

    /// Notes that what is known of a guest's present and history may have changed.
    pub(super) fn outdate(&mut self, vmid: Vmid) {
        if let Some(watched) = self
            .watched
            .iter_mut()
            .find(|watched| watched.guest.vmid == vmid)
        {
            watched.status.outdate();
            for history in watched.histories.values_mut() {
                history.outdate();
            }
        }
    }

    /// Forgets guests that are gone.
    pub(super) fn retain(&mut self, exists: impl Fn(Vmid) -> bool) {
        self.watched.retain(|watched| exists(watched.guest.vmid));
    }

    /// Returns the entry of a guest and makes it the latest; a stranger with its number begins anew.
    fn watch(&mut self, guest: &Guest) -> &mut Watched {
        let known = self
            .watched
            .iter()
            .position(|watched| watched.guest.vmid == guest.vmid)
            .and_then(|index| self.watched.remove(index))
            .filter(|watched| is_about(&watched.guest, guest));
        let mut watched = known.unwrap_or_else(|| Watched::new(guest.to_ref()));
        // The node may have changed by migration.
        watched.guest = guest.to_ref();
        if self.watched.len() >= GUESTS_KEPT {
            self.watched.pop_front();
        }
        self.watched.push_back(watched);
        let last = self.watched.len() - 1;
        &mut self.watched[last]
    }
}

fn is_about(watched: &GuestRef, guest: &Guest) -> bool {
    watched.vmid == guest.vmid && watched.kind == guest.kind && watched.name == guest.name
}

/// How long the history of a span is good for: about one of its rows.
const fn lifetime(span: Span) -> Duration {
    Duration::from_secs(match span {
        Span::Hour => 60,
        Span::Day => 300,
        Span::Week | Span::Month | Span::Year => 1_800,
    })
}

/// How long to wait after a failure: some pass by themselves, some need a person.
fn retry(failure: &Failure) -> Duration {
    match failure.kind {
        FailureKind::Unreachable
        | FailureKind::Interrupted
        | FailureKind::NodeUnreachable
        | FailureKind::NoSuchGuest
        | FailureKind::Busy
        | FailureKind::Locked => SHORT_RETRY,
        FailureKind::UntrustedCertificate
        | FailureKind::AuthenticationFailed
        | FailureKind::SessionExpired
        | FailureKind::PasswordNeeded
        | FailureKind::SecondFactorRequired
        | FailureKind::Forbidden
        | FailureKind::Rejected
        | FailureKind::Conflict
        | FailureKind::NotImplemented
        | FailureKind::Server
        | FailureKind::Malformed
        | FailureKind::TaskFailed
        | FailureKind::SnapshotMissing
        | FailureKind::SnapshotFailed
        | FailureKind::Refused
        | FailureKind::FileNotWritten
        | FailureKind::NotDelivered
        | FailureKind::Internal => LONG_RETRY,
    }
}

impl State {
    /// Returns the calendar of the server, by which history is dated.
    pub fn server_time(&self) -> DateTime<Utc> {
        let skew = self.link.clock_skew.unwrap_or_default();
        self.now
            .wall
            .checked_add_signed(skew)
            .unwrap_or(self.now.wall)
    }

    /// Decides whether a guest can be measured now, and why not.
    pub fn unmeasured(&self, seen: &SeenGuest) -> Option<Unmeasured> {
        Unmeasured::of(seen, &self.link.state, self.now.moment)
    }

    /// Reads the counters of the selected guest in a new inventory.
    pub(super) fn measure_listed(&mut self) {
        let (now, until) = (self.now.moment, self.server_time());
        let Some(guest) = self.measured_guest() else {
            return;
        };
        let figures = &guest.figures;
        let reading = Reading {
            at: now,
            uptime: figures.uptime,
            counters: Counters {
                net_in: figures.net_in,
                net_out: figures.net_out,
                disk_read: figures.disk_read,
                disk_write: figures.disk_write,
            },
        };
        let watched = self.detail.watch(&guest);
        let measured = watched.listed.read(reading);
        // While its own node answers, that is the better source of samples.
        if let Some(measured) = measured
            && watched.live.rates(now, FRESH).is_none()
        {
            watched.note(measured, &guest, until);
        }
    }

    /// Takes in what a guest's node says of it.
    pub(super) fn settle_status(&mut self, ticket: Ticket, result: Result<GuestStatus, Failure>) {
        let (now, until) = (self.now.moment, self.server_time());
        let Some(watched) = self
            .detail
            .watched
            .iter_mut()
            .find(|watched| watched.status.awaits(ticket))
        else {
            return;
        };
        let reading = result.as_ref().ok().map(|status| Reading {
            at: now,
            uptime: status.uptime,
            counters: status.counters,
        });
        watched.status.settle(ticket, now, result);
        let listed = self
            .inventory
            .resources
            .value()
            .and_then(|resources| resources.guest(watched.guest.vmid));
        if let Some(reading) = reading
            && let Some(measured) = watched.live.read(reading)
            && let Some(seen) = listed
        {
            watched.note(measured, &seen.guest, until);
        }
    }

    /// Takes in a history.
    pub(super) fn settle_history(&mut self, ticket: Ticket, result: Result<Series, Failure>) {
        let now = self.now.moment;
        if let Some(history) = self
            .detail
            .watched
            .iter_mut()
            .flat_map(|watched| watched.histories.values_mut())
            .find(|history| history.awaits(ticket))
        {
            history.settle(ticket, now, result);
        }
    }

    /// Returns the selected guest if it is on show and can be measured.
    fn measured_guest(&self) -> Option<Guest> {
        if self.focus.view() != View::Guests {
            return None;
        }
        let seen = self.selected_guest()?;
        self.unmeasured(seen).is_none().then(|| seen.guest.clone())
    }

    /// Asks for what is due of the selected guest; its caller has let the cursor rest.
    pub(super) fn ask_for_detail(&mut self, effects: &mut Vec<Effect>) {
        let now = self.now.moment;
        let Some(guest) = self.measured_guest() else {
            return;
        };
        let span = self.detail.span;
        let watched = self.detail.watch(&guest);
        let wants_status = is_due(&watched.status, now, STATUS_LIVES);
        let history = watched.histories.entry(span).or_default();
        let wants_history = is_due(history, now, lifetime(span));
        if wants_status && self.detail.status_allowance.permits(now) {
            let ticket = self.next_ticket();
            self.detail.status_allowance.spend(now);
            self.detail.watch(&guest).status.ask(ticket);
            effects.push(Effect::Fetch(ticket, Query::Status(guest.to_ref())));
        }
        if wants_history && self.detail.history_allowance.permits(now) {
            let ticket = self.next_ticket();
            self.detail.history_allowance.spend(now);
            let histories = &mut self.detail.watch(&guest).histories;
            histories.entry(span).or_default().ask(ticket);
            effects.push(Effect::Fetch(ticket, Query::History(guest.to_ref(), span)));
        }
    }
}

/// Tells whether a value is due: by its age, or by what its last failure was.
pub(super) fn is_due<T>(remote: &Remote<T>, now: Moment, lifetime: Duration) -> bool {
    match remote.failure() {
        Some(failure) => remote.is_due_after(now, lifetime, retry(failure)),
        None => remote.is_due(now, lifetime),
    }
}
