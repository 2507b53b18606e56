-- Erasing goes on to where a person is mentioned besides messages: business events, dedupe keys, what caps count. How far that is (the steps are
-- those of src/store/traces.h, append-only there), and what was found.
ALTER TABLE erasure ADD COLUMN step INTEGER NOT NULL DEFAULT 0;
ALTER TABLE erasure ADD COLUMN after_a INTEGER NOT NULL DEFAULT 0;
ALTER TABLE erasure ADD COLUMN after_b INTEGER NOT NULL DEFAULT 0;
ALTER TABLE erasure ADD COLUMN after_rule TEXT;
ALTER TABLE erasure ADD COLUMN after_key TEXT;
ALTER TABLE erasure ADD COLUMN events INTEGER NOT NULL DEFAULT 0;
ALTER TABLE erasure ADD COLUMN gathered INTEGER NOT NULL DEFAULT 0;
ALTER TABLE erasure ADD COLUMN counted INTEGER NOT NULL DEFAULT 0;
