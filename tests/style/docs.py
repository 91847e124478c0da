#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""
Fails when a document names what is not there: a file, a function() or a symbol with our prefix, a link. The functions in
docs/life-of-a-packet.md, those of its diagrams included, have to be in the files that it tells its reader to open.
"""
import pathlib
import re
import sys

root = pathlib.Path(sys.argv[1])
GUIDE = 'life-of-a-packet.md'
# In a file's name, NAME and * stand for anything.
FILE = re.compile(r'(?<![\w/.*-])(?:[\w.*-]+/)*[\w*-]+\.(?:c|h|py|in|ini|build|scd)\b')
PLACE = re.compile(r'(?<![\w/.-])(?:app|config|docs|lib|tests|tools)/[\w./*-]*[\w*]')
LINK = re.compile(r'\]\(([^)#:]+)\)')
CALL = re.compile(r'\b([a-z]\w*)\(\)')
OURS = re.compile(r'\b((?:sl|SL|ctl|CTL)_\w+(?:\.\w+)?)')
CODE = re.compile(r'`([^`\n]+)`')
FENCE = re.compile(r'^```.*?^```', re.M | re.S)
DEFINITION = re.compile(r'^(?:[a-z][\w \t*]*[ \t*])?([a-z]\w*)\([^;]*?\)\n\{', re.M | re.S)
LONG = re.compile(r'\b[a-z]+(?:_\w+)+\b')

texts = {p: p.read_text() for top in ('lib', 'app') for p in sorted((root / top).rglob('*.[ch]'))}
functions = {path: set(DEFINITION.findall(text)) for path, text in texts.items()}
words = set(re.findall(r'\w+', '\n'.join(texts.values())))
# Made by the build.
words |= {f'SL_FWD_{path.stem[4:].upper()}' for path in texts if path.stem.startswith('fwd_')}


def find(name):
    """The files that a name of a file means: from the root, from lib/, or anywhere in the code."""
    pattern = name.replace('NAME', '*').strip('/')
    places = [found for top in ('', 'lib/', 'app/') for found in root.glob(top + pattern)]
    everywhere = [*texts, *(root / 'tests').rglob('*.[ch]')]
    return places or [path for path in everywhere if '/' not in pattern and path.match(pattern)]


def is_known(symbol):
    return any(word.startswith(symbol) for word in words) if symbol.endswith('_') else set(symbol.split('.')) <= words


def check_names(text):
    for name in sorted({*FILE.findall(text), *PLACE.findall(text)}):
        if not find(name):
            yield f'there is no file {name}'
    for name in sorted(set(OURS.findall(text))):
        if not is_known(name):
            yield f'nothing is called {name}'
    for name in sorted(set(CALL.findall(text))):
        if not any(name in there for there in functions.values()):
            yield f'there is no function {name}()'


def check_guide(text):
    """Each function is in a file that the document names, by its header if it likes."""
    shown = {path.with_suffix(end) for name in FILE.findall(text) for path in find(name) for end in ('.c', '.h')}
    there = set().union(*(functions[path] for path in shown if path in functions))
    strings = set(re.findall(r'"(\w+)"', '\n'.join(texts.values())))
    diagrams = ' '.join(FILE.sub(' ', block) for block in FENCE.findall(text))
    prose = FENCE.sub('', text)
    for name in sorted({*CALL.findall(prose), *LONG.findall(diagrams)}):
        if name not in there:
            yield f'{name}() is in none of the files that it names'
    for name in sorted({code for code in CODE.findall(prose) if re.fullmatch(r'[a-z]\w*', code)}):
        if name not in there and name not in strings:
            yield f'{name} is neither a function of the files that it names nor a word of the program'


def offences(path):
    text = path.read_text()
    for link in LINK.findall(text):
        if not (path.parent / link).exists():
            yield f'its link to {link} leads nowhere'
    yield from check_names(text)
    if path.name == GUIDE:
        yield from check_guide(text)


pages = sorted((root / 'docs').glob('*.md')) + [root / 'README.md', root / 'CONTRIBUTING.md']
problems = [f'{page.relative_to(root)}: {problem}' for page in pages for problem in offences(page)]
print('\n'.join(problems) or f'docs: what {len(pages)} documents name is there')
sys.exit(bool(problems) or len(pages) < 5 or len(words) < 1000)
