//! `[network_profiles.NAME]`: which traffic a guest may have.
//!
//! What a profile means is the domain's; here it is only read.

use crate::config::document::{Findings, Section};
use crate::config::error::{InvalidSetting, quoted};
use crate::domain::network::{Bridge, Destination, InvalidProfile, NetworkProfile};

impl From<InvalidProfile> for InvalidSetting {
    fn from(InvalidProfile { message, cure }: InvalidProfile) -> Self {
        Self { message, cure }
    }
}

pub(super) fn read(
    name: String,
    mut section: Section<'_>,
    findings: &mut Findings<'_>,
) -> Option<NetworkProfile> {
    let bridge = section.take("bridge");
    if bridge.is_none() {
        findings.report(
            section.offset(),
            format!("[{}] has no bridge", section.name()),
            "write bridge = \"vmbr0\"",
        );
    }
    let bridge = bridge.and_then(|entry| entry.parsed::<Bridge>(findings, "the name of a bridge"));
    let firewall = section
        .take("firewall")
        .and_then(|entry| entry.flag(findings))
        .unwrap_or(true);
    let target = "as \"api.github.com:443\" or \"10.0.0.0/8\"";
    let mut list = |key, findings: &mut Findings<'_>| {
        section
            .take(key)
            .map(|entry| entry.list::<Destination>(findings, target))
    };
    let allow = list("allow", findings).unwrap_or_default();
    let block = list("block", findings).unwrap_or_default();
    let allow_in = list("allow_in", findings);
    let dns = section.take("dns").map(|entry| {
        let items = entry.items(findings, "a list of addresses");
        items
            .iter()
            .filter_map(|item| {
                let text = item.text(findings, "an address, as \"10.0.0.53\"")?;
                let address = text.parse().map_err(|_| {
                    InvalidSetting::new(format!("{} is no address", quoted(text)), {
                        "write an IP address, as 10.0.0.53"
                    })
                });
                item.checked(findings, address)
            })
            .collect()
    });
    section.finish(findings);
    Some(NetworkProfile {
        name,
        bridge: bridge?,
        firewall,
        allow,
        block,
        allow_in,
        dns,
    })
}
