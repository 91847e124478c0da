# SPDX-License-Identifier: BSD-3-Clause
"""The installed director in the guest: its configuration, and a start that does what it asks for."""

import json
import os
import re

from . import network
from .guest import GuestError

CONFIG = "/etc/sluice/bare-metal.json"
LOG = "/var/log/sluice.log"
EXAMPLE = "usr/local/share/doc/sluice/examples/bare-metal.json"
# The first service's VIP belongs to keepalived in the example: here the script is the keepalived.
START_ATTEMPTS = 12
START = (f"sluice --config {CONFIG} >{LOG} 2>&1 & pid=$!; "
         "for i in $(seq 600); do "
         "sluicectl info >/dev/null 2>&1 && exit 0; kill -0 $pid 2>/dev/null || exit 3; sleep 0.1; "
         "done; exit 4")


def example(stage):
    """The installed example; its lines of comment are blanked, as the director itself does."""
    with open(f"{stage}/{EXAMPLE}", encoding="utf-8") as source:
        return json.loads(re.sub(r"^\s*//.*$", "", source.read(), flags=re.MULTILINE))


def adapt(document, cards, mode):
    """What a user changes in the example: the cards, the machine's cores and memory, the method; and a VLAN."""
    for port in document["ports"]:
        port["device"] = next(card.pci for card in cards if card.port == port["name"])
    document["ports"].append({"name": network.VLAN_PORT, "parent": cards[1].port,
                              "vlan": network.VLAN, "addresses": [f"{network.VLAN_DIRECTOR}/24"]})
    # A busy worker would take the CPU time from the emulation of its own cards.
    document["workers"] = {"cores": [1, 2], "control_core": 0, "poll": "adaptive"}
    document["connections"] = 100000
    del document["dpdk"]["memory"]
    for service in document["services"]:
        for server in service["servers"]:
            server["forward"] = mode
    return document


def install(guest, stage, document):
    """Copies what `meson install` made into the guest's root, and the configuration."""
    guest.shell(f"cp -a {stage}/. / && mkdir -p {os.path.dirname(CONFIG)} && hash -r")
    text = json.dumps(document)
    for start in range(0, len(text), 1000):
        part = text[start:start + 1000].replace("'", "'\\''")
        guest.shell(f"printf %s '{part}' {'>>' if start else '>'}{CONFIG}")
    guest.shell(f"sluice --check --config {CONFIG}")


def remedies(log):
    """The commands that the director's refusals tell the user to type."""
    for line in log.splitlines():
        found = re.search(r"; run: (.*?)(?: \(.*\))?$", line)
        if found:
            yield found.group(1)


def start(guest, say):
    """Starts the director; does what it tells the user to do, until it runs. Returns the attempts."""
    typed = []
    for attempt in range(1, START_ATTEMPTS + 1):
        status, _ = guest.shell(START, check=False, patience_s=90)
        log = guest.shell(f"cat {LOG}")[1]
        if status == 0:
            return attempt
        say(f"guest# sluice --config {CONFIG}\n{log}")
        commands = list(remedies(log))
        if status != 3 or not commands or commands == typed:
            raise GuestError("the director does not start, and what it says does not help"
                             if status == 3 else "the director is neither ready nor ends")
        for command in commands:
            say(f"guest# {command}")
            guest.shell(command)
        typed = commands
    raise GuestError(f"the director did not start in {START_ATTEMPTS} attempts")


def stop(guest):
    """Ends the director: it has to end by itself."""
    guest.shell("pid=$(pidof sluice) && kill $pid && for i in $(seq 200); do "
                "kill -0 $pid 2>/dev/null || exit 0; sleep 0.1; done; exit 1")


def ask(guest, *words):
    """The result of a client's command, as a document."""
    return json.loads(guest.shell(" ".join(("sluicectl", "--json") + words))[1])


def log(guest):
    return guest.shell(f"cat {LOG}")[1]
