-- Templates of accounts. A template has versions, which are never changed once written: only their state moves (1 draft,
-- 2 published, 3 archived), and drafts may be deleted. At most one version of a template is published. Channels, parts and states are
-- those of src/model/template_doc.h (append-only there).

CREATE TABLE template (
    account_id INTEGER NOT NULL,
    name TEXT NOT NULL,
    latest INTEGER NOT NULL, -- the greatest number a version was ever given: numbers are not given twice
    published INTEGER NOT NULL DEFAULT 0, -- the number of the published version; 0: none
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (account_id, name)
) WITHOUT ROWID;

CREATE TABLE template_version (
    account_id INTEGER NOT NULL,
    name TEXT NOT NULL,
    number INTEGER NOT NULL,
    state INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    published_at INTEGER NOT NULL DEFAULT 0, -- when it was published last; 0: never
    digest BLOB NOT NULL, -- SHA-256 of the content, so that the same content makes no second version
    note TEXT,
    sample TEXT, -- a JSON object of example variables
    PRIMARY KEY (account_id, name, number)
);

CREATE TABLE template_body (
    account_id INTEGER NOT NULL,
    name TEXT NOT NULL,
    number INTEGER NOT NULL,
    language TEXT NOT NULL, -- 'default' serves all languages that have no text of their own
    channel INTEGER NOT NULL,
    part INTEGER NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (account_id, name, number, language, channel, part)
);

-- Under which code, and with which parameters, a provider that renders itself knows the template.
CREATE TABLE template_code (
    account_id INTEGER NOT NULL,
    name TEXT NOT NULL,
    number INTEGER NOT NULL,
    provider TEXT NOT NULL, -- a provider's name, or a lane's
    language TEXT NOT NULL,
    code TEXT NOT NULL,
    sign TEXT,
    params TEXT, -- JSON: an object, or a list
    PRIMARY KEY (account_id, name, number, provider, language)
) WITHOUT ROWID;

-- Which version of its template a message was rendered from; NULL: of none, or of a file.
ALTER TABLE message ADD COLUMN template_version INTEGER;
