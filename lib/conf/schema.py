#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""
Makes the configuration's schema from its source: puts in what there is to choose from. In the source,
  "x-choices": [{"name", "text"}]
                              becomes "enum", and the texts go behind the description
  "x-list": "methods"         beside it: the choices are those of that list, which need no text
usage: schema.py SOURCE OUT LIST=NAME,NAME...
"""
import json
import sys


def choose(node, lists):
    listed = {choice["name"]: choice.get("text") for choice in node.pop("x-choices", [])}
    names = lists[node.pop("x-list")] if "x-list" in node else list(listed)
    texts = [f"{name}: {listed[name]}" for name in names if listed.get(name)]
    node["enum"] = names
    if "description" in node or texts:
        node["description"] = " ".join([node.get("description", ""), *texts]).strip()


def fill(node, lists):
    if isinstance(node, list):
        return [fill(one, lists) for one in node]
    if not isinstance(node, dict):
        return node
    node = {key: fill(value, lists) for key, value in node.items()}
    if "x-choices" in node or "x-list" in node:
        choose(node, lists)
    return node


def main(source, out, *lists):
    lists = {name: [word for word in words.split(",") if word] for name, words in (one.split("=") for one in lists)}
    with open(source, encoding="utf-8") as text:
        schema = fill(json.load(text), lists)
    with open(out, "w", encoding="utf-8") as text:
        json.dump(schema, text, indent=2, ensure_ascii=False)
        text.write("\n")


main(*sys.argv[1:])
