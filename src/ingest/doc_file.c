#include "ingest/doc_file.h"

#include "ingest/doc_json.h"

#include <string.h>
#include <yaml.h>

enum { DEPTH_MAX = 16, NODES_MAX = 20000, NUMBER_BYTES_MAX = 18 };

bool doc_file_name(struct sv file, struct sv *name, struct language *l) {
    if (file.n <= 4 || file.p[0] == '.' || !sv_ends(file, SV(".txt")))
        return false;
    *name = sv_sub(file, 0, file.n - 4);
    size_t dot = name->n;
    while (dot && name->p[dot - 1] != '.')
        dot--;
    bool tagged = dot > 1 && dot < name->n && language_parse(sv_from(*name, dot), l);
    if (tagged)
        *name = sv_sub(*name, 0, dot - 1);
    return tagged || language_parse(SV_NONE, l);
}

/* The line at *at, without its end, and *at behind it. */
static struct sv take_line(struct sv v, size_t *at) {
    size_t n = sv_find_char(sv_from(v, *at), '\n');
    struct sv line = sv_sub(v, *at, n == SIZE_MAX ? v.n : n);
    *at = n == SIZE_MAX ? v.n : *at + n + 1;
    return line.n && line.p[line.n - 1] == '\r' ? sv_sub(line, 0, line.n - 1) : line;
}

struct doc_file_parts doc_file_split(struct sv file) {
    struct doc_file_parts whole = {.text = file, .text_line = 1}, parts = {.text_line = 1};
    size_t at = 0, start;
    if (!sv_eq(take_line(file, &at), SV("---")))
        return whole;
    for (start = at; at < file.n;) {
        size_t line_at = at;
        parts.text_line++;
        if (!sv_eq(take_line(file, &at), SV("---")))
            continue;
        parts.head = sv_sub(file, start, line_at - start);
        parts.text = sv_from(file, at);
        parts.text_line++;
        return parts;
    }
    return whole; /* a line of three dashes, and no second one: it is text */
}

/* ---- YAML to JSON ---- */

struct reading {
    yaml_document_t *doc;
    unsigned nodes;
    struct err *e;
};

static bool at_mark(struct err *e, yaml_mark_t mark) {
    return err_place(e, (unsigned)mark.line + 2, (unsigned)mark.column + 1); /* behind the first "---" */
}

static json_t *refuse(struct reading *r, const yaml_node_t *n, const char *why) {
    err_set(r->e, ERR_INVALID, "%s", why);
    (void)at_mark(r->e, n->start_mark);
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
        return refuse(r, n, "the head is nested too deep, or has too much in it");
    switch (n->type) {
    case YAML_SCALAR_NODE: return scalar(r, n);
    case YAML_SEQUENCE_NODE: return sequence(r, n, depth);
    case YAML_MAPPING_NODE: return mapping(r, n, depth);
    case YAML_NO_NODE: break;
    }
    return refuse(r, n, "not a value");
}

static bool load_yaml(struct sv head, yaml_document_t *doc, struct err *e) {
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser))
        return err_set(e, ERR_OUTSIDE, "out of memory");
    yaml_parser_set_input_string(&parser, (const unsigned char *)head.p, head.n);
    bool ok = yaml_parser_load(&parser, doc) != 0;
    if (!ok) {
        err_set(e, ERR_INVALID, "not YAML: %s", parser.problem ? parser.problem : "cannot be read");
        (void)at_mark(e, parser.problem_mark);
    }
    yaml_parser_delete(&parser);
    return ok;
}

/* ---- places ---- */

