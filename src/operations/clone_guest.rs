//! Makes a copy of a guest, makes sure that it is ours, and starts it if asked.

use std::collections::BTreeMap;

use super::errand::{Errand, carry_out};
use super::fence::fence_again;
use super::follow::Following;
use super::lookup::still_meant;
use super::parts::part_of;
use super::start::Start;
use super::throttle::still_admits;
use super::{Context, unverified};
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::guest::GuestRef;
use crate::domain::guest_config::GuestConfig;
use crate::domain::id::Vmid;
use crate::domain::operation::{CloneGuest, CopyKind, HalfMade, Outcome, Product, Report, Stamp};
use crate::domain::task::Upid;
use crate::domain::text::Text;
use crate::proxmox::endpoints::CloneSpec;
use crate::proxmox::{Client, Error};

/// How often another id is tried when one was taken meanwhile (SPEC §5.3).
const TRIES: u32 = 5;
/// At how many ids it is looked before none is said to be free.
const LOOKS: u64 = 100;

/// Makes a copy of a guest, and starts it if asked.
pub(super) async fn clone(context: Context<'_>, operation: &CloneGuest) -> Report {
    let mut report = copy(context, operation).await;
    let guest = match &report.product {
        Some(Product::Guest(guest)) if report.outcome.is_success() => guest.clone(),
        _ => return report,
    };
    // The firewall file came along, and the cards of a snapshot may be from before the fence.
    if let Some(fenced) = Box::pin(fence_again(context, &guest)).await {
        report.parts.push(part_of(&guest, "copy", &report));
        report
            .parts
            .push(part_of(&guest, "network profile", &fenced));
        report.notes.extend(fenced.notes.iter().cloned());
        if !fenced.outcome.is_success() {
            report.outcome = fenced.outcome;
            let note =
                format!("{guest} exists and is stopped, but its fence could not be made sure of");
            report.half_made.push(HalfMade {
                guest,
                stamp: operation.stamp().clone(),
            });
            return report.with_note(note);
        }
    }
    if operation.starts() {
        start(context, operation.stamp(), report).await
    } else {
        report
    }
}

/// Makes a copy of a guest; says in any case what exists of it now.
pub(super) async fn copy(context: Context<'_>, operation: &CloneGuest) -> Report {
    // Where the configuration cannot be read, only the progress is the poorer for it.
    let source = config_of_source(context.client, operation).await;
    let shares = shares(&source.unwrap_or_default());
    let mut held: Vec<Upid> = Vec::new();
    for turn in 1.. {
        let vmid = match operation.vmid() {
            Some(vmid) => vmid,
            None => match free_id(context, operation.stamp(), turn).await {
                Ok(vmid) => vmid,
                Err(error) => return Report::new(Outcome::Failed(Box::new(error.into()))),
            },
        };
        let step = format!(
            "copying {} to {vmid} {}",
            operation.source(),
            operation.name()
        );
        context.reporter.step(step).await;
        let errand = Copying {
            operation,
            vmid,
            shares: &shares,
        };
        let errands = carry_out(context, &errand, &held).await;
        held.extend(errands.report.upid.clone());
        let is_taken = errands
            .refusal
            .as_ref()
            .is_some_and(|text| id_is_taken(text.raw(), vmid));
        if is_taken
            && operation.vmid().is_none()
            && turn < TRIES
            && !context.reporter.stop_requested()
        {
            let step = format!("{vmid} was taken meanwhile; trying another id");
            context.reporter.step(step).await;
            continue;
        }
        if is_taken {
            return errands.report;
        }
        return match &errands.report.product {
            Some(Product::Guest(copy)) if !errands.report.outcome.is_success() => {
                let copy = copy.clone();
                verify_again(context, &errand, &errands.guest, errands.report, copy).await
            }
            _ => look_around(context, &errand, &errands.guest, errands.report).await,
        };
    }
    unreachable!("the last turn returns")
}

/// Finds an id that nobody has and that no other copy of this run is about to take.
///
/// The server reserves nothing (PITFALLS 20). After a collision the next try goes a step aside, by
/// the operation's own random bits, so that two who met do not meet again.
async fn free_id(context: Context<'_>, stamp: &Stamp, turn: u32) -> Result<Vmid, Error> {
    let next = context.client.cluster().next_id().await?;
    let random = u64::from_str_radix(stamp.nonce(), 16).unwrap_or_default();
    let aside = match turn {
        1 => 0,
        turn => random.rotate_right(8 * turn) % u64::from(4 * turn),
    };
    for step in aside..aside + LOOKS {
        let Some(vmid) = Vmid::new(u64::from(next.get()) + step) else {
            break;
        };
        if !context.ids.reserve(vmid) {
            continue;
        }
        if vmid == next || context.client.cluster().is_free(vmid).await? {
            return Ok(vmid);
        }
    }
    Err(Error::unsent(
        FailureKind::Refused,
        format!("no free id was found from {next} on"),
    ))
}

