//! Calls about firewalls of guests, and the reading half of the datacenter's.
//!
//! Refuses to look at guests' locks, and even at whether a guest exists: firewall files are their own.

use serde_json::{Map, Value, json};

use crate::simulator::firewall::{
    Alias, File, MACROS, Member, Rule, Set, family, is_name, network,
};
use crate::simulator::gate::answer::{Failure, Reply};
use crate::simulator::gate::call::Call;
use crate::simulator::gate::parameters::split_list;

const CHANGED: &str = "detected modified configuration - file changed by other user? Try again.";
/// Parameters of rule calls that are no fields of a rule.
const NOT_FIELDS: [&str; 6] = ["node", "vmid", "pos", "digest", "moveto", "delete"];

fn file<'a>(call: &'a Call<'_>) -> &'a File {
    if call.route.template.starts_with("/cluster") {
        &call.world.firewall.datacenter
    } else {
        call.world.firewall.guest(call.vmid())
    }
}

fn file_mut<'a>(call: &'a mut Call<'_>) -> &'a mut File {
    if call.route.template.starts_with("/cluster") {
        &mut call.world.firewall.datacenter
    } else {
        let vmid = call.vmid();
        call.world.firewall.guest_mut(vmid)
    }
}

fn unchanged(call: &Call<'_>, digest: &str) -> Result<(), Failure> {
    match call.text("digest") {
        Some(given) if given != digest => Err(Failure::internal(CHANGED)),
        Some(_) | None => Ok(()),
    }
}

fn done() -> Result<Reply, Failure> {
    Ok(Reply::Data(Value::Null))
}

pub(super) fn index(_call: &mut Call<'_>) -> Result<Reply, Failure> {
    let names = ["rules", "aliases", "ipset", "refs", "options"];
    Ok(Reply::Data(
        names.iter().map(|name| json!({ "name": name })).collect(),
    ))
}

/// Options that are text; all others are numbers.
fn option_value(key: &str, value: &str) -> Value {
    let is_text = key.starts_with("policy") || key.starts_with("log");
    let number = (!is_text).then(|| value.parse::<i64>().ok()).flatten();
    number.map_or_else(|| json!(value), |number| json!(number))
}

pub(super) fn options(call: &mut Call<'_>) -> Result<Reply, Failure> {
    let file = file(call);
    let mut data: Map<String, Value> = file
        .options
        .iter()
        .map(|(key, value)| (key.clone(), option_value(key, value)))
        .collect();
    data.insert("digest".into(), json!(file.options_digest()));
    Ok(Reply::Data(Value::Object(data)))
}

pub(super) fn change_options(call: &mut Call<'_>) -> Result<Reply, Failure> {
    call.quorum()?;
    unchanged(call, &file(call).options_digest())?;
    let deleted = split_list(call.text("delete").unwrap_or(""));
    if let Some(unknown) = deleted
        .iter()
        .find(|name| !call.route.parameters.contains_key(*name))
    {
        return Err(Failure::parameter(
            "delete",
            format!("no such option '{unknown}'"),
        ));
    }
    let set: Vec<(String, String)> = call
        .parameters
        .iter()
        .filter(|(name, _)| !NOT_FIELDS.contains(&name.as_str()))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let file = file_mut(call);
    for name in deleted {
        file.options.remove(&name);
    }
    file.options.extend(set);
    done()
}

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

/// Says which set or alias an address names in vain, as it was written; the guest's own come before the datacenter's.
fn missing_reference(datacenter: &File, own: &File, value: &str) -> Option<String> {
    value.split(',').find_map(|part| {
        let (name, is_set) = part
            .strip_prefix('+')
            .map_or((part, false), |set| (set, true));
        let (files, bare) = if let Some(bare) = name.strip_prefix("dc/") {
            ([datacenter, datacenter], bare)
        } else if let Some(bare) = name.strip_prefix("guest/") {
            ([own, own], bare)
        } else {
            ([own, datacenter], name)
        };
        let known = files.iter().any(|file| {
            if is_set {
                file.sets.contains_key(bare)
            } else {
                file.aliases.contains_key(bare)
            }
        });
        let names_something = is_set || is_name(bare);
        let kind = if is_set { "ipset" } else { "alias" };
        (names_something && !known).then(|| format!("no such {kind} '{name}'"))
    })
}

pub(super) fn rules(call: &mut Call<'_>) -> Result<Reply, Failure> {
    let (datacenter, file) = (&call.world.firewall.datacenter, file(call));
    let rows = file
        .rules
        .iter()
        .enumerate()
        .map(|(position, rule)| rule_row(datacenter, file, rule, position));
    Ok(Reply::Data(rows.collect()))
}

