#include "text/screen/words.h"

#include "base/buf.h"
#include "text/screen/leet.h"

#include <endian.h>
#include <string.h>

#define BLOB_MAX ((size_t)UINT32_MAX)
#define FILTER_BITS_MIN 12
#define FILTER_BITS_A_WORD 32
#define EACH_BYTE ((uint64_t)0x0101010101010101u)
#define HIGH_BITS (EACH_BYTE << 7)

/* Bytes of the key, shortest first, so that hits at one place come in order of length. */
static const uint8_t key_len[] = {1, 2, 3, 4, 6, 8};
#define KEYS (sizeof key_len / sizeof *key_len)
/* Words with a key of eight bytes set a bit for six, too: a place without that one needs no look at eight. */
#define KIND_SIX (KEYS - 2)
#define KIND_EIGHT (KEYS - 1)

/* Odd, without pattern, one for each kind. */
static const uint64_t hash_mul[KEYS] = {
    0x9E3779B97F4A7C15u, 0xD6E8FEB86659FD93u, 0xBF58476D1CE4E5B9u,
    0x94D049BB133111EBu, 0xC2B2AE3D27D4EB4Fu, 0xFF51AFD7ED558CCDu,
};

enum { EDGE_LEFT = 1, EDGE_RIGHT = 2, LEET = 4 };

struct word {
    uint64_t key;
    uint32_t at; /* in plain and skeleton */
    uint32_t tag;
    uint32_t list;
    uint16_t len;
    uint8_t key_kind; /* index of key_len */
    uint8_t flags;
};

/* The words [begin, end) of one key; begin == end: free. */
struct slot {
    uint64_t key;
    uint32_t begin;
    uint32_t end;
};

struct words_builder {
    struct word *word;
    size_t n;
    size_t cap;
    struct buf plain;
    struct buf skeleton;
};

struct used_kind {
    uint64_t mul;
    uint64_t mask; /* of the key's bytes */
    unsigned kind;
};

struct words {
    struct word *word; /* owned; sorted by kind of key, key, skeleton */
    size_t n;
    char *plain; /* owned, as are all below */
    char *skeleton;
    uint64_t *filter;
    struct slot *slot;
    unsigned filter_shift; /* 64 less the bits of an index */
    unsigned slot_shift;
    size_t slot_mask;
    /* For the first byte at a place, the kinds of key that words there have: [0] all words, [1] those that
     * may stand right behind a letter. */
    uint8_t kinds[2][256];
    struct used_kind used[KEYS]; /* the kinds to ask the filter for */
    size_t n_used;
    bool inside; /* some ASCII word may stand right behind a letter */
};

static inline uint64_t mask_of(unsigned len) {
    return ~(uint64_t)0 >> (64 - 8 * len);
}

static inline uint64_t key_at(const char *skeleton, unsigned len) {
    uint64_t v;
    memcpy(&v, skeleton, 8);
    return le64toh(v) & mask_of(len);
}

/* Its high bits depend on all of the key. */
static inline uint64_t hash_of(uint64_t key, uint64_t mul) {
    return key * mul;
}

/* For the filter's second answer, which spares most walks into the larger table. */
static inline uint64_t second_hash(uint64_t hash) {
    return (hash ^ hash >> 29) * 0xBF58476D1CE4E5B9u;
}

struct words_builder *words_builder_new(void) {
    struct words_builder *b = calloc(1, sizeof *b);
    if (!b)
        return NULL;
    buf_init(&b->plain, BLOB_MAX);
    buf_init(&b->skeleton, BLOB_MAX);
    return b;
}

void words_builder_free(struct words_builder *b) {
    if (!b)
        return;
    free(b->word);
    buf_done(&b->plain);
    buf_done(&b->skeleton);
    free(b);
}

size_t words_builder_count(const struct words_builder *b) {
    return b->n;
}

static bool all_ascii(struct sv v) {
    for (size_t i = 0; i < v.n; i++)
        if (v.p[i] & 0x80)
            return false;
    return true;
}

