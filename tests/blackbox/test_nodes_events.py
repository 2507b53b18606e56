"""Business events and webhooks of several gateways on one database, through kills: each rule fires once for each event, whichever node
took it and whichever sends its text; what webhooks are told comes at least once, in order, under the same ids. HONGYAN_LONG=1: more kills."""
import collections
import concurrent.futures
import contextlib
import http.client
import json
import os
import random
import sqlite3
import subprocess
import threading
import time

import pytest

from harness.cluster import STEADY, Crowd
from harness.endpoint import Endpoint, Hooks
from harness.gateway import call, until
from postgres import Postgres, ask, programs
from test_kill import LANE
from test_nodes import cluster  # noqa: F401
from test_webhooks_hostile import OPEN, in_order

KILLS = 30 if os.environ.get("HONGYAN_LONG") else 2
DESKS = ["+14155550%03d" % i for i in range(3)]
RULES = """\
rules:
  - {name: now, on: visit.booked, to: data.phone, template: said, vars: {what: "'now'"}}
  - {name: later, on: visit.booked, to: data.phone, template: said, vars: {what: "'later'"}, delay: 2s}
  - {name: reminder, on: visit.booked, to: data.phone, template: said, vars: {what: "'reminder'"}, key: data.name, delay: 4s, cancel_on: visit.dropped}
  - {name: gathered, on: visit.booked, to: data.desk, template: gathered, digest: {window: 1s}}
"""


class Source(threading.Thread):
    """Posts bookings, and drops every third of them, to whichever node takes its connection; repeats each under its id until it is answered."""

    def __init__(self, cluster, number):
        super().__init__(daemon=True)
        self.cluster, self.number, self.stopping = cluster, number, False
        self.booked, self.dropped, self.wrong, self.repeats = {}, {}, [], 0

    def run(self):
        for serial in range(1000000):
            name = "s%d-%d" % (self.number, serial)
            data = {"name": name, "phone": "+1%d%07d" % (213 + self.number, 2000000 + serial), "desk": DESKS[serial % len(DESKS)]}
            if not self.post("visit.booked", name, data, self.booked):
                return
            if serial % 3 == 0 and not self.post("visit.dropped", name + "-drop", {"name": name}, self.dropped):
                return

    def post(self, type, id, data, into):
        port = int(self.cluster.balancer.url.rsplit(":", 1)[1])
        body = json.dumps({"type": type, "id": id, "data": data})
        while not self.stopping:
            try:
                a = call(port, "POST", "/v1/events", body, {**self.cluster.nodes[0].bearer, "Content-Type": "application/json"}, timeout=20)
            except (OSError, http.client.HTTPException):
                self.repeats += 1
                time.sleep(0.02)
                continue
            if a.status in (200, 202):
                into[data["name"]] = a.json
                return True
            if a.status != 503:
                self.wrong.append(a)
                return False
            time.sleep(0.02)
        return False


class Sources:
    def __init__(self, cluster, n=4):
        self.all = [Source(cluster, i) for i in range(n)]

    def __enter__(self):
        for s in self.all:
            s.start()
        return self

    def __exit__(self, *why):
        for s in self.all:
            s.stopping = True
        for s in self.all:
            s.join(60)

    def union(self, name):
        return {k: v for s in self.all for k, v in getattr(s, name).items()}

    def count(self):
        return sum(len(s.booked) for s in self.all)


def start(g):
    """As its service manager does: on SQLite a start may find the file locked by busy neighbours for longer than it waits, and ends."""
    def there():
        g.launch()
        until(lambda: g.process.poll() is not None or g.ready(), 30, told="it does not become ready")
        ended = g.process.poll() is not None
        assert not ended or "database is locked" in g.log()[-500:], g.log()[-2000:]
        return not ended
    until(there, 60, 0.5)


def kill_some(c, clients, dice):
    for i in range(KILLS):
        c.some_more(clients, dice, 20, 50)
        g = c.nodes[i % len(c.nodes)]
        if g.process.poll() is None:  # else its lease ran out on a slow machine, and it ended by itself
            g.kill9()
        if i % 2:  # back when the others have its work, or before
            until(lambda: any("event=node.taken" in n.log() for n in c.nodes if n is not g), 30, told="nobody takes over")
        start(g)
    c.some_more(clients, dice, 20, 50)


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request):
    """SQLite has writers wait for each other from the begin of a transaction; PostgreSQL lets them meet."""
    if request.param == "sqlite":
        yield None
        return
    with Postgres() as server:
        yield server.new_database()


