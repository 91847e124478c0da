# SPDX-License-Identifier: BSD-3-Clause
"""FullNAT: servers need no way to the client, nor its address family."""

from labs import BEHIND, MIXED, SAME
from runner import scenario
from transfers import download, is_listed, rewritten, takes_turns

NO_WAY = {"mode": "fullnat", "udp": True}


@scenario(**BEHIND)
def both_serve(lab):
    """Both servers answer, TCP and UDP, same family and translated."""
    for family, server_family in SAME + MIXED:
        takes_turns(lab, "fullnat", family, server_family)


@scenario(**NO_WAY)
def servers_know_no_way(lab):
    """Servers behind routers that know no way to the client answer all the same."""
    takes_turns(lab, "fullnat", 4, 4)


@scenario(**BEHIND)
def rewrites(lab):
    """A local address stands for the client's, also of the other family."""
    for family, server_family in SAME + MIXED:
        rewritten(lab, "fullnat", family, server_family)


@scenario(**BEHIND)
def hundred_megabytes(lab):
    """100 MB arrive intact from IPv4 servers to an IPv6 client, with two workers."""
    download(lab, "fullnat", 6, 4)


@scenario(only_full=True, **{**BEHIND, "workers": 1})
def hundred_megabytes_one_worker(lab):
    """100 MB of all families with one worker."""
    for family, server_family in SAME + MIXED:
        download(lab, "fullnat", family, server_family)


@scenario(only_full=True, **{**BEHIND, "workers": 4})
def hundred_megabytes_four_workers(lab):
    """100 MB of all families with four workers."""
    for family, server_family in SAME + MIXED:
        download(lab, "fullnat", family, server_family)


@scenario(**BEHIND)
def connection_is_listed(lab):
    """An open connection is listed with its server and state."""
    is_listed(lab, "fullnat")
