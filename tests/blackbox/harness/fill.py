"""A backlog as the API would have left it, written into the file of a gateway that does not run: a million messages in half a minute."""
import os
import sqlite3
import time

QUEUED, SCHEDULED = 3, 2              # states
LANE_FULL, WAITS_FOR_SEND_AT = 22, 21  # reasons


def fill(g, account, count, ahead_s=None):
    """count texts of the account of that name, due now; ahead_s: scheduled, over the hour that begins in so many seconds."""
    state, reason, due_at = (QUEUED, LANE_FULL, "at")
    if ahead_s is not None:
        state, reason, due_at = SCHEDULED, WAITS_FOR_SEND_AT, "at + %d + i %% 3600 * 1000000" % (ahead_s * 10**6)
    start_ms = int(time.time() * 1000) - 3600_000 - count  # no id of theirs is of a time in which the gateway ran
    db = sqlite3.connect(os.path.join(g.data, "hongyan.db"), isolation_level=None)
    try:
        owner, = db.execute("SELECT id FROM account WHERE name=?", (account,)).fetchone()
        for pragma in ("journal_mode=DELETE", "synchronous=OFF", "cache_size=-200000"):
            db.execute("PRAGMA " + pragma)
        db.execute("BEGIN")
        db.execute("CREATE TEMP TABLE fresh AS WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < %d) "
                   "SELECT i, (%d + i - 1704067200000) << 22 AS id, (%d + i) * 1000 AS at FROM n" % (count - 1, start_ms, start_ms))
        columns = dict(
            id="id", account_id=str(owner), direction="0", priority="2", delivery="0", face="0", encoding="0", segments="1", created_at="at",
            send_at="0" if ahead_s is None else due_at, expires_at="%s + 6 * 86400000000" % due_at, state=str(state), reason=str(reason),
            attempts="0", lookups="0", events="2", code="0", due_at=due_at, updated_at="at", sent_at="0", done_at="0",
            recipient="'+1415' || substr('0000000' || (5550000 + i % 9000), -7)", sender="'+15005550006'", body="'buy ' || i")
        db.execute("INSERT INTO message (%s) SELECT %s FROM fresh ORDER BY id" % (",".join(columns), ",".join(columns.values())))
        db.execute("INSERT INTO event (message_id, number, at, state, reason, attempt, code, note) SELECT id, k, at, iif(k = 1, 1, %d), "
                   "iif(k = 1, 0, %d), 0, 0, 0 FROM fresh, (SELECT 1 AS k UNION ALL SELECT 2) ORDER BY id, k" % (state, reason))
        db.execute("COMMIT")
    finally:
        db.close()
