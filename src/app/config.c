#include "app/config_load.h"

#include "app/config_near.h"
#include "app/config_value.h"
#include "provider/adapter.h"

#include <string.h>

enum { SCRATCH_BYTES_MAX = 16 << 20, SETTINGS_BYTES_MAX = 16 << 20, QUOTE_MAX = 60 };

/* ---- one value ---- */

static bool has_control(struct sv v, bool lines) {
    for (size_t i = 0; i < v.n; i++)
        if (((unsigned char)v.p[i] < ' ' && !(lines && (v.p[i] == '\n' || v.p[i] == '\t'))) || v.p[i] == 0x7F)
            return true;
    return false;
}

bool config_scalar(struct config_loading *l, const char *key, const struct config_node *n, struct buf *out) {
    return config_scalar_text(l, key, n, false, out);
}

bool config_scalar_text(struct config_loading *l, const char *key, const struct config_node *n, bool lines,
                        struct buf *out) {
    struct err e = ERR_INIT;
    if (n->kind != CONFIG_NODE_SCALAR) {
        config_problem_add(l->problems, l->path, n->line, "`%s` must be a single value, not %s", key,
                           n->kind == CONFIG_NODE_MAP ? "`key: value` lines below it" : "a list");
        return false;
    }
    if (!config_env_expand(&l->env, n->text, out, &e)) {
        config_problem_add(l->problems, l->path, n->line, "`%s`: %s", key, e.text);
        return false;
    }
    if (has_control(buf_sv(out), lines) || !sv_is_utf8(buf_sv(out))) {
        config_problem_add(l->problems, l->path, n->line,
                           "`%s` has control characters or is not UTF-8, perhaps by its variable", key);
        return false;
    }
    return true;
}

static bool read_one(struct config_loading *l, const struct config_row *row, const char *key,
                     const struct config_node *n, void *base) {
    struct buf BUF_AUTO value = BUF_INIT(CONFIG_VALUE_BYTES_MAX);
    struct err e = ERR_INIT;
    if (config_row_is_list(row) && n->kind != CONFIG_NODE_SCALAR) {
        config_problem_add(
            l->problems, l->path, n->line,
            "`%s` must be a list of single values; what has `: ` in it stands in quotes: [\"a: b\"]", key);
        return false;
    }
    if (!config_scalar(l, key, n, &value))
        return false;
    if (config_value_put(row, buf_sv(&value), base, &l->settings->arena, &e))
        return true;
    if (sv_find_char(n->text, '@') != SIZE_MAX) { /* an address with a password in it, perhaps */
        config_problem_add(l->problems, l->path, n->line, "`%s` %s", key, e.text);
        return false;
    }
    bool cut = n->text.n > QUOTE_MAX;
    config_problem_add(l->problems, l->path, n->line, "`%s` %s, not `%.*s%s`%s", key, e.text,
                       (int)(cut ? QUOTE_MAX : n->text.n), n->text.p, cut ? "..." : "",
                       sv_eq(n->text, buf_sv(&value)) ? "" : " as the environment has it");
    return false;
}

bool config_read_row(struct config_loading *l, const struct config_row *row, const char *key,
                     const struct config_node *n, void *base) {
    if (config_node_is_null(n))
        return false; /* says nothing: the default holds */
    if (config_row_is_list(row) && row->fallback && row->fallback[0])
        config_value_clear(row, base); /* instead of the default, not beside it */
    if (!config_row_is_list(row) || n->kind != CONFIG_NODE_LIST)
        return read_one(l, row, key, n, base);
    bool ok = true;
    for (const struct config_node *item = n->first; item; item = item->next)
        ok = read_one(l, row, key, item, base) && ok;
    return ok;
}

void config_put_defaults(struct config_loading *l, const struct config_row *rows, void *base) {
    for (; rows->key; rows++) {
        struct err e = ERR_INIT;
        bool ok =
            !rows->fallback || config_value_put(rows, sv_of(rows->fallback), base, &l->settings->arena, &e);
        ASSERT(ok || e.kind == ERR_TOO_LARGE); /* memory is short */
        if (!ok)
            config_problem_add(l->problems, l->path, 0, "`%s` %s", rows->key, e.text);
    }
}

void config_check_order(struct config_loading *l, const struct config_row *rows, const void *base,
                        const char *prefix, const unsigned *lines) {
    for (const struct config_row *r = rows; r->key; r++) {
        if (!r->at_least)
            continue;
        const struct config_row *floor = config_row_find(rows, sv_of(r->at_least));
        ASSERT(floor);
        uint32_t high = config_value_u32(r, base), low = config_value_u32(floor, base);
        unsigned line = lines[r - rows] ? lines[r - rows] : lines[floor - rows];
        if (high < low)
            config_problem_add(l->problems, l->path, line, "`%s%s` (%u%s) must not be below `%s%s` (%u%s)",
                               prefix, r->key, high, lines[r - rows] ? "" : " by default", prefix, floor->key,
                               low, lines[floor - rows] ? "" : " by default");
    }
}

