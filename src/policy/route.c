#include "policy/route.h"

#include "base/map.h"
#include "model/sender_kind.h"
#include "text/phone.h"

#include <math.h>
#include <string.h>

enum { DIGITS = 10, SET_BITS = 64 };

/* What a value satisfies: those routes that name it and those without a condition of the kind. */
struct entry {
    struct sv value;
    uint64_t *set;      /* owned */
    struct entry *next; /* of the same hash */
};

/* A number that begins with the digits which lead here. */
struct node {
    uint32_t next[DIGITS]; /* index; 0: none, the root is nobody's next */
    uint32_t set;          /* index of a set + 1; 0: that of the nodes above */
};

struct route_table {
    const struct route_rule *routes;
    size_t n, words;
    struct sip_key key;
    bool used[ROUTE_BYS];
    uint64_t *any[ROUTE_BYS];     /* owned: routes without a condition of the kind */
    struct map values[ROUTE_BYS]; /* hash -> struct entry, owned */
    struct node *nodes;           /* owned; 0 is the root */
    uint32_t n_nodes;
    uint64_t *node_sets; /* owned; words each */
    uint32_t n_node_sets;
};

static void set_bit(uint64_t *set, size_t i) {
    set[i / SET_BITS] |= UINT64_C(1) << i % SET_BITS;
}

static bool has_bit(const uint64_t *set, size_t i) {
    return set[i / SET_BITS] >> i % SET_BITS & 1;
}

static uint64_t hash(const struct route_table *t, struct sv v) {
    return siphash(t->key, v);
}

static struct entry *find(const struct route_table *t, enum route_by by, struct sv v) {
    if (!t->values[by].n)
        return NULL;
    struct entry *e = map_get(&t->values[by], hash(t, v));
    while (e && !sv_eq(e->value, v))
        e = e->next;
    return e;
}

/* ---- compiling ---- */

static bool add_value(struct route_table *t, enum route_by by, struct sv v, size_t route) {
    struct entry *e = find(t, by, v);
    if (!e) {
        e = calloc(1, sizeof *e);
        uint64_t *set = malloc(t->words * sizeof *set);
        if (!e || !set) {
            free(e);
            free(set);
            return false;
        }
        memcpy(set, t->any[by], t->words * sizeof *set);
        *e = (struct entry){.value = v, .set = set, .next = map_get(&t->values[by], hash(t, v))};
        map_put(&t->values[by], hash(t, v), e);
    }
    set_bit(e->set, route);
    return true;
}

static uint32_t digit(char c) {
    return (uint32_t)(c - '0');
}

static bool add_prefix(struct route_table *t, struct sv digits, size_t route) {
    uint32_t at = 0;
    for (size_t i = 0; i < digits.n; i++) {
        uint32_t d = digit(digits.p[i]);
        if (!t->nodes[at].next[d]) {
            struct node *more = realloc(t->nodes, (t->n_nodes + 1) * sizeof *more);
            if (!more)
                return false;
            t->nodes = more;
            t->nodes[t->n_nodes] = (struct node){0};
            t->nodes[at].next[d] = t->n_nodes++;
        }
        at = t->nodes[at].next[d];
    }
    struct node *n = &t->nodes[at];
    if (!n->set) {
        uint64_t *more = realloc(t->node_sets, (t->n_node_sets + 1) * t->words * sizeof *more);
        if (!more)
            return false;
        t->node_sets = more;
        memset(more + t->n_node_sets * t->words, 0, t->words * sizeof *more);
        n->set = ++t->n_node_sets;
    }
    set_bit(t->node_sets + (n->set - 1) * t->words, route);
    return true;
}

/* What holds for a prefix holds for all longer ones. */
static void spread(struct route_table *t, uint32_t at, const uint64_t *above) {
    struct node *n = &t->nodes[at];
    uint64_t *own = n->set ? t->node_sets + (n->set - 1) * t->words : NULL;
    for (size_t w = 0; own && w < t->words; w++)
        own[w] |= above[w];
    for (uint32_t d = 0; d < DIGITS; d++)
        if (n->next[d])
            spread(t, n->next[d], own ? own : above); /* as deep as a prefix has digits: config's bound */
}

static bool compile(struct route_table *t, const struct route_rule *r, size_t i, enum route_by by) {
    for (uint32_t k = 0; k < r->when[by].n; k++) {
        struct sv v = r->when[by].at[k];
        if (!(by == ROUTE_PREFIX ? add_prefix(t, v, i) : add_value(t, by, v, i)))
            return false;
    }
    return true;
}

