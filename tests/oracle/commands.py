# SPDX-License-Identifier: BSD-3-Clause
"""ipvsadm's command lines, as far as sluice does what they say, and the configuration they lead to."""

import argparse
import dataclasses

CHECKSUMS = {"nocsum": "", "csum": ":on", "remcsum": ":remote"}
TUNNEL_PORT = 6080


@dataclasses.dataclass
class Server:
    weight: int
    method: str                # in the words of tests/lib/script.h


@dataclasses.dataclass
class Service:
    scheduler: str = ""
    servers: dict = dataclasses.field(default_factory=dict)  # "ADDRESS[:PORT]" -> Server, in the order of adding


# Of a service: the engine's numbers.
SCHED_FLAGS = {"sh-fallback": 1, "sh-port": 2, "mh-fallback": 1, "mh-port": 2}
SCHEDULERS = ["rr", "wrr", "lc", "wlc", "sed", "nq", "fo", "ovf", "dh", "sh"]


def _parser():
    parser = argparse.ArgumentParser(prog="ipvsadm", add_help=False, exit_on_error=False,
                                     allow_abbrev=False)
    actions = parser.add_mutually_exclusive_group(required=True)
    for letter in "AEDaed":
        actions.add_argument("-" + letter, dest="action", action="store_const", const=letter)
    kinds = parser.add_mutually_exclusive_group(required=True)
    kinds.add_argument("-t", dest="tcp")
    kinds.add_argument("-u", dest="udp")
    parser.add_argument("-s", dest="scheduler", default="wlc", choices=[*SCHEDULERS, "mh"])
    parser.add_argument("-b", dest="flags", default="")
    parser.add_argument("-r", dest="server")
    methods = parser.add_mutually_exclusive_group()
    for letter, method in (("g", "dr"), ("m", "nat"), ("i", "tun")):
        methods.add_argument("-" + letter, dest="method", action="store_const", const=method)
    parser.add_argument("-w", dest="weight", type=int, default=1)
    parser.add_argument("--tun-type", choices=["ipip", "gue", "gre"], default="ipip")
    parser.add_argument("--tun-port", type=int, default=TUNNEL_PORT)
    for checksum in CHECKSUMS:
        parser.add_argument("--tun-" + checksum, dest="checksum", action="store_const", const=checksum)
    return parser


PARSER = _parser()


def method_of(words):
    if words.method != "tun":
        return words.method
    return f"tun:{words.tun_type}:{words.tun_port}{CHECKSUMS[words.checksum or 'nocsum']}"


class Configuration:
    """Services by (protocol, "VIP:PORT")."""

    def __init__(self):
        self.services = {}

    def obey(self, line):
        """Follows one command; the key of the service that it changed."""
        words = PARSER.parse_args(line.split())
        key = ("tcp", words.tcp) if words.tcp else ("udp", words.udp)
        if words.action == "D":
            del self.services[key]
        elif words.action in "AE":
            service = self.services.setdefault(key, Service())
            flags = sum(SCHED_FLAGS[flag] for flag in words.flags.split(",") if flag)
            service.scheduler = f"{words.scheduler}/{flags}" if flags else words.scheduler
        elif words.action == "d":
            del self.services[key].servers[words.server]
        else:
            if not words.method:
                raise ValueError(f"ipvsadm {line}: say -g, -i or -m")
            self.services[key].servers[words.server] = Server(words.weight, method_of(words))
        return key
