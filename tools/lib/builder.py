# SPDX-License-Identifier: BSD-3-Clause
"""Builds the project with meson: configures once, then builds what changed."""

import os
import signal
import subprocess

from netlab.plan import REPOSITORY


class BuildError(Exception):
    """Says which step failed, with the end of its output."""


def build(directory, *options):
    os.makedirs(directory, exist_ok=True)
    if not os.path.exists(f"{directory}/build.ninja"):
        step(directory, ["meson", "setup", directory, REPOSITORY, *options])
    step(directory, ["ninja", "-C", directory])


def step(directory, argv):
    """Runs one command, its output in DIRECTORY/build.log; ends it, with its children, if interrupted."""
    log = f"{directory}/build.log"
    with open(log, "wb") as out:
        child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                 start_new_session=True)
        try:
            status = child.wait()
        except BaseException:
            os.killpg(child.pid, signal.SIGTERM)
            child.wait()
            raise
    if status != 0:
        raise BuildError(f"`{' '.join(argv)}` failed; all of its output is in {log}\n{complaints(log)}")


def complaints(log):
    """The lines of a log that say what is wrong."""
    with open(log, encoding="utf-8", errors="replace") as source:
        lines = source.read().splitlines()
    for number, line in enumerate(lines):
        if "error:" in line or line.startswith("FAILED") or "ERROR" in line:
            return "\n".join(lines[number:number + 20])
    return "\n".join(lines[-20:])
