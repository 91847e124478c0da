# SPDX-License-Identifier: BSD-3-Clause
"""A host in a VLAN, as far as ARP: Linux kernels without 802.1Q have no other."""

import socket
import struct
import time

from netlab import process

SOL_PACKET = 263
PACKET_AUXDATA = 8
VLAN_VALID = 1 << 4            # of tpacket_auxdata.status
ETH_P_ALL = 3
ARP_REQUEST, ARP_REPLY = 1, 2
MAC = bytes.fromhex("020000000505")


def who_has(netns, interface, vlan, asked, own, patience_s=10):
    """Asks with a tag for an address; the MAC address in an answer that has the same tag, or None."""
    with process.inside(netns):
        wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    with wire:
        wire.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
        wire.bind((interface, 0))
        wire.settimeout(0.2)
        deadline = time.monotonic() + patience_s
        asked_at = 0
        while time.monotonic() < deadline:
            if time.monotonic() > asked_at + 1:
                wire.send(request(vlan, socket.inet_aton(asked), socket.inet_aton(own)))
                asked_at = time.monotonic()
            mac = answer(wire, vlan, socket.inet_aton(asked))
            if mac:
                return mac.hex(":")
    return None


def request(vlan, asked, own):
    return (b"\xff" * 6 + MAC + struct.pack("!HHH", 0x8100, vlan, 0x0806)
            + struct.pack("!HHBBH", 1, 0x0800, 6, 4, ARP_REQUEST) + MAC + own + bytes(6) + asked
            + bytes(18))


def answer(wire, vlan, asked):
    """The kernel takes a tag out of what it receives and says beside the frame what it was."""
    try:
        frame, beside, _, _ = wire.recvmsg(2048, 256)
    except TimeoutError:
        return None
    tags = [struct.unpack_from("=IIIHHHH", data) for level, kind, data in beside
            if (level, kind) == (SOL_PACKET, PACKET_AUXDATA)]
    if not any(tag[0] & VLAN_VALID and tag[5] & 0xfff == vlan for tag in tags):
        return None
    if frame[12:14] != b"\x08\x06" or frame[20:22] != struct.pack("!H", ARP_REPLY) or \
            frame[28:32] != asked:
        return None
    return frame[22:28]
