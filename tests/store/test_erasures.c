/* Erasing one person: what waits for a message to be over, opt-outs by pseudonym, batches that are rolled
 * back; and devices that are dead. */
#include "../base/check.h"
#include "kit.h"
#include "store/consents.h"
#include "store/contacts.h"
#include "store/erasures.h"

#include <string.h>

#define LI SV("+8613800138000")

static struct message *stored(int64_t id, const char *body) {
    struct message *m = kit_message(id, body, NULL);
    m->head.state = STATE_ACCEPTED;
    return m;
}

static void write_one(struct kit_shelf *s, struct store_write *w, int64_t now) {
    struct job j = {.kind = JOB_WRITE, .write = w, .now = now};
    assert_int_equal(kit_do(s->journal, &j), JOB_DONE);
}

static void suppress(struct kit_shelf *s, enum suppression_act act, enum suppression_kind kind) {
    const struct suppression row = {.account_id = 1,
                                    .number = LI,
                                    .topic = act == SUPPRESSION_RELEASE ? SV_NONE : SV(""),
                                    .kind = kind,
                                    .source = SUPPRESSION_BY_API,
                                    .note = SV("wrote a letter")};
    struct suppression_write w = {.write = {.run = suppression_run}, .act = act, .rows = &row, .n = 1};
    struct job j = {.kind = JOB_WRITE, .write = &w.write, .now = KIT_NOW};
    assert_int_equal(kit_do(s->journal, &j), JOB_DONE);
}

static enum reason asked(struct kit_shelf *s) {
    struct message *m = kit_message(99, "x", NULL);
    enum reason why;
    struct err e = ERR_INIT;
    const struct suppression_question q = {.m = m, .list = true, .now = KIT_NOW};
    assert_true(suppression_ask(s->db, &q, &why, &e));
    message_free(m);
    return why;
}

static bool says(struct kit_shelf *s, const char *text) {
    struct buf BUF_AUTO all = BUF_INIT(1 << 20);
    kit_picture(s->db, &all);
    return sv_find(buf_sv(&all), sv_of(text)) != SIZE_MAX;
}

static struct erasure erase_number(struct kit_shelf *s, const char *id) {
    struct erasure_write w = {.write = {.run = erasure_write_run},
                              .erasure = {.account_id = 1, .subject = "s", .request = "r"},
                              .address = LI};
    snprintf(w.erasure.id, sizeof w.erasure.id, "%s", id);
    write_one(s, &w.write, KIT_NOW);
    assert_true(w.write.scrubs && journal_wants_scrub(s->journal));
    return w.erasure;
}

static void test_erasing__waits_for_what_is_not_over_and_goes_on_by_itself(void **state) {
    struct kit_shelf *s = *state;
    struct message *over = stored(1, "old story"), *sent = stored(2, "new story");
    struct job j = kit_put(over, STATE_FAILED, 0);
    assert_int_equal(kit_do(s->journal, &j), JOB_DONE);
    j = kit_put(sent, STATE_QUEUED, KIT_NOW + US_PER_S);
    assert_int_equal(kit_do(s->journal, &j), JOB_DONE);
    struct erasure r = erase_number(s, "ER1");
    assert_int_equal(r.messages, 1);
    assert_int_equal(r.left_over, 1);
    assert_int_equal(r.finished_at, 0);
    assert_false(says(s, "old story"));
    assert_true(says(s, "new story"));
    struct job prune = {.kind = JOB_PRUNE, .now = KIT_NOW + 61 * US_PER_S, .limit = 10};
    assert_int_equal(kit_do(s->journal, &prune), JOB_DONE);
    assert_true(says(s, "new story"));
    j = kit_move(sent, STATE_EXPIRED, 0);
    assert_int_equal(kit_do(s->journal, &j), JOB_DONE);
    prune.now += 61 * US_PER_S;
    assert_int_equal(kit_do(s->journal, &prune), JOB_DONE);
    struct err e = ERR_INIT;
    assert_true(erasures_get(s->db, 1, SV("ER1"), &r, &e));
    assert_int_equal(r.messages, 2);
    assert_int_equal(r.left_over, 0);
    assert_true(r.finished_at == prune.now && r.requested_at == KIT_NOW);
    assert_false(says(s, "new story"));
    assert_false(says(s, "+8613800138000"));
    message_free(over);
    message_free(sent);
}

