//! A firewall as the server keeps it, for tests: it takes calls, and knows nothing of plans.
//!
//! New rules come first and are off unless they say otherwise; `moveto` names the rule before which
//! the moved one comes to stand; sets hold an address once (API.md §9, recordings 1090–1300).

use std::collections::BTreeMap;

use proxdeck::domain::firewall::{
    AddressSet, ClusterFirewall, Direction, GuestFirewall, Member, Options, Policy, Rule,
};
use proxdeck::domain::guest::GuestRef;
use proxdeck::domain::guest_config::GuestConfig;
use proxdeck::domain::id::{GuestKind, Vmid};
use proxdeck::domain::network::{
    Current, Destination, NetworkPlan, NetworkProfile, Resolved, plan,
};
use proxdeck::domain::operation::Call;
use proxdeck::domain::text::Text;

/// The moment at which the tests begin.
pub(crate) const NOON: i64 = 1_795_780_800;

pub(crate) fn guest() -> GuestRef {
    GuestRef {
        vmid: Vmid::new(104).unwrap(),
        kind: GuestKind::Qemu,
        node: "pve1".parse().unwrap(),
        name: Some("agent-4".into()),
    }
}

pub(crate) fn resolved(hours: i64, names: &[(&str, &[&str])]) -> Resolved {
    let time = chrono::DateTime::from_timestamp(NOON + hours * 3600, 0).unwrap();
    let answers = names.iter().map(|(name, addresses)| {
        let addresses = addresses.iter().map(|address| address.parse().unwrap());
        (*name, addresses.collect())
    });
    answers.fold(Resolved::new(time), |all, (name, addresses)| {
        all.with(name, Ok(addresses))
    })
}

pub(crate) fn destinations(list: &[&str]) -> Vec<Destination> {
    list.iter().map(|each| each.parse().unwrap()).collect()
}

/// A profile on `vmbr1` that fences: whatever is not allowed is blocked.
pub(crate) fn profile(name: &str, allow: &[&str]) -> NetworkProfile {
    NetworkProfile {
        name: name.to_owned(),
        bridge: "vmbr1".parse().unwrap(),
        firewall: true,
        allow: destinations(allow),
        block: destinations(&["0.0.0.0/0"]),
        allow_in: Some(Vec::new()),
        dns: Some(vec!["10.0.0.53".parse().unwrap()]),
    }
}

/// Makes a rule from `out ACCEPT proto=tcp dport=443 comment=x`; one that begins with `!` is off.
pub(crate) fn rule(text: &str) -> Rule {
    let (text, is_enabled) = match text.strip_prefix('!') {
        Some(text) => (text, false),
        None => (text, true),
    };
    let mut words = text.split(' ');
    let direction = match words.next() {
        Some("in") => Direction::In,
        Some("out") => Direction::Out,
        Some("group") => Direction::Group,
        other => panic!("{other:?}"),
    };
    let mut rule = Rule::new(direction, words.next().unwrap());
    rule.is_enabled = is_enabled;
    for word in words {
        let (key, value) = word.split_once('=').unwrap();
        set(&mut rule, key, value);
    }
    rule
}

fn set(rule: &mut Rule, key: &str, value: &str) {
    let value = Some(Text::from(value));
    match key {
        "macro" => rule.macro_name = value,
        "proto" => rule.protocol = value,
        "source" => rule.source = value,
        "dest" => rule.destination = value,
        "sport" => rule.source_port = value,
        "dport" => rule.destination_port = value,
        "iface" => rule.interface = value,
        "icmp-type" => rule.icmp_type = value,
        "log" => rule.log = value,
        "comment" => rule.comment = value,
        other => panic!("no field {other}"),
    }
}

/// One guest's configuration and firewall, and the datacenter's switch.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Server {
    pub(crate) config: BTreeMap<String, String>,
    pub(crate) firewall: GuestFirewall,
    pub(crate) cluster: ClusterFirewall,
}

impl Server {
    pub(crate) fn new() -> Self {
        let card = "virtio=BC:24:11:AA:BB:CC,bridge=vmbr0,tag=5,queues=4,mystery=x";
        Self {
            config: BTreeMap::from([("net0".to_owned(), card.to_owned())]),
            firewall: GuestFirewall::default(),
            cluster: ClusterFirewall {
                is_enabled: Some(true),
                sets: Some(Vec::new()),
                aliases: Some(Vec::new()),
                groups: Some(Vec::new()),
            },
        }
    }

