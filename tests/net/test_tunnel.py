# SPDX-License-Identifier: BSD-3-Clause
"""IP in IP, GUE and GRE to servers that are real Linux kernels, three hops away."""

from bench import check, equal
from labs import MIXED, SAME, TUNNEL, words
from netlab import plan as names
from packets import IP, TCP, UDP, IPv6, ip_of, tap
from runner import scenario

MODES = list(names.TUNNELS)
PROTOCOL = {"gre": 47, "gue": 17}


def outer_protocol(mode, family):
    return PROTOCOL.get(mode, 41 if family == 6 else 4)


def takes_turns(lab, mode, family, server_family, **server):
    lab.switch(mode, family, server_family, server=server)
    what = words(mode, family, server_family)
    answers = [lab.curl() for _ in range(4)]
    equal(sorted(set(answers)), lab.voices(),
          f"{what}: servers that answer")
    equal(lab.udp()[:5], "From ", f"{what}: answer to a datagram")


@scenario(**TUNNEL)
def ipip(lab):
    """IPv4 and IPv6 in IPv4 and IPv6."""
    for family, server_family in SAME + MIXED:
        takes_turns(lab, "tun", family, server_family)
    check(" Tunnel " in lab.ctl("list"), "the listing does not say Tunnel")


@scenario(**TUNNEL)
def gue(lab):
    """GUE, IPv4 and IPv6 in both."""
    for family, server_family in SAME + MIXED:
        takes_turns(lab, "gue", family, server_family)


@scenario(**TUNNEL)
def gre(lab):
    """GRE, IPv4 and IPv6 in both."""
    for family, server_family in SAME + MIXED:
        takes_turns(lab, "gre", family, server_family)


@scenario(**TUNNEL)
def checksums(lab):
    """GUE with a checksum and with remote checksum offload, GRE with a checksum: servers verify them."""
    for kind in ("on", "remote"):
        takes_turns(lab, "gue", 4, 4, tunnel={"type": "gue", "checksum": kind})
    # Linux takes a GRE packet with a checksum only where the tunnel says that there is one.
    for host in lab.plan.server_hosts():
        address = lab.plan.topology.hosts[host].addresses(4)[0]
        lab.order(host, "sh", "-c", f"ip link add gre1 type gre local {address} remote any icsum; "
                                    "ip link set gre1 up; ip link set gre0 down")
    try:
        takes_turns(lab, "gre", 4, 4, tunnel={"type": "gre", "checksum": "on"})
    finally:
        for host in lab.plan.server_hosts():
            lab.order(host, "sh", "-c", "ip link del gre1; ip link set gre0 up")


def outside(lab, mode):
    """The outer packet of a connection's SYN, as it leaves the director: seen at the near router."""
    with tap(lab, "near") as near:
        lab.curl()
        return near.see(lambda frame: frame.src == lab.plan.wires()[0].mac and
                        (IP in frame and frame[IP].dst in lab.plan.server_addresses() or
                         IPv6 in frame and frame[IPv6].dst in lab.plan.server_addresses()),
                        f"{mode}: a packet to a server")


@scenario(**TUNNEL)
def outer_headers(lab):
    """From the director's own address to the server's, with the protocol of the tunnel; GUE's source port
    differs with the connection."""
    for mode in MODES:
        lab.switch(mode)
        got = outside(lab, mode)
        equal((got[IP].src, got[IP].proto), (lab.plan.director, outer_protocol(mode, 4)),
              f"{mode}: outer source and protocol")
        carried = got[IP].chksum
        del got[IP].chksum
        equal(type(got)(bytes(got))[IP].chksum, carried, f"{mode}: outer checksum")
    lab.switch("gue")
    ports = set()
    for _ in range(8):
        got = outside(lab, "gue")
        equal(got[UDP].dport, 6080, "GUE's port")
        ports.add(got[UDP].sport)
    check(len(ports) > 1, f"all GUE packets come from port {ports}")


@scenario(**TUNNEL)
def answers_go_past_the_director(lab):
    """The server's answer comes to the client from the router, not from the director."""
    with tap(lab, "client") as client:
        lab.curl()
        got = client.see(lambda frame: TCP in frame and ip_of(frame).src == lab.plan.vip, "an answer")
    equal(got.src, names.mac(lab.plan.topology.hosts["near"].addresses(4)[0]), "who sends it")
