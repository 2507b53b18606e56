"""A gateway, and three of them, on a PostgreSQL server of their own: it is stopped as by a power cut under load, gateways are killed,
and nothing accepted is lost, nothing is sent twice. HONGYAN_LONG=1: thirty times."""
import datetime
import json
import os
import pathlib
import random
import re
import sqlite3
import tempfile
import threading
import time

import pytest

from harness.clients import Clients
from harness.cluster import Cluster, Crowd
from harness.gateway import SLOW, after, call, until
from harness.hostile_gateway import free_port
from harness.shim import ShiftedClock
from postgres import Postgres, ask
from test_kill import BAD_DAY, LANE, Story, check_nothing_lost_or_doubled
from test_prices import spend_together
from test_spine import QUICK, QUICK_RETRY

MIGRATIONS = pathlib.Path(__file__).resolve().parents[2] / "src" / "store" / "migrations"
TIMES = 30 if os.environ.get("HONGYAN_LONG") else 2


@pytest.fixture
def server():
    with Postgres() as running:
        yield running


def more(clients, least=30):
    target = clients.count() + least
    until(lambda: clients.count() >= target, 120, told="nothing is accepted any more")


def test_power_cut__of_the_server_and_of_the_gateway_loses_and_doubles_nothing(make_gateway, server):
    g = make_gateway(profile=BAD_DAY, lane=LANE, database=server.new_database())
    with Clients(g, 6) as clients:
        for i in range(TIMES):
            more(clients)
            server.restart("immediate")
            if i % 2:
                more(clients)
                g.kill9()
                g.start()
        more(clients)
    g.settle(180)
    story = Story(g, clients.accepted)
    story.summary(TIMES, clients)
    check_nothing_lost_or_doubled(g, clients, story, g.sim.times())


def test_power_cut__under_three_nodes_loses_and_doubles_nothing(make_gateway, server, tmp_path):
    c = Cluster(make_gateway, tmp_path, database=server.new_database(), profile=BAD_DAY, lane=LANE).start()
    dice = random.Random(7)
    try:
        with Crowd(c) as clients:
            for _ in range(TIMES):
                c.some_more(clients, dice)
                server.restart("immediate")
                c.some_more(clients, dice)
                g = dice.choice(c.nodes)
                g.kill9()
                g.start()
            c.some_more(clients, dice)
        c.revive()
        c.settle(180)
        story = Story(c.nodes[0], clients.accepted)
        story.summary(TIMES, clients)
        check_nothing_lost_or_doubled(c.nodes[0], clients, story, c.sim.times())
    finally:
        c.balancer.close()


def test_spending__of_two_nodes_is_never_over_the_ceiling(make_gateway, server, tmp_path):
    spend_together(make_gateway, tmp_path, database=server.new_database())


def test_network__the_server_is_reached_by_it_with_a_password_that_stands_in_a_file(make_gateway, tmp_path):
    port = free_port()
    passfile = tmp_path / "pgpass"
    passfile.write_text("127.0.0.1:*:*:shop:very-secret\n")
    passfile.chmod(0o600)
    with Postgres(port=port) as running:
        ask(running.url(), "CREATE ROLE shop LOGIN PASSWORD 'very-secret'")
        ask(running.url(), "CREATE DATABASE shop OWNER shop")
        g = make_gateway(database="postgres://shop@127.0.0.1:%d/shop?passfile=%s" % (port, passfile))
        g.wait(g.create(body="by TCP"), "delivered")
        assert "very-secret" not in g.log()


