"""A day with proxmoxer: signed in by token, by password and by second factor, against `proxdeck simulate`."""

import time

from proxmoxer import ProxmoxAPI
from proxmoxer.core import AuthenticationError, ResourceException
from proxmoxer.tools import Tasks

from session import Session, refused, same, simulator

FACTS = simulator()
PLACE = {"host": FACTS["host"], "port": FACTS["port"], "verify_ssl": FACTS["authority"], "timeout": 30}


def by_token(id_and_secret=("token_id", "token_secret")):
    user, _, name = FACTS[id_and_secret[0]].partition("!")
    return ProxmoxAPI(user=user, token_name=name, token_value=FACTS[id_and_secret[1]], **PLACE)


def by_password():
    return ProxmoxAPI(user=FACTS["user"], password=FACTS["password"], **PLACE)


def followed(api, upid, ends="OK"):
    """Follows a task to its end as proxmoxer's own tool does, and returns its log."""
    parts = Tasks.decode_upid(upid)
    status = Tasks.blocking_status(api, upid, timeout=60, polling_interval=0.05)
    assert status is not None, f"{upid} did not end"
    same(status["upid"], upid)
    same(status["type"], parts["type"])
    same(status["user"], parts["user"])
    assert status["exitstatus"] == ends or (ends is None and status["exitstatus"] != "OK"), status
    log = Tasks.decode_log(api.nodes(parts["node"]).tasks(upid).log.get())
    assert log.strip(), "the log is empty"
    return log


def until(what, probe, seconds=30):
    """Asks again until something is so."""
    end = time.monotonic() + seconds
    while not probe():
        assert time.monotonic() < end, f"{what}: never"
        time.sleep(0.1)


