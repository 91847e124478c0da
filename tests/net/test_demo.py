# SPDX-License-Identifier: BSD-3-Clause
"""tools/demo as a person runs it: its verdict, and that nothing stays behind."""

import os
import random
import re
import signal
import subprocess
import threading
import time

from bench import check, equal, eventually
from netlab import state as states
from netlab.plan import MODES, REPOSITORY
from netlab.process import alive
from runner import scenario

NAME = "demotest"


class Demo:
    """A running demonstration of a lab of its own, in a session of its own."""

    def __init__(self, *options):
        self.before = traces()
        self.child = subprocess.Popen(
            [f"{REPOSITORY}/tools/demo", "--name", NAME, *options], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True)
        self.lines = []
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.child.stdout:
            self.lines.append(line)

    def wait_for(self, text):
        eventually(lambda: any(text in line for line in self.lines), f"no {text!r}", 60)

    def interrupt(self, signum=signal.SIGINT):
        """As the terminal does it: to the whole foreground group."""
        os.killpg(self.child.pid, signum)

    def process(self, name):
        """The pid of one of the lab's processes."""
        def entry():
            state = states.load(NAME)
            found = state and state.processes.get(name)
            return found if alive(found) else None
        return eventually(entry, f"{name} does not run", 60)["pid"]

    def end(self):
        """(exit status, last line), after checking that nothing is left."""
        status = self.child.wait(timeout=90)
        self.reader.join(10)
        left = traces()
        for kind, value in self.before.items():
            equal(left[kind], value, f"{kind} afterwards")
        return status, self.lines[-1].strip() if self.lines else ""


def traces():
    """What a lab could leave behind on this machine."""
    def lines(*argv):
        return subprocess.run(argv, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()
    with open("/proc/sys/vm/nr_hugepages", encoding="ascii") as source:
        pages = int(source.read())
    return {"network namespaces": sorted(line for line in lines("ip", "netns", "list")
                                         if NAME in line),
            "links": sorted(re.sub(r"@.*", "", line.split()[1]) for line in lines("ip", "-o", "link")),
            "processes": sorted(line for line in lines("ps", "-eo", "stat=,args=")
                                if NAME in line and "tools/demo" not in line
                                and not line.startswith("Z")),
            "mounts": sorted(line for line in lines("mount") if NAME in line),
            "huge pages": pages,
            "run directories": sorted(name for name in os.listdir("/run") if NAME in name)}


@scenario(with_director=False, only_full=True)
def variants(lab):
    """It ends in `demo: ok`, whatever the options."""
    for options in ((), ("--scheduler", "wlc"), ("--udp",), ("--servers", "3")):
        started = time.monotonic()
        demo = Demo(*options)
        equal(demo.end(), (0, "demo: ok"), f"verdict with {options}")
        check(time.monotonic() - started < 30, f"it took longer than 30 s with {options}")


@scenario(with_director=False, only_full=True)
def modes(lab):
    """It ends in `demo: ok` in each mode, IPv4 and IPv6, and over tagged wires."""
    for mode in MODES:
        for options in ((), ("--ipv6",), ("--vlan", "5")):
            equal(Demo("--mode", mode, *options).end(), (0, "demo: ok"), f"verdict with {mode} {options}")


@scenario(with_director=False, only_full=True)
def two_directors(lab):
    """With --vrrp it ends in `demo: ok`, after a failover and back."""
    equal(Demo("--vrrp").end(), (0, "demo: ok"), "verdict")


@scenario(with_director=False, only_full=True)
def a_server_is_stopped(lab):
    """With one nginx stopped it ends in FAILED."""
    demo = Demo()
    os.kill(demo.process("server13"), signal.SIGTERM)
    status, verdict = demo.end()
    check(status == 1 and verdict.startswith("demo: FAILED: "), f"verdict: {status}, {verdict!r}")


@scenario(with_director=False, only_full=True)
def the_director_is_killed(lab):
    """With the director killed midway it ends in FAILED."""
    demo = Demo()
    demo.wait_for("From ")
    os.kill(demo.process("director"), signal.SIGKILL)
    status, verdict = demo.end()
    check(status == 1 and verdict.startswith("demo: FAILED: "), f"verdict: {status}, {verdict!r}")


@scenario(with_director=False, only_full=True)
def interrupted_at_random(lab):
    """Ctrl-C at ten random moments leaves nothing behind."""
    for _ in range(10):
        moment = random.uniform(0.1, 12)
        demo = Demo()
        try:
            demo.child.wait(timeout=moment)
        except subprocess.TimeoutExpired:
            demo.interrupt()
        status, verdict = demo.end()
        check(status in (0, 1, -signal.SIGINT), f"exit status {status} after Ctrl-C at {moment:.2f} s: {verdict!r}")
