// A short day with proxmox-api, a client for Node.js: signed in by token and by password, against `proxdeck simulate`.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const { default: proxmoxApi } = createRequire(process.env.STRANGERS_NODE + "/")("proxmox-api");
const facts = JSON.parse(readFileSync(process.env.STRANGERS_SIMULATOR, "utf8"));
const place = { host: facts.host, port: facts.port };
let held = 0;
let failed = 0;

async function step(who, what, work) {
  try {
    await work();
    held += 1;
    console.log(`ok      ${who}: ${what}`);
  } catch (error) {
    failed += 1;
    console.log(`FAILED  ${who}: ${what}: ${error.stack ?? error}`);
  }
}

async function follow(api, upid, ends = "OK") {
  const node = upid.split(":")[1];
  for (const end = Date.now() + 60_000; ; ) {
    const status = await api.nodes.$(node).tasks.$(upid).status.$get();
    if (status.status === "stopped") {
      if (ends === null) assert.notEqual(status.exitstatus, "OK");
      else assert.equal(status.exitstatus, ends);
      break;
    }
    assert.ok(Date.now() < end, `${upid} did not end`);
    await new Promise((wake) => setTimeout(wake, 50));
  }
  const log = await api.nodes.$(node).tasks.$(upid).log.$get({ limit: 500 });
  return log.map((line) => line.t).join("\n");
}

async function session(who, api, vmid) {
  await step(who, "nodes and their machines, with configs and status", async () => {
    const nodes = await api.nodes.$get();
    assert.equal(nodes.length, 4);
    let machines = 0;
    for (const { node, status } of nodes) {
      if (status !== "online") continue;
      const own = api.nodes.$(node);
      for (const machine of await own.qemu.$get({ full: true })) {
        const config = await own.qemu.$(machine.vmid).config.$get();
        assert.ok(config.digest);
        const now = await own.qemu.$(machine.vmid).status.current.$get();
        assert.equal(Number(now.vmid), Number(machine.vmid));
        machines += 1;
      }
      for (const container of await own.lxc.$get()) {
        assert.ok((await own.lxc.$(container.vmid).config.$get()).hostname);
      }
    }
    assert.ok(machines > 15, `${machines} machines`);
  });
  await step(who, "resources, tasks, history, storages, firewall, agent", async () => {
    const rows = await api.cluster.resources.$get({ type: "vm" });
    assert.ok(rows.some((row) => row.type === "lxc") && rows.some((row) => row.type === "qemu"));
    assert.ok(Array.isArray(await api.cluster.tasks.$get()));
    const guest = api.nodes.$("pve2").qemu.$(104);
    assert.ok((await guest.rrddata.$get({ timeframe: "hour", cf: "AVERAGE" })).length > 10);
    assert.ok((await api.nodes.$("pve1").storage.$("vmstore").content.$get()).length > 5);
    assert.ok("digest" in (await guest.firewall.options.$get()));
    assert.ok(Array.isArray(await guest.firewall.rules.$get()));
    assert.ok((await guest.agent["get-osinfo"].$get()).result.id);
  });
  const own = api.nodes.$("pve1").qemu.$(vmid);
  await step(who, "clone, configure, start, snapshot, roll back, delete, destroy", async () => {
    const template = api.nodes.$("pve1").qemu.$(100);
    await follow(api, await template.clone.$post({ newid: vmid, name: `node-${vmid}`, full: false }));
    await own.config.$put({ description: "a=b; c & d\nzwölf", onboot: true, cores: 1 });
    const config = await own.config.$get();
    assert.equal(config.description.trim(), "a=b; c & d\nzwölf");
    assert.equal(config.onboot, 1);
    await follow(api, await own.status.start.$post());
    assert.equal((await own.status.current.$get()).status, "running");
    await follow(api, await own.snapshot.$post({ snapname: "before", vmstate: true }));
    assert.deepEqual((await own.snapshot.$get()).map((row) => row.name), ["before", "current"]);
    await own.config.$put({ name: "changed" });
    await follow(api, await own.snapshot.$("before").rollback.$post());
    assert.equal((await own.config.$get()).name, `node-${vmid}`);
    await follow(api, await own.snapshot.$("before").$delete());
    await follow(api, await own.status.stop.$post());
    await follow(api, await own.$delete({ purge: true }));
    await assert.rejects(own.config.$get(), /does not exist/);
  });
  await step(who, "what it may not or cannot do is refused with words", async () => {
    await assert.rejects(api.nodes.$("pve2").qemu.$(104).snapshot.$post({ snapname: "9lives" }), /400.*snapname/s);
    await assert.rejects(api.nodes.$("pve2").qemu.$(98765).status.current.$get(), /500.*does not exist/s);
    const log = await follow(api, await api.nodes.$("pve2").qemu.$(104).status.start.$post(), null);
    assert.match(log, /already running/);
  });
}

const byToken = () => proxmoxApi({ ...place, tokenID: facts.token_id, tokenSecret: facts.token_secret });
const byPassword = () => proxmoxApi({ ...place, username: facts.user, password: facts.password });
await session("proxmox-api by token", byToken(), 940);
await session("proxmox-api by password", byPassword(), 950);
await step("proxmox-api", "wrong secrets are refused", async () => {
  const guess = "00000000-0000-0000-0000-000000000000";
  const wrong = [
    proxmoxApi({ ...place, tokenID: facts.token_id, tokenSecret: guess }),
    proxmoxApi({ ...place, username: facts.user, password: "guess" }),
  ];
  for (const api of wrong) await assert.rejects(api.version.$get());
});
process.exit(failed || !held ? 1 : 0);
