//! The making of a guest from a template of the catalogue.

use std::collections::BTreeSet;

use super::call::Call;
use super::clone_guest::CloneGuest;
use super::stamp::Stamp;
use crate::domain::guest::GuestRef;
use crate::domain::guest_config::GuestConfig;
use crate::domain::guest_name::GuestName;
use crate::domain::network::NetworkPlan;
use crate::domain::network_card::NetworkCard;
use crate::domain::permission::{Need, path_of_bridge};
use crate::domain::template::CardProfile;
use crate::domain::units::Size;

/// How the new guest is named in calls before its number is known.
const NEW: &str = "(the new guest)";

/// The making of a guest from a template: a copy, its configuration, its disk, and its start.
#[derive(Debug, Clone, PartialEq)]
pub struct CreateGuest {
    clone: CloneGuest,
    wish: Wish,
    /// The template's configuration, where it was known; it tells what of the wish is there already.
    template: Option<GuestConfig>,
}

/// What a new guest is to be like; the fields of [`CreateGuest`] beside its copy.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::domain) struct Wish {
    /// The template's name in the catalogue.
    pub(in crate::domain) template: String,
    pub(in crate::domain) cores: Option<u32>,
    pub(in crate::domain) memory: Option<Size>,
    pub(in crate::domain) disk: Option<Size>,
    pub(in crate::domain) tags: Vec<String>,
    pub(in crate::domain) profile: Option<CardProfile>,
    pub(in crate::domain) start: bool,
    /// What fences it in before its start, planned on the template's rules; absent: unknown.
    pub(in crate::domain) fence: Option<NetworkPlan>,
}

/// Options to be written into a guest's configuration, and those to be taken out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ConfigChange {
    /// Options with their new values.
    pub set: Vec<(&'static str, String)>,
    /// Options that fall back to their defaults.
    pub delete: Vec<&'static str>,
}

impl ConfigChange {
    /// Tells whether there is nothing to be changed.
    pub fn is_empty(&self) -> bool {
        self.set.is_empty() && self.delete.is_empty()
    }

    fn set(&mut self, key: &'static str, value: &impl ToString) {
        self.set.push((key, value.to_string()));
    }
}

impl CreateGuest {
    pub(in crate::domain) fn new(
        clone: CloneGuest,
        wish: Wish,
        template: Option<GuestConfig>,
    ) -> Self {
        Self {
            clone,
            wish,
            template,
        }
    }

    /// Returns the copy with which it begins; the copy itself is not started.
    pub fn copy(&self) -> &CloneGuest {
        &self.clone
    }

    /// Returns the template.
    pub fn source(&self) -> &GuestRef {
        self.clone.source()
    }

    /// Returns the template's name in the catalogue.
    pub fn template(&self) -> &str {
        &self.wish.template
    }

    /// Returns the new guest's name.
    pub fn name(&self) -> &GuestName {
        self.clone.name()
    }

    /// Returns what proves that a guest came from this operation.
    pub fn stamp(&self) -> &Stamp {
        self.clone.stamp()
    }

    /// Returns the size that the boot disk shall have; absent: the template's.
    pub fn disk(&self) -> Option<Size> {
        self.wish.disk
    }

    /// Returns the network profile that was asked for.
    pub fn profile(&self) -> Option<&CardProfile> {
        self.wish.profile.as_ref()
    }

    /// Tells whether the new guest is started; one that shall be fenced and is not, is left stopped.
    pub fn starts(&self) -> bool {
        self.wish.start && self.wish.profile.is_none()
    }

    /// Tells whether the new guest is started once it is fenced in, and not before.
    pub fn starts_fenced(&self) -> bool {
        self.wish.start && self.wish.profile.is_some()
    }

    /// Returns what has to be changed in the copy's configuration; nothing once it is as wanted.
    ///
    /// A copy takes over everything from its template (PITFALLS 22). Tags, protection and the start
    /// at boot belong to the template, and do not stay.
    pub fn changes(&self, config: &GuestConfig) -> ConfigChange {
        let mut change = ConfigChange::default();
        let number = |key: &str| {
            let value = config.get(key)?;
            value.raw().trim().parse::<u64>().ok()
        };
        if let Some(cores) = self.wish.cores {
            if number("cores").unwrap_or(1) != u64::from(cores) {
                change.set("cores", &cores);
            }
            // The wanted number is that of the whole machine.
            if number("sockets").unwrap_or(1) != 1 {
                change.set("sockets", &1);
            }
            if config.get("vcpus").is_some() {
                change.delete.push("vcpus");
            }
        }
        if let Some(memory) = self.wish.memory.and_then(Size::mebibytes) {
            if number("memory") != Some(memory) {
                change.set("memory", &memory);
            }
            if number("balloon").is_some_and(|balloon| balloon > memory) {
                change.set("balloon", &memory);
            }
        }
        self.change_tags(config, &mut change);
        let profile = self.wish.profile.as_ref();
        if let Some(card) = profile.and_then(|profile| profile.card_for(config)) {
            change.set("net0", &card);
        }
        for key in ["protection", "onboot"] {
            if number(key).is_some_and(|value| value != 0) {
                change.delete.push(key);
            }
        }
        change
    }

