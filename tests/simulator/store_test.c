/* The store and the timers against slow, obvious models of them, over random histories. */
#include "simulator/sim_prng.h"
#include "simulator/sim_store.h"
#include "simulator/sim_timers.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { KEEP = 37, ADDED = 5000, NUMBERS = 5, TEXTS = 7 };

struct model {
    unsigned number, text;
};

static unsigned below(struct prng *p, unsigned n) {
    return (unsigned)(prng_next(p) % n);
}

static uint64_t add(struct store *s, struct model m, int64_t now, bool *fresh) {
    static const char body[] = "0123456789";
    struct sim_draft d = {.number = 15550000000 + m.number, .body = sv_make(body, m.text + 1)};
    return store_add(s, &d, now, fresh);
}

/* The newest in [first, before) with that number, and that text if it is not TEXTS; 0: none. */
static uint64_t naive(const struct model *all, uint64_t first, uint64_t before, unsigned number,
                      unsigned text) {
    for (uint64_t seq = before; seq-- > first;)
        if (all[seq].number == number && (text == TEXTS || all[seq].text == text))
            return seq;
    return 0;
}

static void test_store__chains_agree_with_a_search_through_all(void **state) {
    (void)state;
    static struct model all[ADDED + 1];
    struct store s;
    struct err e = ERR_INIT;
    struct prng dice;
    prng_init(&dice, 7);
    assert_true(store_init(&s, KEEP, (struct sip_key){1, 2}, &e));
    for (uint64_t i = 1; i <= ADDED; i++) {
        struct model m = {below(&dice, NUMBERS), below(&dice, TEXTS)};
        all[i] = m;
        bool fresh;
        assert_int_equal(add(&s, m, (int64_t)i, &fresh), i);
        uint64_t first = i > KEEP ? i - KEEP + 1 : 1, older = naive(all, first, i, m.number, m.text);
        assert_int_equal(fresh, older == 0);
        assert_int_equal(store_older_copy(&s, i), older);
        if (older) {
            assert_true(store_get(&s, older)->superseded);
            assert_int_equal(store_get(&s, i)->times, store_get(&s, older)->times + 1);
        }
        for (unsigned n = 0; n < NUMBERS; n++) {
            uint64_t at = store_older_of(&s, 15550000000 + n, 0),
                     expected = naive(all, first, i + 1, n, TEXTS);
            for (; at; at = store_older_of(&s, 15550000000 + n, at)) {
                assert_int_equal(at, expected);
                assert_int_equal(store_body(store_get(&s, at)).n, all[at].text + 1);
                expected = naive(all, first, at, n, TEXTS);
            }
            assert_int_equal(expected, 0);
        }
        if (below(&dice, 500) == 0) { /* a reset: what was is gone, numbers go on */
            store_reset(&s);
            for (uint64_t k = 1; k <= i; k++)
                all[k].number = NUMBERS;
        }
    }
    store_done(&s);
}

static void test_store__sids_lead_back_and_cannot_be_made_up(void **state) {
    (void)state;
    struct store s;
    struct err e = ERR_INIT;
    assert_true(store_init(&s, 1, (struct sip_key){3, 4}, &e));
    for (uint64_t seq = 1; seq < 2000; seq += 7) {
        struct sid sid = store_sid(&s, seq);
        assert_int_equal(store_seq(&s, sid_sv(&sid)), seq);
        sid.text[20] = sid.text[20] == '0' ? '1' : '0';
        assert_int_equal(store_seq(&s, sid_sv(&sid)), 0);
    }
    assert_int_equal(store_seq(&s, SV("SM")), 0);
    assert_int_equal(store_seq(&s, SV_NONE), 0);
    store_done(&s);
}

static void test_store__links_survive_the_wrap_of_their_32_bits(void **state) {
    (void)state;
    struct store s;
    struct err e = ERR_INIT;
    bool fresh;
    assert_true(store_init(&s, KEEP, (struct sip_key){5, 6}, &e));
    s.first = s.next = (uint64_t)UINT32_MAX - 10;
    for (unsigned i = 0; i < 20; i++)
        add(&s, (struct model){1, 1}, 1, &fresh);
    uint64_t at = store_older_of(&s, 15550000001, 0);
    for (unsigned i = 0; i < 20; i++, at = store_older_of(&s, 15550000001, at))
        assert_int_equal(at, (uint64_t)UINT32_MAX + 9 - i);
    assert_int_equal(at, 0);
    store_done(&s);
}

static void test_numbers__go_through_text_and_back(void **state) {
    (void)state;
    static const char *const bad[] = {
        "", "+", "15558675310", "+0123456789", "+123456", "+1234567890123456", "+1555867531x"};
    uint64_t n;
    assert_true(sim_number_parse(SV("+8613800138000"), &n));
    struct buf BUF_AUTO out = BUF_INIT(32);
    sim_number_add(&out, n);
    assert_string_equal(out.p, "+8613800138000");
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(sim_number_parse(sv_of(bad[i]), &n));
}

/* ---- timers ---- */

enum { TIMERS = 200 };

struct fired {
    int64_t last_due;
    uint64_t last_order;
    unsigned n;
};

static void note(void *ctx, struct timer *t) {
    struct fired *f = ctx;
    assert_true(t->due_at > f->last_due || (t->due_at == f->last_due && t->order > f->last_order));
    f->last_due = t->due_at;
    f->last_order = t->order;
    f->n++;
}

static void test_timers__fire_in_order_once_and_not_when_cancelled(void **state) {
    (void)state;
    struct timers ts = {0};
    static struct timer all[TIMERS];
    struct prng dice;
    prng_init(&dice, 11);
    for (unsigned round = 0; round < 200; round++) {
        unsigned cancelled = 0;
        for (unsigned i = 0; i < TIMERS; i++) {
            all[i] = (struct timer){.fire = note};
            assert_true(timers_set(&ts, &all[i], below(&dice, 50)));
        }
        for (unsigned i = 0; i < TIMERS; i++)
            if (below(&dice, 3) == 0) {
                timers_cancel(&ts, &all[i]);
                timers_cancel(&ts, &all[i]);
                cancelled++;
            }
        struct fired f = {.last_due = -1};
        timers_run(&ts, 24, &f);
        assert_true(timers_next(&ts) > 24);
        timers_run(&ts, 50, &f);
        assert_int_equal(f.n + cancelled, TIMERS);
        assert_true(timers_next(&ts) == INT64_MAX);
    }
    timers_done(&ts);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_store__chains_agree_with_a_search_through_all),
        cmocka_unit_test(test_store__sids_lead_back_and_cannot_be_made_up),
        cmocka_unit_test(test_store__links_survive_the_wrap_of_their_32_bits),
        cmocka_unit_test(test_numbers__go_through_text_and_back),
        cmocka_unit_test(test_timers__fire_in_order_once_and_not_when_cancelled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
