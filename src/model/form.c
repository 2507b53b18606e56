#include "model/form.h"

#include "base/codec.h"

static bool decode(struct sv v, bool plus_is_space, struct arena *a, struct sv *out) {
    char *p = arena_alloc(a, v.n + 1);
    if (!p)
        return false;
    size_t n = 0;
    for (size_t i = 0; i < v.n; i++) {
        char c = v.p[i];
        if (c == '+' && plus_is_space) {
            c = ' ';
        } else if (c == '%') {
            int hi = v.n - i > 2 ? hex_value(v.p[i + 1]) : -1;
            int lo = v.n - i > 2 ? hex_value(v.p[i + 2]) : -1;
            if (hi < 0 || lo < 0)
                return false;
            c = (char)(hi * 16 + lo);
            i += 2;
        }
        p[n++] = c;
    }
    p[n] = '\0';
    *out = (struct sv){.p = p, .n = n};
    return true;
}

bool percent_decode(struct sv v, struct arena *a, struct sv *out) {
    return decode(v, false, a, out);
}

bool form_parse(struct sv text, struct arena *a, struct form *f, struct err *e) {
    f->n = 0;
    struct sv rest = text;
    while (rest.n) {
        struct sv value = sv_cut(&rest, '&');
        if (value.n == 0)
            continue;
        struct sv key = sv_cut(&value, '=');
        if (f->n == FORM_PAIRS_MAX)
            return err_set(e, ERR_TOO_LARGE, "more than %d form fields", FORM_PAIRS_MAX);
        struct form_pair *pair = &f->pairs[f->n];
        if (!decode(key, true, a, &pair->key) || !decode(value, true, a, &pair->value)) {
            if (a->full)
                return err_set(e, ERR_TOO_LARGE, "the form is too large");
            return err_set(e, ERR_INVALID, "broken %%-escape in form field %zu", f->n + 1);
        }
        f->n++;
    }
    return true;
}

struct sv form_get(const struct form *f, struct sv key) {
    for (size_t i = 0; i < f->n; i++)
        if (sv_eq(f->pairs[i].key, key))
            return f->pairs[i].value;
    return SV_NONE;
}

bool form_has(const struct form *f, struct sv key) {
    return form_get(f, key).p != NULL;
}

static bool unreserved(char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

/* By the chunk: in a form of markup every third byte is an escape. */
static void encode(struct buf *out, struct sv v, bool space_is_plus) {
    static const char digits[] = "0123456789ABCDEF";
    char chunk[384];
    size_t n = 0;
    for (size_t i = 0; i < v.n; i++) {
        unsigned char c = (unsigned char)v.p[i];
        if (n > sizeof chunk - 3) {
            buf_add(out, sv_make(chunk, n));
            n = 0;
        }
        if (unreserved(v.p[i])) {
            chunk[n++] = v.p[i];
        } else if (c == ' ' && space_is_plus) {
            chunk[n++] = '+';
        } else {
            chunk[n++] = '%';
            chunk[n++] = digits[c >> 4];
            chunk[n++] = digits[c & 15];
        }
    }
    if (n)
        buf_add(out, sv_make(chunk, n));
}

void percent_add(struct buf *out, struct sv v) {
    encode(out, v, false);
}

void form_add(struct buf *out, struct sv key, struct sv value) {
    if (out->n && out->p[out->n - 1] != '?')
        buf_addc(out, '&');
    encode(out, key, true);
    buf_addc(out, '=');
    encode(out, value, true);
}
