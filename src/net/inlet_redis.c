/* A door in by Redis Streams: a consumer group, with a consumer of our own for each connection. One
 * connection waits for entries; the other acknowledges, puts aside, and takes over what other consumers have
 * left alone.
 *
 * What we hold is claimed anew before others may take it over, so that an entry that waits here for a limit
 * stays here. A consumer that has ended leaves its name behind only with entries that are still to be taken
 * over. */
#include "net/inlet.h"
#include "net/redis.h"

#include "base/clock.h"
#include "base/json.h"

#include <hiredis/hiredis.h>
#include <string.h>
#include <unistd.h>

enum {
    TIMEOUT_MS = 5000,
    BLOCK_MS = 1000,
    READ_MAX = 200, /* entries at once: replies have a limit, too */
    CLAIM_MAX = 50,
    CLAIM_EVERY_MAX_US = 5 * 1000 * 1000,
    ID_MAX = 44,
    CONSUMER_MAX = 128,
    ROW_BYTES_MAX = 16 << 20,
    REPLY_BYTES_GOOD = REDIS_REPLY_BYTES_MAX / 4,
    WORDS_MAX = 8,
};

struct held {
    uint64_t tag;
    char id[ID_MAX]; /* "": acknowledged */
};

struct aside {
    uint64_t tag;
    bool kept;
};

struct redis_inlet {
    struct inlet inlet; /* first */
    const struct door *door;
    size_t body_bytes_max;
    struct redis *reader, *writer;
    char consumer[CONSUMER_MAX];
    struct redisReply *reply; /* entries that came, of which `next` is the first not handed out */
    const struct redisReply *rows;
    size_t next;
    size_t at_once; /* entries asked for: as many as a reply has room for, by the size of those that came */
    bool again;     /* they were another's before */
    bool reading;   /* the reader waits for entries */
    struct held *held; /* by tag; as many as prefetch, and what is taken over at once */
    size_t n_held, n_gaps;
    uint64_t tags;
    struct aside *asides; /* put aside, or not, to be told; as many as may be held */
    size_t n_asides;
    struct err not_aside; /* why not, the latest */
    int64_t claim_at;
    char claim_from[ID_MAX];
    struct buf acks; /* ids, each ended by \n */
    size_t n_acks;
    struct buf body;
};

static struct redis_inlet *of(struct inlet *in) {
    return (struct redis_inlet *)in;
}

static struct sv view(const struct redisReply *r) {
    return r && r->type == REDIS_REPLY_STRING ? sv_make(r->str, r->len) : SV_NONE;
}

static bool ask(struct redis *r, const struct sv *words, size_t n, struct redisReply **out, struct err *e) {
    return redis_call(r, words, n, out, e);
}

static bool tell(struct redis *r, const struct sv *words, size_t n, struct err *e) {
    struct redisReply *reply;
    if (!ask(r, words, n, &reply, e))
        return false;
    freeReplyObject(reply);
    return true;
}

static struct sv number(char out[24], uint64_t n) {
    return sv_make(out, (size_t)snprintf(out, 24, "%llu", (unsigned long long)n));
}

/* ---- what is held ---- */

static void compact(struct redis_inlet *in) {
    size_t n = 0;
    if (in->n_gaps * 2 <= in->n_held)
        return;
    for (size_t i = 0; i < in->n_held; i++)
        if (in->held[i].id[0])
            in->held[n++] = in->held[i];
    in->n_held = n;
    in->n_gaps = 0;
}

static size_t room(const struct redis_inlet *in) {
    size_t out = in->n_held - in->n_gaps;
    return out < in->door->prefetch ? in->door->prefetch - out : 0;
}

static bool is_held(const struct redis_inlet *in, struct sv id) {
    for (size_t i = 0; i < in->n_held; i++)
        if (sv_eq(id, sv_of(in->held[i].id)))
            return true;
    return false;
}

static void let_go(struct redis_inlet *in, struct held *h) {
    if (!h->id[0])
        return;
    buf_adds(&in->acks, h->id);
    buf_addc(&in->acks, '\n');
    in->n_acks++;
    h->id[0] = '\0';
    in->n_gaps++;
}

/* ---- entries ---- */

