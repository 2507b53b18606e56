-- What each lane began to send, by the minute: so that a restart does not forget what its rates have counted.
CREATE TABLE lane_use (
    lane TEXT NOT NULL,
    minute INTEGER NOT NULL, -- since 1970
    units INTEGER NOT NULL,
    PRIMARY KEY (lane, minute)
) WITHOUT ROWID;
