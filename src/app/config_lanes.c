#include "app/config_load.h"

#include "app/config_near.h"
#include "app/config_value.h"

#include <string.h>

enum { PROBE_BYTES_MAX = 64 * 1024 };

struct lane_reading {
    struct config_loading *l;
    const struct config_node *node;
    struct lane_config *lane;
    char prefix[32];                 /* "lanes[3]." */
    unsigned lines[CONFIG_ROWS_MAX]; /* of the common rows */
    bool tried[LANE_FIELDS_MAX];     /* the field stands in the file, right or wrong */
    bool faulty;                     /* one of the provider's own fields is, or who that is */
};

static const char suffix[] = "_file";

static void tell(struct lane_reading *r, unsigned line, const char *key, const char *text) {
    config_problem_add(r->l->problems, r->l->path, line, "`%s%s`%s%s", r->prefix, key,
                       text[0] == ' ' ? "" : ": ", text);
}

static void problem(struct lane_reading *r, unsigned line, const char *key, const char *text) {
    tell(r, line, key, text);
    r->faulty = true;
}

/* Checks and keeps a field's value. Never quotes it: it may be a secret in the wrong place. */
static void put_field(struct lane_reading *r, size_t index, struct sv value, unsigned line) {
    const struct adapter_field *f = &r->lane->adapter->fields[index];
    struct err e = ERR_INIT;
    if (value.n == 0)
        return; /* as if it were not there */
    if (f->check && !f->check(value, &e)) {
        bool tells = sv_find(sv_of(e.text), value) != SIZE_MAX;
        problem(r, line, f->name, tells ? " is not what it should be" : e.text);
        return;
    }
    r->lane->fields[index] = arena_dup(&r->l->settings->arena, value);
    if (!r->lane->fields[index].n)
        problem(r, line, f->name, " is too much text");
}

/* A field and its _file, or the field twice. */
static bool is_second(struct lane_reading *r, size_t index, unsigned line) {
    if (r->tried[index])
        problem(r, line, r->lane->adapter->fields[index].name, " and its file are both given: keep one");
    return r->tried[index];
}

static void read_field(struct lane_reading *r, size_t index, const struct config_node *n) {
    const struct adapter_field *f = &r->lane->adapter->fields[index];
    struct buf BUF_AUTO value = BUF_INIT(CONFIG_VALUE_BYTES_MAX);
    char key[CONFIG_KEY_MAX];
    snprintf(key, sizeof key, "%s%s", r->prefix, f->name);
    if (config_node_is_null(n) || (f->secret && is_second(r, index, n->line)))
        return;
    r->tried[index] = true;
    if (f->secret && n->kind == CONFIG_NODE_SCALAR && n->text.n && !config_env_is_reference(n->text)) {
        char text[ERR_TEXT_MAX];
        snprintf(text, sizeof text,
                 " is a secret and does not belong into this file: write ${VARIABLE} alone, or name a file "
                 "that holds it with `%s%s:`",
                 f->name, suffix);
        problem(r, n->line, f->name, text);
    } else if (config_scalar_text(r->l, key, n, f->text == ADAPTER_LINES, &value)) {
        put_field(r, index, buf_sv(&value), n->line);
    } else {
        r->faulty = true;
    }
    if (value.p)
        explicit_bzero(value.p, value.n);
}

