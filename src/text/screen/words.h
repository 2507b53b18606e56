/* words: which of many words occur in a folded text, and where.
 *
 * An index over up to millions of words, built once, never changed, shared by threads. Each word is filed
 * under its first 9, 8, 6, 4, 3, 2 or 1 bytes (the most it has) of skeleton (text/screen/leet.h); a scan
 * looks at each place where a word can begin, asks a bit filter, then a hash table, and walks the sorted
 * words of that key byte by byte. So the time depends on the text, hardly on the number of words, and never
 * on how many share a beginning.
 *
 * This is ours and not Hyperscan's because Hyperscan's literal mode slows down with the number of literals;
 * the bench (tests/text/screen) measures both side by side.
 */
#ifndef HY_TEXT_SCREEN_WORDS_H
#define HY_TEXT_SCREEN_WORDS_H

#include "text/screen/fold.h"

enum {
    WORD_EDGES = 1, /* where it begins or ends with a FOLD_WORD character, none may stand outside */
    WORD_LEET = 2,  /* look-alikes count, when the word is ASCII */
};

struct words_builder;
struct words;

struct words_builder *words_builder_new(void); /* NULL when memory is short */
void words_builder_free(struct words_builder *b);
struct words_entry {
    struct sv folded; /* a whole fold, 1 to UINT16_MAX bytes, no NUL, no white space first; copied */
    unsigned flags;
    uint32_t list; /* of words that are equal within a list, only that with the least tag is kept */
    uint32_t tag;  /* comes back with each hit */
};

/* False when memory is short. */
MUST_USE bool words_builder_add(struct words_builder *b, const struct fold_table *t,
                                const struct words_entry *entry);
size_t words_builder_count(const struct words_builder *b);
/* The index; the builder is empty afterwards. NULL when memory is short. */
MUST_USE struct words *words_build(struct words_builder *b);
void words_free(struct words *w);

/* Called for each hit in order of start, then of length; false ends the scan. */
typedef bool words_hit_fn(void *ctx, uint32_t tag, size_t start, size_t len);

/* Precondition: skeleton is leet_skeleton of folded, and FOLD_PAD bytes behind it may be read. */
void words_scan(const struct words *w, const struct fold_table *t, struct sv folded, const char *skeleton,
                words_hit_fn *hit, void *ctx);

#endif
