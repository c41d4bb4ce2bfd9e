//! Calls about rules: of guests, and of the datacenter's security groups.
//!
//! Refuses a rule that means what is not there.

use serde_json::{Map, Value, json};

use super::{NOT_FIELDS, done, file, file_mut, missing_reference, unchanged};
use crate::simulator::firewall::{File, MACROS, Rule, family, is_name};
use crate::simulator::gate::answer::{Failure, Reply};
use crate::simulator::gate::call::Call;
use crate::simulator::gate::parameters::split_list;

/// Returns a rule as lists show it.
fn rule_row(datacenter: &File, file: &File, rule: &Rule, position: usize) -> Value {
    let mut row: Map<String, Value> = rule
        .iter()
        .map(|(key, value)| (key.clone(), json!(value)))
        .collect();
    let enabled = rule
        .get("enable")
        .and_then(|value| value.parse::<i64>().ok())
        .unwrap_or(0);
    row.insert("enable".into(), json!(enabled));
    row.insert("pos".into(), json!(position));
    row.insert("digest".into(), json!(file.rules_digest()));
    if let Some(version) = ["source", "dest"]
        .iter()
        .find_map(|key| rule.get(*key).and_then(|text| family(text)))
    {
        row.insert("ipversion".into(), json!(version));
    }
    let errors: Map<String, Value> = ["source", "dest"]
        .iter()
        .filter_map(|key| {
            Some((
                (*key).to_owned(),
                json!(missing_reference(datacenter, file, rule.get(*key)?)?),
            ))
        })
        .collect();
    if !errors.is_empty() {
        row.insert("errors".into(), Value::Object(errors));
    }
    Value::Object(row)
}

pub(in crate::simulator::routes) fn rules(call: &mut Call<'_>) -> Result<Reply, Failure> {
    let (datacenter, file) = (&call.world.firewall.datacenter, file(call));
    let rows = file
        .rules
        .iter()
        .enumerate()
        .map(|(position, rule)| rule_row(datacenter, file, rule, position));
    Ok(Reply::Data(rows.collect()))
}

pub(in crate::simulator::routes) fn groups(call: &mut Call<'_>) -> Result<Reply, Failure> {
    let firewalls = &call.world.firewall;
    let digest = firewalls.groups_digest();
    let rows = firewalls.groups.keys();
    Ok(Reply::Data(
        rows.map(|name| json!({ "group": name, "digest": digest }))
            .collect(),
    ))
}

pub(in crate::simulator::routes) fn group_rules(call: &mut Call<'_>) -> Result<Reply, Failure> {
    let name = call.required("group");
    let datacenter = &call.world.firewall.datacenter;
    let rules = call.world.firewall.groups.get(name);
    // Assumed: the words for a group that is not there.
    let rules =
        rules.ok_or_else(|| Failure::internal(format!("no such security group '{name}'")))?;
    let file = File {
        rules: rules.clone(),
        ..File::default()
    };
    let rows = file
        .rules
        .iter()
        .enumerate()
        .map(|(position, rule)| rule_row(datacenter, &file, rule, position));
    Ok(Reply::Data(rows.collect()))
}

fn position(call: &Call<'_>) -> Result<usize, Failure> {
    let position = call
        .integer("pos")
        .and_then(|number| usize::try_from(number).ok())
        .unwrap_or(usize::MAX);
    if position < file(call).rules.len() {
        return Ok(position);
    }
    Err(Failure::internal(format!(
        "no rule at position {}",
        call.required("pos")
    )))
}

pub(in crate::simulator::routes) fn rule(call: &mut Call<'_>) -> Result<Reply, Failure> {
    let position = position(call)?;
    let (datacenter, file) = (&call.world.firewall.datacenter, file(call));
    let mut row = rule_row(datacenter, file, &file.rules[position], position);
    // Alone its position is text, in a list it is a number.
    row["pos"] = json!(position.to_string());
    Ok(Reply::Data(row))
}

