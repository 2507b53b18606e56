#include "kit.h"

#include "../base/check.h"
#include "model/secret.h"
#include "store/reader.h"

#include <string.h>

static const struct vault_key key = {{1, 2, 3}};

static struct message *code_message(int64_t id, const char *code) {
    char said[64];
    snprintf(said, sizeof said, "code %s", code);
    struct message *a = kit_message(id, said, NULL), *b = kit_message(id, "code ******", NULL);
    const uint8_t nonce[VAULT_NONCE_BYTES] = {(uint8_t)id};
    struct message *m = secret_seal(a, b, &key, nonce);
    assert_non_null(m);
    message_free(a);
    message_free(b);
    return m;
}

static struct verification_write begin(const char *code, const char *purpose) {
    struct verification_write w = {.act = VERIFICATION_BEGIN,
                                   .account_id = 1,
                                   .purpose = sv_of(purpose),
                                   .key = &key,
                                   .salt = {7},
                                   .sealed = SV("sealed"),
                                   .attempts_max = 3,
                                   .resends_max = 1,
                                   .resend_us = 30 * US_PER_S,
                                   .valid_us = 600 * US_PER_S};
    code_hash(&key, w.salt, sv_of(code), w.hash);
    return w;
}

static enum job_result put(struct journal *j, struct message *m, struct verification_write *w, enum state to,
                           int64_t due_at, int64_t now) {
    struct job job = kit_put(m, to, due_at);
    job.verification = w;
    job.now = now;
    enum job_result r = kit_do(j, &job);
    if (r == JOB_FAILED)
        assert_int_equal(job.err.kind, ERR_LIMITED);
    return r;
}

static struct job check_job(struct verification_write *w, int64_t id, const char *code) {
    *w = (struct verification_write){
        .act = VERIFICATION_CHECK, .account_id = 1, .id = id, .key = &key, .code = sv_of(code)};
    return (struct job){.kind = JOB_VERIFY, .verification = w, .now = KIT_NOW + US_PER_S};
}

static struct verification check(struct journal *j, int64_t id, const char *code, bool *valid) {
    struct verification_write w;
    struct job job = check_job(&w, id, code);
    assert_int_equal(kit_do(j, &job), JOB_DONE);
    *valid = w.valid;
    return w.row;
}

struct bench {
    struct db *db;
    struct journal *j;
    struct message *m;
};

static struct bench open_one(const char *code) {
    struct err e = ERR_INIT;
    struct bench b = {.db = kit_db()};
    b.j = journal_new(b.db, &e);
    assert_non_null(b.j);
    b.m = code_message(1, code);
    struct verification_write w = begin(code, "login");
    assert_int_equal(put(b.j, b.m, &w, STATE_QUEUED, KIT_NOW, KIT_NOW), JOB_DONE);
    assert_int_equal(w.row.id, 1);
    return b;
}

static void close_one(struct bench *b) {
    message_free(b->m);
    journal_free(b->j);
    db_close(b->db);
}

static void test_guesses__are_counted_and_the_last_wrong_one_ends_it(void **state) {
    (void)state;
    struct bench b = open_one("424242");
    bool valid;
    assert_int_equal(check(b.j, 1, "111111", &valid).status, VERIFICATION_PENDING);
    assert_int_equal(check(b.j, 1, "222222", &valid).attempts, 2);
    assert_int_equal(check(b.j, 1, "333333", &valid).status, VERIFICATION_MAX_ATTEMPTS);
    assert_int_equal(check(b.j, 1, "424242", &valid).attempts, 3);
    assert_false(valid);
    assert_int_equal(check(b.j, 2, "424242", &valid).id, 0); /* there is none */
    close_one(&b);
}

static void test_guesses__of_two_right_ones_in_a_batch_one_is_approved(void **state) {
    (void)state;
    struct bench b = open_one("424242");
    struct verification_write w[2];
    struct job jobs[2] = {check_job(&w[0], 1, "424242"), check_job(&w[1], 1, "424242")};
    struct job *all[2] = {&jobs[0], &jobs[1]}, *done[4];
    assert_int_equal(journal_apply(b.j, all, 2, done), 2);
    assert_true(w[0].valid != w[1].valid);
    close_one(&b);
}

static bool refuse(void *left) {
    return (*(int *)left)-- > 0;
}

static void test_guesses__one_that_is_not_on_disk_is_no_guess_and_has_no_answer(void **state) {
    (void)state;
    struct bench b = open_one("424242");
    for (int steps = 0; steps < 7; steps++) {
        struct verification_write w;
        struct job job = check_job(&w, 1, "424242");
        int left = steps;
        db_inject(b.db, refuse, &left);
        enum job_result r = kit_do(b.j, &job);
        db_inject(b.db, NULL, NULL);
        struct verification v;
        struct err e = ERR_INIT;
        assert_true(verifications_get(b.db, 1, 1, KIT_NOW, &v, NULL, &e));
        assert_int_equal(v.attempts, r == JOB_DONE);
        assert_int_equal(v.status, r == JOB_DONE ? VERIFICATION_APPROVED : VERIFICATION_PENDING);
        if (r == JOB_DONE)
            break;
        assert_true(steps < 6);
    }
    close_one(&b);
}

