//! From firewalls as sent to values that mean something.

use super::convert::text;
use super::wire::firewall::{AliasRow, FirewallOptions, GroupRow, MemberRow, RuleRow, SetRow};
use super::wire::lenient::Rows;
use crate::domain::firewall::{AddressSet, Alias, Direction, Member, Options, Policy, Rule, Rules};
use crate::domain::text::Text;

/// Reads the options of a guest; a policy that is no word of this program's is not there.
pub(super) fn options(options: FirewallOptions) -> Options {
    Options {
        enable: options.enable,
        policy_in: policy(options.policy_in.as_deref()),
        policy_out: policy(options.policy_out.as_deref()),
        dhcp: options.dhcp,
        ndp: options.ndp,
        radv: options.radv,
        macfilter: options.macfilter,
        ipfilter: options.ipfilter,
        digest: options.digest,
    }
}

/// Reads the datacenter's switch, which is off unless it was set.
pub(super) fn is_enabled(options: &FirewallOptions) -> bool {
    options.enable == Some(true)
}

fn policy(word: Option<&str>) -> Option<Policy> {
    let word = word?;
    [Policy::Accept, Policy::Drop, Policy::Reject]
        .into_iter()
        .find(|policy| policy.word().eq_ignore_ascii_case(word))
}

/// Reads rules in the order of their positions.
///
/// Nothing is left out, not even what makes no sense: a rule that is missing from the list would
/// give every later one a wrong position. What is no object at all ends the reading.
pub(super) fn rules(list: Rows<RuleRow>) -> Option<Rules> {
    if list.rejected > 0 {
        return None;
    }
    let mut rows = list.rows;
    rows.sort_by_key(|row| row.pos);
    let digest = rows.first().and_then(|row| row.digest.clone());
    let list = rows.into_iter().map(rule).collect();
    Some(Rules { list, digest })
}

fn rule(row: RuleRow) -> Rule {
    let direction = match row.direction.as_deref() {
        Some("in") => Direction::In,
        Some("out") => Direction::Out,
        Some("group") => Direction::Group,
        other => Direction::Other(Text::from(other.unwrap_or_default())),
    };
    Rule {
        direction,
        action: Text::new(row.action.unwrap_or_default()),
        is_enabled: row.enable == Some(true),
        macro_name: text(row.macro_name.as_ref()),
        protocol: text(row.proto.as_ref()),
        source: text(row.source.as_ref()),
        destination: text(row.dest.as_ref()),
        source_port: text(row.sport.as_ref()),
        destination_port: text(row.dport.as_ref()),
        interface: text(row.iface.as_ref()),
        icmp_type: text(row.icmp_type.as_ref()),
        log: text(row.log.as_ref()),
        comment: text(row.comment.as_ref()),
        is_broken: row.errors.is_some_and(|errors| !errors.is_empty()),
    }
}

/// Reads sets, without their members, which are asked for one by one.
pub(super) fn sets(list: Rows<SetRow>) -> Vec<AddressSet> {
    let sets = list.rows.into_iter().filter_map(|row| {
        Some(AddressSet {
            name: text(row.name.as_ref())?,
            comment: text(row.comment.as_ref()),
            members: Vec::new(),
        })
    });
    sets.collect()
}

pub(super) fn members(list: Rows<MemberRow>) -> Vec<Member> {
    let members = list.rows.into_iter().filter_map(|row| {
        Some(Member {
            cidr: text(row.cidr.as_ref())?,
            is_excluded: row.nomatch == Some(true),
            comment: text(row.comment.as_ref()),
        })
    });
    members.collect()
}

pub(super) fn aliases(list: Rows<AliasRow>) -> Vec<Alias> {
    let aliases = list.rows.into_iter().filter_map(|row| {
        Some(Alias {
            name: text(row.name.as_ref())?,
            cidr: text(row.cidr.as_ref())?,
        })
    });
    aliases.collect()
}

/// Reads the names of security groups.
pub(super) fn groups(list: Rows<GroupRow>) -> Vec<Text> {
    let names = list.rows.into_iter();
    names.filter_map(|row| text(row.group.as_ref())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Option<Rules> {
        rules(serde_json::from_str(json).unwrap())
    }

    #[test]
    fn pitfall_30_rules_keep_their_positions_and_count_only_when_switched_on() {
        // Recordings 415 and 1268, shortened and shuffled.
        let rules = read(
            r#"[{"type":"in","enable":1,"pos":2,"macro":"HTTP","action":"ACCEPT","digest":"d1"},
                {"action":"REJECT","pos":0,"type":"in","digest":"d1","enable":0},
                {"pos":"3","type":"out","action":"ACCEPT","enable":"1","dest":"gw","errors":{"dest":"no such alias 'gw'"},
                 "proto":"tcp","dport":22,"icmp-type":"","comment":"\u001b[31mred"},
                {"pos":1,"type":"forward","action":null}]"#,
        )
        .unwrap();
        let [first, odd, web, broken] = <[Rule; 4]>::try_from(rules.list).unwrap();
        assert_eq!(rules.digest.as_deref(), Some("d1"));
        assert!(!first.is_enabled && web.is_enabled && !odd.is_enabled);
        assert_eq!(odd.direction, Direction::Other("forward".into()));
        assert_eq!(web.macro_name, Some("HTTP".into()));
        assert!(broken.is_broken && broken.is_enabled && !web.is_broken);
        assert_eq!(broken.destination_port, Some("22".into()));
        assert_eq!(broken.icmp_type, None);
        assert_eq!(broken.comment.unwrap().raw(), "\u{1b}[31mred");
    }

    #[test]
    fn a_list_with_something_unreadable_has_no_positions() {
        assert_eq!(read("[]"), Some(Rules::default()));
        assert_eq!(read(r#"[{"pos":0,"type":"in","action":"DROP"},7]"#), None);
    }

    #[test]
    fn options_are_absent_unless_they_were_set() {
        let read = |json: &str| options(serde_json::from_str(json).unwrap());
        let unset = read(r#"{"digest":"da39"}"#);
        assert_eq!(unset.digest.as_deref(), Some("da39"));
        assert!(!unset.is_enabled() && unset.allows_dhcp());
        assert_eq!(
            (unset.policy_in(), unset.policy_out()),
            (Policy::Drop, Policy::Accept)
        );
        // Recording 1289, with some of its numbers as other servers spell them.
        let set = read(
            r#"{"enable":"1","policy_out":"REJECT","ndp":0,"policy_in":"MAYBE","dhcp":false,"ipfilter":1}"#,
        );
        assert!(set.is_enabled() && !set.allows_dhcp());
        assert_eq!(
            (set.policy_in, set.policy_out),
            (None, Some(Policy::Reject))
        );
        assert_eq!((set.ndp, set.ipfilter), (Some(false), Some(true)));
    }

    #[test]
    fn the_datacenter_s_switch_is_on_for_every_number_but_0() {
        let read = |json: &str| is_enabled(&serde_json::from_str(json).unwrap());
        for on in [
            r#"{"enable":1}"#,
            r#"{"enable":1795451756}"#,
            r#"{"enable":"1"}"#,
        ] {
            assert!(read(on), "{on}");
        }
        for off in ["{}", r#"{"enable":0}"#, r#"{"enable":null}"#] {
            assert!(!read(off), "{off}");
        }
    }
}