bool words_builder_add(struct words_builder *b, const struct fold_table *t, const struct words_entry *entry) {
    struct sv folded = entry->folded;
    unsigned flags = entry->flags;
    ASSERT(folded.n > 0 && folded.n <= UINT16_MAX && sv_find_char(folded, '\0') == SIZE_MAX);
    ASSERT((unsigned char)folded.p[0] > ' ');
    if (b->n == b->cap) {
        size_t cap = b->cap ? b->cap * 2 : 256;
        struct word *more = realloc(b->word, cap * sizeof *more);
        if (!more)
            return false;
        b->word = more;
        b->cap = cap;
    }
    struct word w = {
        .at = (uint32_t)b->plain.n, .tag = entry->tag, .list = entry->list, .len = (uint16_t)folded.n};
    while (w.key_kind + 1u < KEYS && key_len[w.key_kind + 1] <= folded.n)
        w.key_kind++;
    if ((flags & WORD_EDGES) && fold_word_at(t, folded, 0))
        w.flags |= EDGE_LEFT;
    if ((flags & WORD_EDGES) && fold_word_before(t, folded, folded.n))
        w.flags |= EDGE_RIGHT;
    if ((flags & WORD_LEET) && all_ascii(folded))
        w.flags |= LEET;
    char *skeleton = buf_room(&b->skeleton, folded.n);
    if (!skeleton || !buf_add(&b->plain, folded))
        return false;
    leet_skeleton(folded.p, folded.n, skeleton);
    b->skeleton.n += folded.n;
    char first[8] = {0};
    memcpy(first, skeleton, folded.n < 8 ? folded.n : 8);
    w.key = key_at(first, key_len[w.key_kind]);
    b->word[b->n++] = w;
    return true;
}

static int cmp_u32(uint32_t a, uint32_t b) {
    return a < b ? -1 : a > b;
}

/* The order of words_build's array; equal but for the tag means one word said twice. */
static int by_key(const void *pa, const void *pb, void *ctx) {
    const struct word *a = pa, *b = pb;
    const struct words *w = ctx;
    if (a->key_kind != b->key_kind)
        return a->key_kind < b->key_kind ? -1 : 1;
    if (a->key != b->key)
        return a->key < b->key ? -1 : 1;
    int c = sv_cmp(sv_make(w->skeleton + a->at, a->len), sv_make(w->skeleton + b->at, b->len));
    if (!c)
        c = sv_cmp(sv_make(w->plain + a->at, a->len), sv_make(w->plain + b->at, b->len));
    if (!c)
        c = cmp_u32(a->list, b->list);
    return c ? c : cmp_u32(a->tag, b->tag);
}

static bool is_repeat(const struct words *w, const struct word *a, const struct word *b) {
    return a->list == b->list && a->len == b->len && memcmp(w->plain + a->at, w->plain + b->at, a->len) == 0;
}

static void sort_and_dedupe(struct words *w) {
    if (w->n == 0)
        return;
    qsort_r(w->word, w->n, sizeof *w->word, by_key, w);
    size_t n = 1;
    for (size_t i = 1; i < w->n; i++)
        if (!is_repeat(w, &w->word[n - 1], &w->word[i]))
            w->word[n++] = w->word[i];
    w->n = n;
}

static unsigned bits_for(size_t n, unsigned least) {
    unsigned bits = least;
    while (((size_t)1 << bits) < n)
        bits++;
    return bits;
}

static void set_filter(struct words *w, uint64_t hash) {
    uint64_t bit = hash >> w->filter_shift;
    w->filter[bit / 64] |= (uint64_t)1 << (bit % 64);
}

static inline unsigned filter_bit(const struct words *w, uint64_t hash) {
    uint64_t bit = hash >> w->filter_shift;
    return (unsigned)(w->filter[bit / 64] >> (bit % 64)) & 1;
}

static void file_group(struct words *w, size_t begin, size_t end) {
    const struct word *first = &w->word[begin];
    uint64_t h = hash_of(first->key, hash_mul[first->key_kind]);
    set_filter(w, second_hash(h));
    if (first->key_kind == KIND_EIGHT)
        set_filter(w, hash_of(first->key & mask_of(key_len[KIND_SIX]), hash_mul[KIND_SIX]));
    else
        set_filter(w, h);
    size_t i = (size_t)(h >> w->slot_shift);
    while (w->slot[i].begin != w->slot[i].end)
        i = (i + 1) & w->slot_mask;
    w->slot[i] = (struct slot){.key = first->key, .begin = (uint32_t)begin, .end = (uint32_t)end};
}

static void note_first(struct words *w, const struct word *x) {
    unsigned char c = (unsigned char)w->skeleton[x->at];
    unsigned kinds = 1u << x->key_kind;
    if (x->key_kind == KIND_EIGHT)
        kinds |= 1u << KIND_SIX;
    w->kinds[0][c] |= (uint8_t)kinds;
    if (x->flags & EDGE_LEFT)
        return;
    w->kinds[1][c] |= (uint8_t)kinds;
    w->inside |= c < 0x80;
}

