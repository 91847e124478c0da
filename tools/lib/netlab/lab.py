# SPDX-License-Identifier: BSD-3-Clause
"""up, down, status: the order in which a lab is made and removed."""

import contextlib
import os
import shutil
import signal

from . import director, keepalived, memory, process, server, topology
from . import plan as names
from . import state as states
from .plan import LabError

DIRECTOR_LOCKS = "/run/sluice"


class Interrupted(LabError):
    pass


@contextlib.contextmanager
def interruptible():
    """SIGINT, SIGTERM and SIGHUP become an exception, once, between two steps or while waiting: never
    within a step, so that everything that is made is also written down. A signal that was ignored
    stays ignored; one that came too late is raised again at the end."""
    seen = []
    raised = []

    def note(signum, _frame):
        seen.append(signum)

    def checkpoint():
        if seen and not raised:
            raised.append(True)
            raise Interrupted(f"interrupted ({signal.Signals(seen[0]).name})")

    previous = {}
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(signum) != signal.SIG_IGN:
            previous[signum] = signal.signal(signum, note)
    process.on_wait = checkpoint
    try:
        yield checkpoint
    finally:
        process.on_wait = None
        for signum, handler in previous.items():
            signal.signal(signum, handler)
    if seen and not raised:
        signal.raise_signal(seen[0])


def up(plan, with_director=True):
    """Makes a lab, all or nothing. Returns its state."""
    with interruptible() as checkpoint, states.lock(plan.name):
        leftover = states.load(plan.name)
        if leftover and leftover.complete:
            raise LabError(f"lab {plan.name!r} is up already (tools/lab down --name {plan.name} "
                           "removes it)")
        if leftover:
            remove(leftover)
            os.makedirs(plan.directory, mode=0o755, exist_ok=True)
        state = states.State(plan)
        state.set(had_locks=os.path.isdir(DIRECTOR_LOCKS))
        try:
            for step in steps(with_director):
                checkpoint()
                step(state)
            checkpoint()
            state.set(complete=True)
        except BaseException as failure:
            process.on_wait = None
            words = director.last_lines(state)
            remove(state)
            if words and not isinstance(failure, Interrupted):
                raise LabError(f"{failure}\n{words}") from failure
            raise
        return state


def steps(with_director):
    """What `up` does, in small steps; a signal ends it between two of them."""
    if with_director:
        yield director.check_programs
    yield topology.build
    yield server.start_all
    yield memory.prepare
    yield director.write_configuration
    yield topology.keep_wires
    if with_director:
        yield director.start_all
        yield keepalived.start_where_wanted


def down(name):
    """Removes a lab, whatever is left of it. False when there is none."""
    if not os.path.isdir(names.lab_directory(name)):
        return False
    with states.lock(name):
        state = states.load(name)
        if state:
            remove(state)
            return True
        shutil.rmtree(names.lab_directory(name))
        return False


def remove(state):
    """Everything that the state lists, in the reverse order of its making; again after a failure."""
    for which in state.plan.directors():
        director.terminate(state, which)
    director.purge(state)
    for name in reversed(list(state.processes)):
        process.end(state.processes[name])
        state.drop_process(name)
    for netns in state.namespaces:
        if os.path.exists(f"/run/netns/{netns}"):
            process.end_namespace(netns)
    memory.release(state)
    topology.remove(state)
    if not state.had_locks:
        with contextlib.suppress(OSError):     # somebody else's director uses it by now
            os.rmdir(DIRECTOR_LOCKS)
    shutil.rmtree(state.plan.directory)


def status(state):
    """Lines for a person."""
    plan = state.plan
    yield (f"lab {plan.name!r}: {plan.title()}, {plan.servers} servers, {plan.workers} worker(s), "
           f"{plan.scheduler}, {memory_words(state)}")
    yield from host_table(plan)
    for name, entry in state.processes.items():
        yield f"  {name:<14} process {entry['pid']} {'runs' if process.alive(entry) else 'HAS ENDED'}"
    for which in plan.directors():
        if which not in state.processes:
            yield f"  {which:<14} does not run"


def host_table(plan):
    """Who is there, what addresses each has and what it is for."""
    rows = [("host", "namespace", "addresses", "")]
    for name in plan.hosts():
        host = plan.topology.hosts.get(name)
        if not host:
            rows.append((name, plan.netns(name), "", "bridges, one a network"))
            continue
        addresses = [address for family in plan.families for address in host.addresses(family)]
        rows.append((name, plan.netns(name), " ".join(addresses), role(plan, host)))
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    for row in rows:
        yield "  " + "  ".join([*(f"{cell:<{width}}" for cell, width in zip(row, widths)), row[3]]).rstrip()


def role(plan, host):
    if host.name in plan.directors():
        vip = f"VIP {plan.vip}" if host.name == "director" or plan.vrrp else ""
        locals_ = f", local {' '.join(plan.local_addresses())}" if plan.mode == "fullnat" else ""
        return f"{host.role}, {vip}{locals_}"
    return f"{host.role}{'; a kernel of its own' if host.own_kernel else ''}"


def memory_words(state):
    if state.huge:
        return f"{state.huge_pages} huge pages"
    return "without huge pages"
