# SPDX-License-Identifier: BSD-3-Clause
"""What tcpdump says of a connection's first packets, on several hosts at a time."""

import contextlib

from .plan import LabError
from .process import spawn, stop, wait_until

PATIENCE_S = 10
# Behind an IPv6 header tcpdump's filters do not look for TCP flags by name: byte 13 of the TCP header.
SYN_4, SYN_6 = "tcp[tcpflags] & tcp-syn != 0", "ip6[6] = 6 and ip6[53] & 2 != 0"
OUTSIDE = {"tun": "ip proto 4 or ip proto 41 or ip6 proto 4 or ip6 proto 41",
           "gre": "proto gre or ip6 proto 47", "gue": "udp port 6080"}


class Watch:
    """On eth0 of hosts; of the switch, on the director's first wire, whose frames are tagged."""

    def __init__(self, state, hosts):
        self.state, self.hosts = state, hosts
        for host in hosts:
            self.start(host)
        if not wait_until(lambda: all("listening on" in self.said(host, "err") for host in hosts),
                          PATIENCE_S):
            raise LabError("tcpdump does not start")

    def start(self, host):
        plan = self.state.plan
        wanted = f"({SYN_4}) or ({SYN_6})"
        if host != "client" and plan.mode in OUTSIDE:
            wanted += f" or {OUTSIDE[plan.mode]}"
        if host == "switch":
            wanted = f"vlan {plan.vlan} and ({wanted})"
        device = plan.wires()[0].name if host == "switch" else "eth0"
        ether = "e" if plan.mode == "dr" or host == "switch" else ""
        out, err = self.path(host, "out"), self.path(host, "err")
        spawn(self.state, f"tcpdump-{host}", host,
              ["sh", "-c", f'exec tcpdump -{ether}lnnti {device} --immediate-mode "$1" >{out} 2>{err}',
               "sh", wanted])

    def path(self, host, kind):
        return f"{self.state.plan.directory}/tcpdump-{host}.{kind}"

    def said(self, host, kind):
        try:
            with open(self.path(host, kind), encoding="utf-8", errors="replace") as source:
                return source.read()
        except FileNotFoundError:
            return ""

    def lines(self):
        """What was seen so far, by host."""
        servers = self.state.plan.server_hosts()
        wait_until(lambda: any(self.said(host, "out") for host in servers) and
                   all(self.said(host, "out") for host in self.hosts if host not in servers), 2)
        return {host: self.said(host, "out").splitlines() for host in self.hosts}

    def close(self):
        for host in self.hosts:
            stop(self.state, f"tcpdump-{host}")


@contextlib.contextmanager
def watch(state, hosts):
    made = Watch(state, hosts)
    try:
        yield made
    finally:
        made.close()
