#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""
Makes the configuration's schema from its source: puts in what there is to choose from. In the source,
  "x-choices": [{"name", "text"}]
                              becomes "enum", and the texts go behind the description
  "x-list": "methods"         the same with the choices of that list in CHOICES (choices.c)
usage: schema.py SOURCE CHOICES OUT
"""
import json
import sys


def sentence(choice):
    text = f"{choice['name']}: {choice['text']}"
    return text if text.endswith(".") else text + "."


def fill(node, lists):
    if isinstance(node, list):
        return [fill(one, lists) for one in node]
    if not isinstance(node, dict):
        return node
    node = {key: fill(value, lists) for key, value in node.items()}
    choices = lists[node.pop("x-list")] if "x-list" in node else node.pop("x-choices", None)
    if choices is not None:
        node["enum"] = [choice["name"] for choice in choices]
        texts = [sentence(choice) for choice in choices if choice.get("text")]
        if "description" in node or texts:
            node["description"] = " ".join([node.get("description", ""), *texts]).strip()
    return node


def read(path):
    with open(path, encoding="utf-8") as text:
        return json.load(text)


def main(source, choices, out):
    schema = fill(read(source), read(choices))
    with open(out, "w", encoding="utf-8") as text:
        json.dump(schema, text, indent=2, ensure_ascii=False)
        text.write("\n")


main(*sys.argv[1:])
