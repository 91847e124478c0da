#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Plugs a director's wire into the switch, as often as the director makes it: WIRE BRIDGE MAC.

A net_tap device gives the kernel's end the MAC address of the director's end, at its making and again
at the start of the port. On a bridge that would swallow the director's frames, so it gets another.
"""

import os
import socket
import subprocess
import sys

RTMGRP_LINK = 1


def attribute(wire, name):
    with open(f"/sys/class/net/{wire}/{name}", encoding="ascii") as source:
        return source.read().strip()


def plug_in(wire, bridge, mac):
    try:
        plugged = os.path.exists(f"/sys/class/net/{wire}/master")
        if attribute(wire, "address") == mac and plugged:
            return
    except OSError:            # not there (any more): the next start makes it
        return
    subprocess.run(["ip", "link", "set", wire, "address", mac], check=False)
    subprocess.run(["ip", "link", "set", wire, "master", bridge, "up"], check=False)


def main():
    wire, bridge, mac = sys.argv[1:]
    events = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
    events.bind((0, RTMGRP_LINK))
    while True:
        plug_in(wire, bridge, mac)
        try:
            events.recv(65536)
        except OSError:        # events were lost: looking again is all that matters
            pass


main()
