/* phone: from what people write to E.164, with the number's region and type.
 *
 * libphonenumber is the judge of what a valid number is; tables made at build time from its own metadata
 * answer for the common spellings in well under a microsecond (phone_table.h says how, and a test holds the
 * two together). Thread-safe; owns nothing; no state.
 *
 * Two rules go beyond the library. Mobiles of mainland China are judged by shape alone,
 * ^(\+86|0086|86)?1[3-9]\d{9}$, as new prefixes appear faster than libraries; and what can never receive a
 * text there (13-digit IoT numbers, short and service numbers) is refused with a reason of its own.
 */
#ifndef HY_TEXT_PHONE_H
#define HY_TEXT_PHONE_H

#include "base/buf.h"
#include "base/err.h"

enum phone_type {
    PHONE_UNKNOWN,
    PHONE_MOBILE,
    PHONE_FIXED,
    PHONE_FIXED_OR_MOBILE, /* a plan that does not tell them apart, such as North America's */
    PHONE_TOLL_FREE,
    PHONE_PREMIUM,
    PHONE_SHARED_COST,
    PHONE_VOIP,
    PHONE_PERSONAL,
    PHONE_PAGER,
    PHONE_UAN,
    PHONE_VOICEMAIL,
    PHONE_IOT, /* only in a refusal */
};

/* Why a number was refused. */
enum phone_fault {
    PHONE_OK,
    PHONE_EMPTY,
    PHONE_CHARACTER,  /* letters or other characters that no number has */
    PHONE_NO_COUNTRY, /* no country code, and no default region to take it from */
    PHONE_BAD_REGION, /* the default region is no region */
    PHONE_TOO_SHORT,
    PHONE_TOO_LONG,
    PHONE_NOT_VALID,    /* right length perhaps, but no such range in the country's plan */
    PHONE_IS_SHORT,     /* a short code: it sends texts, it does not get them */
    PHONE_IS_SERVICE,   /* 400, 800, 95xxx, 106...: mainland China's service numbers */
    PHONE_IS_IOT,       /* 13 digits, mainland China's machine-to-machine ranges */
    PHONE_LIBRARY_FAIL, /* libphonenumber threw (memory) */
};

struct phone {
    char e164[20];  /* +, country code, national number, NUL */
    char region[3]; /* ISO 3166-1 alpha-2 and NUL; "" for the codes of no country, such as +800 */
    enum phone_type type;
    int country_code;
    enum phone_fault fault;
};

/* Reads a number as people write it: +, 00 or national; spaces, dashes, dots, slashes, parentheses;
 * full-width and Arabic digits. default_region (ISO alpha-2, any case; may be empty) is where a number
 * without country code belongs; with it empty 00 is read as +, and a bare mainland China mobile is accepted.
 * On failure out has only fault (and type, for IoT) set. ERR_INVALID: mend the number; ERR_UNPROCESSABLE: a
 * real number that cannot get a text; ERR_INTERNAL. The error text masks the number. */
MUST_USE bool phone_parse(struct sv input, struct sv default_region, struct phone *out, struct err *e);

/* True for types that may receive a text: mobile, fixed-or-mobile, and those where only the provider can tell
 * (voip, personal, pager, unknown); false for fixed lines, toll-free and the rest. */
bool phone_may_get_text(enum phone_type type);

/* The region of an E.164 number into region (2 letters and NUL); false and "" when it has none or is not
 * valid. */
bool phone_region_of(struct sv e164, char region[3]);

const char *phone_type_name(enum phone_type type);    /* "mobile", "fixed_or_mobile", ... */
const char *phone_fault_name(enum phone_fault fault); /* "not_valid", ... */

#endif
