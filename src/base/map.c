#include "base/map.h"

#include "base/err.h"

void map_init(struct map *m) {
    *m = (struct map){0};
}

void map_done(struct map *m) {
    free(m->slots);
    map_init(m);
}

static size_t home(const struct map *m, uint64_t key) {
    key ^= key >> 32;
    key *= 0x9E3779B97F4A7C15u;
    key ^= key >> 29;
    return (size_t)key & (m->cap - 1);
}

static size_t find(const struct map *m, uint64_t key) {
    size_t i = home(m, key);
    while (m->slots[i].value && m->slots[i].key != key)
        i = (i + 1) & (m->cap - 1);
    return i;
}

void *map_get(const struct map *m, uint64_t key) {
    return m->cap ? m->slots[find(m, key)].value : NULL;
}

static void grow(struct map *m) {
    struct map old = *m;
    m->cap = old.cap ? old.cap * 2 : 64;
    m->slots = calloc(m->cap, sizeof *m->slots);
    ASSERT(m->slots);
    for (size_t i = 0; i < old.cap; i++)
        if (old.slots[i].value)
            m->slots[find(m, old.slots[i].key)] = old.slots[i];
    free(old.slots);
}

void map_put(struct map *m, uint64_t key, void *value) {
    ASSERT(value);
    if (m->n * 4 >= m->cap * 3)
        grow(m);
    size_t i = find(m, key);
    if (!m->slots[i].value)
        m->n++;
    m->slots[i] = (struct map_slot){.key = key, .value = value};
}

void *map_take(struct map *m, uint64_t key) {
    if (!m->cap)
        return NULL;
    size_t i = find(m, key);
    void *value = m->slots[i].value;
    if (!value)
        return NULL;
    /* Close the gap: move back each later slot of the run whose home lies at or before the hole. */
    size_t hole = i;
    for (size_t k = (i + 1) & (m->cap - 1); m->slots[k].value; k = (k + 1) & (m->cap - 1)) {
        size_t from_home = (k - home(m, m->slots[k].key)) & (m->cap - 1);
        size_t from_hole = (k - hole) & (m->cap - 1);
        if (from_home >= from_hole) {
            m->slots[hole] = m->slots[k];
            hole = k;
        }
    }
    m->slots[hole].value = NULL;
    m->n--;
    return value;
}
