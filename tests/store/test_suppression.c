/* The suppression list: what a row stops, what providers teach, pages. */
#include "../base/check.h"
#include "kit.h"
#include "store/suppression.h"

static struct message *message_about(struct kit_shelf *s, int64_t id, const char *to, const char *topic,
                                     const char *key) {
    const struct sv text[TEXT_COUNT] = {[TEXT_TO] = sv_of(to),
                                        [TEXT_BODY] = SV("hello"),
                                        [TEXT_TOPIC] = sv_of(topic),
                                        [TEXT_IDEMPOTENCY_KEY] = sv_of(key)};
    struct message *m = message_new(text);
    ASSERT(m && s->n < sizeof s->messages / sizeof s->messages[0]);
    m->id = id;
    m->account_id = 1;
    m->created_at = KIT_NOW;
    m->expires_at = KIT_NOW + 3600 * US_PER_S;
    return s->messages[s->n++] = m;
}

static struct suppression_write change_list(struct kit_shelf *s, enum suppression_act act,
                                            const struct suppression *row, int64_t now) {
    struct suppression_write w = {.write = {.run = suppression_run}, .act = act, .rows = row, .n = 1};
    struct job j = {.kind = JOB_WRITE, .write = &w.write, .now = now};
    assert_int_equal(kit_do(s->journal, &j), JOB_DONE);
    return w;
}

static void add(struct kit_shelf *s, int64_t account, const char *number, const char *topic,
                enum suppression_kind kind, int64_t expires_at) {
    const struct suppression row = {.account_id = account,
                                    .number = sv_of(number),
                                    .topic = sv_of(topic),
                                    .kind = kind,
                                    .source = SUPPRESSION_BY_API,
                                    .expires_at = expires_at};
    change_list(s, SUPPRESSION_ADD, &row, KIT_NOW);
}

static enum reason try_put(struct kit_shelf *s, int64_t id, const char *to, const char *topic, bool exempt) {
    struct job j = kit_put(message_about(s, id, to, topic, ""), STATE_QUEUED, KIT_NOW);
    j.exempt = exempt;
    j.now = KIT_NOW;
    return kit_do(s->journal, &j) == JOB_SUPPRESSED ? j.why : REASON_NONE;
}

static void test_suppression__each_row_stops_what_it_is_for_and_nothing_else(void **state) {
    struct kit_shelf *s = *state;
    add(s, 1, "+8613800138001", "", SUPPRESSION_OPT_OUT, 0);
    add(s, 0, "+8613800138002", "", SUPPRESSION_BLOCK, 0);
    add(s, 2, "+8613800138003", "", SUPPRESSION_BLOCK, 0);
    add(s, 1, "+8613800138004", "news", SUPPRESSION_OPT_OUT, 0);
    add(s, 1, "+8613800138005", "", SUPPRESSION_INVALID, KIT_NOW + 1);
    add(s, 1, "+8613800138006", "", SUPPRESSION_INVALID, KIT_NOW);
    add(s, 1, "+8613800138007", "", SUPPRESSION_OPT_OUT, 0);
    add(s, 1, "+8613800138007", "", SUPPRESSION_BLOCK, 0);
    add(s, 1, "+8613800138008", "", SUPPRESSION_INVALID, 0);
    add(s, 1, "+8613800138008", "", SUPPRESSION_OPT_OUT, 0);
    add(s, 1, "li@example.com", "", SUPPRESSION_OPT_OUT, 0);
    const struct {
        const char *to, *topic;
        bool exempt;
        enum reason why;
    } rows[] = {
        {"+8613800138000", "", false, REASON_NONE},
        {"+8613800138001", "", false, REASON_OPTED_OUT},
        {"+8613800138001", "news", false, REASON_OPTED_OUT},
        {"+8613800138001", "otp", true, REASON_NONE},
        {"+861380013800", "", false, REASON_NONE},
        {"+8613800138002", "", false, REASON_BLOCKED},
        {"+8613800138002", "otp", true, REASON_BLOCKED},
        {"+8613800138003", "", false, REASON_NONE}, /* another account's */
        {"+8613800138004", "", false, REASON_NONE},
        {"+8613800138004", "news", false, REASON_OPTED_OUT},
        {"+8613800138004", "newsletter", false, REASON_NONE},
        {"+8613800138005", "", false, REASON_KNOWN_INVALID},
        {"+8613800138005", "otp", true, REASON_KNOWN_INVALID},
        {"+8613800138006", "", false, REASON_NONE}, /* its time is over */
        {"+8613800138007", "", false, REASON_BLOCKED},
        {"+8613800138008", "", false, REASON_OPTED_OUT},
        {"Li@Example.COM", "", false, REASON_OPTED_OUT},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        enum reason why = try_put(s, (int64_t)i + 1, rows[i].to, rows[i].topic, rows[i].exempt);
        if (why != rows[i].why)
            fail_msg("%s about `%s`: %s, not %s", rows[i].to, rows[i].topic, reason_name(why),
                     reason_name(rows[i].why));
    }
}

