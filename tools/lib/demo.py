# SPDX-License-Identifier: BSD-3-Clause
"""A director at work, end to end: builds sluice, runs it in a lab of network namespaces, shows connections
going through it and what becomes of their packets, and removes everything again."""

import signal

signal.signal(signal.SIGINT, signal.SIG_DFL)    # while the rest is loaded there is nothing to remove

import argparse
import hashlib
import os
import sys
import time
import traceback

from builder import BuildError, build
import demo_vrrp
from netlab import capture, director, guest, lab, memory, options, process, server
from netlab import plan as names
from netlab import state as states
from netlab.plan import LabError, Plan
from show import Failure, say, title, verdict

ANSWERS = 6
# Schedulers that, with equal weights and connections that end at once, take the servers in turn.
IN_TURN = ("rr", "wrr", "lc", "wlc")
DOWNLOAD_RATE = "1600k"        # the big file then takes about five seconds


class Stop(BaseException):
    """A signal: SIGINT, SIGTERM or SIGHUP. Raised once."""


class Signals:
    """Turns the first signal into Stop; after hush() signals do nothing any more."""

    def __init__(self):
        self.quiet = False
        for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(signum, self.handle)

    def handle(self, signum, _frame):
        if not self.quiet:
            self.quiet = True
            raise Stop(signal.Signals(signum).name)

    def hush(self):
        self.quiet = True


def arguments():
    parser = argparse.ArgumentParser(prog="tools/demo", description=__doc__)
    options.add_network(parser)
    parser.add_argument("--keep", action="store_true", help="leave the lab up afterwards")
    parser.add_argument("--scheduler", default="rr", metavar="NAME",
                        help="how servers are chosen: rr (default), wrr, lc, wlc")
    parser.add_argument("--servers", type=int, default=2, metavar="N",
                        help="real servers (%(default)s)")
    parser.add_argument("--udp", action="store_true", help="a UDP service as well")
    parser.add_argument("--name", default="sluice", help="of the lab (%(default)s)")
    return parser.parse_args()


# What a person sees and what is checked: one function for each part of the demonstration.

PATHS = {
    "dr": """Requests go client -> director -> server: the director rewrites the destination MAC address
and nothing else but the TTL. Answers go server -> client, past the director.""",
    "nat": """Requests go client -> director -> server: the director writes the server's address and port
over the VIP's. Answers go server -> director -> client, and get the VIP's back.""",
    "tunnel": """Requests go client -> director -> server, inside of packets from the director to the server,
over the routers. Answers go server -> client, past the director.""",
    "fullnat": """Requests go client -> director -> server: the director writes the server's address over
the VIP's and an address of its own over the client's. So answers come back to it from anywhere.""",
}


def show_topology(plan):
    title("the lab: every host is a network namespace")
    say()
    for line in lab.host_table(plan):
        say(line)
    path = PATHS["tunnel" if plan.mode in names.TUNNELS else plan.mode]
    say("".join(f"\n   {line}" for line in path.splitlines()))


def wait_for_vip(state):
    if not process.wait_until(lambda: in_client(state, "ping", "-c1", "-W1", state.plan.vip) is not None,
                              10, 0.1):
        raise Failure(f"the VIP {state.plan.vip} does not answer ping")


def in_client(state, *argv, timeout=10):
    """What a command on the client prints, or None when it fails."""
    done = process.run("ip", "netns", "exec", state.plan.netns("client"), *argv, check=False,
                       timeout=timeout)
    return done.stdout if done.returncode == 0 else None


def ask_http(state):
    return in_client(state, "curl", "-s", "-m", "5", state.plan.url())


def udp_command(plan):
    return (f"exec 3<>/dev/udp/{plan.vip}/{names.UDP_PORT}; echo hello >&3; "
            "timeout 3 head -n 1 <&3")


def ask_udp(state):
    return in_client(state, "bash", "-c", udp_command(state.plan))


