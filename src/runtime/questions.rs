//! What the dashboard asks of the server, question by question.

use chrono::{DateTime, Utc};

use super::panics::caught;
use super::perform::failing;
use crate::app::{Answer, Query, Spent};
use crate::domain::failure::Failure;
use crate::domain::guest::GuestRef;
use crate::domain::node::served;
use crate::domain::operation::CopyKind;
use crate::domain::text::Text;
use crate::domain::token::TokenExpiry;
use crate::operations::{Resolver, network, usage};
use crate::proxmox::endpoints::{Standing, TaskFilter};
use crate::proxmox::{Client, Error};

async fn read_network(client: &Client, guest: &GuestRef) -> Result<Answer, Error> {
    let network = network::read(client, guest).await?;
    Ok(Answer::Network(Box::new(network)))
}

async fn read_datacenter(client: &Client) -> Result<Answer, Error> {
    let firewall = network::read_cluster(client).await?;
    Ok(Answer::Datacenter(Box::new(firewall)))
}

async fn read_pins(client: &Client) -> Result<Answer, Error> {
    let report = client.nodes().pins().await?;
    Ok(Answer::Pins(Box::new(report)))
}

async fn resolve(resolver: &Resolver, names: &[String], now: DateTime<Utc>) -> Answer {
    let names = names.iter().map(String::as_str);
    Answer::Resolved(resolver.resolve(names, now).await)
}

/// Asks the server what the dashboard wants to know, and counts what that costs.
pub async fn answer(
    client: &Client,
    resolver: &Resolver,
    query: Query,
) -> (Spent, Result<Answer, Failure>) {
    let (client, tally) = client.counting();
    let result = Box::pin(caught(failing(ask(&client, resolver, query)))).await;
    let spent = Spent {
        requests: tally.count(),
        resting: client.resting(),
    };
    (spent, result)
}

async fn ask(client: &Client, resolver: &Resolver, query: Query) -> Result<Answer, Error> {
    match query {
        Query::Snapshots(guest) => client
            .guests()
            .snapshots(&guest)
            .await
            .map(Answer::Snapshots),
        Query::Config(guest) => {
            let config = client.guests().config(&guest).await?;
            Ok(Answer::Config(Box::new(config)))
        }
        Query::FrozenConfig(guest, snapshot) => {
            let config = client
                .guests()
                .snapshot_config(&guest, snapshot.raw())
                .await?;
            Ok(Answer::Config(Box::new(config)))
        }
        Query::TaskLog(upid, read) => {
            // The log is read after the state, so that the log of an ended task is whole.
            let state = client.tasks().state(&upid).await?;
            let lines = client.tasks().log(&upid, read).await?;
            Ok(Answer::TaskLog(state, lines))
        }
        Query::Status(guest) => {
            let status = client.guests().current(&guest).await?;
            Ok(Answer::Status(Box::new(status)))
        }
        Query::History(guest, span) => {
            let series = client.guests().history(&guest, span).await?;
            Ok(Answer::History(series))
        }
        Query::CanCopy(guest, kind, snapshot) => {
            let feature = match kind {
                CopyKind::Full => "copy",
                CopyKind::Linked => "clone",
            };
            let snapshot = snapshot.as_ref().map(Text::raw);
            let can = client.guests().feature(&guest, feature, snapshot).await?;
            Ok(Answer::CanCopy(can))
        }
        Query::PoolComment(pool) => {
            let comment = client.pools().comment(&pool).await?;
            Ok(Answer::PoolComment(comment))
        }
        Query::FailedTasks(node, since) => client
            .tasks()
            .failed_since(&node, since)
            .await
            .map(Answer::Tasks),
        Query::RunningTasks(guest) => {
            let filter = TaskFilter {
                vmid: Some(guest.vmid),
                standing: Standing::Running,
                ..TaskFilter::default()
            };
            let mut tasks = client.tasks().of_node(&guest.node, &filter).await?;
            // One that ended a moment ago may still be listed.
            tasks.retain(|task| task.state.is_running());
            Ok(Answer::Tasks(tasks))
        }
        Query::Account(guest, origin, period) => {
            let account = usage::account_of(client, &guest, origin, &period).await?;
            Ok(Answer::Account(Box::new(account)))
        }
        Query::Contents(node, storage) => client
            .storage()
            .contents(&node, &storage)
            .await
            .map(Answer::Contents),
        Query::Zone(node) => {
            let zone = client.nodes().time(&node).await?.zone;
            Ok(Answer::Zone(zone.and_then(|zone| zone.raw().parse().ok())))
        }
        Query::Pools => client.pools().list().await.map(Answer::Pools),
        Query::CanSnapshot(guest) => {
            let can = client.guests().feature(&guest, "snapshot", None).await?;
            Ok(Answer::CanCopy(can))
        }
        Query::Certificate(node) => {
            let certificates = client.nodes().certificates(&node).await?;
            let ends = served(&certificates).and_then(|shown| shown.not_after);
            Ok(Answer::Ends(ends))
        }
        Query::TokenEnd => {
            let expiry = client.access().token_expiry().await?;
            Ok(Answer::Ends(match expiry {
                Some(TokenExpiry::At(end)) => Some(end),
                Some(TokenExpiry::Never) | None => None,
            }))
        }
        Query::Network(guest) => read_network(client, &guest).await,
        Query::Datacenter => read_datacenter(client).await,
        Query::Resolve(names, now) => Ok(resolve(resolver, &names, now).await),
        Query::Pins => read_pins(client).await,
        Query::Permissions => client.access().permissions().await.map(Answer::Permissions),
        Query::PermissionsAt(path) => {
            let known = client.access().permissions_at(&path).await?;
            Ok(Answer::Permissions(known))
        }
    }
}
