"""proxdeck against fakepve, a server that somebody else wrote: list, power, snapshots, tasks, with headless commands.

What fakepve does not do as Proxmox VE does must end in words, and what it does must work.
"""

import contextlib
import hashlib
import json
import os
import re
import ssl
import subprocess
import sys
import tempfile

from session import Session, same

BINARY = os.environ["STRANGERS_BINARY"]
GUESTS = [
    {"vmid": 100, "name": "web-1", "status": "running", "config": {
        "cores": 2, "memory": "2048", "scsi0": "local-lvm:vm-100-disk-0,size=8G", "tags": "autovibe;web",
        "net0": "virtio=BC:24:11:00:00:01,bridge=vmbr0"}},
    {"vmid": 101, "name": "db-1", "status": "stopped", "config": {
        "memory": "4096", "scsi0": "local-lvm:vm-101-disk-0,size=8G", "net0": "virtio=BC:24:11:00:00:02,bridge=vmbr0"}},
    {"vmid": 102, "name": "locked", "status": "running", "lock": "backup", "config": {}},
    {"vmid": 103, "name": "broken", "status": "stopped", "start_error": "no such disk", "config": {}},
    {"vmid": 104, "name": "deaf", "status": "running", "acpi": False, "config": {}},
    {"vmid": 105, "name": "far", "node": "pve2", "status": "running", "config": {}},
    {"vmid": 200, "name": "ct-1", "type": "lxc", "status": "running", "config": {
        "rootfs": "local-lvm:vm-200-disk-0,size=4G"}},
]
PROFILE = """
[selection]
tags = ["autovibe"]
[network_profiles.shut]
bridge = "vmbr0"
firewall = true
allow = ["192.0.2.1:443"]
block = ["0.0.0.0/0"]
"""


class Ran:
    """What a command of proxdeck printed, and how it ended."""

    def __init__(self, folder, arguments):
        environment = {"HOME": folder, "PATH": os.environ["PATH"]}
        done = subprocess.run(
            [BINARY, "--config", f"{folder}/config.toml", *arguments],
            env=environment, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL, check=False,
        )
        self.code, self.out, self.errors = done.returncode, done.stdout, done.stderr
        self.said = f"exit {self.code}\n{self.out}{self.errors}"

    def ends(self, code, *words):
        assert self.code == code, self.said
        for word in words:
            assert word in self.out + self.errors, f"{word!r} is not in\n{self.said}"
        raw = [mark for mark in self.out + self.errors if ord(mark) < 32 and mark != "\n"]
        assert not raw, f"{raw} in\n{self.said}"
        return self

    def rows(self):
        return json.loads(self.ends(0).out)["rows"]


@contextlib.contextmanager
def served(folder, *program):
    """Starts a server of fakepve; yields its address and fingerprint, and a list that holds its writes at the end."""
    path = f"{folder}/guests.json"
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"guests": GUESTS}, file)
    process = subprocess.Popen(
        [sys.executable, *[path if word == "GUESTS" else word for word in program]],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )
    try:
        found = None
        while not found:
            line = process.stdout.readline()
            assert line, "fakepve ended before it listened"
            found = re.search(r"https://(127\.0\.0\.1):(\d+)", line)
        address = found[1], int(found[2])
        digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate(address))).hexdigest().upper()
        writes = []
        yield address, ":".join(digest[at:at + 2] for at in range(0, 64, 2)), writes
    finally:
        process.terminate()
        rest, _ = process.communicate(timeout=20)
    if rest.startswith("["):
        writes.extend(json.loads(rest))


def config(folder, address, secret, fingerprint):
    with open(f"{folder}/config.toml", "w", encoding="utf-8") as file:
        file.write(
            f'[clusters.fake]\nendpoints = ["https://{address[0]}:{address[1]}"]\nuser = "root@pam"\n'
            f'password = "{secret}"\nfingerprints = ["{fingerprint}"]\n{PROFILE}'
        )
    os.chmod(f"{folder}/config.toml", 0o600)


def signing_in(session, run, folder, address, fingerprint):
    with session.step("another certificate than the pinned one is refused, and both are shown"):
        other = fingerprint[3:] + ":00"
        config(folder, address, "secret", other)
        run("list").ends(3, fingerprint, other)
    with session.step("a wrong password is refused"):
        config(folder, address, "guess", fingerprint)
        error = json.loads(run("list", "--json").ends(3).out)["error"]
        same(error["kind"], "AuthenticationFailed")
    config(folder, address, "secret", fingerprint)