/* NAME_file: the secret is what the file holds, less one newline at its end. */
static void read_field_file(struct lane_reading *r, size_t index, const struct config_node *n) {
    struct buf BUF_AUTO path = BUF_INIT(CONFIG_VALUE_BYTES_MAX),
                        BUF_AUTO text = BUF_INIT(CONFIG_SECRET_BYTES_MAX);
    char name[CONFIG_KEY_MAX], key[2 * CONFIG_KEY_MAX];
    struct err e = ERR_INIT;
    snprintf(name, sizeof name, "%s%s", r->lane->adapter->fields[index].name, suffix);
    snprintf(key, sizeof key, "%s%s", r->prefix, name);
    if (config_node_is_null(n) || is_second(r, index, n->line))
        return;
    r->tried[index] = true;
    if (!config_scalar(r->l, key, n, &path)) {
        r->faulty = true;
        return;
    }
    if (!r->l->src->read(r->l->src->ctx, buf_sv(&path), &text, &e)) {
        problem(r, n->line, name, e.text);
        return;
    }
    struct sv secret = buf_sv(&text);
    secret.n -= sv_ends(secret, SV("\r\n")) ? 2 : sv_ends(secret, SV("\n")) ? 1 : 0;
    bool lines = r->lane->adapter->fields[index].text == ADAPTER_LINES;
    if (secret.n == 0)
        problem(r, n->line, name, " names a file that is empty");
    else if (lines && sv_find_char(secret, '\0') != SIZE_MAX)
        problem(r, n->line, name, " names a file that is no text");
    else if (sv_find_char(secret, '\0') != SIZE_MAX || (!lines && sv_find_char(secret, '\n') != SIZE_MAX))
        problem(r, n->line, name, " names a file of more than one line of text");
    else
        put_field(r, index, secret, n->line);
    if (text.p)
        explicit_bzero(text.p, text.n);
}

/* Index of the secret field that `key` names the file of, or -1. */
static int secret_of_file_key(const struct adapter *a, struct sv key) {
    if (!sv_ends(key, sv_of(suffix)))
        return -1;
    int i = adapter_field_index(a, sv_sub(key, 0, key.n - (sizeof suffix - 1)));
    return i >= 0 && a->fields[i].secret ? i : -1;
}

static void unknown_key(struct lane_reading *r, unsigned line, struct sv key) {
    const struct adapter *a = r->lane->adapter;
    struct config_near near = config_near_of(key);
    char file_keys[LANE_FIELDS_MAX][CONFIG_NEAR_MAX];
    for (const struct config_row *row = config_lane_rows; row->key; row++) {
        struct sv name = sv_of(row->key), rest = name;
        config_near_try(&near, name);
        config_near_try(&near, sv_cut(&rest, '.')); /* a section */
    }
    for (size_t i = 0; a && i < a->n_fields; i++) {
        config_near_try(&near, sv_of(a->fields[i].name));
        snprintf(file_keys[i], sizeof file_keys[i], "%s%s", a->fields[i].name, suffix);
        if (a->fields[i].secret)
            config_near_try(&near, sv_of(file_keys[i]));
    }
    int words = key.n < CONFIG_NEAR_MAX ? (int)key.n : CONFIG_NEAR_MAX;
    if (near.best.n)
        config_problem_add(r->l->problems, r->l->path, line, "unknown key `%s%.*s`; did you mean `%s%.*s`%s?",
                           r->prefix, words, key.p, r->prefix, SV_FMT(near.best),
                           sv_eq(near.best, key) ? ", one part a line, nested" : "");
    else
        config_problem_add(r->l->problems, r->l->path, line,
                           "unknown key `%s%.*s`; `hongyan config explain lanes` lists the known ones",
                           r->prefix, words, key.p);
}

static void read_row(struct lane_reading *r, const struct config_row *row, const struct config_node *n) {
    char key[CONFIG_KEY_MAX];
    snprintf(key, sizeof key, "%s%s", r->prefix, row->key);
    if (row->kind == CONFIG_PROVIDER)
        return; /* read first of all */
    if (config_read_row(r->l, row, key, n, r->lane))
        r->lines[row - config_lane_rows] = n->line;
}

/* `quota:` and the like: the keys below it are rows by their dotted names. */
static void read_section(struct lane_reading *r, const struct config_node *section) {
    char name[CONFIG_NEAR_MAX], key[2 * CONFIG_NEAR_MAX];
    snprintf(name, sizeof name, "%.*s", SV_FMT(section->key));
    if (section->kind != CONFIG_NODE_MAP) {
        if (!config_node_is_null(section))
            tell(r, section->line, name, " is a section: its keys go below it, indented");
        return;
    }
    for (const struct config_node *n = section->first; n; n = n->next) {
        snprintf(key, sizeof key, "%s.%.*s", name,
                 n->key.n < CONFIG_NEAR_MAX ? (int)n->key.n : CONFIG_NEAR_MAX, n->key.p);
        const struct config_row *row = config_row_find(config_lane_rows, sv_of(key));
        if (row)
            read_row(r, row, n);
        else
            unknown_key(r, n->line, sv_of(key));
    }
}

