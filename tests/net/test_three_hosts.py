# SPDX-License-Identifier: BSD-3-Clause
"""Client, director, server and nothing else: one transfer by each method, as the self-test of Linux's IPVS
has it."""

import hashlib

from bench import equal
from netlab import server
from runner import scenario

ONE = {"servers": 1, "scheduler": "rr"}


def transfer(lab):
    """The big file arrives as it is on the server."""
    got = lab.run("client", "sh", "-c", f"curl -sS -m 30 {lab.plan.url('/big')} | sha256sum",
                  timeout=40).stdout.split()[0]
    with open(server.big_file(lab.plan), "rb") as source:
        equal(got, hashlib.sha256(source.read()).hexdigest(), "checksum of what arrived")


@scenario(mode="dr", **ONE)
def direct_routing(lab):
    """By direct routing."""
    transfer(lab)


@scenario(mode="nat", **ONE)
def nat(lab):
    """By NAT."""
    transfer(lab)


@scenario(mode="tun", hops=0, **ONE)
def tunnel(lab):
    """By a tunnel."""
    transfer(lab)
