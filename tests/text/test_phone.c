#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "text/phone.h"

#include <pthread.h>
#include <string.h>

struct accepted {
    const char *input, *home, *e164, *region;
    enum phone_type type;
};

static const struct accepted accepted[] = {
    /* the three spellings of mainland China, and their neighbours */
    {"13800138000", "", "+8613800138000", "CN", PHONE_MOBILE},
    {"+8613800138000", "", "+8613800138000", "CN", PHONE_MOBILE},
    {"008613800138000", "", "+8613800138000", "CN", PHONE_MOBILE},
    {"13800138000", "CN", "+8613800138000", "CN", PHONE_MOBILE},
    {"13800138000", "cn", "+8613800138000", "CN", PHONE_MOBILE},
    {"8613800138000", "", "+8613800138000", "CN", PHONE_MOBILE},
    {"8613800138000", "CN", "+8613800138000", "CN", PHONE_MOBILE},
    {"+86 138-0013-8000", "US", "+8613800138000", "CN", PHONE_MOBILE},
    {"0086 13800138000", "US", "+8613800138000", "CN", PHONE_MOBILE},
    {"013800138000", "CN", "+8613800138000", "CN", PHONE_MOBILE},
    {"＋８６　１３８ ００１３ ８０００", "", "+8613800138000", "CN", PHONE_MOBILE},
    {"(+86) 138.0013.8000", "", "+8613800138000", "CN", PHONE_MOBILE},
    {" +86\xC2\xA0"
     "138\xE2\x80\x91"
     "0013\xE2\x80\x91"
     "8000\xE2\x80\xAC",
     "", "+8613800138000", "CN", PHONE_MOBILE},
    /* every operator's ranges; prefixes that libraries do not know yet */
    {"13412345678", "CN", "+8613412345678", "CN", PHONE_MOBILE},
    {"13491234567", "CN", "+8613491234567", "CN", PHONE_MOBILE},
    {"17012345678", "CN", "+8617012345678", "CN", PHONE_MOBILE},
    {"17051234567", "CN", "+8617051234567", "CN", PHONE_MOBILE},
    {"17091234567", "CN", "+8617091234567", "CN", PHONE_MOBILE},
    {"19212345678", "CN", "+8619212345678", "CN", PHONE_MOBILE},
    {"19012345678", "CN", "+8619012345678", "CN", PHONE_MOBILE},
    {"19712345678", "CN", "+8619712345678", "CN", PHONE_MOBILE},
    {"19612345678", "CN", "+8619612345678", "CN", PHONE_MOBILE},
    {"16212345678", "CN", "+8616212345678", "CN", PHONE_MOBILE},
    {"+8615412345678", "", "+8615412345678", "CN", PHONE_MOBILE},
    {"+8619412345678", "", "+8619412345678", "CN", PHONE_MOBILE},
    {"+8614812345678", "", "+8614812345678", "CN", PHONE_MOBILE},
    {"+86 10 6552 9988", "", "+861065529988", "CN", PHONE_FIXED},
    {"010-65529988", "CN", "+861065529988", "CN", PHONE_FIXED},
    /* the neighbours, and the world */
    {"+852 5123 4567", "", "+85251234567", "HK", PHONE_MOBILE},
    {"+853 6612 3456", "", "+85366123456", "MO", PHONE_MOBILE},
    {"0912 345 678", "TW", "+886912345678", "TW", PHONE_MOBILE},
    {"+1 (415) 555-2671", "", "+14155552671", "US", PHONE_FIXED_OR_MOBILE},
    {"14155552671", "US", "+14155552671", "US", PHONE_FIXED_OR_MOBILE},
    {"4155552671", "US", "+14155552671", "US", PHONE_FIXED_OR_MOBILE},
    {"01144 7400 123456", "US", "+447400123456", "GB", PHONE_MOBILE},
    {"07400 123456", "GB", "+447400123456", "GB", PHONE_MOBILE},
    {"+44 (0) 7400 123456", "", "+447400123456", "GB", PHONE_MOBILE},
    {"00447400123456", "", "+447400123456", "GB", PHONE_MOBILE},
    {"+39 02 1234 5678", "", "+390212345678", "IT", PHONE_FIXED},
    {"+1 242 359 1234", "", "+12423591234", "BS", PHONE_MOBILE},
    {"+800 1234 5678", "", "+80012345678", "", PHONE_TOLL_FREE},
    {"+1 800 234 5678", "", "+18002345678", "US", PHONE_TOLL_FREE},
    {"٠١٠٠١٢٣٤٥٦٧", "EG", "+201001234567", "EG", PHONE_MOBILE},
};

