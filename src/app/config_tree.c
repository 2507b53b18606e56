#include "app/config_tree.h"

#include <string.h>
#include <yaml.h>

struct builder {
    struct sv file;
    struct arena *mem;
    struct config_problems *problems;
    struct config_node *root;
    struct config_node *open[CONFIG_DEPTH_MAX]; /* maps and lists not yet closed, outermost first */
    size_t depth;
    size_t n_nodes;
    bool has_key; /* in the innermost map, its value is next */
    struct sv key;
    unsigned key_line;
};

static bool refuse(struct builder *b, unsigned line, const char *why) {
    config_problem_add(b->problems, b->file, line, "%s", why);
    return false;
}

static bool take_key(struct builder *b, struct sv key, unsigned line) {
    const struct config_node *map = b->open[b->depth - 1], *before = config_node_get(map, key);
    if (++b->open[b->depth - 1]->n_keys > CONFIG_KEYS_MAX) /* each is looked for among those before */
        return refuse(b, line, "too many entries");
    if (before)
        config_problem_add(b->problems, b->file, line, "`%.*s` is given twice, first on line %u",
                           (int)(key.n < 64 ? key.n : 64), key.p, before->line);
    b->key = key;
    b->key_line = line;
    b->has_key = true;
    return true;
}

static bool add(struct builder *b, enum config_node_kind kind, struct sv text, bool plain, unsigned line) {
    struct config_node *parent = b->depth ? b->open[b->depth - 1] : NULL;
    if (parent && parent->kind == CONFIG_NODE_MAP && !b->has_key)
        return kind == CONFIG_NODE_SCALAR ? take_key(b, text, line) : refuse(b, line, "a key must be a word");
    if (!parent && kind != CONFIG_NODE_MAP && !(plain && text.n == 0))
        return refuse(b, line, "expected `key: value` lines");
    if (++b->n_nodes > CONFIG_NODES_MAX)
        return refuse(b, line, "too many entries");
    struct config_node *n = arena_zalloc(b->mem, sizeof *n);
    if (!n)
        return refuse(b, line, "too much text");
    *n = (struct config_node){.kind = kind, .line = line, .text = text, .plain = plain};
    if (parent && parent->kind == CONFIG_NODE_MAP) {
        n->key = b->key;
        n->line = b->key_line;
        b->has_key = false;
    }
    if (!parent)
        b->root = n;
    else if (parent->last)
        parent->last->next = n;
    else
        parent->first = n;
    if (parent)
        parent->last = n;
    if (kind == CONFIG_NODE_SCALAR)
        return true;
    if (b->depth == CONFIG_DEPTH_MAX)
        return refuse(b, line, "nested too deeply");
    b->open[b->depth++] = n;
    return true;
}

static bool take_event(struct builder *b, const yaml_event_t *ev) {
    unsigned line = (unsigned)ev->start_mark.line + 1;
    static const char extras[] = "anchors (&), aliases (*) and tags (!) are not understood here; write the "
                                 "value out, and quote a text that begins with such a sign";
    switch ((int)ev->type) {
    case YAML_ALIAS_EVENT: return refuse(b, line, extras);
    case YAML_SCALAR_EVENT: {
        if (ev->data.scalar.anchor || ev->data.scalar.tag)
            return refuse(b, line, extras);
        struct sv text = {.p = (const char *)ev->data.scalar.value, .n = ev->data.scalar.length};
        struct sv copy = arena_dup(b->mem, text);
        if (!copy.p)
            return refuse(b, line, "too much text");
        bool root = !b->depth;
        bool is_key = !root && b->open[b->depth - 1]->kind == CONFIG_NODE_MAP && !b->has_key;
        if (!add(b, CONFIG_NODE_SCALAR, copy, ev->data.scalar.style == YAML_PLAIN_SCALAR_STYLE, line))
            return false;
        if (ev->data.scalar.style == YAML_LITERAL_SCALAR_STYLE && !root && !is_key)
            b->open[b->depth - 1]->last->text_line = line + 1;
        return true;
    }
    case YAML_MAPPING_START_EVENT:
        if (ev->data.mapping_start.anchor || ev->data.mapping_start.tag)
            return refuse(b, line, extras);
        return add(b, CONFIG_NODE_MAP, SV_NONE, false, line);
    case YAML_SEQUENCE_START_EVENT:
        if (ev->data.sequence_start.anchor || ev->data.sequence_start.tag)
            return refuse(b, line, extras);
        return add(b, CONFIG_NODE_LIST, SV_NONE, false, line);
    case YAML_MAPPING_END_EVENT:
    case YAML_SEQUENCE_END_EVENT: b->depth--; return true;
    case YAML_DOCUMENT_START_EVENT:
        return !b->root || refuse(b, line, "a second document (---) begins here; only one is read");
    default: return true;
    }
}

static bool parse(struct builder *b, yaml_parser_t *parser) {
    for (bool end = false; !end;) {
        __attribute__((cleanup(yaml_event_delete))) yaml_event_t ev = {0};
        if (!yaml_parser_parse(parser, &ev)) {
            size_t line = parser->problem_mark.line ? parser->problem_mark.line : parser->context_mark.line;
            config_problem_add(b->problems, b->file, (unsigned)line + 1,
                               "not YAML: %s%s%s; what stands below is looked at when this is mended",
                               parser->problem ? parser->problem : "out of memory",
                               parser->context ? ", " : "", parser->context ? parser->context : "");
            return false;
        }
        end = ev.type == YAML_STREAM_END_EVENT;
        if (!take_event(b, &ev))
            return false;
    }
    return true;
}

struct config_node *config_tree_parse(struct sv text, struct sv file, struct arena *mem,
                                      struct config_problems *problems) {
    struct builder b = {.file = file, .mem = mem, .problems = problems};
    __attribute__((cleanup(yaml_parser_delete))) yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser)) {
        memset(&parser, 0, sizeof parser);
        refuse(&b, 0, "out of memory");
        return NULL;
    }
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)(text.n ? text.p : ""), text.n);
    if (!parse(&b, &parser))
        return NULL;
    if (b.root && b.root->kind == CONFIG_NODE_MAP)
        return b.root;
    struct config_node *empty = arena_zalloc(mem, sizeof *empty);
    if (empty)
        *empty = (struct config_node){.kind = CONFIG_NODE_MAP, .line = 1};
    else
        refuse(&b, 0, "too much text");
    return empty;
}

bool config_node_is_null(const struct config_node *n) {
    return n->kind == CONFIG_NODE_SCALAR && n->plain &&
           (n->text.n == 0 || sv_eq(n->text, SV("~")) || sv_eq_nocase(n->text, SV("null")));
}

const struct config_node *config_node_get(const struct config_node *map, struct sv key) {
    for (const struct config_node *n = map->first; n; n = n->next)
        if (sv_eq(n->key, key))
            return n;
    return NULL;
}
