//! Calls about pools.
//!
//! Refuses digests: pools have none, the last writer wins.

use serde_json::{Value, json};

use crate::simulator::gate::answer::{Failure, Reply};
use crate::simulator::gate::call::Call;
use crate::simulator::gate::parameters::split_list;
use crate::simulator::world::Pool;

fn missing(name: &str) -> Failure {
    Failure::internal(format!("pool '{name}' does not exist"))
}

pub(super) fn list(call: &mut Call<'_>) -> Result<Reply, Failure> {
    if let Some(name) = call.text("poolid").map(str::to_owned) {
        let pool = call.world.pools.get(&name).ok_or_else(|| missing(&name))?;
        let mut row = detail(call, pool);
        row["poolid"] = json!(name);
        return Ok(Reply::Data(json!([row])));
    }
    let rows = call
        .world
        .pools
        .iter()
        .filter(|(name, _)| call.may(&format!("/pool/{name}"), "Pool.Audit"))
        .map(|(name, pool)| {
            let mut row = json!({ "poolid": name });
            if let Some(comment) = &pool.comment {
                row["comment"] = json!(comment);
            }
            row
        });
    Ok(Reply::Data(rows.collect()))
}

pub(super) fn read(call: &mut Call<'_>) -> Result<Reply, Failure> {
    let name = call.required("poolid").to_owned();
    let pool = call.world.pools.get(&name).ok_or_else(|| missing(&name))?;
    let mut data = detail(call, pool);
    data["poolid"] = json!(name);
    Ok(Reply::Data(data))
}

fn detail(call: &Call<'_>, pool: &Pool) -> Value {
    let wanted = call.text("type");
    let sample = call.core.sampler.newest();
    let mut members = Vec::new();
    for guest in pool
        .guests
        .iter()
        .filter_map(|vmid| call.world.guests.get(vmid))
    {
        if wanted.is_none_or(|wanted| wanted == guest.kind.word()) {
            members.push(Value::Object(sample.member(guest)));
        }
    }
    let storages = pool
        .storages
        .iter()
        .filter_map(|name| call.world.storages.get(name));
    for storage in storages.filter(|_| wanted.is_none_or(|wanted| wanted == "storage")) {
        for node in call
            .world
            .nodes
            .values()
            .filter(|node| storage.is_on(&node.name))
        {
            members.push(json!({
                "id": format!("storage/{}/{}", node.name, storage.name),
                "type": "storage",
                "node": node.name,
                "storage": storage.name,
                "plugintype": storage.plugin(),
                "content": storage.content.join(","),
                "shared": u8::from(storage.shared),
                "status": "available",
                "disk": call.world.used(storage, &node.name),
                "maxdisk": storage.size,
            }));
        }
    }
    let mut data = json!({ "members": members });
    if let Some(comment) = &pool.comment {
        data["comment"] = json!(comment);
    }
    data
}

pub(super) fn create(call: &mut Call<'_>) -> Result<Reply, Failure> {
    call.quorum()?;
    let name = call.required("poolid").to_owned();
    let failed = |why: String| Err(Failure::internal(format!("create pool failed: {why}")));
    if call.world.pools.contains_key(&name) {
        return failed(format!("pool '{name}' already exists"));
    }
    if let Some((parent, _)) = name.rsplit_once('/')
        && !call.world.pools.contains_key(parent)
    {
        return failed(format!("parent '{parent}' of pool '{name}' does not exist"));
    }
    let comment = call
        .text("comment")
        .filter(|comment| !comment.is_empty())
        .map(str::to_owned);
    call.world.pools.insert(
        name,
        Pool {
            comment,
            ..Pool::default()
        },
    );
    call.world.revision += 1;
    Ok(Reply::Data(Value::Null))
}

pub(super) fn delete(call: &mut Call<'_>) -> Result<Reply, Failure> {
    call.quorum()?;
    let name = call.required("poolid").to_owned();
    let failed = |why: String| Err(Failure::internal(format!("delete pool failed: {why}")));
    let Some(pool) = call.world.pools.get(&name) else {
        return failed(format!("pool '{name}' does not exist"));
    };
    let child = call
        .world
        .pools
        .keys()
        .find(|other| other.starts_with(&format!("{name}/")));
    if let Some(child) = child {
        return failed(format!(
            "pool '{name}' is not empty (contains pool '{child}')"
        ));
    }
    if let Some(vmid) = pool.guests.first() {
        return failed(format!("pool '{name}' is not empty (contains VM {vmid})"));
    }
    if let Some(storage) = pool.storages.first() {
        return failed(format!(
            "pool '{name}' is not empty (contains storage '{storage}')"
        ));
    }
    call.world.pools.remove(&name);
    call.world.revision += 1;
    Ok(Reply::Data(Value::Null))
}

pub(super) fn update(call: &mut Call<'_>) -> Result<Reply, Failure> {
    call.quorum()?;
    let name = call.required("poolid").to_owned();
    let failed = |why: String| Failure::internal(format!("update pools failed: {why}"));
    if !call.world.pools.contains_key(&name) {
        return Err(failed(format!("pool '{name}' does not exist")));
    }
    let removes = call.flag("delete").unwrap_or(false);
    let moves = call.flag("allow-move").unwrap_or(false);
    let guests: Vec<u32> = split_list(call.text("vms").unwrap_or(""))
        .iter()
        .filter_map(|text| text.parse().ok())
        .collect();
    let storages = split_list(call.text("storage").unwrap_or(""));
    for vmid in &guests {
        let path = format!("/vms/{vmid}");
        let privileges = call.privileges(&path);
        if !privileges.contains_key("Permissions.Modify") && !privileges.contains_key("VM.Allocate")
        {
            return Err(Failure::forbidden(&path, "VM.Allocate"));
        }
    }
    for vmid in guests {
        let member = call.world.pool_of(vmid).map(str::to_owned);
        let is_member = member.as_deref() == Some(name.as_str());
        match (removes, is_member, member) {
            (true, false, _) => return Err(failed(format!("VM {vmid} is not a pool member"))),
            (false, true, _) => return Err(failed(format!("VM {vmid} is already a pool member"))),
            (false, false, Some(other)) if !moves => {
                return Err(failed(format!(
                    "VM {vmid} belongs already to pool '{other}' and 'allow-move' is not set"
                )));
            }
            (true, true, _) | (false, false, _) => {}
        }
        for pool in call.world.pools.values_mut() {
            pool.guests.remove(&vmid);
        }
        if let Some(pool) = call.world.pools.get_mut(&name).filter(|_| !removes) {
            pool.guests.insert(vmid);
        }
    }
    if let Some(pool) = call.world.pools.get_mut(&name) {
        for storage in storages {
            if removes {
                pool.storages.remove(&storage)
            } else {
                pool.storages.insert(storage)
            };
        }
    }
    if let Some(comment) = call.text("comment").map(str::to_owned)
        && let Some(pool) = call.world.pools.get_mut(&name)
    {
        pool.comment = (!comment.is_empty()).then_some(comment);
    }
    call.world.revision += 1;
    Ok(Reply::Data(Value::Null))
}
