# SPDX-License-Identifier: BSD-3-Clause
"""Connections through the director."""

from bench import Failed, check, equal, eventually
from netlab import plan as names
from packets import CLIENT_MAC, IP, TCP, is_tcp, tap, to_vip
from runner import scenario


@scenario(udp=True, idle_servers=1)
def curl_alternates(lab):
    """Round robin with one worker: the servers take turns."""
    answers = lab.answers(6)
    equal(len(set(answers[:2])), 2, "different answers among two")
    equal(answers, answers[:2] * 3, "answers")


@scenario(udp=True, idle_servers=1)
def udp_alternates(lab):
    """Each client socket is a connection of its own."""
    answers = [lab.udp() for _ in range(6)]
    equal(len(set(answers[:2])), 2, "different answers among two")
    equal(answers, answers[:2] * 3, "answers")


@scenario(udp=True, idle_servers=1)
def listing(lab):
    """sluicectl list prints LVS's listing, servers in the order in which LVS has them."""
    table = lab.ctl("list").splitlines()
    check(table[0].startswith("IP Virtual Server version "), f"first line {table[0]!r}")
    equal(table[1], "Prot LocalAddress:Port Scheduler Flags", "second line")
    at = table.index(f"TCP  {names.VIP}:{names.HTTP_PORT} rr")
    for line, address in zip(table[at + 1:], ("192.168.8.12", "192.168.8.13")):
        check(line.startswith(f"  -> {address}:80 ") and " Route   1 " in line, f"line {line!r}")


@scenario(udp=True, idle_servers=1)
def only_mac_and_ttl_change(lab):
    """A server sees TTL 63, its own MAC address, and the client's IP packet otherwise untouched."""
    with tap(lab, "client") as client, tap(lab, "server12") as one, tap(lab, "server13") as two:
        def to_port_80(frame):
            return is_tcp(frame, names.CLIENT, names.VIP, "S")
        equal(lab.curl()[:5], "From ", "answer")
        sent = client.see(to_port_80, "the client's SYN")
        server, address = (one, "192.168.8.12")
        try:
            got = server.see(to_port_80, "a SYN at .12", 0.5)
        except Failed:
            server, address = (two, "192.168.8.13")
            got = server.see(to_port_80, "a SYN at .13")
    equal(got.src, names.mac(names.DIRECTOR), "source MAC")
    equal(got.dst, names.mac(address), "destination MAC")
    equal((sent[IP].ttl, got[IP].ttl), (64, 63), "TTL before and after")
    for packet in (sent, got):
        packet[IP].ttl = 0
        packet[IP].chksum = 0
    equal(bytes(got[IP]), bytes(sent[IP]), "the rest of the packet")


@scenario(udp=True, idle_servers=1)
def header_checksum_is_right(lab):
    """The IP checksum is what a full calculation gives."""
    with tap(lab, "client") as client, tap(lab, "server12") as one, tap(lab, "server13") as two:
        for port in (41001, 41002):        # one for each server
            client.send(to_vip(names.HTTP_PORT, "S", source_port=port))
        for server in (one, two):
            got = server.see(lambda frame: is_tcp(frame, names.CLIENT, names.VIP, "S"), "a SYN")
            carried = got[IP].chksum
            del got[IP].chksum
            equal(carried, type(got)(bytes(got))[IP].chksum, "IP checksum")


@scenario(udp=True, idle_servers=1)
def no_server_gives_port_unreachable(lab):
    """With all servers quiesced a SYN gets ICMP port unreachable, from the VIP."""
    for address in ("192.168.8.12", "192.168.8.13"):
        lab.edit_server(address, weight=0)
    with tap(lab, "client") as client:
        client.send(to_vip(names.HTTP_PORT, "S", source_port=42001))
        got = client.see(lambda frame: "ICMP" in frame and frame["ICMP"].type == 3, "the ICMP error")
    equal((got["ICMP"].code, got[IP].src, got[IP].dst), (3, names.VIP, names.CLIENT),
          "code, source and destination")
    quoted = got["IPerror"]
    equal((quoted.src, quoted.dst, got["TCPerror"].sport), (names.CLIENT, names.VIP, 42001),
          "the packet it is about")


@scenario(udp=True, idle_servers=1)
def ttl_one_gets_time_exceeded(lab):
    """TTL 1 ends at the director, which says so from the VIP."""
    with tap(lab, "client") as client:
        client.send(to_vip(names.HTTP_PORT, "S", source_port=42101, ttl=1))
        got = client.see(lambda frame: "ICMP" in frame and frame["ICMP"].type == 11, "the ICMP error")
    equal((got["ICMP"].code, got[IP].src), (0, names.VIP), "code and source")


@scenario(udp=True, idle_servers=1)
def stray_ack_gets_reset(lab):
    """An ACK without a connection gets RST from the director's kernel, a RST gets nothing."""
    with tap(lab, "client") as client:
        def reset(frame):
            return is_tcp(frame, names.VIP, names.CLIENT, "R") and frame[TCP].dport == 43001
        client.send(to_vip(names.HTTP_PORT, "A", source_port=43001))
        equal(client.see(reset, "RST").dst, CLIENT_MAC, "MAC that the RST goes to")
        client.send(to_vip(names.HTTP_PORT, "R", source_port=43001))
        client.see_none(reset, "an answer to RST")


@scenario(udp=True, idle_servers=1)
def unserved_port(lab):
    """TCP to a port of the VIP that no service has reaches a listener on the director, else gets RST."""
    try:
        lab.connect("client", names.VIP, 2222).close()
        raise Failed("a port that nobody listens on accepts a connection")
    except ConnectionRefusedError:
        pass
    with lab.inside("director"):
        import socket
        listener = socket.create_server((names.VIP, 2222))
    with listener:
        with lab.connect("client", names.VIP, 2222) as client:
            client.sendall(b"through the twin")
            accepted, peer = listener.accept()
            with accepted:
                equal(peer[0], names.CLIENT, "the client as the director sees it")
                equal(accepted.recv(100), b"through the twin", "what arrived")


@scenario(udp=True, idle_servers=1)
def ping_vip(lab):
    """The VIP and the director's own address answer ping."""
    check(lab.ping(names.VIP, 5), "the VIP does not answer")
    check(lab.ping(names.DIRECTOR, 5), "the director does not answer")


@scenario(udp=True, idle_servers=1)
def connections_are_listed(lab):
    """An open connection is listed with its server; the director's kernel knows nothing of it."""
    download = lab.download("256k")
    def listed():
        found = lab.call("connection.list", limit=1000)["connections"]
        return [one for one in found
                if one["client"].startswith(names.CLIENT) and one["state"] == "ESTABLISHED"]
    eventually(listed, "no established connection is listed")
    sockets = lab.run("director", "ss", "-tan").stdout
    check(":80 " not in sockets, f"the director has a connection: {sockets}")
    check(download.running(), "the download ended too early")
