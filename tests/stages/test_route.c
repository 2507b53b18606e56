/* Routes against a naive reading of the same conditions, and what sharing by the recipient promises. */
#include "../base/check.h"
#include "policy/cheapest.h"
#include "policy/route.h"
#include "text/phone.h"

#include <math.h>
#include <stdlib.h>

enum { MANY = 200, QUERIES = 4000, PEOPLE = 20000 };

static const struct sip_key key = {.k0 = 7, .k1 = 11};

static uint64_t draw(uint64_t *seed, uint64_t bound) {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed % bound;
}

static struct sv pool[ROUTE_BYS][6] = {
    [ROUTE_COUNTRY] = {SV("CN"), SV("US"), SV("GB"), SV("HK"), SV("DE"), SV("JP")},
    [ROUTE_TYPE] = {SV("mobile"), SV("fixed_or_mobile"), SV("voip"), SV("pager"), SV("personal"),
                    SV("fixed")},
    [ROUTE_PREFIX] = {SV("86"), SV("86138"), SV("1"), SV("1212"), SV("447"), SV("861380")},
    [ROUTE_TOPIC] = {SV("otp"), SV("promo"), SV("order"), SV("a"), SV("b"), SV("c")},
    [ROUTE_TEMPLATE] = {SV("t1"), SV("t2"), SV("t3"), SV("t4"), SV("t5"), SV("t6")},
    [ROUTE_ACCOUNT] = {SV("acme"), SV("beta"), SV("shop"), SV("x"), SV("y"), SV("z")},
    [ROUTE_SENDER] = {SV("Shop"), SV("+15005550006"), SV("10690"), SV("s4"), SV("s5"), SV("s6")},
    [ROUTE_CHANNEL] = {SV("sms"), SV("voice"), SV("email"), SV("push"), SV("whatsapp"), SV("chat")},
};

static struct sv numbers[] = {SV("+8613800138000"), SV("+8613912345678"), SV("+12125550123"),
                              SV("+14155552671"),   SV("+447400123456"),  SV("+85251234567"),
                              SV("+4915123456789"), SV("+819012345678"),  SV("somebody@example.com")};

static struct route_rule *make_routes(uint64_t *seed, size_t n) {
    struct route_rule *r = calloc(n, sizeof *r);
    assert_non_null(r);
    for (size_t i = 0; i < n; i++) {
        snprintf(r[i].name, sizeof r[i].name, "r%zu", i);
        r[i].n_lanes = 1;
        for (int by = 0; by < ROUTE_BYS; by++) {
            if (draw(seed, 10) < 6)
                continue;
            r[i].when[by].n = (uint32_t)(1 + draw(seed, 3));
            r[i].when[by].at = calloc(r[i].when[by].n, sizeof(struct sv));
            assert_non_null(r[i].when[by].at);
            for (uint32_t k = 0; k < r[i].when[by].n; k++)
                r[i].when[by].at[k] = pool[by][draw(seed, 6)];
        }
    }
    return r;
}

static void free_routes(struct route_rule *r, size_t n) {
    for (size_t i = 0; i < n; i++)
        for (int by = 0; by < ROUTE_BYS; by++)
            free(r[i].when[by].at);
    free(r);
}

static bool satisfies(enum route_by by, struct sv value, const struct route_query *q) {
    struct phone p = {.region = ""};
    bool number = channel_has_numbers(q->channel) && phone_parse(q->to, SV_NONE, &p, NULL);
    switch (by) {
    case ROUTE_COUNTRY: return number && sv_eq(value, sv_of(p.region));
    case ROUTE_TYPE: return number && sv_eq(value, sv_of(phone_type_name(p.type)));
    case ROUTE_PREFIX:
        return channel_has_numbers(q->channel) && sv_starts(q->to, SV("+")) &&
               sv_starts(sv_from(q->to, 1), value);
    case ROUTE_TOPIC: return sv_eq(value, q->topic);
    case ROUTE_TEMPLATE: return sv_eq(value, q->template);
    case ROUTE_ACCOUNT: return sv_eq(value, q->account);
    case ROUTE_SENDER: return sv_eq(value, q->sender);
    case ROUTE_CHANNEL: return sv_eq(value, sv_of(channel_name(q->channel)));
    case ROUTE_BYS: break;
    }
    return false;
}

static unsigned misfits(const struct route_rule *r, const struct route_query *q) {
    unsigned out = 0;
    for (int by = 0; by < ROUTE_BYS; by++) {
        bool any = r->when[by].n == 0;
        for (uint32_t k = 0; k < r->when[by].n; k++)
            any |= satisfies((enum route_by)by, r->when[by].at[k], q);
        out |= any ? 0 : 1u << by;
    }
    return out;
}

