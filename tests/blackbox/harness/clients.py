"""Applications under whose feet the gateway is killed: they post unique texts and keep exactly what they were told."""
import http.client
import json
import random
import threading
import time


class Client(threading.Thread):
    """Posts one text after another over one connection. Some have an Idempotency-Key, and are repeated with it until there is an
    answer; the others are not repeated when the answer is lost."""

    def __init__(self, gateway, number, most=None):
        super().__init__(daemon=True)
        self.gateway, self.number, self.most, self.dice = gateway, number, most, random.Random(number)
        self.connection = None
        self.stopping = False
        self.accepted = {}   # text: id, of all that were answered 2xx
        self.keyed = set()   # texts that were posted with a key
        self.repeatable = set()  # texts that may arrive twice: at_least_once
        self.unsure = set()  # texts whose answer was lost
        self.repeats = 0     # requests repeated after a lost answer
        self.wrong = []      # answers that should not be

    def run(self):
        serial = 0
        while not self.stopping and serial != self.most:
            serial += 1
            self.one("client %d text %d" % (self.number, serial))
        if self.connection:
            self.connection.close()

    def one(self, text):
        fields = {"to": "+1415%07d" % self.dice.randrange(2000000, 9999999), "body": text, **self.more(text)}
        key = None
        if self.dice.random() < 0.5:
            key = text.replace(" ", "-")
            self.keyed.add(text)
        if self.dice.random() < 0.1:
            fields["delivery"] = "at_least_once"
            self.repeatable.add(text)
        body = json.dumps(fields)
        while True:
            try:
                status, answer = self.post(body, key)
            except (OSError, http.client.HTTPException):
                self.connection = None
                if not key or self.stopping:
                    self.unsure.add(text)
                    return
                self.repeats += 1
                time.sleep(0.01)
                continue
            if status == 202:
                self.accepted[text] = answer["id"]
                return
            if status not in (409, 503):  # in flight; busy: nothing was stored
                self.wrong.append((status, answer))
                return
            if self.stopping:
                self.unsure.add(text)
                return
            time.sleep(0.01)

    def more(self, text):
        """Other fields of that text."""
        return {}

    def post(self, body, key):
        if not self.connection:
            self.connection = http.client.HTTPConnection(*self.gateway.place, timeout=15)
        headers = {**self.gateway.bearer, "Content-Type": "application/json"}
        if key:
            headers["Idempotency-Key"] = key
        self.connection.request("POST", "/v1/messages", body, headers)
        answer = self.connection.getresponse()
        return answer.status, json.loads(answer.read())


class Clients:
    """`with Clients(gateway, 6) as clients:` they post until its end."""

    def __init__(self, gateway, n, most=None):
        self.all = [Client(gateway, i, most) for i in range(n)]

    def __enter__(self):
        for c in self.all:
            c.start()
        return self

    def __exit__(self, *why):
        self.stop()

    def stop(self):
        for c in self.all:
            c.stopping = True
        self.join()

    def join(self, timeout=120):
        for c in self.all:
            c.join(timeout)
            assert not c.is_alive()

    def count(self):
        return sum(len(c.accepted) for c in self.all)

    def union(self, name):
        return set().union(*(getattr(c, name) for c in self.all))

    @property
    def accepted(self):
        return {text: sid for c in self.all for text, sid in c.accepted.items()}

    @property
    def wrong(self):
        return [w for c in self.all for w in c.wrong]
