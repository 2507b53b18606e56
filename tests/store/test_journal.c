/* What jobs come back with when the database works: keys, claims, loads, callbacks, deletes. */
#include "../base/check.h"
#include "kit.h"
#include "model/id.h"
#include "store/reader.h"
#include "store/retention.h"
#include "store/spent.h"

static struct message *keep(struct kit_shelf *s, struct message *m) {
    s->messages[s->n++] = m;
    return m;
}

static struct message *stored(struct kit_shelf *s, int64_t id, const char *to, const char *body) {
    struct message *m = keep(s, kit_message_to(id, to, body, ""));
    struct job j = kit_put(m, STATE_QUEUED, KIT_NOW);
    assert_int_equal(kit_do(s->journal, &j), JOB_DONE);
    return m;
}

static void begin(struct kit_shelf *s, struct message *m, int64_t at) {
    struct job j = kit_move(m, STATE_SENDING, KIT_NOW);
    kit_begin(&j, "main", at);
    assert_int_equal(kit_do(s->journal, &j), JOB_DONE);
}

static void end(struct kit_shelf *s, struct message *m, enum state to, enum fate fate,
                const char *provider_id) {
    struct job j = kit_move(m, to, KIT_NOW);
    j.change.attempt.started_at = KIT_NOW;
    kit_end(&j, fate, provider_id, KIT_NOW);
    assert_int_equal(kit_do(s->journal, &j), JOB_DONE);
}

/* ---- idempotency keys ---- */

static struct job put_with(struct kit_shelf *s, int64_t id, int64_t account, const char *key,
                           const char *request, int64_t at) {
    struct message *m = keep(s, kit_message(id, "hello", key));
    kit_fingerprint(m, request);
    m->account_id = account;
    m->created_at = at;
    struct job j = kit_put(m, STATE_QUEUED, at);
    j.idempotency_until = at + 100 * US_PER_S;
    return j;
}

