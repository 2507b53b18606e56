/* What gateways count together, against a real Redis and against the counters in memory. */
#include "policy/shared.h"

#include "../net/redis_server.h"
#include "base/clock.h"

#include <hiredis/hiredis.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static struct rate parse(const char *text) {
    struct rate r;
    struct err e = ERR_INIT;
    assert_true(rate_parse(sv_of(text), &r, &e));
    return r;
}

static struct shared *open_shared(const struct redis_server *server) {
    struct err e = ERR_INIT;
    struct redis_where where = {.url = sv_of(server->url), .timeout_ms = 10000};
    struct shared *s = shared_new(&where, SV("t"), NULL, &e);
    assert_non_null(s);
    return s;
}

static void run_one(struct shared *s, struct shared_call *c) {
    shared_run(s, &c, 1);
}

/* The epoch; 0: away. */
static int64_t say_hello(struct shared *s) {
    struct shared_call c = {.kind = SHARED_HELLO};
    run_one(s, &c);
    return c.result == SHARED_DONE ? c.epoch : 0;
}

static int64_t hello_soon(struct shared *s) {
    int64_t epoch = 0;
    for (int64_t until = clock_monotonic_us() + 30 * US_PER_S; !epoch && clock_monotonic_us() < until;) {
        struct timespec ts = {.tv_nsec = 5 * 1000 * 1000};
        nanosleep(&ts, NULL);
        epoch = say_hello(s);
    }
    return epoch;
}

static struct shared_call take_of(const struct limits *l, const struct rate *rates, size_t n,
                                  const struct limit_subject *who, int64_t epoch, int64_t now) {
    struct shared_call c = {.kind = SHARED_TAKE, .epoch = epoch, .now = now};
    uint64_t counters[RATES_MAX];
    uint32_t rules[RATES_MAX];
    c.n = limits_counters(l, rates, n, who, counters, rules);
    for (size_t i = 0; i < c.n; i++)
        c.rules[i] = (struct shared_rule){.counter = counters[i],
                                          .period_us = rates[rules[i]].period_us,
                                          .max = rates[rules[i]].max,
                                          .group = 1};
    return c;
}

static uint64_t draw(uint64_t *seed) {
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return *seed >> 33;
}

static void test_shared__the_script_answers_as_the_counters_in_memory(void **state) {
    (void)state;
    struct redis_server server = {0};
    redis_server_start(&server);
    struct shared *s = open_shared(&server);
    const struct rate rates[] = {parse("3/s per recipient"),       parse("7/10s per account"),
                                 parse("2/s per template"),        parse("20/min per account+topic"),
                                 parse("5/7s per source"),         parse("1000/31d per account"),
                                 parse("4/1s per recipient+topic")};
    enum { N = sizeof rates / sizeof rates[0], STEPS = 6000 };
    static const char *const words[] = {"a", "b", "c"};
    for (uint64_t seed = 1; seed <= 3; seed++) {
        struct limits *l = limits_new((struct sip_key){seed, 2}, 100000);
        int64_t epoch = say_hello(s), now = INT64_C(1767225600) * US_PER_S;
        assert_true(epoch > 0);
        uint64_t rnd = seed;
        unsigned taken = 0;
        struct shared_call given[64] = {0};
        struct limit_subject to_whom[64];
        int64_t when[64];
        for (int step = 0; step < STEPS; step++) {
            now += draw(&rnd) % 8 ? (int64_t)(draw(&rnd) % 200000) : (int64_t)(draw(&rnd) % 4000000);
            struct limit_subject who = {0};
            for (int k = 0; k < RATE_SCOPES; k++)
                if (k == RATE_ACCOUNT || draw(&rnd) % 4)
                    who.parts[k] = sv_of(words[draw(&rnd) % 3]);
            struct limit_answer a;
            struct shared_call c = take_of(l, rates, N, &who, epoch, now);
            bool here = limits_take(l, rates, N, &who, now, &a);
            run_one(s, &c);
            if (c.result != (here ? SHARED_DONE : SHARED_REFUSED) || c.at != now)
                fail_msg("seed %u step %d: here %d, there %d", (unsigned)seed, step, here, (int)c.result);
            uint64_t counters[RATES_MAX];
            uint32_t rules[RATES_MAX];
            limits_counters(l, rates, N, &who, counters, rules);
            const struct rate *tightest = c.tightest < c.n ? &rates[rules[c.tightest]] : NULL;
            if (tightest != a.rate || c.left != a.left || (a.rate && c.wait_us != a.wait_us))
                fail_msg("seed %u step %d: here rule %d, %u left, %lld us; there rule %d, %u left, %lld us",
                         (unsigned)seed, step, a.rate ? (int)(a.rate - rates) : -1, a.left,
                         (long long)a.wait_us, tightest ? (int)(tightest - rates) : -1, c.left,
                         (long long)c.wait_us);
            if (!here)
                continue;
            given[taken % 64] = c;
            to_whom[taken % 64] = who;
            when[taken % 64] = now;
            taken++;
            if (draw(&rnd) % 6 == 0) { /* one of the latest did not come to be */
                unsigned i = (unsigned)(draw(&rnd) % (taken < 64 ? taken : 64));
                if (given[i].kind != SHARED_TAKE)
                    continue;
                given[i].kind = SHARED_GIVE_BACK;
                given[i].now = now;
                run_one(s, &given[i]);
                assert_int_equal(given[i].result, SHARED_DONE);
                limits_give_back(l, rates, N, &to_whom[i], when[i]);
            }
        }
        assert_true(taken > STEPS / 20 && taken < STEPS * 9 / 10);
        limits_free(l);
    }
    shared_free(s);
    redis_server_done(&server);
}

