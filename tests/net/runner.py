# SPDX-License-Identifier: BSD-3-Clause
"""Finds scenarios, gives each its lab, counts."""

import dataclasses
import importlib
import os
import time
import traceback

from bench import Bench, Failed, Skipped
from netlab import lab
from netlab import state as states
from netlab.plan import LabError, Plan
from netlab.process import alive
from tally import Tally

_registry = []


@dataclasses.dataclass
class Scenario:
    function: callable
    options: dict              # of the lab: fields of netlab.plan.Plan
    with_director: bool
    only_full: bool

    @property
    def name(self):
        module = self.function.__module__.removeprefix("test_")
        return f"{module}.{self.function.__name__}"

    @property
    def help(self):
        return (self.function.__doc__ or "").strip().splitlines()[0]

    @property
    def lab_key(self):
        return (self.with_director, tuple(sorted(self.options.items())))


def scenario(with_director=True, only_full=False, **options):
    """Marks a function as a scenario; options are those of the lab it wants."""
    def register(function):
        _registry.append(Scenario(function, options, with_director, only_full))
        return function
    return register


def collect(directory, names):
    """All scenarios of the test_*.py files, those with the same lab next to each other."""
    for entry in sorted(os.listdir(directory)):
        if entry.startswith("test_") and entry.endswith(".py"):
            importlib.import_module(entry.removesuffix(".py"))
    chosen = [one for one in _registry
              if not names or any(name in one.name for name in names)]
    keys = []
    for one in chosen:
        if one.lab_key not in keys:
            keys.append(one.lab_key)
    return sorted(chosen, key=lambda one: keys.index(one.lab_key))


class Labs:
    """The one lab that is up, if any."""

    def __init__(self, args):
        self.args = args
        self.key = None
        self.bench = None

    def get(self, one):
        """The bench for a scenario: the present one in its first state, or a new one."""
        if self.bench and self.key == one.lab_key:
            self.bench.reset(one.with_director)
            return self.bench
        self.drop()
        self.key = one.lab_key
        plan = Plan(name=self.args.name, build=self.args.build, **one.options)
        self.bench = Bench(lab.up(plan, one.with_director), self.args.full)
        return self.bench

    def drop(self):
        self.bench = self.key = None
        lab.down(self.args.name)


def run_one(labs, one):
    """Tally of one scenario; prints its line."""
    started = time.monotonic()
    try:
        one.function(labs.get(one))
        verdict, why, counts = "ok", "", Tally(passed=1)
    except Skipped as skipped:
        verdict, why, counts = "skipped", str(skipped), Tally(skipped=1)
    except (Failed, LabError) as failure:
        verdict, why, counts = "FAILED", str(failure), Tally(failed=1)
        where = traceback.extract_tb(failure.__traceback__)
        why += "".join(f"\n  at {os.path.basename(frame.filename)}:{frame.lineno}: {frame.line}"
                       for frame in where if "/tests/net/test_" in frame.filename)
    except Exception:  # the other scenarios still run
        verdict, why, counts = "FAILED", traceback.format_exc(), Tally(failed=1)
    print(f"{verdict:<8} {one.name:<36} {time.monotonic() - started:6.1f} s"
          + (f"  {why}" if why else ""), flush=True)
    return counts


def run_all(scenarios, args):
    """Exit status: 0 only when nothing failed."""
    labs = Labs(args)
    total = Tally()
    try:
        clear_away(args.name)
        for one in scenarios:
            if one.only_full and not args.full:
                continue           # part of the longer run, not a test that could not be run
            counts = run_one(labs, one)
            total += counts
            if counts.failed:
                if labs.bench:
                    print(labs.bench.last_words(), flush=True)
                if args.keep:
                    print(f"The lab is still up: tools/lab status --name {args.name}")
                    return 1
                labs.drop()        # the next scenario starts from nothing
    except KeyboardInterrupt as interrupt:
        print(f"interrupted by {interrupt}")
        total += Tally(failed=1)
    except LabError as error:
        print(f"FAILED: {error}")
        total += Tally(failed=1)
    if not args.keep or not total.failed:
        labs.drop()
    print(total)
    return 1 if total.failed else 0


def clear_away(name):
    """A lab that a killed run left behind; not one that somebody uses."""
    leftover = states.load(name)
    if leftover and alive(leftover.owner):
        raise LabError(f"lab {name!r} is in use by process {leftover.owner['pid']}")
    lab.down(name)
