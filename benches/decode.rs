//! The answer to `/cluster/resources`, beside what it costs without any care.

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use proxdeck::proxmox::ResourceRows;
use serde::Deserialize;

use crate::fleet;

const FLEETS: [usize; 3] = [100, 1_000, 10_000];

/// Into guests, nodes and storages, whatever types the server chose.
#[divan::bench(args = FLEETS)]
fn resources(bencher: Bencher<'_, '_>, guests: usize) {
    let body = fleet::body(guests, 0);
    bencher
        .counter(BytesCount::of_str(&body))
        .bench_local(|| ResourceRows::read(black_box(body.as_bytes())).unwrap());
}

/// The same bytes into plain types, as whoever trusts the server would.
#[divan::bench(args = FLEETS)]
fn resources_by_plain_serde(bencher: Bencher<'_, '_>, guests: usize) {
    let body = fleet::body(guests, 0);
    bencher
        .counter(BytesCount::of_str(&body))
        .bench_local(|| serde_json::from_slice::<Answer>(black_box(body.as_bytes())).unwrap());
}

#[expect(dead_code, reason = "only reading them is measured")]
#[derive(Deserialize)]
struct Answer {
    data: Vec<Plain>,
}

#[expect(dead_code, reason = "only reading them is measured")]
#[derive(Deserialize)]
struct Plain {
    #[serde(rename = "type")]
    kind: String,
    vmid: Option<u32>,
    node: Option<String>,
    name: Option<String>,
    status: Option<String>,
    template: Option<u8>,
    lock: Option<String>,
    tags: Option<String>,
    pool: Option<String>,
    hastate: Option<String>,
    cpu: Option<f64>,
    maxcpu: Option<f64>,
    mem: Option<u64>,
    maxmem: Option<u64>,
    memhost: Option<u64>,
    disk: Option<u64>,
    maxdisk: Option<u64>,
    netin: Option<u64>,
    netout: Option<u64>,
    diskread: Option<u64>,
    diskwrite: Option<u64>,
    uptime: Option<u64>,
    storage: Option<String>,
    shared: Option<u8>,
    plugintype: Option<String>,
    content: Option<String>,
}
