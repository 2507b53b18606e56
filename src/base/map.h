/* map: 64-bit keys to pointers, open addressing, one owner, one thread.
 *
 * Keys are spread by a fixed mix, which is safe because keys here are ids the program made itself or keyed
 * hashes (siphash) of outside text. The map borrows the values. Key 0 is allowed; a NULL value is not.
 */
#ifndef HY_BASE_MAP_H
#define HY_BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct map_slot {
    uint64_t key;
    void *value; /* NULL: free */
};

struct map {
    struct map_slot *slots; /* owned */
    size_t cap;             /* a power of two, or 0 */
    size_t n;
};

void map_init(struct map *m);
void map_done(struct map *m);
/* The value, or NULL. */
void *map_get(const struct map *m, uint64_t key);
/* Sets or replaces; value must not be NULL. Aborts when memory is short (the tables are bounded and small).
 */
void map_put(struct map *m, uint64_t key, void *value);
/* Removes and returns the value, NULL if there was none. */
void *map_take(struct map *m, uint64_t key);

#endif
