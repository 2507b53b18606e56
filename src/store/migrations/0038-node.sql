-- The processes that share this database (src/store/nodes.h). Times here are by the database's own clock. taken: 0 alive; 1 its lease
-- ended or it left, and some of its rows are not moved yet; 2 nothing of it is left to be done. Row 0 stands for a lone gateway.
CREATE TABLE node (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    incarnation INTEGER NOT NULL,
    version TEXT NOT NULL,
    address TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    seen_at INTEGER NOT NULL,
    lease_until INTEGER NOT NULL,
    taken INTEGER NOT NULL,
    batch INTEGER NOT NULL -- number of its latest transaction
);

-- Whose memory may hold the row: a node's id, 0 on a database with one process.
ALTER TABLE message ADD COLUMN node INTEGER NOT NULL DEFAULT 0;
DROP INDEX message_due;
CREATE INDEX message_due ON message (node, priority, due_at, id, expires_at) WHERE due_at IS NOT NULL;
ALTER TABLE callback ADD COLUMN node INTEGER NOT NULL DEFAULT 0;
DROP INDEX callback_due;
CREATE INDEX callback_due ON callback (node, due_at);
-- The node that delivers all that a webhook is owed.
ALTER TABLE webhook ADD COLUMN node INTEGER NOT NULL DEFAULT 0;

-- What came to one node and is another's to do: receipts and commands for its messages. kind, result and state are numbers of
-- src/store/parcels.h and src/model/state.h (append-only there). done: 1 its answer waits for the sender.
CREATE TABLE parcel (
    id INTEGER PRIMARY KEY,
    to_node INTEGER NOT NULL,
    from_node INTEGER NOT NULL,
    done INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    message_id INTEGER NOT NULL,
    account_id INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    state INTEGER NOT NULL,
    reason INTEGER NOT NULL,
    code INTEGER NOT NULL,
    provider_id TEXT NOT NULL,
    result INTEGER NOT NULL,
    created_at INTEGER NOT NULL
);
CREATE INDEX parcel_to ON parcel (to_node, done, id);
CREATE INDEX parcel_from ON parcel (from_node, done, id);
