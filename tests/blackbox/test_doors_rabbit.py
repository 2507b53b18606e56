"""Messages and events in by RabbitMQ, with a real broker and pika as its other client: what is in the queue is sent once, over kill -9
of either side; what can never be taken is put aside with its reason; what cannot be taken now waits."""
import json
import os
import subprocess
import threading
import time

import pika
import pytest

from harness import rabbit
from harness.gateway import SLOW, unique, until

RULE = """rules:
  - name: paid
    on: order.paid
    to: data.phone
    template: paid
"""
ENV = {"DOOR_PASSWORD": rabbit.PASSWORD}


@pytest.fixture(scope="session")
def session_broker(tmp_path_factory):
    folder = tmp_path_factory.getbasetemp()
    with rabbit.shared(folder.parent if os.environ.get("PYTEST_XDIST_WORKER") else folder) as b:
        yield b


@pytest.fixture
def broker(session_broker):
    """The broker, this test's alone."""
    with rabbit.locked(session_broker.folder.parent / "rabbit.turn"):
        yield session_broker.wait_ready()


class Queue:
    """A queue with its dead letters, as another program sees it."""

    def __init__(self, broker):
        self.broker, self.name = broker, unique("sms")
        self.connect()

    def connect(self):
        self.channel = self.broker.connect().channel()
        return self

    def put(self, body, **properties):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.channel.basic_publish("", self.name, data, pika.BasicProperties(**properties))

    def text(self, number, **more):
        """One good entry; its text."""
        body = "text %d" % number
        self.put({"to": "+1415%07d" % (2000000 + number), "body": body, **more}, message_id="m%d" % number, delivery_mode=2)
        return body

    def waiting(self, name=None):
        return self.channel.queue_declare(name or self.name, passive=True).method.message_count

    def dead(self, n, timeout=20):
        """The first n dead letters: [(properties, body)]."""
        found = []

        def more():
            method, properties, body = self.channel.basic_get(self.name + ".dead", auto_ack=True)
            if method:
                found.append((properties, body))
            return len(found) == n
        until(more, timeout, told="%d dead letters of %d: %s" % (len(found), n, found))
        return found


@pytest.fixture
def queue(broker):
    return Queue(broker)


def opened(g, timeout=30):
    until(lambda: "door.open" in g.log(), timeout, told="the door does not open")
    return g


def door(make_gateway, queue, lane=None, profile=None, settings=None, **more):
    return opened(make_gateway(doors=[queue.broker.door(queue.name, **more)], env=ENV, lane=lane, profile=profile, **(settings or {})))


def said(g, *words):
    """What that command says of the gateway's settings."""
    done = g.run(*words, "-c", str(g.config))
    done.stdout, done.stderr = (t if isinstance(t, str) else t.decode() for t in (done.stdout, done.stderr))
    return done


def meter(g, name):
    text = g.get("/metrics").body.decode()
    return sum(int(line.split()[-1]) for line in text.splitlines() if line.startswith("door_%s{" % name))


def all_there(g, texts, timeout=60):
    until(lambda: len(g.sim.times()) >= len(texts), timeout, 0.1, told="not all texts arrive")
    times = g.sim.times()
    assert set(times) == set(texts) and set(times.values()) == {1}


def test_entries__become_messages_and_leave_the_queue(make_gateway, queue):
    g = door(make_gateway, queue)
    texts = [queue.text(i) for i in range(200)]
    all_there(g, texts)
    until(lambda: queue.waiting() == 0 and meter(g, "taken_total") == 200 and meter(g, "held") == 0)
    found = queue.channel.queue_declare(queue.name, durable=True, arguments={"x-queue-type": "quorum"})  # the same, or an error
    assert found.method.consumer_count == 1
    assert meter(g, "connected") == 1 and meter(g, "dead_letters_total") == 0
    m = next(m for m in g.all() if m["body"] == "text 7")
    assert m["to"] == "+14152000007" and m["direction"] == "outbound"


