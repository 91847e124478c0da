# SPDX-License-Identifier: BSD-3-Clause
"""Counts of test cases, and how to read them from what a test program printed."""

import dataclasses
import re

# What the test programs print at their end, one pattern for each outcome.
CMOCKA = {"passed": r"\[  PASSED  \] (\d+) test", "failed": r"\[  FAILED  \] (?:\S+: )?(\d+) test",
          "skipped": r"\[  SKIPPED \] (?:\S+: )?(\d+) test"}
OUR_OWN = re.compile(r"^(\d+) passed, (\d+) failed, (\d+) skipped$", re.MULTILINE)
TAP = {"passed": re.compile(r"^ok\b", re.MULTILINE), "failed": re.compile(r"^not ok\b", re.MULTILINE)}
TAP_PLAN = re.compile(r"^1\.\.\d+$", re.MULTILINE)
UNITTEST = re.compile(r"^Ran (\d+) tests? in ", re.MULTILINE)

SKIPPED_STATUS = 77


@dataclasses.dataclass
class Tally:
    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __add__(self, other):
        return Tally(self.passed + other.passed, self.failed + other.failed,
                     self.skipped + other.skipped)

    def __str__(self):
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


def read(output, status):
    """The cases of one test program. A program that says nothing of cases is one case; one that ends
    badly has at least one that failed, whatever it said before."""
    tally = said(output)
    if status == SKIPPED_STATUS:
        return Tally(skipped=1)
    if status != 0 and not (tally and tally.failed):
        return (tally or Tally()) + Tally(failed=1)
    return tally or Tally(passed=1)


def said(output):
    own = OUR_OWN.findall(output)
    if own:
        return Tally(*map(int, own[-1]))
    if "[  PASSED  ]" in output:
        return Tally(*(sum(map(int, re.findall(CMOCKA[outcome], output)))
                       for outcome in ("passed", "failed", "skipped")))
    if TAP_PLAN.search(output):
        return Tally(**{outcome: len(line.findall(output)) for outcome, line in TAP.items()})
    unittest = UNITTEST.findall(output)
    return Tally(passed=sum(map(int, unittest))) if unittest else None
