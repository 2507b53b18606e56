-- What each node has counted in the latest seconds, for the others to count, too (src/store/gossip.h). told_at is by the node's own clock.
CREATE TABLE gossip (
    node INTEGER NOT NULL,
    slot INTEGER NOT NULL,
    told_at INTEGER NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (node, slot)
) WITHOUT ROWID;
