#include "api/fields.h"

#include "base/clock.h"

#include <string.h>

enum { NAME_BYTES_MAX = 40, NEAR_EDITS_MAX = 2 };

void api_json_done(json_t **j) {
    json_decref(*j);
    *j = NULL;
}

/* ---- names ---- */

/* Optimal string alignment distance: insertions, deletions, replacements, and neighbours swapped. */
static unsigned edits(struct sv a, struct sv b) {
    unsigned rows[3][NAME_BYTES_MAX + 1];
    for (size_t j = 0; j <= b.n; j++)
        rows[0][j] = (unsigned)j;
    for (size_t i = 1; i <= a.n; i++) {
        unsigned *now = rows[i % 3], *up = rows[(i + 2) % 3], *up2 = rows[(i + 1) % 3];
        now[0] = (unsigned)i;
        for (size_t j = 1; j <= b.n; j++) {
            unsigned best = up[j - 1] + (a.p[i - 1] != b.p[j - 1]);
            if (up[j] + 1 < best)
                best = up[j] + 1;
            if (now[j - 1] + 1 < best)
                best = now[j - 1] + 1;
            bool swapped = i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] && a.p[i - 2] == b.p[j - 1];
            if (swapped && up2[j - 2] + 1 < best)
                best = up2[j - 2] + 1;
            now[j] = best;
        }
    }
    return rows[a.n % 3][b.n];
}

const char *api_nearest(struct sv name, const struct api_field *fields) {
    const char *nearest = NULL;
    unsigned least = NEAR_EDITS_MAX + 1;
    if (name.n > NAME_BYTES_MAX)
        return NULL;
    for (const struct api_field *f = fields; f->name; f++) {
        struct sv known = sv_of(f->name);
        ASSERT(known.n <= NAME_BYTES_MAX);
        unsigned n = sv_eq_nocase(name, known) ? 0 : edits(name, known);
        if (n < least && n < known.n) {
            least = n;
            nearest = f->name;
        }
    }
    return nearest;
}

static const struct api_field *find_field(const struct api_field *fields, struct sv name) {
    for (const struct api_field *f = fields; f->name; f++)
        if (sv_eq(name, sv_of(f->name)))
            return f;
    return NULL;
}

static void copy_name(struct sv name, char out[ERR_FIELD_MAX]) {
    size_t n = name.n;
    while (n && (n >= ERR_FIELD_MAX || !sv_is_utf8(sv_make(name.p, n))))
        n--;
    if (n)
        memcpy(out, name.p, n);
    out[n] = '\0';
}

static void refuse_unknown(struct api_request *rq, const struct api_field *fields, struct sv name) {
    char field[ERR_FIELD_MAX];
    copy_name(name, field);
    const char *nearest = api_nearest(name, fields);
    struct err e = ERR_INIT;
    if (nearest)
        err_set_field(&e, ERR_INVALID, field, "`%s` is not known here; did you mean `%s`?", field, nearest);
    else
        err_set_field(&e, ERR_INVALID, field, "`%s` is not known here", field);
    api_problem(rq, PROBLEM_UNKNOWN_FIELD, &e);
}

/* ---- values ---- */

static size_t characters(struct sv v) {
    size_t n = 0;
    for (size_t i = 0; i < v.n; i++)
        n += ((unsigned char)v.p[i] & 0xC0) != 0x80;
    return n;
}

static bool read_word(const struct api_field *f, struct sv text, struct api_value *v, struct err *e) {
    for (int i = f->word_first; i < f->word_end; i++)
        if (sv_eq(text, sv_of(f->word(i)))) {
            v->n = i;
            return true;
        }
    BUF_AUTO struct buf all = BUF_INIT(ERR_TEXT_MAX);
    for (int i = f->word_first; i < f->word_end; i++)
        buf_addf(&all, "%s%s", i == f->word_first ? "" : ", ", f->word(i));
    return err_set_field(e, ERR_INVALID, f->name, "`%s` is one of: %.*s", f->name, SV_FMT(buf_sv(&all)));
}

static bool not_in_range(const struct api_field *f, struct err *e) {
    return err_set_field(e, ERR_INVALID, f->name, "`%s` is a whole number from %lld to %lld", f->name,
                         (long long)f->min, (long long)f->max);
}

static bool read_int(const struct api_field *f, int64_t n, struct api_value *v, struct err *e) {
    v->n = n;
    return (n >= f->min && n <= f->max) || not_in_range(f, e);
}

