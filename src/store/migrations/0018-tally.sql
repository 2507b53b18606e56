-- What frequency caps and duplicate windows count: which message was begun when, by a hash of whom it is for and what is counted
-- (src/model/tally.h). Rows are taken away when their message ends without having reached anybody.
CREATE TABLE tally (
    hash INTEGER NOT NULL,
    message_id INTEGER NOT NULL,
    at INTEGER NOT NULL,
    begun INTEGER NOT NULL, -- 0: it is to be sent then, and its text is spoken for
    PRIMARY KEY (hash, message_id)
) WITHOUT ROWID;
CREATE INDEX tally_at ON tally (at);

-- Messages that were not sent because the same text went to the same number shortly before: by that one.
CREATE TABLE duplicate (
    message_id INTEGER PRIMARY KEY,
    first_id INTEGER NOT NULL
);
