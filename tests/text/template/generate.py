"""Templates and data made from a seed, for compare.py. Mostly well-typed, so that most of them render; the rest
must fail on both sides."""
import random

NAMES = ['name', 'n', 'xs', 'user', 'flag', 'price', 'rows', 'nosuch']
WORDS = ['', 'a', 'Hello World', 'ab,cd,ef', '你好，世界', "it's", 'x"y', ' pad ', '3', '4.5', 'ÀÉ', 'line\nbreak', '<b>&</b>']


class Maker:
    def __init__(self, rng):
        self.rng = rng

    def pick(self, *choices):
        return self.rng.choice(choices)

    def data(self):
        r = self.rng
        return {
            'name': r.choice(WORDS), 'n': r.choice([0, 1, -1, 7, 42, -13, 1000000]),
            'xs': [r.choice([r.randint(-9, 9), r.random() * 10, r.choice(WORDS)]) if r.random() < .3
                   else r.randint(-9, 9) for _ in range(r.randint(0, 5))],
            'user': {'name': r.choice(WORDS), 'age': r.randint(0, 90), 'tags': r.sample(WORDS, 3), 'none': None},
            'flag': r.random() < .5, 'price': r.choice([0.1, 1.5, -2.25, 1e16, 1e-7, 12345.678, 3.0]),
            'rows': [{'k': r.choice('abc'), 'v': r.randint(0, 5)} for _ in range(r.randint(0, 5))],
        }

    def number(self, depth):
        if depth <= 0:
            return self.pick('n', 'price', 'user.age', '1', '2', '0', '3.5', '-4', 'xs|length', '10')
        a, b = self.number(depth - 1), self.number(depth - 1)
        return self.pick(f'({a} {self.pick("+", "-", "*", "/", "//", "%")} {b})', f'{a}|abs', f'({a})|round({self.pick("", "1", "2", "-1")})',
                         f'({a})|int', f'({self.text(depth - 1)})|length', f'({self.text(depth - 1)})|int', f'-{a}',
                         f'({self.numbers(depth - 1)})|sum', f'({a} if {self.truth(depth - 1)} else {b})', f'({a})|float')

    def text(self, depth):
        if depth <= 0:
            return self.pick('name', 'user.name', "'abc'", "'x y z'", repr(self.rng.choice(WORDS)), 'user.tags[0]')
        a, n = self.text(depth - 1), self.number(0)
        return self.pick(f'({a} ~ {self.any(depth - 1)})', f'({a} + {self.text(depth - 1)})', f'({a})|upper', f'({a})|lower',
                         f'({a})|title', f'({a})|capitalize', f'({a})|trim', f"({a})|replace('a', '{self.pick('', 'bb', 'é')}')",
                         f'({a})[{self.rng.randint(-3, 3)}:{self.rng.randint(-3, 5)}]', f'({a})[::{self.pick(1, 2, -1, -2)}]',
                         f'({a}) * {self.rng.randint(0, 3)}', f'({self.any(depth - 1)})|string', f"({self.list(depth - 1)})|join('{self.pick('', ', ', '-')}')",
                         f'({a})|truncate({self.rng.randint(3, 12)}, {self.pick("true", "false")}, leeway={self.rng.randint(0, 3)})',
                         f'({a})|center({self.rng.randint(0, 12)})', f'({a})|reverse', f'({a})|e', f'({a})|urlencode', f'({a})|striptags',
                         f'({a})|wordwrap({self.rng.randint(1, 9)})', f'({a})|indent({self.rng.randint(0, 3)}, {self.pick("true", "false")})',
                         f'"%s/%5.{self.rng.randint(0, 3)}f"|format({a}, {n})', f'({a}).{self.pick("upper", "strip", "title", "lower", "capitalize")}()',
                         f'({a})|first', f'({a})|default({self.text(depth - 1)}, true)', f'({self.any(depth - 1)})|tojson',
                         f"'{{:>{self.rng.randint(0, 9)}}}'.format({a})", f"'{{:{self.pick('', '+', ',', '08')}{self.pick('.2f', '.1%', '.3e')}}}'.format({n})")

    def numbers(self, depth):
        return self.pick('[1, 2, 3]', f'[{self.number(0)}, {self.number(0)}]', 'range(4)', "rows|map(attribute='v')|list",
                         f"range({self.rng.randint(-2, 5)}, {self.rng.randint(-2, 9)}, {self.pick(1, 2, -1, 3)})|list")

    def list(self, depth):
        if depth <= 0:
            return self.pick('xs', '[]', '[1, 2, 3]', 'user.tags', "rows|map(attribute='k')|list", "['b', 'A', 'a']")
        a = self.list(depth - 1)
        return self.pick(f'[{self.any(depth - 1)}, {self.any(depth - 1)}]', f'({a})|sort', f'({a})|reverse|list', f'({a})|unique|list',
                         f'({a})[{self.rng.randint(-2, 2)}:]', f"({a})|map('{self.pick('string', 'upper', 'int')}')|list",
                         f"({a})|{self.pick('select', 'reject')}('{self.pick('string', 'number', 'defined', 'odd')}')|list", f'({a}) + ({self.list(depth - 1)})',
                         f'({a})|batch({self.rng.randint(1, 3)})|list', f'({a})|slice({self.rng.randint(1, 3)})|list', f"({self.text(depth - 1)}).split(',')",
                         f'({self.text(depth - 1)})|list', f"rows|groupby('k')|map('last')|map('length')|list", f"rows|sort(attribute='{self.pick('k', 'v', 'v,k')}')|list",
                         'user.tags|sort(case_sensitive=true)', "rows|selectattr('v', 'gt', 2)|list", 'user.items()|list', 'user|dictsort|list')

    def truth(self, depth):
        if depth <= 0:
            return self.pick('flag', 'true', 'n', 'xs', 'nosuch', 'name', '(nosuch is defined)', '(user.none is none)')
        return self.pick(f'{self.number(depth - 1)} {self.pick("<", "<=", ">", ">=", "==", "!=")} {self.number(depth - 1)}',
                         f'not {self.truth(depth - 1)}', f'({self.truth(depth - 1)} {self.pick("and", "or")} {self.truth(depth - 1)})',
                         f'({self.any(0)}) in ({self.list(depth - 1)})', f'({self.any(depth - 1)}) is {self.pick("string", "number", "mapping", "sequence", "none", "iterable", "float", "integer", "true", "upper", "lower")}',
                         f'({self.number(depth - 1)}) is {self.pick("odd", "even", "divisibleby 3", "gt 2")}', f'({self.any(0)}) == ({self.any(0)})')

    def any(self, depth):
        return self.pick(self.number, self.text, self.text, self.list, self.truth)(depth) if self.rng.random() < .9 else self.pick(
            'user', 'none', '{"a": 1, "b": [n]}', '(n, name)', 'rows', 'nosuch', 'rows[0]', 'user.nope', 'xs[1]', 'y', 'z')

    def body(self, depth):
        return ''.join(self.statement(depth) for _ in range(self.rng.randint(1, 3)))

    def statement(self, depth):
        s, e = self.pick('{%', '{%', '{%-', '{%+'), self.pick('%}', '%}', '-%}')
        space = self.pick('', ' ', '\n', '  \n  ', ' x ')
        if depth <= 0 or self.rng.random() < .35:
            return self.pick(f'{space}{{{{ {self.any(self.rng.randint(0, 3))} }}}}{space}', f'text{space}', f'{{# note {s}#}}{space}')
        return self.pick(
            lambda: f'{space}{s} if {self.truth(2)} {e}{self.body(depth - 1)}{s} elif {self.truth(1)} %}}{self.body(depth - 1)}{s} else {e}{self.body(depth - 1)}{s} endif {e}{space}',
            lambda: f'{s} for x in {self.list(2)} {e}{self.body(depth - 1)}{{{{ loop.{self.pick("index", "first", "revindex", "length", "last")} }}}}{{{{ x }}}}{s} else %}}none{s} endfor {e}{space}',
            lambda: f'{s} for x in {self.list(1)} if x {e}{{{{ x }}}}{self.body(depth - 1)}{s} endfor {e}',
            lambda: f'{s} for k, v in user|dictsort {e}{{{{ k }}}}={{{{ v }}}}{space}{s} endfor {e}',
            lambda: f'{s} set {self.pick("y", "z")} = {self.any(2)} {e}{self.body(depth - 1)}{{{{ y }}}}',
            lambda: f'{s} set y {e}{self.body(depth - 1)}{s} endset {e}{{{{ y|length }}}}',
            lambda: f'{s} with y = {self.any(1)} {e}{self.body(depth - 1)}{{{{ y }}}}{s} endwith {e}',
            lambda: f'{s} filter {self.pick("upper", "trim", "title", "indent(2)", "replace(1, 2)")} {e}{self.body(depth - 1)}{s} endfilter {e}',
            lambda: f'{s} macro m(a, b={self.any(1)}) {e}{{{{ a }}}}/{{{{ b }}}}{self.body(depth - 1)}{s} endmacro {e}{{{{ m({self.any(1)}) }}}}',
            lambda: f'{s} raw {e.replace("+", "")}{{{{ raw }}}}{space}{s} endraw {e}',
        )()


def cases(seed, count):
    for i in range(count):
        rng = random.Random(seed * 1000003 + i)
        maker = Maker(rng)
        options = {name: True for name in ('trim', 'lstrip', 'keep', 'strict') if rng.random() < .25}
        yield {'template': maker.body(3), 'vars': maker.data(), 'options': options}
