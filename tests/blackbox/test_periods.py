"""On PostgreSQL the history is kept by periods, and an old one goes at once (docs/decisions/0060). Days pass on the server's clock, which
gateways follow."""
import datetime
import json
import pathlib
import secrets
import tempfile
import threading
import time

import pytest

from harness.clients import Clients
from harness.cluster import Cluster, Crowd
from harness.gateway import SLOW, call, until
from harness.hostile_gateway import free_port
from harness.shim import ShiftedClock
from postgres import Postgres, ask
from test_explain import admin

DAY_S = 86400
DAY_IDS = DAY_S * 1000 << 22  # ids begin with milliseconds
EPOCH = datetime.datetime(2024, 1, 1, tzinfo=datetime.timezone.utc)
TABLES = ("attempt", "event", "message")


class Days:
    """A server, and on which day it thinks it is."""

    def __init__(self, folder):
        self.clock, self.passed, self.texts = ShiftedClock(folder), 0, 0
        self.server = Postgres(wrapper=["env", *("%s=%s" % kv for kv in self.clock.env.items())])
        self.database = self.server.new_database()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.close()

    def pass_on(self, days=1):
        self.passed += days
        self.clock.set(self.passed * DAY_S)

    def today(self):
        """Counted from 2024-01-01."""
        return (datetime.datetime.now(datetime.timezone.utc) - EPOCH).days + self.passed

    def ask(self, text):
        return ask(self.database, text)

    def number(self, text):
        return int(self.ask(text)[0][0])

    def periods(self):
        """First day, day behind the last one, name. 0: ever."""
        return [(int(a) // DAY_IDS, int(b) // DAY_IDS, name) for a, b, name in self.ask("SELECT from_id, to_id, name FROM period WHERE coalesce(gone, -1)<0 ORDER BY from_id")]

    def parts(self):
        return sorted(name for name, in self.ask("SELECT c.relname FROM pg_inherits JOIN pg_class c ON c.oid=inhrelid WHERE c.relkind='r'"))

    def check(self):
        """The table says which parts there are; for three days to come at least."""
        def agrees():  # one may be going just now
            there = self.periods()
            return there if self.parts() == sorted("%s_%s" % (t, name) for _, _, name in there for t in TABLES) else None
        there = until(agrees, 10 * SLOW, told=lambda: "%s are not %s" % (self.parts(), self.periods()))
        assert there[-1][1] >= self.today() + 3, there
        left = "SELECT relname FROM pg_class WHERE relkind='r' AND NOT relispartition AND relname ~ '^(message|attempt|event)_[0-9f]'"
        until(lambda: self.ask(left) == [], PATIENCE_S, told=lambda: "left behind: %s" % self.ask(left))
        return there


@pytest.fixture(name="days")
def _days():
    with tempfile.TemporaryDirectory() as folder:
        pathlib.Path(folder).chmod(0o755)  # the server is another user
        with Days(folder) as days:
            yield days


def in_days(days, n):
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days.passed + n)).isoformat()


PATIENCE_S = 100 * SLOW  # who finds a table in use, by autovacuum, tries again a minute later


def bodies(g):
    return sorted(m["body"] for m in g.all(direction="outbound"))


def knows(days, g):
    """A gateway looks at the server's clock now and then."""
    sid = g.create(body="what day is it?", send_at=in_days(days, 30))
    day = g.message(sid)["created_at"][:10]
    g.cancel(sid)
    assert call(g.port, "DELETE", "/v1/messages/" + sid, headers=g.bearer).status == 204
    return day == (EPOCH + datetime.timedelta(days=days.today())).isoformat()[:10]


def live_on(days, g, n, at_once=1):
    """So many times a day, or several at once, and each time has its text."""
    for _ in range(n):
        days.pass_on(at_once)
        days.texts += 1
        until(lambda: knows(days, g), 30 * SLOW, 0.1, told="the gateway does not know what day it is")
        yesterday = (days.today() - at_once) * DAY_IDS
        days.ask("UPDATE period SET touched_at=0 WHERE from_id<=%d AND to_id>%d" % (yesterday, yesterday))  # by the questions themselves
        until(lambda: days.periods()[-1][1] >= days.today() + 3, 30 * SLOW, told="no period is made")
        g.wait(g.create(body="day %d" % days.passed), "delivered", timeout=60)
    return days.check()


