"""Asks SQLite how it would run every statement of src/store, and fails when one walks a whole table.

The statements are taken from the sources: a run of string literals (and macros that are such runs) that begins with a
verb of SQL. Also, that a connection has room for them all. usage: check_plans.py SRC/STORE"""

import pathlib
import re
import sqlite3
import sys

BIG = {"message", "event", "attempt", "callback", "idempotency", "link", "template", "template_version", "template_body", "template_code", "suppression", "suppression_key", "reply", "delivery", "verification", "verification_message",
       "business_event", "event_outcome", "rule_message", "rule_mark", "digest", "digest_item", "parcel"}

# What may walk a whole table or index, or sort, and why.
ALLOWED = {
    "SELECT count(*) FROM message INDEXED BY message_due WHERE node=? AND due_at IS NOT NULL": "once, at the start: how many rows wait",
    "SELECT 1 FROM suppression LIMIT 1": "the first row of all: is there one?",
    "UPDATE message SET node=0 WHERE node<>0": "once, at the end of a move to a file",
    "UPDATE callback SET node=0 WHERE node<>0": "likewise",
    "SELECT count(*) FROM parcel WHERE done=0": "likewise",
    "INSERT INTO meta (name, value) SELECT 'sending_from_0', min(id) FROM message WHERE state=4 AND due_at>updated_at+330000000 HAVING count(*)>0": "likewise",
}

TOKEN = re.compile(r'"((?:[^"\\]|\\.)*)"|/\*.*?\*/|//[^\n]*|([A-Z][A-Z_0-9]+)|(\s+)|(.)', re.S)
VERB = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH)\b")


def macros_of(text, known=()):
    """A macro may be made of others that stand before it."""
    text = re.sub(r"\\\n", " ", text)
    found = dict(known)
    for name, value in re.findall(r"^#define ([A-Z_]+)\s+(\".*)$", text, re.M):
        found[name] = "".join(literal or found.get(other, "") for literal, other in re.findall(r'"((?:[^"\\]|\\.)*)"|([A-Z_]+)', value))
    return found


def sources_of(store):
    """All but what a driver says to its own database, what is asked of SQLite about the schema, what is put together of that, and tables that SQLite alone has."""
    own = ("db_pg.c", "db_sqlite.c", "shape.c", "move_rows.c", "numbers.c")
    return [s for s in sorted(store.glob("*.[ch]")) if not s.name.startswith("pg") and s.name not in own]


def statements(text, macros):
    text = re.sub(r"^#.*(?:\\\n.*)*$", "", text, flags=re.M)
    run = ""
    for literal, name, space, other in TOKEN.findall(text) + [("", "", "", ";")]:
        if literal:
            run += literal
        elif name and name in macros:
            run += macros[name]
        elif name or other:
            if VERB.match(run) and "%" not in run.replace("\'%", ""):  # what is put together is no statement yet
                yield run
            run = ""


def tables_of(sql):
    """Names as the plan shows them (aliases) -> tables."""
    names = {table: table for table in BIG}
    for table, alias in re.findall(r"\b(?:FROM|JOIN)\s+(\w+)\s+AS\s+(\w+)", sql):
        names[alias] = table
    return names


def plan_of(db, sql):
    """Parameters may be numbered, and stand more than once: SQLite knows how many there are."""
    for n in range(sql.count("?") + 1):
        try:
            return db.execute("EXPLAIN QUERY PLAN " + sql, [None] * n).fetchall()
        except sqlite3.ProgrammingError:
            continue
    raise AssertionError("parameters cannot be counted: " + sql)


def faults(db, sql):
    plan = plan_of(db, sql)
    names = tables_of(sql)
    for *_, step in plan:
        scan = re.match(r"SCAN (?:TABLE )?(\w+)", step)
        if scan and names.get(scan.group(1)) in BIG:
            yield step
        if "TEMP B-TREE" in step and re.search(r"\b(" + "|".join(BIG) + r")\b", sql):
            yield step


def main():
    store = pathlib.Path(sys.argv[1])
    db = sqlite3.connect(":memory:")
    for migration in sorted((store / "migrations").glob("*.sql")):
        db.executescript(migration.read_text())
    sources = sources_of(store)
    macros = {}
    for source in sources:
        macros.update(macros_of(source.read_text()))
    lines, used = [], set()
    for source in sources:
        for sql in statements(source.read_text(), macros):
            bad = list(faults(db, sql))
            allowed = sql in ALLOWED
            used |= {sql} & set(ALLOWED)
            lines.append(("ok" if not bad or allowed else "not ok", f"{source.name}: {sql[:90]}", bad))
    for sql in set(ALLOWED) - used:
        lines.append(("not ok", f"the allow table names a statement that is not there: {sql}", []))
    if len(lines) < 40:
        lines.append(("not ok", f"only {len(lines)} statements found", []))
    # A connection keeps the statements it has run, and ends the program when there are more than it has room for. A connection that has run
    # them all must be far from that: some are put together of others.
    room = int(re.search(r"STATEMENTS_MAX = (\d+)", (store / "db.c").read_text()).group(1))
    lines.append(("ok" if 2 * len(lines) <= room else "not ok", f"a connection has room for every statement there is: {room}", []))
    # A scan must be seen when there is one, or this test says nothing.
    probe = list(faults(db, "SELECT * FROM message WHERE body=?"))
    lines.append(("ok" if probe else "not ok", "a full scan is recognised", probe))
    print(f"1..{len(lines)}")
    for number, (result, what, bad) in enumerate(lines, 1):
        print(f"{result} {number} - {what}")
        for step in bad:
            print(f"# {step}")


if __name__ == "__main__":
    main()
