//! Calls about sets of addresses and their members.

use serde_json::{Value, json};

use super::{done, file, file_mut, missing_reference, unchanged};
use crate::simulator::firewall::{File, Member, Set, is_name, network};
use crate::simulator::gate::answer::{Failure, Reply};
use crate::simulator::gate::call::Call;

fn no_set(name: &str) -> Failure {
    Failure::internal(format!("no such IPSet '{name}'"))
}

pub(in crate::simulator::routes) fn sets(call: &mut Call<'_>) -> Result<Reply, Failure> {
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

pub(in crate::simulator::routes) fn create_set(call: &mut Call<'_>) -> Result<Reply, Failure> {
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

pub(in crate::simulator::routes) fn delete_set(call: &mut Call<'_>) -> Result<Reply, Failure> {
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

pub(in crate::simulator::routes) fn members(call: &mut Call<'_>) -> Result<Reply, Failure> {
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

pub(in crate::simulator::routes) fn add_member(call: &mut Call<'_>) -> Result<Reply, Failure> {
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

pub(in crate::simulator::routes) fn member(call: &mut Call<'_>) -> Result<Reply, Failure> {
    let (name, place) = place(call)?;
    let set = file(call).sets.get(&name).ok_or_else(|| no_set(&name))?;
    Ok(Reply::Data(member_row(set, &set.members[place])))
}

pub(in crate::simulator::routes) fn change_member(call: &mut Call<'_>) -> Result<Reply, Failure> {
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

pub(in crate::simulator::routes) fn delete_member(call: &mut Call<'_>) -> Result<Reply, Failure> {
    call.quorum()?;
    let (name, place) = place(call)?;
    if let Some(set) = file_mut(call).sets.get_mut(&name) {
        set.members.remove(place);
    }
    done()
}