static void read_key(struct lane_reading *r, const struct config_node *n) {
    bool dotted = sv_find_char(n->key, '.') != SIZE_MAX;
    const struct config_row *row = dotted ? NULL : config_row_find(config_lane_rows, n->key);
    const struct adapter *a = r->lane->adapter;
    if (row || (!dotted && config_is_section(config_lane_rows, n->key))) {
        if (row)
            read_row(r, row, n);
        else
            read_section(r, n);
        return;
    }
    if (!a)
        return; /* which fields there are cannot be told; the provider's own error comes first */
    int own = adapter_field_index(a, n->key), file = secret_of_file_key(a, n->key);
    if (own >= 0)
        read_field(r, (size_t)own, n);
    else if (file >= 0)
        read_field_file(r, (size_t)file, n);
    else
        unknown_key(r, n->line, n->key);
}

static void read_provider(struct lane_reading *r) {
    const struct config_row *row = config_row_find(config_lane_rows, SV("provider"));
    const struct config_node *n = config_node_get(r->node, SV("provider"));
    char key[CONFIG_KEY_MAX];
    snprintf(key, sizeof key, "%sprovider", r->prefix);
    if (!n || config_node_is_null(n))
        problem(r, r->node->line, "provider",
                " is missing: whose API it is; `hongyan config explain lanes.provider` lists them");
    else if (!config_read_row(r->l, row, key, n, r->lane))
        r->faulty = true;
    ASSERT(!r->lane->adapter || r->lane->adapter->n_fields <= LANE_FIELDS_MAX);
}

static void missing(struct lane_reading *r, const struct adapter_field *f, const char *what) {
    char text[ERR_TEXT_MAX];
    snprintf(text, sizeof text, " %s: %s%s", what, f->label, f->secret ? ", as ${VARIABLE}" : "");
    problem(r, r->node->line, f->name, text);
}

static void take_required(struct lane_reading *r) {
    const struct adapter *a = r->lane->adapter;
    for (size_t i = 0; a && i < a->n_fields; i++) {
        const struct adapter_field *f = &a->fields[i];
        if (r->lane->fields[i].n)
            continue;
        if (f->fallback)
            r->lane->fields[i] = arena_dup(&r->l->settings->arena, sv_of(f->fallback));
        else if (!f->required)
            r->lane->fields[i] = SV("");
        else if (!r->tried[i] || !r->faulty)
            missing(r, f, r->tried[i] ? "is empty" : "is missing");
    }
}

static void check_name(struct lane_reading *r) {
    const struct config_node *n = config_node_get(r->node, SV("name"));
    const struct settings *s = r->l->settings;
    if (!n || config_node_is_null(n))
        tell(r, r->node->line, "name",
             " is missing: what this lane is called, in callback addresses, logs and routes");
    for (uint32_t i = 0; n && r->lane->name[0] && &s->lanes[i] != r->lane; i++)
        if (strcmp(s->lanes[i].name, r->lane->name) == 0) {
            tell(r, n->line, "name", " is the name of an earlier lane, too");
            return;
        }
}

/* Where a setting stands, itself or as the file that holds it; where the lane begins if nowhere. */
static unsigned line_of(const struct lane_reading *r, const char *key) {
    char file_key[CONFIG_KEY_MAX];
    snprintf(file_key, sizeof file_key, "%s%s", key, suffix);
    const struct config_node *n = config_node_get(r->node, sv_of(key));
    if (!n)
        n = config_node_get(r->node, sv_of(file_key));
    return n ? n->line : r->node->line;
}

/* The same, of a line of the setting's text, where the file shows it line by line. */
static unsigned place_of(const struct lane_reading *r, const char *key, unsigned line) {
    const struct config_node *n = config_node_get(r->node, sv_of(key));
    return n && n->text_line && line ? n->text_line + line - 1 : line_of(r, key);
}