async fn config_of_source(client: &Client, operation: &CloneGuest) -> Result<GuestConfig, Error> {
    let source = operation.source();
    match operation.snapshot() {
        Some(name) => client.guests().snapshot_config(source, name.raw()).await,
        None => client.guests().config(source).await,
    }
}

/// Weighs the drives by their sizes; empty when one of them is unknown.
fn shares(config: &GuestConfig) -> BTreeMap<String, f64> {
    let Some(total) = config.disk_size().filter(|total| *total > 0) else {
        return BTreeMap::new();
    };
    config
        .drives()
        .into_iter()
        .filter_map(|drive| Some((drive.key, drive.size? as f64 / total as f64)))
        .collect()
}

/// Tells whether a refusal or a task's end means that somebody else has the id (PITFALLS 20).
fn id_is_taken(text: &str, vmid: Vmid) -> bool {
    text.contains("already exists")
        || (text.contains("can't lock file") && text.contains(&format!("lock-{vmid}.conf")))
}

/// Looks once more at a copy whose task ended well and that could not be read then.
async fn verify_again(
    context: Context<'_>,
    errand: &Copying<'_>,
    source: &GuestRef,
    mut report: Report,
    copy: GuestRef,
) -> Report {
    let (outcome, product) = errand.verify(context, source, Outcome::Done).await;
    if matches!(outcome, Outcome::Unknown(_)) {
        let note = format!("{copy} was copied; it cannot be read, and nothing else was done");
        report.notes.push(note);
        report.half_made.push(HalfMade {
            guest: copy,
            stamp: errand.operation.stamp().clone(),
        });
    }
    report.outcome = outcome;
    report.product = product;
    report
}

/// Says what exists now of a copy that did not end well.
async fn look_around(
    context: Context<'_>,
    errand: &Copying<'_>,
    source: &GuestRef,
    report: Report,
) -> Report {
    // What was refused at once has made nothing.
    let was_begun = report.upid.is_some() || matches!(report.outcome, Outcome::Unknown(_));
    if report.outcome.is_success() || !was_begun {
        return report;
    }
    // The task may not be known; what is ours is known by its nonce.
    match errand.holder(context.client, source).await {
        Ok(Holder::Ours(guest)) => {
            let note = format!("{guest} exists and is ours; whether it is whole is not known");
            report.with_product(Product::Guest(guest)).with_note(note)
        }
        Ok(Holder::Copying) => {
            let vmid = errand.vmid;
            let note = match report.outcome {
                Outcome::Unknown(_) => {
                    format!("a guest {vmid} is being made; whose it is shows later")
                }
                // A copy that was killed leaves its target behind with the lock on it.
                Outcome::Failed(_) | Outcome::Stopped | Outcome::Done | Outcome::Warnings(_) => {
                    format!("guest {vmid} is left with the lock `clone`; only root frees it")
                }
            };
            report.with_note(note)
        }
        Ok(Holder::Nobody | Holder::Other) => {
            let is_open = matches!(report.outcome, Outcome::Unknown(_)) && report.upid.is_some();
            if !is_open {
                return report;
            }
            let copy = errand.copy(source);
            report.with_note(format!("{copy} is not there; the task may still make it"))
        }
        Err(error) => {
            let copy = errand.copy(source);
            report.with_note(format!(
                "{copy} may exist; it could not be looked for: {error}"
            ))
        }
    }
}

/// Starts the copy as the last part of its making.
pub(super) async fn start(context: Context<'_>, stamp: &Stamp, mut report: Report) -> Report {
    let Some(Product::Guest(guest)) = report.product.clone() else {
        return report;
    };
    if context.reporter.stop_requested() {
        report.outcome = Outcome::Stopped;
        let note = format!("{guest} exists and is stopped, and was not started: asked to stop");
        report.half_made.push(HalfMade {
            guest,
            stamp: stamp.clone(),
        });
        return report.with_note(note);
    }
    context.reporter.step(format!("starting {guest}")).await;
    let started = carry_out(context, &Start { guest: &guest }, &[])
        .await
        .report;
    if report.parts.is_empty() {
        report.parts.push(part_of(&guest, "copy", &report));
    }
    report.parts.push(part_of(&guest, "start", &started));
    if !started.outcome.is_success() {
        report.outcome = started.outcome;
        report
            .notes
            .push(format!("{guest} exists, but its start is not sure"));
        report.half_made.push(HalfMade {
            guest,
            stamp: stamp.clone(),
        });
    }
    report.notes.extend(started.notes);
    report
}

