/* Which events owe a callback, and what does not fit. Signatures: check_owed.py. */
#include "../base/check.h"
#include "base/clock.h"
#include "notify/owed.h"

static struct message *message_with(const char *callback, const char *metadata) {
    const struct sv text[TEXT_COUNT] = {[TEXT_TO] = SV("+8613800138000"),
                                        [TEXT_STATUS_CALLBACK] = sv_of(callback),
                                        [TEXT_METADATA] = sv_of(metadata)};
    struct message *m = message_new(text);
    ASSERT(m);
    m->id = 1;
    return m;
}

static void test_owed__each_move_that_a_caller_waits_for_owes_one(void **state) {
    (void)state;
    static const bool right[STATE_COUNT] = {
        [STATE_SENT] = true,    [STATE_DELIVERED] = true, [STATE_UNDELIVERED] = true, [STATE_FAILED] = true,
        [STATE_EXPIRED] = true, [STATE_CANCELED] = true,  [STATE_SUPPRESSED] = true,
    };
    struct message *with = message_with("https://example.com/", ""), *without = message_with("", "");
    for (int s = STATE_ACCEPTED; s < STATE_COUNT; s++)
        for (int note = 0; note < 2; note++) {
            struct change c = {.n_events = 1, .events = {{.state = (enum state)s, .note = note}}};
            assert_int_equal(owed_mark(with, &c), right[s] && !note);
            assert_int_equal(c.callbacks, right[s] && !note);
            c.callbacks = 0;
            assert_false(owed_mark(without, &c));
            assert_int_equal(c.callbacks, 0);
        }
    struct change many = {.n_events = 4,
                          .events = {{.state = STATE_SENDING},
                                     {.state = STATE_SENT},
                                     {.state = STATE_SENT, .note = true},
                                     {.state = STATE_DELIVERED}}};
    assert_true(owed_mark(with, &many));
    assert_int_equal(many.callbacks, 1u << 1 | 1u << 3);
    message_free(with);
    message_free(without);
}

static int64_t now(void *ctx) {
    (void)ctx;
    return US_PER_S;
}

static void test_owed__what_does_not_fit_is_told(void **state) {
    (void)state;
    static char metadata[40000];
    const struct world w = {.now_us = now};
    struct err e = ERR_INIT;
    struct http_request rq;
    memset(metadata, ' ', sizeof metadata - 1);
    struct message *big = message_with("https://example.com/", metadata);
    struct message *small = message_with("https://example.com/", "");
    struct owed o = {.message = big, .state = STATE_SENT, .account_token = SV("t")};
    for (int face = 0; face < 2; face++) {
        struct arena ARENA_AUTO narrow, wide;
        arena_init(&narrow, 64);
        arena_init(&wide, 1 << 20);
        big->face = small->face = (enum face)face;
        o.message = small;
        assert_false(owed_build(&w, &o, &narrow, &rq, &e));
        assert_int_equal(e.kind, ERR_TOO_LARGE);
        assert_true(owed_build(&w, &o, &wide, &rq, &e));
        o.message = big;
        if (face == FACE_NATIVE)
            assert_false(owed_build(&w, &o, &wide, &rq, &e));
    }
    message_free(big);
    message_free(small);
}

static void test_owed__every_state_has_a_word_and_every_reason_a_code_or_none(void **state) {
    (void)state;
    for (int s = 0; s < STATE_COUNT; s++)
        assert_true(owed_twilio_status((enum state)s)[0] != '\0');
    for (int r = 0; r < REASON_COUNT; r++)
        assert_true(owed_twilio_code((enum reason)r) == 0 || owed_twilio_code((enum reason)r) >= 20000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_owed__each_move_that_a_caller_waits_for_owes_one),
        cmocka_unit_test(test_owed__what_does_not_fit_is_told),
        cmocka_unit_test(test_owed__every_state_has_a_word_and_every_reason_a_code_or_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
