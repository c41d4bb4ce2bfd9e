//! The form that rolls the guests of a bracket back together, and says what is lost by it.

use std::collections::BTreeSet;

use super::WantedLists;
use crate::app::dialogs::form::{Form, Item, Preview, Weight};
use crate::app::dialogs::purpose::{FormDialog, Known, Purpose};
use crate::app::dialogs::roll_back::{in_words, offer_unfenced};
use crate::app::dialogs::several::{AT_ONCE, Configs, Sight, left_out, lines};
use crate::app::effect::{Query, Ticket};
use crate::domain::bracket::Bracket;
use crate::domain::failure::Failure;
use crate::domain::guest::GuestRef;
use crate::domain::guest_config::GuestConfig;
use crate::domain::id::Vmid;
use crate::domain::request::{
    Danger, Field, Meanwhile, Objection, RestoreBracketRequest, RestoreLosses,
};
use crate::domain::time::Moment;

/// The bracket, and the configurations that are compared.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::app::dialogs) struct RestoreBracketPurpose {
    bracket: Bracket,
    wanted: WantedLists,
    present: Configs,
    frozen: Configs,
}

impl FormDialog {
    /// Opens the form that rolls the guests of a bracket back; it wants the bracket's name typed.
    ///
    /// The guests stand in a field of their own: after a partial failure those alone go back that
    /// did not.
    pub(in crate::app) fn restore_bracket(bracket: Bracket) -> Option<Self> {
        let target = bracket.members.first()?.guest.clone();
        let guests = bracket.members.iter().map(|member| member.guest.clone());
        let wanted = WantedLists::new(guests.collect());
        let items = vec![
            Item::typed(bracket.name.to_string()),
            Item::text(Field::Guests, "guests", numbers(&all(&bracket))),
        ];
        let title = format!("Roll back to bracket {}", bracket.full_name());
        let mut form = Form::new(title, items, "roll back");
        form.refusal = "keep everything";
        let purpose = RestoreBracketPurpose {
            bracket,
            wanted,
            present: Configs::default(),
            frozen: Configs::default(),
        };
        Some(Self::new(
            target,
            form,
            Purpose::RestoreBracket(Box::new(purpose)),
        ))
    }
}

impl RestoreBracketPurpose {
    pub(in crate::app::dialogs) fn wanted(&mut self) -> &mut WantedLists {
        &mut self.wanted
    }

    /// Asks for the present and the frozen configuration of each guest, a few at once.
    pub(in crate::app::dialogs) fn questions(&mut self, next: &mut u64) -> Vec<(Ticket, Query)> {
        let mut questions = Vec::new();
        for member in &self.bracket.members {
            if self.present.flying() + self.frozen.flying() >= AT_ONCE {
                break;
            }
            let (guest, vmid) = (member.guest.clone(), member.guest.vmid);
            let frozen = Query::FrozenConfig(guest.clone(), member.snapshot.name.clone());
            questions.extend(self.present.ask(vmid, Query::Config(guest), next));
            questions.extend(self.frozen.ask(vmid, frozen, next));
        }
        questions
    }

    pub(in crate::app::dialogs) fn settle(
        &mut self,
        ticket: Ticket,
        now: Moment,
        result: &Result<GuestConfig, Failure>,
    ) {
        self.present.settle(ticket, now, result);
        self.frozen.settle(ticket, now, result);
    }

    pub(in crate::app::dialogs) fn check(&self, form: &mut Form, known: &Known<'_>) {
        let sight = Sight {
            known,
            present: Some(&self.present),
            frozen: Some(&self.frozen),
        };
        let typed = vmids(form.text(Field::Guests));
        let (only, misread) = match typed {
            Ok(typed) => ((typed != all(&self.bracket)).then_some(typed), None),
            Err(objection) => (None, Some(objection)),
        };
        let request = RestoreBracketRequest {
            bracket: self.bracket.clone(),
            only,
            unfenced: form.is_on(Field::Unfenced),
        };
        let losses = request.losses(&sight, known.now.wall);
        let mut fences = losses.fences.iter();
        let runs = fences.any(|(_, fence)| fence.meanwhile == Meanwhile::Runs);
        offer_unfenced(form, runs);
        form.checked = match misread {
            Some(objection) => Err(vec![objection]),
            None => request.check(&sight),
        };
        form.preview = self.preview(&losses);
    }

