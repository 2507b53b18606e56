-- Who agreed to be written to, or withdrew that, and how it is known: a history that is only added to. Acts and sources are those of
-- src/store/consents.h (append-only there).

CREATE TABLE consent (
    id INTEGER PRIMARY KEY,
    account_id INTEGER NOT NULL,
    number TEXT NOT NULL, -- or address, as messages have it
    topic TEXT NOT NULL, -- '': every topic
    act INTEGER NOT NULL,
    source INTEGER NOT NULL,
    at INTEGER NOT NULL, -- when it was said
    created_at INTEGER NOT NULL, -- when it was stored
    message_id INTEGER NOT NULL, -- which text says it; 0: none
    said_by TEXT, -- who or what: an API key, a keyword, a provider's code
    method TEXT, -- a web form, a paper, a call
    text TEXT, -- what they agreed to
    ip TEXT,
    url TEXT,
    note TEXT
);
-- The latest word about a number.
CREATE INDEX consent_number ON consent (account_id, number, at, id);