static void test_shared__the_first_group_is_judged_first_and_counts_only_with_the_second(void **state) {
    (void)state;
    struct redis_server server = {0};
    redis_server_start(&server);
    struct shared *s = open_shared(&server);
    int64_t epoch = say_hello(s);
    struct shared_call c = {.kind = SHARED_TAKE, .epoch = epoch, .n = 2};
    c.rules[0] = (struct shared_rule){.counter = 1, .period_us = 3600 * US_PER_S, .max = 2, .group = 0};
    c.rules[1] = (struct shared_rule){.counter = 2, .period_us = 3600 * US_PER_S, .max = 5, .group = 1};
    for (unsigned i = 0; i < 2; i++) {
        run_one(s, &c);
        assert_true(c.result == SHARED_DONE && c.tightest == 1 && c.left == 4 - i);
    }
    run_one(s, &c);
    assert_true(c.result == SHARED_REFUSED && c.tightest == 0 && c.left == 0 && c.wait_us > 0);
    c.n = 1;
    c.rules[0] = c.rules[1];
    run_one(s, &c); /* the refused one used up nothing */
    assert_true(c.result == SHARED_DONE && c.left == 2);
    c.rules[0] = (struct shared_rule){.counter = 9, .period_us = US_PER_S, .max = 1, .group = 0};
    run_one(s, &c);
    assert_true(c.result == SHARED_DONE && c.tightest == c.n); /* codes alone: nothing is told */
    shared_free(s);
    redis_server_done(&server);
}

/* What is owed is told once, stays owed when it could not be told, and all is owed when it was forgotten. */
static void test_shared__what_was_counted_alone_is_told_and_holds_for_all(void **state) {
    (void)state;
    struct redis_server server = {0};
    redis_server_start(&server);
    struct shared *s = open_shared(&server), *other = open_shared(&server);
    const struct rate rates[] = {parse("10/h per account")};
    struct limit_subject who = {.parts = {[RATE_ACCOUNT] = SV("shop")}};
    struct limits *l = limits_new((struct sip_key){1, 2}, 1000);
    int64_t now = clock_system_us(), epoch = say_hello(s);
    struct limit_answer a;
    for (int i = 0; i < 5; i++)
        assert_true(limits_take_part(l, rates, 1, &who, now, 2, &a));
    assert_false(limits_take_part(l, rates, 1, &who, now, 2, &a)); /* half of ten */
    struct limit_debt d;
    assert_true(limits_next_debt(l, now, &d));
    struct limit_debt none;
    assert_false(limits_next_debt(l, now, &none));
    struct shared_call c = {.kind = SHARED_OWED, .epoch = epoch + 1, .n = 1, .debts = &d};
    run_one(s, &c);
    assert_int_equal(c.result, SHARED_AWAY); /* another epoch: not done */
    limits_owe_again(l, &d);
    assert_int_equal(limits_owing(l), 1);
    assert_true(limits_next_debt(l, now, &d));
    c.epoch = epoch;
    run_one(s, &c);
    assert_int_equal(c.result, SHARED_DONE);
    assert_int_equal(limits_owing(l), 0);
    assert_int_equal(say_hello(other), epoch);
    struct shared_call take = take_of(l, rates, 1, &who, epoch, 0);
    for (int i = 0; i < 5; i++) {
        run_one(i % 2 ? s : other, &take);
        assert_int_equal(take.result, SHARED_DONE);
        if (i % 2)
            limits_note(l, rates, 1, &who, now);
    }
    run_one(s, &take);
    assert_int_equal(take.result, SHARED_REFUSED);

    redis_server_kill(&server); /* all is lost there */
    run_one(s, &take);
    assert_int_equal(take.result, SHARED_AWAY);
    assert_true(shared_trouble(s)->kind == ERR_OUTSIDE);
    redis_server_start(&server);
    int64_t later = hello_soon(s);
    assert_true(later > epoch);
    run_one(s, &take);
    assert_int_equal(take.result, SHARED_AWAY); /* asked in the epoch that is over */
    limits_owe_all(l);
    assert_true(limits_next_debt(l, now, &d));
    assert_false(limits_next_debt(l, now, &none));
    c.epoch = later;
    run_one(s, &c);
    take = take_of(l, rates, 1, &who, later, 0);
    unsigned more = 0;
    for (; more < 20; more++) {
        run_one(s, &take);
        if (take.result != SHARED_DONE)
            break;
    }
    assert_int_equal(more, 3); /* ten, less the seven that this one knows of */
    limits_free(l);
    shared_free(s);
    shared_free(other);
    redis_server_done(&server);
}

