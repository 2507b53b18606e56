#include "net/rabbit.h"

#include <amqp_framing.h>
#include <amqp_ssl_socket.h>
#include <amqp_tcp_socket.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <string.h>
#include <sys/socket.h>

enum {
    CONNECT_S = 5,
    ANSWER_S = 10,
    HEARTBEAT_S = 20,
    WRITE_MS_MAX = 15000,
    FRAME_BYTES_MAX = 131072,
    WORD_BYTES_MAX = 256, /* what is longer is none, and the API says so */
    WORDS_BYTES_MAX = 5 * WORD_BYTES_MAX + 1,
};

/* A delivery, or something returned, of which not all frames are here. */
struct content {
    bool begun, headed, returned, passed;
    struct rabbit_event event;
    uint64_t left;
};

struct rabbit {
    amqp_connection_state_t c;
    struct rabbit_options o;
    struct content contents[RABBIT_PASS + 1];
    struct buf words; /* of one delivery at a time: those of one channel do not overlap */
    struct buf body;
    struct buf returned;
};

amqp_bytes_t rabbit_bytes(struct sv v) {
    return (amqp_bytes_t){.len = v.n, .bytes = (void *)(uintptr_t)v.p};
}

static struct sv view(amqp_bytes_t b) {
    return sv_make(b.bytes, b.len);
}

bool rabbit_ok(int status, const char *what, struct err *e) {
    return status == AMQP_STATUS_OK || err_set(e, ERR_OUTSIDE, "%s: %s", what, amqp_error_string2(status));
}

/* What the broker said when it closed a channel or the connection. */
static bool told(const amqp_method_t *m, const char *what, struct err *e) {
    uint16_t code = 0;
    struct sv text = SV_NONE;
    if (m->id == AMQP_CONNECTION_CLOSE_METHOD) {
        const amqp_connection_close_t *close = m->decoded;
        code = close->reply_code;
        text = view(close->reply_text);
    } else if (m->id == AMQP_CHANNEL_CLOSE_METHOD) {
        const amqp_channel_close_t *close = m->decoded;
        code = close->reply_code;
        text = view(close->reply_text);
    }
    return err_set(e, code == 403 ? ERR_AUTH : ERR_OUTSIDE, "%s: the broker says %u %.*s", what, code,
                   SV_FMT(text));
}

static bool reply_ok(amqp_rpc_reply_t r, const char *what, struct err *e) {
    switch (r.reply_type) {
    case AMQP_RESPONSE_NORMAL: return true;
    case AMQP_RESPONSE_LIBRARY_EXCEPTION: return rabbit_ok(r.library_error, what, e);
    case AMQP_RESPONSE_SERVER_EXCEPTION: return told(&r.reply, what, e);
    case AMQP_RESPONSE_NONE: break;
    }
    return err_set(e, ERR_OUTSIDE, "%s: no answer", what);
}

bool rabbit_failed(struct rabbit *r, const char *what, struct err *e) {
    return reply_ok(amqp_get_rpc_reply(r->c), what, e);
}

/* ---- opening ---- */

static bool set_tls(amqp_socket_t *socket, const struct door *d, struct err *e) {
    amqp_ssl_socket_set_verify_peer(socket, 1);
    amqp_ssl_socket_set_verify_hostname(socket, 1);
    if (amqp_ssl_socket_set_ssl_versions(socket, AMQP_TLSv1_2, AMQP_TLSvLATEST) != AMQP_STATUS_OK)
        return err_set(e, ERR_OUTSIDE, "TLS 1.2 is not to be had");
    if (d->ca_file.n ? amqp_ssl_socket_set_cacert(socket, d->ca_file.p) != AMQP_STATUS_OK
                     : !SSL_CTX_set_default_verify_paths(amqp_ssl_socket_get_context(socket)))
        return err_set(e, ERR_OUTSIDE, "ca_file: cannot use %.*s: is it there, readable, and PEM?",
                       SV_FMT(d->ca_file));
    if (d->cert_file.n && amqp_ssl_socket_set_key(socket, d->cert_file.p, d->key_file.p) != AMQP_STATUS_OK)
        return err_set(
            e, ERR_OUTSIDE,
            "cert_file, key_file: cannot use %.*s with %.*s: are they there, readable, PEM, and a pair?",
            SV_FMT(d->cert_file), SV_FMT(d->key_file));
    return true;
}

