//! Whether a packet would pass a guest's firewall, and what decides it.
//!
//! Judged from what was read, not tried: what cannot be known is said and never guessed.

use std::fmt;
use std::net::IpAddr;

use super::current::Current;
use super::fit::{self, Fit, Names};
use crate::domain::firewall::{Direction, GuestFirewall, Policy, Rule};

/// Which way a packet goes, as the guest sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Way {
    /// To the guest.
    In,
    /// From the guest.
    Out,
}

/// What a packet is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// The beginning of a TCP connection.
    Tcp,
    /// A UDP packet.
    Udp,
    /// An echo request.
    Ping,
}

/// A packet of which it is asked whether it would pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Packet {
    /// Which way it goes.
    pub way: Way,
    /// The other end's address.
    pub peer: IpAddr,
    /// What it is.
    pub protocol: Protocol,
    /// The port that it goes to; of no meaning for an echo request.
    pub port: u16,
}

/// Whether a packet would pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// It passes.
    Passes,
    /// It does not.
    Stopped,
    /// It cannot be said.
    Unclear,
}

/// Whether a packet would pass, and what decides it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passage {
    /// Whether it would pass.
    pub verdict: Verdict,
    /// What decides it, in words: a rule, a policy, a switch; or why nothing can be said.
    pub because: String,
    /// The position of the rule that decides it, where one does.
    pub rule: Option<usize>,
    /// What was left out of the judgement, a sentence each.
    pub caveats: Vec<String>,
}

impl fmt::Display for Passage {
    /// Writes `passes: rule 3 (out ACCEPT tcp port 443)`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self.verdict {
            Verdict::Passes => "passes",
            Verdict::Stopped => "does not pass",
            Verdict::Unclear => "cannot be said",
        };
        write!(formatter, "{word}: {}", self.because)
    }
}

/// Judges whether a packet would pass the firewall of one of a guest's cards, as `net0`.
pub fn passage(current: &Current, card: &str, packet: &Packet) -> Passage {
    let mut trial = Trial::new();
    let firewall = match (&current.config, &current.firewall) {
        (Ok(_), Ok(firewall)) => firewall,
        (Err(reason), _) => {
            return trial.unclear(format!("the guest's cards could not be read: {reason}"));
        }
        (_, Err(reason)) => {
            return trial.unclear(format!("the guest's firewall could not be read: {reason}"));
        }
    };
    let cards = current.cards();
    let Some((_, found)) = cards.iter().find(|(key, _)| key == card) else {
        return trial.unclear(format!("the guest has no {card}"));
    };
    let off = if !found.has_firewall() {
        Some(format!("{card} has no firewall=1, nothing is enforced"))
    } else if !firewall.options.is_enabled() {
        Some("the guest's firewall is switched off, nothing is enforced".to_owned())
    } else if current.cluster.is_enabled == Some(false) {
        Some("the datacenter's firewall is switched off, nothing is enforced".to_owned())
    } else {
        None
    };
    if let Some(because) = off {
        return trial.end(Some(true), because, None);
    }
    if current.cluster.is_enabled.is_none() {
        trial.caveats.push(
            "whether the datacenter's firewall is on cannot be read (needs Sys.Audit on /); \
             if it is off, everything passes"
                .to_owned(),
        );
    }
    trial.judge(firewall, current, card, packet)
}

/// A rule that may decide, if what is not known is so.
struct Perhaps {
    position: usize,
    words: String,
    passes: Option<bool>,
    reason: String,
}

/// A judgement in the making.
struct Trial {
    perhaps: Vec<Perhaps>,
    caveats: Vec<String>,
}

impl Trial {
    fn new() -> Self {
        Self {
            perhaps: Vec::new(),
            caveats: Vec::new(),
        }
    }

    fn unclear(self, because: String) -> Passage {
        self.end(None, because, None)
    }

    /// Tries what stands before the rules, the rules in their order, and the policy.
    fn judge(
        mut self,
        firewall: &GuestFirewall,
        current: &Current,
        card: &str,
        packet: &Packet,
    ) -> Passage {
        let names = Names {
            guest: firewall,
            cluster: &current.cluster,
        };
        if asks_for_address(packet) && firewall.options.allows_dhcp() {
            return self.end(
                Some(true),
                "the option dhcp lets it through".to_owned(),
                None,
            );
        }
        if let Some(decided) = self.blacklist(packet, &names) {
            return decided;
        }
        if firewall.options.ipfilter == Some(true) && packet.way == Way::Out {
            let caveat = "ipfilter is on: the guest's own address must be one that it may have";
            self.caveats.push(caveat.to_owned());
        }
        for (position, rule) in firewall.rules.list.iter().enumerate() {
            if !rule.is_enabled || is_of_other_card(rule, card) {
                continue;
            }
            if rule.is_broken {
                let caveat = format!("rule {position} is broken, the server leaves it out: {rule}");
                self.caveats.push(caveat);
                continue;
            }
            let decided = if rule.direction == Direction::Group {
                self.group(position, rule, packet, &names)
            } else {
                self.rule(position, rule, rule, packet, &names)
            };
            if let Some(passes) = decided {
                let because = format!("rule {position} ({rule})");
                return self.end(Some(passes), because, Some(position));
            }
        }
        let (option, policy) = match packet.way {
            Way::In => ("policy_in", firewall.options.policy_in()),
            Way::Out => ("policy_out", firewall.options.policy_out()),
        };
        let because = format!("{option} {}, for no rule is about it", policy.word());
        self.end(Some(policy == Policy::Accept), because, None)
    }

