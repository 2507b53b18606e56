/* A door in by RabbitMQ: a quorum queue, acknowledged by hand; what is put aside goes, confirmed, to another.
 */
#include "net/inlet.h"
#include "net/rabbit.h"

#include <amqp_framing.h>
#include <string.h>

/* What is on its way to the dead letters. */
struct aside {
    amqp_channel_t channel;
    uint64_t seq, tag;
    bool returned; /* no queue takes it */
};

struct rabbit_inlet {
    struct inlet inlet; /* first */
    struct rabbit *r;
    const struct door *door;
    struct aside *asides; /* as many as entries may be out, and one */
    size_t n_asides;
    uint64_t seqs[RABBIT_PASS + 1]; /* published so far, by channel */
    uint64_t settled;               /* of asides: those up to it are decided, as `kept` says */
    amqp_channel_t settled_on;
    bool settled_all, kept;
};

static struct rabbit_inlet *of(struct inlet *in) {
    return (struct rabbit_inlet *)in;
}

/* ---- putting aside ---- */

enum { ASIDE_HEADERS = 7, DETAIL_MAX = 1024 };

struct aside_head {
    amqp_basic_properties_t p;
    amqp_table_entry_t headers[ASIDE_HEADERS];
};

static void add_header(struct aside_head *h, const char *name, struct sv text) {
    if (!text.n)
        return;
    amqp_table_entry_t *entry = &h->headers[h->p.headers.num_entries++];
    entry->key = amqp_cstring_bytes(name);
    entry->value.kind = AMQP_FIELD_KIND_UTF8;
    entry->value.value.bytes = rabbit_bytes(text);
}

static void put_head(const struct rabbit_inlet *in, struct aside_head *h, const struct rabbit_event *entry,
                     const struct inlet_refusal *why) {
    *h = (struct aside_head){0};
    h->p.headers.entries = h->headers;
    h->p._flags = AMQP_BASIC_DELIVERY_MODE_FLAG | AMQP_BASIC_HEADERS_FLAG;
    h->p.delivery_mode = AMQP_DELIVERY_PERSISTENT;
    if (entry->id.n) {
        h->p._flags |= AMQP_BASIC_MESSAGE_ID_FLAG;
        h->p.message_id = rabbit_bytes(entry->id);
    }
    if (entry->type.n) {
        h->p._flags |= AMQP_BASIC_TYPE_FLAG;
        h->p.type = rabbit_bytes(entry->type);
    }
    if (entry->content_type.n) {
        h->p._flags |= AMQP_BASIC_CONTENT_TYPE_FLAG;
        h->p.content_type = rabbit_bytes(entry->content_type);
    }
    add_header(h, "idempotency-key", entry->key);
    add_header(h, "traceparent", entry->traceparent);
    add_header(h, "x-hongyan-door", sv_of(in->door->name));
    add_header(h, "x-hongyan-problem", why->problem);
    add_header(h, "x-hongyan-detail", sv_sub(why->detail, 0, DETAIL_MAX));
    add_header(h, "x-hongyan-field", why->field);
    amqp_table_entry_t *status = &h->headers[h->p.headers.num_entries++];
    status->key = amqp_cstring_bytes("x-hongyan-status");
    status->value.kind = AMQP_FIELD_KIND_I32;
    status->value.value.i32 = why->status;
}

static void note_aside(struct rabbit_inlet *in, amqp_channel_t channel, uint64_t tag) {
    in->asides[in->n_asides++] = (struct aside){.channel = channel, .seq = ++in->seqs[channel], .tag = tag};
}

static bool put_aside(struct inlet *inlet, const struct inlet_entry *entry, const struct inlet_refusal *why,
                      struct err *e) {
    struct rabbit_inlet *in = of(inlet);
    struct aside_head head;
    const struct rabbit_event as = {.id = entry->id,
                                    .key = entry->key,
                                    .type = entry->type,
                                    .content_type = entry->content_type,
                                    .traceparent = entry->traceparent};
    put_head(in, &head, &as, why);
    ASSERT(in->n_asides <= in->door->prefetch);
    note_aside(in, RABBIT_PUT, entry->tag);
    return rabbit_ok(amqp_basic_publish(rabbit_connection(in->r), RABBIT_PUT, amqp_empty_bytes,
                                        rabbit_bytes(in->door->dead_letters), 1, 0, &head.p,
                                        rabbit_bytes(entry->body)),
                     "putting aside an entry", e);
}

