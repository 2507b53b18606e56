#include "model/id.h"

#include "base/clock.h"
#include "base/err.h"

#include <string.h>

enum { SEQUENCE_BITS = 14, NODE_BITS = 8 };

/* 2024-01-01T00:00:00Z */
static const int64_t epoch_ms = INT64_C(1704067200000);

int64_t id_floor(int64_t at) {
    int64_t ms = at / US_PER_MS - epoch_ms;
    if (ms > INT64_MAX >> (SEQUENCE_BITS + NODE_BITS))
        return INT64_MAX; /* 2093 and later */
    return ms <= 0 ? 1 : ms << (SEQUENCE_BITS + NODE_BITS);
}

int64_t id_next(struct id_maker *m, int64_t now) {
    ASSERT(m->node < (1u << NODE_BITS));
    int64_t first = id_floor(now) | ((int64_t)m->node << SEQUENCE_BITS);
    int64_t mask = (INT64_C(1) << SEQUENCE_BITS) - 1;
    if (m->last < first) {
        m->last = first;
    } else if ((m->last & mask) < mask) {
        m->last++;
    } else { /* this millisecond is used up (or the clock stepped back): borrow from the next one */
        m->last = ((m->last >> (SEQUENCE_BITS + NODE_BITS)) + 1) << (SEQUENCE_BITS + NODE_BITS);
        m->last |= (int64_t)m->node << SEQUENCE_BITS;
    }
    return m->last;
}

int64_t id_after(int64_t last, unsigned node) {
    return (((last >> (SEQUENCE_BITS + NODE_BITS)) + 1) << (SEQUENCE_BITS + NODE_BITS)) |
           (int64_t)node << SEQUENCE_BITS;
}

int64_t id_time(int64_t id) {
    return ((id >> (SEQUENCE_BITS + NODE_BITS)) + epoch_ms) * US_PER_MS;
}

/* The domain byte keeps what is made for one kind from ever being right for another. */
static uint64_t checksum(struct sip_key key, char domain, int64_t id, unsigned attempt) {
    char bytes[13];
    bytes[0] = domain;
    memcpy(bytes + 1, &id, 8);
    memcpy(bytes + 9, &attempt, 4);
    return siphash(key, sv_make(bytes, sizeof bytes));
}

static struct sid sid_of(struct sip_key key, const char *prefix, char domain, int64_t id) {
    struct sid s = {.text = {prefix[0], prefix[1]}};
    hex_u64(s.text + 2, (uint64_t)id);
    hex_u64(s.text + 18, checksum(key, domain, id, 0));
    return s;
}

static bool parse(struct sip_key key, const char *prefix, char domain, struct sv text, int64_t *id) {
    uint8_t b[8];
    if (text.n != SID_BYTES || !sv_starts(text, sv_of(prefix)) || !hex_parse(sv_sub(text, 2, 16), b, 8))
        return false;
    uint64_t x = 0;
    for (int i = 0; i < 8; i++)
        x = x << 8 | b[i];
    if (x == 0 || x > INT64_MAX)
        return false;
    struct sid right = sid_of(key, prefix, domain, (int64_t)x);
    if (!sv_eq_secret(text, sid_sv(&right)))
        return false;
    *id = (int64_t)x;
    return true;
}

struct sid sid_message(struct sip_key key, int64_t id) {
    return sid_of(key, "SM", 'm', id);
}

bool sid_parse_message(struct sip_key key, struct sv text, int64_t *id) {
    return parse(key, "SM", 'm', text, id);
}

struct sid sid_event(struct sip_key key, int64_t id) {
    struct sid s = sid_message(key, id);
    memcpy(s.text, "EV", 2);
    return s;
}

struct sid sid_hook(struct sip_key key, int64_t id) {
    return sid_of(key, "WH", 'w', id);
}

bool sid_parse_hook(struct sip_key key, struct sv text, int64_t *id) {
    return parse(key, "WH", 'w', text, id);
}

struct sid sid_notice(struct sip_key key, int64_t id) {
    return sid_of(key, "EV", 'n', id);
}

struct sid sid_verification(struct sip_key key, int64_t id) {
    return sid_of(key, "VE", 'v', id);
}

bool sid_parse_verification(struct sip_key key, struct sv text, int64_t *id) {
    return parse(key, "VE", 'v', text, id);
}

struct sid sid_random(const char *prefix, uint64_t hi, uint64_t lo) {
    struct sid s = {.text = {prefix[0], prefix[1]}};
    hex_u64(s.text + 2, hi);
    hex_u64(s.text + 18, lo);
    return s;
}

struct sv sid_sv(const struct sid *s) {
    return sv_make(s->text, SID_BYTES);
}

struct attempt_token token_of(struct sip_key key, int64_t message_id, unsigned attempt) {
    ASSERT(attempt <= 0xffff);
    struct attempt_token t = {.text = ""};
    char n[16];
    hex_u64(t.text, (uint64_t)message_id);
    hex_u64(n, attempt);
    memcpy(t.text + 16, n + 12, 4);
    hex_u64(t.text + 20, checksum(key, 'a', message_id, attempt));
    return t;
}

bool token_parse(struct sip_key key, struct sv text, int64_t *message_id, unsigned *attempt) {
    uint8_t b[10];
    if (text.n != TOKEN_BYTES || !hex_parse(sv_sub(text, 0, 20), b, 10))
        return false;
    uint64_t x = 0;
    for (int i = 0; i < 8; i++)
        x = x << 8 | b[i];
    if (x == 0 || x > INT64_MAX)
        return false;
    unsigned n = (unsigned)b[8] << 8 | b[9];
    struct attempt_token right = token_of(key, (int64_t)x, n);
    if (!sv_eq_secret(text, sv_make(right.text, TOKEN_BYTES)))
        return false;
    *message_id = (int64_t)x;
    *attempt = n;
    return true;
}
