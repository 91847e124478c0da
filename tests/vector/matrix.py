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


def empty(features, filled):
    """A line for each cell that is empty, and for each feature that is built and has no cells."""
    wanted = configparser.ConfigParser(delimiters=('=',), comment_prefixes=('#',))
    wanted.read(pathlib.Path(__file__).parent / 'matrix.ini')
    sections = [name.split() for name in wanted.sections()]
    for feature in features:
        if feature not in [name for name, _ in sections]:
            yield f'{feature}: matrix.ini says nothing of it'
    for feature, direction in sections:
        if feature not in features:
            continue
        row = wanted[f'{feature} {direction}']
        for families in row['families'].split():
            for kind in row['of'].split():
                if (row['end'], families, kind) not in filled:
                    yield f'{feature} {direction}: no vector of {kind}, IPv{families}'
