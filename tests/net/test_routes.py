# SPDX-License-Identifier: BSD-3-Clause
"""What goes through the director to somebody else."""

import contextlib
import copy

from bench import check, equal, eventually
from runner import scenario

BEHIND = "10.99.0.1"  # an address of a server, reached by a route


@contextlib.contextmanager
def routes(lab, transit):
    """A network behind a server: the director has a route to it, the client one to the director."""
    document = copy.deepcopy(lab.config())
    document["ports"][0]["transit"] = transit
    lab.apply(document)
    steps = [("server12", "addr", BEHIND + "/32", "dev", "lo"),
             ("director", "route", "10.99.0.0/24", "via", "192.168.8.12"),
             ("client", "route", "10.0.0.0/8", "via", lab.plan.director)]
    for host, kind, what, *where in steps:
        lab.run(host, "ip", kind, "add", what, *where)
    try:
        yield
    finally:
        for host, kind, what, *where in steps:
            lab.run(host, "ip", kind, "del", what, *where, check_status=False)


def ping(lab, address, *options):
    return lab.run("client", "ping", "-c", "1", "-W", "1", *options, address, check_status=False)


@scenario(udp=True, idle_servers=1)
def linux_routes_are_followed(lab):
    """The workers forward by the routes of the twin's namespace, which itself forwards nothing."""
    with routes(lab, "fast"):
        eventually(lambda: ping(lab, BEHIND).returncode == 0, "nothing gets through")
        eventually(lambda: "Time to live exceeded" in ping(lab, BEHIND, "-t", "1").stdout, "no answer to TTL 1")
        eventually(lambda: "Host Unreachable" in ping(lab, "10.98.0.1").stdout, "no answer without a route")
        eventually(lambda: ping(lab, BEHIND, "-s", "1472", "-M", "do").returncode == 0, "no answer to a large ping")
        lab.run("director", "ip", "route", "add", "prohibit", BEHIND)
        eventually(lambda: "Packet filtered" in ping(lab, BEHIND).stdout, "not prohibited")
        lab.run("director", "ip", "route", "del", "prohibit", BEHIND)
        eventually(lambda: ping(lab, BEHIND).returncode == 0, "prohibited for ever")
        check(lab.call("ports.get")["routes"]["ipv4"] > 0, "no routes are reported")
    with routes(lab, "drop"):
        before = lab.drops()["transit"]
        equal(ping(lab, BEHIND).returncode, 1, "status of ping")
        check(lab.drops()["transit"] > before, "nothing was dropped as transit")