    pub(crate) fn with_rules(mut self, rules: &[&str]) -> Self {
        self.firewall.rules.list = rules.iter().map(|text| rule(text)).collect();
        self
    }

    pub(crate) fn with_options(mut self, change: impl FnOnce(&mut Options)) -> Self {
        change(&mut self.firewall.options);
        self
    }

    pub(crate) fn current(&self) -> Current {
        let options = self
            .config
            .iter()
            .map(|(key, value)| (key.clone(), Text::from(value.as_str())));
        Current {
            config: Ok(GuestConfig::new(options, Some("config".to_owned()))),
            firewall: Ok(self.firewall.clone()),
            cluster: self.cluster.clone(),
        }
    }

    pub(crate) fn plan(&self, profile: &NetworkProfile, resolved: &Resolved) -> NetworkPlan {
        plan(&guest(), profile, resolved, &self.current())
    }

    /// Applies a profile to which nobody objects.
    pub(crate) fn apply(&mut self, profile: &NetworkProfile, resolved: &Resolved) {
        let _ = self.applied(profile, resolved);
    }

    /// Applies a profile to which nobody objects, and returns the plan.
    pub(crate) fn applied(&mut self, profile: &NetworkProfile, resolved: &Resolved) -> NetworkPlan {
        let plan = self.plan(profile, resolved);
        assert_eq!(plan.objections(), []);
        self.execute(&plan);
        plan
    }

    pub(crate) fn execute(&mut self, plan: &NetworkPlan) {
        for call in plan.calls() {
            self.take(&call);
        }
    }

    /// Does what a call says, or fails as the server would.
    pub(crate) fn take(&mut self, call: &Call) {
        let path = call
            .path
            .strip_prefix("/nodes/pve1/qemu/104/")
            .unwrap_or_else(|| panic!("{call}"));
        let parts: Vec<String> = path.split('/').map(decode).collect();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        match (call.method, parts.as_slice()) {
            ("POST", ["firewall", "rules"]) => self.post_rule(call),
            ("PUT", ["firewall", "rules", position]) => self.put_rule(call, position),
            ("DELETE", ["firewall", "rules", position]) => {
                self.firewall.rules.list.remove(position.parse().unwrap());
            }
            ("PUT", ["firewall", "options"]) => self.put_options(call),
            ("POST", ["firewall", "ipset"]) => self.post_set(call),
            ("DELETE", ["firewall", "ipset", name]) => {
                let at = self.set_at(name);
                let set = self.firewall.sets.remove(at);
                assert!(set.members.is_empty() || parameter(call, "force") == Some("1"));
            }
            ("POST", ["firewall", "ipset", name]) => self.post_member(call, name),
            (method, ["firewall", "ipset", name, cidr]) => {
                let at = self.set_at(name);
                let members = &mut self.firewall.sets[at].members;
                let place = members
                    .iter()
                    .position(|each| each.cidr.raw() == *cidr)
                    .unwrap_or_else(|| panic!("no such member: {call}"));
                match method {
                    "DELETE" => drop(members.remove(place)),
                    "PUT" => members[place].comment = parameter(call, "comment").map(Text::from),
                    _ => panic!("{call}"),
                }
            }
            ("PUT", ["config"]) => {
                let card = parameter(call, "net0").unwrap();
                self.config.insert("net0".to_owned(), card.to_owned());
            }
            _ => panic!("the server knows no {call}"),
        }
    }

    fn post_rule(&mut self, call: &Call) {
        let words = (parameter(call, "type"), parameter(call, "action"));
        let mut new = rule(&format!("!{} {}", words.0.unwrap(), words.1.unwrap()));
        for (key, value) in &call.parameters {
            match *key {
                "type" | "action" => {}
                "enable" => new.is_enabled = value == "1",
                "comment" => {
                    let line = value.lines().next().unwrap_or_default().trim();
                    assert_eq!(line, value, "the server keeps one line only");
                    new.comment = Some(line.into());
                }
                key => set(&mut new, key, value),
            }
        }
        assert!(new.destination_port.is_none() || new.protocol.is_some());
        for end in [&new.source, &new.destination].into_iter().flatten() {
            if let Some(name) = end.raw().strip_prefix('+') {
                self.set_at(name);
            }
        }
        self.firewall.rules.list.insert(0, new);
    }

