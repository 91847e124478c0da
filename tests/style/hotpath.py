#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""
Fails when anything that a worker does for a packet allocates, logs, locks or calls the system.

Walks the machine code of the libraries (arguments: their archives) from the functions that the
worker's loop calls and from every scheduler and forwarding method, along all that each function
mentions. What is found must be in these archives or in ALLOWED; no instruction on the way may
take a lock or enter the kernel. In a build with sanitizers, which call their run time everywhere,
there is nothing to see: the test is skipped.
"""
import pathlib
import re
import subprocess
import sys

ROOTS = {'sl_pipeline_run', 'sl_worker_poll_begin', 'sl_worker_take_handover',
         'sl_worker_housekeeping', 'sl_worker_poll_end'}
ROOT_FILES = re.compile(r'(^|[/_])(sched|fwd)_\w+\.c\.o$')  # reached through pointers, from tables
CONFIGURING = {'prepare', 'block_bytes'}    # of a scheduler: on the configuration thread
ALLOWED = {'memcpy', 'memmove', 'memset', 'memcmp', 'strcmp', '__stack_chk_fail',
           '__memcpy_chk', '__memset_chk', '__memmove_chk'}
FORBIDDEN = re.compile(r'^\s+[0-9a-f]+:\s+(lock\s|syscall|sysenter|int\s+\$?0x80|svc\s|xchg\s.*\()')
FILE = re.compile(r'^(\S+\.o):\s+file format')
FUNCTION = re.compile(r'^[0-9a-f]+ <([\w.]+)>:$')
MENTION = re.compile(r'<([\w.]+)(?:[+-]0x[0-9a-f]+)?>$|: R_\w+\s+(\.?[\w.]+?)(?:[+-]0x[0-9a-f]+)?$')


def name_of(name):
    """Compilers split functions: name.constprop.0, name.part.0, name.cold are name."""
    return name if name.startswith('.') else name.split('.')[0]


def read(archives):
    """Of each (file, function): what it mentions, and forbidden instructions."""
    functions, defined = {}, {}
    for archive in archives:
        text = subprocess.run(['objdump', '-dr', '--no-show-raw-insn', archive], text=True,
                              capture_output=True, check=True).stdout
        file = at = None
        for line in text.splitlines():
            if match := FILE.match(line):
                file = match[1]
            elif match := FUNCTION.match(line):
                at = (file, name_of(match[1]))
                functions.setdefault(at, (set(), []))
                defined.setdefault(at[1], []).append(at)
            elif at is not None:
                if FORBIDDEN.match(line):
                    functions[at][1].append(line.strip())
                if match := MENTION.search(line):
                    functions[at][0].add(name_of(match[1] or match[2]))
    return functions, defined


def walk(functions, defined, data):
    waiting = [at for at in functions
               if at[1] in ROOTS or (ROOT_FILES.search(at[0]) and at[1] not in CONFIGURING)]
    came_from = {at: None for at in waiting}
    for at in waiting:
        mentions, forbidden = functions[at]
        yield from ((at, came_from, f'executes "{line}"') for line in forbidden)
        for name in sorted(mentions):
            places = [p for p in defined.get(name, []) if p[0] == at[0]] or defined.get(name, [])
            if not places and not name.startswith('.') and name not in ALLOWED | data:
                yield at, came_from, f'uses {name}'
            for place in places:
                if place not in came_from:
                    came_from[place] = at
                    waiting.append(place)
    if len(waiting) < 30:
        yield None, came_from, f'only {len(waiting)} functions were found: is the walk broken?'
    print(f'hotpath: {len(waiting)} functions')


def story(at, came_from):
    names = []
    while at is not None:
        names.append(at[1])
        at = came_from[at]
    return ' <- '.join(names)


archives = sys.argv[1:]
symbols = subprocess.run(['nm', *archives], text=True, capture_output=True, check=True).stdout
if '__asan_' in symbols or '__ubsan_' in symbols or '__sanitizer' in symbols:
    print('hotpath: skipped, sanitizers are compiled in')
    sys.exit(77)
data = {line.split()[-1] for line in symbols.splitlines() if re.search(r' [dDbBrRC] ', line)}
found = [f'{why}: {story(at, came_from)}' for at, came_from, why in walk(*read(archives), data)]
for line in found:
    print(line)
missing = ROOTS - {name_of(line.split()[-1]) for line in symbols.splitlines() if ' T ' in line}
if missing:
    print(f'no such functions: {sorted(missing)}')
sys.exit(bool(found or missing))
