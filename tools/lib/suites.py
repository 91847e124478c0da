# SPDX-License-Identifier: BSD-3-Clause
"""Builds sluice, with sanitizers and without, and runs every test suite. The last line says how many test
cases passed, failed and were skipped; the exit status is 0 only if none failed. With CI=true in the
environment a skipped case counts as a failure."""

import argparse
import json
import os
import subprocess
import sys
import time

import nobody
import tally
from builder import BuildError, build
from netlab.plan import REPOSITORY
from tally import Tally

PLAIN = f"{REPOSITORY}/build"
SANITIZED = f"{REPOSITORY}/build-asan"
# Suites in the order in which they run; meson may have more, which follow.
ORDER = ["unit", "vector", "sim", "fuzz", "root", "oracle"]
UNPRIVILEGED = ["unit", "vector"]
SANITIZER_OPTIONS = {"ASAN_OPTIONS": "abort_on_error=1",
                     "UBSAN_OPTIONS": "halt_on_error=1:abort_on_error=1:print_stacktrace=1"}


def arguments():
    parser = argparse.ArgumentParser(prog="tools/test", description=__doc__)
    parser.add_argument("--full", action="store_true",
                        help="longer simulations and floods, interrupted demonstrations, breakages, "
                             "a virtual machine with PCI network cards")
    parser.add_argument("suites", nargs="*", metavar="SUITE", help="only these")
    return parser.parse_args()


class Report:
    """Prints a line for each suite and adds up."""

    def __init__(self):
        self.total = Tally()
        self.started = time.monotonic()

    def suite(self, name, run):
        started = time.monotonic()
        counts = run()
        self.total += counts
        said = str(counts) if counts != Tally() else ""
        print(f"{name:<24} {said:<36} {time.monotonic() - started:6.1f} s", flush=True)

    def end(self):
        print(f"{'all':<24} {'':<36} {time.monotonic() - self.started:6.1f} s")
        print(self.total, flush=True)


def meson_tests(directory):
    """The tests that meson knows: suite name -> list of tests."""
    listing = subprocess.run(["meson", "introspect", "--tests", directory], check=True,
                             stdout=subprocess.PIPE, text=True).stdout
    suites = {}
    for test in json.loads(listing):
        for suite in test["suite"] or ["other"]:
            suites.setdefault(suite.rpartition(":")[2], []).append(test)
    return dict(sorted(suites.items(),
                       key=lambda item: (ORDER + [item[0]]).index(item[0])))


def run_meson_suite(suite, full):
    """Runs a suite with sanitizers, and in the plain build what sanitizers keep from running."""
    counts, skipped = meson_test(SANITIZED, full, "--suite", suite)
    if skipped:
        again, _ = meson_test(PLAIN, full, *skipped)
        counts += Tally(skipped=-len(skipped)) + again
    return counts


def meson_test(directory, full, *which):
    """(counts, names of the tests that were skipped) of one call of meson test."""
    log = f"{directory}/meson-logs/testlog.json"
    if os.path.exists(log):
        os.unlink(log)
    setup = ["--timeout-multiplier", "10"] if full else []
    done = subprocess.run(["meson", "test", "-C", directory, "--no-rebuild", "--num-processes", "2",
                           *setup, *which],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False, env=environment(full))
    records = []
    if os.path.exists(log):
        with open(log, encoding="utf-8") as source:
            records = [json.loads(line) for line in source]
    counts = sum((meson_case(record) for record in records), Tally())
    if done.returncode != 0 and not counts.failed:
        print(done.stdout)
        counts += Tally(failed=1)
    return counts, [record["name"].rpartition(" / ")[2] for record in records
                    if record["result"] == "SKIP"]


def meson_case(record):
    output = record.get("stdout", "") + record.get("stderr", "")
    status = {"OK": 0, "EXPECTEDFAIL": 0, "SKIP": tally.SKIPPED_STATUS}.get(record["result"], 1)
    counts = tally.read(output, status)
    if counts.failed:
        complain(record["name"], f"{record['result']}, status {record.get('returncode')}", output)
    return counts


def complain(name, what, output):
    print(f"FAILED: {name} ({what})")
    print("".join(f"  | {line}\n" for line in output.splitlines()[-40:]), end="", flush=True)


def run_as_nobody(suite, full):
    """The same programs, one by one, by a user without any right."""
    counts = Tally()
    plain = {test["name"]: test for test in meson_tests(PLAIN)[suite]}
    for test in meson_tests(SANITIZED)[suite]:
        case = run_one_as_nobody(SANITIZED, test, full)
        if case == Tally(skipped=1):
            case = run_one_as_nobody(PLAIN, plain[test["name"]], full)
        counts += case
    return counts


def run_one_as_nobody(directory, test, full):
    argv = nobody.command(test["cmd"], test["workdir"] or directory)
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace", check=False,
                          timeout=test["timeout"] * (10 if full else 1) or None,
                          env={**environment(full), **test["env"]})
    case = tally.read(done.stdout, done.returncode)
    if case.failed:
        complain(f"{test['name']} as nobody", f"status {done.returncode}", done.stdout)
    return case


def run_script(argv, full):
    """A test program of our own, that prints as it goes and ends with its counts."""
    if full:
        argv = argv + ["--full"]
    child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True, errors="replace",
                             env=environment(full))
    lines = []
    for line in child.stdout:
        lines.append(line)
        if not tally.OUR_OWN.match(line):
            print(f"  {line}", end="", flush=True)
    return tally.read("".join(lines), child.wait())


def environment(full):
    return {**SANITIZER_OPTIONS, **os.environ, **({"SLUICE_TEST_FULL": "1"} if full else {})}


def run_all(args, report):
    werror = ["-Dwerror=true"] if os.environ.get("CI") == "true" else []
    report.suite("build", lambda: built(PLAIN, *werror))
    # Not werror: sanitizers make the compiler see dangers that are none.
    report.suite("build with sanitizers",
                 lambda: built(SANITIZED, "-Db_sanitize=address,undefined"))
    root = os.geteuid() == 0
    for suite in meson_tests(SANITIZED):
        if args.suites and suite not in args.suites:
            continue
        report.suite(suite, lambda s=suite: run_meson_suite(s, args.full))
        if suite in UNPRIVILEGED and root:
            report.suite(f"{suite} as nobody", lambda s=suite: run_as_nobody(s, args.full))
    scripts = {"net": [f"{REPOSITORY}/tests/net/run"]}
    if args.full:
        scripts["breakages"] = [f"{REPOSITORY}/tests/breakages/run"]
        scripts["vm"] = [f"{REPOSITORY}/tools/vm", "--nic", "virtio", "--build", PLAIN]
    for suite, argv in scripts.items():
        if not args.suites or suite in args.suites:
            report.suite(suite, lambda a=argv, s=suite: run_script(a, args.full and s == "net"))


def built(directory, *options):
    build(directory, *options)
    return Tally()


def main():
    args = arguments()
    report = Report()
    try:
        run_all(args, report)
    except BuildError as error:
        print(error)
        report.total += Tally(failed=1)
    report.end()
    strict = os.environ.get("CI") == "true"
    return 1 if report.total.failed or (strict and report.total.skipped) else 0


if __name__ == "__main__":
    sys.exit(main())
