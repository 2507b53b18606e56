#include "model/twilio_sign.h"

#include "base/codec.h"

#include <string.h>

enum { SIGNED_MAX_BYTES = 256 * 1024 };

static int by_key_then_value(const void *a, const void *b) {
    const struct form_pair *x = a, *y = b;
    int c = sv_cmp(x->key, y->key);
    return c ? c : sv_cmp(x->value, y->value);
}

void twilio_sign(struct sv token, struct sv url, const struct form *form, struct buf *out) {
    struct buf BUF_AUTO text = BUF_INIT(SIGNED_MAX_BYTES);
    buf_add(&text, url);
    if (form) {
        struct form_pair sorted[FORM_PAIRS_MAX];
        memcpy(sorted, form->pairs, form->n * sizeof sorted[0]);
        qsort(sorted, form->n, sizeof sorted[0], by_key_then_value);
        for (size_t i = 0; i < form->n; i++) {
            if (i && by_key_then_value(&sorted[i - 1], &sorted[i]) == 0)
                continue; /* exact duplicates collapse */
            buf_add(&text, sorted[i].key);
            buf_add(&text, sorted[i].value);
        }
    }
    ASSERT(!text.overflow); /* form bodies are limited far below SIGNED_MAX_BYTES at the door */
    uint8_t mac[SHA1_BYTES];
    hmac_sha1(token, buf_sv(&text), mac);
    base64_add(out, mac, sizeof mac);
}

static bool matches(struct sv token, struct sv url, const struct form *form, struct sv signature) {
    struct buf BUF_AUTO right = BUF_INIT(64);
    twilio_sign(token, url, form, &right);
    return sv_eq_secret(buf_sv(&right), signature);
}

/* url with its port removed, or with the scheme's standard port added where it names none. */
static void other_port_form(struct sv url, struct buf *out) {
    size_t scheme = sv_find(url, SV("://"));
    if (scheme == SIZE_MAX)
        return;
    struct sv rest = sv_from(url, scheme + 3);
    size_t host_n = 0;
    while (host_n < rest.n && rest.p[host_n] != '/' && rest.p[host_n] != '?')
        host_n++;
    struct sv host = sv_sub(rest, 0, host_n);
    size_t after_v6 = sv_find_char(host, ']');
    size_t from = after_v6 == SIZE_MAX ? 0 : after_v6;
    size_t colon = sv_find_char(sv_from(host, from), ':');
    buf_add(out, sv_sub(url, 0, scheme + 3));
    if (colon != SIZE_MAX)
        buf_add(out, sv_sub(host, 0, from + colon));
    else
        buf_addf(out, "%.*s:%s", SV_FMT(host), sv_starts(url, SV("https:")) ? "443" : "80");
    buf_add(out, sv_from(rest, host_n));
}

bool twilio_sign_check(struct sv token, struct sv url, const struct form *form, struct sv signature) {
    struct buf BUF_AUTO other = BUF_INIT(url.n + 16);
    other_port_form(url, &other);
    bool as_is = matches(token, url, form, signature);
    bool with_other_port = other.n && matches(token, buf_sv(&other), form, signature);
    return as_is || with_other_port;
}
