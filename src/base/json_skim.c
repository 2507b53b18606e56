#include "base/json_skim.h"

#include <string.h>

struct skim {
    const char *at, *end;
    struct json_member *members;
    size_t n;
};

static bool value(struct skim *s, unsigned depth, struct json_member *into);

static void space(struct skim *s) {
    while (s->at < s->end && (*s->at == ' ' || *s->at == '\n' || *s->at == '\r' || *s->at == '\t'))
        s->at++;
}

static bool literal(struct skim *s, char c) {
    if (s->at == s->end || *s->at != c)
        return false;
    s->at++;
    return true;
}

static bool is_hex(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool escape(struct skim *s) {
    if (s->at == s->end)
        return false;
    char c = *s->at++;
    if (c != 'u')
        return strchr("\"\\/bfnrt", c) != NULL && c != '\0';
    for (int i = 0; i < 4; i++, s->at++)
        if (s->at == s->end || !is_hex(*s->at))
            return false;
    return true;
}

/* Behind the opening quote; out is the inside. */
static bool string(struct skim *s, struct sv *out, bool *escaped) {
    const char *from = s->at;
    *escaped = false;
    for (;;) {
        const char *at = s->at;
        while (at < s->end && *at != '"' && *at != '\\' && (unsigned char)*at >= ' ')
            at++;
        s->at = at;
        if (at == s->end)
            return false;
        unsigned char c = (unsigned char)*s->at++;
        if (c == '"') {
            *out = sv_make(from, (size_t)(s->at - 1 - from));
            return true;
        }
        if (c < ' ')
            return false;
        *escaped = true;
        if (!escape(s))
            return false;
    }
}

static size_t digits(struct skim *s) {
    const char *from = s->at;
    while (s->at < s->end && *s->at >= '0' && *s->at <= '9')
        s->at++;
    return (size_t)(s->at - from);
}

static bool numeral(struct skim *s) {
    (void)literal(s, '-');
    bool zero = s->at < s->end && *s->at == '0';
    size_t whole = digits(s);
    if (whole == 0 || (zero && whole > 1))
        return false;
    if (literal(s, '.') && digits(s) == 0)
        return false;
    if (literal(s, 'e') || literal(s, 'E')) {
        if (!literal(s, '+'))
            (void)literal(s, '-');
        return digits(s) > 0;
    }
    return true;
}

static bool word(struct skim *s, struct sv w) {
    if (!sv_starts(sv_make(s->at, (size_t)(s->end - s->at)), w))
        return false;
    s->at += w.n;
    return true;
}

static struct json_member *wanted(struct skim *s, struct sv name) {
    for (size_t i = 0; i < s->n; i++)
        if (strncmp(name.p, s->members[i].name, name.n) == 0 && s->members[i].name[name.n] == '\0')
            return &s->members[i];
    return NULL;
}

static bool object(struct skim *s, unsigned depth) {
    space(s);
    if (literal(s, '}'))
        return true;
    do {
        struct sv name;
        bool escaped;
        space(s);
        if (!literal(s, '"') || !string(s, &name, &escaped))
            return false;
        space(s);
        if (!literal(s, ':') || !value(s, depth, depth == 1 && !escaped ? wanted(s, name) : NULL))
            return false;
        space(s);
    } while (literal(s, ','));
    return literal(s, '}');
}

static bool array(struct skim *s, unsigned depth) {
    space(s);
    if (literal(s, ']'))
        return true;
    do {
        if (!value(s, depth, NULL))
            return false;
        space(s);
    } while (literal(s, ','));
    return literal(s, ']');
}

static bool value(struct skim *s, unsigned depth, struct json_member *into) {
    space(s);
    if (s->at == s->end || depth > JSON_SKIM_DEPTH_MAX)
        return false;
    const char *from = s->at;
    struct sv text = SV_NONE;
    enum json_kind kind;
    bool ok, escaped = false;
    char c = *s->at;
    if (c == '"') {
        s->at++;
        ok = string(s, &text, &escaped);
        kind = escaped ? JSON_ESCAPED_STRING : JSON_PLAIN_STRING;
    } else if (c == '{' || c == '[') {
        s->at++;
        ok = c == '{' ? object(s, depth + 1) : array(s, depth + 1);
        kind = JSON_NESTED;
    } else if (c == '-' || (c >= '0' && c <= '9')) {
        ok = numeral(s);
        kind = JSON_NUMERAL;
    } else {
        ok = word(s, SV("null")) || word(s, SV("true")) || word(s, SV("false"));
        kind = JSON_LITERAL;
    }
    if (ok && into) {
        into->kind = kind;
        into->text = kind == JSON_PLAIN_STRING || kind == JSON_ESCAPED_STRING
                         ? text
                         : sv_make(from, (size_t)(s->at - from));
    }
    return ok;
}

bool json_skim(struct sv text, struct json_member *members, size_t n) {
    for (size_t i = 0; i < n; i++) {
        members[i].kind = JSON_MISSING;
        members[i].text = SV_NONE;
    }
    if (text.n == 0 || !sv_is_utf8(text))
        return false;
    struct skim s = {.at = text.p, .end = text.p + text.n, .members = members, .n = n};
    space(&s);
    if (s.at == s.end || *s.at != '{' || !value(&s, 0, NULL))
        return false;
    space(&s);
    return s.at == s.end;
}
