/* Every batch of a table is tried with its first SQL call failing, then its second, and so on, until it comes
 * through untouched. */
#include "../base/check.h"
#include "kit.h"

enum { JOBS_MAX = 8, CALLS_MAX = 200, PICTURE_MAX = 1 << 20 };

struct batch {
    struct job jobs[JOBS_MAX];
    size_t n;
    struct message *messages[JOBS_MAX];
    size_t n_messages;
    struct suppression_write write;
};

/* ---- what is there before: 1 waits, 2 is being sent, 3 is delivered and owes a callback ---- */

static struct message *stored[3];

static void store(struct journal *j, struct message *m, struct job job) {
    job.message = m;
    assert_int_equal(kit_do(j, &job), JOB_DONE);
}

static void fill(struct journal *j) {
    for (int i = 0; i < 3; i++) {
        stored[i] = kit_message(i + 1, "before", i == 0 ? "old key" : "");
        kit_fingerprint(stored[i], "old request");
        store(j, stored[i], kit_put(stored[i], STATE_QUEUED, KIT_NOW - i - 1));
    }
    for (int i = 1; i < 3; i++) {
        struct job job = kit_move(stored[i], STATE_SENDING, KIT_NOW + US_PER_S);
        kit_begin(&job, "main", KIT_NOW);
        store(j, stored[i], job);
    }
    struct job job = kit_move(stored[2], STATE_DELIVERED, 0);
    kit_end(&job, FATE_SENT, "PR3", KIT_NOW);
    kit_owe(&job, KIT_NOW);
    store(j, stored[2], job);
}

/* ---- the batches ---- */

static struct message *fresh(struct batch *b, int64_t id, const char *key) {
    struct message *m = kit_message(id, "after", key);
    kit_fingerprint(m, "new request");
    b->messages[b->n_messages++] = m;
    return m;
}

static struct job *add(struct batch *b, struct job job) {
    b->jobs[b->n] = job;
    return &b->jobs[b->n++];
}

static void put(struct batch *b) {
    add(b, kit_put(fresh(b, 10, ""), STATE_QUEUED, KIT_NOW));
}

static void put_with_key(struct batch *b) {
    add(b, kit_put(fresh(b, 10, "new key"), STATE_QUEUED, KIT_NOW));
}

static void put_with_taken_key(struct batch *b) {
    add(b, kit_put(fresh(b, 10, "old key"), STATE_QUEUED, KIT_NOW));
}

static void put_and_begin(struct batch *b) {
    struct job *j = add(b, kit_put(fresh(b, 10, "new key"), STATE_SENDING, KIT_NOW));
    kit_begin(j, "main", KIT_NOW);
    kit_owe(j, KIT_NOW);
}

static void put_and_move(struct batch *b) {
    put(b);
    struct job *j = add(b, kit_move(stored[0], STATE_SENDING, KIT_NOW));
    kit_begin(j, "main", KIT_NOW);
    kit_owe(j, KIT_NOW);
}

static void outcome(struct batch *b) {
    struct job *j = add(b, kit_move(stored[1], STATE_SENT, KIT_NOW + US_PER_S));
    kit_end(j, FATE_SENT, "PR2", KIT_NOW);
    kit_owe(j, KIT_NOW);
    j->must = true;
}

static void outcomes_among_requests(struct batch *b) {
    put(b);
    outcome(b);
    put_with_taken_key(b);
    b->messages[1]->id = 11;
    struct job *j = add(b, (struct job){.kind = JOB_CALLBACK_END, .id = 3, .event = 3});
    j->must = true;
}

static void claim(struct batch *b) {
    struct job *j = add(b, kit_move(stored[1], STATE_SENT, KIT_NOW + US_PER_S));
    kit_end(j, FATE_SENT, "PR9", KIT_NOW);
    j->claim = true;
    j->must = true;
}

static void claim_of_another(struct batch *b) {
    claim(b);
    kit_end(&b->jobs[0], FATE_SENT, "PR3", KIT_NOW);
}