static bool compile_all(struct route_table *t) {
    t->nodes = calloc(1, sizeof *t->nodes);
    t->n_nodes = 1;
    if (!t->nodes)
        return false;
    for (int by = 0; by < ROUTE_BYS; by++) {
        t->any[by] = calloc(t->words + 1, sizeof *t->any[by]);
        if (!t->any[by])
            return false;
        for (size_t i = 0; i < t->n; i++)
            if (t->routes[i].when[by].n)
                t->used[by] = true;
            else
                set_bit(t->any[by], i);
        for (size_t i = 0; i < t->n; i++)
            if (!compile(t, &t->routes[i], i, (enum route_by)by))
                return false;
    }
    spread(t, 0, t->any[ROUTE_PREFIX]);
    return true;
}

struct route_table *route_table_new(const struct route_rule *routes, size_t n, struct sip_key key) {
    struct route_table *t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    *t = (struct route_table){.routes = routes, .n = n, .words = (n + SET_BITS - 1) / SET_BITS, .key = key};
    if (compile_all(t))
        return t;
    route_table_free(t);
    return NULL;
}

void route_table_free(struct route_table *t) {
    if (!t)
        return;
    for (int by = 0; by < ROUTE_BYS; by++) {
        for (size_t i = 0; i < t->values[by].cap; i++)
            for (struct entry *e = t->values[by].slots[i].value, *next; e; e = next) {
                next = e->next;
                free(e->set);
                free(e);
            }
        map_done(&t->values[by]);
        free(t->any[by]);
    }
    free(t->nodes);
    free(t->node_sets);
    free(t);
}

bool route_table_needs_account(const struct route_table *t) {
    return t->used[ROUTE_ACCOUNT];
}

/* ---- finding ---- */

struct route_number route_number_of(const struct route_query *q) {
    struct route_number out = {.type = ""};
    struct phone p;
    if (channel_has_numbers(q->channel) && phone_parse(q->to, SV_NONE, &p, NULL)) {
        memcpy(out.region, p.region, sizeof out.region);
        out.type = phone_type_name(p.type);
    }
    return out;
}

static const uint64_t *set_of_prefix(const struct route_table *t, const struct route_query *q) {
    const uint64_t *set = t->any[ROUTE_PREFIX];
    if (!channel_has_numbers(q->channel) || !sv_starts(q->to, SV("+")))
        return set;
    uint32_t at = 0;
    for (size_t i = 1; i < q->to.n && q->to.p[i] >= '0' && q->to.p[i] <= '9'; i++) {
        at = t->nodes[at].next[digit(q->to.p[i])];
        if (!at)
            break;
        if (t->nodes[at].set)
            set = t->node_sets + (t->nodes[at].set - 1) * t->words;
    }
    return set;
}

/* For each kind in use, the routes that q satisfies in it; NULL for the others. */
static void sets_of(const struct route_table *t, const struct route_query *q,
                    const uint64_t *sets[ROUTE_BYS]) {
    struct route_number number = {.type = ""};
    if (t->used[ROUTE_COUNTRY] || t->used[ROUTE_TYPE])
        number = route_number_of(q);
    const struct sv values[ROUTE_BYS] = {
        [ROUTE_COUNTRY] = sv_of(number.region),
        [ROUTE_TYPE] = sv_of(number.type),
        [ROUTE_TOPIC] = q->topic,
        [ROUTE_TEMPLATE] = q->template,
        [ROUTE_ACCOUNT] = q->account,
        [ROUTE_SENDER] = q->sender,
        [ROUTE_CHANNEL] = sv_of(channel_name(q->channel)),
    };
    for (int by = 0; by < ROUTE_BYS; by++) {
        sets[by] = NULL;
        if (!t->used[by])
            continue;
        if (by == ROUTE_PREFIX) {
            sets[by] = set_of_prefix(t, q);
            continue;
        }
        const struct entry *e = find(t, (enum route_by)by, values[by]);
        sets[by] = e ? e->set : t->any[by];
    }
}

const struct route_rule *route_find(const struct route_table *t, const struct route_query *q) {
    const uint64_t *sets[ROUTE_BYS];
    sets_of(t, q, sets);
    for (size_t w = 0; w < t->words; w++) {
        uint64_t fits = ~UINT64_C(0);
        for (int by = 0; by < ROUTE_BYS; by++)
            if (sets[by])
                fits &= sets[by][w];
        size_t i = w * SET_BITS + (fits ? (size_t)__builtin_ctzll(fits) : 0);
        if (fits && i < t->n)
            return &t->routes[i];
    }
    return NULL;
}

