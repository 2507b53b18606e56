/* Files of contacts over HTTP, part by part: each part of an import is one transaction, each part of an
 * export a page; how long the file is makes no difference. */
#include "api/native.h"

#include "base/json.h"
#include "ingest/contact_file.h"
#include "ingest/csv.h"

#include <string.h>

enum {
    LINES_MAX = 500, /* of one transaction, and of what one request's memory holds */
    PAGE_DEFAULT = 500,
    REFUSALS_BYTES_MAX = 256 * 1024,
};

/* ---- shapes ---- */

const struct api_field contact_import_fields[] = {
    {"line", FIELD_INT, "Which line of the file the body's first is, for the report; 1 without it.", .min = 1,
     .max = INT32_MAX},
    {"columns", FIELD_TEXT, "The file's first line, where the body begins behind it: id,name,numbers.",
     .max = 2000},
    {"dry_run", FIELD_BOOL, "Only look."},
    {0},
};

const struct api_field contact_export_fields[] = {
    {"format", FIELD_TEXT, "csv (without it) or ndjson.", .max = 8},
    {"limit", FIELD_INT, "Contacts in a part; 500 without it. It may have fewer, where they are large.",
     .min = 1, .max = CONTACTS_PAGE_MAX},
    {"cursor", FIELD_TEXT, "What the header Next-Cursor of the part before said.", .max = 20},
    {0},
};

const struct api_field contact_import_refusal_shape[] = {
    {"line", FIELD_INT, "Which line.", .required = true, .max = INT32_MAX},
    {"column", FIELD_INT, "Which column, from 1.", .max = INT32_MAX},
    {"field", FIELD_TEXT, "Its name."},
    {"detail", FIELD_TEXT, "What is wrong, and how to mend it.", .required = true},
    {0},
};

const struct api_field contact_import_shape[] = {
    {"lines", FIELD_INT, "Lines in the body.", .required = true, .max = INT32_MAX},
    {"next_line", FIELD_INT, "`line` of the next part.", .required = true, .max = INT32_MAX},
    {"added", FIELD_INT, "Contacts made.", .required = true, .max = LINES_MAX},
    {"renewed", FIELD_INT, "Contacts written anew.", .required = true, .max = LINES_MAX},
    {"refused", FIELD_LIST, "Lines that were not taken; the others were.", .required = true,
     .ref = "ContactImportRefusal"},
    {"refused_more", FIELD_INT, "Lines that were not taken, either, and for which there is no room here.",
     .required = true, .max = INT32_MAX},
    {"dry_run", FIELD_BOOL, "Nothing was written.", .required = true},
    {0},
};

/* ---- import ---- */

struct import {
    struct store_write write; /* first */
    struct contact *rows;
    size_t n;
    int64_t first_line, lines;
    size_t added, renewed; /* what came of it */
    struct sv refused;     /* JSON */
    int64_t refused_more;  /* for which there was no room in it */
    bool dry_run;
};

static bool write_rows(struct db *db, struct store_write *w, int64_t now, struct err *e) {
    struct import *im = (struct import *)w;
    im->added = im->renewed = 0;
    for (size_t i = 0; i < im->n; i++) {
        struct contact_write one = {.act = CONTACT_PUT, .contact = &im->rows[i]};
        if (!contacts_write(db, &one, now, e))
            return false;
        im->added += one.outcome == CONTACT_MADE;
        im->renewed += one.outcome == CONTACT_CHANGED;
    }
    return true;
}

static void answer_import(struct api_request *rq, const struct import *im) {
    struct buf *out = api_scratch(rq);
    buf_addc(out, '{');
    json_pair_i64(out, "lines", im->lines);
    json_pair_i64(out, "next_line", im->first_line + im->lines);
    json_pair_i64(out, "added", (int64_t)im->added);
    json_pair_i64(out, "renewed", (int64_t)im->renewed);
    json_key(out, "refused");
    buf_addc(out, '[');
    buf_add(out, im->refused);
    buf_addc(out, ']');
    json_pair_i64(out, "refused_more", im->refused_more);
    json_pair_bool(out, "dry_run", im->dry_run);
    buf_addc(out, '}');
    api_answer_json(rq, 200, buf_sv(out));
}

static void was_imported(struct api_request *rq, struct ask *a) {
    if (a->result == ASK_DONE)
        answer_import(rq, rq->own);
    else
        api_fail(rq, &a->err);
}

