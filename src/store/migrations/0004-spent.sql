-- What look-ups must not take for another message's after a message is gone: hashes of the provider ids and open outcomes of deleted
-- and redacted messages (src/store/spent.h). Kept until no attempt of that time can be asked about any more.

CREATE TABLE spent (
    mark BLOB PRIMARY KEY,
    expires_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX spent_expires ON spent (expires_at);
