/* What one row says of a number is what the lists say, whoever writes them and in whatever order; and nothing
 * is said that is not certain. */
#include "store/numbers.h"

#include "../base/check.h"
#include "kit.h"
#include "store/consents.h"

#include <stdio.h>

enum { NUMBERS = 6, ACCOUNTS = 3, TOPICS = 3, STEPS = 1500, KINDS_OF_STEP = 9 };

static const char *const topics[TOPICS] = {"", "news", "offers"};

static int open_db(void **state) {
    *state = kit_db();
    return 0;
}

static int close_db(void **state) {
    db_close(*state);
    return 0;
}

static struct sv number_of(unsigned i, char out[24]) {
    int n = snprintf(out, 24, "+8613800138%03u", i);
    return sv_make(out, (size_t)n);
}

/* As a program would that knows nothing of rows of numbers. */
static void run(struct db *db, const char *sql) {
    struct err e = ERR_INIT;
    assert_true(db_begin(db, &e) && db_script(db, sql, &e) && db_commit(db, &e));
    assert_true(numbers_install(db, &e));
}

static void add_consent(struct db *db, int64_t account, const char *number, const char *topic,
                        enum consent_act act, int64_t at) {
    struct err e = ERR_INIT;
    const struct consent c = {.account_id = account,
                              .number = sv_of(number),
                              .topic = sv_of(topic),
                              .act = act,
                              .source = SUPPRESSION_BY_API,
                              .at = at,
                              .expires_at = act == CONSENT_REQUESTED ? KIT_NOW + US_PER_S : 0};
    assert_true(consents_add(db, &c, KIT_NOW, &e));
}

static void change_list(struct db *db, enum suppression_act act, int64_t account, const char *number,
                        const char *topic, enum suppression_kind kind, int64_t expires_at) {
    struct err e = ERR_INIT;
    const struct suppression row = {.account_id = account,
                                    .number = sv_of(number),
                                    .topic = sv_of(topic),
                                    .kind = kind,
                                    .source = SUPPRESSION_BY_API,
                                    .expires_at = expires_at};
    struct suppression_write w = {.act = act, .rows = &row, .n = 1};
    assert_true(suppression_write(db, &w, KIT_NOW, &e));
}

/* One change of the lists, by our own code, or as a person with a shell would make it. */
static void change(struct db *db, uint64_t *seed) {
    char number[24], sql[256];
    struct err e = ERR_INIT;
    size_t n;
    int64_t account = (int64_t)(kit_random(seed) % ACCOUNTS);
    const char *topic = topics[kit_random(seed) % TOPICS];
    enum suppression_kind kind = (enum suppression_kind)(1 + kit_random(seed) % 3);
    enum consent_act act = (enum consent_act)(1 + kit_random(seed) % 4);
    int64_t at = KIT_NOW + (int64_t)(kit_random(seed) % 50);
    number_of((unsigned)(kit_random(seed) % NUMBERS), number);
    assert_true(db_begin(db, &e));
    switch (kit_random(seed) % KINDS_OF_STEP) {
    case 0:
        change_list(db, SUPPRESSION_ADD, account, number, topic, kind, kind == 3 ? KIT_NOW + 5 : 0);
        break;
    case 1: change_list(db, SUPPRESSION_RELEASE, account, number, topic, kind, 0); break;
    case 2: change_list(db, SUPPRESSION_RELEASE, account, number, topic, SUPPRESSION_ANY, 0); break;
    case 3:
    case 4: add_consent(db, account, number, topic, act, at); break;
    case 5:
        assert_true(suppression_forget_number(db, account, sv_of(number), &n, &e) &&
                    consents_erase(db, account, sv_of(number), &n, &e));
        break;
    case 6: assert_true(suppression_prune(db, KIT_NOW + (int64_t)(kit_random(seed) % 10), 3, &e)); break;
    case 7:
        snprintf(sql, sizeof sql, "UPDATE consent SET act=%d WHERE number='%s' AND account_id=%d", (int)act,
                 number, (int)account);
        assert_true(db_script(db, sql, &e));
        break;
    case 8:
        snprintf(sql, sizeof sql, "DELETE FROM %s WHERE number='%s' AND account_id=%d",
                 kit_random(seed) % 2 ? "consent" : "suppression", number, (int)account);
        assert_true(db_script(db, sql, &e));
        break;
    default: break;
    }
    if (kit_random(seed) % 4 == 0) /* by a program that leaves its notes behind */
        db_before_commit(db, NULL);
    assert_true(db_commit(db, &e));
}

