# SPDX-License-Identifier: BSD-3-Clause
"""The director ends and comes back."""

from bench import check, equal, eventually
from netlab import director
from netlab import plan as names
from runner import scenario

STANDARD = {"udp": True, "idle_servers": 1}


@scenario(**STANDARD)
def kill_during_download(lab):
    """kill -9 in the middle of a download: the next start adopts the connection and it completes."""
    download = lab.download("2m")
    before = download.size()
    director.kill(lab.state)
    director.start(lab.state)
    eventually(lambda: lab.ping(names.VIP), "the VIP does not answer ping", 10)
    check(download.running(), "the download broke off")
    eventually(lambda: download.size() > before, "the download does not go on", 30)
    download.finish()
    equal(len(set(lab.answers(4))), 2, "servers that answer")


@scenario(**STANDARD)
def clean_restart(lab):
    """SIGTERM ends it within seconds and in order; connections survive that, too."""
    download = lab.download("2m")
    check(director.terminate(lab.state), "it had to be killed")
    director.start(lab.state)
    download.finish()


@scenario(**STANDARD)
def twin_survives(lab):
    """The twin is the same interface after a kill -9: routing daemons do not lose it."""
    def index():
        return lab.run("director", "cat", f"/sys/class/net/{names.TWIN}/ifindex").stdout
    before = index()
    director.kill(lab.state)
    equal(index(), before, "interface index without a director")
    director.start(lab.state)
    equal(index(), before, "interface index with the next director")


@scenario(**STANDARD)
def second_instance(lab):
    """A second start of an instance says who is running, and harms nobody."""
    done = lab.run("switch", director.program(lab.plan, "sluice"), "--config", lab.plan.config_path,
                   check_status=False)
    equal(done.returncode, 1, "exit status")
    check(str(lab.pid()) in done.stderr + done.stdout, f"it does not say who runs: {done.stderr!r}")
    equal(len(set(lab.answers(4))), 2, "servers that answer")
