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
        names = dict(ask(self.url, "SELECT relfilenode, relname FROM pg_class WHERE relfilenode <> 0"))
        out = subprocess.run([*self.server.as_user, os.path.join(programs(), "pg_waldump"), "-p", os.path.join(self.server.data, "pg_wal"), "-s", lsn, "-e", end],
                             capture_output=True, text=True, check=False, cwd="/").stdout  # it ends with a complaint when the log ends there
        sums = collections.Counter(), collections.Counter()
        for manager, size, what, rest in RECORD.findall(out):
            rel = re.search(r"rel \d+/\d+/(\d+)", rest)
            key = names.get(rel[1], "catalog") if rel else "-", manager + " " + what.split("+")[0] + (" whole page" if "FPW" in rest else "")
            sums[0][key] += 1
            sums[1][key] += int(size)
        return [(*key, sums[0][key] / messages, size / messages) for key, size in sums[1].most_common()]

    def disk_bytes(self):
        """Tables and indexes, as vacuum leaves them."""
        self.ask("VACUUM")
        return int(self.ask("SELECT sum(pg_total_relation_size(c.oid)) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
                            "WHERE c.relkind = 'r' AND n.nspname = 'public'")[0][0]) / max(self.sent(), 1)