/* Its pieces follow as they come. */
static bool pass(void *ctx, const struct rabbit_event *entry, uint64_t bytes, struct err *e) {
    struct rabbit_inlet *in = ctx;
    amqp_connection_state_t c = rabbit_connection(in->r);
    struct aside_head head;
    char detail[128];
    snprintf(detail, sizeof detail, "the entry has %llu bytes: more than limits.request_bytes_max",
             (unsigned long long)bytes);
    const struct inlet_refusal why = {
        .problem = SV("/problems/too-large"), .detail = sv_of(detail), .status = 413};
    amqp_basic_publish_t publish = {.routing_key = rabbit_bytes(in->door->dead_letters), .mandatory = 1};
    put_head(in, &head, entry, &why);
    note_aside(in, RABBIT_PASS, entry->tag);
    amqp_frame_t header = {.frame_type = AMQP_FRAME_HEADER, .channel = RABBIT_PASS};
    header.payload.properties.class_id = AMQP_BASIC_CLASS;
    header.payload.properties.body_size = bytes;
    header.payload.properties.decoded = &head.p;
    return rabbit_ok(amqp_send_method(c, RABBIT_PASS, AMQP_BASIC_PUBLISH_METHOD, &publish),
                     "handing on an entry that is too large", e) &&
           rabbit_ok(amqp_send_frame(c, &header), "handing on an entry that is too large", e);
}

/* All go to the same queue, and what is returned comes without its number: none of them counts as taken. */
static void note_returned(struct rabbit_inlet *in, amqp_channel_t channel) {
    for (size_t i = 0; i < in->n_asides; i++)
        in->asides[i].returned |= in->asides[i].channel == channel;
}

/* One of those that the last confirmation is about; false: there is none left. */
static bool take_settled(struct rabbit_inlet *in, struct aside *out) {
    for (size_t i = 0; in->settled && i < in->n_asides; i++) {
        const struct aside *a = &in->asides[i];
        if (a->channel != in->settled_on || (in->settled_all ? a->seq > in->settled : a->seq != in->settled))
            continue;
        *out = *a;
        in->asides[i] = in->asides[--in->n_asides];
        return true;
    }
    in->settled = 0;
    return false;
}

/* ---- taking ---- */

static bool declare(struct rabbit_inlet *in, struct sv queue, struct err *e) {
    amqp_connection_state_t c = rabbit_connection(in->r);
    amqp_table_entry_t type = {.key = amqp_cstring_bytes("x-queue-type")};
    type.value.kind = AMQP_FIELD_KIND_UTF8;
    type.value.value.bytes = amqp_cstring_bytes("quorum");
    amqp_table_t arguments = {.num_entries = 1, .entries = &type};
    char what[300];
    snprintf(what, sizeof what, "declaring queue %.*s", SV_FMT(queue));
    /* Passive first, on a channel of its own: one that is there stays as it is, whatever it is. A refusal
     * closes the channel. */
    enum { LOOK = RABBIT_PASS + 1 };
    amqp_channel_open(c, LOOK);
    if (!rabbit_failed(in->r, what, e))
        return false;
    amqp_queue_declare(c, LOOK, rabbit_bytes(queue), 1, 0, 0, 0, amqp_empty_table);
    amqp_rpc_reply_t seen = amqp_get_rpc_reply(c);
    if (seen.reply_type == AMQP_RESPONSE_NORMAL) {
        (void)amqp_channel_close(c, LOOK, AMQP_REPLY_SUCCESS);
        return true;
    }
    if (seen.reply_type != AMQP_RESPONSE_SERVER_EXCEPTION || seen.reply.id != AMQP_CHANNEL_CLOSE_METHOD)
        return rabbit_failed(in->r, what, e);
    uint16_t code = ((const amqp_channel_close_t *)seen.reply.decoded)->reply_code;
    if (code != 404)
        return rabbit_failed(in->r, what, e);
    amqp_channel_close_ok_t closed = {0};
    if (!rabbit_ok(amqp_send_method(c, LOOK, AMQP_CHANNEL_CLOSE_OK_METHOD, &closed), what, e))
        return false;
    amqp_queue_declare(c, RABBIT_TAKE, rabbit_bytes(queue), 0, 1, 0, 0, arguments);
    return rabbit_failed(in->r, what, e);
}

static bool begin(struct rabbit_inlet *in, struct err *e) {
    amqp_connection_state_t c = rabbit_connection(in->r);
    if (!declare(in, in->door->queue, e) || !declare(in, in->door->dead_letters, e))
        return false;
    amqp_basic_qos(c, RABBIT_TAKE, 0, (uint16_t)in->door->prefetch, 0);
    if (!rabbit_failed(in->r, "setting prefetch", e))
        return false;
    amqp_basic_consume(c, RABBIT_TAKE, rabbit_bytes(in->door->queue), amqp_empty_bytes, 0, 0, 0,
                       amqp_empty_table);
    return rabbit_failed(in->r, "consuming", e);
}

