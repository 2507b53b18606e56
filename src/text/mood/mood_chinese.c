#include "text/mood/mood_chinese.h"

#include "text/mood/mood_table.h"

#include <string.h>

/* U+3400 to U+9FFF and U+F900 to U+FAFF, three bytes each; rarer ones are in no word. */
size_t mood_chinese_character(const unsigned char *p, const unsigned char *end) {
    if (end - p < 3 || p[0] < 0xE3 || p[0] > 0xEF || (p[1] & 0xC0) != 0x80 || (p[2] & 0xC0) != 0x80)
        return 0;
    unsigned cp = (p[0] & 0x0Fu) << 12 | (p[1] & 0x3Fu) << 6 | (p[2] & 0x3Fu);
    return (cp >= 0x3400 && cp <= 0x9FFF) || (cp >= 0xF900 && cp <= 0xFAFF) ? 3 : 0;
}

static const struct mood_entry *longest(const unsigned char *p, const unsigned char *end) {
    const struct mood_entry *found = NULL;
    uint32_t hash = MOOD_HASH_START;
    for (size_t n = 0; n < MOOD_WORD_BYTES_MAX;) {
        size_t step = mood_chinese_character(p + n, end);
        if (step == 0)
            break;
        for (size_t i = 0; i < step; i++)
            hash = mood_hash_step(hash, p[n++]);
        const struct mood_entry *e = mood_find_hashed(hash, p, n);
        found = e ? e : found;
    }
    return found;
}

/* Whether a word can end in front of p: no Chinese follows, a particle, or the same character again (好好好).
 */
static bool word_ends(const unsigned char *p, const unsigned char *end) {
    size_t n = mood_chinese_character(p, end);
    if (n == 0 || memcmp(p, p - n, n) == 0)
        return true;
    const struct mood_entry *e = longest(p, end);
    return e && (e->kind == MOOD_PARTICLE || e->kind == MOOD_AFTER);
}

const unsigned char *mood_chinese_word(const unsigned char *p, const unsigned char *end, bool *after_degree,
                                       struct mood_score *score) {
    const struct mood_entry *e = longest(p, end);
    bool after = *after_degree;
    *after_degree = false;
    if (!e) {
        mood_score_other(score);
        return p + mood_chinese_character(p, end);
    }
    const unsigned char *behind = p + e->n;
    double value = e->tenths / 10.0;
    switch ((enum mood_kind)e->kind) {
    case MOOD_WORD: mood_score_word(score, value, false); break;
    case MOOD_SINGLE:
        if ((after || word_ends(behind, end)) && score->last == 0) /* 不好 + 笑 is 不 + 好笑 */
            mood_score_word(score, value, false);
        else
            mood_score_other(score);
        break;
    case MOOD_NEGATOR:
        mood_score_negator(score, value);
        *after_degree = true;
        break;
    case MOOD_MORE:
    case MOOD_LESS:
        mood_score_degree(score, e->kind == MOOD_MORE);
        *after_degree = true;
        break;
    case MOOD_CONTRAST: mood_score_contrast(score); break;
    case MOOD_AFTER: mood_score_after(score); break;
    case MOOD_PARTICLE: break;
    case MOOD_SIGN:
    case MOOD_PLAIN: mood_score_other(score); break;
    }
    return behind;
}
