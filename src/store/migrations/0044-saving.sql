-- What an account did not have to pay for: one row for each day (of 1970, in UTC), by what (src/model/saving.h, append-only there) and
-- currency ('': no price is known). Counted in the transaction of the change that it belongs to.
CREATE TABLE saving (
    account_id INTEGER NOT NULL,
    day INTEGER NOT NULL,
    saved_by INTEGER NOT NULL,
    currency TEXT NOT NULL,
    messages INTEGER NOT NULL,
    segments INTEGER NOT NULL,
    cost INTEGER NOT NULL,
    PRIMARY KEY (account_id, day, saved_by, currency)
) WITHOUT ROWID;
