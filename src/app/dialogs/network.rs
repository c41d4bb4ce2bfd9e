//! The network profile of guests: what it changes about each, applied for good or tried.

use std::collections::BTreeSet;
use std::net::IpAddr;

use chrono::{DateTime, TimeDelta, Utc};

use super::Reply;
use super::form::{Form, Item};
use super::passing::{self, PassAnswer};
use super::purpose::ask;
use super::several::AT_ONCE;
use crate::app::action::Action;
use crate::app::effect::{Query, Ticket};
use crate::app::jobs::JobId;
use crate::app::keymap::Combo;
use crate::app::networks::GuestNetwork;
use crate::app::remote::Remote;
use crate::domain::failure::Failure;
use crate::domain::firewall::ClusterFirewall;
use crate::domain::guest::GuestRef;
use crate::domain::inventory::Resources;
use crate::domain::network::{
    self, Change, Current, ForeignRule, Hosts, NetworkPlan, NetworkProfile, Resolved, Warning,
    WayBack,
};
use crate::domain::operation::{Call, Operation};
use crate::domain::request::{BatchNetworkRequest, Field, Objection};
use crate::domain::time::Moment;

/// How long a profile may be tried, and how that is called.
const TRIALS: [(Option<i64>, &str); 4] = [
    (None, "for good"),
    (Some(60), "try for 1 min"),
    (Some(300), "5 min"),
    (Some(900), "15 min"),
];

/// A guest of the dialog, and what was read of it since it opened.
#[derive(Debug, Clone, PartialEq)]
pub struct Fenced {
    /// The guest, as it was when the dialog opened.
    pub guest: GuestRef,
    network: Remote<GuestNetwork>,
    /// What is done to it, once everything is read.
    pub plan: Option<NetworkPlan>,
}

impl Fenced {
    /// Returns why its firewall could not be read.
    pub fn failure(&self) -> Option<&Failure> {
        self.network.failure()
    }
}