def looks(session, api):
    with session.step("version"):
        version = api.version.get()
        assert version["version"].startswith(version["release"]), version
    with session.step("nodes, their status, time, network, services' indexes"):
        nodes = {node["node"]: node for node in api.nodes.get()}
        same(sorted(nodes), ["pve1", "pve2", "pve3", "pve4"])
        same(nodes["pve1"]["status"], "online")
        status = api.nodes("pve1").status.get()
        assert status["memory"]["used"] < status["memory"]["total"]
        assert len(status["loadavg"]) == 3
        same(api.nodes("pve1").time.get()["timezone"], "Europe/Berlin")
        assert any(one["type"] == "bridge" for one in api.nodes("pve1").network.get())
        same(api.nodes("pve1").network.get(type="bridge")[0]["type"], "bridge")
        assert api.nodes("pve1").get() and api.cluster.get()
        assert api.nodes("pve1").version.get()["version"]
        same(api.nodes("pve1").subscription.get()["status"], "notfound")
        same(api.nodes("pve1").replication.get(), [])
        assert api.nodes("pve1").rrddata.get(timeframe="hour", cf="AVERAGE")
    with session.step("a silent node is refused within reason"):
        with refused(ResourceException, "59"):
            api.nodes("pve4").status.get()
    with session.step("cluster: resources, status, tasks, log, options, next id"):
        rows = api.cluster.resources.get()
        kinds = {row["type"] for row in rows}
        assert {"qemu", "lxc", "node", "storage", "pool"} <= kinds, kinds
        for kind, types in (("vm", {"qemu", "lxc"}), ("node", {"node"}), ("storage", {"storage"})):
            same({row["type"] for row in api.cluster.resources.get(type=kind)}, types)
        cluster = [row for row in api.cluster.status.get() if row["type"] == "cluster"]
        same(cluster[0]["quorate"], 1)
        assert api.cluster.tasks.get() is not None
        assert api.cluster.log.get(max=5) is not None
        assert "allowed-tags" in api.cluster.options.get()
        free = int(api.cluster.nextid.get())
        assert free not in {row.get("vmid") for row in rows}
        same(int(api.cluster.nextid.get(vmid=free)), free)
        with refused(ResourceException, "400", "vmid", "already exists"):
            api.cluster.nextid.get(vmid=104)
        assert api.cluster.ha.status.current.get()
        assert api.cluster.ha.resources.get() is not None
        assert api.cluster.backup.get() is not None
        assert api.cluster.replication.get() is not None
        assert api.cluster("backup-info/not-backed-up").get()
        same(api.cluster.config.qdevice.get(), {})
    with session.step("every guest's config, status, snapshots and pending changes"):
        seen = 0
        for node in ("pve1", "pve2", "pve3"):
            for kind in ("qemu", "lxc"):
                listed = getattr(api.nodes(node), kind).get()
                for row in listed:
                    guest = getattr(api.nodes(node), kind)(row["vmid"])
                    config = guest.config.get()
                    assert config["digest"], config
                    current = guest.status.current.get()
                    same(int(current["vmid"]), int(row["vmid"]))
                    assert current["status"] in ("running", "stopped"), current
                    same(guest.snapshot.get()[-1]["name"], "current")
                    assert any(one["key"] == "digest" for one in guest.pending.get()) or guest.pending.get()
                    seen += 1
        assert seen > 25, seen
        assert api.nodes("pve1").qemu.get(full=1)
    with session.step("history of a machine, a container, a storage"):
        for frame in ("hour", "day", "week", "month", "year"):
            rows = api.nodes("pve2").qemu(104).rrddata.get(timeframe=frame)
            assert rows and all("time" in row for row in rows), frame
        assert any("cpu" in row for row in api.nodes("pve1").lxc(140).rrddata.get(timeframe="hour", cf="MAX"))
        assert api.nodes("pve1").storage("vmstore").rrddata.get(timeframe="day")
    with session.step("storages and what is on them"):
        names = {row["storage"] for row in api.nodes("pve1").storage.get(enabled=1)}
        assert {"local", "vmstore"} <= names, names
        with_images = {row["storage"] for row in api.nodes("pve1").storage.get(content="images")}
        assert "vmstore" in with_images and "local" not in with_images, with_images
        status = api.nodes("pve1").storage("vmstore").status.get()
        assert status["used"] + status["avail"] <= status["total"], status
        volumes = api.nodes("pve1").storage("vmstore").content.get(vmid=104)
        assert volumes and all(int(one["vmid"]) == 104 for one in volumes), volumes
        one = api.nodes("pve1").storage("vmstore").content(volumes[0]["volid"]).get()
        assert one["size"], one
        same(api.storage("vmstore").get()["type"], "dir")
        assert len(api.storage.get()) >= 4
    with session.step("guest agent: there, absent, switched off"):
        agent = api.nodes("pve2").qemu(104).agent
        agent.ping.post()
        assert agent("get-osinfo").get()["result"]["id"]
        assert agent("get-host-name").get()["result"]["host-name"]
        interfaces = agent("network-get-interfaces").get()["result"]
        assert any(one["name"] == "lo" for one in interfaces), interfaces
        assert agent.info.get()["result"]["supported_commands"] is not None
        assert agent.get() is not None
        with refused(ResourceException, "500", "agent"):
            api.nodes("pve1").qemu(142).agent.ping.post()
    with session.step("firewall: cluster, guest, container"):
        assert api.cluster.firewall.options.get()["enable"]
        for part in ("groups", "ipset", "aliases", "rules", "refs", "macros"):
            assert api.cluster.firewall(part).get() is not None
        for guest in (api.nodes("pve2").qemu(104), api.nodes("pve1").lxc(140)):
            assert guest.firewall.get() is not None
            assert "digest" in guest.firewall.options.get()
            for part in ("rules", "ipset", "aliases", "refs"):
                assert guest.firewall(part).get() is not None
    with session.step("access: realms, users, roles, permissions, tokens"):
        assert any(one["realm"] == "pve" for one in api.access.domains.get())
        assert any(one["userid"] == FACTS["user"] for one in api.access.users.get())
        assert any("VM.Snapshot" in one["privs"] for one in api.access.roles.get())
        assert "VM.Audit" in api.access.permissions.get()["/"]
        assert "VM.Audit" in api.access.permissions.get(path="/vms/104")["/vms/104"]
        tokens = api.access.users(FACTS["user"]).token.get()
        assert any(one["tokenid"] == "deck" for one in tokens), tokens
    with session.step("errors: no such guest, no such call, a bad value, too little said"):
        with refused(ResourceException, "500", "does not exist"):
            api.nodes("pve1").qemu(99999).config.get()
        with refused(ResourceException, "501", "not implemented"):
            api.nodes("pve1").flux.get()
        with refused(ResourceException, "400", "timeframe"):
            api.nodes("pve2").qemu(104).rrddata.get(timeframe="aeon")
        with refused(ResourceException, "400", "snapname"):
            api.nodes("pve2").qemu(104).snapshot.post()
        with refused(ResourceException, "400", "bogus"):
            api.nodes.get(bogus=1)


