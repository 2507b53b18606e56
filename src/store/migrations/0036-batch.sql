-- Of the PostgreSQL driver (src/store/pg.h): the number of the latest transaction that each writing connection committed, by which a
-- commit whose answer was lost is found out. Empty with SQLite.
CREATE TABLE db_batch (
    connection INTEGER NOT NULL,
    number INTEGER NOT NULL,
    begun_at INTEGER NOT NULL, -- of that transaction; microseconds
    PRIMARY KEY (connection)
);
