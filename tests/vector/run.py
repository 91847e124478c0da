#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""
Packet vectors: what goes in, and exactly what has to come out.
usage: run.py VECTOR-PROGRAM FILE.vec ...

A line of a .vec file is one of
    # ...           a comment; the first one describes the file
    > PACKET        a packet that arrives, see packet()
    < END           how the packet before ends:
          server ADDRESS    forwarded to it by direct routing
          punt CLASS        to Linux, as it came
          drop REASON
          unreachable       answered by ICMP port unreachable, counted as no_server
          exceeded          answered by ICMP time exceeded, counted as ttl_exceeded
    anything else   a command of vector.c, which changes configuration or clock

The bytes that go in and those that are expected are made by scapy, which shares no code with
sluice. Writes TAP, one result per file.
"""
import pathlib
import subprocess
import sys
import tempfile

from scapy.all import (ARP, ICMP, IP, TCP, UDP, Ether, ICMPv6ND_NS, IPv6, Raw, RawPcapWriter,
                       rdpcap)

PORT_MAC, CLIENT_MAC = '02:00:00:00:00:01', '02:00:00:00:00:99'


def transport(words, text):
    """The packet's body behind Ethernet, from its first words."""
    kind = words.pop(0)
    if kind in ('tcp', 'udp'):
        src, sport = words.pop(0).split(':')
        words.pop(0)  # >
        dst, dport = words.pop(0).split(':')
        ip = IP(src=src, dst=dst, id=0x1234)
        if kind == 'udp':
            return ip / UDP(sport=int(sport), dport=int(dport))
        flags = words.pop(0).replace('-', '')
        ack = 2000 if 'A' in flags else 0
        return ip / TCP(sport=int(sport), dport=int(dport), flags=flags, seq=1000, ack=ack)
    if kind == 'icmp':
        src, _, dst, number = (words.pop(0) for _ in range(4))
        return IP(src=src, dst=dst) / ICMP(type=int(number))
    if kind == 'ip':
        number, src, _, dst = (words.pop(0) for _ in range(4))
        return IP(src=src, dst=dst, proto=int(number))
    if kind == 'arp':
        return ARP(psrc=words.pop(0), pdst=words.pop(0))
    if kind == 'nd':
        return IPv6(src='fe80::1', dst='ff02::1:ff00:1', hlim=255) / ICMPv6ND_NS(tgt='fe80::2')
    if kind == 'ether':
        return Raw(bytes.fromhex(words.pop(0)))
    raise ValueError(f'no such packet: {text}')


def packet(text):
    """
    tcp A:P > A:P FLAGS | udp A:P > A:P | icmp A > A TYPE | ip PROTOCOL A > A | arp A A | nd |
    ether HEX, then any of: ttl N, len N (bytes of payload), frag N (the header's field), options,
    version N, ihl N, total N, doff N, ulen N (wrong ones), badsum, cut N (the frame's length),
    pad N, to MAC, from MAC, type HEX.
    """
    words = text.split()
    body = transport(words, text)
    ether = Ether(src=CLIENT_MAC, dst=PORT_MAC)
    cut, patches = None, {}
    while words:
        word = words.pop(0)
        if word == 'badsum':
            patches[24] = None
        elif word == 'options':
            body[IP].options = b'\x01\x01\x01\x00'
        else:
            value = words.pop(0)
            if word == 'ttl':
                body[IP].ttl = int(value)
            elif word == 'len':
                body = body / Raw(bytes(i % 251 for i in range(int(value))))
            elif word == 'frag':
                body[IP].flags, body[IP].frag = int(value, 0) >> 13, int(value, 0) & 0x1fff
            elif word == 'ihl':
                body[IP].ihl = int(value)
            elif word == 'version':
                body[IP].version = int(value)
            elif word == 'total':
                body[IP].len = int(value)
            elif word == 'doff':
                body[TCP].dataofs = int(value)
            elif word == 'ulen':
                body[UDP].len = int(value)
            elif word == 'cut':
                cut = int(value)
            elif word == 'pad':
                cut = -int(value)
            elif word == 'to':
                ether.dst = value
            elif word == 'from':
                ether.src = value
            elif word == 'type':
                ether.type = int(value, 16)
            else:
                raise ValueError(f'no such word: {word} in {text}')
    frame = bytearray(bytes(ether / body))
    for offset in patches:
        frame[offset] ^= 0x55
    if cut is not None:
        frame = frame[:cut] if cut >= 0 else frame + bytes(-cut)
    return bytes(frame)


