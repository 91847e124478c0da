# SPDX-License-Identifier: BSD-3-Clause
"""Namespaces and links. Nothing is ever made in, or moved through, the root namespace.

                    +---------- NAME-switch: bridge br0 ----------+
                    |                |                |           |
                 to-client         wire0         to-server12  to-server13 ...
                    |                |                |           |
    NAME-client: eth0       sluice (net_tap)    NAME-server12: eth0
                                     |
                      NAME-director: lan0 (the twin)
"""

import os

from . import plan as names
from .plan import LabError
from .process import run, spawn


def build(state):
    plan = state.plan
    for host in plan.hosts():
        add_namespace(state, plan.netns(host))
    add_switch(plan)
    add_host(plan, "client", names.CLIENT)
    sysctl(plan.netns("client"), "net.ipv4.ip_local_port_range", "1024 65000")
    for address, host in zip(plan.server_addresses(), plan.server_hosts()):
        add_host(plan, host, address)
        carry_vip(plan.netns(host), names.VIP)


def remove(state):
    for netns in reversed(state.namespaces):
        if os.path.exists(f"/run/netns/{netns}"):
            run("ip", "netns", "del", netns)
    state.set(namespaces=[])


def add_namespace(state, netns):
    if os.path.exists(f"/run/netns/{netns}"):
        raise LabError(f"network namespace {netns} exists and is not this lab's "
                       f"(ip netns del {netns} removes it)")
    state.add("namespaces", netns)
    run("ip", "netns", "add", netns)
    run("ip", "-n", netns, "link", "set", "lo", "up")


def add_switch(plan):
    netns = plan.netns("switch")
    sysctl(netns, "net.ipv6.conf.default.disable_ipv6", 1)
    run("ip", "-n", netns, "link", "add", names.BRIDGE, "type", "bridge",
        "forward_delay", "0", "mcast_snooping", "0")
    run("ip", "-n", netns, "link", "set", names.BRIDGE, "up")


def add_host(plan, host, address):
    """A host with one interface, eth0, on the switch."""
    switch, netns, port = plan.netns("switch"), plan.netns(host), f"to-{host}"
    sysctl(netns, "net.ipv6.conf.default.disable_ipv6", 1)
    run("ip", "-n", switch, "link", "add", port, "type", "veth",
        "peer", "name", "eth0", "address", names.mac(address), "netns", netns)
    for where, device in ((switch, port), (netns, "eth0")):
        offloads_off(where, device)
    run("ip", "-n", switch, "link", "set", port, "master", names.BRIDGE, "up")
    run("ip", "-n", netns, "address", "add", f"{address}/24", "dev", "eth0")
    run("ip", "-n", netns, "link", "set", "eth0", "up")


def offloads_off(netns, device):
    """Packets on a wire have checksums and are no longer than the MTU."""
    run("ip", "netns", "exec", netns, "ethtool", "-K", device,
        "tx", "off", "gro", "off", "gso", "off", "tso", "off")


def carry_vip(netns, vip):
    """What direct routing asks of a real server: the VIP is its own, and nobody hears of it."""
    sysctl(netns, "net.ipv4.conf.all.arp_ignore", 1)
    sysctl(netns, "net.ipv4.conf.all.arp_announce", 2)
    run("ip", "-n", netns, "address", "add", f"{vip}/32", "dev", "lo")


def sysctl(netns, key, value):
    run("ip", "netns", "exec", netns, "sysctl", "-qw", f"{key}={value}")


def keep_wire(state):
    """The director makes its wire at each start and takes it along at its end: this plugs it in."""
    plan = state.plan
    spawn(state, "wirekeeper", "switch",
          ["/usr/bin/python3", f"{os.path.dirname(__file__)}/wirekeeper.py",
           names.WIRE, names.BRIDGE, names.WIRE_MAC])
