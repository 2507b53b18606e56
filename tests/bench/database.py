"""What the work of a gateway costs PostgreSQL: statements as pg_stat_statements counts them, bytes and records of its log, bytes on disk.
Statements are counted only while `of` runs: counting takes time of its own."""
import collections
import os
import re
import subprocess

from postgres import ask, programs

RECORD = re.compile(r"^rmgr: (\w+) +len \(rec/tot\): +\d+/ +(\d+), .*? desc: (\S+)(.*)$", re.M)


class Costs:
    """On a server of its own, with these settings: the log's pages are written whole after a checkpoint, so none comes meanwhile."""

    SETTINGS = """
shared_buffers = 512MB
checkpoint_timeout = 1h
max_wal_size = 16GB
autovacuum_naptime = 1min
shared_preload_libraries = 'pg_stat_statements'
pg_stat_statements.track = none
"""

    def __init__(self, server):
        self.server, self.url = server, server.new_database()
        self.ask("CREATE EXTENSION pg_stat_statements")

    def ask(self, text):
        return ask(self.url, text)[0:1]

    def count(self, how):
        self.ask("ALTER SYSTEM SET pg_stat_statements.track = " + how)
        self.ask("SELECT pg_reload_conf()")

    def of(self, run):
        """Of each message whose outcome was committed while run() went on, which returns how many a second there were."""
        self.ask("VACUUM")  # it would write pages of before whole when it comes by itself
        self.ask("CHECKPOINT")
        run()  # every page that is in use was written whole once
        self.count("top")
        self.ask("SELECT pg_stat_statements_reset()")
        sent, lsn, records, at = self.sent(), self.lsn(), self.records(), self.place()
        run()
        messages = max(self.sent() - sent, 1)
        wal, records = self.lsn() - lsn, self.records() - records
        calls = float(self.ask("SELECT sum(calls) FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid "
                               "WHERE d.datname = current_database() AND query NOT LIKE '%pg\\_%' AND query NOT LIKE 'CHECKPOINT%'")[0][0])
        self.count("none")
        return {"statements": calls / messages, "wal": wal / messages, "records": records / messages, "messages": messages,
                "by_relation": self.by_relation(at, self.place(), messages)}

    def sent(self):
        return int(self.ask("SELECT count(*) FROM message WHERE sent_at <> 0")[0][0])

    def lsn(self):
        return int(self.ask("SELECT pg_current_wal_insert_lsn() - '0/0'")[0][0])

    def place(self):
        return self.ask("SELECT pg_current_wal_flush_lsn()")[0][0]

    def records(self):
        return int(self.ask("SELECT wal_records FROM pg_stat_wal")[0][0])

    def by_relation(self, lsn, end, messages):
        """Where the log's bytes between two places went: rows of (table or index, kind of record, records a message, bytes a message), most first.
        Whole pages are counted as a kind of their own, with the record that brought them."""
        names = dict(ask(self.url, "SELECT part.relfilenode, coalesce(whole.relname, part.relname) FROM pg_class part LEFT JOIN pg_inherits ON inhrelid=part.oid "
                                   "LEFT JOIN pg_class whole ON whole.oid=inhparent WHERE part.relfilenode <> 0"))
        out = subprocess.run([*self.server.as_user, os.path.join(programs(), "pg_waldump"), "-p", os.path.join(self.server.data, "pg_wal"), "-s", lsn, "-e", end],
                             capture_output=True, text=True, check=False, cwd="/").stdout  # it ends with a complaint when the log ends there
        sums = collections.Counter(), collections.Counter()
        for manager, size, what, rest in RECORD.findall(out):
            rel = re.search(r"rel \d+/\d+/(\d+)", rest)
            key = names.get(rel[1], "catalog") if rel else "-", manager + " " + what.split("+")[0] + (" whole page" if "FPW" in rest else "")
            sums[0][key] += 1
            sums[1][key] += int(size)
        return [(*key, sums[0][key] / messages, size / messages) for key, size in sums[1].most_common()]

    def row_by_row(self, messages=3000):
        """Bytes of log of a message where each of its rows is written by a statement of its own, into tables as they would be declared without a
        thought: every number of eight bytes, pages filled to the last, an event for every change of state. Two transactions: stored and begun,
        sent. Nothing of ours is in it but the messages themselves: no fence, no numbered batches. It is what the program's log is held against,
        because one of its own would shrink with every byte that is saved."""
        url = self.url
        ask(url, "CREATE SCHEMA plain")
        for table, key in (("message", "id"), ("attempt", "message_id, number"), ("event", "message_id, number")):
            columns = ask(url, "SELECT column_name, data_type FROM information_schema.columns WHERE table_schema='public' AND table_name='%s' "
                               "ORDER BY ordinal_position" % table)
            ask(url, "CREATE TABLE plain.%s (%s, PRIMARY KEY (%s))" % (
                table, ", ".join("%s %s" % (name, "text" if kind == "text" else "int8") for name, kind in columns), key))
        for name, on in (("due", "(node, priority, due_at, id, expires_at) WHERE due_at IS NOT NULL"), ("account", "(account_id, id)"),
                         ("recipient", "(recipient, id)"), ("held", "(account_id, id) WHERE state=3 AND reason=38")):
            ask(url, "CREATE INDEX plain_%s ON plain.message %s" % (name, on))
        ask(url, "CHECKPOINT")
        self.write_rows(messages, 0)  # every page that is in use was written whole once
        before = self.lsn()
        self.write_rows(messages, messages)
        return (self.lsn() - before) / messages

    def write_rows(self, n, behind):
        changed = ("state", "reason", "attempts", "lookups", "events", "code", "due_at", "updated_at", "sent_at", "done_at", "lane", "provider_id")
        ended = ("ended_at", "fate", "hint", "reason", "code", "http_status", "provider_id")
        ask(self.url, """DO $do$
DECLARE
    m message; a attempt; stored message; begun attempt;
BEGIN
    FOR m IN SELECT * FROM message WHERE sent_at<>0 ORDER BY id LIMIT %d OFFSET %d LOOP
        SELECT * INTO a FROM attempt WHERE message_id=m.id AND number=1;
        stored := m; stored.state := 4; stored.due_at := m.created_at+13000000; stored.sent_at := 0; stored.provider_id := NULL;
        begun := a; begun.ended_at := 0; begun.provider_id := NULL; begun.http_status := 0;
        INSERT INTO plain.message SELECT stored.*;
        INSERT INTO plain.event (message_id, number, at, state, reason, attempt, code, note) VALUES (m.id, 1, a.started_at, 1, 0, 0, 0, 0);
        INSERT INTO plain.event (message_id, number, at, state, reason, attempt, code, note) VALUES (m.id, 2, a.started_at, 4, 0, 1, 0, 0);
        INSERT INTO plain.attempt SELECT begun.*;
        COMMIT;
        UPDATE plain.message SET %s WHERE id=m.id;
        INSERT INTO plain.event (message_id, number, at, state, reason, attempt, code, note) VALUES (m.id, 3, a.ended_at, 5, 0, 1, 0, 0);
        UPDATE plain.attempt SET %s WHERE message_id=m.id AND number=1;
        COMMIT;
    END LOOP;
END $do$""" % (n, behind, ", ".join("%s=m.%s" % (c, c) for c in changed), ", ".join("%s=a.%s" % (c, c) for c in ended)))

    def disk_bytes(self):
        """Tables and indexes, as vacuum leaves them."""
        self.ask("VACUUM")
        return int(self.ask("SELECT sum(pg_total_relation_size(c.oid)) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
                            "WHERE c.relkind = 'r' AND n.nspname = 'public'")[0][0]) / max(self.sent(), 1)
