#include "text/screen/words_index.h"

#include "text/screen/leet.h"

#define EACH_BYTE ((uint64_t)0x0101010101010101u)
#define HIGH_BITS (EACH_BYTE << 7)

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

static inline bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* Whether words with the key that ends here may go on as the text does: most do not, and to find that out
 * among the words would cost several looks at memory far away. */
static bool goes_on(const struct scan *s, size_t end, unsigned kind, uint64_t hash) {
    const struct words *w = s->w;
    const struct filter *f = &w->further;
    if (end > s->folded.n)
        return false;
    unsigned next = (unsigned char)s->skeleton[end], second = (unsigned char)s->skeleton[end + 1];
    return (w->longer >> kind & 1 &&
            words_in_filter(f, words_further_mix(hash, GOES_ON_TWO | next | second << 8))) ||
           (!is_letter(s->folded.p[end]) && words_in_filter(f, words_further_mix(hash, ENDS))) ||
           (!is_letter(s->folded.p[end + 1]) &&
            words_in_filter(f, words_further_mix(hash, ENDS_NEXT | next))) ||
           (w->open >> kind & 1 && (words_in_filter(f, words_further_mix(hash, ENDS_ANYWHERE)) ||
                                    words_in_filter(f, words_further_mix(hash, ENDS_NEXT_ANYWHERE | next))));
}

/* A place that some filter lets through, and the kinds of key that may stand there. */
struct place {
    uint32_t at;
    uint32_t kinds;
};

/* The words of each kind of key, in order. */
static bool look(const struct scan *s, struct place p) {
    const struct words *w = s->w;
    const char *here = s->skeleton + p.at;
    for (; p.kinds; p.kinds &= p.kinds - 1) {
        struct kind_hash kind = words_kind_hash((size_t)__builtin_ctz(p.kinds));
        uint64_t key = words_first_eight(here) & kind.mask;
        uint64_t h = words_hash(&kind, key, (unsigned char)here[8]);
        size_t len = words_key_len[kind.kind];
        if (!goes_on(s, p.at + len, kind.kind, h))
            continue;
        size_t i = (size_t)(h >> w->slot_shift);
        for (; w->slot[i].begin != w->slot[i].end; i = (i + 1) & w->slot_mask) {
            const struct slot *x = &w->slot[i];
            const struct word *first = &w->word[x->begin];
            if (x->key != key || first->key_kind != kind.kind ||
                (kind.kind == KIND_NINE && w->skeleton[first->at + 8] != here[8]))
                continue;
            if (!walk(s, p.at, x->begin, x->end, len))
                return false;
            break;
        }
    }
    return true;
}

/* Whether some key may begin here. Without a branch, as nothing could foretell it; so is the next. */
static inline unsigned ask_fronts(const struct kind_hashes *ask, const struct filter *fronts,
                                  const char *skeleton, unsigned kinds) {
    uint64_t eight = words_first_eight(skeleton);
    unsigned found = 0;
    for (size_t k = 0; k < ask->n; k++)
        found |= words_in_fronts(fronts, words_hash(&ask->of[k], eight, 0)) << ask->of[k].kind;
    return found & kinds;
}

static inline unsigned ask_keys(const struct scan *s, size_t at, unsigned kinds) {
    const char *here = s->skeleton + at;
    const struct kind_hashes *ask = &s->w->ask_keys[words_is_wide(*here)];
    uint64_t eight = words_first_eight(here), ninth = (unsigned char)here[8];
    unsigned found = 0;
    for (size_t k = 0; k < ask->n; k++) {
        const struct kind_hash *h = &ask->of[k];
        const char *end = s->folded.p + at + words_key_len[h->kind]; /* perhaps in the padding */
        unsigned yes = h->sure || words_in_filter(&s->w->keys, words_mix(words_hash(h, eight, ninth)));
        unsigned blocked = (unsigned)h->closed & (unsigned)is_letter(end[0]) & (unsigned)is_letter(end[1]);
        found |= (yes & ~blocked) << h->kind;
    }
    return found & kinds;
}

/* Of the places gathered those that have a key, and their words. Kept in a list meanwhile, so that the
 * processor need not guess at each. */
static bool look_at_all(const struct scan *s, struct place *places, size_t n) {
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        struct place p = places[i];
        p.kinds = ask_keys(s, p.at, p.kinds);
        places[kept] = p;
        kept += p.kinds != 0;
    }
    for (size_t i = 0; i < kept; i++)
        if (!look(s, places[i]))
            return false;
    return true;
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

enum { STRIDE = 64, GATHERED_MAX = 128 };

/* 64 bytes at a time: first all the places where a word may begin, then the first filter for each; what it
 * lets through is gathered. */
void words_scan(const struct words *w, const struct fold_table *t, struct sv folded, const char *skeleton,
                words_hit_fn *hit, void *ctx) {
    if (w->n == 0)
        return;
    struct scan s = {w, t, folded, skeleton, hit, ctx};
    const struct kind_hashes ask[2] = {w->ask_fronts[0], w->ask_fronts[1]};
    const struct filter fronts = w->fronts;
    struct place gathered[GATHERED_MAX + STRIDE];
    size_t n_gathered = 0;
    uint64_t after = 0; /* the byte before these was a letter */
    for (size_t begin = 0; begin < folded.n; begin += STRIDE) {
        size_t n = folded.n - begin < STRIDE ? folded.n - begin : STRIDE;
        struct look_over o = look_over(folded.p + begin, n);
        uint64_t after_letter = o.letters << 1 | after;
        after = o.letters >> 63;
        uint64_t places = o.begins & (w->inside ? ~(uint64_t)0 : o.above_ascii | ~after_letter);
        for (; places; places &= places - 1) {
            size_t bit = (size_t)__builtin_ctzll(places), at = begin + bit;
            unsigned kinds = w->kinds[after_letter >> bit & 1][(unsigned char)skeleton[at]];
            gathered[n_gathered] = (struct place){(uint32_t)at, kinds};
            n_gathered += ask_fronts(&ask[words_is_wide(skeleton[at])], &fronts, skeleton + at, kinds) != 0;
        }
        if (n_gathered < GATHERED_MAX)
            continue;
        if (!look_at_all(&s, gathered, n_gathered))
            return;
        n_gathered = 0;
    }
    look_at_all(&s, gathered, n_gathered);
}
