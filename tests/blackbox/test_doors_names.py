"""What tells entries apart is the queue they come from: a door may get another name, its entries come again and are sent once all the same; those
of queues that only have the same name are others. What was taken while doors' names told entries apart is not sent twice, either."""
import contextlib
import hashlib
import json
import socket
import threading

import pytest

from harness import stream_server
from harness.cluster import Balancer
from harness.gateway import until
from test_doors_rabbit import RULE, Queue, broker, meter, session_broker  # noqa: F401 (fixtures)
from test_doors_redis import ENV, Stream, all_there, session_server  # noqa: F401 (fixtures)
from test_routes import reload

LANE = {"timeout_ms": 2000, "connect_timeout_ms": 1000, "lookup_after_ms": 1000}


class OfRabbit:
    scheme = "amqp"

    def __init__(self, broker):  # noqa: F811
        self.broker, self.queue, self.port = broker, Queue(broker), broker.port

    def door(self, name, **more):
        return self.broker.door(self.queue.name, **{"name": name, "prefetch": 200, **more})

    def put(self, body, **properties):
        if "id" in properties:
            properties["message_id"] = properties.pop("id")
        self.queue.put(body, **properties)

    def empty(self):
        return self.queue.waiting() == 0


class OfRedis:
    scheme = "redis"

    def __init__(self, server):
        self.server, self.stream, self.port = server, Stream(server), server.port

    def door(self, name, **more):
        return self.server.door(self.stream.name, **{"name": name, "prefetch": 200, "claim_s": 1, **more})

    def put(self, body, **fields):
        self.stream.put(body, **fields)

    def empty(self):
        return self.stream.client.exists(self.stream.name) == 0 or self.stream.pending() == 0


@pytest.fixture(params=["rabbit", "redis"])
def source(request):
    if request.param == "rabbit":
        return OfRabbit(request.getfixturevalue("broker"))
    return OfRedis(request.getfixturevalue("session_server"))


def text(i):
    return {"to": "+1415%07d" % (2000000 + i), "body": "text %d" % i}


def opened(g, name, times=1):
    until(lambda: sum("door=%s " % name in line + " " for line in g.logged("door.open")) >= times, 60, told="door %s does not open" % name)
    return g


def test_renamed_door__sends_nothing_again(make_gateway, source):
    g = opened(make_gateway(doors=[source.door("one")], env=ENV, lane=LANE), "one")
    for i in range(20):
        source.put(text(i), id="m%d" % i)
    all_there(g, ["text %d" % i for i in range(20)])
    until(source.empty, 30)
    reload(g, doors=[source.door("two")])
    opened(g, "two")
    for i in range(40):
        source.put(text(i), id="m%d" % i)
    all_there(g, ["text %d" % i for i in range(40)])
    until(lambda: source.empty() and meter(g, "repeated_total") == 20, 30)
    assert meter(g, "dead_letters_total") == 0


class Mute(Balancer):
    """A way to a broker; once it is deaf, nothing that a gateway says arrives there."""

    def __init__(self, port):
        super().__init__()
        self.deaf, self.ports = False, [port]

    def serve(self, near):
        far = socket.create_connection(("127.0.0.1", self.ports[0]))
        threading.Thread(target=self.pump, args=(far, near), daemon=True).start()
        with contextlib.suppress(OSError):
            while data := near.recv(65536):
                if not self.deaf:
                    far.sendall(data)
        far.close()


def test_renamed_door__at_a_kill_sends_nothing_again(make_gateway, source):
    way = Mute(source.port)
    g = opened(make_gateway(doors=[source.door("one", url=source.scheme + "://127.0.0.1:%d" % way.listener.getsockname()[1])], env=ENV, lane=LANE), "one")
    source.put(text(0), id="m0")
    all_there(g, ["text 0"])
    until(source.empty, 30)
    way.deaf = True
    source.put(text(1), id="m1")
    until(lambda: "text 1" in g.sim.times(), 30)  # it is on disk, and its queue was not told
    g.kill9()
    until(lambda: not source.empty(), 30)  # it will come again
    g.write(doors=[source.door("two")])
    g.start()
    source.put(text(2), id="m2")
    all_there(g, ["text 0", "text 1", "text 2"])
    until(lambda: source.empty() and meter(g, "repeated_total") == 1, 60)
    assert meter(g, "dead_letters_total") == 0
    way.close()


def test_streams__of_one_name_on_two_servers_are_not_taken_for_each_other(make_gateway, session_server, tmp_path):
    here, other = OfRedis(session_server), stream_server.Redis(tmp_path / "other").start()
    try:
        there = OfRedis(other)
        there.stream.name = here.stream.name
        g = opened(make_gateway(doors=[here.door("here")], env=ENV), "here")
        here.put({"to": "+14155550123", "body": "the same text"}, id="m1")
        all_there(g, ["the same text"])
        until(here.empty, 30)
        reload(g, doors=[here.door("here"), there.door("there")])
        opened(g, "there")
        opened(g, "here", 2)
        for s in (here, there):
            s.put({"to": "+14155550123", "body": "of another day"}, id="m2")
        until(lambda: g.sim.times()["of another day"] == 2, 30)
        until(lambda: here.empty() and there.empty())
        assert meter(g, "dead_letters_total") == 0
    finally:
        other.stop()


def test_entries__that_were_taken_when_names_told_them_are_not_sent_again(make_gateway, source, tmp_path):
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "paid.yaml").write_text(RULE)
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "paid.txt").write_text("paid {{ n }}")
    g = make_gateway(env=ENV, rules={"dir": str(tmp_path / "rules")}, templates={"dir": str(tmp_path / "templates")})

    def former(name):
        return "door:orders:" + hashlib.sha256(name.encode()).hexdigest()

    def event(n):
        return {"type": "order.paid", "source": "till", "data": {"n": n, "phone": "+14155550123"}}
    for i in range(5):  # on disk as they were then
        assert g.post("/v1/messages", json.dumps(text(i)).encode(), {"Idempotency-Key": former("m%d" % i)}).status == 202
        assert g.post("/v1/events", json.dumps({**event(i), "id": former("e%d" % i)}).encode()).status == 202
    assert g.post("/v1/events", json.dumps({**event(7), "id": former("list") + "/0"}).encode()).status == 202
    texts = ["text %d" % i for i in range(5)] + ["paid %d" % i for i in range(5)] + ["paid 7"]
    all_there(g, texts)
    reload(g, doors=[source.door("orders")])
    opened(g, "orders")
    for i in range(10):
        source.put(text(i), id="m%d" % i)
        source.put(event(i) if i < 5 else event(10 + i), id="e%d" % i, type="event")
    source.put([event(7), event(8)], id="list", type="event")
    texts += ["text %d" % i for i in range(5, 10)] + ["paid %d" % i for i in range(15, 20)] + ["paid 8"]
    all_there(g, texts)
    until(source.empty, 30)
    assert meter(g, "dead_letters_total") == 0
    assert g.sim.times() == dict.fromkeys(texts, 1)
