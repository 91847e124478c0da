# SPDX-License-Identifier: BSD-3-Clause
"""A real LVS: Linux in user mode, with its network device on a tap interface of our namespace."""

import os
import re
import select
import socket
import subprocess
import time

from frames import CLIENT_MAC, PORT_MAC, mac_of
from scapy.all import ICMP, IP, Ether

HERE = os.path.dirname(os.path.abspath(__file__))
TAP = "lvs0"
DIRECTOR, GATEWAY, PREFIX = "192.0.2.1", "192.0.2.254", 24
DIRECTOR_6, GATEWAY_6, PREFIX_6 = "2001:db8::1", "2001:db8::fe", 64
PATIENCE_S = 20           # for anything at all: only a guest that hangs needs so long
# An idle user-mode Linux may oversleep what arrives, until the next frame: it gets one after this long.
NUDGE_S = 0.1
ETH_P_ALL, PACKET_OUTGOING = 3, 4
IPV4, ICMP_PROTOCOL, ECHO_REPLY = b"\x08\x00", 1, 0
IPV6, HOP_BY_HOP, ICMPV6, FIRST_THAT_IS_NO_ERROR = b"\x86\xdd", 0, 58, 128


class LvsError(Exception):
    """The real LVS did not do what it was told, or does not answer."""


class Lvs:
    """In a network and a process namespace that nobody else uses. The guest is never ended but by the end
    of the process namespace: a guest's programs are processes of the host, held by user-mode Linux, and
    were it killed alone, they would go on as what they are, with the host's system calls."""

    def __init__(self, servers, directory):
        """The guest's socket and log go to the directory."""
        run("ip", "tuntap", "add", "dev", TAP, "mode", "tap")
        with open(f"/proc/sys/net/ipv6/conf/{TAP}/disable_ipv6", "w", encoding="ascii") as off:
            off.write("1")
        run("ip", "link", "set", TAP, "up")
        self.log = open(f"{directory}/uml.log", "w+", encoding="utf-8", errors="replace")
        self.guest = subprocess.Popen(
            ["linux.uml", "mem=128M", "rootfstype=hostfs", "ro", f"init={HERE}/guest",
             f"uml_dir={directory}", f"vec0:transport=tap,ifname={TAP},depth=128,gro=0,mac={PORT_MAC}",
             "con=null", "con0=fd:0,fd:1", "quiet"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, bufsize=0)
        self.console = b""
        self.asked = 0
        self.wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        self.wire.bind((TAP, 0))
        self.until(rb"@@READY")
        self.configure(servers)

    def configure(self, servers):
        """servers: addresses of both families."""
        self.order(f"ip address add {DIRECTOR}/{PREFIX} dev vec0")
        self.order(f"ip address add {DIRECTOR_6}/{PREFIX_6} dev vec0 nodad")
        neighbours = [(GATEWAY, CLIENT_MAC), (GATEWAY_6, CLIENT_MAC), *((s, mac_of(s)) for s in servers)]
        for address, mac in neighbours:
            self.order(f"ip neighbour replace {address} lladdr {mac} dev vec0 nud permanent")
        self.order(f"ip route add default via {GATEWAY}")
        self.order(f"ip route add default via {GATEWAY_6}")

    def order(self, command):
        """Runs a command in the guest; its output."""
        os.write(self.guest.stdin.fileno(), command.encode() + b"\n")
        output, status = self.until(rb"@@(\d+)@")
        if status != b"0":
            raise LvsError(f"the real LVS: `{command}`: status {status.decode()}: {output.strip()}")
        return output

    def until(self, pattern):
        """What the console says up to the pattern, and what the pattern's group matched."""
        deadline = time.monotonic() + PATIENCE_S
        while not (found := re.search(pattern, self.console)):
            if select.select([self.guest.stdout], [], [], NUDGE_S)[0]:
                self.console += self.read_console()
            elif time.monotonic() < deadline:
                self.wire.send(self.question())
            else:
                self.fail("hangs")
        before, self.console = self.console[:found.start()], self.console[found.end():]
        return before.decode(errors="replace").replace("\r", ""), found.group(found.re.groups)

    def read_console(self):
        said = os.read(self.guest.stdout.fileno(), 65536)
        if not said:
            self.fail("ended")
        return said

    def fail(self, what):
        self.log.seek(0)
        raise LvsError(f"the real LVS {what}: {self.log.read()}{self.console.decode(errors='replace')}")

    def question(self):
        """An echo request to the director itself, told from all others by its number."""
        return bytes(Ether(src=CLIENT_MAC, dst=PORT_MAC) / IP(src=GATEWAY, dst=DIRECTOR) /
                     ICMP(id=self.asked >> 16, seq=self.asked & 0xffff))

    def exchange(self, frame):
        """Sends a frame: the IP frames that come out. An echo request follows it: what has not come before
        its reply will not come."""
        self.asked += 1
        self.wire.send(frame)
        self.wire.send(self.question())
        deadline = time.monotonic() + PATIENCE_S
        out = []
        while True:
            if not select.select([self.wire], [], [], NUDGE_S)[0]:
                if time.monotonic() > deadline:
                    self.fail("does not answer")
                self.wire.send(self.question())
                continue
            data, source = self.wire.recvfrom(65536)
            if source[2] == PACKET_OUTGOING:
                continue
            if data[12:14] == IPV6 and not is_housekeeping(data):
                out.append(data)
            if data[12:14] != IPV4:
                continue
            if data[26:30] != socket.inet_aton(DIRECTOR) or data[23] != ICMP_PROTOCOL:
                out.append(data)
            elif data[34] == ECHO_REPLY and data[38:42] == self.asked.to_bytes(4, "big"):
                return out


def is_housekeeping(data):
    """Neighbour discovery and multicast listener reports."""
    return data[20] == HOP_BY_HOP or data[20] == ICMPV6 and data[54] >= FIRST_THAT_IS_NO_ERROR


def run(*argv):
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        raise LvsError(f"`{' '.join(argv)}`: {done.stdout.strip()}")
