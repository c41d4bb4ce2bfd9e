"""prometheus-pve-exporter scrapes `proxdeck simulate`, and its figures are held against the server's own.

The exporter runs as its users run it: as a web server of its own, configured by a file, with all of its collectors.
"""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

from prometheus_client.parser import text_string_to_metric_families
from proxmoxer import ProxmoxAPI

from session import Session, same, simulator

FACTS = simulator()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def config():
    """Writes a config with two modules: signed in by token and by password."""
    user, _, name = FACTS["token_id"].partition("!")
    modules = {
        "default": {
            "user": user, "token_name": name, "token_value": FACTS["token_secret"], "verify_ssl": FACTS["authority"],
        },
        "password": {"user": FACTS["user"], "password": FACTS["password"], "verify_ssl": FACTS["authority"]},
    }
    file = tempfile.NamedTemporaryFile("w", suffix=".yml", delete=False)
    with file:
        json.dump(modules, file)  # which is YAML, too
    return file.name


def scrape(port, path):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=60) as answer:
        return answer.read().decode()


def served(process, port):
    """Waits until the exporter answers."""
    end = time.monotonic() + 60
    while True:
        assert process.poll() is None, "the exporter ended"
        try:
            return scrape(port, "/metrics")
        except urllib.error.URLError:
            assert time.monotonic() < end, "the exporter does not answer"
            time.sleep(0.1)


def figures(text):
    """Returns {name: {labels: value}}; text that Prometheus could not read is an error."""
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(sorted(sample.labels.items()))] = sample.value
    return found


def by_id(found, name):
    return {dict(labels)["id"]: value for labels, value in found[name].items()}


def judge(session, found, api):
    rows = api.cluster.resources.get()
    guests = [row for row in rows if row["type"] in ("qemu", "lxc")]
    with session.step("who is up"):
        up = by_id(found, "pve_up")
        same(up["cluster/lab"], 1.0)
        same(up["node/pve1"], 1.0)
        same({row["id"]: float(row["status"] == "running") for row in guests},
             {row["id"]: up[row["id"]] for row in guests})
        assert all(row["id"] in up for row in rows if row["type"] == "storage")
    with session.step("nodes, cluster and version"):
        names = {dict(labels)["name"] for labels in found["pve_node_info"]}
        same(names, {"pve1", "pve2", "pve3", "pve4"})
        info = dict(next(iter(found["pve_cluster_info"])))
        same((info["id"], info["nodes"], info["quorate"]), ("cluster/lab", "4", "1"))
        assert dict(next(iter(found["pve_version_info"])))["version"].startswith("9.")
    with session.step("every guest and storage by name and size"):
        named = {dict(labels)["id"]: dict(labels) for labels in found["pve_guest_info"]}
        same(set(named), {row["id"] for row in guests})
        assert all(named[row["id"]]["name"] == row["name"] for row in guests if "name" in row)
        sizes = by_id(found, "pve_memory_size_bytes")
        assert all(sizes[row["id"]] == row["maxmem"] for row in guests if "maxmem" in row)
        stores = {dict(labels)["id"] for labels in found["pve_storage_info"]}
        same(stores, {row["id"] for row in rows if row["type"] == "storage"})
        running = next(row["id"] for row in guests if row["status"] == "running")
        for name in ("pve_cpu_usage_ratio", "pve_uptime_seconds", "pve_network_receive_bytes_total",
                     "pve_disk_written_bytes_total"):
            assert by_id(found, name)[running] >= 0, name
    with session.step("locks and availability"):
        locked = {dict(labels)["id"] for labels, value in found["pve_lock_state"].items() if value}
        same(locked, {row["id"] for row in guests if row.get("lock") in ("snapshot-delete", "backup", "clone")})
        assert "pve_ha_state" in found
    with session.step("what no backup covers, what starts with its node, the subscription"):
        same(found["pve_not_backed_up_total"][(("id", "cluster/lab"),)], float(len(guests)))
        assert all(dict(labels)["node"] == "pve1" for labels in found.get("pve_onboot_status", {}))
        states = {dict(labels)["status"]: value for labels, value in found["pve_subscription_status"].items()}
        same([state for state, value in states.items() if value], ["notfound"])


def main():
    session = Session("prometheus-pve-exporter")
    port = free_port()
    path = config()
    command = [sys.executable, "-m", "pve_exporter", "--config.file", path, "--web.listen-address", f"127.0.0.1:{port}"]
    with open(os.environ["STRANGERS_LOG"], "w", encoding="utf-8") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        with session.step("it starts with a config of two accounts"):
            served(process, port)
        user, _, name = FACTS["token_id"].partition("!")
        api = ProxmoxAPI(FACTS["host"], port=FACTS["port"], user=user, token_name=name,
                         token_value=FACTS["token_secret"], verify_ssl=FACTS["authority"], timeout=30)
        for module in ("default", "password"):
            with session.step(f"the whole scrape, module {module}"):
                target = f"{FACTS['host']}:{FACTS['port']}"
                found = figures(scrape(port, f"/pve?target={target}&module={module}&cluster=1&node=1"))
                judge(session, found, api)
        with session.step("the exporter counted no error"):
            own = figures(scrape(port, "/metrics"))
            same(sum(own["pve_request_errors_total"].values()), 0.0)
    finally:
        process.terminate()
        process.wait(20)
        os.remove(path)
    if session.failed:
        with open(os.environ["STRANGERS_LOG"], encoding="utf-8") as log:
            print(log.read()[-4000:])
    session.close()


main()
