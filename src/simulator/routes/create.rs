//! The call that makes a virtual machine from nothing.
//!
//! Refuses archives: restoring backups is not simulated.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;

use super::config;
use crate::simulator::gate::answer::{Failure, Reply};
use crate::simulator::gate::call::Call;
use crate::simulator::lifecycle::existence;
use crate::simulator::lifecycle::power::Target;
use crate::simulator::load::{Load, Wave};
use crate::simulator::world::guest::{Config, Guest, Kind, RunState};

pub(super) fn machine(call: &mut Call<'_>) -> Result<Reply, Failure> {
    let (vmid, node) = (call.vmid(), call.node_name().to_owned());
    if let Some(pool) = call.text("pool")
        && !call.world.pools.contains_key(pool)
    {
        return Err(Failure::forbidden_because(&format!(
            "pool '{pool}' does not exist"
        )));
    }
    let by_id = call.may(&format!("/vms/{vmid}"), "VM.Allocate");
    let by_pool = call
        .text("pool")
        .is_some_and(|pool| call.may(&format!("/pool/{pool}"), "VM.Allocate"));
    if !by_id && !by_pool {
        return Err(Failure::forbidden_because(""));
    }
    let pool = call.text("pool");
    config::permit_options(call, vmid, pool)?;
    let path = format!("/vms/{vmid}");
    let starts = call.flag("start").unwrap_or(false);
    let in_pool = pool.is_some_and(|pool| call.may(&format!("/pool/{pool}"), "VM.PowerMgmt"));
    if starts && !in_pool {
        call.needs(&path, "VM.PowerMgmt")?;
    }
    call.quorum()?;
    if call.text("archive").is_some() {
        return Err(Failure::internal("the simulator restores no backups"));
    }
    if call.world.guests.contains_key(&vmid) {
        return Err(Failure::internal(format!(
            "unable to create VM {vmid}: config file already exists"
        )));
    }
    insert(call, vmid, &node);
    let options = config::options(call)?;
    let start = call.flag("start").unwrap_or(false);
    if let Some(guest) = call.world.guest_mut(vmid) {
        let order: Vec<String> = guest_order(&options);
        guest.config.extend(options);
        if !order.is_empty() {
            guest
                .config
                .entry("boot".into())
                .or_insert_with(|| format!("order={}", order.join(";")));
        }
    }
    if let Some(pool) = call
        .text("pool")
        .map(str::to_owned)
        .and_then(|pool| call.world.pools.get_mut(&pool))
    {
        pool.guests.insert(vmid);
    }
    let target = Target {
        kind: Kind::Qemu,
        vmid,
        node,
    };
    let upid = call.start("qmcreate", &vmid.to_string(), move |worker| {
        existence::create(worker, target, start)
    });
    Ok(Reply::Data(json!(upid)))
}

fn guest_order(options: &Config) -> Vec<String> {
    let mut order: Vec<String> = crate::simulator::world::guest::disks_of(Kind::Qemu, options)
        .into_iter()
        .map(|(key, _)| key)
        .collect();
    order.extend(options.keys().filter(|key| key.starts_with("net")).cloned());
    order
}

fn insert(call: &mut Call<'_>, vmid: u32, node: &str) {
    let now = call.now;
    let seed = call.world.chance();
    let wave = |mean: f64, salt: u64| Wave::new(mean, 0.6, seed ^ salt);
    let load = Load {
        cpu: wave(0.1, 1),
        memory: wave(0.3, 2),
        leak: 0.0,
        network_in: wave(20_000.0, 3),
        network_out: wave(10_000.0, 4),
        disk_read: wave(50_000.0, 5),
        disk_write: wave(80_000.0, 6),
    };
    let config = Config::from([
        ("lock".to_owned(), "create".to_owned()),
        (
            "meta".to_owned(),
            format!("creation-qemu=10.0.2,ctime={}", now as i64),
        ),
        ("smbios1".to_owned(), format!("uuid={}", call.world.uuid())),
        ("vmgenid".to_owned(), call.world.uuid()),
    ]);
    let incarnation = call.world.next_incarnation();
    call.world.revision += 1;
    let guest = Guest {
        vmid,
        kind: Kind::Qemu,
        node: node.to_owned(),
        config,
        pending: BTreeMap::new(),
        snapshots: BTreeMap::new(),
        run: RunState::Stopped,
        started: 0.0,
        pid: 0,
        runs: Vec::new(),
        born: now,
        load: Arc::new(load),
        balloon_reports: false,
        ha: false,
        deaf: false,
        incarnation,
        revision: call.world.revision,
    };
    call.world.guests.insert(vmid, guest);
}
