//! Foresees what will fence in a guest that comes of a change, for the preview and the log.
//!
//! What cannot be read is told, and is in nobody's way: it is planned again when its turn comes.

use super::connect::Session;
use crate::domain::guest::GuestRef;
use crate::domain::guest_config::GuestConfig;
use crate::domain::id::GuestKind;
use crate::domain::network::{Foreseen, NetworkProfile, own_profile};
use crate::operations::network::read;

/// Foresees the profile that a guest's own rules name, on a configuration of it.
pub(super) async fn of_own(session: &Session, guest: &GuestRef, config: &GuestConfig) -> Foreseen {
    if session.profiles.is_empty() || guest.kind != GuestKind::Qemu {
        return Foreseen::Nothing;
    }
    let firewall = match read(&session.client, guest).await {
        Ok((_, firewall)) => firewall,
        Err(error) => return Foreseen::Unknown(format!("its rules could not be read: {error}")),
    };
    match own_profile(&firewall.rules, &session.profiles) {
        Ok(None) => Foreseen::Nothing,
        Ok(Some(profile)) => {
            let now = session.client.server_time().unwrap_or_default();
            let resolved = session.resolver.resolve(profile.host_names(), now).await;
            Foreseen::of(guest, profile, &resolved, config, &firewall)
        }
        Err(reason) => Foreseen::Unknown(reason),
    }
}

/// Foresees a profile on a guest's rules and a configuration of it.
pub(super) async fn of(
    session: &Session,
    guest: &GuestRef,
    profile: &NetworkProfile,
    config: &GuestConfig,
) -> Foreseen {
    match read(&session.client, guest).await {
        Ok((_, firewall)) => {
            let now = session.client.server_time().unwrap_or_default();
            let resolved = session.resolver.resolve(profile.host_names(), now).await;
            Foreseen::of(guest, profile, &resolved, config, &firewall)
        }
        Err(error) => Foreseen::Unknown(format!("the rules of {guest} could not be read: {error}")),
    }
}
