//! `…/firewall`: the firewalls of guests, and what the datacenter's says about them.
//!
//! A guest's firewall is a file of its own: neither a lock nor, for an administrator, the guest's
//! absence keeps a call from being answered (recordings 442, 443, 1031). Reading a guest's needs
//! VM.Audit, changing it VM.Config.Network; reading the datacenter's needs Sys.Audit on `/`.
//! Everything is written at once, without a task.

use reqwest::Method;
use serde::de::IgnoredAny;

use super::guests::guest_path;
use super::{change_form, path};
use crate::domain::failure::FailureKind;
use crate::domain::firewall::{AddressSet, Alias, Direction, Member, Options, Rule, Rules};
use crate::domain::guest::GuestRef;
use crate::domain::text::Text;
use crate::proxmox::client::Client;
use crate::proxmox::convert_firewall as convert;
use crate::proxmox::error::Error;
use crate::proxmox::wire::firewall::{FirewallOptions, RuleRow};
use crate::proxmox::wire::lenient::Rows;

/// Calls about firewalls; made by [`Client::firewall`].
#[derive(Debug)]
pub struct Firewalls<'a>(pub(super) &'a Client);

impl Client {
    /// Opens the calls about firewalls.
    pub fn firewall(&self) -> Firewalls<'_> {
        Firewalls(self)
    }
}

impl Firewalls<'_> {
    /// Reads the options of a guest's firewall, only those that were set.
    pub async fn options(&self, guest: &GuestRef) -> Result<Options, Error> {
        let path = firewall_path(guest, &["options"])?;
        self.0.get(&path, &[]).await.map(convert::options)
    }

    /// Reads a guest's rules in their order; a guest that does not exist has none.
    pub async fn rules(&self, guest: &GuestRef) -> Result<Rules, Error> {
        self.read_rules(&firewall_path(guest, &["rules"])?).await
    }

    /// Reads a guest's sets by name, without their members.
    pub async fn sets(&self, guest: &GuestRef) -> Result<Vec<AddressSet>, Error> {
        let path = firewall_path(guest, &["ipset"])?;
        self.0.get(&path, &[]).await.map(convert::sets)
    }

    /// Reads the members of a guest's set.
    pub async fn members(&self, guest: &GuestRef, set: &str) -> Result<Vec<Member>, Error> {
        let path = firewall_path(guest, &["ipset", set])?;
        self.0.get(&path, &[]).await.map(convert::members)
    }

    /// Reads a guest's aliases.
    pub async fn aliases(&self, guest: &GuestRef) -> Result<Vec<Alias>, Error> {
        let path = firewall_path(guest, &["aliases"])?;
        self.0.get(&path, &[]).await.map(convert::aliases)
    }

    /// Reads whether the datacenter's firewall is on; without it no guest's works.
    pub async fn cluster_enabled(&self) -> Result<bool, Error> {
        let options: FirewallOptions = self.0.get("/cluster/firewall/options", &[]).await?;
        Ok(convert::is_enabled(&options))
    }

    /// Reads the datacenter's sets by name, without their members.
    pub async fn cluster_sets(&self) -> Result<Vec<AddressSet>, Error> {
        let answer = self.0.get("/cluster/firewall/ipset", &[]).await;
        answer.map(convert::sets)
    }

    /// Reads the members of one of the datacenter's sets.
    pub async fn cluster_members(&self, set: &str) -> Result<Vec<Member>, Error> {
        let path = path(&["cluster", "firewall", "ipset", set])?;
        self.0.get(&path, &[]).await.map(convert::members)
    }

    /// Reads the datacenter's aliases.
    pub async fn cluster_aliases(&self) -> Result<Vec<Alias>, Error> {
        let answer = self.0.get("/cluster/firewall/aliases", &[]).await;
        answer.map(convert::aliases)
    }

    /// Reads the names of the security groups, which every account may.
    pub async fn groups(&self) -> Result<Vec<Text>, Error> {
        let answer = self.0.get("/cluster/firewall/groups", &[]).await;
        answer.map(convert::groups)
    }

    /// Reads the rules of a security group in their order.
    pub async fn group_rules(&self, group: &str) -> Result<Rules, Error> {
        let path = path(&["cluster", "firewall", "groups", group])?;
        self.read_rules(&path).await
    }

    /// Changes options of a guest's firewall in one call; done when it returns.
    ///
    /// With a `digest` it is refused when somebody changed the options since.
    pub async fn set_options(
        &self,
        guest: &GuestRef,
        options: &[(&str, &str)],
        delete: &[&str],
        digest: Option<&str>,
    ) -> Result<(), Error> {
        let path = firewall_path(guest, &["options"])?;
        let delete = delete.join(",");
        let form = change_form(options, &delete, digest);
        self.change(Method::PUT, &path, &form).await
    }

    /// Puts a rule before all others of a guest, which is the only place for a new one (PITFALLS 30).
    ///
    /// The server looks at no digest here (recording 425).
    pub async fn add_rule(&self, guest: &GuestRef, rule: &Rule) -> Result<(), Error> {
        let path = firewall_path(guest, &["rules"])?;
        self.change(Method::POST, &path, &fields(rule)).await
    }

    /// Makes the rule at a position count.
    ///
    /// `digest` is that of the list in which the rule has this position.
    pub async fn enable_rule(
        &self,
        guest: &GuestRef,
        position: usize,
        digest: &str,
    ) -> Result<(), Error> {
        let path = firewall_path(guest, &["rules", &position.to_string()])?;
        let form = [("enable", "1"), ("digest", digest)];
        self.change(Method::PUT, &path, &form).await
    }

    /// Moves the rule at a position before the one that is at another now (recordings 1269, 1271).
    ///
    /// `digest` is that of the list in which the rules have these positions.
    pub async fn move_rule(
        &self,
        guest: &GuestRef,
        position: usize,
        before: usize,
        digest: &str,
    ) -> Result<(), Error> {
        let path = firewall_path(guest, &["rules", &position.to_string()])?;
        let before = before.to_string();
        let form = [("moveto", before.as_str()), ("digest", digest)];
        self.change(Method::PUT, &path, &form).await
    }

    /// Removes the rule at a position.
    ///
    /// `digest` is that of the list in which the rule has this position.
    pub async fn delete_rule(
        &self,
        guest: &GuestRef,
        position: usize,
        digest: &str,
    ) -> Result<(), Error> {
        let path = firewall_path(guest, &["rules", &position.to_string()])?;
        let query = [("digest", digest)];
        self.change(Method::DELETE, &path, &query).await
    }

    /// Makes an empty set for a guest; one of that name must not exist.
    pub async fn create_set(
        &self,
        guest: &GuestRef,
        set: &str,
        comment: Option<&str>,
    ) -> Result<(), Error> {
        let path = firewall_path(guest, &["ipset"])?;
        let mut form = vec![("name", set)];
        form.extend(comment.map(|comment| ("comment", comment)));
        self.change(Method::POST, &path, &form).await
    }

    /// Removes a set of a guest with whatever it holds; rules that use it no longer work.
    pub async fn delete_set(&self, guest: &GuestRef, set: &str) -> Result<(), Error> {
        let path = firewall_path(guest, &["ipset", set])?;
        // Without it a set with members is refused (recordings 1264, 1284).
        self.change(Method::DELETE, &path, &[("force", "1")]).await
    }

    /// Puts an address or network into a guest's set; one that is there already is refused.
    pub async fn add_member(
        &self,
        guest: &GuestRef,
        set: &str,
        cidr: &str,
        comment: Option<&str>,
    ) -> Result<(), Error> {
        let path = firewall_path(guest, &["ipset", set])?;
        let mut form = vec![("cidr", cidr)];
        form.extend(comment.map(|comment| ("comment", comment)));
        self.change(Method::POST, &path, &form).await
    }

    /// Writes what stands about a member of a guest's set.
    pub async fn describe_member(
        &self,
        guest: &GuestRef,
        set: &str,
        cidr: &str,
        comment: &str,
    ) -> Result<(), Error> {
        let path = firewall_path(guest, &["ipset", set, cidr])?;
        let form = [("comment", comment)];
        self.change(Method::PUT, &path, &form).await
    }

    /// Takes an address or network out of a guest's set.
    pub async fn delete_member(
        &self,
        guest: &GuestRef,
        set: &str,
        cidr: &str,
    ) -> Result<(), Error> {
        let path = firewall_path(guest, &["ipset", set, cidr])?;
        self.change(Method::DELETE, &path, &[]).await
    }

    async fn read_rules(&self, path: &str) -> Result<Rules, Error> {
        let rows: Rows<RuleRow> = self.0.get(path, &[]).await?;
        convert::rules(rows).ok_or_else(|| {
            let text = "the list holds what is no rule, so that no position in it is sure";
            Error::unsent(FailureKind::Malformed, text).of(&Method::GET, path)
        })
    }

    /// Sends a change that is done when it is answered.
    async fn change(&self, method: Method, path: &str, form: &[(&str, &str)]) -> Result<(), Error> {
        let _: IgnoredAny = self.0.write(method, path, form).await?;
        Ok(())
    }
}

