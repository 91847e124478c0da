# SPDX-License-Identifier: BSD-3-Clause
"""The client's address for FullNAT's servers: PROXY protocol v2 as nginx reads it, and the TCP option TOA."""

import hashlib
import os
import socket

from bench import check, equal, eventually
from labs import BEHIND, MIXED, SAME, words
from netlab import plan as names
from netlab import server
from netlab.server import PROXY_PORT
from packets import TCP, tap
from runner import scenario

UPLOAD_BYTES = 100 << 10
TOA = 254
# Every so manieth segment does not arrive, at the server and at the client.
LOSS = """\
table inet lost {
	chain in {
		type filter hook prerouting priority -300;
		tcp flags & (syn|rst) == 0 numgen inc mod %d 0 counter drop
	}
}
"""


def switch(lab, family, server_family):
    """FullNAT with the PROXY protocol, to nginx's port for that. Only TCP: its UDP port knows nothing of it."""
    document = lab.switch("fullnat", family, server_family)
    service = next(one for one in document["services"] if one["protocol"] == "tcp")
    service["proxy_protocol"] = "v2"
    for one in service["servers"]:
        one["port"] = PROXY_PORT
    lab.apply(document)
    eventually(lambda: lab.curl(timeout=1).startswith("From "), "no answer")


def client_seen(lab):
    """The client's address as the server's says it: both have the family that the client has."""
    return lab.curl("/who").rpartition(" to ")[2]


@scenario(**BEHIND)
def nginx_reads_it(lab):
    """nginx answers with the client's address, of either family, and logs it with the port."""
    for family, server_family in SAME + MIXED:
        switch(lab, family, server_family)
        what = words("PROXY", family, server_family)
        equal(client_seen(lab), lab.plan.client, f"{what}: the client as nginx sees it")
    logged = "".join(log(lab, host) for host in lab.plan.server_hosts())
    check(f"{lab.plan.client} " in logged, f"the client is not in nginx's log: {logged[:300]}")


def log(lab, host):
    with open(f"{lab.plan.directory}/{host}/proxied.log", encoding="utf-8") as source:
        return source.read()


@scenario(**BEHIND)
def byte_by_byte(lab):
    """A request whose first segment has one byte, and whose others have one more."""
    switch(lab, 4, 4)
    with lab.connect("client", lab.plan.vip, names.HTTP_PORT) as one:
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in b"GET /who HTTP/1.0\r\n\r\n":
            one.sendall(bytes([byte]))
        answer = b""
        while data := one.recv(4096):
            answer += data
    check(f"to {lab.plan.client}" in answer.decode(), f"answer: {answer!r}")


def exchange(lab, what):
    """100 KB there and 8 MB back, compared."""
    path = f"{lab.plan.directory}/upload"
    data = os.urandom(UPLOAD_BYTES)
    with open(path, "wb") as out:
        out.write(data)
    for name in ("one", "two"):            # one on each server
        lab.run("client", "curl", "-sS", "-f", "-m", "60", "-T", path, lab.plan.url(f"/upload/{name}"),
                timeout=70)
        arrived = [one for host in lab.plan.server_hosts()
                   if (one := read(f"{lab.plan.directory}/{host}/upload/{name}")) is not None]
        equal([hashlib.sha256(one).hexdigest() for one in arrived], [hashlib.sha256(data).hexdigest()],
              f"{what}: checksums of what arrived")
    got = lab.run("client", "sh", "-c", f"curl -sS -m 60 {lab.plan.url('/big')} | sha256sum",
                  timeout=70).stdout.split()[0]
    equal(got, hashlib.sha256(read(server.big_file(lab.plan))).hexdigest(), f"{what}: checksum of the download")


def read(path):
    try:
        with open(path, "rb") as source:
            data = source.read()
    except FileNotFoundError:
        return None
    if "/upload/" in path:
        os.unlink(path)
    return data


def lost(lab, host):
    said = lab.run(host, "nft", "list", "table", "inet", "lost").stdout
    return int(said.partition("counter packets ")[2].split()[0])


@scenario(**BEHIND)
def segments_are_lost(lab):
    """With SACK on and every 7th segment lost at one end, every 9th at the other, streams are whole."""
    for host in ("client", *lab.plan.server_hosts()):
        lab.run(host, "sysctl", "-qw", "net.ipv4.tcp_sack=1")
        lab.run(host, "nft", "-f", "-", feed=LOSS % (7 if host == "client" else 9))
    try:
        for family, server_family in (SAME + MIXED if lab.full else SAME):
            switch(lab, family, server_family)
            exchange(lab, words("PROXY", family, server_family))
        for host in ("client", *lab.plan.server_hosts()):
            check(lost(lab, host) > 10, f"{host} lost only {lost(lab, host)} segments")
    finally:
        for host in ("client", *lab.plan.server_hosts()):
            lab.run(host, "nft", "delete", "table", "inet", "lost")


@scenario(**BEHIND)
def toa(lab):
    """With `toa` the server's packets carry the client's endpoint as TCP option 254."""
    for family, server_family in SAME:
        document = lab.switch("fullnat", family, server_family)
        for service in document["services"]:
            if service["protocol"] == "tcp":
                service["toa"] = True
        lab.apply(document)
        with tap(lab, "server12") as one, tap(lab, "server13") as two:
            lab.answers(2)
            seen = [frame for at in (one, two) for frame in at.frames(0.3) if to_server(lab, frame)]
        options = [value for frame in seen for kind, value in frame[TCP].options if kind == TOA]
        check(options, f"IPv{family}: no packet to a server has the option")
        packed = socket.inet_pton(socket.AF_INET6 if family == 6 else socket.AF_INET, lab.plan.client)
        for value in options:
            check(packed in bytes(value), f"IPv{family}: the option holds {bytes(value).hex()}")


def to_server(lab, frame):
    return TCP in frame and frame[TCP].dport == lab.plan.server_port
