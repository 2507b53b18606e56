#include "text/screen/screen.h"

#include "text/screen/leet.h"
#include "text/screen/set.h"

#include <string.h>

/* From start (in the folded text) on, some allowed phrase that begins there or before lasts until end. */
struct allowed {
    size_t start;
    size_t end;
};

struct screen_scratch {
    struct folded folded;
    char *skeleton; /* owned */
    size_t skeleton_cap;
    struct patterns_scratch patterns;
    struct allowed *allowed; /* owned; both columns rise */
    size_t n_allowed;
    size_t allowed_cap;
    uint32_t
        *star_to; /* owned; for each folded byte, the end of the longest hit to star out that begins there */
    size_t star_cap;
};

/* One check, while it runs. */
struct check {
    const struct screen_set *set;
    struct screen_scratch *s;
    struct sv text;
    const bool *active; /* by list; NULL: all are */
    struct screen_verdict *out;
    bool starring; /* star_to is there to be filled */
    bool no_memory;
    uint32_t last_pattern; /* of the hit listed last, when it is one of a pattern */
    size_t last_start;
};

const char *screen_action_name(enum screen_action a) {
    static const char *const names[] = {[SCREEN_PASS] = "pass",
                                        [SCREEN_REPLACE] = "replace",
                                        [SCREEN_FLAG] = "flag",
                                        [SCREEN_BLOCK] = "block"};
    return names[a];
}

struct screen_scratch *screen_scratch_new(void) {
    return calloc(1, sizeof(struct screen_scratch));
}

void screen_scratch_free(struct screen_scratch *s) {
    if (!s)
        return;
    folded_done(&s->folded);
    free(s->skeleton);
    patterns_scratch_done(&s->patterns);
    free(s->allowed);
    free(s->star_to);
    free(s);
}

/* Makes the pointer at array one to at least n items; what was in them may be lost. */
static bool room(void *array, size_t *cap, size_t n, size_t item) {
    if (n <= *cap)
        return true;
    size_t more = *cap ? *cap : 256;
    while (more < n)
        more *= 2;
    void *was, *p = malloc(more * item);
    if (!p)
        return false;
    memcpy(&was, array, sizeof was);
    free(was);
    memcpy(array, &p, sizeof p);
    *cap = more;
    return true;
}

static struct sv folded_of(const struct check *c) {
    return sv_make(c->s->folded.p, c->s->folded.n);
}

/* First pass: is there anything at all? */
static bool on_any_word(void *ctx, uint32_t tag, size_t start, size_t len) {
    (void)tag, (void)start, (void)len;
    *(bool *)ctx = true;
    return false;
}

static bool is_active(const struct check *c, uint32_t rule) {
    return !c->active || c->active[c->set->rule[rule].list];
}

static bool on_allowed(void *ctx, uint32_t tag, size_t start, size_t len) {
    struct check *c = ctx;
    if (!is_active(c, tag))
        return true;
    struct screen_scratch *s = c->s;
    size_t end = start + len;
    if (s->n_allowed && s->allowed[s->n_allowed - 1].end >= end)
        return true;
    if (s->n_allowed && s->allowed[s->n_allowed - 1].start == start) {
        s->allowed[s->n_allowed - 1].end = end;
        return true;
    }
    if (s->n_allowed == s->allowed_cap) {
        size_t cap = s->allowed_cap ? s->allowed_cap * 2 : 64;
        struct allowed *more = realloc(s->allowed, cap * sizeof *more);
        c->no_memory = !more;
        if (!more)
            return false;
        s->allowed = more;
        s->allowed_cap = cap;
    }
    s->allowed[s->n_allowed++] = (struct allowed){start, end};
    return true;
}

static bool is_allowed(const struct screen_scratch *s, size_t start, size_t end) {
    size_t lo = 0, hi = s->n_allowed;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (s->allowed[mid].start <= start)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo > 0 && s->allowed[lo - 1].end >= end;
}

/* Counts a hit that is not allowed; false when no further hit can change the verdict. */
static bool count(struct check *c, uint32_t rule, size_t start, size_t end, bool is_same) {
    const struct screen_rule *r = &c->set->rule[rule];
    const struct screen_set_list *list = &c->set->list[r->list];
    struct screen_verdict *out = c->out;
    struct sv place = folded_origin(&c->s->folded, c->text, start, end - start);
    if (list->action > out->worst)
        out->worst = list->action;
    if (list->action == SCREEN_REPLACE) {
        out->replaced = true;
        if (c->starring && c->s->star_to[start] < end)
            c->s->star_to[start] = (uint32_t)end;
    }
    if (is_same) {
        out->hits[out->n - 1].len = place.n;
    } else if (out->n < SCREEN_HITS_MAX) {
        out->hits[out->n++] = (struct screen_hit){.list = sv_of(list->name),
                                                  .rule = r->line,
                                                  .action = list->action,
                                                  .start = (size_t)(place.p - c->text.p),
                                                  .len = place.n};
    } else {
        out->more = true;
    }
    return c->starring || !out->more || out->worst < SCREEN_BLOCK;
}