struct words *words_build(struct words_builder *b) {
    ASSERT(b->n < UINT32_MAX / 2);
    struct words *w = calloc(1, sizeof *w);
    if (!w)
        return NULL;
    unsigned filter_bits = bits_for(b->n * FILTER_BITS_A_WORD, FILTER_BITS_MIN);
    unsigned slot_bits = bits_for(b->n * 2, 1);
    w->filter_shift = 64 - filter_bits;
    w->slot_shift = 64 - slot_bits;
    w->slot_mask = ((size_t)1 << slot_bits) - 1;
    w->filter = calloc((size_t)1 << (filter_bits - 6), sizeof *w->filter);
    w->slot = calloc((size_t)1 << slot_bits, sizeof *w->slot);
    if (!w->filter || !w->slot) {
        words_free(w);
        return NULL;
    }
    w->word = b->word;
    w->n = b->n;
    w->plain = buf_steal(&b->plain);
    w->skeleton = buf_steal(&b->skeleton);
    b->word = NULL;
    b->n = b->cap = 0;
    sort_and_dedupe(w);
    for (size_t begin = 0, end; begin < w->n; begin = end) {
        size_t kind = w->word[begin].key_kind;
        if (kind == KIND_EIGHT)
            kind = KIND_SIX;
        if (w->n_used == 0 || w->used[w->n_used - 1].kind != kind)
            w->used[w->n_used++] = (struct used_kind){hash_mul[kind], mask_of(key_len[kind]), (unsigned)kind};
        for (end = begin; end < w->n && w->word[end].key == w->word[begin].key &&
                          w->word[end].key_kind == w->word[begin].key_kind;
             end++)
            note_first(w, &w->word[end]);
        file_group(w, begin, end);
    }
    return w;
}

void words_free(struct words *w) {
    if (!w)
        return;
    free(w->word);
    free(w->plain);
    free(w->skeleton);
    free(w->filter);
    free(w->slot);
    free(w);
}

struct scan {
    const struct words *w;
    const struct fold_table *t;
    struct sv folded;
    const char *skeleton;
    words_hit_fn *hit;
    void *ctx;
};

/* The skeletons are equal; is it the word? */
static bool is_word_here(const struct scan *s, const struct word *x, size_t at) {
    const char *seen = s->folded.p + at, *meant = s->w->plain + x->at;
    if (memcmp(seen, meant, x->len) != 0) {
        if (!(x->flags & LEET))
            return false;
        size_t letters = 0, digits = 0;
        for (size_t i = 0; i < x->len; i++) {
            if (seen[i] != meant[i] && !leet_stands(seen[i], meant[i]))
                return false;
            letters += seen[i] >= 'a' && seen[i] <= 'z';
            digits += seen[i] >= '0' && seen[i] <= '9';
        }
        if (letters == 0 || (digits > letters && letters < 2))
            return false;
    }
    return !((x->flags & EDGE_LEFT) && fold_word_before(s->t, s->folded, at)) &&
           !((x->flags & EDGE_RIGHT) && fold_word_at(s->t, s->folded, at + x->len));
}

/* Within words [lo, hi), sorted and equal in their first depth bytes, the first that has at least c (or more
 * than c when above) at depth. Precondition: all are longer than depth. */
