# SPDX-License-Identifier: BSD-3-Clause
"""Frames given in hexadecimal, sent in turn out of eth0 as fast as the machine can: SECONDS FRAME ..."""

import json
import socket
import sys
import time


def main():
    seconds, frames = float(sys.argv[1]), [bytes.fromhex(frame) for frame in sys.argv[2:]]
    out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    out.bind(("eth0", 0))
    sent = 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for _ in range(100):
            for frame in frames:
                try:
                    out.send(frame)
                    sent += 1
                except OSError:        # the queue is full: that is as fast as it gets
                    pass
    print(json.dumps({"sent": sent}))


main()
