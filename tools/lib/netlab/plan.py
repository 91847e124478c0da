# SPDX-License-Identifier: BSD-3-Clause
"""What is wanted of a lab: options, names, files. Knows nothing of how they are made."""

import dataclasses
import os
import re

from . import network
from .network import BACK, FAR, FRONT, mac

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__)))))

# The addresses of the lab for direct routing with IPv4. A plan knows its own.
CLIENT = FRONT.address(4, network.CLIENT_NUMBER)
DIRECTOR = FRONT.address(4, network.DIRECTOR_NUMBER)
VIP = FRONT.address(4, network.VIP_NUMBER)
MAX_SERVERS = 80
HTTP_PORT = 80
UDP_PORT = 53

TWIN = "lan0"          # the director's port to clients, and its twin in the director's namespace
BACK_TWIN = "dmz0"     # the one to servers, when there are two
TRUNKS = {TWIN: "trunk0", BACK_TWIN: "trunk1"}     # whose VLAN sub-ports these are, with --vlan

MODES = ["dr", "nat", "tun", "gue", "gre", "fullnat"]
TUNNELS = {"tun": "ipip", "gue": "gue", "gre": "gre"}
WORDS = {"dr": "direct routing", "nat": "NAT", "tun": "IP in IP", "gue": "GUE", "gre": "GRE",
         "fullnat": "FullNAT"}


class LabError(Exception):
    """One sentence for the person in front of the lab."""


@dataclasses.dataclass
class Wire:
    """A net_tap device: the director's end is a port, the kernel's end is in the switch."""
    port: str              # the name of the port that clients or servers are behind
    index: int             # of all wires of the lab
    network: network.Network
    number: int            # of the director on that network
    vlan: int = 0

    @property
    def name(self):
        return f"wire{self.index}"

    @property
    def mac(self):
        return mac(self.network.address(4, self.number))

    @property
    def switch_mac(self):
        """A bridge takes a port's own MAC address for itself, so it must not be the director's."""
        return f"02:00:00:00:fe:{self.index + 11}"


