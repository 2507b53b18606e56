"""Events a second through many rules: a gateway of its own, batches of NDJSON over a few connections. Says what was taken, and how
long one took at the door. usage: events.py HONGYAN [RULES [SECONDS [CONNECTIONS]]]"""
import http.client
import json
import os
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "blackbox"))

BATCH = 500


def main():
    os.environ.setdefault("HONGYAN_BINARY", os.path.abspath(sys.argv[1]))
    from harness.gateway import Made
    import pathlib
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
    # One event in ten is of a type that ten rules are for; none of them fires.
    lines = [json.dumps({"type": "order.paid" if i % 10 == 0 else "kind%d.x" % (2000 + i), "source": "shop",
                         "data": {"order_id": i, "phone": "+14155550123", "total": 20}}) for i in range(BATCH)]
    body = "\n".join(lines).encode()
    taken, times, end = [0] * connections, [], time.monotonic() + seconds

    def run(n):
        c = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=30)
        while time.monotonic() < end:
            begun = time.monotonic()
            c.request("POST", "/v1/events", body, {**gateway.bearer, "Content-Type": "application/x-ndjson"})
            answer = json.loads(c.getresponse().read())
            times.append(time.monotonic() - begun)
            taken[n] += answer["accepted"]
    threads = [threading.Thread(target=run, args=(n,)) for n in range(connections)]
    begun = time.monotonic()
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    spent = time.monotonic() - begun
    times.sort()
    print("%d rules: %.0f events/s stored, batches of %d, median %.0f ms, 99th percentile %.0f ms"
          % (rules, sum(taken) / spent, BATCH, times[len(times) // 2] * 1e3, times[int(len(times) * 0.99)] * 1e3))
    made.close()


main()
