# SPDX-License-Identifier: BSD-3-Clause
"""Who there is in a lab: names, addresses, files. Knows nothing of how they are made."""

import dataclasses
import os
import re

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__)))))

PREFIX = "192.168.8"
CLIENT = f"{PREFIX}.1"
DIRECTOR = f"{PREFIX}.11"
VIP = f"{PREFIX}.100"
FIRST_SERVER = 12
MAX_SERVERS = 80
HTTP_PORT = 80
UDP_PORT = 53

TWIN = "lan0"          # the director's port, and its twin in the director's namespace
WIRE = "wire0"         # the kernel's end of the director's net_tap device, in the switch
# A bridge takes a port's own MAC address for itself, so the wire's must not be the director's.
WIRE_MAC = "02:00:00:00:fe:11"
BRIDGE = "br0"


def mac(address):
    """The MAC address of a host of the lab: the last byte reads as the address does."""
    return "02:00:00:00:08:%02d" % (int(address.rsplit(".", 1)[1]) % 100)


class LabError(Exception):
    """One sentence for the person in front of the lab."""


@dataclasses.dataclass
class Plan:
    name: str = "sluice"
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

    # Hosts and where they live.

    def server_addresses(self):
        total = self.servers + self.idle_servers
        return [f"{PREFIX}.{FIRST_SERVER + i}" for i in range(total)]

    def server_hosts(self):
        return [server_host(address) for address in self.server_addresses()]

    def hosts(self):
        return ["switch", "director", "client"] + self.server_hosts()

    def netns(self, host):
        if host not in self.hosts():
            raise LabError(f"no host {host!r}: there is {', '.join(self.hosts())}")
        return f"{self.name}-{host}"

    # Files.

    @property
    def directory(self):
        return lab_directory(self.name)

    @property
    def config_path(self):
        return f"{self.directory}/sluice.json"

    @property
    def run_directory(self):
        return f"{self.directory}/director"

    @property
    def huge_directory(self):
        return f"{self.directory}/hugepages"

    def log(self, process):
        return f"{self.directory}/{process}.log"


def server_host(address):
    return "server" + address.rsplit(".", 1)[1]


def lab_directory(name):
    return f"/run/sluice-lab-{name}"