static void refuse(struct import *im, struct buf *out, int64_t line, const struct err *why) {
    enum { REFUSAL_BYTES_MAX = 4096 };
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

/* The next record, without its end. */
static struct sv cut(struct sv *body, bool json, size_t *lines) {
    size_t n;
    *lines = 1;
    if (json)
        return sv_cut(body, '\n');
    csv_cut(*body, true, CONTACT_LINE_BYTES_MAX, &n, lines);
    struct sv record = sv_sub(*body, 0, n);
    *body = sv_from(*body, n + 1);
    return record;
}

static bool take(struct api_request *rq, struct contact_file *f, struct sv body, struct import *im,
                 struct buf *refused, struct err *e) {
    struct sv region = api_settings(rq)->defaults.region;
    if (im->first_line == 1 && sv_starts(body, SV("\xEF\xBB\xBF")))
        body = sv_from(body, 3);
    for (size_t lines; body.n; im->lines += (int64_t)lines) {
        struct err why = ERR_INIT;
        struct sv line = cut(&body, f->json, &lines);
        if (line.n && line.p[line.n - 1] == '\r')
            line.n--;
        struct sv copy = arena_dup(&rq->x->arena, line); /* reading takes quotes off in place */
        struct contact *c = &im->rows[im->n];
        if (line.n && !copy.p)
            return err_set(e, ERR_TOO_LARGE, "the body is too large");
        enum contact_line got =
            contact_file_line(f, (char *)(uintptr_t)copy.p, copy.n, region, &rq->x->arena, c, &why);
        if (got == CONTACT_LINE_HEAD_WRONG) {
            *e = why;
            return false;
        }
        if (got == CONTACT_LINE_WRONG)
            refuse(im, refused, im->first_line + im->lines, &why);
        if (got != CONTACT_LINE_CONTACT)
            continue;
        c->account_id = rq->account_id;
        if (im->n++ == LINES_MAX)
            return err_set(e, ERR_TOO_LARGE, "at most %d contacts at once: send the file in parts",
                           LINES_MAX);
    }
    return true;
}

static bool start(struct api_request *rq, const struct api_value *v, struct contact_file *f, struct err *e) {
    bool json = api_content_is(rq, SV("application/x-ndjson")) || api_content_is(rq, SV("application/jsonl"));
    contact_file_init(f, json);
    if (!json && !api_content_is(rq, SV("text/csv")))
        return err_set(e, ERR_INVALID, "Content-Type is text/csv or application/x-ndjson");
    return !v->given || contact_file_head(f, v->text, e) != CONTACT_LINE_HEAD_WRONG;
}

void native_contact_import(struct api_request *rq) {
    enum { LINE, COLUMNS, DRY_RUN };
    struct api_value v[FIELDS_MAX];
    struct contact_file f;
    struct err e = ERR_INIT;
    struct buf BUF_AUTO refused = BUF_INIT(REFUSALS_BYTES_MAX);
    if (!api_read_query(rq, contact_import_fields, v))
        return;
    struct import *im = arena_zalloc(&rq->x->arena, sizeof *im);
    ASSERT(im);
    *im = (struct import){.write = {.run = write_rows},
                          .first_line = v[LINE].given ? v[LINE].n : 1,
                          .dry_run = v[DRY_RUN].n != 0};
    im->rows = arena_alloc(&rq->x->arena, (LINES_MAX + 1) * sizeof *im->rows);
    if (!im->rows)
        err_set(&e, ERR_TOO_LARGE, "the body is too large");
    if (!im->rows || !start(rq, &v[COLUMNS], &f, &e) || !take(rq, &f, rq->x->body, im, &refused, &e)) {
        api_fail(rq, &e);
        return;
    }
    im->refused = arena_dup(&rq->x->arena, buf_sv(&refused));
    if (im->dry_run || im->n == 0) {
        answer_import(rq, im);
        return;
    }
    rq->own = im;
    struct ask *a = api_new_ask(rq, ASK_WRITE);
    a->write = &im->write;
    api_ask(rq, a, was_imported);
}

/* ---- export ---- */

static bool read_export(const struct api_value *v, struct contact_filter *f, bool *json, struct err *e) {
    enum { FORMAT, LIMIT, CURSOR };
    *json = sv_eq(v[FORMAT].text, SV("ndjson"));
    f->limit = v[LIMIT].given ? (unsigned)v[LIMIT].n : PAGE_DEFAULT;
    if (v[FORMAT].given && !*json && !sv_eq(v[FORMAT].text, SV("csv")))
        return err_set_field(e, ERR_INVALID, "format", "`format` is csv or ndjson");
    return !v[CURSOR].given || (sv_to_i64(v[CURSOR].text, &f->after_row) && f->after_row > 0) ||
           err_set_field(e, ERR_INVALID, "cursor", "this is no cursor: take what Next-Cursor said");
}

static void add_json(const struct contact *c, struct buf *out) {
    contact_file_add(true, c, out);
}

static void add_csv(const struct contact *c, struct buf *out) {
    contact_file_add(false, c, out);
}

void native_contact_export(struct api_request *rq) {
    struct api_value v[FIELDS_MAX];
    struct contact_filter f = {.account_id = rq->account_id};
    struct err e = ERR_INIT;
    bool json;
    if (!api_read_query(rq, contact_export_fields, v))
        return;
    if (!read_export(v, &f, &json, &e)) {
        api_fail(rq, &e);
        return;
    }
    struct buf *out = api_scratch(rq);
    char cursor[CONTACT_CURSOR_BYTES];
    if (!json && !f.after_row)
        contact_file_add_head(out);
    if (!native_contact_page(rq, &f, json ? add_json : add_csv, out, cursor))
        return;
    struct answer a = {.status = 200,
                       .content_type = json ? "application/x-ndjson" : "text/csv; charset=utf-8",
                       .body = buf_sv(out)};
    if (cursor[0])
        a.headers[a.n_headers++] = (struct http_header){SV("Next-Cursor"), sv_of(cursor)};
    api_answer(rq, &a);
}