static size_t first_with(const struct words *w, size_t lo, size_t hi, size_t depth, unsigned char c,
                         bool above) {
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        unsigned char x = (unsigned char)w->skeleton[w->word[mid].at + depth];
        if (above ? x <= c : x < c)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

/* All words of a group that stand at this place: the shorter sort before those they begin. */
static bool walk(const struct scan *s, size_t at, size_t lo, size_t hi, size_t depth) {
    const struct words *w = s->w;
    size_t left = s->folded.n - at;
    for (;; depth++) {
        for (; lo < hi && w->word[lo].len == depth; lo++)
            if (depth <= left && is_word_here(s, &w->word[lo], at) &&
                !s->hit(s->ctx, w->word[lo].tag, at, depth))
                return false;
        if (lo == hi || depth >= left)
            return true;
        if (hi - lo == 1) {
            const struct word *x = &w->word[lo];
            if (x->len > left ||
                memcmp(w->skeleton + x->at + depth, s->skeleton + at + depth, x->len - depth) != 0)
                return true;
            return !is_word_here(s, x, at) || s->hit(s->ctx, x->tag, at, x->len);
        }
        unsigned char c = (unsigned char)s->skeleton[at + depth];
        lo = first_with(w, lo, hi, depth, c, false);
        hi = first_with(w, lo, hi, depth, c, true);
    }
}

/* The filter said perhaps: the words of each kind of key, in order. */
static __attribute__((noinline)) bool look(const struct scan *s, size_t at, unsigned kinds) {
    const struct words *w = s->w;
    for (; kinds; kinds &= kinds - 1) {
        size_t kind = (size_t)__builtin_ctz(kinds);
        uint64_t key = key_at(s->skeleton + at, key_len[kind]);
        uint64_t h = hash_of(key, hash_mul[kind]);
        if (!filter_bit(w, second_hash(h)))
            continue;
        size_t i = (size_t)(h >> w->slot_shift);
        for (; w->slot[i].begin != w->slot[i].end; i = (i + 1) & w->slot_mask) {
            const struct slot *x = &w->slot[i];
            if (x->key == key && w->word[x->begin].key_kind == kind) {
                if (!walk(s, at, x->begin, x->end, key_len[kind]))
                    return false;
                break;
            }
        }
    }
    return true;
}

/* Which kinds of key the filter has for this place. Without a branch, as nothing could foretell it. */
static inline unsigned ask_filter(const struct words *w, const char *skeleton, unsigned kinds) {
    uint64_t eight;
    memcpy(&eight, skeleton, 8);
    eight = le64toh(eight);
    unsigned found = 0;
    for (size_t k = 0; k < w->n_used; k++) {
        const struct used_kind *u = &w->used[k];
        found |= filter_bit(w, hash_of(eight & u->mask, u->mul)) << u->kind;
    }
    return found & kinds;
}

/* Bit 7 of each of eight bytes: set where the byte is at least lo. Precondition: 0 < lo <= 128; no byte is
 * above 127. */
static inline uint64_t at_least(uint64_t bytes, unsigned lo) {
    return bytes + EACH_BYTE * (128 - lo);
}

/* The bits 7 of eight bytes, the first byte's lowest. */
static inline uint64_t gather_bits(uint64_t high) {
    return ((high & HIGH_BITS) >> 7) * 0x0102040810204080u >> 56;
}

/* Of up to 64 bytes, a bit each: which begin a character that is not white space, and which are a-z or 0-9.
 */
struct look_over {
    uint64_t begins;
    uint64_t above_ascii;
    uint64_t letters;
};

static struct look_over look_over(const char *p, size_t n) {
    struct look_over r = {0};
    for (size_t i = 0; i < n; i += 8) {
        uint64_t v, letter, digit, seven;
        memcpy(&v, p + i, 8);
        v = le64toh(v);
        seven = v & ~HIGH_BITS;
        letter = at_least(seven, 'a') & ~at_least(seven, 'z' + 1);
        digit = at_least(seven, '0') & ~at_least(seven, '9' + 1);
        r.letters |= gather_bits((letter | digit) & ~v) << i;
        r.above_ascii |= gather_bits(v & v << 1) << i;
        r.begins |= gather_bits((at_least(seven, 0x21) & ~v) | (v & v << 1)) << i;
    }
    if (n < 64)
        r.begins &= ((uint64_t)1 << n) - 1;
    return r;
}

/* 64 bytes at a time: first all the places where a word may begin, then the filter for each, so that the
 * processor need not guess at every byte. */
void words_scan(const struct words *w, const struct fold_table *t, struct sv folded, const char *skeleton,
                words_hit_fn *hit, void *ctx) {
    if (w->n == 0)
        return;
    struct scan s = {w, t, folded, skeleton, hit, ctx};
    uint64_t after = 0; /* the byte before these was a letter */
    for (size_t begin = 0; begin < folded.n; begin += 64) {
        size_t n = folded.n - begin < 64 ? folded.n - begin : 64;
        struct look_over o = look_over(folded.p + begin, n);
        uint64_t after_letter = o.letters << 1 | after;
        after = o.letters >> 63;
        uint64_t places = o.begins & (w->inside ? ~(uint64_t)0 : o.above_ascii | ~after_letter);
        for (; places; places &= places - 1) {
            size_t bit = (size_t)__builtin_ctzll(places), at = begin + bit;
            unsigned kinds = w->kinds[after_letter >> bit & 1][(unsigned char)skeleton[at]];
            unsigned found = ask_filter(w, skeleton + at, kinds);
            if (found >> KIND_SIX)
                found |= kinds & 1u << KIND_EIGHT;
            if (found && !look(&s, at, found))
                return;
        }
    }
}
