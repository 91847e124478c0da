# SPDX-License-Identifier: BSD-3-Clause
"""Servers behind a link of 1400 bytes, clients that send 1500 with DF: uploads complete, and packets say why."""

import contextlib
import hashlib
import os

from bench import check, equal
from labs import FAR, MIXED, NARROW, SAME, TUNNEL, words
from netlab import network
from netlab import plan as names
from packets import ICMP, IP, TCP, ICMPv6PacketTooBig, IPv6, IPv6ExtHdrFragment, tap
from runner import scenario

UPLOAD_BYTES = 300000
WIDTH = 1400           # of the link


def forget_paths(lab):
    """What the client and the routers have learned before."""
    for host in lab.plan.hosts():
        if host != "switch":
            for family in (4, 6):
                flush = ("ip", f"-{family}", "route", "flush", "cache")
                lab.run(host, *flush, check_status=False)
                if lab.plan.topology.hosts[host].own_kernel:
                    lab.order(host, *flush)


def upload(lab, mode, family, server_family, fits):
    """What the client sends with DF arrives, after somebody said how much fits."""
    lab.switch(mode, family, server_family)
    what = words(mode, family, server_family)
    forget_paths(lab)
    path = f"{lab.plan.directory}/upload"
    with open(path, "wb") as out:
        out.write(os.urandom(UPLOAD_BYTES))
    with open(path, "rb") as source:
        wanted = hashlib.sha256(source.read()).hexdigest()
    with tap(lab, "client", buffer=8 << 20) as client:
        lab.run("client", "curl", "-sS", "-f", "-m", "20", "-T", path, lab.plan.url("/upload/file"))
        frames = client.come()
    equal(what_arrived(lab), wanted, f"{what}: checksum of what arrived")
    sent = [frame for frame in frames if TCP in frame and is_sent(lab, frame)]
    longest = max(map(len, sent)) - 14
    check(longest > fits, f"{what}: the client sent at most {longest} bytes, which fit")
    check(all(IPv6 in frame or frame[IP].flags.DF for frame in sent), f"{what}: a packet without DF")
    said = [mtu_of(frame) for frame in frames if mtu_of(frame)]
    check(said, f"{what}: nobody told the client that its packets are too big")
    equal(min(said), fits, f"{what}: the MTU that the client is told")


def is_sent(lab, frame):
    ip = frame[IPv6] if IPv6 in frame else frame[IP]
    return ip.src == lab.plan.client


def mtu_of(frame):
    """What an ICMP error to the client says that fits, if it is one that does."""
    if ICMP in frame and (frame[ICMP].type, frame[ICMP].code) == (3, 4):
        return frame[ICMP].nexthopmtu
    return frame[ICMPv6PacketTooBig].mtu if ICMPv6PacketTooBig in frame else 0


def what_arrived(lab):
    """The checksum of the file on the server that has it; takes it away."""
    found = []
    for host in lab.plan.server_hosts():
        own = lab.plan.topology.hosts[host].own_kernel
        path = f"{'/tmp/nginx' if own else f'{lab.plan.directory}/{host}'}/upload/file"
        said = lab.order(host, "sh", "-c", f"[ ! -e {path} ] || sha256sum {path}; rm -f {path}")
        found += said.split()[:1]
    equal(len(found), 1, "servers that have the file")
    return found[0]


def overhead_of(mode, server_family):
    """Bytes in front of the client's packet."""
    return {"tun": 0, "gue": 8 + 4, "gre": 4}[mode] + (40 if server_family == 6 else 20)


@contextlib.contextmanager
def narrow_for(lab, family, mtu):
    """The near router's way to the servers is that narrow, in this family alone: the servers' answers
    cross the same link."""
    far, by = network.FAR.prefix(family), network.LINK.address(family, network.FAR_NUMBER)
    change = ("ip", f"-{family}", "route", "replace", far, "via", by)
    lab.run("near", *change, "mtu", "lock", str(mtu))
    try:
        yield
    finally:
        lab.run("near", *change)


def is_piece(frame):
    """Whether its outermost IP packet is a fragment."""
    ip = frame.payload
    return isinstance(ip.payload, IPv6ExtHdrFragment) if isinstance(ip, IPv6) else (
        isinstance(ip, IP) and (ip.flags.MF or ip.frag > 0))


def pieces_of_tunnels(lab, frames):
    """What the director sent to servers in fragments: their outermost IP packets."""
    return [frame.payload for frame in frames if frame.src == lab.plan.wires()[0].mac
            and is_piece(frame) and frame.payload.dst in lab.plan.server_addresses()]


@scenario(**NARROW)
def direct_routing(lab):
    """The director's own port is the narrow link: it says so itself."""
    for family, server_family in SAME:
        upload(lab, "dr", family, server_family, WIDTH)


@scenario(**FAR)
def nat(lab):
    """A router's error about a packet to the server becomes one about the client's own packet."""
    for family, server_family in SAME:
        upload(lab, "nat", family, server_family, WIDTH)


@scenario(**FAR)
def fullnat(lab):
    """The router's error goes to the local address, and on to the client."""
    for family, server_family in SAME:
        upload(lab, "fullnat", family, server_family, WIDTH)


@scenario(**FAR)
def fullnat_translated(lab):
    """The same between families, whose headers differ by 20 bytes."""
    for family, server_family in MIXED:
        upload(lab, "fullnat", family, server_family, WIDTH + 20 if family == 6 else WIDTH - 20)


@scenario(**FAR)
def fullnat_too_narrow_for_ipv6(lab):
    """IPv6 of 1280 bytes to IPv4 servers, by a router with room for 1000: it fragments what has no DF."""
    with narrow_for(lab, 4, 1000):
        upload(lab, "fullnat", 6, 4, 1280)


@scenario(**TUNNEL)
def tunnels(lab):
    """The director learns the tunnel's MTU from the router's error and tells the client what is left of it."""
    for mode in names.TUNNELS:
        for family, server_family in SAME:
            upload(lab, mode, family, server_family, WIDTH - overhead_of(mode, server_family))


@scenario(only_full=True, **TUNNEL)
def tunnels_of_mixed_families(lab):
    """The same with IPv6 in IPv4 and IPv4 in IPv6."""
    for mode in names.TUNNELS:
        for family, server_family in MIXED:
            upload(lab, mode, family, server_family, WIDTH - overhead_of(mode, server_family))


# The last one: for ten minutes the director remembers how narrow the paths were.
@scenario(**TUNNEL)
def tunnels_too_narrow_for_ipv6(lab):
    """IPv6 of 1280 bytes through tunnels that have room for less: what is around it leaves in fragments."""
    for mode in names.TUNNELS if lab.full else ["tun"]:
        for server_family, mtu in ((4, 1260), (6, 1280)):
            with narrow_for(lab, server_family, mtu), tap(lab, "near", buffer=8 << 20) as near:
                upload(lab, mode, 6, server_family, 1280)
                pieces = pieces_of_tunnels(lab, near.come())
            what = words(mode, 6, server_family)
            check(pieces, f"{what}: the director sent no fragments")
            longest = max(map(len, pieces))
            check(mtu - 8 < longest <= mtu, f"{what}: fragments of {longest} bytes, {mtu} fit")
            check(all(isinstance(one, IPv6) or not one.flags.DF for one in pieces), f"{what}: fragments with DF")