    fn preview(&self, losses: &RestoreLosses) -> Vec<Preview> {
        let bracket = &self.bracket;
        let mut target = bracket.name.snapshot().to_string();
        if let Some(taken) = bracket.taken() {
            target = format!("{target} · {} UTC", taken.format("%Y-%m-%d %H:%M"));
        }
        if bracket.has_ram() {
            target.push_str(" · with RAM");
        }
        let mut preview = vec![Preview::new("to", target, Weight::Plain)];
        preview.extend(lines("loses", lost(losses), Weight::Loss));
        let is_loss = |(_, danger): &&(GuestRef, Danger)| danger.is_loss();
        let (lost, moved): (Vec<_>, Vec<_>) = losses.dangers.iter().partition(is_loss);
        let told = |dangers: Vec<&(GuestRef, Danger)>| {
            let dangers = dangers.into_iter();
            dangers
                .map(|(guest, danger)| format!("{guest}: {danger}"))
                .collect()
        };
        let label = if lost.is_empty() { "config" } else { "" };
        preview.extend(lines("config", told(lost), Weight::Loss));
        preview.extend(lines(label, told(moved), Weight::Warning));
        for (place, (guest, fence)) in losses.fences.iter().enumerate() {
            let weight = if fence.is_loss() {
                Weight::Loss
            } else {
                Weight::Warning
            };
            let text = format!("{guest}: {fence}");
            let label = if place == 0 { "fence" } else { "" };
            preview.push(Preview::new(label, text, weight));
        }
        let changed = losses.changed.iter().map(|(guest, options)| match options {
            1 => format!("{guest}: 1 option goes back"),
            options => format!("{guest}: {options} options go back"),
        });
        let label = if losses.dangers.is_empty() {
            "config"
        } else {
            ""
        };
        preview.extend(lines(label, changed.collect(), Weight::Warning));
        preview.extend(self.uncompared(losses));
        let branches = losses.branches.iter().map(|(guest, names)| {
            let names: Vec<String> = names.iter().map(ToString::to_string).collect();
            format!("{guest}: {} stay, on a branch", names.join(", "))
        });
        preview.extend(lines("leaves", branches.collect(), Weight::Plain));
        let mut without = left_out(&losses.left_out);
        let gone = losses.gone.iter();
        without.extend(gone.map(|vmid| format!("{vmid}: it is no guest any more")));
        preview.extend(lines("left out", without, Weight::Warning));
        preview
    }

    /// Says whose configurations are still being compared, or could not be.
    fn uncompared(&self, losses: &RestoreLosses) -> Vec<Preview> {
        let is_settled = |vmid: Vmid| self.present.is_settled(vmid) && self.frozen.is_settled(vmid);
        let guests = losses.uncompared.iter();
        let (failed, reading): (Vec<_>, Vec<_>) = guests.partition(|guest| is_settled(guest.vmid));
        let mut preview = Vec::new();
        if !reading.is_empty() {
            preview.push(Preview::new("config", "comparing…", Weight::Plain));
        }
        let failed = failed.into_iter();
        let failed = failed.map(|guest| format!("{guest}: how it changes could not be checked"));
        preview.extend(lines("config", failed.collect(), Weight::Warning));
        preview
    }
}

/// Says how much time is lost, and what happens to the guests.
fn lost(losses: &RestoreLosses) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some((time, vmid)) = losses.longest {
        let time = in_words(time);
        lines.push(match losses.guests {
            1 => format!("{time} of its life"),
            _ => format!("up to {time}, of {vmid}"),
        });
    }
    for guest in &losses.undated {
        lines.push(format!("{guest}: everything since; its date is unknown"));
    }
    let afterwards = [
        (losses.resume, "from its RAM", "resume from their RAM"),
        (losses.start, "boots", "boot"),
        (losses.stay_off, "stays off", "stay off"),
    ];
    let afterwards: Vec<String> = afterwards
        .iter()
        .filter(|(count, ..)| *count > 0)
        .map(|(count, one, several)| match count {
            1 => format!("1 {one}"),
            count => format!("{count} {several}"),
        })
        .collect();
    match losses.stopped.len() {
        0 if afterwards.is_empty() => {}
        0 => lines.push(format!("then {}", afterwards.join(", "))),
        1 => lines.push(format!(
            "1 running guest is stopped hard, then {}",
            afterwards.join(", ")
        )),
        count => lines.push(format!(
            "{count} running guests are stopped hard, then {}",
            afterwards.join(", ")
        )),
    }
    lines
}

/// Returns the guests that are meant as long as nobody names others.
///
/// One that could not be read is among them: only a person can say to go on without it.
fn all(bracket: &Bracket) -> BTreeSet<Vmid> {
    let members = bracket.members.iter().map(|member| member.guest.vmid);
    members.chain(bracket.unread.iter().copied()).collect()
}

fn numbers(vmids: &BTreeSet<Vmid>) -> String {
    let numbers: Vec<String> = vmids.iter().map(ToString::to_string).collect();
    numbers.join(" ")
}

/// Reads numbers of guests as they are typed.
fn vmids(text: &str) -> Result<BTreeSet<Vmid>, Objection> {
    let words = text.split([' ', ',']).filter(|word| !word.is_empty());
    words
        .map(|word| {
            word.parse()
                .map_err(|error| Objection::new(Field::Guests, error))
        })
        .collect()
}
