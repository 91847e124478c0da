# SPDX-License-Identifier: BSD-3-Clause
"""The part of the demonstration with two directors: which one serves, and what happens when it is killed."""

import time

from netlab import director, keepalived, process
from show import Failure, say, title

PATIENCE_S = 15


def show_master(state):
    title("two directors, each with keepalived on its twin: VRRP decides which one has the VIP")
    say(f"keepalived.conf of the director:\n{keepalived.configuration(state.plan, 'director').rstrip()}")
    wait_for_holder(state, "director")
    show_holders(state)


def wait_for_holder(state, wanted):
    if not process.wait_until(lambda: keepalived.holders(state.plan) == [wanted], PATIENCE_S, 0.1):
        raise Failure(f"not {wanted}, but {keepalived.holders(state.plan) or 'nobody'} has the VIP")


def show_holders(state):
    for which in state.plan.directors():
        done = process.run("ip", "-n", state.plan.netns(which), "-br", "address", "show", "dev", "lan0")
        say(f"{which}$ ip -br address show dev lan0\n{done.stdout.rstrip()}")


def show_failover(state, ask):
    """Kills the director that serves; the other one takes over; the first one comes back."""
    title("the director that serves is killed (kill -9): how long does nobody answer?")
    director.kill(state)
    killed = time.monotonic()
    if not process.wait_until(lambda: ask(state), PATIENCE_S, 0.05):
        raise Failure(f"nobody answers, {PATIENCE_S} s after the director was killed")
    say(f"after {time.monotonic() - killed:.1f} s the VIP answers again:")
    wait_for_holder(state, "backup")
    show_holders(state)
    title("the director comes back and takes over again")
    director.start(state)
    wait_for_holder(state, "director")
    show_holders(state)
    if not process.wait_until(lambda: ask(state), PATIENCE_S, 0.1):
        raise Failure("the VIP does not answer after the director came back")
