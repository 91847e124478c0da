# SPDX-License-Identifier: BSD-3-Clause
"""The installed director on real drivers: a virtual machine (QEMU, software emulation) with PCI network
cards behind an IOMMU, bound to vfio-pci by doing what the director itself asks for, configured by the
bare-metal example; the client and the servers are network namespaces on this machine. The last line
is "vm: ok", or "vm: FAILED: why"."""

import argparse
import os
import subprocess
import sys
import time
import traceback

from builder import BuildError, build
from netlab import lab, process
from netlab.plan import REPOSITORY, LabError
from show import say, title, verdict
from vmlab import director, kernel, network, vlan
from vmlab.guest import MODELS, Guest

ANSWERS = 12
CLIENTS_PER_ROUND = 16
TCP_PORT = 443
UDP_PORT = 53


class Failure(LabError):
    """What was expected and did not happen, in one sentence."""


def arguments():
    parser = argparse.ArgumentParser(prog="tools/vm", description=__doc__)
    parser.add_argument("--nic", default="all", choices=[*MODELS, "all"],
                        help="model of the network cards (%(default)s)")
    parser.add_argument("--mode", default="dr", choices=["dr", "nat"],
                        help="forwarding method (%(default)s)")
    parser.add_argument("--timeout", type=int, default=600, metavar="S",
                        help="seconds for one model (%(default)s)")
    parser.add_argument("--name", default="sluice-vm", help="of the namespaces (%(default)s)")
    parser.add_argument("--build", default=f"{REPOSITORY}/build", metavar="DIR",
                        help="build directory; the kernel is kept below it")
    return parser.parse_args()


