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
    workers = lab.call("worker.list")["workers"]
    equal(len(workers), 2, "workers")
    for one in workers:
        check(one["rx_packets"] > 1000, f"a worker received only {one['rx_packets']} packets")
    handed = sum(one["handed_over"] for one in workers)
    check(handed > 0, "nothing was handed over")


@scenario(workers=2)
def ping_and_alternation(lab):
    """With two workers each takes turns on its own; every connection works."""
    answers = lab.answers(20)
    equal(len(set(answers)), 2, "servers that answer")
