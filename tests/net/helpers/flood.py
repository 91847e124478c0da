# SPDX-License-Identifier: BSD-3-Clause
"""Frames given in hexadecimal, sent in turn out of eth0 as fast as the machine can: SECONDS FRAME ...,
or SECONDS @FILE with one on each line."""

import json
import socket
import sys
import time


def words(arguments):
    if not arguments[0].startswith("@"):
        return arguments
    with open(arguments[0][1:], encoding="ascii") as source:
        return source.read().split()


def main():
    seconds, frames = float(sys.argv[1]), [bytes.fromhex(frame) for frame in words(sys.argv[2:])]
    out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    out.bind(("eth0", 0))
    sent = 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for _ in range(max(1, 1000 // len(frames))):
            for frame in frames:
                try:
                    out.send(frame)
                    sent += 1
                except OSError:        # the queue is full: that is as fast as it gets
                    pass
    print(json.dumps({"sent": sent}))


main()
