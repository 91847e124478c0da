# SPDX-License-Identifier: BSD-3-Clause
"""Many connections while everything changes, and floods."""

import itertools
import json
import os
import socket
import time

from bench import Background, Failed, check, equal, eventually
from netlab import plan as names
from packets import ARP, CLIENT_MAC, DIRECTOR_MAC, ICMP, IP, Ether
from runner import scenario

STANDARD = {"udp": True, "idle_servers": 1}
THIRD = "192.168.8.14"


def change_something(lab, number):
    """One of: a weight, a server that comes, a service that comes or goes, a whole configuration."""
    kind = number % 4
    key = {"protocol": "tcp", "address": names.VIP, "port": 2000 + number // 4}
    if kind == 0:
        lab.edit_server("192.168.8.12", weight=1 + number % 7)
    elif kind == 1:
        lab.call("service.add", service={**key, "servers": [{"address": "192.168.8.12"}]})
    elif kind == 2:
        lab.call("service.delete", service=key)
    else:
        document = json.loads(json.dumps(lab.first_config))
        document["services"][0]["scheduler"] = ("rr", "wrr", "lc", "wlc")[number // 4 % 4]
        document["services"][0]["servers"].append({"address": THIRD, "weight": 1 + number % 3})
        lab.apply(document)


# A lab of its own: the servers that came go again at its end, and a client port that is used again
# within two minutes would meet its old connection's server, as with LVS.
@scenario(connections=50000, **STANDARD)
def live_changes(lab):
    """10,000 separate connections, 200 at a time, and not one fails while everything is changed."""
    load = lab.start_load(10000, 200)
    changes = 0
    for number in itertools.count():
        if not load.running():
            break
        change_something(lab, number)
        changes += 1
        time.sleep(0.01)
    result = load.result()
    check(changes >= 50, f"only {changes} changes were made")
    equal((result["ok"], result["errors"]), (10000, {}), "connections that went well, errors")


@scenario(**STANDARD)
def applies_leave_nothing(lab):
    """Many applies leave descriptors and memory as they were."""
    rounds = 10000 if lab.full else 500
    other = json.loads(json.dumps(lab.first_config))
    other["services"][0]["servers"][0]["weight"] = 5

    def apply_all(count):
        for number in range(count):
            lab.call("config.apply", config=other if number % 2 else lab.first_config)
    apply_all(100)                     # what is allocated once is there now
    before = usage(lab.pid())
    apply_all(rounds)
    eventually(lambda: usage(lab.pid())["descriptors"] <= before["descriptors"],
               "descriptors are not given back")
    grown = usage(lab.pid())["memory_kb"] - before["memory_kb"]
    check(grown < 2048, f"{rounds} applies took {grown} KB of memory")


def usage(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as source:
        memory = next(line for line in source if line.startswith("RssAnon"))
    return {"descriptors": len(os.listdir(f"/proc/{pid}/fd")), "memory_kb": int(memory.split()[1])}


@scenario(**STANDARD)
def flood_leaves_sessions_alive(lab):
    """Ping and ARP at full rate: a TCP session to the director itself lives on, drops are counted."""
    ping = (Ether(src=CLIENT_MAC, dst=DIRECTOR_MAC) / IP(src=names.CLIENT, dst=names.VIP) /
            ICMP() / (b"x" * 32))
    arp = (Ether(src=CLIENT_MAC, dst="ff:ff:ff:ff:ff:ff") /
           ARP(hwsrc=CLIENT_MAC, psrc=names.CLIENT, pdst=names.VIP))
    # Less than the flood on any machine.
    lab.apply({**lab.first_config, "punt": {"echo": 200, "neighbour": 1000}})
    before = lab.drops()
    with lab.inside("director"):
        listener = socket.create_server((names.DIRECTOR, 2222))
    with listener, lab.connect("server13", names.DIRECTOR, 2222) as session:
        peer, _ = listener.accept()
        with peer:
            seconds = 20 if lab.full else 5
            flood = Background(lambda: lab.helper("client", "flood.py", seconds,
                                                  bytes(ping).hex(), bytes(arp).hex()))
            slowest, exchanges = converse(session, peer, flood)
    check(flood.result()["sent"] > 10000, "that was no flood")
    check(exchanges >= 10, f"only {exchanges} exchanges in {seconds} s")
    check(slowest < 3, f"an exchange took {slowest:.1f} s")
    after = lab.drops()
    risen = sum(after[name] - before[name] for name in ("punt_rate", "punt_full"))
    check(risen > 1000, f"only {risen} packets were dropped over the punt rates")
    eventually(lambda: lab.ping(names.VIP), "the VIP does not answer ping afterwards")
    equal(len(set(lab.answers(4))), 2, "servers that answer afterwards")


def converse(session, peer, flood):
    """Messages there and back while the flood lasts: the slowest, and how many."""
    slowest, exchanges = 0.0, 0
    session.settimeout(10)
    peer.settimeout(10)
    while flood.running():
        started = time.monotonic()
        try:
            session.sendall(b"ping")
            equal(peer.recv(4), b"ping", "what arrived")
            peer.sendall(b"pong")
            equal(session.recv(4), b"pong", "what came back")
        except OSError as error:
            raise Failed(f"the session died in the flood: {error}") from error
        slowest = max(slowest, time.monotonic() - started)
        exchanges += 1
        time.sleep(0.05)
    return slowest, exchanges
