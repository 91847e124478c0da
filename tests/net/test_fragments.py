# SPDX-License-Identifier: BSD-3-Clause
"""Datagrams larger than a packet, in every order, by every method; and a flood of beginnings."""

import itertools
import os
import socket

from bench import Background, check, equal, eventually, family_of
from labs import BEHIND, MIXED, NARROW, SAME, TUNNEL, words
from netlab import plan as names
from packets import (CLIENT_MAC, DIRECTOR_MAC, IP, UDP, Ether, IPv6, IPv6ExtHdrFragment, ip_layer, tap)
from runner import scenario

ECHO_PORT = 5300
IP_MTU_DISCOVER, IP_PMTUDISC_DONT = 10, 0
TRIES_6 = 6               # on the way there and on the way back somebody may have to learn
PIECE = 1200              # bytes of each fragment that is made here: a multiple of 8
_numbers = itertools.count(1)


def serve_echo(lab, mode, family, server_family):
    """A service whose servers send back what they get."""
    lab.switch(mode, family, server_family)
    first = lab.config()["services"][0]
    servers = [{key: value for key, value in one.items() if key != "port"} for one in first["servers"]]
    lab.call("service.add", service={**first, "protocol": "udp", "port": ECHO_PORT, "servers": servers})


def asker(lab):
    with lab.inside("client"):
        made = socket.socket(family_of(lab.plan.vip), socket.SOCK_DGRAM)
    made.settimeout(3)
    made.bind((lab.plan.client, 0))
    return made


def by_linux(lab, what):
    """Fragments as the client's Linux makes them, and as the server's does for the answer. Without DF IPv4 may be
    cut on the way; IPv6 is not, and its sender learns from the first packet that is lost."""
    for size in (1473, 4000, 20000):
        data = os.urandom(size)
        with asker(lab) as one:
            one.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT)
            one.settimeout(1)
            tries = TRIES_6 if lab.plan.family == 6 else 1
            check(any(echoed(one, lab, data) for _ in range(tries)), f"{what}: {size} bytes do not come back")


def echoed(one, lab, data):
    one.sendto(data, (lab.plan.vip, ECHO_PORT))
    try:
        return one.recv(65536) == data
    except TimeoutError:
        return False


def pieces(lab, port, data):
    """The frames of one datagram, in their order."""
    family = lab.plan.family
    ends = {"src": lab.plan.client, "dst": lab.plan.vip}
    whole = ip_layer(family, **ends) / UDP(sport=port, dport=ECHO_PORT) / data
    packet = bytes(type(whole)(bytes(whole))[UDP])
    ether, number = Ether(src=CLIENT_MAC, dst=DIRECTOR_MAC), next(_numbers)
    out = []
    for at in range(0, len(packet), PIECE):
        more = at + PIECE < len(packet)
        if family == 6:
            header = IPv6(**ends) / IPv6ExtHdrFragment(nh=17, id=number, m=int(more), offset=at // 8)
        else:
            header = IP(**ends, id=number, proto=17, flags="MF" if more else 0, frag=at // 8)
        out.append(bytes(ether / header / packet[at:at + PIECE]))
    return out


def by_hand(lab, what):
    """Fragments backwards, and of several datagrams in turns."""
    with tap(lab, "client") as wire:
        for order in ("backwards", "in turns"):
            askers = [asker(lab) for _ in range(3)]
            data = [os.urandom(5000 + i) for i in range(len(askers))]
            frames = [pieces(lab, one.getsockname()[1], text) for one, text in zip(askers, data)]
            if order == "backwards":
                frames = [list(reversed(one)) for one in frames]
                frames = [frame for one in frames for frame in one]
            else:
                frames = [frame for row in itertools.zip_longest(*frames) for frame in row if frame]
            for frame in frames:
                wire.send(frame)
            for one, text in zip(askers, data):
                with one:
                    equal(receive(one), text, f"{what}: a datagram {order}")


def receive(one):
    try:
        return one.recv(65536)
    except TimeoutError:
        return None


def datagrams(lab, *wanted):
    lab.echo(ECHO_PORT)
    for mode, family, server_family in wanted:
        serve_echo(lab, mode, family, server_family)
        what = words(mode, family, server_family)
        eventually(lambda: all(small(lab) for _ in lab.plan.server_hosts()),
                   f"{what}: no answers to small datagrams", 15)
        by_linux(lab, what)
        by_hand(lab, what)


def small(lab):
    with asker(lab) as one:
        one.sendto(b"small", (lab.plan.vip, ECHO_PORT))
        try:
            return one.recv(100) == b"small"
        except TimeoutError:
            return False


@scenario(**BEHIND)
def through_nat(lab):
    """NAT: every fragment is rewritten, there and back."""
    datagrams(lab, *(("nat", *ends) for ends in SAME))


@scenario(**BEHIND)
def through_fullnat(lab):
    """FullNAT, also between families."""
    datagrams(lab, *(("fullnat", *ends) for ends in SAME + MIXED))


@scenario(**NARROW)
def through_direct_routing(lab):
    """Direct routing, over a narrow port: what has no DF is split again."""
    datagrams(lab, *(("dr", *ends) for ends in SAME))


@scenario(**TUNNEL)
def through_tunnels(lab):
    """Tunnels: every fragment travels in a packet of its own."""
    modes = names.TUNNELS if lab.full else ("gue",)
    datagrams(lab, *((mode, *ends) for mode in modes for ends in SAME))


@scenario(**BEHIND)
def flood_of_beginnings(lab):
    """First fragments whose rest never comes are bounded, and cost other traffic nothing."""
    serve_echo(lab, "nat", 4, 4)
    source = lab.plan.client.rpartition(".")[0] + ".77"     # so that no identification is the client's
    frames = []
    for number in range(2000):
        port = 10000 + number
        frames.append(bytes(Ether(src=CLIENT_MAC, dst=DIRECTOR_MAC) /
                            IP(src=source, dst=lab.plan.vip, id=number + 1, flags="MF") /
                            UDP(sport=port, dport=ECHO_PORT, len=3000) / (b"x" * 32)))
        # What waits for a beginning is held: a later piece without one.
        frames.append(bytes(Ether(src=CLIENT_MAC, dst=DIRECTOR_MAC) /
                            IP(src=source, dst=lab.plan.vip, id=30000 + number, frag=100,
                               flags="MF", proto=17) / (b"x" * 32)))
    path = f"{lab.plan.directory}/frames"
    with open(path, "w", encoding="ascii") as out:
        out.writelines(f"{frame.hex()}\n" for frame in frames)
    before = lab.drops()
    flood = Background(lambda: lab.helper("client", "flood.py", 10 if lab.full else 3, f"@{path}"))
    result = lab.load(300, 5)
    equal((result["ok"], result["errors"]), (300, {}), "connections in the flood, errors")
    check(flood.result()["sent"] > 10000, "that was no flood")
    risen = {name: count - before[name] for name, count in lab.drops().items() if name.startswith("fragment")}
    check(sum(risen.values()) > 1000, f"hardly anything was dropped: {risen}")
    held = [worker["fragments"] for worker in lab.call("workers.get")["workers"]]
    check(all(0 < one["datagrams"] <= one["capacity"] for one in held), f"datagrams remembered: {held}")
    lab.echo(ECHO_PORT)
    eventually(lambda: small(lab), "no answer to a small datagram")
    by_linux(lab, "after the flood")