static void test_suppression__what_is_stored_as_over_or_comes_from_outside_is_stored(void **state) {
    struct kit_shelf *s = *state;
    add(s, 1, "+8613800138001", "", SUPPRESSION_BLOCK, 0);
    struct message *out = message_about(s, 1, "+8613800138001", "", "");
    struct job over = kit_put(out, STATE_SUPPRESSED, 0);
    assert_int_equal(kit_do(s->journal, &over), JOB_DONE);
    struct message *in = message_about(s, 2, "+8613800138001", "", "");
    in->direction = DIRECTION_IN;
    struct job received = kit_put(in, STATE_RECEIVED, 0);
    assert_int_equal(kit_do(s->journal, &received), JOB_DONE);
}

static void test_suppression__a_message_that_waits_is_stopped_when_its_attempt_begins(void **state) {
    struct kit_shelf *s = *state;
    struct message *m = message_about(s, 1, "+8613800138001", "", "");
    struct job put = kit_put(m, STATE_QUEUED, KIT_NOW);
    assert_int_equal(kit_do(s->journal, &put), JOB_DONE);
    add(s, 1, "+8613800138001", "", SUPPRESSION_OPT_OUT, 0);
    struct job claim = kit_move(m, STATE_SENDING, KIT_NOW);
    kit_begin(&claim, "main", KIT_NOW);
    assert_int_equal(kit_do(s->journal, &claim), JOB_SUPPRESSED);
    assert_int_equal(claim.why, REASON_OPTED_OUT);
    struct job end = kit_move(m, STATE_SUPPRESSED, 0);
    assert_int_equal(kit_do(s->journal, &end), JOB_DONE); /* it was left as it was */
}

static void test_suppression__a_batch_sees_what_stands_before_in_it(void **state) {
    struct kit_shelf *s = *state;
    const struct suppression row = {.account_id = 1,
                                    .number = SV("+8613800138001"),
                                    .kind = SUPPRESSION_OPT_OUT,
                                    .source = SUPPRESSION_BY_REPLY};
    struct suppression_write w = {
        .write = {.run = suppression_run}, .act = SUPPRESSION_ADD, .rows = &row, .n = 1};
    struct job before = kit_put(message_about(s, 1, "+8613800138001", "", ""), STATE_QUEUED, KIT_NOW);
    struct job opt_out = {.kind = JOB_WRITE, .write = &w.write, .now = KIT_NOW};
    struct job after = kit_put(message_about(s, 2, "+8613800138001", "", ""), STATE_QUEUED, KIT_NOW);
    struct job *jobs[] = {&before, &opt_out, &after}, *done[8];
    assert_int_equal(journal_apply(s->journal, jobs, 3, done), 3);
    assert_int_equal(before.result, JOB_DONE);
    assert_int_equal(after.result, JOB_SUPPRESSED);
}

static void test_suppression__a_repeat_is_told_as_one_and_takes_no_key_when_stopped(void **state) {
    struct kit_shelf *s = *state;
    struct job first = kit_put(message_about(s, 1, "+8613800138001", "", "key-1"), STATE_QUEUED, KIT_NOW);
    assert_int_equal(kit_do(s->journal, &first), JOB_DONE);
    add(s, 1, "+8613800138001", "", SUPPRESSION_OPT_OUT, 0);
    struct job again = kit_put(message_about(s, 2, "+8613800138001", "", "key-1"), STATE_QUEUED, KIT_NOW);
    assert_int_equal(kit_do(s->journal, &again), JOB_DUPLICATE);
    struct message *m = message_about(s, 3, "+8613800138001", "", "key-2");
    struct job other = kit_put(m, STATE_QUEUED, KIT_NOW);
    assert_int_equal(kit_do(s->journal, &other), JOB_SUPPRESSED);
    struct job as_stopped = kit_put(m, STATE_SUPPRESSED, 0);
    assert_int_equal(kit_do(s->journal, &as_stopped), JOB_DONE);
}