/* What no single field shows (two that go together): the adapter tells; and a harmless request, built as
 * data, shows that all of it has room. */
static void check_whole(struct lane_reading *r) {
    const struct adapter *a = r->lane->adapter;
    struct arena ARENA_AUTO mem;
    struct http_request rq;
    struct err e = ERR_INIT;
    arena_init(&mem, PROBE_BYTES_MAX);
    if (a && r->lane->channel && !(a->channels >> (r->lane->channel - 1) & 1u))
        problem(r, line_of(r, "channel"), "channel", " is not one that this provider can carry");
    if (warm_up_is_on(&r->lane->warm_up) && !r->lane->warm_up.start.n)
        tell(r, line_of(r, "warm_up"), "warm_up.start",
             " is missing: the day on which the warm-up began, or begins");
    if (r->faulty)
        return;
    bool ok = (!a->check_all || a->check_all(r->lane, &e)) && lane_prepare(r->lane, &e) &&
              (!a->probe || a->probe(r->lane, 0, 0, &mem, &rq, &e));
    const char *key = e.field[0] ? e.field : "provider";
    if (!ok)
        problem(r, place_of(r, key, e.line), key, e.text);
}

/* The lane's prices, out of its own lines and of a file. */
static void read_prices(struct lane_reading *r) {
    enum { PRICES_BYTES_MAX = 2 * 1024 * 1024 };
    struct lane_config *lane = r->lane;
    struct buf BUF_AUTO csv = BUF_INIT(PRICES_BYTES_MAX);
    struct err e = ERR_INIT;
    const struct sv c = lane->currency;
    bool good = c.n == 3;
    if (!lane->prices.n && !lane->prices_file.n)
        return;
    for (size_t i = 0; i < c.n; i++)
        good = good && c.p[i] >= 'A' && c.p[i] <= 'Z';
    if (!good) {
        tell(r, line_of(r, "currency"), "currency", " must be three capital letters, such as USD or CNY");
        return;
    }
    if (lane->prices_file.n && !r->l->src->read(r->l->src->ctx, lane->prices_file, &csv, &e)) {
        tell(r, line_of(r, "prices_file"), "prices_file", e.text);
        return;
    }
    lane->price_table =
        price_table_make(&r->l->settings->arena, lane->prices.at, lane->prices.n, buf_sv(&csv), &e);
    if (!lane->price_table)
        tell(r, line_of(r, "prices_file"), "prices_file", e.text);
}

static void read_lane(struct config_loading *l, const struct config_node *n, uint32_t index) {
    struct lane_reading r = {.l = l, .node = n, .lane = &l->settings->lanes[index]};
    snprintf(r.prefix, sizeof r.prefix, "lanes[%u].", index);
    config_put_defaults(l, config_lane_rows, r.lane);
    read_provider(&r);
    for (const struct config_node *k = n->first; k; k = k->next)
        read_key(&r, k);
    check_name(&r);
    take_required(&r);
    config_check_order(l, config_lane_rows, r.lane, r.prefix, r.lines);
    read_prices(&r);
    check_whole(&r);
}

void config_read_lanes(struct config_loading *l, const struct config_node *list) {
    if (list->kind != CONFIG_NODE_LIST || !list->first) {
        config_problem_add(
            l->problems, l->path, list->line,
            "`lanes` must be a list of provider accounts, at least one, each beginning with `-`");
        return;
    }
    for (const struct config_node *n = list->first; n; n = n->next) {
        uint32_t index = l->settings->n_lanes;
        if (index == SETTINGS_LANES_MAX) {
            config_problem_add(l->problems, l->path, n->line, "more than %d lanes", SETTINGS_LANES_MAX);
            return;
        }
        l->settings->n_lanes++;
        if (n->kind == CONFIG_NODE_MAP)
            read_lane(l, n, index);
        else
            config_problem_add(l->problems, l->path, n->line,
                               "`lanes[%u]` must be `key: value` lines: name, provider and its fields",
                               index);
    }
}