def test_entry__that_can_never_be_taken_is_put_aside_with_its_reason_and_holds_up_nobody(make_gateway, queue):
    g = door(make_gateway, queue, settings={"limits": {"request_bytes_max": 65536}})
    queue.put(b"{rubbish", message_id="a")
    queue.put({"to": "+14155550123", "body": "no name"})
    queue.put({"to": "12", "body": "x"}, message_id="c", content_type="application/json", headers={"traceparent": "t"})
    queue.put({"to": "+14155550123", "body": "x", "bdoy": "y"}, message_id="d")
    queue.put(b"z" * 3000000, message_id="e")
    queue.put({"to": "+14155550123", "body": "x"}, message_id="f", headers={"idempotency-key": "has blanks in it"})
    queue.put(b"\x00\xff" * 100, message_id="g", type="event")
    texts = [queue.text(i) for i in range(20)]
    all_there(g, texts)
    dead = {p.message_id: (p, body) for p, body in queue.dead(7)}
    why = {k: (p.headers["x-hongyan-status"], p.headers["x-hongyan-problem"].rsplit("/")[-1], p.headers.get("x-hongyan-field"))
           for k, (p, _) in dead.items()}
    assert why == {"a": (400, "invalid-request", None), None: (400, "invalid-request", "message_id"), "c": (422, "unprocessable", "to"),
                   "d": (400, "unknown-field", "bdoy"), "e": (413, "too-large", None), "f": (400, "invalid-request", "Idempotency-Key"),
                   "g": (400, "invalid-request", None)}
    assert dead["c"][0].content_type == "application/json" and dead["c"][0].headers["traceparent"] == "t"
    assert dead["c"][0].headers["x-hongyan-door"] == "orders" and "short code" in dead["c"][0].headers["x-hongyan-detail"]
    assert dead["e"][1] == b"z" * 3000000 and dead["a"][1] == b"{rubbish" and dead["a"][0].delivery_mode == 2
    until(lambda: queue.waiting() == 0 and meter(g, "held") == 0)
    assert meter(g, "dead_letters_total") == 7 and meter(g, "taken_total") == 20
    assert 'door_refused_total{door="orders",problem="unknown-field"} 1' in g.get("/metrics").body.decode()
    assert "door.dead_letter" in g.log() and "x-hongyan" not in g.log()


def test_entry__that_comes_twice_is_sent_once(make_gateway, queue):
    g = door(make_gateway, queue)
    for _ in range(5):
        texts = [queue.text(i) for i in range(20)]
    queue.put({"to": "+14155550123", "body": "another text"}, message_id="m3")
    queue.put({"to": "+14155550123", "body": "by key"}, headers={"idempotency-key": "k-1"})
    (p, _), = queue.dead(1)
    assert p.headers["x-hongyan-problem"] == "/problems/idempotency-key-reused"
    all_there(g, texts + ["by key"])
    a = g.post("/v1/messages", {"to": "+14155550123", "body": "by key"}, {"Idempotency-Key": "k-1"})
    assert a.status == 202 and a.headers["idempotency-replayed"] == "true"  # one key, by whatever way it comes
    until(lambda: meter(g, "taken_total") == 101)
    assert meter(g, "repeated_total") == 80


def test_entries__wait_while_a_limit_is_used_up(make_gateway, queue):
    g = door(make_gateway, queue, settings={"limits": {"rates": ["10/2s per account"]}})
    texts = [queue.text(i) for i in range(30)]
    all_there(g, texts)
    until(lambda: queue.waiting() == 0 and meter(g, "held") == 0)
    assert meter(g, "retries_total") > 0 and meter(g, "dead_letters_total") == 0 and queue.waiting(queue.name + ".dead") == 0


def test_entries__wait_for_their_account(make_gateway, queue):
    g = door(make_gateway, queue, account="shop")
    texts = [queue.text(i) for i in range(5)]
    until(lambda: meter(g, "retries_total") > 0)
    key = g.create_key("shop")
    all_there(g, texts)
    page = g.get("/v1/messages", headers={"Authorization": "Bearer " + key["key"]}).json
    assert len(page["data"]) == 5


def test_prefetch__is_all_that_leaves_the_broker_before_it_is_stored(make_gateway, queue):
    g = door(make_gateway, queue, account="shop", prefetch=3)
    texts = [queue.text(i) for i in range(10)]
    until(lambda: meter(g, "retries_total") > 4)  # some of the three were tried again, and again
    assert queue.waiting() == 7 and meter(g, "held") == 3
    g.create_key("shop")
    all_there(g, texts)
    until(lambda: queue.waiting() == 0 and meter(g, "held") == 0)


