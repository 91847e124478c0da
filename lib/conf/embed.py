#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Writes a file as a C array: embed.py INPUT OUTPUT SYMBOL makes SYMBOL_text[] and SYMBOL_size."""

import sys

source, target, symbol = sys.argv[1:4]
with open(source, "rb") as f:
    data = f.read()
with open(target, "w", encoding="ascii") as f:
    f.write("#include <stddef.h>\n")
    f.write(f"extern const char {symbol}_text[];\nextern const size_t {symbol}_size;\n")
    f.write(f"const size_t {symbol}_size = {len(data)};\nconst char {symbol}_text[] = {{\n")
    for at in range(0, len(data), 20):
        f.write(",".join(str(byte - 256 if byte > 127 else byte) for byte in data[at:at + 20]) + ",\n")
    f.write("0};\n")