def changes(session, api, vmid):
    """Makes a guest of its own, does everything to it, and destroys it."""
    node = api.nodes("pve1")
    guest = node.qemu(vmid)
    with session.step("clone a template, wholly, into a pool"):
        upid = node.qemu(100).clone.post(newid=vmid, name=f"stranger-{vmid}", full=1, pool="alpha", description="made")
        followed(api, upid)
        config = guest.config.get()
        same(config["name"], f"stranger-{vmid}")
        same(config["description"].strip(), "made")
        assert config["net0"] != node.qemu(100).config.get()["net0"], "the card's address was copied"
        until("in the list", lambda: any(row.get("vmid") == vmid for row in api.cluster.resources.get(type="vm")))
    with session.step("an id that is taken is refused"):
        with refused(ResourceException, "500", "already exists"):
            node.qemu(100).clone.post(newid=vmid)
    with session.step("config: set, set with a digest, a stale digest, delete, pending"):
        before = guest.config.get()
        guest.config.put(cores=3, memory=2048, tags="b;a", description="line one\nline two ü")
        after = guest.config.get()
        same((after["cores"], str(after["memory"])), (3, "2048"))
        same(sorted(after["tags"].split(";")), ["a", "b"])
        same(after["description"].strip(), "line one\nline two ü")
        with refused(ResourceException, "500", "checksum mismatch"):
            guest.config.put(cores=2, digest=before["digest"])
        guest.config.put(delete="tags,description", digest=after["digest"])
        assert "tags" not in guest.config.get()
        upid = guest.config.post(cores=2)
        if upid:
            followed(api, upid)
        same(guest.config.get()["cores"], 2)
        assert any(one["key"] == "cores" for one in guest.pending.get())
    with session.step("resize a disk, and not shrink it"):
        disk = next(key for key in guest.config.get() if key[-1].isdigit() and key.startswith(("scsi", "virtio", "sata")))
        upid = guest.resize.put(disk=disk, size="+2G")
        if upid:
            followed(api, upid)
        assert "size=22G" in guest.config.get()[disk], guest.config.get()[disk]
    with session.step("start, start again, shut down, stop"):
        followed(api, guest.status.start.post())
        same(guest.status.current.get()["status"], "running")
        log = followed(api, guest.status.start.post(), ends=None)
        assert "already running" in log, log
        followed(api, guest.status.suspend.post())
        same(guest.status.current.get()["qmpstatus"], "paused")
        followed(api, guest.status.resume.post())
        followed(api, guest.status.reset.post())
        followed(api, guest.status.reboot.post())
        followed(api, guest.status.shutdown.post(timeout=60, forceStop=1))
        same(guest.status.current.get()["status"], "stopped")
        followed(api, guest.status.stop.post())
    with session.step("snapshots: create, describe, again the same name, roll back, delete"):
        followed(api, guest.snapshot.post(snapname="first", description="before the flood"))
        followed(api, guest.status.start.post())
        followed(api, guest.snapshot.post(snapname="second", vmstate=1))
        rows = {row["name"]: row for row in guest.snapshot.get()}
        same(rows["second"]["parent"], "first")
        same(rows["second"]["vmstate"], 1)
        same(rows["current"]["parent"], "second")
        assert abs(rows["first"]["snaptime"] - rows["second"]["snaptime"]) < 100_000
        same(rows["first"]["description"].strip(), "before the flood")
        guest.snapshot("first").config.put(description="after it")
        same(guest.snapshot("first").config.get()["description"].strip(), "after it")
        assert guest.snapshot("first").get()
        followed(api, guest.snapshot.post(snapname="third"))
        with refused(ResourceException, "already used"):
            # Some servers say it at once, others in the task.
            log = followed(api, guest.snapshot.post(snapname="third"), ends=None)
            raise ResourceException(500, "task", log)
        guest.config.put(name="changed")
        followed(api, guest.snapshot("second").rollback.post())
        same(guest.config.get()["name"], f"stranger-{vmid}")
        same(guest.status.current.get()["status"], "running")
        for name in ("third", "second", "first"):
            followed(api, guest.snapshot(name).delete())
        same([row["name"] for row in guest.snapshot.get()], ["current"])
        with refused(ResourceException, "500", "snapshot 'never' does not exist"):
            guest.snapshot("never").config.get()
    with session.step("feature and a linked clone of what is no template"):
        same(guest.feature.get(feature="snapshot")["hasFeature"], 1)
        with refused(ResourceException, "500"):
            guest.clone.post(newid=vmid + 1, full=0)
    with session.step("firewall: options, a set, rules, their order and digest"):
        firewall = guest.firewall
        firewall.options.put(enable=1, policy_out="DROP")
        options = firewall.options.get()
        same((options["enable"], options["policy_out"]), (1, "DROP"))
        firewall.ipset.post(name="friends", comment="a=b; c&d")
        same(firewall.ipset.get()[0]["comment"], "a=b; c&d")
        for cidr in ("192.0.2.0/24", "2001:db8::/32", "198.51.100.7"):
            firewall.ipset("friends").post(cidr=cidr)
        firewall.ipset("friends")("192.0.2.0%2F24").put(comment="a net")
        same(firewall.ipset("friends")("192.0.2.0%2F24").get()["comment"], "a net")
        firewall.ipset("friends")("192.0.2.0%2F24").delete()
        same(len(firewall.ipset("friends").get()), 2)
        firewall.rules.post(type="out", action="ACCEPT", proto="tcp", dport="443", dest="+friends", enable=1)
        firewall.rules.post(type="in", action="DROP", comment="first of all")
        rules = firewall.rules.get()
        same([rule["pos"] for rule in rules], [0, 1])
        same(rules[0]["comment"], "first of all")
        same(firewall.rules(0).get().get("enable", 0), 0)
        firewall.rules(1).put(moveto=0)
        rules = firewall.rules.get()
        same(rules[0]["dest"], "+friends")
        with refused(ResourceException, "500", "detected modified configuration"):
            firewall.rules(0).put(comment="late", digest="0" * 40)
        firewall.rules(1).delete(digest=rules[0]["digest"])
        with refused(ResourceException, "400", "source"):
            firewall.rules.post(type="in", action="ACCEPT", source="api.example.org")
        firewall.rules(0).delete()
        firewall.ipset("friends").delete(force=1)
        same(firewall.ipset.get(), [])
        firewall.options.put(delete="policy_out")
        assert "policy_out" not in firewall.options.get()
    with session.step("pools: create, comment, members, remove"):
        name = f"guild-{vmid}"
        api.pools.post(poolid=name, comment="of strangers")
        api.pools.put(poolid=name, vms=vmid, **{"allow-move": 1})
        pool = api.pools.get(poolid=name)[0]
        same([row["vmid"] for row in pool["members"]], [vmid])
        same(api.pools(name).get()["comment"], "of strangers")
        api.pools.put(poolid=name, comment="of friends")
        api.pools.put(poolid=name, vms=vmid, delete=1)
        api.pools.delete(poolid=name)
        assert name not in {row["poolid"] for row in api.pools.get()}
    with session.step("tasks: of a node, of a guest, of this account"):
        rows = api.nodes("pve1").tasks.get(vmid=vmid, limit=100, source="all")
        assert {"qmstart", "qmsnapshot", "qmrollback"} <= {row["type"] for row in rows}, rows
        assert all(row["user"] == FACTS["user"] for row in rows)
        failed = api.nodes("pve1").tasks.get(errors=1, vmid=vmid)
        assert failed and all(row["status"] != "OK" for row in failed), failed
        assert api.nodes("pve1").tasks(rows[0]["upid"]).get()
        short = api.nodes("pve1").tasks(rows[0]["upid"]).log.get(start=0, limit=1)
        same(len(short), 1)
    with session.step("destroy it; while it runs that is refused"):
        with refused(ResourceException, "500", "running"):
            guest.delete()
        followed(api, guest.status.stop.post())
        followed(api, guest.delete(purge=1, **{"destroy-unreferenced-disks": 1}))
        with refused(ResourceException, "500", "does not exist"):
            guest.config.get()


