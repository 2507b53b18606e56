-- Accounts, keys, messages and what happens to them. Times are microseconds since 1970 UTC; states, reasons and the other
-- small numbers are those of src/model (append-only there).

CREATE TABLE meta (
    name TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE account (
    id INTEGER PRIMARY KEY,
    sid TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL UNIQUE,
    auth_token BLOB NOT NULL, -- AES-256-GCM under the master key: it must be readable, since it signs callbacks
    created_at INTEGER NOT NULL
);

CREATE TABLE api_key (
    sid TEXT PRIMARY KEY,
    account_id INTEGER NOT NULL REFERENCES account (id),
    name TEXT NOT NULL,
    hash BLOB NOT NULL, -- SHA-256 of the secret, which is 256 random bits and so needs no slow hash
    scopes INTEGER NOT NULL, -- 1 send, 2 read, 4 admin
    created_at INTEGER NOT NULL,
    revoked_at INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;

CREATE TABLE message (
    id INTEGER PRIMARY KEY,
    account_id INTEGER NOT NULL,
    direction INTEGER NOT NULL,
    priority INTEGER NOT NULL,
    delivery INTEGER NOT NULL,
    face INTEGER NOT NULL,
    encoding INTEGER NOT NULL,
    segments INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    send_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    state INTEGER NOT NULL,
    reason INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    lookups INTEGER NOT NULL,
    events INTEGER NOT NULL,
    code INTEGER NOT NULL,
    due_at INTEGER, -- NULL: nothing is to be done, ever
    updated_at INTEGER NOT NULL,
    sent_at INTEGER NOT NULL,
    done_at INTEGER NOT NULL,
    lane TEXT,
    provider_id TEXT,
    recipient TEXT NOT NULL,
    sender TEXT,
    body TEXT NOT NULL,
    topic TEXT,
    metadata TEXT,
    status_callback TEXT,
    traceparent TEXT,
    template TEXT
);

-- The live queue: pending rows only. expires_at rides along so that the sweep for expired rows never touches the table.
CREATE INDEX message_due ON message (priority, due_at, id, expires_at) WHERE due_at IS NOT NULL;
-- Listing an account's messages, and finding what went to a number (across accounts too: lanes may be shared).
CREATE INDEX message_account ON message (account_id, id);
CREATE INDEX message_recipient ON message (recipient, id);

CREATE TABLE attempt (
    message_id INTEGER NOT NULL,
    number INTEGER NOT NULL,
    lane TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    ended_at INTEGER NOT NULL,
    fate INTEGER NOT NULL,
    hint INTEGER NOT NULL,
    reason INTEGER NOT NULL,
    code INTEGER NOT NULL,
    http_status INTEGER NOT NULL,
    provider_id TEXT,
    PRIMARY KEY (message_id, number)
) WITHOUT ROWID;

CREATE TABLE event (
    message_id INTEGER NOT NULL,
    number INTEGER NOT NULL,
    at INTEGER NOT NULL,
    state INTEGER NOT NULL,
    reason INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    code INTEGER NOT NULL,
    note INTEGER NOT NULL, -- 1: told, but the message's state stayed as it was
    PRIMARY KEY (message_id, number)
) WITHOUT ROWID;

CREATE TABLE idempotency (
    account_id INTEGER NOT NULL,
    key TEXT NOT NULL,
    message_id INTEGER NOT NULL,
    fingerprint BLOB NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (account_id, key)
) WITHOUT ROWID;
CREATE INDEX idempotency_expires ON idempotency (expires_at);

-- Status callbacks owed to callers; a row goes when its post was taken, or given up.
CREATE TABLE callback (
    message_id INTEGER NOT NULL,
    event INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    tries INTEGER NOT NULL,
    state INTEGER NOT NULL,
    reason INTEGER NOT NULL,
    code INTEGER NOT NULL,
    PRIMARY KEY (message_id, event)
) WITHOUT ROWID;
CREATE INDEX callback_due ON callback (due_at);