static void test_suppression__rows_of_another_process_are_heeded(void **state) {
    struct kit_shelf *s = *state;
    struct err e = ERR_INIT;
    assert_int_equal(try_put(s, 1, "+8613800138001", "", false), REASON_NONE);
    const struct suppression row = {.account_id = 1,
                                    .number = SV("+8613800138001"),
                                    .kind = SUPPRESSION_BLOCK,
                                    .source = SUPPRESSION_BY_IMPORT};
    struct suppression_write w = {
        .write = {.run = suppression_run}, .act = SUPPRESSION_ADD, .rows = &row, .n = 1};
    assert_true(db_begin(s->db, &e) && suppression_write(s->db, &w, KIT_NOW, &e) && db_commit(s->db, &e));
    assert_int_equal(try_put(s, 2, "+8613800138001", "", false), REASON_BLOCKED);
}

/* ---- what providers teach ---- */

static void send_and_end(struct kit_shelf *s, int64_t id, const char *to, enum state state, enum fate fate,
                         enum reason reason) {
    struct message *m = message_about(s, id, to, "", "");
    struct job put = kit_put(m, STATE_SENDING, KIT_NOW);
    kit_begin(&put, "main", KIT_NOW);
    assert_int_equal(kit_do(s->journal, &put), JOB_DONE);
    struct job end = {.kind = JOB_MOVE, .message = m, .change = change_of(m), .now = KIT_NOW};
    change_move(&end.change, state, reason, KIT_NOW);
    kit_end(&end, fate, "SM1", KIT_NOW);
    end.change.attempt.reason = reason;
    end.change.attempt.code = end.change.next.code = 21610;
    end.invalid_until = KIT_NOW + 90 * 86400 * US_PER_S;
    assert_int_equal(kit_do(s->journal, &end), JOB_DONE);
}

static void test_suppression__a_refusal_at_the_door_teaches_and_a_receipt_only_of_opt_outs(void **state) {
    struct kit_shelf *s = *state;
    const struct {
        enum state state;
        enum fate fate;
        enum reason reason, next;
    } rows[] = {
        {STATE_FAILED, FATE_REJECTED, REASON_OPTED_OUT, REASON_OPTED_OUT},
        {STATE_FAILED, FATE_REJECTED, REASON_INVALID_NUMBER, REASON_KNOWN_INVALID},
        {STATE_FAILED, FATE_REJECTED, REASON_CONTENT_REJECTED, REASON_NONE},
        {STATE_FAILED, FATE_REJECTED, REASON_BLOCKED, REASON_NONE},
        {STATE_UNDELIVERED, FATE_SENT, REASON_INVALID_NUMBER, REASON_NONE},
        {STATE_UNDELIVERED, FATE_SENT, REASON_OPTED_OUT, REASON_OPTED_OUT},
        {STATE_QUEUED, FATE_REJECTED, REASON_INVALID_NUMBER,
         REASON_KNOWN_INVALID}, /* on to another channel */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char to[24];
        snprintf(to, sizeof to, "+861380013800%zu", i);
        send_and_end(s, (int64_t)i + 1, to, rows[i].state, rows[i].fate, rows[i].reason);
        enum reason why = try_put(s, (int64_t)i + 100, to, "", false);
        if (why != rows[i].next)
            fail_msg("row %zu: the next message is stopped by %s, not %s", i, reason_name(why),
                     reason_name(rows[i].next));
    }
    struct arena ARENA_AUTO mem;
    arena_init(&mem, 1 << 16);
    struct suppression row;
    size_t n;
    struct err e = ERR_INIT;
    assert_true(suppression_of(s->db, 1, SV("+8613800138000"), KIT_NOW, &mem, &row, 1, &n, &e));
    assert_int_equal(n, 1);
    assert_sv(row.by, "main 21610");
    assert_int_equal(row.source, SUPPRESSION_BY_PROVIDER);
    assert_int_equal(row.message_id, 1);
    assert_int_equal(row.created_at, KIT_NOW);
    assert_true(suppression_of(s->db, 1, SV("+8613800138001"), KIT_NOW, &mem, &row, 1, &n, &e) && n == 1);
    assert_int_equal(row.expires_at, KIT_NOW + 90 * 86400 * US_PER_S);
}

/* ---- writing and reading ---- */

