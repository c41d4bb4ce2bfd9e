"""Serves fakepve with something wrong, and tells at its end every write that it was asked for.

The modes are what the command line of fakepve has no words for.
"""

import asyncio
import json
import signal
import sys
import tempfile

from fakepve import FakePve
from fakepve.certs import make_cert

MODES = {
    "no-quorum": lambda pve: pve.lose_quorum(),
    "flaky": lambda pve: pve.flaky_network(drop_rate=0.2, seed=11),
    "second-factor": lambda pve: setattr(pve, "tfa", True),
    "short-tickets": lambda pve: setattr(pve, "ticket_ttl", -1),
    "web-page": lambda pve: pve.fail("GET", "/cluster/resources", 502, "Bad Gateway", html=True),
    "silent-node": lambda pve: pve.set_node_offline("pve2"),
}


async def serve(mode, guests):
    pve = FakePve(host="127.0.0.1", port=0)
    pve.time_scale = 0.02
    with open(guests, encoding="utf-8") as file:
        for guest in json.load(file)["guests"]:
            if guest.get("type") == "lxc":
                pve.add_ct(guest["vmid"], guest["name"], status=guest["status"], config=guest["config"])
            else:
                pve.add_vm(guest["vmid"], guest["name"], node=guest.get("node", "pve1"), status=guest["status"],
                           config=guest["config"], lock=guest.get("lock"))
    with tempfile.TemporaryDirectory() as folder:
        certificate, key, _ = make_cert(folder, hosts=("127.0.0.1",))
        await pve.start(certificate, key)
    MODES[mode](pve)
    print(f"fakepve listening on https://{pve.host}:{pve.port}", flush=True)
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    await ended.wait()
    print(json.dumps([[method, path, body] for method, path, body in pve.requests if method != "GET"], default=str))


asyncio.run(serve(*sys.argv[1:]))
