//! What a failed creation leaves behind, and the offer to destroy it.

use proxdeck::app::dialogs::Dialog;
use proxdeck::app::{Answer, Effect, Event, Query};
use proxdeck::domain::failure::{Failure, FailureKind};
use proxdeck::domain::guest::Status;
use proxdeck::domain::guest_config::GuestConfig;
use proxdeck::domain::operation::{HalfMade, Outcome, Report, Stamp, Update};

use crate::world::{Desk, guest, start};

#[test]
fn a_guest_that_was_half_made_is_offered_for_destruction_and_only_as_long_as_it_is_ours() {
    let mut half = guest(112, "agent");
    half.status = Status::Stopped;
    let mut desk = Desk::with(vec![guest(100, "one"), half.clone()]);
    let job = {
        let effects = desk.press("s Enter");
        let found = effects.iter().find_map(|effect| match effect {
            Effect::Run(job, _) => Some(*job),
            _ => None,
        });
        found.unwrap()
    };
    let failure = Failure::new(FailureKind::TaskFailed, "no space left");
    let mut report = Report::new(Outcome::Failed(Box::new(failure)));
    report.half_made.push(HalfMade {
        guest: half.to_ref(),
        stamp: Stamp::new(start().wall, 7),
    });
    desk.happen(Event::Job(job, Update::Ended(Box::new(report))));
    desk.press("Enter");
    let Some(Dialog::Failure(text)) = desk.state.dialogs.last() else {
        panic!("{:?}", desk.state.dialogs)
    };
    assert_eq!(text.left.len(), 1);
    let effects = desk.press("D");
    let Some(Dialog::Form(dialog)) = desk.state.dialogs.last() else {
        panic!("{:?}", desk.state.dialogs)
    };
    assert_eq!(dialog.form.title, "Destroy 112 agent on pve1");
    // Its description is read, and it is not the mark that we gave it.
    let ticket = effects.iter().find_map(|effect| match effect {
        Effect::Fetch(ticket, Query::Config(_)) => Some(*ticket),
        _ => None,
    });
    let foreign = GuestConfig::new([("description".to_owned(), "somebody's".into())], None);
    let answer = Answer::Config(Box::new(foreign));
    desk.happen(Event::Fetched(ticket.unwrap(), Ok(answer)));
    desk.happen(Event::Paste("112=agent".into()));
    let effects = desk.press("1 1 2 = a g e n t Enter");
    assert!(
        !effects
            .iter()
            .any(|effect| matches!(effect, Effect::Run(..)))
    );
    let Some(Dialog::Form(dialog)) = desk.state.dialogs.last() else {
        panic!("{:?}", desk.state.dialogs)
    };
    assert!(dialog.form.checked.is_err());
}
