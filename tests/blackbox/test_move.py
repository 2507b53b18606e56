"""`hongyan migrate --from --to`: a live installation moves to PostgreSQL, killed in the middle again and again; everything accepted is
delivered once, every table of the schema comes over, and no gateway starts on both databases. HONGYAN_LONG=1: more of it."""
import contextlib
import json
import os
import pathlib
import random
import re
import shutil
import signal
import sqlite3
import subprocess

import pytest

from harness.clients import Clients
from harness.cluster import Cluster, Crowd
from harness.gateway import Gateway, until
from harness.hostile_gateway import BINARY
from postgres import Postgres, ask
from test_kill import BAD_DAY, LANE, Story, after_some_more, check_nothing_lost_or_doubled

MIGRATIONS = pathlib.Path(__file__).resolve().parents[2] / "src" / "store" / "migrations"
LONG = bool(os.environ.get("HONGYAN_LONG"))
EX_UNAVAILABLE, EX_TEMPFAIL, EX_DATAERR, EX_USAGE = 69, 75, 65, 64


@pytest.fixture(scope="module")
def server():
    with Postgres() as running:
        yield running


def migrate(*args, timeout=240, env=None):
    return subprocess.run([BINARY, "migrate", *map(str, args)], capture_output=True, text=True, timeout=timeout, env={**os.environ, "LC_ALL": "C", **(env or {})}, check=False)


