-- The sender that an attempt took out of a pool: a look-up has to ask for the same. NULL: the message's own, or the lane's.
ALTER TABLE attempt ADD COLUMN sender TEXT;
