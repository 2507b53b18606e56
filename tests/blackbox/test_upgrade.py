"""Nodes of two versions on one database: what a rolling upgrade may rely on (docs/nodes.md)."""
import pathlib
import re
import sqlite3

import pytest

from harness.cluster import Cluster

MIGRATIONS = pathlib.Path(__file__).resolve().parents[2] / "src" / "store" / "migrations"
NEWEST = max(int(path.name[:4]) for path in MIGRATIONS.glob("*.sql"))


@pytest.fixture
def cluster(make_gateway, tmp_path):
    c = Cluster(make_gateway, tmp_path, n=2, database="sqlite:%s" % (tmp_path / "shared.db"))
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
    c = Cluster(make_gateway, tmp_path, n=2, database="sqlite:%s" % (tmp_path / "shared.db"))
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


# What else a migration may say, and why older nodes go on.
FITS_OLDER_NODES = {
    "0059-verification-pending.sql": "they withdraw a pending code before they write another; a clash between two has a batch done again",
}


def test_migrations__of_a_cluster_only_add_so_that_older_nodes_go_on():
    """From the first version that had nodes. An index may be dropped: it is no part of what statements say. What is PostgreSQL's alone may
    also make tables anew, where no rows and no nodes are (test_postgres.py), and say how they lie on their pages."""
    for path in sorted(MIGRATIONS.glob("*.sql")):
        if int(path.name[:4]) <= 50 or path.name in FITS_OLDER_NODES:
            continue
        text = re.sub(r"--[^\n]*", "", path.read_text(encoding="utf-8"))
        for block in re.findall(r"/\*pg (.*?)\*/", text, re.S):
            assert re.match(r"DO \$do\$\s+BEGIN\s+IF EXISTS \(SELECT 1 FROM \w+\) OR EXISTS \(SELECT 1 FROM node WHERE taken=0\) THEN\s+"
                            r"(ALTER TABLE \w+ SET \([a-z_]+=[\d.]+\);\s+)+RETURN;\s+END IF;", block), path.name
        text = re.sub(r"/\*pg .*?\*/", "", text, flags=re.S)
        for statement in filter(None, map(str.strip, text.split(";"))):
            assert re.match(r"CREATE (TABLE|INDEX) |DROP INDEX |ALTER TABLE \w+ ADD COLUMN ", statement), (path.name, statement)
