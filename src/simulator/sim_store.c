#include "simulator/sim_store.h"

#include <string.h>

#define BLOCK_BYTES ((size_t)1 << 20)
/* Odd, so that multiplying by it can be undone. */
#define SID_SPREAD 0x9E3779B97F4A7C15u

struct store_block {
    struct store_block *next;
    uint64_t last; /* the newest message with text in it */
    size_t n;
    char bytes[BLOCK_BYTES];
};

bool store_init(struct store *s, size_t keep, struct sip_key key, struct err *e) {
    ASSERT(keep > 0);
    *s = (struct store){.keep = keep, .buckets = 1024, .first = 1, .next = 1, .key = key};
    while (s->buckets < keep)
        s->buckets *= 2;
    s->rows = calloc(keep, sizeof *s->rows); /* touched, so paid for, only as messages come */
    s->by_number = calloc(s->buckets, sizeof *s->by_number);
    s->by_text = calloc(s->buckets, sizeof *s->by_text);
    if (s->rows && s->by_number && s->by_text)
        return true;
    store_done(s);
    return err_set(e, ERR_OUTSIDE, "out of memory for %zu messages: keep fewer", keep);
}

static void free_blocks(struct store *s) {
    while (s->oldest) {
        struct store_block *next = s->oldest->next;
        free(s->oldest);
        s->oldest = next;
    }
    s->newest = NULL;
}

void store_done(struct store *s) {
    free_blocks(s);
    free(s->rows);
    free(s->by_number);
    free(s->by_text);
    words_done(&s->words);
    *s = (struct store){0};
}

void store_reset(struct store *s) {
    s->first = s->next;
    free_blocks(s);
}

/* ---- chains ---- */

/* The sequence number of a link, if it is kept and older than `than`. The second condition also ends a chain
 * whose link outlived 2^32 messages. */
static uint64_t follow(const struct store *s, uint32_t link, uint64_t than) {
    uint64_t seq = (than & ~(uint64_t)UINT32_MAX) | link;
    if (seq >= than)
        seq -= (uint64_t)UINT32_MAX + 1;
    return seq >= s->first && seq < than ? seq : 0;
}

static struct sim_message *row(const struct store *s, uint64_t seq) {
    return &s->rows[seq % s->keep];
}

static size_t bucket(const struct store *s, uint64_t hash) {
    return (size_t)((hash * SID_SPREAD) >> 32) & (s->buckets - 1);
}

/* The newest row older than `than` with that hash. */
static uint64_t older_text(const struct store *s, uint32_t link, uint64_t hash, uint64_t than) {
    for (uint64_t seq = follow(s, link, than); seq; seq = follow(s, row(s, seq)->older_text_link, seq))
        if (row(s, seq)->text_hash == hash)
            return seq;
    return 0;
}

uint64_t store_older_of(const struct store *s, uint64_t number, uint64_t seq) {
    uint64_t than = seq ? seq : s->next;
    uint32_t link = seq ? row(s, seq)->older_number_link : s->by_number[bucket(s, number)];
    for (uint64_t at = follow(s, link, than); at; at = follow(s, row(s, at)->older_number_link, at))
        if (row(s, at)->number == number)
            return at;
    return 0;
}

uint64_t store_older_copy(const struct store *s, uint64_t seq) {
    const struct sim_message *m = row(s, seq);
    uint64_t at = seq;
    do
        at = older_text(s, row(s, at)->older_text_link, m->text_hash, at);
    while (at && row(s, at)->from != m->from);
    return at;
}

/* ---- adding ---- */

static void forget_oldest(struct store *s) {
    uint64_t seq = s->first++;
    while (s->oldest && s->oldest != s->newest && s->oldest->last <= seq) {
        struct store_block *next = s->oldest->next;
        free(s->oldest);
        s->oldest = next;
    }
}

static char *text_room(struct store *s, size_t n) {
    struct store_block *b = s->newest;
    if (!b || BLOCK_BYTES - b->n < n) {
        b = malloc(sizeof *b);
        if (!b)
            return NULL;
        b->next = NULL;
        b->n = 0;
        *(s->newest ? &s->newest->next : &s->oldest) = b;
        s->newest = b;
    }
    b->last = s->next;
    char *at = b->bytes + b->n;
    b->n += n;
    return at;
}

static uint64_t text_hash(const struct store *s, const struct sim_draft *d) {
    struct sip_key key = {s->key.k0 ^ d->number, s->key.k1};
    return siphash(key, d->body);
}

