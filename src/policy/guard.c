#include "policy/guard.h"

#include "base/map.h"

#include <math.h>
#include <string.h>

enum {
    DIGITS_MIN = 4,
    DIGITS_MAX = 7,
    WAYS = 8,
    SETS = 8192,
    COLD = 200,
    ENDED_MIN = 20,
    PAST_ENDED_MIN = 50,
    UNTOLD_MAX = 8192
};

static const int64_t half_life_us = INT64_C(43200) * 1000000, conversion_us = INT64_C(3600) * 1000000;
static const double burst_times = 4, burst_z = 6, fall = 0.2, fall_z = 3.5;

/* n texts or codes, of which good ones came back: this half of the window, the one before, and earlier. */
struct cell {
    uint64_t key; /* 0: free */
    int64_t half;
    float n[3], good[3];
};
enum { NOW, BEFORE, PAST };

struct table {
    struct cell cells[SETS * WAYS];
};

struct guard {
    struct sip_key key;
    struct table texts, codes;
    struct map flags;     /* owns struct guard_flag */
    struct map untold[2]; /* of texts and of codes; owns struct guard_count */
    uint32_t parts;
    int64_t untold_half;
};

const char *guard_why_name(enum guard_why w) {
    static const char *const names[GUARD_WHYS] = {"fine", "burst", "conversion"};
    ASSERT(w < GUARD_WHYS);
    return names[w];
}

struct guard *guard_new(struct sip_key key) {
    struct guard *g = calloc(1, sizeof *g);
    if (g)
        g->key = key;
    return g;
}

static void forget_untold(struct map *m) {
    for (size_t i = 0; i < m->cap; i++)
        free(m->slots[i].value);
    map_done(m);
    map_init(m);
}

void guard_free(struct guard *g) {
    if (!g)
        return;
    forget_untold(&g->untold[0]);
    forget_untold(&g->untold[1]);
    for (size_t i = 0; i < g->flags.cap; i++)
        free(g->flags.slots[i].value);
    map_done(&g->flags);
    free(g);
}

size_t guard_flags(const struct guard *g) {
    return g->flags.n;
}

size_t guard_bytes(void) {
    return sizeof(struct guard) + GUARD_FLAGS_MAX * (sizeof(struct guard_flag) + 4 * sizeof(struct map_slot));
}

/* ---- prefixes ---- */

/* How many digits the country code has: ITU-T E.164 (11/2010), annex: one for zones 1 and 7, two for these.
 */
static size_t code_digits(struct sv number) {
    static const char two[] =
        "20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 "
        "62 63 64 65 66 81 82 84 86 90 91 92 93 94 95 98 ";
    if (number.p[1] == '1' || number.p[1] == '7')
        return 1;
    const char pair[] = {number.p[1], number.p[2], ' ', '\0'};
    return strstr(two, pair) ? 2 : 3;
}

/* With so many digits behind the country code, of which it has `code`. */
static struct sv prefix_of(struct sv number, size_t code, size_t digits) {
    return sv_sub(number, 0, 1 + code + digits);
}

static bool is_number(struct sv number) {
    return number.n > 1 + 3 + DIGITS_MAX && number.p[0] == '+';
}

static uint64_t key_of(const struct guard *g, int64_t account_id, struct sv prefix) {
    struct sip_key key = {.k0 = g->key.k0 ^ (uint64_t)account_id, .k1 = g->key.k1};
    uint64_t h = siphash(key, prefix);
    return h ? h : 1;
}

/* ---- cells ---- */

static float all_of(const float v[3]) {
    return v[NOW] + v[BEFORE] + v[PAST];
}

static void age(float v[3], bool far, float left) {
    v[PAST] = v[PAST] * left + v[BEFORE] + (far ? v[NOW] : 0);
    v[BEFORE] = far ? 0 : v[NOW];
    v[NOW] = 0;
}

