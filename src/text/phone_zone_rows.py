"""Writes phone_zone_rows.c from the table of prefixes and time zones of Debian's python3-phonenumbers."""
import sys

sys.path.append("/usr/lib/python3/dist-packages")  # another Python may be first in the path
from phonenumbers.tzdata import TIMEZONE_DATA  # noqa: E402

PREFIX_DIGITS_MAX = 9  # PHONE_ZONE_PREFIX_MAX
ZONES_MAX = 64  # PHONE_ZONES_MAX

names = sorted({zone for zones in TIMEZONE_DATA.values() for zone in zones if zone != "Etc/Unknown"})
place = {name: i for i, name in enumerate(names)}
lists, first = [], {}
rows = []
for prefix, zones in sorted((int(p), z) for p, z in TIMEZONE_DATA.items()):
    known = tuple(z for z in zones if z in place)
    if not known:
        continue
    assert len(str(prefix)) <= PREFIX_DIGITS_MAX and len(known) <= ZONES_MAX
    if known not in first:
        first[known] = len(lists)
        lists += [place[z] for z in known]
    rows.append((prefix, first[known], len(known)))

with open(sys.argv[1], "w", encoding="ascii") as out:
    print('#include "text/phone_zone_rows.h"\n', file=out)
    print("const struct phone_zone_row phone_zone_rows[] = {", file=out)
    for row in rows:
        print("    {%d, %d, %d}," % row, file=out)
    print("};\nconst size_t phone_zone_rows_n = %d;" % len(rows), file=out)
    print("const uint16_t phone_zone_lists[] = {%s};" % ", ".join(map(str, lists)), file=out)
    print("const char *const phone_zone_names[] = {", file=out)
    for name in names:
        print('    "%s",' % name, file=out)
    print("};\nconst size_t phone_zone_names_n = %d;" % len(names), file=out)