uint64_t store_add(struct store *s, const struct sim_draft *d, int64_t now, bool *fresh) {
    const struct sv texts[] = {d->body, d->traceparent, d->reference, d->address, d->extra};
    size_t n = 0;
    ASSERT(d->body.n <= UINT16_MAX && d->extra.n <= UINT16_MAX && d->traceparent.n <= UINT8_MAX &&
           d->reference.n <= UINT8_MAX && d->address.n <= UINT8_MAX);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        n += texts[i].n;
    char *text = text_room(s, n);
    if (!text)
        return 0;
    if (s->next - s->first == s->keep)
        forget_oldest(s);
    uint64_t seq = s->next++;
    struct sim_message *m = row(s, seq);
    *m = d->row;
    m->number = d->number;
    m->text = text;
    m->body_n = (uint16_t)d->body.n;
    m->traceparent_n = (uint8_t)d->traceparent.n;
    m->reference_n = (uint8_t)d->reference.n;
    m->address_n = (uint8_t)d->address.n;
    m->extra_n = (uint16_t)d->extra.n;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (texts[i].n) {
            memcpy(text, texts[i].p, texts[i].n);
            text += texts[i].n;
        }
    m->created_at = m->first_at = now;
    m->times = 1;
    m->text_hash = text_hash(s, d);

    uint32_t *number_head = &s->by_number[bucket(s, m->number)];
    uint32_t *text_head = &s->by_text[bucket(s, m->text_hash)];
    m->older_number_link = *number_head;
    m->older_text_link = *text_head;
    *number_head = *text_head = (uint32_t)seq;

    *fresh = older_text(s, m->older_text_link, m->text_hash, seq) == 0;
    uint64_t copy = *fresh ? 0 : store_older_copy(s, seq);
    if (copy) {
        struct sim_message *older = row(s, copy);
        m->times = older->times + 1;
        m->first_at = older->first_at;
        older->superseded = true;
    }
    return seq;
}

bool store_retell(struct store *s, uint64_t seq, struct sv body) {
    struct sim_message *m = row(s, seq);
    size_t rest = (size_t)m->traceparent_n + m->reference_n + m->address_n + m->extra_n;
    ASSERT(body.n <= UINT16_MAX);
    char *text = text_room(s, body.n + rest);
    if (!text)
        return false;
    if (body.n)
        memcpy(text, body.p, body.n);
    if (rest)
        memcpy(text + body.n, m->text + m->body_n, rest);
    m->text = text;
    m->body_n = (uint16_t)body.n;
    return true;
}

struct sim_message *store_get(const struct store *s, uint64_t seq) {
    return seq >= s->first && seq < s->next ? row(s, seq) : NULL;
}

/* ---- sids ---- */

static uint64_t sid_check(const struct store *s, uint64_t seq) {
    return siphash(s->key, sv_make((const char *)&seq, sizeof seq));
}

struct sid store_sid(const struct store *s, uint64_t seq) {
    return sid_random("SM", (seq * SID_SPREAD) ^ s->key.k0, sid_check(s, seq));
}

uint64_t store_seq(const struct store *s, struct sv sid) {
    uint8_t bytes[16];
    if (!sv_starts(sid, SV("SM")) || !hex_parse(sv_from(sid, 2), bytes, sizeof bytes))
        return 0;
    uint64_t half[2] = {0};
    for (size_t i = 0; i < sizeof bytes; i++)
        half[i / 8] = half[i / 8] << 8 | bytes[i];
    uint64_t inverse = SID_SPREAD; /* Newton: each step doubles the right low bits, from 3 on */
    for (int i = 0; i < 5; i++)
        inverse *= 2 - SID_SPREAD * inverse;
    uint64_t seq = (half[0] ^ s->key.k0) * inverse;
    return sid_check(s, seq) == half[1] ? seq : 0;
}

/* ---- rows ---- */

struct sv store_body(const struct sim_message *m) {
    return m->redacted ? SV_NONE : sv_make(m->text, m->body_n);
}

struct sv store_traceparent(const struct sim_message *m) {
    return sv_make(m->text + m->body_n, m->traceparent_n);
}

struct sv store_reference(const struct sim_message *m) {
    return sv_make(m->text + m->body_n + m->traceparent_n, m->reference_n);
}

struct sv store_address(const struct sim_message *m) {
    return sv_make(m->text + m->body_n + m->traceparent_n + m->reference_n, m->address_n);
}

struct sv store_extra(const struct sim_message *m) {
    return sv_make(m->text + m->body_n + m->traceparent_n + m->reference_n + m->address_n, m->extra_n);
}

enum sim_status store_status(const struct sim_message *m, int64_t now) {
    int64_t age_ms = (now - m->created_at) / 1000;
    if (m->final_ms != SIM_NEVER && age_ms >= m->final_ms)
        return m->final;
    if (m->sent_ms != SIM_NEVER && age_ms >= m->sent_ms)
        return SIM_SENT;
    return m->first;
}

const char *sim_status_name(enum sim_status s) {
    static const char *const names[] = {"queued",    "accepted",    "scheduled", "sent",
                                        "delivered", "undelivered", "failed",    "canceled"};
    return names[s];
}

bool sim_number_parse(struct sv e164, uint64_t *out) {
    struct sv digits = sv_from(e164, 1);
    if (!sv_starts(e164, SV("+")) || digits.n < 7 || digits.n > 15 || digits.p[0] == '0')
        return false;
    return sv_to_u64(digits, out);
}

void sim_number_add(struct buf *out, uint64_t number) {
    buf_addc(out, '+');
    buf_add_u64(out, number);
}

uint64_t sim_address_number(struct sv address) {
    static const struct sip_key key = {0x6164647265737365, 0x73};
    return siphash(key, address) | (uint64_t)1 << 63;
}

void sim_to_add(struct buf *out, const struct sim_message *m) {
    if (m->address_n)
        buf_add(out, store_address(m));
    else
        sim_number_add(out, m->number);
}
