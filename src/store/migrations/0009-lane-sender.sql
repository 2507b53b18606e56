-- What each sender that warms up has begun on each lane: since when it is in use, and the units of the day (in the lane's time zone)
-- of its latest attempt.
CREATE TABLE lane_sender (
    lane TEXT NOT NULL,
    sender TEXT NOT NULL,
    first_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    units INTEGER NOT NULL,
    PRIMARY KEY (lane, sender)
) WITHOUT ROWID;
