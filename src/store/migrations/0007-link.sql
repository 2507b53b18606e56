-- Short links: what a text says instead of a long address. A link is stored with its message, in one transaction, and goes when its
-- time is up or its message is deleted.
CREATE TABLE link (
    code INTEGER PRIMARY KEY, -- ten digits of base 62, drawn at random (src/model/link.h)
    account_id INTEGER NOT NULL,
    message_id INTEGER NOT NULL,
    target TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    clicks INTEGER NOT NULL DEFAULT 0,
    first_click_at INTEGER NOT NULL DEFAULT 0, -- 0: never
    last_click_at INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX link_message ON link (message_id);
CREATE INDEX link_expires ON link (expires_at);