    fn put_rule(&mut self, call: &Call, position: &str) {
        let position: usize = position.parse().unwrap();
        let list = &mut self.firewall.rules.list;
        if let Some(target) = parameter(call, "moveto") {
            // It comes to stand before the rule that is at the target now.
            let target: usize = target.parse().unwrap();
            let moved = list.remove(position);
            let place = if target > position {
                target - 1
            } else {
                target
            };
            list.insert(place.min(list.len()), moved);
            return;
        }
        assert_eq!(call.parameters, [("enable", "1".to_owned())]);
        list[position].is_enabled = true;
    }

    fn put_options(&mut self, call: &Call) {
        let options = &mut self.firewall.options;
        for (key, value) in &call.parameters {
            let policy = Policy::read(value);
            let flag = Some(value == "1");
            match *key {
                "enable" => options.enable = flag,
                "dhcp" => options.dhcp = flag,
                "policy_in" => options.policy_in = Some(policy.unwrap()),
                "policy_out" => options.policy_out = Some(policy.unwrap()),
                "delete" => {
                    for key in value.split(',') {
                        match key {
                            "enable" => options.enable = None,
                            "dhcp" => options.dhcp = None,
                            "policy_in" => options.policy_in = None,
                            "policy_out" => options.policy_out = None,
                            other => panic!("no option {other}"),
                        }
                    }
                }
                other => panic!("no option {other}"),
            }
        }
    }

    fn post_set(&mut self, call: &Call) {
        let name = parameter(call, "name").unwrap();
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        assert!((2..=64).contains(&name.len()) && name.chars().all(fits));
        assert!(self.firewall.sets.iter().all(|set| set.name.raw() != name));
        self.firewall.sets.push(AddressSet {
            name: name.into(),
            comment: parameter(call, "comment").map(Text::from),
            members: Vec::new(),
        });
    }

    fn post_member(&mut self, call: &Call, name: &str) {
        let cidr = parameter(call, "cidr").unwrap();
        assert!(!cidr.ends_with("/0"), "no set takes everything");
        let cidr = cidr.trim_end_matches("/32").trim_end_matches("/128");
        let at = self.set_at(name);
        let members = &mut self.firewall.sets[at].members;
        assert!(
            members.iter().all(|each| each.cidr.raw() != cidr),
            "address '{cidr}' already exists"
        );
        members.push(Member {
            cidr: cidr.into(),
            is_excluded: false,
            comment: parameter(call, "comment").map(Text::from),
        });
    }

    fn set_at(&self, name: &str) -> usize {
        let mut sets = self.firewall.sets.iter();
        sets.position(|set| set.name.raw() == name)
            .unwrap_or_else(|| panic!("no such IPSet '{name}'"))
    }

    /// Writes the rules, one a line, for comparing.
    pub(crate) fn rules(&self) -> Vec<String> {
        let rules = self.firewall.rules.list.iter();
        rules.map(ToString::to_string).collect()
    }

    /// Writes the members of a set.
    pub(crate) fn members(&self, name: &str) -> Vec<String> {
        let members = self.firewall.sets[self.set_at(name)].members.iter();
        members.map(|member| member.cidr.to_string()).collect()
    }

    pub(crate) fn set_names(&self) -> Vec<String> {
        let sets = self.firewall.sets.iter();
        let mut names: Vec<String> = sets.map(|set| set.name.to_string()).collect();
        names.sort();
        names
    }
}

fn parameter<'a>(call: &'a Call, name: &str) -> Option<&'a str> {
    let mut found = call.parameters.iter().filter(|(key, _)| *key == name);
    let value = found.next().map(|(_, value)| value.as_str());
    assert!(found.next().is_none(), "{name} twice in {call}");
    value
}

fn decode(part: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = part.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        if *first == b'%' {
            let digits = std::str::from_utf8(&tail[..2]).unwrap();
            bytes.push(u8::from_str_radix(digits, 16).unwrap());
            rest = &tail[2..];
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    String::from_utf8(bytes).unwrap()
}
