/* phone_lib: libphonenumber behind C functions. No exception leaves them. Private to the room: see phone.h.
 */
#ifndef HY_TEXT_PHONE_LIB_H
#define HY_TEXT_PHONE_LIB_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

enum phone_lib_answer {
    PHONE_LIB_VALID,
    PHONE_LIB_NOT_A_NUMBER,
    PHONE_LIB_BAD_COUNTRY_CODE,
    PHONE_LIB_TOO_SHORT,
    PHONE_LIB_TOO_LONG,
    PHONE_LIB_NOT_VALID, /* parsed, but in no range of its plan */
    PHONE_LIB_FAILED,    /* an exception */
};

struct phone_lib_number {
    char e164[32];
    char region[4]; /* "001" for non-geographic codes */
    int type;       /* the library's PhoneNumberType: phone.c names them */
    int country_code;
};

/* region: two capitals, or "ZZ" for none. Fills out when the answer is PHONE_LIB_VALID; country_code also
 * when it is PHONE_LIB_NOT_VALID. */
enum phone_lib_answer phone_lib_parse(const char *text, size_t n, const char *region,
                                      struct phone_lib_number *out);

bool phone_lib_knows_region(const char *region);

#ifdef __cplusplus
}
#endif
#endif