    /// Tries the datacenter's set of peers from whom nothing comes in.
    fn blacklist(&mut self, packet: &Packet, names: &Names<'_>) -> Option<Passage> {
        if packet.way == Way::Out {
            return None;
        }
        let Some(sets) = &names.cluster.sets else {
            let caveat = "the datacenter's set blacklist cannot be read (needs Sys.Audit on /)";
            self.caveats.push(caveat.to_owned());
            return None;
        };
        sets.iter().find(|set| set.name.raw() == "blacklist")?;
        match fit::addresses("+dc/blacklist", packet.peer, names) {
            Fit::Yes => {
                let because = "the datacenter's set blacklist holds the peer".to_owned();
                Some(std::mem::replace(self, Self::new()).end(Some(false), because, None))
            }
            Fit::No => None,
            Fit::Perhaps(reason) => {
                self.caveats
                    .push(format!("the datacenter's set blacklist: {reason}"));
                None
            }
        }
    }

    /// Tries one rule; `shown` is the line of the guest's list through which it came.
    fn rule(
        &mut self,
        position: usize,
        shown: &Rule,
        rule: &Rule,
        packet: &Packet,
        names: &Names<'_>,
    ) -> Option<bool> {
        let passes = Policy::read(rule.action.raw()).map(|policy| policy == Policy::Accept);
        let fit = match &rule.direction {
            Direction::In => Fit::of(packet.way == Way::In),
            Direction::Out => Fit::of(packet.way == Way::Out),
            Direction::Group | Direction::Other(_) => Fit::Perhaps(format!(
                "what a rule of type {} does, is not known",
                rule.direction
            )),
        };
        let reason = match (fit.and(|| fit::rule(rule, packet, names)), passes) {
            (Fit::No, _) => return None,
            (Fit::Yes, Some(passes)) => return Some(passes),
            (Fit::Yes, None) => format!("what {} does, is not known", rule.action),
            (Fit::Perhaps(reason), _) => reason,
        };
        self.perhaps.push(Perhaps {
            position,
            words: shown.to_string(),
            passes,
            reason,
        });
        None
    }

    /// Tries the rules of a security group, which stand in the place of one line.
    fn group(
        &mut self,
        position: usize,
        line: &Rule,
        packet: &Packet,
        names: &Names<'_>,
    ) -> Option<bool> {
        let groups = names.cluster.groups.as_ref();
        let group = groups.map(|all| all.iter().find(|group| group.name == line.action));
        let reason = match group {
            Some(Some(group)) => {
                let rules = group.rules.list.iter();
                let mut counting = rules.filter(|rule| rule.is_enabled && !rule.is_broken);
                return counting.find_map(|rule| self.rule(position, line, rule, packet, names));
            }
            Some(None) => format!("there is no security group {}", line.action),
            None => format!(
                "the rules of security group {} cannot be read (needs Sys.Audit on /)",
                line.action
            ),
        };
        self.perhaps.push(Perhaps {
            position,
            words: line.to_string(),
            passes: None,
            reason,
        });
        None
    }

    /// Ends with a decision, which holds only if nothing that is not known would decide otherwise.
    fn end(mut self, passes: Option<bool>, because: String, rule: Option<usize>) -> Passage {
        let otherwise = self.perhaps.iter().find(|each| each.passes != passes);
        if let Some(Perhaps {
            position,
            words,
            reason,
            ..
        }) = otherwise
        {
            return Passage {
                verdict: Verdict::Unclear,
                because: format!(
                    "rule {position} ({words}) may decide, and {reason}; else {because}"
                ),
                rule: Some(*position),
                caveats: self.caveats,
            };
        }
        let verdict = match passes {
            Some(true) => Verdict::Passes,
            Some(false) => Verdict::Stopped,
            None => Verdict::Unclear,
        };
        if verdict == Verdict::Stopped {
            let caveat = "connections that are open already stay open";
            self.caveats.push(caveat.to_owned());
        }
        Passage {
            verdict,
            because,
            rule,
            caveats: self.caveats,
        }
    }
}

/// Tells whether a packet asks for an address by DHCP, or answers that.
fn asks_for_address(packet: &Packet) -> bool {
    let ports = match (packet.way, packet.peer.is_ipv4()) {
        (Way::Out, true) => 67,
        (Way::In, true) => 68,
        (Way::Out, false) => 547,
        (Way::In, false) => 546,
    };
    packet.protocol == Protocol::Udp && packet.port == ports
}

fn is_of_other_card(rule: &Rule, card: &str) -> bool {
    let own = rule.interface.as_ref();
    own.is_some_and(|interface| interface.raw() != card)
}
