"""Doors in and out of both kinds under siege, by one gateway and by three on PostgreSQL: gateways and brokers are killed, connections are cut in
the middle of whatever is said over them, bindings go and come, streams are trimmed, nodes leave and join. Each entry is sent once; each
change of each message is told to both brokers and to a webhook, in order. HONGYAN_LONG=1: more of it; HONGYAN_SEEDS=1,2: with these seeds."""
import collections
import json
import os
import random
import socket
import threading
import time
import types

import pika
import pytest
import redis

from harness import rabbit
from harness.cluster import Balancer, Cluster, Crowd
from harness.endpoint import Endpoint, Hooks
from harness.gateway import SLOW, unique, until
from postgres import Postgres
from test_doors_rabbit import Producer as QueueProducer, Queue, broker, session_broker  # noqa: F401 (fixtures)
from test_doors_redis import Producer as StreamProducer, Stream, session_server  # noqa: F401 (fixtures)
from test_webhooks_hostile import OPEN, in_order

SEEDS = [int(seed) for seed in os.environ.get("HONGYAN_SEEDS", "1").split(",")]
FAULTS = 40 if os.environ.get("HONGYAN_LONG") else 5
LANE = {"timeout_ms": 2000, "connect_timeout_ms": 1000, "lookup_after_ms": 1000}


class Wire(Balancer):
    """A way to a broker that can be cut."""

    def __init__(self, port):
        self.open = []
        super().__init__()
        self.ports = [port]

    def serve(self, near):
        self.open.append(near)
        super().serve(near)

    def cut(self):
        cut, self.open = self.open, []
        for s in cut:
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    @property
    def port(self):
        return self.listener.getsockname()[1]


class Listener(threading.Thread):
    """Takes what is told, keeps (id, type, what) in the order in which it came, and only then lets the broker forget it."""

    def __init__(self):
        super().__init__(daemon=True)
        self.told, self.stopping = [], False

    def keep(self, name, kind, body):
        self.told.append((name, kind, json.loads(body)))

    def run(self):
        while not self.stopping:
            try:
                self.listen()
            except (redis.exceptions.RedisError, pika.exceptions.AMQPError, OSError):
                time.sleep(0.1)

    def ids(self):
        return {name for name, _, _ in list(self.told)}

    def done(self):
        self.stopping = True
        self.join(60 * SLOW)


class OfStream(Listener):
    def __init__(self, server, name):
        super().__init__()
        self.server, self.name, self.last = server, name, "0-0"

    def listen(self):
        client = self.server.connect()
        while not self.stopping:
            for _, rows in client.xread({self.name: self.last}, count=100, block=200) or []:
                for at, f in rows:
                    self.keep(f[b"id"].decode(), f[b"type"].decode(), f[b"json"])
                    self.last = at.decode()


class OfQueue(Listener):
    def __init__(self, broker, name):  # noqa: F811
        super().__init__()
        self.broker, self.name = broker, name

    def listen(self):
        connection = self.broker.connect()
        channel = connection.channel()
        for method, p, body in channel.consume(self.name, inactivity_timeout=0.2):
            if method:
                self.keep(p.message_id, p.type, body)
                channel.basic_ack(method.delivery_tag)
            if self.stopping:
                break
        connection.close()


