-- What an attempt costs, in millionths of the currency's unit, for which country; NULL: its lane has no prices.
ALTER TABLE attempt ADD COLUMN price INTEGER;
ALTER TABLE attempt ADD COLUMN currency TEXT;
ALTER TABLE attempt ADD COLUMN country TEXT;

-- What an account's messages cost: one row for each day (of 1970, in UTC), lane, country, topic and currency. Counted in the
-- transaction that begins an attempt, and taken back in the one that says it was not taken.
CREATE TABLE usage (
    account_id INTEGER NOT NULL,
    day INTEGER NOT NULL,
    lane TEXT NOT NULL,
    country TEXT NOT NULL,
    topic TEXT NOT NULL,
    currency TEXT NOT NULL,
    messages INTEGER NOT NULL,
    segments INTEGER NOT NULL,
    cost INTEGER NOT NULL,
    PRIMARY KEY (account_id, day, lane, country, topic, currency)
) WITHOUT ROWID;
