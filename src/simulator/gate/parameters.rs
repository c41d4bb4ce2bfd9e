//! Checks parameters as the schema says, in the real server's words.
//!
//! Refuses to interpret them; handlers do.

use std::collections::BTreeMap;

use super::answer::Failure;
use super::catalogue::{Parameter, Route};

/// Parameters that passed, by name; lists and booleans are still text.
pub(in crate::simulator) type Parameters = BTreeMap<String, String>;

/// What a value must look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::simulator) enum Format {
    /// Any text.
    Text,
    /// `0` or `1`.
    Boolean,
    /// Digits with an optional sign.
    Integer,
    /// A decimal number.
    Number,
    /// A node's name.
    Node,
    /// A guest's number.
    Vmid,
    /// Several guests' numbers.
    VmidList,
    /// A storage's name.
    Storage,
    /// A name of a snapshot or an option.
    ConfigId,
    /// Several of them.
    ConfigIdList,
    /// A DNS name.
    DnsName,
    /// Tags.
    Tags,
    /// A pool's name.
    Pool,
    /// A user's name.
    User,
    /// Classes of tasks.
    TaskStatusList,
    /// A token's name.
    TokenName,
    /// `5G` or `+5G`.
    DiskSize,
    /// Memory of a virtual machine.
    Memory,
    /// A network card of a virtual machine.
    Card,
    /// Something of the firewall, checked there.
    Firewall(super::super::firewall::Field),
}

impl Format {
    pub(super) fn from_word(word: &str) -> Self {
        use super::super::firewall::Field;
        match word {
            "boolean" => Self::Boolean,
            "integer" => Self::Integer,
            "number" => Self::Number,
            "node" => Self::Node,
            "vmid" => Self::Vmid,
            "vmid-list" => Self::VmidList,
            "storage" => Self::Storage,
            "configid" => Self::ConfigId,
            "configid-list" => Self::ConfigIdList,
            "dns-name" => Self::DnsName,
            "tags" => Self::Tags,
            "pool" => Self::Pool,
            "userid" => Self::User,
            "task-status-list" => Self::TaskStatusList,
            "token-id" => Self::TokenName,
            "disk-size" => Self::DiskSize,
            "memory" => Self::Memory,
            "net-qemu" => Self::Card,
            "fw-name" => Self::Firewall(Field::Name),
            "fw-address" => Self::Firewall(Field::Address),
            "fw-port" => Self::Firewall(Field::Port),
            "fw-icmp" => Self::Firewall(Field::IcmpType),
            "fw-protocol" => Self::Firewall(Field::Protocol),
            "cidr" => Self::Firewall(Field::Network),
            "cidr-or-alias" => Self::Firewall(Field::NetworkOrAlias),
            "iface" => Self::Firewall(Field::Interface),
            _ => Self::Text,
        }
    }

    /// Names the type that a value fails to have, if it fails.
    fn mistyped(self, value: &str) -> Option<&'static str> {
        if self == Self::Boolean {
            return (!matches!(value, "0" | "1")).then_some("boolean");
        }
        if self == Self::Integer || self == Self::Vmid {
            return (!is_integer(value)).then_some("integer");
        }
        (self == Self::Number && !is_number(value)).then_some("number")
    }
}

fn is_integer(text: &str) -> bool {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    !digits.is_empty() && digits.chars().all(|letter| letter.is_ascii_digit())
}

fn is_number(text: &str) -> bool {
    text.parse::<f64>().is_ok_and(f64::is_finite) && !text.contains(['i', 'n', 'N', 'I'])
}

/// Checks what was sent against the table.
pub(in crate::simulator) fn check(
    route: &Route,
    sent: Vec<(String, String)>,
) -> Result<Parameters, Failure> {
    let mut errors = BTreeMap::new();
    let mut accepted = Parameters::new();
    for (name, value) in sent {
        let Some(parameter) = find(route, &name) else {
            let why = "property is not defined in schema and the schema does not allow additional properties";
            errors.insert(name, why.to_owned());
            continue;
        };
        match examine(&name, parameter, &value) {
            Ok(()) => {
                accepted.insert(name, value);
            }
            Err(why) => {
                errors.insert(name, why);
            }
        }
    }
    for (name, parameter) in &route.parameters {
        let given = accepted.contains_key(name) || errors.contains_key(name);
        if !parameter.optional && !given {
            errors.insert(
                name.clone(),
                "property is missing and it is not optional".to_owned(),
            );
        }
        if given
            && let Some(other) = &parameter.requires
            && !accepted.contains_key(other)
        {
            errors.insert(
                other.clone(),
                format!("missing property - '{name}' requires this property"),
            );
        }
    }
    if errors.is_empty() {
        Ok(accepted)
    } else {
        Err(Failure::parameters(errors))
    }
}