def test_clock__of_a_node_that_jumps_by_an_hour_while_it_runs_changes_nothing(make_gateway, server, tmp_path):
    """Its time is the database's: nothing scheduled goes early or late, and what a provider says of a time is understood."""
    clock = ShiftedClock(tmp_path)
    clock.set(3600)
    g = make_gateway(database=server.new_database(), env=clock.env, lane=QUICK, retry=QUICK_RETRY, profile={"receipts": {"none": 1}, "lost_answers": 1})
    until(lambda: len(g.logged("node.clock")) == 1)
    for shift in (3600, -3600, 86400, 0):
        clock.set(shift)
        began = time.time()
        sid = g.create(body="scheduled %d" % shift, send_at=after(5))
        m = g.wait(sid, "sent", timeout=60)
        assert g.moves(sid) == ["accepted", "scheduled", "sending", "unknown", "sent"], "the look-up did not find it"
        made, sent = (datetime.datetime.fromisoformat(m[at].replace("Z", "+00:00")).timestamp() for at in ("created_at", "sent_at"))
        assert began - 1 < made < began + 60 and sent > began + 3, (made - began, sent - began)
    assert g.sim.stats()["duplicates"] == 0 and g.sim.stats()["received"] == 4
    assert len(g.logged("node.clock")) == 1, "the database's clock did not jump"


@pytest.mark.skipif(TIMES == 2, reason="three nodes, each ended several times: HONGYAN_LONG=1")
def test_clock__of_the_server_that_jumps_ends_leases_and_loses_and_doubles_nothing(make_gateway, tmp_path):
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)  # the server's user reads it, too
        clock = ShiftedClock(folder)
        with Postgres(wrapper=["env", *("%s=%s" % kv for kv in clock.env.items())]) as server:
            c = Cluster(make_gateway, tmp_path, database=server.new_database(), profile=BAD_DAY, lane=LANE).start()
            dice = random.Random(3)
            try:
                with Crowd(c) as clients:
                    for jump in (50, 0, 25, 30, -20, 0):  # providers' times are compared with it, to the minute
                        clock.set(jump)
                        c.some_more(clients, dice)
                clock.set(0)
                c.revive()
                c.settle(180)
                story = Story(c.nodes[0], clients.accepted)
                story.summary(6, clients)
                check_nothing_lost_or_doubled(c.nodes[0], clients, story, c.sim.times())
            finally:
                c.balancer.close()


def fails(database, when, table, codes):
    """The next transactions that do this to the table fail so, one after the other."""
    name = "%s_%s" % (when.lower(), table)
    ask(database, "CREATE SEQUENCE {0}; CREATE FUNCTION fail_{0}() RETURNS trigger LANGUAGE plpgsql AS $$ DECLARE n int := nextval('{0}'); codes text[] := '{{{1}}}'; "
                  "BEGIN IF n <= array_length(codes, 1) THEN RAISE EXCEPTION 'met another' USING ERRCODE = codes[n]; END IF; RETURN NULL; END $$; "
                  "CREATE TRIGGER fail_{0} BEFORE {2} ON {3} FOR EACH STATEMENT EXECUTE FUNCTION fail_{0}()".format(name, ",".join(codes), when, table))
    return lambda: int(ask(database, "SELECT last_value FROM " + name)[0][0])


def test_transactions__that_meet_others_are_done_again_and_an_outcome_that_cannot_be_written_is_kept(make_gateway, server):
    serialization_failure, deadlock, statement_timeout, lock_timeout = "40001", "40P01", "57014", "55P03"
    database = server.new_database()
    g = make_gateway(database=database)
    stored = fails(database, "INSERT", "message", [serialization_failure, deadlock, serialization_failure])
    moved = fails(database, "UPDATE", "attempt", [statement_timeout, lock_timeout, deadlock, statement_timeout])
    sid = g.create(body="met others")  # and is accepted all the same
    assert stored() == 4
    g.wait(sid, "delivered", timeout=60)
    assert moved() >= 5 and g.sim.times()["met others"] == 1 and len(g.attempts(sid)) == 1
    fails(database, "INSERT", "attempt", [statement_timeout])  # it would go out at once
    assert g.post("/v1/messages", {"to": "+14155550123", "body": "took too long"}).status == 503
    g.wait(g.create(body="again"), "delivered", timeout=60)