static struct route_query make_query(uint64_t *seed) {
    return (struct route_query){
        .to = numbers[draw(seed, sizeof numbers / sizeof numbers[0])],
        .topic = draw(seed, 3) ? pool[ROUTE_TOPIC][draw(seed, 6)] : SV_NONE,
        .template = draw(seed, 3) ? pool[ROUTE_TEMPLATE][draw(seed, 6)] : SV_NONE,
        .account = pool[ROUTE_ACCOUNT][draw(seed, 6)],
        .sender = draw(seed, 2) ? pool[ROUTE_SENDER][draw(seed, 6)] : SV_NONE,
        .channel = draw(seed, 3) ? CHANNEL_SMS : (enum channel)draw(seed, CHANNEL_COUNT),
    };
}

static void test_route__the_first_that_fits_is_found_as_a_naive_reading_finds_it(void **state) {
    (void)state;
    for (uint64_t s = 1; s <= 20; s++) {
        uint64_t seed = s * 88172645463325252u;
        size_t n = 1 + draw(&seed, MANY);
        struct route_rule *routes = make_routes(&seed, n);
        struct route_table *t = route_table_new(routes, n, key);
        assert_non_null(t);
        for (int k = 0; k < QUERIES / 20; k++) {
            struct route_query q = make_query(&seed);
            const struct route_rule *right = NULL;
            for (size_t i = 0; i < n; i++) {
                unsigned m = misfits(&routes[i], &q);
                assert_int_equal(route_misfits(t, i, &q), m);
                if (!m && !right)
                    right = &routes[i];
            }
            assert_ptr_equal(route_find(t, &q), right);
        }
        route_table_free(t);
        free_routes(routes, n);
    }
}

static void test_route__a_hidden_route_is_never_the_first_that_fits(void **state) {
    (void)state;
    unsigned hidden = 0;
    for (uint64_t s = 1; s <= 10; s++) {
        uint64_t seed = s * 2862933555777941757u;
        struct route_rule *routes = make_routes(&seed, MANY);
        struct route_table *t = route_table_new(routes, MANY, key);
        assert_non_null(t);
        for (int k = 0; k < QUERIES / 10; k++) {
            struct route_query q = make_query(&seed);
            const struct route_rule *r = route_find(t, &q);
            assert_true(!r || !route_hidden_by(routes, (size_t)(r - routes)));
        }
        for (size_t i = 0; i < MANY; i++)
            hidden += route_hidden_by(routes, i) != NULL;
        route_table_free(t);
        free_routes(routes, MANY);
    }
    assert_true(hidden > 0);
}

static struct sv person(char mem[20], unsigned i) {
    int n = snprintf(mem, 20, "+8613%09u", i);
    return sv_make(mem, (size_t)n);
}

static struct route_rule shared(uint32_t a, uint32_t b, uint32_t c) {
    struct route_rule r = {.name = "shared", .n_lanes = 4};
    r.lanes[0] = (struct route_lane){.lane = 0, .name = SV("a"), .weight = a};
    r.lanes[1] = (struct route_lane){.lane = 1, .name = SV("b"), .weight = b};
    r.lanes[2] = (struct route_lane){.lane = 2, .name = SV("c"), .weight = c};
    r.lanes[3] = (struct route_lane){.lane = 3, .name = SV("last")};
    return r;
}

static void test_route__weights_share_the_recipients_and_the_rest_follow_in_order(void **state) {
    (void)state;
    struct route_rule r = shared(70, 20, 10);
    struct route_table *t = route_table_new(&r, 1, key);
    assert_non_null(t);
    unsigned first[3] = {0};
    for (unsigned i = 0; i < PEOPLE; i++) {
        char mem[20];
        struct route_order o, again;
        route_order(t, &r, person(mem, i), false, &o);
        route_order(t, &r, person(mem, i), false, &again);
        assert_int_equal(o.n, 4);
        assert_int_equal(o.lanes[3], 3);
        assert_memory_equal(&o.lanes, &again.lanes, 4 * sizeof o.lanes[0]); /* sticky */
        assert_int_equal(1u << o.lanes[0] | 1u << o.lanes[1] | 1u << o.lanes[2], 7);
        first[o.lanes[0]]++;
    }
    const double right[3] = {0.7, 0.2, 0.1};
    for (int i = 0; i < 3; i++) /* five standard deviations */
        assert_true(fabs(first[i] - PEOPLE * right[i]) < 5 * sqrt(PEOPLE * right[i] * (1 - right[i])));
    route_table_free(t);
}