def session_of(session, run):
    with session.step("list, filter, doctor, check"):
        rows = {row["vmid"]: row for row in run("list", "--json").rows()}
        same(sorted(rows), [guest["vmid"] for guest in GUESTS])
        same((rows[100]["name"], rows[100]["status"], rows[100]["managed"]), ("web-1", "running", True))
        same((rows[105]["node"], rows[200]["type"]), ("pve2", "lxc"))
        same([row["vmid"] for row in run("list", "tag:web", "--json").rows()], [100])
        checks = run("doctor", "--json").rows()
        # That its firewall is off is true of fakepve, and all that is.
        same({row["check"] for row in checks if row["status"] in ("fail", "unknown")}, {"firewall"})
        run("check").ends(0, "proxdeck OK fake")
    with session.step("power: start, shut down, stop, reboot, reset"):
        run("power", "start", "101", "--yes").ends(0, "TASK OK", "now running")
        run("power", "shutdown", "101", "--yes").ends(0, "TASK OK", "now stopped")
        run("power", "reboot", "100", "--yes").ends(0, "TASK OK")
        run("power", "reset", "100", "--yes").ends(0, "TASK OK")
        run("power", "stop", "105=far", "--yes").ends(0, "now stopped")
        run("power", "start", "100", "--yes").ends(2, "running already")
    with session.step("tasks that fail: a disk that is not there, a guest that does not listen"):
        run("power", "start", "103", "--yes").ends(1, "the task failed: no such disk", "UPID:pve1:")
        run("power", "shutdown", "104", "--yes").ends(1, "got timeout", "did not shut down in time")
    with session.step("a locked guest is refused beforehand"):
        run("snapshot", "create", "102", "--name", "never").ends(2, "locked (backup)", "nothing was changed")
    with session.step("snapshots: create, list, keep, roll back, delete"):
        for vmid in ("100", "200"):
            run("snapshot", "create", vmid, "--name", "first", "--description", "zwölf = a;b").ends(0, "TASK OK")
            run("snapshot", "create", vmid, "--name", "second").ends(0, "TASK OK")
            row = run("snapshot", "list", vmid, "--json").rows()[0]
            same((row["snapshot"], row["description"]), ("first", "zwölf = a;b"))
            run("snapshot", "create", vmid, "--name", "second").ends(2, "second")
            run("snapshot", "keep", vmid, "first").ends(0)
            same(run("snapshot", "list", vmid, "--json").rows()[0]["description"], "zwölf = a;b\n#keep")
            run("snapshot", "delete", vmid, "second", "--yes").ends(0, "done")
            same([row["snapshot"] for row in run("snapshot", "list", vmid, "--json").rows()], ["first"])
        run("restore", "100=web-1", "first", "--no-start", "--yes").ends(0, "roll back first done")
        run("restore", "100=db-1", "first", "--yes").ends(2)
        run("snapshot", "delete", "100", "never", "--yes").ends(2, "has no snapshot never")
    with session.step("retention plans and keeps what is marked"):
        rows = run("prune", "--json").rows()
        same([(row["vmid"], row["snapshot"], row["verdict"]) for row in rows], [(100, "first", "keep")])
    with session.step("brackets over two nodes: create, list, drop"):
        run("bracket", "create", "both", "100", "105").ends(0, "2 done")
        run("bracket", "list").ends(0, "both", "100 105")
        run("bracket", "drop", "both", "--yes").ends(0, "2 done")
    with session.step("a network profile for a guest that is stopped; applied twice it changes nothing"):
        run("network", "apply", "101", "shut", "--yes").ends(0)
        plan = run("network", "plan", "101", "shut").ends(0)
        assert "POST" not in plan.out and "PUT" not in plan.out, plan.said
    with session.step("what the server says it cannot do is not tried"):
        run("clone", "101", "--name", "copy").ends(2, "the server says", "nothing was changed")
        run("destroy", "999=none", "--yes").ends(2, "there is no guest 999")


def gone_wrong(session):
    """What goes wrong at a server is told apart, and no write is sent twice."""

    @contextlib.contextmanager
    def wrong(mode):
        script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "faulty_fakepve.py")
        with tempfile.TemporaryDirectory() as folder:
            with served(folder, script, mode, "GUESTS") as (address, fingerprint, writes):
                config(folder, address, "secret", fingerprint)
                yield (lambda *arguments: Ran(folder, arguments)), writes

    with session.step("no quorum: refused once, in the server's words, and an alert"):
        with wrong("no-quorum") as (run, writes):
            run("power", "start", "101", "--yes").ends(1, "no quorum")
            run("check").ends(2, "quorum")
        same([path for _, path, _ in writes if "ticket" not in path], ["/api2/json/nodes/pve1/qemu/101/status/start"])
    with session.step("a node that does not answer: its guests stay, and are not touched"):
        with wrong("silent-node") as (run, writes):
            rows = {row["vmid"]: row for row in run("list", "--json").rows()}
            same((rows[105]["node"], rows[105]["status"]), ("pve2", "unknown"))
            run("power", "stop", "105", "--yes").ends(2, "does not answer", "nothing was changed")
            run("check").ends(2, "node pve2")
        assert not [path for _, path, _ in writes if "ticket" not in path], writes
    with session.step("tickets that end at once: two logins, and no more"):
        with wrong("short-tickets") as (run, writes):
            run("list").ends(3, "refused the login")
        same(len(writes), 2)
    with session.step("a second factor that nobody knows: a token is advised"):
        with wrong("second-factor") as (run, writes):
            run("list").ends(3, "second factor", "API token")
        same(len(writes), 1)
    with session.step("a web page instead of data"):
        with wrong("web-page") as (run, _):
            run("list").ends(1, "Bad Gateway", "GET /cluster/resources")
    with session.step("a link that breaks: words for each loss, and no write twice"):
        with wrong("flaky") as (run, writes):
            for number in range(4):
                done = run("snapshot", "create", "100", "--name", f"try-{number}")
                assert done.code in (0, 1, 3), done.said
                done.ends(done.code)
        asked = [body for _, path, body in writes if path.endswith("/snapshot")]
        same(len(asked), len(set(asked)))


def main():
    session = Session("proxdeck against fakepve")
    with tempfile.TemporaryDirectory() as folder:
        program = ["-m", "fakepve", "GUESTS", "--host", "127.0.0.1", "--port", "0", "--time-scale", "0.02"]
        with served(folder, *program) as (address, fingerprint, _):

            def run(*arguments):
                return Ran(folder, arguments)

            signing_in(session, run, folder, address, fingerprint)
            session_of(session, run)
        with session.step("a server that is gone is said to be"):
            run("list").ends(3, "cannot reach the server")
    gone_wrong(session)
    session.close()


main()
