# SPDX-License-Identifier: BSD-3-Clause
"""The director: its configuration, start and stop, and its client."""

import json
import os
import shutil
import signal
import subprocess

from . import plan as names
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


def configuration(plan, huge):
    """The lab's configuration, as sluice.json has it."""
    services = [service(plan, "tcp", names.HTTP_PORT)]
    if plan.udp:
        services.append(service(plan, "udp", names.UDP_PORT))
    return {
        "instance": plan.instance,
        "run_directory": plan.run_directory,
        "dpdk": {"memory": f"{plan.memory_mb}M", "huge_pages": "on" if huge else "off"},
        "workers": {"count": plan.workers, "poll": plan.poll},
        "connections": plan.connections,
        "ports": [{
            "name": names.TWIN,
            "device": f"net_tap0,iface={names.WIRE},mac={names.mac(names.DIRECTOR)}",
            "twin": {"netns": plan.netns("director")},
            "addresses": [f"{names.DIRECTOR}/24"],
        }],
        "vips": [{"vip": names.VIP, "address": "managed", "port": names.TWIN}],
        "services": services,
    }


def service(plan, protocol, port):
    servers = plan.server_addresses()[:plan.servers]
    return {"protocol": protocol, "address": names.VIP, "port": port,
            "scheduler": plan.scheduler,
            "servers": [{"address": address, "weight": 1, "forward": "dr"}
                        for address in servers]}


def write_configuration(state):
    plan = state.plan
    if plan.config:
        shutil.copyfile(plan.config, plan.config_path)
        return
    write_json(plan.config_path, configuration(plan, state.huge))


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


def running(state):
    return alive(state.processes.get("director"))


def launch(state, argv=None):
    """Starts the process and returns at once. argv: another command line than the usual one."""
    plan = state.plan
    if running(state):
        raise LabError(f"the director runs already, as process "
                       f"{state.processes['director']['pid']}")
    argv = argv or [program(plan, "sluice"), "--config", plan.config_path]
    wrapper = ["sh", "-c", ONLY_OUR_PAGES, "sh", plan.huge_directory]
    return spawn(state, "director", "switch", wrapper + argv, environment(plan))


def start(state, argv=None):
    """Starts the director and returns when it serves."""
    launch(state, argv)
    if not wait_until(lambda: not running(state) or ready(state), START_PATIENCE_S, 0.05):
        stop(state, "director")
        raise LabError(f"the director was not ready after {START_PATIENCE_S} s")
    if not running(state):
        state.drop_process("director")
        raise LabError("the director ended before it was ready")


def ready(state):
    """It answers its client, and its wire is plugged in."""
    return wire_plugged(state) and ctl(state, "info", check=False).returncode == 0


def wire_plugged(state):
    link = run("ip", "-n", state.plan.netns("switch"), "-o", "link", "show", "dev", names.WIRE,
               check=False).stdout
    return f"master {names.BRIDGE}" in link and names.WIRE_MAC in link


def last_lines(state, count=15):
    """The end of the director's log, for a message; "" when there is none."""
    try:
        with open(state.plan.log("director"), encoding="utf-8", errors="replace") as log:
            return "".join(f"  | {line}" for line in log.readlines()[-count:]).rstrip()
    except FileNotFoundError:
        return ""


def terminate(state):
    return stop(state, "director")


def kill(state):
    return stop(state, "director", first=signal.SIGKILL)


def hang_up(state):
    os.kill(state.processes["director"]["pid"], signal.SIGHUP)


def purge(state):
    """Removes what the director keeps for its next start."""
    try:
        sluice = program(state.plan, "sluice")
    except LabError:
        return
    if os.path.exists(state.plan.config_path):
        run(sluice, "--purge", "--config", state.plan.config_path, check=False,
            env={**os.environ, **environment(state.plan)})


def control_socket(plan):
    return f"{plan.run_directory}/control.sock"


def ctl_argv(plan, arguments):
    return [program(plan, "sluicectl"), "--socket", control_socket(plan)] + list(arguments)


def ctl(state, *arguments, check=True, timeout=30, **options):
    return run(*ctl_argv(state.plan, arguments), check=check, timeout=timeout, **options)


def ctl_interactive(state, arguments):
    return subprocess.run(ctl_argv(state.plan, arguments), check=False).returncode
