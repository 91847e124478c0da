#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Fails when a header of lib/ does not compile alone. Arguments: root, build root, compiler."""
import pathlib
import subprocess
import sys

root, build, compiler = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3:]
flags = subprocess.run(['pkg-config', '--cflags', 'libdpdk'], text=True, capture_output=True).stdout
flags = flags.replace('-I', '-isystem ').split()
headers = sorted((root / 'lib').rglob('*.h'))
failed = 0
for header in headers:
    name = header.relative_to(root / 'lib')
    run = subprocess.run([*compiler, *flags, '-Wall', '-Wextra', '-Wno-unused-parameter', '-Werror',
                          '-D_GNU_SOURCE', '-I', root / 'lib', '-I', f'{build}/lib',
                          '-fsyntax-only', '-x', 'c', '-'],
                         input=f'#include "{name}"\n', text=True, capture_output=True)
    if run.returncode != 0:
        failed += 1
        print(f'{name} does not compile alone:\n{run.stderr}')
print(f'headers: {len(headers) - failed} of {len(headers)} compile alone')
sys.exit(failed > 0 or len(headers) < 10)