static void test_begin__a_newer_one_withdraws_the_one_before_but_not_too_soon(void **state) {
    (void)state;
    struct bench b = open_one("424242");
    struct message *m = code_message(2, "535353"), *other = code_message(3, "646464");
    struct verification_write w = begin("535353", "login"), o = begin("646464", "payment");
    bool valid;
    assert_int_equal(put(b.j, m, &w, STATE_QUEUED, KIT_NOW, KIT_NOW + 29 * US_PER_S), JOB_FAILED);
    assert_int_equal(w.wait_us, US_PER_S);
    assert_int_equal(put(b.j, other, &o, STATE_QUEUED, KIT_NOW, KIT_NOW + 29 * US_PER_S), JOB_DONE);
    assert_int_equal(put(b.j, m, &w, STATE_QUEUED, KIT_NOW, KIT_NOW + 30 * US_PER_S), JOB_DONE);
    struct verification v = check(b.j, 1, "424242", &valid);
    assert_false(valid);
    assert_int_equal(v.status, VERIFICATION_CANCELED);
    assert_true(v.superseded);
    assert_int_equal(check(b.j, 3, "646464", &valid).status, VERIFICATION_APPROVED);
    assert_int_equal(check(b.j, 2, "535353", &valid).status, VERIFICATION_APPROVED);
    message_free(m);
    message_free(other);
    close_one(&b);
}

static void test_claim__a_code_that_is_over_is_not_sent(void **state) {
    (void)state;
    struct bench b = open_one("424242");
    bool valid;
    (void)check(b.j, 1, "424242", &valid);
    struct job move = kit_move(b.m, STATE_SENDING, KIT_NOW + 9 * US_PER_S);
    kit_begin(&move, "lane", KIT_NOW);
    move.now = KIT_NOW + 2 * US_PER_S;
    assert_int_equal(kit_do(b.j, &move), JOB_SUPPRESSED);
    assert_int_equal(move.why, REASON_CODE_OVER);
    close_one(&b);
}

/* What is left of the secret: in the message, and in the verification. */
static int sealed_parts(struct db *db) {
    struct err e = ERR_INIT;
    struct verification v;
    BUF_AUTO struct buf sealed = BUF_INIT(1000);
    struct message *m = reader_message(db, 1, 1, &e);
    assert_non_null(m);
    int n = m->sealed;
    assert_true(sv_eq(m->text[TEXT_BODY], SV("code ******")));
    message_free(m);
    assert_true(verifications_get(db, 1, 1, KIT_NOW, &v, &sealed, &e));
    return n + (sealed.n > 0);
}

static void test_end__takes_what_was_sealed(void **state) {
    (void)state;
    struct bench b = open_one("424242");
    bool valid;
    assert_int_equal(sealed_parts(b.db), 2);
    (void)check(b.j, 1, "424242", &valid);
    assert_int_equal(sealed_parts(b.db), 1);
    struct job move = kit_move(b.m, STATE_CANCELED, 0);
    assert_int_equal(kit_do(b.j, &move), JOB_DONE);
    assert_int_equal(sealed_parts(b.db), 0);
    close_one(&b);
}

static void test_prune__ends_what_is_past_and_forgets_what_is_old(void **state) {
    (void)state;
    struct bench b = open_one("424242");
    struct verification_lapsed lapsed[8];
    struct verification v;
    struct err e = ERR_INIT;
    unsigned n;
    int64_t then = KIT_NOW + 601 * US_PER_S;
    assert_true(verifications_prune(b.db, KIT_NOW + US_PER_S, 0, 8, lapsed, &n, &e));
    assert_int_equal(n, 0);
    assert_true(verifications_prune(b.db, then, 0, 8, lapsed, &n, &e));
    assert_int_equal(n, 1);
    assert_string_equal(lapsed[0].to, "+8613800138000");
    assert_true(verifications_get(b.db, 1, 1, then, &v, NULL, &e));
    assert_int_equal(v.status, VERIFICATION_EXPIRED);
    assert_true(verifications_prune(b.db, then, then, 8, lapsed, &n, &e));
    assert_int_equal(n, 0);
    assert_true(verifications_get(b.db, 1, 1, then, &v, NULL, &e));
    assert_int_equal(v.id, 0);
    close_one(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_guesses__are_counted_and_the_last_wrong_one_ends_it),
        cmocka_unit_test(test_guesses__of_two_right_ones_in_a_batch_one_is_approved),
        cmocka_unit_test(test_guesses__one_that_is_not_on_disk_is_no_guess_and_has_no_answer),
        cmocka_unit_test(test_begin__a_newer_one_withdraws_the_one_before_but_not_too_soon),
        cmocka_unit_test(test_claim__a_code_that_is_over_is_not_sent),
        cmocka_unit_test(test_end__takes_what_was_sealed),
        cmocka_unit_test(test_prune__ends_what_is_past_and_forgets_what_is_old),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
