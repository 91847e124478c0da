# SPDX-License-Identifier: BSD-3-Clause
"""A start that cannot succeed ends with exit status 1, a sentence, and what mends it."""

import json
import re

from bench import check, equal
from netlab import director
from runner import scenario

BARE = {"with_director": False, "huge": "off"}


def start(lab, change, *prefix):
    """Starts sluice in the foreground with a changed configuration: (exit status, what it said)."""
    document = json.loads(json.dumps(lab.first_config))
    change(document)
    path = f"{lab.plan.directory}/changed.json"
    director.write_json(path, document)
    done = lab.run("switch", *prefix, director.program(lab.plan, "sluice"), "--config", path,
                   check_status=False)
    return done.returncode, done.stderr.strip()


def ends_with(lab, sentence, mend, change, *prefix):
    status, said = start(lab, change, *prefix)
    equal(status, 1, f"exit status ({said!r})")
    check(re.search(f"^sluice: {sentence}; .*{mend}", said, re.MULTILINE),
          f"it says {said!r} instead of {sentence!r} and {mend!r}")


def port(config):
    return config["ports"][0]


@scenario(**BARE)
def no_huge_pages(lab):
    """Huge pages demanded, too few there."""
    ends_with(lab, r"not enough huge pages: \d+ more of 2048 kB are needed \(\d+ are free\)",
              r"echo \d+ > /sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages",
              lambda config: config["dpdk"].update(huge_pages="on", memory="256G"))


@scenario(**BARE)
def misspelt_device(lab):
    """A virtual device that no driver knows (EAL itself would accept it)."""
    ends_with(lab, r"port lan0: DPDK has no driver 'net_tapp' for its device net_tapp0",
              r"did you mean net_tap0\?",
              lambda config: port(config).update(device="net_tapp0,iface=wire0"))


@scenario(**BARE)
def missing_pci_device(lab):
    """A PCI address that the machine does not have."""
    ends_with(lab, r"port lan0: there is no PCI device 0000:ff:1f\.7", "dpdk-devbind.py",
              lambda config: port(config).update(device="0000:ff:1f.7"))


@scenario(**BARE)
def capability_dropped(lab):
    """Without CAP_NET_ADMIN."""
    ends_with(lab, "the capability CAP_NET_ADMIN is missing: making twins needs it",
              "AmbientCapabilities=CAP_NET_ADMIN", lambda config: None,
              "setpriv", "--bounding-set=-net_admin", "--inh-caps=-net_admin")


@scenario(**BARE)
def missing_namespace(lab):
    """The twin's network namespace does not exist."""
    ends_with(lab, "port lan0: there is no network namespace no-such-netns for its twin",
              "ip netns add no-such-netns",
              lambda config: port(config).update(twin={"netns": "no-such-netns"}))


@scenario(**BARE)
def no_such_core(lab):
    """A worker on a core that the machine does not have."""
    ends_with(lab, r"core 4000 for the .* does not exist: this machine has 0 to \d+", "lscpu",
              lambda config: config["workers"].update(cores=[4000]))
