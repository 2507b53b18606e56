/* screen: does a text contain words or patterns that must be blocked, looked at, or starred out?
 *
 * A screen_set holds word lists, regular expressions and an allow list, compiled once. It owns copies of all
 * it was given, never changes after screen_compile, and is shared by any number of threads; what a check
 * writes lives in a screen_scratch, one a thread. Text and words go through the same folding
 * (text/screen/fold.h: NFKC, case, full-width, traditional to simplified, zero-width characters, marks,
 * separators between Chinese characters), so a disguised word is found and its place is reported in bytes of
 * the original text.
 *
 * Words are found by text/screen/words.h, patterns by one Hyperscan pass. Always true of a verdict: places
 * lie on code point borders inside the text; a hit inside an allowed phrase is not in it; worst and replaced
 * speak for every hit, also for those that did not fit into hits[].
 *
 * Rules for words. A word that begins (ends) with a letter or digit of a script with spaces between words
 * matches only where no such character stands before (behind) it, unless its list says anywhere; Chinese
 * words match anywhere. A letter of an all-ASCII word is also matched by its look-alikes (text/screen/leet.h:
 * 0 o, 1 l i, 3 e, 4 @ a, 5 $ s,
 * ...), provided the match keeps one letter, and two when digits outnumber the letters: "455" is a number.
 *
 * It does not decide what follows, read files, or know about accounts.
 */
#ifndef HY_TEXT_SCREEN_SCREEN_H
#define HY_TEXT_SCREEN_SCREEN_H

#include "base/buf.h"
#include "base/err.h"
#include "base/sv.h"

#define SCREEN_TEXT_MAX (1u << 20) /* bytes of a text to check */
#define SCREEN_HITS_MAX 16         /* hits a verdict lists */
#define SCREEN_WORD_MAX 256        /* bytes of a word or phrase, as written and folded */
#define SCREEN_PATTERN_MAX 1024    /* bytes of a pattern */
#define SCREEN_WORDS_MAX 1000000   /* words and phrases in a set */
#define SCREEN_PATTERNS_MAX 10000  /* patterns in a set */
#define SCREEN_LISTS_MAX 1000      /* lists in a set */

/* In order of weight: worst is the greatest. */
enum screen_action {
    SCREEN_PASS,    /* of verdicts only: nothing was hit */
    SCREEN_REPLACE, /* send with '*' in place of the hit */
    SCREEN_FLAG,    /* somebody should look at it */
    SCREEN_BLOCK,   /* do not send */
};

const char *screen_action_name(enum screen_action a);

/* One list to add: lines of UTF-8 (a byte order mark and CR LF are tolerated), one word or pattern a line,
 * white space around it ignored, as are empty lines and lines that start with '#' (write "\#" for one that
 * does). */
struct screen_list {
    struct sv name;            /* reported with each hit */
    struct sv file;            /* for error messages; the name when empty */
    struct sv text;            /* the content of the file */
    enum screen_action action; /* not SCREEN_PASS; ignored for the allow list */
    bool anywhere;             /* words only: match inside longer Latin words, too */
};

struct screen_builder;
struct screen_set;
struct screen_scratch;

struct screen_hit {
    struct sv list;            /* borrowed from the set */
    uint32_t rule;             /* line in that list, from 1 */
    enum screen_action action; /* of the list */
    size_t start;              /* bytes in the original text */
    size_t len;
};

struct screen_verdict {
    enum screen_action worst;
    bool replaced; /* some hit asks for SCREEN_REPLACE, and the caller's buffer holds the starred text */
    bool more;     /* there were more hits than hits[] holds */
    size_t n;      /* in hits[]: words by place first, then patterns */
    struct screen_hit hits[SCREEN_HITS_MAX];
};

/* NULL when memory is short. */
struct screen_builder *screen_builder_new(void);
void screen_builder_free(struct screen_builder *b);

/* Each copies what it keeps. On failure (ERR_INVALID: a line is not UTF-8, has control characters or folds to
 * nothing; ERR_TOO_LARGE: over a limit above; ERR_INTERNAL: memory) the error names file:line, and the lines
 * before that one stay added: who wants all or nothing frees the builder. */
MUST_USE bool screen_builder_words(struct screen_builder *b, const struct screen_list *list, struct err *e);
/* Hyperscan's regular expressions (intel.github.io/hyperscan, "Pattern Support"), without regard to case,
 * matched against the folded text: lower case, simplified, half-width, no separators between Chinese
 * characters, each run of white space one space. Chinese characters in the pattern are made simplified; the
 * pattern itself is compiled by screen_compile. */
MUST_USE bool screen_builder_patterns(struct screen_builder *b, const struct screen_list *list,
                                      struct err *e);
/* Phrases in which a hit does not count. Word borders as for words; no look-alikes. */
MUST_USE bool screen_builder_allow(struct screen_builder *b, const struct screen_list *list, struct err *e);

/* A set of all that was added; the builder can go. NULL and ERR_INVALID with file:line when Hyperscan refuses
 * a pattern, ERR_INTERNAL when memory is short or the processor lacks what Hyperscan needs. A set without
 * rules is fine and passes every text. */
MUST_USE struct screen_set *screen_compile(struct screen_builder *b, struct err *e);
void screen_set_free(struct screen_set *set);

/* Serves any set, one thread at a time. Memory grows with the longest text seen, and is kept: 2 bytes for
 * each of its bytes, 14 once a text of that length had a hit; rounded up to a power of two, and up to 11
 * times that for contrived texts that folding expands (U+FDFA). NULL when memory is short. */
struct screen_scratch *screen_scratch_new(void);
void screen_scratch_free(struct screen_scratch *s);

/* Precondition: text is well-formed UTF-8 (sv_is_utf8). out is filled anew, its views valid as long as set
 * is. replaced may be NULL; it is reset, and holds the text with one '*' for each code point of every hit of
 * a SCREEN_REPLACE list when out->replaced. Fails with ERR_TOO_LARGE when text is over SCREEN_TEXT_MAX or
 * replaced's maximum is too small for it, ERR_INTERNAL when memory is short; out is then not to be used. */
MUST_USE bool screen_check(const struct screen_set *set, struct screen_scratch *s, struct sv text,
                           struct screen_verdict *out, struct buf *replaced, struct err *e);

/* The same with some of the lists only, still in one pass: active has a bool for each list, allow lists too,
 * in the order in which they were added to the builder. NULL: all of them. */
MUST_USE bool screen_check_lists(const struct screen_set *set, struct screen_scratch *s, struct sv text,
                                 const bool *active, struct screen_verdict *out, struct buf *replaced,
                                 struct err *e);

#endif
