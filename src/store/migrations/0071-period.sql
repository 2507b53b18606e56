-- PostgreSQL keeps the history by periods (store/periods.h): a part of message, attempt and event each for the messages whose ids are from
-- from_id up to, not including, to_id; the parts are called message_NAME and so on. touched_at: nothing of them changed after that, but for
-- what changed within an hour of a message's id. gone: how many messages it had, where its tables stand apart
-- and are still to be dropped; -1: it cannot go yet. SQLite has no periods, and no rows here.
CREATE TABLE period (
    from_id INTEGER PRIMARY KEY,
    to_id INTEGER NOT NULL,
    name TEXT NOT NULL,
    touched_at INTEGER NOT NULL,
    gone INTEGER
);

-- What is there becomes the first period, in three steps, so that nodes of before can go on: that nothing in it is beyond a day soon to come is
-- said here, looked after in 0072, and relied on in 0073. Ids count milliseconds since 2024, 2^22 to each (model/id.h).
/*pg DO $do$
DECLARE
    day int8 := floor(extract(epoch FROM clock_timestamp() - '2024-01-01T00:00:00Z'::timestamptz) / 86400) + 4;
    until int8 := day * 86400000 * 4194304;
BEGIN
    INSERT INTO period (from_id, to_id, name, touched_at) VALUES (1, until, 'first', 0);
    FOR try IN 1..50 LOOP
        BEGIN
            SET LOCAL lock_timeout = '1s';
            LOCK TABLE message, attempt, event IN ACCESS EXCLUSIVE MODE;
            EXECUTE format('ALTER TABLE message ADD CONSTRAINT first_period CHECK (id < %s) NOT VALID', until);
            EXECUTE format('ALTER TABLE attempt ADD CONSTRAINT first_period CHECK (message_id < %s) NOT VALID', until);
            EXECUTE format('ALTER TABLE event ADD CONSTRAINT first_period CHECK (message_id < %s) NOT VALID', until);
            RETURN;
        EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
            PERFORM pg_sleep(0.1);
        END;
    END LOOP;
    RAISE EXCEPTION 'message, attempt and event are in use all the time (by a dump?): try again later';
END
$do$;
*/
