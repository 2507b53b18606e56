"""Writes holidays_files.c: the calendars of config/holidays as texts, so that the program has them without a path."""
import json
import pathlib
import sys

with open(sys.argv[1], "w", encoding="utf-8") as out:
    print('#include "app/holidays.h"\n', file=out)
    print("const struct holidays_file holidays_files[] = {", file=out)
    for path in map(pathlib.Path, sys.argv[2:]):
        lines = "".join(f"\n     {json.dumps(line + chr(10), ensure_ascii=False)}"
                        for line in path.read_text(encoding="utf-8").splitlines())
        print(f'    {{"{path.stem}",{lines}}},', file=out)
    print("    {NULL, NULL},\n};", file=out)
