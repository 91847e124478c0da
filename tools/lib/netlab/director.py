# SPDX-License-Identifier: BSD-3-Clause
"""The director: its configuration, start and stop, and its client."""

import json
import os
import shutil
import signal
import subprocess

from . import plan as names
from . import topology
from .network import BACK
from .plan import LabError
from .process import alive, run, spawn, stop, wait_until

START_PATIENCE_S = 20

# A hugetlbfs that the system or another lab has mounted is not for this director: in its own mount
# namespace (ip netns exec makes one) only the lab's is left. Arguments: the lab's mount, the command.
ONLY_OUR_PAGES = """
while read -r _ mount type _; do
	if [ "$type" = hugetlbfs ] && [ "$mount" != "$1" ]; then umount "$mount"; fi
done </proc/self/mounts
shift
exec "$@"
"""


def configuration(plan, huge, which="director"):
    """The lab's configuration, as sluice.json has it."""
    services = [service(plan, "tcp", names.HTTP_PORT, plan.server_port)]
    if plan.udp:
        services.append(service(plan, "udp", names.UDP_PORT, plan.server_udp_port))
    document = {
        "instance": plan.director_instance(which),
        "run_directory": plan.director_directory(which),
        "dpdk": {"memory": f"{plan.memory_mb}M", "huge_pages": "on" if huge else "off"},
        "workers": {"count": plan.workers, "poll": plan.poll},
        "connections": plan.connections,
        "ports": [part for wire in plan.wires(which) for part in ports(plan, which, wire)],
        "vips": [{"vip": plan.vip, "address": "external" if plan.vrrp else "managed",
                  "port": names.TWIN}],
        "services": services,
    }
    if plan.mode == "fullnat":
        port = plan.wires(which)[-1].port
        document["local_addresses"] = [{"address": address, "port": port}
                                       for address in plan.local_addresses()]
    return document


def ports(plan, which, wire):
    """A wire's port; with tags on the wire the port that all of them come by, and the one of the tag."""
    index = plan.wires(which).index(wire)
    device = {"device": f"net_tap{index},iface={wire.name},mac={wire.mac}"}
    twin = {"twin": {"netns": plan.netns(which)}}
    # With one port the networks of clients and of servers are one segment.
    networks = [wire.network]
    if plan.ports == 1 and plan.topology.uses_back():
        networks.append(BACK)
    port = {"name": wire.port,
            "addresses": [network.with_length(family, wire.number)
                          for network in networks for family in plan.families]}
    if wire.network is BACK and not plan.hops and plan.link_mtu != 1500:
        port["mtu"] = plan.link_mtu
    if not wire.vlan:
        return [{**port, **device, **twin}]
    trunk = names.TRUNKS[wire.port]
    return [{"name": trunk, **device, **twin}, {**port, **twin, "parent": trunk, "vlan": wire.vlan}]


def service(plan, protocol, port, server_port):
    servers = plan.server_addresses()[:plan.servers]
    return {"protocol": protocol, "address": plan.vip, "port": port, "scheduler": plan.scheduler,
            "servers": [server(plan, address, server_port if server_port != port else 0)
                        for address in servers]}


def server(plan, address, port=0):
    entry = {"address": address, "weight": 1}
    if port:
        entry["port"] = port
    if plan.mode in names.TUNNELS:
        return {**entry, "forward": "tun", "tunnel": {"type": names.TUNNELS[plan.mode]}}
    return {**entry, "forward": plan.mode}


def write_configuration(state):
    plan = state.plan
    for which in plan.directors():
        if plan.config:
            shutil.copyfile(plan.config, plan.director_config(which))
        else:
            write_json(plan.director_config(which), configuration(plan, state.huge, which))


def write_json(path, document):
    with open(path, "w", encoding="utf-8") as out:
        json.dump(document, out, indent=2)
        out.write("\n")


def program(plan, name):
    path = f"{plan.build}/app/{name}/{name}"
    if not os.access(path, os.X_OK):
        raise LabError(f"{path} is missing: `meson setup {plan.build} && ninja -C {plan.build}` builds it")
    return path


def check_programs(state):
    for name in ("sluice", "sluicectl"):
        program(state.plan, name)


def environment(plan):
    """EAL puts its run-time files below this directory, as it does under systemd."""
    return {"RUNTIME_DIRECTORY": plan.directory}


def running(state, which="director"):
    return alive(state.processes.get(which))


def launch(state, argv=None, which="director"):
    """Starts the process and returns at once. argv: another command line than the usual one."""
    plan = state.plan
    if running(state, which):
        raise LabError(f"the {which} runs already, as process {state.processes[which]['pid']}")
    argv = argv or [program(plan, "sluice"), "--config", plan.director_config(which)]
    wrapper = ["sh", "-c", ONLY_OUR_PAGES, "sh", plan.huge_directory]
    return spawn(state, which, "switch", wrapper + argv, environment(plan))


def start(state, argv=None, which="director"):
    """Starts a director and returns when it serves."""
    launch(state, argv, which)
    if not wait_until(lambda: not running(state, which) or ready(state, which), START_PATIENCE_S,
                      0.05):
        stop(state, which)
        raise LabError(f"the {which} was not ready after {START_PATIENCE_S} s")
    if not running(state, which):
        state.drop_process(which)
        raise LabError(f"the {which} ended before it was ready")
    topology.ip(state.plan.netns(which),
                *topology.route_lines(state.plan.families, state.plan.topology.director_routes))


def start_all(state):
    for which in state.plan.directors():
        start(state, which=which)


def ready(state, which="director"):
    """It answers its client, and its wires are plugged in."""
    return (all(plugged(state, wire) for wire in state.plan.wires(which))
            and ctl(state, "info", check=False, which=which).returncode == 0)


def plugged(state, wire):
    link = run("ip", "-n", state.plan.netns("switch"), "-o", "link", "show", "dev", wire.name,
               check=False).stdout
    return f"master {topology.bridge(state.plan, wire.network)}" in link and wire.switch_mac in link


def last_lines(state, count=15, which="director"):
    """The end of a director's log, for a message; "" when there is none."""
    try:
        with open(state.plan.log(which), encoding="utf-8", errors="replace") as log:
            return "".join(f"  | {line}" for line in log.readlines()[-count:]).rstrip()
    except FileNotFoundError:
        return ""


def terminate(state, which="director"):
    return stop(state, which)


def kill(state, which="director"):
    return stop(state, which, first=signal.SIGKILL)


def hang_up(state):
    os.kill(state.processes["director"]["pid"], signal.SIGHUP)


def purge(state):
    """Removes what the directors keep for their next start."""
    try:
        sluice = program(state.plan, "sluice")
    except LabError:
        return
    for which in state.plan.directors():
        config = state.plan.director_config(which)
        if os.path.exists(config):
            run(sluice, "--purge", "--config", config, check=False,
                env={**os.environ, **environment(state.plan)})


def control_socket(plan, which="director"):
    return f"{plan.director_directory(which)}/control.sock"


def ctl_argv(plan, arguments, which="director"):
    return [program(plan, "sluicectl"), "--socket", control_socket(plan, which)] + list(arguments)


def ctl(state, *arguments, check=True, timeout=30, which="director", **options):
    return run(*ctl_argv(state.plan, arguments, which), check=check, timeout=timeout, **options)


def ctl_interactive(state, arguments, which="director"):
    return subprocess.run(ctl_argv(state.plan, arguments, which), check=False).returncode
