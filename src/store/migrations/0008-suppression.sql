-- Numbers that must not be written to, by account (0: every account), number (or address) and topic ('': every topic). Kinds (1 opt-out,
-- 2 block, 3 invalid) and sources are those of src/store/suppression.h (append-only there).

CREATE TABLE suppression (
    account_id INTEGER NOT NULL,
    number TEXT NOT NULL,
    topic TEXT NOT NULL,
    kind INTEGER NOT NULL,
    source INTEGER NOT NULL,
    said_by TEXT, -- who or what: an API key, a keyword, a provider's code
    note TEXT,
    message_id INTEGER NOT NULL, -- which text or message it comes from; 0: none
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL, -- 0: never
    PRIMARY KEY (account_id, number, topic, kind)
) WITHOUT ROWID;
CREATE INDEX suppression_expires ON suppression (expires_at) WHERE expires_at<>0;

-- Which numbers have rows at all, as hashes: small enough that most of it stays in the page cache, so that asking about a number
-- without rows, as nearly all are, reads one page however long the list is.
CREATE TABLE suppression_key (
    hash INTEGER PRIMARY KEY,
    n INTEGER NOT NULL -- rows of numbers with this hash
);
