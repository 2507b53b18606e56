/* fuzz_screen: any UTF-8 text against a set with words of all kinds, patterns and an allow list, and any
 * bytes as a list: no crash, and what a verdict says holds. */
#include "text/screen/screen.h"

#include <string.h>

#define LISTS_KEPT 500

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static struct screen_set *make(struct sv words) {
    struct screen_list lists[] = {
        {.name = SV("words"), .text = words, .action = SCREEN_BLOCK},
        {.name = SV("stars"),
         .text = SV("法轮功\nhorn\nori\n加\né\nfi\nが\n"),
         .action = SCREEN_REPLACE,
         .anywhere = true},
        {.name = SV("patterns"), .text = SV("\\d{3}-\\d{4}\n加.{0,5}群\n"), .action = SCREEN_FLAG},
        {.name = SV("allow"), .text = SV("horn concerto\n加油站\n")},
    };
    struct err e = ERR_INIT;
    struct screen_builder *b = screen_builder_new();
    struct screen_set *set = NULL;
    if (b && screen_builder_words(b, &lists[0], &e) && screen_builder_words(b, &lists[1], &e) &&
        screen_builder_patterns(b, &lists[2], &e) && screen_builder_allow(b, &lists[3], &e))
        set = screen_compile(b, &e);
    screen_builder_free(b);
    return set;
}

/* Scratch for any set: kept, as in a thread. */
static void check(const struct screen_set *set, struct sv text) {
    static struct screen_scratch *s;
    if (!s)
        s = screen_scratch_new();
    struct buf replaced BUF_AUTO = BUF_INIT(SCREEN_TEXT_MAX);
    struct screen_verdict v;
    struct err e = ERR_INIT;
    ASSERT(s && screen_check(set, s, text, &v, &replaced, &e));
    ASSERT((v.worst == SCREEN_PASS) == (v.n == 0));
    for (size_t i = 0; i < v.n; i++) {
        ASSERT(v.hits[i].len > 0 && v.hits[i].start + v.hits[i].len <= text.n);
        ASSERT(sv_is_utf8(sv_sub(text, v.hits[i].start, v.hits[i].len)));
        ASSERT(v.hits[i].action <= v.worst && v.hits[i].rule > 0);
    }
    if (v.replaced) {
        ASSERT(sv_is_utf8(buf_sv(&replaced)) && sv_find_char(buf_sv(&replaced), '*') != SIZE_MAX);
        ASSERT(replaced.n <= text.n);
    }
}

/* The lists of make, words and patterns alone: no stars, no allowed phrases. */
static void check_some(const struct screen_set *set, struct sv text) {
    static const bool some[] = {true, false, true, false};
    static struct screen_scratch *s;
    if (!s)
        s = screen_scratch_new();
    struct screen_verdict v;
    struct err e = ERR_INIT;
    ASSERT(s && screen_check_lists(set, s, text, some, &v, NULL, &e));
    for (size_t i = 0; i < v.n; i++)
        ASSERT(sv_eq(v.hits[i].list, SV("words")) || sv_eq(v.hits[i].list, SV("patterns")));
}

/* The bytes as one more list of words. The builder is kept for some lists, again because of the table. */
static void add_list(struct sv bytes) {
    static struct screen_builder *b;
    static size_t n_lists;
    if (!b)
        b = screen_builder_new();
    ASSERT(b);
    struct screen_list list = {.name = SV("fuzz"), .text = bytes, .action = SCREEN_BLOCK};
    struct err e = ERR_INIT;
    if (!screen_builder_words(b, &list, &e))
        ASSERT(strncmp(e.text, "fuzz:", 5) == 0);
    if (++n_lists < LISTS_KEPT)
        return;
    struct screen_set *set = screen_compile(b, &e);
    ASSERT(set);
    check(set, SV("viagra 敏感词 a horn concerto"));
    screen_set_free(set);
    screen_builder_free(b);
    b = NULL;
    n_lists = 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    /* Making the folding table takes far longer than a check: once, and kept until the process ends. */
    static struct screen_set *set;
    if (!set)
        set = make(SV("敏感词\nviagra\n$cash\na\n加v\nfail\nfree money\n"));
    ASSERT(set);
    struct sv bytes = sv_make((const char *)data, n);
    if (sv_is_utf8(bytes) && n <= SCREEN_TEXT_MAX) {
        check(set, bytes);
        check_some(set, bytes);
    }
    add_list(bytes);
    return 0;
}
