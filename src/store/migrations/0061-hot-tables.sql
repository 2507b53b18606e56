-- For PostgreSQL alone: how the tables that each message writes lie on its pages (docs/postgresql.md has what it saves). Half of a page is
-- left free when rows are stored, so that a row's next version finds its place beside it: an attempt's then costs no index an entry, and
-- the log has only what differs. What never changes stands first, what changes last, and small numbers are small.
--
-- A database that has messages or nodes keeps the columns as they are: rewriting them would hold up the nodes that run. Only the free
-- space is left from now on. `hongyan migrate` to an empty database brings the rest.
/*pg DO $do$
BEGIN
    IF EXISTS (SELECT 1 FROM message) OR EXISTS (SELECT 1 FROM node WHERE taken=0) THEN
        ALTER TABLE message SET (fillfactor=50);
        ALTER TABLE attempt SET (fillfactor=45);
        RETURN;
    END IF;

    DROP TABLE message;
    CREATE TABLE message (
        id INTEGER PRIMARY KEY,
        account_id INTEGER NOT NULL,
        created_at INTEGER NOT NULL,
        send_at INTEGER NOT NULL,
        expires_at INTEGER NOT NULL,
        segments int4 NOT NULL,
        template_version int8,
        direction int2 NOT NULL,
        priority int2 NOT NULL,
        delivery int2 NOT NULL,
        face int2 NOT NULL,
        encoding int2 NOT NULL,
        channel int2 NOT NULL DEFAULT 0,
        node int2 NOT NULL DEFAULT 0,
        recipient TEXT NOT NULL,
        sender TEXT,
        body TEXT NOT NULL,
        topic TEXT,
        metadata TEXT,
        status_callback TEXT,
        traceparent TEXT,
        template TEXT,
        content TEXT,
        lane TEXT,
        code int4 NOT NULL,
        attempts int4 NOT NULL,
        lookups int4 NOT NULL,
        step_from int4 NOT NULL DEFAULT 0,
        spared int4 NOT NULL DEFAULT 0,
        step int2 NOT NULL DEFAULT 0,
        reason int2 NOT NULL,
        due_at INTEGER,
        updated_at INTEGER NOT NULL,
        sent_at INTEGER NOT NULL,
        done_at INTEGER NOT NULL,
        events int4 NOT NULL,
        state int2 NOT NULL,
        provider_id TEXT
    ) WITH (fillfactor=50);
    CREATE INDEX message_due ON message (node, priority, due_at, id, expires_at) WHERE due_at IS NOT NULL;
    CREATE INDEX message_account ON message (account_id, id);
    CREATE INDEX message_recipient ON message (recipient, id);
    CREATE INDEX message_held ON message (account_id, id) WHERE state=3 AND reason=38;

    DROP TABLE attempt;
    CREATE TABLE attempt (
        message_id INTEGER NOT NULL,
        started_at INTEGER NOT NULL,
        account INTEGER NOT NULL DEFAULT 0,
        price INTEGER,
        number int4 NOT NULL,
        lane TEXT NOT NULL,
        sender TEXT,
        currency TEXT,
        country TEXT,
        ended_at INTEGER NOT NULL,
        code int4 NOT NULL,
        http_status int4 NOT NULL,
        fate int2 NOT NULL,
        hint int2 NOT NULL,
        reason int2 NOT NULL,
        provider_id TEXT,
        PRIMARY KEY (message_id, number)
    ) WITH (fillfactor=45);

    DROP TABLE event;
    CREATE TABLE event (
        message_id INTEGER NOT NULL,
        at INTEGER NOT NULL,
        number int4 NOT NULL,
        attempt int4 NOT NULL,
        code int4 NOT NULL,
        state int2 NOT NULL,
        reason int2 NOT NULL,
        note int2 NOT NULL,
        PRIMARY KEY (message_id, number)
    );
END
$do$;
*/
