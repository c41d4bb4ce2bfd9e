//! Firewalls as a server keeps them: rules in their order, options, address sets and aliases.
//!
//! What a firewall lets through is judged elsewhere; this is what was read, and says what the server
//! assumes where nothing is written (API.md §9).

use std::fmt;

use super::text::Text;

/// What a rule is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Traffic to the guest.
    In,
    /// Traffic from the guest.
    Out,
    /// Nothing by itself: the rules of a security group stand in its place.
    Group,
    /// Something that this program does not know, as it was written.
    Other(Text),
}

/// A rule; its position is its place in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// What it is about.
    pub direction: Direction,
    /// `ACCEPT`, `DROP`, `REJECT`, or the name of a security group.
    pub action: Text,
    /// Whether it counts; a rule that was made without saying so does not.
    pub is_enabled: bool,
    /// The name of a prepared set of protocols and ports.
    pub macro_name: Option<Text>,
    /// `tcp`, `udp`, `icmp`, a number, …; `None` is any.
    pub protocol: Option<Text>,
    /// Where traffic comes from: addresses, networks, ranges, `+SET`, an alias; `None` is anywhere.
    pub source: Option<Text>,
    /// Where traffic goes to, in the same forms.
    pub destination: Option<Text>,
    /// The ports it comes from, as `80,443` or `8000:8010`.
    pub source_port: Option<Text>,
    /// The ports it goes to.
    pub destination_port: Option<Text>,
    /// The only card that it is about, as `net0`.
    pub interface: Option<Text>,
    /// The only kind of ICMP that it is about.
    pub icmp_type: Option<Text>,
    /// How loudly it is logged.
    pub log: Option<Text>,
    /// What is written about it.
    pub comment: Option<Text>,
    /// Whether the server itself says that the rule cannot work, as one with a set that is gone.
    pub is_broken: bool,
}

impl Rule {
    /// Makes a rule that is about everything in one direction and counts.
    pub fn new(direction: Direction, action: impl Into<Text>) -> Self {
        Self {
            direction,
            action: action.into(),
            is_enabled: true,
            macro_name: None,
            protocol: None,
            source: None,
            destination: None,
            source_port: None,
            destination_port: None,
            interface: None,
            icmp_type: None,
            log: None,
            comment: None,
            is_broken: false,
        }
    }

    /// Returns its optional fields in the words of the API; direction, action and switch are none.
    pub fn fields(&self) -> [(&'static str, Option<&Text>); 10] {
        [
            ("macro", self.macro_name.as_ref()),
            ("proto", self.protocol.as_ref()),
            ("source", self.source.as_ref()),
            ("dest", self.destination.as_ref()),
            ("sport", self.source_port.as_ref()),
            ("dport", self.destination_port.as_ref()),
            ("iface", self.interface.as_ref()),
            ("icmp-type", self.icmp_type.as_ref()),
            ("log", self.log.as_ref()),
            ("comment", self.comment.as_ref()),
        ]
    }
}

impl fmt::Display for Rule {
    /// Writes `out ACCEPT tcp to +proxdeck-api-443 port 443`, without the comment.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.direction, self.action)?;
        for (word, part) in [
            ("", &self.macro_name),
            ("", &self.protocol),
            ("type ", &self.icmp_type),
            ("from ", &self.source),
            ("from port ", &self.source_port),
            ("to ", &self.destination),
            ("port ", &self.destination_port),
            ("on ", &self.interface),
        ] {
            if let Some(part) = part {
                write!(formatter, " {word}{part}")?;
            }
        }
        if !self.is_enabled {
            formatter.write_str(" (disabled)")?;
        }
        Ok(())
    }
}

impl fmt::Display for Direction {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::In => formatter.write_str("in"),
            Self::Out => formatter.write_str("out"),
            Self::Group => formatter.write_str("group"),
            Self::Other(word) => write!(formatter, "{word}"),
        }
    }
}

/// Rules in the order in which they are tried.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rules {
    /// The rules; the first that fits decides.
    pub list: Vec<Rule>,
    /// What the server calls this state of the list; absent where the list is empty.
    pub digest: Option<String>,
}