/* ---- the top level and its sections ---- */

static struct config_key key_in(struct sv section, struct sv key) {
    struct config_key k;
    snprintf(k.text, sizeof k.text, "%.*s%s%.*s", SV_FMT(section), section.n ? "." : "", SV_FMT(key));
    return k;
}

/* Offers the words that may stand in a section ("" is the top level). */
static void try_keys_of(struct config_near *near, struct sv section) {
    for (const struct config_row *r = config_rows; r->key; r++) {
        struct sv key = sv_of(r->key);
        if (section.n) {
            if (sv_starts(key, section) && key.n > section.n && key.p[section.n] == '.')
                config_near_try(near, sv_from(key, section.n + 1));
        } else if (sv_find_char(key, '.') == SIZE_MAX) {
            config_near_try(near, key);
        }
    }
    for (const struct config_section *s = config_sections; !section.n && s->key; s++)
        config_near_try(near, sv_of(s->key));
}

/* A key of that name in another place. */
static const char *same_elsewhere(struct sv key) {
    for (const struct config_row *r = config_rows; r->key; r++) {
        struct sv row = sv_of(r->key);
        size_t dot = sv_find_char(row, '.');
        if (sv_eq(row, key) || (dot != SIZE_MAX && sv_eq(sv_from(row, dot + 1), key)))
            return r->key;
    }
    return NULL;
}

static void unknown_key(struct config_loading *l, struct sv section, const struct config_node *n) {
    struct config_near near = config_near_of(n->key);
    struct config_key key = key_in(section, n->key);
    const char *other = same_elsewhere(n->key);
    try_keys_of(&near, section);
    struct config_key meant = key_in(section, near.best);
    if (near.best.n)
        config_problem_add(l->problems, l->path, n->line, "unknown key `%s`; did you mean `%s`?", key.text,
                           meant.text);
    else if (other)
        config_problem_add(l->problems, l->path, n->line, "unknown key `%s`; did you mean `%s`%s?", key.text,
                           other, sv_find_char(n->key, '.') == SIZE_MAX ? "" : ", one part a line, nested");
    else
        config_problem_add(l->problems, l->path, n->line,
                           "unknown key `%s`; `hongyan config explain` lists the known ones", key.text);
}

/* Of the settings above the lists: secrets stand elsewhere. */
static bool is_bare_secret(struct config_loading *l, const struct config_row *row, const char *key,
                           const struct config_node *n) {
    bool bare = row->kind == CONFIG_SECRET && n->kind == CONFIG_NODE_SCALAR && n->text.n &&
                !config_node_is_null(n) && !(sv_starts(n->text, SV("${")) && sv_ends(n->text, SV("}")));
    if (bare)
        config_problem_add(l->problems, l->path, n->line,
                           "`%s` is a secret and does not belong into this file: write ${VARIABLE}", key);
    return bare;
}

static void read_map(struct config_loading *l, const struct config_node *map, struct sv section,
                     unsigned *lines) {
    for (const struct config_node *n = map->first; n; n = n->next) {
        struct config_key key = key_in(section, n->key);
        bool dotted = sv_find_char(n->key, '.') != SIZE_MAX;
        const struct config_row *row = dotted ? NULL : config_row_find(config_rows, sv_of(key.text));
        if (row) {
            if (!is_bare_secret(l, row, key.text, n) && config_read_row(l, row, key.text, n, l->settings))
                lines[row - config_rows] = n->line;
        } else if (!section.n && sv_eq(n->key, SV("lanes"))) {
            config_read_lanes(l, n);
        } else if (!section.n && sv_eq(n->key, SV("sources"))) {
            if (!config_node_is_null(n))
                config_read_sources(l, n);
        } else if (!section.n && sv_eq(n->key, SV("doors"))) {
            if (!config_node_is_null(n))
                config_read_doors(l, n);
        } else if (!section.n && sv_eq(n->key, SV("routes"))) {
            continue; /* read last: they name lanes */
        } else if (!section.n && !dotted && config_is_section(config_rows, n->key)) {
            if (n->kind == CONFIG_NODE_MAP)
                read_map(l, n, n->key, lines);
            else if (!config_node_is_null(n))
                config_problem_add(l->problems, l->path, n->line,
                                   "`%s` is a section: its keys go below it, indented", key.text);
        } else {
            unknown_key(l, section, n);
        }
    }
}

