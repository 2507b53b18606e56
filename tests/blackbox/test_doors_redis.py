"""Messages in by Redis Streams, with a real redis-server and redis-py as its other client: what is in the stream is sent once, over
kill -9 of either side; what can never be taken is put aside with its reason; what another consumer left alone is taken over."""
import json
import threading
import time

import pytest
import redis

from harness import stream_server
from harness.gateway import SLOW, unique, until

ENV = {"DOOR_PASSWORD": stream_server.PASSWORD}
GROUP = "hongyan"


@pytest.fixture(scope="module")
def session_server(tmp_path_factory):
    r = stream_server.Redis(tmp_path_factory.mktemp("redis") / "server").start()
    yield r
    r.stop()


class Stream:
    def __init__(self, server):
        self.server, self.name, self.client = server, unique("sms"), server.connect()

    def put(self, body, **fields):
        return self.client.xadd(self.name, {"json": body if isinstance(body, bytes) else json.dumps(body), **fields})

    def text(self, number):
        body = "text %d" % number
        self.put({"to": "+1415%07d" % (2000000 + number), "body": body})
        return body

    def pending(self):
        return self.client.xpending(self.name, GROUP)["pending"]

    def dead(self, n):
        return until(lambda: len(self.client.xrange(self.name + ".dead")) >= n and [
            {k.decode(): v for k, v in fields.items()} for _, fields in self.client.xrange(self.name + ".dead")], 20)


@pytest.fixture
def stream(session_server):
    return Stream(session_server)


def opened(g):
    until(lambda: "door.open" in g.log(), 30, told="the door does not open")
    return g


def door(make_gateway, stream, settings=None, lane=None, **more):
    return opened(make_gateway(doors=[stream.server.door(stream.name, **more)], env=ENV, lane=lane, **(settings or {})))


def meter(g, name):
    text = g.get("/metrics").body.decode()
    return sum(int(line.split()[-1]) for line in text.splitlines() if line.startswith("door_%s{" % name))


def all_there(g, texts, timeout=60):
    until(lambda: len(g.sim.times()) >= len(texts), timeout, 0.1, told="not all texts arrive")
    times = g.sim.times()
    assert set(times) == set(texts) and set(times.values()) == {1}


def test_entries__become_messages_and_are_acknowledged(make_gateway, stream):
    texts = [stream.text(i) for i in range(50)]  # from before there was a group, too
    g = door(make_gateway, stream, prefetch=40)
    texts += [stream.text(i) for i in range(50, 300)]
    stream.client.xadd(stream.name, {"to": "+14155550123", "body": "flat"})
    all_there(g, texts + ["flat"])
    until(lambda: stream.pending() == 0 and meter(g, "taken_total") == 301 and meter(g, "held") == 0)
    assert meter(g, "dead_letters_total") == 0 and meter(g, "connected") == 1
    assert g.term() == 0
    assert stream.client.xinfo_consumers(stream.name, GROUP) == []  # it takes its name along


def test_entry__that_can_never_be_taken_is_put_aside_with_its_reason_and_holds_up_nobody(make_gateway, stream):
    g = door(make_gateway, stream, dead_letters_max=1000)
    stream.put(b"{rubbish", id="a")
    stream.put({"to": "12", "body": "x"}, id="b", traceparent="t")
    stream.put({"to": "+14155550123", "body": "x", "bdoy": "y"}, id="c")
    stream.client.xadd(stream.name, {b"\xff\x00": b"\xfe", "id": "d"})
    stream.put({"to": "+14155550123", "body": "z" * 3000000}, id="e")
    texts = [stream.text(i) for i in range(20)]
    all_there(g, texts)
    dead = {d["id"].decode(): d for d in stream.dead(5)}
    why = {k: (int(d["status"]), d["problem"].decode().rsplit("/")[-1], d.get("field", b"").decode()) for k, d in dead.items()}
    assert why == {"a": (400, "invalid-request", ""), "b": (422, "unprocessable", "to"), "c": (400, "unknown-field", "bdoy"),
                   "d": (400, "invalid-request", ""), "e": (413, "too-large", "")}
    assert dead["a"]["json"] == b"{rubbish" and dead["b"]["traceparent"] == b"t" and dead["b"]["door"] == b"orders"
    assert len(dead["e"]["json"]) > 3000000
    until(lambda: stream.pending() == 0 and meter(g, "held") == 0)
    assert meter(g, "dead_letters_total") == 5


def test_entry__with_the_same_id_is_sent_once(make_gateway, stream):
    g = door(make_gateway, stream)
    for _ in range(3):
        stream.put({"to": "+14155550123", "body": "by id"}, id="i-1")
        stream.put({"to": "+14155550123", "body": "by key"}, idempotency_key="k-1")
    until(lambda: meter(g, "taken_total") == 6)
    all_there(g, ["by id", "by key"])