static bool connect_to(struct rabbit *r, const struct door_address *a, struct err *e) {
    const struct door *d = r->o.door;
    char what[DOOR_HOST_MAX + 64];
    struct timeval connect = {.tv_sec = CONNECT_S}, answer = {.tv_sec = ANSWER_S};
    amqp_socket_t *socket = a->tls ? amqp_ssl_socket_new(r->c) : amqp_tcp_socket_new(r->c);
    if (!socket)
        return err_set(e, ERR_OUTSIDE, "out of memory");
    if (a->tls && !set_tls(socket, d, e))
        return false;
    snprintf(what, sizeof what, "connecting to %s:%u%s", a->host, a->port, a->tls ? " with TLS" : "");
    if (!rabbit_ok(amqp_set_handshake_timeout(r->c, &answer), what, e) ||
        !rabbit_ok(amqp_set_rpc_timeout(r->c, &answer), what, e) ||
        !rabbit_ok(amqp_socket_open_noblock(socket, a->host, a->port, &connect), what, e))
        return false;
    /* A broker under a memory alarm reads no more of who publishes: better lost than stuck in a write. */
    unsigned write_ms = WRITE_MS_MAX;
    (void)setsockopt(amqp_get_sockfd(r->c), IPPROTO_TCP, TCP_USER_TIMEOUT, &write_ms, sizeof write_ms);
    bool named = d->user.n != 0;
    bool in = reply_ok(amqp_login(r->c, a->path, 0, FRAME_BYTES_MAX, HEARTBEAT_S, AMQP_SASL_METHOD_PLAIN,
                                  named ? d->user.p : "guest",
                                  named ? (d->password.n ? d->password.p : "") : "guest"),
                       "logging in", e);
    if (!in && a->tls && !d->cert_file.n && e->kind != ERR_AUTH)
        err_set(e, ERR_OUTSIDE,
                "logging in with TLS failed: does the broker want a certificate of ours (cert_file)?");
    return in;
}

struct rabbit *rabbit_open(const struct rabbit_options *o, struct err *e) {
    struct door_address a;
    if (!door_address_of(DOOR_AMQP, o->door->url, &a, e))
        return NULL;
    struct rabbit *r = calloc(1, sizeof *r);
    ASSERT(r);
    r->o = *o;
    buf_init(&r->words, WORDS_BYTES_MAX);
    buf_init(&r->returned, WORDS_BYTES_MAX);
    buf_init(&r->body, o->body_bytes_max);
    ASSERT(buf_room(&r->words, WORDS_BYTES_MAX - 1) && buf_room(&r->returned, WORDS_BYTES_MAX - 1));
    r->c = amqp_new_connection();
    ASSERT(r->c);
    bool ok = connect_to(r, &a, e);
    for (amqp_channel_t ch = RABBIT_TAKE; ok && ch <= RABBIT_PASS; ch++) {
        amqp_channel_open(r->c, ch);
        ok = rabbit_failed(r, "opening a channel", e);
        if (!ok || ch == RABBIT_TAKE)
            continue;
        amqp_confirm_select(r->c, ch);
        ok = rabbit_failed(r, "asking for confirmations", e);
    }
    if (ok)
        return r;
    rabbit_close(r);
    return NULL;
}

void rabbit_close(struct rabbit *r) {
    if (!r)
        return;
    struct timeval soon = {.tv_sec = 1};
    (void)amqp_set_rpc_timeout(r->c, &soon);
    if (amqp_get_sockfd(r->c) >= 0)
        (void)amqp_connection_close(r->c, AMQP_REPLY_SUCCESS);
    amqp_destroy_connection(r->c);
    buf_done(&r->words);
    buf_done(&r->returned);
    buf_done(&r->body);
    free(r);
}

amqp_connection_state_t rabbit_connection(struct rabbit *r) {
    return r->c;
}

int rabbit_fd(const struct rabbit *r) {
    return amqp_get_sockfd(r->c);
}

/* ---- frames ---- */

/* The buffer has room for all of them from the start, so that it never moves. */
static struct sv keep(struct buf *words, struct sv v, size_t max) {
    size_t at = words->n;
    v = sv_sub(v, 0, max);
    bool kept = buf_add(words, v);
    ASSERT(kept);
    return sv_make(words->p + at, v.n);
}

static struct sv text_of(const amqp_table_t *headers, const char *name) {
    for (int i = 0; i < headers->num_entries; i++) {
        const amqp_table_entry_t *entry = &headers->entries[i];
        if (sv_eq_nocase(view(entry->key), sv_of(name)) &&
            (entry->value.kind == AMQP_FIELD_KIND_UTF8 || entry->value.kind == AMQP_FIELD_KIND_BYTES))
            return view(entry->value.value.bytes);
    }
    return SV_NONE;
}

static bool take_header(struct rabbit *r, const amqp_frame_t *f, struct content *k, struct err *e) {
    const amqp_basic_properties_t *p = f->payload.properties.decoded;
    struct rabbit_event *ev = &k->event;
    struct buf *words = k->returned ? &r->returned : &r->words;
    buf_reset(words);
    ev->id =
        p->_flags & AMQP_BASIC_MESSAGE_ID_FLAG ? keep(words, view(p->message_id), WORD_BYTES_MAX) : SV_NONE;
    ev->type = p->_flags & AMQP_BASIC_TYPE_FLAG ? keep(words, view(p->type), WORD_BYTES_MAX) : SV_NONE;
    ev->content_type = p->_flags & AMQP_BASIC_CONTENT_TYPE_FLAG
                           ? keep(words, view(p->content_type), WORD_BYTES_MAX)
                           : SV_NONE;
    if (p->_flags & AMQP_BASIC_HEADERS_FLAG) {
        ev->key = keep(words, text_of(&p->headers, "idempotency-key"), WORD_BYTES_MAX);
        ev->traceparent = keep(words, text_of(&p->headers, "traceparent"), WORD_BYTES_MAX);
    }
    k->headed = true;
    k->left = f->payload.properties.body_size;
    if (k->returned)
        return true;
    buf_reset(&r->body);
    ev->large = k->left > r->o.body_bytes_max;
    return !ev->large || r->o.pass(r->o.ctx, ev, k->left, e);
}

