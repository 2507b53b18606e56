"""Nodes of two versions on one database: what a rolling upgrade may rely on (docs/nodes.md)."""
import os
import pathlib
import random
import re
import sqlite3
import subprocess

import pytest

from harness.cluster import STEADY, Cluster, Crowd
from harness.gateway import Gateway
from postgres import Postgres
from test_kill import BAD_DAY, LANE
from test_nodes import check

MIGRATIONS = pathlib.Path(__file__).resolve().parents[2] / "src" / "store" / "migrations"
NEWEST = max(int(path.name[:4]) for path in MIGRATIONS.glob("*.sql"))


@pytest.fixture
def cluster(make_gateway, tmp_path):
    c = Cluster(make_gateway, tmp_path, n=2, database="sqlite:%s" % (tmp_path / "shared.db"), **STEADY)
    yield c
    c.balancer.close()


def script(cluster, sql):
    db = sqlite3.connect(cluster.database.removeprefix("sqlite:"), timeout=30)
    db.executescript("BEGIN IMMEDIATE; " + sql + "; COMMIT")
    db.close()


def version(cluster):
    with sqlite3.connect(cluster.database.removeprefix("sqlite:")) as db:
        return db.execute("PRAGMA user_version").fetchone()[0]


def works(*nodes):
    for g in nodes:
        g.wait(g.create(body="by port %d" % g.port), "delivered", timeout=60)


def test_upgrade__a_database_of_the_previous_version_is_brought_up_to_date_by_whoever_comes_first(make_gateway, tmp_path):
    files = sorted(MIGRATIONS.glob("*.sql"))
    with sqlite3.connect(tmp_path / "shared.db") as db:
        for path in files[:-1]:
            db.executescript(path.read_text(encoding="utf-8"))
        db.execute("PRAGMA user_version=%d" % int(files[-2].name[:4]))
    db.close()
    c = Cluster(make_gateway, tmp_path, n=2, database="sqlite:%s" % (tmp_path / "shared.db"), **STEADY)
    try:
        for g in c.nodes:
            g.launch()
        for g in c.nodes:
            g.wait_ready(60)
        assert version(c) == NEWEST
        works(*c.nodes)
    finally:
        c.balancer.close()


def test_upgrade__to_a_schema_this_program_does_not_know_leaves_it_running_but_not_starting(cluster):
    one, two = [g.start() for g in cluster.nodes]
    script(cluster, "CREATE TABLE later (id INTEGER PRIMARY KEY); ALTER TABLE message ADD COLUMN later TEXT; "
                    "ALTER TABLE node ADD COLUMN later INTEGER NOT NULL DEFAULT 7; PRAGMA user_version=%d" % (NEWEST + 1))
    works(one, two)
    two.term()
    two.launch()
    assert two.process.wait(60) == 69
    assert "start the newer program" in two.log().splitlines()[-1]
    two.process = None
    works(one)


def test_upgrade__of_two_pending_codes_for_one_number_the_newer_stays():
    """As two nodes could begin them at once before there was an index against it."""
    db = sqlite3.connect(":memory:")
    for path in sorted(MIGRATIONS.glob("*.sql")):
        if path.name.startswith("0059"):
            row = "INSERT INTO verification VALUES (%d,1,'%s','%s',0,0,0,%d,0,5,0,3,60,%d,%d,%d,0,x'00',x'00','sealed')"
            for n, to, purpose in ((1, "+1", "a"), (2, "+1", "a"), (3, "+1", "b"), (4, "+2", "a"), (5, "+1", "a")):
                db.execute(row % (n, to, purpose, n, n, n, n + 100))
        db.executescript(path.read_text(encoding="utf-8"))
    rows = db.execute("SELECT id, status, superseded, done_at, sealed FROM verification ORDER BY id").fetchall()
    assert rows == [(1, 3, 1, 1, None), (2, 3, 1, 2, None), (3, 0, 0, 0, "sealed"), (4, 0, 0, 0, "sealed"), (5, 0, 0, 0, "sealed")]
    with pytest.raises(sqlite3.IntegrityError):
        db.execute(row % (6, "+1", "a", 6, 6, 6, 106))
    db.close()


def git(*words):
    return subprocess.run(["git", *words], cwd=MIGRATIONS.parents[2], check=True, capture_output=True, text=True).stdout.strip()


