# SPDX-License-Identifier: BSD-3-Clause
"""A start that cannot succeed ends with exit status 1 and one sentence that says what to do."""

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


def ends_with(lab, sentence, change, *prefix):
    status, said = start(lab, change, *prefix)
    equal(status, 1, f"exit status ({said!r})")
    check(re.search(sentence, said), f"it says {said!r}, which has no {sentence!r}")


@scenario(**BARE)
def no_huge_pages(lab):
    """Huge pages demanded, none there."""
    ends_with(lab, r"huge pages.*nr_hugepages", lambda c: c["dpdk"].update(huge_pages="on",
                                                                           memory="64G"))


@scenario(**BARE)
def misspelt_device(lab):
    """A virtual device that no driver knows (EAL itself would accept it)."""
    ends_with(lab, r"net_tapp0", lambda c: c["ports"][0].update(device="net_tapp0,iface=wire0"))


@scenario(**BARE)
def missing_pci_device(lab):
    """A PCI address that the machine does not have."""
    ends_with(lab, r"0000:ff:1f\.7", lambda c: c["ports"][0].update(device="0000:ff:1f.7"))


@scenario(**BARE)
def capability_dropped(lab):
    """Without CAP_NET_ADMIN."""
    ends_with(lab, r"CAP_NET_ADMIN", lambda c: None,
              "setpriv", "--bounding-set=-net_admin", "--inh-caps=-net_admin")


@scenario(**BARE)
def missing_namespace(lab):
    """The twin's network namespace does not exist."""
    ends_with(lab, r"no-such-netns",
              lambda c: c["ports"][0].update(twin={"netns": "no-such-netns"}))


@scenario(**BARE)
def no_such_core(lab):
    """A worker on a core that the machine does not have."""
    ends_with(lab, r"core 4000", lambda c: c["workers"].update(cores=[4000]))