/* Of a lane of that name: closed for so long from now; what all hear. */
static int64_t close_for(struct shared *s, int64_t epoch, int64_t now, int64_t us) {
    struct shared_call c = {.kind = SHARED_CLOSED, .epoch = epoch, .now = now, .wait_us = us, .n = 1};
    c.rules[0].counter = 7;
    run_one(s, &c);
    assert_int_equal(c.result, SHARED_DONE);
    return c.wait_us;
}

static void test_shared__the_longest_closing_holds_for_all(void **state) {
    (void)state;
    struct redis_server server = {0};
    redis_server_start(&server);
    struct shared *a = open_shared(&server), *b = open_shared(&server);
    int64_t epoch = say_hello(a), now = INT64_C(1767225600) * US_PER_S;
    assert_true(epoch > 0 && say_hello(b) == epoch);
    assert_int_equal(close_for(a, epoch, now, 0), 0);
    assert_int_equal(close_for(a, epoch, now, 4000000), 4000000);
    assert_int_equal(close_for(b, epoch, now + 1000000, 0), 3000000);
    assert_int_equal(close_for(b, epoch, now + 1000000, 1000000),
                     3000000); /* a shorter one changes nothing */
    assert_int_equal(close_for(b, epoch, now + 3500000, 2000000), 2000000);
    assert_int_equal(close_for(a, epoch, now + 5500000, 0), 0);
    shared_free(a);
    shared_free(b);
    redis_server_done(&server);
}

static void test_shared__an_emptied_server_is_a_new_epoch_for_everybody(void **state) {
    (void)state;
    struct redis_server server = {0};
    struct err e = ERR_INIT;
    redis_server_start(&server);
    struct shared *s = open_shared(&server);
    int64_t epoch = say_hello(s);
    struct redis_where where = {.url = sv_of(server.url), .timeout_ms = 10000};
    struct redis *r = redis_new(&where, &e);
    struct shared_call take = {.kind = SHARED_TAKE, .epoch = epoch, .n = 1};
    take.rules[0] = (struct shared_rule){.counter = 1, .period_us = 3600 * US_PER_S, .max = 1, .group = 1};
    const char *const commands[] = {"FLUSHALL", "SCRIPT"};
    for (size_t i = 0; i < 2; i++) { /* the data, then the scripts */
        struct redisReply *reply;
        struct sv words[] = {sv_of(commands[i]), SV("FLUSH")};
        assert_true(redis_call(r, words, i + 1, &reply, &e));
        freeReplyObject(reply);
        run_one(s, &take);
        assert_int_equal(take.result, SHARED_AWAY);
        int64_t now = say_hello(s);
        assert_true(i == 0 ? now > epoch : now == take.epoch);
        take.epoch = now;
        run_one(s, &take);
        assert_int_equal(take.result, i == 0 ? SHARED_DONE : SHARED_REFUSED);
    }
    redis_free(r);
    shared_free(s);
    redis_server_done(&server);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shared__the_script_answers_as_the_counters_in_memory),
        cmocka_unit_test(test_shared__the_first_group_is_judged_first_and_counts_only_with_the_second),
        cmocka_unit_test(test_shared__what_was_counted_alone_is_told_and_holds_for_all),
        cmocka_unit_test(test_shared__the_longest_closing_holds_for_all),
        cmocka_unit_test(test_shared__an_emptied_server_is_a_new_epoch_for_everybody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
