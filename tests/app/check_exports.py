"""The program exports no name of its own: a shared library would call ours where it means another's of that name.

    check_exports.py PROGRAM
"""
import subprocess
import sys

said = subprocess.run(["nm", "-D", "--defined-only", sys.argv[1]], check=True, capture_output=True, text=True).stdout
exported = [line.split()[-1] for line in said.splitlines()]
# With a version: variables of the C library that were copied into the program.
ours = [name for name in exported if not name.startswith("_") and "@" not in name]
print("1..1")
print("not ok 1 - exported:" if ours else "ok 1 - nothing is exported", *ours)
sys.exit(bool(ours))
