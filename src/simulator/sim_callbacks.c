#include "simulator/sim_callbacks.h"

#include "model/twilio_sign.h"
#include "simulator/sim.h"

#include <string.h>

enum { URL_BYTES_MAX = 8192, BODY_BYTES_MAX = 64 * 1024, ANSWER_BYTES_MAX = 64 * 1024 };

bool callbacks_init(struct callbacks *cs, struct sim *sim, struct err *e) {
    *cs = (struct callbacks){.all = calloc(CALLBACKS_MAX, sizeof *cs->all)};
    if (!cs->all)
        return err_set(e, ERR_OUTSIDE, "out of memory");
    for (size_t i = 0; i < CALLBACKS_MAX; i++) {
        struct callback *c = &cs->all[i];
        c->sim = sim;
        buf_init(&c->url, URL_BYTES_MAX);
        buf_init(&c->body, BODY_BYTES_MAX);
        buf_init(&c->signature, 64);
        buf_init(&c->dedup, 128);
        c->next = cs->free;
        cs->free = c;
    }
    return true;
}

void callbacks_done(struct callbacks *cs) {
    for (size_t i = 0; cs->all && i < CALLBACKS_MAX; i++) {
        buf_done(&cs->all[i].url);
        buf_done(&cs->all[i].body);
        buf_done(&cs->all[i].signature);
        buf_done(&cs->all[i].dedup);
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

static void sign(struct callback *c, const struct callback_post *post) {
    if (post->sign == SIGN_NONE)
        return;
    struct sv token = post->sign == SIGN_RIGHT ? post->token : SV("00000000000000000000000000000000");
    twilio_sign(token, buf_sv(&c->url), post->form, &c->signature);
    http_add_header(&c->request, SV("X-Twilio-Signature"), buf_sv(&c->signature));
}

bool callbacks_send(struct sim *sim, const struct callback_post *post, struct err *e) {
    struct callbacks *cs = &sim->callbacks;
    struct callback *c = cs->free;
    ASSERT(c);
    cs->free = c->next;
    cs->in_flight++;
    c->done = post->done;
    c->ctx = post->ctx;
    c->request = (struct http_request){.method = HTTP_POST};
    buf_reset(&c->url);
    buf_reset(&c->body);
    buf_reset(&c->signature);
    buf_reset(&c->dedup);
    add_url(&c->url, post->url);
    buf_add(&c->dedup, post->dedup);
    for (size_t i = 0; i < post->form->n; i++)
        form_add(&c->body, post->form->pairs[i].key, post->form->pairs[i].value);
    if (c->url.overflow || c->body.overflow) {
        give_back(cs, c);
        return err_set(e, ERR_TOO_LARGE, "the callback is too large");
    }
    c->request.url = buf_sv(&c->url);
    c->request.body = buf_sv(&c->body);
    http_add_header(&c->request, SV("Content-Type"), SV("application/x-www-form-urlencoded; charset=UTF-8"));
    if (c->dedup.n)
        http_add_header(&c->request, SV("I-Twilio-Idempotency-Token"), buf_sv(&c->dedup));
    sign(c, post);
    struct client_call call = {.request = &c->request,
                               .timeout_ms = CALLBACK_TIMEOUT_MS,
                               .connect_timeout_ms = CALLBACK_CONNECT_TIMEOUT_MS,
                               .body_bytes_max = ANSWER_BYTES_MAX,
                               .allow_private = true,
                               .done = on_done,
                               .ctx = c};
    if (client_start(sim->client, &call, e))
        return true;
    give_back(cs, c);
    return false;
}
