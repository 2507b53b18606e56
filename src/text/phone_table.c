#include "text/phone_table.h"

#include <string.h>

static unsigned digit(char c) {
    return (unsigned)(c - '0');
}

bool phone_table_find(const char *digits, size_t n, const char *region, struct phone_lib_number *out) {
    unsigned state = 0, code = 0;
    size_t i = 0;
    if (region) {
        unsigned at = (unsigned)(region[0] - 'A') * 26 + (unsigned)(region[1] - 'A');
        if (at >= PHONE_TABLE_REGIONS)
            return false;
        state = phone_table_regions[at].root;
        code = phone_table_regions[at].country_code;
    } else { /* country calling codes are prefix-free and do not start with 0 */
        while (i < n && i < 3 && state == 0 && digits[0] != '0') {
            code = code * 10 + digit(digits[i++]);
            state = phone_table_code_roots[code];
        }
    }
    size_t start = i;
    while (i < n && state != 0)
        state = phone_table_next[state][digit(digits[i++])];
    unsigned outcome = phone_table_outcome_of[state];
    start += phone_table_outcomes[outcome].drop;
    char code_text[4];
    size_t code_n = 0;
    for (unsigned rest = code; rest; rest /= 10)
        code_text[code_n++] = (char)('0' + rest % 10);
    if (outcome == 0 || i < n || 1 + code_n + (n - start) >= sizeof out->e164)
        return false;
    memcpy(out->region, phone_table_outcomes[outcome].region, sizeof out->region);
    out->type = phone_table_outcomes[outcome].type;
    out->country_code = (int)code;
    char *to = out->e164;
    *to++ = '+';
    while (code_n)
        *to++ = code_text[--code_n];
    memcpy(to, digits + start, n - start);
    to[n - start] = '\0';
    return true;
}
