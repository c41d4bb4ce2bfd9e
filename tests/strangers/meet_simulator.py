"""Reads what `proxdeck simulate` printed and writes down how to reach it, for the other scripts.

The fingerprint that was printed is held against the certificate that is shown; then the cluster's own authority is
asked for, so that every other program checks certificates as it always does. Nothing here skips that.
"""

import hashlib
import http.client
import json
import os
import socket
import ssl
import sys
import urllib.parse


def pinned(host, port, fingerprint):
    """Returns a connection to the server that has this certificate, and to no other."""
    unchecked = ssl.create_default_context()
    unchecked.check_hostname = False
    unchecked.verify_mode = ssl.CERT_NONE
    wrapped = unchecked.wrap_socket(socket.create_connection((host, port), 20), server_hostname=host)
    shown = hashlib.sha256(wrapped.getpeercert(binary_form=True)).hexdigest().upper()
    if shown != fingerprint.replace(":", ""):
        sys.exit(f"the certificate is {shown}, which is not the printed one")
    connection = http.client.HTTPSConnection(host, port, timeout=20)
    connection.sock = wrapped
    return connection


def main(printed, authority, facts):
    said = {}
    with open(printed, encoding="utf-8") as file:
        for line in file:
            for name in ("address", "fingerprint", "user", "token", "limited token", "second factor", "recovery keys"):
                if line.startswith(name + "  ") or (line.startswith(name + " ") and name == "second factor"):
                    said[name] = line[len(name):].split()
    address = urllib.parse.urlsplit(said["address"][0])
    token_id, secret = said["token"]
    connection = pinned(address.hostname, address.port, said["fingerprint"][0])
    connection.request(
        "GET",
        "/api2/json/nodes/pve1/certificates/info",
        headers={"Authorization": f"PVEAPIToken={token_id}={secret}"},
    )
    certificates = json.load(connection.getresponse())["data"]
    with open(authority, "w", encoding="ascii") as file:
        file.write(next(one["pem"] for one in certificates if one["filename"] == "pve-root-ca.pem"))
    with open(facts, "w", encoding="utf-8") as file:
        json.dump(
            {
                "host": address.hostname,
                "port": address.port,
                "authority": os.path.abspath(authority),
                "user": said["user"][0],
                "password": said["user"][1],
                "token_id": token_id,
                "token_secret": secret,
                "limited_token_id": said["limited token"][0],
                "limited_token_secret": said["limited token"][1],
                "second_factor_user": said["second factor"][0],
                "second_factor_password": said["second factor"][1],
                "recovery_keys": said["recovery keys"],
            },
            file,
        )


main(*sys.argv[1:])
