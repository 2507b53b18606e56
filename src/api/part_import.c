#include "api/part_import.h"

#include "base/json.h"
#include "ingest/csv.h"

enum { FIRST_LINE_MAX = 2000 * 1000 * 1000 }; /* what follows in one body is far from INT32_MAX */

/* ---- shapes ---- */

const struct api_field part_import_fields[] = {
    {"line", FIELD_INT, "Which line of the file the body's first is, for the report; 1 without it.", .min = 1,
     .max = FIRST_LINE_MAX},
    {"columns", FIELD_TEXT, "The file's first line, where the body begins behind it: id,name,numbers.",
     .max = 2000},
    {"dry_run", FIELD_BOOL, "Only look."},
    {0},
};

const struct api_field part_import_refusal_shape[] = {
    {"line", FIELD_INT, "Which line.", .required = true, .max = INT32_MAX},
    {"column", FIELD_INT, "Which column, from 1.", .max = INT32_MAX},
    {"field", FIELD_TEXT, "Its name."},
    {"detail", FIELD_TEXT, "What is wrong, and how to mend it.", .required = true},
    {0},
};

const struct api_field part_import_shape[] = {
    {"lines", FIELD_INT, "Lines in the body.", .required = true, .max = INT32_MAX},
    {"next_line", FIELD_INT, "`line` of the next part.", .required = true, .max = INT32_MAX},
    {"added", FIELD_INT, "Rows made.", .required = true, .max = PART_ROWS_MAX},
    {"renewed", FIELD_INT, "Rows that were there: contacts are written anew, consents stay as they are.",
     .required = true, .max = PART_ROWS_MAX},
    {"refused", FIELD_LIST, "Lines that were not taken; the others were.", .required = true,
     .ref = "ImportRefusal"},
    {"refused_more", FIELD_INT, "Lines that were not taken, either, and for which there is no room here.",
     .required = true, .max = INT32_MAX},
    {"dry_run", FIELD_BOOL, "Nothing was written.", .required = true},
    {0},
};

/* ---- reading ---- */

bool part_import_begin(struct api_request *rq, struct buf *refused, struct part_import *out,
                       struct sv *columns) {
    enum { LINE, COLUMNS, DRY_RUN };
    struct api_value v[FIELDS_MAX];
    struct err e = ERR_INIT;
    bool json = api_content_is(rq, SV("application/x-ndjson")) || api_content_is(rq, SV("application/jsonl"));
    if (!api_read_query(rq, part_import_fields, v))
        return false;
    if (!json && !api_content_is(rq, SV("text/csv"))) {
        err_set(&e, ERR_INVALID, "Content-Type is text/csv or application/x-ndjson");
        api_fail(rq, &e);
        return false;
    }
    *out = (struct part_import){.json = json,
                                .dry_run = v[DRY_RUN].n != 0,
                                .first_line = v[LINE].given ? v[LINE].n : 1,
                                .refused = refused};
    *columns = v[COLUMNS].given ? arena_dup(&rq->x->arena, v[COLUMNS].text) : SV_NONE;
    return true;
}

/* The next record, without its end. */
static struct sv cut(struct sv *body, bool json, size_t record_max, size_t *lines) {
    size_t n;
    *lines = 1;
    if (json)
        return sv_cut(body, '\n');
    csv_cut(&(struct csv_scan){.at = 0}, *body, true, record_max, &n, lines);
    struct sv record = sv_sub(*body, 0, n);
    *body = sv_from(*body, n + 1);
    return record;
}

bool part_import_next(struct api_request *rq, struct part_import *im, struct sv *body, size_t record_max,
                      struct sv *record, int64_t *line, struct err *e) {
    size_t lines;
    if (im->lines == 0 && im->first_line == 1 && sv_starts(*body, SV("\xEF\xBB\xBF")))
        *body = sv_from(*body, 3);
    if (!body->n)
        return false;
    struct sv text = cut(body, im->json, record_max, &lines);
    if (text.n && text.p[text.n - 1] == '\r')
        text.n--;
    *line = im->first_line + im->lines;
    im->lines += (int64_t)lines;
    *record = arena_dup(&rq->x->arena, text); /* reading takes quotes off in place */
    return !text.n || record->p || err_set(e, ERR_TOO_LARGE, "the body is too large");
}

void part_import_refuse(struct part_import *im, int64_t line, const struct err *why) {
    enum { REFUSAL_BYTES_MAX = 4096 };
    struct buf *out = im->refused;
    if (out->n + REFUSAL_BYTES_MAX > PART_REFUSALS_BYTES_MAX) {
        im->refused_more++;
        return;
    }
    buf_adds(out, out->n ? ",{" : "{");
    json_pair_i64(out, "line", line);
    json_key(out, "column");
    if (why->column)
        buf_add_u64(out, why->column);
    else
        buf_adds(out, "null");
    json_pair_or_null(out, "field", sv_of(why->field));
    json_pair(out, "detail", sv_of(why->text));
    buf_addc(out, '}');
}

void part_import_answer(struct api_request *rq, const struct part_import *im, struct sv refused) {
    struct buf *out = api_scratch(rq);
    buf_addc(out, '{');
    json_pair_i64(out, "lines", im->lines);
    json_pair_i64(out, "next_line", im->first_line + im->lines);
    json_pair_i64(out, "added", (int64_t)im->added);
    json_pair_i64(out, "renewed", (int64_t)im->renewed);
    json_key(out, "refused");
    buf_addc(out, '[');
    buf_add(out, refused);
    buf_addc(out, ']');
    json_pair_i64(out, "refused_more", im->refused_more);
    json_pair_bool(out, "dry_run", im->dry_run);
    buf_addc(out, '}');
    api_answer_json(rq, 200, buf_sv(out));
}