static bool take_body(struct rabbit *r, const amqp_frame_t *f, struct content *k, struct err *e) {
    amqp_bytes_t piece = f->payload.body_fragment;
    if (piece.len > k->left)
        return err_set(e, ERR_OUTSIDE, "the broker sends more of a body than it announced");
    k->left -= piece.len;
    if (k->returned)
        return true;
    if (!k->event.large) {
        buf_add(&r->body, view(piece));
        return !r->body.overflow || err_set(e, ERR_OUTSIDE, "out of memory for an entry");
    }
    amqp_frame_t on = {.frame_type = AMQP_FRAME_BODY, .channel = RABBIT_PASS};
    on.payload.body_fragment = piece;
    return rabbit_ok(amqp_send_frame(r->c, &on), "handing on an entry that is too large", e);
}

static enum rabbit_got take_method(struct rabbit *r, const amqp_frame_t *f, struct content *k,
                                   struct rabbit_event *out, struct err *e) {
    const amqp_method_t *m = &f->payload.method;
    *out = (struct rabbit_event){.channel = f->channel};
    switch (m->id) {
    case AMQP_BASIC_DELIVER_METHOD: {
        const amqp_basic_deliver_t *d = m->decoded;
        *k = (struct content){.begun = true};
        k->event = (struct rabbit_event){
            .channel = f->channel, .tag = d->delivery_tag, .again = d->redelivered != 0};
        return RABBIT_NOTHING;
    }
    case AMQP_BASIC_RETURN_METHOD:
        *k = (struct content){.begun = true, .returned = true};
        k->event = (struct rabbit_event){.channel = f->channel};
        return RABBIT_NOTHING;
    case AMQP_BASIC_ACK_METHOD: {
        const amqp_basic_ack_t *a = m->decoded;
        out->tag = a->delivery_tag;
        out->multiple = a->multiple != 0;
        return RABBIT_CONFIRMED;
    }
    case AMQP_BASIC_NACK_METHOD: {
        const amqp_basic_nack_t *a = m->decoded;
        out->tag = a->delivery_tag;
        out->multiple = a->multiple != 0;
        return RABBIT_REFUSED;
    }
    case AMQP_BASIC_CANCEL_METHOD:
        err_set(e, ERR_OUTSIDE, "the broker ended the consumer: was the queue deleted?");
        return RABBIT_LOST;
    case AMQP_CONNECTION_CLOSE_METHOD:
    case AMQP_CHANNEL_CLOSE_METHOD: told(m, "closed", e); return RABBIT_LOST;
    default: return RABBIT_NOTHING; /* such as connection.blocked */
    }
    (void)r;
}

/* True: a delivery, or something returned, is whole. */
static bool is_whole(struct rabbit *r, struct content *k, struct rabbit_event *out) {
    if (!k->begun || !k->headed || k->left)
        return false;
    *out = k->event;
    out->body = k->returned || out->large ? SV_NONE : buf_sv(&r->body);
    return true;
}

static enum rabbit_got take_frame(struct rabbit *r, const amqp_frame_t *f, struct rabbit_event *out,
                                  struct err *e) {
    if (f->channel > RABBIT_PASS)
        return RABBIT_NOTHING;
    struct content *k = &r->contents[f->channel];
    if (f->frame_type == AMQP_FRAME_METHOD)
        return take_method(r, f, k, out, e);
    if (f->frame_type != AMQP_FRAME_HEADER && f->frame_type != AMQP_FRAME_BODY)
        return RABBIT_NOTHING;
    if (!k->begun || k->headed != (f->frame_type == AMQP_FRAME_BODY)) {
        err_set(e, ERR_OUTSIDE, "the broker sends frames in no order");
        return RABBIT_LOST;
    }
    if (!(f->frame_type == AMQP_FRAME_HEADER ? take_header(r, f, k, e) : take_body(r, f, k, e)))
        return RABBIT_LOST;
    if (!is_whole(r, k, out))
        return RABBIT_NOTHING;
    k->begun = false;
    return k->returned ? RABBIT_RETURNED : RABBIT_DELIVERY;
}

enum rabbit_got rabbit_next(struct rabbit *r, struct rabbit_event *out, struct err *e) {
    for (;;) {
        amqp_frame_t frame;
        struct timeval now = {0};
        int status = amqp_simple_wait_frame_noblock(r->c, &frame, &now);
        if (status == AMQP_STATUS_TIMEOUT)
            return RABBIT_NOTHING;
        if (!rabbit_ok(status, "reading", e))
            return RABBIT_LOST;
        enum rabbit_got got = take_frame(r, &frame, out, e);
        amqp_maybe_release_buffers_on_channel(r->c, frame.channel);
        if (got != RABBIT_NOTHING)
            return got;
    }
}
