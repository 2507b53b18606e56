-- Reads the tables once, while nodes go on writing them.
/*pg ALTER TABLE message VALIDATE CONSTRAINT first_period;
ALTER TABLE attempt VALIDATE CONSTRAINT first_period;
ALTER TABLE event VALIDATE CONSTRAINT first_period; */