def before_the_newest():
    """The latest commit with fewer migrations, all of them before those that it has not."""
    names = sorted(path.name for path in MIGRATIONS.glob("*.sql"))
    for commit in git("log", "--format=%H", "--", str(MIGRATIONS)).split():
        there = sorted(path.rsplit("/", 1)[1] for path in git("ls-tree", "--name-only", commit, "src/store/migrations/").splitlines() if path.endswith(".sql"))
        if len(there) < len(names) and there == names[:len(there)]:
            return commit
    raise AssertionError("no older schema in the history")


@pytest.fixture(scope="module")
def older(tmp_path_factory):
    """The program as it was with the schema before, built from the history."""
    path = os.environ.get("HONGYAN_OLDER_BINARY")
    if path:
        yield pathlib.Path(path)
        return
    tree = tmp_path_factory.mktemp("older") / "tree"
    git("worktree", "add", "--detach", str(tree), before_the_newest())
    try:
        for words in (["meson", "setup", "build"], ["ninja", "-C", "build", "hongyan"]):
            subprocess.run(words, cwd=tree, check=True, capture_output=True)
        yield tree / "build" / "hongyan"
    finally:
        git("worktree", "remove", "--force", str(tree))


@pytest.mark.skipif(not os.environ.get("HONGYAN_LONG"), reason="builds an older program: HONGYAN_LONG=1")
def test_upgrade__of_three_nodes_one_after_the_other_under_load_loses_and_doubles_nothing(make_gateway, tmp_path, older, monkeypatch):
    dice = random.Random(5)
    with Postgres() as server:
        with monkeypatch.context() as patch:
            patch.setattr(Gateway, "binary", older)
            c = Cluster(make_gateway, tmp_path, database=server.new_database(), profile=BAD_DAY, lane=LANE)
        for g in c.nodes:
            g.binary = older
        c.start()
        try:
            with Crowd(c) as clients:
                c.some_more(clients, dice)
                for i, g in enumerate(c.nodes):  # the first brings the schema up to date under those that still run
                    if i == 1:
                        g.kill9()
                    else:
                        assert g.term() == 0
                    del g.binary  # this tree's
                    g.start()
                    c.some_more(clients, dice)
                    assert [n["state"] for n in c.listed(c.nodes[0])] == ["alive"] * 3
            check(c, clients, 3)
        finally:
            c.balancer.close()


# What else a migration may say, and why older nodes go on.
FITS_OLDER_NODES = {
    "0059-verification-pending.sql": "they withdraw a pending code before they write another; a clash between two has a batch done again",
    "0071-period.sql": "what it says of old rows holds for all that nodes write in the next days",
    "0072-first-period.sql": "it only reads",
    "0073-history-by-periods.sql": "the tables have the same names, columns and indexes as before, and are locked for a moment",
}


PAGES = r"ALTER TABLE \w+ SET \([a-z_]+=[\d.]+\);\s+"


def test_migrations__of_a_cluster_only_add_so_that_older_nodes_go_on():
    """From the first version that had nodes. An index may be dropped: it is no part of what statements say. What is PostgreSQL's alone may
    also make tables anew, where no rows and no nodes are (test_postgres.py), and say how they lie on their pages."""
    for path in sorted(MIGRATIONS.glob("*.sql")):
        if int(path.name[:4]) <= 50 or path.name in FITS_OLDER_NODES:
            continue
        text = re.sub(r"--[^\n]*", "", path.read_text(encoding="utf-8"))
        for block in re.findall(r"/\*pg (.*?)\*/", text, re.S):
            assert re.match(r"DO \$do\$\s+BEGIN\s+IF EXISTS \(SELECT 1 FROM \w+\) OR EXISTS \(SELECT 1 FROM node WHERE taken=0\) THEN\s+"
                            r"(%s)*RETURN;\s+END IF;|(%s)+$" % (PAGES, PAGES), block), path.name
        text = re.sub(r"/\*pg .*?\*/", "", text, flags=re.S)
        for statement in filter(None, map(str.strip, text.split(";"))):
            assert re.match(r"CREATE (TABLE|INDEX) |DROP INDEX |ALTER TABLE \w+ ADD COLUMN ", statement), (path.name, statement)
