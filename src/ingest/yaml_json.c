#include "ingest/yaml_json.h"

#include <string.h>

enum { DEPTH_MAX = 16, NODES_MAX = 20000, NUMBER_BYTES_MAX = 18 };

struct reading {
    yaml_document_t *doc;
    unsigned lines_before;
    unsigned nodes;
    struct err *e;
};

static bool at_mark(unsigned lines_before, yaml_mark_t mark, struct err *e) {
    return err_place(e, lines_before + (unsigned)mark.line + 1, (unsigned)mark.column + 1);
}

static json_t *refuse(struct reading *r, const yaml_node_t *n, const char *why) {
    err_set(r->e, ERR_INVALID, "%s", why);
    (void)at_mark(r->lines_before, n->start_mark, r->e);
    return NULL;
}

/* Plain words are null, true, false or whole numbers where they look so; a leading zero makes a text. */
static json_t *scalar(struct reading *r, const yaml_node_t *n) {
    struct sv v = sv_make((const char *)n->data.scalar.value, n->data.scalar.length);
    int64_t number;
    if (n->data.scalar.style == YAML_PLAIN_SCALAR_STYLE) {
        if (!v.n || sv_eq(v, SV("~")) || sv_eq(v, SV("null")))
            return json_null();
        if (sv_eq(v, SV("true")) || sv_eq(v, SV("false")))
            return json_boolean(v.p[0] == 't');
        bool zero = v.n > 1 && (v.p[0] == '0' || (v.p[0] == '-' && v.p[1] == '0'));
        if (!zero && v.p[0] != '+' && v.n <= NUMBER_BYTES_MAX && sv_to_i64(v, &number))
            return json_integer(number);
    }
    if (sv_find_char(v, '\0') != SIZE_MAX || !sv_is_utf8(v))
        return refuse(r, n, "a text is not UTF-8, or has a NUL in it");
    return json_stringn(v.p, v.n);
}

static json_t *convert(struct reading *r, int index, unsigned depth);

static json_t *sequence(struct reading *r, const yaml_node_t *n, unsigned depth) {
    json_t *out = json_array();
    for (yaml_node_item_t *i = n->data.sequence.items.start; i < n->data.sequence.items.top; i++) {
        json_t *item = convert(r, *i, depth + 1);
        if (!item || json_array_append_new(out, item) != 0) {
            json_decref(out);
            return NULL;
        }
    }
    return out;
}

static json_t *mapping(struct reading *r, const yaml_node_t *n, unsigned depth) {
    json_t *out = json_object();
    for (yaml_node_pair_t *p = n->data.mapping.pairs.start; p < n->data.mapping.pairs.top; p++) {
        const yaml_node_t *key = yaml_document_get_node(r->doc, p->key);
        const char *name = key->type == YAML_SCALAR_NODE ? (const char *)key->data.scalar.value : "";
        json_t *value = NULL;
        if (!*name || strlen(name) != key->data.scalar.length || !sv_is_utf8(sv_of(name)))
            refuse(r, key, "a key is a plain text");
        else if (json_object_get(out, name))
            refuse(r, key, "this key is given twice");
        else
            value = convert(r, p->value, depth + 1);
        if (!value || json_object_set_new(out, name, value) != 0) {
            json_decref(out);
            return NULL;
        }
    }
    return out;
}

static json_t *convert(struct reading *r, int index, unsigned depth) {
    const yaml_node_t *n = yaml_document_get_node(r->doc, index);
    if (depth > DEPTH_MAX || ++r->nodes > NODES_MAX) /* aliases, too, are counted each time */
        return refuse(r, n, "it is nested too deep, or has too much in it");
    switch (n->type) {
    case YAML_SCALAR_NODE: return scalar(r, n);
    case YAML_SEQUENCE_NODE: return sequence(r, n, depth);
    case YAML_MAPPING_NODE: return mapping(r, n, depth);
    case YAML_NO_NODE: break;
    }
    return refuse(r, n, "not a value");
}

static bool load(struct yaml_json *y, struct sv text, struct err *e) {
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser))
        return err_set(e, ERR_OUTSIDE, "out of memory");
    yaml_parser_set_input_string(&parser, (const unsigned char *)text.p, text.n);
    bool ok = yaml_parser_load(&parser, &y->doc) != 0;
    if (!ok) {
        err_set(e, ERR_INVALID, "not YAML: %s", parser.problem ? parser.problem : "cannot be read");
        (void)at_mark(y->lines_before, parser.problem_mark, e);
    }
    yaml_parser_delete(&parser);
    return ok;
}

/* ---- places ---- */

static yaml_node_pair_t *pairs_of(const yaml_node_t *n) {
    return n->type == YAML_MAPPING_NODE ? n->data.mapping.pairs.start : NULL;
}

/* The node of a path such as email.subject or rules.2.when, or the deepest on the way to it. */
static const yaml_node_t *node_of(yaml_document_t *doc, struct sv path) {
    const yaml_node_t *n = yaml_document_get_root_node(doc);
    while (n && path.p) {
        struct sv name = sv_cut(&path, '.');
        const yaml_node_t *next = NULL;
        uint64_t index;
        if (n->type == YAML_SEQUENCE_NODE && sv_to_u64(name, &index) &&
            index < (uint64_t)(n->data.sequence.items.top - n->data.sequence.items.start))
            next = yaml_document_get_node(doc, n->data.sequence.items.start[index]);
        for (yaml_node_pair_t *p = pairs_of(n); p && p < n->data.mapping.pairs.top; p++) {
            const yaml_node_t *key = yaml_document_get_node(doc, p->key);
            if (key->type == YAML_SCALAR_NODE && sv_eq(sv_of((const char *)key->data.scalar.value), name))
                next = yaml_document_get_node(doc, p->value);
        }
        if (!next)
            break;
        n = next;
    }
    return n;
}

/* A block's text begins on the line after its mark. */
void yaml_json_place(const struct yaml_json *y, struct sv path, struct err *e) {
    /* libyaml looks nodes up in what it may change; nothing is. */
    const yaml_node_t *n = node_of((yaml_document_t *)(uintptr_t)&y->doc, path);
    if (!n)
        return;
    bool block = n->type == YAML_SCALAR_NODE && n->data.scalar.style == YAML_LITERAL_SCALAR_STYLE;
    unsigned line = y->lines_before + (unsigned)n->start_mark.line + 1,
             column = (unsigned)n->start_mark.column + 1;
    if (block && e->line)
        (void)err_place(e, line + e->line, e->column);
    else
        (void)err_place(e, line, e->line == 1 ? column + e->column - 1 : column);
}

bool yaml_json_read(struct yaml_json *y, struct sv text, unsigned lines_before, json_t **out, struct err *e) {
    *y = (struct yaml_json){.lines_before = lines_before};
    *out = NULL;
    if (!load(y, text, e))
        return false;
    struct reading r = {.doc = &y->doc, .lines_before = lines_before, .e = e};
    if (!yaml_document_get_root_node(&y->doc) || (*out = convert(&r, 1, 0)))
        return true;
    yaml_document_delete(&y->doc);
    return false;
}

void yaml_json_done(struct yaml_json *y) {
    yaml_document_delete(&y->doc);
}
