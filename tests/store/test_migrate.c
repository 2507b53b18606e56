/* The program's own migrations: from nothing, again, from the future, and failing at every step. */
#include "../base/check.h"
#include "kit.h"

static int newest(void) {
    int n = 0;
    for (const struct migration *m = migrations; m->number; m++)
        n = m->number;
    return n;
}

static struct db *empty(void) {
    return kit_db_empty();
}

static int version_of(struct db *db) {
    struct err e = ERR_INIT;
    int version = -1;
    ASSERT(db_version(db, &version, &e));
    return version;
}

static void test_migrate__numbers_rise(void **state) {
    (void)state;
    int last = 0;
    for (const struct migration *m = migrations; m->number; m++) {
        assert_true(m->number > last);
        assert_true(m->name[0] && m->sql[0]);
        last = m->number;
    }
    assert_true(last >= 1);
}

static void test_migrate__from_nothing_to_the_newest_and_then_nothing_to_do(void **state) {
    (void)state;
    struct db *db = empty();
    struct err e = ERR_INIT;
    int from = -1, to = -1;
    assert_true(migrate(db, &from, &to, &e));
    assert_int_equal(from, 0);
    assert_int_equal(to, newest());
    assert_true(migrate(db, &from, &to, &e));
    assert_int_equal(from, newest());
    assert_int_equal(to, newest());
    db_close(db);
}

static void test_migrate__a_newer_database_is_refused_untouched(void **state) {
    (void)state;
    struct db *db = empty();
    struct err e = ERR_INIT;
    int from, to;
    assert_true(db_begin_schema(db, &e) &&
                db_script(db, "CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER)", &e) &&
                db_set_version(db, 999, &e) && db_commit(db, &e));
    assert_false(migrate(db, &from, &to, &e));
    assert_int_equal(e.kind, ERR_OUTSIDE);
    assert_non_null(strstr(e.text, "999"));
    assert_non_null(strstr(e.text, "newer program"));
    assert_int_equal(kit_number(db, kit_on_postgres()
                                        ? "SELECT count(*) FROM pg_tables WHERE schemaname=current_schema()"
                                        : "SELECT count(*) FROM sqlite_master WHERE type='table'"),
                     1);
    assert_int_equal(version_of(db), 999);
    db_close(db);
}

static int calls, fail_at;
static bool allow(void *ctx) {
    (void)ctx;
    return ++calls != fail_at;
}

static void test_migrate__failing_at_any_step_leaves_a_whole_version(void **state) {
    (void)state;
    for (fail_at = 1; fail_at < 1000; fail_at++) {
        struct db *db = empty();
        struct err e = ERR_INIT;
        int from, to;
        calls = 0;
        db_inject(db, allow, NULL);
        bool ok = migrate(db, &from, &to, &e);
        db_inject(db, NULL, NULL);
        if (calls < fail_at) {
            assert_true(ok);
            db_close(db);
            assert_true(fail_at > 4);
            return;
        }
        assert_false(ok);
        assert_int_equal(e.kind, ERR_OUTSIDE);
        int64_t version = version_of(db);
        assert_in_range(version, 0, newest()); /* the newest: what is made of its tables lacks */
        if (version == 0)
            assert_int_equal(
                kit_number(db, kit_on_postgres()
                                   ? "SELECT count(*) FROM pg_tables WHERE schemaname=current_schema()"
                                   : "SELECT count(*) FROM sqlite_master"),
                0);
        e = ERR_INIT;
        assert_true(migrate(db, &from, &to, &e));
        assert_int_equal(from, version);
        assert_int_equal(to, newest());
        if (!kit_on_postgres())
            assert_int_equal(kit_number(db, "SELECT count(*) FROM sqlite_master WHERE name LIKE 'number_%'"),
                             8);
        db_close(db);
    }
    fail_msg("never comes through");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_migrate__numbers_rise),
        cmocka_unit_test(test_migrate__from_nothing_to_the_newest_and_then_nothing_to_do),
        cmocka_unit_test(test_migrate__a_newer_database_is_refused_untouched),
        cmocka_unit_test(test_migrate__failing_at_any_step_leaves_a_whole_version),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
