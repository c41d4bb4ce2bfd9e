//! Fences a guest in as a step of another change: before the start of a new one, after a return.
//!
//! A copy takes its source's firewall file along and a return brings old cards back (PITFALLS 22,
//! 27). Which profile a guest belongs to stands in its own rules; what that profile says is the
//! config's, and its names are asked for anew.

use super::network::{apply_to, read};
use super::{Context, refused};
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::firewall::ClusterFirewall;
use crate::domain::guest::GuestRef;
use crate::domain::network::{self, Current, NetworkProfile, Resolved};
use crate::domain::operation::{Outcome, Report};

/// Asks for the addresses of a profile's names.
///
/// # Errors
///
/// A name without an address is told of in words; a fence that leaves it out would be another one.
pub(super) async fn resolve(
    context: Context<'_>,
    profile: &NetworkProfile,
) -> Result<Resolved, String> {
    let now = context.client.server_time().unwrap_or_default();
    let resolver = &context.reporter.resolver;
    let resolved = resolver.resolve(profile.host_names(), now).await;
    let mut names = profile.host_names();
    match names.find_map(|name| resolved.addresses(name).err()) {
        None => Ok(resolved),
        Some(reason) => Err(format!("network profile {}: {reason}", profile.name)),
    }
}

/// Brings a guest to what a profile says.
pub(super) async fn fence(
    context: Context<'_>,
    guest: &GuestRef,
    profile: &NetworkProfile,
    resolved: &Resolved,
) -> Report {
    let step = format!("fencing {guest} in with {}", profile.name);
    context.reporter.step(step).await;
    match look(context, guest).await {
        Ok(current) => {
            let plan = network::plan(guest, profile, resolved, &current);
            if let Some(objection) = plan.objections().first() {
                return refused(FailureKind::Refused, objection.to_string());
            }
            apply_to(context, &plan).await
        }
        Err(failure) => Report::new(Outcome::Failed(Box::new(failure))),
    }
}

/// Brings a guest to what the profile says that its own rules name; nothing where they name none.
///
/// A profile that this config does not have cannot be applied, which is a failure.
pub(super) async fn fence_again(context: Context<'_>, guest: &GuestRef) -> Option<Report> {
    // Whoever tells of no profiles wants none applied.
    let profiles = context.reporter.profiles.as_ref()?;
    let current = match look(context, guest).await {
        Ok(current) => current,
        Err(failure) => return Some(Report::new(Outcome::Failed(Box::new(failure)))),
    };
    let rules = match &current.firewall {
        Ok(firewall) => &firewall.rules,
        Err(reason) => return Some(refused(FailureKind::Refused, reason.clone())),
    };
    let profile = match network::own_profile(rules, profiles) {
        Ok(None) => return None,
        Ok(Some(profile)) => profile,
        Err(reason) => return Some(refused(FailureKind::Refused, reason)),
    };
    Some(match resolve(context, profile).await {
        Ok(resolved) => fence(context, guest, profile, &resolved).await,
        Err(reason) => refused(FailureKind::Refused, reason),
    })
}

async fn look(context: Context<'_>, guest: &GuestRef) -> Result<Current, Failure> {
    let (config, firewall) = read(context.client, guest).await?;
    Ok(Current {
        config: Ok(config),
        firewall: Ok(firewall),
        // Only warnings come of what the datacenter says.
        cluster: ClusterFirewall::default(),
    })
}
