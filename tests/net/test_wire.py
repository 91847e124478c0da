# SPDX-License-Identifier: BSD-3-Clause
"""The wire: links that go down, VLANs, bonds, large frames."""

import contextlib
import copy
import json
import os
import socket

from bench import PYTHON, check, equal, eventually
from netlab import director, process, topology
from netlab import plan as names
from netlab.network import FRONT
from packets import IP, TCP, tap
from runner import scenario

BOND_MAC = "02:00:00:00:fe:99"     # of the second wire's end in the switch
JUMBO = 9000
SOL_PACKET = 263
PACKET_QDISC_BYPASS = 20


def switch(lab, *words):
    """ip on the switch."""
    return process.run("ip", "-n", lab.plan.netns("switch"), *words).stdout


@contextlib.contextmanager
def pulled(lab, wire):
    """The wire's far end is down, as after somebody pulled the cable."""
    switch(lab, "link", "set", wire, "down")
    try:
        yield
    finally:
        switch(lab, "link", "set", wire, "up")


def twin_has_carrier(lab, name):
    said = process.run("ip", "-n", lab.plan.netns("director"), "link", "show", "dev", name).stdout
    return "NO-CARRIER" not in said


def port(lab, name):
    return next(one for one in lab.call("ports.get")["ports"] if one["name"] == name)


