# SPDX-License-Identifier: BSD-3-Clause
"""Two directors with Debian's keepalived, unmodified: VRRP on their twins decides which one has the VIP."""

import contextlib
import json
import socket
import time

from bench import Background, Failed, Visitors, check, equal, eventually, rpc
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

        def is_it(frame):
            return is_tcp(frame, names.CLIENT, names.VIP, "S") and frame[TCP].sport == forwards.port

        client.send(Ether(src=CLIENT_MAC, dst=mac_of(lab, which)) /
                    IP(src=names.CLIENT, dst=names.VIP) /
                    TCP(sport=forwards.port, dport=names.HTTP_PORT, flags="S"))
        for server in (one, two):
            with contextlib.suppress(Failed):
                server.see(is_it, "the SYN", 0.5)
                return True
    return False


forwards.port = 65000         # from here on the client's Linux takes none


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


class Busy:
    """Open downloads and new connections all the time, by a VIP that moves and by others that do not."""

    def __init__(self, lab, staying):
        self.lab = lab
        for which in staying:
            give_own_vip(lab, which)
        self.staying = [OWN[which] for which in staying]
        for address in self.staying:
            eventually(lambda a=address: lab.curl(address=a, timeout=1), f"{address} does not answer", PATIENCE_S)
        self.downloads = {address: lab.download("100k", address=address, name=address)
                          for address in (names.VIP, *self.staying)}
        self.visitors = {address: lab.visitors(address) for address in self.downloads}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for one in (*self.downloads.values(), *self.visitors.values()):
            self.lab.end(one.name)

    def go_on(self, *addresses):
        """The downloads by these VIPs, or by all that stay, do."""
        for address in addresses or self.staying:
            self.downloads[address].expect_progress()

    def end(self, moves):
        """Nobody noticed at VIPs that stayed. At the other one each move broke what was open just then at most."""
        told = {address: one.result() for address, one in self.visitors.items()}
        for address, result in told.items():
            check(result["ok"] > 50, f"hardly a connection to {address}: {result}")
            broken = moves * Visitors.AT_A_TIME if address == names.VIP else 0
            check(result["failed"] <= broken, f"connections to {address}: {result}")
        check(told[names.VIP]["gap_s"] < PATIENCE_S, f"nobody answered for too long: {told[names.VIP]}")


def serves_alone(lab, which, use_vmac):
    """This director has the VIP, and every new connection goes well."""
    master(lab, which)
    only(lab, which, use_vmac)
    result = lab.load(100, 5)
    equal((result["ok"], result["errors"]), (100, {}), f"connections by way of the {which}, errors")


def the_vip_moves(lab, use_vmac):
    with election(lab, use_vmac), Busy(lab, ["director", "backup"]) as busy:
        only(lab, "director", use_vmac)
        keepalived.terminate(lab.state, "director")
        serves_alone(lab, "backup", use_vmac)
        busy.go_on()
        keepalived.start(lab.state, "director", use_vmac)
        serves_alone(lab, "director", use_vmac)
        busy.go_on()
        busy.end(moves=2)


@scenario(only_full=True, **TWO)
def vip_moves(lab):
    """The VIP moves and comes back; only its holder serves; connections to other VIPs go on, and new ones succeed."""
    the_vip_moves(lab, use_vmac=False)


@scenario(**TWO)
def vip_moves_with_its_mac(lab):
    """The same with use_vmac: the VIP takes a MAC address along."""
    the_vip_moves(lab, use_vmac=True)


def the_master_is_killed(lab, use_vmac):
    with election(lab, use_vmac), Busy(lab, ["backup"]) as busy:
        director.kill(lab.state)
        master(lab, "backup")
        result = lab.load(100, 5)
        equal((result["ok"], result["errors"]), (100, {}), "connections by way of the backup, errors")
        busy.go_on()
        director.start(lab.state)
        serves_alone(lab, "director", use_vmac)
        busy.go_on()
        busy.end(moves=2)


@scenario(**TWO)
def master_is_killed(lab):
    """With the master killed (-9) the backup takes over; when it comes back so does the VIP. What the backup has of
    its own goes on."""
    the_master_is_killed(lab, use_vmac=False)


@scenario(only_full=True, **TWO)
def master_is_killed_with_its_mac(lab):
    """The same with use_vmac."""
    the_master_is_killed(lab, use_vmac=True)