fn firewall_path(guest: &GuestRef, rest: &[&str]) -> Result<String, Error> {
    let mut segments = vec!["firewall"];
    segments.extend(rest);
    guest_path(guest, &segments)
}

/// The fields of a rule that it need not have.
const FIELDS: [&str; 10] = [
    "macro",
    "proto",
    "source",
    "dest",
    "sport",
    "dport",
    "iface",
    "icmp-type",
    "log",
    "comment",
];

/// Writes a rule as a form; that it counts is always said, because silence means that it does not.
fn fields(rule: &Rule) -> Vec<(&'static str, &str)> {
    let direction = match &rule.direction {
        Direction::In => "in",
        Direction::Out => "out",
        Direction::Group => "group",
        Direction::Other(word) => word.raw(),
    };
    let enable = if rule.is_enabled { "1" } else { "0" };
    let mut form = vec![
        ("type", direction),
        ("action", rule.action.raw()),
        ("enable", enable),
    ];
    let values = [
        &rule.macro_name,
        &rule.protocol,
        &rule.source,
        &rule.destination,
        &rule.source_port,
        &rule.destination_port,
        &rule.interface,
        &rule.icmp_type,
        &rule.log,
        &rule.comment,
    ];
    let given = FIELDS.into_iter().zip(values);
    form.extend(given.filter_map(|(name, value)| Some((name, value.as_ref()?.raw()))));
    form
}
