-- Lanes whose breaker is not closed: broken, or closed for a while after so many failures in a row. No row: all is well.
CREATE TABLE lane_state (
    lane TEXT PRIMARY KEY,
    broken INTEGER NOT NULL,
    downs INTEGER NOT NULL,
    until INTEGER NOT NULL
) WITHOUT ROWID;
