/* Any bytes as a number, with any two bytes as the default region. What is accepted is E.164 and parses to
 * itself. */
#include "text/phone.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    size_t region_n = size >= 3 ? data[0] % 3 : 0;
    struct sv all = sv_make((const char *)data, size);
    struct sv region = sv_sub(all, 1, region_n), input = sv_from(all, 1 + region_n);
    struct phone phone, again;
    struct err e = ERR_INIT;
    if (!phone_parse(input, region, &phone, &e)) {
        ASSERT(phone.fault != PHONE_OK && e.kind != ERR_NONE && phone.e164[0] == '\0');
        return 0;
    }
    size_t n = strlen(phone.e164);
    ASSERT(phone.fault == PHONE_OK && e.kind == ERR_NONE && phone.e164[0] == '+' && n >= 4);
    ASSERT(strspn(phone.e164 + 1, "0123456789") == n - 1);
    ASSERT(phone_parse(sv_of(phone.e164), SV_NONE, &again, &e));
    ASSERT(strcmp(phone.e164, again.e164) == 0 && phone.type == again.type);
    return 0;
}
