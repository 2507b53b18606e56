/* fields: tables of what a request may carry and an answer carries. One table reads the request, refuses what
 * it does not know, and writes the OpenAPI schema, so that the three cannot differ.
 */
#ifndef HY_API_FIELDS_H
#define HY_API_FIELDS_H

#include "api/api.h"

enum field_kind {
    FIELD_TEXT,
    FIELD_WORD, /* one of a list */
    FIELD_INT,  /* min..max */
    FIELD_BOOL,
    FIELD_TIME,   /* RFC 3339 */
    FIELD_OBJECT, /* any JSON object */
    FIELD_REF,    /* answers only: another schema */
    FIELD_LIST,   /* an array, whose items a handler reads; in answers: of what ref says */
};

struct api_field {
    const char *name;
    enum field_kind kind;
    const char *summary;
    bool required;            /* in a request: must be there; in an answer: never null */
    int64_t min, max;         /* INT: the range; TEXT: max characters, 0: unlimited here */
    const char *(*word)(int); /* WORD: the i-th; i in word_first..word_end-1 */
    int word_first, word_end;
    const char *example; /* as JSON; NULL: none */
    const char *ref;     /* REF, LIST: the schema; in a LIST, NULL: texts, "": anything */
};

enum { FIELDS_MAX = 24 };

struct api_value {
    bool given;         /* present, and not null */
    struct sv text;     /* TEXT, WORD */
    int64_t n;          /* INT; BOOL 0 or 1; WORD its index; TIME microseconds */
    const json_t *json; /* OBJECT, LIST */
};

/* Looked at before the parser makes an object of every value. */
enum { JSON_DEPTH_MAX = 32, JSON_VALUES_MAX = 20000 };
enum json_bound { JSON_BOUNDED, JSON_TOO_DEEP, JSON_TOO_MANY };
enum json_bound api_json_bound(struct sv json);

#define JSON_AUTO __attribute__((cleanup(api_json_done)))
void api_json_done(json_t **j);

/* Reads the body as a JSON object by the table; values[i] is fields[i]'s, borrowed from *root, which the
 * caller frees (JSON_AUTO). Refuses: not JSON, duplicate names, invalid UTF-8, NUL in a string, more than 32
 * levels or 20000 values, wrong types, unknown names (telling the nearest known one). Anything wrong is
 * answered, and false returned. */
MUST_USE bool api_read_json(struct api_request *rq, const struct api_field *fields, json_t **root,
                            struct api_value *values);
/* The same by two tables, whose members stand side by side in one object; also: NULL: none. */
MUST_USE bool api_read_json_of_two(struct api_request *rq, const struct api_field *fields,
                                   struct api_value *values, const struct api_field *also,
                                   struct api_value *also_values, json_t **root);
/* One object of a list in a request, by its table: the same rules, but nothing is answered: ERR_INVALID names
 * the field. */
MUST_USE bool api_read_object(const struct api_field *fields, const json_t *object, struct api_value *values,
                              struct err *e);
/* The same from a form or a query string: numbers, times and words as text; OBJECT is not possible there. An
 * empty value is taken as not given. Values live in the arena. */
MUST_USE bool api_read_form(struct api_request *rq, const struct api_field *fields, const struct form *f,
                            struct api_value *values);

/* The same from the request's query (api/request.c). */
MUST_USE bool api_read_query(struct api_request *rq, const struct api_field *fields,
                             struct api_value *values);
/* A number out of a query: a + that was not escaped there reads as a space. */
struct sv api_query_number(struct arena *mem, struct sv v);

/* The nearest of the names to a mistyped one, NULL when none is near. Exposed for tests. */
const char *api_nearest(struct sv name, const struct api_field *fields);

#endif
