# SPDX-License-Identifier: BSD-3-Clause
"""Huge pages: a lab adds what it needs to the machine's pool and takes exactly that out again."""

import contextlib
import fcntl
import os

from .plan import LabError
from .process import run

POOL = "/proc/sys/vm/nr_hugepages"
PAGE_MB = 2
# Beside DPDK's own memory: connection tables and the id map, which lie in files on the same mount.
TABLES_MB = 64


def prepare(state):
    """Adds the pages and mounts a hugetlbfs of the lab's own, or finds that there can be none."""
    plan = state.plan
    if plan.huge == "off":
        return
    wanted = len(plan.directors()) * (plan.memory_mb + TABLES_MB) // PAGE_MB
    if not add_pages(state, wanted):
        if plan.huge == "on":
            raise LabError(f"the machine has no {wanted} free huge pages of {PAGE_MB} MB "
                           "(--huge off runs without)")
        return
    os.makedirs(plan.huge_directory, mode=0o755, exist_ok=True)
    state.add("mounts", plan.huge_directory)
    done = run("mount", "-t", "hugetlbfs", "-o", f"pagesize={PAGE_MB}M", "none",
               plan.huge_directory, check=False)
    if done.returncode == 0:
        state.set(huge=True)
        return
    give_back(state)
    if plan.huge == "on":
        raise LabError(f"mounting hugetlbfs failed: {done.stderr.strip()}")


def release(state):
    for mount in reversed(state.mounts):
        if os.path.ismount(mount):
            run("umount", mount)
    state.set(mounts=[])
    give_back(state)


def add_pages(state, wanted):
    """All pages or none: True when the pool grew by `wanted`."""
    with pool_lock() as pool:
        before = read_pool(pool)
        state.set(huge_pages=wanted)
        if write_pool(pool, before + wanted) and read_pool(pool) == before + wanted:
            return True
        write_pool(pool, before)
        state.set(huge_pages=0)
        return False


def give_back(state):
    if not state.huge_pages:
        return
    with pool_lock() as pool:
        write_pool(pool, max(0, read_pool(pool) - state.huge_pages))
        state.set(huge_pages=0)


@contextlib.contextmanager
def pool_lock():
    """Several labs change the pool by reading and writing it."""
    try:
        pool = os.open(POOL, os.O_RDWR | os.O_CLOEXEC)
    except OSError:            # a kernel without huge pages, or /proc read-only
        yield None
        return
    try:
        fcntl.flock(pool, fcntl.LOCK_EX)
        yield pool
    finally:
        os.close(pool)


def read_pool(pool):
    return int(os.pread(pool, 32, 0)) if pool is not None else 0


def write_pool(pool, pages):
    if pool is None:
        return False
    try:
        os.pwrite(pool, str(pages).encode(), 0)
        return True
    except OSError:
        return False