def test_event__fires_each_rule_once_over_killed_nodes(cluster, database, tmp_path):  # noqa: F811
    for folder, name, text in (("rules", "r.yaml", RULES), ("templates", "said.txt", "{{ what }} {{ data.name }}"),
                               ("templates", "gathered.txt", "gathered {% for e in events %}{{ e.name }} {% endfor %}")):
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / name).write_text(text)
    c = cluster(database=database, profile={"latency_ms": {"min": 0, "max": 20}}, lane=LANE, rules={"dir": str(tmp_path / "rules")},
                templates={"dir": str(tmp_path / "templates")}).start()
    with Sources(c) as sources:
        dice = random.Random(31)
        kill_some(c, sources, dice)
        for _ in range(20):
            if any(s.repeats for s in sources.all):
                break
            kill_some(c, sources, dice)  # none of the nodes had a post in its hands when it was killed
    c.revive()
    c.settle(120)
    booked, dropped = sources.union("booked"), sources.union("dropped")
    assert not [w for s in sources.all for w in s.wrong]
    withdrawn = {name for name, a in dropped.items() if any(o["did"] == "canceled" for o in a["outcomes"])}
    until(lambda: gathered_of(c) >= set(booked), 60, told="digests are not made")
    c.settle(120)
    times = c.sim.times()
    print("\n%d kills, %d events, %d posts repeated, %d of %d reminders withdrawn" %
          (KILLS, len(booked) + len(dropped), sum(s.repeats for s in sources.all), len(withdrawn), len(dropped)))
    assert sum(s.repeats for s in sources.all) > 0 and len(withdrawn) > 0, "this proves little"
    for what, without in (("now", set()), ("later", set()), ("reminder", withdrawn)):
        wrong = {name: times["%s %s" % (what, name)] for name in booked if times["%s %s" % (what, name)] != (name not in without)}
        assert not wrong, (what, dict(list(wrong.items())[:5]))
    assert all(n == 1 for n in times.values()), [t for t, n in times.items() if n > 1][:5]
    in_digests = collections.Counter(name for text in times if text.startswith("gathered ") for name in text.split()[1:])
    assert set(in_digests) >= set(booked) and set(in_digests.values()) == {1}, in_digests.most_common(3)
    texts = collections.Counter(m["body"] for m in c.nodes[0].all(direction="outbound"))
    assert set(texts.values()) == {1}, texts.most_common(3)
    # What each event says of itself, by any node, and what rules have counted, are the same story.
    for name, said in random.Random(1).sample(sorted(booked.items()), 20):
        rows = c.nodes[1].get("/v1/events/" + said["id"]).json["outcomes"]
        assert sorted(o["rule"] for o in rows if o["did"] in ("fired", "digested")) == ["gathered", "later", "now", "reminder"], (name, rows)
    counts = {r["name"]: r["counts"] for r in c.nodes[2].get("/v1/rules").json["data"]}
    assert counts["now"]["fired"] == counts["later"]["fired"] == sum(t.startswith("now ") for t in texts), counts


def rows_of(database, query):
    """What the database itself has."""
    if not database.startswith("sqlite:"):
        return [tuple(map(int, row)) for row in ask(database, query)]
    with contextlib.closing(sqlite3.connect(database.removeprefix("sqlite:"))) as db:
        return db.execute(query).fetchall()


def test_opt_out__written_and_taken_back_at_once_by_two_nodes_counts_as_it_stands(cluster, database):  # noqa: F811
    c = cluster(n=2, database=database, **STEADY).start()
    answers = collections.Counter()
    key = {"Authorization": "Bearer " + c.nodes[0].create_key(scopes="send,read,admin")["key"], "Content-Type": "application/json"}

    def tell(g, method, number):
        path = "/v1/suppressions/%2B" + number[1:]
        a = call(g.port, method, path, json.dumps({"kind": "opt_out"}) if method == "PUT" else None, key, timeout=60)
        answers[method, a.status] += 1
        assert a.status in (200, 201, 204, 404, 503), a  # 503: it met the other again and again, and nothing was written

    def meet(number, method, g):
        for _ in range(8):
            tell(g, method, number)
    numbers = ["+1415555%04d" % i for i in range(12)]
    ways = [(number, *how) for number in numbers for how in zip(("PUT", "DELETE"), c.nodes)]
    with concurrent.futures.ThreadPoolExecutor(len(ways)) as pool:
        list(pool.map(lambda way: meet(*way), ways))  # also fails where one of them did
    print("\n%s" % dict(answers))
    for g in c.nodes:  # each does what it was told in turn: behind this nothing of the above is still to be done
        until(lambda g=g: call(g.port, "PUT", "/v1/suppressions/%2B14155559999", json.dumps({"kind": "opt_out"}), key).status in (200, 201))
    # By their sum a node knows whether it has to read the list at all.
    there, counted = rows_of(c.database, "SELECT (SELECT count(*) FROM suppression), (SELECT coalesce(sum(n), 0) FROM suppression_key)")[0]
    assert there == counted, rows_of(c.database, "SELECT hash, n FROM suppression_key")
    stands = {n for n in numbers if c.nodes[0].get("/v1/suppressions/%2B" + n[1:]).json["data"]}
    assert there == len(stands) + 1
    for n in numbers:
        m = c.nodes[1].message(c.nodes[1].create(to=n))
        assert (m["reason"] == "opted_out") == (n in stands), (n, m["status"], n in stands)