@dataclasses.dataclass
class Plan:
    name: str = "sluice"
    mode: str = "dr"
    ipv6: bool = False
    server_family: int = 0         # 4 or 6; 0 = the VIP's
    ports: int = 0                 # of the director; 0 = as many as the mode is usually run with
    hops: int = -1                 # routers between director and servers: 0 or 2; -1 = as usual
    link_mtu: int = 1500           # of what is between director and servers
    vlan: int = 0                  # of the first port; the second one's is the next number
    vrrp: bool = False             # two directors, keepalived decides which one serves
    servers: int = 2
    workers: int = 1
    scheduler: str = "rr"
    udp: bool = False
    huge: str = "auto"             # auto, on, off
    poll: str = "adaptive"
    memory_mb: int = 256
    connections: int = 100000
    config: str = ""               # a configuration file instead of the lab's own
    instance: str = ""             # default: the lab's name
    build: str = ""                # build directory; default: build/ of this repository
    idle_servers: int = 0          # servers that run but are in no service yet

    def __post_init__(self):
        self.instance = self.instance or self.name
        self.build = os.path.abspath(
            self.build or os.environ.get("SLUICE_BUILD") or f"{REPOSITORY}/build")
        if self.config:
            self.config = os.path.abspath(self.config)
        self.check()
        self.server_family = self.server_family or self.family
        self.ports = self.ports or (2 if self.mode in ("nat", "fullnat") else 1)
        if self.hops < 0:
            self.hops = 0 if self.mode in ("dr", "nat") else 2
        self.topology = network.Topology(self)

    def check(self):
        if not re.fullmatch(r"[a-z][a-z0-9-]{0,19}", self.name):
            raise LabError(f"name {self.name!r}: a lower-case letter, then at most 19 lower-case "
                           "letters, digits or dashes")
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,30}", self.instance):
            raise LabError(f"instance {self.instance!r}: at most 31 letters, digits, . _ or -")
        if not 1 <= self.servers + self.idle_servers <= MAX_SERVERS or self.servers < 0:
            raise LabError(f"servers: 1 to {MAX_SERVERS}, not {self.servers}")
        if not 1 <= self.workers <= 8:
            raise LabError(f"workers: 1 to 8, not {self.workers}")
        if self.huge not in ("auto", "on", "off"):
            raise LabError(f"huge: auto, on or off, not {self.huge!r}")
        if self.config and not os.path.exists(self.config):
            raise LabError(f"{self.config}: no such file")
        self.check_network()

    def check_network(self):
        if self.mode not in MODES:
            raise LabError(f"mode: {', '.join(MODES)}, not {self.mode!r}")
        if self.hops not in (-1, 0, 2) or (self.hops == 2 and self.mode == "dr"):
            raise LabError("hops: 0 or 2, and none with direct routing")
        if self.ports not in (0, 1, 2):
            raise LabError(f"ports: 1 or 2, not {self.ports}")
        if not 0 <= self.vlan <= 4093:
            raise LabError(f"vlan: 1 to 4093, not {self.vlan}")
        least = 1280 if self.ipv6 else 576
        if not least <= self.link_mtu <= 1500:
            raise LabError(f"link_mtu: {least} to 1500, not {self.link_mtu}")
        if self.link_mtu != 1500 and self.ports < 2 and not self.hops:
            raise LabError("link_mtu: with a link between director and servers only, so with --ports 2")
        if self.vrrp and (self.mode != "dr" or self.ports == 2):
            raise LabError("two directors: with direct routing on one port only")
        if self.server_family not in (0, 4, 6):
            raise LabError(f"server_family: 4 or 6, not {self.server_family}")

    def title(self):
        """What the lab is, in a few words."""
        words = [WORDS[self.mode], "IPv6" if self.ipv6 else "IPv4"]
        if self.server_family != self.family:
            words.append(f"to IPv{self.server_family} servers")
        words.append(f"{self.ports} port{'s' if self.ports > 1 else ''}")
        if self.vlan:
            words.append(f"VLAN {self.vlan}")
        if self.link_mtu != 1500:
            words.append(f"a link of {self.link_mtu} bytes")
        if self.vrrp:
            words.append("VRRP")
        return ", ".join(words)

    # Addresses.

    @property
    def family(self):
        return 6 if self.ipv6 else 4

    @property
    def families(self):
        return sorted({4, self.family, self.server_family})

    @property
    def vip(self):
        return FRONT.address(self.family, network.VIP_NUMBER)

    def vips(self):
        """One of each family that the lab has, whatever family its own services are."""
        return [FRONT.address(family, network.VIP_NUMBER) for family in self.families]

    @property
    def client(self):
        return FRONT.address(self.family, network.CLIENT_NUMBER)

    @property
    def director(self):
        return FRONT.address(self.family, network.DIRECTOR_NUMBER)

    @property
    def server_network(self):
        if self.hops:
            return FAR
        return FRONT if self.mode in TUNNELS or (self.mode == "dr" and self.ports == 1) else BACK

    @property
    def server_port(self):
        """Where servers listen: methods that can translate the port do."""
        return 8080 if self.mode in ("nat", "fullnat") else HTTP_PORT

    @property
    def server_udp_port(self):
        return 5353 if self.mode in ("nat", "fullnat") else UDP_PORT

    def url(self, path="/", port=HTTP_PORT, address=""):
        address = address or self.vip
        host = f"[{address}]" if ":" in address else address
        return f"http://{host}{'' if port == HTTP_PORT else f':{port}'}{path}"

    def server_numbers(self):
        total = self.servers + self.idle_servers
        return [network.FIRST_SERVER + i for i in range(total)]

    def server_addresses(self):
        return [self.server_network.address(self.server_family, number)
                for number in self.server_numbers()]

    def local_addresses(self):
        """FullNAT's, on the port towards the servers."""
        return [BACK.address(self.server_family, network.FIRST_LOCAL + i)
                for i in range(network.LOCAL_ADDRESSES)]

    def variant(self, mode, family=4, server_family=0):
        """The same lab's services by another method, or of another family."""
        return dataclasses.replace(self, mode=mode, ipv6=family == 6, server_family=server_family)

    # Hosts and where they live.

    def server_hosts(self):
        return [server_host(address) for address in self.server_addresses()]

    def director_numbers(self):
        """Names of the directors, and their number on each network."""
        directors = {"director": network.DIRECTOR_NUMBER}
        if self.vrrp:
            directors["backup"] = network.BACKUP_NUMBER
        return directors

    def directors(self):
        return list(self.director_numbers())

    def hosts(self):
        return ["switch", *self.directors(),
                *(name for name in self.topology.hosts if name not in self.directors())]

    def netns(self, host):
        if host not in self.hosts():
            raise LabError(f"no host {host!r}: there is {', '.join(self.hosts())}")
        return f"{self.name}-{host}"

    def wires(self, which="director"):
        """Of one director, first the one to clients."""
        number = self.director_numbers()[which]
        first = self.directors().index(which) * self.ports
        wires = [Wire(TWIN, first, FRONT, number, self.vlan)]
        if self.ports == 2:
            wires.append(Wire(BACK_TWIN, first + 1, BACK, number, self.vlan and self.vlan + 1))
        return wires

    # Files.

    @property
    def directory(self):
        return lab_directory(self.name)

    @property
    def config_path(self):
        return self.director_config()

    @property
    def run_directory(self):
        return self.director_directory()

    def director_config(self, which="director"):
        suffix = "" if which == "director" else f"-{which}"
        return f"{self.directory}/sluice{suffix}.json"

    def director_directory(self, which="director"):
        return f"{self.directory}/{which}"

    def director_instance(self, which="director"):
        return self.instance if which == "director" else f"{self.instance}-{which}"

    @property
    def huge_directory(self):
        return f"{self.directory}/hugepages"

    def log(self, process):
        return f"{self.directory}/{process}.log"


def server_host(address):
    return "server" + network.last_part(address)


def lab_directory(name):
    return f"/run/sluice-lab-{name}"
