#include "ingest/rulebook.h"

#include "base/clock.h"
#include "base/map.h"
#include "ingest/texts.h"

#include <stdlib.h>
#include <string.h>

enum { PAGE_RULES_MAX = 2 * RULES_PER_ACCOUNT_MAX };

/* One pattern of one rule. word: what the index knows it by: all of it, or its first word when it has a `*`
 * ("*" when that is the first). */
struct line {
    struct sv word, pattern;
    uint16_t rule;
};

struct index {
    struct line *exact, *wild; /* owned, sorted by word and rule */
    size_t n_exact, n_wild;
};

struct rule_page {
    int64_t account_id;
    int64_t generation;
    const struct rule_set *files; /* as of when it was made */
    const struct rule **rules;    /* owned array, by name */
    size_t n;
    struct rule **own; /* those of the store; owned */
    size_t n_own;
    struct index sides[2];
};

struct rulebook {
    struct db *db;
    struct map pages; /* account id -> struct rule_page, owned */
    const struct rule_set *files;
    int64_t generation, looked_at;
    uint64_t published;
    bool looked;
};

struct rulebook *rulebook_new(struct db *db, struct err *e) {
    struct rulebook *b = calloc(1, sizeof *b);
    if (!b) {
        err_set(e, ERR_OUTSIDE, "out of memory for rules");
        return NULL;
    }
    b->db = db;
    map_init(&b->pages);
    return b;
}

static void page_free(struct rule_page *p) {
    for (size_t i = 0; i < p->n_own; i++)
        rule_free(p->own[i]);
    for (int i = 0; i < 2; i++) {
        free(p->sides[i].exact);
        free(p->sides[i].wild);
    }
    free(p->own);
    free(p->rules);
    free(p);
}

void rulebook_free(struct rulebook *b) {
    if (!b)
        return;
    for (size_t i = 0; i < b->pages.cap; i++)
        if (b->pages.slots[i].value)
            page_free(b->pages.slots[i].value);
    map_done(&b->pages);
    free(b);
}

/* Errors are no news here: what is in the book serves until the database can be read again. */
void rulebook_refresh(struct rulebook *b, const struct texts *texts, int64_t now, uint64_t published) {
    int64_t generation;
    struct err ignored = ERR_INIT;
    b->files = texts_rules(texts);
    if (b->looked && published == b->published && now - b->looked_at < US_PER_S)
        return;
    if (!rules_generation(b->db, &generation, &ignored))
        return;
    b->looked = true;
    b->looked_at = now;
    b->published = published; /* counted before the look, so what it counts was seen */
    b->generation = generation;
}

/* ---- making a page ---- */

static bool take_stored(void *ctx, struct sv name, uint32_t number, struct sv doc) {
    struct rule_page *p = ctx;
    struct err ignored = ERR_INIT;
    json_t *json = json_loadb(doc.p, doc.n, 0, NULL);
    struct rule *r = json ? rule_compile(json, name, number, &ignored) : NULL;
    json_decref(json);
    if (r && p->n_own < RULES_PER_ACCOUNT_MAX)
        p->own[p->n_own++] = r;
    else
        rule_free(r);
    return true;
}

static int by_name(const void *a, const void *b) {
    return strcmp((*(const struct rule *const *)a)->name, (*(const struct rule *const *)b)->name);
}

static bool is_own(const struct rule_page *p, const char *name) {
    for (size_t i = 0; i < p->n_own; i++)
        if (strcmp(p->own[i]->name, name) == 0)
            return true;
    return false;
}

/* What the account has published goes before a file's rule of the same name. */
static void gather(struct rule_page *p, struct sv account) {
    for (size_t i = 0; i < p->n_own; i++)
        p->rules[p->n++] = p->own[i];
    for (size_t i = 0; i < p->files->n; i++) {
        const struct rule *r = p->files->rules[i];
        if ((!r->account[0] || sv_eq(sv_of(r->account), account)) && !is_own(p, r->name))
            p->rules[p->n++] = r;
    }
    if (p->n)
        qsort(p->rules, p->n, sizeof(struct rule *), by_name);
}

static int by_word(const void *a, const void *b) {
    const struct line *x = a, *y = b;
    int order = sv_cmp(x->word, y->word);
    return order ? order : (int)x->rule - (int)y->rule;
}

static void put_line(struct index *in, struct sv pattern, size_t rule) {
    struct sv rest = pattern;
    bool wild = sv_find_char(pattern, '*') != SIZE_MAX;
    struct line l = {.word = wild ? sv_cut(&rest, '.') : pattern, .pattern = pattern, .rule = (uint16_t)rule};
    if (wild)
        in->wild[in->n_wild++] = l;
    else
        in->exact[in->n_exact++] = l;
}

