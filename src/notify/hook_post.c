#include "notify/hook_post.h"

#include "base/clock.h"
#include "base/json.h"

#include <string.h>

enum { POST_MAX_BYTES = 128 * 1024 };

void hook_event_id(struct sip_key key, const struct delivery_key *k, char out[HOOK_EVENT_ID_MAX]) {
    struct sid sid = k->event ? sid_message(key, k->subject_id) : sid_notice(key, k->subject_id);
    if (k->event)
        snprintf(out, HOOK_EVENT_ID_MAX, "%s-%u", sid.text, k->event);
    else
        snprintf(out, HOOK_EVENT_ID_MAX, "%s", sid.text);
}

static void add_sid(struct buf *out, const char *key, struct sip_key id_key, int64_t id) {
    struct sid sid = {.text = ""};
    if (id)
        sid = sid_message(id_key, id);
    json_pair_or_null(out, key, sv_of(sid.text));
}

/* Members of a JSON object, after others. */
static void add_members(struct buf *out, const char *members) {
    if (!members || !*members)
        return;
    if (out->n && out->p[out->n - 1] != '{')
        buf_addc(out, ',');
    buf_adds(out, members);
}

static void add_metadata(struct buf *out, const struct message *m) {
    if (!m->text[TEXT_METADATA].n)
        return;
    json_key(out, "metadata");
    buf_add(out, m->text[TEXT_METADATA]);
}

/* What happened to a message of the account. */
static void add_outbound(struct buf *out, const struct world *w, const struct delivery_due *d) {
    const struct message *m = d->message;
    add_sid(out, "id", w->id_key, m->id);
    json_pair(out, "status", sv_of(state_name(d->state)));
    json_pair_i64(out, "event", d->key.event);
    json_pair(out, "to", m->text[TEXT_TO]);
    json_pair_or_null(out, "from", m->text[TEXT_FROM]);
    json_pair_or_null(out, "topic", m->text[TEXT_TOPIC]);
    if (d->reason != REASON_NONE)
        json_pair(out, "reason", sv_of(reason_name(d->reason)));
    if (d->code)
        json_pair_i64(out, "provider_code", d->code);
    if (d->judged) {
        json_pair(out, "outcome", sv_of(fate_name(d->fate)));
        json_pair(out, "lane_hint", sv_of(lane_hint_name(d->hint)));
    }
    add_metadata(out, m);
}

/* A text from a handset: its words are nowhere else. An alarm about it says the same. */
static void add_inbound(struct buf *out, const struct world *w, const struct delivery_due *d) {
    const struct message *m = d->message;
    add_sid(out, "id", w->id_key, m->id);
    json_pair(out, "status", sv_of(state_name(STATE_RECEIVED)));
    json_pair_i64(out, "event", 1);
    json_pair(out, "from", m->text[TEXT_FROM]);
    json_pair_or_null(out, "to", m->text[TEXT_TO]);
    json_pair(out, "body", m->text[TEXT_BODY]);
    json_pair_or_null(out, "provider", sv_of(m->head.lane));
    add_sid(out, "in_reply_to", w->id_key, d->in_reply_to);
    add_members(out, d->data);
}

static void add_data(struct buf *out, const struct world *w, const struct delivery_due *d) {
    const struct message *m = d->message;
    json_key(out, "data");
    if (d->key.event == 0) {
        buf_adds(out, d->data ? d->data : "{}");
        return;
    }
    buf_addc(out, '{');
    if (d->type == HOOK_REPLY_NEGATIVE && m) {
        add_inbound(out, w, d);
    } else if (d->key.event >= DELIVERY_EXTRA) {
        add_sid(out, "message_id", w->id_key, d->key.subject_id);
        add_members(out, d->data);
    } else if (m && m->direction == DIRECTION_IN) {
        add_inbound(out, w, d);
    } else if (m) {
        add_outbound(out, w, d);
    } else {
        add_sid(out, "id", w->id_key, d->key.subject_id);
    }
    buf_addc(out, '}');
}

static void sign(const struct hook_post *p, struct sv id, struct sv stamp, struct sv body, struct buf *out) {
    struct buf BUF_AUTO text = BUF_INIT(POST_MAX_BYTES + 128);
    buf_join(&text, id, SV("."), stamp, SV("."), body);
    for (size_t i = 0; i < 2; i++) {
        if (!p->secrets[i].n)
            continue;
        uint8_t mac[SHA256_BYTES];
        hmac_sha256(p->secrets[i], buf_sv(&text), mac);
        buf_adds(out, out->n ? " v1," : "v1,");
        base64_add(out, mac, sizeof mac);
    }
}

bool hook_post_build(const struct world *w, const struct hook_post *p, struct arena *mem,
                     struct http_request *out, struct err *e) {
    const struct delivery_due *d = p->delivery;
    const char *type = hook_type_name(d->type);
    struct buf BUF_AUTO body = BUF_INIT(POST_MAX_BYTES), signature = BUF_INIT(256), stamp = BUF_INIT(32);
    char id[HOOK_EVENT_ID_MAX];
    *out = (struct http_request){.method = HTTP_POST, .url = arena_dup(mem, p->url)};
    buf_addc(&body, '{');
    json_pair(&body, "type", sv_of(type ? type : "unknown"));
    json_pair_time(&body, "timestamp", d->at);
    add_data(&body, w, d);
    buf_addc(&body, '}');
    hook_event_id(w->id_key, &d->key, id);
    buf_add_i64(&stamp, world_now(w) / US_PER_S);
    sign(p, sv_of(id), buf_sv(&stamp), buf_sv(&body), &signature);
    out->body = arena_dup(mem, buf_sv(&body));
    bool ok = http_add_header(out, SV("Content-Type"), SV("application/json")) &&
              http_add_header(out, SV("webhook-id"), arena_dup(mem, sv_of(id))) &&
              http_add_header(out, SV("webhook-timestamp"), arena_dup(mem, buf_sv(&stamp))) &&
              http_add_header(out, SV("webhook-signature"), arena_dup(mem, buf_sv(&signature)));
    if (d->message && d->message->text[TEXT_TRACEPARENT].n)
        ok = ok && http_add_header(out, SV("traceparent"), d->message->text[TEXT_TRACEPARENT]);
    return (ok && !mem->full && !body.overflow) || err_set(e, ERR_TOO_LARGE, "the event does not fit");
}