    fn change_tags(&self, config: &GuestConfig, change: &mut ConfigChange) {
        let mut now: Vec<&str> = config
            .get("tags")
            .map(|tags| tags.raw().split([';', ',', ' ']).collect())
            .unwrap_or_default();
        now.retain(|tag| !tag.is_empty());
        now.sort_unstable();
        // The server keeps tags in lower case.
        let mut wanted: Vec<String> = self
            .wish
            .tags
            .iter()
            .map(|tag| tag.to_lowercase())
            .collect();
        wanted.sort_unstable();
        if now == wanted {
            return;
        }
        if wanted.is_empty() {
            change.delete.push("tags");
        } else {
            change.set("tags", &wanted.join(";"));
        }
    }

    /// Returns what will be changed in the copy, as far as the template tells.
    fn foreseen(&self) -> ConfigChange {
        if let Some(template) = &self.template {
            return self.changes(template);
        }
        // Of a template that nobody has read, everything may have to be changed.
        let wish = &self.wish;
        let mut change = self.changes(&GuestConfig::default());
        if let Some(cores) = wish.cores
            && !change.set.iter().any(|(key, _)| *key == "cores")
        {
            change.set("cores", &cores);
        }
        change
    }

    /// Returns the boot disk's key and the size to which it will grow, if it will.
    fn growth(&self) -> Option<(String, Size)> {
        let size = self.wish.disk?;
        let Some(template) = &self.template else {
            return Some(("(its boot disk)".to_owned(), size));
        };
        let drive = template.boot_drive()?;
        let grows = drive.size.is_none_or(|now| now < size.bytes());
        grows.then_some((drive.key, size))
    }

    pub(super) fn calls(&self) -> Vec<Call> {
        let mut calls = self.clone.calls();
        let call = |method, rest: &str| {
            let node = self.clone.node();
            Call {
                method,
                path: format!("/nodes/{node}/qemu/{NEW}{rest}"),
                parameters: Vec::new(),
            }
        };
        let change = self.foreseen();
        if !change.is_empty() {
            let mut config = call("PUT", "/config");
            for (key, value) in change.set {
                config = match key {
                    "net0" => config.with(key, NetworkCard::parse(&value).with_own_address()),
                    _ => config.with(key, value),
                };
            }
            let delete = (!change.delete.is_empty()).then(|| change.delete.join(","));
            calls.push(config.with_some("delete", delete));
        }
        if let Some((disk, size)) = self.growth() {
            let resize = call("PUT", "/resize")
                .with("disk", disk)
                .with("size", size.for_disk());
            calls.push(resize);
        }
        let path = format!("/nodes/{}/qemu/{NEW}", self.clone.node());
        let fence = self.wish.fence.iter();
        calls.extend(fence.flat_map(|plan| plan.calls_for_copy(&path)));
        if self.starts() || self.starts_fenced() {
            calls.push(call("POST", "/status/start"));
        }
        calls
    }

    pub(super) fn needs(&self) -> Vec<Need> {
        // The new guest has no number yet; what counts for it is handed down to all, or by its pool.
        let on_new = |privilege| {
            let need = Need::on(privilege, "/vms".to_owned());
            match self.clone.pool() {
                Some(pool) => need.or(Need::on(privilege, format!("/pool/{pool}"))),
                None => need,
            }
        };
        let change = self.foreseen();
        let keys = change.set.iter().map(|(key, _)| *key);
        let privileges: BTreeSet<&str> = keys
            .chain(change.delete.iter().copied())
            .map(privilege_for)
            // Rules are written whether or not the card is as it should be already.
            .chain(self.wish.profile.as_ref().map(|_| "VM.Config.Network"))
            .collect();
        let mut needs = self.clone.needs();
        needs.extend(privileges.into_iter().map(on_new));
        let card = change.set.iter().find(|(key, _)| *key == "net0");
        let card = card.map(|(_, value)| NetworkCard::parse(value));
        let bridge = card.as_ref().and_then(|card| {
            let path = path_of_bridge(card.get("bridge")?, card.get("tag"))?;
            Some(Need::on("SDN.Use", path))
        });
        needs.extend(bridge.filter(|need| !needs.contains(need)));
        needs.extend(self.growth().map(|_| on_new("VM.Config.Disk")));
        if self.starts() || self.starts_fenced() {
            needs.push(on_new("VM.PowerMgmt"));
        }
        needs
    }
}

/// Returns the privilege that an option needs, of those that are changed here.
fn privilege_for(key: &str) -> &'static str {
    match key {
        "cores" | "sockets" | "vcpus" => "VM.Config.CPU",
        "memory" | "balloon" => "VM.Config.Memory",
        "net0" => "VM.Config.Network",
        _ => "VM.Config.Options",
    }
}
