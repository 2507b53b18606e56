#include "ingest/doc_file.h"

#include "ingest/doc_json.h"
#include "ingest/yaml_json.h"

#include <string.h>

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

/* ---- places ---- */

/* What doc_finish says of a text, said of the file: without the name it was compiled under. */
static void place_in_file(const struct yaml_json *head, const struct doc_file_parts *parts,
                          const struct language *l, struct err *e) {
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
    else if (head)
        yaml_json_place(head, path, e);
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
    struct yaml_json yaml;
    *head = NULL;
    if (!sv_is_utf8(file) || sv_find_char(file, '\0') != SIZE_MAX)
        return err_set(e, ERR_INVALID, "not UTF-8, or there is a NUL in it");
    if (!parts.head.p)
        return (read_alone(&parts, NULL, l, a, &alone, e) || (place_in_file(NULL, &parts, l, e), false)) &&
               join(&alone, a, out, e);
    if (!yaml_json_read(&yaml, parts.head, 1, head, e))
        return false;
    bool ok = !*head || json_is_object(*head) ||
              err_set(e, ERR_INVALID, "the head is a mapping: note, sample, email, codes, ...");
    if (ok && !read_alone(&parts, *head, l, a, &alone, e)) {
        place_in_file(&yaml, &parts, l, e);
        ok = false;
    }
    yaml_json_done(&yaml);
    ok = ok && join(&alone, a, out, e);
    if (!ok) {
        json_decref(*head);
        *head = NULL;
    }
    return ok;
}