static bool begin_reading(struct redis_inlet *in, struct err *e) {
    char count[24], block[24];
    size_t most = room(in);
    if (in->reading || in->reply || most == 0)
        return true;
    const struct sv words[] = {SV("XREADGROUP"), SV("GROUP"),
                               in->door->group,  sv_of(in->consumer),
                               SV("COUNT"),      number(count, most < in->at_once ? most : in->at_once),
                               SV("BLOCK"),      number(block, BLOCK_MS),
                               SV("STREAMS"),    in->door->queue,
                               SV(">")};
    redis_add(in->reader, words, sizeof words / sizeof words[0]);
    in->reading = true;
    return redis_flush(in->reader, clock_monotonic_us() + TIMEOUT_MS * US_PER_MS, e);
}

static void forget_reply(struct redis_inlet *in) {
    freeReplyObject(in->reply);
    in->reply = NULL;
    in->rows = NULL;
}

/* One entry is within the limit of replies, but not so many of any size: begins with one, and grows. */
static void learn_size(struct redis_inlet *in) {
    size_t bytes = 0;
    for (size_t i = 0; i < in->rows->elements; i++) {
        const struct redisReply *row = in->rows->element[i];
        const struct redisReply *fields =
            row->type == REDIS_REPLY_ARRAY && row->elements == 2 ? row->element[1] : NULL;
        for (size_t k = 0; fields && fields->type == REDIS_REPLY_ARRAY && k < fields->elements; k++)
            bytes += view(fields->element[k]).n;
    }
    in->at_once = bytes > REPLY_BYTES_GOOD ? in->at_once * REPLY_BYTES_GOOD / bytes : in->at_once * 2;
    in->at_once = in->at_once < 1 ? 1 : in->at_once > READ_MAX ? READ_MAX : in->at_once;
}

/* Hands out the rows of this reply from now on. */
static void keep_rows(struct redis_inlet *in, struct redisReply *reply, const struct redisReply *rows,
                      bool again) {
    in->reply = reply;
    in->rows = rows && rows->type == REDIS_REPLY_ARRAY ? rows : NULL;
    in->next = 0;
    in->again = again;
    if (in->rows && in->rows->elements)
        learn_size(in);
}

static bool end_reading(struct redis_inlet *in, struct err *e) {
    struct redisReply *reply;
    if (!redis_next(in->reader, clock_monotonic_us() + (BLOCK_MS + TIMEOUT_MS) * US_PER_MS, &reply, e))
        return false;
    in->reading = false;
    if (reply->type == REDIS_REPLY_ERROR) {
        redis_refused(reply, e);
        freeReplyObject(reply);
        return false;
    }
    /* [[stream, [[id, [field, value, ...]], ...]]], or nil */
    const struct redisReply *stream =
        reply->type == REDIS_REPLY_ARRAY && reply->elements ? reply->element[0] : NULL;
    keep_rows(in, reply, stream && stream->elements == 2 ? stream->element[1] : NULL, false);
    return true;
}

static void add_member(struct redis_inlet *in, struct sv name, struct sv value) {
    if (in->body.n > 1)
        buf_addc(&in->body, ',');
    json_add_string(&in->body, name);
    buf_addc(&in->body, ':');
    json_add_string(&in->body, value);
}

/* Fields named `json`, `id`, `type`, `idempotency_key`, `content_type` and `traceparent` are what they say;
 * without `json` all others are members of a JSON object, as text. */
static void read_fields(struct redis_inlet *in, const struct redisReply *fields, struct inlet_entry *out) {
    struct sv json = SV_NONE;
    buf_reset(&in->body);
    buf_addc(&in->body, '{');
    for (size_t i = 0; i + 1 < fields->elements; i += 2) {
        struct sv name = view(fields->element[i]), value = view(fields->element[i + 1]);
        struct sv *known = sv_eq(name, SV("json"))              ? &json
                           : sv_eq(name, SV("id"))              ? &out->id
                           : sv_eq(name, SV("type"))            ? &out->type
                           : sv_eq(name, SV("idempotency_key")) ? &out->key
                           : sv_eq(name, SV("content_type"))    ? &out->content_type
                           : sv_eq(name, SV("traceparent"))     ? &out->traceparent
                                                                : NULL;
        if (known)
            *known = value;
        else
            add_member(in, name, value);
    }
    buf_addc(&in->body, '}');
    out->body = json.p ? json : buf_sv(&in->body);
    out->key = sv_sub(out->key, 0, 256); /* what is longer is none, and the API says so */
    out->type = sv_sub(out->type, 0, 256);
    out->content_type = sv_sub(out->content_type, 0, 256);
    out->traceparent = sv_sub(out->traceparent, 0, 256);
}

