#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""
Holds the code to the sizes that CONTRIBUTING.md promises: .c files of at most 900 lines with a median of
at most 300; at least 90 % of functions of at most 50 lines, none over 130; an SPDX line in every file.
"""
import pathlib
import statistics
import sys

root = pathlib.Path(sys.argv[1])
sources = [p for top in ('lib', 'app') for p in sorted((root / top).rglob('*.[ch]'))]
files, functions, problems = [], [], []
for path in sources:
    lines = path.read_text().split('\n')
    if 'SPDX-License-Identifier: BSD-3-Clause' not in lines[0]:
        problems.append(f'{path}: the first line is not the SPDX line')
    if any(len(line.expandtabs(8)) > 100 for line in lines):
        problems.append(f'{path}: a line of more than 100 columns')
    if path.suffix != '.c':
        continue
    files.append((len(lines), path))
    start = None
    for number, line in enumerate(lines):
        if line.startswith('{'):
            start = number
        elif line.startswith('}') and start is not None:
            functions.append((number - start - 1, f'{path}:{start + 1}'))
            start = None
median = statistics.median(n for n, _ in files)
short = 100 * sum(n <= 50 for n, _ in functions) / len(functions)
problems += [f'{p}: {n} lines, at most 900' for n, p in files if n > 900]
problems += [f'{p}: a function of {n} lines, at most 130' for n, p in functions if n > 130]
if median > 300:
    problems.append(f'median .c file: {median} lines, at most 300')
if short < 90:
    problems.append(f'{short:.0f} % of functions have at most 50 lines, at least 90 wanted')
print('\n'.join(problems))
print(f'sizes: {len(files)} files, median {median:.0f} lines; {len(functions)} functions, '
      f'{short:.0f} % of at most 50 lines')
sys.exit(bool(problems))
