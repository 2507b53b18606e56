"""Has PostgreSQL prepare every statement of src/store as its driver says it, and fails where it does not understand one, or would walk or
sort a large table (with the settings that the driver gives each connection).

usage: check_postgres.py SRC/STORE PG_SAY [ROWS]: with so many messages in the tables, 5000 by default; 1000000 takes some minutes"""
import pathlib
import re
import subprocess
import sys

from check_plans import ALLOWED, BIG, macros_of, sources_of, statements

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from postgres import Postgres, ask  # noqa: E402


def collected(store):
    sources = sources_of(store)
    macros = {}
    for source in sources:
        macros.update(macros_of(source.read_text()))
    for source in sources:
        for sql in statements(source.read_text(), macros):
            yield source.name, sql


SETTINGS = "".join(re.findall(r"SET (?:plan_cache_mode|enable_\w+|jit)=\w+; ", (pathlib.Path(sys.argv[1]) / "pg_wire.c").read_text()))
# What may walk or sort, besides what may with SQLite, and why.
WALKS = {
    "FROM delivery AS d INDEXED BY delivery_due LEFT JOIN message": "by due_at as the index is, only those of the same microsecond are sorted",
}


def make_periods(url, rows):
    """Three periods behind the first, for a quarter of the rows each; where their ids begin."""
    begin = int(ask(url, "SELECT max(to_id) FROM period")[0][0])
    for n in range(3):
        for table in ("message", "attempt", "event"):
            ask(url, "CREATE TABLE %s_%d PARTITION OF %s FOR VALUES FROM (%d) TO (%d)" % (table, n, table, begin + n * rows // 4, begin + (n + 1) * rows // 4))
    return begin


def fill(url, rows):
    """Messages to a tenth as many numbers, of a large account and a small one, for which walking through those of the large one would be dear; one in a hundred waits for something."""
    begin = make_periods(url, rows)
    ask(url, "INSERT INTO message (id, account_id, created_at, send_at, expires_at, segments, direction, priority, delivery, face, encoding, recipient, body, code, attempts, "
             "lookups, reason, due_at, updated_at, sent_at, done_at, events, state) SELECT CASE WHEN i>%d THEN %d+i ELSE i END, CASE WHEN i<=60 THEN 8 ELSE 7 END, i, 0, i, 1, 0, i %% 4, 0, 0, 0, '+1415' || i %% %d, 'text ' || i, 0, 1, "
             "0, 0, CASE WHEN i %% 100=0 THEN i END, i, i, i, 3, 6 FROM generate_series(1, %d) AS i" % (rows // 4, begin - rows // 4 - 1, rows // 10 + 1, rows))
    ask(url, "INSERT INTO event (message_id, at, number, attempt, code, state, reason, note) SELECT id, id, n, 1, 0, n, 0, 0 FROM message, generate_series(1, 3) AS n")
    ask(url, "INSERT INTO attempt (message_id, started_at, number, lane, ended_at, code, http_status, fate, hint, reason) SELECT id, id, 1, 'sim', id, 0, 201, 1, 0, 0 FROM message")
    ask(url, "VACUUM ANALYZE")


def wholes(url):
    """Of what a table or index is a part."""
    return dict(ask(url, "SELECT part.relname, whole.relname FROM pg_inherits JOIN pg_class part ON part.oid=inhrelid JOIN pg_class whole ON whole.oid=inhparent"))


def walks(plan, sql):
    """Lines of the plan that walk or sort what may be large."""
    big = re.search(r"\b(" + "|".join(BIG) + r")\b", sql)
    for line in plan:
        scan = re.search(r"Seq Scan on (\w+)", line)
        if scan and scan[1] in BIG:
            yield line.strip()
        if re.match(r"\s*(->  )?(Incremental )?Sort  ", line) and big:
            yield line.strip()


def faults(url, sql, source, whole_of):
    """A parameter is int8, text or bytea; where PostgreSQL cannot tell, the caller's binding does."""
    try:
        ask(url, "PREPARE s AS " + sql)
    except RuntimeError as why:
        chosen = "expression is of type text" in str(why) and "THEN $" in sql  # CASE ... THEN ? ELSE ?
        if "could not determine data type of parameter" not in str(why) and not chosen:
            yield str(why).strip().splitlines()[0]
        return
    n = max(map(int, re.findall(r"\$(\d+)", sql)), default=0)
    explain = "; EXPLAIN EXECUTE s" + ("(" + ", ".join(["'5'"] * n) + ")" if n else "")  # with NULL no part of a table would be looked into
    answer = ask(url, SETTINGS + "PREPARE s AS " + sql + "; SELECT unnest(parameter_types) FROM pg_prepared_statements" + explain)
    if source not in ALLOWED and not any(part in source for part in WALKS):
        plan = [re.sub(r"\b(using|on) (\w+)", lambda m: m[1] + " " + whole_of.get(m[2], m[2]), line) for line, in answer[n:]]
        yield from walks(plan, sql)
        named = re.search(r"FROM message (?:AS \w+ )?INDEXED BY (\w+)", source)
        if named and not any(re.search(r" %s\b" % named[1], line) for line in plan):
            yield "SQLite is told to take %s, PostgreSQL takes another: " % named[1] + next((line.strip() for line in plan if " using " in line), "none")
    for at, (name,) in enumerate(answer[:n], 1):
        if name not in ("bigint", "text", "bytea", "integer", "smallint", "numeric"):
            yield "parameter %d is taken as %s: write ?<>0 for a truth" % (at, name)


def main():
    store, say, rows = pathlib.Path(sys.argv[1]), sys.argv[2], int((sys.argv[3:] or [5000])[0])
    found = list(collected(store))
    n = 0
    with Postgres() as server:
        done = subprocess.run([say, server.url()], input="\n".join(sql for _, sql in found) + "\n", stdout=subprocess.PIPE, text=True, check=True)
        said = done.stdout.splitlines()
        assert len(said) == len(found) > 200
        assert list(walks(["Sort  (cost", "  ->  Seq Scan on message  (cost"], "FROM message")) == ["Sort  (cost", "->  Seq Scan on message  (cost"]
        for part in WALKS:
            assert any(part in sql for _, sql in found), part
        fill(server.url(), rows)
        whole_of = wholes(server.url())
        assert {"message", "message_due", "attempt_pkey"} <= set(whole_of.values())
        for (name, sql), text in zip(found, said):
            n += 1
            bad = list(faults(server.url(), text, sql, whole_of))
            print("%s %d - %s: %s" % ("not ok" if bad else "ok", n, name, sql[:90]))
            for why in bad:
                print("# " + why)
    print("1..%d" % n)


main()