static void test_route__a_lane_more_moves_only_those_it_gets(void **state) {
    (void)state;
    struct route_rule before = shared(50, 50, 1), after;
    before.n_lanes = 2;
    after = before;
    after.lanes[2] = (struct route_lane){.lane = 2, .name = SV("new"), .weight = 25};
    after.n_lanes = 3;
    struct route_table *t1 = route_table_new(&before, 1, key), *t2 = route_table_new(&after, 1, key);
    assert_true(t1 && t2);
    unsigned moved = 0;
    for (unsigned i = 0; i < PEOPLE; i++) {
        char mem[20];
        struct route_order o1, o2;
        route_order(t1, &before, person(mem, i), false, &o1);
        route_order(t2, &after, person(mem, i), false, &o2);
        if (o1.lanes[0] == o2.lanes[0])
            continue;
        assert_int_equal(o2.lanes[0], 2);
        moved++;
    }
    assert_true(fabs(moved - PEOPLE * 0.2) < 5 * sqrt(PEOPLE * 0.2 * 0.8));
    route_table_free(t1);
    route_table_free(t2);
}

static void test_route__the_canary_gets_its_share_first_and_the_others_stay_where_they_were(void **state) {
    (void)state;
    struct route_rule r = shared(1, 1, 1);
    r.canary = 9;
    r.canary_permille = 50;
    struct route_table *t = route_table_new(&r, 1, key);
    assert_non_null(t);
    unsigned canaries = 0;
    for (unsigned i = 0; i < PEOPLE; i++) {
        char mem[20];
        struct route_order with, without;
        route_order(t, &r, person(mem, i), false, &with);
        route_order(t, &r, person(mem, i), true, &without);
        assert_false(without.canary);
        assert_int_equal(with.n, without.n + with.canary);
        assert_memory_equal(with.lanes + with.canary, without.lanes, without.n * sizeof with.lanes[0]);
        assert_true(!with.canary || with.lanes[0] == 9);
        canaries += with.canary;
    }
    assert_true(fabs(canaries - PEOPLE * 0.05) < 5 * sqrt(PEOPLE * 0.05 * 0.95));
    route_table_free(t);
}

static void test_route__the_cheapest_goes_first_but_behind_the_canary(void **state) {
    (void)state;
    enum { CANARY, DEAR, CHEAP, ILL, FREE };
    const struct cheapest_lane of[ROUTE_LANES_MAX + 1] = {
        [CANARY] = {.priced = true, .healthy = true, .price = 9},
        [DEAR] = {.priced = true, .healthy = true, .price = 5},
        [CHEAP] = {.priced = true, .healthy = true, .price = 2},
        [ILL] = {.priced = true, .price = 1},
        [FREE] = {.healthy = true}, /* has no price */
    };
    static const uint32_t with[] = {CANARY, CHEAP, DEAR, FREE, ILL},
                          without[] = {CHEAP, DEAR, CANARY, FREE, ILL};
    struct route_order o = {.lanes = {CANARY, DEAR, CHEAP, ILL, FREE}, .n = 5, .canary = true};
    struct cheapest_lane costs[ROUTE_LANES_MAX + 1];
    memcpy(costs, of, sizeof costs);
    cheapest_order(&o, costs);
    assert_memory_equal(o.lanes, with, sizeof with);
    o = (struct route_order){.lanes = {CANARY, DEAR, CHEAP, ILL, FREE}, .n = 5};
    memcpy(costs, of, sizeof costs);
    cheapest_order(&o, costs);
    assert_memory_equal(o.lanes, without, sizeof without);
}

static void test_route__a_sender_stays_with_its_recipient_and_fits_the_country(void **state) {
    (void)state;
    struct sender_id at[5] = {{.name = SV("A")},
                              {.name = SV("B")},
                              {.name = SV("UK"), .countries = SV("GB,IE")},
                              {.name = SV("UK2"), .countries = SV("GB")},
                              {.name = SV("C")}};
    struct sender_id_list four = {.at = at, .n = 4}, five = {.at = at, .n = 5},
                          foreign = {.at = &at[2], .n = 2};
    unsigned a = 0, moved = 0, uk = 0;
    for (unsigned i = 0; i < PEOPLE; i++) {
        char mem[20];
        struct sv to = person(mem, i);
        const struct sender_id *s = route_sender(key, &four, SV("CN"), to, false),
                               *s5 = route_sender(key, &five, SV("CN"), to, false);
        assert_true(s == &at[0] || s == &at[1]);
        assert_ptr_equal(s, route_sender(key, &four, SV("CN"), to, false));
        a += s == &at[0];
        assert_true(s5 == s || s5 == &at[4]);
        moved += s5 != s;
        s = route_sender(key, &five, SV("GB"), to, false);
        assert_true(s == &at[2] || s == &at[3]);
        uk += s == &at[2];
        assert_ptr_equal(route_sender(key, &five, SV("IE"), to, false), &at[2]);
    }
    assert_true(fabs(a - PEOPLE / 2.0) < 5 * sqrt(PEOPLE * 0.25));
    assert_true(fabs(uk - PEOPLE / 2.0) < 5 * sqrt(PEOPLE * 0.25));
    assert_true(fabs(moved - PEOPLE / 3.0) < 5 * sqrt(PEOPLE * 0.23));
    assert_null(route_sender(key, &foreign, SV("CN"), SV("+8613800138000"), false));
}