class Siege:
    def __init__(self, broker, server, seed):  # noqa: F811
        self.broker, self.server, self.nodes, self.seed, self.dice = broker, server, [], seed, random.Random(seed)
        self.wires = [Wire(broker.port), Wire(server.port)]
        self.queue, self.stream = Queue(broker), Stream(server)
        self.exchange, self.told = unique("told"), unique("told")
        channel = self.queue.channel
        channel.exchange_declare(self.exchange, "topic", durable=True)
        channel.queue_declare("q" + self.exchange, durable=True, arguments={"x-queue-type": "quorum"})
        channel.queue_bind("q" + self.exchange, self.exchange, "#")
        self.story = collections.Counter()

    def doors(self):
        amqp = {"url": "amqp://127.0.0.1:%d" % self.wires[0].port}
        plain = {"url": "redis://127.0.0.1:%d" % self.wires[1].port}
        return [self.broker.door(self.queue.name, **{**amqp, "name": "queue", "prefetch": 40}),
                self.server.door(self.stream.name, **{**plain, "name": "stream", "prefetch": 40, "claim_s": 1}),
                self.broker.door(self.exchange, **{**amqp, "name": "qtold", "direction": "out"}),
                self.server.door(self.told, **{**plain, "name": "rtold", "direction": "out"})]

    # ---- faults ----

    def kill_gateway(self):
        g = self.dice.choice(self.nodes)
        if g.process.poll() is None:
            g.kill9()
        time.sleep(self.dice.choice([0, 0, 0.5, 6 if len(self.nodes) > 1 else 0]))
        g.start()

    def leave_and_join(self):
        g = self.dice.choice(self.nodes)
        if g.process.poll() is None:
            g.term()
        time.sleep(self.dice.random())
        g.start()

    def kill_broker(self):
        self.broker.kill9()
        time.sleep(self.dice.random())
        self.broker.start()

    def kill_server(self):
        self.server.kill9()
        time.sleep(self.dice.random())
        self.server.start()

    def cut(self):
        for _ in range(self.dice.randint(1, 8)):
            self.dice.choice(self.wires).cut()
            time.sleep(self.dice.random() * 0.3)

    def unbind(self):
        channel = self.broker.connect().channel()
        channel.queue_unbind("q" + self.exchange, self.exchange, "#")
        time.sleep(self.dice.random())
        channel.queue_bind("q" + self.exchange, self.exchange, "#")

    def trim(self):
        """What has been listened to is taken away."""
        self.server.connect().xtrim(self.told, minid=self.told_by[1].last, approximate=False)

    def empty_stream(self):
        """All of the stream out is taken away, if all of it was heard."""
        client = self.server.connect()
        client.eval("local l = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1) "
                    "if l[1] and l[1][1] == ARGV[1] then redis.call('XTRIM', KEYS[1], 'MAXLEN', 0) end", 1, self.told, self.told_by[1].last)

    def fault(self):
        name = self.dice.choices(["kill_gateway", "leave_and_join", "kill_broker", "kill_server", "cut", "unbind", "trim", "empty_stream"],
                                 [5, 2, 1, 2, 4, 1, 1, 1])[0]
        self.story[name] += 1
        getattr(self, name)()

    # ---- all of it ----

    def revive(self):
        for g in self.nodes:
            if g.process.poll() is not None:
                assert g.process.returncode not in (0, -6, -11), g.log()[-3000:]
                self.story["lease lost"] += 1
                g.start()

    def run(self, key, faults):
        whims = random.Random(self.seed)
        hook = Endpoint(lambda post: 500 if whims.random() < 0.02 else 204)
        Hooks(self.nodes[0], key).create(hook.url, events=["message.*"])
        self.told_by = [OfQueue(self.broker, "q" + self.exchange), OfStream(self.server, self.told)]
        makers = [QueueProducer(self.queue, "queue", 0.05), StreamProducer(self.stream, "stream", 0.05)]
        for t in self.told_by + makers:
            t.start()
        try:
            with Crowd(types.SimpleNamespace(nodes=self.nodes), 1, 200) as clients:
                for _ in range(faults):
                    targets = [len(m.texts) + self.dice.randint(10, 40) for m in makers]
                    until(lambda: self.revive() or all(len(m.texts) >= n for m, n in zip(makers, targets)), 120, 0.02)
                    self.fault()
                    self.revive()
            for m in makers:
                m.done()
            self.revive()
            self.compare(makers, clients, hook)
        finally:
            for t in self.told_by:
                t.done()
            hook.close()
            for w in self.wires:
                w.close()

    def compare(self, makers, clients, hook):
        g = self.nodes[0]
        want = {t for m in makers for t in m.texts}
        until(lambda: want <= set(g.sim.times()), 120, 0.2, told=lambda: "entries that were never sent: %s" % sorted(want - set(g.sim.times()))[:20])
        g.settle(180)
        doubled = {t: n for t, n in g.sim.times().items() if n > 1 and not t.startswith("client")}
        assert not doubled, doubled
        owed = {}

        def read(sids):
            for sid in sids:
                owed.update({"%s-%d" % (sid, e["number"]): e["status"] for e in g.events(sid) if not e["note"]})
        read([m["id"] for m in g.all(direction="outbound")])
        hears = {"rabbit": self.told_by[0].ids, "redis": self.told_by[1].ids, "webhook": lambda: {p.id for p in list(hook.posts)}}
        print("\nseed %d: %s; %d entries, %d posts, %d events" % (self.seed, dict(self.story), len(want), clients.count(), len(owed)))
        for who, ids in hears.items():
            def differ(ids=ids):
                read({name.split("-")[0] for name in ids() ^ set(owed)})  # a receipt may have come since
                return sorted(ids() ^ set(owed))
            until(lambda: not differ(), 90, 0.5, told=lambda: "%s: of %d events %d are too few or too many: %s" % (who, len(owed), len(differ()), differ()[:10]))
        for t in self.told_by:
            check_order(t.told, owed)
        in_order(hook.posts)
        self.stream.client = self.server.connect()
        until(lambda: self.stream.pending() == 0, 30)
        self.queue.connect()
        until(lambda: self.queue.waiting() == 0 and self.queue.waiting(self.queue.name + ".dead") == 0, 30)
        assert self.stream.client.exists(self.stream.name + ".dead") == 0


def check_order(told, owed):
    """Of each message the events came in their order, whatever was told again."""
    first = collections.defaultdict(list)
    for name, kind, e in told:
        assert name == "%s-%d" % (e["data"]["id"], e["data"]["event"]) and kind == e["type"] == "message." + owed[name], (name, kind, e)
        if e["data"]["event"] not in first[e["data"]["id"]]:
            first[e["data"]["id"]].append(e["data"]["event"])
    wrong = {sid: numbers for sid, numbers in first.items() if numbers != sorted(numbers)}
    assert not wrong, wrong


def settings(siege):
    return {"doors": siege.doors(), "webhooks": OPEN, "env": {"DOOR_PASSWORD": rabbit.PASSWORD}, "lane": LANE,
            "profile": {"latency_ms": {"min": 0, "max": 20}, "receipts": {"duplicate": 0.02, "out_of_order": 0.02, "delay_ms": {"min": 0, "max": 50}}}}


@pytest.mark.parametrize("seed", SEEDS)
def test_siege__of_one_gateway(make_gateway, broker, session_server, seed):  # noqa: F811
    siege = Siege(broker, session_server, seed)
    how = settings(siege)
    siege.nodes = [make_gateway(retry={"first_ms": 100}, **how)]
    siege.run(siege.nodes[0].create_key(scopes="send,read,admin")["key"], FAULTS)


@pytest.mark.parametrize("seed", SEEDS)
def test_siege__of_three_gateways_on_postgresql(make_gateway, broker, session_server, tmp_path, seed):  # noqa: F811
    siege = Siege(broker, session_server, seed + 1000)
    with Postgres() as database:
        c = Cluster(make_gateway, tmp_path, database=database.new_database(), **settings(siege))
        try:
            siege.nodes = c.start().nodes
            siege.run(c.nodes[0].create_key(scopes="send,read,admin")["key"], FAULTS)
        finally:
            c.balancer.close()
            for g in c.nodes:
                g.end()