static void test_phone__what_people_write_becomes_e164(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof accepted / sizeof accepted[0]; i++) {
        const struct accepted *a = &accepted[i];
        struct phone p;
        struct err e = ERR_INIT;
        if (!phone_parse(sv_of(a->input), sv_of(a->home), &p, &e))
            fail_msg("'%s' in '%s': %s", a->input, a->home, e.text);
        if (strcmp(p.e164, a->e164) != 0 || strcmp(p.region, a->region) != 0 || p.type != a->type ||
            p.fault != PHONE_OK)
            fail_msg("'%s' in '%s': %s %s %s", a->input, a->home, p.e164, p.region, phone_type_name(p.type));
    }
}

struct refused {
    const char *input, *home;
    enum phone_fault fault;
    enum err_kind kind;
};

static const struct refused refused[] = {
    {"", "", PHONE_EMPTY, ERR_INVALID},
    {" - ", "CN", PHONE_EMPTY, ERR_INVALID},
    {"+", "", PHONE_EMPTY, ERR_INVALID},
    {"12345678901", "CN", PHONE_NOT_VALID, ERR_INVALID},
    {"12345678901", "", PHONE_NO_COUNTRY, ERR_INVALID},
    {"1380013800", "CN", PHONE_NOT_VALID, ERR_INVALID},
    {"138001380000", "CN", PHONE_NOT_VALID, ERR_INVALID},
    {"+86138001380", "", PHONE_NOT_VALID, ERR_INVALID},
    {"14412345678901", "CN", PHONE_TOO_LONG, ERR_INVALID},
    {"1440123456789", "CN", PHONE_IS_IOT, ERR_UNPROCESSABLE},
    {"1440123456789", "", PHONE_IS_IOT, ERR_UNPROCESSABLE},
    {"+861440123456789", "", PHONE_IS_IOT, ERR_UNPROCESSABLE},
    {"00861064812345678", "", PHONE_IS_IOT, ERR_UNPROCESSABLE},
    {"861064812345678", "CN", PHONE_IS_IOT, ERR_UNPROCESSABLE},
    {"10086", "CN", PHONE_IS_SERVICE, ERR_UNPROCESSABLE},
    {"+8610086", "", PHONE_IS_SERVICE, ERR_UNPROCESSABLE},
    {"95588", "CN", PHONE_IS_SERVICE, ERR_UNPROCESSABLE},
    {"12306", "", PHONE_IS_SERVICE, ERR_UNPROCESSABLE},
    {"10690123456", "CN", PHONE_IS_SERVICE, ERR_UNPROCESSABLE},
    {"4008123123", "CN", PHONE_IS_SERVICE, ERR_UNPROCESSABLE},
    {"+86 800 810 8888", "", PHONE_IS_SERVICE, ERR_UNPROCESSABLE},
    {"72345", "US", PHONE_IS_SHORT, ERR_UNPROCESSABLE},
    {"3456", "CN", PHONE_IS_SHORT, ERR_UNPROCESSABLE},
    {"1800FLOWERS", "US", PHONE_CHARACTER, ERR_INVALID},
    {"+86138001380O0", "", PHONE_CHARACTER, ERR_INVALID},
    {"138+00138000", "CN", PHONE_CHARACTER, ERR_INVALID},
    {"++8613800138000", "", PHONE_CHARACTER, ERR_INVALID},
    {"\xFF\xFE", "CN", PHONE_CHARACTER, ERR_INVALID},
    {"13800138000; DROP", "CN", PHONE_CHARACTER, ERR_INVALID},
    {"4155552671", "", PHONE_NO_COUNTRY, ERR_INVALID},
    {"13800138000", "XX", PHONE_BAD_REGION, ERR_INVALID},
    {"13800138000", "CHN", PHONE_BAD_REGION, ERR_INVALID},
    {"+999123456789", "", PHONE_NOT_VALID, ERR_INVALID},
    {"+1 415 555", "", PHONE_TOO_SHORT, ERR_INVALID},
    {"+1 415 555 2671 99", "", PHONE_TOO_LONG, ERR_INVALID},
    {"+1 155 555 2671", "", PHONE_NOT_VALID, ERR_INVALID},
    {"1234567890123456789012345678901234567890", "", PHONE_TOO_LONG, ERR_INVALID},
};

