#include "text/screen/leet.h"
#include "text/screen/set.h"

#include <string.h>

#define EXPR_BYTES_MAX ((size_t)SCREEN_PATTERNS_MAX * (SCREEN_PATTERN_MAX + 1))

struct pattern {
    size_t at; /* in exprs */
    uint32_t rule;
    char *file; /* owned */
};

struct screen_builder {
    struct screen_set *set; /* owned; grows lists, rules and the fold table here */
    struct words_builder *words;
    struct words_builder *allow;
    struct folded folded;
    struct buf exprs; /* NUL behind each */
    struct pattern *pattern;
    size_t n_rules;
};

/* Where an error is. */
struct place {
    struct sv file;
    uint32_t line;
};

static bool fail_memory(struct err *e) {
    return err_set(e, ERR_INTERNAL, "out of memory for the screening lists");
}

static bool fail_at(struct place at, enum err_kind kind, const char *why, struct err *e) {
    /* A long path keeps its end, which tells more. */
    struct sv file = at.file.n > 200 ? sv_from(at.file, at.file.n - 200) : at.file;
    return err_set(e, kind, "%.*s:%u: %s", SV_FMT(file), at.line, why);
}

struct screen_builder *screen_builder_new(void) {
    struct screen_builder *b = calloc(1, sizeof *b);
    if (!b)
        return NULL;
    buf_init(&b->exprs, EXPR_BYTES_MAX);
    b->set = calloc(1, sizeof *b->set);
    b->words = words_builder_new();
    b->allow = words_builder_new();
    if (b->set && b->words && b->allow)
        return b;
    screen_builder_free(b);
    return NULL;
}

void screen_builder_free(struct screen_builder *b) {
    if (!b)
        return;
    for (size_t i = 0; b->set && b->pattern && i < b->set->n_patterns; i++)
        free(b->pattern[i].file);
    free(b->pattern);
    screen_set_free(b->set);
    words_builder_free(b->words);
    words_builder_free(b->allow);
    folded_done(&b->folded);
    buf_done(&b->exprs);
    free(b);
}

void screen_set_free(struct screen_set *set) {
    if (!set)
        return;
    for (size_t i = 0; i < set->n_lists; i++)
        free(set->list[i].name);
    free(set->list);
    free(set->rule);
    free(set->pattern_rule);
    words_free(set->words);
    words_free(set->allow);
    patterns_free(set->patterns);
    fold_table_free(set->fold);
    free(set);
}

/* Makes the pointer at array one to n + 1 items at least. */
static bool grow(void *array, size_t n, size_t item) {
    if (n & (n - 1))
        return true; /* room up to the next power of two */
    void *p;
    memcpy(&p, array, sizeof p);
    p = realloc(p, (n ? n * 2 : 1) * item);
    if (p)
        memcpy(array, &p, sizeof p);
    return p;
}

static bool add_list(struct screen_builder *b, const struct screen_list *list, struct err *e) {
    struct screen_set *set = b->set;
    if (set->n_lists == SCREEN_LISTS_MAX)
        return err_set(e, ERR_TOO_LARGE, "more than %d screening lists", SCREEN_LISTS_MAX);
    if (!set->fold) {
        set->fold = fold_table_new(e);
        if (!set->fold)
            return false;
    }
    if (!grow(&set->list, set->n_lists, sizeof *set->list))
        return fail_memory(e);
    char *name = strndup(list->name.n ? list->name.p : "", list->name.n);
    if (!name)
        return fail_memory(e);
    set->list[set->n_lists++] = (struct screen_set_list){.name = name, .action = list->action};
    set->replaces |= list->action == SCREEN_REPLACE;
    return true;
}

static bool add_rule(struct screen_builder *b, struct place at, uint32_t *rule, struct err *e) {
    if (!grow(&b->set->rule, b->n_rules, sizeof *b->set->rule))
        return fail_memory(e);
    b->set->rule[b->n_rules] = (struct screen_rule){.list = (uint32_t)b->set->n_lists - 1, .line = at.line};
    *rule = (uint32_t)b->n_rules++;
    return true;
}

