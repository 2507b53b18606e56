#include "text/phone.h"

#include "text/mask.h"
#include "text/phone_lib.h"
#include "text/phone_table.h"
#include "text/utf8.h"

#include <string.h>

/* The input reduced to what counts. ITU-T E.164 allows 15 digits; an international prefix and national
 * oddities may add some before the library has judged. */
enum { DIGITS_MAX = 24 };
struct dialled {
    char digits[1 + DIGITS_MAX + 1]; /* a +, for the library, then the digits and NUL */
    size_t n;                        /* digits */
    bool plus;
    char region[3]; /* "" for none */
};

static char *digits_of(struct dialled *d) {
    return d->digits + 1;
}

static bool refuse(struct phone *out, enum phone_fault fault, const struct dialled *d, struct err *e,
                   const char *why) {
    BUF_AUTO struct buf masked = BUF_INIT(64);
    if (d->n == 0)
        buf_adds(&masked, "(no digits)");
    else
        mask_phone(sv_make(d->digits + (d->plus ? 0 : 1), d->n + d->plus), &masked);
    bool real = fault == PHONE_IS_SHORT || fault == PHONE_IS_SERVICE || fault == PHONE_IS_IOT;
    *out = (struct phone){.fault = fault, .type = fault == PHONE_IS_IOT ? PHONE_IOT : PHONE_UNKNOWN};
    return err_set(e,
                   fault == PHONE_LIBRARY_FAIL ? ERR_INTERNAL
                   : real                      ? ERR_UNPROCESSABLE
                                               : ERR_INVALID,
                   "number %.*s %s", SV_FMT(buf_sv(&masked)), why);
}

/* --- reading what people write --- */

enum { NOT_A_DIGIT = -1, SEPARATOR = -2, PLUS = -3 };

static int meaning_wide(uint32_t cp) {
    static const struct {
        uint32_t first, last;
        int meaning; /* a digit's value for first */
    } ranges[] = {
        {0x00A0, 0x00A0, SEPARATOR}, /* no-break space */
        {0x00AD, 0x00AD, SEPARATOR}, /* soft hyphen */
        {0x0660, 0x0669, 0},         /* Arabic-Indic digits */
        {0x06F0, 0x06F9, 0},         /* their eastern form */
        {0x2000, 0x2015, SEPARATOR}, /* spaces, invisible marks, dashes */
        {0x202A, 0x202F, SEPARATOR}, /* direction marks, which address books copy along */
        {0x2060, 0x2069, SEPARATOR}, {0x2212, 0x2212, SEPARATOR},
        {0x3000, 0x3000, SEPARATOR}, {0x30FC, 0x30FC, SEPARATOR}, /* long vowel mark, typed for a dash */
        {0xFEFF, 0xFEFF, SEPARATOR}, {0xFF08, 0xFF09, SEPARATOR}, /* full-width parentheses */
        {0xFF0B, 0xFF0B, PLUS},      {0xFF0D, 0xFF0F, SEPARATOR}, /* full-width - . / */
        {0xFF10, 0xFF19, 0},
    };
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++)
        if (cp >= ranges[i].first && cp <= ranges[i].last)
            return ranges[i].meaning < 0 ? ranges[i].meaning : (int)(cp - ranges[i].first);
    return NOT_A_DIGIT;
}

static int meaning(uint32_t cp) {
    if (cp >= '0' && cp <= '9')
        return (int)(cp - '0');
    switch (cp) {
    case '+': return PLUS;
    case ' ':
    case '-':
    case '.':
    case '/':
    case '(':
    case ')':
    case '\t': return SEPARATOR;
    default: return cp < 0x80 ? NOT_A_DIGIT : meaning_wide(cp);
    }
}

