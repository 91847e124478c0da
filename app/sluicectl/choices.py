#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""
Writes the schedulers and forwarding methods of lib/lb (lib/conf/choices.c) as what command.h makes options of.
usage: choices.py CHOICES OUT
"""
import json
import sys


def main(choices, out):
    with open(choices, encoding="utf-8") as text:
        lists = json.load(text)
    names = "|".join(scheduler["name"] for scheduler in lists["schedulers"])
    with open(out, "w", encoding="utf-8") as text:
        text.write(f'#define CTL_SCHEDULERS "{names}"\n#define CTL_METHODS(X)')
        for method in lists["methods"]:
            letter = f"'{method['letter']}'" if method["letter"] else "0"
            words = f"{json.dumps(method['name'])}, NULL, {json.dumps(method['help'])}"
            text.write(f" \\\n\tX({method['name'].upper()}, {letter}, {words})")
        text.write("\n")


main(*sys.argv[1:])
