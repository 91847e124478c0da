#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Fails when a library includes what stands above it: base <- net <- lb <- conf <- api <- app."""
import pathlib
import re
import sys

ALLOWED = {
    'base': {'base'},
    'net': {'base', 'net'},
    'lb': {'base', 'net', 'lb'},
    'conf': {'base', 'net', 'lb', 'conf'},
    'api': {'base', 'net', 'lb', 'conf', 'api'},
    'io': {'base', 'io'},
}
# Only these may know jansson; only the packet path's own libraries may know mbufs.
JANSSON = {'conf', 'api'}
INCLUDE = re.compile(r'^\s*#\s*include\s+["<]([^">]+)[">]', re.M)


def offences(root):
    seen = 0
    for path in sorted((root / 'lib').rglob('*.[ch]')):
        library = path.relative_to(root / 'lib').parts[0]
        seen += 1
        for target in INCLUDE.findall(path.read_text()):
            first = target.split('/')[0]
            if '/' in target and first in ALLOWED and first not in ALLOWED[library]:
                yield f'{path}: includes {target}: {library} may use {sorted(ALLOWED[library])}'
            if target == 'jansson.h' and library not in JANSSON:
                yield f'{path}: includes jansson.h: only {sorted(JANSSON)} may'
            if target.startswith('../') or target.startswith('app/'):
                yield f'{path}: includes {target}: a library reaches for nothing outside lib/'
    if seen < 10:
        yield f'only {seen} files found below {root}/lib: this test looks in the wrong place'


found = list(offences(pathlib.Path(sys.argv[1])))
print('\n'.join(found) or 'layers: ok')
sys.exit(bool(found))
