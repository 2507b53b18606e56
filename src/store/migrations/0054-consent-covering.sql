-- What a message asks of the history stands in the index: one tree to go down, not two.
DROP INDEX consent_number;
CREATE INDEX consent_number ON consent (account_id, number, at, id, topic, act);
