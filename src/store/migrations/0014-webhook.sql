-- Where accounts want to hear of what happens. status: 0 enabled, 1 disabled by the account, 2 gone (410), 3 failing for too long,
-- 9 deleted, kept until its deliveries are gone. Types and topics: one a line; topics NULL: all. A replay goes on from the message
-- behind replay_after up to replay_until (0: none is under way) with what happened at replay_since or later.
CREATE TABLE webhook (
    id INTEGER PRIMARY KEY,
    account_id INTEGER NOT NULL,
    url TEXT NOT NULL,
    description TEXT,
    types TEXT NOT NULL,
    topics TEXT,
    secret BLOB NOT NULL, -- AES-256-GCM under the master key: it must be readable, since it signs
    old_secret BLOB, -- signs as well until old_until
    old_until INTEGER NOT NULL DEFAULT 0,
    status INTEGER NOT NULL DEFAULT 0,
    status_since INTEGER NOT NULL DEFAULT 0,
    failing_since INTEGER NOT NULL DEFAULT 0,
    replay_since INTEGER NOT NULL DEFAULT 0,
    replay_after INTEGER NOT NULL DEFAULT 0,
    replay_until INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
);
CREATE INDEX webhook_account ON webhook (account_id, id);

-- What each of them is owed, and was given: event of the message, or of a notice (event 0, with its data). due_at NULL: over; the
-- greatest integer: an earlier event of the same message comes first. outcome: 0 owed, 1 taken, 2 given up.
CREATE TABLE delivery (
    webhook_id INTEGER NOT NULL,
    subject_id INTEGER NOT NULL,
    event INTEGER NOT NULL,
    type INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    due_at INTEGER,
    tries INTEGER NOT NULL DEFAULT 0,
    outcome INTEGER NOT NULL DEFAULT 0,
    status INTEGER NOT NULL DEFAULT 0, -- HTTP status of the latest try; 0: there was no answer
    tried_at INTEGER NOT NULL DEFAULT 0,
    duration_us INTEGER NOT NULL DEFAULT 0,
    error TEXT,
    data TEXT,
    PRIMARY KEY (webhook_id, subject_id, event)
) WITHOUT ROWID;
CREATE INDEX delivery_due ON delivery (webhook_id, due_at) WHERE due_at IS NOT NULL;
