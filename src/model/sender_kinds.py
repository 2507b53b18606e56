"""Writes sender_kind_rows.c from sender_kinds.tsv, and refuses a table that cannot be right."""
import re
import sys

KINDS = {"name": 1, "number": 2, "home_number": 4, "toll_free": 8}  # SENDER_TAKES_...
SOURCES = {"sns", "eum", "twi", "usca"}
rows = []
for n, line in enumerate(open(sys.argv[2], encoding="utf-8"), 1):
    if line.startswith("#"):
        continue
    where = "%s:%d: " % (sys.argv[2], n)
    fields = line.rstrip("\n").split("\t")
    if len(fields) != 4:
        sys.exit(where + "four columns: country, calling code, kinds, sources")
    country, code, kinds, sources = fields
    if not re.fullmatch("[A-Z]{2}", country) or (rows and country <= rows[-1][0]):
        sys.exit(where + "countries are two capitals, in order, once each")
    if not re.fullmatch("[1-9][0-9]{0,2}", code):
        sys.exit(where + "a calling code has one to three digits")
    if not set(kinds.split(",")) <= KINDS.keys():
        sys.exit(where + "kinds are " + ", ".join(KINDS))
    if not set(sources.split(",")) <= SOURCES or sources.count(",") < 1:
        sys.exit(where + "at least two sources, of " + ", ".join(sorted(SOURCES)))
    rows.append((country, code, sum(KINDS[k] for k in set(kinds.split(",")))))

with open(sys.argv[1], "w", encoding="ascii") as out:
    print('#include "model/sender_kind.h"\n', file=out)
    print("const struct sender_country sender_countries[] = {", file=out)
    for row in rows:
        print('    {"%s", "+%s", %d},' % row, file=out)
    print("};\nconst size_t sender_countries_n = %d;" % len(rows), file=out)