/// Finds a parameter by its name, numbered ones included: `net3` is one of `net[n]`.
fn find<'a>(route: &'a Route, name: &str) -> Option<&'a Parameter> {
    route.parameters.get(name).or_else(|| {
        let stem = name.trim_end_matches(|letter: char| letter.is_ascii_digit());
        let number = &name[stem.len()..];
        let sound =
            !number.is_empty() && number.len() <= 3 && (number == "0" || !number.starts_with('0'));
        sound
            .then(|| route.parameters.get(&format!("{stem}[n]")))
            .flatten()
    })
}

fn examine(name: &str, parameter: &Parameter, value: &str) -> Result<(), String> {
    if let Some(word) = parameter.format.mistyped(value) {
        return Err(format!("type check ('{word}') failed - got '{value}'"));
    }
    examine_format(name, parameter.format, value)
        .map_err(|why| format!("invalid format - {why}\n"))?;
    let length = value.chars().count();
    if let Some(longest) = parameter.longest
        && length > longest
    {
        return Err(format!("value may only be {longest} characters long"));
    }
    if let Some(shortest) = parameter.shortest
        && length < shortest
    {
        return Err(format!("value must be at least {shortest} characters long"));
    }
    if !parameter.choices.is_empty() && !parameter.choices.iter().any(|choice| choice == value) {
        let choices = parameter.choices.join(", ");
        return Err(format!(
            "value '{value}' does not have a value in the enumeration '{choices}'"
        ));
    }
    let number: Option<f64> = value.parse().ok();
    if let (Some(minimum), Some(number)) = (parameter.minimum, number)
        && number < minimum
    {
        return Err(format!("value must have a minimum value of {minimum}"));
    }
    if let (Some(maximum), Some(number)) = (parameter.maximum, number)
        && number > maximum
    {
        return Err(format!("value must have a maximum value of {maximum}"));
    }
    Ok(())
}

fn examine_format(name: &str, format: Format, value: &str) -> Result<(), String> {
    let fine = |sound: bool, why: &str| if sound { Ok(()) } else { Err(why.to_owned()) };
    match format {
        // A pool's name is looked at by the permission check before the schema gets to see it.
        Format::Text | Format::Boolean | Format::Integer | Format::Number | Format::Pool => Ok(()),
        Format::Node => fine(
            is_label(value),
            "value does not look like a valid node name",
        ),
        Format::Vmid => fine(is_vmid(value), "value does not look like a valid VM ID"),
        Format::VmidList => fine(
            split_list(value).iter().all(|one| is_vmid(one)),
            "value does not look like a valid VM ID",
        ),
        Format::Storage => fine(
            is_identifier(value, 2, ".-_"),
            &format!("storage ID '{value}' contains illegal characters"),
        ),
        Format::ConfigId => config_id(value),
        Format::ConfigIdList => split_list(value).iter().try_for_each(|one| config_id(one)),
        Format::DnsName => fine(
            is_dns_name(value),
            "value does not look like a valid DNS name",
        ),
        Format::Tags => fine(
            split_tags(value).iter().all(|tag| is_tag(tag)),
            "invalid characters in tag",
        ),
        Format::User => fine(
            value.contains('@'),
            &format!("value '{value}' does not look like a valid user name"),
        ),
        Format::TaskStatusList => split_list(value)
            .iter()
            .find(|one| !matches!(one.as_str(), "ok" | "error" | "warning" | "unknown"))
            .map_or(Ok(()), |bad| Err(format!("invalid status '{bad}'"))),
        Format::TokenName => fine(
            is_identifier(value, 2, ".-_"),
            "value does not match the regex pattern",
        ),
        Format::DiskSize => {
            let size = value.strip_prefix('+').unwrap_or(value);
            fine(
                super::super::world::guest::parse_size(size).is_some(),
                "value does not match the regex pattern",
            )
        }
        Format::Memory => {
            let text = value.strip_prefix("current=").unwrap_or(value);
            if !is_integer(text) {
                return Err(format!(
                    "format error\n{name}.current: type check ('integer') failed - got '{text}'"
                ));
            }
            let sound = text.parse::<i64>().is_ok_and(|memory| memory >= 16);
            fine(
                sound,
                &format!("format error\n{name}.current: value must have a minimum value of 16"),
            )
        }
        Format::Card => card(name, value),
        Format::Firewall(field) => super::super::firewall::examine(field, value),
    }
}

