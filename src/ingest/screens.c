#include "ingest/screens.h"

#include "ingest/file.h"

#include <stdlib.h>

enum { LIST_FILE_BYTES_MAX = 64 << 20, LISTS_MAX = SETTINGS_FILES_MAX + 1 + SCREEN_LIST_RULES_MAX };

struct screens {
    struct screen_set *set;                   /* owned */
    struct screen_list_rule rules[LISTS_MAX]; /* of the set's lists, in its order; their texts in mem */
    size_t n;
    bool scoped, by_account; /* some list is not for all; some list is for certain accounts */
    struct arena mem;
};

static enum screen_list_action action_of(struct sv name) {
    if (sv_eq(name, SV("replace")))
        return SCREEN_LIST_REPLACE;
    return sv_eq(name, SV("flag")) ? SCREEN_LIST_FLAG : SCREEN_LIST_BLOCK;
}

/* The settings may go while the lists are still in use. */
static struct sv keep(struct screens *x, struct sv v) {
    if (!v.n)
        return v;
    struct sv kept = arena_dup(&x->mem, v);
    ASSERT(kept.p);
    return kept;
}

static bool add(struct screens *x, struct screen_builder *b, const struct screen_list_rule *r,
                struct err *e) {
    static const enum screen_action actions[] = {[SCREEN_LIST_BLOCK] = SCREEN_BLOCK,
                                                 [SCREEN_LIST_FLAG] = SCREEN_FLAG,
                                                 [SCREEN_LIST_REPLACE] = SCREEN_REPLACE,
                                                 [SCREEN_LIST_ALLOW] = SCREEN_BLOCK /* has none */};
    struct buf BUF_AUTO text = BUF_INIT(LIST_FILE_BYTES_MAX);
    struct sv path = keep(x, r->file);
    if (!ingest_read_file(path.p, &text, e))
        return false;
    struct screen_list list = {.name = path,
                               .file = path,
                               .text = buf_sv(&text),
                               .action = actions[r->action],
                               .anywhere = r->anywhere};
    x->rules[x->n] = *r;
    x->rules[x->n].file = path;
    x->rules[x->n].accounts = keep(x, r->accounts);
    x->rules[x->n].topics = keep(x, r->topics);
    x->rules[x->n++].text = SV_NONE;
    x->by_account |= r->accounts.n != 0;
    x->scoped |= r->accounts.n != 0 || r->topics.n != 0;
    if (r->action == SCREEN_LIST_ALLOW)
        return screen_builder_allow(b, &list, e);
    return r->patterns ? screen_builder_patterns(b, &list, e) : screen_builder_words(b, &list, e);
}

static bool add_all(struct screens *x, struct screen_builder *b, const struct settings *s, struct err *e) {
    const enum screen_list_action action = action_of(s->screen.action);
    for (uint32_t i = 0; i < s->screen.n_words; i++)
        if (!add(x, b, &(struct screen_list_rule){.action = action, .file = s->screen.words[i]}, e))
            return false;
    if (s->screen.allow.n &&
        !add(x, b, &(struct screen_list_rule){.action = SCREEN_LIST_ALLOW, .file = s->screen.allow}, e))
        return false;
    for (uint32_t i = 0; i < s->screen.n_lists; i++)
        if (!add(x, b, &s->screen.lists[i], e))
            return false;
    return true;
}

bool screens_load(const struct settings *s, struct screens **out, struct err *e) {
    *out = NULL;
    if (s->screen.n_words == 0 && s->screen.n_lists == 0)
        return true;
    struct screens *x = calloc(1, sizeof *x);
    struct screen_builder *b = screen_builder_new();
    ASSERT(x && b);
    arena_init(&x->mem, 1 << 20);
    if (add_all(x, b, s, e))
        x->set = screen_compile(b, e);
    screen_builder_free(b);
    if (x->set)
        *out = x;
    else
        screens_free(x);
    return *out != NULL;
}

void screens_free(struct screens *x) {
    if (!x)
        return;
    screen_set_free(x->set);
    arena_done(&x->mem);
    free(x);
}

bool screens_by_account(const struct screens *x) {
    return x && x->by_account;
}

bool screens_check(const struct screens *x, struct screen_scratch *scratch, struct sv account,
                   struct sv topic, struct sv text, struct screen_verdict *out, struct buf *replaced,
                   struct err *e) {
    *out = (struct screen_verdict){.worst = SCREEN_PASS};
    if (!x)
        return true;
    if (!x->scoped)
        return screen_check(x->set, scratch, text, out, replaced, e);
    bool active[LISTS_MAX];
    for (size_t i = 0; i < x->n; i++)
        active[i] = screen_list_is_for(&x->rules[i], account, topic);
    return screen_check_lists(x->set, scratch, text, active, out, replaced, e);
}
