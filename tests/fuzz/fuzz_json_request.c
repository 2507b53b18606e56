/* Any body as a request for a new message, JSON or form: read by the native API's table, answered exactly
 * when it is refused, and what is read is as the table says. The front's own functions that the reader calls
 * stand below, so that no socket is needed. */
#include "api/native.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned answers; /* to this request */

struct sv exchange_header(const struct exchange *x, const char *name) {
    (void)x;
    (void)name;
    return SV_NONE;
}

bool api_content_is(const struct api_request *rq, struct sv type) {
    (void)rq;
    (void)type;
    return false;
}

void api_problem(struct api_request *rq, enum problem p, const struct err *e) {
    (void)rq;
    ASSERT(p < PROBLEM_COUNT && e->text[0]);
    ASSERT(sv_is_utf8(sv_of(e->field)));
    answers++;
}

void api_fail(struct api_request *rq, const struct err *e) {
    ASSERT(e->kind == ERR_INVALID || e->kind == ERR_TOO_LARGE);
    api_problem(rq, PROBLEM_INVALID, e);
}

const struct world *api_world(const struct api_request *rq) {
    (void)rq;
    return NULL; /* of the printers, which are not called */
}

struct api_brief api_brief_of(const struct message *m) {
    (void)m;
    return (struct api_brief){0};
}

static void check_text(const struct api_field *f, struct sv v, bool json) {
    if (json)
        ASSERT(sv_is_utf8(v) && sv_find_char(v, '\0') == SIZE_MAX);
    size_t characters = 0;
    for (size_t i = 0; i < v.n; i++)
        characters += ((unsigned char)v.p[i] & 0xC0) != 0x80;
    ASSERT(f->max == 0 || characters <= (size_t)f->max || v.n <= (size_t)f->max);
}

static void check_values(const struct api_field *fields, const struct api_value *values, bool json) {
    for (const struct api_field *f = fields; f->name; f++) {
        const struct api_value *v = &values[f - fields];
        ASSERT(v->given || !f->required);
        if (!v->given)
            continue;
        switch (f->kind) {
        case FIELD_TEXT: check_text(f, v->text, json); break;
        case FIELD_WORD: ASSERT(v->n >= f->word_first && v->n < f->word_end); break;
        case FIELD_INT: ASSERT(v->n >= f->min && v->n <= f->max); break;
        case FIELD_BOOL: ASSERT(v->n == 0 || v->n == 1); break;
        case FIELD_OBJECT: ASSERT(json_is_object(v->json)); break;
        case FIELD_TIME: break;
        case FIELD_REF:
        case FIELD_LIST: ASSERT(false);
        }
    }
}

static void read_json(struct api_request *rq, const struct api_field *fields) {
    JSON_AUTO json_t *root = NULL;
    struct api_value values[FIELDS_MAX];
    answers = 0;
    bool ok = api_read_json(rq, fields, &root, values);
    ASSERT(answers == !ok);
    if (ok)
        check_values(fields, values, true);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct exchange x = {.body = sv_make((const char *)data, size)};
    struct api_request rq = {.x = &x};
    struct api_value values[FIELDS_MAX];
    struct err e = ERR_INIT;
    read_json(&rq, create_fields);
    read_json(&rq, preview_fields);

    struct arena ARENA_AUTO mem;
    arena_init(&mem, 1 << 20);
    struct form f;
    if (!form_parse(x.body, &mem, &f, &e))
        return 0;
    answers = 0;
    bool ok = api_read_form(&rq, list_fields, &f, values);
    ASSERT(answers == !ok);
    if (ok)
        check_values(list_fields, values, false);
    return 0;
}
