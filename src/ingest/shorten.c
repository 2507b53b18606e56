#include "ingest/shorten.h"

#include <string.h>

enum {
    MEM_BYTES_MAX = 2 * LINKS_MAX * LINK_TARGET_BYTES_MAX,
    LINK_BYTES_MAX = 4096, /* base is a setting of less than that */
};

_Static_assert((int)TEMPLATE_URL_BYTES_MAX <= (int)LINK_TARGET_BYTES_MAX,
               "what templates shorten fits into a link");

static const char shown_code[] = "xxxxxxxxxx";

void shortener_init(struct shortener *s, const struct world *w) {
    s->world = w;
    s->base = SV_NONE;
    s->n = 0;
    arena_init(&s->mem, MEM_BYTES_MAX);
}

void shortener_done(struct shortener *s) {
    arena_done(&s->mem);
}

void shortener_begin(struct shortener *s, const struct settings *settings) {
    s->base = settings->links.base;
    s->n = 0;
    arena_reset(&s->mem);
}

static void print(struct sv base, const struct world *w, int64_t code, struct buf *out) {
    if (w) {
        link_print(base, code, out);
        return;
    }
    buf_add(out, base);
    buf_addf(out, "/l/%s", shown_code);
}

static int64_t draw(struct shortener *s) {
    int64_t code = 0;
    while (s->world && !link_code_of(s->world->random(s->world->ctx), &code)) {
    }
    return code;
}

/* An address that is a link of ours already: it stays. */
static bool is_ours(const struct shortener *s, struct sv url) {
    int64_t code;
    return url.n > s->base.n + 3 && sv_starts(url, s->base) && sv_eq(sv_sub(url, s->base.n, 3), SV("/l/")) &&
           link_parse_code(sv_from(url, s->base.n + 3), &code);
}

static bool shorten(void *ctx, struct sv url, struct buf *out) {
    struct shortener *s = ctx;
    if (is_ours(s, url))
        return buf_add(out, url);
    size_t i = 0;
    while (i < s->n && !sv_eq(s->links[i].target, url))
        i++;
    if (i == LINKS_MAX)
        return false;
    if (i == s->n) {
        struct sv target = arena_dup(&s->mem, url);
        if (!target.p)
            return false;
        s->links[s->n++] = (struct link){.code = draw(s), .target = target};
    }
    print(s->base, s->world, s->links[i].code, out);
    return true;
}

void shortener_serve(struct shortener *s, struct template_limits *limits) {
    if (!s || !s->base.n)
        return;
    limits->shorten = shorten;
    limits->shorten_ctx = s;
}

void shortener_keep(struct shortener *s, struct sv text) {
    size_t n = 0;
    BUF_AUTO struct buf link = BUF_INIT(LINK_BYTES_MAX);
    for (size_t i = 0; i < s->n; i++) {
        buf_reset(&link);
        print(s->base, s->world, s->links[i].code, &link);
        if (sv_find(text, buf_sv(&link)) != SIZE_MAX)
            s->links[n++] = s->links[i];
    }
    s->n = n;
}

struct sv shortener_sample(const struct settings *settings, struct buf *out) {
    buf_reset(out);
    if (settings->links.base.n)
        print(settings->links.base, NULL, 0, out);
    return buf_sv(out);
}