static void test_key__a_second_use_is_told_by_whom_and_whether_the_same(void **state) {
    struct kit_shelf *s = *state;
    const int64_t end_at = KIT_NOW + 100 * US_PER_S;
    const struct {
        const char *name;
        int64_t account;
        const char *key, *request;
        int64_t at;
        enum job_result result;
        int64_t dup_id;
        bool same;
    } rows[] = {
        {"first use", 1, "k", "request", KIT_NOW, JOB_DONE, 0, false},
        {"same request", 1, "k", "request", KIT_NOW + 1, JOB_DUPLICATE, 1, true},
        {"another request", 1, "k", "other", KIT_NOW + 1, JOB_DUPLICATE, 1, false},
        {"another account", 2, "k", "request", KIT_NOW + 1, JOB_DONE, 0, false},
        {"another key", 1, "K", "request", KIT_NOW + 1, JOB_DONE, 0, false},
        {"the last moment", 1, "k", "request", end_at - 1, JOB_DUPLICATE, 1, true},
        {"its time is over", 1, "k", "other", end_at, JOB_DONE, 0, false},
        {"and is the new one's", 1, "k", "other", end_at + 1, JOB_DUPLICATE, 7, true},
        {"not the old one's", 1, "k", "request", end_at + 1, JOB_DUPLICATE, 7, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct job j = put_with(s, (int64_t)i + 1, rows[i].account, rows[i].key, rows[i].request, rows[i].at);
        if (kit_do(s->journal, &j) != rows[i].result)
            fail_msg("%s: result %d", rows[i].name, j.result);
        struct err e = ERR_INIT;
        struct message *m = reader_message(s->db, rows[i].account, (int64_t)i + 1, &e);
        assert_int_equal(m != NULL, rows[i].result == JOB_DONE);
        message_free(m);
        if (j.result != JOB_DUPLICATE)
            continue;
        assert_int_equal(j.dup_id, rows[i].dup_id);
        assert_int_equal(j.dup_same, rows[i].same);
    }
}

static void test_key__two_of_a_batch_make_one_message(void **state) {
    struct kit_shelf *s = *state;
    struct job a = put_with(s, 1, 1, "k", "request", KIT_NOW), b = put_with(s, 2, 1, "k", "request", KIT_NOW);
    struct job *jobs[] = {&a, &b}, *done[2];
    assert_int_equal(journal_apply(s->journal, jobs, 2, done), 2);
    assert_int_equal(a.result, JOB_DONE);
    assert_int_equal(b.result, JOB_DUPLICATE);
    assert_int_equal(b.dup_id, 1);
    assert_true(b.dup_same);
}

static void test_key__prune_forgets_what_is_past_and_no_more_than_asked(void **state) {
    struct kit_shelf *s = *state;
    static char keys[9][3];
    for (int i = 0; i < 9; i++) {
        snprintf(keys[i], sizeof keys[i], "k%d", i);
        struct job j = put_with(s, i + 1, 1, keys[i], "request", KIT_NOW + i * US_PER_S);
        assert_int_equal(kit_do(s->journal, &j), JOB_DONE);
    }
    /* keys 0..4 end at KIT_NOW+100s..104s */
    static const int left[] = {6, 4, 4};
    for (size_t i = 0; i < 3; i++) {
        struct job prune = {.kind = JOB_PRUNE, .now = KIT_NOW + 104 * US_PER_S, .limit = 3};
        assert_int_equal(kit_do(s->journal, &prune), JOB_DONE);
        struct buf BUF_AUTO picture = BUF_INIT(65536);
        kit_picture(s->db, &picture);
        int n = 0;
        for (const char *p = picture.p; (p = strstr(p, "3: ")) != NULL; p++)
            n += p == picture.p || p[-1] == '\n';
        assert_int_equal(n, left[i]);
    }
}

/* ---- claims of provider ids found by number and text ---- */

static void test_claim__only_what_nobody_else_has_or_may_have(void **state) {
    (void)state;
    const int64_t hour = 3600 * US_PER_S;
    enum other { NONE, HAS_ID, OPEN, UNKNOWN, SENT, RETRIED, OLD_OPEN, OPEN_THEN_SENT, NEVER_TRIED };
    static const struct {
        const char *name;
        enum other other;
        const char *to, *body; /* the other's */
        enum job_result result;
    } rows[] = {
        {"alone", NONE, NULL, NULL, JOB_DONE},
        {"another has the id", HAS_ID, "+8613800138000", "something else", JOB_CLAIMED},
        {"another number has the id", HAS_ID, "+8613900139000", "hello", JOB_DONE},
        {"a twin is being sent", OPEN, "+8613800138000", "hello", JOB_AMBIGUOUS},
        {"a twin's outcome is unknown", UNKNOWN, "+8613800138000", "hello", JOB_AMBIGUOUS},
        {"a twin has an id of its own", SENT, "+8613800138000", "hello", JOB_DONE},
        {"a twin was tried again with the first outcome open", OPEN_THEN_SENT, "+8613800138000", "hello",
         JOB_AMBIGUOUS},
        {"a twin surely was not taken", RETRIED, "+8613800138000", "hello", JOB_DONE},
        {"a twin was never tried", NEVER_TRIED, "+8613800138000", "hello", JOB_DONE},
        {"a twin of long ago", OLD_OPEN, "+8613800138000", "hello", JOB_DONE},
        {"another text is being sent", OPEN, "+8613800138000", "something else", JOB_DONE},
        {"another number's is being sent", OPEN, "+8613900139000", "hello", JOB_DONE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        void *own;
        kit_open_shelf(&own);
        struct kit_shelf *s = own;
        struct message *m = stored(s, 1, NULL, "hello");
        begin(s, m, KIT_NOW);
        end(s, m, STATE_UNKNOWN, FATE_UNKNOWN, "");
        if (rows[i].other != NONE) {
            struct message *o = stored(s, 2, rows[i].to, rows[i].body);
            if (rows[i].other != NEVER_TRIED)
                begin(s, o, rows[i].other == OLD_OPEN ? KIT_NOW - hour - 1 : KIT_NOW + US_PER_S);
            if (rows[i].other == HAS_ID)
                end(s, o, STATE_SENT, FATE_SENT, "PR1");
            if (rows[i].other == SENT)
                end(s, o, STATE_SENT, FATE_SENT, "PR2");
            if (rows[i].other == UNKNOWN)
                end(s, o, STATE_UNKNOWN, FATE_UNKNOWN, "");
            if (rows[i].other == OPEN_THEN_SENT) {
                end(s, o, STATE_UNKNOWN, FATE_UNKNOWN, "");
                struct job again = kit_move(o, STATE_QUEUED, KIT_NOW);
                assert_int_equal(kit_do(s->journal, &again), JOB_DONE);
                begin(s, o, KIT_NOW + US_PER_S);
                end(s, o, STATE_SENT, FATE_SENT, "PR2");
            }
            if (rows[i].other == RETRIED)
                end(s, o, STATE_QUEUED, FATE_RETRY, "");
        }
        struct buf BUF_AUTO before = BUF_INIT(65536), after = BUF_INIT(65536);
        kit_picture(s->db, &before);
        struct job j = kit_move(m, STATE_SENT, KIT_NOW);
        j.claim = true;
        j.change.attempt.started_at = KIT_NOW;
        kit_end(&j, FATE_SENT, "PR1", KIT_NOW);
        if (kit_do(s->journal, &j) != rows[i].result)
            fail_msg("%s: result %d", rows[i].name, j.result);
        kit_picture(s->db, &after);
        assert_int_equal(sv_eq(buf_sv(&before), buf_sv(&after)), rows[i].result != JOB_DONE);
        kit_close_shelf(&own);
    }
}

static void test_claim__two_of_a_batch_cannot_claim_the_same_id(void **state) {
    struct kit_shelf *s = *state;
    struct job claims[2];
    struct job *jobs[2], *done[2];
    for (int i = 0; i < 2; i++) {
        struct message *m = stored(s, i + 1, NULL, i ? "one" : "two");
        begin(s, m, KIT_NOW);
        end(s, m, STATE_UNKNOWN, FATE_UNKNOWN, "");
        claims[i] = kit_move(m, STATE_SENT, KIT_NOW);
        claims[i].claim = true;
        claims[i].change.attempt.started_at = KIT_NOW;
        kit_end(&claims[i], FATE_SENT, "PR1", KIT_NOW);
        jobs[i] = &claims[i];
    }
    assert_int_equal(journal_apply(s->journal, jobs, 2, done), 2);
    assert_int_equal(claims[0].result, JOB_DONE);
    assert_int_equal(claims[1].result, JOB_CLAIMED);
}

/* ---- loads ---- */

/* Member by member: what stands between them is anything. */
static void check_same_head(const struct head *a, const struct head *b) {
    assert_int_equal(a->state, b->state);
    assert_int_equal(a->reason, b->reason);
    assert_int_equal(a->attempts, b->attempts);
    assert_int_equal(a->lookups, b->lookups);
    assert_int_equal(a->events, b->events);
    assert_int_equal(a->step, b->step);
    assert_int_equal(a->step_from, b->step_from);
    assert_int_equal(a->spared, b->spared);
    assert_int_equal(a->code, b->code);
    assert_int_equal(a->due_at, b->due_at);
    assert_int_equal(a->updated_at, b->updated_at);
    assert_int_equal(a->sent_at, b->sent_at);
    assert_int_equal(a->done_at, b->done_at);
    assert_string_equal(a->lane, b->lane);
    assert_string_equal(a->provider_id, b->provider_id);
}

static void test_load__brings_the_row_as_it_was_stored_with_its_latest_attempt(void **state) {
    struct kit_shelf *s = *state;
    struct message *m = stored(s, 1, NULL, "h\xc3\xa9llo");
    begin(s, m, KIT_NOW);
    end(s, m, STATE_QUEUED, FATE_RETRY, "");
    begin(s, m, KIT_NOW + 7);
    end(s, m, STATE_SENT, FATE_SENT, "PR1");
    struct job j = {.kind = JOB_LOAD, .id = 1, .account_id = 1};
    assert_int_equal(kit_do(s->journal, &j), JOB_DONE);
    assert_non_null(j.loaded);
    for (int i = 0; i < TEXT_COUNT; i++)
        assert_true(sv_eq(j.loaded->text[i], m->text[i]));
    check_same_head(&j.loaded->head, &m->head);
    assert_int_equal(j.loaded->expires_at, m->expires_at);
    assert_int_equal(j.attempt.number, 2);
    assert_int_equal(j.attempt.fate, FATE_SENT);
    assert_int_equal(j.attempt.ended_at, KIT_NOW);
    assert_string_equal(j.attempt.provider_id, "PR1");
    assert_string_equal(j.attempt.lane, "main");
    kit_forget(&j);
}

static void test_load__nobody_elses(void **state) {
    struct kit_shelf *s = *state;
    stored(s, 1, NULL, "hello");
    static const struct {
        int64_t id, account;
        enum job_result result;
    } rows[] = {
        {1, 1, JOB_DONE}, {1, 0, JOB_DONE}, {1, 2, JOB_ABSENT}, {2, 1, JOB_ABSENT}, {-1, 0, JOB_ABSENT}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct job j = {.kind = JOB_LOAD, .id = rows[i].id, .account_id = rows[i].account};
        assert_int_equal(kit_do(s->journal, &j), rows[i].result);
        assert_int_equal(j.loaded != NULL, rows[i].result == JOB_DONE);
        assert_int_equal(j.attempt.number, 0);
        kit_forget(&j);
    }
}

static void test_load__finds_by_number_and_provider_id_the_newest(void **state) {
    struct kit_shelf *s = *state;
    for (int i = 1; i <= 3; i++) {
        struct message *m = stored(s, i, i == 3 ? "+8613900139000" : NULL, "hello");
        begin(s, m, KIT_NOW);
        end(s, m, STATE_SENT, FATE_SENT, "PR1");
    }
    struct job j = {.kind = JOB_LOAD, .find_number = SV("+8613800138000"), .find_provider_id = SV("PR1")};
    assert_int_equal(kit_do(s->journal, &j), JOB_DONE);
    assert_int_equal(j.id, 2);
    j.id = 0;
    j.find_provider_id = SV("PR2");
    assert_int_equal(kit_do(s->journal, &j), JOB_ABSENT);
    assert_int_equal(j.id, 0);
}

/* A twin that was sent, or whose outcome is open, and then deleted or redacted, still has what it had. */
static void test_claim__what_a_deleted_twin_had_stays_its_own_for_a_week(void **state) {
    (void)state;
    static const struct {
        const char *name, *to, *body; /* the other's */
        enum fate fate;
        const char *id;
        enum job_kind kind;
        int64_t later_s;
        enum job_result result;
    } rows[] = {
        {"had the id", NULL, "hello", FATE_SENT, "PR1", JOB_DELETE, 0, JOB_CLAIMED},
        {"had the id with another text", NULL, "bye", FATE_SENT, "PR1", JOB_DELETE, 0, JOB_CLAIMED},
        {"had another id", NULL, "hello", FATE_SENT, "PR2", JOB_DELETE, 0, JOB_DONE},
        {"had the id at another number", "+8613900139000", "hello", FATE_SENT, "PR1", JOB_DELETE, 0,
         JOB_DONE},
        {"was open", NULL, "hello", FATE_UNKNOWN, "", JOB_DELETE, 0, JOB_AMBIGUOUS},
        {"was open and is redacted", NULL, "hello", FATE_UNKNOWN, "", JOB_REDACT, 0, JOB_AMBIGUOUS},
        {"was open with another text", NULL, "bye", FATE_UNKNOWN, "", JOB_DELETE, 0, JOB_DONE},
        {"was refused", NULL, "hello", FATE_REJECTED, "", JOB_DELETE, 0, JOB_DONE},
        {"nearly a week ago", NULL, "hello", FATE_SENT, "PR1", JOB_DELETE, SPENT_KEPT_S - 1, JOB_CLAIMED},
        {"a week ago", NULL, "hello", FATE_SENT, "PR1", JOB_DELETE, SPENT_KEPT_S, JOB_DONE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        void *own;
        kit_open_shelf(&own);
        struct kit_shelf *s = own;
        struct message *o = stored(s, 2, rows[i].to, rows[i].body);
        begin(s, o, KIT_NOW);
        end(s, o, STATE_FAILED, rows[i].fate, rows[i].id);
        struct job gone = {.kind = rows[i].kind, .message = o, .now = KIT_NOW, .change = change_of(o)};
        assert_int_equal(kit_do(s->journal, &gone), JOB_DONE);
        struct job prune = {.kind = JOB_PRUNE, .limit = 9, .now = KIT_NOW + rows[i].later_s * US_PER_S};
        assert_int_equal(kit_do(s->journal, &prune), JOB_DONE);
        struct message *m = stored(s, 1, NULL, "hello");
        begin(s, m, KIT_NOW);
        end(s, m, STATE_UNKNOWN, FATE_UNKNOWN, "");
        struct job j = kit_move(m, STATE_SENT, KIT_NOW);
        j.claim = true;
        j.change.attempt.started_at = KIT_NOW;
        kit_end(&j, FATE_SENT, "PR1", KIT_NOW);
        if (kit_do(s->journal, &j) != rows[i].result)
            fail_msg("%s: result %d", rows[i].name, j.result);
        kit_close_shelf(&own);
    }
}

/* ---- redact, delete, callbacks ---- */

static void test_delete__leaves_nothing_but_others(void **state) {
    struct kit_shelf *s = *state;
    struct message *mine = stored(s, 1, NULL, "hello");
    struct buf BUF_AUTO before = BUF_INIT(65536), after = BUF_INIT(65536);
    kit_picture(s->db, &before);
    struct message *gone = stored(s, 2, NULL, "hello");
    begin(s, gone, KIT_NOW);
    struct job j = kit_move(gone, STATE_DELIVERED, 0);
    kit_end(&j, FATE_SENT, "PR2", KIT_NOW);
    kit_owe(&j, KIT_NOW);
    assert_int_equal(kit_do(s->journal, &j), JOB_DONE);
    struct job delete = {.kind = JOB_DELETE, .message = gone};
    assert_int_equal(kit_do(s->journal, &delete), JOB_DONE);
    kit_picture(s->db, &after);
    assert_sv(buf_sv(&after), before.p);
    assert_int_equal(mine->head.state, STATE_QUEUED);
}

static void test_redact__empties_body_and_metadata_and_notes_it(void **state) {
    struct kit_shelf *s = *state;
    struct message *m = stored(s, 1, NULL, "secret");
    struct job j = {.kind = JOB_REDACT, .message = m, .change = change_of(m)};
    change_note(&j.change, m->head.state, REASON_NONE, 0, KIT_NOW + 5);
    assert_int_equal(kit_do(s->journal, &j), JOB_DONE);
    struct err e = ERR_INIT;
    struct message *now = reader_message(s->db, 1, 1, &e);
    assert_int_equal(now->text[TEXT_BODY].n, 0);
    assert_int_equal(now->text[TEXT_METADATA].n, 0);
    assert_int_equal(now->head.events, 2);
    assert_int_equal(now->head.due_at, KIT_NOW);
    message_free(now);
}

/* A receipt, or a wish to redact it, that comes just when it is deleted since it is old. */
static void test_retention__nothing_is_written_of_what_goes(void **state) {
    struct kit_shelf *s = *state;
    const int64_t id = id_floor(KIT_NOW - 86400 * US_PER_S) + 1;
    static const enum job_kind kinds[] = {JOB_MOVE, JOB_REDACT};
    struct buf BUF_AUTO before = BUF_INIT(65536), after = BUF_INIT(65536);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct message *m = stored(s, id + (int64_t)i, NULL, "hello");
        begin(s, m, KIT_NOW);
        struct job sent = kit_move(m, STATE_SENT, 0);
        kit_end(&sent, FATE_SENT, "PR1", KIT_NOW);
        assert_int_equal(kit_do(s->journal, &sent), JOB_DONE);
        struct retention_write old = {.write.run = retention_run, .before = KIT_NOW + US_PER_S};
        struct job retire = {.kind = JOB_WRITE, .write = &old.write, .now = KIT_NOW + 8 * 86400 * US_PER_S};
        struct job late = kit_move(m, STATE_DELIVERED, 0);
        late.kind = kinds[i];
        kit_owe(&late, KIT_NOW);
        struct job *jobs[] = {&retire, &late}, *done[2];
        assert_int_equal(journal_apply(s->journal, jobs, 2, done), 2);
        assert_int_equal(old.deleted, 1);
        assert_int_equal(late.result, JOB_ABSENT);
    }
    struct job again = {.kind = JOB_DELETE, .message = s->messages[1]};
    kit_picture(s->db, &before);
    assert_int_equal(kit_do(s->journal, &again), JOB_DONE);
    kit_picture(s->db, &after);
    assert_sv(buf_sv(&after), before.p);
}

static void over(struct kit_shelf *s, int64_t id, const char *provider_id) {
    struct message *m = stored(s, id, NULL, "hello");
    begin(s, m, KIT_NOW);
    struct job j = kit_move(m, STATE_DELIVERED, 0);
    kit_end(&j, FATE_SENT, provider_id, KIT_NOW);
    kit_owe(&j, KIT_NOW);
    assert_int_equal(kit_do(s->journal, &j), JOB_DONE);
}

static uint64_t retire(struct kit_shelf *s, int64_t now) {
    struct retention_write old = {.write.run = retention_run, .before = KIT_NOW + US_PER_S};
    struct job j = {.kind = JOB_WRITE, .write = &old.write, .now = now};
    assert_int_equal(kit_do(s->journal, &j), JOB_DONE);
    return old.deleted;
}

static void test_retention__one_that_stays_between_others_keeps_all_it_has(void **state) {
    struct kit_shelf *s = *state;
    const int64_t id = id_floor(KIT_NOW - 86400 * US_PER_S) + 1;
    struct buf BUF_AUTO before = BUF_INIT(65536), after = BUF_INIT(65536);
    begin(s, stored(s, id + 2, NULL, "not over"), KIT_NOW);
    begin(s, stored(s, id + 5, NULL, "nor this"), KIT_NOW);
    kit_picture(s->db, &before);
    static const int going[] = {0, 1, 3, 4, 6};
    for (size_t i = 0; i < 5; i++)
        over(s, id + going[i], "PR1");
    assert_int_equal(retire(s, KIT_NOW + 8 * 86400 * US_PER_S), 5);
    kit_picture(s->db, &after);
    assert_sv(buf_sv(&after), before.p);
}

static void test_retention__what_young_ones_had_stays_their_own(void **state) {
    struct kit_shelf *s = *state;
    const int64_t id = id_floor(KIT_NOW - 86400 * US_PER_S) + 1;
    static const char *const ids[] = {"PR1", "PR2", "PR3", "PR4"};
    for (int i = 0; i < 3; i++)
        over(s, id + i, ids[i]);
    assert_int_equal(retire(s, KIT_NOW + 2 * 86400 * US_PER_S), 3);
    for (int i = 0; i < 4; i++) {
        struct message *m = stored(s, id + 10 + i, NULL, "hello");
        begin(s, m, KIT_NOW);
        struct job j = kit_move(m, STATE_UNKNOWN, KIT_NOW);
        assert_int_equal(kit_do(s->journal, &j), JOB_DONE);
        j = kit_move(m, STATE_SENT, KIT_NOW);
        j.claim = true;
        kit_end(&j, FATE_SENT, ids[i], KIT_NOW);
        assert_int_equal(kit_do(s->journal, &j), i < 3 ? JOB_CLAIMED : JOB_AMBIGUOUS);
    }
}

static void test_callbacks__due_ones_oldest_first_until_ended(void **state) {
    struct kit_shelf *s = *state;
    for (int i = 0; i < 5; i++) {
        struct message *m = keep(s, kit_message(i + 1, "hello", ""));
        struct job j = kit_put(m, STATE_QUEUED, KIT_NOW);
        kit_owe(&j, KIT_NOW + (5 - i) * US_PER_S);
        assert_int_equal(kit_do(s->journal, &j), JOB_DONE);
    }
    struct job j = {.kind = JOB_CALLBACK_SCAN, .now = KIT_NOW + 3 * US_PER_S, .limit = 10};
    assert_int_equal(kit_do(s->journal, &j), JOB_DONE);
    assert_int_equal(j.n_callbacks, 3);
    assert_false(j.more);
    assert_int_equal(j.next_due_at, KIT_NOW + 4 * US_PER_S);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(j.callbacks[i].message_id, 5 - i);
        assert_int_equal(j.callbacks[i].event, 1);
        assert_int_equal(j.callbacks[i].tries, 0);
        assert_int_equal(j.callbacks[i].state, STATE_QUEUED);
        assert_sv(j.callbacks[i].message->text[TEXT_BODY], "hello");
    }
    kit_forget(&j);

    struct job again = {
        .kind = JOB_CALLBACK_AGAIN, .id = 5, .event = 1, .tries = 4, .due_at = KIT_NOW + 60 * US_PER_S};
    struct job ended = {.kind = JOB_CALLBACK_END, .id = 4, .event = 1};
    assert_int_equal(kit_do(s->journal, &again), JOB_DONE);
    assert_int_equal(kit_do(s->journal, &ended), JOB_DONE);
    j = (struct job){.kind = JOB_CALLBACK_SCAN, .now = KIT_NOW + 60 * US_PER_S, .limit = 2};
    assert_int_equal(kit_do(s->journal, &j), JOB_DONE);
    assert_int_equal(j.n_callbacks, 2);
    assert_true(j.more);
    kit_forget(&j);
    j.limit = 100;
    assert_int_equal(kit_do(s->journal, &j), JOB_DONE);
    assert_int_equal(j.n_callbacks, 4);
    assert_int_equal(j.next_due_at, 0);
    assert_int_equal(j.callbacks[3].message_id, 5);
    assert_int_equal(j.callbacks[3].tries, 4);
    kit_forget(&j);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, kit_open_shelf, kit_close_shelf)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_key__a_second_use_is_told_by_whom_and_whether_the_same),
        TEST(test_key__two_of_a_batch_make_one_message),
        TEST(test_key__prune_forgets_what_is_past_and_no_more_than_asked),
        cmocka_unit_test(test_claim__only_what_nobody_else_has_or_may_have),
        TEST(test_claim__two_of_a_batch_cannot_claim_the_same_id),
        cmocka_unit_test(test_claim__what_a_deleted_twin_had_stays_its_own_for_a_week),
        TEST(test_load__brings_the_row_as_it_was_stored_with_its_latest_attempt),
        TEST(test_load__nobody_elses),
        TEST(test_load__finds_by_number_and_provider_id_the_newest),
        TEST(test_delete__leaves_nothing_but_others),
        TEST(test_redact__empties_body_and_metadata_and_notes_it),
        TEST(test_retention__nothing_is_written_of_what_goes),
        TEST(test_retention__one_that_stays_between_others_keeps_all_it_has),
        TEST(test_retention__what_young_ones_had_stays_their_own),
        TEST(test_callbacks__due_ones_oldest_first_until_ended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
