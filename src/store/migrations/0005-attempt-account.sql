-- Whose list a look-up has to ask: a hash of the provider account that the attempt was made with, 0 where it is not known.
ALTER TABLE attempt ADD COLUMN account INTEGER NOT NULL DEFAULT 0;