def floods(lab, use_vmac):
    """Frames by kind, to either director: broadcasts, pings, and SYNs from everywhere to a service and to a closed
    port."""
    holder = VIRTUAL_MAC if use_vmac else mac_of(lab, "director")
    targets = [(Ether(src=CLIENT_MAC, dst=mac), address) for mac, address in
               ((holder, names.VIP), (mac_of(lab, "backup"), OWN["backup"]))]
    arp = [Ether(src=CLIENT_MAC, dst="ff:ff:ff:ff:ff:ff") /
           ARP(hwsrc=CLIENT_MAC, psrc=names.CLIENT, pdst=names.VIP)]
    echo = [ether / IP(src=names.CLIENT, dst=address) / ICMP() / (b"x" * 32) for ether, address in targets]
    # From hosts to which the servers have no route: their answers are no flood of their own.
    syn = [ether / IP(src=f"10.50.{number % 256}.1", dst=address) /
           TCP(sport=4000 + number, dport=7777 if number % 8 == 0 else names.HTTP_PORT, flags="S")
           for number in range(512) for ether, address in targets]
    return {"ARP": arp, "echo": echo, "SYN": syn}


def flood(lab, frames, seconds):
    """How many frames were sent."""
    path = f"{lab.plan.directory}/frames"
    with open(path, "w", encoding="ascii") as out:
        out.writelines(f"{bytes(frame).hex()}\n" for frame in frames)
    return lab.helper("client", "flood.py", seconds, f"@{path}")["sent"]


class Advertisements:
    """What the backup's Linux gets of the master's VRRP, from now on."""

    PROTOCOL = 112

    def __init__(self, lab):
        with lab.inside("backup"):
            self.socket = socket.socket(socket.AF_INET, socket.SOCK_RAW, self.PROTOCOL)
        self.socket.setblocking(False)
        self.started = time.monotonic()

    def check(self, what):
        """Most came. A little time is the machine's own, whose cores the flood has, too."""
        passed, got = time.monotonic() - self.started, 0
        with self.socket, contextlib.suppress(BlockingIOError):
            while True:
                got += self.socket.recvfrom(2048)[1][0] == names.DIRECTOR
        sent = passed / keepalived.ADVERTISEMENT_S
        check(got >= 0.7 * sent - 2, f"{what}: the backup got {got} of about {sent:.0f} advertisements")


def stays_in_floods(lab, use_vmac):
    with election(lab, use_vmac), Busy(lab, ["backup"]) as busy:
        before = {which: keepalived.transitions(lab.plan, which) for which in lab.plan.directors()}
        for kind, frames in floods(lab, use_vmac).items():
            advertisements = Advertisements(lab)
            flooding = Background(lambda f=frames: flood(lab, f, 20 if lab.full else 3))
            busy.go_on(*busy.downloads)
            check(flooding.running(), f"{kind}: the flood was over before anything was looked at")
            check(flooding.result() > 10000, f"{kind}: that was no flood")
            advertisements.check(kind)
            busy.go_on(*busy.downloads)
        after = {which: keepalived.transitions(lab.plan, which) for which in lab.plan.directors()}
        equal(after, before, "transitions")
        equal(keepalived.holders(lab.plan), ["director"], "who has the VIP")
        busy.end(moves=0)


def dropped_by_wires(lab):
    """Frames that nobody took off a full wire."""
    said = lab.run("switch", "ip", "-j", "-s", "link", "show").stdout
    wires = [wire.name for which in lab.plan.directors() for wire in lab.plan.wires(which)]
    return sum(link["stats64"]["tx"]["dropped"] for link in json.loads(said) if link["ifname"] in wires)


def no_transition_in_flood(lab, use_vmac):
    """What a wire drops because a busy machine lets no director read it is not the directors' fault: once more then,
    and not for ever."""
    for last in (False, False, True):
        before = dropped_by_wires(lab)
        try:
            stays_in_floods(lab, use_vmac)
            return
        except Failed:
            if last or dropped_by_wires(lab) == before:
                raise


@scenario(**TWO)
def no_transition_in_a_flood(lab):
    """ARP, echo and SYN at full rate do not cost the master its VIP, nor clients their connections."""
    no_transition_in_flood(lab, use_vmac=False)


@scenario(only_full=True, **TWO)
def no_transition_in_a_flood_with_its_mac(lab):
    """The same with use_vmac."""
    no_transition_in_flood(lab, use_vmac=True)