static void turn(struct cell *c, int64_t half, int64_t half_us) {
    if (half <= c->half)
        return;
    float left = exp2f(-(float)(half - c->half) * (float)half_us / (float)half_life_us);
    age(c->n, half - c->half > 1, left);
    age(c->good, half - c->half > 1, left);
    c->half = half;
}

/* The cell of that key, made if need be. */
static struct cell *cell_of(struct table *t, uint64_t key, int64_t half, int64_t half_us) {
    struct cell *set = &t->cells[key % SETS * WAYS], *least = set;
    for (int i = 0; i < WAYS; i++) {
        if (set[i].key == key) {
            turn(&set[i], half, half_us);
            return &set[i];
        }
        if (set[i].key == 0 || (least->key && all_of(set[i].n) < all_of(least->n)))
            least = &set[i];
    }
    turn(least, half, half_us);
    float n = least->key ? all_of(least->n) : 0, good = least->key ? all_of(least->good) : 0;
    *least = (struct cell){.key = key, .half = half, .n = {0, 0, n}, .good = {0, 0, good}};
    return least;
}

/* ---- told to others, and heard of them ---- */

/* Where there is no room more, some is not told. */
static void note(struct guard *g, bool codes, uint64_t key, bool good, bool whole) {
    struct map *m = &g->untold[codes];
    if (g->parts == 1)
        return;
    struct guard_count *u = map_get(m, key);
    if (!u) {
        if (m->n >= UNTOLD_MAX)
            return;
        u = malloc(sizeof *u);
        ASSERT(u);
        *u = (struct guard_count){.key = key, .codes = codes, .whole = whole};
        map_put(m, key, u);
    }
    u->n++;
    u->good += good;
}

static struct cell *count(struct guard *g, bool codes, uint64_t key, bool good, bool whole, int64_t half,
                          int64_t half_us) {
    struct cell *c = cell_of(codes ? &g->codes : &g->texts, key, half, half_us);
    c->n[NOW]++;
    c->good[NOW] += good;
    note(g, codes, key, good, whole);
    return c;
}

void guard_share(struct guard *g, uint32_t parts) {
    if (parts == 1 && g->parts != 1)
        for (int i = 0; i < 2; i++)
            forget_untold(&g->untold[i]);
    g->parts = parts;
}

size_t guard_untold(struct guard *g, const struct guard_rules *r, int64_t now, struct guard_count *out,
                    size_t max) {
    size_t n = 0;
    for (int i = 0; i < 2; i++)
        for (size_t k = 0; k < g->untold[i].cap && n < max; k++) {
            const struct guard_count *u = g->untold[i].slots[k].value;
            if (u && (u->codes || u->whole || u->n * 4 * (float)g->parts >= (float)r->burst_min))
                out[n++] = *u;
        }
    for (size_t i = 0; i < n; i++)
        free(map_take(&g->untold[out[i].codes], out[i].key));
    int64_t half = now / (r->window_us / 2);
    if (half != g->untold_half && n < max) /* what did not come to be worth telling */
        forget_untold(&g->untold[0]);
    g->untold_half = half;
    return n;
}

void guard_hear(struct guard *g, const struct guard_rules *r, const struct guard_count *heard, int64_t now) {
    int64_t half_us = (heard->codes ? conversion_us : r->window_us) / 2;
    if (heard->key == 0 || (!heard->codes && !r->burst_min))
        return;
    struct cell *c = cell_of(heard->codes ? &g->codes : &g->texts, heard->key, now / half_us, half_us);
    c->n[NOW] += heard->n;
    c->good[NOW] += heard->good;
}

/* ---- flags ---- */

static struct guard_flag *flag_of(struct guard *g, uint64_t key, int64_t now) {
    struct guard_flag *f = map_get(&g->flags, key);
    if (f && f->until <= now) {
        free(map_take(&g->flags, key));
        return NULL;
    }
    return f;
}