static void test_phone__what_is_no_recipient_is_refused_with_its_reason(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        const struct refused *r = &refused[i];
        struct phone p;
        struct err e = ERR_INIT;
        if (phone_parse(sv_of(r->input), sv_of(r->home), &p, &e))
            fail_msg("'%s' in '%s' became %s", r->input, r->home, p.e164);
        if (p.fault != r->fault || e.kind != r->kind || p.e164[0] != '\0')
            fail_msg("'%s' in '%s': %s, %s", r->input, r->home, phone_fault_name(p.fault), e.text);
        assert_int_equal(p.type, r->fault == PHONE_IS_IOT ? PHONE_IOT : PHONE_UNKNOWN);
    }
}

static void test_phone__an_error_text_masks_the_number(void **state) {
    (void)state;
    struct phone p;
    struct err e = ERR_INIT;
    assert_false(phone_parse(SV("+1 415 555 2671 99"), SV_NONE, &p, &e));
    assert_null(strstr(e.text, "5552671"));
    assert_non_null(strstr(e.text, "+1********7199"));
    assert_false(phone_parse(SV("12345678901"), SV("CN"), &p, &e));
    assert_null(strstr(e.text, "12345"));
}

static void test_phone__every_china_mobile_shape_passes_and_no_other(void **state) {
    (void)state;
    struct phone p;
    char text[20];
    for (unsigned prefix = 100; prefix < 200; prefix++) {
        snprintf(text, sizeof text, "+86%u12345678", prefix);
        bool ok = phone_parse(sv_of(text), SV_NONE, &p, NULL);
        if (prefix >= 130 && (!ok || p.type != PHONE_MOBILE || strcmp(p.e164, text) != 0))
            fail_msg("%s was refused", text);
        if (prefix < 130 && ok && p.type == PHONE_MOBILE)
            fail_msg("%s passed", text);
    }
}

static void test_phone__region_of_e164(void **state) {
    (void)state;
    char region[3];
    assert_true(phone_region_of(SV("+447400123456"), region));
    assert_string_equal(region, "GB");
    assert_false(phone_region_of(SV("+80012345678"), region));
    assert_string_equal(region, "");
    assert_false(phone_region_of(SV("447400123456"), region));
}

static void test_phone__names_are_there_for_every_type_and_fault(void **state) {
    (void)state;
    for (int t = PHONE_UNKNOWN; t <= PHONE_IOT; t++)
        assert_non_null(phone_type_name((enum phone_type)t));
    for (int f = PHONE_OK; f <= PHONE_LIBRARY_FAIL; f++)
        assert_non_null(phone_fault_name((enum phone_fault)f));
    assert_true(phone_may_get_text(PHONE_MOBILE));
    assert_false(phone_may_get_text(PHONE_FIXED));
}

static void *parse_many(void *failures) {
    for (int round = 0; round < 20; round++)
        for (size_t i = 0; i < sizeof accepted / sizeof accepted[0]; i++) {
            struct phone p;
            if (!phone_parse(sv_of(accepted[i].input), sv_of(accepted[i].home), &p, NULL) ||
                strcmp(p.e164, accepted[i].e164) != 0)
                ++*(size_t *)failures;
        }
    return NULL;
}

static void test_phone__threads_parse_at_once(void **state) {
    (void)state;
    enum { THREADS = 4 };
    pthread_t threads[THREADS];
    size_t failures[THREADS] = {0};
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, parse_many, &failures[i]), 0);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(failures[i], 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_phone__threads_parse_at_once),
        cmocka_unit_test(test_phone__what_people_write_becomes_e164),
        cmocka_unit_test(test_phone__what_is_no_recipient_is_refused_with_its_reason),
        cmocka_unit_test(test_phone__an_error_text_masks_the_number),
        cmocka_unit_test(test_phone__every_china_mobile_shape_passes_and_no_other),
        cmocka_unit_test(test_phone__region_of_e164),
        cmocka_unit_test(test_phone__names_are_there_for_every_type_and_fault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
