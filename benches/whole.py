#!/usr/bin/env python3
"""Measures the whole program in a terminal, beside a simulated cluster in another process.

    cargo build --release && python3 benches/whole.py

It needs nothing but Python and Linux, takes about five minutes a fleet, and prints the table of
the README. The machine should have nothing else to do; the load is printed with the figures.

What is measured, of the release build at 120x40:
  first byte     from the start of the program to the first byte on the terminal
  data           from the moment the resource list was received (the program's own log says when)
                 to the first byte of the frame that shows it
  memory, CPU    at rest, with refreshes and background reading, from /proc
  bytes          that the terminal gets, at rest and while the cursor moves
  key            from writing a key to the first byte of its frame, at rest and while a refresh
                 is received, decoded and taken in
Every figure is the median of the rounds, except for the largest delay, which is the largest of all.
"""

import argparse
import datetime
import fcntl
import glob
import os
import pty
import random
import select
import shutil
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time

COLUMNS, ROWS = 120, 40
NODES = 50
# The first minute has a burst of background reading that later ones do not have.
SETTLES = 40.0
# A key pressed so long before or after an answer came in is one during a refresh.
BEFORE, AFTER = 0.05, 0.30
GOALS = {
    1_000: {"memory": 24, "cpu": 0.5},
    10_000: {
        "first": 15,
        "data": 200,
        "memory": 40,
        "cpu": 1.5,
        "still": 8,
        "lively": 60,
        "rest95": 1.5,
        "restmax": 16,
        "busy95": 1.5,
        "busymax": 16,
    },
}


def still_world(guests):
    """Writes a scenario in which guests run and nothing about them changes."""
    lines = ['seed = 1', 'speed = 1.0', 'cluster = "still"', 'timezone = "UTC"']
    for node in range(1, NODES + 1):
        lines += ["[[nodes]]", f'name = "pve{node}"', "cores = 64", 'memory = "512GiB"', 'up = "90d"']
    lines += ["[[storages]]", 'name = "vmstore"', 'kind = "dir"', 'content = ["images", "rootdir"]']
    lines += ['size = "100000GiB"', "used = 0.5", "shared = true"]
    for pool in ("alpha", "beta"):
        lines += ["[[pools]]", f'name = "{pool}"']
    for index in range(guests):
        lines += ["[[guests]]", f"vmid = {100 + index}", f'name = "agent-still-{100 + index}"']
        lines += [f'node = "pve{index % NODES + 1}"', "cores = 2", 'memory = "4GiB"']
        lines += ['disks = ["vmstore:8GiB"]', 'tags = "autovibe"', 'status = "running"', 'up = "30d"']
        lines += [f'pool = "{("alpha", "beta")[index % 2]}"']
        lines += [f"load = {{ cpu = 0.{index % 80:02}, memory = 0.4, lively = 0.0 }}"]
    return "\n".join(lines) + "\n"


class Server:
    """A simulated cluster in a process of its own."""

    def __init__(self, binary, nice, arguments):
        command = ["nice", "-n", str(nice), binary, "simulate", "--listen", "127.0.0.1:0", *arguments]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.config = ""
        for line in self.process.stdout:
            if self.config or line.startswith("resolver"):
                self.config += line
            if line.startswith("fingerprints"):
                return
        sys.exit("the simulated cluster did not start")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()


