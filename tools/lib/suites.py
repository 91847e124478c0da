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
ORDER = ["unit", "vector", "sim", "fuzz", "root"]
UNPRIVILEGED = ["unit", "vector"]
SANITIZER_OPTIONS = {"ASAN_OPTIONS": "abort_on_error=1",
                     "UBSAN_OPTIONS": "halt_on_error=1:abort_on_error=1:print_stacktrace=1"}


def arguments():
    parser = argparse.ArgumentParser(prog="tools/test", description=__doc__)
    parser.add_argument("--full", action="store_true",
                        help="longer simulations and floods, interrupted demonstrations, breakages")
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


def run_meson_suite(directory, suite, full):
    """Runs a suite with meson and counts its cases."""
    log = f"{directory}/meson-logs/testlog.json"
    if os.path.exists(log):
        os.unlink(log)
    setup = ["--timeout-multiplier", "10"] if full else []
    done = subprocess.run(["meson", "test", "-C", directory, "--no-rebuild", "--suite", suite,
                           "--num-processes", "2"] + setup,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False, env=environment(full))
    counts = Tally()
    if os.path.exists(log):
        with open(log, encoding="utf-8") as source:
            for line in source:
                counts += meson_case(json.loads(line))
    if done.returncode != 0 and not counts.failed:
        print(done.stdout)
        counts += Tally(failed=1)
    return counts


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


def run_as_nobody(tests, full):
    """The same programs, one by one, by a user without any right."""
    counts = Tally()
    for test in tests:
        argv = nobody.command(test["cmd"], test["workdir"] or SANITIZED)
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, errors="replace", check=False,
                              timeout=test["timeout"] * (10 if full else 1) or None,
                              env={**environment(full), **test["env"]})
        case = tally.read(done.stdout, done.returncode)
        if case.failed:
            complain(f"{test['name']} as nobody", f"status {done.returncode}", done.stdout)
        counts += case
    return counts


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
    werror = ["-Dwerror_ci=true"] if os.environ.get("CI") == "true" else []
    report.suite("build", lambda: built(PLAIN, *werror))
    # Not werror: sanitizers make the compiler see dangers that are none.
    report.suite("build with sanitizers",
                 lambda: built(SANITIZED, "-Db_sanitize=address,undefined"))
    root = os.geteuid() == 0
    for suite, tests in meson_tests(SANITIZED).items():
        if args.suites and suite not in args.suites:
            continue
        report.suite(suite, lambda s=suite: run_meson_suite(SANITIZED, s, args.full))
        if suite in UNPRIVILEGED and root:
            report.suite(f"{suite} as nobody", lambda t=tests: run_as_nobody(t, args.full))
    scripts = {"net": [f"{REPOSITORY}/tests/net/run"]}
    if args.full:
        scripts["breakages"] = [f"{REPOSITORY}/tests/breakages/run"]
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
