# SPDX-License-Identifier: BSD-3-Clause
"""ICMP errors about balanced connections, to the client and to the server that they concern."""

import os
import socket

from bench import check, equal, eventually, family_of
from labs import BEHIND, MIXED, SAME, TUNNEL, words
from packets import (CLIENT_MAC, DIRECTOR_MAC, ICMP, TCP, Ether, ICMPv6DestUnreach, ICMPv6PacketTooBig,
                     ip_of, ip_layer, tap)
from runner import scenario

CLOSED_PORT = 5400        # no server listens there


def add_closed(lab):
    first = lab.config()["services"][0]
    servers = [{key: value for key, value in one.items() if key != "port"} for one in first["servers"]]
    lab.change("service.add", service={**first, "protocol": "udp", "port": CLOSED_PORT, "servers": servers})


def refused_datagram(lab, what):
    """A server's port unreachable reaches the client's socket: the kernel found it by what is quoted."""
    with lab.inside("client"):
        asker = socket.socket(family_of(lab.plan.vip), socket.SOCK_DGRAM)
    with asker, tap(lab, "client") as wire:
        asker.settimeout(2)
        asker.connect((lab.plan.vip, CLOSED_PORT))
        eventually(lambda: is_refused(asker, what), f"{what}: no port unreachable")
        got = wire.see(lambda frame: ICMPv6DestUnreach in frame or ICMP in frame and frame[ICMP].type == 3,
                       f"{what}: the error")
    equal((ip_of(got).src, ip_of(got).dst), (lab.plan.vip, lab.plan.client), f"{what}: who says it to whom")


def is_refused(asker, what):
    try:
        asker.send(b"anybody?")
        asker.recv(100)
        check(False, f"{what}: an answer from a closed port")
    except ConnectionRefusedError:
        return True
    except TimeoutError:
        return False


def closed_port(lab, mode, ends):
    for family, server_family in ends:
        lab.switch(mode, family, server_family)
        add_closed(lab)
        refused_datagram(lab, words(mode, family, server_family))


@scenario(**BEHIND)
def servers_say_nat(lab):
    """Port unreachable of a server behind NAT is about the client's own packet, from the VIP."""
    closed_port(lab, "nat", SAME)


@scenario(**BEHIND)
def servers_say_fullnat(lab):
    """The same behind FullNAT, also translated."""
    closed_port(lab, "fullnat", SAME + MIXED)


def too_big(lab, segment, mtu):
    """The client's side says that a segment of the VIP was too big."""
    quoted = bytes(ip_of(segment))[:200]
    ends = {"src": lab.plan.client, "dst": lab.plan.vip}
    if lab.plan.family == 6:
        return ip_layer(6, **ends) / ICMPv6PacketTooBig(mtu=mtu) / quoted
    return ip_layer(4, **ends) / ICMP(type=3, code=4, nexthopmtu=mtu) / quoted[:28]


# The client's link takes no more than this: what is longer is not there for its Linux.
NARROW = """\
table inet narrow {
	chain in {
		type filter hook prerouting priority -300;
		tcp sport 80 meta length > 1300 drop
	}
}
"""


def is_long(frame, lab):
    return TCP in frame and ip_of(frame).src == lab.plan.vip and len(frame) > 1314


def clients_errors(lab, what):
    """Nothing arrives until the server has heard that its segments are too big."""
    lab.run("client", "nft", "-f", "-", feed=NARROW)
    try:
        with tap(lab, "client", buffer=1 << 20) as wire:
            path = f"{lab.plan.directory}/narrow"
            lab.spawn("narrow", "client", "curl", "-sS", "-m", "20", "-o", path, lab.plan.url("/big?rate=1m"))
            def arrives():
                for frame in wire.frames(0.2):
                    if is_long(frame, lab):
                        wire.send(Ether(src=CLIENT_MAC, dst=DIRECTOR_MAC) / too_big(lab, frame, 1300))
                return os.path.exists(path) and os.path.getsize(path) > 100000
            eventually(arrives, f"{what}: the server does not send smaller segments", 10)
    finally:
        lab.run("client", "nft", "delete", "table", "inet", "narrow")
        lab.end("narrow")


def narrow_client(lab, mode, ends):
    for family, server_family in ends:
        lab.switch(mode, family, server_family)
        clients_errors(lab, words(mode, family, server_family))


@scenario(**BEHIND)
def clients_say_nat(lab):
    """A router beyond the client says "too big": the server behind NAT sends smaller segments."""
    narrow_client(lab, "nat", SAME)


@scenario(**BEHIND)
def clients_say_fullnat(lab):
    """The same behind FullNAT, also translated."""
    narrow_client(lab, "fullnat", SAME + MIXED)


@scenario(**TUNNEL)
def clients_say_tunnel(lab):
    """The same where the server answers past the director: the error goes through the tunnel."""
    narrow_client(lab, "tun", SAME)
