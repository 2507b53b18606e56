"""Messages that are over go when they are older than messages.keep_days, and nothing else does."""
import datetime
import json
import os
import sqlite3

from harness.gateway import call, until
from postgres import ask
from test_explain import admin

MANY = 300  # more than one step of the walk
DAY_MS = 86400 * 1000


def run(g, *statements):
    """In the database of a gateway that does not run; the last one's first value."""
    if str(g.settings.get("database", "")).startswith("postgres"):
        rows = ask(g.settings["database"], "; ".join(statements))
    else:
        db = sqlite3.connect(os.path.join(g.data, "hongyan.db"))
        with db:
            rows = [db.execute(s).fetchall() for s in statements][-1]
        db.close()
    return int(rows[0][0]) if rows else None


def grow_older(g, days):
    """As if all that is there had come so much earlier. When it is due stays."""
    assert g.term() == 0
    ms = int(days * DAY_MS)
    back = "-%d" % (ms << 22)  # ids begin with milliseconds
    run(g, "UPDATE message SET id=id%s, created_at=created_at-%d, updated_at=updated_at-%d" % (back, ms * 1000, ms * 1000),
        "UPDATE event SET message_id=message_id" + back, "UPDATE attempt SET message_id=message_id" + back,
        "UPDATE delivery SET subject_id=subject_id" + back, "UPDATE duplicate SET message_id=message_id%s, first_id=first_id%s" % (back, back))
    g.start()


def bodies(g):
    return sorted(m["body"] for m in g.all())


def test_retention__what_is_over_goes_after_its_days_and_nothing_else(make_gateway):
    g = make_gateway.gateway(lane={"lookup_after_ms": 300}, messages={"keep_days": 2}, webhooks={"allow_http": True, "allow_private": True},
                             limits={"duplicates": ["1d for topic=twice"]})
    g.start()
    headers = admin(g)
    dead = call(g.port, "POST", "/v1/webhooks", json.dumps({"url": "http://127.0.0.1:9/"}), headers=headers)
    assert dead.status == 201, dead  # what it is still owed goes, too
    far = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=20)).isoformat()
    assert g.cancel(g.create(body="canceled", send_at=far)).status == 200
    for sid in [g.create(body="old") for _ in range(MANY)]:
        g.wait(sid, "delivered", timeout=60)
    for state in ("delivered", "suppressed"):
        g.wait(g.create(body="twice", topic="twice"), state)
    g.create(body="scheduled", send_at=far)
    g.create(body="lately", send_at=far)
    grow_older(g, 1.5)
    assert g.cancel(next(m["id"] for m in g.all() if m["body"] == "lately")).status == 200  # its days begin now
    g.wait(g.create(body="later"), "delivered")
    assert len(bodies(g)) == MANY + 6 and g.metrics()["sms_retired_total"] == 0
    grow_older(g, 1)
    until(lambda: g.metrics()["sms_retired_total"] == MANY + 3, 60, told="they stay")
    g.wait(g.create(body="young"), "delivered")
    assert bodies(g) == ["lately", "later", "scheduled", "young"]
    g.kill9()
    for table in ("event", "attempt", "duplicate"):
        assert run(g, "SELECT count(*) FROM %s WHERE message_id NOT IN (SELECT id FROM message)" % table) == 0
    g.start()
    assert bodies(g) == ["lately", "later", "scheduled", "young"]


def test_retention__everything_is_kept_where_nothing_is_said(make_gateway):
    g = make_gateway.gateway(lane={"lookup_after_ms": 300})
    g.start()
    g.wait(g.create(body="kept"), "delivered")
    grow_older(g, 900)
    g.wait(g.create(body="years later"), "delivered")
    assert bodies(g) == ["kept", "years later"] and g.metrics()["sms_retired_total"] == 0


def test_deletion__takes_what_a_duplicate_repeated(make_gateway):
    g = make_gateway.gateway(lane={"lookup_after_ms": 300}, limits={"duplicates": ["1d"]})
    g.start()
    g.wait(g.create(body="twice"), "delivered")
    again = g.create(body="twice")
    assert g.wait(again, "suppressed")["reason"] == "duplicate"
    assert call(g.port, "DELETE", "/v1/messages/" + again, headers=g.bearer).status == 204
    assert g.term() == 0 and run(g, "SELECT count(*) FROM duplicate") == 0
