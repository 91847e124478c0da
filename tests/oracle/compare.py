# SPDX-License-Identifier: BSD-3-Clause
"""Runs a scenario on both sides and says where they differ."""

import collections
import time

from frames import packet
from lvs import DIRECTOR, DIRECTOR_6, ICMPV6
from scapy.all import ICMP, IP, TCP, UDP, Ether, IPv6
from sluice import Sluice

IPV6, IPV6_IN_IP = 0x86dd, 41
TUNNEL_PROTOCOLS = (4, 41, 47, 17)     # IPv4, IPv6, GRE, GUE's UDP
# The scenario's own time, waits not counted, in which no connection may expire that should not: LVS's
# shortest timeout that a scenario meets is CLOSE with 10 s.
SLOW_S = 8
SETTLE_S = 2          # LVS frees what a SYN replaces by a timer: listings may be late by this much
ESTIMATOR_S = 3       # LVS adds up its counters every 2 s
DEFAULT_TIMEOUTS = "900 120 300"


class Mismatch(Exception):
    """The two sides differ."""


class TooSlow(Exception):
    """The machine took so long that times cannot be compared."""


class Comparison:
    def __init__(self, lvs, program, vip, vip6):
        self.lvs, self.vip, self.vip6 = lvs, vip, vip6
        self.sluice = Sluice(program, vip, vip6)
        self.seen = collections.Counter()      # what became of packets
        self.waited = 0
        self.timeouts_set = False
        lvs.order(f"ip address add {vip}/32 dev lo")
        lvs.order(f"ip address add {vip6}/128 dev lo nodad")
        self.started = time.monotonic()

    def run(self, scenario):
        for number, text in [*scenario.steps, ("end", "check")]:
            try:
                self.step(text.replace("VIP6", self.vip6).replace("VIP", self.vip))
            except Mismatch as mismatch:
                if time.monotonic() - self.started - self.waited > SLOW_S:
                    raise TooSlow from None
                raise Mismatch(f"{scenario.name}:{number}: {text}\n{mismatch}") from None
        self.sluice.close()

    def step(self, text):
        word, _, rest = text.partition(" ")
        if word == "ipvsadm":
            self.configure(rest)
        elif word == "wait":
            self.wait(int(rest))
        elif word == "check":
            self.check()
        elif word == "stats":
            self.wait(ESTIMATOR_S)
            self.equal("statistics", self.lvs_statistics, lambda: self.sluice.numbers(2, 7))
        else:
            self.packet(packet(text))

    def wait(self, seconds):
        time.sleep(seconds)
        self.waited += seconds
        self.sluice.wait(seconds)

    def configure(self, arguments):
        self.lvs.order(f"ipvsadm {arguments}")
        if arguments.startswith("--set "):
            self.timeouts_set = True
            self.sluice.timeouts(arguments.removeprefix("--set "))
        else:
            self.sluice.ipvsadm(arguments)

    def packet(self, frame):
        lvs = self.lvs.exchange(frame)
        word, sent = self.sluice.exchange(frame)
        ours = [sent] if sent else []
        if word.startswith("punt"):
            same = [kind_of(out) for out in lvs] == linux_answers(frame)
        else:
            same = [comparable(out) for out in lvs] == [comparable(out) for out in ours]
        if not same:
            raise Mismatch(f"  LVS     {describe(lvs)}\n"
                           f"  sluice  {describe(ours) if sent else word}")
        self.seen[kind_of(sent) if sent else word] += 1

    def check(self):
        self.equal("connections", self.lvs_connections, self.our_connections)
        self.equal("active and inactive", self.lvs_loads, lambda: self.sluice.numbers(0, 2))

    def equal(self, what, lvs, sluice):
        deadline = time.monotonic() + SETTLE_S
        while difference := differing(lvs(), sluice()):
            if time.monotonic() > deadline:
                raise Mismatch(f"  {what} differ:\n" + "\n".join(difference))
            time.sleep(0.1)

    def our_connections(self):
        return {key: Left(*value) for key, value in self.sluice.connections().items()}

    def is_ours(self, virtual):
        return virtual.startswith((self.vip + ":", f"[{self.vip6}]:"))

    def lvs_connections(self):
        out = {}
        passed = time.monotonic() - self.started - self.waited
        for line in self.lvs.order("ipvsadm -Lnc").splitlines():
            words = line.split()
            if len(words) == 6 and self.is_ours(words[4]):
                minutes, seconds = words[1].split(":")
                out[words[0], words[3], words[4], words[5]] = Left(
                    words[2], int(minutes) * 60 + int(seconds), passed + 1)
        return out

    def lvs_loads(self):
        return {key: words[-2:] for key, words in self.lvs_servers("-Ln")}

    def lvs_statistics(self):
        # LVS: "Conns InPkts OutPkts InBytes OutBytes"
        return {key: [words[0], words[1], words[3], words[2], words[4]]
                for key, words in self.lvs_servers("-Ln --stats --exact")}

    def lvs_servers(self, options):
        """((protocol, virtual, server), the words behind) of this scenario's services."""
        key = None
        for line in self.lvs.order(f"ipvsadm {options}").splitlines():
            words = line.split()
            if words[:1] in (["TCP"], ["UDP"]):
                key = words[0].lower(), words[1]
            elif words[:1] == ["->"] and key and self.is_ours(key[1]):
                yield (*key, words[1]), words[2:]

    def close(self):
        """Takes away what the scenario made."""
        self.sluice.kill()
        for protocol, virtual in self.sluice.configuration.services:
            self.lvs.order(f"ipvsadm -D -{protocol[0]} {virtual}")
        self.lvs.order(f"ip address del {self.vip}/32 dev lo")
        self.lvs.order(f"ip address del {self.vip6}/128 dev lo")
        if self.timeouts_set:
            self.lvs.order(f"ipvsadm --set {DEFAULT_TIMEOUTS}")


