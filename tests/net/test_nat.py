# SPDX-License-Identifier: BSD-3-Clause
"""NAT: the director is the servers' gateway."""

from bench import check, equal, eventually
from labs import BEHIND, SAME
from netlab.network import BACK
from packets import ICMP, ICMPv6ND_Redirect, tap
from runner import scenario
from transfers import download, is_listed, rewritten, takes_turns


@scenario(**BEHIND)
def both_serve(lab):
    """Both servers answer, TCP and UDP, both families, on another port than the service's."""
    for family, server_family in SAME:
        takes_turns(lab, "nat", family, server_family)
        listed = lab.ctl("list")
        check(" Masq " in listed and ":8080 " in listed, f"listing: {listed}")


@scenario(**BEHIND)
def rewrites(lab):
    """The server's address and port go in, and the VIP's back; nothing else changes but a hop."""
    for family, server_family in SAME:
        rewritten(lab, "nat", family, server_family)


@scenario(**BEHIND)
def hundred_megabytes(lab):
    """100 MB arrive intact, with two workers."""
    download(lab, "nat", 4, 4)


@scenario(only_full=True, **{**BEHIND, "workers": 1})
def hundred_megabytes_one_worker(lab):
    """100 MB of either family with one worker."""
    for family, server_family in SAME:
        download(lab, "nat", family, server_family)


@scenario(only_full=True, **{**BEHIND, "workers": 4})
def hundred_megabytes_four_workers(lab):
    """100 MB of either family with four workers."""
    for family, server_family in SAME:
        download(lab, "nat", family, server_family)


@scenario(**BEHIND)
def iperf(lab):
    """iperf3 there and back; no rate is asked for, only that all of it arrives."""
    servers = [{"address": BACK.address(4, 12), "forward": "nat"}]
    lab.switch("nat")
    for protocol in ("tcp", "udp"):
        lab.change("service.add", service={"protocol": protocol, "address": lab.plan.vip, "port": 5201,
                                         "scheduler": "rr", "servers": servers})
    lab.spawn("iperf", "server12", "iperf3", "-s")
    for options in (("-n", "20M"), ("-n", "20M", "-R"), ("-u", "-b", "20M", "-t", "1")):
        eventually(lambda o=options: lab.run("client", "iperf3", "-c", lab.plan.vip, *o, timeout=60),
                   f"iperf3 {' '.join(options)}", 10)


@scenario(**BEHIND)
def connection_is_listed(lab):
    """An open connection is listed with its server and state."""
    is_listed(lab, "nat")


@scenario(**{**BEHIND, "ports": 1, "workers": 1})
def one_arm(lab):
    """With one port, where clients and servers are on one segment with two networks, it works the same."""
    for family, server_family in SAME:
        with tap(lab, "server12") as one:
            takes_turns(lab, "nat", family, server_family)
            redirects = [frame for frame in one.frames(0.2) if is_redirect(frame)]
        equal(redirects, [], f"IPv{family}: redirects to a server, which would then answer past the director")


def is_redirect(frame):
    return ICMP in frame and frame[ICMP].type == 5 or ICMPv6ND_Redirect in frame
