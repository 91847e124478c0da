# SPDX-License-Identifier: BSD-3-Clause
"""Single packets: sent from, and seen on, the interface of a host."""

import contextlib
import logging
import select
import socket
import struct
import time

from bench import Failed, check
from netlab import plan as names

logging.getLogger("scapy").setLevel(logging.ERROR)

from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import (ICMPv6DestUnreach, ICMPv6ND_Redirect, ICMPv6PacketTooBig,
                                IPv6, IPv6ExtHdrFragment)
from scapy.layers.l2 import ARP, Ether

ETH_P_ALL = 3
SO_RCVBUFFORCE = 33
SO_TIMESTAMP = 29
DIRECTOR_MAC = names.mac(names.DIRECTOR)
CLIENT_MAC = names.mac(names.CLIENT)


class Tap:
    """All frames of a host's interface, from now on."""

    def __init__(self, bench, host, buffer=0):
        with bench.inside(host):
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
            if buffer:
                self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, buffer)
            self.socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMP, 1)
            self.socket.bind(("eth0", 0))

    def send(self, packet):
        self.socket.send(bytes(packet))

    def frames(self, patience_s):
        """What has come and what comes within patience_s, however long it takes to look at that."""
        deadline = time.time() + patience_s
        while select.select([self.socket], [], [], max(0, deadline - time.time()))[0]:
            frame, beside, _, _ = self.socket.recvmsg(65536, 64)
            seconds, microseconds = struct.unpack("ll", beside[0][2])
            if seconds + microseconds / 1e6 > deadline:
                return
            yield Ether(frame)

    def come(self):
        """All that have come so far."""
        frames = []
        while select.select([self.socket], [], [], 0)[0]:
            frames.append(Ether(self.socket.recv(65536)))
        return frames

    def see(self, wanted, what, patience_s=3):
        """The first frame for which wanted() is true."""
        for frame in self.frames(patience_s):
            if wanted(frame):
                return frame
        raise Failed(f"{what} was not seen in {patience_s} s")

    def see_none(self, wanted, what, patience_s=1):
        for frame in self.frames(patience_s):
            check(not wanted(frame), f"{what} was seen: {frame.summary()}")

    def close(self):
        self.socket.close()


@contextlib.contextmanager
def tap(bench, host, buffer=0):
    """buffer: bytes, where more than some hundred frames matter."""
    made = Tap(bench, host, buffer)
    try:
        yield made
    finally:
        made.close()


def to_vip(port, flags, source_port=40001, ttl=64, address=names.VIP):
    """A TCP packet from the client to the VIP, by way of the director."""
    return (Ether(src=CLIENT_MAC, dst=DIRECTOR_MAC) /
            IP(src=names.CLIENT, dst=address, ttl=ttl) /
            TCP(sport=source_port, dport=port, flags=flags, seq=1000, ack=2000))


def ip_of(frame):
    return frame[IPv6] if IPv6 in frame else frame[IP]


def ip_layer(family, **fields):
    return (IPv6 if family == 6 else IP)(**fields)


def is_tcp(frame, source, destination, flags):
    return (TCP in frame and frame[IP].src == source and frame[IP].dst == destination
            and set(flags) <= set(str(frame[TCP].flags)))
