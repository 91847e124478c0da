#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""
Packet vectors: what goes in, and exactly what has to come out.
usage: run.py VECTOR-PROGRAM FILE.vec ...

A line of a .vec file is one of
    # ...           a comment; the first one describes the file
    > [=NAME] PACKET    a packet that arrives (tests/lib/frames.py); it may be given a name
    < [=NAME] END   how the packet before ends, or one that was held before and goes along with it:
          server ADDRESS            forwarded to it, nothing changed but the TTL (direct routing)
          nat ADDRESS:PORT          likewise, and that is its new destination
          reply ADDRESS:PORT via NEIGHBOUR      its new source, sent to the neighbour
          fullnat A:PORT > A:PORT via NEIGHBOUR its new source and destination
          fullreply A:PORT > A:PORT via NEIGHBOUR   likewise, on its way back
          masquerade A:P via NEIGHBOUR      its new source (a server's own connection)
          unmasquerade A:P via NEIGHBOUR    its new destination, on its way back
          routed NEIGHBOUR          forwarded there as it is (transit)
          ipip|gre|gue SRC > DST [WORDS]        in a tunnel, see tunnel()
          local                     to Linux, as it came, because the server is there
          exactly PACKET            this one, whatever came; TTL as it says, to and from MAC, too
          as KIND exactly PACKET    likewise, and it counts as an end of that kind
          punt CLASS                to Linux, as it came
          drop REASON
          held                      nothing yet
          unreachable, no-local-port, host-unreachable, prohibited, exceeded, too-big MTU [from ADDRESS]
                                    answered by that ICMP error, from whom it was sent to if nothing
                                    else is said; counted as no_server, local_ports, no_route, route_prohibit,
                                    ttl_exceeded, packet_too_big
      Each may have `on PORT` behind it, where it leaves, and `vlan N`, the tag that it leaves with. Of a packet that has several ends, those
      that are sent come first, then those that are punted, then those that are dropped.
    anything else   a command of vector.c, which changes configuration or clock

An ICMP error is changed as the packet that it quotes would be on its way back.

Together, the files have to fill every cell of matrix.ini for all that is built (`vector features`).

The bytes that go in and those that are expected are made by scapy, which shares no code with
sluice. Writes TAP, one result per file.
"""
import pathlib
import struct
import subprocess
import sys
import tempfile

from scapy.all import GRE, TCP, UDP, IPv6, Raw, RawPcapWriter, rdpcap

import matrix

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / 'lib'))
from frames import (Packet, endpoint, get_ttl, icmp_error, ip_header, mac_of, port_mac,
                    set_tos, set_ttl, tag)

ANSWERS = {'unreachable': ('no_server', 'port-unreachable'),
           'no-local-port': ('local_ports', 'port-unreachable'),
           'host-unreachable': ('no_route', 'host-unreachable'),
           'prohibited': ('route_prohibit', 'prohibited'),
           'exceeded': ('ttl_exceeded', 'exceeded'), 'too-big': ('packet_too_big', 'too-big')}
QUOTE_MAX = {4: 548, 6: 1232}


def spend(out, neighbour, port):
    """One hop on, to a neighbour."""
    out.src_mac, out.dst_mac = port_mac(port), mac_of(neighbour)
    set_ttl(out.body, get_ttl(out.body) - 1)
    return out


def renumber(out, src, dst):
    """Other endpoints; of an error, those of what it quotes the other way round."""
    if out.inner is not None:
        out.body.src, out.body.dst = (src or (out.body.src,))[0], (dst or (out.body.dst,))[0]
        renumber(out.inner, dst, src)
        return
    l4 = out.body[TCP] if TCP in out.body else out.body[UDP]
    if src is not None:
        out.body.src, l4.sport = src
    if dst is not None:
        out.body.dst, l4.dport = dst


def error(came, kind, source):
    """The router's answer to a packet."""
    ip, l3 = came.body, came.ip_bytes()
    family = 6 if isinstance(ip, IPv6) else 4
    out = came.copy()
    out.inner = out.part = out.cut = None
    out.src_mac, out.dst_mac = came.dst_mac or port_mac(came.port), came.src_mac
    header = ip_header(source or ip.dst, ip.src)
    set_tos(header, 0xc0)
    if family == 4:
        header.id, header.flags = 0, 'DF'
    out.body = header / icmp_error(family, kind) / Raw(l3[:QUOTE_MAX[family]])
    return out


def offload(inner):
    """GUE's option for it, and the packet with its pseudo header's sum in place of the checksum."""
    frame = bytearray(bytes(inner))
    v6 = frame[0] >> 4 == 6
    start, protocol = (40, frame[6]) if v6 else ((frame[0] & 15) * 4, frame[9])
    at = start + {6: 16, 17: 6}[protocol]
    addresses = frame[8:40] if v6 else frame[12:20]
    words = struct.unpack(f'>{len(addresses) // 2}H', addresses)
    total = sum(words) + protocol + len(frame) - start
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    frame[at:at + 2] = total.to_bytes(2, 'big')
    return struct.pack('>IHH', 1 << 31, start, at), Raw(bytes(frame))


def tunnel(came, kind, words):
    """
    SRC > DST [via NEIGHBOUR], for gue SRC:PORT > DST:PORT, then any of ttl N, tos N, df, id N, csum
    (of GRE, or of UDP), remote (GUE's remote checksum offload; csum as well), blank (likewise, of a
    packet without TCP or UDP: there is room for the option, and no flag), part FROM TO (of the
    outer packet, that fragment; id is its number).
    """
    (src, _, dst), rest = words[:3], words[3:]
    ports = {}
    if kind == 'gue':
        (src, ports['sport']), (dst, ports['dport']) = endpoint(src), endpoint(dst)
    out, neighbour, checksum, options, part = came.copy(), dst, False, b'', None
    set_ttl(out.body, get_ttl(out.body) - 1)
    inner = Raw(out.ip_bytes())
    v6 = isinstance(came.body, IPv6)
    outer = ip_header(src, dst, nh=41 if v6 else 4)
    if not isinstance(outer, IPv6):
        outer.proto, outer.id = 41 if v6 else 4, 0
    while rest:
        word = rest.pop(0)
        if word == 'via':
            neighbour = rest.pop(0)
        elif word == 'ttl':
            set_ttl(outer, int(rest.pop(0)))
        elif word == 'tos':
            set_tos(outer, int(rest.pop(0)))
        elif word == 'id':
            out.fragment_id = int(rest.pop(0), 0)
            if not isinstance(outer, IPv6):
                outer.id = out.fragment_id
        elif word == 'part':
            part = int(rest.pop(0)), int(rest.pop(0))
        elif word == 'df':
            outer.flags = 'DF'
        elif word == 'csum':
            checksum = True
        elif word == 'remote':
            checksum, options, inner = True, *offload(inner)
        elif word == 'blank':
            checksum, options = True, bytes(8)
        else:
            raise ValueError(f'no such word of a tunnel: {word}')
    if kind == 'gre':
        middle = GRE(proto=0x86dd if v6 else 0x0800, chksum_present=int(checksum))
    elif kind == 'gue':
        # variant 0, words of options, protocol of what is inside, a flag that there are options
        head = bytes([len(options) // 4, 41 if v6 else 4, 0, any(options)])
        inner = Raw(head + options + bytes(inner))
        middle = UDP(**ports) if checksum else UDP(chksum=0, **ports)
    else:
        middle = None
    if middle is not None and isinstance(outer, IPv6):
        outer.nh = 47 if kind == 'gre' else 17
    elif middle is not None:
        outer.proto = 47 if kind == 'gre' else 17
    out.body, out.inner, out.part = outer / (middle / inner if middle else inner), None, part
    return out, neighbour


def forwarded(came, kind, words, port):
    """The packet as it is sent on, or None when `kind` is nothing of the sort."""
    out = came.copy()
    if kind in ('server', 'routed'):
        return spend(out, words[0], port)
    if kind == 'nat':
        dst = endpoint(words[0])
        renumber(out, None, dst)
        return spend(out, words[2] if words[1:2] == ['via'] else dst[0], port)
    if kind in ('reply', 'masquerade'):
        renumber(out, endpoint(words[0]), None)
        return spend(out, words[2], port)
    if kind == 'unmasquerade':
        renumber(out, None, endpoint(words[0]))
        return spend(out, words[2], port)
    if kind in ('fullnat', 'fullreply'):
        renumber(out, endpoint(words[0]), endpoint(words[2]))
        return spend(out, words[4], port)
    if kind in ('ipip', 'gre', 'gue'):
        out, neighbour = tunnel(came, kind, words)
        out.src_mac, out.dst_mac = port_mac(port), mac_of(neighbour)
        return out
    if kind == 'exactly':
        return Packet(' '.join(words))
    return None


def expect(came, text):
    """The line that vector.c writes, and the bytes, None for none."""
    words, port = text.split(), 0
    if words[-2:-1] == ['vlan']:
        line, out = expect(came, ' '.join(words[:-2]))
        return line, out[:12] + tag(int(words[-1])) + out[12:]
    came = came.copy()
    came.tags = b''  # they end where the packet path begins
    if words[-2:-1] == ['on']:
        port, words = int(words[-1]), words[:-2]
    kind, *rest = words
    if kind == 'local':
        return 'punt host', came.bytes()
    if kind == 'as':
        kind, rest = rest[1], rest[2:]
    if kind == 'punt':
        return f'punt {rest[0]}', came.bytes()
    if kind in ('drop', 'held'):
        return ' '.join(words), None
    if kind in ANSWERS:
        reason, what = ANSWERS[kind]
        source = rest[-1] if rest[-2:-1] == ['from'] else None
        rest = rest[:-2] if source else rest
        return f'answer {reason}', error(came, '='.join([what, *rest]), source).bytes()
    out = forwarded(came, kind, rest, port)
    if out is None:
        raise ValueError(f'no such end: {text}')
    return f'tx {port}', out.bytes()


def named(text, packets, came):
    """Takes =NAME off the text. Returns the packet of that name, else the one that came."""
    if not text.startswith('='):
        return text, came
    name, _, rest = text.partition(' ')
    return rest, packets[name]


def read(path, filled):
    """
    Script, packets that go in, and of each: a list of line number, line and bytes expected. What
    they fill of the matrix is put into `filled`.
    """
    script, packets, expected, names = [], [], [], {}
    for number, line in enumerate(path.read_text().splitlines(), 1):
        text = line.split('#')[0].strip()
        if text.startswith('>'):
            if expected and not expected[-1]:
                raise ValueError(f'{path}:{number}: the packet before has no end')
            text, name = text[1:].strip(), None
            if text.startswith('='):
                name, _, text = text.partition(' ')
            packets.append(Packet(text))
            names[name] = packets[-1]
            expected.append([])
            script.append(f'packet {packets[-1].port}')
        elif text.startswith('<'):
            end, of = named(text[1:].strip(), names, packets[-1])
            expected[-1].append((number, *expect(of, end)))
            words = end.split()
            filled.add(matrix.cell(words[words[0] == 'as'], of, expected[-1][-1][2]))
        elif text:
            script.append(text)
    if not packets or not expected[-1]:
        raise ValueError(f'{path}: no packets, or the last one has no end')
    return script, packets, expected


def ends_of(lines):
    """What vector.c says of each packet."""
    ends, of = [], []
    for line in lines:
        if line == 'end':
            ends.append(of)
            of = []
        else:
            of.append(line)
    return ends


def check(program, path, directory, filled):
    script, packets, expected = read(path, filled)
    into, out = directory / f'{path.stem}.in.pcap', directory / f'{path.stem}.out.pcap'
    with RawPcapWriter(str(into), linktype=1) as writer:
        writer.write_header(None)
        for came in packets:
            writer.write_packet(came.bytes())
    run = subprocess.run([program, into, out], input='\n'.join(script) + '\n', text=True,
                         capture_output=True, timeout=60)
    if run.returncode != 0:
        yield f'{path}: {run.stderr.strip()}'
        return
    ends, sent = ends_of(run.stdout.splitlines()), [bytes(p) for p in rdpcap(str(out))]
    for wanted, got in zip(expected, ends):
        where = f'{path.name}:{wanted[0][0]}'
        if [line for _, line, _ in wanted] != got:
            yield f'{where}: expected {[line for _, line, _ in wanted]}, got {got}'
        frames = [None if line.startswith(('drop', 'held')) else sent.pop(0) for line in got]
        for (number, line, frame), is_line, is_frame in zip(wanted, got, frames):
            if line == is_line and frame != is_frame:
                yield (f'{path.name}:{number}: {line}\n  expected {frame.hex()}\n'
                       f'  got      {is_frame.hex()}')
    if len(ends) != len(expected):
        yield f'{path}: {len(expected)} packets, {len(ends)} ends'


def tell(number, name, problems):
    print('not ok' if problems else 'ok', number, name)
    for problem in problems:
        print('# ' + problem.replace('\n', '\n# '))
    return bool(problems)


def main():
    program, paths, filled = sys.argv[1], [pathlib.Path(name) for name in sys.argv[2:]], set()
    features = subprocess.run([program, 'features'], text=True, capture_output=True, check=True,
                              timeout=60).stdout.split()
    print(f'1..{len(paths) + 1}')
    failed = 0
    with tempfile.TemporaryDirectory() as directory:
        for number, path in enumerate(paths, 1):
            problems = list(check(program, path, pathlib.Path(directory), filled))
            failed += tell(number, path.stem, problems)
    failed += tell(len(paths) + 1, 'matrix', list(matrix.empty(features, filled)))
    return failed > 0


sys.exit(main())
