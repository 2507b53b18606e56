#!/usr/bin/env python3
"""Writes the migration files as one C table: embed.py OUT FILE..."""
import os
import sys

with open(sys.argv[1], "w", encoding="utf-8") as out:
    out.write('#include "store/migrate.h"\n\nconst struct migration migrations[] = {\n')
    for path in sys.argv[2:]:
        name = os.path.basename(path)
        out.write('    {%d, "%s",\n' % (int(name.split("-")[0]), name))
        for line in open(path, encoding="utf-8"):
            out.write('     "%s\\n"\n' % line.rstrip("\n").replace("\\", "\\\\").replace('"', '\\"'))
        out.write("    },\n")
    out.write("    {0, 0, 0},\n};\n")
