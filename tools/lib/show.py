# SPDX-License-Identifier: BSD-3-Clause
"""How a demonstration speaks."""


class Failure(Exception):
    """Why the demonstration failed, in one sentence."""


def say(text=""):
    print(text, flush=True)


def title(text):
    say(f"\n--- {text}")