static void drop_one(struct guard *g) {
    const struct map_slot *first = NULL;
    for (size_t i = 0; i < g->flags.cap; i++) {
        const struct map_slot *s = &g->flags.slots[i];
        const struct guard_flag *f = s->value;
        if (f && (!first || f->until < ((const struct guard_flag *)first->value)->until))
            first = s;
    }
    if (first)
        free(map_take(&g->flags, first->key));
}

void guard_put(struct guard *g, const struct guard_flag *f) {
    uint64_t key = key_of(g, f->account_id, sv_of(f->prefix));
    free(map_take(&g->flags, key));
    if (g->flags.n >= GUARD_FLAGS_MAX)
        drop_one(g);
    struct guard_flag *kept = malloc(sizeof *kept);
    ASSERT(kept);
    *kept = *f;
    map_put(&g->flags, key, kept);
}

/* What was let go is how it is from now on. */
static void forget_now(struct table *t, uint64_t key) {
    struct cell *set = &t->cells[key % SETS * WAYS];
    for (int i = 0; i < WAYS; i++)
        if (set[i].key == key)
            set[i] = (struct cell){.key = key,
                                   .half = set[i].half,
                                   .n = {0, 0, all_of(set[i].n)},
                                   .good = {0, 0, all_of(set[i].good)}};
}

bool guard_release(struct guard *g, int64_t account_id, struct sv prefix, int64_t now, int64_t until) {
    struct guard_flag pass = {.account_id = account_id, .since = now, .until = until, .why = GUARD_FINE};
    uint64_t key = key_of(g, account_id, prefix);
    const struct guard_flag *was = flag_of(g, key, now);
    bool there = was && was->why != GUARD_FINE;
    if (prefix.n < 2 || prefix.n > GUARD_PREFIX_MAX)
        return false;
    for (size_t n = 1 + DIGITS_MIN; n <= prefix.n; n++) {
        uint64_t shorter = key_of(g, account_id, sv_sub(prefix, 0, n));
        forget_now(&g->texts, shorter);
        forget_now(&g->codes, shorter);
    }
    snprintf(pass.prefix, sizeof pass.prefix, "%.*s", SV_FMT(prefix));
    guard_put(g, &pass);
    return there;
}

/* A release is believed whenever it was: it was somebody's, and clocks differ. */
void guard_learn(struct guard *g, const struct guard_flag *f, int64_t now) {
    const struct guard_flag *here = flag_of(g, key_of(g, f->account_id, sv_of(f->prefix)), now);
    if (here && (here->why == f->why || f->why != GUARD_FINE) && here->since >= f->since)
        return;
    if (f->why == GUARD_FINE)
        (void)guard_release(g, f->account_id, sv_of(f->prefix), f->since, f->until);
    else
        guard_put(g, f);
}

static struct guard_flag flag(struct guard *g, const struct guard_rules *r, int64_t account_id,
                              struct sv prefix, enum guard_why why, int64_t now) {
    struct guard_flag f = {.account_id = account_id, .since = now, .until = now + r->flag_us, .why = why};
    snprintf(f.prefix, sizeof f.prefix, "%.*s", SV_FMT(prefix));
    guard_put(g, &f);
    return f;
}

/* The longest that it begins with: one that was let go goes before what is around it. */
static const struct guard_flag *flagged(struct guard *g, int64_t account_id, struct sv number, size_t code,
                                        int64_t now) {
    for (size_t d = DIGITS_MAX; d >= DIGITS_MIN && g->flags.n; d--) {
        const struct guard_flag *f = flag_of(g, key_of(g, account_id, prefix_of(number, code, d)), now);
        if (f)
            return f;
    }
    return NULL;
}

/* ---- judging ---- */

/* z of the difference of two shares, pooled; positive when the first is the greater. */
static double z_of(double a, double n, double b, double m) {
    double pooled = (a + b) / (n + m), deviation = sqrt(pooled * (1 - pooled) * (1 / n + 1 / m));
    return deviation > 0 ? (a / n - b / m) / deviation : 0;
}