fn card(name: &str, value: &str) -> Result<(), String> {
    const KEYS: [&str; 10] = [
        "model",
        "macaddr",
        "bridge",
        "firewall",
        "tag",
        "trunks",
        "rate",
        "queues",
        "mtu",
        "link_down",
    ];
    const MODELS: [&str; 6] = [
        "virtio", "e1000", "e1000e", "rtl8139", "vmxnet3", "ne2k_pci",
    ];
    let mut model = false;
    for part in value.split(',') {
        let (key, _) = part.split_once('=').unwrap_or((part, ""));
        if MODELS.contains(&key) || key == "model" {
            model = true;
        } else if !KEYS.contains(&key) {
            return Err(format!(
                "format error\n{name}.{key}: property is not defined in schema and the schema does not allow additional properties"
            ));
        }
    }
    if model {
        Ok(())
    } else {
        Err(format!(
            "format error\n{name}.model: property is missing and it is not optional"
        ))
    }
}

fn config_id(value: &str) -> Result<(), String> {
    let sound = is_identifier(value, 2, "-_");
    if sound {
        Ok(())
    } else {
        Err(format!("invalid configuration ID '{value}'"))
    }
}

/// Tells whether a text begins with a letter and goes on with letters, digits and the given signs.
fn is_identifier(text: &str, shortest: usize, signs: &str) -> bool {
    text.len() >= shortest
        && text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || signs.contains(letter))
}

fn is_label(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 63
        && !text.starts_with('-')
        && !text.ends_with('-')
        && text
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || letter == '-')
}

/// Tells whether a text is a DNS name.
pub(in crate::simulator) fn is_dns_name(text: &str) -> bool {
    text.split('.').all(is_label)
}

fn is_vmid(text: &str) -> bool {
    text.parse::<u32>()
        .is_ok_and(|vmid| (100..=999_999_999).contains(&vmid))
        && !text.starts_with('0')
}

fn is_tag(tag: &str) -> bool {
    tag.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '_')
        && tag
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || "_-+.".contains(letter))
}

/// Splits a list parameter at commas, semicolons and blanks.
pub(in crate::simulator) fn split_list(text: &str) -> Vec<String> {
    text.split([',', ';', ' ', '\0'])
        .filter(|part| !part.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Splits tags as they are sent.
pub(in crate::simulator) fn split_tags(text: &str) -> Vec<String> {
    split_list(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulator::gate::catalogue::Catalogue;

    fn errors(method: &str, path: &str, sent: &[(&str, &str)]) -> BTreeMap<String, String> {
        let catalogue = Catalogue::shared();
        let (route, mut all) = catalogue.find(method, path).unwrap();
        all.extend(
            sent.iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
        );
        check(route, all)
            .err()
            .map(|failure| failure.errors)
            .unwrap_or_default()
    }

    #[test]
    fn refusals_use_the_recorded_words() {
        let path = "/nodes/pve1/qemu/101/config";
        let found = errors(
            "PUT",
            path,
            &[
                ("memory", "abc"),
                ("cores", "0"),
                ("name", "bad_name!"),
                ("bogus", "1"),
            ],
        );
        assert_eq!(
            found["memory"],
            "invalid format - format error\nmemory.current: type check ('integer') failed - got 'abc'\n"
        );
        assert_eq!(found["cores"], "value must have a minimum value of 1");
        assert_eq!(
            found["name"],
            "invalid format - value does not look like a valid DNS name\n"
        );
        assert!(found["bogus"].starts_with("property is not defined in schema"));
    }

    #[test]
    fn booleans_are_digits() {
        let found = errors("PUT", "/nodes/pve1/qemu/101/config", &[("onboot", "yes")]);
        assert_eq!(found["onboot"], "type check ('boolean') failed - got 'yes'");
        assert!(
            errors(
                "PUT",
                "/nodes/pve1/qemu/101/config",
                &[("onboot", "1"), ("net31", "virtio")]
            )
            .is_empty()
        );
    }

    #[test]
    fn snapshot_names() {
        let path = "/nodes/pve1/qemu/101/snapshot";
        let long = "a".repeat(41);
        assert_eq!(
            errors("POST", path, &[("snapname", "a b")])["snapname"],
            "invalid format - invalid configuration ID 'a b'\n"
        );
        assert_eq!(
            errors("POST", path, &[("snapname", &long)])["snapname"],
            "value may only be 40 characters long"
        );
        assert_eq!(
            errors("POST", path, &[])["snapname"],
            "property is missing and it is not optional"
        );
    }
}
