# SPDX-License-Identifier: BSD-3-Clause
"""Two directors with Debian's keepalived, unmodified: VRRP on their twins decides which one has the VIP."""

import contextlib
import json

from bench import Background, Failed, check, equal, eventually, rpc
from netlab import director, keepalived
from netlab import plan as names
from netlab.network import FRONT
from packets import ARP, CLIENT_MAC, ICMP, IP, TCP, Ether, is_tcp, tap
from runner import scenario

TWO = {"vrrp": True, "connections": 20000}
PATIENCE_S = 15
VIRTUAL_MAC = f"00:00:5e:00:01:{keepalived.ROUTER:02x}"
# A VIP that is one director's alone, with a connection that nothing may touch.
OWN = {"director": FRONT.address(4, 101), "backup": FRONT.address(4, 102)}


def mac_of(lab, which):
    return lab.plan.wires(which)[0].mac


@contextlib.contextmanager
def election(lab, use_vmac):
    """keepalived beside both directors; the first one is the master when this begins."""
    for which in lab.plan.directors():
        if not director.running(lab.state, which):
            director.start(lab.state, which=which)
        if keepalived.name(which) in lab.state.processes:
            keepalived.terminate(lab.state, which)
    keepalived.start_all(lab.state, use_vmac)
    master(lab, "director")
    yield
    if use_vmac:               # the next scenario finds keepalived as the lab starts it
        for which in lab.plan.directors():
            keepalived.terminate(lab.state, which)
        keepalived.start_all(lab.state)


def master(lab, which):
    """Waits until this director alone has the VIP, and its servers answer there."""
    eventually(lambda: keepalived.holders(lab.plan) == [which], f"{which} does not get the VIP",
               PATIENCE_S)
    eventually(lambda: lab.curl(timeout=1).startswith("From "), "the VIP does not answer", PATIENCE_S)


def forwards(lab, which):
    """Whether a director takes a SYN to the VIP that is sent to its own MAC address to a server."""
    with tap(lab, "client") as client, tap(lab, "server12") as one, tap(lab, "server13") as two:
        forwards.port += 1
        client.send(Ether(src=CLIENT_MAC, dst=mac_of(lab, which)) /
                    IP(src=names.CLIENT, dst=names.VIP) /
                    TCP(sport=forwards.port, dport=names.HTTP_PORT, flags="S"))
        for server in (one, two):
            with contextlib.suppress(Failed):
                server.see(lambda frame: is_tcp(frame, names.CLIENT, names.VIP, "S"), "the SYN", 0.5)
                return True
    return False


forwards.port = 20000


def only(lab, which, use_vmac):
    """One director serves, the other does not, and the client knows the VIP by the right MAC address."""
    for one in lab.plan.directors():
        equal(forwards(lab, one), one == which, f"whether the {one} serves")
    mac = VIRTUAL_MAC if use_vmac else mac_of(lab, which)
    equal(lab.run("client", "ip", "neigh", "show", names.VIP).stdout.split()[4], mac, "the VIP's MAC address")


def give_own_vip(lab, which):
    """A service on a VIP of one director alone."""
    with open(lab.plan.director_config(which), encoding="utf-8") as source:
        document = json.load(source)
    document["services"].append({**document["services"][0], "address": OWN[which]})
    rpc(director.control_socket(lab.plan, which), "config.apply", {"config": document})
    for host in lab.plan.server_hosts():
        lab.run(host, "ip", "address", "replace", f"{OWN[which]}/32", "dev", "lo")


def the_vip_moves(lab, use_vmac):
    with election(lab, use_vmac):
        for which in lab.plan.directors():
            give_own_vip(lab, which)
        downloads = [lab.download("100k", address=OWN[which], name=which) for which in OWN]
        only(lab, "director", use_vmac)
        keepalived.terminate(lab.state, "director")
        master(lab, "backup")
        only(lab, "backup", use_vmac)
        keepalived.start(lab.state, "director", use_vmac)
        master(lab, "director")
        only(lab, "director", use_vmac)
        for download in downloads:
            download.expect_progress()


@scenario(only_full=True, **TWO)
def vip_moves(lab):
    """The VIP moves and comes back; only its holder serves; connections to other VIPs go on."""
    the_vip_moves(lab, use_vmac=False)


@scenario(**TWO)
def vip_moves_with_its_mac(lab):
    """The same with use_vmac: the VIP takes a MAC address along."""
    the_vip_moves(lab, use_vmac=True)


def the_master_is_killed(lab, use_vmac):
    with election(lab, use_vmac):
        director.kill(lab.state)
        master(lab, "backup")
        director.start(lab.state)
        master(lab, "director")


@scenario(**TWO)
def master_is_killed(lab):
    """With the master killed (-9) the backup takes over; when it comes back so does the VIP."""
    the_master_is_killed(lab, use_vmac=False)


@scenario(only_full=True, **TWO)
def master_is_killed_with_its_mac(lab):
    """The same with use_vmac."""
    the_master_is_killed(lab, use_vmac=True)


def no_transition_in_flood(lab, use_vmac):
    to_vip = Ether(src=CLIENT_MAC, dst=mac_of(lab, "director")) / IP(src=names.CLIENT, dst=names.VIP)
    flood = [Ether(src=CLIENT_MAC, dst="ff:ff:ff:ff:ff:ff") /
             ARP(hwsrc=CLIENT_MAC, psrc=names.CLIENT, pdst=names.VIP),
             to_vip / ICMP() / (b"x" * 32),
             to_vip / TCP(sport=4000, dport=names.HTTP_PORT, flags="S"),
             to_vip / TCP(sport=4001, dport=7777, flags="S")]
    seconds = 20 if lab.full else 4
    with election(lab, use_vmac):
        before = {which: keepalived.transitions(lab.plan, which) for which in lab.plan.directors()}
        running = Background(lambda: lab.helper("client", "flood.py", seconds,
                                                *(bytes(frame).hex() for frame in flood)))
        check(running.result()["sent"] > 10000, "that was no flood")
        after = {which: keepalived.transitions(lab.plan, which) for which in lab.plan.directors()}
        equal(after, before, "transitions")
        equal(keepalived.holders(lab.plan), ["director"], "who has the VIP")


@scenario(**TWO)
def no_transition_in_a_flood(lab):
    """ARP, echo and SYN at full rate do not cost the master its VIP."""
    no_transition_in_flood(lab, use_vmac=False)


@scenario(only_full=True, **TWO)
def no_transition_in_a_flood_with_its_mac(lab):
    """The same with use_vmac."""
    no_transition_in_flood(lab, use_vmac=True)