/// A line of the dialog.
#[derive(Debug, Clone)]
pub enum NetworkLine<'a> {
    /// A guest, where there are several, with how many changes it gets.
    Guest(&'a Fenced),
    /// Something that differs from the profile.
    Difference(&'a Change),
    /// How many addresses of names are brought up to date.
    Refreshes(usize),
    /// Something that a person must know.
    Warning(&'a Warning),
    /// Why it cannot be done.
    Objection(&'a Objection),
    /// Why the guest's firewall cannot be read.
    Failure(&'a Failure),
    /// A rule that is left alone.
    Foreign(&'a ForeignRule),
    /// The guest is as the profile says.
    Nothing,
    /// What is still awaited.
    Reading,
}

/// The network profile of guests.
#[derive(Debug, Clone, PartialEq)]
pub struct NetworkDialog {
    guests: Vec<Fenced>,
    /// When it was opened, by the server's clock.
    opened: DateTime<Utc>,
    profiles: Vec<NetworkProfile>,
    /// The job of this program that tries a profile on the guest, while it does.
    own_trial: Option<JobId>,
    datacenter: Remote<ClusterFirewall>,
    names: Remote<Resolved>,
    /// The name whose addresses were asked for to answer the question.
    asked: Option<String>,
    asked_names: Remote<Resolved>,
    /// What is said about the destination that is typed.
    pub answers: Vec<PassAnswer>,
    /// The fields.
    pub form: Form,
    /// The first line that is to be in sight.
    pub row: usize,
    /// Whether the plan may only be looked at.
    pub read_only: bool,
}

impl NetworkDialog {
    /// Opens the choice of a profile for guests; nothing without a guest or a profile.
    pub(in crate::app) fn choose(
        guests: Vec<GuestRef>,
        profiles: &[NetworkProfile],
        chosen: usize,
        own_trial: Option<JobId>,
        (opened, read_only): (DateTime<Utc>, bool),
    ) -> Option<Self> {
        let first = guests.first()?;
        profiles.first()?;
        let names = profiles.iter().map(|profile| profile.name.clone());
        let trials = TRIALS.iter().map(|(_, words)| (*words).to_owned());
        let title = match guests.len() {
            1 => format!("Network profile of {first} on {}", first.node),
            count => format!("Network profile of {count} marked guests"),
        };
        let mut items = vec![
            Item::choice(Field::Network, "profile", names.collect()),
            Item::choice(Field::Trial, "how long", trials.collect()),
        ];
        match guests.len() {
            1 => {
                let hint = "a host and a port to ask about, as api.github.com:443";
                items.push(Item::text(Field::Question, "would pass", "").hinting(hint));
                items.push(Item::consent("leave it", "apply"));
            }
            count => items.push(Item::typed(count.to_string())),
        }
        let mut form = Form::new(title, items, "apply");
        form.choose_at(Field::Network, chosen);
        let guests = guests.into_iter().map(|guest| Fenced {
            guest,
            network: Remote::default(),
            plan: None,
        });
        Some(Self {
            guests: guests.collect(),
            opened,
            profiles: profiles.to_vec(),
            own_trial,
            datacenter: Remote::default(),
            names: Remote::default(),
            asked: None,
            asked_names: Remote::default(),
            answers: Vec::new(),
            form,
            row: 0,
            read_only,
        })
    }

    /// Returns the guests.
    pub fn guests(&self) -> &[Fenced] {
        &self.guests
    }

    /// Returns what is to be shown, in order.
    pub fn lines(&self) -> Vec<NetworkLine<'_>> {
        let mut lines = Vec::new();
        for fenced in &self.guests {
            if self.guests.len() > 1 {
                lines.push(NetworkLine::Guest(fenced));
            }
            match (&fenced.plan, fenced.failure()) {
                (Some(plan), _) => lines.extend(lines_of(plan)),
                (None, Some(failure)) => lines.push(NetworkLine::Failure(failure)),
                (None, None) => lines.push(NetworkLine::Reading),
            }
        }
        lines
    }

    /// Returns the API calls, as far as it can be carried out.
    pub fn calls(&self) -> Vec<Call> {
        self.form
            .checked
            .as_ref()
            .map(Operation::calls)
            .unwrap_or_default()
    }

    /// Asks for what it needs to know, a few guests at once.
    pub(in crate::app) fn questions(&mut self, next: &mut u64) -> Vec<(Ticket, Query)> {
        let mut questions = Vec::new();
        if self.datacenter.is_open() && !self.datacenter.is_pending() {
            questions.push(ask(&mut self.datacenter, Query::Datacenter, next));
        }
        if self.names.is_open() && !self.names.is_pending() {
            let all = self.profiles.iter().flat_map(NetworkProfile::host_names);
            let all: BTreeSet<String> = all.map(str::to_owned).collect();
            let query = Query::Resolve(all.into_iter().collect(), self.opened);
            questions.push(ask(&mut self.names, query, next));
        }
        questions.extend(self.question_about_name(next));
        let is_pending = |fenced: &&Fenced| fenced.network.is_pending();
        let mut flying = self.guests.iter().filter(is_pending).count();
        for fenced in &mut self.guests {
            if flying >= AT_ONCE {
                break;
            }
            if fenced.network.is_open() && !fenced.network.is_pending() {
                let query = Query::Network(fenced.guest.clone());
                questions.push(ask(&mut fenced.network, query, next));
                flying += 1;
            }
        }
        questions
    }

    pub(in crate::app) fn settle_network(
        &mut self,
        ticket: Ticket,
        now: Moment,
        result: &Result<GuestNetwork, Failure>,
    ) {
        for fenced in &mut self.guests {
            if fenced.network.awaits(ticket) {
                fenced.network.settle(ticket, now, result.clone());
            }
        }
    }

    pub(in crate::app) fn settle_datacenter(
        &mut self,
        ticket: Ticket,
        now: Moment,
        result: &Result<ClusterFirewall, Failure>,
    ) {
        self.datacenter.settle(ticket, now, result.clone());
    }

    pub(in crate::app) fn settle_names(
        &mut self,
        ticket: Ticket,
        now: Moment,
        result: &Result<Resolved, Failure>,
    ) {
        self.names.settle(ticket, now, result.clone());
        self.asked_names.settle(ticket, now, result.clone());
    }

    /// Makes the plans anew for what is chosen, and checks them against the world as it is now.
    pub(in crate::app) fn check(&mut self, resources: Option<&Resources>, server: DateTime<Utc>) {
        self.follow_trial();
        let is_awaited = self.datacenter.is_open() || self.names.is_open();
        for index in 0..self.guests.len() {
            let plan = if is_awaited {
                None
            } else {
                self.plan_for(&self.guests[index], server)
            };
            self.guests[index].plan = plan;
        }
        self.answers = self.answer();
        let last = self.lines().len().saturating_sub(1);
        self.row = self.row.min(last);
        let is_reading = |fenced: &Fenced| fenced.plan.is_none() && fenced.failure().is_none();
        self.form.checked = if self.guests.iter().any(is_reading) {
            Err(Vec::new())
        } else if self.read_only {
            let reason = "read-only: nothing can be changed";
            Err(vec![Objection::new(Field::Whole, reason)])
        } else {
            self.check_plans(resources)
        };
    }

    /// Tells what is to be done with a trial of the one guest, where one is under way.
    fn trial(&self) -> Option<WayBack> {
        let [only] = self.guests.as_slice() else {
            return None;
        };
        let (_, firewall) = only.network.value()?;
        WayBack::find(&firewall.rules)
    }

    /// Offers the two ends of a trial in the place of profiles as long as one is under way.
    fn follow_trial(&mut self) {
        let has_ends = self.form.input(Field::Mode).is_some();
        match self.trial() {
            Some(trial) if !has_ends => {
                self.form.remove(Field::Network);
                self.form.remove(Field::Trial);
                let ends = ["keep it".to_owned(), "put it back".to_owned()];
                let item = Item::choice(Field::Mode, "the trial", ends.to_vec());
                self.form.items.insert(0, item);
                self.form.focus = 0;
                self.form.title =
                    format!("Trial of {} on {}", trial.profile(), self.guests[0].guest);
                self.form.verb = "do it";
                self.form.items.retain(|item| item.field != Field::Whole);
                self.form.items.push(Item::consent("leave it", "do it"));
            }
            Some(_) | None => {}
        }
    }

    fn current(&self, fenced: &Fenced) -> Option<Current> {
        let (config, firewall) = fenced.network.value()?;
        Some(Current {
            config: Ok(config.clone()),
            firewall: Ok(firewall.clone()),
            cluster: self.datacenter.value().cloned().unwrap_or_default(),
        })
    }

    /// Returns the addresses of a name, as far as they were asked for.
    fn addresses(&self, name: &str) -> Option<Result<Vec<IpAddr>, String>> {
        let of_profiles = self.names.value().filter(|names| names.knows(name));
        let known = of_profiles.or_else(|| {
            let is_asked = self.asked.as_deref() == Some(name);
            self.asked_names.value().filter(|_| is_asked)
        })?;
        Some(known.addresses(name).map(<[IpAddr]>::to_vec))
    }

    /// Asks for the addresses of the name that is typed, where nobody asked for them yet.
    fn question_about_name(&mut self, next: &mut u64) -> Option<(Ticket, Query)> {
        let (hosts, _) = passing::read(self.form.text(Field::Question).trim()).ok()?;
        let Hosts::Name(name) = hosts else {
            return None;
        };
        let is_asked = self.asked.as_ref() == Some(&name) || self.addresses(&name).is_some();
        if self.names.is_open() || is_asked {
            return None;
        }
        self.asked = Some(name.clone());
        self.asked_names = Remote::default();
        let query = Query::Resolve(vec![name], self.opened);
        Some(ask(&mut self.asked_names, query, next))
    }

    /// Says what becomes of a connection to the destination that is typed, now and then.
    fn answer(&self) -> Vec<PassAnswer> {
        let text = self.form.text(Field::Question).trim();
        let [only] = self.guests.as_slice() else {
            return Vec::new();
        };
        let Some(now) = self.current(only).filter(|_| !text.is_empty()) else {
            return Vec::new();
        };
        let (hosts, port) = match passing::read(text) {
            Ok(read) => read,
            Err(answer) => return vec![answer],
        };
        let addresses = match hosts {
            Hosts::Network(network) => vec![network.address()],
            Hosts::Name(name) => match self.addresses(&name) {
                Some(Ok(addresses)) => addresses,
                Some(Err(reason)) => return vec![PassAnswer::about_question(reason)],
                None => return vec![PassAnswer::about_question(format!("resolving {name}…"))],
            },
        };
        let mut answers = passing::judge("now", &addresses, port, &now);
        if let Some(plan) = only.plan.as_ref().filter(|plan| !plan.is_empty()) {
            answers.extend(passing::judge("then", &addresses, port, &plan.after(&now)));
        }
        answers
    }

    /// Makes the plan for a guest, as far as it was read.
    fn plan_for(&self, fenced: &Fenced, server: DateTime<Utc>) -> Option<NetworkPlan> {
        let current = self.current(fenced)?;
        let guest = &fenced.guest;
        if self.form.input(Field::Mode).is_some() {
            return match self.form.chosen(Field::Mode) {
                0 => network::keep(guest, &current),
                _ => network::put_back(guest, &current),
            };
        }
        let profile = self.profiles.get(self.form.chosen(Field::Network))?;
        let unresolved = Resolved::new(server);
        let resolved = self.names.value().unwrap_or(&unresolved);
        let (seconds, _) = TRIALS[self.form.chosen(Field::Trial).min(TRIALS.len() - 1)];
        Some(match seconds {
            None => network::plan(guest, profile, resolved, &current),
            Some(seconds) => {
                let ends = server + TimeDelta::seconds(seconds);
                network::plan_trial(guest, profile, resolved, &current, (server, ends))
            }
        })
    }

    /// Checks what is shown; what could not be read of one guest is in the way of all.
    fn check_plans(&self, resources: Option<&Resources>) -> Result<Operation, Vec<Objection>> {
        let unread = self.guests.iter().find_map(|fenced| {
            let failure = fenced.failure().filter(|_| fenced.plan.is_none())?;
            Some(format!("{}: {failure}", fenced.guest))
        });
        if let Some(reason) = unread {
            return Err(vec![Objection::new(Field::Whole, reason)]);
        }
        let seen = |vmid| resources.and_then(|resources| resources.guest(vmid));
        let mut all = self
            .guests
            .iter()
            .filter_map(|fenced| seen(fenced.guest.vmid));
        if let Some(silent) = all.find(|seen| !seen.vouched) {
            let reason = format!("{} does not answer", silent.guest.node);
            return Err(vec![Objection::new(Field::Whole, reason)]);
        }
        let plans = self.guests.iter().filter_map(|fenced| fenced.plan.clone());
        let request = BatchNetworkRequest {
            plans: plans.collect(),
        };
        request.check(|vmid| seen(vmid).map(|seen| &seen.guest))
    }

    pub(super) fn types(&mut self, combo: Combo) -> bool {
        self.form.types(combo)
    }

    pub(super) fn paste(&mut self, text: &str) {
        self.form.paste(text);
    }

    pub(super) fn act(&mut self, action: Action, page: usize) -> Reply {
        if let Action::Move(motion) = action {
            let last = self.lines().len().saturating_sub(1);
            self.row = self.row.saturating_add_signed(motion.rows(page)).min(last);
            return Reply::Stay;
        }
        let Action::Form(key) = action else {
            return Reply::Stay;
        };
        let (reply, changed) = self.form.act(key);
        if changed.is_some() {
            self.row = 0;
        }
        match (reply, self.own_trial) {
            (Reply::Run(_), Some(job)) => {
                let keeps = self.form.chosen(Field::Mode) == 0;
                Reply::EndTrial(job, keeps)
            }
            (reply, _) => reply,
        }
    }
}

fn lines_of(plan: &NetworkPlan) -> Vec<NetworkLine<'_>> {
    let mut lines: Vec<NetworkLine<'_>> = Vec::new();
    lines.extend(plan.objections().iter().map(NetworkLine::Objection));
    lines.extend(plan.warnings().iter().map(NetworkLine::Warning));
    lines.extend(plan.differences().map(NetworkLine::Difference));
    let refreshes = plan.refreshes().count();
    if refreshes > 0 {
        lines.push(NetworkLine::Refreshes(refreshes));
    } else if plan.is_empty() && plan.objections().is_empty() {
        lines.push(NetworkLine::Nothing);
    }
    lines.extend(plan.foreign().iter().map(NetworkLine::Foreign));
    lines
}
