/* Caps and duplicate windows as the journal asks and counts them, by one process and by one of several nodes.
 */
#include "store/tally.h"

#include "base/clock.h"
#include "store/migrate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static const int64_t start = INT64_C(1767225600) * INT64_C(1000000);

static struct db *open_new(void) {
    struct err e = ERR_INIT;
    int from, to;
    struct db *db = db_open(SV_NONE, DB_MEMORY, &e);
    assert_non_null(db);
    assert_true(migrate(db, &from, &to, &e));
    return db;
}

/* Message id begins by that rule; what came of it. */
static enum job_result begin(struct db *db, const struct tally_ask *ask, const struct node_self *self,
                             int64_t id, int64_t now) {
    struct err e = ERR_INIT;
    struct message m = {.id = id};
    struct tally *t = calloc(1, sizeof *t + sizeof t->asks[0]);
    *t = (struct tally){.check = true, .record = true, .begun = true, .at = now, .n = 1};
    t->asks[0] = *ask;
    struct job j = {.kind = JOB_PUT, .message = &m, .id = id, .now = now, .tally = t, .self = self};
    assert_true(tally_check(db, &j, &e));
    if (j.result == JOB_DONE)
        assert_true(tally_write(db, &j, &e));
    free(t);
    return j.result;
}

static void test_tally__counts_the_same_alone_and_among_nodes(void **state) {
    (void)state;
    const struct node_self self = {.id = 3};
    for (int among = 0; among < 2; among++) {
        struct db *db = open_new();
        struct tally_ask cap = {
            .hash = 77, .max = 2, .since_at = start - 60 * US_PER_S, .period_us = 60 * US_PER_S};
        assert_int_equal(begin(db, &cap, among ? &self : NULL, 1, start), JOB_DONE);
        assert_int_equal(begin(db, &cap, among ? &self : NULL, 2, start + 1), JOB_DONE);
        assert_int_equal(begin(db, &cap, among ? &self : NULL, 3, start + 2), JOB_SUPPRESSED);
        cap.hash = 78; /* somebody else */
        assert_int_equal(begin(db, &cap, among ? &self : NULL, 4, start + 3), JOB_DONE);
        struct tally_ask twin = {.hash = 79,
                                 .max = 1,
                                 .duplicate = true,
                                 .since_at = start - 60 * US_PER_S,
                                 .period_us = 60 * US_PER_S};
        assert_int_equal(begin(db, &twin, among ? &self : NULL, 5, start),
                         JOB_DONE); /* its own row is no twin */
        assert_int_equal(begin(db, &twin, among ? &self : NULL, 6, start + 1), JOB_SUPPRESSED);
        db_close(db);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_tally__counts_the_same_alone_and_among_nodes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