static void test_route__a_sender_is_of_a_kind_that_the_country_takes(void **state) {
    (void)state;
    struct sender_id at[] = {{.name = SV("Shop")},
                             {.name = SV("+15005550006")},
                             {.name = SV("+447400123456")},
                             {.name = SV("12345")},
                             {.name = SV("Salon"), .countries = SV("KR")}};
    struct sender_id_list mixed = {.at = at, .n = 5}, names = {.at = at, .n = 1};
    bool shop = false, british = false;
    for (unsigned i = 0; i < PEOPLE; i++) {
        char mem[20];
        struct sv to = person(mem, i);
        const struct sender_id *s = route_sender(key, &mixed, SV("GB"), to, true);
        assert_ptr_equal(route_sender(key, &mixed, SV("US"), to, true), &at[1]);
        assert_ptr_equal(route_sender(key, &mixed, SV("KR"), to, true), &at[4]); /* who names it knows */
        assert_ptr_equal(route_sender(key, &names, SV("US"), to, true), &at[0]);
        assert_true(s == &at[0] || s == &at[1] || s == &at[2]);
        shop |= s == &at[0];
        british |= s == &at[2];
        s = route_sender(key, &mixed, SV("BR"), to, true);
        assert_true(s == &at[1] || s == &at[2]);
    }
    assert_true(shop && british);
}

static void test_route__lanes_canaries_and_senders_are_read_as_written(void **state) {
    (void)state;
    struct sv name;
    uint32_t n;
    struct sender_id s;
    struct err e = ERR_INIT;
    assert_true(route_lane_parse(SV("twilio"), &name, &n, &e) && n == 0);
    assert_true(route_lane_parse(SV(" twilio  70 "), &name, &n, &e) && n == 70);
    assert_sv(name, "twilio");
    static const char *const bad_lanes[] = {"", "a 0", "a b", "a -1", "a 5%", "a b 7", "a 10001"};
    for (size_t i = 0; i < sizeof bad_lanes / sizeof *bad_lanes; i++)
        assert_false(route_lane_parse(sv_of(bad_lanes[i]), &name, &n, &e));
    assert_true(route_canary_parse(SV("new 0.5%"), &name, &n, &e) && n == 5);
    assert_true(route_canary_parse(SV("new 50%"), &name, &n, &e) && n == 500);
    static const char *const bad_canaries[] = {"new", "new 5",     "new 0%", "new 51%",
                                               "5%",  "new 1.25%", "new .5%"};
    for (size_t i = 0; i < sizeof bad_canaries / sizeof *bad_canaries; i++)
        assert_false(route_canary_parse(sv_of(bad_canaries[i]), &name, &n, &e));
    assert_true(sender_id_parse(SV("My Shop for you for GB,IE"), &s, &e));
    assert_sv(s.name, "My Shop for you");
    assert_true(sender_id_names(&s, SV("IE")) && !sender_id_names(&s, SV("CN")) &&
                !sender_id_names(&s, SV_NONE));
    assert_true(sender_id_parse(SV("+15005550006"), &s, &e) && !sender_id_names(&s, SV("US")));
    static const char *const bad_senders[] = {"", "A for ", "A for gb", "A for GB,", "A for GBR", " for GB"};
    for (size_t i = 0; i < sizeof bad_senders / sizeof *bad_senders; i++)
        assert_false(sender_id_parse(sv_of(bad_senders[i]), &s, &e));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_route__the_first_that_fits_is_found_as_a_naive_reading_finds_it),
        cmocka_unit_test(test_route__a_hidden_route_is_never_the_first_that_fits),
        cmocka_unit_test(test_route__weights_share_the_recipients_and_the_rest_follow_in_order),
        cmocka_unit_test(test_route__a_lane_more_moves_only_those_it_gets),
        cmocka_unit_test(test_route__the_canary_gets_its_share_first_and_the_others_stay_where_they_were),
        cmocka_unit_test(test_route__a_sender_stays_with_its_recipient_and_fits_the_country),
        cmocka_unit_test(test_route__a_sender_is_of_a_kind_that_the_country_takes),
        cmocka_unit_test(test_route__the_cheapest_goes_first_but_behind_the_canary),
        cmocka_unit_test(test_route__lanes_canaries_and_senders_are_read_as_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
