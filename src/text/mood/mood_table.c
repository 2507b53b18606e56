#include "text/mood/mood_table.h"

#include <string.h>

const struct mood_entry *mood_find_hashed(uint32_t hash, const unsigned char *word, size_t n) {
    for (uint32_t slot = (hash ^ hash >> 15) % MOOD_SLOTS; mood_slots[slot]; slot = (slot + 1) % MOOD_SLOTS) {
        const struct mood_entry *e = &mood_entries[mood_slots[slot] - 1];
        if (e->n == n && memcmp(mood_bytes + e->at, word, n) == 0)
            return e;
    }
    return NULL;
}

const struct mood_entry *mood_find(const unsigned char *word, size_t n) {
    if (n > MOOD_WORD_BYTES_MAX)
        return NULL;
    uint32_t hash = MOOD_HASH_START;
    for (size_t i = 0; i < n; i++)
        hash = mood_hash_step(hash, word[i]);
    return mood_find_hashed(hash, word, n);
}