class Run:
    """One model of network card: everything that is made for it, and what is to be seen."""

    def __init__(self, args, model, stage, guest_kernel, initramfs):
        self.args = args
        self.model = model
        self.queues = MODELS[model][2]
        self.stage = stage
        self.document = director.adapt(director.example(stage), network.CARDS, args.mode)
        services = self.document["services"]
        self.vips = [service["address"] for service in services]
        self.servers = [[server["address"] for server in service["servers"]]
                        for service in services]
        self.net = network.Network(
            args.name, self.vips, sum(self.servers, []),
            network.DIRECTOR_LAN if args.mode == "nat" else network.ROUTER_LAN)
        self.guest = Guest(f"{args.build}/vm/run", guest_kernel, initramfs,
                           self.net.netns("switch"))
        self.server_processes = []

    def play(self):
        started = time.monotonic()
        self.net.build(self.queues)
        self.start_servers()
        title(f"{self.model}: a machine with two of them")
        self.guest.start(self.model, network.CARDS)
        self.show_machine()
        say(f"started in {time.monotonic() - started:.0f} s")
        title("the director, installed, with the example for bare metal")
        director.install(self.guest, self.stage, self.document)
        attempts = director.start(self.guest, say)
        say(f"runs at the {attempts}. attempt:\n{director.log(self.guest)}")
        self.become_master()
        self.check_links()
        self.check_answers()
        self.check_spread()
        self.check_download()
        self.check_large_pings()
        self.check_other_mac()
        self.check_vlan()
        self.check_link_down()
        self.show_end()
        director.stop(self.guest)
        title(f"{self.model}: ok, {time.monotonic() - started:.0f} s")

    def remove(self):
        self.guest.stop()
        self.net.remove()

    def start_servers(self):
        vips = self.vips if self.args.mode == "dr" else []
        for server in self.net.servers:
            with open(f"{self.args.build}/vm/server-{server}.log", "wb") as out:
                child = subprocess.Popen(
                    ["ip", "netns", "exec", self.net.netns(f"server-{server}"), "/usr/bin/python3",
                     f"{REPOSITORY}/tools/lib/vmlab/answer.py", server, str(TCP_PORT),
                     str(UDP_PORT), *vips],
                    stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True)
            self.server_processes.append(process.identity(child.pid))

    def show_machine(self):
        """Linux's drivers first: they have the cards, as on any machine after its start."""
        guest = self.guest
        guest.shell(f"modprobe {MODELS[self.model][1]}")
        for command in ("uname -r", f"lspci -k -s {network.CARDS[0].pci}",
                        "ls /sys/kernel/iommu_groups | wc -l"):
            say(f"guest# {command}\n{guest.shell(command)[1]}")

    def become_master(self):
        """The example leaves its first VIP to keepalived: this is its part."""
        port = self.document["ports"][0]["name"]
        command = f"ip address add {self.vips[0]}/32 dev {port}"
        say(f"guest# {command}")
        self.guest.shell(command)

    def check_links(self):
        for port in director.ask(self.guest, "ports")["ports"]:
            if not port["link"]:
                raise Failure(f"port {port['name']}: the link is down")
        for card in network.CARDS:
            flags = self.guest.shell(f"ip -br link show {card.port}")[1]
            if card.mac not in flags or "LOWER_UP" not in flags:
                raise Failure(f"the twin is not as its card: {flags}")

    def in_client(self, *argv, timeout=30):
        done = self.net.inside("client", *argv, check=False, timeout=timeout)
        return done.stdout if done.returncode == 0 else None

    def curl(self, path="/", patience=10):
        return ["curl", "-s", "-m", str(patience), f"http://{self.vips[0]}:{TCP_PORT}{path}"]

    def udp(self):
        return ["bash", "-c", f"exec 3<>/dev/udp/{self.vips[1]}/{UDP_PORT}; echo hello >&3; "
                "timeout 5 head -n 1 <&3"]

    def check_answers(self):
        title(f"curl and UDP through the director, forward: {self.args.mode}")
        if not process.wait_until(lambda: self.in_client(*self.curl(patience=2)), 30, 0.2):
            raise Failure(f"no answer from {self.vips[0]}")
        for what, servers in ((self.curl(), self.servers[0]), (self.udp(), self.servers[1])):
            say(f"client$ {' '.join(what) if what[0] == 'curl' else what[2]}")
            answers = [self.in_client(*what) for _ in range(ANSWERS)]
            if None in answers:
                raise Failure(f"{answers.count(None)} of {ANSWERS} got no answer")
            seen = {answer.strip().removeprefix("From ") for answer in answers}
            say("".join(f"{answers.count(answer)} x {answer}"
                        for answer in sorted(set(answers))).rstrip())
            if seen != set(servers):
                raise Failure(f"{seen} answered, not {servers}")
        if self.in_client("ping", "-c", "2", "-W", "2", self.vips[0]) is None:
            raise Failure(f"{self.vips[0]} does not answer ping")

    def check_spread(self):
        """Connections from many ports: with two queues both workers get packets from the card."""
        script = " ".join(f"{' '.join(self.curl(patience=20))} &" for _ in range(CLIENTS_PER_ROUND))
        answers = self.in_client("bash", "-c", f"{script} wait", timeout=60) or ""
        if answers.count("From ") != CLIENTS_PER_ROUND:
            raise Failure(f"{answers.count('From ')} of {CLIENTS_PER_ROUND} connections at the same "
                          "time were answered")
        title("what each worker got")
        say(f"guest# sluicectl workers\n{self.guest.shell('sluicectl workers')[1]}")
        wan = network.CARDS[0].port
        received = [port["rx_packets"]
                    for worker in director.ask(self.guest, "workers")["workers"]
                    for port in worker["ports"] if port["name"] == wan]
        if self.queues == 1:
            return
        if 0 in received:
            raise Failure(f"{wan}: packets per worker: {received}")
        ports = {port["name"]: port for port in director.ask(self.guest, "ports")["ports"]}
        if ports[wan]["handed_over"]:
            raise Failure(f"{wan}: the card's hash brings packets to workers that do not own them")

    def check_download(self):
        path = f"{self.args.build}/vm/download"
        if self.in_client(*self.curl("/big", 60), "-o", path, timeout=70) is None:
            raise Failure("a download of 2 MB failed")
        with open(path, "rb") as source:
            if source.read() != bytes(range(256)) * 8192:
                raise Failure("a download of 2 MB arrived changed")
        os.unlink(path)
        say("a download of 2 MB arrived as it was sent")

    def check_large_pings(self):
        """Frames as long as the MTU of each port, both ways, by way of the twins."""
        server = f"server-{self.servers[0][0]}"
        for host, address, mtu in (("client", network.DIRECTOR_WAN, 1500),
                                   (server, network.DIRECTOR_LAN, network.LAN_MTU)):
            command = ["ping", "-c", "3", "-i", "0.3", "-W", "3", "-M", "do", "-s",
                       str(mtu - 28), address]
            done = self.net.inside(host, *command, check=False)
            say(f"{host}$ {' '.join(command)}\n{done.stdout.strip().splitlines()[-2]}")
            if done.returncode != 0 or " 0% packet loss" not in done.stdout:
                raise Failure(f"packets of {mtu} bytes do not pass:\n{done.stdout}{done.stderr}")

    def check_other_mac(self):
        """As VRRP has it with a virtual MAC address: an interface on the twin, with an address of its own."""
        wan = network.CARDS[0].port
        title("a virtual router's MAC address on the twin")
        for command in (f"ip link add vrrp7 link {wan} address 00:00:5e:00:01:07 type macvlan mode private",
                        f"ip address add {network.ROUTER_VIP}/24 dev vrrp7", "ip link set vrrp7 up"):
            say(f"guest# {command}")
            self.guest.shell(command)
        if not process.wait_until(lambda: self.in_client("ping", "-c", "1", "-W", "1",
                                                         network.ROUTER_VIP), 10, 0.2):
            raise Failure("the card does not take frames for a further MAC address")
        say(f"client$ ip neigh show {network.ROUTER_VIP}\n"
            + self.in_client("ip", "neigh", "show", network.ROUTER_VIP).strip())
        self.guest.shell("ip link del vrrp7")

    def check_vlan(self):
        """Frames with the VLAN's tag reach its twin, and what that one answers has the tag."""
        lan = network.CARDS[1]
        title(f"VLAN {network.VLAN} on {lan.port}")
        mac = vlan.who_has(self.net.netns("switch"), lan.tap, network.VLAN, network.VLAN_DIRECTOR,
                           network.VLAN_HOST)
        if mac != lan.mac:
            raise Failure(f"nobody answers for {network.VLAN_DIRECTOR} in the VLAN (but {mac})")
        say(f"{network.VLAN_DIRECTOR} is at {mac}\n"
            + self.guest.shell(f"ip neigh show dev {network.VLAN_PORT}")[1])

    def link_is(self, card, up):
        ports = {port["name"]: port["link"] for port in director.ask(self.guest, "ports")["ports"]}
        carrier = "NO-CARRIER" not in self.guest.shell(f"ip link show {card.port}")[1]
        return ports[card.port] == carrier == up

    def check_link_down(self):
        card = network.CARDS[0]
        title(f"the cable of {card.port} is pulled, and plugged in again")
        for up in (False, True):
            self.guest.set_link(card, up)
            if not process.wait_until(lambda wanted=up: self.link_is(card, wanted), 20, 0.2):
                raise Failure(f"{card.port}: the link should be {'up' if up else 'down'}, for the API and "
                              "the twin")
            say(self.guest.shell(f"ip -br link show {card.port}")[1])
        if not process.wait_until(lambda: self.in_client(*self.curl(patience=2)), 20, 0.2):
            raise Failure("no answer after the link came back")

    def show_end(self):
        for command in ("ports", "drops", "list"):
            title(f"sluicectl {command}")
            say(self.guest.shell(f"sluicectl {command}")[1])
        warnings = [line for line in director.log(self.guest).splitlines() if "error" in line]
        if warnings:
            raise Failure(f"the director complains: {warnings[0]}")