def test_lock__that_somebody_holds_on_a_table_is_waited_for_ten_seconds_and_nothing_is_lost(make_gateway, server):
    database = server.new_database()
    g = make_gateway(database=database)
    holder = threading.Thread(target=ask, args=(database, "BEGIN; LOCK TABLE message; SELECT pg_sleep(%d); COMMIT" % (14 * SLOW)))
    holder.start()
    until(lambda: ask(database, "SELECT count(*) FROM pg_locks WHERE mode='AccessExclusiveLock' AND relation='message'::regclass AND granted") == [["1"]], 10)
    began = time.monotonic()
    assert g.post("/v1/messages", {"to": "+14155550123", "body": "too long"}, timeout=60).status == 503
    assert 9 < time.monotonic() - began < 13 * SLOW
    holder.join(60 * SLOW)
    g.wait(g.create(body="again"), "delivered", timeout=60)
    assert sum(m["body"] == "too long" for m in g.all(direction="outbound")) == 0


def test_opt_out__that_is_taken_off_waits_for_others_before_it_holds_a_row_that_they_need(make_gateway, server):
    """Who adds one has the number's count first, then its row; who had the row first would meet them in a deadlock, a second long for all."""
    database = server.new_database()
    g = make_gateway(database=database)
    assert call(g.port, "PUT", "/v1/suppressions/%2B14155550123", None, g.bearer).status == 201
    answers = []
    taking = threading.Thread(target=lambda: answers.append(call(g.port, "DELETE", "/v1/suppressions/%2B14155550123?kind=opt_out", None, g.bearer, timeout=60)))
    adding = threading.Thread(target=ask, args=(database, "DO $$ BEGIN UPDATE suppression_key SET n=n; "
                              "WHILE NOT EXISTS (SELECT 1 FROM pg_stat_activity WHERE application_name='hongyan' AND wait_event_type='Lock') LOOP "
                              "PERFORM pg_sleep(0.02); PERFORM pg_stat_clear_snapshot(); END LOOP; "
                              "UPDATE suppression SET updated_at=updated_at+1; END $$"))
    adding.start()
    until(lambda: ask(database, "SELECT count(*) FROM pg_locks WHERE relation='suppression_key'::regclass AND mode='RowExclusiveLock'") == [["1"]], 10)
    taking.start()
    for t in (taking, adding):
        t.join(60 * SLOW)
    assert answers[0].status == 204, answers
    assert "deadlock" not in server.log(), server.log()[-1000:]
    assert ask(database, "SELECT (SELECT count(*) FROM suppression), (SELECT count(*) FROM suppression_key)") == [["0", "0"]]


def columns(database):
    return {(t, c): kind for t, c, kind in ask(database, "SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema='public' "
                                                     "AND table_name NOT IN (SELECT relname FROM pg_class WHERE relispartition)")}


def test_schema__has_the_same_columns_as_the_file_has(make_gateway, server, tmp_path):
    """Tables that are made anew for PostgreSQL alone must not lose one."""
    database = server.new_database()
    make_gateway(database="sqlite:%s" % (tmp_path / "file.db"))
    make_gateway(database=database)
    with sqlite3.connect(tmp_path / "file.db") as db:
        expected = {(t, c) for t, c in db.execute("SELECT m.name, c.name FROM sqlite_master AS m, pragma_table_info(m.name) AS c WHERE m.type='table' AND m.name NOT LIKE 'sqlite_%'")}
    assert len(expected) > 200
    there = columns(database)
    assert set(there) == {(t, c) for t, c in expected if t not in ("number_row", "number_todo")}  # SQLite's alone: src/store/numbers.h
    assert there["message", "state"] == "smallint"
    assert ask(database, "SELECT count(*) FROM pg_indexes WHERE tablename='message'") == [["5"]]


def said(sql):
    """A migration as PostgreSQL is told it; what is for PostgreSQL alone is left out."""
    sql = re.sub(r"/\*pg .*?\*/|--[^\n]*", "", sql, flags=re.S)
    for ours, theirs in ((r"INTEGER PRIMARY", "BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY"), (r"INTEGER", "BIGINT"), (r"BLOB", "BYTEA"), (r"TEXT", 'TEXT COLLATE "C"'), (r"WITHOUT ROWID", "")):
        sql = re.sub(r"\b%s\b" % ours, theirs, sql)
    return sql


