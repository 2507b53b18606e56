/* Webhooks on disk: what they are owed, in which order it is due, what becomes of it, and when it is
 * forgotten. */
#include "../base/check.h"
#include "kit.h"

#include "model/id.h"

static struct db *db;
static struct journal *journal;

static int open_all(void **state) {
    (void)state;
    struct err e = ERR_INIT;
    db = kit_db();
    journal = journal_new(db, &e);
    return db && journal ? 0 : 1;
}

static int close_all(void **state) {
    (void)state;
    journal_free(journal);
    db_close(db);
    return 0;
}

static enum job_result write_hook(enum hook_act act, int64_t id, int64_t account, struct hook_write *w) {
    w->act = act;
    w->hook.id = id;
    w->hook.account_id = account;
    struct job job = {.kind = JOB_HOOK, .hook = w, .now = KIT_NOW};
    return kit_do(journal, &job);
}

static void create(int64_t id, int64_t account, const char *types) {
    struct hook_write w = {
        .hook = {.url = SV("https://example.com/"), .types = sv_of(types), .secret = {.n = 60}}};
    assert_int_equal(write_hook(HOOK_CREATE, id, account, &w), JOB_DONE);
    assert_false(w.full || w.absent);
}

static struct hook_write act(enum hook_act what, int64_t id) {
    struct hook_write w = {
        .hook = {.status = HOOK_FAILING, .replay_until = 1000}, .data = SV("{}"), .notice_id = 77};
    assert_int_equal(write_hook(what, id, 1, &w), JOB_DONE);
    return w;
}

/* Stores message `id` as accepted and moves it to queued and sending, a second apart. */
static struct message *three_events(int64_t id, struct hooked *told) {
    struct message *m = kit_message(id, "x", NULL);
    struct job put = kit_put(m, STATE_ACCEPTED, KIT_NOW);
    put.now = KIT_NOW;
    assert_int_equal(kit_do(journal, &put), JOB_DONE);
    if (told)
        *told = put.hooked;
    static const enum state to[] = {STATE_QUEUED, STATE_SENDING};
    for (int i = 0; i < 2; i++) {
        struct job move = kit_move(m, to[i], KIT_NOW);
        move.now = KIT_NOW + (i + 1) * US_PER_S;
        assert_int_equal(kit_do(journal, &move), JOB_DONE);
        assert_int_equal(move.hooked.n, 0); /* nothing new is due: the first event comes first */
    }
    return m;
}

/* The rows that are due, as "hook subject event;". */
static const char *due(int64_t hook_id, int64_t now) {
    static char text[256];
    struct job scan = {.kind = JOB_HOOK_SCAN, .id = hook_id, .now = now, .limit = 10};
    assert_int_equal(kit_do(journal, &scan), JOB_DONE);
    size_t n = 0;
    text[0] = '\0';
    for (unsigned i = 0; i < scan.n_deliveries; i++) {
        const struct delivery_key *k = &scan.deliveries[i].key;
        n += (size_t)snprintf(text + n, sizeof text - n, "%lld %lld %u;", (long long)k->hook_id,
                              (long long)k->subject_id, k->event);
        delivery_done(&scan.deliveries[i]);
    }
    free(scan.deliveries);
    return text;
}

static bool tried(int64_t hook_id, int64_t subject, uint16_t event, enum delivery_outcome o, int64_t due_at) {
    const struct delivery_try t = {
        .key = {hook_id, subject, event}, .outcome = o, .tries = 1, .due_at = due_at};
    struct job job = {.kind = JOB_HOOK_TRIED, .tried = &t, .now = KIT_NOW + 5 * US_PER_S};
    assert_int_equal(kit_do(journal, &job), JOB_DONE);
    return job.released;
}

static const int64_t soon = KIT_NOW + 10 * US_PER_S;

static void test_deliveries__the_next_event_of_a_message_waits_for_the_one_before(void **state) {
    (void)state;
    struct hooked told;
    create(5, 1, "*");
    struct message *m = three_events(1, &told);
    assert_int_equal(told.n, 1);
    assert_int_equal(told.ids[0], 5);
    assert_string_equal(due(5, soon), "5 1 1;");
    assert_false(tried(5, 1, 1, DELIVERY_OWED, soon + 1)); /* failed: once more, later */
    assert_string_equal(due(5, soon), "");
    assert_string_equal(due(5, soon + 1), "5 1 1;");
    assert_true(tried(5, 1, 1, DELIVERY_TAKEN, 0));
    assert_string_equal(due(5, soon), "5 1 2;");
    assert_true(tried(5, 1, 2, DELIVERY_GIVEN_UP, 0));
    assert_string_equal(due(5, soon), "5 1 3;");
    assert_false(tried(5, 1, 3, DELIVERY_TAKEN, 0));
    assert_string_equal(due(5, INT64_MAX - 1), "");
    message_free(m);
}

/* Another node's journal cannot see whether the one before is just being ended: had it wait, nobody might end
 * the wait. */
