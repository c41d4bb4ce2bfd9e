//! Calls about logins and rights.
//!
//! Refuses to show secrets once they were given out.

use serde_json::{Map, Value, json};

use crate::simulator::gate::answer::{Failure, Reply};
use crate::simulator::gate::authentication::Caller;
use crate::simulator::gate::call::{Call, privileges_at};
use crate::simulator::world::access::{Privileges, TOP_PATHS};

pub(super) fn permissions(call: &mut Call<'_>) -> Result<Reply, Failure> {
    let who = call.text("userid").unwrap_or(&call.caller.who).to_owned();
    let own_token = who
        .split_once('!')
        .is_some_and(|(user, _)| user == call.caller.who);
    if who != call.caller.who && !own_token && !call.may("/access", "Sys.Audit") {
        return Err(Failure::forbidden("/access", "Sys.Audit"));
    }
    let subject = Caller { who: who.clone() };
    let known = match who.split_once('!') {
        Some(_) => call.world.access.token(&who).is_some(),
        None => call.world.access.users.contains_key(&who),
    };
    if !known {
        return Ok(Reply::Data(json!({})));
    }
    let paths: Vec<String> = match call.text("path") {
        Some(path) => vec![path.to_owned()],
        None => listed_paths(call),
    };
    let answer: Map<String, Value> = paths
        .into_iter()
        .map(|path| {
            let privileges = privileges_at(call.world, &subject, &path);
            (path, privileges)
        })
        .filter(|(_, privileges)| !privileges.is_empty())
        .map(|(path, privileges)| (path, numbers(&privileges)))
        .collect();
    Ok(Reply::Data(Value::Object(answer)))
}

fn listed_paths(call: &Call<'_>) -> Vec<String> {
    let mut paths: std::collections::BTreeSet<String> =
        TOP_PATHS.iter().map(|path| (*path).to_owned()).collect();
    paths.extend(
        call.world
            .access
            .list
            .iter()
            .map(|entry| entry.path.clone()),
    );
    for pool in call.world.pools.values() {
        paths.extend(pool.guests.iter().map(|vmid| format!("/vms/{vmid}")));
        paths.extend(
            pool.storages
                .iter()
                .map(|storage| format!("/storage/{storage}")),
        );
    }
    paths.into_iter().collect()
}

fn numbers(privileges: &Privileges) -> Value {
    privileges
        .iter()
        .map(|(name, propagate)| (name.clone(), json!(u8::from(*propagate))))
        .collect::<Map<_, _>>()
        .into()
}