/* The next row, if it is one that we do not have already. */
static bool take_row(struct redis_inlet *in, struct inlet_entry *out) {
    const struct redisReply *row = in->rows->element[in->next++];
    struct sv id = row->type == REDIS_REPLY_ARRAY && row->elements == 2 ? view(row->element[0]) : SV_NONE;
    if (!id.n || id.n >= ID_MAX || is_held(in, id))
        return false;
    struct held *h = &in->held[in->n_held++];
    h->tag = ++in->tags;
    memcpy(h->id, id.p, id.n);
    h->id[id.n] = '\0';
    if (row->element[1]->type !=
        REDIS_REPLY_ARRAY) { /* it was deleted: there is nothing to be done any more */
        let_go(in, h);
        return false;
    }
    *out = (struct inlet_entry){.tag = h->tag, .id = id, .again = in->again};
    read_fields(in, row->element[1], out);
    return true;
}

/* ---- taking over ---- */

/* Those of ours that were handed out a while ago are claimed anew, so that nobody else takes them over. */
static bool keep_claims(struct redis_inlet *in, struct err *e) {
    struct sv words[5 + CLAIM_MAX + 1];
    size_t n = 0, i = 0;
    while (i < in->n_held) {
        n = 0;
        words[n++] = SV("XCLAIM");
        words[n++] = in->door->queue;
        words[n++] = in->door->group;
        words[n++] = sv_of(in->consumer);
        words[n++] = SV("0");
        for (; i < in->n_held && n < 5 + CLAIM_MAX; i++)
            if (in->held[i].id[0])
                words[n++] = sv_of(in->held[i].id);
        if (n == 5)
            break;
        words[n++] = SV("JUSTID");
        if (!tell(in->writer, words, n, e))
            return false;
    }
    return true;
}

static bool take_over(struct redis_inlet *in, struct err *e) {
    char idle[24], count[24];
    size_t most = room(in);
    most = most < in->at_once ? most : in->at_once;
    most = most < CLAIM_MAX ? most : CLAIM_MAX;
    struct redisReply *reply;
    if (!keep_claims(in, e))
        return false;
    if (in->reply || most == 0)
        return true;
    const struct sv words[] = {SV("XAUTOCLAIM"),
                               in->door->queue,
                               in->door->group,
                               sv_of(in->consumer),
                               number(idle, (uint64_t)in->door->claim_s * 1000),
                               sv_of(in->claim_from),
                               SV("COUNT"),
                               number(count, most)};
    if (!ask(in->writer, words, sizeof words / sizeof words[0], &reply, e))
        return false;
    bool sound = reply->type == REDIS_REPLY_ARRAY && reply->elements >= 2;
    struct sv from = sound ? view(reply->element[0]) : SV_NONE;
    snprintf(in->claim_from, ID_MAX, "%.*s", from.n && from.n < ID_MAX ? (int)from.n : 3,
             from.n && from.n < ID_MAX ? from.p : "0-0");
    keep_rows(in, reply, sound ? reply->element[1] : NULL, true);
    if (in->rows && in->rows->elements >= most) /* there may be more */
        in->claim_at = 0;
    return true;
}

static bool look_after_claims(struct redis_inlet *in, struct err *e) {
    int64_t now = clock_monotonic_us();
    if (now < in->claim_at)
        return true;
    int64_t every = (int64_t)in->door->claim_s * US_PER_S / 4;
    in->claim_at = now + (every < CLAIM_EVERY_MAX_US ? every : CLAIM_EVERY_MAX_US);
    return take_over(in, e);
}

static bool redis_inlet_put_aside(struct inlet *inlet, const struct inlet_entry *entry,
                                  const struct inlet_refusal *why, struct err *e);

/* While it is here. */
static bool set_aside_large(struct redis_inlet *in, struct inlet_entry *entry, struct err *e) {
    char detail[128];
    snprintf(detail, sizeof detail, "the entry has %zu bytes: more than limits.request_bytes_max",
             entry->body.n);
    const struct inlet_refusal why = {
        .problem = SV("/problems/too-large"), .detail = sv_of(detail), .status = 413};
    bool ok = redis_inlet_put_aside(&in->inlet, entry, &why, e);
    entry->body = SV_NONE;
    entry->large = true;
    return ok;
}

