"""Frequency caps over several gateways on one database: whoever takes the messages, whoever sends them and whoever is killed meanwhile,
one recipient begins to get as many as the cap says. HONGYAN_LONG=1: more kills."""
import collections
import concurrent.futures
import http.client
import json
import os
import random
import threading
import time

import pytest

from harness.cluster import STEADY
from harness.gateway import call, until
from harness.redis_server import RedisServer
from postgres import Postgres
from test_kill import LANE
from test_nodes import cluster  # noqa: F401
from test_nodes_events import start

KILLS = 12 if os.environ.get("HONGYAN_LONG") else 3
CAP = 3
CAPS = {"caps": ["%d/7d for topic=news" % CAP]}
PEOPLE = ["+1415555%04d" % (1000 + i) for i in range(24)]


@pytest.fixture(scope="module")
def server():
    with Postgres() as running:
        yield running


@pytest.fixture
def redis():
    running = RedisServer()
    yield running
    running.close()


def post(g, to, n, key=None, **more):
    """The message as it was answered. Its text says whose it is."""
    body = json.dumps({"to": to, "body": "%s %d" % (to, n), "topic": "news", **more})
    headers = {**g.bearer, "Content-Type": "application/json", **({"Idempotency-Key": key} if key else {})}
    return call(g.port, "POST", "/v1/messages", body, headers, timeout=30)


def sent(c):
    """How many texts of each recipient the provider has; none of them twice."""
    texts = c.sim.messages(limit=100000)
    assert all(m["times"] == 1 for m in texts), [m for m in texts if m["times"] > 1][:3]
    return collections.Counter(m["to"] for m in texts)


def judged(c):
    """What became of the messages of each recipient: how many of each reason, None for those that went."""
    found = collections.defaultdict(collections.Counter)
    for m in c.nodes[-1].all(direction="outbound"):
        assert m["status"] in ("sent", "delivered", "suppressed"), m
        found[m["to"]][m["reason"] if m["status"] == "suppressed" else None] += 1
    return found


def check(c, each, people=PEOPLE):
    """Everybody was meant by more messages than the cap allows, and got as many as it does."""
    c.nodes[-1].settle(180)
    got, wrong = judged(c), {to: n for to, n in sent(c).items() if n != CAP}
    assert not wrong, "of a cap of %d: %s" % (CAP, wrong)
    assert sorted(got) == sorted(people)
    wrong = {to: dict(said) for to, said in got.items() if said[None] != CAP or said["frequency_cap"] != each - CAP}
    assert not wrong, wrong


@pytest.mark.parametrize("kind, n, shared", [("sqlite", 2, False), ("postgresql", 2, False), ("postgresql", 3, False), ("postgresql", 3, True)])
def test_cap__holds_for_what_all_nodes_take_at_once(cluster, server, redis, kind, n, shared):  # noqa: F811
    more = {"redis": {"url": redis.url, "nodes_expected": n}} if shared else {}
    c = cluster(n=n, database=server.new_database() if kind == "postgresql" else None, limits=CAPS, **STEADY, **more).start()
    each, gate = 4 * n, threading.Barrier(2 * n)

    def client(i):
        """One of two at each node; all write to the same person at the same moment."""
        got = []
        for turn, to in enumerate(PEOPLE):
            gate.wait(120)
            got += [post(c.nodes[i % n], to, 2 * i + k) for k in range(2)]
            if shared and i == 0 and turn == len(PEOPLE) // 2:
                redis.kill9()  # which has no part in this
        return got
    with concurrent.futures.ThreadPoolExecutor(2 * n) as pool:
        answers = [a for got in pool.map(client, range(2 * n)) for a in got]
    assert {a.status for a in answers} == {202}, [a for a in answers if a.status != 202][:3]
    check(c, each)