class Dashboard:
    """The program in a terminal."""

    def __init__(self, binary, folder):
        self.folder = folder
        environment = {
            "HOME": folder,
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "TERM": "xterm-256color",
            "COLORTERM": "truecolor",
            "PROXDECK_LOG": "debug",
        }
        told, tell = os.pipe()
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            size = struct.pack("HHHH", ROWS, COLUMNS, 0, 0)
            fcntl.ioctl(0, termios.TIOCSWINSZ, size)
            os.write(tell, struct.pack("d", time.monotonic()))
            os.execve(binary, [binary, "--config", f"{folder}/config.toml"], environment)
        (self.started,) = struct.unpack("d", os.read(told, 8))
        os.close(told)
        os.close(tell)
        self.bytes, self.last = 0, b""

    def read(self, seconds):
        """Returns what comes within a time, and when; nothing where nothing came."""
        ready, _, _ = select.select([self.terminal], [], [], max(seconds, 0))
        if not ready:
            return b"", time.monotonic()
        now = time.monotonic()
        try:
            data = os.read(self.terminal, 1 << 16)
        except OSError:
            sys.exit(f"the program ended: {self.last.decode(errors='replace')}")
        self.bytes += len(data)
        self.last = data
        return data, now

    def watch(self, seconds):
        """Reads for a while and returns how many bytes came."""
        before, end = self.bytes, time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.read(left)
        return self.bytes - before

    def wait_for(self, text, seconds):
        """Reads until a text is drawn, and returns when the first byte of that write came."""
        seen, end = b"", time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            data, now = self.read(left)
            seen = seen[-64:] + data
            if text in seen:
                return now
        sys.exit(f"{text!r} was not drawn within {seconds} s")

    def press(self, key):
        """Presses a key in a moment of silence; returns when, and how long its first byte took."""
        while self.read(0.003)[0]:
            pass
        pressed = time.monotonic()
        os.write(self.terminal, key)
        data, now = self.read(2.0)
        if not data:
            sys.exit(f"nothing came of {key!r}")
        return pressed, (now - pressed) * 1000

    def memory(self):
        """Returns the resident memory in MB."""
        with open(f"/proc/{self.pid}/status") as status:
            line = next(line for line in status if line.startswith("VmRSS"))
        return int(line.split()[1]) * 1024 / 1e6

    def cpu(self):
        """Returns the seconds that all its threads have run."""
        spent = 0
        for path in glob.glob(f"/proc/{self.pid}/task/*/schedstat"):
            with open(path) as stat:
                spent += int(stat.read().split()[0])
        return spent / 1e9

    def answers(self):
        """Returns when resource lists were received, by the monotonic clock."""
        ahead = time.time() - time.monotonic()
        moments = []
        for path in glob.glob(f"{self.folder}/.local/state/proxdeck/logs/*"):
            with open(path) as log:
                for line in log:
                    if "GET /cluster/resources ok" in line:
                        at = datetime.datetime.fromisoformat(line.split()[0].replace("Z", "+00:00"))
                        moments.append(at.timestamp() - ahead)
        return moments

    def stop(self):
        os.kill(self.pid, signal.SIGTERM)
        # What nobody reads would keep it from ending.
        try:
            while os.read(self.terminal, 1 << 16):
                pass
        except OSError:
            pass
        os.waitpid(self.pid, 0)
        os.close(self.terminal)