def test_schema__of_a_database_that_has_messages_keeps_its_columns_and_serves(make_gateway, server):
    database = server.new_database()
    for path in sorted(MIGRATIONS.glob("*.sql")):
        if int(path.name[:4]) <= 55:
            ask(database, said(path.read_text(encoding="utf-8")))
    ask(database, "INSERT INTO meta (name, value) VALUES ('schema_version', 55); INSERT INTO message (id, account_id, direction, priority, delivery, face, encoding, segments, created_at, "
                  "send_at, expires_at, state, reason, attempts, lookups, events, code, updated_at, sent_at, done_at, recipient, body) VALUES (1, 1, 0, 1, 0, 0, 0, 1, 1, 0, 1, 6, 0, 1, 0, 3, 0, 1, 1, 1, '+1', 'old')")
    before = columns(database)
    assert before["message", "state"] == "bigint"
    g = make_gateway(database=database)
    assert before.items() <= columns(database).items()
    assert ask(database, "SELECT reloptions FROM pg_class WHERE relname IN ('message_first', 'attempt_first') ORDER BY relname DESC") == [["{fillfactor=45}"], ["{fillfactor=42}"]]
    g.wait(g.create(body="after"), "delivered")
    assert ask(database, "SELECT body FROM message ORDER BY id") == [["old"], ["after"]]


def test_pages__have_room_for_the_outcomes_of_all_messages_that_stand_on_them(make_gateway, server):
    """Else an outcome writes into every index (docs/postgresql.md). All are stored in one batch and ended in the next, so that nothing is
    tidied up in between."""
    database = server.new_database()
    g = make_gateway(database=database)
    g.wait(g.create(), "delivered")
    g.term()
    begun = {"provider_id": None, "sent_at": 0, "done_at": 0, "state": 4, "events": 2}
    check_room(database, "attempt", "message_id", {"provider_id": None, "ended_at": 0, "http_status": 0}, "provider_id, ended_at, http_status")
    for length in (20, 80, 160, 400):
        check_room(database, "message", "id", {**begun, "body": "x" * length}, "provider_id, sent_at, state, events")


def check_room(database, table, key, begun, ended):
    ask(database, "INSERT INTO %s SELECT (jsonb_populate_record(t, '%s'::jsonb || jsonb_build_object('%s', t.%s + n))).* FROM %s AS t, generate_series(1, 1000) AS n"
        % (table, json.dumps(begun), key, key, table))
    pages = "SELECT %s, (ctid::text::point)[0] AS page FROM %s" % (key, table)
    ask(database, "CREATE TABLE before AS " + pages)
    ask(database, "UPDATE %s SET (%s) = (SELECT %s FROM %s ORDER BY %s LIMIT 1) WHERE provider_id IS NULL" % (table, ended, ended, table, key))
    moved = ask(database, "SELECT count(*), count(*) FILTER (WHERE a.page<>b.page) FROM before AS b JOIN (%s) AS a USING (%s)" % (pages, key))
    assert moved == [["1001", "0"]], (table, begun)
    ask(database, "DELETE FROM %s WHERE %s > (SELECT min(%s) FROM %s)" % (table, key, key, table))
    ask(database, "VACUUM " + table)
    ask(database, "DROP TABLE before")


def test_reading__every_list_of_the_api_answers(make_gateway, server):
    """What PostgreSQL alone does not understand shows when it is asked."""
    g = make_gateway(database=server.new_database())
    g.wait(g.create(), "delivered")
    key = {"Authorization": "Bearer " + g.create_key(scopes="send,read,admin")["key"]}
    paths = [path for path, ways in g.get("/openapi.json").json["paths"].items() if "get" in ways and "{" not in path and path.startswith("/v1/")]
    assert len(paths) > 12
    answers = {path: g.get(path, headers=key).status for path in paths}
    assert not {path: status for path, status in answers.items() if status >= 500}, answers
