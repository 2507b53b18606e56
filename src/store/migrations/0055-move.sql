-- Where this database's rows have gone, are going, or come from (src/store/move.h): one row, id 1. States are those of enum move_state
-- there (append-only). Numbers and mover are drawn at random.
CREATE TABLE move (
    id INTEGER PRIMARY KEY,
    number INTEGER NOT NULL, -- the same on both sides
    round INTEGER NOT NULL, -- grows when a move that was given up is begun again: what was copied before is of no use then
    state INTEGER NOT NULL,
    place TEXT NOT NULL, -- the other database
    since INTEGER NOT NULL, -- when the old one was shut; microseconds
    mover INTEGER NOT NULL -- the process that copies
);
