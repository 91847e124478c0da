# SPDX-License-Identifier: BSD-3-Clause
"""The director's wires are tagged: what is not of their VLAN does not get through."""

from bench import check, equal
from labs import SAME
from runner import scenario


@scenario(vlan=5, udp=True)
def direct_routing(lab):
    """A port of VLAN 5 has its twin, its addresses and its services."""
    equal(sorted(set(lab.answers(4))), lab.voices(), "servers that answer")
    equal(lab.udp()[:5], "From ", "answer to a datagram")
    check(lab.ping(lab.plan.director, 5), "the director does not answer ping")


@scenario(vlan=5, mode="nat", ipv6=True, udp=True)
def nat(lab):
    """Clients in VLAN 5, servers in VLAN 6, either family."""
    for family, server_family in SAME:
        lab.switch("nat", family, server_family)
        equal(sorted(set(lab.answers(4))), lab.voices(), f"IPv{family}: servers that answer")