class Insistent(threading.Thread):
    """Writes to everybody in turn, each text under a key until some node has answered it."""

    def __init__(self, c, number, each):
        super().__init__(daemon=True)
        self.c, self.number, self.each = c, number, each
        self.stopping, self.done, self.repeats, self.wrong = False, 0, 0, []

    def run(self):
        for n in range(self.each):
            for to in PEOPLE:
                self.one(to, 100 * self.number + n)

    def one(self, to, n):
        while not self.stopping:
            for g in self.c.nodes[self.number % len(self.c.nodes):] + self.c.nodes:
                try:
                    a = post(g, to, n, key="%s-%d" % (to, n))
                except (OSError, http.client.HTTPException):
                    self.repeats += 1
                    continue
                if a.status in (200, 202):
                    self.done += 1
                    return
                if a.status not in (409, 503):
                    self.wrong.append(a)
                    return
            time.sleep(0.02)


def taken(c):
    return sum(g.log().count("event=node.taken") for g in c.nodes)


@pytest.mark.parametrize("kind, n", [("sqlite", 2), ("postgresql", 2), ("postgresql", 3)])
def test_cap__holds_over_nodes_that_are_killed_and_taken_over(cluster, server, kind, n):  # noqa: F811
    c = cluster(n=n, database=server.new_database() if kind == "postgresql" else None, limits=CAPS, lane=LANE,
                profile={"latency_ms": {"min": 0, "max": 50}}).start()
    each, dice = 4, random.Random(4)
    clients = [Insistent(c, i, each) for i in range(2 * n)]
    for t in clients:
        t.start()
    total = len(clients) * each * len(PEOPLE)
    try:
        for i in range(KILLS):
            at = total * (i + dice.random()) / (KILLS + 1)
            until(lambda at=at: sum(t.done for t in clients) >= at, 120, told="nothing is taken any more")
            g = c.nodes[i % n]
            before = taken(c)
            killed = g.process.poll() is None  # else its lease ran out on a slow machine
            if killed:
                g.kill9()
            if killed and i % 2 == 0:  # back when the others have its work, or before
                until(lambda before=before: taken(c) > before, 60, told="nobody takes over")
            start(g)
        until(lambda: c.revive() or not any(t.is_alive() for t in clients), 240, 0.2, told="not all were answered")
    finally:
        for t in clients:
            t.stopping = True
        for t in clients:
            t.join(60)
    assert not [w for t in clients for w in t.wrong] and sum(t.repeats for t in clients) > 0, "no post met a kill: this proves little"
    c.revive()
    check(c, each * len(clients))


RULE = """\
rules:
  - {name: news, on: news.new, to: data.people, template: news, topic: news, delay: 12s}
"""


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_cap__holds_for_what_a_killed_node_leaves_to_several_others(cluster, server, tmp_path, kind):  # noqa: F811
    """Scheduled, so judged when each is due: by whichever of the two took it over, both at the same moment."""
    for folder, name, text in ("rules", "r.yaml", RULE), ("templates", "news.txt", "{{ data.people[0] }}: {{ data.n }}"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / name).write_text(text)
    c = cluster(database=server.new_database() if kind == "postgresql" else None, limits=CAPS, lane=LANE, rules={"dir": str(tmp_path / "rules")},
                templates={"dir": str(tmp_path / "templates")}).start()
    each, people = 30, ["+1415555%04d" % i for i in range(80)]
    begun = time.monotonic()
    for n in range(each):  # so many that both take some: a thousand at every look
        turned = people[n:] + people[:n]
        a = c.nodes[0].post("/v1/events", {"type": "news.new", "data": {"n": n, "people": turned}})
        assert a.status == 202 and sum(o["did"] == "fired" for o in a.json["outcomes"]) == len(people), a
    c.nodes[0].kill9()
    assert time.monotonic() - begun < 12, "it has begun to send: this proves little"
    check(c, each, people)
    assert all("node.moved" in g.log() for g in c.nodes[1:]), [g.log()[-1000:] for g in c.nodes[1:]]
