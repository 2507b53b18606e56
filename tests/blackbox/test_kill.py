"""kill -9 of the gateway at random moments under load, with a provider that loses answers: of all messages answered 2xx none is lost,
and none is received twice."""
import collections
import json
import os
import random
import signal
import threading
import time

from harness.hostile_gateway import Gateway, Simulator, call, until

KILLS = 30 if os.environ.get("HONGYAN_LONG") else 5
CLIENTS = 6
OPEN = ["accepted", "scheduled", "queued", "sending", "unknown"]


class Client(threading.Thread):
    """Posts unique texts one after another; some with an idempotency key, which it repeats until it hears an answer."""

    def __init__(self, gateway, number, stop):
        super().__init__(daemon=True)
        self.gateway, self.number, self.stop_asked = gateway, number, stop
        self.accepted, self.unsure = {}, set()
        self.dice = random.Random(number)

    def post(self, body, key):
        headers = {**self.gateway.bearer, "Content-Type": "application/json"}
        if key:
            headers["Idempotency-Key"] = key
        return call(self.gateway.port, "POST", "/v1/messages", body, headers, timeout=10)

    def run(self):
        serial = 0
        while not self.stop_asked.is_set():
            serial += 1
            text = f"c{self.number} n{serial} ok"
            key = f"key-{self.number}-{serial}" if self.dice.random() < 0.5 else None
            body = json.dumps({"to": "+86138%08d" % self.dice.randrange(10**8), "body": text})
            while not self.stop_asked.is_set():
                try:
                    answer = self.post(body, key)
                except OSError:
                    if not key:
                        self.unsure.add(text)
                        break
                    time.sleep(0.02)
                    continue
                except Exception:
                    self.unsure.add(text)
                    break
                if answer.status == 202:
                    self.accepted[text] = answer.json["id"]
                    break
                if answer.status in (409, 503):
                    time.sleep(0.02)
                    if key or answer.status == 503:
                        continue
                assert False, answer
            else:
                self.unsure.add(text)


def pending(gateway):
    return sum(len(gateway.get(f"/v1/messages?status={s}&limit=200").json["data"]) for s in OPEN)


def test_kill__nothing_accepted_is_lost_and_nothing_is_sent_twice(tmp_path):
    sim = Simulator(profile={"lost_answers": 0.01, "receipts": {"none": 0.05}})
    lanes = [Gateway.lane("sim", sim.url, timeout_ms=2000, connect_timeout_ms=1000, lookup_after_ms=1500)]
    gateway = Gateway(tmp_path, sim.url, lanes=lanes)
    try:
        gateway.start()
        stop = threading.Event()
        clients = [Client(gateway, n, stop) for n in range(CLIENTS)]
        for c in clients:
            c.start()
        dice = random.Random(7)
        for _ in range(KILLS):
            time.sleep(0.3 + dice.random() * 0.7)
            gateway.process.send_signal(signal.SIGKILL)
            gateway.process.wait()
            gateway.start()
        time.sleep(0.5)
        stop.set()
        for c in clients:
            c.join(30)
        until(lambda: pending(gateway) == 0, timeout=90, step=0.3, told="messages stay open")
        received = collections.Counter()
        for m in sim.messages(limit=1000000):
            received[m["body"]] += m["times"]
        accepted = {t: i for c in clients for t, i in c.accepted.items()}
        twice = [t for t, n in received.items() if n > 1]
        lost = []
        for text, sid in accepted.items():
            if received[text] == 0:
                m = gateway.get(f"/v1/messages/{sid}").json
                lost.append((text, m["status"], m["reason"]))
        metrics = gateway.get("/metrics").body.decode()
        print(f"{KILLS} kills, {len(accepted)} accepted, {len(received)} received, twice {len(twice)}, lost {lost[:5]}")
        print([l for l in metrics.splitlines() if l.startswith(("sms_lookups", "sms_outcome", "sms_messages_total{state=\"f"))])
        failed = gateway.get("/v1/messages?status=failed&limit=1000").json["data"]
        print("failed", len(failed), collections.Counter(m["reason"] for m in failed))
        assert not twice and not lost and len(accepted) > 200
    finally:
        gateway.end()
        sim.stop()