static void test_deliveries__what_another_node_owes_is_due_and_waits_once_it_is_read(void **state) {
    (void)state;
    struct err e = ERR_INIT;
    struct hooked told = {.n = 0};
    create(5, 1, "*");
    struct message *m = three_events(1, NULL);
    struct hook_list *l = hooks_load(db, 9, &e);
    const struct event fourth = {.number = 4, .state = STATE_SENT, .at = KIT_NOW};
    struct change sent = {.events = {fourth}, .n_events = 1};
    assert_true(l && deliveries_owe(db, l, m, &sent, false, KIT_NOW, &told, &e));
    hook_list_free(l);
    assert_int_equal(
        kit_number(db, "SELECT count(*) FROM delivery WHERE event=4 AND due_at=9223372036854775807"), 0);
    assert_string_equal(due(5, soon), "5 1 1;");
    assert_int_equal(
        kit_number(db, "SELECT count(*) FROM delivery WHERE event=4 AND due_at=9223372036854775807"), 1);
    for (uint16_t i = 1; i <= 3; i++)
        assert_true(tried(5, 1, i, DELIVERY_TAKEN, 0));
    assert_string_equal(due(5, soon), "5 1 4;");
    message_free(m);
}

static void test_deliveries__are_owed_to_the_enabled_of_the_account_that_want_them(void **state) {
    (void)state;
    struct message *before = three_events(1, NULL);
    create(5, 1, "message.queued");
    create(6, 2, "*");
    create(7, 1, "*");
    act(HOOK_DISABLE, 7);
    struct message *m = kit_message(2, "x", NULL);
    struct job put = kit_put(m, STATE_ACCEPTED, KIT_NOW), move;
    assert_int_equal(kit_do(journal, &put), JOB_DONE);
    assert_int_equal(put.hooked.n, 0);
    move = kit_move(m, STATE_QUEUED, KIT_NOW);
    assert_int_equal(kit_do(journal, &move), JOB_DONE);
    assert_int_equal(move.hooked.n, 1);
    assert_int_equal(kit_number(db, "SELECT count(*) FROM delivery"), 1);
    assert_int_equal(kit_number(db, "SELECT webhook_id*100+subject_id*10+event FROM delivery"), 522);
    message_free(before);
    message_free(m);
}

static int calls_left;

static bool allow(void *ctx) {
    (void)ctx;
    return calls_left < 0 || calls_left-- > 0;
}

static void test_deliveries__a_webhook_that_was_rolled_back_is_owed_nothing(void **state) {
    (void)state;
    struct message *m = kit_message(1, "x", NULL);
    for (int fail_at = 1;; fail_at++) {
        struct hook_write w = {.act = HOOK_CREATE,
                               .hook = {.id = 5,
                                        .account_id = 1,
                                        .url = SV("https://example.com/"),
                                        .types = SV("*"),
                                        .secret = {.n = 60}}};
        struct job put = kit_put(m, STATE_ACCEPTED, KIT_NOW),
                   first = {.kind = JOB_HOOK, .hook = &w, .now = KIT_NOW};
        struct job *jobs[] = {&first, &put}, *done[8];
        calls_left = fail_at;
        db_inject(db, allow, NULL);
        assert_int_equal(journal_apply(journal, jobs, 2, done), 2);
        bool stored = put.result == JOB_DONE;
        calls_left = -1;
        assert_int_equal(first.result, stored ? JOB_DONE : JOB_FAILED);
        assert_int_equal(put.hooked.n, stored);
        assert_int_equal(kit_number(db, "SELECT count(*) FROM delivery"), stored);
        if (stored)
            break;
        struct job move = kit_put(m, STATE_ACCEPTED, KIT_NOW),
                   gone = {.kind = JOB_DELETE, .message = m, .id = 1};
        assert_int_equal(kit_do(journal, &move), JOB_DONE);
        assert_int_equal(move.hooked.n, 0);
        assert_int_equal(kit_do(journal, &gone), JOB_DONE);
        m->head = (struct head){0};
    }
    message_free(m);
}

static void test_deliveries__a_replay_owes_again_in_order_what_is_over(void **state) {
    (void)state;
    create(5, 1, "*");
    struct message *m = three_events(1, NULL), *other = three_events(2, NULL);
    for (uint16_t k = 1; k <= 3; k++)
        tried(5, 1, k, DELIVERY_TAKEN, 0);
    assert_false(act(HOOK_REPLAY, 5).off);
    struct job page = {.kind = JOB_HOOK_REPLAY, .id = 5, .now = KIT_NOW, .limit = 1};
    assert_int_equal(kit_do(journal, &page), JOB_DONE);
    assert_true(page.more);
    page = (struct job){.kind = JOB_HOOK_REPLAY, .id = 5, .now = KIT_NOW, .limit = 10};
    assert_int_equal(kit_do(journal, &page), JOB_DONE);
    assert_false(page.more);
    assert_string_equal(due(5, soon), "5 1 1;5 2 1;");
    assert_int_equal(kit_number(db, "SELECT count(*) FROM delivery WHERE due_at=9223372036854775807"), 4);
    assert_int_equal(kit_number(db, "SELECT count(*) FROM delivery"), 6);
    assert_true(tried(5, 1, 1, DELIVERY_TAKEN, 0));
    assert_string_equal(due(5, soon), "5 2 1;5 1 2;");
    message_free(m);
    message_free(other);
}

