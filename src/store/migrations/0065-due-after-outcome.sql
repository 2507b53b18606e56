-- A message that goes out at once is due, from the moment its attempt begins, when it will be due after the usual outcome: so the outcome
-- changes no index (src/dispatch/settle.h). Whether a node knows of that: those of before would not see the attempt of one that is gone.
ALTER TABLE node ADD COLUMN sees_far INTEGER NOT NULL DEFAULT 0;

-- For PostgreSQL, where an update is cheap (HOT) only when no column of any index changes, those of a partial index's condition included.
-- What the fraud guard holds is due when its validity ends. Where there are messages the index would hold up the nodes that run while it is
-- made: docs/postgresql.md says how to do it there.
/*pg DO $do$
BEGIN
    IF EXISTS (SELECT 1 FROM message) OR EXISTS (SELECT 1 FROM node WHERE taken=0) THEN
        RETURN;
    END IF;

    DROP INDEX message_held;
    CREATE INDEX message_held ON message (account_id, id) WHERE due_at=expires_at;
END
$do$;
*/
