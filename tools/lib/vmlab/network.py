# SPDX-License-Identifier: BSD-3-Clause
"""What config/bare-metal.json expects around the director: two networks, a client on one, servers on the
other, and a router between them, which the servers' answers take under direct routing.

      NAME-client: eth0              NAME-router: wan, lan          NAME-server1 ...: eth0
              |                         |          |                      |
   NAME-switch: bridge wan ------- to-router-wan   to-router-lan --- bridge lan
              |                                                           |
         tap for wan0                  the guest                    tap for lan0
"""

import dataclasses
import os

from netlab import process
from netlab.plan import LabError
from netlab.process import run

CLIENT = "203.0.113.10"
ROUTER_WAN = "203.0.113.1"
ROUTER_LAN = "10.0.0.1"
DIRECTOR_WAN = "203.0.113.2"
DIRECTOR_LAN = "10.0.0.2"
ROUTER_VIP = "203.0.113.4"     # on an interface with a virtual MAC address
LAN_MTU = 9000
VLAN = 5                       # on the servers' network
VLAN_PORT = "admin0"
VLAN_DIRECTOR = "10.5.0.2"
VLAN_HOST = "10.5.0.1"


@dataclasses.dataclass
class Card:
    """A network card of the guest and the tap behind it."""
    port: str              # of the configuration
    network: str           # the bridge
    tap: str
    mac: str
    slot: str

    @property
    def pci(self):
        return f"0000:00:{int(self.slot, 16):02x}.0"


CARDS = (Card("wan0", "wan", "tap-wan0", "52:54:00:00:00:02", "0x10"),
         Card("lan0", "lan", "tap-lan0", "52:54:00:00:01:02", "0x11"))


class Network:
    """Namespaces NAME-*; with `gateway`, what the servers send by default to."""

    def __init__(self, name, vips, servers, gateway):
        self.name = name
        self.vips = vips
        self.servers = servers     # addresses
        self.gateway = gateway

    def netns(self, host):
        return f"{self.name}-{host}"

    def hosts(self):
        return ["switch", "client", "router"] + [f"server-{server}" for server in self.servers]

    def inside(self, host, *argv, **options):
        return run("ip", "netns", "exec", self.netns(host), *argv, **options)

    def build(self, queues):
        self.remove()
        for host in self.hosts():
            run("ip", "netns", "add", self.netns(host))
            run("ip", "-n", self.netns(host), "link", "set", "lo", "up")
            self.sysctl(host, "net.ipv6.conf.default.disable_ipv6", 1)
        for bridge in ("wan", "lan"):
            self.switch("link", "add", bridge, "type", "bridge", "forward_delay", "0",
                        "mcast_snooping", "0")
            self.switch("link", "set", bridge, "up")
        for card in CARDS:
            self.add_tap(card, queues)
        self.plug("client", "eth0", "wan", f"{CLIENT}/24")
        self.plug("router", "wan", "wan", f"{ROUTER_WAN}/24")
        self.plug("router", "lan", "lan", f"{ROUTER_LAN}/16")
        self.sysctl("router", "net.ipv4.ip_forward", 1)
        for vip in self.vips:
            run("ip", "-n", self.netns("client"), "route", "add", f"{vip}/32", "via", DIRECTOR_WAN)
        run("ip", "-n", self.netns("client"), "route", "add", "default", "via", ROUTER_WAN)
        for server in self.servers:
            self.add_server(server)

    def add_server(self, server):
        host = f"server-{server}"
        self.plug(host, "eth0", "lan", f"{server}/16")
        run("ip", "-n", self.netns(host), "route", "add", "default", "via", self.gateway)
        if self.gateway != ROUTER_LAN:
            return
        self.sysctl(host, "net.ipv4.conf.all.arp_ignore", 1)
        self.sysctl(host, "net.ipv4.conf.all.arp_announce", 2)
        for vip in self.vips:
            run("ip", "-n", self.netns(host), "address", "add", f"{vip}/32", "dev", "lo")

    def switch(self, *words):
        run("ip", "-n", self.netns("switch"), *words)

    def sysctl(self, host, key, value):
        self.inside(host, "sysctl", "-qw", f"{key}={value}")

    def add_tap(self, card, queues):
        many = ["multi_queue"] if queues > 1 else []
        self.switch("tuntap", "add", "dev", card.tap, "mode", "tap", *many)
        self.switch("link", "set", card.tap, "mtu", str(self.mtu(card.network)), "master",
                    card.network, "up")

    def plug(self, host, device, bridge, address):
        end = f"to-{self.hosts().index(host)}-{bridge}"
        self.switch("link", "add", end, "type", "veth", "peer", "name", device, "netns",
                    self.netns(host))
        for where, name in (("switch", end), (host, device)):
            # Packets on a wire have checksums and are no longer than the MTU.
            self.inside(where, "ethtool", "-K", name, "tx", "off", "gro", "off", "gso", "off",
                        "tso", "off")
            run("ip", "-n", self.netns(where), "link", "set", name, "mtu",
                str(self.mtu(bridge)), "up")
        self.switch("link", "set", end, "master", bridge)
        run("ip", "-n", self.netns(host), "address", "add", address, "dev", device)

    @staticmethod
    def mtu(bridge):
        return LAN_MTU if bridge == "lan" else 1500

    def remove(self):
        """All namespaces of this name and what runs in them, also those that an earlier run left."""
        left = [name for name in os.listdir("/run/netns") if name.startswith(f"{self.name}-")] \
            if os.path.isdir("/run/netns") else []
        for netns in left:
            process.end_namespace(netns)
        for netns in left:
            run("ip", "netns", "del", netns)


def check_name(name):
    if not name.replace("-", "").isalnum() or len(name) > 20:
        raise LabError(f"name {name!r}: at most 20 letters, digits and dashes")