def show_answers(state, what, command, ask):
    """Asks the VIP ANSWERS times and checks that the servers take turns."""
    plan = state.plan
    title(f"{ANSWERS} {what} answers from the VIP, scheduler {plan.scheduler}")
    answers = []
    for _ in range(ANSWERS):
        answer = ask(state)
        if answer is None:
            raise Failure(f"no answer from {plan.vip} to `{command}`")
        say(f"client$ {command}\n{answer.rstrip()}")
        answers.append(answer.strip())
    check_answers(plan, answers)


def check_answers(plan, answers):
    known = {f"From {address}" for address in plan.server_addresses()}
    for answer in answers:
        if answer not in known:
            raise Failure(f"an answer that no server gives: {answer!r}")
    if plan.scheduler not in IN_TURN:
        return
    turn = answers[:plan.servers]
    expected = [turn[i % len(turn)] for i in range(len(answers))]
    if answers != expected or len(set(turn)) != len(turn):
        raise Failure("the servers did not take turns")


class Download:
    """A slow download through the VIP, in the background."""

    def __init__(self, state):
        self.state = state
        self.path = f"{state.plan.directory}/download"
        process.spawn(state, "download", "client",
                      ["curl", "-s", "-S", "-m", "30", "-o", self.path,
                       state.plan.url(f"/big?rate={DOWNLOAD_RATE}")])

    def size(self):
        try:
            return os.path.getsize(self.path)
        except FileNotFoundError:
            return 0

    def running(self):
        return process.alive(self.state.processes.get("download"))

    def expect_progress(self):
        before = self.size()
        if not process.wait_until(lambda: self.size() > before or not self.running(), 5):
            raise Failure("the slow download makes no progress")
        if not self.running() and self.size() < server.BIG_BYTES:
            raise Failure(f"the slow download broke off after {self.size()} bytes")

    def expect_end(self):
        process.wait_until(lambda: not self.running(), 20)
        self.state.drop_process("download")
        if digest(self.path) != digest(server.big_file(self.state.plan)):
            raise Failure(f"the slow download ended with {self.size()} of {server.BIG_BYTES} bytes")


def digest(path):
    try:
        with open(path, "rb") as source:
            return hashlib.sha256(source.read()).hexdigest()
    except FileNotFoundError:
        return None


def show_sockets(state):
    """ss -tan of the server that serves the download, and of the director."""
    plan = state.plan
    listings = {host: listing(plan, host) for host in plan.server_hosts() + ["director"]}
    holders = [host for host in plan.server_hosts() if connections(plan, listings[host])]
    if not holders:
        raise Failure("no server has a connection, though a download is open")
    title("the connections are on the server (one is held open by a slow download) ...")
    say(f"{holders[0]}$ ss -tan\n{listings[holders[0]].rstrip()}")
    title("... and none is on the director")
    say(f"director$ ss -tan\n{listings['director'].rstrip()}")
    if connections(plan, listings["director"]):
        raise Failure("the director's kernel has connections of the virtual service")


def listing(plan, host):
    if host in plan.topology.hosts and plan.topology.hosts[host].own_kernel:
        return guest.order(plan, host, ["ss", "-tan"])["stdout"]
    return process.run("ip", "netns", "exec", plan.netns(host), "ss", "-tan").stdout


def connections(plan, sockets):
    """The established connections to a server's port in what ss printed."""
    return [line for line in sockets.splitlines()
            if line.startswith("ESTAB") and line.split()[3].endswith(f":{plan.server_port}")]


def show_packets(state):
    """The first packets of a connection, where the client and where the server sees them."""
    plan = state.plan
    title("one connection's first packets, at the client and at the server")
    wire = ["switch"] if plan.vlan else []
    with capture.watch(state, ["client", *wire, *plan.server_hosts()]) as watch:
        if ask_http(state) is None:
            raise Failure(f"no answer from {plan.vip}")
        seen = watch.lines()
    holder = next((host for host in plan.server_hosts() if seen[host]), None)
    if not holder or len(seen["client"]) < 2 or not all(seen[host] for host in wire):
        raise Failure("tcpdump did not see the connection")
    answers = [line for line in seen[holder][1:] if "Flags [S.]" in line]
    for host, line in (("client", seen["client"][0]), *((host, seen[host][0]) for host in wire),
                       (holder, seen[holder][0]),
                       (holder, answers[0] if answers else "(nothing)"),
                       ("client", seen["client"][1])):
        say(f"  {host:<10} {line.partition(', seq ')[0]}")


