-- Lanes on trial that were taken out of their route: the canary as the settings had it then.
CREATE TABLE trial (
    route TEXT PRIMARY KEY,
    canary TEXT NOT NULL,
    out_at INTEGER NOT NULL
) WITHOUT ROWID;