class Bench:
    """All measurements of one fleet."""

    def __init__(self, binary, nice, guests, seconds, rounds):
        self.binary, self.nice, self.guests = binary, nice, guests
        self.seconds, self.rounds = seconds, rounds

    def dashboard(self, server):
        folder = tempfile.mkdtemp(prefix="proxdeck-whole-")
        with open(f"{folder}/config.toml", "w", opener=lambda path, flags: os.open(path, flags, 0o600)) as config:
            config.write(server.config)
            config.write('[selection]\ntags = ["autovibe"]\n[limits]\ncpu_percent = 98\n')
            config.write('[projects.alpha]\nuuid = "6f0c2c0e-0000-4000-8000-000000000001"\npool = "alpha"\nwindow = "7d"\ncpu_hours = 100000\n')
        return Dashboard(self.binary, folder)

    def leave(self, dashboard):
        dashboard.stop()
        shutil.rmtree(dashboard.folder)

    def run(self):
        figures = {}
        world = ["--nodes", str(NODES), "--guests", str(self.guests), "--seed", "1", "--speed", "1"]
        server = Server(self.binary, self.nice, world)
        starts = [self.start(server) for _ in range(5 * self.rounds)]
        figures["first"] = statistics.median(first for first, _ in starts)
        figures["data"] = statistics.median(data for _, data in starts)
        rests = [self.rest(server) for _ in range(self.rounds)]
        for name in ("memory", "cpu", "lively", "scrolling"):
            figures[name] = statistics.median(rest[name] for rest in rests)
        for name in ("rest", "busy"):
            samples = sorted(sample for rest in rests for sample in rest[name])
            figures[f"{name}50"] = samples[len(samples) // 2]
            figures[f"{name}95"] = samples[len(samples) * 95 // 100]
            figures[f"{name}max"] = samples[-1]
            figures[f"{name}count"] = len(samples)
        server.stop()
        with tempfile.NamedTemporaryFile("w", suffix=".toml") as scenario:
            scenario.write(still_world(self.guests))
            scenario.flush()
            server = Server(self.binary, self.nice, ["--scenario", scenario.name])
            dashboard = self.dashboard(server)
            dashboard.wait_for(b"agent-", 60)
            dashboard.watch(SETTLES)
            figures["still"] = dashboard.watch(self.seconds) / self.seconds * 60 / 1000
            self.leave(dashboard)
            server.stop()
        return figures

    def start(self, server):
        """Starts the program; returns the times to its first byte and from the answer to the data."""
        dashboard = self.dashboard(server)
        data, now = dashboard.read(10)
        assert data, "nothing was drawn within 10 s"
        first = (now - dashboard.started) * 1000
        shown = dashboard.wait_for(b"agent-", 60)
        dashboard.watch(0.3)
        answered = min(dashboard.answers())
        self.leave(dashboard)
        return first, (shown - answered) * 1000

    def rest(self, server):
        dashboard = self.dashboard(server)
        dashboard.wait_for(b"agent-", 60)
        dashboard.watch(SETTLES)
        before, bytes_before, memory = dashboard.cpu(), dashboard.bytes, []
        began = time.monotonic()
        while time.monotonic() - began < self.seconds:
            dashboard.watch(1)
            memory.append(dashboard.memory())
        lasted = time.monotonic() - began
        result = {
            "memory": statistics.median(memory),
            "cpu": (dashboard.cpu() - before) / lasted * 100,
            "lively": (dashboard.bytes - bytes_before) / lasted * 60 / 1000,
        }
        # Twenty keys a second, down and up again.
        bytes_before, began = dashboard.bytes, time.monotonic()
        for step in range(400):
            os.write(dashboard.terminal, b"j" if step < 200 else b"k")
            dashboard.watch(0.05)
        lasted = time.monotonic() - began
        result["scrolling"] = (dashboard.bytes - bytes_before) / lasted * 60 / 1000
        keys = []
        for step in range(200):
            dashboard.watch(random.uniform(0.05, 0.15))
            keys.append(dashboard.press(b"jk"[step % 2 : step % 2 + 1]))
        end = time.monotonic() + self.seconds
        step = 0
        while time.monotonic() < end:
            os.write(dashboard.terminal, b"r")
            until = time.monotonic() + 2
            while time.monotonic() < until:
                dashboard.watch(random.uniform(0.002, 0.015))
                keys.append(dashboard.press(b"jk"[step % 2 : step % 2 + 1]))
                step += 1
        dashboard.watch(0.5)
        answers = dashboard.answers()
        busy = lambda at: any(answer - BEFORE <= at <= answer + AFTER for answer in answers)
        result["rest"] = [took for at, took in keys if not busy(at)]
        result["busy"] = [took for at, took in keys if busy(at)]
        self.leave(dashboard)
        return result


LINES = [
    ("first", "first byte", "{:.1f} ms"),
    ("data", "data after the answer", "{:.0f} ms"),
    ("memory", "memory at rest (RSS)", "{:.1f} MB"),
    ("cpu", "CPU at rest, of a core", "{:.2f} %"),
    ("still", "to the terminal, nothing changes", "{:.1f} KB/min"),
    ("lively", "to the terminal, everything changes", "{:.1f} KB/min"),
    ("scrolling", "to the terminal, 20 keys a second", "{:.0f} KB/min"),
    ("rest50", "key to first byte, p50", "{:.2f} ms"),
    ("rest95", "key to first byte, p95", "{:.2f} ms"),
    ("restmax", "key to first byte, largest", "{:.1f} ms"),
    ("busy50", "during a refresh, p50", "{:.2f} ms"),
    ("busy95", "during a refresh, p95", "{:.2f} ms"),
    ("busymax", "during a refresh, largest", "{:.1f} ms"),
]


def table(results):
    fleets = list(results)
    head = "".join(f" {guests:,} guests | goal |" for guests in fleets)
    print(f"| {COLUMNS}x{ROWS}, {NODES} nodes |{head}")
    print("|---|" + "--:|--:|" * len(fleets))
    for name, words, form in LINES:
        row = f"| {words} |"
        for guests in fleets:
            goal = GOALS.get(guests, {}).get(name)
            unit = form.split("}")[1]
            row += f" {form.format(results[guests][name])} | {'' if goal is None else f'{goal}{unit}'} |"
        print(row)


def machine():
    with open("/proc/cpuinfo") as info:
        models = [line.split(":")[1].strip() for line in info if line.startswith("model name")]
    kernel, load = os.uname().release, os.getloadavg()
    model = models[0] if models else os.uname().machine
    return f"{os.cpu_count()} cores ({model}), Linux {kernel}, load {load[0]:.1f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default="target/release/proxdeck")
    parser.add_argument("--guests", type=int, nargs="+", default=[1_000, 10_000])
    parser.add_argument("--seconds", type=float, default=60.0, help="how long to look at rest")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument(
        "--nice",
        type=int,
        default=0,
        help="niceness of the simulated cluster; 15 leaves the cores to the program, as a cluster elsewhere does",
    )
    options = parser.parse_args()
    binary = os.path.abspath(options.binary)
    before = machine()
    results = {}
    for guests in options.guests:
        results[guests] = Bench(binary, options.nice, guests, options.seconds, options.rounds).run()
    table(results)
    counts = ", ".join(f"{r['restcount']} + {r['busycount']} keys at {g:,} guests" for g, r in results.items())
    print(f"\nMeasured on {before} at the beginning and {os.getloadavg()[0]:.1f} at the end; {counts}.")


if __name__ == "__main__":
    main()
