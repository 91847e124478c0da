# SPDX-License-Identifier: BSD-3-Clause
"""The director's wires are tagged: what is not of their VLAN does not get through."""

from bench import check, equal
from runner import scenario


@scenario(vlan=5, udp=True)
def direct_routing(lab):
    """A port of VLAN 5 has its twin, its addresses and its services."""
    equal(sorted(set(lab.answers(4))), lab.voices(), "servers that answer")
    equal(lab.udp()[:5], "From ", "answer to a datagram")
    check(lab.ping(lab.plan.director), "the director does not answer ping")
