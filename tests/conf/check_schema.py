#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""
Asks an independent JSON Schema validator about the configuration's schema: whether it is a schema of draft 4, and
whether it accepts and refuses the configurations beside this file, and the examples, as sluice does.
usage: check_schema.py SOURCE_ROOT SCHEMA
"""
import json
import pathlib
import re
import sys

try:
    import jsonschema
except ImportError:
    print("python3-jsonschema is not installed")
    sys.exit(77)  # skipped


def blank_comments(text):
    return re.sub(r"^[ \t]*//.*$", "", text, flags=re.MULTILINE)


def main(root, schema_file):
    schema = json.loads(schema_file.read_text(encoding="utf-8"))
    jsonschema.Draft4Validator.check_schema(schema)
    validator = jsonschema.Draft4Validator(schema)
    failures = files = 0
    for path in [*sorted((root / "tests/conf").glob("*.json")),
                 *(root / "config" / name for name in ("lab.json", "bare-metal.json"))]:
        text = path.read_text(encoding="utf-8", errors="replace")
        kind = re.search(r"^// kind: (\w+)$", text, re.MULTILINE)
        kind = kind.group(1) if kind else "valid"
        if kind == "json":
            continue
        valid = validator.is_valid(json.loads(blank_comments(text)))
        files += 1
        if valid == (kind == "schema"):
            print(f"{path}: of kind {kind}, but the schema {'accepts' if valid else 'refuses'} it")
            failures += 1
    print(f"{files} documents, {failures} on which the schema and sluice differ")
    return 1 if failures or files < 100 else 0


sys.exit(main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])))
