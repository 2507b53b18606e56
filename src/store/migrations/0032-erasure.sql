-- What was erased on request: certificates, and what is still to be done. While messages are left that are not over, the person's addresses are
-- kept here, one a line; they go with the last message.

CREATE TABLE erasure (
    id TEXT PRIMARY KEY,
    account_id INTEGER NOT NULL,
    subject TEXT NOT NULL, -- a keyed hash of what was asked for
    request TEXT NOT NULL, -- the id of the HTTP request
    requested_at INTEGER NOT NULL,
    finished_at INTEGER NOT NULL, -- 0: not yet
    due_at INTEGER, -- when it is gone on with; NULL: finished
    addresses TEXT,
    contacts INTEGER NOT NULL,
    devices INTEGER NOT NULL,
    consents INTEGER NOT NULL,
    messages INTEGER NOT NULL,
    replies INTEGER NOT NULL,
    links INTEGER NOT NULL,
    marks INTEGER NOT NULL, -- opt-outs and blocks that stay, by hash
    left_over INTEGER NOT NULL -- messages that are not over
) WITHOUT ROWID;
CREATE INDEX erasure_due ON erasure (due_at) WHERE due_at IS NOT NULL;

CREATE INDEX reply_number ON reply (account_id, number, message_id);