def prepare(args):
    """Builds, installs into a staging directory, fetches the kernel."""
    say("Building ...")
    build(args.build)
    stage = f"{args.build}/vm/stage"
    process.run("meson", "install", "-C", args.build, "--no-rebuild", "--destdir", stage,
                timeout=120)
    guest_kernel = kernel.fetch(f"{args.build}/vm")
    initramfs = f"{args.build}/vm/initramfs.gz"
    kernel.make_initramfs(guest_kernel, initramfs)
    return stage, guest_kernel, initramfs


def play(args):
    network.check_name(args.name)
    with lab.interruptible():
        prepared = prepare(args)
        for model in MODELS if args.nic == "all" else [args.nic]:
            limit = time.monotonic() + args.timeout
            checkpoint = process.on_wait

            def on_wait(limit=limit, checkpoint=checkpoint):
                checkpoint()
                if time.monotonic() > limit:
                    process.on_wait = checkpoint
                    raise Failure(f"not done within {args.timeout} s")

            one = Run(args, model, *prepared)
            process.on_wait = on_wait
            try:
                one.play()
            except LabError as failure:
                process.on_wait = None
                raise Failure(f"{model}: {failure}\n{director_words(one)}") from failure
            finally:
                process.on_wait = None
                one.remove()
                process.on_wait = checkpoint


def director_words(run):
    """The end of the director's log and what it dropped, if there is still a guest to ask."""
    try:
        return run.guest.shell(f"tail -n 30 {director.LOG}; sluicectl drops", False, 10)[1]
    except (LabError, OSError, AttributeError):
        return run.guest.last_words()


def main():
    args = arguments()
    args.build = os.path.abspath(args.build)
    why = "network namespaces need root" if os.geteuid() != 0 else ""
    try:
        if not why:
            play(args)
    except (LabError, BuildError, subprocess.TimeoutExpired) as error:
        why = str(error)
    except Exception as error:  # the last line says it whatever happened
        traceback.print_exc()
        why = f"{type(error).__name__}: {error}"
    if not why:
        say()
    return verdict("vm", why)


if __name__ == "__main__":
    sys.exit(main())
