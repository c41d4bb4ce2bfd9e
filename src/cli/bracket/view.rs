//! What is known of the cluster's guests when a bracket is spoken of.

use std::collections::BTreeMap;

use futures_util::StreamExt as _;
use futures_util::stream;

use crate::cli::complaint::Refusal;
use crate::cli::connect::Session;
use crate::cli::inventory::Reading;
use crate::cli::output::Output;
use crate::cli::progress::Progress;
use crate::cli::setup::Setup;
use crate::cli::snapshot::read::{self, Silent, Unread};
use crate::domain::bracket::{Bracket, BracketName, find_all, strangers};
use crate::domain::enforcement::CriticalTags;
use crate::domain::guest::{Guest, GuestRef};
use crate::domain::guest_config::GuestConfig;
use crate::domain::id::Vmid;
use crate::domain::inventory::Resources;
use crate::domain::request::{KnownGuests, KnownMembers, lists_of};
use crate::domain::snapshot::SnapshotList;
use crate::domain::text::clean;
use crate::proxmox::Error;
use crate::ui::format;

/// So many configurations are read at once (SPEC §1.1).
const AT_ONCE: usize = 4;

/// The guests, their snapshots, and of some their configurations.
pub(super) struct View {
    pub(super) session: Session,
    pub(super) reading: Reading,
    /// The guests whose snapshots could not be read.
    pub(super) unread: Vec<Unread>,
    resources: Resources,
    lists: BTreeMap<Vmid, SnapshotList>,
    configs: BTreeMap<Vmid, GuestConfig>,
    frozen: BTreeMap<Vmid, GuestConfig>,
    critical_tags: CriticalTags,
    has_profiles: bool,
}

impl View {
    /// Reads the guests and the snapshots of all, for a bracket may be anywhere.
    pub(super) async fn take(setup: &Setup, output: &Output) -> anyhow::Result<Self> {
        let session = Session::open(setup).await?;
        let reading = Reading::take(&session).await?;
        let guests: Vec<&Guest> = reading.guests.iter().filter(|it| !it.template).collect();
        let lists = read::lists(&session.client, &guests, Silent::Skipped, setup, output).await;
        let read = lists.read.into_iter();
        Ok(Self {
            lists: read.map(|(guest, list)| (guest.vmid, list)).collect(),
            unread: lists.unread,
            resources: reading.resources(),
            configs: BTreeMap::new(),
            frozen: BTreeMap::new(),
            critical_tags: setup.rules.enforcement.critical.clone(),
            has_profiles: !setup.rules.profiles.is_empty(),
            session,
            reading,
        })
    }

    /// Says whose snapshots are not known.
    pub(super) fn tell_unread(&self, output: &Output) {
        for each in &self.unread {
            each.tell(output);
        }
    }

    /// Returns all brackets, the newest first.
    pub(super) fn brackets(&self) -> Vec<Bracket> {
        find_all(lists_of(self))
    }

    /// Finds the one bracket that is meant; of several nothing is guessed.
    pub(super) fn find(&self, typed: &str) -> Result<Bracket, Refusal> {
        let mut called = self.brackets();
        called.retain(|bracket| bracket.is_called(typed));
        match called.len() {
            1 => Ok(called.remove(0)),
            0 => Err(self.unknown(typed)),
            _ => {
                let lines: Vec<String> = called
                    .iter()
                    .map(|bracket| format!("\n  {}", self.described(bracket)))
                    .collect();
                let message = format!(
                    "several brackets are called {}:{}",
                    clean(typed),
                    lines.concat()
                );
                let advice = "write NAME@NONCE for the one that is meant";
                Err(Refusal::new("AmbiguousBracket", message, advice))
            }
        }
    }

    fn unknown(&self, typed: &str) -> Refusal {
        let mut message = format!("there is no bracket {}", clean(typed));
        let name = BracketName::of_typed(typed);
        let strangers = name.map(|name| (strangers(&name, lists_of(self)), name));
        if let Ok((guests, name)) = strangers
            && !guests.is_empty()
        {
            let guests: Vec<String> = guests.iter().map(ToString::to_string).collect();
            message = format!(
                "{message}; a snapshot {} that belongs to none is left alone, of {}",
                name.snapshot(),
                guests.join(", ")
            );
        }
        if !self.unread.is_empty() {
            message.push_str("; not every guest could be read");
        }
        Refusal::new(
            "UnknownBracket",
            message,
            "`proxdeck bracket list` shows them",
        )
    }

    /// Describes a bracket in one line: name and nonce, age, guests.
    fn described(&self, bracket: &Bracket) -> String {
        let age = bracket.taken().and_then(|taken| {
            let age = (self.reading.time - taken).to_std().ok()?;
            Some(format!("{} old", format::span(age)))
        });
        let guests = bracket.members.iter().map(|it| it.guest.to_string());
        let guests: Vec<String> = guests.collect();
        format!(
            "{}  {}  {}",
            bracket.full_name(),
            age.unwrap_or_else(|| "of unknown age".to_owned()),
            guests.join(", ")
        )
    }

    /// Reads the configurations of guests, and those that a snapshot of them froze if one is named.
    ///
    /// What cannot be read is not known; the server has the last word then.
    pub(super) async fn read_configs(
        &mut self,
        guests: &[GuestRef],
        snapshot: Option<&str>,
        setup: &Setup,
        output: &Output,
    ) {
        let label = "reading the configurations";
        let progress =
            Progress::of_readings(output, &setup.environment, label, guests.len(), "guests");
        let client = &self.session.client;
        let read: Vec<Configs<'_>> = stream::iter(guests)
            .map(|guest| {
                let progress = &progress;
                async move {
                    let present = client.guests().config(guest).await;
                    let frozen = match snapshot {
                        Some(name) => Some(client.guests().snapshot_config(guest, name).await),
                        None => None,
                    };
                    progress.advance();
                    (guest, present, frozen)
                }
            })
            .buffered(AT_ONCE)
            .collect()
            .await;
        progress.finish();
        for (guest, present, frozen) in read {
            if let Err(error) = &present {
                output.note(format_args!(
                    "proxdeck: the configuration of {guest} could not be read: {error}"
                ));
            }
            self.configs
                .extend(present.ok().map(|config| (guest.vmid, config)));
            let frozen = frozen.and_then(Result::ok);
            self.frozen
                .extend(frozen.map(|config| (guest.vmid, config)));
        }
    }
}

type Configs<'a> = (
    &'a GuestRef,
    Result<GuestConfig, Error>,
    Option<Result<GuestConfig, Error>>,
);

impl KnownGuests for View {
    fn resources(&self) -> Option<&Resources> {
        Some(&self.resources)
    }

    fn snapshots(&self, vmid: Vmid) -> Option<&SnapshotList> {
        self.lists.get(&vmid)
    }

    fn config(&self, vmid: Vmid) -> Option<&GuestConfig> {
        self.configs.get(&vmid)
    }
}

impl KnownMembers for View {
    fn frozen(&self, vmid: Vmid) -> Option<&GuestConfig> {
        self.frozen.get(&vmid)
    }

    fn is_comparing(&self, _vmid: Vmid) -> bool {
        false
    }

    fn critical_tags(&self) -> Option<&CriticalTags> {
        Some(&self.critical_tags)
    }

    fn has_profiles(&self) -> bool {
        self.has_profiles
    }
}
