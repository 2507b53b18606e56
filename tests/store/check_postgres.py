"""Has PostgreSQL prepare every statement of src/store as its driver says it, and fails where it does not understand one.

usage: check_postgres.py SRC/STORE PG_SAY"""
import pathlib
import subprocess
import sys

from check_plans import macros_of, sources_of, statements

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


def faults(url, sql):
    """A parameter is int8, text or bytea; where PostgreSQL cannot tell, the caller's binding does."""
    try:
        ask(url, "PREPARE s AS " + sql)
    except RuntimeError as why:
        chosen = "expression is of type text" in str(why) and "THEN $" in sql  # CASE ... THEN ? ELSE ?
        if "could not determine data type of parameter" not in str(why) and not chosen:
            yield str(why).strip().splitlines()[0]
        return
    types = ask(url, "PREPARE s AS " + sql + "; SELECT unnest(parameter_types) FROM pg_prepared_statements")
    for at, (name,) in enumerate(types, 1):
        if name not in ("bigint", "text", "bytea", "integer", "smallint", "numeric"):
            yield "parameter %d is taken as %s: write ?<>0 for a truth" % (at, name)


def main():
    store, say = pathlib.Path(sys.argv[1]), sys.argv[2]
    found = list(collected(store))
    n = 0
    with Postgres() as server:
        done = subprocess.run([say, server.url()], input="\n".join(sql for _, sql in found) + "\n", stdout=subprocess.PIPE, text=True, check=True)
        said = done.stdout.splitlines()
        assert len(said) == len(found) > 200
        for (name, sql), text in zip(found, said):
            n += 1
            bad = list(faults(server.url(), text))
            print("%s %d - %s: %s" % ("not ok" if bad else "ok", n, name, sql[:90]))
            for why in bad:
                print("# " + why)
    print("1..%d" % n)


main()
