#include "simulator/sim_words.h"

#include "base/codec.h"

#include <stdlib.h>
#include <string.h>

/* Collisions cannot be provoked usefully: whoever could is the tester himself. */
static const struct sip_key word_key = {0x68796f6e, 0x676a796e};

void words_done(struct words *w) {
    for (size_t i = 0; i < w->n; i++)
        free(w->texts[i]);
    free(w->texts);
    map_done(&w->by_hash);
    *w = (struct words){0};
}

bool words_find(const struct words *w, struct sv v, uint16_t *out) {
    *out = 0;
    if (v.n == 0)
        return true;
    char **at = map_get(&w->by_hash, siphash(word_key, v));
    if (!at)
        return false;
    *out = (uint16_t)((uintptr_t)at);
    return sv_eq(words_get(w, *out), v);
}

bool words_put(struct words *w, struct sv v, uint16_t *out) {
    if (words_find(w, v, out))
        return true;
    if (w->n == WORDS_MAX)
        return false;
    if (w->n == w->cap) {
        size_t cap = w->cap ? w->cap * 2 : 64;
        char **texts = realloc(w->texts, cap * sizeof *texts);
        if (!texts)
            return false;
        w->texts = texts;
        w->cap = cap;
    }
    char *text = strndup(v.p, v.n);
    if (!text)
        return false;
    w->texts[w->n++] = text;
    map_put(&w->by_hash, siphash(word_key, v), (void *)(uintptr_t)w->n);
    *out = (uint16_t)w->n;
    return true;
}

struct sv words_get(const struct words *w, uint16_t number) {
    return number && number <= w->n ? sv_of(w->texts[number - 1]) : SV_NONE;
}