/// What happens to traffic that no rule decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Policy {
    /// It passes.
    Accept,
    /// It is thrown away.
    Drop,
    /// It is refused with an answer.
    Reject,
}

impl Policy {
    /// Reads the word of the API.
    pub fn read(word: &str) -> Option<Self> {
        [Self::Accept, Self::Drop, Self::Reject]
            .into_iter()
            .find(|policy| policy.word() == word)
    }

    /// Returns the word of the API.
    pub fn word(self) -> &'static str {
        match self {
            Self::Accept => "ACCEPT",
            Self::Drop => "DROP",
            Self::Reject => "REJECT",
        }
    }
}

/// The options of a guest's firewall, only those that were set.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Options {
    /// Whether the guest has a firewall at all.
    pub enable: Option<bool>,
    /// What happens to traffic to the guest.
    pub policy_in: Option<Policy>,
    /// What happens to traffic from the guest.
    pub policy_out: Option<Policy>,
    /// Whether it may ask for an address.
    pub dhcp: Option<bool>,
    /// Whether IPv6 may find its neighbours.
    pub ndp: Option<bool>,
    /// Whether it may announce itself as a router.
    pub radv: Option<bool>,
    /// Whether its hardware address is checked.
    pub macfilter: Option<bool>,
    /// Whether its addresses are checked.
    pub ipfilter: Option<bool>,
    /// What the server calls this state of the options.
    pub digest: Option<String>,
}

impl Options {
    /// Tells whether the guest's own switch is on; it is off unless it was set.
    pub fn is_enabled(&self) -> bool {
        self.enable == Some(true)
    }

    /// Returns the policy for traffic to the guest, `DROP` unless it was set.
    pub fn policy_in(&self) -> Policy {
        self.policy_in.unwrap_or(Policy::Drop)
    }

    /// Returns the policy for traffic from the guest, `ACCEPT` unless it was set.
    pub fn policy_out(&self) -> Policy {
        self.policy_out.unwrap_or(Policy::Accept)
    }

    /// Tells whether the guest may ask for an address; it may unless that was switched off, though
    /// the schema says otherwise (API.md §9).
    pub fn allows_dhcp(&self) -> bool {
        self.dhcp != Some(false)
    }
}

/// A named set of addresses, meant in rules as `+NAME`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddressSet {
    /// Its name.
    pub name: Text,
    /// What is written about it.
    pub comment: Option<Text>,
    /// Its addresses.
    pub members: Vec<Member>,
}

/// An address or network in a set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The address or network as the server writes it, a single host without `/32`; or an alias.
    pub cidr: Text,
    /// Whether it is taken out of the set instead.
    pub is_excluded: bool,
    /// What is written about it.
    pub comment: Option<Text>,
}

/// A name for an address or network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alias {
    /// The name.
    pub name: Text,
    /// The address or network.
    pub cidr: Text,
}

/// A named list of rules that firewalls of guests may hold in one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecurityGroup {
    /// Its name.
    pub name: Text,
    /// Its rules.
    pub rules: Rules,
}

/// Everything that a guest's own firewall says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GuestFirewall {
    /// The options.
    pub options: Options,
    /// The rules.
    pub rules: Rules,
    /// The sets.
    pub sets: Vec<AddressSet>,
    /// The aliases.
    pub aliases: Vec<Alias>,
}

/// What the whole datacenter's firewall says about guests; a part that may not be read is `None`.
///
/// Its rules, aliases, sets and switch need Sys.Audit on `/`; the list of groups needs nothing, their
/// rules do (API.md §3).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ClusterFirewall {
    /// Whether firewalls work at all; any number but 0 is on.
    pub is_enabled: Option<bool>,
    /// The sets, meant in rules as `+dc/NAME`, or as `+NAME` where the guest has none of that name.
    pub sets: Option<Vec<AddressSet>>,
    /// The aliases.
    pub aliases: Option<Vec<Alias>>,
    /// The security groups.
    pub groups: Option<Vec<SecurityGroup>>,
}