static bool read_digits(struct sv input, struct dialled *d, struct phone *out, struct err *e) {
    if (!sv_is_utf8(input))
        return refuse(out, PHONE_CHARACTER, d, e, "is not valid UTF-8");
    const unsigned char *p = (const unsigned char *)(input.n ? input.p : ""), *end = p + input.n;
    d->digits[0] = '+';
    while (p < end) {
        int m = meaning(utf8_next(&p, end));
        if (m == SEPARATOR)
            continue;
        if (m == NOT_A_DIGIT)
            return refuse(
                out, PHONE_CHARACTER, d, e,
                "holds a character no number has: write digits, with + and the country code in front");
        if (m == PLUS && (d->plus || d->n))
            return refuse(out, PHONE_CHARACTER, d, e, "has a + that is not in front");
        if (m == PLUS) {
            d->plus = true;
            continue;
        }
        if (d->n == DIGITS_MAX)
            return refuse(out, PHONE_TOO_LONG, d, e, "is too long: a number has at most 15 digits (E.164)");
        digits_of(d)[d->n++] = (char)('0' + m);
        digits_of(d)[d->n] = '\0';
    }
    if (d->n == 0)
        return refuse(out, PHONE_EMPTY, d, e, "has no digits");
    return true;
}

static bool read_region(struct sv region, struct dialled *d, struct phone *out, struct err *e) {
    if (region.n == 0)
        return true;
    for (size_t i = 0; i < region.n; i++) {
        char c = region.p[i];
        if (region.n != 2 || !((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z')))
            return refuse(out, PHONE_BAD_REGION, d, e,
                          "the default region must be two letters, such as CN (ISO 3166-1)");
        d->region[i] = c >= 'a' ? (char)(c - 'a' + 'A') : c;
    }
    unsigned at = (unsigned)(d->region[0] - 'A') * 26 + (unsigned)(d->region[1] - 'A');
    if (phone_table_regions[at].root == 0 && !phone_lib_knows_region(d->region))
        return refuse(out, PHONE_BAD_REGION, d, e, "the default region is no region of ISO 3166-1");
    return true;
}

/* --- mainland China --- */

static bool starts(const char *digits, const char *prefix) {
    return strncmp(digits, prefix, strlen(prefix)) == 0;
}

static bool is_china_mobile(const char *national, size_t n) {
    return n == 11 && national[0] == '1' && national[1] >= '3';
}

/* 13 digits in 106[4-9] or 14[0-4]: cards in machines. */
static bool is_china_iot(const char *national, size_t n) {
    return n == 13 && national[0] == '1' &&
           ((starts(national, "106") && national[3] >= '4') || (national[1] == '4' && national[2] <= '4'));
}

/* What answers the telephone or sends texts but never gets them: carriers' 100xx, enterprises' 106..., 12xxx,
 * 95xxx, 96xxx, 400 and 800. */
static bool is_china_service(const char *national, size_t n) {
    if (n == 10)
        return starts(national, "400") ||
               starts(national, "800"); /* 106 and 7 digits more is a telephone in Beijing */
    if (n >= 7 && starts(national, "106"))
        return true;
    return n >= 3 && n <= 8 &&
           (starts(national, "100") || starts(national, "11") || starts(national, "12") ||
            starts(national, "95") || starts(national, "96"));
}

/* The national digits when the number is spelled as one of mainland China: +86, 0086 from anywhere; bare or
 * with 86 where that is home or nothing else is said. NULL otherwise. */
static const char *china_national(struct dialled *d) {
    const char *digits = digits_of(d);
    if (d->plus)
        return starts(digits, "86") ? digits + 2 : NULL;
    if (starts(digits, "0086"))
        return digits + 4;
    if (d->region[0] && strcmp(d->region, "CN") != 0)
        return NULL;
    bool with_code = starts(digits, "86") && (d->n == 13 || is_china_iot(digits + 2, d->n - 2));
    return with_code ? digits + 2 : digits;
}

/* --- deciding --- */

static const enum phone_type type_of_library[] = {
    /* In the order of PhoneNumberUtil::PhoneNumberType. */
    PHONE_FIXED, PHONE_MOBILE,   PHONE_FIXED_OR_MOBILE, PHONE_TOLL_FREE, PHONE_PREMIUM,   PHONE_SHARED_COST,
    PHONE_VOIP,  PHONE_PERSONAL, PHONE_PAGER,           PHONE_UAN,       PHONE_VOICEMAIL, PHONE_UNKNOWN,
};

static bool take(const struct phone_lib_number *number, struct phone *out) {
    size_t types = sizeof type_of_library / sizeof type_of_library[0];
    size_t n = strlen(number->e164);
    ASSERT(n < sizeof out->e164);
    *out = (struct phone){.country_code = number->country_code};
    memcpy(out->e164, number->e164, n + 1);
    if (strcmp(number->region, "001") != 0)
        memcpy(out->region, number->region, 2);
    if (number->type >= 0 && (size_t)number->type < types)
        out->type = type_of_library[number->type];
    return true;
}

/* Sets *done when mainland China's own rules have decided. */
static bool decide_china(const char *national, struct dialled *d, struct phone *out, struct err *e,
                         bool *done) {
    size_t n = strlen(national);
    *done = true;
    if (is_china_mobile(national, n)) {
        *out = (struct phone){.e164 = "+86", .region = "CN", .type = PHONE_MOBILE, .country_code = 86};
        memcpy(out->e164 + 3, national, n + 1);
        return true;
    }
    if (is_china_iot(national, n))
        return refuse(
            out, PHONE_IS_IOT, d, e,
            "is a 13-digit machine (IoT) number of mainland China, which takes no texts from gateways");
    if (is_china_service(national, n))
        return refuse(
            out, PHONE_IS_SERVICE, d, e,
            "is a service number of mainland China (100xx, 106..., 12xxx, 95xxx, 400, 800), which takes "
            "no texts");
    *done = false;
    return false;
}

/* A number of mainland China that was behind a carrier's prefix comes to light only now. */
static bool take_or_china(const struct phone_lib_number *number, struct dialled *d, struct phone *out,
                          struct err *e) {
    bool done = false, ok = false;
    if (number->country_code == 86)
        ok = decide_china(number->e164 + 3, d, out, e, &done);
    return done ? ok : take(number, out);
}

static bool ask_library(struct dialled *d, struct phone *out, struct err *e) {
    struct phone_lib_number number;
    bool plus = d->plus;
    enum phone_lib_answer answer;
    if (!plus || !phone_table_refuses(digits_of(d), d->n, &answer))
        answer = phone_lib_parse(plus ? d->digits : digits_of(d), d->n + plus,
                                 d->region[0] ? d->region : "ZZ", &number);
    switch (answer) {
    case PHONE_LIB_VALID:
        if (strlen(number.e164) < sizeof out->e164)
            return take_or_china(&number, d, out, e);
        return refuse(out, PHONE_TOO_LONG, d, e, "is too long: a number has at most 15 digits (E.164)");
    case PHONE_LIB_BAD_COUNTRY_CODE:
        if (!plus && !d->region[0])
            return refuse(out, PHONE_NO_COUNTRY, d, e,
                          "has no country code: write + and the code in front, or set a default region");
        return refuse(out, PHONE_NOT_VALID, d, e, "starts with no country code that exists");
    case PHONE_LIB_TOO_SHORT:
        return refuse(out, PHONE_TOO_SHORT, d, e, "is too short for its country: digits are missing");
    case PHONE_LIB_TOO_LONG:
        return refuse(out, PHONE_TOO_LONG, d, e, "is too long for its country: there are digits too many");
    case PHONE_LIB_FAILED:
        return refuse(out, PHONE_LIBRARY_FAIL, d, e, "could not be checked (out of memory?)");
    case PHONE_LIB_NOT_A_NUMBER:
    case PHONE_LIB_NOT_VALID: break;
    }
    return refuse(out, PHONE_NOT_VALID, d, e,
                  "is in no range of its country's numbering plan: check the digits and the country code");
}

bool phone_parse(struct sv input, struct sv default_region, struct phone *out, struct err *e) {
    struct dialled d = {0};
    struct phone_lib_number number;
    *out = (struct phone){0};
    if (!read_digits(input, &d, out, e) || !read_region(default_region, &d, out, e))
        return false;
    const char *national = china_national(&d);
    if (national) {
        bool done, ok = decide_china(national, &d, out, e, &done);
        if (done)
            return ok;
    }
    if (!d.plus && d.n <= 6) {
        /* Some islands' own numbers are as short. */
        if (d.region[0] && (phone_table_find(digits_of(&d), d.n, d.region, &number) ||
                            phone_lib_parse(digits_of(&d), d.n, d.region, &number) == PHONE_LIB_VALID))
            return take_or_china(&number, &d, out, e);
        return refuse(out, PHONE_IS_SHORT, &d, e, "is a short code, which takes no texts from gateways");
    }
    if (!d.plus && !d.region[0] && starts(digits_of(&d), "00")) {
        d.n -= 2;
        memmove(digits_of(&d), digits_of(&d) + 2, d.n + 1);
        d.plus = true;
    }
    if ((d.plus || d.region[0]) && phone_table_find(digits_of(&d), d.n, d.plus ? NULL : d.region, &number))
        return take_or_china(&number, &d, out, e);
    return ask_library(&d, out, e);
}

bool phone_may_get_text(enum phone_type type) {
    switch (type) {
    case PHONE_UNKNOWN:
    case PHONE_MOBILE:
    case PHONE_FIXED_OR_MOBILE:
    case PHONE_VOIP:
    case PHONE_PERSONAL:
    case PHONE_PAGER: return true;
    case PHONE_FIXED:
    case PHONE_TOLL_FREE:
    case PHONE_PREMIUM:
    case PHONE_SHARED_COST:
    case PHONE_UAN:
    case PHONE_VOICEMAIL:
    case PHONE_IOT: return false;
    }
    return false;
}

bool phone_region_of(struct sv e164, char region[3]) {
    struct phone phone;
    memset(region, 0, 3);
    if (e164.n == 0 || e164.p[0] != '+' || !phone_parse(e164, SV_NONE, &phone, NULL))
        return false;
    memcpy(region, phone.region, 3);
    return region[0] != '\0';
}

const char *phone_type_name(enum phone_type type) {
    static const char *const names[] = {
        [PHONE_UNKNOWN] = "unknown",
        [PHONE_MOBILE] = "mobile",
        [PHONE_FIXED] = "fixed",
        [PHONE_FIXED_OR_MOBILE] = "fixed_or_mobile",
        [PHONE_TOLL_FREE] = "toll_free",
        [PHONE_PREMIUM] = "premium",
        [PHONE_SHARED_COST] = "shared_cost",
        [PHONE_VOIP] = "voip",
        [PHONE_PERSONAL] = "personal",
        [PHONE_PAGER] = "pager",
        [PHONE_UAN] = "uan",
        [PHONE_VOICEMAIL] = "voicemail",
        [PHONE_IOT] = "iot",
    };
    return names[type];
}

const char *phone_fault_name(enum phone_fault fault) {
    static const char *const names[] = {
        [PHONE_OK] = "ok",
        [PHONE_EMPTY] = "empty",
        [PHONE_CHARACTER] = "character",
        [PHONE_NO_COUNTRY] = "no_country",
        [PHONE_BAD_REGION] = "bad_region",
        [PHONE_TOO_SHORT] = "too_short",
        [PHONE_TOO_LONG] = "too_long",
        [PHONE_NOT_VALID] = "not_valid",
        [PHONE_IS_SHORT] = "short_code",
        [PHONE_IS_SERVICE] = "service",
        [PHONE_IS_IOT] = "iot",
        [PHONE_LIBRARY_FAIL] = "library_failed",
    };
    return names[fault];
}
