/* buf, arena, err. */
#include "check.h"

#include "base/arena.h"
#include "base/err.h"

static void test_buf__a_write_past_the_maximum_writes_nothing_and_sticks(void **state) {
    (void)state;
    struct buf BUF_AUTO b = BUF_INIT(8);
    assert_true(buf_adds(&b, "12345"));
    assert_false(buf_adds(&b, "6789"));
    assert_true(b.overflow);
    assert_false(buf_addc(&b, '6')); /* would fit, but the series is broken */
    assert_sv(buf_sv(&b), "12345");
    buf_reset(&b);
    assert_true(buf_adds(&b, "12345678"));
    assert_false(buf_addf(&b, "%d", 9));
    assert_sv(buf_sv(&b), "12345678");
}

static void test_buf__content_is_always_a_c_string(void **state) {
    (void)state;
    struct buf BUF_AUTO b = BUF_INIT(1000);
    for (int i = 0; i < 500; i++) {
        assert_true(i % 2 ? buf_addc(&b, 'x') : buf_addf(&b, "%c", 'y'));
        assert_int_equal(strlen(b.p), b.n);
    }
    buf_reset(&b);
    assert_string_equal(b.p, "");
    assert_true(buf_add(&b, SV_NONE));
}

static void test_buf__numbers_at_their_ends(void **state) {
    (void)state;
    struct buf BUF_AUTO b = BUF_INIT(200);
    buf_add_u64(&b, 0);
    buf_addc(&b, ' ');
    buf_add_u64(&b, UINT64_MAX);
    buf_addc(&b, ' ');
    buf_add_i64(&b, INT64_MIN);
    buf_addc(&b, ' ');
    buf_add_i64(&b, INT64_MAX);
    assert_sv(buf_sv(&b), "0 18446744073709551615 -9223372036854775808 9223372036854775807");
}

static void test_buf__stolen_bytes_are_the_callers(void **state) {
    (void)state;
    struct buf BUF_AUTO b = BUF_INIT(200);
    buf_adds(&b, "mine");
    char *p = buf_steal(&b);
    assert_null(b.p);
    assert_int_equal(b.n, 0);
    assert_true(buf_adds(&b, "again"));
    assert_string_equal(p, "mine");
    free(p);
}

static void test_arena__memory_is_aligned_and_apart(void **state) {
    (void)state;
    struct arena ARENA_AUTO a;
    arena_init(&a, 1 << 20);
    unsigned char *at[200];
    for (size_t i = 0; i < 200; i++) {
        at[i] = arena_alloc(&a, i * 7);
        assert_non_null(at[i]);
        assert_int_equal((uintptr_t)at[i] % _Alignof(max_align_t), 0);
        memset(at[i], (int)i, i * 7);
    }
    for (size_t i = 0; i < 200; i++)
        for (size_t k = 0; k < i * 7; k++)
            assert_int_equal(at[i][k], (unsigned char)i);
}

static void test_arena__full_sticks_until_reset(void **state) {
    (void)state;
    struct arena ARENA_AUTO a;
    arena_init(&a, 100);
    assert_non_null(arena_alloc(&a, 64));
    assert_null(arena_alloc(&a, 64));
    assert_true(a.full);
    assert_null(arena_alloc(&a, 1));
    assert_null(arena_dup(&a, SV("x")).p);
    arena_reset(&a);
    assert_false(a.full);
    assert_null(arena_alloc(&a, SIZE_MAX)); /* rounding up must not wrap */
    arena_reset(&a);
    char *z = arena_zalloc(&a, 50);
    assert_non_null(z);
    for (int i = 0; i < 50; i++)
        assert_int_equal(z[i], 0);
}

static void test_arena__a_copy_ends_in_nul(void **state) {
    (void)state;
    struct arena ARENA_AUTO a;
    arena_init(&a, 1000);
    struct sv v = arena_dup(&a, sv_sub(SV("hello world"), 0, 5));
    assert_sv(v, "hello");
    assert_int_equal(v.p[5], 0);
    assert_non_null(arena_dup(&a, SV_NONE).p);
}

static void test_err__filled_once_with_kind_field_and_text(void **state) {
    (void)state;
    struct err e = ERR_INIT;
    assert_false(err_set(&e, ERR_BUSY, "wait %d s", 3));
    assert_int_equal(e.kind, ERR_BUSY);
    assert_string_equal(e.text, "wait 3 s");
    assert_string_equal(e.field, "");
    assert_false(err_set_field(&e, ERR_INVALID, "to", "no number"));
    assert_string_equal(e.field, "to");
    assert_false(err_set(NULL, ERR_INTERNAL, "nobody listens"));
    char big[ERR_TEXT_MAX * 2];
    memset(big, 'x', sizeof big - 1);
    big[sizeof big - 1] = '\0';
    err_set_field(&e, ERR_INVALID, big, "%s", big);
    assert_int_equal(strlen(e.text), ERR_TEXT_MAX - 1);
    assert_int_equal(strlen(e.field), ERR_FIELD_MAX - 1);
}

static void test_err__each_kind_has_a_name_and_a_status(void **state) {
    (void)state;
    for (int k = ERR_INVALID; k <= ERR_INTERNAL; k++) {
        int status = err_http_status((enum err_kind)k);
        assert_true(status >= 400 && status < 600);
        for (int other = ERR_NONE; other < k; other++)
            assert_string_not_equal(err_kind_name((enum err_kind)k), err_kind_name((enum err_kind)other));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_buf__a_write_past_the_maximum_writes_nothing_and_sticks),
        cmocka_unit_test(test_buf__content_is_always_a_c_string),
        cmocka_unit_test(test_buf__numbers_at_their_ends),
        cmocka_unit_test(test_buf__stolen_bytes_are_the_callers),
        cmocka_unit_test(test_arena__memory_is_aligned_and_apart),
        cmocka_unit_test(test_arena__full_sticks_until_reset),
        cmocka_unit_test(test_arena__a_copy_ends_in_nul),
        cmocka_unit_test(test_err__filled_once_with_kind_field_and_text),
        cmocka_unit_test(test_err__each_kind_has_a_name_and_a_status),
    };
    return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}
