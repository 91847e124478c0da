# SPDX-License-Identifier: BSD-3-Clause
"""Whether the vectors fill every cell of matrix.ini."""
import configparser
import pathlib

from scapy.all import TCP, UDP, IPv6


def family(frame):
    """Of a frame with the type 0x86dd; all others that are forwarded are IPv4."""
    return '6' if frame[12:14] == b'\x86\xdd' else '4'


def cell(end, came, frame):
    """The cell that a packet fills which ended so; None for one that is no business of a method."""
    packet = came.inner or came
    kind = 'tcp' if TCP in packet.body else 'udp' if UDP in packet.body else None
    if kind is None or frame is None:
        return None
    families = '6' if isinstance(came.body, IPv6) else '4'
    if family(frame) != families:
        families += '>' + family(frame)
    return end, families, kind + ('-error' if came.inner else '')


def empty(methods, filled):
    """A line for each cell that is empty, of the methods that are built."""
    wanted = configparser.ConfigParser(delimiters=('=',), comment_prefixes=('#',))
    wanted.read(pathlib.Path(__file__).parent / 'matrix.ini')
    sections = [name.split() for name in wanted.sections()]
    for method in methods:
        if method not in [name for name, _ in sections]:
            yield f'{method}: matrix.ini says nothing of it'
    for method, direction in sections:
        if method not in methods:
            continue
        row = wanted[f'{method} {direction}']
        for families in row['families'].split():
            for kind in row['of'].split():
                if not any((end, families, kind) in filled for end in row['end'].split()):
                    yield f'{method} {direction}: no vector of {kind}, IPv{families}'