/* The node of a path such as email.subject, or the deepest on the way to it. */
static const yaml_node_t *node_of(yaml_document_t *doc, struct sv path) {
    const yaml_node_t *n = yaml_document_get_root_node(doc);
    while (n && path.p && n->type == YAML_MAPPING_NODE) {
        struct sv name = sv_cut(&path, '.');
        const yaml_node_t *next = NULL;
        for (yaml_node_pair_t *p = n->data.mapping.pairs.start; p < n->data.mapping.pairs.top; p++) {
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

/* From a place in a text of the head to one in the file; a block's text begins on the line after its mark. */
static void place_in_head(yaml_document_t *doc, struct sv path, struct err *e) {
    const yaml_node_t *n = node_of(doc, path);
    if (!n)
        return;
    bool block = n->type == YAML_SCALAR_NODE && n->data.scalar.style == YAML_LITERAL_SCALAR_STYLE;
    unsigned line = (unsigned)n->start_mark.line + 2, column = (unsigned)n->start_mark.column + 1;
    if (block && e->line)
        (void)err_place(e, line + e->line, e->column);
    else
        (void)err_place(e, line, e->line == 1 ? column + e->column - 1 : column);
}

/* What doc_finish says of a text, said of the file: without the name it was compiled under. */
static void place_in_file(yaml_document_t *doc, const struct doc_file_parts *parts, const struct language *l,
                          struct err *e) {
    char before[ERR_FIELD_MAX + 64];
    int n = snprintf(before, sizeof before, "template %s:%u:%u: ", e->field, e->line, e->column);
    if (e->line && n > 0 && strncmp(e->text, before, (size_t)n) == 0)
        memmove(e->text, e->text + n, strlen(e->text) - (size_t)n + 1);
    char prefix[LANGUAGE_BYTES_MAX + 16];
    snprintf(prefix, sizeof prefix, "languages.%s.", l->text);
    struct sv path = sv_of(e->field);
    if (sv_starts(path, sv_of(prefix)))
        path = sv_from(path, strlen(prefix));
    if (e->line && sv_eq(path, SV("sms.text")) && sv_trim(parts->text).n)
        (void)err_place(e, parts->text_line + e->line - 1, e->column);
    else if (doc)
        place_in_head(doc, path, e);
}

/* ---- reading ---- */

static bool add_text(struct sv text, const struct language *l, struct arena *a, struct template_doc *out,
                     struct err *e) {
    struct template_body b = {.channel = CHANNEL_SMS, .part = TEMPLATE_TEXT};
    if (text.n && text.p[text.n - 1] == '\n')
        text.n--;
    if (text.n > TEMPLATE_TEXT_BYTES_MAX)
        return err_set(e, ERR_TOO_LARGE, "one text of a template has at most %d bytes",
                       TEMPLATE_TEXT_BYTES_MAX);
    b.text = arena_dup(a, text);
    b.language = arena_dup(a, sv_of(l->text));
    return (b.text.p && b.language.p) ? template_doc_add_body(out, a, &b, e)
                                      : err_set(e, ERR_OUTSIDE, "out of memory for a template");
}

/* Everything the file has, as a document of its own. */
static bool read_alone(const struct doc_file_parts *parts, const json_t *head, const struct language *l,
                       struct arena *a, struct template_doc *out, struct err *e) {
    static const char *const mine[] = {"note", "sample", NULL};
    if (head && !doc_read_language(head, l, "", mine, a, out, e))
        return false;
    bool any = sv_trim(parts->text).n != 0;
    return (!any || add_text(parts->text, l, a, out, e)) && doc_finish(out, e);
}

static bool join(const struct template_doc *from, struct arena *a, struct template_doc *to, struct err *e) {
    for (size_t i = 0; i < from->n_bodies; i++)
        if (!template_doc_add_body(to, a, &from->bodies[i], e))
            return false;
    for (size_t i = 0; i < from->n_codes; i++)
        if (!template_doc_add_code(to, a, &from->codes[i], e))
            return false;
    return true;
}

bool doc_file_read(struct sv file, const struct language *l, struct arena *a, struct template_doc *out,
                   json_t **head, struct err *e) {
    struct doc_file_parts parts = doc_file_split(file);
    struct template_doc alone = {.n_bodies = 0};
    yaml_document_t doc;
    *head = NULL;
    if (!sv_is_utf8(file) || sv_find_char(file, '\0') != SIZE_MAX)
        return err_set(e, ERR_INVALID, "not UTF-8, or there is a NUL in it");
    if (!parts.head.p)
        return (read_alone(&parts, NULL, l, a, &alone, e) || (place_in_file(NULL, &parts, l, e), false)) &&
               join(&alone, a, out, e);
    if (!load_yaml(parts.head, &doc, e))
        return false;
    struct reading r = {.doc = &doc, .e = e};
    bool ok = true;
    if (yaml_document_get_root_node(&doc)) {
        *head = convert(&r, 1, 0);
        ok = *head != NULL;
        if (ok && !json_is_object(*head))
            ok = err_set(e, ERR_INVALID, "the head is a mapping: note, sample, email, codes, ...");
    }
    if (ok && !read_alone(&parts, *head, l, a, &alone, e)) {
        place_in_file(&doc, &parts, l, e);
        ok = false;
    }
    yaml_document_delete(&doc);
    ok = ok && join(&alone, a, out, e);
    if (!ok) {
        json_decref(*head);
        *head = NULL;
    }
    return ok;
}
