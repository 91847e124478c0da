#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""
Writes the corpus of fuzz_adopt: what may happen to each field of the files.
usage: make_adopt.py DIRECTORY
"""
import pathlib
import struct
import sys

HEADER, NARROW, WIDE, SIDES, FRONTS, SERVERS = range(6)
NAMES = 'header', 'narrow', 'wide', 'sides', 'fronts', 'servers'
WRITE, ADD, COPY, CUT, ENTRY = range(5)
PLAIN, NAT, SIDE, REVERSE = range(4)


def change(file, kind, offset=0, data=b''):
    return struct.pack('<BHB', file + 6 * kind, offset, len(data)) + data


def entry(file, front, kind, server=1, side=1, state=3, port=9):
    """See put_entry() of fuzz_adopt.c."""
    data = [port, front, 203, 0, 113, 9, 0, server, side, kind, state, 0]
    return change(file, ENTRY, 0, bytes(data))


def fields(file, record, first, size, count):
    """Each field of some records one more: {name: offset}."""
    for number in range(1, count + 1):
        for name, offset in record.items():
            yield (f'{NAMES[file]}-{number}-{name}',
                   change(file, ADD, first + size * (number - 1) + offset, b'\1'))


SIDE_RECORD = {'client': 0, 'local': 16, 'client-port': 32, 'local-port': 36, 'tick': 39,
               'front': 40, 'endpoint': 44, 'server': 48, 'state': 52, 'flags': 54, 'next': 60}
ID_RECORD = {'address': 0, 'port': 16, 'family': 18, 'protocol': 19, 'parent': 20, 'state': 24,
             'note': 28, 'deleted': 32, 'generation': 40}


def inputs():
    yield 'nothing', b''
    for offset in (0, 8, 12, 16, 24, 56, 64, 72, 200, 240):
        yield f'header-{offset}', change(HEADER, ADD, offset, b'\1')
    for file in range(6):
        yield f'gone-{file}', change(file, CUT)
        yield f'cut-{file}', change(file, CUT, 100, b'x')
        yield f'zero-{file}', change(file, WRITE, 64, bytes(200))
        yield f'ones-{file}', change(file, WRITE, 64, b'\xff' * 200)
        yield f'twice-{file}', b''.join(change(file, COPY, 64 * n, b'\1') for n in range(2, 8))
    yield from fields(SIDES, SIDE_RECORD, 64, 64, 3)
    yield from fields(FRONTS, ID_RECORD, 112, 48, 3)
    yield from fields(SERVERS, ID_RECORD, 112, 48, 3)
    for file in (NARROW, WIDE):
        for kind in (PLAIN, NAT, SIDE, REVERSE):
            for number in (1, 4, 200):
                yield (f'entry-{file}-{kind}-{number}',
                       entry(file, 1, kind, number, number) + entry(file, number, kind, 1, 2))
    yield 'full', b''.join(entry(NARROW, 1 + n % 3, n % 2, port=n) for n in range(60))


def main():
    directory = pathlib.Path(sys.argv[1])
    for name, data in inputs():
        (directory / name).write_bytes(b'\0' + data)


main()
