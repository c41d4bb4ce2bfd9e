//! `[templates.NAME]`: the catalogue from which new guests are made.

use super::require_known;
use super::rules::read_vmid;
use crate::config::document::{Entry, Findings, Section};
use crate::config::error::{InvalidSetting, quoted};
use crate::domain::template::Template;
use crate::domain::units::Size;

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
        .and_then(|entry| read_size(&entry, "4GiB", findings));
    let disk = section
        .take("disk")
        .and_then(|entry| read_size(&entry, "20GiB", findings));
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

/// Reads an amount of memory or disk, which Proxmox counts in whole MiB.
fn read_size(entry: &Entry<'_>, example: &str, findings: &mut Findings<'_>) -> Option<Size> {
    let text = entry.text(findings, &format!("a size, as \"{example}\""))?;
    let size = text.parse::<Size>().map_err(|error| error.to_string());
    let whole = size.and_then(|size| match size.mebibytes() {
        Some(_) => Ok(size),
        None => Err(format!("{} is no whole number of MiB", quoted(text))),
    });
    let cure = format!("write a number with MiB, GiB or TiB behind it, as {example}");
    entry.checked(
        findings,
        whole.map_err(|message| InvalidSetting::new(message, cure)),
    )
}