static bool bursts(const struct cell *own, const struct cell *all, uint32_t burst_min) {
    double a = own->n[NOW] + own->n[BEFORE], n = all->n[NOW] + all->n[BEFORE], b = own->n[PAST],
           m = all->n[PAST];
    if (a < burst_min)
        return false;
    if (n < a) /* its account's own cell had to make room */
        n = a;
    if (m < COLD)
        return a >= n / 2;
    if (b > m)
        b = m;
    return a >= burst_times * n * b / m && z_of(a, n, b, m) > burst_z;
}

bool guard_text(struct guard *g, const struct guard_rules *r, int64_t account_id, struct sv number,
                int64_t now, struct guard_flag *out, bool *fresh) {
    *fresh = false;
    if (!is_number(number))
        return false;
    size_t code = code_digits(number);
    const struct guard_flag *f = flagged(g, account_id, number, code, now);
    if (f) {
        *out = *f;
        return f->why != GUARD_FINE;
    }
    if (!r->burst_min)
        return false;
    int64_t half_us = r->window_us / 2, half = now / half_us;
    struct cell *all = count(g, false, key_of(g, account_id, SV("")), false, true, half, half_us);
    struct cell total = *all; /* it may have to make room */
    struct sv worst = SV_NONE;
    for (size_t d = DIGITS_MIN; d <= DIGITS_MAX; d++) {
        uint64_t key = key_of(g, account_id, prefix_of(number, code, d));
        const struct cell *c = count(g, false, key, false, false, half, half_us);
        if (bursts(c, &total, r->burst_min))
            worst = prefix_of(number, code, d);
    }
    if (!worst.n)
        return false;
    *out = flag(g, r, account_id, worst, GUARD_BURST, now);
    return *fresh = true;
}

bool guard_is_flagged(struct guard *g, int64_t account_id, struct sv number, int64_t now,
                      struct guard_flag *out) {
    const struct guard_flag *f =
        is_number(number) ? flagged(g, account_id, number, code_digits(number), now) : NULL;
    if (f)
        *out = *f;
    return f && f->why != GUARD_FINE;
}

static bool falls(const struct cell *own, const struct cell *all) {
    double n = own->n[NOW] + own->n[BEFORE], a = own->good[NOW] + own->good[BEFORE], m = own->n[PAST],
           b = own->good[PAST];
    if (n < ENDED_MIN)
        return false;
    if (m < PAST_ENDED_MIN) { /* the account's others */
        m = all_of(all->n) - n - m;
        b = all_of(all->good) - a - b;
    }
    if (m < PAST_ENDED_MIN || b < 0)
        return false;
    return b / m - a / n >= fall && z_of(b, m, a, n) > fall_z;
}

bool guard_ended(struct guard *g, const struct guard_rules *r, int64_t account_id, struct sv number,
                 bool approved, int64_t now, struct guard_flag *out) {
    size_t code = is_number(number) ? code_digits(number) : 0;
    if (!r->conversion || !code || flagged(g, account_id, number, code, now))
        return false;
    int64_t half_us = conversion_us / 2, half = now / half_us;
    struct cell *all = count(g, true, key_of(g, account_id, SV("")), approved, true, half, half_us);
    struct cell total = *all;
    struct sv worst = SV_NONE;
    for (size_t d = DIGITS_MIN; d <= DIGITS_MAX; d++) {
        uint64_t key = key_of(g, account_id, prefix_of(number, code, d));
        const struct cell *c = count(g, true, key, approved, false, half, half_us);
        if (falls(c, &total))
            worst = prefix_of(number, code, d);
    }
    if (!worst.n)
        return false;
    *out = flag(g, r, account_id, worst, GUARD_CONVERSION, now);
    return true;
}
