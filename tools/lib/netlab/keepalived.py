# SPDX-License-Identifier: BSD-3-Clause
"""Debian's keepalived, unmodified, beside each director: VRRP on the twin decides who has the VIP."""

import json

from . import plan as names
from .process import run, spawn, stop

PRIORITY = {"director": 150, "backup": 100}
ROUTER = 51
VMAC = f"vrrp.{ROUTER}"
# VRRP version 3 sends them this often; three and a bit of them missing make a backup the master.
ADVERTISEMENT_S = 0.5

CONFIG = """\
global_defs {{
	router_id {which}
	vrrp_version 3
	vrrp_garp_master_refresh 1
}}
vrrp_instance vip {{
	state BACKUP
	interface {twin}
	virtual_router_id {router}
	priority {priority}
	advert_int {interval}{vmac}
	virtual_ipaddress {{
		{addresses}
	}}
}}
"""


def configuration(plan, which, use_vmac=False):
    length = 128 if plan.ipv6 else 32
    addresses = [f"{plan.vip}/{length}"]
    if plan.ipv6:
        addresses.insert(0, "fe80::100/128")      # the protocol wants a link-local one first
    return CONFIG.format(which=which, twin=names.TWIN, router=ROUTER, priority=PRIORITY[which],
                         interval=ADVERTISEMENT_S, addresses="\n\t\t".join(addresses),
                         vmac=f"\n\tuse_vmac {VMAC}" if use_vmac else "")


def start(state, which, use_vmac=False):
    plan = state.plan
    base = f"{plan.directory}/keepalived-{which}"
    with open(f"{base}.conf", "w", encoding="utf-8") as out:
        out.write(configuration(plan, which, use_vmac))
    spawn(state, name(which), which,
          ["keepalived", "--vrrp", "--dont-fork", "--log-console", "--log-detail",
           "--use-file", f"{base}.conf", "--pid", f"{base}.pid", "--vrrp_pid", f"{base}.vrrp.pid"])


def start_where_wanted(state):
    if state.plan.vrrp:
        start_all(state)


def start_all(state, use_vmac=False):
    for which in state.plan.directors():
        start(state, which, use_vmac)


def terminate(state, which):
    return stop(state, name(which))


def name(which):
    return f"keepalived-{which}"


def holders(plan):
    """The directors whose Linux has the VIP now."""
    return [which for which in plan.directors() if has_vip(plan, which)]


def has_vip(plan, which):
    links = json.loads(run("ip", "-n", plan.netns(which), "-j", "address", "show").stdout)
    return any(address.get("local") == plan.vip for link in links
               for address in link["addr_info"])


def transitions(plan, which):
    """How often it became master or backup, from its log."""
    with open(plan.log(name(which)), encoding="utf-8", errors="replace") as log:
        return sum("Entering " in line for line in log)