def show_table(state):
    title("the director's table")
    table = director.ctl(state, "list").stdout
    say(f"director$ sluicectl list\n{table.rstrip()}")
    if not table.startswith("IP Virtual Server"):
        raise Failure("sluicectl list does not print the table")
    for address in state.plan.server_addresses():
        host = f"[{address}]" if ":" in address else address
        if f"-> {host}:{state.plan.server_port} " not in table:
            raise Failure(f"server {address} is missing in the table")


def check_still_well(state):
    """At the end everything must still be as it was set up: nothing died underneath."""
    for name, entry in state.processes.items():
        if not process.alive(entry):
            raise Failure(f"{name} has died")
    for address in state.plan.server_addresses():
        if not server.answers(state.plan, address):
            raise Failure(f"server {address} no longer answers")
        answer = ask_http(state)
        if answer is None:
            raise Failure(f"no answer from {state.plan.vip} at the end")


def demonstrate(args):
    plan = Plan(name=args.name, servers=args.servers, scheduler=args.scheduler, udp=args.udp,
                **options.chosen(args))
    say("Building ...")
    started = time.monotonic()
    build(plan.build)
    say(f"Built in {time.monotonic() - started:.1f} s.")
    play(lab.up(plan))


def play(state):
    say(f"Memory: {memory_words(state)}.")
    show_topology(state.plan)
    if state.plan.vrrp:
        demo_vrrp.show_master(state)
    wait_for_vip(state)
    show_answers(state, "HTTP", f"curl {state.plan.url()}", ask_http)
    if state.plan.udp:
        show_answers(state, "UDP", udp_command(state.plan), ask_udp)
    show_packets(state)
    download = Download(state)
    download.expect_progress()
    show_table(state)
    show_sockets(state)
    download.expect_progress()
    download.expect_end()
    say(f"\nThe slow download has ended: {server.BIG_BYTES} bytes, as they are on the server.")
    if state.plan.vrrp:
        demo_vrrp.show_failover(state, ask_http)
    check_still_well(state)


def memory_words(state):
    if state.huge:
        return f"{state.huge_pages} huge pages of {memory.PAGE_MB} MB, given back at the end"
    return "no huge pages can be had here, running without them"


def keep(args):
    option = "" if args.name == "sluice" else f" --name {args.name}"
    url = states.load_or_fail(args.name).plan.url()
    say(f"""
The lab is up. Play with it:
  tools/lab exec{option} client curl {url}
  tools/lab ctl{option} list
  tools/lab ctl{option} help
  tools/lab exec{option} server12 tcpdump -nei eth0
  tools/lab director{option} kill; tools/lab director{option} start
  tools/lab status{option}
  tools/lab down{option}       removes all of it""")


def clean(args):
    """Removes the lab if this process made it. Returns a sentence when that failed."""
    try:
        state = states.load(args.name)
        if state and state.owner == process.identity(os.getpid()):
            lab.down(args.name)
        return ""
    except LabError as error:
        return f"cleaning up failed: {error}"


def attempt(args):
    """Why the demonstration failed, or "". Signals do nothing any more when it returns."""
    signals = Signals()
    try:
        why = ""
        try:
            demonstrate(args)
        except (Failure, LabError, BuildError) as error:
            why = str(error)
        except Exception as error:  # the lab must go whatever happened
            traceback.print_exc()
            why = f"{type(error).__name__}: {error}"
        signals.hush()
    except Stop as stop:
        why = f"interrupted by {stop}"
    return why


def main():
    args = arguments()
    if os.geteuid() != 0:
        say("demo: FAILED: network namespaces need root")
        return 1
    why = attempt(args)
    if args.keep and not why:
        keep(args)
    else:
        why = "; ".join(filter(None, (why, clean(args))))
    say()
    return verdict("demo", why)


if __name__ == "__main__":
    sys.exit(main())