def mac_of(address):
    return '02:00:' + ':'.join(f'{int(part):02x}' for part in address.split('.'))


def forwarded(frame, address):
    out = Ether(frame)
    out.dst, out.src = mac_of(address), PORT_MAC
    out[IP].ttl -= 1
    del out[IP].chksum  # made anew: what sluice changes by the difference
    return bytes(out)


def error(frame, kind, code):
    ether, packet_in = Ether(frame), frame[14:]
    ip = IP(packet_in)
    quoted = packet_in[:min(ip.len, 548)]
    out = (Ether(src=ether.dst, dst=ether.src) /
           IP(src=ip.dst, dst=ip.src, tos=0xc0, ttl=64, id=0, flags='DF') /
           ICMP(type=kind, code=code) / Raw(quoted))
    return bytes(out)


def expect(frame, text):
    """The line that vector.c writes, and the bytes, None for none."""
    kind, *rest = text.split()
    if kind == 'server':
        return 'tx 0', forwarded(frame, rest[0])
    if kind == 'punt':
        return text, frame
    if kind == 'drop':
        return text, None
    if kind == 'unreachable':
        return 'answer no_server', error(frame, 3, 3)
    if kind == 'exceeded':
        return 'answer ttl_exceeded', error(frame, 11, 0)
    raise ValueError(f'no such end: {text}')


def read(path):
    """Script, frames that go in, and of each: line number, line and bytes expected."""
    script, frames, expected = [], [], []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        text = line.split('#')[0].strip()
        if text.startswith('>'):
            if len(frames) != len(expected):
                raise ValueError(f'{path}:{number}: the packet before has no end')
            frames.append(packet(text[1:]))
            script.append('packet')
        elif text.startswith('<'):
            expected.append((number, *expect(frames[-1], text[1:].strip())))
        elif text:
            script.append(text)
    if not frames or len(frames) != len(expected):
        raise ValueError(f'{path}: {len(frames)} packets, {len(expected)} ends')
    return script, frames, expected


def check(program, path, directory):
    script, frames, expected = read(path)
    into, out = directory / f'{path.stem}.in.pcap', directory / f'{path.stem}.out.pcap'
    with RawPcapWriter(str(into), linktype=1) as writer:
        writer.write_header(None)
        for frame in frames:
            writer.write_packet(frame)
    run = subprocess.run([program, into, out], input='\n'.join(script) + '\n', text=True,
                         capture_output=True, timeout=60)
    if run.returncode != 0:
        yield f'{path}: {run.stderr.strip()}'
        return
    lines, sent = run.stdout.splitlines(), [bytes(p) for p in rdpcap(str(out))]
    for (number, line, frame), got in zip(expected, lines):
        where = f'{path.name}:{number}'
        if got != line:
            yield f'{where}: expected "{line}", got "{got}"'
        bytes_out = None if got.startswith(('drop', 'lost')) else sent.pop(0)
        if got == line and bytes_out != frame:
            yield f'{where}: {line}\n  expected {frame.hex()}\n  got      {bytes_out.hex()}'
    if len(lines) != len(expected):
        yield f'{path}: {len(expected)} packets, {len(lines)} ends'


def main():
    program, paths = sys.argv[1], [pathlib.Path(name) for name in sys.argv[2:]]
    print(f'1..{len(paths)}')
    failed = 0
    with tempfile.TemporaryDirectory() as directory:
        for number, path in enumerate(paths, 1):
            problems = list(check(program, path, pathlib.Path(directory)))
            print('not ok' if problems else 'ok', number, path.stem)
            for problem in problems:
                print('# ' + problem.replace('\n', '\n# '))
            failed += bool(problems)
    return failed > 0


sys.exit(main())
