//! `[templates.NAME]`: the catalogue from which new guests are made.

use std::fmt;
use std::str::FromStr;

use super::require_known;
use super::rules::read_vmid;
use crate::config::document::{Findings, Section};
use crate::config::error::{InvalidSetting, quoted};
use crate::domain::id::Vmid;

const MEBIBYTE: u64 = 1 << 20;

/// The most memory or disk that can be meant: a pebibyte.
const MAX_SIZE: u64 = 1 << 50;

/// A template with what a guest made from it gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// Its name in the config.
    pub name: String,
    /// Its number on the cluster.
    pub vmid: Vmid,
    /// The cores of a new guest; without a number the template's.
    pub cores: Option<u32>,
    /// The memory of a new guest; without a size the template's.
    pub memory: Option<Size>,
    /// The disk of a new guest; without a size the template's.
    pub disk: Option<Size>,
    /// The network profile of a new guest.
    pub network: Option<String>,
    /// What is installed, for people to read.
    pub software: Vec<String>,
}

/// An amount of memory or disk: whole mebibytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Size(u64);

impl Size {
    /// Returns the bytes.
    pub const fn bytes(self) -> u64 {
        self.0
    }

    /// Returns the mebibytes, in which Proxmox counts memory.
    pub const fn mebibytes(self) -> u64 {
        self.0 / MEBIBYTE
    }
}

impl fmt::Display for Size {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mebibytes = self.mebibytes();
        if mebibytes.is_multiple_of(1024) {
            write!(formatter, "{}GiB", mebibytes / 1024)
        } else {
            write!(formatter, "{mebibytes}MiB")
        }
    }
}

impl FromStr for Size {
    type Err = InvalidSetting;

    fn from_str(text: &str) -> Result<Self, InvalidSetting> {
        let cure = "write a number with MiB, GiB or TiB behind it, as 4GiB";
        let invalid =
            |reason: &str| InvalidSetting::new(format!("{} {reason}", quoted(text)), cure);
        let end = text
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(text.len());
        let (number, unit) = text.split_at(end);
        let unit = match unit.trim() {
            "MiB" => MEBIBYTE,
            "GiB" => MEBIBYTE << 10,
            "TiB" => MEBIBYTE << 20,
            // `4G` is 4 GiB for Proxmox and 4 GB for a shop; better asked than guessed.
            "" | "M" | "G" | "T" | "MB" | "GB" | "TB" => {
                return Err(invalid("does not say which unit"));
            }
            _ => return Err(invalid("is no size")),
        };
        let number: f64 = number.parse().map_err(|_| invalid("is no size"))?;
        let bytes = number * unit as f64;
        if !(1.0..=MAX_SIZE as f64).contains(&bytes) {
            return Err(invalid("is out of reach"));
        }
        let bytes = bytes as u64;
        if bytes.is_multiple_of(MEBIBYTE) {
            Ok(Self(bytes))
        } else {
            Err(invalid("is not a whole number of MiB"))
        }
    }
}

pub(super) fn read(
    name: String,
    mut section: Section<'_>,
    profiles: &[String],
    findings: &mut Findings<'_>,
) -> Option<Template> {
    let vmid = section.take("vmid");
    if vmid.is_none() {
        findings.report(
            section.offset(),
            format!(
                "[{}] does not say which guest is the template",
                section.name()
            ),
            "write vmid = NUMBER",
        );
    }
    let vmid = vmid.and_then(|entry| read_vmid(&entry, findings));
    let cores = section
        .take("cores")
        .and_then(|entry| entry.whole(findings, 1..=1024));
    let memory = section
        .take("memory")
        .and_then(|entry| entry.parsed(findings, "a size, as \"4GiB\""));
    let disk = section
        .take("disk")
        .and_then(|entry| entry.parsed(findings, "a size, as \"20GiB\""));
    let network = section.take("network").and_then(|entry| {
        let profile = entry.text(findings, "a name from [network_profiles.NAME]")?;
        require_known(&entry, profile, profiles, "network_profiles", findings);
        Some(profile.to_owned())
    });
    let software = section
        .take("software")
        .map(|entry| {
            let items = entry.items(findings, "a list of texts");
            items
                .iter()
                .filter_map(|item| item.text(findings, "a text"))
                .map(str::to_owned)
                .collect()
        })
        .unwrap_or_default();
    section.finish(findings);
    Some(Template {
        name,
        vmid: vmid?,
        cores,
        memory,
        disk,
        network,
        software,
    })
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::*;

    #[test]
    fn a_size_needs_a_binary_unit_and_whole_mebibytes() {
        let read = |text: &str| {
            text.parse::<Size>()
                .map(|size| size.to_string())
                .map_err(|invalid| invalid.message)
        };
        assert_eq!(read("4GiB").as_deref(), Ok("4GiB"));
        assert_eq!(read("1.5 GiB").as_deref(), Ok("1536MiB"));
        assert_eq!(read("2TiB").as_deref(), Ok("2048GiB"));
        for (text, message) in [
            ("4G", "`4G` does not say which unit"),
            ("4096", "`4096` does not say which unit"),
            ("GiB", "`GiB` is no size"),
            ("4 parsecs", "`4 parsecs` is no size"),
            ("-4GiB", "`-4GiB` is no size"),
            ("0GiB", "`0GiB` is out of reach"),
            ("9999999999TiB", "`9999999999TiB` is out of reach"),
            ("0.3MiB", "`0.3MiB` is not a whole number of MiB"),
        ] {
            assert_eq!(read(text), Err(message.to_owned()));
        }
    }
}
