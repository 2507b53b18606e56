#include "model/template_doc.h"

#include "base/buf.h"

#include <string.h>

static const char *const part_names[TEMPLATE_PARTS] = {[TEMPLATE_TEXT] = "text",
                                                       [TEMPLATE_SUBJECT] = "subject",
                                                       [TEMPLATE_HTML] = "html",
                                                       [TEMPLATE_TITLE] = "title",
                                                       [TEMPLATE_BODY] = "body"};

static const unsigned channel_parts[CHANNEL_COUNT] = {
    [CHANNEL_SMS] = 1u << TEMPLATE_TEXT,
    [CHANNEL_VOICE] = 1u << TEMPLATE_TEXT,
    [CHANNEL_EMAIL] = 1u << TEMPLATE_SUBJECT | 1u << TEMPLATE_HTML | 1u << TEMPLATE_TEXT,
    [CHANNEL_PUSH] = 1u << TEMPLATE_TITLE | 1u << TEMPLATE_BODY,
    [CHANNEL_WHATSAPP] = 1u << TEMPLATE_TEXT,
    [CHANNEL_CHAT] = 1u << TEMPLATE_TITLE | 1u << TEMPLATE_TEXT,
};

const char *template_part_name(enum template_part p) {
    return part_names[p];
}

const char *template_state_name(enum template_state s) {
    return s == TEMPLATE_PUBLISHED ? "published" : s == TEMPLATE_ARCHIVED ? "archived" : "draft";
}

bool template_part_find(struct sv name, enum template_part *out) {
    int at = sv_place(name, part_names, TEMPLATE_PARTS);
    if (at >= 0)
        *out = (enum template_part)at;
    return at >= 0;
}

bool template_channel_has(enum channel c, enum template_part p) {
    return (channel_parts[c] >> p & 1u) != 0;
}

bool template_name_check(struct sv name, struct err *e) {
    bool fine = name.n > 0 && name.n <= TEMPLATE_NAME_BYTES_MAX && sv_is_utf8(name) && name.p[0] != '.' &&
                name.p[0] != ' ' && name.p[name.n - 1] != ' ';
    for (size_t i = 0; fine && i < name.n; i++)
        fine = (unsigned char)name.p[i] >= ' ' && name.p[i] != 0x7f && name.p[i] != '/';
    return fine || err_set_field(e, ERR_INVALID, "name",
                                 "a template's name has 1 to %d bytes of UTF-8, no `/` or control character, "
                                 "and begins with neither a dot nor a space",
                                 TEMPLATE_NAME_BYTES_MAX);
}

/* ---- filling ---- */

/* Room for one entry more: the row itself, or a copy of twice the size. */
static void *room(struct arena *a, void *row, size_t n, size_t *cap, size_t size) {
    if (n < *cap)
        return row;
    size_t more = *cap ? *cap * 2 : 8;
    void *grown = arena_alloc(a, more * size);
    if (!grown)
        return NULL;
    if (n)
        memcpy(grown, row, n * size);
    *cap = more;
    return grown;
}

bool template_doc_add_body(struct template_doc *d, struct arena *a, const struct template_body *b,
                           struct err *e) {
    if (d->n_bodies == TEMPLATE_BODIES_MAX)
        return err_set(e, ERR_TOO_LARGE, "a template has at most %d texts", TEMPLATE_BODIES_MAX);
    struct template_body *row = room(a, d->bodies, d->n_bodies, &d->bodies_cap, sizeof *row);
    if (!row)
        return err_set(e, ERR_OUTSIDE, "out of memory for a template");
    d->bodies = row;
    d->bodies[d->n_bodies++] = *b;
    return true;
}

bool template_doc_add_code(struct template_doc *d, struct arena *a, const struct template_code *c,
                           struct err *e) {
    if (d->n_codes == TEMPLATE_CODES_MAX)
        return err_set(e, ERR_TOO_LARGE, "a template has at most %d provider codes", TEMPLATE_CODES_MAX);
    struct template_code *row = room(a, d->codes, d->n_codes, &d->codes_cap, sizeof *row);
    if (!row)
        return err_set(e, ERR_OUTSIDE, "out of memory for a template");
    d->codes = row;
    d->codes[d->n_codes++] = *c;
    return true;
}

static int order_bodies(const void *a, const void *b) {
    const struct template_body *x = a, *y = b;
    int by_language = sv_cmp(x->language, y->language);
    if (by_language)
        return by_language;
    return x->channel != y->channel ? (int)x->channel - (int)y->channel : (int)x->part - (int)y->part;
}

static int order_codes(const void *a, const void *b) {
    const struct template_code *x = a, *y = b;
    int by_provider = sv_cmp(x->provider, y->provider);
    return by_provider ? by_provider : sv_cmp(x->language, y->language);
}

bool template_doc_sort(struct template_doc *d, struct sv *language) {
    if (d->n_bodies)
        qsort(d->bodies, d->n_bodies, sizeof *d->bodies, order_bodies);
    if (d->n_codes)
        qsort(d->codes, d->n_codes, sizeof *d->codes, order_codes);
    for (size_t i = 1; i < d->n_bodies; i++)
        if (order_bodies(&d->bodies[i - 1], &d->bodies[i]) == 0) {
            *language = d->bodies[i].language;
            return false;
        }
    for (size_t i = 1; i < d->n_codes; i++)
        if (order_codes(&d->codes[i - 1], &d->codes[i]) == 0) {
            *language = d->codes[i].language;
            return false;
        }
    return true;
}

/* Each text with its length before it, so that no two documents look alike. */
static void add_text(struct buf *out, struct sv v) {
    buf_addf(out, "%zu:", v.n);
    buf_add(out, v);
}

void template_doc_digest(const struct template_doc *d, uint8_t out[SHA256_BYTES]) {
    BUF_AUTO struct buf all = BUF_INIT(SIZE_MAX / 2);
    for (size_t i = 0; i < d->n_bodies; i++) {
        const struct template_body *b = &d->bodies[i];
        buf_addf(&all, "b%d,%d", (int)b->channel, (int)b->part);
        add_text(&all, b->language);
        add_text(&all, b->text);
    }
    for (size_t i = 0; i < d->n_codes; i++) {
        const struct template_code *c = &d->codes[i];
        buf_addc(&all, 'c');
        add_text(&all, c->provider);
        add_text(&all, c->language);
        add_text(&all, c->code);
        add_text(&all, c->sign);
        add_text(&all, c->params);
    }
    buf_addc(&all, 's');
    add_text(&all, d->sample);
    ASSERT(!all.overflow);
    sha256(buf_sv(&all), out);
}

/* ---- looking ---- */

const struct template_body *template_doc_body(const struct template_doc *d, enum channel c,
                                              enum template_part p, const struct language *l) {
    struct language at = *l;
    do {
        for (size_t i = 0; i < d->n_bodies; i++) {
            const struct template_body *b = &d->bodies[i];
            if (b->channel == c && b->part == p && sv_eq(b->language, sv_of(at.text)))
                return b;
        }
    } while (language_wider(&at));
    return NULL;
}

const struct template_code *template_doc_code(const struct template_doc *d, struct sv provider,
                                              const struct language *l) {
    struct language at = *l;
    do {
        for (size_t i = 0; i < d->n_codes; i++) {
            const struct template_code *code = &d->codes[i];
            if (sv_eq(code->provider, provider) && sv_eq(code->language, sv_of(at.text)))
                return code;
        }
    } while (language_wider(&at));
    return NULL;
}