static void test_erased__opt_out_still_stops_can_be_said_twice_moved_and_taken_off(void **state) {
    struct kit_shelf *s = *state;
    suppress(s, SUPPRESSION_ADD, SUPPRESSION_OPT_OUT);
    suppress(s, SUPPRESSION_ADD, SUPPRESSION_INVALID);
    struct erasure r = erase_number(s, "ER1");
    assert_int_equal(r.marks, 1);
    assert_false(says(s, "+8613800138000"));
    assert_false(says(s, "letter"));
    assert_int_equal(asked(s), REASON_OPTED_OUT);
    suppress(s, SUPPRESSION_ADD, SUPPRESSION_OPT_OUT); /* and once more, by name */
    r = erase_number(s, "ER2");
    assert_int_equal(r.marks, 1);
    assert_int_equal(asked(s), REASON_OPTED_OUT);
    suppress(s, SUPPRESSION_RELEASE, SUPPRESSION_OPT_OUT);
    assert_int_equal(asked(s), REASON_NONE);
    /* An exported row is the same row elsewhere. */
    struct suppression_pseudonym erased = suppression_pseudonym(LI);
    const struct suppression row = {.account_id = 1,
                                    .number = sv_of(erased.text),
                                    .kind = SUPPRESSION_BLOCK,
                                    .source = SUPPRESSION_BY_IMPORT};
    struct suppression_write w = {
        .write = {.run = suppression_run}, .act = SUPPRESSION_ADD, .rows = &row, .n = 1};
    struct job j = {.kind = JOB_WRITE, .write = &w.write, .now = KIT_NOW};
    assert_int_equal(kit_do(s->journal, &j), JOB_DONE);
    assert_int_equal(asked(s), REASON_BLOCKED);
    suppress(s, SUPPRESSION_RELEASE, SUPPRESSION_BLOCK);
    assert_int_equal(asked(s), REASON_NONE);
    bool any;
    struct err e = ERR_INIT;
    assert_true(suppression_any(s->db, &any, &e));
    assert_false(any);
    assert_false(says(s, erased.text));
}

static size_t devices_of(struct kit_shelf *s, struct sv id) {
    struct arena ARENA_AUTO mem;
    struct contact c;
    struct err e = ERR_INIT;
    arena_init(&mem, 1 << 20);
    assert_true(contacts_get(s->db, 1, id, &mem, &c, &e));
    return c.n_devices;
}

static void test_device__that_is_dead_is_forgotten_unless_it_has_shown_itself_since(void **state) {
    struct kit_shelf *s = *state;
    const struct contact c = {.account_id = 1, .id = SV("a"), .numbers = {LI}, .n_numbers = 1};
    struct contact_write put = {.write = {.run = contact_write_run}, .act = CONTACT_PUT, .contact = &c};
    struct contact_write add = {.write = {.run = contact_write_run},
                                .act = CONTACT_ADD_DEVICE,
                                .contact = &c,
                                .device = {.platform = SV("fcm"), .token = SV("t")}};
    write_one(s, &put.write, KIT_NOW);
    assert_int_equal(put.outcome, CONTACT_MADE);
    write_one(s, &add.write, KIT_NOW);
    assert_int_equal(devices_of(s, SV("a")), 1);
    struct err e = ERR_INIT;
    bool alive;
    assert_true(contacts_forget_device(s->db, 2, SV("fcm"), SV("t"), KIT_NOW + 1, &alive, &e));
    assert_int_equal(devices_of(s, SV("a")), 1);
    assert_true(contacts_forget_device(s->db, 1, SV("fcm"), SV("t"), KIT_NOW - 1, &alive, &e));
    assert_true(alive);
    assert_int_equal(devices_of(s, SV("a")), 1);
    assert_true(contacts_forget_device(s->db, 1, SV("fcm"), SV("t"), KIT_NOW + 1, &alive, &e));
    assert_false(alive);
    assert_int_equal(devices_of(s, SV("a")), 0);
}

static bool refuse_all(void *ctx) {
    int *left = ctx;
    return (*left)-- > 0;
}

static void test_erasing__that_fails_at_any_step_erased_nothing(void **state) {
    struct kit_shelf *s = *state;
    struct message *m = stored(1, "old story");
    struct job put = kit_put(m, STATE_FAILED, 0);
    assert_int_equal(kit_do(s->journal, &put), JOB_DONE);
    suppress(s, SUPPRESSION_ADD, SUPPRESSION_OPT_OUT);
    bool done = false;
    for (int steps = 1; !done && steps < 500; steps++) {
        struct buf BUF_AUTO before = BUF_INIT(1 << 20);
        struct buf BUF_AUTO after = BUF_INIT(1 << 20);
        struct erasure_write w = {.write = {.run = erasure_write_run},
                                  .erasure = {.id = "ER1", .account_id = 1, .subject = "s", .request = "r"},
                                  .address = LI};
        struct job j = {.kind = JOB_WRITE, .write = &w.write, .now = KIT_NOW};
        int left = steps;
        kit_picture(s->db, &before);
        db_inject(s->db, refuse_all, &left);
        done = kit_do(s->journal, &j) == JOB_DONE;
        db_inject(s->db, NULL, NULL);
        kit_picture(s->db, &after);
        assert_true(done || sv_eq(buf_sv(&before), buf_sv(&after)));
    }
    assert_true(done);
    assert_false(says(s, "old story"));
    message_free(m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_erasing__waits_for_what_is_not_over_and_goes_on_by_itself,
                                        kit_open_shelf, kit_close_shelf),
        cmocka_unit_test_setup_teardown(
            test_erased__opt_out_still_stops_can_be_said_twice_moved_and_taken_off, kit_open_shelf,
            kit_close_shelf),
        cmocka_unit_test_setup_teardown(
            test_device__that_is_dead_is_forgotten_unless_it_has_shown_itself_since, kit_open_shelf,
            kit_close_shelf),
        cmocka_unit_test_setup_teardown(test_erasing__that_fails_at_any_step_erased_nothing, kit_open_shelf,
                                        kit_close_shelf),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
