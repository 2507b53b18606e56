/* words_index: the inside of text/screen/words.h, for its two files only: words_build.c makes it, words.c
 * asks it.
 *
 * A place in a text is asked in three steps, each for what the one before lets through: whether some key
 * begins as the text does there
 * (`fronts`, one bit a key), whether the key is there (`keys`, two bits), whether its words go on as the text
 * does (`further`, two bits). Only then the table of keys and the words themselves are looked at. The filters
 * of 100,000 words take 384 KiB: they stay in the second cache, and a text of Chinese or English words of all
 * kinds hardly leaves them.
 */
#ifndef HY_TEXT_SCREEN_WORDS_INDEX_H
#define HY_TEXT_SCREEN_WORDS_INDEX_H

#include "text/screen/words.h"

#include <endian.h>
#include <string.h>

/* Bytes of the key, shortest first, so that hits at one place come in order of length. Nine are three Chinese
 * characters: a word that begins with such a character has none of eight, every other none of nine. */
#define WORDS_KEYS 7
static const uint8_t words_key_len[WORDS_KEYS] = {1, 2, 3, 4, 6, 8, 9};
enum { KIND_SIX = 4, KIND_EIGHT = 5, KIND_NINE = 6 };

enum { EDGE_LEFT = 1, EDGE_RIGHT = 2, LEET = 4 };

struct word {
    uint64_t key; /* the first eight bytes of it */
    uint32_t at;  /* in plain and skeleton */
    uint32_t tag;
    uint32_t list;
    uint16_t len;
    uint8_t key_kind; /* index of words_key_len */
    uint8_t flags;
};

/* The words [begin, end) of one key; begin == end: free. */
struct slot {
    uint64_t key;
    uint32_t begin;
    uint32_t end;
};

/* What to hash of the eight or nine bytes at a place. */
struct kind_hash {
    uint64_t mul;
    uint64_t mask; /* of the key's first eight bytes */
    uint64_t ninth;
    unsigned kind;
    /* Of keys: */
    bool sure;   /* fronts has them as they are: nothing more is learnt from asking again */
    bool closed; /* all their words end with the key or one byte later, before no letter */
};

struct kind_hashes {
    struct kind_hash of[WORDS_KEYS];
    size_t n;
};

/* Bits set by hashes; all bits of one hash are in one of its words, so that asking is one look at memory. */
struct filter {
    uint64_t *of; /* owned */
    unsigned shift;
};

struct words {
    struct word *word; /* owned; sorted by kind of key, key, skeleton */
    size_t n;
    char *plain; /* owned, as are all below */
    char *skeleton;
    struct filter fronts; /* keys, those of eight and nine bytes by their first six */
    struct filter keys;
    struct filter further; /* each key with how its words go on */
    struct slot *slot;
    unsigned slot_shift; /* 64 less the bits of an index */
    size_t slot_mask;
    /* For the first byte at a place, the kinds of key that words there have, six also for eight and nine: [0]
     * all words, [1] those that may stand right behind a letter. */
    uint8_t kinds[2][256];
    /* The kinds to ask fronts and keys for: [1] where a character of three or four bytes begins, [0]
     * elsewhere. */
    struct kind_hashes ask_fronts[2], ask_keys[2];
    bool inside; /* some ASCII word may stand right behind a letter */
    uint8_t
        open; /* kinds of key with words that end with it, or a byte later, and may be followed by a letter */
    uint8_t longer; /* kinds of key with words that go on for two bytes or more */
};

static inline bool words_is_wide(char first) {
    return (unsigned char)first >= 0xE0;
}

static inline uint64_t words_first_eight(const char *skeleton) {
    uint64_t v;
    memcpy(&v, skeleton, 8);
    return le64toh(v);
}

/* ninth: the ninth byte. The high bits depend on all of the key. */
static inline uint64_t words_hash(const struct kind_hash *k, uint64_t eight, uint64_t ninth) {
    return ((eight & k->mask) + ninth * k->ninth) * k->mul;
}

/* One bit, found by the high bits. */
static inline unsigned words_in_fronts(const struct filter *f, uint64_t hash) {
    uint64_t bit = hash >> f->shift;
    return (unsigned)(f->of[bit / 64] >> (bit % 64)) & 1;
}

/* For two bits and a place, all from all of the hash. */
static inline uint64_t words_mix(uint64_t hash) {
    return (hash ^ hash >> 32) * 0xBF58476D1CE4E5B9u;
}

static inline uint64_t words_filter_bits(uint64_t mixed) {
    return (uint64_t)1 << (mixed & 63) | (uint64_t)1 << (mixed >> 6 & 63);
}

static inline unsigned words_in_filter(const struct filter *f, uint64_t mixed) {
    return (~f->of[mixed >> f->shift] & words_filter_bits(mixed)) == 0;
}

/* How the words of a key go on: by two bytes more; by one, before no letter or before anything; not at all,
 * likewise. */
enum {
    GOES_ON_TWO = 0,
    ENDS_NEXT = 1 << 16,
    ENDS_NEXT_ANYWHERE = 2 << 16,
    ENDS = 3 << 16,
    ENDS_ANYWHERE = 4 << 16
};

static inline uint64_t words_further_mix(uint64_t hash, unsigned how) {
    return words_mix(hash + how * 0x9FB21C651E98DF25u);
}

/* How the hash of that kind of key is made. */
struct kind_hash words_kind_hash(size_t kind);

#endif
