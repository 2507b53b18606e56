#include "text/screen/words_index.h"

#include "base/buf.h"
#include "text/screen/leet.h"

#define BLOB_MAX ((size_t)UINT32_MAX)
#define FILTER_BITS_MIN 12
#define FILTER_BITS_A_WORD 10

struct words_builder {
    struct word *word;
    size_t n;
    size_t cap;
    struct buf plain;
    struct buf skeleton;
};

struct kind_hash words_kind_hash(size_t kind) {
    /* Odd, without pattern, one for each kind. */
    static const uint64_t mul[WORDS_KEYS] = {
        0x9E3779B97F4A7C15u, 0xD6E8FEB86659FD93u, 0xBF58476D1CE4E5B9u, 0x94D049BB133111EBu,
        0xC2B2AE3D27D4EB4Fu, 0xFF51AFD7ED558CCDu, 0xA0761D6478BD642Fu,
    };
    unsigned len = words_key_len[kind];
    return (struct kind_hash){.mul = mul[kind],
                              .mask = len >= 8 ? ~(uint64_t)0 : ~(uint64_t)0 >> (64 - 8 * len),
                              .ninth = kind == KIND_NINE ? 0xE7037ED1A0B428DBu : 0,
                              .kind = (unsigned)kind};
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

static uint8_t kind_for(struct sv folded) {
    size_t kind = WORDS_KEYS - 1, never = words_is_wide(folded.p[0]) ? KIND_EIGHT : KIND_NINE;
    while (kind == never || words_key_len[kind] > folded.n)
        kind--;
    return (uint8_t)kind;
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
    w.key_kind = kind_for(folded);
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
    w.key = words_first_eight(first) & words_kind_hash(w.key_kind).mask;
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

static void put_bit(struct filter *f, uint64_t hash) {
    uint64_t bit = hash >> f->shift;
    f->of[bit / 64] |= (uint64_t)1 << (bit % 64);
}

static void put_bits(struct filter *f, uint64_t mixed) {
    f->of[mixed >> f->shift] |= words_filter_bits(mixed);
}

static bool make_filter(struct filter *f, size_t words, bool one_bit) {
    unsigned bits = bits_for(words * FILTER_BITS_A_WORD, FILTER_BITS_MIN);
    f->shift = 64 - (one_bit ? bits : bits - 6);
    f->of = calloc((size_t)1 << (bits - 6), sizeof *f->of);
    return f->of;
}

static char ninth_byte(const struct words *w, const struct word *x) {
    return x->key_kind == KIND_NINE ? w->skeleton[x->at + 8] : '\0';
}

static bool same_key(const struct words *w, const struct word *a, const struct word *b) {
    return a->key_kind == b->key_kind && a->key == b->key && ninth_byte(w, a) == ninth_byte(w, b);
}

static unsigned how_further(const struct words *w, const struct word *x) {
    size_t len = words_key_len[x->key_kind];
    const unsigned char *next = (const unsigned char *)w->skeleton + x->at + len;
    bool edge = x->flags & EDGE_RIGHT;
    if (x->len == len)
        return edge ? ENDS : ENDS_ANYWHERE;
    if (x->len == len + 1)
        return next[0] | (edge ? ENDS_NEXT : ENDS_NEXT_ANYWHERE);
    return GOES_ON_TWO | next[0] | (unsigned)next[1] << 8;
}

static void note_further(struct words *w, const struct word *x, uint64_t hash) {
    unsigned how = how_further(w, x), kind = 1u << x->key_kind;
    put_bits(&w->further, words_further_mix(hash, how));
    if (how < ENDS_NEXT)
        w->longer |= (uint8_t)kind;
    else if (!(x->flags & EDGE_RIGHT))
        w->open |= (uint8_t)kind;
}

/* Which kind stands for it in fronts. */
static size_t front_kind(const struct word *x) {
    return x->key_kind > KIND_SIX ? KIND_SIX : x->key_kind;
}

static void note_first(struct words *w, const struct word *x) {
    unsigned char c = (unsigned char)w->skeleton[x->at];
    unsigned kinds = 1u << x->key_kind | 1u << front_kind(x);
    w->kinds[0][c] |= (uint8_t)kinds;
    if (x->flags & EDGE_LEFT)
        return;
    w->kinds[1][c] |= (uint8_t)kinds;
    w->inside |= c < 0x80;
}

/* Kinds come in their order. */
static void note_kind(struct kind_hashes *h, size_t kind) {
    if (h->n == 0 || h->of[h->n - 1].kind != kind)
        h->of[h->n++] = words_kind_hash(kind);
}

static void file_group(struct words *w, size_t begin, size_t end) {
    const struct word *first = &w->word[begin];
    size_t wide = words_is_wide(w->skeleton[first->at]);
    struct kind_hash whole = words_kind_hash(first->key_kind), front = words_kind_hash(front_kind(first));
    uint64_t h = words_hash(&whole, first->key, (unsigned char)ninth_byte(w, first));
    note_kind(&w->ask_fronts[wide], front.kind);
    note_kind(&w->ask_keys[wide], whole.kind);
    put_bit(&w->fronts, words_hash(&front, first->key, 0));
    put_bits(&w->keys, words_mix(h));
    for (size_t k = begin; k < end; k++) {
        note_first(w, &w->word[k]);
        note_further(w, &w->word[k], h);
    }
    size_t i = (size_t)(h >> w->slot_shift);
    while (w->slot[i].begin != w->slot[i].end)
        i = (i + 1) & w->slot_mask;
    w->slot[i] = (struct slot){.key = first->key, .begin = (uint32_t)begin, .end = (uint32_t)end};
}

static void close_kinds(const struct words *w, struct kind_hashes *ask) {
    for (size_t k = 0; k < ask->n; k++) {
        ask->of[k].sure = ask->of[k].kind < KIND_SIX;
        ask->of[k].closed = !((w->open | w->longer) >> ask->of[k].kind & 1);
    }
}

struct words *words_build(struct words_builder *b) {
    ASSERT(b->n < UINT32_MAX / 2);
    struct words *w = calloc(1, sizeof *w);
    if (!w)
        return NULL;
    unsigned slot_bits = bits_for(b->n * 2, 1);
    w->slot_shift = 64 - slot_bits;
    w->slot_mask = ((size_t)1 << slot_bits) - 1;
    w->slot = calloc((size_t)1 << slot_bits, sizeof *w->slot);
    if (!make_filter(&w->fronts, b->n, true) || !make_filter(&w->keys, b->n / 2, false) ||
        !make_filter(&w->further, b->n, false) || !w->slot) {
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
        for (end = begin + 1; end < w->n && same_key(w, &w->word[end], &w->word[begin]);)
            end++;
        file_group(w, begin, end);
    }
    for (size_t wide = 0; wide < 2; wide++)
        close_kinds(w, &w->ask_keys[wide]);
    return w;
}

void words_free(struct words *w) {
    if (!w)
        return;
    free(w->word);
    free(w->plain);
    free(w->skeleton);
    free(w->fronts.of);
    free(w->keys.of);
    free(w->further.of);
    free(w->slot);
    free(w);
}
