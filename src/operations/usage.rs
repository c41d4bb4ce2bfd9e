//! Reads what guests have used within a period: where each comes from, up to four histories of it,
//! and what lies on the storages.
//!
//! What cannot be read is told beside what could; one guest or storage never holds up the others.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono_tz::Tz;
use futures_util::StreamExt as _;
use futures_util::stream;

use crate::domain::failure::{Failure, FailureKind};
use crate::domain::guest::{Guest, GuestRef, Status};
use crate::domain::history::{Series, Span};
use crate::domain::id::{NodeName, Vmid};
use crate::domain::inventory::{Node, NodeState};
use crate::domain::usage::{
    Account, ContentList, Origin, Period, StorageContents, Unread, Zone, next_frame,
};
use crate::proxmox::{Client, Error};

/// So many questions are asked at once (SPEC §1.1).
const AT_ONCE: usize = 4;

/// Reads a guest's configuration for where it comes from; needs VM.Audit.
pub async fn origin(client: &Client, guest: &Guest) -> Result<Origin, Error> {
    let config = client.guests().config(&guest.to_ref()).await?;
    Ok(Origin::of(&config))
}

/// Reads as much of a guest's history as its period wants, and adds it up; needs VM.Audit.
///
/// A guest without a history is reckoned since boot, and so is what the history does not know.
pub async fn account(
    client: &Client,
    guest: &Guest,
    origin: &Origin,
    period: &Period,
) -> Result<Account, Error> {
    let own = period.since(origin.birth);
    let mut read: Vec<(Span, Series)> = Vec::new();
    loop {
        let known: Vec<(Span, &Series)> =
            read.iter().map(|(span, series)| (*span, series)).collect();
        let Some(span) = next_frame(&known, &own, own.until) else {
            break;
        };
        match client.guests().history(&guest.to_ref(), span).await {
            Ok(series) => read.push((span, series)),
            // A guest that has only just been made has no history yet (recording 101).
            Err(error) if has_no_history(&error) => break,
            Err(error) => return Err(error),
        }
    }
    let series: Vec<&Series> = read.iter().map(|(_, series)| series).collect();
    Ok(Account::of_history(guest, origin, &series, period))
}

/// Tells whether a server says that a guest's history is missing or broken, and not only that it fails.
///
/// A failure that passes must not put an estimate in the place of what was read before.
fn has_no_history(error: &Error) -> bool {
    error.kind() == FailureKind::Server && error.text().raw().contains("RRD error")
}

/// Reads one guest's account; where it comes from is read only if it is not known yet.
///
/// A guest of a silent node is not asked where it comes from: every question would be waited for
/// until it fails. Its account is an estimate then.
pub async fn account_of(
    client: &Client,
    guest: &Guest,
    known: Option<Origin>,
    period: &Period,
) -> Result<(Account, Option<Origin>), Error> {
    let origin = match known {
        Some(origin) => Some(origin),
        None if guest.status == Status::Unknown => None,
        None => Some(origin(client, guest).await?),
    };
    let account = if let Some(origin) = &origin {
        account(client, guest, origin, period).await?
    } else {
        let account = account(client, guest, &Origin::default(), period).await?;
        account.of_unknown_origin()
    };
    Ok((account, origin))
}

/// What came of reading the accounts of several guests.
#[derive(Debug, Clone, Default)]
pub struct Accounts {
    /// The accounts that were read, in the order in which they were asked for.
    pub read: Vec<Account>,
    /// Where they come from, as far as their configuration was read.
    pub origins: BTreeMap<Vmid, Origin>,
    /// The guests that were not read, and why.
    pub unread: Vec<(GuestRef, Failure)>,
    /// The guests that were read although their configuration was not, so that their accounts are
    /// estimates; and why.
    pub doubtful: Vec<(GuestRef, Failure)>,
}

