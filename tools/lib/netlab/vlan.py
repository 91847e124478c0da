# SPDX-License-Identifier: BSD-3-Clause
"""Tags on the directors' wires. Linux kernels without 802.1Q have tc with BPF: vlan.c does it there."""

import os

from .plan import LabError
from .process import run

SOURCE = f"{os.path.dirname(os.path.abspath(__file__))}/vlan.c"


def program(plan, wire):
    """The file that tags one wire, or ""."""
    return f"{plan.directory}/vlan{wire.vlan}.o" if wire.vlan else ""


def build(plan):
    for wire in plan.wires():
        try:
            run("clang", "-O2", "-target", "bpf", "-I", multiarch(), f"-DVLAN={wire.vlan}",
                "-c", SOURCE, "-o", program(plan, wire))
        except FileNotFoundError:
            raise LabError("clang is missing: it compiles the tags of the wires") from None


def multiarch():
    """Where asm/types.h is, for a compiler whose target has no such place."""
    return f"/usr/include/{os.uname().machine}-linux-gnu"