def containers(session, api):
    container = api.nodes("pve1").lxc(133)
    with session.step("container: stop, start, snapshot, roll back, addresses"):
        followed(api, container.status.shutdown.post(forceStop=1))
        same(container.status.current.get()["status"], "stopped")
        followed(api, container.snapshot.post(snapname="quiet"))
        followed(api, container.snapshot("quiet").rollback.post(start=1))
        until("running", lambda: container.status.current.get()["status"] == "running")
        assert container.interfaces.get()
        followed(api, container.snapshot("quiet").delete())


def signing_in(session):
    with session.step("a wrong password is refused"):
        with refused(AuthenticationError, "401"):
            ProxmoxAPI(user=FACTS["user"], password="guess", **PLACE)
    with session.step("a wrong token is refused"):
        with refused(ResourceException, "401"):
            user, _, name = FACTS["token_id"].partition("!")
            ProxmoxAPI(user=user, token_name=name, token_value="0" * 8, **PLACE).version.get()
    with session.step("a second factor, by recovery key; a key is good once"):
        key = FACTS["recovery_keys"][0]
        login = {"user": FACTS["second_factor_user"], "password": FACTS["second_factor_password"], **PLACE}
        assert second_factor(login, key).version.get()
        with refused(AuthenticationError, "Two Factor"):
            second_factor(login, key)
    with session.step("a ticket is renewed with itself"):
        api = by_password()
        api._store["session"].auth._get_new_tokens()
        assert api.version.get()
        followed(api, api.nodes("pve1").qemu(114).status.stop.post())
    with session.step("a token with fewer rights sees, and is refused what it may not do"):
        limited = by_token(("limited_token_id", "limited_token_secret"))
        assert limited.cluster.resources.get(type="vm")
        with refused(ResourceException, "403", "VM.Snapshot"):
            limited.nodes("pve1").qemu(114).snapshot.post(snapname="never")


def second_factor(login, key):
    """Signs in with a recovery key, which proxmoxer's own constructor has no name for."""
    from proxmoxer.backends import https

    base = f"https://{login['host']}:{login['port']}/api2/json"
    auth = https.ProxmoxHTTPAuth(
        login["user"], login["password"], otp=key, otptype="recovery", base_url=base,
        verify_ssl=login["verify_ssl"], timeout=login["timeout"],
    )
    api = by_password()
    api._store["session"].auth = auth
    return api


def main():
    for offset, (how, api) in enumerate((("token", by_token), ("password", by_password))):
        session = Session(f"proxmoxer by {how}")
        signed_in = None
        with session.step("sign in"):
            signed_in = api()
        if signed_in is not None:
            looks(session, signed_in)
            changes(session, signed_in, 900 + 10 * offset)
            containers(session, signed_in)
        yield session
    session = Session("proxmoxer")
    signing_in(session)
    yield session


whole = Session("proxmoxer")
for part in main():
    whole.held += part.held
    whole.failed += part.failed
whole.close()
