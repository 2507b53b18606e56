/* mood_table: the words mood knows, made by mood_table.py while building. Read only.
 *
 * An open hash table: slots hold one more than an entry's index, 0 is empty; the slot of a word is its FNV-1a
 * hash folded once, and the next ones after it.
 */
#ifndef HY_TEXT_MOOD_MOOD_TABLE_H
#define HY_TEXT_MOOD_MOOD_TABLE_H

#include "base/sv.h"

enum {
    MOOD_SLOTS = 1 << 15,
    MOOD_WORD_BYTES_MAX = 24, /* of every entry */
    MOOD_SIGN_BYTES_MAX = 8,  /* of an emoticon */
};

enum mood_kind {
    MOOD_WORD,     /* has a value */
    MOOD_SINGLE,   /* one Chinese character that is a word only where nothing else can hold it */
    MOOD_SIGN,     /* an emoticon or emoji */
    MOOD_NEGATOR,  /* turns what follows; its own value counts when it turns nothing */
    MOOD_MORE,     /* strengthens what follows */
    MOOD_LESS,     /* weakens it */
    MOOD_CONTRAST, /* "but" */
    MOOD_AFTER,    /* strengthens what stands before: 极了 */
    MOOD_PARTICLE, /* a Chinese particle: ends a word, is none */
    MOOD_PLAIN,    /* looks like one of the above and is not */
};

struct mood_entry {
    uint32_t at; /* of its bytes in mood_bytes */
    uint8_t n;
    uint8_t kind; /* enum mood_kind */
    int8_t tenths;
};

extern const bool mood_table_has_words;
extern const struct mood_entry mood_entries[];
extern const unsigned char mood_bytes[];
extern const uint16_t mood_slots[MOOD_SLOTS];

#define MOOD_HASH_START 2166136261u

static inline uint32_t mood_hash_step(uint32_t hash, unsigned char byte) {
    return (hash ^ byte) * 16777619u;
}

/* The entry of these bytes, NULL when there is none; hash is mood_hash_step over all of them. */
const struct mood_entry *mood_find_hashed(uint32_t hash, const unsigned char *word, size_t n);
const struct mood_entry *mood_find(const unsigned char *word, size_t n);

#endif
