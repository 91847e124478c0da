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

from scapy.all import ICMP, IP, Ether, Raw, RawPcapWriter, rdpcap

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / 'lib'))
from frames import PORT_MAC, mac_of, packet


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
