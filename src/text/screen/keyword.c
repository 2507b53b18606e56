#include "text/screen/keyword.h"

#include <stdlib.h>
#include <string.h>
#include <unicode/uchar.h>

struct keyword {
    struct sv folded; /* owned */
    unsigned number;
};

struct keywords {
    struct fold_table *table; /* owned */
    struct keyword *words;    /* owned */
    size_t n;
};

struct keywords *keywords_new(struct err *e) {
    struct keywords *k = calloc(1, sizeof *k);
    ASSERT(k);
    k->table = fold_table_new(e);
    if (k->table)
        return k;
    free(k);
    return NULL;
}

void keywords_free(struct keywords *k) {
    if (!k)
        return;
    for (size_t i = 0; i < k->n; i++)
        free((char *)(uintptr_t)k->words[i].folded.p);
    free(k->words);
    fold_table_free(k->table);
    free(k);
}

/* Letters and digits, and the marks that belong to them; what is neither stands between words. */
static void keep_words(struct sv folded, struct buf *out) {
    bool between = false;
    for (const char *p = folded.p, *end = folded.p + folded.n; p < end;) {
        uint32_t cp;
        size_t n = fold_decode(p, end, &cp);
        int8_t type = u_charType((UChar32)cp);
        bool part = u_isalnum((UChar32)cp) || u_isUAlphabetic((UChar32)cp) || type == U_NON_SPACING_MARK ||
                    type == U_COMBINING_SPACING_MARK;
        if (part && between && out->n)
            buf_addc(out, ' ');
        if (part)
            buf_add(out, sv_make(p, n));
        between = !part;
        p += n;
    }
}

bool keywords_fold(const struct keywords *k, struct sv text, struct buf *out) {
    struct folded f = {0};
    buf_reset(out);
    if (text.n == 0 || text.n > KEYWORD_TEXT_BYTES_MAX || !sv_is_utf8(text))
        return true;
    bool ok = fold_text(k->table, text, false, &f);
    if (ok)
        keep_words(sv_make(f.p, f.n), out);
    folded_done(&f);
    return ok && !out->overflow;
}

bool keywords_add(struct keywords *k, struct sv word, unsigned number, struct err *e) {
    struct buf BUF_AUTO folded = BUF_INIT(4 * KEYWORD_TEXT_BYTES_MAX);
    if (!keywords_fold(k, word, &folded))
        return err_set(e, ERR_OUTSIDE, "out of memory for keywords");
    if (folded.n == 0 || k->n == KEYWORDS_MAX)
        return err_set(e, ERR_INVALID, "`%.*s` is no keyword", word.n < 64 ? (int)word.n : 64, word.p);
    struct keyword *grown = realloc(k->words, (k->n + 1) * sizeof *grown);
    ASSERT(grown);
    k->words = grown;
    size_t n = folded.n;
    k->words[k->n++] = (struct keyword){.folded = sv_make(buf_steal(&folded), n), .number = number};
    return true;
}

bool keywords_next(const struct keywords *k, struct sv folded, size_t *at, unsigned *number) {
    while (folded.n && *at < k->n) {
        const struct keyword *w = &k->words[(*at)++];
        if (sv_eq(w->folded, folded)) {
            *number = w->number;
            return true;
        }
    }
    return false;
}
