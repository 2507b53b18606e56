"""Holds our templates against the real Jinja2 (Debian's python3-jinja2): the cases of cases.txt, then templates and
data made from a seed, then values of every type. Usage: compare.py TEMPLATE_CLI CASES [SEED [COUNT]]. Speaks TAP: one line for the hand-written cases
that agree, two for the generated ones, and one `not ok` for each that differs."""
import json
import pathlib
import re
import subprocess
import sys

import jinja2
import jinja2.meta

import generate
import generate_values

VARS = {
    'name': '王小明', 'n': 42, 'neg': -7, 'f': 2.5, 'price': 1299.9, 'big': 9007199254740993,
    'list': ['a', 'b', 'c'], 'nested': [[1, [2, 3]], {'k': [None, True, 1.5]}],
    'user': {'name': 'Bob', 'age': 30, 'addr': {'city': 'Paris', 'zip': '75001'}},
    'users': [
        {'name': 'Ann', 'age': 31, 'dept': 'ops', 'active': True, 'addr': {'city': 'Rome'}},
        {'name': 'bob', 'age': 17, 'dept': 'dev', 'active': False, 'addr': {'city': 'Oslo'}},
        {'name': 'Cid', 'age': 25, 'dept': 'ops', 'active': True, 'addr': {'city': 'Bonn'}},
    ],
    'tree': [{'v': 1, 'kids': [{'v': 2, 'kids': [{'v': 3}]}, {'v': 4}]}, {'v': 5}],
    'weird': {"it's": 'a"b', '\n': '\\', '中': '\u200b\u00a0😀'},
}
INCLUDES = {
    'hello': 'Hello!', 'vars': '{{ name }}/{{ n }}', 'local': '[{{ local }}{{ n }}]', 'loop_x': '<{{ x }}>',
    'sets': '{% set setted = 1 %}{{ setted }}', 'nested': 'n({% include "hello" %}{% include "vars" %})',
    'macro_file': '{% macro m(a) %}m{{ a }}{% endmacro %}{{ m(n) }}', 'broken_at_run': '{{ 1 / 0 }}',
}
OPTIONS = {'trim': 'trim_blocks', 'lstrip': 'lstrip_blocks', 'keep': 'keep_trailing_newline'}


def read_cases(path):
    for line in pathlib.Path(path).read_text('utf-8').split('\n'):
        if not line.strip() or line.startswith('# '):
            continue
        options = {}
        while match := re.match(r'@(\w+) ', line):
            options[match[1]] = True
            line = line[match.end():]
        yield {'template': line.replace('⏎', '\n').replace('⇥', '\t'), 'vars': VARS, 'options': options,
               'includes': INCLUDES}


def reference(case):
    """What Jinja2 says: (True, text, variables it needs) or (False, why, None)."""
    options = case.get('options', {})
    env = jinja2.Environment(loader=jinja2.DictLoader(case.get('includes', {})), extensions=['jinja2.ext.do'],
                             undefined=jinja2.StrictUndefined if options.get('strict') else jinja2.Undefined,
                             **{theirs: True for ours, theirs in OPTIONS.items() if options.get(ours)})
    try:
        text = env.from_string(case['template']).render(case['vars'])
        return True, text, jinja2.meta.find_undeclared_variables(env.parse(case['template']))
    except Exception as error:  # whatever Python raises, the template failed
        return False, f'{type(error).__name__}: {error}', None


class Ours:
    def __init__(self, cli):
        self.process = subprocess.Popen([cli], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def render(self, case):
        self.process.stdin.write(json.dumps(case).encode() + b'\n')
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        return answer['ok'], answer['out'] if answer['ok'] else answer['error'], answer.get('variables')


# Integers past 64 bits are an error of ours, and nothing of Python's.
TOO_WIDE = 'does not fit in a 64-bit integer'
# Jinja2 3.1.2 lets this escape from int, later ones give the default, as we do.
INFINITE = 'cannot convert float infinity to integer'
# What Python prints for its own objects (addresses, class names) is nothing a template can want.
OBJECTS = re.compile(r'<(generator|built-in|bound|function|class|jinja2|Cycler|Joiner|map|itertools)|at 0x')


def differs(case, ours):
    theirs, mine = reference(case), ours.render(case)
    if not mine[0] and TOO_WIDE in mine[1] or not theirs[0] and INFINITE in theirs[1]:
        return None
    if theirs[0] and OBJECTS.search(theirs[1]):
        return None
    if theirs[:1] == mine[:1] and (not theirs[0] or theirs[1] == mine[1]):
        return None
    return f"{case['template']!r} {case.get('options')}\n#   theirs {theirs[:2]!r}\n#   ours   {mine[:2]!r}"


def run(title, cases, ours, number):
    count, failures = 0, []
    for case in cases:
        count += 1
        difference = differs(case, ours)
        if difference:
            failures.append(difference)
    for failure in failures[:50]:
        print('#', failure)
    print('not ok' if failures else 'ok', number, '-', f'{title}: {count - len(failures)} of {count} agree')
    return not failures


def main(cli, cases, seed='1', count='3000'):
    ours = Ours(cli)
    print('1..3')
    good = run('hand-written templates', read_cases(cases), ours, 1)
    made = generate.cases(int(seed), int(count))
    good = run(f'generated templates, seed {seed}', made, ours, 2) and good
    good = run(f'values of all types, seed {seed}', generate_values.cases(int(seed), int(count)), ours, 3) and good
    return 0 if good else 1


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:]))
