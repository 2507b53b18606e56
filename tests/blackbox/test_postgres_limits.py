"""How long a session of ours may keep PostgreSQL, and itself, waiting: each session has the limits that docs/postgresql.md names, and what
was under way when one of them struck is lost by nobody and sent once. HONGYAN_LONG=1: a statement that really takes its minute."""
import json
import os
import re
import signal
import threading
import time

import pytest

from harness.clients import Clients
from harness.cluster import STEADY
from harness.gateway import SLOW, call, until
from postgres import Postgres, ask

LONG = bool(os.environ.get("HONGYAN_LONG"))
LIMITS = ["1min", "10s", "10s"]  # docs/postgresql.md
TOLD = "concat_ws(' ', '%s', current_setting('statement_timeout'), current_setting('lock_timeout'), current_setting('idle_in_transaction_session_timeout'), current_setting('transaction_read_only'))"


@pytest.fixture
def server():
    with Postgres() as running:
        yield running


def sleeping(database):
    return ask(database, "SELECT pid FROM pg_stat_activity WHERE datname=current_database() AND application_name='hongyan' AND wait_event='PgSleep'")


def test_sessions__have_our_limits_whatever_the_database_has_by_default(make_gateway, server):
    """What the sessions themselves say: one that writes by a trigger, one that reads by a view in the place of a table."""
    database = server.new_database()
    name = ask(database, "SELECT current_database()")[0][0]
    for limit in "statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout":
        ask(database, "ALTER DATABASE %s SET %s='7s'" % (name, limit))
    g = make_gateway(database=database + "&options=-cstatement_timeout%3D8s")
    json_type = {**g.bearer, "Content-Type": "application/json"}
    assert call(g.port, "PUT", "/v1/contacts/li", json.dumps({"name": "Li", "numbers": ["+14155550123"]}), json_type).status == 201
    ask(database, "CREATE FUNCTION tell_writer() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE LOG '%%', %s; RETURN NEW; END $$; "
                  "CREATE TRIGGER tell BEFORE INSERT ON message FOR EACH ROW EXECUTE FUNCTION tell_writer(); "
                  "CREATE FUNCTION tell_reader() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE LOG '%%', %s; RETURN true; END $$; "
                  "ALTER TABLE contact RENAME TO contact_kept; CREATE VIEW contact AS SELECT * FROM contact_kept WHERE tell_reader()" % (TOLD % "limits writer", TOLD % "limits reader"))
    g.wait(g.create(), "delivered")
    assert g.get("/v1/contacts/li").json["name"] == "Li"
    told = dict(re.findall(r"limits (writer|reader) (.*)", server.log()))
    assert told == {"writer": " ".join(LIMITS + ["off"]), "reader": " ".join(LIMITS + ["on"])}, server.log()[-3000:]


def end_of_sleep(database, began):
    """The limit strikes; in the short form somebody does, which says the same to the session (57014)."""
    until(lambda: sleeping(database), 30, told="nothing is slow")
    if not LONG:
        assert ask(database, "SELECT pg_cancel_backend(%s)" % sleeping(database)[0][0]) == [["t"]]
    until(lambda: not sleeping(database), 100, told="it sleeps on")
    if LONG:
        assert 58 < time.monotonic() - began < 60 + 10 * SLOW


def test_statement__that_takes_too_long_is_given_up_and_nothing_is_lost_or_sent_twice(make_gateway, server):
    database = server.new_database()
    g = make_gateway(database=database)
    g.wait(g.create(body="before"), "delivered")
    ask(database, "CREATE FUNCTION drowse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(300); RETURN NEW; END $$; "
                  "CREATE TRIGGER drowse BEFORE INSERT ON message FOR EACH ROW WHEN (NEW.body='slow') EXECUTE FUNCTION drowse()")
    answers, began = {}, time.monotonic()

    def post(body):
        answers[body] = g.post("/v1/messages", {"to": "+14155550123", "body": body}, timeout=120)
    threads = [threading.Thread(target=post, args=("slow",))]
    threads[0].start()
    until(lambda: sleeping(database), 30, told="nothing is slow")
    threads += [threading.Thread(target=post, args=("behind it",))]
    threads[1].start()
    end_of_sleep(database, began)
    for t in threads:
        t.join(120 * SLOW)
    assert answers["slow"].status == 503, answers  # and those behind it are taken: they were in no transaction yet
    g.wait(answers["behind it"].json["id"], "delivered", timeout=60)
    # An outcome: it is kept, and written when that can be done.
    ask(database, "DROP TRIGGER drowse ON message; CREATE SEQUENCE outcomes; "
                  "CREATE FUNCTION drowse_once() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF nextval('outcomes')=1 THEN PERFORM pg_sleep(300); END IF; RETURN NULL; END $$; "
                  "CREATE TRIGGER drowse BEFORE UPDATE ON attempt FOR EACH STATEMENT EXECUTE FUNCTION drowse_once()")
    began = time.monotonic()
    sid = g.create(body="its outcome")
    end_of_sleep(database, began)
    g.wait(sid, "delivered", timeout=60)
    assert len(g.attempts(sid)) == 1 and "it took too long" in g.log()
    g.settle()
    assert g.sim.times() == {"before": 1, "behind it": 1, "its outcome": 1}
    assert sorted(m["body"] for m in g.all(direction="outbound")) == ["before", "behind it", "its outcome"]


def test_transaction__of_a_gateway_that_stands_still_is_ended_for_it_and_it_goes_on_later(make_gateway, server):
    database = server.new_database()
    g = make_gateway(database=database, **STEADY)
    open_still = "SELECT pid FROM pg_stat_activity WHERE datname=current_database() AND application_name='hongyan' AND state='idle in transaction'"
    with Clients(g, 4) as clients:
        def caught():
            """Stopped in the middle of a transaction: the server waits for its next word."""
            g.pause()
            time.sleep(0.05)  # what was sent is done
            found = ask(database, open_still)
            if not found:
                g.signal(signal.SIGCONT)
            return found
        until(caught, 60, 0.05, told="never in the middle of a transaction")
        began = time.monotonic()
        until(lambda: not ask(database, open_still), 30, 0.1, told="its transaction, and its locks, stay")
        took = time.monotonic() - began
        assert 8 < took < 10 + 5 * SLOW, took
        g.signal(signal.SIGCONT)
        target = clients.count() + 50
        until(lambda: clients.count() >= target, 60, told="it does not go on")
    assert "idle-in-transaction timeout" in server.log(), server.log()[-2000:]
    g.settle()
    times = g.sim.times()
    assert all(n == 1 for n in times.values()) and set(clients.accepted) <= set(times)
    assert g.process.poll() is None