static void redact(struct batch *b) {
    struct job *j = add(b, (struct job){.kind = JOB_REDACT, .message = stored[2]});
    j->change = change_of(stored[2]);
    change_note(&j->change, STATE_DELIVERED, REASON_NONE, 0, KIT_NOW);
}

static void delete (struct batch *b) {
    add(b, (struct job){.kind = JOB_DELETE, .message = stored[2]});
}

static void load(struct batch *b) {
    add(b, (struct job){.kind = JOB_LOAD, .id = 3, .account_id = 1});
}

static void find(struct batch *b) {
    add(b, (struct job){
               .kind = JOB_LOAD, .find_number = stored[2]->text[TEXT_TO], .find_provider_id = SV("PR3")});
}

static void scan(struct batch *b) {
    add(b, (struct job){.kind = JOB_SCAN,
                        .priority = PRIORITY_TRANSACTIONAL,
                        .now = KIT_NOW + 2 * US_PER_S,
                        .limit = 10});
}

static void sweep(struct batch *b) {
    add(b, (struct job){.kind = JOB_SWEEP,
                        .priority = PRIORITY_TRANSACTIONAL,
                        .now = KIT_NOW + 7200 * US_PER_S,
                        .limit = 10});
}

static void callbacks(struct batch *b) {
    add(b, (struct job){.kind = JOB_CALLBACK_SCAN, .now = KIT_NOW, .limit = 10});
    add(b, (struct job){
               .kind = JOB_CALLBACK_AGAIN, .id = 3, .event = 3, .tries = 2, .due_at = KIT_NOW + US_PER_S});
}

static void callback_end(struct batch *b) {
    add(b, (struct job){.kind = JOB_CALLBACK_END, .id = 3, .event = 3});
}

static void prune(struct batch *b) {
    add(b, (struct job){.kind = JOB_PRUNE, .now = KIT_NOW + 2 * 86400 * US_PER_S, .limit = 10});
}

static const struct suppression rows_of_list[] = {
    {.account_id = 1,
     .number = SV("+8613800138000"),
     .kind = SUPPRESSION_BLOCK,
     .source = SUPPRESSION_BY_API},
    {.account_id = 1,
     .number = SV("+8613800138009"),
     .kind = SUPPRESSION_OPT_OUT,
     .source = SUPPRESSION_BY_API},
};

static void suppress_and_put(struct batch *b) {
    b->write = (struct suppression_write){
        .write = {.run = suppression_run}, .act = SUPPRESSION_ADD, .rows = rows_of_list, .n = 2};
    add(b, (struct job){.kind = JOB_WRITE, .write = &b->write.write, .now = KIT_NOW});
    put(b);
}

static void refused_by_provider(struct batch *b) {
    struct job *j = add(b, kit_move(stored[1], STATE_FAILED, 0));
    kit_end(j, FATE_REJECTED, "", KIT_NOW);
    j->change.attempt.reason = j->change.next.reason = REASON_OPTED_OUT;
    j->must = true;
}

static void reads_after_writes(struct batch *b) {
    put_and_begin(b);
    scan(b);
    load(b);
    sweep(b);
    callbacks(b);
}

static const struct {
    const char *name;
    void (*build)(struct batch *);
} batches[] = {
    {"put", put},
    {"put with key", put_with_key},
    {"put with taken key", put_with_taken_key},
    {"put and begin", put_and_begin},
    {"put and move", put_and_move},
    {"outcome", outcome},
    {"outcomes among requests", outcomes_among_requests},
    {"claim", claim},
    {"claim of another's id", claim_of_another},
    {"redact", redact},
    {"delete", delete},
    {"load", load},
    {"find", find},
    {"scan", scan},
    {"sweep", sweep},
    {"callbacks", callbacks},
    {"callback end", callback_end},
    {"prune", prune},
    {"reads after writes", reads_after_writes},
    {"suppress and put", suppress_and_put},
    {"refused by the provider", refused_by_provider},
};

/* ---- the rack ---- */

struct trial {
    struct db *db;
    struct journal *journal;
    struct batch batch;
    int calls, fail_at; /* 0: none fails */
    bool all_fail_after;
};