/* Everything that can be asked; returns how much of it was answered. */
static unsigned compare(struct db *db) {
    static const char rows[] =
        "SELECT count(*) FROM suppression WHERE account_id IN (0, ?) AND number IN (?, ?)";
    struct err e = ERR_INIT;
    unsigned answered = 0;
    for (unsigned i = 0; i < NUMBERS * ACCOUNTS * TOPICS; i++) {
        char text[24];
        struct sv number = number_of(i % NUMBERS, text), topic = sv_of(topics[i / NUMBERS % TOPICS]);
        int64_t account = i / NUMBERS / TOPICS;
        struct numbers_known known;
        bool granted, row;
        assert_true(numbers_ask(db, account, number, topic, &known, &e));
        assert_true(consents_ask(db, account, number, topic, &granted, &e));
        if (known.granted != NUMBERS_ASK)
            assert_int_equal(known.granted, granted ? NUMBERS_YES : NUMBERS_NO);
        struct db_stmt *s = db_stmt(db, rows, &e);
        struct suppression_pseudonym erased = suppression_pseudonym(number);
        db_int(s, account);
        db_text(s, number);
        db_text(s, sv_of(erased.text));
        assert_true(db_next(s, &row, &e));
        if (known.listed == NUMBERS_NO)
            assert_int_equal(db_col_int(s, 0), 0);
        bool in_vain =
            db_col_int(s, 0) == 0 && known.listed == NUMBERS_YES; /* the list is asked for nothing */
        db_end(s);
        answered += known.granted != NUMBERS_ASK;
        answered += known.listed != NUMBERS_ASK && !in_vain;
    }
    return answered;
}

static void test_numbers__say_what_the_lists_say(void **state) {
    struct db *db = *state;
    struct err e = ERR_INIT;
    uint64_t seed = 11;
    unsigned answered = 0, asked = 0;
    for (int i = 0; i < STEPS; i++) {
        bool more = true;
        change(db, &seed);
        answered += compare(db);
        asked += 2 * NUMBERS * ACCOUNTS * TOPICS;
        if (i % 20 == 0)
            assert_true(db_begin(db, &e) && numbers_catch_up(db, 1000, &more, &e) && db_commit(db, &e) &&
                        !more);
    }
    assert_true(answered > asked / 3);
}

static void test_numbers__a_change_that_is_rolled_back_was_never_there(void **state) {
    struct db *db = *state;
    struct err e = ERR_INIT;
    struct numbers_known known;
    assert_true(db_begin(db, &e));
    add_consent(db, 1, "+8613800138000", "news", CONSENT_GRANTED, KIT_NOW);
    change_list(db, SUPPRESSION_ADD, 1, "+8613800138000", "", SUPPRESSION_BLOCK, 0);
    db_rollback(db);
    assert_true(numbers_ask(db, 1, SV("+8613800138000"), SV("news"), &known, &e));
    assert_int_equal(known.granted, NUMBERS_NO);
    assert_int_equal(known.listed, NUMBERS_NO);
}

/* A program from before there were rows of numbers knows nothing of them; the database does. */
static void test_numbers__nothing_is_certain_while_a_change_of_others_is_open(void **state) {
    struct db *db = *state;
    struct err e = ERR_INIT;
    struct numbers_known known;
    bool more = true;
    assert_true(db_begin(db, &e));
    add_consent(db, 1, "+8613800138000", "news", CONSENT_GRANTED, KIT_NOW);
    assert_true(db_commit(db, &e));
    run(db, "INSERT INTO consent (account_id, number, topic, act, source, at, created_at, message_id) VALUES "
            "(1, '+8613800138000', 'news', 2, 1, 1900000000000000, 0, 0)");
    assert_true(numbers_ask(db, 1, SV("+8613800138000"), SV("news"), &known, &e));
    assert_int_equal(known.granted, NUMBERS_ASK);
    assert_int_equal(known.listed, NUMBERS_ASK);
    assert_true(db_begin(db, &e) && numbers_catch_up(db, 10, &more, &e) && db_commit(db, &e));
    assert_false(more);
    assert_true(numbers_ask(db, 1, SV("+8613800138000"), SV("news"), &known, &e));
    assert_int_equal(known.granted, NUMBERS_NO);
    assert_int_equal(known.listed, NUMBERS_NO);
}