static bool has_control(struct sv v) {
    for (size_t i = 0; i < v.n; i++)
        if ((unsigned char)v.p[i] < 0x20 || v.p[i] == 0x7F)
            return true;
    return false;
}

/* A folded line that is to be found must have something other than separators when it is between Chinese
 * ones; alone, any character will do. */
static bool add_word(struct screen_builder *b, struct words_builder *to, struct sv line,
                     const struct screen_list *list, struct place at, struct err *e) {
    if (line.n > SCREEN_WORD_MAX)
        return fail_at(at, ERR_TOO_LARGE, "the word is longer than 256 bytes", e);
    if (has_control(line))
        return fail_at(at, ERR_INVALID, "the word has a control character (a tab?)", e);
    if (words_builder_count(b->words) + words_builder_count(b->allow) >= SCREEN_WORDS_MAX)
        return fail_at(at, ERR_TOO_LARGE, "more than 1000000 words in all", e);
    if (!fold_text(b->set->fold, line, false, &b->folded))
        return fail_memory(e);
    struct sv folded = sv_trim(sv_make(b->folded.p, b->folded.n));
    if (folded.n == 0)
        return fail_at(at, ERR_INVALID, "nothing is left of the word without invisible characters and marks",
                       e);
    if (folded.n > SCREEN_WORD_MAX)
        return fail_at(at, ERR_TOO_LARGE,
                       "the word is longer than 256 bytes when its characters are expanded", e);
    struct words_entry entry = {
        .folded = folded,
        .flags = (list->anywhere ? 0 : WORD_EDGES) | (to == b->words ? WORD_LEET : 0),
        .list = (uint32_t)b->set->n_lists - 1,
    };
    if (!add_rule(b, at, &entry.tag, e))
        return false;
    return words_builder_add(to, b->set->fold, &entry) || fail_memory(e);
}

/* Letters in the pattern take the form they have in folded text; what is more than a letter (a full-width
 * bracket) is left alone, as it would become syntax, and so is a letter beside '-', which may be the end of a
 * range. */
static bool fold_pattern(const struct fold_table *t, struct sv expr, struct buf *out) {
    for (size_t i = 0; i < expr.n;) {
        uint32_t cp;
        size_t n = fold_decode(expr.p + i, expr.p + expr.n, &cp);
        uint32_t entry = fold_entry(t, cp);
        bool range = (i > 0 && expr.p[i - 1] == '-') || (i + n < expr.n && expr.p[i + n] == '-');
        bool letter =
            (entry & (FOLD_HAN | FOLD_WORD)) && !(entry & (FOLD_MANY | FOLD_DROP | FOLD_MARK | FOLD_JOIN));
        char one[4];
        struct sv as = sv_make(expr.p + i, n);
        if (cp >= 0x80 && letter && !range)
            as = sv_make(one, fold_encode(one, (cp + entry) & FOLD_DELTA));
        buf_add(out, as);
        i += n;
    }
    return buf_addc(out, '\0');
}

static bool add_pattern(struct screen_builder *b, struct sv line, const struct screen_list *list,
                        struct place at, struct err *e) {
    struct screen_set *set = b->set;
    if (line.n > SCREEN_PATTERN_MAX)
        return fail_at(at, ERR_TOO_LARGE, "the pattern is longer than 1024 bytes", e);
    if (has_control(line))
        return fail_at(at, ERR_INVALID,
                       "the pattern has a control character; write it as an escape, such as \\t", e);
    if (set->n_patterns == SCREEN_PATTERNS_MAX)
        return fail_at(at, ERR_TOO_LARGE, "more than 10000 patterns in all", e);
    if (!grow(&b->pattern, set->n_patterns, sizeof *b->pattern))
        return fail_memory(e);
    struct sv file = list->file.n ? list->file : list->name;
    struct pattern p = {.at = b->exprs.n};
    if (!fold_pattern(set->fold, line, &b->exprs) || !add_rule(b, at, &p.rule, e))
        return fail_memory(e);
    p.file = strndup(file.n ? file.p : "", file.n);
    if (!p.file)
        return fail_memory(e);
    b->pattern[set->n_patterns++] = p;
    return true;
}

