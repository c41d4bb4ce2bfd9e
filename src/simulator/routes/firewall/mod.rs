//! Calls about firewalls of guests, and the reading half of the datacenter's.
//!
//! Refuses to look at guests' locks, and even at whether a guest exists: firewall files are their own.

mod rules;
mod sets;

use serde_json::{Map, Value, json};

use crate::simulator::firewall::{Alias, File, MACROS, family, is_name};
use crate::simulator::gate::answer::{Failure, Reply};
use crate::simulator::gate::call::Call;
use crate::simulator::gate::parameters::split_list;

pub(super) use rules::{change_rule, create_rule, delete_rule, group_rules, groups, rule, rules};
pub(super) use sets::{
    add_member, change_member, create_set, delete_member, delete_set, member, members, sets,
};

/// Parameters of rule calls that are no fields of a rule.
const NOT_FIELDS: [&str; 6] = ["node", "vmid", "pos", "digest", "moveto", "delete"];

const CHANGED: &str = "detected modified configuration - file changed by other user? Try again.";

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