def test_periods__of_which_nothing_has_to_stay_go_at_once(make_gateway, days):
    g = make_gateway(database=days.database, lane={"lookup_after_ms": 300}, messages={"keep_days": 9}, webhooks={"allow_http": True, "allow_private": True},
                     limits={"duplicates": ["1d for topic=twice"]})
    live_on(days, g, 5)  # the first period is of four days
    headers = admin(g)
    made = call(g.port, "POST", "/v1/webhooks", json.dumps({"url": "http://127.0.0.1:%d/" % free_port()}), headers=headers)
    assert made.status == 201, made  # nobody listens: it is owed all
    for state in ("delivered", "suppressed"):
        g.wait(g.create(body="twice", topic="twice"), state)
    for i in range(20):
        g.create(body="whole %d" % i)
    g.settle()
    whole = days.passed
    assert days.number("SELECT count(*) FROM delivery WHERE event<>0") > 40 and days.number("SELECT count(*) FROM duplicate") == 1
    days.ask("INSERT INTO delivery (webhook_id, subject_id, event, type, created_at) SELECT webhook_id, max(subject_id)+1, 0, 1, %d FROM delivery GROUP BY webhook_id"
             % (time.time() * 1e6 + 1e6 * DAY_S * 90))  # a notice, which has an id of the same kind
    live_on(days, g, 1)
    g.create(body="far", send_at=in_days(days, 20))
    g.wait(g.create(body="beside far"), "delivered")
    live_on(days, g, 1)
    late = g.create(body="late", send_at=in_days(days, 20))
    g.wait(g.create(body="beside late"), "delivered")
    there = live_on(days, g, 5)
    assert [a for a, _, _ in there] == [0] + [b for _, b, _ in there[:-1]], there  # no gap
    assert there[0][2] == "first" and all(b - a == 1 for a, b, _ in there[1:])
    assert g.cancel(late).status == 200  # changes something of that day, seven days before
    assert {"whole 0", "twice", "day 4"} <= set(bodies(g))
    had = days.number("SELECT count(*) FROM message_%s" % of(days, there, whole))
    assert had == 23

    live_on(days, g, 4)  # keep_days behind that day's end, and an hour
    until(lambda: "whole 0" not in bodies(g), PATIENCE_S)
    assert "message_" + of(days, there, whole) not in days.parts()
    assert days.number("SELECT count(*) FROM duplicate") == 0
    oldest = days.number("SELECT min(from_id) FROM period WHERE from_id>1")
    assert days.number("SELECT count(*) FROM delivery WHERE event<>0 AND subject_id<%d" % oldest) == 0
    assert days.number("SELECT count(*) FROM delivery WHERE event=0") == 1
    live_on(days, g, 3)
    until(lambda: "beside far" not in bodies(g) and "beside late" not in bodies(g), PATIENCE_S)
    left = bodies(g)
    assert "far" in left and "late" in left and "day %d" % (days.passed - 8) in left and "day 6" not in left
    live_on(days, g, 6)  # nothing changed of the one that was canceled for nine days
    until(lambda: "late" not in bodies(g), PATIENCE_S)
    assert "far" in bodies(g)
    live_on(days, g, 1, at_once=8)
    g.wait(next(m["id"] for m in g.all() if m["body"] == "far"), "delivered", "expired")
    live_on(days, g, 1, at_once=12)
    for _ in range(10):  # a walk that was under way goes on where it is; the next one comes an hour later
        if "far" not in bodies(g):
            break
        live_on(days, g, 1)
    assert "far" not in bodies(g)
    there = days.check()
    assert len(there) <= 9 + 6 and "first" not in [name for _, _, name in there]
    gone = 20 + 2 + 4 + days.texts - sum(b.startswith("day") for b in bodies(g))
    assert g.metrics()["sms_retired_total"] == gone
    for table in ("event", "attempt"):
        assert days.number("SELECT count(*) FROM %s WHERE message_id NOT IN (SELECT id FROM message)" % table) == 0


def of(days, there, passed):
    """The name of the period of what was then today."""
    day = days.today() - days.passed + passed
    return next(name for a, b, name in there if a <= day < b)


