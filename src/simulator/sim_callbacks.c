#include "simulator/sim_callbacks.h"

#include "simulator/sim.h"

#include <string.h>

enum {
    URL_BYTES_MAX = 8192,
    BODY_BYTES_MAX = 64 * 1024,
    HEADER_BYTES_MAX = 16 * 1024,
    ANSWER_BYTES_MAX = 64 * 1024
};

bool callbacks_init(struct callbacks *cs, struct sim *sim, struct err *e) {
    *cs = (struct callbacks){.all = calloc(CALLBACKS_MAX, sizeof *cs->all)};
    if (!cs->all)
        return err_set(e, ERR_OUTSIDE, "out of memory");
    for (size_t i = 0; i < CALLBACKS_MAX; i++) {
        struct callback *c = &cs->all[i];
        c->sim = sim;
        buf_init(&c->url, URL_BYTES_MAX);
        buf_init(&c->body, BODY_BYTES_MAX);
        buf_init(&c->header, HEADER_BYTES_MAX);
        c->next = cs->free;
        cs->free = c;
    }
    return true;
}

void callbacks_done(struct callbacks *cs) {
    for (size_t i = 0; cs->all && i < CALLBACKS_MAX; i++) {
        buf_done(&cs->all[i].url);
        buf_done(&cs->all[i].body);
        buf_done(&cs->all[i].header);
    }
    free(cs->all);
    *cs = (struct callbacks){0};
}

bool callbacks_have_room(const struct callbacks *cs) {
    return cs->free != NULL;
}

static void give_back(struct callbacks *cs, struct callback *c) {
    c->next = cs->free;
    cs->free = c;
    cs->in_flight--;
}

static void on_done(void *ctx, const struct http_response *r) {
    struct callback *c = ctx;
    c->done(c->sim, c->ctx, r);
    give_back(&c->sim->callbacks, c);
}

/* Without its fragment, and with the path / where it has none, as it then goes over the wire. */
static void add_url(struct buf *out, struct sv url) {
    url = sv_cut(&url, '#');
    size_t at = sv_find(url, SV("://"));
    at = at == SIZE_MAX ? url.n : at + 3;
    while (at < url.n && url.p[at] != '/' && url.p[at] != '?')
        at++;
    buf_add(out, sv_sub(url, 0, at));
    if (at == url.n || url.p[at] == '?')
        buf_addc(out, '/');
    buf_add(out, sv_from(url, at));
}

struct callback *callback_begin(struct sim *sim, struct sv url) {
    struct callbacks *cs = &sim->callbacks;
    struct callback *c = cs->free;
    ASSERT(c);
    cs->free = c->next;
    cs->in_flight++;
    c->request = (struct http_request){.method = HTTP_POST};
    c->n_headers = 0;
    buf_reset(&c->url);
    buf_reset(&c->body);
    buf_reset(&c->header);
    add_url(&c->url, url);
    return c;
}

void callback_header(struct callback *c, const char *name, struct sv value) {
    ASSERT(c->n_headers < CALLBACK_HEADERS_MAX);
    size_t *at = c->header_at[c->n_headers++];
    at[0] = c->header.n;
    buf_adds(&c->header, name);
    buf_addc(&c->header, '\0');
    at[1] = c->header.n;
    buf_add(&c->header, value);
    buf_addc(&c->header, '\0');
}

void callback_drop(struct callback *c) {
    give_back(&c->sim->callbacks, c);
}

bool callback_send(struct callback *c,
                   void (*done)(struct sim *sim, void *ctx, const struct http_response *r), void *ctx,
                   struct err *e) {
    if (c->url.overflow || c->body.overflow || c->header.overflow) {
        callback_drop(c);
        return err_set(e, ERR_TOO_LARGE, "the callback is too large");
    }
    c->done = done;
    c->ctx = ctx;
    c->request.url = buf_sv(&c->url);
    c->request.body = buf_sv(&c->body);
    for (size_t i = 0; i < c->n_headers; i++)
        http_add_header(&c->request, sv_of(c->header.p + c->header_at[i][0]),
                        sv_of(c->header.p + c->header_at[i][1]));
    struct client_call call = {.request = &c->request,
                               .timeout_ms = CALLBACK_TIMEOUT_MS,
                               .connect_timeout_ms = CALLBACK_CONNECT_TIMEOUT_MS,
                               .body_bytes_max = ANSWER_BYTES_MAX,
                               .allow_private = true,
                               .done = on_done,
                               .ctx = c};
    if (client_start(c->sim->client, &call, e))
        return true;
    callback_drop(c);
    return false;
}
