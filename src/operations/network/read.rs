//! Reads a guest's cards and firewall, and what the datacenter's firewall says about guests.

use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use crate::domain::failure::FailureKind;
use crate::domain::firewall::{ClusterFirewall, GuestFirewall, SecurityGroup};
use crate::domain::guest::GuestRef;
use crate::domain::guest_config::GuestConfig;
use crate::proxmox::{Client, Error};

/// How many sets or groups are read at a time.
const AT_ONCE: usize = 4;

/// Reads a guest's configuration, as it will be after the next start, and its firewall.
///
/// Needs VM.Audit; one request for each set beside five others. The configuration is read first,
/// because the firewall of a guest that does not exist is merely empty.
pub async fn read(
    client: &Client,
    guest: &GuestRef,
) -> Result<(GuestConfig, GuestFirewall), Error> {
    let config = client.guests().next_config(guest).await?;
    let firewall = read_firewall(client, guest).await?;
    Ok((config, firewall))
}

/// Reads a guest's firewall whole.
pub(super) async fn read_firewall(
    client: &Client,
    guest: &GuestRef,
) -> Result<GuestFirewall, Error> {
    let firewall = client.firewall();
    let options = firewall.options(guest).await?;
    let rules = firewall.rules(guest).await?;
    let sets = stream::iter(firewall.sets(guest).await?).map(|mut set| async move {
        set.members = client.firewall().members(guest, set.name.raw()).await?;
        Ok::<_, Error>(set)
    });
    Ok(GuestFirewall {
        options,
        rules,
        sets: sets.buffered(AT_ONCE).try_collect().await?,
        aliases: firewall.aliases(guest).await?,
    })
}

/// Reads what the datacenter's firewall says about guests; what the account may not read is absent.
///
/// One request for each of its sets and groups beside four others. Any other failure is one: a part
/// that is merely not there now would be taken for one that says nothing.
pub async fn read_cluster(client: &Client) -> Result<ClusterFirewall, Error> {
    let firewall = client.firewall();
    let sets = match permitted(firewall.cluster_sets().await)? {
        None => None,
        Some(sets) => {
            let read = stream::iter(sets).map(|mut set| async move {
                let name = set.name.raw();
                set.members = client.firewall().cluster_members(name).await?;
                Ok::<_, Error>(set)
            });
            permitted(read.buffered(AT_ONCE).try_collect().await)?
        }
    };
    let groups = match permitted(firewall.groups().await)? {
        None => None,
        Some(names) => {
            let read = stream::iter(names).map(|name| async move {
                let rules = client.firewall().group_rules(name.raw()).await?;
                Ok::<_, Error>(SecurityGroup { name, rules })
            });
            permitted(read.buffered(AT_ONCE).try_collect().await)?
        }
    };
    Ok(ClusterFirewall {
        is_enabled: permitted(firewall.cluster_enabled().await)?,
        sets,
        aliases: permitted(firewall.cluster_aliases().await)?,
        groups,
    })
}

fn permitted<T>(answer: Result<T, Error>) -> Result<Option<T>, Error> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if error.kind() == FailureKind::Forbidden => Ok(None),
        Err(error) => Err(error),
    }
}
