-- A recipient is asked by a text to confirm a consent (act 4): until when the answer counts.
ALTER TABLE consent ADD COLUMN expires_at INTEGER NOT NULL DEFAULT 0; -- 0: it is no request