/// The copying to one id.
struct Copying<'a> {
    operation: &'a CloneGuest,
    vmid: Vmid,
    shares: &'a BTreeMap<String, f64>,
}

/// Who has the id that we asked for.
enum Holder {
    Nobody,
    /// A guest that carries our nonce.
    Ours(GuestRef),
    /// A guest that is being made; its description comes at the end.
    Copying,
    Other,
}

impl Copying<'_> {
    /// Returns the new guest as it will be called; without a target it is where its source is.
    fn copy(&self, source: &GuestRef) -> GuestRef {
        GuestRef {
            vmid: self.vmid,
            kind: self.operation.source().kind,
            node: self.operation.target().unwrap_or(&source.node).clone(),
            name: Some(self.operation.name().as_str().into()),
        }
    }

    async fn holder(&self, client: &Client, source: &GuestRef) -> Result<Holder, Error> {
        let guest = self.copy(source);
        let config = match client.guests().config(&guest).await {
            Ok(config) => config,
            Err(error) if error.kind() == FailureKind::NoSuchGuest => return Ok(Holder::Nobody),
            Err(error) => return Err(error),
        };
        let stamp = Stamp::find(config.description());
        if stamp.is_some_and(|stamp| stamp.nonce() == self.operation.stamp().nonce()) {
            return Ok(Holder::Ours(guest));
        }
        let is_being_made = config.lock().is_some_and(|lock| lock.raw() == "clone");
        Ok(if is_being_made {
            Holder::Copying
        } else {
            Holder::Other
        })
    }
}

impl Errand for Copying<'_> {
    const FAILURE: FailureKind = FailureKind::TaskFailed;

    fn guest(&self) -> &GuestRef {
        self.operation.source()
    }

    fn task_kinds(&self) -> &'static [&'static str] {
        &["qmclone"]
    }

    async fn look_again(&self, client: &Client, guest: &GuestRef) -> Result<(), Error> {
        still_meant(client, guest).await?;
        match self.operation.admission() {
            Some(admission) => still_admits(client, admission).await,
            None => Ok(()),
        }
    }

    async fn send(&self, client: &Client, guest: &GuestRef) -> Result<Upid, Error> {
        let spec = CloneSpec {
            vmid: self.vmid,
            name: self.operation.name().as_str(),
            description: self.operation.description(),
            full: self.operation.kind() == CopyKind::Full,
            snapshot: self.operation.snapshot().map(Text::raw),
            pool: self.operation.pool(),
            target: self.operation.target(),
            storage: self.operation.storage(),
        };
        client.guests().clone(guest, spec).await
    }

    async fn is_untouched(&self, client: &Client, guest: &GuestRef) -> Result<bool, Error> {
        Ok(matches!(self.holder(client, guest).await?, Holder::Nobody))
    }

    async fn verify(
        &self,
        context: Context<'_>,
        guest: &GuestRef,
        outcome: Outcome,
    ) -> (Outcome, Option<Product>) {
        context.reporter.step("looking at the new guest").await;
        let what = match self.holder(context.client, guest).await {
            Ok(Holder::Ours(guest)) => return (outcome, Some(Product::Guest(guest))),
            Ok(Holder::Nobody) => "is not there",
            Ok(Holder::Copying) => "is still being made",
            Ok(Holder::Other) => "is somebody else's guest",
            // The task is ours and ended well: the guest exists, whatever can be read of it.
            Err(error) => return (unverified(error), Some(Product::Guest(self.copy(guest)))),
        };
        let copy = self.copy(guest);
        let text = format!("the task ended well, but {copy} {what}");
        let failure = Failure::new(FailureKind::TaskFailed, text);
        (Outcome::Failed(Box::new(failure)), None)
    }

    async fn is_ours(&self, client: &Client, upid: &Upid) -> bool {
        // The task is named after the source; its first line names the copy (recording 334).
        let first = client.tasks().log(upid, 0).await.unwrap_or_default();
        let wanted = format!("with ID {}", self.vmid);
        first
            .iter()
            .any(|line| line.text.raw().trim_end().ends_with(&wanted))
    }

    fn following(&self) -> Following {
        Following {
            shares: self.shares.clone(),
        }
    }
}
