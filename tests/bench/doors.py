#!/usr/bin/env python3
"""doors: entries a second by a door of Redis Streams beside posts a second by 64 keep-alive connections, in the same run.

    tests/bench/doors.py [ENTRIES]

Starts redis-server, a simulator and a gateway of its own, on loopback, and ends them. A connection of wrk waits for its answer
before it posts again, as an application does; the entries stand in the stream before the gateway takes the first.
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "blackbox"))

from harness import stream_server  # noqa: E402
from harness.gateway import Made, until  # noqa: E402

CONNECTIONS, POST_S = 64, 6


def entry(n, what):
    return json.dumps({"to": "+86138%08d" % (n * 7919 % 100000000), "body": "%s %d is on its way and comes on Monday." % (what, n)})


def taken(g):
    return sum(int(line.split()[-1]) for line in g.get("/metrics").body.decode().splitlines() if line.startswith("door_taken_total{"))


def by_door(g, server, n):
    client = server.connect()
    for at in range(0, n, 1000):
        pipe = client.pipeline(transaction=False)
        for i in range(at, min(at + 1000, n)):
            pipe.xadd("bench", {"json": entry(i, "door")})
        pipe.execute()
    g.start()
    begun = time.monotonic()
    until(lambda: taken(g) >= n, 300, 0.05)
    return n / (time.monotonic() - begun)


def by_post(g):
    env = {"PATH": os.environ["PATH"], "KEY": g.key, "TAIL": ',"body":"the post is on its way and comes on Monday."}', "FIRST": "1"}
    told = subprocess.run(["wrk", "-t1", "-c%d" % CONNECTIONS, "-d%ds" % POST_S, "-s", ROOT / "tests" / "bench" / "post.lua",
                           "http://127.0.0.1:%d" % g.port], env=env, check=True, capture_output=True, text=True).stdout
    line = next(line for line in told.splitlines() if line.startswith("BENCH "))
    found = json.loads(line[6:])
    return (found["requests"] - found["refused"]) * 1e6 / found["us"]


def main(n):
    folder = pathlib.Path(tempfile.mkdtemp())
    made, server = Made(folder), stream_server.Redis(folder / "redis").start()
    try:
        g = made.gateway(doors=[server.door("bench")], env={"DOOR_PASSWORD": stream_server.PASSWORD}, log={"level": "warn"})
        door = by_door(g, server, n)
        post = by_post(g)
        print("door %.0f entries/s, POST %.0f/s by %d keep-alive connections" % (door, post, CONNECTIONS))
    finally:
        made.close()
        server.stop()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10000)
