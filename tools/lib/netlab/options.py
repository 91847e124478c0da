# SPDX-License-Identifier: BSD-3-Clause
"""The options that say what network a lab has, for every program that makes one."""

from .plan import MODES


def add_network(parser):
    parser.add_argument("--mode", choices=MODES, default="dr", metavar="MODE",
                        help=f"how packets reach servers: {', '.join(MODES)} (%(default)s)")
    parser.add_argument("--ipv6", action="store_true", help="the VIP and the servers have IPv6")
    parser.add_argument("--vlan", type=int, default=0, metavar="N",
                        help="the director's first port is tagged, a second one with N + 1")
    parser.add_argument("--vrrp", action="store_true",
                        help="two directors; keepalived decides which one has the VIP")
    parser.add_argument("--ports", type=int, default=0, choices=[1, 2], metavar="N",
                        help="of the director: 1, or 2 (usual for nat and fullnat)")
    parser.add_argument("--link-mtu", type=int, default=1500, metavar="BYTES",
                        help="of what is between director and servers (%(default)s)")


NETWORK = ["mode", "ipv6", "vlan", "vrrp", "ports", "link_mtu"]


def chosen(args):
    """The options as fields of a plan."""
    return {name: getattr(args, name) for name in NETWORK}