static void test_suppression__a_release_takes_what_it_names(void **state) {
    struct kit_shelf *s = *state;
    const char *to = "+8613800138001";
    add(s, 1, to, "", SUPPRESSION_OPT_OUT, 0);
    add(s, 1, to, "news", SUPPRESSION_OPT_OUT, 0);
    add(s, 1, to, "", SUPPRESSION_BLOCK, 0);
    add(s, 2, to, "", SUPPRESSION_OPT_OUT, 0);
    struct suppression row = {.account_id = 1, .number = sv_of(to), .topic = SV("news")};
    assert_int_equal(change_list(s, SUPPRESSION_RELEASE, &row, KIT_NOW).released, 1);
    row.topic = SV_NONE;
    row.kind = SUPPRESSION_OPT_OUT;
    assert_int_equal(change_list(s, SUPPRESSION_RELEASE, &row, KIT_NOW).released, 1);
    assert_int_equal(try_put(s, 1, to, "", false), REASON_BLOCKED);
    row.kind = SUPPRESSION_ANY;
    assert_int_equal(change_list(s, SUPPRESSION_RELEASE, &row, KIT_NOW).released, 1);
    assert_int_equal(change_list(s, SUPPRESSION_RELEASE, &row, KIT_NOW).released, 0);
    assert_int_equal(try_put(s, 2, to, "", false), REASON_NONE);
}

static void test_suppression__what_is_said_again_keeps_when_it_was_said_first(void **state) {
    struct kit_shelf *s = *state;
    struct suppression row = {.account_id = 1,
                              .number = SV("+8613800138001"),
                              .kind = SUPPRESSION_OPT_OUT,
                              .source = SUPPRESSION_BY_REPLY,
                              .by = SV("T")};
    assert_int_equal(change_list(s, SUPPRESSION_ADD, &row, KIT_NOW).added, 1);
    row.source = SUPPRESSION_BY_API;
    row.by = SV("SK1");
    row.note = SV("by telephone");
    assert_int_equal(change_list(s, SUPPRESSION_ADD, &row, KIT_NOW + 5).renewed, 1);
    struct arena ARENA_AUTO mem;
    arena_init(&mem, 1 << 16);
    struct suppression got[4];
    size_t n;
    struct err e = ERR_INIT;
    assert_true(suppression_of(s->db, 1, row.number, KIT_NOW, &mem, got, 4, &n, &e));
    assert_int_equal(n, 1);
    assert_int_equal(got[0].created_at, KIT_NOW);
    assert_int_equal(got[0].updated_at, KIT_NOW + 5);
    assert_sv(got[0].by, "SK1");
    assert_sv(got[0].note, "by telephone");
}

static void test_suppression__pages_have_every_row_once(void **state) {
    struct kit_shelf *s = *state;
    struct err e = ERR_INIT;
    enum { ROWS = 300 };
    for (int i = 0; i < ROWS; i++) {
        char to[24];
        snprintf(to, sizeof to, "+86138001%05d", i / 3);
        add(s, 1, to, i % 3 ? "news" : "", i % 3 == 2 ? SUPPRESSION_BLOCK : SUPPRESSION_OPT_OUT, 0);
        add(s, 2, to, "", SUPPRESSION_BLOCK, 0);
    }
    struct arena ARENA_AUTO mem;
    arena_init(&mem, 1 << 20);
    static const struct {
        enum suppression_kind kind;
        const char *topic;
        size_t rows;
    } wants[] = {{SUPPRESSION_ANY, NULL, 300},
                 {SUPPRESSION_BLOCK, NULL, 100},
                 {SUPPRESSION_ANY, "", 100},
                 {SUPPRESSION_OPT_OUT, "news", 100},
                 {SUPPRESSION_INVALID, NULL, 0}};
    for (size_t k = 0; k < sizeof wants / sizeof wants[0]; k++) {
        struct suppression_filter f = {
            .account_id = 1,
            .kind = wants[k].kind,
            .topic = wants[k].topic ? sv_make(wants[k].topic, strlen(wants[k].topic)) : SV_NONE,
            .limit = 7};
        size_t seen = 0, n;
        for (bool more = true; more; seen += n) {
            struct suppression page[7], last = {0};
            assert_true(suppression_list(s->db, &f, &mem, page, &n, &more, &last, &e));
            for (size_t i = 0; i < n; i++) {
                const struct suppression *before = i ? &page[i - 1] : &f.after;
                int order = sv_cmp(before->number, page[i].number);
                assert_true(order < 0 || (order == 0 && sv_cmp(before->topic, page[i].topic) <= 0));
                assert_int_equal(page[i].account_id, 1);
            }
            f.after = last;
        }
        assert_int_equal(seen, wants[k].rows);
    }
}

