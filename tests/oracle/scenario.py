# SPDX-License-Identifier: BSD-3-Clause
"""
Scenarios: what is done to both sides, step by step. A line is one of
    # ...               a comment; the first one describes the scenario
    ipvsadm ...         a change of the configuration, as ipvsadm takes it
    ipvsadm --set A B C timeouts
    tcp ..., udp ...    a packet of a client, in the words of tests/lib/frames.py
    wait SECONDS        on both sides: of the real LVS's life, of the engine's clock
    check               connections, their states and times, active and inactive counts
    stats               connections, packets and bytes per server
VIP and [VIP6] stand for addresses that no other scenario uses. A `check` ends every scenario.
"""

import dataclasses
import random

from commands import SCHEDULERS

BY_LOAD = ("lc", "wlc", "sed", "nq", "ovf")
SERVERS = [f"192.0.2.{last}" for last in range(12, 18)]
SERVERS_6 = [f"2001:db8::{last}" for last in range(12, 18)]
CLIENTS = [f"203.0.113.{last}" for last in range(1, 5)]


@dataclasses.dataclass
class Scenario:
    name: str
    steps: list               # of (line number, text)

    def dump(self):
        return "\n".join(text for _, text in self.steps)


def read(path):
    steps = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        text = line.split("#")[0].strip()
        if text:
            steps.append((number, text))
    return Scenario(path.name, steps)


class Author:
    """Writes a random scenario. It knows what exists, so that every command makes sense, and nothing of what
    should become of a packet."""

    SERVICES = ["-t VIP:80", "-t VIP:81", "-u VIP:53"]
    WEIGHTS = [0, 1, 1, 2, 3, 4, 6, 9, 300]
    FLAGS = ["A", "A", "A", "PA", "FA", "F", "R", "RA", "S", "SA", "SF", "-", "FA", "A"]

    def __init__(self, seed, length):
        self.random = random.Random(seed)
        self.steps = []
        self.services = {}    # name -> {address: weight}
        self.by_load = set()  # names of those that are scheduled by counts
        self.known = []       # client endpoints that have sent something: (address, port, service)
        self.port = 1024
        while len(self.steps) < length:
            self.change()
            for _ in range(self.random.randrange(25)):
                self.packet()
            if self.random.random() < 0.15:
                self.say("check")

    def say(self, text):
        self.steps.append((len(self.steps) + 1, text))

    def change(self):
        name = self.random.choice(self.SERVICES)
        dice = self.random.random()
        if name not in self.services:
            self.services[name] = {}
            self.say(f"ipvsadm -A {name} -s {self.scheduler(name)}")
            for address in self.random.sample(SERVERS, self.random.randrange(4)):
                self.add(name, address)
            return
        servers = self.services[name]
        free = [address for address in SERVERS if address not in servers]
        if dice < 0.05:
            del self.services[name]
            self.say(f"ipvsadm -D {name}")
        elif dice < 0.1:
            self.say(f"ipvsadm -E {name} -s {self.scheduler(name)}")
        elif free and (dice < 0.4 or not servers):
            self.add(name, self.random.choice(free))
        elif dice < 0.6:
            address = self.random.choice([*servers])
            del servers[address]
            self.say(f"ipvsadm -d {name} -r {address}")
        else:
            self.edit(name, self.random.choice([*servers]))

    def add(self, name, address):
        self.services[name][address] = self.random.choice(self.WEIGHTS)
        self.say(f"ipvsadm -a {name} -r {address} -g -w {self.services[name][address]}")

    def edit(self, name, address):
        """Always to another weight: docs/lvs.md, "A change that changes nothing"."""
        old = self.services[name][address]
        new = self.random.choice([weight for weight in self.WEIGHTS if weight != old])
        self.services[name][address] = new
        self.say(f"ipvsadm -e {name} -r {address} -g -w {new}")

    def scheduler(self, name):
        self.by_load.discard(name)
        scheduler = self.random.choice(SCHEDULERS)
        if scheduler in BY_LOAD:
            self.by_load.add(name)
        flags = self.random.choice(["", " -b sh-port", " -b sh-fallback", " -b sh-port,sh-fallback"])
        return scheduler + (flags if scheduler == "sh" else "")

    def packet(self):
        """Half of the packets open a connection, the others go on with one."""
        if self.known and self.random.random() < 0.5:
            client, port, service = self.random.choice(self.known[-40:])
            # Schedulers by load and a SYN on what has ended: docs/lvs.md, "A port that is used again".
            flags = self.random.choice([flags for flags in self.FLAGS
                                        if "S" not in flags or service not in self.by_load])
        else:
            self.port += 1
            client, port = self.random.choice(CLIENTS), self.port
            service = self.random.choice([*self.SERVICES, *self.services])
            flags = "S" if self.random.random() < 0.9 else self.random.choice(self.FLAGS)
            self.known.append((client, port, service))
        kind, target = service.split()
        text = f"{client}:{port} > {target}"
        text = f"udp {text}" if kind == "-u" else f"tcp {text} {flags}"
        if self.random.random() < 0.1:
            text += f" ttl {self.random.choice([1, 1, 2, 255])}"
        if self.random.random() < 0.2:
            text += f" len {self.random.randrange(700)}"
        self.say(text)


def written(seed, length):
    return Scenario(f"random {seed}", Author(seed, length).steps)
