/* Files of contacts over HTTP, part by part: each part of an import is one transaction, each part of an
 * export a page; how long the file is makes no difference. */
#include "api/part_import.h"

#include "base/json.h"
#include "ingest/contact_file.h"

#include <string.h>

enum { PAGE_DEFAULT = 500 };

/* ---- shapes ---- */

const struct api_field contact_export_fields[] = {
    {"format", FIELD_TEXT, "csv (without it) or ndjson.", .max = 8},
    {"limit", FIELD_INT, "Contacts in a part; 500 without it. It may have fewer, where they are large.",
     .min = 1, .max = CONTACTS_PAGE_MAX},
    {"cursor", FIELD_TEXT, "What the header Next-Cursor of the part before said.", .max = 20},
    {0},
};

/* ---- import ---- */

struct import {
    struct store_write write; /* first */
    struct part_import part;
    struct contact *rows;
    size_t n;
    struct sv refused;
};

static bool write_rows(struct db *db, struct store_write *w, int64_t now, struct err *e) {
    struct import *im = (struct import *)w;
    im->part.added = im->part.renewed = 0;
    for (size_t i = 0; i < im->n; i++) {
        struct contact_write one = {.act = CONTACT_PUT, .contact = &im->rows[i]};
        if (!contacts_write(db, &one, now, e))
            return false;
        im->part.added += one.outcome == CONTACT_MADE;
        im->part.renewed += one.outcome == CONTACT_CHANGED;
    }
    return true;
}

static void was_imported(struct api_request *rq, struct ask *a) {
    const struct import *im = rq->own;
    if (a->result == ASK_DONE)
        part_import_answer(rq, &im->part, im->refused);
    else
        api_fail(rq, &a->err);
}

static bool take(struct api_request *rq, struct contact_file *f, struct import *im, struct err *e) {
    struct sv region = api_settings(rq)->defaults.region, body = rq->x->body, record;
    int64_t line;
    while (part_import_next(rq, &im->part, &body, CONTACT_LINE_BYTES_MAX, &record, &line, e)) {
        struct err why = ERR_INIT;
        struct contact *c = &im->rows[im->n];
        enum contact_line got =
            contact_file_line(f, (char *)(uintptr_t)record.p, record.n, region, &rq->x->arena, c, &why);
        if (got == CONTACT_LINE_HEAD_WRONG) {
            *e = why;
            return false;
        }
        if (got == CONTACT_LINE_WRONG)
            part_import_refuse(&im->part, line, &why);
        if (got != CONTACT_LINE_CONTACT)
            continue;
        c->account_id = rq->account_id;
        if (im->n++ == PART_ROWS_MAX)
            return err_set(e, ERR_TOO_LARGE, "at most %d contacts at once: send the file in parts",
                           PART_ROWS_MAX);
    }
    return e->kind == ERR_NONE;
}

void native_contact_import(struct api_request *rq) {
    struct contact_file f;
    struct err e = ERR_INIT;
    struct sv columns;
    struct buf BUF_AUTO refused = BUF_INIT(PART_REFUSALS_BYTES_MAX);
    struct import *im = arena_zalloc(&rq->x->arena, sizeof *im);
    ASSERT(im);
    if (!part_import_begin(rq, &refused, &im->part, &columns))
        return;
    im->write.run = write_rows;
    im->rows = arena_alloc(&rq->x->arena, (PART_ROWS_MAX + 1) * sizeof *im->rows);
    if (!im->rows)
        err_set(&e, ERR_TOO_LARGE, "the body is too large");
    contact_file_init(&f, im->part.json);
    bool ok = im->rows && (!columns.n || contact_file_head(&f, columns, &e) != CONTACT_LINE_HEAD_WRONG) &&
              take(rq, &f, im, &e);
    if (!ok) {
        api_fail(rq, &e);
        return;
    }
    im->refused = arena_dup(&rq->x->arena, buf_sv(&refused));
    if (im->part.dry_run || im->n == 0) {
        part_import_answer(rq, &im->part, im->refused);
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
