#include "text/mood/mood_english.h"

#include "text/mood/mood_table.h"

#include <string.h>

/* A word as it is looked up: lower case, ’ as ', at most so many bytes. */
struct word {
    unsigned char bytes[2 * MOOD_WORD_BYTES_MAX];
    size_t n;
    size_t capitals, letters;
};

static bool is_upper(unsigned char c) {
    return c >= 'A' && c <= 'Z';
}

static bool is_alnum(unsigned char c) {
    return (c >= 'a' && c <= 'z') || is_upper(c) || (c >= '0' && c <= '9');
}

/* Bytes of the Latin letter or digit at p; 0 when there is none. U+00C0 to U+024F are letters (but for × and
 * ÷). */
static size_t letter(const unsigned char *p, const unsigned char *end) {
    if (p == end)
        return 0;
    if (is_alnum(*p))
        return 1;
    bool latin = *p >= 0xC3 && *p <= 0xC9 && end - p > 1 && p[1] >= 0x80 && p[1] < 0xC0;
    return latin && !(*p == 0xC3 && (p[1] == 0x97 || p[1] == 0xB7)) ? 2 : 0;
}

/* Bytes of what holds two letters together, ' ’ or -; 0 when there is none. */
static size_t joint(const unsigned char *p, const unsigned char *end) {
    size_t n = 0;
    if (p < end && (*p == '\'' || *p == '-'))
        n = 1;
    else if (end - p >= 3 && memcmp(p, "\xE2\x80\x99", 3) == 0)
        n = 3;
    return n && letter(p + n, end) ? n : 0;
}

bool mood_english_begins(const unsigned char *p, const unsigned char *end) {
    return letter(p, end) > 0;
}

static void put(struct word *w, const unsigned char *p, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (w->n < sizeof w->bytes)
            w->bytes[w->n++] = is_upper(p[i]) ? (unsigned char)(p[i] | 0x20) : p[i];
}

/* The end of the word; with hyphens false, of its part in front of the first one. */
static const unsigned char *take(const unsigned char *p, const unsigned char *end, bool hyphens,
                                 struct word *w) {
    *w = (struct word){0};
    for (size_t n;;) {
        while ((n = letter(p, end)) > 0) {
            put(w, p, n);
            w->letters++;
            w->capitals += is_upper(*p);
            p += n;
        }
        n = joint(p, end);
        /* What is too long to be known ends here: nobody reads a chain of hyphens again from each of them. */
        if (n == 0 || (*p == '-' && (!hyphens || w->n > MOOD_WORD_BYTES_MAX)))
            return p;
        put(w, (const unsigned char *)(*p == '-' ? "-" : "'"), 1);
        p += n;
    }
}

/* Letters that stand more than keep times in a row, keep times: soooo. */
static bool squeeze(struct word *w, size_t keep) {
    size_t n = 0, run = 0;
    for (size_t i = 0; i < w->n; i++) {
        run = i > 0 && w->bytes[i] == w->bytes[i - 1] ? run + 1 : 1;
        /* what stood at i - 1 is still there: n never overtakes i */
        if (run <= keep || w->bytes[i] < 'a')
            w->bytes[n++] = w->bytes[i];
    }
    bool shorter = n < w->n;
    w->n = n;
    return shorter;
}

static bool has_long_run(const struct word *w) {
    for (size_t i = 2; i < w->n; i++)
        if (w->bytes[i] == w->bytes[i - 1] && w->bytes[i] == w->bytes[i - 2])
            return true;
    return false;
}

static const struct mood_entry *look_up(struct word *w) {
    const struct mood_entry *e = mood_find(w->bytes, w->n);
    if (e)
        return e;
    struct word trial = *w;
    if (trial.n > 2 && memcmp(trial.bytes + trial.n - 2, "'s", 2) == 0) {
        trial.n -= 2;
        return mood_find(trial.bytes, trial.n);
    }
    for (size_t keep = 2; keep > 0 && has_long_run(w) && !e; keep--) {
        trial = *w;
        e = squeeze(&trial, keep) ? mood_find(trial.bytes, trial.n) : NULL;
    }
    return e;
}

const unsigned char *mood_english_word(const unsigned char *p, const unsigned char *end, bool shouts,
                                       struct mood_score *score) {
    struct word w;
    const unsigned char *behind = take(p, end, true, &w);
    const struct mood_entry *e = look_up(&w);
    if (!e && memchr(w.bytes, '-', w.n)) {
        behind = take(p, end, false, &w);
        e = look_up(&w);
    }
    bool shouted = shouts && w.letters > 1 && w.capitals == w.letters;
    if (!e) {
        if (w.n > 3 && memcmp(w.bytes + w.n - 3, "n't", 3) == 0)
            mood_score_negator(score, 0);
        else
            mood_score_other(score);
        return behind;
    }
    double value = e->tenths / 10.0;
    switch ((enum mood_kind)e->kind) {
    case MOOD_WORD: mood_score_word(score, value, shouted); break;
    case MOOD_NEGATOR: mood_score_negator(score, value); break;
    case MOOD_MORE: mood_score_degree(score, true); break;
    case MOOD_LESS: mood_score_degree(score, false); break;
    case MOOD_CONTRAST: mood_score_contrast(score); break;
    case MOOD_SIGN: mood_score_sign(score, value); break;
    case MOOD_SINGLE:
    case MOOD_AFTER:
    case MOOD_PARTICLE:
    case MOOD_PLAIN: mood_score_other(score); break;
    }
    return behind;
}
