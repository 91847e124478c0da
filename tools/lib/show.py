# SPDX-License-Identifier: BSD-3-Clause
"""How a demonstration speaks."""


class Failure(Exception):
    """Why the demonstration failed, in one sentence."""


def say(text=""):
    print(text, flush=True)


def title(text):
    say(f"\n--- {text}")


def verdict(tool, why):
    """The last line, which counts, after what else `why` says; "" is for ok. Returns the exit status."""
    if not why:
        say(f"{tool}: ok")
        return 0
    sentence, _, details = why.partition("\n")
    if details:
        say(details)
    say(f"{tool}: FAILED: {sentence}")
    return 1
