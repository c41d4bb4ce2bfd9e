//! A notification to be told, and channels that are patient but never pause.

use std::time::Duration;

use proxdeck::domain::id::Vmid;
use proxdeck::domain::notification::{ConcernedGuest, GuestOutcome, Notification, TierChange};
use proxdeck::domain::project::{Membership, Project};
use proxdeck::domain::quota::Tier;
use proxdeck::domain::text::Text;
use proxdeck::notify::{Channel, Command, Delivery, Notifier, Pace, Webhook};

/// So long nothing here takes that works at all, however slow the machine is.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// As many tries as usual, without the pauses between them.
pub(crate) fn patient() -> Pace {
    Pace {
        connect: PATIENCE,
        request: PATIENCE,
        pauses: vec![Duration::ZERO; Pace::default().pauses.len()],
        command: PATIENCE,
    }
}

pub(crate) fn notification() -> Notification {
    let pool = Membership::Pool("alpha".parse().unwrap());
    let change = TierChange {
        from: Tier::Ok,
        to: Tier::Emergency,
    };
    Notification::new(
        "lab",
        "2026-11-27T12:00:00Z".parse().unwrap(),
        &Project::new("alpha", pool).unwrap(),
        change,
        &[],
    )
    .throttled(true)
}

/// A notification that fits into no pipe.
pub(crate) fn long_notification() -> Notification {
    notification().with_guests((100..10_000).map(|number| ConcernedGuest {
        vmid: Vmid::new(number).unwrap(),
        name: Some(Text::from("a-guest-with-a-long-name")),
        outcome: GuestOutcome::ShutDown,
        reason: None,
    }))
}

pub(crate) fn webhook(name: &str, address: &str) -> Channel {
    Channel {
        name: name.to_owned(),
        delivery: Delivery::Webhook(Webhook::new(address.into())),
    }
}

pub(crate) fn command(name: &str, words: &[&str]) -> Channel {
    let words = words.iter().map(ToString::to_string).collect();
    Channel {
        name: name.to_owned(),
        delivery: Delivery::Command(Command::new(words)),
    }
}

/// Tells one channel; of a failure both sentence and advice are returned.
pub(crate) async fn tell(
    channel: Channel,
    pace: Pace,
    notification: &Notification,
) -> Result<(), String> {
    let name = channel.name.clone();
    let notifier = Notifier::with_pace(vec![channel], pace);
    let [receipt] = <[_; 1]>::try_from(notifier.tell(notification, &[name]).await).unwrap();
    receipt
        .result
        .map_err(|failure| format!("{failure}; {}", failure.advised()))
}
