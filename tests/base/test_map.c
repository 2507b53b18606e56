#include "check.h"

#include "base/map.h"

/* A small keyspace, so that keys come again, collide and leave holes; extremes among them. */
enum { KEYS = 300, STEPS = 200000 };

static uint64_t next_random(uint64_t *s) {
    *s ^= *s << 13;
    *s ^= *s >> 7;
    *s ^= *s << 17;
    return *s;
}

static uint64_t key_of(size_t i) {
    return i == 0 ? 0 : i == 1 ? UINT64_MAX : i % 2 ? i * 64 : (uint64_t)i << 54;
}

static void test_map__behaves_like_an_array_of_all_keys(void **state) {
    (void)state;
    struct map m;
    map_init(&m);
    static char values[KEYS * 2];
    void *model[KEYS] = {0};
    size_t n = 0;
    uint64_t seed = 0x9E3779B97F4A7C15u;
    for (int step = 0; step < STEPS; step++) {
        size_t i = next_random(&seed) % KEYS;
        /* Long stretches of mostly putting, then mostly taking. */
        bool put = next_random(&seed) % 100 < (step / 1000 % 2 ? 30 : 70);
        if (put) {
            void *v = &values[next_random(&seed) % (KEYS * 2)];
            map_put(&m, key_of(i), v);
            n += model[i] == NULL;
            model[i] = v;
        } else {
            assert_ptr_equal(map_take(&m, key_of(i)), model[i]);
            n -= model[i] != NULL;
            model[i] = NULL;
        }
        assert_int_equal(m.n, n);
        size_t probe = next_random(&seed) % KEYS;
        assert_ptr_equal(map_get(&m, key_of(probe)), model[probe]);
        if (step % 5000 == 0)
            for (size_t k = 0; k < KEYS; k++)
                assert_ptr_equal(map_get(&m, key_of(k)), model[k]);
    }
    map_done(&m);
}

static void test_map__an_empty_map_has_nothing(void **state) {
    (void)state;
    struct map m;
    map_init(&m);
    assert_null(map_get(&m, 0));
    assert_null(map_take(&m, 0));
    map_done(&m);
    map_done(&m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_map__behaves_like_an_array_of_all_keys),
        cmocka_unit_test(test_map__an_empty_map_has_nothing),
    };
    return cmocka_run_group_tests_name("map", tests, NULL, NULL);
}