static bool read_text(const struct api_field *f, struct sv text, struct api_value *v, struct err *e) {
    v->text = text;
    switch (f->kind) {
    case FIELD_TEXT:
        if (f->max && text.n > (size_t)f->max && characters(text) > (size_t)f->max)
            return err_set_field(e, ERR_INVALID, f->name, "`%s` has at most %lld characters", f->name,
                                 (long long)f->max);
        return true;
    case FIELD_WORD: return read_word(f, text, v, e);
    case FIELD_TIME:
        return clock_parse_rfc3339(text, &v->n) ||
               err_set_field(e, ERR_INVALID, f->name,
                             "`%s` is a time as in RFC 3339, such as 2026-01-31T08:30:00Z", f->name);
    case FIELD_INT:
    case FIELD_BOOL:
    case FIELD_OBJECT:
    case FIELD_REF:
    case FIELD_LIST: break;
    }
    ASSERT(false); /* not a text */
    return false;
}

static bool wrong_type(const struct api_field *f, const char *want, struct err *e) {
    return err_set_field(e, ERR_INVALID, f->name, "`%s` must be %s", f->name, want);
}

static bool read_value(const struct api_field *f, const json_t *j, struct api_value *v, struct err *e) {
    switch (f->kind) {
    case FIELD_TEXT:
    case FIELD_WORD:
    case FIELD_TIME:
        return json_is_string(j) ? read_text(f, sv_make(json_string_value(j), json_string_length(j)), v, e)
                                 : wrong_type(f, "a string", e);
    case FIELD_INT:
        return json_is_integer(j) ? read_int(f, json_integer_value(j), v, e)
                                  : wrong_type(f, "a whole number", e);
    case FIELD_BOOL: v->n = json_is_true(j); return json_is_boolean(j) || wrong_type(f, "true or false", e);
    case FIELD_OBJECT: v->json = j; return json_is_object(j) || wrong_type(f, "an object", e);
    case FIELD_LIST: v->json = j; return json_is_array(j) || wrong_type(f, "a list", e);
    case FIELD_REF: break;
    }
    ASSERT(false); /* not in requests */
    return false;
}

static bool all_there(const struct api_field *fields, const struct api_value *values, struct err *e) {
    for (const struct api_field *f = fields; f->name; f++)
        if (f->required && !values[f - fields].given)
            return err_set_field(e, ERR_INVALID, f->name, "`%s` is missing: %s", f->name, f->summary);
    return true;
}

static void clear(const struct api_field *fields, struct api_value *values) {
    for (const struct api_field *f = fields; f->name; f++)
        values[f - fields] = (struct api_value){.given = false};
}

/* ---- JSON ---- */

enum json_bound api_json_bound(struct sv v) {
    unsigned depth = 0, values = 0;
    bool quoted = false;
    for (size_t i = 0; i < v.n; i++) {
        char c = v.p[i];
        if (quoted) {
            if (c == '\\')
                i++;
            quoted = c != '"';
            continue;
        }
        quoted = c == '"';
        depth += c == '{' || c == '[';
        depth -= (c == '}' || c == ']') && depth;
        values += c == ',' || c == '{' || c == '[';
        if (depth > JSON_DEPTH_MAX)
            return JSON_TOO_DEEP;
        if (values > JSON_VALUES_MAX)
            return JSON_TOO_MANY;
    }
    return JSON_BOUNDED;
}

static bool is_bounded(struct sv v, struct err *e) {
    switch (api_json_bound(v)) {
    case JSON_BOUNDED: return true;
    case JSON_TOO_DEEP:
        return err_set(e, ERR_INVALID, "the JSON is nested deeper than %d levels", JSON_DEPTH_MAX);
    case JSON_TOO_MANY: break;
    }
    return err_set(e, ERR_TOO_LARGE, "the JSON has more than %d values", JSON_VALUES_MAX);
}

static json_t *parse(struct sv body, struct err *e) {
    json_error_t why;
    if (body.n == 0) {
        err_set(e, ERR_INVALID, "the body is empty; it must be a JSON object");
        return NULL;
    }
    if (!is_bounded(body, e))
        return NULL;
    json_t *root = json_loadb(body.p, body.n, JSON_REJECT_DUPLICATES, &why);
    if (!root) {
        /* The parser's text quotes what stands near; that may be a body, so only its place is told. */
        enum json_error_code code = json_error_code(&why);
        const char *what = code == json_error_duplicate_key      ? "a name stands twice in one object"
                           : code == json_error_invalid_utf8     ? "not UTF-8"
                           : code == json_error_null_character   ? "a string has a NUL in it"
                           : code == json_error_numeric_overflow ? "a number is too large"
                                                                 : "a syntax error";
        err_set(e, ERR_INVALID, "the body is not valid JSON: %s at line %d, column %d", what, why.line,
                why.column);
        return NULL;
    }
    if (!json_is_object(root)) {
        json_decref(root);
        err_set(e, ERR_INVALID, "the body must be a JSON object");
        return NULL;
    }
    return root;
}