static bool prune(int64_t until, unsigned limit) {
    struct job job = {.kind = JOB_HOOK_PRUNE, .now = soon, .due_at = until, .limit = limit};
    assert_int_equal(kit_do(journal, &job), JOB_DONE);
    return job.more;
}

static void test_deliveries__pruning_forgets_what_is_over_and_gives_up_what_nobody_took(void **state) {
    (void)state;
    create(5, 1, "*");
    struct message *m = three_events(1, NULL);
    tried(5, 1, 1, DELIVERY_TAKEN, 0);
    assert_false(prune(KIT_NOW, 100)); /* too young */
    assert_int_equal(kit_number(db, "SELECT count(*) FROM delivery"), 3);
    assert_false(prune(soon, 100)); /* what an enabled one is owed stays */
    assert_int_equal(kit_number(db, "SELECT count(*) FROM delivery"), 2);
    act(HOOK_DISABLE, 5);
    assert_false(prune(soon, 100));
    assert_int_equal(kit_number(db, "SELECT count(*) FROM delivery WHERE due_at IS NULL AND outcome=2"), 2);
    assert_true(prune(soon, 1));
    assert_true(prune(soon, 1));
    assert_false(prune(soon, 1));
    assert_int_equal(kit_number(db, "SELECT count(*) FROM delivery"), 0);
    assert_int_equal(kit_number(db, "SELECT count(*) FROM webhook"), 1);
    message_free(m);
}

static void test_deliveries__a_deleted_webhook_goes_when_its_rows_are_gone(void **state) {
    (void)state;
    create(5, 1, "*");
    struct message *m = three_events(1, NULL);
    act(HOOK_DELETE, 5);
    assert_true(act(HOOK_ENABLE, 5).absent);
    assert_true(prune(0, 2));
    assert_int_equal(kit_number(db, "SELECT count(*) FROM webhook"), 1);
    assert_false(prune(0, 2));
    assert_int_equal(kit_number(db, "SELECT count(*) FROM delivery"), 0);
    assert_int_equal(kit_number(db, "SELECT count(*) FROM webhook"), 0);
    message_free(m);
}

static void test_deliveries__notices_go_to_one_or_to_all_others(void **state) {
    (void)state;
    create(5, 1, "message.sent");
    create(6, 1, "webhook.disabled");
    create(7, 2, "*");
    act(HOOK_SEND_TEST, 5);
    assert_string_equal(due(5, soon), "5 77 0;");
    assert_string_equal(due(6, soon), "");
    act(HOOK_DISABLE, 5);
    assert_string_equal(due(6, soon), "6 77 0;");
    assert_string_equal(due(7, soon), "");
    assert_true(act(HOOK_SEND_TEST, 5).off);
    assert_true(act(HOOK_SEND_TEST, 7).absent); /* another account's */
}

static void test_deliveries__a_deleted_message_takes_them_along(void **state) {
    (void)state;
    create(5, 1, "*");
    create(6, 1, "*");
    struct message *m = three_events(1, NULL), *other = three_events(2, NULL);
    struct job gone = {.kind = JOB_DELETE, .message = m, .id = 1, .now = KIT_NOW};
    assert_int_equal(kit_do(journal, &gone), JOB_DONE);
    assert_int_equal(kit_number(db, "SELECT count(*) FROM delivery WHERE subject_id=1"), 0);
    assert_int_equal(kit_number(db, "SELECT count(*) FROM delivery"), 6);
    assert_false(tried(5, 1, 1, DELIVERY_TAKEN, 0)); /* it was under way */
    message_free(m);
    message_free(other);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_all, close_all)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_deliveries__the_next_event_of_a_message_waits_for_the_one_before),
        TEST(test_deliveries__what_another_node_owes_is_due_and_waits_once_it_is_read),
        TEST(test_deliveries__are_owed_to_the_enabled_of_the_account_that_want_them),
        TEST(test_deliveries__a_webhook_that_was_rolled_back_is_owed_nothing),
        TEST(test_deliveries__a_replay_owes_again_in_order_what_is_over),
        TEST(test_deliveries__pruning_forgets_what_is_over_and_gives_up_what_nobody_took),
        TEST(test_deliveries__a_deleted_webhook_goes_when_its_rows_are_gone),
        TEST(test_deliveries__notices_go_to_one_or_to_all_others),
        TEST(test_deliveries__a_deleted_message_takes_them_along),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
