# SPDX-License-Identifier: BSD-3-Clause
"""What a lab has made so far, on disk before it is made, so that `down` finds it whatever happened."""

import contextlib
import dataclasses
import fcntl
import json
import os
import time

from .plan import LabError, Plan, lab_directory
from .process import identity

LOCK_PATIENCE_S = 60


class State:
    """The file state.json of a lab. Every change is on disk when its method returns."""

    def __init__(self, plan):
        self.plan = plan
        self.owner = identity(os.getpid())
        self.complete = False      # `up` got to its end
        self.namespaces = []
        self.mounts = []
        self.huge_pages = 0        # added by this lab
        self.huge = False          # the director runs on huge pages
        self.had_locks = True      # the directory of the directors' locks was there before
        self.processes = {}        # name: {"pid", "start", "host"}

    @property
    def path(self):
        return f"{self.plan.directory}/state.json"

    def save(self):
        document = {**vars(self), "plan": dataclasses.asdict(self.plan)}
        temporary = f"{self.path}.{os.getpid()}"
        with open(temporary, "w", encoding="utf-8") as out:
            json.dump(document, out, indent=2)
        os.rename(temporary, self.path)

    def add(self, kind, name):
        getattr(self, kind).append(name)
        self.save()

    def set(self, **changes):
        for key, value in changes.items():
            setattr(self, key, value)
        self.save()

    def put_process(self, name, entry):
        self.processes[name] = entry
        self.save()

    def drop_process(self, name):
        if self.processes.pop(name, None):
            self.save()


def load(name):
    """The state of the lab `name`, or None when there is no such lab."""
    try:
        with open(f"{lab_directory(name)}/state.json", encoding="utf-8") as source:
            document = json.load(source)
    except FileNotFoundError:
        return None
    plan = Plan(**{**document.pop("plan"), "config": ""})
    state = State(plan)
    for key, value in document.items():
        setattr(state, key, value)
    return state


def load_or_fail(name):
    state = load(name)
    if not state:
        raise LabError(f"no lab {name!r} is up (tools/lab up makes it)")
    return state


@contextlib.contextmanager
def lock(name):
    """One command at a time changes a lab. Makes the lab's directory."""
    directory = lab_directory(name)
    deadline = time.monotonic() + LOCK_PATIENCE_S
    while True:
        os.makedirs(directory, mode=0o755, exist_ok=True)
        try:
            holder = os.open(f"{directory}/lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        except FileNotFoundError:      # removed by a `down` between the two calls
            continue
        if try_lock(holder) and is_current(holder, f"{directory}/lock"):
            break
        os.close(holder)
        if time.monotonic() > deadline:
            raise LabError(f"another command has been at work on lab {name!r} for "
                           f"{LOCK_PATIENCE_S} s")
        time.sleep(0.05)
    try:
        yield
    finally:
        os.close(holder)


def try_lock(descriptor):
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    except BlockingIOError:
        return False


def is_current(descriptor, path):
    """False when a `down` removed the lock file while we waited for it."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False
