/* Events of sources that sign their posts instead of having an API key (model/hook_signature). */
#include "api/events.h"

#include "base/clock.h"
#include "model/hook_signature.h"

static const struct event_source *source_of(const struct api_request *rq) {
    const struct settings *s = api_settings(rq);
    for (uint32_t i = 0; i < s->n_sources; i++)
        if (sv_eq(rq->params[0], sv_of(s->sources[i].name)))
            return &s->sources[i];
    return NULL;
}

static bool is_signed(struct api_request *rq, const struct event_source *s, struct sv id, struct err *e) {
    struct sv time = exchange_header(rq->x, "webhook-timestamp"),
              signatures = exchange_header(rq->x, "webhook-signature");
    int64_t at;
    if (!id.n || id.n > EVENT_NAME_BYTES_MAX - 8 || !sv_is_utf8(id) || !sv_to_i64(time, &at) || !signatures.n)
        return err_set(e, ERR_AUTH,
                       "a signed post has webhook-id, webhook-timestamp (seconds since 1970) and "
                       "webhook-signature (v1,BASE64)");
    int64_t now_s = rq->now / US_PER_S, apart = at > now_s ? at - now_s : now_s - at;
    if (at < 0 || apart > (int64_t)s->tolerance_s)
        return err_set(e, ERR_AUTH, "webhook-timestamp is further than %u s from this machine's clock",
                       s->tolerance_s);
    const struct hook_signed post = {.id = id, .time = time, .body = rq->x->body, .signatures = signatures};
    return hook_signature_fits(s->secret, &post) ||
           err_set(e, ERR_AUTH, "webhook-signature does not fit: another secret, or a changed body");
}

void native_event_from(struct api_request *rq) {
    struct err e = ERR_INIT;
    const struct event_source *s = source_of(rq);
    struct sv id = exchange_header(rq->x, "webhook-id");
    const struct account *account = s ? directory_account_of_name(api_directory(rq), s->account) : NULL;
    if (!s || !account) {
        err_set(&e, ERR_NOT_FOUND,
                s ? "the source's account does not exist (yet)" : "there is no such source");
        api_fail(rq, &e);
        return;
    }
    if (!is_signed(rq, s, id, &e)) {
        meter_add(api_world(rq)->meters, COUNT_EVENTS_FORGED, 1);
        api_fail(rq, &e);
        return;
    }
    api_act_for(rq, account);
    event_take(rq, sv_of(s->name), id);
}
