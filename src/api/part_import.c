#include "api/part_import.h"

#include "base/json.h"
#include "ingest/csv.h"

enum {
    STEP_ROWS = 50,                      /* on PostgreSQL some 20 ms of the journal's time */
    FIRST_LINE_MAX = 2000 * 1000 * 1000, /* what follows in one body is far from INT32_MAX */
    REFUSALS_BYTES_MAX = 256 * 1024,
    REFUSAL_BYTES_MAX = 4096,
};

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
    {"lines", FIELD_INT, "Lines in the body: the one that names the columns and empty ones, too.",
     .required = true, .max = INT32_MAX},
    {"records", FIELD_INT,
     "Records among them, of which one may run over several lines: `added`, `renewed`, `refused` and "
     "`refused_more` together, but of a dry run.",
     .required = true, .max = INT32_MAX},
    {"next_line", FIELD_INT, "`line` of the next part.", .required = true, .max = INT32_MAX},
    {"added", FIELD_INT, "Rows made.", .required = true, .max = PART_ROWS_MAX},
    {"renewed", FIELD_INT,
     "Rows that were there: contacts and suppressions are written anew, consents stay as they are.",
     .required = true, .max = PART_ROWS_MAX},
    {"refused", FIELD_LIST, "Lines that were not taken; the others were.", .required = true,
     .ref = "ImportRefusal"},
    {"refused_more", FIELD_INT, "Lines that were not taken, either, and for which there is no room here.",
     .required = true, .max = INT32_MAX},
    {"dry_run", FIELD_BOOL, "Nothing was written.", .required = true},
    {0},
};

/* ---- reading ---- */

/* What part_import_fields say of it, and its type; *columns: the names of the file's columns, or none. False:
 * answered. */