def test_entries__left_alone_by_another_consumer_are_taken_over(make_gateway, stream):
    texts = [stream.text(i) for i in range(10)]
    stream.client.xgroup_create(stream.name, GROUP, "0")
    got = stream.client.xreadgroup(GROUP, "somebody", {stream.name: ">"}, count=10)
    assert len(got[0][1]) == 10
    stream.client.xdel(stream.name, got[0][1][0][0])  # what is deleted is no more to be done
    g = door(make_gateway, stream)
    all_there(g, texts[1:])
    until(lambda: stream.pending() == 0)
    assert meter(g, "redelivered_total") == 9


def test_prefetch__is_all_that_is_taken_before_it_is_stored(make_gateway, stream):
    g = door(make_gateway, stream, account="shop", prefetch=3)
    texts = [stream.text(i) for i in range(10)]
    until(lambda: meter(g, "retries_total") > 4)
    assert stream.pending() == 3 and meter(g, "held") == 3
    g.create_key("shop")
    all_there(g, texts)
    until(lambda: stream.pending() == 0)


def test_entries__that_wait_for_a_limit_stay_ours_and_are_sent_once(make_gateway, stream):
    g = door(make_gateway, stream, claim_s=1, settings={"limits": {"rates": ["5/2s per account"]}})
    texts = [stream.text(i) for i in range(20)]
    all_there(g, texts)
    until(lambda: stream.pending() == 0 and meter(g, "held") == 0)
    assert meter(g, "retries_total") > 0 and meter(g, "dead_letters_total") == 0 and meter(g, "redelivered_total") == 0


class Producer(threading.Thread):
    """Puts entries into the stream until it is told to stop; what was not answered is put again, under the same id."""

    def __init__(self, stream, word="text", pause=0):
        super().__init__(daemon=True)
        self.stream, self.word, self.pause, self.stopping, self.texts = stream, word, pause, False, []

    def run(self):
        client = self.stream.server.connect()
        while not self.stopping:
            n = len(self.texts)
            text = "%s %d" % (self.word, n)
            body = json.dumps({"to": "+1415%07d" % (2000000 + n), "body": text})
            try:
                client.xadd(self.stream.name, {"json": body, "id": "m%d" % n})
                self.texts.append(text)
                time.sleep(self.pause)
            except (redis.exceptions.RedisError, OSError):
                time.sleep(0.1)

    def after_some_more(self, n=150):
        target = len(self.texts) + n
        until(lambda: len(self.texts) >= target, 120, 0.01, told="the producer does not get on")

    def done(self):
        self.stopping = True
        self.join(60 * SLOW)


def test_kill__of_either_side_loses_nothing_and_doubles_nothing(make_gateway, session_server, stream):
    g = door(make_gateway, stream, claim_s=1,
             lane={"timeout_ms": 2000, "connect_timeout_ms": 1000, "lookup_after_ms": 1000})
    p = Producer(stream)
    p.start()
    poison = set()
    for i in range(3):
        p.after_some_more()
        for k in range(40):  # what is put aside when it is killed is neither lost nor in the way
            stream.put(b"{rubbish", id="poison %d %d" % (i, k))
            poison.add(b"poison %d %d" % (i, k))
        g.kill9()
        g.start()
        p.after_some_more()
        session_server.kill9()
        until(lambda: "door.unreachable" in g.log().rsplit("gateway.open", 1)[1], 30)
        session_server.start()
    p.after_some_more()
    p.done()
    g.settle(120)
    all_there(g, p.texts, 90)
    stream.client = session_server.connect()
    until(lambda: stream.pending() == 0 and meter(g, "held") == 0, 30)
    dead = [d[b"id"] for _, d in stream.client.xrange(stream.name + ".dead")]
    assert set(dead) == poison, (len(dead), poison - set(dead))


def test_tls_and_password(make_gateway, session_server, stream):
    tls = {"url": "rediss://localhost:%d" % session_server.tls_port, "ca_file": str(session_server.folder / "ca.pem")}
    g = door(make_gateway, stream, **tls)
    all_there(g, [stream.text(i) for i in range(20)])
    stranger = make_gateway(doors=[session_server.door(stream.name, **{**tls, "ca_file": ""})], env=ENV)
    until(lambda: "door.unreachable" in stranger.log(), 30)
    wrong = make_gateway(doors=[session_server.door(stream.name)], env={"DOOR_PASSWORD": "wrong-horse"})
    until(lambda: "WRONGPASS" in wrong.log(), 30)
    assert "wrong-horse" not in wrong.log()
