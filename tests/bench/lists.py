#!/usr/bin/env python3
"""Long lists: imports as many opted-out numbers and as many consents by the program's own commands, then says what a start takes and what a
question of each list takes. With --fill the rows are written by LISTS_BENCH instead, which is quicker.

    tests/bench/lists.py [--fill] BINARY LISTS_BENCH [ROWS] [FOLDER]

BINARY: build/hongyan; LISTS_BENCH: build/tests/store/lists_bench (ninja -C build tests/store/lists_bench). Ten million rows by default, some
4 GB in FOLDER (a fresh one in /tmp, removed at the end). Time is CPU time where it says so: other programs do not count."""
import json
import os
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

CONFIG = """data_dir: {folder}/data
listen: 127.0.0.1:{port}
lanes: [{{name: sim, provider: twilio, account_sid: AC00000000000000000000000000000000, auth_token: "${{BENCH_TOKEN}}", from: "+15005550006", base_url: "http://127.0.0.1:9"}}]
consent: {{required_topics: [marketing]}}
"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def import_rows(binary, config, what, head, row, n, env):
    """Through a pipe, so that no file of them is needed."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.monotonic()
    p = subprocess.Popen([binary, "import", what, "-", "--json", "-c", config], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env)
    p.stdin.write(head)
    for i in range(0, n, 10000):
        p.stdin.write("".join(row % (2 * k) for k in range(i, min(n, i + 10000))).encode())
    p.stdin.close()
    said = json.loads(p.stdout.read())
    p.wait()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    assert said["refused"] == 0 and said["added"] + said["renewed"] == n, said
    print("import %s: %d rows in %.0f s, %.1f us of CPU a row, peak %.0f MB" % (what, n, time.monotonic() - began, cpu * 1e6 / n, after.ru_maxrss / 1024), flush=True)


def start(binary, config, port, env):
    """Milliseconds until it is ready, and what memory it has then."""
    began = time.monotonic()
    p = subprocess.Popen([binary, "serve", "-c", config], stderr=subprocess.DEVNULL, env=env)
    try:
        while True:
            try:
                if urllib.request.urlopen("http://127.0.0.1:%d/readyz" % port, timeout=1).status == 200:
                    break
            except OSError:
                time.sleep(0.005)
            if p.poll() is not None:
                sys.exit("it ended: %d" % p.returncode)
        took = (time.monotonic() - began) * 1000
        with open("/proc/%d/status" % p.pid) as f:
            rss = next(int(line.split()[1]) for line in f if line.startswith("VmRSS"))
        return took, rss / 1024
    finally:
        p.terminate()
        p.wait()


def main():
    fill = "--fill" in sys.argv
    if fill:
        sys.argv.remove("--fill")
    binary, bench = (os.path.abspath(a) for a in sys.argv[1:3])
    n = int(sys.argv[3]) if len(sys.argv) > 3 else 10_000_000
    folder = os.path.abspath(sys.argv[4]) if len(sys.argv) > 4 else tempfile.mkdtemp(prefix="hongyan-lists-")
    os.makedirs(folder, exist_ok=True)
    port = free_port()
    config = os.path.join(folder, "hongyan.yaml")
    with open(config, "w") as f:
        f.write(CONFIG.format(folder=folder, port=port))
    env = {**os.environ, "LC_ALL": "C", "BENCH_TOKEN": "none", "HONGYAN_MASTER_KEY": os.urandom(32).hex()}
    try:
        subprocess.run([binary, "key", "create", "--account", "default", "-c", config], check=True, stdout=subprocess.DEVNULL, env=env)
        print("start with no rows: %.0f ms, %.0f MB" % start(binary, config, port, env), flush=True)
        database = "sqlite:%s/data/hongyan.db" % folder
        if fill:
            subprocess.run([bench, database, "1", str(n), "fill"], check=True, env=env)
        else:
            import_rows(binary, config, "suppressions", b"number\n", "+861%010d\n", n, env)
            import_rows(binary, config, "consents", b"number,act,topic,at,method\n", "+861%010d,granted,marketing,2026-01-01T00:00:00Z,web form\n", n, env)
        for _ in range(3):
            print("start with them: %.0f ms, %.0f MB" % start(binary, config, port, env), flush=True)
        done = subprocess.run([bench, database, "1", str(n)], check=True, stdout=subprocess.PIPE, env=env)
        said = json.loads(done.stdout)
        print("a question: of a list of %d numbers %.2f us (one in a hundred is on it), of numbers that are on it %.2f us, of %d consents %.2f us, of both at once %.2f us of CPU%s" %
              (n, said["suppression_us"], said["suppression_listed_us"], n, said["consent_us"], said["both_us"], "" if said["right"] else "; ANSWERS ARE WRONG"), flush=True)
    finally:
        if len(sys.argv) <= 4:
            shutil.rmtree(folder, ignore_errors=True)


main()