static enum inlet_got redis_inlet_next(struct inlet *inlet, struct inlet_entry *out, struct err *e) {
    struct redis_inlet *in = of(inlet);
    *out = (struct inlet_entry){0};
    if (in->n_asides) {
        const struct aside *a = &in->asides[--in->n_asides];
        out->tag = a->tag;
        if (a->kept)
            return INLET_ASIDE;
        *e = in->not_aside;
        return INLET_NOT_ASIDE;
    }
    compact(in);
    if (!look_after_claims(in, e))
        return INLET_LOST;
    for (;;) {
        while (in->rows && in->next < in->rows->elements)
            if (take_row(in, out))
                return out->body.n <= in->body_bytes_max || set_aside_large(in, out, e) ? INLET_CAME
                                                                                        : INLET_LOST;
        if (in->reply)
            forget_reply(in); /* what was handed out of it was copied: this is the next call */
        if (in->reading && !redis_is_readable(in->reader))
            return INLET_NOTHING;
        if (in->reading && !end_reading(in, e))
            return INLET_LOST;
        if (in->reply)
            continue;
        if (!begin_reading(in, e))
            return INLET_LOST;
        if (!in->reading)
            return INLET_NOTHING;
    }
}

/* ---- giving back ---- */

static bool redis_inlet_flush(struct inlet *inlet, struct err *e) {
    struct redis_inlet *in = of(inlet);
    struct sv rest = buf_sv(&in->acks);
    while (in->n_acks) {
        struct sv words[3 + CLAIM_MAX];
        size_t n = 0;
        words[n++] = SV("XACK");
        words[n++] = in->door->queue;
        words[n++] = in->door->group;
        for (; in->n_acks && n < sizeof words / sizeof words[0]; in->n_acks--)
            words[n++] = sv_cut(&rest, '\n');
        if (!tell(in->writer, words, n, e))
            return false;
    }
    buf_reset(&in->acks);
    compact(in);
    return begin_reading(in, e);
}

static bool redis_inlet_acknowledge(struct inlet *inlet, uint64_t tag, bool all, struct err *e) {
    struct redis_inlet *in = of(inlet);
    for (size_t i = 0; i < in->n_held && in->held[i].tag <= tag; i++)
        if (all || in->held[i].tag == tag)
            let_go(in, &in->held[i]);
    return !in->acks.overflow || err_set(e, ERR_OUTSIDE, "out of memory");
}

static bool redis_inlet_put_aside(struct inlet *inlet, const struct inlet_entry *entry,
                                  const struct inlet_refusal *why, struct err *e) {
    struct redis_inlet *in = of(inlet);
    char most[24], status[24];
    struct sv words[40];
    size_t n = 0;
    words[n++] = SV("XADD");
    words[n++] = in->door->dead_letters;
    words[n++] = SV("MAXLEN");
    words[n++] = SV("~");
    words[n++] = number(most, in->door->dead_letters_max);
    words[n++] = SV("*");
    const struct sv fields[][2] = {{SV("json"), entry->body},
                                   {SV("id"), entry->id},
                                   {SV("type"), entry->type},
                                   {SV("idempotency_key"), entry->key},
                                   {SV("content_type"), entry->content_type},
                                   {SV("traceparent"), entry->traceparent},
                                   {SV("door"), sv_of(in->door->name)},
                                   {SV("problem"), why->problem},
                                   {SV("detail"), why->detail},
                                   {SV("field"), why->field},
                                   {SV("status"), number(status, (uint64_t)why->status)}};
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        if (i && !fields[i][1].n)
            continue;
        words[n++] = fields[i][0];
        words[n++] = fields[i][1];
    }
    struct err why_not = ERR_INIT;
    bool kept = tell(in->writer, words, n, &why_not);
    if (!kept && !redis_is_open(in->writer)) {
        *e = why_not;
        return false;
    }
    if (!kept) /* Redis said no: out of memory, not allowed, no stream */
        in->not_aside = why_not;
    in->asides[in->n_asides++] = (struct aside){.tag = entry->tag, .kept = kept};
    return true;
}

static int64_t redis_inlet_lag(struct inlet *inlet) {
    struct redis_inlet *in = of(inlet);
    const struct sv words[] = {SV("XINFO"), SV("GROUPS"), in->door->queue};
    struct redisReply *reply;
    struct err ignored = ERR_INIT;
    int64_t lag = -1;
    if (!ask(in->writer, words, 3, &reply, &ignored))
        return -1;
    for (size_t g = 0; reply->type == REDIS_REPLY_ARRAY && g < reply->elements; g++) {
        const struct redisReply *group = reply->element[g];
        bool ours = false;
        for (size_t i = 0; i + 1 < group->elements; i += 2) {
            struct sv name = view(group->element[i]);
            const struct redisReply *value = group->element[i + 1];
            ours |= sv_eq(name, SV("name")) && sv_eq(view(value), in->door->group);
            if (ours && sv_eq(name, SV("lag")) && value->type == REDIS_REPLY_INTEGER)
                lag = value->integer;
        }
    }
    freeReplyObject(reply);
    return lag;
}