static bool begin(struct api_request *rq, struct part_import *im, struct sv *columns) {
    enum { LINE, COLUMNS, DRY_RUN };
    struct api_value v[FIELDS_MAX];
    struct err e = ERR_INIT;
    im->json = api_content_is(rq, SV("application/x-ndjson")) || api_content_is(rq, SV("application/jsonl"));
    if (!api_read_query(rq, part_import_fields, v))
        return false;
    if (!im->json && !api_content_is(rq, SV("text/csv"))) {
        err_set(&e, ERR_INVALID, "Content-Type is text/csv or application/x-ndjson");
        api_fail(rq, &e);
        return false;
    }
    im->dry_run = v[DRY_RUN].n != 0;
    im->first_line = v[LINE].given ? v[LINE].n : 1;
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

/* The next record of *body, without its end, copied into the request's memory, for it may be changed; *line
 * is its first. False: there is none, or (e->kind) no memory for it. */
static bool next(struct api_request *rq, struct part_import *im, struct sv *body, struct sv *record,
                 int64_t *line, struct err *e) {
    size_t lines;
    if (im->lines == 0 && im->first_line == 1 && sv_starts(*body, SV("\xEF\xBB\xBF")))
        *body = sv_from(*body, 3);
    if (!body->n)
        return false;
    struct sv text = cut(body, im->json, im->kind->record_max, &lines);
    if (text.n && text.p[text.n - 1] == '\r')
        text.n--;
    *line = im->first_line + im->lines;
    im->lines += (int64_t)lines;
    *record = arena_dup(&rq->x->arena, text); /* reading takes quotes off in place */
    return !text.n || record->p || err_set(e, ERR_TOO_LARGE, "the body is too large");
}

static void refuse(struct part_import *im, int64_t line, const struct err *why) {
    struct buf *out = im->refused;
    im->n_refused++;
    if (out->n + REFUSAL_BYTES_MAX > REFUSALS_BYTES_MAX) {
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

static bool take(struct api_request *rq, struct part_import *im, void *file, struct err *e) {
    const struct part_kind *kind = im->kind;
    struct sv body = rq->x->body, record;
    int64_t line;
    while (next(rq, im, &body, &record, &line, e)) {
        struct err why = ERR_INIT;
        enum file_line got = kind->line(rq, file, record, im->rows + im->n * kind->row_size, &why);
        if (got == FILE_LINE_HEAD_WRONG) {
            *e = why;
            return false;
        }
        if (got == FILE_LINE_WRONG)
            refuse(im, line, &why);
        if (got == FILE_LINE_ROW && im->n++ == PART_ROWS_MAX)
            return err_set(e, ERR_TOO_LARGE, "at most %d %s at once: send the file in parts", PART_ROWS_MAX,
                           kind->rows_name);
    }
    return e->kind == ERR_NONE;
}

static bool read_all(struct api_request *rq, struct part_import *im, struct sv columns, struct err *e) {
    const struct part_kind *kind = im->kind;
    void *file = arena_zalloc(&rq->x->arena, kind->file_size);
    im->rows = arena_alloc(&rq->x->arena, (PART_ROWS_MAX + 1) * kind->row_size);
    if (!file || !im->rows)
        return err_set(e, ERR_TOO_LARGE, "the body is too large");
    kind->init(file, im->json);
    return (!columns.n || kind->head(file, columns, e) != FILE_LINE_HEAD_WRONG) && take(rq, im, file, e);
}

/* ---- the answer ---- */

static void answer(struct api_request *rq, const struct part_import *im) {
    struct buf *out = api_scratch(rq);
    buf_addc(out, '{');
    json_pair_i64(out, "lines", im->lines);
    json_pair_i64(out, "records", (int64_t)im->n + im->n_refused);
    json_pair_i64(out, "next_line", im->first_line + im->lines);
    json_pair_i64(out, "added", (int64_t)im->added);
    json_pair_i64(out, "renewed", (int64_t)im->renewed);
    json_key(out, "refused");
    buf_addc(out, '[');
    buf_add(out, im->report);
    buf_addc(out, ']');
    json_pair_i64(out, "refused_more", im->refused_more);
    json_pair_bool(out, "dry_run", im->dry_run);
    buf_addc(out, '}');
    api_answer_json(rq, 200, buf_sv(out));
}

static void store_step(struct api_request *rq, struct part_import *im);

static void was_stored(struct api_request *rq, struct ask *a) {
    struct part_import *im = rq->own;
    bool done = a->result == ASK_DONE;
    if (done) {
        im->n_stored += im->step.n;
        im->added += im->step.added;
        im->renewed += im->step.renewed;
    }
    if (done && im->n_stored < im->n) {
        store_step(rq, im);
        return;
    }
    if (im->n_stored && im->kind->stored)
        im->kind->stored(rq, im);
    if (done)
        answer(rq, im);
    else
        api_fail(rq, &a->err);
}

static void store_step(struct api_request *rq, struct part_import *im) {
    size_t left = im->n - im->n_stored;
    im->step.rows = im->rows + im->n_stored * im->kind->row_size;
    im->step.n = left < STEP_ROWS ? left : STEP_ROWS;
    struct ask *a = api_new_ask(rq, ASK_WRITE);
    a->write = &im->step.write;
    api_ask(rq, a, was_stored);
}

void part_import_run(struct api_request *rq, const struct part_kind *kind) {
    struct err e = ERR_INIT;
    struct sv columns;
    struct buf BUF_AUTO refused = BUF_INIT(REFUSALS_BYTES_MAX);
    struct part_import *im = arena_zalloc(&rq->x->arena, sizeof *im);
    ASSERT(im);
    im->step.write.run = kind->write;
    im->kind = kind;
    im->refused = &refused;
    if (!begin(rq, im, &columns))
        return;
    if (!read_all(rq, im, columns, &e)) {
        api_fail(rq, &e);
        return;
    }
    im->report = arena_dup(&rq->x->arena, buf_sv(&refused));
    im->refused = NULL;
    if (im->dry_run || im->n == 0) {
        answer(rq, im);
        return;
    }
    rq->own = im;
    store_step(rq, im);
}