def move(old, new):
    """Must come through; what it reports."""
    done = migrate("--from", old, "--to", new, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def kill_in_the_middle(old, new, times, dice):
    """How often it was killed before it was through."""
    killed = 0
    for _ in range(times):
        with subprocess.Popen([BINARY, "migrate", "--from", old, "--to", new], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as p:
            try:
                p.wait(dice.uniform(0.005, 0.15))
            except subprocess.TimeoutExpired:
                p.send_signal(signal.SIGKILL)
                killed += 1
                continue
            assert p.returncode == 0, p.stderr.read()
    return killed


def file_of(g):
    return "sqlite:%s" % (g.data / "hongyan.db")


def on_sqlite(g):
    """Also where the suite runs on PostgreSQL."""
    g.write(database=file_of(g))
    return g


def refused(g, *words):
    g.launch()
    code = g.process.wait(60)
    log = g.log()
    g.process = None
    assert code == EX_UNAVAILABLE, log[-2000:]
    for word in words:
        assert word in log.splitlines()[-1], log[-2000:]


# ---- every table ----

# PostgreSQL keeps these of the tables that every message writes in two bytes, or four.
HOT = ("message", "attempt", "event")
SMALL = set(re.findall(r"^ +(\w+) int[24]\b", (MIGRATIONS / "0061-hot-tables.sql").read_text(encoding="utf-8"), re.M))


def tables(db):
    return [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type='table' AND name NOT LIKE 'sqlite_%' ORDER BY rowid")]


OWN = ("move", "db_batch", "period", "number_row", "number_todo")  # what a database says of itself, and what it makes of its lists


def fill(path):
    """Rows in every table there is, of values that a copy might spoil; what was written, but for the tables that belong to a database."""
    db = sqlite3.connect(path)
    db.execute("PRAGMA foreign_keys=ON")
    for table in tables(db):
        if table == "meta" or table in OWN:
            continue
        columns = db.execute("SELECT name, type, \"notnull\", pk FROM pragma_table_info(?)", (table,)).fetchall()
        for n in (1, 2, 3):
            values = []
            for at, (name, kind, notnull, key) in enumerate(columns):
                plain = {"INTEGER": n, "TEXT": "%s %d" % (name, n), "BLOB": b"\x00\xff%d" % n}[kind]
                small = table in HOT and name in SMALL
                odd = {"INTEGER": -30000 + at if small else -(1 << 62) + at, "TEXT": "鸿雁 'O''Brien' \\ \U0001f426 %d\n" % n, "BLOB": bytes(range(256))}[kind]
                empty = None if not notnull else {"INTEGER": 0, "TEXT": "", "BLOB": b""}[kind]
                fixed = key or name in ("account_id", "contact", "name", "sid")
                values.append(plain if fixed or n == 1 else odd if n == 2 else empty)
            db.execute("INSERT INTO %s (%s) VALUES (%s)" % (table, ", ".join(c[0] for c in columns), ",".join("?" * len(columns))), values)
    db.execute("INSERT INTO meta (name, value) VALUES ('hooks_version', 42)")
    db.commit()
    db.close()


def content(path):
    db = sqlite3.connect(path)
    read = {t: sorted(map(repr, db.execute("SELECT * FROM %s" % t))) for t in tables(db) if t not in OWN}
    db.close()
    return read


def empty_database(folder):
    folder.mkdir()
    lane = Gateway.lane("sim", "http://127.0.0.1:9")
    (folder / "hongyan.yaml").write_text(json.dumps({"data_dir": str(folder), "lanes": [lane]}))
    made = migrate("-c", folder / "hongyan.yaml", env={"TOK": "x" * 32})
    assert made.returncode == 0, made.stderr
    return folder / "hongyan.db"


def test_tables__every_one_of_the_schema_comes_over_and_back_unchanged(tmp_path, server):
    old, back = empty_database(tmp_path / "old"), tmp_path / "back.db"
    fill(old)
    before = content(old)
    assert len(before) > 40 and all(before.values())
    database = server.new_database()
    there = move("sqlite:%s" % old, database)
    assert there["rows"] == sum(len(rows) for name, rows in before.items() if name != "meta")
    for name, rows in before.items():
        if name != "meta":
            assert ask(database, "SELECT count(*) FROM " + name) == [[str(len(rows))]], name
    assert ask(database, "SELECT body FROM message WHERE id=2") == [["鸿雁 'O''Brien' \\ \U0001f426 2"], [""]]
    assert ask(database, "INSERT INTO consent (account_id, number, topic, act, source, at, created_at, message_id) VALUES (1,'','',1,1,1,1,1) RETURNING id") == [["4"]]
    ask(database, "DELETE FROM consent WHERE id=4")
    assert move(database, "sqlite:%s" % back)["rows"] == there["rows"]
    after = content(back)
    nodes = lambda rows: {**rows, "node": None, "message": None, "callback": None, "webhook": None}  # whose they are is settled anew
    assert nodes(after) == nodes(before)
    assert [len(after[t]) for t in ("node", "message", "callback", "webhook")] == [3, 3, 3, 3]


# ---- a live installation ----

def test_move__to_postgresql_killed_again_and_again_loses_and_doubles_nothing(make_gateway, server):
    g = on_sqlite(make_gateway.gateway(profile=BAD_DAY, lane=LANE, retry={"first_ms": 100})).start()
    old, new, dice = file_of(g), server.new_database(), random.Random(11)
    with Clients(g, 6) as clients:
        after_some_more(clients, dice, 300, 400)
        busy = migrate("--from", old, "--to", new)
        assert busy.returncode == EX_TEMPFAIL and "has it open: stop it first" in busy.stderr, busy.stderr
        after_some_more(clients, dice, 20, 40)
        for i in range(2 if LONG else 1):
            g.kill9()  # with calls in flight
            assert kill_in_the_middle(old, new, 30 if LONG else 4, dice) > 0
            report = move(old, new)
            assert report["rows"] >= clients.count() or report["tables"] == 0
            refused(g, "has moved to " + new)
            again = migrate("--from", old, "--to", new)
            assert again.returncode == 0 and "done before" in again.stdout, again.stderr
            g.write(database=new)
            g.start()
            after_some_more(clients, dice)
            if i == 0 and LONG:  # and on to another file, and back
                g.term()
                old, new = new, "sqlite:%s" % (g.data / "second.db")
    g.settle(120)
    story = Story(g, clients.accepted)
    story.summary(1, clients)
    check_nothing_lost_or_doubled(g, clients, story, g.sim.times())
    assert story.counts["sending->unknown"] > 0, "nothing was in flight: this proves little"


def test_move__nodes_that_run_on_the_old_database_lose_it_and_what_they_had_is_done_on_the_new_one(make_gateway, server, tmp_path):
    old, new = server.new_database(), server.new_database()
    c = Cluster(make_gateway, tmp_path, n=2, database=old, profile=BAD_DAY, lane=LANE).start()
    dice = random.Random(12)
    try:
        with Crowd(c) as clients:
            c.some_more(clients, dice)
            report = move(old, new)
            assert report["shut_ms"] > 0
            for g in c.nodes:
                assert "it is shut: its rows move to " in g.log(), g.log()[-2000:]  # numbers are masked there
                assert g.process.wait(60) == EX_UNAVAILABLE and "this database has moved to " + new in g.log().splitlines()[-1], g.log()[-2000:]
                g.process = None
                g.write(database=new)
            for g in c.nodes:
                g.start()
            c.some_more(clients, dice)
        c.settle(180)
        story = Story(c.nodes[0], clients.accepted)
        story.summary(0, clients)
        check_nothing_lost_or_doubled(c.nodes[0], clients, story, c.sim.times())
    finally:
        c.balancer.close()


# ---- what is refused ----

@contextlib.contextmanager
def written(path):
    db = sqlite3.connect(path)
    try:
        yield db
        db.commit()
    finally:
        db.close()


def test_move__that_is_not_finished_lets_no_gateway_start_on_either_side_and_can_be_given_up(make_gateway, server):
    g = on_sqlite(make_gateway.gateway()).start()
    g.delivered(g.create(body="before"))
    g.term()
    old, new = file_of(g), server.new_database()
    path = old.removeprefix("sqlite:")
    # As after a kill between shutting the old one and the end of copying.
    blocked = migrate("--from", old, "--to", "postgres:///nowhere?host=" + os.path.dirname(path))
    assert blocked.returncode == EX_UNAVAILABLE, blocked.stderr
    with written(path) as db:  # two keys that stand the other way round there: found when all was copied
        db.execute("INSERT INTO api_key (sid, account_id, name, hash, scopes, created_at) VALUES (?, 1, 'x', x'00', 1, 1)", ("SK\x01\udcff".encode("utf-8", "surrogateescape"),))
        db.execute("UPDATE api_key SET sid=CAST(sid AS TEXT)")
        db.execute("INSERT INTO api_key (sid, account_id, name, hash, scopes, created_at) VALUES (?, 1, 'y', x'00', 1, 1)", ("SK\x01\U0001f426",))
    odd = migrate("--from", old, "--to", new)
    assert odd.returncode == EX_TEMPFAIL and "table api_key" in odd.stderr, odd.stderr
    refused(g, "is being moved to " + new, "--abandon")
    with written(path) as db, pytest.raises(sqlite3.IntegrityError, match="it is shut: its rows move to"):
        db.execute("DELETE FROM api_key WHERE name='x'")
    g.write(database=new)
    refused(g, "are being moved into this database", "sqlite:" + path)
    other = migrate("--from", old, "--to", server.new_database())
    assert other.returncode == EX_TEMPFAIL and "go on with that, or give it up" in other.stderr, other.stderr
    up = migrate("--from", old, "--abandon")
    assert up.returncode == 0, up.stderr
    g.write(database=old)
    with written(path) as db:
        db.execute("DELETE FROM api_key WHERE name IN ('x', 'y')")
    g.start()
    last = g.create(body="after")
    g.delivered(last)
    g.term()
    assert move(old, new)["resumed"] == 0
    g.write(database=new)
    g.start()
    assert g.message(last)["status"] == "delivered"
    final = migrate("--from", old, "--abandon")
    assert final.returncode == EX_UNAVAILABLE and "has moved to" in final.stderr, final.stderr


def test_move__opens_only_the_copy_that_it_made(make_gateway, tmp_path):
    """Not one that a move left half full which was given up, nor the old database itself by another name, nor a backup of it."""
    g = on_sqlite(make_gateway.gateway()).start()
    g.delivered(g.create(body="x"))
    g.term()
    old, half, new = file_of(g), "sqlite:%s" % (tmp_path / "half.db"), "sqlite:%s" % (tmp_path / "new.db")
    path = old.removeprefix("sqlite:")
    move(old, half)
    for database, state in (path, 1), (tmp_path / "half.db", 3):  # as if it had been killed just before its end
        with written(database) as db:
            db.execute("UPDATE move SET state=?", (state,))
    assert migrate("--from", old, "--abandon").returncode == 0
    move(old, new)
    shutil.copy(path, tmp_path / "backup.db")
    (tmp_path / "link.db").symlink_to(path)
    for wrong in half, "sqlite:%s" % (tmp_path / "link.db"), "sqlite:%s" % (tmp_path / "backup.db"), old.replace("/hongyan.db", "/./hongyan.db"):
        again = migrate("--from", old, "--to", wrong)
        assert again.returncode == EX_UNAVAILABLE and "has moved to " + new in again.stderr, (wrong, again)
    for database in half, old:
        g.write(database=database)
        refused(g, "migrate" if database == half else "has moved to")
    assert "done before" in migrate("--from", old, "--to", new).stdout


def test_move__that_stood_still_while_it_was_given_up_takes_the_old_database_from_nobody(server, tmp_path):
    old, new = empty_database(tmp_path / "old"), server.new_database()
    fill(old)
    (tmp_path / "new.yaml").write_text(json.dumps({"data_dir": str(tmp_path / "new"), "database": new, "lanes": [Gateway.lane("sim", "http://127.0.0.1:9")]}))
    assert migrate("-c", tmp_path / "new.yaml", env={"TOK": "x" * 32}).returncode == 0
    ask(new, "CREATE TABLE held (n INTEGER); INSERT INTO held VALUES (1); "
             "CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN WHILE EXISTS (SELECT 1 FROM held) LOOP PERFORM pg_sleep(0.05); END LOOP; RETURN NEW; END $$; "
             "CREATE TRIGGER hold BEFORE INSERT ON event FOR EACH ROW EXECUTE FUNCTION hold()")
    with subprocess.Popen([BINARY, "migrate", "--from", "sqlite:%s" % old, "--to", new], stderr=subprocess.PIPE, text=True) as p:
        until(lambda: ask(new, "SELECT count(*) FROM pg_stat_activity WHERE datname=current_database() AND wait_event='PgSleep'") == [["1"]], 60, 0.1, told="it copies nothing")
        up = migrate("--from", "sqlite:%s" % old, "--abandon")
        ask(new, "DELETE FROM held")
        assert up.returncode == 0, up.stderr
        said = p.stderr.read()
    assert p.returncode == EX_TEMPFAIL and "it was given up" in said, said
    with written(old) as db:
        assert db.execute("SELECT state FROM move").fetchone() == (0,)
        db.execute("DELETE FROM api_key")  # nobody has shut it again


def test_move__into_a_database_that_is_in_use_is_refused(make_gateway, server):
    one, two = [on_sqlite(make_gateway.gateway()).start() for _ in range(2)]
    one.term()
    busy = migrate("--from", file_of(one), "--to", file_of(two))  # it would not see what comes in
    assert busy.returncode == EX_TEMPFAIL and "has it open: stop it first, or give the move another" in busy.stderr, busy.stderr
    two.term()
    taken = migrate("--from", file_of(one), "--to", file_of(two))
    assert taken.returncode == EX_TEMPFAIL and "give the move an empty database" in taken.stderr, taken.stderr
    one.start()


@pytest.mark.parametrize("args, code, says", [
    (("--from", "sqlite:x.db"), EX_USAGE, "hongyan migrate --from DATABASE --to DATABASE"),
    (("--to", "sqlite:x.db"), EX_USAGE, "hongyan migrate"),
    (("--from", "sqlite:a", "--to", "sqlite:b", "--abandon"), EX_USAGE, "hongyan migrate"),
    (("--from", "sqlite:/nowhere/x.db", "--to", "sqlite:y.db"), EX_UNAVAILABLE, "/nowhere/x.db"),
    (("--from", "sqlite:a.db", "--to", "sqlite::memory:"), EX_DATAERR, "--to: a database is"),
    (("--from", "sqlite:a.db", "--to", "sqlite:a.db"), EX_DATAERR, "the same database"),
    (("--from", "sqlite:a.db", "--to", "postgres://u:secret@h/x"), EX_DATAERR, "--to: a database is"),
])
def test_move__wrong_arguments_are_told(args, code, says):
    done = migrate(*args)
    assert done.returncode == code and says in done.stderr, done.stderr
    assert "secret" not in done.stderr


# ---- one key for all ----

def test_master_key__another_than_the_databases_is_refused_at_the_start(make_gateway, server):
    database = server.new_database()
    make_gateway(database=database)
    other = make_gateway.gateway(database=database, provider_url="http://127.0.0.1:9", env={"HONGYAN_MASTER_KEY": "ab" * 32})
    other.make_key = lambda **env: None
    refused(other, "the master key is not the one that this database was made with")
