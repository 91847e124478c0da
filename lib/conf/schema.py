#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""
Makes the configuration's schema from its source: takes out what this build cannot do, and puts in what there is to
choose from. In the source,
  "x-needs": "tun"            beside a key: the key is there when that word is among those given
  "x-choices": [{"name", "text", "needs"}]
                              becomes "enum", and the texts go behind the description
  "x-list": "methods"         beside it: the choices are those of that list, which need no text
The words that were given are listed as "x-has".
usage: schema.py SOURCE OUT LIST=NAME,NAME... (words of all lists can be needed)
"""
import json
import sys


class Build:
    def __init__(self, lists):
        self.lists = lists
        self.words = {word for names in lists.values() for word in names}

    def has(self, node):
        return not isinstance(node, dict) or node.get("x-needs") in self.words | {None}

    def choices(self, node):
        listed = {choice["name"]: choice.get("text") for choice in node.pop("x-choices", [])
                  if choice.get("needs") in self.words | {None}}
        names = self.lists[node.pop("x-list")] if "x-list" in node else list(listed)
        texts = [f"{name}: {listed[name]}" for name in names if listed.get(name)]
        node["enum"] = names
        if "description" in node or texts:
            node["description"] = " ".join([node.get("description", ""), *texts]).strip()

    def prune(self, node):
        if isinstance(node, list):
            return [self.prune(one) for one in node]
        if not isinstance(node, dict):
            return node
        node = {key: self.prune(value) for key, value in node.items() if self.has(value)}
        node.pop("x-needs", None)
        if "x-choices" in node or "x-list" in node:
            self.choices(node)
        return node


def main(source, out, *lists):
    lists = {name: [word for word in words.split(",") if word] for name, words in (one.split("=") for one in lists)}
    with open(source, encoding="utf-8") as text:
        build = Build(lists)
        schema = build.prune(json.load(text))
    schema["x-has"] = sorted(build.words)
    with open(out, "w", encoding="utf-8") as text:
        json.dump(schema, text, indent=2, ensure_ascii=False)
        text.write("\n")


main(*sys.argv[1:])
