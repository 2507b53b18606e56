#include "text/screen/words.h"

#include "base/buf.h"
#include "text/screen/leet.h"

#include <endian.h>
#include <string.h>

#define BLOB_MAX ((size_t)UINT32_MAX)
#define FILTER_BITS_MIN 12
#define FILTER_BITS_A_WORD 24

/* Bytes of the key, shortest first, so that hits at one place come in order of length. */
static const uint8_t key_len[] = {1, 2, 3, 4, 6, 8};
#define KEYS (sizeof key_len / sizeof *key_len)

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
};

static bool is_ascii_word(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static inline uint64_t key_at(const char *skeleton, size_t kind) {
    uint64_t v;
    memcpy(&v, skeleton, 8);
    return le64toh(v) & (~(uint64_t)0 >> (64 - 8 * key_len[kind]));
}

static inline uint64_t hash_of(uint64_t key, size_t kind) {
    uint64_t h = (key + kind) * 0x9E3779B97F4A7C15u;
    h ^= h >> 32;
    return h * 0xD6E8FEB86659FD93u;
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
    w.key = key_at(first, w.key_kind);
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

static void file_group(struct words *w, size_t begin, size_t end) {
    const struct word *first = &w->word[begin];
    uint64_t h = hash_of(first->key, first->key_kind);
    uint64_t bit = h >> w->filter_shift;
    w->filter[bit / 64] |= (uint64_t)1 << (bit % 64);
    size_t i = (size_t)(h >> w->slot_shift);
    while (w->slot[i].begin != w->slot[i].end)
        i = (i + 1) & w->slot_mask;
    w->slot[i] = (struct slot){.key = first->key, .begin = (uint32_t)begin, .end = (uint32_t)end};
}

static void note_first(struct words *w, const struct word *x) {
    unsigned char c = (unsigned char)w->skeleton[x->at];
    w->kinds[0][c] |= (uint8_t)(1u << x->key_kind);
    if (!(x->flags & EDGE_LEFT))
        w->kinds[1][c] |= (uint8_t)(1u << x->key_kind);
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

static inline bool look(const struct scan *s, size_t at, unsigned kinds) {
    const struct words *w = s->w;
    for (; kinds; kinds &= kinds - 1) {
        size_t kind = (size_t)__builtin_ctz(kinds);
        uint64_t key = key_at(s->skeleton + at, kind);
        uint64_t h = hash_of(key, kind);
        uint64_t bit = h >> w->filter_shift;
        if (!(w->filter[bit / 64] >> (bit % 64) & 1))
            continue;
        for (size_t i = (size_t)(h >> w->slot_shift); w->slot[i].begin != w->slot[i].end;
             i = (i + 1) & w->slot_mask) {
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

void words_scan(const struct words *w, const struct fold_table *t, struct sv folded, const char *skeleton,
                words_hit_fn *hit, void *ctx) {
    if (w->n == 0)
        return;
    struct scan s = {w, t, folded, skeleton, hit, ctx};
    bool after_word = false;
    for (size_t i = 0; i < folded.n; i++) {
        unsigned kinds = w->kinds[after_word][(unsigned char)skeleton[i]];
        after_word = is_ascii_word(folded.p[i]);
        if (kinds && !look(&s, i, kinds))
            return;
    }
}