def gathered_of(c):
    return {name for m in c.nodes[0].all(direction="outbound") if m["body"].startswith("gathered ") for name in m["body"].split()[1:]}


def test_webhooks__of_a_killed_node_are_told_in_order_by_the_others(cluster):  # noqa: F811
    c = cluster(profile={"latency_ms": {"min": 0, "max": 20}}, lane=LANE, webhooks=OPEN).start()
    dice = random.Random(12)
    steady, flaky = Endpoint(), Endpoint(lambda post: 500 if dice.random() < 0.05 else 204)
    try:
        key = c.nodes[0].create_key(scopes="send,read,admin")["key"]
        made = [Hooks(g, key).create(e.url, events=["message.*"]) for g, e in ((c.nodes[0], steady), (c.nodes[1], flaky))]
        with Crowd(c) as clients:
            kill_some(c, clients, dice)
        c.revive()
        c.settle(120)
        owed = {}
        for sid in clients.accepted.values():
            owed[sid] = {"%s-%d" % (sid, e["number"]): "message." + e["status"] for e in c.nodes[0].events(sid) if not e["note"]}
        for e in (steady, flaky):
            def left(e=e):
                got = {p.id for p in list(e.posts)}
                return sum(len(ids.keys() - got) for ids in owed.values())
            until(lambda: left() == 0, 90, 0.2, told="events never came")
            in_order(e.posts)
            types = collections.defaultdict(set)
            for p in e.posts:
                types[p.id].add((p.type, p.json["timestamp"]))
            assert all([t for t, _ in types[name]] == [type] for ids in owed.values() for name, type in ids.items())
        # Another node than the one that made it replays it, and tells of an end that a third one has met.
        before = len(steady.posts)
        asked = Hooks(c.nodes[2], key)
        asked.ask("POST", "/%s/replay" % made[0]["id"], {"since": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 3600))})
        ids = {name for of in owed.values() for name in of}
        until(lambda: {p.id for p in steady.posts[before:]} >= ids, 60, told="the replay is not whole")
        in_order(steady.posts[before:])
        flaky.answer = 410
        c.nodes[1].wait(c.nodes[0].create(body="the last straw"), "delivered", timeout=30)
        until(lambda: all(Hooks(g, key).get(made[1])["status"] == "disabled" for g in c.nodes), 30, told="it is not disabled everywhere")
        posts = len(flaky.posts)
        for g in c.nodes:
            g.wait(g.create(body="nobody is told"), "delivered", timeout=30)
        assert len(flaky.posts) == posts
    finally:
        steady.close()
        flaky.close()


def test_webhook__hears_what_one_node_wrote_while_another_was_paying_what_came_before(cluster):  # noqa: F811
    with Postgres() as server:
        database = server.new_database()
        c = cluster(n=2, database=database, webhooks=OPEN, profile={"receipts": {"delay_ms": 8000}}, **STEADY).start()
        taken = threading.Event()
        e = Endpoint(lambda post: taken.wait(120) and 204 if post.type == "message.sent" else 204)
        other = subprocess.Popen([os.path.join(programs(), "psql"), "-X", "-q", database], stdin=subprocess.PIPE, text=True)

        def say(text):
            other.stdin.write(text + "\n")
            other.stdin.flush()
        try:
            Hooks(c.nodes[0], c.nodes[0].create_key(scopes="send,read,admin")["key"]).create(e.url)
            sid = c.nodes[1].create()
            e.wait("message.sent", sid)  # the node that pays waits for the answer
            hook, subject = ask(database, "SELECT w.id, m.id FROM webhook AS w, message AS m")[0]
            last = c.nodes[1].events(sid)[-1]
            assert last["status"] == "sent", "the receipt came too early to hold it up"
            say("BEGIN; INSERT INTO delivery (webhook_id, subject_id, event, type, created_at) VALUES (%s, %s, %d, 0, 0);"
                % (hook, subject, last["number"] + 1))
            blocked = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type='Lock' AND datname=current_database()"
            until(lambda: ask(database, blocked)[0] != ["0"], 60, told="nobody writes the next event")
            taken.set()
            until(lambda: ask(database, "SELECT 1 FROM delivery WHERE event=%d AND due_at IS NULL" % last["number"]), 30)
            say("ROLLBACK;")
            e.wait("message.delivered", sid, timeout=30)
            in_order(e.posts)
        finally:
            taken.set()
            other.stdin.close()
            other.wait(20)
            e.close()
            for g in c.nodes:
                g.end()