pub(super) fn groups(call: &mut Call<'_>) -> Result<Reply, Failure> {
    let firewalls = &call.world.firewall;
    let digest = firewalls.groups_digest();
    let rows = firewalls.groups.keys();
    Ok(Reply::Data(
        rows.map(|name| json!({ "group": name, "digest": digest }))
            .collect(),
    ))
}

pub(super) fn group_rules(call: &mut Call<'_>) -> Result<Reply, Failure> {
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

pub(super) fn rule(call: &mut Call<'_>) -> Result<Reply, Failure> {
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

pub(super) fn create_rule(call: &mut Call<'_>) -> Result<Reply, Failure> {
    call.quorum()?;
    let mut rule = fields(call);
    rule.retain(|_, value| !value.is_empty());
    check(call, &rule)?;
    rule.entry("enable".into()).or_insert_with(|| "0".into());
    // New rules come first, whatever position is asked for, and the digest is not looked at.
    file_mut(call).rules.insert(0, rule);
    done()
}

pub(super) fn change_rule(call: &mut Call<'_>) -> Result<Reply, Failure> {
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

pub(super) fn delete_rule(call: &mut Call<'_>) -> Result<Reply, Failure> {
    call.quorum()?;
    unchanged(call, &file(call).rules_digest())?;
    let position = position(call)?;
    file_mut(call).rules.remove(position);
    done()
}

fn no_set(name: &str) -> Failure {
    Failure::internal(format!("no such IPSet '{name}'"))
}

pub(super) fn sets(call: &mut Call<'_>) -> Result<Reply, Failure> {
    let file = file(call);
    let digest = file.sets_digest();
    let rows = file.sets.iter().map(|(name, set)| {
        let mut row = json!({ "name": name, "digest": digest });
        if let Some(comment) = &set.comment {
            row["comment"] = json!(comment);
        }
        row
    });
    Ok(Reply::Data(rows.collect()))
}

pub(super) fn create_set(call: &mut Call<'_>) -> Result<Reply, Failure> {
    call.quorum()?;
    let name = call.required("name").to_owned();
    if !is_name(&name) {
        return Err(Failure::parameter(
            "name",
            "value does not match the regex pattern",
        ));
    }
    let comment = call
        .text("comment")
        .filter(|comment| !comment.is_empty())
        .map(str::to_owned);
    let old = call.text("rename").map(str::to_owned);
    let file = file_mut(call);
    if old.as_deref() != Some(name.as_str()) && file.sets.contains_key(&name) {
        return Err(Failure::parameter(
            "name",
            format!("IPSet '{name}' already exists"),
        ));
    }
    let mut set = match &old {
        Some(old) => file.sets.remove(old).ok_or_else(|| no_set(old))?,
        None => Set::default(),
    };
    if comment.is_some() {
        set.comment = comment;
    }
    file.sets.insert(name, set);
    done()
}

pub(super) fn delete_set(call: &mut Call<'_>) -> Result<Reply, Failure> {
    call.quorum()?;
    let name = call.required("name").to_owned();
    let force = call.flag("force").unwrap_or(false);
    let set = file(call).sets.get(&name).ok_or_else(|| no_set(&name))?;
    if !set.members.is_empty() && !force {
        return Err(Failure::internal(format!("IPSet '{name}' is not empty")));
    }
    file_mut(call).sets.remove(&name);
    done()
}

fn member_row(set: &Set, member: &Member) -> Value {
    let mut row = json!({ "cidr": member.network, "digest": File::members_digest(set) });
    if let Some(comment) = &member.comment {
        row["comment"] = json!(comment);
    }
    if member.excluded {
        row["nomatch"] = json!(1);
    }
    row
}

pub(super) fn members(call: &mut Call<'_>) -> Result<Reply, Failure> {
    let name = call.required("name");
    let set = file(call).sets.get(name).ok_or_else(|| no_set(name))?;
    Ok(Reply::Data(
        set.members
            .iter()
            .map(|member| member_row(set, member))
            .collect(),
    ))
}

/// Returns a member's network as sets keep it; an alias must exist.
fn kept_network(call: &Call<'_>) -> Result<String, Failure> {
    let given = call.required("cidr");
    if let Ok(network) = network(given) {
        return if network.ends_with("/0") {
            // Assumed: the words; that a set takes no whole family is from the documentation.
            Err(Failure::parameter(
                "cidr",
                "a zero prefix is not allowed in ipset entries",
            ))
        } else {
            Ok(network)
        };
    }
    match missing_reference(&call.world.firewall.datacenter, file(call), given) {
        Some(why) => Err(Failure::internal(why)),
        None => Ok(given.to_owned()),
    }
}

pub(super) fn add_member(call: &mut Call<'_>) -> Result<Reply, Failure> {
    call.quorum()?;
    let name = call.required("name").to_owned();
    let kept = kept_network(call)?;
    let comment = call
        .text("comment")
        .filter(|comment| !comment.is_empty())
        .map(str::to_owned);
    let excluded = call.flag("nomatch").unwrap_or(false);
    let set = file_mut(call)
        .sets
        .get_mut(&name)
        .ok_or_else(|| no_set(&name))?;
    if set.members.iter().any(|member| member.network == kept) {
        return Err(Failure::parameter(
            "cidr",
            format!("address '{kept}' already exists"),
        ));
    }
    set.members.push(Member {
        network: kept,
        comment,
        excluded,
    });
    done()
}

/// Finds the member in the path.
fn place(call: &Call<'_>) -> Result<(String, usize), Failure> {
    let (name, given) = (
        call.required("name").to_owned(),
        call.required("cidr").to_owned(),
    );
    let set = file(call).sets.get(&name).ok_or_else(|| no_set(&name))?;
    let kept = network(&given).unwrap_or(given);
    let place = set.members.iter().position(|member| member.network == kept);
    // Assumed: the words for a member that is not there.
    let place = place.ok_or_else(|| {
        Failure::internal(format!("no such IP/Network '{kept}' in IPSet '{name}'"))
    })?;
    unchanged(call, &File::members_digest(set))?;
    Ok((name, place))
}

pub(super) fn member(call: &mut Call<'_>) -> Result<Reply, Failure> {
    let (name, place) = place(call)?;
    let set = file(call).sets.get(&name).ok_or_else(|| no_set(&name))?;
    Ok(Reply::Data(member_row(set, &set.members[place])))
}

pub(super) fn change_member(call: &mut Call<'_>) -> Result<Reply, Failure> {
    call.quorum()?;
    let (name, place) = place(call)?;
    let comment = call.text("comment").map(str::to_owned);
    let excluded = call.flag("nomatch").unwrap_or(false);
    if let Some(member) = file_mut(call)
        .sets
        .get_mut(&name)
        .and_then(|set| set.members.get_mut(place))
    {
        member.comment = comment.filter(|comment| !comment.is_empty());
        member.excluded = excluded;
    }
    done()
}

pub(super) fn delete_member(call: &mut Call<'_>) -> Result<Reply, Failure> {
    call.quorum()?;
    let (name, place) = place(call)?;
    if let Some(set) = file_mut(call).sets.get_mut(&name) {
        set.members.remove(place);
    }
    done()
}

pub(super) fn aliases(call: &mut Call<'_>) -> Result<Reply, Failure> {
    let file = file(call);
    let rows = file
        .aliases
        .iter()
        .map(|(name, alias)| alias_row(file, name, alias));
    Ok(Reply::Data(rows.collect()))
}

fn alias_row(file: &File, name: &str, alias: &Alias) -> Value {
    let mut row = json!({
        "name": name,
        "cidr": alias.network,
        "ipversion": family(&alias.network).unwrap_or(4),
        "digest": file.sets_digest(),
    });
    if let Some(comment) = &alias.comment {
        row["comment"] = json!(comment);
    }
    row
}

pub(super) fn references(call: &mut Call<'_>) -> Result<Reply, Failure> {
    let wanted = call.text("type").map(str::to_owned);
    let wants = |kind: &str| wanted.as_deref().is_none_or(|wanted| wanted == kind);
    let datacenter = &call.world.firewall.datacenter;
    let own = call.text("vmid").map(|_| file(call));
    let mut rows = Vec::new();
    for (scope, file) in [("dc", Some(datacenter)), ("guest", own)] {
        let Some(file) = file else { continue };
        let sets = file
            .sets
            .iter()
            .map(|(name, set)| ("ipset", name, format!("+{name}"), &set.comment));
        let aliases = file
            .aliases
            .iter()
            .map(|(name, alias)| ("alias", name, name.clone(), &alias.comment));
        for (kind, name, reference, comment) in sets.chain(aliases).filter(|(kind, ..)| wants(kind))
        {
            let mut row = json!({ "type": kind, "name": name, "ref": reference, "scope": scope });
            if let Some(comment) = comment {
                row["comment"] = json!(comment);
            }
            rows.push(row);
        }
    }
    Ok(Reply::Data(Value::Array(rows)))
}

pub(super) fn macros(_call: &mut Call<'_>) -> Result<Reply, Failure> {
    Ok(Reply::Data(
        MACROS
            .iter()
            .map(|(name, text)| json!({ "macro": name, "descr": text }))
            .collect(),
    ))
}
