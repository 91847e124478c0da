# SPDX-License-Identifier: BSD-3-Clause
"""Servers with a kernel of their own: Linux in user mode, which takes packets out of tunnels.

The guest's root directory is the host's, read-only; its network device is a tap interface in the server's
namespace, bridged with eth0 there. It is the first process of a process namespace: when it ends, whatever way,
everything in it ends. Were it killed alone without that, the guest's programs would go on as what they are,
processes of the host, with the host's system calls.
"""

import glob
import json
import os
import shutil
import signal
import socket

from . import plan as names
from .plan import LabError
from .process import inside, run, spawn

HERE = os.path.dirname(os.path.abspath(__file__))
TAP = "vec"
AGENT_PORT = 2222
MEMORY = "96M"
# An idle user-mode Linux may oversleep what arrives, until the next frame: it gets one this often.
NUDGE_S = "0.1"

TUNNELS = """
ip link set tunl0 up
ip link set gre0 up
ip fou add port 6080 gue
"""
TUNNELS_6 = """
ip link set sit0 up
ip link set ip6gre0 up
ip link add any6 type ip6tnl mode any local {address6} remote ::
ip link set any6 up
ip -6 fou add port 6080 gue
"""


def add_link(netns):
    """The tap interface beside eth0; neither of them is an interface of the host's own stack."""
    run("ip", "netns", "exec", netns, "sysctl", "-qw", "net.ipv6.conf.default.disable_ipv6=1")
    run("ip", "-n", netns, "-batch", "-", feed=f"""\
tuntap add dev {TAP} mode tap
link add seam type bridge forward_delay 0 mcast_snooping 0
link set {TAP} master seam up
link set eth0 master seam up
link set seam up
""")


def setup_script(plan, host, lines):
    """What the guest runs before its server: its addresses, routes and tunnels. lines: for ip."""
    script = ["set -e", f"ip -batch - <<END\n{''.join(f'{line}{os.linesep}' for line in lines)}END"]
    script.append(TUNNELS)
    if 6 in plan.families:
        link = host.links[0]
        script.append(TUNNELS_6.format(address6=link.network.address(6, link.number)))
    return "\n".join(script) + "\n"


def start(state, host, lines, command):
    """Boots a guest that sets itself up and runs a command; returns at once."""
    plan = state.plan
    directory = f"{plan.directory}/{host.name}"
    with open(f"{directory}/setup", "w", encoding="utf-8") as out:
        out.write(setup_script(plan, host, lines))
    with open(f"{directory}/command", "w", encoding="utf-8") as out:
        out.write(command + "\n")
    # The guest hides /tmp, and this file may lie there.
    for name in ("guest-init", "guest_agent.py"):
        shutil.copy(f"{HERE}/{name}", directory)
    if not glob.glob("/usr/lib/uml/modules/*"):
        raise LabError("user-mode-linux is missing: servers of tunnels run on it")
    mac = names.mac(host.links[0].network.address(4, host.links[0].number))
    spawn(state, host.name, host.name,
          ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc",
           "linux.uml", f"mem={MEMORY}", "rootfstype=hostfs", "ro", f"init={directory}/guest-init",
           f"uml_dir={directory}", f"lab_directory={directory}", f"lab_agent={AGENT_PORT}",
           f"lab_ipv6={int(6 in plan.families)}",
           f"vec0:transport=tap,ifname={TAP},depth=128,gro=0,mac={mac}",
           "con=null", "con0=null,fd:1", "quiet"], first=signal.SIGKILL)
    spawn(state, f"nudge-{host.name}", neighbour(plan),
          ["ping", "-q", "-i", NUDGE_S, address(plan, host.name)])


def neighbour(plan):
    """The host that reaches the guests for orders."""
    return "far" if plan.hops else "client"


def address(plan, name):
    link = plan.topology.hosts[name].links[0]
    return link.network.address(4, link.number)


def order(plan, name, argv, timeout=30):
    """Runs a command in the guest: {"status", "stdout", "stderr"}."""
    with inside(plan.netns(neighbour(plan))):
        link = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    with link:
        link.settimeout(timeout)
        try:
            link.connect((address(plan, name), AGENT_PORT))
            link.sendall(json.dumps({"argv": list(argv), "timeout": timeout}).encode() + b"\n")
            with link.makefile("rb") as answers:
                return json.loads(answers.readline())
        except (OSError, ValueError) as error:
            raise LabError(f"{name} does not take orders: {error}") from error
