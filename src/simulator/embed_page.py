#!/usr/bin/env python3
"""Writes a file as a C array: embed_page.py IN OUT."""
import sys

data = open(sys.argv[1], "rb").read()
with open(sys.argv[2], "w", encoding="ascii") as out:
    out.write('#include "simulator/sim_page.h"\n\nconst size_t sim_page_bytes = %d;\nconst char sim_page[] = {\n' % len(data))
    for i in range(0, len(data), 16):
        out.write("    %s,\n" % ", ".join(str(b if b < 128 else b - 256) for b in data[i:i + 16]))
    out.write("    0};\n")