static bool on_word(void *ctx, uint32_t tag, size_t start, size_t len) {
    struct check *c = ctx;
    return !is_active(c, tag) || is_allowed(c->s, start, start + len) ||
           count(c, tag, start, start + len, false);
}

/* Hyperscan tells every end of a match: those from one start are one hit, as long as the longest. */
static bool on_pattern(void *ctx, uint32_t index, size_t start, size_t end) {
    struct check *c = ctx;
    if (!is_active(c, c->set->pattern_rule[index]) || is_allowed(c->s, start, end))
        return true;
    bool is_same = !c->out->more && c->last_pattern == index && c->last_start == start;
    c->last_pattern = index;
    c->last_start = start;
    return count(c, c->set->pattern_rule[index], start, end, is_same);
}

static void scan_words(struct check *c, const struct words *w, words_hit_fn *hit, void *ctx) {
    if (w)
        words_scan(w, c->set->fold, folded_of(c), c->s->skeleton, hit, ctx);
}

/* The folded text and, when words or phrases will be looked for, its skeleton. */
static bool fold_for(struct check *c, bool map) {
    struct screen_scratch *s = c->s;
    if (!fold_text(c->set->fold, c->text, map, &s->folded))
        return false;
    if (!c->set->words && !c->set->allow)
        return true;
    size_t n = s->folded.n;
    if (!room(&s->skeleton, &s->skeleton_cap, n + FOLD_PAD, 1))
        return false;
    leet_skeleton(s->folded.p, n, s->skeleton);
    memset(s->skeleton + n, 0, FOLD_PAD);
    return true;
}

static bool any_hit(struct check *c, bool *any, struct err *e) {
    *any = false;
    scan_words(c, c->set->words, on_any_word, any);
    if (*any || !c->set->patterns)
        return true;
    return patterns_any(c->set->patterns, &c->s->patterns, folded_of(c), any, e);
}

/* The text with a star for each code point of it that a hit to be replaced covers. */
static bool star_out(const struct check *c, struct buf *replaced, struct err *e) {
    const struct folded *f = &c->s->folded;
    size_t done = 0; /* bytes of the text */
    ASSERT(replaced);
    for (size_t i = 0; i < f->n; i++) {
        if (c->s->star_to[i] == 0)
            continue;
        struct sv hit = folded_origin(f, c->text, i, c->s->star_to[i] - i);
        size_t start = (size_t)(hit.p - c->text.p), end = start + hit.n;
        if (start > done) {
            buf_add(replaced, sv_sub(c->text, done, start - done));
            done = start;
        }
        for (; done < end; done++)
            if ((c->text.p[done] & 0xC0) != 0x80)
                buf_addc(replaced, '*');
    }
    buf_add(replaced, sv_from(c->text, done));
    return !replaced->overflow ||
           err_set(e, ERR_TOO_LARGE, "the text with its words starred out is longer than %zu bytes",
                   replaced->max);
}

/* Second pass, for the few texts that have a hit: where, and does it count? */
static bool gather(struct check *c, struct err *e) {
    if (!c->s->folded.identity && !fold_for(c, true))
        return err_set(e, ERR_INTERNAL, "out of memory for screening");
    if (c->starring) {
        if (!room(&c->s->star_to, &c->s->star_cap, c->s->folded.n, sizeof *c->s->star_to))
            return err_set(e, ERR_INTERNAL, "out of memory for screening");
        memset(c->s->star_to, 0, c->s->folded.n * sizeof *c->s->star_to);
    }
    c->s->n_allowed = 0;
    scan_words(c, c->set->allow, on_allowed, c);
    scan_words(c, c->set->words, on_word, c);
    if (c->no_memory)
        return err_set(e, ERR_INTERNAL, "out of memory for screening");
    c->last_pattern = UINT32_MAX;
    return !c->set->patterns ||
           patterns_scan(c->set->patterns, &c->s->patterns, folded_of(c), on_pattern, c, e);
}

bool screen_check(const struct screen_set *set, struct screen_scratch *s, struct sv text,
                  struct screen_verdict *out, struct buf *replaced, struct err *e) {
    return screen_check_lists(set, s, text, NULL, out, replaced, e);
}

bool screen_check_lists(const struct screen_set *set, struct screen_scratch *s, struct sv text,
                        const bool *active, struct screen_verdict *out, struct buf *replaced, struct err *e) {
    out->worst = SCREEN_PASS;
    out->replaced = out->more = false;
    out->n = 0;
    if (replaced)
        buf_reset(replaced);
    if (!set->fold || text.n == 0)
        return true;
    if (text.n > SCREEN_TEXT_MAX)
        return err_set(e, ERR_TOO_LARGE, "a text of %zu bytes is too long to screen (at most %u)", text.n,
                       SCREEN_TEXT_MAX);
    struct check c = {.set = set,
                      .s = s,
                      .text = text,
                      .active = active,
                      .out = out,
                      .starring = replaced && set->replaces};
    if (!fold_for(&c, false))
        return err_set(e, ERR_INTERNAL, "out of memory for screening");
    bool any;
    if (!any_hit(&c, &any, e))
        return false;
    if (!any)
        return true;
    return gather(&c, e) && (!c.starring || !out->replaced || star_out(&c, replaced, e));
}
