#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""
Writes the keys of a configuration as scdoc text, from their titles, descriptions, bounds and defaults in the
schema, into a page at its line @KEYS@.
usage: conf_keys.py PAGE SCHEMA > PAGE.scd
"""
import json
import re
import sys

FORMATS = {
    "duration": "duration",
    "size": "size with its unit (K, M, G, T)",
}


def escape(text):
    return re.sub(r"([\\_*`#<>|~])", r"\\\1", text)


def sentence(text):
    return text if not text or text[-1] in ".!?" else text + "."


class Page:
    def __init__(self, schema):
        self.root = schema
        self.lines = []
        self.pending = [("", schema, True)]

    def resolve(self, node):
        while "$ref" in node:
            node = self.root["$defs"][node["$ref"].rsplit("/", 1)[1]]
        return node

    def bounds(self, target):
        low, high = target.get("minimum"), target.get("maximum")
        form = target.get("x-format")
        show = {"duration": duration, "size": size}.get(form, str)
        if low is not None and high is not None:
            return f"{show(low)} to {show(high)}"
        return ""

    def kind(self, target):
        if "enum" in target:
            return " or ".join(f"\"{value}\"" for value in target["enum"])
        types = target["type"] if isinstance(target["type"], list) else [target["type"]]
        words = {"string": "text", "integer": "whole number", "boolean": "true or false",
                 "array": "list", "object": "object"}
        text = " or ".join(words[name] for name in types)
        if target.get("x-format") in FORMATS:
            text = FORMATS[target["x-format"]]
        bounds = self.bounds(target)
        return f"{text}, {bounds}" if bounds else text

    def key(self, name, declared, required, live):
        target = self.resolve(declared)
        notes = [self.kind(target)]
        default = declared.get("default", target.get("default"))
        if required:
            notes.append("required")
        elif default not in (None, {}, []):
            notes.append(f"default {json.dumps(default)}")
        if not live:
            notes.append("changed by a restart only")
        text = [sentence(declared.get("title", target.get("title", "")))]
        text.append(declared.get("description", target.get("description", "")))
        self.lines += [f"*{escape(name)}* ({escape('; '.join(notes))})",
                       "\t" + escape(" ".join(part for part in text if part)), ""]

    def section(self, path, node, live):
        if path:
            self.lines += [f"## {escape(path)}", ""]
        required = node.get("required", [])
        for name, declared in node["properties"].items():
            target = self.resolve(declared)
            child_live = declared.get("x-live", target.get("x-live", live))
            self.key(name, declared, name in required, child_live)
            child = f"{path}.{name}" if path else name
            if "properties" in target:
                self.pending.append((child, target, child_live))
            elif "items" in target and "properties" in self.resolve(target["items"]):
                self.pending.append((child + "[]", self.resolve(target["items"]), child_live))

    def text(self):
        while self.pending:
            self.section(*self.pending.pop(0))
        return "\n".join(self.lines)


def duration(seconds):
    for unit, name in ((3600, "h"), (60, "m")):
        if seconds % unit == 0:
            return f"{seconds // unit}{name}"
    return f"{seconds}s"


def size(count):
    for unit, name in ((1 << 40, "T"), (1 << 30, "G"), (1 << 20, "M")):
        if count % unit == 0:
            return f"{count // unit}{name}"
    return str(count)


def main(page, schema):
    with open(schema, encoding="utf-8") as source:
        keys = Page(json.load(source)).text()
    with open(page, encoding="utf-8") as source:
        print(source.read().replace("@KEYS@\n", keys), end="")


main(*sys.argv[1:3])
