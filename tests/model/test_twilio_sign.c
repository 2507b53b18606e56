/* The vectors of twilio_sign.tsv were made with the vendor's SDK (tests/provider/twilio/make_signatures.mjs).
 */
#include "../base/check.h"

#include "base/arena.h"
#include "model/twilio_sign.h"

#include <stdlib.h>

static struct sv file; /* read once, for the whole program */

struct vector {
    struct sv name, token, url, body, signature;
};

/* The next row; false at the end. */
static bool next_vector(struct sv *rest, struct vector *v) {
    while (rest->n) {
        struct sv line = sv_cut(rest, '\n');
        if (line.n == 0 || line.p[0] == '#')
            continue;
        v->name = sv_cut(&line, '\t');
        v->token = sv_cut(&line, '\t');
        v->url = sv_cut(&line, '\t');
        v->body = sv_cut(&line, '\t');
        v->signature = line;
        assert_int_equal(v->signature.n, 28);
        return true;
    }
    return false;
}

static struct vector vector_of(const char *name) {
    struct sv rest = file;
    struct vector v;
    while (next_vector(&rest, &v))
        if (sv_eq(v.name, sv_of(name)))
            return v;
    fail_msg("no vector %s", name);
    return (struct vector){0};
}

static void test_twilio_sign__agrees_with_the_vendors_sdk(void **state) {
    (void)state;
    struct sv rest = file;
    struct vector v;
    size_t n = 0;
    while (next_vector(&rest, &v)) {
        struct arena ARENA_AUTO mem;
        arena_init(&mem, 1 << 16);
        struct form f;
        struct err e = ERR_INIT;
        assert_true(form_parse(v.body, &mem, &f, &e));
        struct buf BUF_AUTO out = BUF_INIT(64);
        twilio_sign(v.token, v.url, v.body.n ? &f : NULL, &out);
        if (!sv_eq(buf_sv(&out), v.signature))
            fail_msg("%.*s gives %s", SV_FMT(v.name), out.p);
        assert_true(twilio_sign_check(v.token, v.url, &f, v.signature));
        n++;
    }
    assert_int_equal(n, 11);
}

static bool accepted(const char *url, const char *signed_as) {
    struct vector v = vector_of(signed_as);
    struct arena ARENA_AUTO mem;
    arena_init(&mem, 1 << 16);
    struct form f;
    struct err e = ERR_INIT;
    assert_true(form_parse(v.body, &mem, &f, &e));
    return twilio_sign_check(v.token, sv_of(url), &f, v.signature);
}

static void test_twilio_sign__ports_are_taken_as_the_vendor_takes_them(void **state) {
    (void)state;
    static const char none[] = "https://example.com/hooks/twilio/status",
                      standard[] = "https://example.com:443/hooks/twilio/status",
                      other[] = "https://example.com:8443/hooks/twilio/status",
                      query[] = "https://example.com/hooks/twilio/status?tenant=a%20b&x=1",
                      query_standard[] = "https://example.com:443/hooks/twilio/status?tenant=a%20b&x=1",
                      query_other[] = "https://example.com:8443/hooks/twilio/status?tenant=a%20b&x=1";
    /* Signed without a port. */
    assert_true(accepted(none, "V1") && accepted(standard, "V1") && accepted(other, "V1"));
    /* Signed with the standard port. */
    assert_true(accepted(none, "V1b") && accepted(standard, "V1b"));
    assert_false(accepted(other, "V1b"));
    /* Signed with another port. */
    assert_true(accepted(query_other, "V2"));
    assert_false(accepted(query, "V2") || accepted(query_standard, "V2"));
    /* http's standard port is not that of https. */
    assert_false(accepted("http://example.com/hooks/twilio/status", "V1b"));
}

static void test_twilio_sign__any_change_is_noticed(void **state) {
    (void)state;
    struct vector v = vector_of("V1");
    struct arena ARENA_AUTO mem;
    arena_init(&mem, 1 << 16);
    struct form f;
    struct err e = ERR_INIT;
    assert_true(form_parse(v.body, &mem, &f, &e));
    for (size_t i = 0; i < v.signature.n; i++) {
        char bent[28];
        memcpy(bent, v.signature.p, sizeof bent);
        bent[i] = bent[i] == 'A' ? 'B' : 'A';
        assert_false(twilio_sign_check(v.token, v.url, &f, sv_make(bent, sizeof bent)));
    }
    assert_false(twilio_sign_check(v.token, v.url, &f, SV_NONE));
    assert_false(twilio_sign_check(v.token, v.url, &f, sv_sub(v.signature, 0, 27)));
    assert_false(twilio_sign_check(sv_sub(v.token, 0, 31), v.url, &f, v.signature));
    assert_false(twilio_sign_check(v.token, sv_sub(v.url, 0, v.url.n - 1), &f, v.signature));
    assert_false(twilio_sign_check(v.token, v.url, NULL, v.signature));
    for (size_t i = 0; i < f.n; i++) {
        struct form less = f;
        less.pairs[i] = less.pairs[--less.n];
        /* MessageSid and SmsSid differ in name, so no field is superfluous. */
        assert_false(twilio_sign_check(v.token, v.url, &less, v.signature));
    }
}

static void test_twilio_sign__odd_addresses_do_no_harm(void **state) {
    (void)state;
    static const char *const urls[] = {
        "",           "x",          "://", "https://", "https://:", "https://[::1]:8443/a", "https://[::1]/a",
        "http://h?x", "https://]:1"};
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        struct buf BUF_AUTO right = BUF_INIT(64);
        twilio_sign(SV("t"), sv_of(urls[i]), NULL, &right);
        assert_true(twilio_sign_check(SV("t"), sv_of(urls[i]), NULL, buf_sv(&right)));
    }
    struct buf BUF_AUTO v6 = BUF_INIT(64);
    twilio_sign(SV("t"), SV("https://[::1]/a"), NULL, &v6);
    assert_true(twilio_sign_check(SV("t"), SV("https://[::1]:8443/a"), NULL, buf_sv(&v6)));
}

int main(int argc, char **argv) {
    if (argc != 2)
        return 1;
    static char bytes[16384];
    FILE *in = fopen(argv[1], "rb");
    if (!in)
        return 1;
    file = sv_make(bytes, fread(bytes, 1, sizeof bytes, in));
    fclose(in);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_twilio_sign__agrees_with_the_vendors_sdk),
        cmocka_unit_test(test_twilio_sign__ports_are_taken_as_the_vendor_takes_them),
        cmocka_unit_test(test_twilio_sign__any_change_is_noticed),
        cmocka_unit_test(test_twilio_sign__odd_addresses_do_no_harm),
    };
    return cmocka_run_group_tests_name("twilio_sign", tests, NULL, NULL);
}
