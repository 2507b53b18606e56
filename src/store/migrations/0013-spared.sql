-- Attempts of a message that do not count towards the limit of tries: its lane was throttled or down.
ALTER TABLE message ADD COLUMN spared INTEGER NOT NULL DEFAULT 0;
