#include "text/mention.h"

#include "base/err.h"
#include "text/phone.h"

#include <string.h>

enum { BETWEEN_DIGITS_MAX = 3, NATIONAL_DIGITS_MIN = 6 };

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_between(char c) {
    return c == ' ' || c == '-' || c == '.' || c == '/' || c == '(' || c == ')';
}

static void add_form(struct mention *m, const char *prefix, struct sv code, const char *trunk,
                     struct sv national) {
    ASSERT(m->n_forms < MENTION_FORMS);
    const struct sv parts[] = {sv_of(prefix), code, sv_of(trunk), national};
    unsigned n = 0;
    char *digits = m->forms[m->n_forms].digits;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (n + parts[i].n > MENTION_DIGITS_MAX)
            return;
        memcpy(digits + n, parts[i].p, parts[i].n);
        n += (unsigned)parts[i].n;
    }
    m->forms[m->n_forms++].n = (unsigned char)n;
}

void mention_init(struct mention *m, struct sv address) {
    struct phone phone;
    struct err e = ERR_INIT;
    char code[12];
    ASSERT(address.n);
    *m = (struct mention){.address = address};
    if (address.p[0] != '+')
        return;
    struct sv all = sv_from(address, 1);
    for (size_t i = 0; i < all.n; i++)
        if (!is_digit(all.p[i]))
            return;
    add_form(m, "", all, "", SV(""));
    add_form(m, "00", all, "", SV(""));
    if (!phone_parse(address, SV_NONE, &phone, &e) || !sv_eq(sv_of(phone.e164), address))
        return;
    snprintf(code, sizeof code, "%d", phone.country_code);
    struct sv national = sv_from(all, strlen(code));
    if (national.n < NATIONAL_DIGITS_MIN)
        return;
    add_form(m, "", SV(""), "", national);
    add_form(m, "0", SV(""), "", national);
    add_form(m, "", sv_of(code), "0", national); /* +44 (0)20 ... */
}

/* Does that form stand at the digit `at`, up to the end of a group? */
static bool stands_at(const char *digits, size_t n, struct sv text, size_t at) {
    for (size_t k = 0;;) {
        if (text.p[at] != digits[k])
            return false;
        at++;
        if (++k == n)
            return at == text.n || !is_digit(text.p[at]);
        size_t skipped = 0;
        while (at < text.n && is_between(text.p[at]) && ++skipped <= BETWEEN_DIGITS_MAX)
            at++;
        if (at == text.n || !is_digit(text.p[at]))
            return false;
    }
}

static bool says_number(const struct mention *m, struct sv text) {
    for (size_t at = 0; at < text.n; at++) {
        if (!is_digit(text.p[at]) || (at && is_digit(text.p[at - 1])))
            continue;
        for (unsigned i = 0; i < m->n_forms; i++)
            if (stands_at(m->forms[i].digits, m->forms[i].n, text, at))
                return true;
    }
    return false;
}

/* The characters that may stand on in an address before it, or behind it. */
static bool goes_on_before(char c) {
    return is_letter(c) || is_digit(c) || (c & 0x80) || memchr("._%+-", c, 5);
}

static bool goes_on_behind(struct sv rest) {
    if (rest.n && rest.p[0] == '.')
        rest = sv_from(rest, 1); /* the end of a sentence, or more of a domain */
    return rest.n && (is_letter(rest.p[0]) || is_digit(rest.p[0]) || rest.p[0] == '-');
}

static bool says_address(struct sv address, struct sv text) {
    for (size_t at = 0; at + address.n <= text.n; at++)
        if (sv_eq_nocase(sv_sub(text, at, address.n), address) && !(at && goes_on_before(text.p[at - 1])) &&
            !goes_on_behind(sv_from(text, at + address.n)))
            return true;
    return false;
}

bool mention_in(const struct mention *m, struct sv text) {
    if (m->n_forms)
        return says_number(m, text);
    if (sv_find_char(m->address, '@') != SIZE_MAX)
        return says_address(m->address, text);
    return sv_find(text, m->address) != SIZE_MAX;
}
