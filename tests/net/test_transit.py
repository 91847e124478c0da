# SPDX-License-Identifier: BSD-3-Clause
"""What servers do on their own account, with the director as their gateway."""

import hashlib
import json

from bench import check, equal, eventually
from labs import BEHIND, FAMILIES
from netlab import plan as names
from netlab import server
from netlab.network import BACK, CLIENT_NUMBER, DIRECTOR_NUMBER, FIRST_LOCAL, FRONT
from packets import TCP, ip_of, tap
from runner import scenario
from transfers import hops_left

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


def world(lab, family):
    return lab.plan.url("/big", PORT, client(family))


def client(family):
    return FRONT.address(family, CLIENT_NUMBER)


def download(lab, what, family):
    """A server fetches the big file from the client. The SYN, as it arrives there."""
    with open(server.big_file(lab.plan), "rb") as source:
        wanted = hashlib.sha256(source.read()).hexdigest()

    def fetch():
        said = lab.run("server12", "sh", "-c", f"curl -sS -m 20 {world(lab, family)} | sha256sum")
        equal(said.stdout.split()[0], wanted, said.stderr.strip() or "checksum")
        return True

    with tap(lab, "client", buffer=32 << 20) as wire:
        eventually(fetch, f"{what}, IPv{family}: the download is not whole", 15)
        return wire.see(lambda frame: TCP in frame and ip_of(frame).dst == client(family) and
                        frame[TCP].dport == PORT and frame[TCP].flags == "S", f"{what}, IPv{family}: the SYN")


def ways_back(lab, word):
    """The client's routes to the servers' networks: without masquerade it needs them."""
    for family in FAMILIES:
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
        for family in FAMILIES:
            what = f"{how}, IPv{family}"
            got = download(lab, how, family)
            equal(ip_of(got).src, BACK.address(family, 12), f"{what}: who asks")
            equal(hops_left(got), 63, f"{what}: hops left")
            eventually(lambda f=family: "exceeded" in ping_with_one_hop(lab, f), f"{what}: nobody says that a hop "
                       "is not enough")
    finally:
        ways_back(lab, "del")


def ping_with_one_hop(lab, family):
    return lab.run("server12", "ping", "-c1", "-W2", "-t1", client(family), check_status=False).stdout


@scenario(**BEHIND)
def masquerade(lab):
    """Servers come from an address of the director: who answers needs no way to them."""
    client_serves(lab)
    addresses = {family: FRONT.address(family, FIRST_LOCAL) for family in FAMILIES}
    transit(lab, "masquerade",
            local_addresses=[{"address": one, "port": names.TWIN} for one in addresses.values()])
    for family, address in addresses.items():
        got = download(lab, "masquerade", family)
        equal(ip_of(got).src, address, f"masquerade, IPv{family}: who asks")


@scenario(**BEHIND)
def dropped(lab):
    """With drop nothing passes."""
    client_serves(lab)
    ways_back(lab, "replace")
    try:
        transit(lab, "fast")
        for family in FAMILIES:            # somebody would answer
            download(lab, "before", family)
        transit(lab, "drop")
        for family in FAMILIES:
            before = lab.drops()["transit"]
            done = lab.run("server12", "curl", "-sS", "-m", "1", world(lab, family), check_status=False)
            equal(done.returncode, 28, f"IPv{family}: curl's exit status (28: nothing came)")
            check(lab.drops()["transit"] > before, f"IPv{family}: nothing was dropped as transit")
    finally:
        ways_back(lab, "del")