def test_events__come_by_a_door_as_by_post(make_gateway, queue, tmp_path):
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / "paid.yaml").write_text(RULE)
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "paid.txt").write_text("paid {{ n }}")
    g = door(make_gateway, queue, takes="events", settings={"rules": {"dir": str(rules)}, "templates": {"dir": str(tmp_path / "templates")}})

    def event(n, **more):
        return {"type": "order.paid", "data": {"n": n, "phone": "+14155550123"}, **more}
    queue.put(event(1, id="e1"))
    queue.put(event(1, id="e1"))
    queue.put([event(2, id="e2"), event(3, id="e3")])
    queue.put(event(4), message_id="e4")
    queue.put(event(4), message_id="e4")
    queue.put([event(5), event(6)], message_id="list")
    queue.put({"to": "+14155550123", "body": "a message"}, message_id="m", type="message")
    queue.put([event(7, id="e7"), {"type": "no type at all"}], message_id="mixed")
    queue.put(event(8))
    dead = {p.message_id: p.headers for p, _ in queue.dead(2)}
    assert dead["mixed"]["x-hongyan-field"] == "type" and "number 2" in dead["mixed"]["x-hongyan-detail"]
    assert dead[None]["x-hongyan-field"] == "id"
    until(lambda: meter(g, "held") == 0 and queue.waiting() == 0)
    stored = g.get("/v1/events?limit=100").json["data"]
    assert sorted(e["event_id"][:2] for e in stored if not e["event_id"].startswith("queue:")) == ["e1", "e2", "e3", "e7"]
    assert len(stored) == 7


class Producer(threading.Thread):
    """Puts entries into the queue, with confirmation, until it is told to stop; what was not confirmed is put again."""

    def __init__(self, queue, word="text", pause=0):
        super().__init__(daemon=True)
        self.queue, self.word, self.pause, self.stopping, self.texts = queue, word, pause, False, []

    def run(self):
        channel, number = None, 0
        while not self.stopping:
            try:
                if not channel:
                    channel = self.queue.broker.connect().channel()
                    channel.confirm_delivery()
                text = "%s %d" % (self.word, number)
                body = json.dumps({"to": "+1415%07d" % (2000000 + number), "body": text})
                channel.basic_publish("", self.queue.name, body.encode(),
                                      pika.BasicProperties(message_id="m%d" % number, delivery_mode=2), mandatory=True)
                self.texts.append(text)
                number += 1
                time.sleep(self.pause)
            except (pika.exceptions.AMQPError, OSError):
                channel = None
                time.sleep(0.2)

    def after_some_more(self, n=150):
        target = len(self.texts) + n
        until(lambda: len(self.texts) >= target, 120, 0.01, told="the producer does not get on")

    def done(self):
        self.stopping = True
        self.join(60 * SLOW)


LANE = {"timeout_ms": 2000, "connect_timeout_ms": 1000, "lookup_after_ms": 1000}


def test_kill__of_the_gateway_loses_nothing_and_doubles_nothing(make_gateway, queue):
    g = door(make_gateway, queue, lane=LANE)
    p = Producer(queue)
    p.start()
    for _ in range(4):
        p.after_some_more()
        g.kill9()
        g.start()
    p.after_some_more()
    p.done()
    g.settle(120)
    all_there(g, p.texts)
    until(lambda: queue.waiting() == 0 and meter(g, "held") == 0)


def test_kill__of_the_broker_loses_nothing_and_doubles_nothing(make_gateway, broker, queue):
    g = door(make_gateway, queue, lane=LANE)
    p = Producer(queue)
    p.start()
    p.after_some_more()
    broker.kill9()
    until(lambda: "door.lost" in g.log(), 30)
    broker.start()
    p.after_some_more()
    p.done()
    until(lambda: g.log().count("door.open") >= 2, 60)
    all_there(g, p.texts, 120)
    queue.connect()
    until(lambda: queue.waiting() == 0 and meter(g, "held") == 0, 30)
    assert meter(g, "connections_lost_total") >= 1 and meter(g, "connected") == 1


def taken(channel, queue, n, timeout=60):
    """The first n entries of a queue."""
    found = []

    def more():
        method, properties, body = channel.basic_get(queue, auto_ack=True)
        if method:
            found.append((method, properties, json.loads(body)))
        return len(found) >= n
    until(more, timeout, told="%d entries of %d" % (len(found), n))
    return found