static bool allow(void *ctx) {
    struct trial *t = ctx;
    t->calls++;
    return t->fail_at == 0 || (t->all_fail_after ? t->calls < t->fail_at : t->calls != t->fail_at);
}

static void open_trial(struct trial *t, void (*build)(struct batch *)) {
    struct err e = ERR_INIT;
    *t = (struct trial){.db = kit_db()};
    t->journal = journal_new(t->db, &e);
    assert_non_null(t->journal);
    fill(t->journal);
    build(&t->batch);
    db_inject(t->db, allow, t);
}

static void close_trial(struct trial *t) {
    for (size_t i = 0; i < t->batch.n; i++)
        kit_forget(&t->batch.jobs[i]);
    for (size_t i = 0; i < t->batch.n_messages; i++)
        message_free(t->batch.messages[i]);
    for (int i = 0; i < 3; i++)
        message_free(stored[i]);
    journal_free(t->journal);
    db_close(t->db);
}

static size_t apply(struct trial *t, bool only_must, struct job **done) {
    struct job *jobs[JOBS_MAX];
    size_t n = 0;
    for (size_t i = 0; i < t->batch.n; i++)
        if (!only_must || t->batch.jobs[i].must)
            jobs[n++] = &t->batch.jobs[i];
    return journal_apply(t->journal, jobs, n, done);
}

/* What is stored when the batch (or its must-jobs alone) goes through. */
static void clean_run(void (*build)(struct batch *), bool only_must, struct buf *out) {
    struct trial t;
    struct job *done[JOBS_MAX * 2];
    open_trial(&t, build);
    apply(&t, only_must, done);
    assert_int_equal(journal_trouble(t.journal)->kind, ERR_NONE);
    kit_picture(t.db, out);
    close_trial(&t);
}

static void check_refused(struct trial *t, struct job **done, size_t n_done) {
    size_t must = 0;
    for (size_t i = 0; i < t->batch.n; i++)
        must += t->batch.jobs[i].must;
    assert_int_equal(n_done, t->batch.n - must);
    assert_int_equal(journal_held(t->journal), must);
    assert_int_equal(journal_trouble(t->journal)->kind, ERR_OUTSIDE);
    for (size_t i = 0; i < n_done; i++) {
        assert_false(done[i]->must);
        assert_int_equal(done[i]->result, JOB_FAILED);
        assert_int_equal(done[i]->err.kind, ERR_OUTSIDE);
        assert_true(done[i]->err.text[0] != '\0');
        assert_null(done[i]->loaded);
        assert_null(done[i]->rows);
        assert_null(done[i]->attempts);
        assert_null(done[i]->callbacks);
        assert_int_equal(done[i]->n_rows, 0);
        assert_int_equal(done[i]->n_callbacks, 0);
    }
}

static void check_kept(struct trial *t, struct buf *right) {
    struct buf BUF_AUTO now = BUF_INIT(PICTURE_MAX);
    struct job *done[JOBS_MAX * 2];
    size_t held = journal_held(t->journal);
    assert_int_equal(journal_apply(t->journal, NULL, 0, done), held);
    for (size_t i = 0; i < held; i++) {
        assert_true(done[i]->must);
        assert_true(done[i]->result != JOB_FAILED);
    }
    assert_int_equal(journal_held(t->journal), 0);
    assert_int_equal(journal_trouble(t->journal)->kind, ERR_NONE);
    kit_picture(t->db, &now);
    assert_sv(buf_sv(&now), right->p);
}

static void picture_must_be(struct trial *t, struct buf *right) {
    struct buf BUF_AUTO now = BUF_INIT(PICTURE_MAX);
    t->fail_at = 0;
    kit_picture(t->db, &now);
    assert_sv(buf_sv(&now), right->p);
}

