/* fuzz_screen: any UTF-8 text against a set with words of all kinds, patterns and an allow list, and any
 * bytes as a list: no crash, and what a verdict says holds. */
#include "text/screen/screen.h"

#include <string.h>

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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    /* Making the folding table takes far longer than a check: once, and kept until the process ends. */
    static struct screen_set *set;
    if (!set)
        set = make(SV("敏感词\nviagra\n$cash\na\n加v\nfail\nfree money\n"));
    ASSERT(set);
    struct sv bytes = sv_make((const char *)data, n);
    if (sv_is_utf8(bytes) && n <= SCREEN_TEXT_MAX)
        check(set, bytes);
    /* As a list only when it asks for it, as that takes a table, too. */
    if (sv_starts(bytes, SV("#list\n"))) {
        struct screen_set *other = make(bytes);
        if (other && sv_is_utf8(bytes))
            check(other, bytes);
        screen_set_free(other);
    }
    return 0;
}
