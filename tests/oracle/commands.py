# SPDX-License-Identifier: BSD-3-Clause
"""ipvsadm's command lines, as far as sluice does what they say, and the configuration they lead to."""

import argparse
import dataclasses


@dataclasses.dataclass
class Service:
    scheduler: str = ""
    servers: dict = dataclasses.field(default_factory=dict)  # address -> weight, in the order of adding


def _parser():
    parser = argparse.ArgumentParser(prog="ipvsadm", add_help=False, exit_on_error=False,
                                     allow_abbrev=False)
    actions = parser.add_mutually_exclusive_group(required=True)
    for letter in "AEDaed":
        actions.add_argument("-" + letter, dest="action", action="store_const", const=letter)
    kinds = parser.add_mutually_exclusive_group(required=True)
    kinds.add_argument("-t", dest="tcp")
    kinds.add_argument("-u", dest="udp")
    parser.add_argument("-s", dest="scheduler", default="wlc", choices=["rr", "wrr", "lc", "wlc"])
    parser.add_argument("-r", dest="server")
    parser.add_argument("-g", dest="direct", action="store_true")
    parser.add_argument("-w", dest="weight", type=int, default=1)
    return parser


PARSER = _parser()


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
            service.scheduler = words.scheduler
        elif words.action == "d":
            del self.services[key].servers[words.server]
        else:
            if not words.direct:
                raise ValueError(f"ipvsadm {line}: only direct routing (-g) is compared")
            self.services[key].servers[words.server] = words.weight
        return key
