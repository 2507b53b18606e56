#include "text/phone_table.h"

#include <string.h>

static unsigned digit(char c) {
    return (unsigned)(c - '0');
}

/* Where a walk over digits ended. */
struct walk {
    unsigned state, code;
    size_t start; /* of the national digits */
    bool whole;   /* all digits were walked */
};

static struct walk walk_abroad(const char *digits, size_t n) {
    struct walk w = {0};
    size_t i = 0;
    /* Country calling codes are prefix-free and do not start with 0. */
    while (i < n && i < 3 && w.state == 0 && digits[0] != '0') {
        w.code = w.code * 10 + digit(digits[i++]);
        w.state = phone_table_code_roots[w.code];
    }
    w.start = i;
    return w;
}

static void walk_on(struct walk *w, const char *digits, size_t n) {
    size_t i = w->start;
    while (i < n && w->state != 0)
        w->state = phone_table_next[w->state][digit(digits[i++])];
    w->whole = i == n;
}

bool phone_table_find(const char *digits, size_t n, const char *region, struct phone_lib_number *out) {
    struct walk w;
    if (region) {
        unsigned at = (unsigned)(region[0] - 'A') * 26 + (unsigned)(region[1] - 'A');
        if (at >= PHONE_TABLE_REGIONS)
            return false;
        w = (struct walk){.state = phone_table_regions[at].root,
                          .code = phone_table_regions[at].country_code};
    } else {
        w = walk_abroad(digits, n);
    }
    walk_on(&w, digits, n);
    unsigned outcome = phone_table_outcome_of[w.state], code = w.code;
    size_t start = w.start + phone_table_outcomes[outcome].drop;
    char code_text[4];
    size_t code_n = 0;
    for (unsigned rest = code; rest; rest /= 10)
        code_text[code_n++] = (char)('0' + rest % 10);
    if (outcome <= PHONE_TABLE_REFUSED || !w.whole || 1 + code_n + (n - start) >= sizeof out->e164)
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

bool phone_table_refuses(const char *digits, size_t n, enum phone_lib_answer *why) {
    struct walk w = walk_abroad(digits, n);
    walk_on(&w, digits, n);
    size_t length = n - w.start;
    /* Fewer than two digits, and more than seventeen, the library does not even look at. */
    if (!w.whole || phone_table_outcome_of[w.state] != PHONE_TABLE_REFUSED || length < 2 || length > 17)
        return false;
    const struct phone_table_lengths *l = &phone_table_lengths_of[w.code];
    uint32_t bit = (uint32_t)1 << length;
    if (l->possible == 0)
        return false;
    if (l->local & bit || bit < (l->possible & -l->possible))
        *why = PHONE_LIB_TOO_SHORT;
    else
        *why = bit > l->possible ? PHONE_LIB_TOO_LONG : PHONE_LIB_NOT_VALID;
    return true;
}