static void derive(struct config_loading *l) {
    struct settings *s = l->settings;
    s->by_account |= s->fraud.account_countries.n > 0 || s->limits.spend.n > 0;
    if (s->database.n)
        return;
    struct buf BUF_AUTO url = BUF_INIT(CONFIG_VALUE_BYTES_MAX);
    buf_addf(&url, "sqlite:%.*s%shongyan.db", SV_FMT(s->data_dir), sv_ends(s->data_dir, SV("/")) ? "" : "/");
    s->database = arena_dup(&s->arena, buf_sv(&url));
    if (!s->database.n)
        config_problem_add(l->problems, l->path, 0, "too much text");
}

/* By line within a file; files stay in the order in which they were read. */
static void sort(struct config_problems *p) {
    for (size_t i = 1; i < p->n; i++)
        for (size_t j = i;
             j > 0 && strcmp(p->at[j].file, p->at[j - 1].file) == 0 && p->at[j].line < p->at[j - 1].line;
             j--) {
            struct config_problem later = p->at[j - 1];
            p->at[j - 1] = p->at[j];
            p->at[j] = later;
        }
}

static void load(struct config_loading *l) {
    struct buf BUF_AUTO text = BUF_INIT(CONFIG_FILE_BYTES_MAX);
    struct err e = ERR_INIT;
    if (!l->src->read(l->src->ctx, l->path, &text, &e)) {
        config_problem_add(l->problems, l->path, 0, "%s", e.text);
        l->problems->no_input = true;
        return;
    }
    config_env_init(&l->env, l->src, l->path, &l->scratch, l->problems);
    struct config_node *top = config_tree_parse(buf_sv(&text), l->path, &l->scratch, l->problems);
    if (!top)
        return;
    unsigned lines[CONFIG_ROWS_MAX] = {0};
    config_put_defaults(l, config_rows, l->settings);
    read_map(l, top, SV_NONE, lines);
    if (!config_node_get(top, SV("lanes")))
        config_problem_add(l->problems, l->path, 1,
                           "no `lanes:`, so nothing could be sent; list at least one provider account there");
    const struct config_node *routes = config_node_get(top, SV("routes"));
    if (routes && !config_node_is_null(routes))
        config_read_routes(l, routes);
    config_read_times(l, top);
    config_check_order(l, config_rows, l->settings, "", lines);
    derive(l);
}

struct settings *config_load(struct sv path, const struct config_source *src,
                             struct config_problems *problems) {
    struct config_loading l = {
        .path = path, .src = src, .problems = problems, .settings = calloc(1, sizeof *l.settings)};
    size_t before = problems->n + problems->left_out;
    if (!l.settings) {
        config_problem_add(problems, path, 0, "out of memory");
        return NULL;
    }
    arena_init(&l.scratch, SCRATCH_BYTES_MAX);
    arena_init(&l.settings->arena, SETTINGS_BYTES_MAX);
    load(&l);
    arena_done(&l.scratch);
    sort(problems);
    if (problems->n + problems->left_out == before)
        return l.settings;
    config_free(l.settings);
    return NULL;
}

struct settings *config_defaults(void) {
    struct config_problems problems = {0};
    struct config_loading l = {.problems = &problems, .settings = calloc(1, sizeof *l.settings)};
    ASSERT(l.settings);
    arena_init(&l.settings->arena, SETTINGS_BYTES_MAX);
    config_put_defaults(&l, config_rows, l.settings);
    ASSERT(problems.n == 0);
    return l.settings;
}

void config_free(struct settings *s) {
    if (!s)
        return;
    for (uint32_t i = 0; i < s->n_lanes; i++) {
        struct lane_config *lane = &s->lanes[i];
        if (lane->adapter)
            lane_release(lane);
        for (size_t f = 0; lane->adapter && f < lane->adapter->n_fields; f++)
            if (lane->adapter->fields[f].secret && lane->fields[f].n) /* in our own arena: not really const */
                explicit_bzero((char *)(uintptr_t)lane->fields[f].p, lane->fields[f].n);
    }
    for (uint32_t i = 0; i < s->n_sources; i++)
        if (s->sources[i].secret.n)
            explicit_bzero((char *)(uintptr_t)s->sources[i].secret.p, s->sources[i].secret.n);
    if (s->redis.password.n)
        explicit_bzero((char *)(uintptr_t)s->redis.password.p, s->redis.password.n);
    for (uint32_t i = 0; i < s->n_doors; i++)
        if (s->doors[i].password.n)
            explicit_bzero((char *)(uintptr_t)s->doors[i].password.p, s->doors[i].password.n);
    arena_done(&s->arena);
    free(s);
}

bool config_variable(struct sv path, const struct config_source *src, struct sv name, struct buf *out) {
    struct arena ARENA_AUTO scratch;
    struct config_problems ignored = {0}; /* config_load reports them */
    struct config_env env;
    arena_init(&scratch, SCRATCH_BYTES_MAX);
    config_env_init(&env, src, path, &scratch, &ignored);
    struct sv v = config_env_get(&env, name);
    return v.p && buf_add(out, v);
}