/// Returns the fields that a call sets, cleaned as the file keeps them.
fn fields(call: &Call<'_>) -> Rule {
    call.parameters
        .iter()
        .filter(|(name, _)| !NOT_FIELDS.contains(&name.as_str()))
        .map(|(name, value)| {
            let first_line = value.lines().next().unwrap_or("");
            (
                name.clone(),
                if name == "comment" {
                    first_line.to_owned()
                } else {
                    value.clone()
                },
            )
        })
        .collect()
}

/// Checks what needs the whole rule.
fn check(call: &Call<'_>, rule: &Rule) -> Result<(), Failure> {
    let text = |key: &str| rule.get(key).map_or("", String::as_str);
    if text("type") == "forward" {
        return Err(Failure::parameter(
            "type",
            "invalid rule type 'forward' for rule_env 'vm'",
        ));
    }
    if !is_name(text("action")) {
        return Err(Failure::parameter(
            "action",
            "value does not match the regex pattern",
        ));
    }
    for key in ["dport", "sport"] {
        if rule.contains_key(key) && !rule.contains_key("proto") && !rule.contains_key("macro") {
            return Err(Failure::parameter(
                "proto",
                format!("missing property - '{key}' requires this property"),
            ));
        }
    }
    if let Some(name) = rule.get("macro")
        && !MACROS.iter().any(|(known, _)| known == name)
    {
        return Err(Failure::parameter(
            "macro",
            format!("unknown macro '{name}'"),
        ));
    }
    for key in ["source", "dest"] {
        if let Some(why) = rule
            .get(key)
            .and_then(|value| missing_reference(&call.world.firewall.datacenter, file(call), value))
        {
            return Err(Failure::parameter(key, why));
        }
    }
    let families = (family(text("source")), family(text("dest")));
    if let (Some(source), Some(dest)) = families
        && source != dest
    {
        return Err(Failure::parameter(
            "dest",
            "detected mixed ipv4/ipv6 addresses in rule",
        ));
    }
    Ok(())
}

pub(in crate::simulator::routes) fn create_rule(call: &mut Call<'_>) -> Result<Reply, Failure> {
    call.quorum()?;
    let mut rule = fields(call);
    rule.retain(|_, value| !value.is_empty());
    check(call, &rule)?;
    rule.entry("enable".into()).or_insert_with(|| "0".into());
    // New rules come first, whatever position is asked for, and the digest is not looked at.
    file_mut(call).rules.insert(0, rule);
    done()
}

pub(in crate::simulator::routes) fn change_rule(call: &mut Call<'_>) -> Result<Reply, Failure> {
    call.quorum()?;
    unchanged(call, &file(call).rules_digest())?;
    let position = position(call)?;
    if let Some(target) = call
        .integer("moveto")
        .and_then(|target| usize::try_from(target).ok())
    {
        let rules = &mut file_mut(call).rules;
        if target != position {
            let rule = rules.remove(position);
            // It comes to stand before the rule that is at the target now.
            let place = if target > position {
                target - 1
            } else {
                target
            };
            rules.insert(place.min(rules.len()), rule);
        }
        return done();
    }
    let mut rule = file(call).rules[position].clone();
    for (key, value) in fields(call) {
        if value.is_empty() || value == "-" {
            rule.remove(&key);
        } else {
            rule.insert(key, value);
        }
    }
    for key in split_list(call.text("delete").unwrap_or("")) {
        rule.remove(&key);
    }
    check(call, &rule)?;
    file_mut(call).rules[position] = rule;
    done()
}

pub(in crate::simulator::routes) fn delete_rule(call: &mut Call<'_>) -> Result<Reply, Failure> {
    call.quorum()?;
    unchanged(call, &file(call).rules_digest())?;
    let position = position(call)?;
    file_mut(call).rules.remove(position);
    done()
}
