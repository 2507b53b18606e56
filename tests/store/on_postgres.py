"""Runs test programs of this folder against one PostgreSQL server, one after the other, as one TAP stream.
usage: on_postgres.py PROGRAM..."""
import os
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from postgres import Postgres  # noqa: E402

n = 0
with Postgres() as server:
    for program in sys.argv[1:]:
        done = subprocess.run([program], env={**os.environ, "HONGYAN_TEST_DATABASE": server.url(), "CMOCKA_MESSAGE_OUTPUT": "TAP"}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", check=False)
        seen = 0
        for line in done.stdout.splitlines():
            found = re.match(r"(ok|not ok)\b(?: \d+)?(.*)", line)
            if found:
                n, seen = n + 1, seen + 1
                print(f"{found[1]} {n}{found[2]}")
            elif not re.match(r"1\.\.\d+|TAP version", line):
                print("# " + line)
        plan = re.search(r"^1\.\.(\d+)", done.stdout, re.M)
        if not plan or int(plan[1]) != seen or (done.returncode and "not ok" not in done.stdout):
            n += 1
            print(f"not ok {n} - {os.path.basename(program)} ended early ({done.returncode})")
print(f"1..{n}")