static void make_index(struct rule_page *p, enum rule_side side) {
    struct index *in = &p->sides[side];
    size_t n = 1;
    for (size_t i = 0; i < p->n; i++)
        n += side == RULE_SIDE_ON ? p->rules[i]->n_on : p->rules[i]->n_cancel_on;
    in->exact = calloc(n, sizeof *in->exact);
    in->wild = calloc(n, sizeof *in->wild);
    ASSERT(in->exact && in->wild);
    for (size_t i = 0; i < p->n; i++) {
        const struct rule *r = p->rules[i];
        const struct sv *list = side == RULE_SIDE_ON ? r->on : r->cancel_on;
        for (size_t k = 0; r->enabled && k < (side == RULE_SIDE_ON ? r->n_on : r->n_cancel_on); k++)
            put_line(in, list[k], i);
    }
    qsort(in->exact, in->n_exact, sizeof *in->exact, by_word);
    qsort(in->wild, in->n_wild, sizeof *in->wild, by_word);
}

static struct rule_page *make_page(struct rulebook *b, int64_t account_id, struct sv account, struct err *e) {
    struct rule_page *p = calloc(1, sizeof *p);
    ASSERT(p);
    *p = (struct rule_page){.account_id = account_id, .generation = b->generation, .files = b->files};
    p->own = calloc(RULES_PER_ACCOUNT_MAX, sizeof(struct rule *));
    p->rules = calloc(PAGE_RULES_MAX, sizeof(const struct rule *));
    ASSERT(p->own && p->rules);
    if (!rules_published(b->db, account_id, take_stored, p, e)) {
        page_free(p);
        return NULL;
    }
    gather(p, account);
    make_index(p, RULE_SIDE_ON);
    make_index(p, RULE_SIDE_CANCEL);
    return p;
}

bool rulebook_page(struct rulebook *b, int64_t account_id, struct sv account_name,
                   const struct rule_page **out, struct err *e) {
    struct rule_page *p = map_get(&b->pages, (uint64_t)account_id);
    if (!p || p->generation != b->generation || p->files != b->files) {
        struct rule_page *made = make_page(b, account_id, account_name, e);
        if (!made)
            return false;
        if (p)
            page_free(p);
        map_put(&b->pages, (uint64_t)account_id, made);
        p = made;
    }
    *out = p;
    return true;
}

/* ---- looking ---- */

size_t rule_page_rules(const struct rule_page *p, const struct rule *const **rules) {
    *rules = p->rules;
    return p->n;
}

const struct rule *rule_page_find(const struct rule_page *p, struct sv name) {
    for (size_t i = 0; i < p->n; i++)
        if (sv_eq(sv_of(p->rules[i]->name), name))
            return p->rules[i]->enabled ? p->rules[i] : NULL;
    return NULL;
}

/* The first line of that word. */
static size_t first_of(const struct line *lines, size_t n, struct sv word) {
    size_t low = 0;
    while (n) {
        size_t half = n / 2;
        if (sv_cmp(lines[low + half].word, word) < 0) {
            low += half + 1;
            n -= half + 1;
        } else {
            n = half;
        }
    }
    return low;
}

static size_t take_lines(const struct line *lines, size_t n, struct sv word, struct sv type, uint16_t *out,
                         size_t n_out) {
    for (size_t i = first_of(lines, n, word); i < n && sv_eq(lines[i].word, word); i++)
        if (n_out < PAGE_RULES_MAX && rule_pattern_matches(lines[i].pattern, type))
            out[n_out++] = lines[i].rule;
    return n_out;
}

static int by_place(const void *a, const void *b) {
    return (int)*(const uint16_t *)a - (int)*(const uint16_t *)b;
}

size_t rule_page_match(const struct rule_page *p, enum rule_side side, struct sv type,
                       const struct rule **out) {
    const struct index *in = &p->sides[side];
    uint16_t found[PAGE_RULES_MAX];
    struct sv rest = type, word = sv_cut(&rest, '.');
    size_t n = take_lines(in->exact, in->n_exact, type, type, found, 0);
    n = take_lines(in->wild, in->n_wild, word, type, found, n);
    n = take_lines(in->wild, in->n_wild, SV("*"), type, found, n);
    if (n > 1)
        qsort(found, n, sizeof *found, by_place);
    size_t n_out = 0;
    for (size_t i = 0; i < n; i++)
        if (!i || found[i] != found[i - 1])
            out[n_out++] = p->rules[found[i]];
    return n_out;
}
