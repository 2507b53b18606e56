"""Values of every type, in and out, made from a seed, for compare.py: what Python prints of them alone and in lists, and
what its format machinery, conversions, orders and slices make of them."""
import random
import struct

TEXTS = ['', 'a', "it's", '"', '\'"', '\\', '\n\t\r', '\x00', '\x7f', '\x1b', 'é', '中文', '😀', '\u200b', '\u00a0', '\ufeff', '\u0301', '\U000e0001',
         'ß', 'İ', 'ŉ', 'Σας', 'ǆ', '12', ' 7 ', '-3', '1_000', '0x1f', '1e3', 'nan', 'inf', '-Infinity', '٣', '１２', 'True', '0b11', '1.', '.5', '+4',
         'a b  c', 'hello World', 'o\'neil x-ray 3rd', '<b class="x">Hi</b> &amp; you', 'one\n\n two\n', 'a/b?c=d&e=f g', 'line\r\nend\x0b\x0c\x1c\u2028x']
KEYS = [text for text in TEXTS if '\0' not in text]  # JSON objects of ours have no NUL in a key
NEW = 0x31350  # from here to U+323AF lie ideographs that Unicode 15 (ICU) has and 14 (Python) has not
INTS = [0, 1, -1, 2, 9, 10, -10, 42, 255, 1000, -999999, 2**31, 2**53 + 1, -2**53, 2**62, 2**63 - 1, -2**63]
FLOATS = [0.0, -0.0, 0.1, 0.5, 1.5, 2.5, -2.5, 1.0, 100.0, 1e15, 1e16, 123456789012345678.0, 1e22, 1e-4, 1e-5, 5e-324, 1.7976931348623157e308, 1 / 3,
          2.675, 1.005, 0.30000000000000004, 9007199254740993.0, 1e21, -1e-7, 99.995, 0.045]
SPECS = ['', 'd', 'n', '5', '05', '<8', '>8', '^9', '*^9', '=8', '+', '-', ' ', ',', '_', 'b', 'o', 'x', 'X', '#x', '#o', '#b', 'c', 'e', 'E', 'f', 'F', 'g', 'G', '%',
         '.0', '.1', '.3', '.0f', '.2f', '.10f', '.3e', '.4g', '.0g', '#.3g', '+.1f', ' .1f', ',.2f', '010.2f', '_.2f', '_b', '_x', '08.3%', 's', '.2s', '>6s', '中>5', '+d', 'q', '<<', '3.1']
PERCENTS = ['%s', '%r', '%a', '%d', '%i', '%5d', '%-5d|', '%05d', '%+d', '% d', '%x', '%#x', '%X', '%o', '%e', '%.2e', '%f', '%.0f', '%.1f', '%10.3f', '%g', '%G', '%#g', '%c', '%%',
            '%5s|', '%-5s|', '%.2s', '%5.1s|', '%(a)s', '%', '%z', '%*d', '%.3d', '%u', '%08.2f', '%+.2f', '%s %s']


def number(r):
    kind = r.random()
    if kind < .3:
        return r.choice(INTS)
    if kind < .6:
        return r.choice(FLOATS)
    if kind < .7:
        return r.randint(-10**r.randint(1, 18), 10**r.randint(1, 18))
    if kind < .8:
        return round(r.uniform(-1000, 1000), r.randint(0, 4))
    while True:
        x = struct.unpack('<d', r.randbytes(8))[0]
        if x == x and abs(x) != float('inf'):
            return x


def value(r, depth):
    kind = r.random()
    if depth <= 0 or kind < .6:
        return r.choice([number(r), number(r), r.choice(TEXTS), ''.join(r.sample(TEXTS, 2)), True, False, None, chr(r.choice([r.randrange(0xd800), r.randrange(0xe000, 0x10000), r.randrange(0x1f300, 0x1f6d0), r.randrange(0x20000, NEW)]))])
    if kind < .8:
        return [value(r, depth - 1) for _ in range(r.randint(0, 4))]
    return {r.choice(KEYS): value(r, depth - 1) for _ in range(r.randint(0, 4))}


