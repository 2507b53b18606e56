/* Caps and duplicate windows as the journal asks and counts them, by one process and by one of several nodes.
 */
#include "../base/check.h"
#include "kit.h"
#include "store/tally.h"

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
        struct db *db = kit_db();
        struct tally_ask cap = {
            .hash = 77, .max = 2, .since_at = KIT_NOW - 60 * US_PER_S, .period_us = 60 * US_PER_S};
        assert_int_equal(begin(db, &cap, among ? &self : NULL, 1, KIT_NOW), JOB_DONE);
        assert_int_equal(begin(db, &cap, among ? &self : NULL, 2, KIT_NOW + 1), JOB_DONE);
        assert_int_equal(begin(db, &cap, among ? &self : NULL, 3, KIT_NOW + 2), JOB_SUPPRESSED);
        cap.hash = 78; /* somebody else */
        assert_int_equal(begin(db, &cap, among ? &self : NULL, 4, KIT_NOW + 3), JOB_DONE);
        struct tally_ask twin = {.hash = 79,
                                 .max = 1,
                                 .duplicate = true,
                                 .since_at = KIT_NOW - 60 * US_PER_S,
                                 .period_us = 60 * US_PER_S};
        assert_int_equal(begin(db, &twin, among ? &self : NULL, 5, KIT_NOW),
                         JOB_DONE); /* its own row is no twin */
        assert_int_equal(begin(db, &twin, among ? &self : NULL, 6, KIT_NOW + 1), JOB_SUPPRESSED);
        db_close(db);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_tally__counts_the_same_alone_and_among_nodes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
