#include "../base/check.h"

#include "model/code.h"
#include "model/secret.h"
#include "model/world.h"

#include <string.h>

static uint64_t draw(void *state) { /* xorshift64 */
    uint64_t *s = state;
    *s ^= *s << 13;
    *s ^= *s >> 7;
    *s ^= *s << 17;
    return *s;
}

static void test_code__every_character_is_as_likely_and_none_looks_like_another(void **state) {
    (void)state;
    enum { ROUNDS = 40000, N = 10 };
    uint64_t seed = 4711;
    const struct world w = {.random = draw, .ctx = &seed};
    for (int a = 0; a < CODE_ALPHABETS; a++) {
        unsigned seen[128] = {0}, kinds = 0;
        char code[CODE_CHARS_MAX + 1];
        for (int i = 0; i < ROUNDS; i++) {
            code_draw(&w, (enum code_alphabet)a, N, code);
            assert_int_equal(strlen(code), N);
            for (int k = 0; k < N; k++)
                seen[(unsigned char)code[k]]++;
        }
        for (int c = 0; c < 128; c++)
            kinds += seen[c] > 0;
        assert_int_equal(kinds, a == CODE_DIGITS ? 10 : 31);
        for (int c = 0; c < 128; c++) {
            double expected = (double)ROUNDS * N / kinds;
            assert_true(seen[c] == 0 || (seen[c] > 0.95 * expected && seen[c] < 1.05 * expected));
        }
        for (const char *c = "OIL01"; *c && a == CODE_ALPHANUMERIC; c++)
            assert_int_equal(seen[(unsigned char)*c], 0);
    }
}

static void test_code__is_read_as_people_type_it(void **state) {
    (void)state;
    static const struct {
        const char *typed, *code;
    } rows[] = {{"123456", "123456"},        {" 123-456 ", "123456"}, {"ab2 cd3", "AB2CD3"}, {"", ""},
                {"12345678901", ""},         {"12\xc3\xa9", ""},      {"12;34", ""},         {"- -", ""},
                {"1234567890", "1234567890"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char code[CODE_CHARS_MAX + 1];
        code_read(sv_of(rows[i].typed), code);
        assert_string_equal(code, rows[i].code);
    }
}

static void test_code__its_hash_wants_key_and_salt(void **state) {
    (void)state;
    const struct vault_key one = {{1}}, two = {{2}};
    const uint8_t salt[CODE_SALT_BYTES] = {1}, other[CODE_SALT_BYTES] = {2};
    uint8_t a[SHA256_BYTES], b[SHA256_BYTES];
    code_hash(&one, salt, SV("123456"), a);
    code_hash(&one, salt, SV("123456"), b);
    assert_memory_equal(a, b, sizeof a);
    code_hash(&two, salt, SV("123456"), b);
    assert_memory_not_equal(a, b, sizeof a);
    code_hash(&one, other, SV("123456"), b);
    assert_memory_not_equal(a, b, sizeof a);
    code_hash(&one, salt, SV("123457"), b);
    assert_memory_not_equal(a, b, sizeof a);
}

static void test_vault__opens_with_its_key_only_and_untouched_only(void **state) {
    (void)state;
    const struct vault_key key = {{7}}, other = {{8}};
    const uint8_t nonce[VAULT_NONCE_BYTES] = {9};
    for (size_t n = 0; n < 70; n += 23) {
        BUF_AUTO struct buf sealed = BUF_INIT(1000), out = BUF_INIT(1000);
        struct sv plain =
            sv_make("0123456789012345678901234567890123456789012345678901234567890123456789", n);
        assert_true(vault_seal(&key, nonce, plain, &sealed));
        assert_true(vault_open(&key, buf_sv(&sealed), &out));
        assert_true(sv_eq(buf_sv(&out), plain));
        buf_reset(&out);
        assert_false(vault_open(&other, buf_sv(&sealed), &out));
        assert_int_equal(out.n, 0);
        for (size_t i = 0; i < sealed.n - 2; i += 5) {
            char was = sealed.p[i];
            sealed.p[i] = was == 'A' ? 'B' : 'A';
            assert_false(vault_open(&key, buf_sv(&sealed), &out));
            sealed.p[i] = was;
        }
        assert_false(vault_open(&key, sv_sub(buf_sv(&sealed), 0, 20), &out));
        assert_false(vault_open(&key, SV("%%%"), &out));
    }
}

static struct message *message_of(const char *body, const char *content) {
    const struct sv text[TEXT_COUNT] = {
        [TEXT_TO] = SV("+8613800138000"), [TEXT_BODY] = sv_of(body), [TEXT_CONTENT] = sv_of(content)};
    struct message *m = message_new(text);
    assert_non_null(m);
    m->segments = 3;
    content_note_plan(m);
    return m;
}

static void test_secret__the_message_holds_the_mask_and_opens_to_the_text(void **state) {
    (void)state;
    static const char *const contents[][2] = {
        {"", ""},
        {"{\"plan\":[{\"channel\":\"voice\",\"body\":\"say 424242\"}]}",
         "{\"plan\":[{\"channel\":\"voice\",\"body\":\"say ******\"}]}"}};
    const struct vault_key key = {{7}}, other = {{8}};
    const uint8_t nonce[VAULT_NONCE_BYTES] = {9};
    for (size_t i = 0; i < 2; i++) {
        struct message *said = message_of("code 424242", contents[i][0]),
                       *shown = message_of("code ******", contents[i][1]);
        struct message *m = secret_seal(said, shown, &key, nonce), open;
        assert_non_null(m);
        assert_true(m->sealed);
        assert_int_equal(m->n_plan, i);
        assert_int_equal(m->segments, 3);
        for (int t = 0; t < TEXT_COUNT; t++)
            assert_true(sv_find(m->text[t], SV("424242")) == SIZE_MAX);
        assert_true(sv_eq(m->text[TEXT_BODY], SV("code ******")));
        ARENA_AUTO struct arena mem;
        arena_init(&mem, 10000);
        assert_false(secret_open(m, &other, &mem, &open));
        assert_true(secret_open(m, &key, &mem, &open));
        assert_true(sv_eq(open.text[TEXT_BODY], SV("code 424242")));
        struct content_step step;
        struct content_code code;
        content_read(&open, (unsigned)i, "", "", &mem, &step, &code);
        assert_true(sv_eq(step.body, i ? SV("say 424242") : SV("code 424242")));
        assert_false(secret_open(said, &key, &mem, &open));
        message_free(m);
        message_free(said);
        message_free(shown);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_code__every_character_is_as_likely_and_none_looks_like_another),
        cmocka_unit_test(test_code__is_read_as_people_type_it),
        cmocka_unit_test(test_code__its_hash_wants_key_and_salt),
        cmocka_unit_test(test_vault__opens_with_its_key_only_and_untouched_only),
        cmocka_unit_test(test_secret__the_message_holds_the_mask_and_opens_to_the_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
