# SPDX-License-Identifier: BSD-3-Clause
"""Two workers: each owns its clients, whatever queue their packets come in by."""

from bench import check, equal
from runner import scenario


@scenario(workers=2)
def both_work(lab):
    """1,000 connections: packets on both workers, hand-overs counted, servers' shares within 2 %."""
    result = lab.load(1000, 20)
    equal((result["ok"], result["errors"]), (1000, {}), "connections that went well, errors")
    for server, count in result["by"].items():
        check(abs(count - 500) <= 20, f"share of {server}: {count} of 1000")
    workers = lab.call("workers.get")["workers"]
    equal(len(workers), 2, "workers")
    for one in workers:
        received = sum(port["rx_packets"] for port in one["ports"])
        check(received > 1000, f"worker {one['index']} received only {received} packets")
    handed = sum(port["handed_over"] for one in workers for port in one["ports"])
    check(handed > 0, "nothing was handed over")


@scenario(workers=2)
def ping_and_alternation(lab):
    """With two workers each takes turns on its own; every connection works."""
    answers = lab.answers(20)
    equal(len(set(answers)), 2, "servers that answer")
