# SPDX-License-Identifier: BSD-3-Clause
"""Labs that several files of scenarios want: both families, so that one lab does for many methods."""

# Servers behind the director, on a port of its own; the director is their gateway.
BEHIND = {"mode": "nat", "ipv6": True, "udp": True, "workers": 2}
# Servers behind two routers with a narrow link; the director is the way back, for who wants one.
FAR = {"mode": "nat", "ipv6": True, "udp": True, "hops": 2, "link_mtu": 1400}
# Servers that take packets out of tunnels, behind the same link, and answer past the director.
TUNNEL = {"mode": "tun", "ipv6": True, "udp": True, "link_mtu": 1400}
# Servers with the VIP on lo, behind a port of the director with a small MTU.
NARROW = {"mode": "dr", "ipv6": True, "udp": True, "ports": 2, "link_mtu": 1400}

FAMILIES = (4, 6)
# Families of VIP and server.
SAME, MIXED = ((4, 4), (6, 6)), ((6, 4), (4, 6))


def words(mode, family, server_family=0):
    """How a check names what it looks at."""
    to = f" to IPv{server_family}" if server_family not in (0, family) else ""
    return f"{mode} IPv{family}{to}"