static void test_suppression__pruning_takes_only_what_is_over(void **state) {
    struct kit_shelf *s = *state;
    add(s, 1, "+8613800138001", "", SUPPRESSION_INVALID, KIT_NOW + 10);
    add(s, 1, "+8613800138002", "", SUPPRESSION_INVALID, KIT_NOW + 20);
    add(s, 1, "+8613800138003", "", SUPPRESSION_OPT_OUT, 0);
    struct job prune = {.kind = JOB_PRUNE, .now = KIT_NOW + 10, .limit = 100};
    assert_int_equal(kit_do(s->journal, &prune), JOB_DONE);
    struct arena ARENA_AUTO mem;
    arena_init(&mem, 1 << 16);
    struct suppression page[4], last;
    size_t n;
    bool more;
    struct err e = ERR_INIT;
    struct suppression_filter f = {.account_id = 1, .limit = 4};
    assert_true(suppression_list(s->db, &f, &mem, page, &n, &more, &last, &e));
    assert_int_equal(n, 2);
    assert_sv(page[0].number, "+8613800138002");
}

static void test_suppression__the_hashes_are_those_of_the_rows(void **state) {
    static const char keys[] = "SELECT count(*), coalesce(sum(n),0), coalesce(min(n),1) FROM suppression_key";
    static const char rows[] = "SELECT count(DISTINCT number), count(*) FROM suppression";
    struct kit_shelf *s = *state;
    struct err e = ERR_INIT;
    uint64_t seed = 7;
    for (int i = 0; i < 2000; i++) {
        char to[24];
        snprintf(to, sizeof to, "+861380013%04llu", (unsigned long long)(kit_random(&seed) % 50));
        const struct suppression row = {
            .account_id = (int64_t)(kit_random(&seed) % 3),
            .number = sv_of(to),
            .topic = kit_random(&seed) % 2 ? SV("news") : SV(""),
            .kind = (enum suppression_kind)(kit_random(&seed) % 3 + 1),
            .source = SUPPRESSION_BY_API,
            .expires_at = kit_random(&seed) % 3 ? 0 : KIT_NOW + i,
        };
        change_list(s, kit_random(&seed) % 2 ? SUPPRESSION_ADD : SUPPRESSION_RELEASE, &row, KIT_NOW);
        if (i % 100 == 0) {
            struct job prune = {.kind = JOB_PRUNE, .now = KIT_NOW + i, .limit = 5};
            assert_int_equal(kit_do(s->journal, &prune), JOB_DONE);
        }
        int64_t got[5];
        bool row_there;
        struct db_stmt *q = db_stmt(s->db, keys, &e);
        assert_true(q && db_next(q, &row_there, &e));
        for (int c = 0; c < 3; c++)
            got[c] = db_col_int(q, c);
        db_end(q);
        q = db_stmt(s->db, rows, &e);
        assert_true(q && db_next(q, &row_there, &e));
        for (int c = 0; c < 2; c++)
            got[3 + c] = db_col_int(q, c);
        db_end(q);
        assert_int_equal(got[0], got[3]);
        assert_int_equal(got[1], got[4]);
        assert_true(got[2] > 0);
    }
}

int main(void) {
#define TEST(t) cmocka_unit_test_setup_teardown(t, kit_open_shelf, kit_close_shelf)
    const struct CMUnitTest tests[] = {
        TEST(test_suppression__each_row_stops_what_it_is_for_and_nothing_else),
        TEST(test_suppression__what_is_stored_as_over_or_comes_from_outside_is_stored),
        TEST(test_suppression__a_message_that_waits_is_stopped_when_its_attempt_begins),
        TEST(test_suppression__a_batch_sees_what_stands_before_in_it),
        TEST(test_suppression__a_repeat_is_told_as_one_and_takes_no_key_when_stopped),
        TEST(test_suppression__rows_of_another_process_are_heeded),
        TEST(test_suppression__a_refusal_at_the_door_teaches_and_a_receipt_only_of_opt_outs),
        TEST(test_suppression__a_release_takes_what_it_names),
        TEST(test_suppression__what_is_said_again_keeps_when_it_was_said_first),
        TEST(test_suppression__pages_have_every_row_once),
        TEST(test_suppression__pruning_takes_only_what_is_over),
        TEST(test_suppression__the_hashes_are_those_of_the_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
