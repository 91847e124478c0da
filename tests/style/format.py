#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Fails when a C file is not in the form that .clang-format gives it. Argument: the root."""
import pathlib
import subprocess
import sys

root = pathlib.Path(sys.argv[1])
files = [p for top in ('app', 'lib', 'tests') for p in sorted((root / top).rglob('*.[ch]'))]
run = subprocess.run(['clang-format', '--dry-run', '-Werror', '--style=file', *files],
                     text=True, capture_output=True)
wrong = sorted({line.split(':')[0] for line in run.stderr.split('\n') if 'error:' in line})
for path in wrong:
    print(f'{path}: clang-format -i would change it')
print(f'format: {len(files) - len(wrong)} of {len(files)} files')
sys.exit(bool(wrong) or run.returncode != 0 or len(files) < 100)