enum kind { KIND_WORDS, KIND_PATTERNS, KIND_ALLOW };

static bool add_line(struct screen_builder *b, enum kind kind, struct sv line, const struct screen_list *list,
                     struct place at, struct err *e) {
    switch (kind) {
    case KIND_WORDS: return add_word(b, b->words, line, list, at, e);
    case KIND_ALLOW: return add_word(b, b->allow, line, list, at, e);
    case KIND_PATTERNS: return add_pattern(b, line, list, at, e);
    }
    return true;
}

static bool add_lines(struct screen_builder *b, enum kind kind, const struct screen_list *list,
                      struct err *e) {
    ASSERT(kind == KIND_ALLOW || (list->action > SCREEN_PASS && list->action <= SCREEN_BLOCK));
    if (!add_list(b, list, e))
        return false;
    struct place at = {.file = list->file.n ? list->file : list->name};
    struct sv rest = list->text;
    if (sv_starts(rest, SV("\xEF\xBB\xBF")))
        rest = sv_from(rest, 3);
    while (rest.n) {
        if (at.line == UINT32_MAX)
            return fail_at(at, ERR_TOO_LARGE, "the list has too many lines", e);
        at.line++;
        struct sv line = sv_trim(sv_cut(&rest, '\n'));
        if (line.n == 0 || line.p[0] == '#')
            continue;
        if (!sv_is_utf8(line))
            return fail_at(at, ERR_INVALID, "the line is not UTF-8", e);
        if (kind != KIND_PATTERNS && sv_starts(line, SV("\\#")))
            line = sv_from(line, 1);
        if (!add_line(b, kind, line, list, at, e))
            return false;
    }
    return true;
}

bool screen_builder_words(struct screen_builder *b, const struct screen_list *list, struct err *e) {
    return add_lines(b, KIND_WORDS, list, e);
}

bool screen_builder_patterns(struct screen_builder *b, const struct screen_list *list, struct err *e) {
    return add_lines(b, KIND_PATTERNS, list, e);
}

bool screen_builder_allow(struct screen_builder *b, const struct screen_list *list, struct err *e) {
    struct screen_list allow = *list;
    allow.action = SCREEN_PASS;
    return add_lines(b, KIND_ALLOW, &allow, e);
}

static bool compile_patterns(struct screen_builder *b, struct err *e) {
    struct screen_set *set = b->set;
    const char **expr = calloc(set->n_patterns, sizeof *expr);
    set->pattern_rule = calloc(set->n_patterns, sizeof *set->pattern_rule);
    bool ok = expr && set->pattern_rule;
    if (!ok)
        fail_memory(e);
    for (size_t i = 0; ok && i < set->n_patterns; i++) {
        expr[i] = b->exprs.p + b->pattern[i].at;
        set->pattern_rule[i] = b->pattern[i].rule;
    }
    size_t bad = 0;
    struct err why = ERR_INIT;
    if (ok) {
        set->patterns = patterns_compile(expr, set->n_patterns, &bad, &why);
        ok = set->patterns;
        if (!ok && bad < set->n_patterns) {
            struct place at = {sv_of(b->pattern[bad].file), set->rule[b->pattern[bad].rule].line};
            fail_at(at, why.kind, why.text, e);
        } else if (!ok) {
            err_set(e, why.kind, "the patterns do not compile: %s", why.text);
        }
    }
    free(expr);
    return ok;
}

struct screen_set *screen_compile(struct screen_builder *b, struct err *e) {
    struct screen_set *set = b->set;
    ASSERT(set);
    bool ok = true;
    if (set->n_patterns)
        ok = compile_patterns(b, e);
    set->n_words = words_builder_count(b->words);
    if (ok && set->n_words) {
        set->words = words_build(b->words);
        ok = set->words || fail_memory(e);
    }
    if (ok && words_builder_count(b->allow)) {
        set->allow = words_build(b->allow);
        ok = set->allow || fail_memory(e);
    }
    if (!ok)
        return NULL;
    for (size_t i = 0; i < set->n_patterns; i++)
        free(b->pattern[i].file);
    free(b->pattern);
    b->pattern = NULL;
    b->set = NULL;
    return set;
}
