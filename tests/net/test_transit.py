# SPDX-License-Identifier: BSD-3-Clause
"""What servers do on their own account, with the director as their gateway."""

import hashlib
import json

from bench import check, equal, eventually
from labs import BEHIND
from netlab import plan as names
from netlab import server
from netlab.network import BACK, DIRECTOR_NUMBER, FIRST_LOCAL, FRONT
from packets import IP, TCP, is_tcp, tap
from runner import scenario

PORT = 8000


def transit(lab, how, **more):
    document = json.loads(json.dumps({**lab.first_config, **more}))
    for port in document["ports"]:
        port["transit"] = how
    lab.apply(document)


def client_serves(lab):
    """The client is the world that servers download from."""
    lab.spawn("world", "client", "/usr/bin/python3", "-m", "http.server", str(PORT), "--bind", "::",
              "--directory", lab.plan.directory)


def downloads(lab, what, families=(4, 6)):
    """A server fetches the big file from the client."""
    for family in families:
        url = lab.plan.url("/big", PORT, FRONT.address(family, 1))
        def fetch(u=url):
            return lab.run("server12", "sh", "-c", f"curl -sS -m 20 {u} | sha256sum").stdout.split()[0]
        wanted = hashlib.sha256(open(server.big_file(lab.plan), "rb").read()).hexdigest()
        eventually(lambda: fetch() == wanted, f"{what}, IPv{family}: the download is not whole", 15)


def ways_back(lab, word):
    """The client's routes to the servers' networks: without masquerade it needs them."""
    for family in (4, 6):
        lab.run("client", "ip", "route", word, BACK.prefix(family), "via",
                FRONT.address(family, DIRECTOR_NUMBER))


@scenario(**BEHIND)
def fast(lab):
    """The packet path routes: TTL goes down by one, addresses stay."""
    routed(lab, "fast")


@scenario(**BEHIND)
def linux(lab):
    """Linux routes, where nftables may look."""
    lab.run("director", "sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")
    # What Linux is to route reaches it as any other packet does, at a rate that is meant for exceptions.
    routed(lab, "linux", punt={"other": 100000})


def routed(lab, how, **more):
    client_serves(lab)
    transit(lab, how, **more)
    ways_back(lab, "replace")
    try:
        with tap(lab, "client") as client:
            downloads(lab, how)
            got = client.see(lambda frame: is_tcp(frame, BACK.address(4, 12), names.CLIENT, "S"),
                             "the server's SYN")
            equal(got[IP].ttl, 63, "TTL")
        trace = lab.run("server12", "ping", "-c1", "-W2", "-t1", names.CLIENT, check_status=False).stdout
        check("Time to live exceeded" in trace or "exceeded" in trace, f"TTL 1: {trace}")
    finally:
        ways_back(lab, "del")


@scenario(**BEHIND)
def masquerade(lab):
    """Servers come from an address of the director: who answers needs no way to them."""
    client_serves(lab)
    addresses = [FRONT.address(family, FIRST_LOCAL) for family in (4, 6)]
    transit(lab, "masquerade",
            local_addresses=[{"address": one, "port": names.TWIN} for one in addresses])
    with tap(lab, "client") as client:
        downloads(lab, "masquerade")
        got = client.see(lambda frame: TCP in frame and frame[TCP].dport == PORT and IP in frame, "the SYN")
    equal(got[IP].src, addresses[0], "where it comes from")


@scenario(**BEHIND)
def dropped(lab):
    """With drop nothing passes."""
    client_serves(lab)
    ways_back(lab, "replace")
    try:
        transit(lab, "drop")
        done = lab.run("server12", "curl", "-sS", "-m", "1", lab.plan.url("/big", PORT, names.CLIENT),
                       check_status=False)
        equal(done.returncode, 28, "curl's exit status (28: nothing came)")
    finally:
        ways_back(lab, "del")
