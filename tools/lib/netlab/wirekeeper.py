#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Plugs directors' wires into the switch, as often as they are made: WIRE=BRIDGE=MAC=PROGRAM ...

A net_tap device gives the kernel's end the MAC address of the director's end, at its making and again
at the start of the port. On a bridge that would swallow the director's frames, so it gets another. PROGRAM
is empty, or vlan.c compiled: then frames on the wire are tagged.
"""

import os
import socket
import subprocess
import sys

RTMGRP_LINK = 1


def attribute(wire, name):
    with open(f"/sys/class/net/{wire}/{name}", encoding="ascii") as source:
        return source.read().strip()


def plug_in(wire, bridge, mac, program):
    try:
        plugged = os.path.exists(f"/sys/class/net/{wire}/master")
        if attribute(wire, "address") == mac and plugged:
            return
    except OSError:            # not there (any more): the next start makes it
        return
    if program and not plugged:
        call("tc", "qdisc", "replace", "dev", wire, "clsact")
        for way in ("ingress", "egress"):
            call("tc", "filter", "replace", "dev", wire, way, "bpf", "direct-action",
                 "object-file", program, "section", way)
    call("ip", "link", "set", wire, "address", mac)
    call("ip", "link", "set", wire, "master", bridge, "up")


def call(*argv):
    subprocess.run(argv, check=False)


def main():
    wires = [word.split("=") for word in sys.argv[1:]]
    events = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
    events.bind((0, RTMGRP_LINK))
    while True:
        for wire in wires:
            plug_in(*wire)
        try:
            events.recv(65536)
        except OSError:        # events were lost: looking again is all that matters
            pass


main()