static bool read_members(struct api_request *rq, const struct api_field *fields, json_t *root,
                         struct api_value *values, const struct api_field *also,
                         struct api_value *also_values) {
    struct err e = ERR_INIT;
    const char *key;
    json_t *j;
    json_object_foreach(root, key, j) {
        const struct api_field *f = find_field(fields, sv_of(key));
        struct api_value *v = f ? &values[f - fields] : NULL;
        if (!f && also && (f = find_field(also, sv_of(key))) != NULL)
            v = &also_values[f - also];
        if (!f) {
            refuse_unknown(rq, fields, sv_of(key));
            return false;
        }
        v->given = !json_is_null(j);
        if (v->given && !read_value(f, j, v, &e)) {
            api_fail(rq, &e);
            return false;
        }
    }
    if (all_there(fields, values, &e) && (!also || all_there(also, also_values, &e)))
        return true;
    api_fail(rq, &e);
    return false;
}

bool api_read_object(const struct api_field *fields, const json_t *object, struct api_value *values,
                     struct err *e) {
    clear(fields, values);
    if (!json_is_object(object))
        return err_set(e, ERR_INVALID, "must be an object");
    /* jansson's iterators take what may be changed; nothing is. */
    for (void *at = json_object_iter((json_t *)(uintptr_t)object); at;
         at = json_object_iter_next((json_t *)(uintptr_t)object, at)) {
        const char *key = json_object_iter_key(at);
        const json_t *j = json_object_iter_value(at);
        char name[ERR_FIELD_MAX];
        const struct api_field *f = find_field(fields, sv_of(key));
        copy_name(sv_of(key), name);
        if (!f)
            return err_set_field(e, ERR_INVALID, name, "`%s` is not known here", name);
        struct api_value *v = &values[f - fields];
        v->given = !json_is_null(j);
        if (v->given && !read_value(f, j, v, e))
            return false;
    }
    return all_there(fields, values, e);
}

bool api_read_json(struct api_request *rq, const struct api_field *fields, json_t **root,
                   struct api_value *values) {
    return api_read_json_of_two(rq, fields, values, NULL, NULL, root);
}

bool api_read_json_of_two(struct api_request *rq, const struct api_field *fields, struct api_value *values,
                          const struct api_field *also, struct api_value *also_values, json_t **root) {
    struct err e = ERR_INIT;
    *root = NULL;
    clear(fields, values);
    if (also)
        clear(also, also_values);
    if (exchange_header(rq->x, "Content-Type").n && !api_content_is(rq, SV("application/json"))) {
        err_set_field(&e, ERR_INVALID, "Content-Type", "send JSON, with Content-Type: application/json");
        api_problem(rq, PROBLEM_MEDIA_TYPE, &e);
        return false;
    }
    *root = parse(rq->x->body, &e);
    if (!*root) {
        api_fail(rq, &e);
        return false;
    }
    return read_members(rq, fields, *root, values, also, also_values);
}

/* ---- forms ---- */

static bool read_pair(const struct api_field *f, struct sv text, struct api_value *v, struct err *e) {
    int64_t n;
    switch (f->kind) {
    case FIELD_TEXT:
    case FIELD_WORD:
    case FIELD_TIME: return read_text(f, text, v, e);
    case FIELD_INT: return sv_to_i64(text, &n) ? read_int(f, n, v, e) : not_in_range(f, e);
    case FIELD_BOOL:
        v->n = sv_eq(text, SV("true"));
        return v->n || sv_eq(text, SV("false")) || wrong_type(f, "true or false", e);
    case FIELD_OBJECT:
    case FIELD_REF:
    case FIELD_LIST: break;
    }
    ASSERT(false); /* not in forms */
    return false;
}

bool api_read_form(struct api_request *rq, const struct api_field *fields, const struct form *form,
                   struct api_value *values) {
    struct err e = ERR_INIT;
    bool ok = true;
    clear(fields, values);
    for (size_t i = 0; ok && i < form->n; i++) {
        const struct api_field *f = find_field(fields, form->pairs[i].key);
        if (!f) {
            refuse_unknown(rq, fields, form->pairs[i].key);
            return false;
        }
        struct api_value *v = &values[f - fields];
        if (v->given)
            ok = err_set_field(&e, ERR_INVALID, f->name, "`%s` is given twice", f->name);
        else if (form->pairs[i].value.n) {
            v->given = true;
            ok = read_pair(f, form->pairs[i].value, v, &e);
        }
    }
    if (ok && all_there(fields, values, &e))
        return true;
    api_fail(rq, &e);
    return false;
}

struct sv api_query_number(struct arena *mem, struct sv v) {
    char *p = v.n && v.p[0] == ' ' ? arena_alloc(mem, v.n) : NULL;
    if (!p)
        return v;
    p[0] = '+';
    memcpy(p + 1, v.p + 1, v.n - 1);
    return sv_make(p, v.n);
}
