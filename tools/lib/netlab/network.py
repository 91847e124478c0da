# SPDX-License-Identifier: BSD-3-Clause
"""The networks of a lab and who is on them, for each forwarding method. Knows nothing of how they are made.

    front  192.168.8.0/24   fd00:8::/64    clients, the director, VIPs; servers of direct routing
    back   192.168.9.0/24   fd00:9::/64    the director and what lies behind it: NAT's servers, or a router
    link   192.168.19.0/24  fd00:19::/64   between two routers; may be narrow
    far    192.168.10.0/24  fd00:10::/64   servers that are three hops from the director

With one port on the director, front and back are one segment: the director has addresses of both.
"""

import dataclasses

CLIENT_NUMBER, VIP_NUMBER, FIRST_SERVER = 1, 100, 12
DIRECTOR_NUMBER, BACKUP_NUMBER = 11, 10
NEAR_NUMBER, FAR_NUMBER = 2, 3         # the two routers
FIRST_LOCAL = 201                      # FullNAT's local addresses
LOCAL_ADDRESSES = 2


@dataclasses.dataclass(frozen=True)
class Network:
    name: str
    number: int

    def address(self, family, last):
        return f"fd00:{self.number}::{last}" if family == 6 else f"192.168.{self.number}.{last}"

    def prefix(self, family):
        return f"fd00:{self.number}::/64" if family == 6 else f"192.168.{self.number}.0/24"

    def with_length(self, family, last):
        return f"{self.address(family, last)}/{64 if family == 6 else 24}"


FRONT, BACK = Network("front", 8), Network("back", 9)
LINK, FAR = Network("link", 19), Network("far", 10)


def last_part(address):
    """The number of a host in its network, from any of its addresses."""
    return address.replace(":", ".").rsplit(".", 1)[1]


def network_part(address):
    return address.replace("::", ".").replace(":", ".").split(".")[-2]


def mac(address):
    """The MAC address of a host: its last bytes read as the address does."""
    return "02:00:00:00:%02d:%02d" % (int(network_part(address)) % 100, int(last_part(address)) % 100)


@dataclasses.dataclass
class Link:
    """An interface of a host: eth0 is the first one of its list, eth1 the second."""
    network: Network
    number: int
    mtu: int = 1500


@dataclasses.dataclass
class Route:
    """To a network, or anywhere (None), by a neighbour."""
    to: Network
    via: Network
    number: int


@dataclasses.dataclass
class Host:
    name: str
    role: str
    links: list
    routes: list = dataclasses.field(default_factory=list)
    forwards: bool = False
    carries_vip: bool = False
    own_kernel: bool = False       # user-mode Linux, with tunnels

    def addresses(self, family):
        return [link.network.address(family, link.number) for link in self.links]


class Topology:
    """Hosts by name, the director's side of the networks, and the routes that a director needs."""

    def __init__(self, plan):
        self.plan = plan
        self.hosts = {}
        self.director_routes = []
        self.add(Host("client", "asks the VIP", [Link(FRONT, CLIENT_NUMBER)]))
        getattr(self, f"plan_{plan.mode}")()
        for name, number in plan.director_numbers().items():
            networks = [FRONT, BACK] if self.uses_back() else [FRONT]
            self.add(Host(name, "sluice", [Link(network, number) for network in networks]))

    def add(self, host):
        self.hosts[host.name] = host

    def uses_back(self):
        return any(link.network is BACK for host in self.hosts.values() for link in host.links)

    def networks(self):
        used = {link.network.name for host in self.hosts.values() for link in host.links}
        return [network for network in (FRONT, BACK, LINK, FAR) if network.name in used]

    def servers(self):
        return [host for host in self.hosts.values() if host.name.startswith("server")]

    def servers_beside_client(self):
        return self.plan.server_network is FRONT

    def add_servers(self, network, role, routes, mtu=1500, **more):
        for number in self.plan.server_numbers():
            self.add(Host(f"server{number}", role, [Link(network, number, mtu)], routes, **more))

    # What each forwarding method asks of servers and routers.

    def plan_dr(self):
        role = "has the VIP on lo, answers the client directly"
        if self.plan.ports == 1:
            self.add_servers(FRONT, role, [], carries_vip=True)
            return
        self.add(Host("near", "router", [Link(BACK, NEAR_NUMBER), Link(FRONT, NEAR_NUMBER)],
                      forwards=True))
        self.add_servers(BACK, role, [Route(None, BACK, NEAR_NUMBER)], carries_vip=True)

    def plan_nat(self):
        role = "has the director as its gateway"
        if not self.plan.hops:
            self.add_servers(BACK, role, [Route(None, BACK, DIRECTOR_NUMBER)])
            return
        self.add_routers([Link(BACK, NEAR_NUMBER)], [Route(None, BACK, DIRECTOR_NUMBER)])
        self.add_servers(FAR, "behind routers, whose gateway is the director",
                         [Route(None, FAR, FAR_NUMBER)])

    def plan_fullnat(self):
        role = "knows no way to the client"
        if not self.plan.hops:
            self.add_servers(BACK, role, [])
            return
        self.add_routers([Link(BACK, NEAR_NUMBER)], [])
        self.add_servers(FAR, role, [Route(BACK, FAR, FAR_NUMBER)])

    def plan_tunnel(self):
        if not self.plan.hops:
            self.add_servers(FRONT, "takes packets out of tunnels, answers the client directly", [],
                             carries_vip=True, own_kernel=True)
            return
        links = [Link(FRONT, NEAR_NUMBER)]
        if self.plan.ports == 2:
            links.insert(0, Link(BACK, NEAR_NUMBER))
        self.add_routers(links, [])
        self.add_servers(FAR, "takes packets out of tunnels, answers the client directly",
                         [Route(None, FAR, FAR_NUMBER)], carries_vip=True, own_kernel=True)
        # The way of the answers, which does not touch the director.
        self.hosts["client"].routes.append(Route(FAR, FRONT, NEAR_NUMBER))

    plan_tun = plan_gue = plan_gre = plan_tunnel

    def add_routers(self, near_links, near_routes):
        """client side - near ===(link)=== far - servers; the director reaches far by near."""
        towards = near_links[0].network
        width = self.plan.link_mtu
        self.add(Host("near", "router", [*near_links, Link(LINK, NEAR_NUMBER, width)],
                      [Route(FAR, LINK, FAR_NUMBER), *near_routes], forwards=True))
        self.add(Host("far", "router", [Link(LINK, FAR_NUMBER, width), Link(FAR, FAR_NUMBER)],
                      [Route(None, LINK, NEAR_NUMBER)], forwards=True))
        self.director_routes.append(Route(FAR, towards, NEAR_NUMBER))