static void test_numbers__lists_of_an_older_database_are_read_bit_by_bit(void **state) {
    enum { ROWS = 500, STEP = 37 };
    struct db *db = *state;
    struct err e = ERR_INIT;
    struct numbers_known known;
    uint64_t seed = 5;
    unsigned steps = 0;
    run(db,
        "DROP TABLE number_row; DROP TABLE number_todo; DROP TRIGGER number_list_in; DROP TRIGGER "
        "number_list_out; DROP TRIGGER number_list_moved; DROP TRIGGER number_consent_in; DROP TRIGGER "
        "number_consent_out; DROP TRIGGER number_consent_moved; "
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<500) INSERT INTO consent "
        "(account_id, number, topic, act, source, at, created_at, message_id) SELECT i%3, '+86138001380' || "
        "substr('0' || i%6, -2), CASE i%5 WHEN 0 THEN '' WHEN 1 THEN 'news' ELSE 'offers' END, 1+i%2, 1, "
        "i*7919%1000, 0, 0 FROM n; "
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<500) INSERT INTO suppression "
        "SELECT 1+i%2, '+8613900' || i, '', 1, 1, NULL, NULL, 0, 0, 0, 0 FROM n");
    for (bool more = true; more; steps++) {
        assert_true(numbers_ask(db, 1, SV("+86139001"), SV("news"), &known, &e));
        assert_int_equal(known.listed, NUMBERS_ASK);
        compare(db);
        change(db, &seed); /* life goes on */
        assert_true(db_begin(db, &e) && numbers_catch_up(db, STEP, &more, &e) && db_commit(db, &e));
    }
    assert_true(steps >= 2 * (ROWS / STEP)); /* the last step of one walk is the first of the other */
    assert_int_equal(kit_number(db, "SELECT count(*) FROM number_todo"), 0);
    assert_true(compare(db) > 0);
    assert_true(numbers_ask(db, 2, SV("+86139001"), SV_NONE, &known, &e));
    assert_int_equal(known.listed, NUMBERS_YES);
    assert_true(numbers_ask(db, 1, SV("+86139001"), SV_NONE, &known, &e));
    assert_int_equal(known.listed, NUMBERS_NO);
    assert_true(numbers_install(db, &e)); /* once more changes nothing */
    assert_int_equal(kit_number(db, "SELECT count(*) FROM number_todo"), 0);
}

static void test_numbers__a_pseudonym_is_found_by_the_number(void **state) {
    struct db *db = *state;
    struct err e = ERR_INIT;
    struct numbers_known known;
    size_t kept;
    struct suppression_pseudonym p = suppression_pseudonym(SV("+8613800138000"));
    assert_int_equal(numbers_hash(sv_of(p.text)), numbers_hash(SV("+8613800138000")));
    assert_true(db_begin(db, &e));
    change_list(db, SUPPRESSION_ADD, 1, "+8613800138000", "", SUPPRESSION_OPT_OUT, 0);
    assert_true(suppression_forget_number(db, 1, SV("+8613800138000"), &kept, &e) && db_commit(db, &e));
    assert_true(numbers_ask(db, 1, SV("+8613800138000"), SV_NONE, &known, &e));
    assert_int_equal(known.listed, NUMBERS_YES);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_numbers__say_what_the_lists_say, open_db, close_db),
        cmocka_unit_test_setup_teardown(test_numbers__a_change_that_is_rolled_back_was_never_there, open_db,
                                        close_db),
        cmocka_unit_test_setup_teardown(test_numbers__nothing_is_certain_while_a_change_of_others_is_open,
                                        open_db, close_db),
        cmocka_unit_test_setup_teardown(test_numbers__lists_of_an_older_database_are_read_bit_by_bit, open_db,
                                        close_db),
        cmocka_unit_test_setup_teardown(test_numbers__a_pseudonym_is_found_by_the_number, open_db, close_db),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
