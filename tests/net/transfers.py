# SPDX-License-Identifier: BSD-3-Clause
"""What NAT and FullNAT are asked alike: whose turn it is, what becomes of packets, downloads of 100 MB."""

import hashlib
import os
import random

from bench import check, equal, eventually
from labs import words
from netlab import plan as names
from netlab import server
from packets import IP, TCP, IPv6, ip_of, tap

HUGE_BYTES = 100 << 20


def takes_turns(lab, mode, family, server_family):
    lab.switch(mode, family, server_family)
    what = words(mode, family, server_family)
    answers = lab.load(40, 4)
    equal(answers["errors"], {}, f"{what}: errors")
    equal(sorted(answers["by"]), lab.voices(),
          f"{what}: servers that answer")
    equal(lab.udp()[:5], "From ", f"{what}: answer to a datagram")


def ends(frame):
    """(source, source port, destination, destination port)"""
    ip = ip_of(frame)
    return ip.src, frame[TCP].sport, ip.dst, frame[TCP].dport


def is_port(frame, port, flags):
    return TCP in frame and port in (frame[TCP].sport, frame[TCP].dport) and frame[TCP].flags == flags


def handshake(lab):
    """SYN at the client and at the server, SYN-ACK at the server and at the client."""
    with tap(lab, "client") as client, tap(lab, "server12") as one, tap(lab, "server13") as two:
        lab.curl()
        sent = client.see(lambda frame: is_port(frame, names.HTTP_PORT, "S"), "the client's SYN")
        back = client.see(lambda frame: is_port(frame, names.HTTP_PORT, "SA"), "SYN-ACK at the client")
        for server_tap in (one, two):
            seen = [frame for frame in server_tap.frames(0.3)
                    if is_port(frame, lab.plan.server_port, "S") or
                    is_port(frame, lab.plan.server_port, "SA")]
            if seen:
                return sent, seen[0], seen[1], back
    check(False, "no server saw the connection")


def rewritten(lab, mode, family, server_family):
    lab.switch(mode, family, server_family)
    what = words(mode, family, server_family)
    sent, got, answer, back = handshake(lab)
    plan = lab.plan
    client_end = (plan.client, sent[TCP].sport)
    equal(ends(sent), (*client_end, plan.vip, names.HTTP_PORT), f"{what}: ends of the SYN")
    source, source_port, destination, port = ends(got)
    check(destination in plan.server_addresses(), f"{what}: the SYN goes to {destination}")
    equal(port, plan.server_port, f"{what}: the server's port")
    if mode == "nat":
        equal((source, source_port), client_end, f"{what}: the SYN's source")
    else:
        check(source in plan.local_addresses(), f"{what}: the SYN comes from {source}")
    equal(ends(answer), (destination, port, source, source_port), f"{what}: ends of the answer")
    equal(ends(back), (plan.vip, names.HTTP_PORT, *client_end), f"{what}: ends of what the client gets")
    for before, after in ((sent, got), (answer, back)):
        equal(hops_left(before) - hops_left(after), 1, f"{what}: hops spent")
        right_checksums(after, what)


def hops_left(frame):
    return frame[IPv6].hlim if IPv6 in frame else frame[IP].ttl


def right_checksums(frame, what):
    carried = frame[TCP].chksum
    again = ip_of(frame).copy()
    del again[TCP].chksum
    equal(type(again)(bytes(again))[TCP].chksum, carried, f"{what}: TCP checksum")


def download(lab, mode, family, server_family):
    """100 MB by a method: what arrives is what the server has."""
    path = f"{server.files(lab.plan)}/huge"
    if not os.path.exists(path):
        with open(path, "wb") as out:
            out.write(random.Random(mode).randbytes(HUGE_BYTES))
    with open(path, "rb") as source:
        wanted = hashlib.sha256(source.read()).hexdigest()
    lab.switch(mode, family, server_family)
    got = lab.run("client", "sh", "-c", f"curl -sS -m 100 {lab.plan.url('/files/huge')} | sha256sum",
                  timeout=120).stdout.split()[0]
    equal(got, wanted, f"{words(mode, family, server_family)}: checksum of {HUGE_BYTES} bytes")


def is_listed(lab, mode):
    """An open connection is listed with its server and state."""
    lab.switch(mode)
    download_ = lab.download("256k")

    def listed():
        return [one for one in lab.call("connection.list", state="ESTABLISHED")["connections"]
                if one["client"].startswith(lab.plan.client)]
    found = eventually(listed, f"{mode}: no established connection is listed")
    check(all(one["server"].startswith(lab.plan.server_network.address(4, 1)[:-1]) for one in found),
          f"{mode}: servers: {found}")
    check(download_.running(), f"{mode}: the download ended too early")
