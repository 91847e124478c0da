# SPDX-License-Identifier: BSD-3-Clause
"""Sends every datagram back to where it came from, from the address that it came to: PORT."""

import socket
import sys

IP_MTU_DISCOVER, IP_PMTUDISC_DONT = 10, 0


def main():
    both = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    both.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    both.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
    both.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    both.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT)
    both.bind(("::", int(sys.argv[1])))
    while True:
        data, ancillary, _, peer = both.recvmsg(65536, 256)
        # An answer from the VIP on lo, not from the address of the interface that it leaves by.
        info = [(level, kind, value[:16] + bytes(4)) for level, kind, value in ancillary
                if (level, kind) == (socket.IPPROTO_IPV6, socket.IPV6_PKTINFO)]
        both.sendmsg([data], info, 0, peer)


main()