class Left:
    """A connection's state and the seconds that it has left. On the real LVS time has gone by: it may
    have up to `slack` less."""

    def __init__(self, state, seconds, slack=0):
        self.state, self.seconds, self.slack = state, seconds, slack

    def __eq__(self, other):
        if not isinstance(other, Left):
            return False
        slack = max(self.slack, other.slack)
        return self.state == other.state and abs(self.seconds - other.seconds) <= slack

    def __repr__(self):
        return f"{self.state}, {self.seconds} s left"


def differing(theirs, ours):
    return [f"    {' '.join(key)}\n      LVS     {theirs.get(key, 'none')}\n"
            f"      sluice  {ours.get(key, 'none')}"
            for key in sorted({*theirs, *ours}) if theirs.get(key) != ours.get(key)]


def comparable(frame):
    """The frame without what is known to differ: docs/lvs.md, "Padding", "ICMP errors" and "Tunnels"."""
    ether = Ether(frame)
    if in_tunnel(ether):
        forget_tunnel(ether)
        return bytes(ether)
    if ether.type == IPV6:
        if ether[IPv6].nh == ICMPV6:
            ether[IPv6].tc, ether[IPv6].fl = 0, 0
        return bytes(ether)[:14 + 40 + ether[IPv6].plen]
    if ICMP not in ether:
        return frame[:14 + ether[IP].len]
    ether[IP].id, ether[IP].flags = 0, 0
    del ether[IP].chksum
    return bytes(ether)


def in_tunnel(ether):
    if ether.type == IPV6:
        return ether[IPv6].src == DIRECTOR_6 and ether[IPv6].nh in TUNNEL_PROTOCOLS
    return ether[IP].src == DIRECTOR and ether[IP].proto in TUNNEL_PROTOCOLS


def forget_tunnel(ether):
    """Outer hop limit, identification, DF of IPv6 in IPv4, and the source port that spreads GUE's packets."""
    outer = ether.payload
    if ether.type == IPV6:
        outer.hlim, outer.fl = 0, 0
    else:
        outer.id, outer.ttl = 0, 0
        if outer.proto == IPV6_IN_IP:
            outer.flags = 0
        del outer.chksum
    if UDP in outer and outer.payload.name == "UDP":
        outer[UDP].sport, outer[UDP].chksum = 0, 0


def kind_of(frame):
    ether = Ether(frame)
    if ether.type == IPV6:
        error = bytes(ether.payload)[40] if ether[IPv6].nh == ICMPV6 else 128
        if error < 128:
            return f"icmp6 {error}/{bytes(ether.payload)[41]}"
    elif ICMP in ether:
        return f"icmp {ether[ICMP].type}/{ether[ICMP].code}"
    if TCP in ether and ether[TCP].flags.R and hops_left(ether) == 64 and ether[TCP].sport < 1024:
        return "reset"
    return "forwarded"


def hops_left(ether):
    return ether[IPv6].hlim if ether.type == IPV6 else ether[IP].ttl


def linux_answers(frame):
    """What Linux says to a packet that reaches it and that nobody listens for."""
    ether = Ether(frame)
    if TCP not in ether:
        return ["icmp6 1/4" if ether.type == IPV6 else "icmp 3/3"]
    return [] if ether[TCP].flags.R else ["reset"]


def describe(frames):
    return "; ".join(f"{kind_of(frame)} to {frame[:6].hex(':')}: {frame.hex()}"
                     for frame in frames) or "nothing"
