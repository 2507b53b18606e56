-- People an account writes to. A contact has the account's own id (or one that was drawn), numbers, e-mail addresses and devices, and what
-- texts may say of it. The first number and the first address are those written to.

CREATE TABLE contact (
    row INTEGER PRIMARY KEY, -- the order of making, for lists
    account_id INTEGER NOT NULL,
    id TEXT NOT NULL,
    name TEXT,
    language TEXT, -- BCP 47, as model/language spells it
    zone TEXT, -- IANA
    attributes TEXT, -- a JSON object
    version INTEGER NOT NULL, -- grows with every change, also over a deletion
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
);
CREATE UNIQUE INDEX contact_id ON contact (account_id, id);
CREATE INDEX contact_account ON contact (account_id, row);

-- kind: 1 number, 2 e-mail address. One address may be several contacts'.
CREATE TABLE contact_address (
    account_id INTEGER NOT NULL,
    address TEXT NOT NULL,
    contact INTEGER NOT NULL REFERENCES contact (row) ON DELETE CASCADE,
    kind INTEGER NOT NULL,
    place INTEGER NOT NULL, -- 0: the first of its kind
    PRIMARY KEY (account_id, address, contact)
) WITHOUT ROWID;
CREATE INDEX contact_address_contact ON contact_address (contact, kind, place);

-- A token is one contact's: whoever registered it last.
CREATE TABLE contact_device (
    account_id INTEGER NOT NULL,
    platform TEXT NOT NULL,
    token TEXT NOT NULL,
    contact INTEGER NOT NULL REFERENCES contact (row) ON DELETE CASCADE,
    added_at INTEGER NOT NULL,
    seen_at INTEGER NOT NULL,
    PRIMARY KEY (account_id, platform, token)
) WITHOUT ROWID;
CREATE INDEX contact_device_contact ON contact_device (contact, seen_at);