/// Reads the accounts of guests, each over its own period, four at once.
///
/// A guest whose node is silent is asked about too, because every node has its history; its
/// configuration is asked for until one question of that node stays without an answer.
pub async fn accounts(
    client: &Client,
    guests: &[(&Guest, Period)],
    advance: impl Fn(),
) -> Accounts {
    let (configs, histories) = (Silent::default(), Silent::default());
    let answers: Vec<_> = stream::iter(guests)
        .map(|(guest, period)| {
            let (configs, histories, advance) = (&configs, &histories, &advance);
            async move {
                let asked = configs.spared(&guest.node, origin(client, guest)).await;
                let (origin, failure) = match asked {
                    Ok(origin) => (origin, None),
                    Err(failure) => (Origin::default(), Some(failure)),
                };
                let known = failure.is_none().then(|| origin.clone());
                let asked = account(client, guest, &origin, period);
                let answer = histories.spared(&guest.node, asked).await;
                let answer = answer.map(|account| (account, known, failure));
                advance();
                (guest.to_ref(), answer)
            }
        })
        .buffered(AT_ONCE)
        .collect()
        .await;
    let mut accounts = Accounts::default();
    for (guest, answer) in answers {
        match answer {
            Ok((account, known, None)) => {
                let vmid = guest.vmid;
                accounts.origins.extend(known.map(|origin| (vmid, origin)));
                accounts.read.push(account);
            }
            Ok((account, _, Some(failure))) => {
                accounts.read.push(account.of_unknown_origin());
                accounts.doubtful.push((guest, failure));
            }
            Err(failure) => accounts.unread.push((guest, failure)),
        }
    }
    accounts
}

/// The nodes that have left a question of a kind unanswered; each such question costs half a minute.
#[derive(Debug, Default)]
struct Silent(Mutex<BTreeSet<NodeName>>);

impl Silent {
    /// Asks a node, unless it is known to be silent.
    async fn spared<T>(
        &self,
        node: &NodeName,
        question: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Failure> {
        if self.nodes().contains(node) {
            return Err(silence(node));
        }
        let answer = question.await.map_err(Failure::from);
        if let Err(failure) = &answer
            && matches!(
                failure.kind,
                FailureKind::NodeUnreachable | FailureKind::Interrupted
            )
        {
            self.nodes().insert(node.clone());
        }
        answer
    }

    fn nodes(&self) -> MutexGuard<'_, BTreeSet<NodeName>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn silence(node: &NodeName) -> Failure {
    Failure::new(FailureKind::NodeUnreachable, node.as_str())
}

/// What came of reading several content lists.
#[derive(Debug, Clone, Default)]
pub struct Contents {
    /// All lists; of those that were not read it says so.
    pub lists: Vec<StorageContents>,
    /// Those that were not read, and why.
    pub unread: Vec<(ContentList, Failure)>,
}

/// Reads content lists, four at once; a list through no node is not asked for.
pub async fn contents(client: &Client, lists: &[ContentList], advance: impl Fn()) -> Contents {
    let silent = Silent::default();
    let answers: Vec<_> = stream::iter(lists)
        .map(|list| {
            let (silent, advance) = (&silent, &advance);
            async move {
                let answer = match &list.through {
                    Some(node) => {
                        let storage = client.storage();
                        let asked = storage.contents(node, &list.storage);
                        silent.spared(node, asked).await
                    }
                    None => Err(match &list.node {
                        Some(node) => silence(node),
                        None => Failure::new(FailureKind::NodeUnreachable, "nor does another"),
                    }),
                };
                advance();
                (list, answer)
            }
        })
        .buffered(AT_ONCE)
        .collect()
        .await;
    let mut contents = Contents::default();
    for (list, answer) in answers {
        let volumes = answer.map_err(|failure| {
            contents.unread.push((list.clone(), failure));
            Unread
        });
        contents.lists.push(StorageContents {
            storage: list.storage.clone(),
            node: list.node.clone(),
            volumes: volumes.map(Into::into),
        });
    }
    contents
}

/// Asks one online node after another for the cluster's time zone; needs Sys.Audit on one of them.
///
/// Beside a zone that is unknown stands why, unless every node has answered without naming one.
pub async fn zone(client: &Client, nodes: &[Node]) -> (Zone, Option<Failure>) {
    let mut last = None;
    for node in nodes.iter().filter(|node| node.state == NodeState::Online) {
        match client.nodes().time(&node.name).await {
            Ok(time) => {
                let zone = time.zone.and_then(|zone| zone.raw().parse::<Tz>().ok());
                if let Some(zone) = zone {
                    return (Zone::OfCluster(zone), None);
                }
            }
            Err(error) => last = Some(Failure::from(error)),
        }
    }
    (Zone::Unknown, last)
}
