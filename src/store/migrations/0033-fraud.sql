-- Prefixes of numbers that the fraud guard has flagged, by account; why is that of src/policy/guard.h (append-only there).
CREATE TABLE fraud_flag (
    account_id INTEGER NOT NULL,
    prefix TEXT NOT NULL,
    why INTEGER NOT NULL,
    since INTEGER NOT NULL,
    until INTEGER NOT NULL,
    PRIMARY KEY (account_id, prefix)
) WITHOUT ROWID;

-- Messages that it holds: queued (3), reason fraud_hold (38); src/store/fraud.c keeps to these numbers.
CREATE INDEX message_held ON message (account_id, id) WHERE state=3 AND reason=38;