def test_door_out__tells_by_a_topic_exchange_and_waits_for_who_listens(make_gateway, broker):
    exchange, channel = unique("told"), broker.connect().channel()
    out = {"name": "told", "direction": "out"}
    g = opened(make_gateway(doors=[broker.door(exchange, **out)], env=ENV))
    sids = [g.create("+1415%07d" % (2000000 + i), "text %d" % i) for i in range(3)]
    for sid in sids:
        g.wait(sid, "delivered")
    until(lambda: "webhook.failed" in g.log(), 30)  # nobody is bound: nothing is lost
    channel.queue_declare("q" + exchange, arguments={"x-queue-type": "quorum"}, durable=True)
    channel.queue_bind("q" + exchange, exchange, "message.#")
    numbers = {sid: [e["number"] for e in g.events(sid) if not e["note"]] for sid in sids}
    seen = {sid: [] for sid in sids}
    for method, p, e in taken(channel, "q" + exchange, sum(map(len, numbers.values()))):
        assert p.message_id == "%s-%d" % (e["data"]["id"], e["data"]["event"]) and p.delivery_mode == 2
        assert p.type == method.routing_key == e["type"] and p.content_type == "application/json"
        seen[e["data"]["id"]].append(e["data"]["event"])
    assert seen == numbers  # in order, message by message
    log = g.get("/metrics").body.decode()
    assert 'door_not_told_total{door="told"} 0' not in log and 'door_connected{door="told"} 1' in log


def test_door_out__may_drop_what_nobody_listens_to(make_gateway, broker):
    exchange, channel = unique("told"), broker.connect().channel()
    channel.exchange_declare(exchange, "topic", durable=True)
    channel.queue_declare("q" + exchange, durable=True)
    channel.queue_bind("q" + exchange, exchange, "*.delivered")
    g = opened(make_gateway(doors=[broker.door(exchange, name="told", direction="out", unroutable="drop")], env=ENV))
    sids = {g.create("+1415%07d" % (2000000 + i), "text %d" % i) for i in range(20)}
    assert {e["data"]["id"] for _, _, e in taken(channel, "q" + exchange, 20)} == sids
    assert "webhook.failed" not in g.log()


def test_stop__leaves_the_rest_in_the_queue(make_gateway, queue):
    g = door(make_gateway, queue, prefetch=50)
    p = Producer(queue)
    p.start()
    p.after_some_more()
    begun = time.monotonic()
    assert g.term() == 0
    assert time.monotonic() - begun < 15 * SLOW
    p.after_some_more()
    p.done()
    g.start()
    all_there(g, p.texts)
    until(lambda: queue.waiting() == 0)
    assert meter(g, "repeated_total") == 0  # all that was taken before had been acknowledged


def test_tls__with_our_own_authority_and_a_certificate_of_our_own(make_gateway, broker, queue):
    f = broker.folder
    tls = {"url": "amqps://localhost:%d" % broker.tls_port, "ca_file": str(f / "ca.pem"), "cert_file": str(f / "client.pem"),
           "key_file": str(f / "client.key")}
    g = door(make_gateway, queue, **tls)
    texts = [queue.text(i) for i in range(50)]
    all_there(g, texts)
    strangers = make_gateway.gateway(doors=[broker.door(queue.name, **{**tls, "ca_file": ""})], env=ENV).start()
    until(lambda: "door.unreachable" in strangers.log(), 30)
    assert "certificate" in strangers.log().lower() or "SSL" in strangers.log()
    nobody = make_gateway.gateway(doors=[broker.door(queue.name, **{**tls, "cert_file": "", "key_file": ""})], env=ENV).start()
    until(lambda: "door.unreachable" in nobody.log(), 30)
    told = said(g, "doctor")
    assert "door orders" in told.stdout and "amqps://localhost" in told.stdout
    told = said(strangers, "doctor")
    assert told.returncode != 0 and any("FAIL" in line and "door orders" in line for line in told.stdout.splitlines())


