-- One-time codes. A verification has the number of its first message. Statuses are those of src/store/verifications.h (append-only
-- there). Of the code there is a keyed hash, and, sealed, the code itself with what it takes to say it once more; the latter goes when
-- the verification ends.

CREATE TABLE verification (
    id INTEGER PRIMARY KEY,
    account_id INTEGER NOT NULL,
    recipient TEXT NOT NULL,
    purpose TEXT NOT NULL,
    status INTEGER NOT NULL,
    superseded INTEGER NOT NULL, -- 1: withdrawn by a newer one
    channel INTEGER NOT NULL, -- of the latest message
    message_id INTEGER NOT NULL, -- the latest
    attempts INTEGER NOT NULL, -- guesses so far, written before they are judged
    attempts_max INTEGER NOT NULL,
    resends INTEGER NOT NULL,
    resends_max INTEGER NOT NULL,
    resend_us INTEGER NOT NULL, -- between two messages
    created_at INTEGER NOT NULL,
    sent_at INTEGER NOT NULL, -- when the latest message was taken
    expires_at INTEGER NOT NULL,
    done_at INTEGER NOT NULL, -- 0: pending
    salt BLOB NOT NULL,
    hash BLOB NOT NULL,
    sealed TEXT
);
CREATE INDEX verification_of ON verification (account_id, recipient, id);
CREATE INDEX verification_account ON verification (account_id, id);
CREATE INDEX verification_open ON verification (expires_at) WHERE done_at=0;

-- Whose code a message says.
CREATE TABLE verification_message (
    message_id INTEGER PRIMARY KEY,
    verification_id INTEGER NOT NULL
);
