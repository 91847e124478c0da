# SPDX-License-Identifier: BSD-3-Clause
"""Namespaces and links. Nothing is ever made in, or moved through, the root namespace.

                    +------- NAME-switch: bridge br-front --------+
                    |                |                |           |
                 to-client         wire0         to-server12  to-server13 ...
                    |                |                |           |
    NAME-client: eth0       sluice (net_tap)    NAME-server12: eth0
                                     |
                      NAME-director: lan0 (the twin)

Each network of network.py is a bridge in the switch; with one port on the director, front and back are one.
"""

import os

from . import guest, vlan
from . import plan as names
from .network import BACK, FRONT
from .plan import LabError
from .process import run, spawn


def build(state):
    plan = state.plan
    for host in plan.hosts():
        add_namespace(state, plan.netns(host))
    add_switch(plan)
    for host in plan.topology.hosts.values():
        if host.name not in plan.directors():
            add_host(plan, host)
    for which in plan.directors():
        no_surprises(plan.netns(which), plan.families)
    sysctl(plan.netns("client"), ("net.ipv4.ip_local_port_range", "1024 65000"))
    if plan.vlan:
        vlan.build(plan)


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


def bridge(plan, network):
    return f"br-{FRONT.name}" if network is BACK and plan.ports == 1 else f"br-{network.name}"


def add_switch(plan):
    netns = plan.netns("switch")
    sysctl(netns, ("net.ipv6.conf.default.disable_ipv6", 1))
    bridges = sorted({bridge(plan, network) for network in plan.topology.networks()})
    ip(netns, *(line for name in bridges for line in
                (f"link add {name} type bridge forward_delay 0 mcast_snooping 0",
                 f"link set {name} up")))


def add_host(plan, host):
    netns = plan.netns(host.name)
    no_surprises(netns, plan.families)
    for index, link in enumerate(host.links):
        add_link(plan, host, index, link)
    if host.own_kernel:
        guest.add_link(netns)
        return
    ip(netns, *address_lines(plan, host), *route_lines(plan.families, host.routes))
    if host.forwards:
        sysctl(netns, ("net.ipv4.ip_forward", 1), ("net.ipv4.icmp_ratelimit", 0))
        if 6 in plan.families:
            sysctl(netns, ("net.ipv6.conf.all.forwarding", 1), ("net.ipv6.icmp.ratelimit", 0))
    if host.carries_vip:
        carry_vips(netns, plan.vips())


def add_link(plan, host, index, link):
    """An interface on a bridge of the switch."""
    switch, netns = plan.netns("switch"), plan.netns(host.name)
    port = f"to-{host.name}" + (f"-{index}" if index else "")
    # A kernel of its own has this MAC address itself, and the namespace only passes its frames on.
    own = "" if host.own_kernel else f"address {names.mac(link.network.address(4, link.number))}"
    ip(switch, f"link add {port} type veth peer name eth{index} {own} netns {netns}")
    for where, device in ((switch, port), (netns, f"eth{index}")):
        offloads_off(where, device)
    ip(switch, f"link set {port} master {bridge(plan, link.network)} mtu {link.mtu} up")
    ip(netns, f"link set eth{index} mtu {link.mtu} up")


def address_lines(plan, host):
    for index, link in enumerate(host.links):
        for family in plan.families:
            yield (f"address add {link.network.with_length(family, link.number)} dev eth{index}"
                   + (" nodad" if family == 6 else ""))


def route_lines(families, routes):
    for route in routes:
        for family in families:
            to = route.to.prefix(family) if route.to else "default"
            yield f"route replace {to} via {route.via.address(family, route.number)}"


def no_surprises(netns, families):
    """No address that the lab did not give; IPv6 only where it is wanted."""
    sysctl(netns, ("net.ipv6.conf.default.disable_ipv6", int(6 not in families)),
           ("net.ipv6.conf.default.accept_ra", 0), ("net.ipv6.conf.default.accept_dad", 0),
           ("net.ipv6.conf.default.router_solicitations", 0),
           ("net.ipv4.conf.all.rp_filter", 0), ("net.ipv4.conf.default.rp_filter", 0))


def offloads_off(netns, device):
    """Packets on a wire have checksums and are no longer than the MTU."""
    run("ip", "netns", "exec", netns, "ethtool", "-K", device,
        "tx", "off", "gro", "off", "gso", "off", "tso", "off")


def carry_vips(netns, vips):
    """What direct routing asks of a real server: the VIP is its own, and nobody hears of it."""
    sysctl(netns, ("net.ipv4.conf.all.arp_ignore", 1), ("net.ipv4.conf.all.arp_announce", 2))
    ip(netns, *vip_lines(vips))


def vip_lines(vips):
    return [f"address add {vip}/{128 if ':' in vip else 32} dev lo" for vip in vips]


def ip(netns, *lines):
    """Lines for ip, all or the first that fails."""
    if lines:
        run("ip", "-n", netns, "-batch", "-", feed="".join(f"{line}\n" for line in lines))


def sysctl(netns, *settings):
    run("ip", "netns", "exec", netns, "sysctl", "-qw", *(f"{key}={value}" for key, value in settings))


def keep_wires(state):
    """A director makes its wires at each start and takes them along at its end: this plugs them in."""
    plan = state.plan
    wires = [f"{wire.name}={bridge(plan, wire.network)}={wire.switch_mac}={vlan.program(plan, wire)}"
             for which in plan.directors() for wire in plan.wires(which)]
    spawn(state, "wirekeeper", "switch",
          ["/usr/bin/python3", f"{os.path.dirname(__file__)}/wirekeeper.py", *wires])
