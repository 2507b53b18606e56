/* The items of `sources:`: who may sign business events. */
#include "app/config_load.h"

#include "app/config_near.h"
#include "base/codec.h"

#include <string.h>

static void read_key(struct config_loading *l, const struct config_node *n, uint32_t index,
                     struct event_source *source) {
    const struct config_row *row = config_row_find(config_source_rows, n->key);
    char key[CONFIG_KEY_MAX];
    int words = n->key.n < CONFIG_NEAR_MAX ? (int)n->key.n : CONFIG_NEAR_MAX;
    snprintf(key, sizeof key, "sources[%u].%.*s", index, words, n->key.p);
    bool bare = row && row->kind == CONFIG_SECRET && n->kind == CONFIG_NODE_SCALAR &&
                !config_node_is_null(n) && !(sv_starts(n->text, SV("${")) && sv_ends(n->text, SV("}")));
    if (bare)
        config_problem_add(l->problems, l->path, n->line,
                           "`%s` is a secret and does not belong into this file: write ${VARIABLE}", key);
    else if (row)
        (void)config_read_row(l, row, key, n, source);
    if (row)
        return;
    struct config_near near = config_near_of(n->key);
    for (const struct config_row *r = config_source_rows; r->key; r++)
        config_near_try(&near, sv_of(r->key));
    config_problem_add(l->problems, l->path, n->line,
                       near.best.n
                           ? "unknown key `%s`; did you mean `%.*s`?"
                           : "unknown key `%s`; `hongyan config explain sources` lists the known ones%.*s",
                       key, SV_FMT(near.best));
}

static bool secrets_are_good(struct sv secrets) {
    bool any = false;
    while (secrets.n) {
        struct buf BUF_AUTO key = BUF_INIT(256);
        struct sv one = sv_word(&secrets);
        if (!sv_starts(one, SV("whsec_")) || !base64_parse(sv_from(one, 6), &key) || key.n < 16)
            return false;
        any = true;
    }
    return any;
}

static void read_source(struct config_loading *l, const struct config_node *n, uint32_t index) {
    struct settings *s = l->settings;
    struct event_source *source = &s->sources[index];
    config_put_defaults(l, config_source_rows, source);
    for (const struct config_node *k = n->first; k; k = k->next)
        read_key(l, k, index, source);
    for (const struct config_row *r = config_source_rows; r->key; r++)
        if (!r->fallback && !config_node_get(n, sv_of(r->key)))
            config_problem_add(l->problems, l->path, n->line, "`sources[%u].%s` is missing", index, r->key);
    const struct config_node *secret = config_node_get(n, SV("secret"));
    if (secret && source->secret.n && !secrets_are_good(source->secret))
        config_problem_add(l->problems, l->path, secret->line,
                           "`sources[%u].secret` must be whsec_ and at least 16 bytes in base64, by "
                           "${VARIABLE}; make one with: echo whsec_$(openssl rand -base64 32)",
                           index);
    for (uint32_t i = 0; i < index; i++)
        if (source->name[0] && strcmp(s->sources[i].name, source->name) == 0)
            config_problem_add(l->problems, l->path, n->line,
                               "`sources[%u].name` is the name of an earlier source, too", index);
}

void config_read_sources(struct config_loading *l, const struct config_node *list) {
    struct settings *s = l->settings;
    size_t n = 0;
    if (list->kind != CONFIG_NODE_LIST || !list->first) {
        config_problem_add(l->problems, l->path, list->line,
                           "`sources` must be a list, each item beginning with `-`; leave it out for none");
        return;
    }
    for (const struct config_node *i = list->first; i; i = i->next)
        n++;
    s->sources = n > EVENT_SOURCES_MAX ? NULL : arena_zalloc(&s->arena, n * sizeof *s->sources);
    if (!s->sources) {
        config_problem_add(l->problems, l->path, list->line, "more than %d sources", EVENT_SOURCES_MAX);
        return;
    }
    for (const struct config_node *i = list->first; i; i = i->next) {
        uint32_t index = s->n_sources++;
        if (i->kind == CONFIG_NODE_MAP)
            read_source(l, i, index);
        else
            config_problem_add(l->problems, l->path, i->line,
                               "`sources[%u]` must be `key: value` lines: name, account, secret", index);
    }
}
