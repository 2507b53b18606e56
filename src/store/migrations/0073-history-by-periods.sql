-- The tables become the first part of tables of the same name that are made of parts. Later parts are made as time goes on, by the program, and
-- have the indexes that these have by then. From here on a storage parameter is set for each part (store/periods.c).
/*pg DO $do$
DECLARE
    until int8 := (SELECT to_id FROM period WHERE name = 'first');
    t text;
    key text;
    i record;
    definition text;
    definitions text[];
BEGIN
    FOR try IN 1..50 LOOP
        BEGIN
            SET LOCAL lock_timeout = '1s';
            LOCK TABLE message, attempt, event IN ACCESS EXCLUSIVE MODE;
            EXIT;
        EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
            IF try = 50 THEN
                RAISE EXCEPTION 'message, attempt and event are in use all the time (by a dump?): try again later';
            END IF;
            PERFORM pg_sleep(0.1);
        END;
    END LOOP;
    FOREACH t IN ARRAY ARRAY['message', 'attempt', 'event'] LOOP
        key := CASE t WHEN 'message' THEN 'id' ELSE 'message_id' END;
        definitions := ARRAY(SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = t::regclass AND NOT indisprimary);
        FOR i IN SELECT c.relname FROM pg_index x JOIN pg_class c ON c.oid = x.indexrelid WHERE x.indrelid = t::regclass LOOP
            EXECUTE format('ALTER INDEX %I RENAME TO %I', i.relname, replace(i.relname, t || '_', t || '_first_'));
        END LOOP;
        EXECUTE format('ALTER TABLE %I RENAME TO %I', t, t || '_first');
        EXECUTE format('ALTER TABLE %I ALTER COLUMN %I DROP IDENTITY IF EXISTS', t || '_first', key);
        EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS) PARTITION BY RANGE (%I)', t, t || '_first', key);
        EXECUTE format('ALTER TABLE %I ADD PRIMARY KEY (%s)', t, CASE t WHEN 'message' THEN 'id' ELSE 'message_id, number' END);
        FOREACH definition IN ARRAY definitions LOOP
            EXECUTE definition;
        END LOOP;
        EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (MINVALUE) TO (%s)', t, t || '_first', until);
        EXECUTE format('ALTER TABLE %I DROP CONSTRAINT first_period', t || '_first');
    END LOOP;
END
$do$;
*/