unsigned route_misfits(const struct route_table *t, size_t i, const struct route_query *q) {
    const uint64_t *sets[ROUTE_BYS];
    unsigned out = 0;
    ASSERT(i < t->n);
    sets_of(t, q, sets);
    for (int by = 0; by < ROUTE_BYS; by++)
        if (sets[by] && !has_bit(sets[by], i))
            out |= 1u << by;
    return out;
}

/* ---- sharing out ---- */

/* Evenly in (0, 1), from two hashes: splitmix64's finisher (Vigna, public domain reference). */
static double lot(uint64_t to, uint64_t what) {
    uint64_t x = to ^ (what * UINT64_C(0x9E3779B97F4A7C15));
    x = (x ^ (x >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94D049BB133111EB);
    x ^= x >> 31;
    return ((double)(x >> 11) + 0.5) * 0x1p-53;
}

/* Those with weights by lot, highest first; the others as they stand. */
static void order_lanes(const struct route_table *t, const struct route_rule *r, uint64_t to,
                        struct route_order *out) {
    double scores[ROUTE_LANES_MAX];
    uint32_t weighted = 0;
    for (uint32_t i = 0; i < r->n_lanes; i++) {
        const struct route_lane *l = &r->lanes[i];
        uint32_t at = out->n++;
        if (l->weight == 0) {
            out->lanes[at] = l->lane;
            continue;
        }
        double score = l->weight / -log(lot(to, hash(t, l->name)));
        uint32_t first = out->n - 1 - weighted, k = weighted++;
        for (; k > 0 && scores[k - 1] < score; k--) {
            scores[k] = scores[k - 1];
            out->lanes[first + k] = out->lanes[first + k - 1];
        }
        scores[k] = score;
        out->lanes[first + k] = l->lane;
    }
}

void route_order(const struct route_table *t, const struct route_rule *r, struct sv to, bool without_canary,
                 struct route_order *out) {
    bool one = r->n_lanes == 1 || r->lanes[0].weight == 0;
    bool canary = r->canary_permille && !without_canary;
    uint64_t h = one && !canary ? 0 : hash(t, to);
    out->n = 0;
    out->canary = canary && lot(h, hash(t, sv_of(r->name))) * ROUTE_CANARY_ALL < r->canary_permille;
    if (out->canary)
        out->lanes[out->n++] = r->canary;
    order_lanes(t, r, h, out);
}

/* How well a sender is suited to the region; below nought: it is for others. */
static int suits(const struct sender_id *s, struct sv region, bool by_kind) {
    if (s->countries.n)
        return sender_id_names(s, region) ? 2 : -1;
    return !by_kind || sender_kind_fits(s->name, region);
}

const struct sender_id *route_sender(struct sip_key key, const struct sender_id_list *senders,
                                     struct sv region, struct sv to, bool by_kind) {
    const struct sender_id *best = NULL;
    double best_lot = 0;
    int best_suits = 0;
    uint64_t h = senders->n > 1 ? siphash(key, to) : 0;
    for (uint32_t i = 0; i < senders->n; i++) {
        const struct sender_id *s = &senders->at[i];
        int well = suits(s, region, by_kind);
        if (well < best_suits)
            continue;
        double l = senders->n > 1 ? lot(h, siphash(key, s->name)) : 1;
        if (!best || l > best_lot || well > best_suits) {
            best = s;
            best_lot = l;
            best_suits = well;
        }
    }
    return best;
}

/* ---- what can never be reached ---- */

static bool covers(enum route_by by, const struct sv_list *wide, struct sv narrow) {
    for (uint32_t i = 0; i < wide->n; i++)
        if (by == ROUTE_PREFIX ? sv_starts(narrow, wide->at[i]) : sv_eq(narrow, wide->at[i]))
            return true;
    return false;
}

static bool takes_all_of(const struct route_rule *wide, const struct route_rule *narrow) {
    for (int by = 0; by < ROUTE_BYS; by++) {
        const struct sv_list *w = &wide->when[by], *n = &narrow->when[by];
        if (w->n == 0)
            continue;
        if (n->n == 0)
            return false;
        for (uint32_t i = 0; i < n->n; i++)
            if (!covers((enum route_by)by, w, n->at[i]))
                return false;
    }
    return true;
}

const struct route_rule *route_hidden_by(const struct route_rule *routes, size_t i) {
    for (size_t k = 0; k < i; k++)
        if (routes[k].n_lanes && takes_all_of(&routes[k], &routes[i]))
            return &routes[k];
    return NULL;
}