@pytest.mark.parametrize("keep_days, length", [(0, 28), (31, 1), (32, 7), (372, 28)])
def test_periods__are_as_long_as_messages_are_kept(make_gateway, days, keep_days, length):
    g = make_gateway(database=days.database, messages={"keep_days": keep_days})
    there = live_on(days, g, 4, at_once=2)
    assert len(there) > 1 and all(b % length == 0 for _, b, _ in there[1:])
    assert all(b - a == length for a, b, _ in there[2:]) and 0 < there[1][1] - there[1][0] <= length
    names = [name for name, in days.ask("SELECT relname FROM pg_class WHERE relispartition AND reloptions[1]<>'fillfactor=100'")]
    assert sorted(names) == [n for n in days.parts() if not n.startswith("event")]  # pages have room
    indexes = "SELECT regexp_replace(pg_get_indexdef(indexrelid), '.* USING', '') FROM pg_index WHERE indrelid='message_%s'::regclass ORDER BY 1"
    assert days.ask(indexes % there[1][2]) == days.ask(indexes % "first") and len(days.ask(indexes % "first")) == 5


def test_periods__that_nobody_was_there_to_make_are_one(make_gateway, days):
    g = make_gateway(database=days.database, messages={"keep_days": 400})
    g.wait(g.create(body="before"), "delivered")
    assert g.term() == 0
    days.pass_on(100)
    g.start()
    g.wait(g.create(body="behind"), "delivered")
    g.kill9()
    g.start()
    (_, end, _), (begin, until_day, name), *_ = days.check()
    assert begin == end < days.today() - 90 and until_day > days.today()
    assert days.number("SELECT count(*) FROM message_" + name) == 1 and bodies(g) == ["before", "behind"]
    with Clients(g, 8) as clients:  # and of a machine that slept, which has no time to make one before it is needed
        for _ in range(3):
            had = clients.count()
            until(lambda: clients.count() > had + 100, 60 * SLOW)
            days.pass_on(50)
            until(lambda: days.periods()[-1][1] >= days.today() + 3, 30 * SLOW)
    assert not clients.wrong
    days.check()


def test_periods__wait_for_who_reads_them_and_hold_up_nobody(make_gateway, days):
    """A dump has all tables for as long as it takes."""
    g = make_gateway(database=days.database, messages={"keep_days": 8})
    there = live_on(days, g, 7)
    old = "message_" + there[1][2]
    dump = threading.Thread(target=days.ask, args=("BEGIN; SELECT count(*) FROM message; SELECT pg_sleep(%d); COMMIT" % (12 * SLOW),))
    dump.start()
    until(lambda: days.number("SELECT count(*) FROM pg_stat_activity WHERE wait_event='PgSleep'") == 1)
    days.pass_on(8)
    longest, began, n = 0, time.monotonic(), 0
    while time.monotonic() < began + 4 * SLOW:
        before = time.monotonic()
        g.create(body="meanwhile %d" % n)
        n += 1
        longest = max(longest, time.monotonic() - before)
    assert longest < 1.5 * SLOW and old in days.parts(), longest
    dump.join()
    days.check()
    g.term()
    g.start()
    until(lambda: old not in days.parts(), PATIENCE_S)
    g.settle()
    assert sum(b.startswith("meanwhile") for b in bodies(g)) == n


def test_periods__go_while_three_nodes_write_and_one_is_killed(make_gateway, days, tmp_path):
    env = {"HONGYAN_MASTER_KEY": secrets.token_hex(32)}
    g = make_gateway(database=days.database, messages={"keep_days": 30}, env=env)
    live_on(days, g, 24)
    assert g.term() == 0
    had = days.parts()
    c = Cluster(make_gateway, tmp_path, database=days.database, messages={"keep_days": 7}, env=env).start()
    with Crowd(c) as clients:
        for keeper in (0, 2):
            until(lambda: clients.count() > 100, 60 * SLOW)
            c.nodes[keeper].kill9()  # one of them is at it
            c.nodes[keeper].start()
        until(lambda: days.periods()[0][0] == days.today() - 8, 2 * PATIENCE_S, told=lambda: "old periods stay: %s" % days.periods())
    days.check()  # what died with a node stays unknown: the provider's clock is another
    assert len(had) > 60 and len(days.parts()) <= 3 * 12
    assert days.number("SELECT count(*) FROM attempt WHERE message_id NOT IN (SELECT id FROM message)") == 0
    assert not clients.wrong and not set(clients.accepted) - set(bodies(c.nodes[0]))
    twice = {text for text, n in c.sim.times().items() if n > 1}
    assert twice <= clients.union("repeatable"), twice
