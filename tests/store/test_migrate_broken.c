/* A migration that fails half-way. This program brings a table of its own in place of the generated one. */
#include "../base/check.h"
#include "kit.h"
#include "store/migrate.h"

const struct migration migrations[] = {
    {1, "0001-first.sql",
     "CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER); CREATE TABLE one (a INTEGER); INSERT INTO "
     "one VALUES (1);"},
    {2, "0002-second.sql", "CREATE TABLE two (a INTEGER); INSERT INTO one VALUES (2);"},
    {3, "0003-broken.sql",
     "CREATE TABLE three (a INTEGER); INSERT INTO one VALUES (3); SELECT no_such_thing;"},
    {4, "0004-behind.sql", "CREATE TABLE four (a INTEGER);"},
    {0, NULL, NULL},
};

static int version_of(struct db *db) {
    struct err e = ERR_INIT;
    int version = -1;
    ASSERT(db_version(db, &version, &e));
    return version;
}

static void test_migrate__a_broken_migration_leaves_the_version_before_it(void **state) {
    (void)state;
    struct err e = ERR_INIT;
    struct db *db = kit_db_empty();
    assert_non_null(db);
    for (int again = 0; again < 2; again++) {
        int from = -1, to = -1;
        e = ERR_INIT;
        assert_false(migrate(db, &from, &to, &e));
        assert_int_equal(e.kind, ERR_OUTSIDE);
        assert_non_null(strstr(e.text, "0003-broken.sql"));
        assert_non_null(strstr(e.text, "no_such_thing"));
        assert_int_equal(from, again ? 2 : 0);
        assert_int_equal(to, 2);
        assert_int_equal(version_of(db), 2);
        assert_int_equal(kit_number(db, "SELECT count(*) FROM one"), 2);
        assert_int_equal(
            kit_number(db,
                       kit_on_postgres()
                           ? "SELECT count(*) FROM pg_tables WHERE schemaname=current_schema() AND tablename "
                             "IN ('three', 'four')"
                           : "SELECT count(*) FROM sqlite_master WHERE name IN ('three', 'four')"),
            0);
    }
    db_close(db);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_migrate__a_broken_migration_leaves_the_version_before_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