def expression(r):
    s = r.choice
    n = r.randint(-12, 20)
    return s([
        'x', '[x, y]', '(x,)', '{x: y}', '{"k": x}', 'x ~ y', 'x|string', 'x|int', f'x|int({n})', f'x|int(default=7, base={s([2, 8, 10, 16, 0, 36])})',
        'x|float', 'x|abs', f'x|round({n})', f'x|round({s([0, 1, 2, 3])}, "{s(["common", "ceil", "floor"])}")', 'x|round', 'x|length', 'x|list', 'x|tojson',
        'x|urlencode', 'x|title', 'x|capitalize', 'x|upper', 'x|lower', 'x|trim', 'x|wordcount', 'x|striptags', 'x|e', 'x|first', 'x|last', 'x|sum',
        'x|join("-")', 'x|reverse|list', 'x|reverse', 'x|sort', 'x|unique|list', 'x|min', 'x|max', 'x|dictsort', 'x|items|list', 'x|batch(2, 0)|list',
        'x|slice(2)|list', 'x|filesizeformat', 'x|filesizeformat(true)', f'x|truncate({abs(n)}, leeway=0)', f'x|wordwrap({abs(n) + 1})',
        f'x|center({n})', f'x|indent({abs(n) % 5}, true)', f'x|replace(y, "-")', 'x|default("d")', 'x|default("d", true)', 'x|tojson(indent=2)',
        'x == y', 'x < y', 'x <= y', 'x > y', 'x != y', 'x in y', 'y not in x', 'x and y', 'x or y', 'not x', 'x + y', 'x - y', 'x * 3', 'x / y',
        'x // y', 'x % y', 'x ** 2', '-x', '+x', 'x is number', 'x is integer', 'x is float', 'x is string', 'x is sequence', 'x is mapping', 'x is iterable',
        'x is boolean', 'x is none', 'x is odd', 'x is even', 'x is divisibleby(3)', 'x is sameas(y)', 'x is lower', 'x is upper', 'x is true', 'x is callable',
        'x is eq(y)', 'x is lt(y)', 'x is in(y)', f'x[{n % 5}]', f'x[{-(n % 5)}:{n}]', f'x[::{n or 1}]', 'x.a', 'x["it\'s"]', 'x[y]',
        f'"{{:{s(SPECS)}}}".format(x)', f'"{{:{s(SPECS)}}}".format(x)', '"{!r} {!s} {!a}".format(x, y, x)', '"{0}{1}{0}".format(x, y)', '"{x}".format(x=x)', '"{0[0]}".format(x)', '"{} {}".format(x)',
        f'"{s(PERCENTS)}"|format(x)', f'"{s(PERCENTS)}" % x', '"%s %s"|format(x, y)', f'"%.{abs(n)}f"|format(x)', f'"%.{abs(n)}g"|format(x)', f'"%.{abs(n)}e"|format(x)',
        f'"{{:.{abs(n)}g}}".format(x)', f'"{{:.{abs(n)}}}".format(x)',
        'x.split()', 'x.split("a")', 'x.upper()', 'x.title()', 'x.strip("a")', 'x.startswith("a")', 'x.find("a")', 'x.count("a")',
        'x.isdigit()', 'x.isalpha()', 'x.isalnum()', 'x.isspace()', 'x.isupper()', 
        f'x.zfill({n})', f'x.ljust({n}, "*")', f'x.rjust({n})', 'x.partition(" ")', 'x.splitlines()', 'x.replace("a", "b", 1)', 'x.keys()|list', 'x.values()|list', 'x.get("a", 5)',
        'x.index("a")', 'x.removeprefix("a")', 'x.join(["a", "b"])', 'x.lstrip()',
    ])


def cases(seed, count):
    r = random.Random(seed)
    for _ in range(count):
        template = ' '.join('{{ %s }}' % expression(r) for _ in range(r.choice([1, 1, 1, 2])))
        yield {'template': template, 'vars': {'x': value(r, 2), 'y': value(r, 1)}, 'options': {'strict': True} if r.random() < .2 else {}}
