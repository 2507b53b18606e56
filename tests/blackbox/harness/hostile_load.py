"""A load of messages in the background, which keeps what was answered."""
import threading
import time

from harness.hostile_gateway import SLOW, number


class Load:
    """`with Load(gateway) as load:`; afterwards load.accepted are the ids answered 202, load.refused the other answers."""

    def __init__(self, gateway, threads=4, pause_s=0.002, **more):
        self.gateway, self.pause_s, self.more = gateway, pause_s, more
        self.accepted, self.refused, self.cut, self.bodies = [], [], [], {}
        self.lock, self.stopping, self.count = threading.Lock(), False, 0
        self.threads = [threading.Thread(target=self.run, daemon=True) for _ in range(threads)]

    def run(self):
        while not self.stopping:
            with self.lock:
                self.count += 1
                n = self.count
            to, body = number(n), "load %d" % n
            try:
                a = self.gateway.send(to=to, body=body, **self.more)
            except OSError as e:
                self.cut.append(e)
                time.sleep(0.05)
                continue
            if a.status == 202:
                self.accepted.append(a.json["id"])
                self.bodies[a.json["id"]] = (to, body)
            else:
                self.refused.append(a)
            time.sleep(self.pause_s)

    def __enter__(self):
        for t in self.threads:
            t.start()
        return self

    def stop(self):
        self.stopping = True
        for t in self.threads:
            t.join(30)

    def __exit__(self, *why):
        self.stop()

    def all_delivered(self, timeout=30):
        self.all_come_to(("delivered",), timeout)

    def all_come_to(self, states, timeout=30):
        """Each accepted message ends in one of these states, all of them within the time."""
        end = time.monotonic() + timeout * SLOW
        for sid in self.accepted:
            self.gateway.comes_to(sid, states, max(0.1, end - time.monotonic()) / SLOW)