def test_password__that_is_wrong_is_told_clearly_and_stands_nowhere(make_gateway, broker, queue):
    g = make_gateway(doors=[broker.door(queue.name)], env={"DOOR_PASSWORD": "wrong-horse"})
    until(lambda: "door.unreachable" in g.log(), 30)
    line = next(line for line in g.log().splitlines() if "door.unreachable" in line)
    assert "ACCESS_REFUSED" in line and "door=orders" in line
    told = said(g, "doctor")
    assert "ACCESS_REFUSED" in told.stdout
    printed = said(g, "config", "print")
    assert 'password: "***"' in printed.stdout
    for text in (g.log(), told.stdout + told.stderr, printed.stdout):
        assert "wrong-horse" not in text
    assert "wrong-horse" not in subprocess.run(["ps", "-o", "args", "-p", str(g.process.pid)], capture_output=True, text=True).stdout


POISON = {"rubbish": (b"{rubbish", {}, "invalid-request"), "unknown": (b'{"to": "+14155550123", "body": "x", "bdoy": "y"}', {}, "unknown-field"),
          "large": (b"z" * 1500000, {}, "too-large"), "blanks": (b'{"to": "+14155550123", "body": "x"}', {"idempotency-key": "a b"}, "invalid-request")}


class Poisoner(threading.Thread):
    """Puts poisonous entries among the good ones, each until the broker has confirmed it."""

    def __init__(self, queue):
        super().__init__(daemon=True)
        self.queue, self.stopping, self.put = queue, False, {}

    def run(self):
        channel, number, kinds = None, 0, sorted(POISON)
        while not self.stopping:
            kind = kinds[number % len(kinds)]
            body, headers, why = POISON[kind]
            try:
                if not channel:
                    channel = self.queue.broker.connect().channel()
                    channel.confirm_delivery()
                channel.basic_publish("", self.queue.name, body, pika.BasicProperties(message_id="%s %d" % (kind, number), headers=headers, delivery_mode=2), mandatory=True)
                self.put["%s %d" % (kind, number)] = why
                number += 1
                time.sleep(0.03)
            except (pika.exceptions.AMQPError, OSError):
                channel = None
                time.sleep(0.2)

    def done(self):
        self.stopping = True
        self.join(60 * SLOW)


def everything(queue):
    """What the dead letters hold by now: {message_id: problems}."""
    found = {}
    while True:
        method, p, _ = queue.channel.basic_get(queue.name + ".dead", auto_ack=True)
        if not method:
            return found
        found.setdefault(p.message_id, set()).add(p.headers["x-hongyan-problem"].rsplit("/")[-1])


def test_poison__while_gateway_and_broker_are_killed_is_put_aside_and_nothing_else_is(make_gateway, broker, queue):
    g = door(make_gateway, queue, lane=LANE, prefetch=30)
    good, bad = Producer(queue, pause=0.005), Poisoner(queue)
    good.start()
    bad.start()
    for _ in range(10 if os.environ.get("HONGYAN_LONG") else 2):
        good.after_some_more(60)
        g.kill9()
        g.start()
        good.after_some_more(60)
        broker.kill9()
        broker.start()
    good.after_some_more(60)
    good.done()
    bad.done()
    all_there(g, good.texts, 120)
    g.settle(120)
    until(lambda: queue.connect().waiting() == 0 and meter(g, "held") == 0, 60, 0.5, told="something stays in the queue")
    dead = everything(queue)
    assert set(dead) == set(bad.put), (len(dead), len(bad.put), sorted(set(bad.put) ^ set(dead))[:10])
    wrong = {name: (dead[name], why) for name, why in bad.put.items() if dead[name] != {why}}
    assert not wrong, wrong
    assert set(g.sim.times().values()) == {1}


def test_dead_letters__that_the_broker_has_no_room_for_are_kept_until_it_has(make_gateway, queue):
    queue.channel.queue_declare(queue.name + ".dead", durable=True, arguments={"x-max-length": 1, "x-overflow": "reject-publish"})
    g = door(make_gateway, queue)
    poison = {"bad %d" % i for i in range(8)}
    for name in poison:
        queue.put(b"{rubbish", message_id=name, delivery_mode=2)
    texts = [queue.text(i) for i in range(20)]
    all_there(g, texts)  # nobody waits for them
    until(lambda: "door.not_aside" in g.log(), 30, told="the dead letters were never full")
    dead = {}
    until(lambda: dead.update(everything(queue)) or set(dead) >= poison, 60, 0.2, told=lambda: "%s are gone" % sorted(poison - set(dead)))
    until(lambda: queue.waiting() == 0 and meter(g, "held") == 0)
