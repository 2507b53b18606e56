-- Business events and the rules that make messages of them. What a rule did (did) and the rest of the small numbers are those of
-- src/store/events.h (append-only there).

CREATE TABLE business_event (
    id INTEGER PRIMARY KEY, -- made as a message's is: it says when
    account_id INTEGER NOT NULL,
    source TEXT NOT NULL,
    name TEXT, -- the sender's id: once for each account and source; NULL: it gave none
    type TEXT NOT NULL,
    subject TEXT,
    at INTEGER NOT NULL, -- when it happened, as its sender says
    data TEXT NOT NULL, -- JSON
    passed TEXT -- rules of its type whose `when` was false: their names, by commas
);
CREATE UNIQUE INDEX business_event_name ON business_event (account_id, source, name) WHERE name IS NOT NULL;
CREATE INDEX business_event_account ON business_event (account_id, id);

-- What its rules did, in order.
CREATE TABLE event_outcome (
    event_id INTEGER NOT NULL,
    number INTEGER NOT NULL,
    rule TEXT NOT NULL,
    did INTEGER NOT NULL,
    message_id INTEGER, -- NULL: none
    detail TEXT,
    PRIMARY KEY (event_id, number)
) WITHOUT ROWID;

-- Which messages a rule made for one key, so that a later event finds and withdraws them.
CREATE TABLE rule_message (
    account_id INTEGER NOT NULL,
    rule TEXT NOT NULL,
    key TEXT NOT NULL,
    message_id INTEGER NOT NULL,
    withdrawn INTEGER NOT NULL DEFAULT 0, -- by which event; 0: by none
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (account_id, rule, key, message_id)
) WITHOUT ROWID;
CREATE INDEX rule_message_message ON rule_message (message_id);
CREATE INDEX rule_message_expires ON rule_message (expires_at);

-- Which dedupe keys a rule has seen.
CREATE TABLE rule_mark (
    account_id INTEGER NOT NULL,
    rule TEXT NOT NULL,
    key TEXT NOT NULL,
    event_id INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (account_id, rule, key)
) WITHOUT ROWID;
CREATE INDEX rule_mark_expires ON rule_mark (expires_at);

-- Events gathered for one text to one recipient, and when that is made.
CREATE TABLE digest (
    account_id INTEGER NOT NULL,
    rule TEXT NOT NULL,
    recipient TEXT NOT NULL,
    due_at INTEGER NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (account_id, rule, recipient)
) WITHOUT ROWID;
CREATE INDEX digest_due ON digest (due_at);

CREATE TABLE digest_item (
    account_id INTEGER NOT NULL,
    rule TEXT NOT NULL,
    recipient TEXT NOT NULL,
    event_id INTEGER NOT NULL,
    key TEXT,
    vars TEXT NOT NULL, -- JSON: what the template sees of it
    PRIMARY KEY (account_id, rule, recipient, event_id)
) WITHOUT ROWID;
CREATE INDEX digest_item_key ON digest_item (account_id, rule, key) WHERE key IS NOT NULL;

CREATE TABLE rule_count (
    account_id INTEGER NOT NULL,
    rule TEXT NOT NULL,
    matched INTEGER NOT NULL DEFAULT 0,
    fired INTEGER NOT NULL DEFAULT 0,
    suppressed INTEGER NOT NULL DEFAULT 0,
    errors INTEGER NOT NULL DEFAULT 0,
    canceled INTEGER NOT NULL DEFAULT 0,
    last_at INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (account_id, rule)
) WITHOUT ROWID;

-- Rules of accounts, in versions that are never changed once written; at most one is published.
CREATE TABLE rule (
    account_id INTEGER NOT NULL,
    name TEXT NOT NULL,
    latest INTEGER NOT NULL,
    published INTEGER NOT NULL DEFAULT 0, -- 0: none, the rule does nothing
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (account_id, name)
) WITHOUT ROWID;

CREATE TABLE rule_version (
    account_id INTEGER NOT NULL,
    name TEXT NOT NULL,
    number INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    published_at INTEGER NOT NULL DEFAULT 0, -- when last; 0: never
    doc TEXT NOT NULL, -- JSON, as it was given
    PRIMARY KEY (account_id, name, number)
) WITHOUT ROWID;