/* ---- life ---- */

static struct redis *new_redis(const struct door *d, struct err *e) {
    const struct redis_where where = {.url = d->url,
                                      .user = d->user,
                                      .password = d->password,
                                      .ca_file = d->ca_file,
                                      .timeout_ms = TIMEOUT_MS};
    struct redis *r = redis_new(&where, e);
    if (r && redis_connect(r, e))
        return r;
    redis_free(r);
    return NULL;
}

/* From the first entry on; a group that is there stays where it is. */
static bool make_group(struct redis_inlet *in, struct err *e) {
    const struct sv words[] = {SV("XGROUP"),    SV("CREATE"), in->door->queue,
                               in->door->group, SV("0"),      SV("MKSTREAM")};
    struct err why = ERR_INIT;
    if (tell(in->writer, words, sizeof words / sizeof words[0], &why) || strstr(why.text, "BUSYGROUP"))
        return true;
    *e = why;
    return false;
}

static void name_consumer(struct redis_inlet *in) {
    char host[64] = "";
    (void)gethostname(host, sizeof host - 1);
    snprintf(in->consumer, CONSUMER_MAX, "%s-%ld-%llx", host, (long)getpid(),
             (unsigned long long)clock_monotonic_us());
}

/* Our consumer goes, but not with entries of its own: it would take them along. */
static void forget_consumer(struct redis_inlet *in) {
    static const char script[] =
        "if #redis.call('XPENDING',KEYS[1],ARGV[1],'-','+',1,ARGV[2])==0 then "
        "return redis.call('XGROUP','DELCONSUMER',KEYS[1],ARGV[1],ARGV[2]) end return -1";
    const struct sv words[] = {SV("EVAL"),      sv_of(script),   SV("1"),
                               in->door->queue, in->door->group, sv_of(in->consumer)};
    struct err ignored = ERR_INIT;
    if (in->writer && redis_is_open(in->writer))
        (void)tell(in->writer, words, sizeof words / sizeof words[0], &ignored);
}

static void redis_inlet_close(struct inlet *inlet) {
    struct redis_inlet *in = of(inlet);
    redis_free(in->reader); /* first: it may wait for entries */
    if (in->n_held == in->n_gaps && !in->n_acks && !in->reply)
        forget_consumer(in);
    if (in->reply)
        freeReplyObject(in->reply);
    redis_free(in->writer);
    buf_done(&in->acks);
    buf_done(&in->body);
    free(in->held);
    free(in->asides);
    free(in);
}

static struct inlet *redis_inlet_open(const struct inlet_options *o, struct err *e) {
    struct redis_inlet *in = calloc(1, sizeof *in);
    ASSERT(in);
    in->door = o->door;
    in->body_bytes_max = o->body_bytes_max;
    in->at_once = 1;
    size_t most =
        ((size_t)o->door->prefetch + READ_MAX + CLAIM_MAX) * 2; /* gaps are closed when they are half */
    in->held = calloc(most, sizeof *in->held);
    in->asides = calloc(most, sizeof *in->asides);
    ASSERT(in->held && in->asides);
    buf_init(&in->acks, most * ID_MAX);
    buf_init(&in->body, ROW_BYTES_MAX);
    snprintf(in->claim_from, ID_MAX, "0-0");
    name_consumer(in);
    in->writer = new_redis(o->door, e);
    in->reader = in->writer ? new_redis(o->door, e) : NULL;
    if (in->reader && make_group(in, e))
        return &in->inlet;
    redis_inlet_close(&in->inlet);
    return NULL;
}

static bool redis_inlet_probe(const struct door *door, struct err *e) {
    struct redis *r = new_redis(door, e);
    bool ok = r && tell(r, (const struct sv[]){SV("PING")}, 1, e);
    redis_free(r);
    return ok;
}

static int redis_inlet_fd(const struct inlet *inlet) {
    return redis_fd(((const struct redis_inlet *)inlet)->reader);
}

const struct inlet_kind inlet_redis = {
    .open = redis_inlet_open,
    .probe = redis_inlet_probe,
    .close = redis_inlet_close,
    .fd = redis_inlet_fd,
    .next = redis_inlet_next,
    .acknowledge = redis_inlet_acknowledge,
    .put_aside = redis_inlet_put_aside,
    .flush = redis_inlet_flush,
    .lag = redis_inlet_lag,
};
