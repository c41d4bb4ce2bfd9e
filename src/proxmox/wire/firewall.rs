//! Firewalls, as sent.

use serde::Deserialize;

use super::lenient::{object, scalar};

/// `…/firewall/options` of a guest or of the datacenter; only what was set is there.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct FirewallOptions {
    /// A switch for a guest; for the datacenter any number but 0 is on (API.md §9).
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) enable: Option<bool>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) policy_in: Option<String>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) policy_out: Option<String>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) dhcp: Option<bool>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) ndp: Option<bool>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) radv: Option<bool>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) macfilter: Option<bool>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) ipfilter: Option<bool>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) digest: Option<String>,
}

/// A row of `…/firewall/rules`, or of a security group.
#[derive(Debug, Deserialize)]
pub(crate) struct RuleRow {
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) pos: Option<u64>,
    #[serde(default, rename = "type", deserialize_with = "scalar")]
    pub(crate) direction: Option<String>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) action: Option<String>,
    /// Absent and unreadable are off, as for the server itself.
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) enable: Option<bool>,
    #[serde(default, rename = "macro", deserialize_with = "scalar")]
    pub(crate) macro_name: Option<String>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) proto: Option<String>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) source: Option<String>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) dest: Option<String>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) sport: Option<String>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) dport: Option<String>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) iface: Option<String>,
    #[serde(default, rename = "icmp-type", deserialize_with = "scalar")]
    pub(crate) icmp_type: Option<String>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) log: Option<String>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) comment: Option<String>,
    /// What the server finds wrong with it, by field (recording 1268).
    #[serde(default, deserialize_with = "object")]
    pub(crate) errors: Option<std::collections::BTreeMap<String, serde_json::Value>>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) digest: Option<String>,
}

/// A row of `…/firewall/ipset`.
#[derive(Debug, Deserialize)]
pub(crate) struct SetRow {
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) name: Option<String>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) comment: Option<String>,
}

/// A row of `…/firewall/ipset/NAME`.
#[derive(Debug, Deserialize)]
pub(crate) struct MemberRow {
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) cidr: Option<String>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) nomatch: Option<bool>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) comment: Option<String>,
}

/// A row of `…/firewall/aliases`.
#[derive(Debug, Deserialize)]
pub(crate) struct AliasRow {
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) name: Option<String>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) cidr: Option<String>,
}

/// A row of `/cluster/firewall/groups`.
#[derive(Debug, Deserialize)]
pub(crate) struct GroupRow {
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) group: Option<String>,
}
