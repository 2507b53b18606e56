"""Events a second through many rules: a gateway of its own. First batches of NDJSON over a few connections, of which some fire and
none does; then single posts over many connections. Says what was stored, how long one took at the door, and how the same compares
with rules that nobody fires. usage: events.py HONGYAN [RULES [SECONDS [CONNECTIONS]]]"""
import http.client
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time

TESTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
sys.path[:0] = [os.path.join(TESTS, "blackbox"), TESTS]

BATCH, FIRES_OF = 500, 100  # one event in FIRES_OF makes a text


def events(n, fires):
    """One in ten is of a type that ten rules are for; of these, one in ten is large enough for one rule."""
    return [{"type": "order.paid" if i % 10 == 0 else "kind%d.x" % (2000 + i), "source": "shop",
             "data": {"order_id": i, "phone": "+14155550123", "total": 1000 if fires and i % FIRES_OF == 0 else 20}} for i in range(n)]


def drive(gateway, bodies, kind, seconds, connections):
    taken, times, end = [0] * connections, [], time.monotonic() + seconds

    def run(n):
        c = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=60)
        at = n
        while time.monotonic() < end:
            begun = time.monotonic()
            c.request("POST", "/v1/events", bodies[at % len(bodies)], {**gateway.bearer, "Content-Type": kind})
            answer = json.loads(c.getresponse().read())
            times.append(time.monotonic() - begun)
            at += connections
            taken[n] += answer.get("accepted", 1)
    threads = [threading.Thread(target=run, args=(n,)) for n in range(connections)]
    begun = time.monotonic()
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    times.sort()
    return sum(taken) / (time.monotonic() - begun), times[len(times) // 2] * 1e3, times[int(len(times) * 0.99)] * 1e3


def drive_by_wrk(gateway, folder, seconds, connections):
    """Single posts, by a client that costs little itself."""
    (folder / "post.lua").write_text('''
wrk.method, n = "POST", 0
wrk.headers["Content-Type"], wrk.headers["Authorization"] = "application/json", "%s"
function request()
    n = n + 1
    local kind = n %% 10 == 0 and "order.paid" or "kind2.x"
    return wrk.format(nil, nil, nil, '{"type":"' .. kind .. '","source":"shop","data":{"order_id":' .. n .. ',"phone":"+14155550123","total":20}}')
end
''' % gateway.bearer["Authorization"])
    said = subprocess.run(["wrk", "-t1", "-c%d" % connections, "-d%d" % seconds, "--latency", "-s", str(folder / "post.lua"), gateway.url + "/v1/events"],
                          capture_output=True, text=True, check=True).stdout
    assert "Non-2xx" not in said, said
    return re.search(r"Requests/sec: *(\S+)", said)[1], re.search(r"50% *(\S+)", said)[1], re.search(r"99% *(\S+)", said)[1]


def main():
    os.environ.setdefault("HONGYAN_BINARY", os.path.abspath(sys.argv[1]))
    from harness.gateway import Made
    rules = int(sys.argv[2]) if len(sys.argv) > 2 else 100
    seconds = float(sys.argv[3]) if len(sys.argv) > 3 else 10
    connections = int(sys.argv[4]) if len(sys.argv) > 4 else 4
    folder = pathlib.Path(tempfile.mkdtemp())
    (folder / "rules").mkdir()
    (folder / "templates").mkdir()
    (folder / "templates" / "t.txt").write_text("{{ order_id }}")
    (folder / "rules" / "r.yaml").write_text("rules:\n" + "".join(
        "  - {name: r%d, on: %s, when: data.total >= %d, to: data.phone, template: t}\n"
        % (i, "order.paid" if i % 10 == 0 else "kind%d.*" % i, 1000 + i) for i in range(rules)))
    made = Made(folder)
    gateway = made(rules={"dir": str(folder / "rules")}, templates={"dir": str(folder / "templates")},
                   limits={"request_bytes_max": 1 << 20}, log={"level": "warn"})

    def lines(fires):
        return ["\n".join(map(json.dumps, events(BATCH, fires))).encode()]
    none = drive(gateway, lines(False), "application/x-ndjson", seconds, connections)
    print("%d rules, none fires: %.0f events/s stored, batches of %d, median %.0f ms, 99th percentile %.0f ms" % (rules, none[0], BATCH, *none[1:]))
    some = drive(gateway, lines(True), "application/x-ndjson", seconds, connections)
    print("%d rules, one event in %d fires: %.0f events/s stored, %.2f of that; median %.0f ms, 99th percentile %.0f ms"
          % (rules, FIRES_OF, some[0], some[0] / none[0], *some[1:]))
    single = drive(gateway, [json.dumps(e).encode() for e in events(1000, True)], "application/json", seconds, 32)
    print("single posts over 32 connections: %.0f events/s stored, %.2f of the batches'; median %.1f ms, 99th percentile %.1f ms"
          % (single[0], single[0] / some[0], *single[1:]))
    for connections in (32, 256) if shutil.which("wrk") else ():
        print("single posts over %d connections by wrk: %s events/s stored, median %s, 99th percentile %s"
              % (connections, *drive_by_wrk(gateway, folder, seconds, connections)))
    made.close()


main()
