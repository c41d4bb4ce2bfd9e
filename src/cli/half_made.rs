//! Offers to destroy a guest that we made and that is not what was wanted.
//!
//! Never unasked, and only as long as it carries the mark that we gave it (SPEC §5.3).

use std::io::{self, IsTerminal as _};

use super::change::{self, Change, Step};
use super::confirm;
use super::connect::Session;
use super::inventory::Reading;
use super::output::Output;
use super::setup::Setup;
use crate::domain::guest::Guest;
use crate::domain::operation::{HalfMade, Operation};
use crate::domain::request::{DestroyContext, DestroyRequest};
use crate::runtime::Ending;

/// Names each such guest, and where a person can be asked offers to destroy it.
pub(super) async fn offer(
    session: &Session,
    setup: &Setup,
    output: &Output,
    ending: &mut Ending,
    half_made: &[HalfMade],
) {
    for half in half_made {
        let name = half.guest.name.as_ref().map(ToString::to_string);
        let word = format!("{}={}", half.guest.vmid, name.unwrap_or_default());
        let can_be_asked = io::stdin().is_terminal() && io::stderr().is_terminal();
        if can_be_asked && !ending.has_come() {
            let question = format!("{} is not what was wanted; destroy it now", half.guest);
            let answer = confirm::require(false, &question, &word, output, ending).await;
            if answer.is_ok() && destroy(session, setup, output, ending, half).await {
                continue;
            }
        }
        output.note(format_args!(
            "{} is not what was wanted; `proxdeck destroy {word}` removes it",
            half.guest
        ));
    }
}

/// Destroys it after another look; tells whether it is gone.
async fn destroy(
    session: &Session,
    setup: &Setup,
    output: &Output,
    ending: &mut Ending,
    half: &HalfMade,
) -> bool {
    let operation = match check(session, half).await {
        Ok(operation) => operation,
        Err(reason) => {
            output.note(format_args!("proxdeck: {}: {reason}", half.guest));
            return false;
        }
    };
    let change = Change {
        guest: half.guest.clone(),
        subject: String::new(),
        step: Step::Do(Box::new(operation)),
    };
    let changes = vec![change];
    let carried = change::carry_out(session, setup, output, ending, "destroy", changes).await;
    carried.tell(output);
    carried.is_done()
}

async fn check(session: &Session, half: &HalfMade) -> Result<Operation, String> {
    let client = &session.client;
    let text = |error: crate::proxmox::Error| error.to_string();
    let reading = Reading::take(session).await.map_err(text)?;
    let found = reading
        .guests
        .iter()
        .find(|guest| guest.vmid == half.guest.vmid)
        .ok_or("it is gone already")?;
    // The list may be 10 s late, and of a guest made seconds ago it knows not even the name.
    let state = client.guests().state(&half.guest).await.map_err(text)?;
    let guest = Guest {
        name: state.name,
        status: state.status,
        lock: state.lock,
        ..found.clone()
    };
    let config = client.guests().config(&half.guest).await.map_err(text)?;
    let request = DestroyRequest {
        guest: half.guest.clone(),
        purge: false,
        stamp: Some(half.stamp.clone()),
    };
    let context = DestroyContext {
        guest: Some(&guest),
        config: Some(&config),
        ..DestroyContext::default()
    };
    request.check(&context).map_err(|objections| {
        let reasons: Vec<String> = objections.iter().map(ToString::to_string).collect();
        reasons.join("; ")
    })
}
