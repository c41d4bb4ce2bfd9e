//! Reads the snapshot lists of several guests, a few at once.

use futures_util::StreamExt as _;
use futures_util::stream;
use serde::Serialize;

use crate::cli::complaint::{Complaint, Refusal};
use crate::cli::output::Output;
use crate::cli::progress::Progress;
use crate::cli::setup::Setup;
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::guest::{Guest, GuestRef, Status};
use crate::domain::snapshot::SnapshotList;
use crate::domain::text::clean;
use crate::proxmox::Client;

/// A command asked for reads so many lists at once (SPEC §1.1).
const AT_ONCE: usize = 4;

/// Whether guests of silent nodes are asked too, which costs half a minute each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Silent {
    /// They are: somebody named them.
    Asked,
    /// They are named as unread at once.
    Skipped,
}

/// What came of reading several lists.
#[derive(Debug, Default)]
pub(in crate::cli) struct Lists {
    /// The guests with their lists, in the order in which they were asked.
    pub(in crate::cli) read: Vec<(GuestRef, SnapshotList)>,
    /// The guests whose list could not be read, in the order of their numbers.
    pub(in crate::cli) unread: Vec<Unread>,
}

/// A guest whose list could not be read, and why.
#[derive(Debug, Serialize)]
pub(in crate::cli) struct Unread {
    vmid: u32,
    name: Option<String>,
    node: String,
    error: Complaint,
    #[serde(skip)]
    pub(in crate::cli) guest: GuestRef,
    #[serde(skip)]
    pub(in crate::cli) failure: Failure,
}

impl Unread {
    fn new(guest: GuestRef, failure: &Failure) -> Self {
        Self {
            vmid: guest.vmid.get(),
            name: guest.name.as_ref().map(|name| name.raw().to_owned()),
            node: guest.node.to_string(),
            error: Complaint::of_failure(failure),
            guest,
            failure: failure.clone(),
        }
    }

    /// Returns the guest.
    pub(in crate::cli) fn guest(&self) -> &GuestRef {
        &self.guest
    }

    /// Makes it the reason why nothing was done.
    pub(in crate::cli) fn into_complaint(self) -> Complaint {
        let subject = format!("the snapshots of {} could not be read", self.guest);
        self.error.about(&subject)
    }

    /// Says on stderr what is missing.
    pub(in crate::cli) fn tell(&self, output: &Output) {
        output.note(format_args!(
            "proxdeck: the snapshots of {} could not be read: {}",
            self.guest,
            self.error.message()
        ));
    }
}

/// Refuses because a guest has no snapshot of a name.
pub(in crate::cli) fn unknown(guest: &Guest, name: &str) -> Refusal {
    Refusal::new(
        "UnknownSnapshot",
        format!("guest {} has no snapshot {}", guest.to_ref(), clean(name)),
        format!("`proxdeck snapshot list {}` shows them", guest.vmid),
    )
}

/// Reads the list of each guest, with progress.
pub(in crate::cli) async fn lists(
    client: &Client,
    guests: &[&Guest],
    silent: Silent,
    setup: &Setup,
    output: &Output,
) -> Lists {
    let mut lists = Lists::default();
    let mut asked = Vec::with_capacity(guests.len());
    for guest in guests {
        if silent == Silent::Skipped && guest.status == Status::Unknown {
            let text = format!("{} does not answer", guest.node);
            let failure = Failure::new(FailureKind::NodeUnreachable, text);
            lists.unread.push(Unread::new(guest.to_ref(), &failure));
        } else {
            asked.push(guest.to_ref());
        }
    }
    let label = "reading the snapshots";
    let progress = Progress::of_readings(output, &setup.environment, label, asked.len(), "guests");
    let answers: Vec<_> = stream::iter(asked)
        .map(|guest| {
            let progress = &progress;
            async move {
                let list = client.guests().snapshots(&guest).await;
                progress.advance();
                (guest, list)
            }
        })
        .buffered(AT_ONCE)
        .collect()
        .await;
    progress.finish();
    for (guest, answer) in answers {
        match answer {
            Ok(list) => lists.read.push((guest, list)),
            Err(error) => lists.unread.push(Unread::new(guest, &Failure::from(error))),
        }
    }
    lists.unread.sort_by_key(|unread| unread.vmid);
    lists
}
