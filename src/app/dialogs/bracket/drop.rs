//! The form that drops a bracket: its snapshots are deleted, and the guests go on as they are.

use super::WantedLists;
use crate::app::dialogs::form::{Form, Item, Preview, Weight};
use crate::app::dialogs::purpose::{FormDialog, Known, Purpose};
use crate::app::dialogs::several::{Sight, left_out, lines};
use crate::domain::bracket::Bracket;
use crate::domain::operation::Operation;
use crate::domain::request::DropBracketRequest;

/// The bracket, as it was when the form was opened.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::app::dialogs) struct DropBracketPurpose {
    bracket: Bracket,
    wanted: WantedLists,
}

impl FormDialog {
    /// Opens the form that drops a bracket; it wants the count of snapshots typed.
    pub(in crate::app) fn drop_bracket(bracket: Bracket) -> Option<Self> {
        let target = bracket.members.first()?.guest.clone();
        let title = format!("Drop bracket {}", bracket.full_name());
        let count = bracket.members.len().to_string();
        let mut form = Form::new(title, vec![Item::typed(count)], "drop it");
        form.refusal = "keep it";
        let guests = bracket.members.iter().map(|member| member.guest.clone());
        let wanted = WantedLists::new(guests.collect());
        let purpose = Purpose::DropBracket(Box::new(DropBracketPurpose { bracket, wanted }));
        Some(Self::new(target, form, purpose))
    }
}

impl DropBracketPurpose {
    pub(in crate::app::dialogs) fn wanted(&mut self) -> &mut WantedLists {
        &mut self.wanted
    }

    pub(in crate::app::dialogs) fn check(&self, form: &mut Form, known: &Known<'_>) {
        let sight = Sight {
            known,
            present: None,
            frozen: None,
        };
        let bracket = &self.bracket;
        let request = DropBracketRequest {
            bracket: bracket.clone(),
        };
        form.checked = request.check(&sight);
        let (mut deleted, mut kept) = (Vec::new(), Vec::new());
        if let Ok(Operation::Batch(batch)) = &form.checked {
            let name = bracket.name.snapshot();
            let guests = batch.operations().filter_map(Operation::guest);
            deleted = guests.map(|guest| format!("{name} of {guest}")).collect();
            kept = left_out(batch.skipped());
        }
        // Who can take part may change while the question stands; what was typed no longer fits then.
        form.expect(&deleted.len().max(1).to_string());
        let mut preview = lines("deletes", deleted, Weight::Loss);
        preview.extend(lines("left out", kept, Weight::Warning));
        let unread = bracket.unread.iter();
        let unread = unread.map(|vmid| format!("{vmid} could not be read; it stays as it is"));
        preview.extend(lines("unknown", unread.collect(), Weight::Warning));
        if let Some(taken) = bracket.taken() {
            let text = format!("{} UTC", taken.format("%Y-%m-%d %H:%M"));
            preview.push(Preview::new("taken", text, Weight::Plain));
        }
        if bracket.has_ram() {
            preview.push(Preview::new("", "with the RAM saved in it", Weight::Plain));
        }
        let text = "the guests go on as they are; it cannot be undone";
        preview.push(Preview::new("then", text, Weight::Plain));
        form.preview = preview;
    }
}