static int torture(void (*build)(struct batch *), bool all_fail_after) {
    struct buf BUF_AUTO before = BUF_INIT(PICTURE_MAX), after = BUF_INIT(PICTURE_MAX),
                        after_must = BUF_INIT(PICTURE_MAX);
    struct trial t;
    open_trial(&t, build);
    kit_picture(t.db, &before);
    close_trial(&t);
    clean_run(build, false, &after);
    clean_run(build, true, &after_must);
    for (int n = 1; n < CALLS_MAX; n++) {
        struct job *done[JOBS_MAX * 2];
        open_trial(&t, build);
        t.fail_at = n;
        t.all_fail_after = all_fail_after;
        size_t n_done = apply(&t, false, done);
        if (t.calls < n) {
            assert_int_equal(n_done, t.batch.n);
            assert_int_equal(journal_held(t.journal), 0);
            picture_must_be(&t, &after);
            close_trial(&t);
            return n - 1;
        }
        check_refused(&t, done, n_done);
        picture_must_be(&t, &before);
        check_kept(&t, &after_must);
        close_trial(&t);
    }
    fail_msg("never comes through");
    return 0;
}

static void test_torture__any_failing_call_leaves_all_or_nothing(void **state) {
    (void)state;
    int calls = 0;
    for (size_t i = 0; i < sizeof batches / sizeof batches[0]; i++) {
        int n = torture(batches[i].build, false);
        if (n < 3)
            fail_msg("%s: only %d calls", batches[i].name, n);
        calls += n;
    }
    print_message("# %d failures tried\n", calls);
}

static void test_torture__a_database_that_goes_and_stays_away_loses_nothing(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof batches / sizeof batches[0]; i++)
        torture(batches[i].build, true);
}

static void test_torture__kept_jobs_go_first_and_stand_when_the_next_batch_fails(void **state) {
    (void)state;
    struct trial t;
    struct job *done[JOBS_MAX * 2];
    open_trial(&t, outcome);
    t.fail_at = 2;
    assert_int_equal(apply(&t, false, done), 0);
    assert_int_equal(journal_held(t.journal), 1);

    /* while the database fails on, more is kept, in order, and requests are refused */
    struct batch more = {0};
    put(&more);
    struct job end = {.kind = JOB_CALLBACK_END, .id = 3, .event = 3, .must = true};
    struct job *jobs[] = {&more.jobs[0], &end};
    t.calls = 0;
    t.fail_at = 1;
    assert_int_equal(journal_apply(t.journal, jobs, 2, done), 1);
    assert_ptr_equal(done[0], &more.jobs[0]);
    assert_int_equal(done[0]->result, JOB_FAILED);
    assert_int_equal(journal_held(t.journal), 2);

    /* the kept go through (begin, the webhooks, update, event, attempt, callback, delete, commit: 8 calls);
     * what fails is the new batch's own begin */
    t.calls = 0;
    t.fail_at = 9;
    assert_int_equal(journal_apply(t.journal, jobs, 1, done), 3);
    assert_ptr_equal(done[0], &t.batch.jobs[0]);
    assert_ptr_equal(done[1], &end);
    assert_int_equal(done[0]->result, JOB_DONE);
    assert_int_equal(done[1]->result, JOB_DONE);
    assert_ptr_equal(done[2], &more.jobs[0]);
    assert_int_equal(done[2]->result, JOB_FAILED);
    assert_int_equal(journal_held(t.journal), 0);
    message_free(more.messages[0]);
    close_trial(&t);
}

static int forgotten;
static void count_forgotten(struct job *j) {
    assert_true(j->must);
    forgotten++;
}

static void test_torture__abandoned_jobs_are_handed_over_once(void **state) {
    (void)state;
    struct trial t;
    struct job *done[JOBS_MAX * 2];
    open_trial(&t, outcomes_among_requests);
    t.fail_at = 1;
    assert_int_equal(apply(&t, false, done), 2);
    forgotten = 0;
    journal_abandon(t.journal, count_forgotten);
    assert_int_equal(forgotten, 2);
    assert_int_equal(journal_held(t.journal), 0);
    journal_abandon(t.journal, count_forgotten);
    assert_int_equal(forgotten, 2);
    close_trial(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_torture__any_failing_call_leaves_all_or_nothing),
        cmocka_unit_test(test_torture__a_database_that_goes_and_stays_away_loses_nothing),
        cmocka_unit_test(test_torture__kept_jobs_go_first_and_stand_when_the_next_batch_fails),
        cmocka_unit_test(test_torture__abandoned_jobs_are_handed_over_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
