# SPDX-License-Identifier: BSD-3-Clause
"""Processes of a lab, known by pid and start time, so that no other process is ever touched."""

import contextlib
import ctypes
import os
import signal
import subprocess
import threading
import time

from .plan import LabError

CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)

on_wait = None     # called while waiting: may raise, to end the wait


def run(*argv, check=True, timeout=60, feed=None, **options):
    """Runs a short command to its end, out of reach of the terminal's Ctrl-C: the lab itself is not."""
    words = {"input": feed} if feed is not None else {"stdin": subprocess.DEVNULL}
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          timeout=timeout, start_new_session=True, check=False, **words, **options)
    if check and done.returncode != 0:
        complaint = (done.stderr or done.stdout).strip().splitlines()
        raise LabError(f"`{' '.join(argv)}` ended with {done.returncode}"
                       + (f": {'; '.join(complaint[-2:])}" if complaint else ""))
    return done


def start_time(pid):
    """Clock ticks after boot at which `pid` started, or None when there is none (or a zombie).

    A process whose first thread has ended looks like a zombie while others still give back what
    it had (memory, locks): it is one only when it is alone."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stat:
            fields = stat.read().rpartition(")")[2].split()
        if fields[0] in "ZX" and len(os.listdir(f"/proc/{pid}/task")) <= 1:
            return None
    except (FileNotFoundError, ProcessLookupError):
        return None
    return int(fields[19])


def identity(pid):
    return {"pid": pid, "start": start_time(pid)}


def alive(entry):
    return bool(entry and entry["start"]) and start_time(entry["pid"]) == entry["start"]


@contextlib.contextmanager
def inside(netns):
    """Sockets that are made in this block belong to the namespace, for as long as they live."""
    home = os.open(f"/proc/self/task/{threading.get_native_id()}/ns/net", os.O_RDONLY)
    there = os.open(f"/run/netns/{netns}", os.O_RDONLY)
    try:
        enter_netns(there)
        yield
    finally:
        enter_netns(home)
        os.close(there)
        os.close(home)


def enter_netns(descriptor):
    if _libc.setns(descriptor, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def spawn(state, name, host, argv, environment=None, log=None, first=signal.SIGTERM):
    """Starts a lasting process in a host's namespace and records it. Its output goes to NAME.log.
    first: the signal that ends it."""
    command = ["ip", "netns", "exec", state.plan.netns(host)] + argv
    with open(log or state.plan.log(name), "ab") as out:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                 start_new_session=True, cwd="/",
                                 env={**os.environ, **(environment or {})})
    state.put_process(name, {**identity(child.pid), "host": host, "first": int(first)})
    return child


def stop(state, name, patience_s=5.0, first=None):
    """Ends a recorded process and forgets it. True when it ended without SIGKILL."""
    entry = state.processes.get(name)
    gentle = end(entry, patience_s, first)
    state.drop_process(name)
    return gentle


def end(entry, patience_s=5.0, first=None):
    first = first or (entry or {}).get("first", signal.SIGTERM)
    for signum, patience in ((first, patience_s), (signal.SIGKILL, 5.0)):
        if not alive(entry):
            return True
        try:
            os.kill(entry["pid"], signum)
        except ProcessLookupError:
            return True
        if wait_until(lambda: not alive(entry), patience):
            return signum == first
    raise LabError(f"process {entry['pid']} does not end")


def end_namespace(netns):
    """Ends every process in one of the lab's own namespaces: shells, tcpdump, whatever was run there."""
    for _ in range(50):
        pids = [int(pid) for pid in
                run("ip", "netns", "pids", netns, check=False).stdout.split()]
        pids = [pid for pid in pids if pid != os.getpid() and start_time(pid) is not None]
        if not pids:
            return
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        time.sleep(0.05)


def wait_until(condition, patience_s, pause_s=0.02):
    """Polls a condition; its last value, false when the time is over."""
    deadline = time.monotonic() + patience_s
    while True:
        if on_wait:
            on_wait()
        value = condition()
        if value or time.monotonic() > deadline:
            return value
        time.sleep(pause_s)