static void rabbit_inlet_close(struct inlet *inlet) {
    struct rabbit_inlet *in = of(inlet);
    rabbit_close(in->r);
    free(in->asides);
    free(in);
}

static struct inlet *rabbit_inlet_open(const struct inlet_options *o, struct err *e) {
    struct rabbit_inlet *in = calloc(1, sizeof *in);
    ASSERT(in);
    in->door = o->door;
    in->asides = calloc(o->door->prefetch + 1, sizeof *in->asides);
    ASSERT(in->asides);
    const struct rabbit_options r = {
        .door = o->door, .body_bytes_max = o->body_bytes_max, .pass = pass, .ctx = in};
    in->r = rabbit_open(&r, e);
    if (in->r && begin(in, e))
        return &in->inlet;
    rabbit_inlet_close(&in->inlet);
    return NULL;
}

static bool rabbit_inlet_probe(const struct door *door, struct err *e) {
    const struct rabbit_options o = {.door = door};
    struct rabbit *r = rabbit_open(&o, e);
    rabbit_close(r);
    return r != NULL;
}

static int rabbit_inlet_fd(const struct inlet *inlet) {
    return rabbit_fd(((const struct rabbit_inlet *)inlet)->r);
}

static enum inlet_got came(struct inlet_entry *out, const struct rabbit_event *ev) {
    *out = (struct inlet_entry){.tag = ev->tag,
                                .id = ev->id,
                                .key = ev->key,
                                .type = ev->type,
                                .content_type = ev->content_type,
                                .traceparent = ev->traceparent,
                                .body = ev->body,
                                .again = ev->again,
                                .large = ev->large};
    return INLET_CAME;
}

static enum inlet_got rabbit_inlet_next(struct inlet *inlet, struct inlet_entry *out, struct err *e) {
    struct rabbit_inlet *in = of(inlet);
    struct rabbit_event ev;
    struct aside aside;
    for (;;) {
        *out = (struct inlet_entry){0};
        if (take_settled(in, &aside)) {
            out->tag = aside.tag;
            if (in->kept && !aside.returned)
                return INLET_ASIDE;
            err_set(e, ERR_OUTSIDE, "queue %.*s takes no dead letters", SV_FMT(in->door->dead_letters));
            return INLET_NOT_ASIDE;
        }
        enum rabbit_got got = rabbit_next(in->r, &ev, e);
        switch (got) {
        case RABBIT_NOTHING: return INLET_NOTHING;
        case RABBIT_LOST: return INLET_LOST;
        case RABBIT_DELIVERY: return came(out, &ev);
        case RABBIT_RETURNED: note_returned(in, ev.channel); continue;
        case RABBIT_CONFIRMED:
        case RABBIT_REFUSED: break;
        }
        in->settled = ev.tag;
        in->settled_on = ev.channel;
        in->settled_all = ev.multiple;
        in->kept = got == RABBIT_CONFIRMED;
    }
}

static bool rabbit_inlet_acknowledge(struct inlet *inlet, uint64_t tag, bool all, struct err *e) {
    return rabbit_ok(amqp_basic_ack(rabbit_connection(of(inlet)->r), RABBIT_TAKE, tag, all), "acknowledging",
                     e);
}

static bool rabbit_inlet_flush(struct inlet *inlet, struct err *e) {
    (void)inlet;
    (void)e;
    return true; /* the library writes at once */
}

static int64_t rabbit_inlet_lag(struct inlet *inlet) {
    struct rabbit_inlet *in = of(inlet);
    const amqp_queue_declare_ok_t *ok = amqp_queue_declare(
        rabbit_connection(in->r), RABBIT_TAKE, rabbit_bytes(in->door->queue), 1, 0, 0, 0, amqp_empty_table);
    return ok ? (int64_t)ok->message_count : -1;
}

const struct inlet_kind inlet_rabbit = {
    .open = rabbit_inlet_open,
    .probe = rabbit_inlet_probe,
    .close = rabbit_inlet_close,
    .fd = rabbit_inlet_fd,
    .next = rabbit_inlet_next,
    .acknowledge = rabbit_inlet_acknowledge,
    .put_aside = put_aside,
    .flush = rabbit_inlet_flush,
    .lag = rabbit_inlet_lag,
};
