//! The form that takes a bracket of the marked guests, or what is missing of one.

use chrono::{DateTime, Utc};

use super::WantedLists;
use crate::app::dialogs::form::{Form, Item, Preview, Switch, Weight};
use crate::app::dialogs::purpose::{FormDialog, Known, Purpose};
use crate::app::dialogs::several::{AT_ONCE, Configs, Sight, left_out, lines, names};
use crate::app::effect::{Query, Ticket};
use crate::app::snapshot_lists::SnapshotLists;
use crate::domain::bracket::{BracketName, Nonce};
use crate::domain::failure::Failure;
use crate::domain::guest::GuestRef;
use crate::domain::operation::Skipped;
use crate::domain::request::{CreateBracketRequest, Field, Objection, lists_of};
use crate::domain::time::Moment;

/// The marked guests, and what is read beside them.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::app::dialogs) struct CreateBracketPurpose {
    guests: Vec<GuestRef>,
    nonce: Nonce,
    wanted: WantedLists,
    configs: Configs,
}

impl FormDialog {
    /// Opens the form that takes a bracket of some guests; nothing without a guest.
    ///
    /// `others` are looked at for a bracket of the same name.
    pub(in crate::app) fn create_bracket(
        guests: Vec<GuestRef>,
        others: &[GuestRef],
        lists: &SnapshotLists,
        nonce: Nonce,
        now: DateTime<Utc>,
    ) -> Option<Self> {
        let target = guests.first()?.clone();
        let wanted: Vec<GuestRef> = guests.iter().chain(others).cloned().collect();
        let is_taken = |name: &str| {
            let mut lists = wanted
                .iter()
                .filter_map(|guest| lists.of(guest.vmid)?.value());
            lists.any(|list| list.find(name).is_some())
        };
        let ram = Switch::new("save the RAM of those that run too", false);
        let items = vec![
            Item::text(Field::Name, "name", BracketName::suggest(now, is_taken)),
            Item::switch(Field::Ram, "memory", ram),
        ];
        let title = match guests.len() {
            1 => "Bracket of 1 marked guest".to_owned(),
            count => format!("Bracket of {count} marked guests"),
        };
        let form = Form::new(title, items, "take it");
        let purpose = CreateBracketPurpose {
            guests,
            nonce,
            wanted: WantedLists::new(wanted),
            configs: Configs::default(),
        };
        let purpose = Purpose::CreateBracket(Box::new(purpose));
        Some(Self::new(target, form, purpose))
    }
}

impl CreateBracketPurpose {
    pub(in crate::app::dialogs) fn wanted(&mut self) -> &mut WantedLists {
        &mut self.wanted
    }

    /// Asks for the configurations, once memory is to be saved.
    pub(in crate::app::dialogs) fn questions(
        &mut self,
        form: &Form,
        next: &mut u64,
    ) -> Vec<(Ticket, Query)> {
        let mut questions = Vec::new();
        for guest in self.guests.iter().filter(|_| form.is_on(Field::Ram)) {
            if self.configs.flying() >= AT_ONCE {
                break;
            }
            let query = Query::Config(guest.clone());
            questions.extend(self.configs.ask(guest.vmid, query, next));
        }
        questions
    }

    pub(in crate::app::dialogs) fn settle(
        &mut self,
        ticket: Ticket,
        now: Moment,
        result: &Result<crate::domain::guest_config::GuestConfig, Failure>,
    ) {
        self.configs.settle(ticket, now, result);
    }

    pub(in crate::app::dialogs) fn check(&self, form: &mut Form, known: &Known<'_>) {
        let sight = Sight {
            known,
            present: Some(&self.configs),
            frozen: None,
        };
        let mut request = self.request(form);
        request.ram = true;
        let without = request.without_ram(&sight);
        form.forbid(
            Field::Ram,
            (without.len() == self.guests.len()).then(|| "none of them has any now".to_owned()),
        );
        let request = self.request(form);
        let checked = request.check(&sight);
        let is_name = |objection: &Objection| objection.field == Field::Name;
        let is_refused = checked.as_ref().is_err_and(|all| all.iter().any(is_name));
        form.checked = checked.and_then(|operation| {
            let (read, all) = self.wanted.progress(known.lists);
            let configs = self.guests.iter();
            let is_reading = |guest: &GuestRef| !self.configs.is_settled(guest.vmid);
            if read < all {
                let reason = format!("looking whether the name is free: {read} of {all} guests");
                Err(vec![Objection::new(Field::Name, reason)])
            } else if request.ram && configs.clone().any(is_reading) {
                let reason = "reading where the RAM would be saved…";
                Err(vec![Objection::new(Field::Ram, reason)])
            } else {
                Ok(operation)
            }
        });
        let without = if request.ram { without } else { Vec::new() };
        let name = BracketName::of_typed(&request.name).ok();
        let name = name.filter(|_| !is_refused);
        form.preview = self.preview(name, &request, &without, &sight);
    }

    fn request(&self, form: &Form) -> CreateBracketRequest {
        CreateBracketRequest {
            guests: self.guests.clone(),
            name: form.text(Field::Name).to_owned(),
            ram: form.is_on(Field::Ram),
            nonce: self.nonce.clone(),
        }
    }

    fn preview(
        &self,
        name: Option<BracketName>,
        request: &CreateBracketRequest,
        without: &[Skipped],
        sight: &Sight<'_, '_>,
    ) -> Vec<Preview> {
        let mut preview = vec![Preview::new("guests", names(&self.guests), Weight::Plain)];
        if let Some(name) = name {
            let text = match request.completes(sight) {
                Some(bracket) => format!(
                    "{} of those that lack it: completes {}, which {} of {} have",
                    name.snapshot(),
                    bracket.full_name(),
                    bracket.members.len(),
                    bracket.vmids().len()
                ),
                None => format!(
                    "{} of each, to go back or be dropped together",
                    name.snapshot()
                ),
            };
            preview.push(Preview::new("takes", text, Weight::Plain));
        }
        preview.extend(lines("no RAM", left_out(without), Weight::Warning));
        let unread = lists_of(sight);
        let unread = unread.iter().filter(|(guest, list)| {
            list.is_none() && !self.guests.iter().any(|own| own.vmid == guest.vmid)
        });
        let unread: Vec<String> = unread.map(|(guest, _)| guest.vmid.to_string()).collect();
        let (read, all) = self.wanted.progress(sight.known.lists);
        if !unread.is_empty() && read == all {
            let text = format!(
                "guests that could not be read may have the name already: {}",
                unread.join(" ")
            );
            preview.push(Preview::new("unknown", text, Weight::Warning));
        }
        preview
    }
}
