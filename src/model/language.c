#include "model/language.h"

#include <string.h>

static bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_alnum(char c) {
    return is_letter(c) || (c >= '0' && c <= '9');
}

static char small(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static char capital(char c) {
    return c >= 'a' && c <= 'z' ? (char)(c & ~0x20) : c;
}

/* One part, in its spelling. */
static bool add_part(struct sv part, bool first, char *out) {
    enum { PART_MAX = 8, SCRIPT = 4, REGION = 2 };
    if (part.n == 0 || part.n > PART_MAX || (first && (part.n < 2 || part.n > 3)))
        return false;
    bool letters = true;
    for (size_t i = 0; i < part.n; i++) {
        letters &= is_letter(part.p[i]);
        if (!is_alnum(part.p[i]) || (first && !letters))
            return false;
    }
    for (size_t i = 0; i < part.n; i++) {
        bool high = !first && letters && (part.n == REGION || (part.n == SCRIPT && i == 0));
        out[i] = high ? capital(part.p[i]) : small(part.p[i]);
    }
    return true;
}

bool language_parse(struct sv text, struct language *out) {
    struct language l = {.text = ""};
    if (text.n > LANGUAGE_BYTES_MAX)
        return false;
    if (text.n == 0 || sv_eq_nocase(text, LANGUAGE_DEFAULT)) {
        memcpy(out->text, LANGUAGE_DEFAULT.p, LANGUAGE_DEFAULT.n + 1);
        return true;
    }
    for (size_t at = 0;;) {
        size_t end = at;
        while (end < text.n && text.p[end] != '-' && text.p[end] != '_')
            end++;
        if (!add_part(sv_sub(text, at, end - at), at == 0, l.text + at))
            return false;
        if (end == text.n)
            break;
        l.text[end] = '-';
        at = end + 1;
    }
    *out = l;
    return true;
}

bool language_wider(struct language *l) {
    if (strcmp(l->text, LANGUAGE_DEFAULT.p) == 0)
        return false;
    char *dash = strrchr(l->text, '-');
    if (dash)
        *dash = '\0';
    else
        memcpy(l->text, LANGUAGE_DEFAULT.p, LANGUAGE_DEFAULT.n + 1);
    return true;
}