@contextlib.contextmanager
def events(lab, event_class):
    """A function that gives what has been told of a class since the block began."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.connect(director.control_socket(lab.plan))
        client.settimeout(10)
        client.sendall(json.dumps({"jsonrpc": "2.0", "id": 1, "method": "events.subscribe",
                                   "params": {"classes": [event_class]}}).encode() + b"\n")
        text, told = b"", []
        while b"\n" not in text:          # the answer: from here on it tells
            text += client.recv(65536)
        client.settimeout(0.2)

        def so_far():
            nonlocal text
            with contextlib.suppress(TimeoutError):
                text += client.recv(65536)
            *lines, text = text.split(b"\n")
            told.extend(json.loads(line)["params"] for line in lines if b'"params"' in line)
            return told

        yield so_far


def check_link(lab, wire, ports):
    """A pulled wire is seen on these ports and on their twins; plugged in again, traffic goes on."""
    with events(lab, "link") as told:
        with pulled(lab, wire):
            for name in ports:
                eventually(lambda n=name: not port(lab, n)["link"], f"the API has {name} up")
                eventually(lambda n=name: not twin_has_carrier(lab, n), f"the twin {name} is up")
        for name in ports:
            eventually(lambda n=name: twin_has_carrier(lab, n) and port(lab, n)["link"],
                       f"{name} stays down")
        wanted = {(name, up) for name in ports for up in (False, True)}
        eventually(lambda: wanted <= {(one["port"], one["up"]) for one in map(details, told())},
                   f"not all of {wanted} was told")
    lab.wait_until_serving()
    equal(sorted(set(lab.answers(4))), lab.voices(), "servers that answer")


def details(event):
    """What an event says, wherever the notification has it."""
    return event if "port" in event else event.get("details", event)


@scenario()
def link_down(lab):
    """A pulled wire: carrier of the twin, API, events; and back."""
    check_link(lab, "wire0", [names.TWIN])


@scenario(vlan=5, ports=2)
def vlan_link_down(lab):
    """The link of VLANs is that of their device."""
    check_link(lab, "wire0", [names.TRUNKS[names.TWIN], names.TWIN])


@scenario(vlan=5, ports=2)
def vlan_tags(lab):
    """Servers answer through VLANs; frames have tags on the wire; each VLAN counts its own."""
    equal(sorted(set(lab.answers(4))), lab.voices(), "servers that answer")
    trunk, vlan = (port(lab, name) for name in (names.TRUNKS[names.TWIN], names.TWIN))
    equal((vlan["parent"], vlan["vlan"]), (names.TRUNKS[names.TWIN], 5), "of the VLAN")
    check(0 < vlan["rx_packets"] <= trunk["rx_packets"], "what came in is counted on both")
    check(port(lab, names.BACK_TWIN)["tx_packets"] > 0, "what goes to servers is not counted")
    drops = lab.drops()
    # Untagged and of other VLANs: put on the director's wire behind the switch's tagging.
    send_raw(lab, "wire0", b"\x81\x00\x00\x07\x08\x06" + bytes(46))
    eventually(lambda: lab.drops()["vlan_unknown"] > drops["vlan_unknown"],
               "a frame of another VLAN is not dropped by name")


def send_raw(lab, wire, behind_macs):
    """A broadcast frame onto the wire, past the switch."""
    with process.inside(lab.plan.netns("switch")):
        raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    with raw:
        raw.setsockopt(SOL_PACKET, PACKET_QDISC_BYPASS, 1)
        raw.bind((wire, 0))
        raw.send(b"\xff" * 6 + bytes.fromhex("020000000042") + behind_macs)


def restart_with(lab, change, start=director.start):
    """Stops the director, changes the first port in its file and starts it."""
    document = copy.deepcopy(lab.first_config)
    change(document["ports"][0])
    director.terminate(lab.state)
    lab.state.drop_process("director")
    director.write_json(lab.plan.config_path, document)
    start(lab.state)


def back_to_first(lab):
    director.terminate(lab.state)
    lab.state.drop_process("director")
    director.write_json(lab.plan.config_path, lab.first_config)
    director.start(lab.state)


@scenario()
def bond_failover(lab):
    """A bond of two wires: one is pulled, then the other, and clients see a pause at most."""
    def make_bond(first):
        device, mac = first["device"].split(",mac=")
        first["device"] = f"net_bonding0,mode=1,mac={mac}"
        first["members"] = [f"{device},mac=02:00:00:00:0a:01", "net_tap1,iface=bond1,mac=02:00:00:00:0a:02"]

    lab.spawn("bondkeeper", "switch", PYTHON, f"{os.path.dirname(topology.__file__)}/wirekeeper.py",
              f"bond1={topology.bridge(lab.plan, FRONT)}={BOND_MAC}=")
    restart_with(lab, make_bond)
    try:
        # Linux asks again after 9 s where its first questions went out before the wires were plugged in.
        eventually(lambda: all(one["state"] == "reachable" for one in lab.servers()),
                   "a server does not become reachable", 20)
        lab.wait_until_serving()
        download = lab.download("1000k")
        for wire in ("wire0", "bond1"):
            # It comes up again by itself: the active one has the bond's MAC address, and the wire's keeper
            # gives it its own back.
            switch(lab, "link", "set", wire, "down")
            eventually(lambda: lab.curl(timeout=1), f"no answer without {wire}", 10)
            download.expect_progress()
            switch(lab, "link", "set", wire, "up")
        download.finish()
        check(port(lab, names.TWIN)["link"], "the bond is down")
    finally:
        back_to_first(lab)


def add_jumbo_wire(lab):
    """net_tap takes no more than 1500 bytes: a pair of interfaces instead, with libpcap at its end."""
    bridge = topology.bridge(lab.plan, FRONT)
    switch(lab, "link", "add", "jumbo0", "mtu", str(JUMBO), "type", "veth", "peer", "name", "to-jumbo0",
           "mtu", str(JUMBO))
    for end in ("jumbo0", "to-jumbo0"):
        lab.run("switch", "ethtool", "-K", end, "tx", "off", "gro", "off", "gso", "off", "tso", "off")
        switch(lab, "link", "set", end, "up")
    switch(lab, "link", "set", "to-jumbo0", "master", bridge)
    set_mtus(lab, JUMBO)


def set_mtus(lab, mtu):
    """Of the client, the servers, and where they are plugged in."""
    for host in ["client"] + lab.plan.server_hosts():
        lab.run(host, "ip", "link", "set", "eth0", "mtu", str(mtu))
        switch(lab, "link", "set", f"to-{host}", "mtu", str(mtu))


def is_jumbo(frame):
    return TCP in frame and frame[IP].len > 8000


@scenario()
def jumbo(lab):
    """MTU 9000: pings of that length to the twin, and an upload whose segments are as long."""
    def make_jumbo(first):
        first["device"] = "net_pcap0,rx_iface_in=jumbo0,tx_iface=jumbo0"
        first["mtu"] = JUMBO

    add_jumbo_wire(lab)
    restart_with(lab, make_jumbo, director.launch)       # start() would wait for the usual wire
    try:
        eventually(lambda: director.ctl(lab.state, "info", check=False).returncode == 0, "no director", 20)
        lab.wait_until_serving()
        equal(port(lab, names.TWIN)["mtu"], JUMBO, "the port's MTU")
        lab.run("client", "ping", "-c", "2", "-M", "do", "-s", str(JUMBO - 28), names.DIRECTOR)
        with tap(lab, "server12") as one, tap(lab, "server13") as two:
            body = f"{lab.plan.directory}/upload"
            with open(body, "wb") as out:
                out.write(bytes(300000))
            for server in (one, two):
                lab.run("client", "curl", "-sS", "-m", "10", "--data-binary", f"@{body}",
                        lab.plan.url("/"))
            for server in (one, two):
                server.see(is_jumbo, "a segment of more than 8000 bytes")
    finally:
        switch(lab, "link", "del", "jumbo0")
        set_mtus(lab, 1500)
        back_to_first(lab)
