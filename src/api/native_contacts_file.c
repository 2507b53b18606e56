/* Files of contacts over HTTP, part by part: a part of an export is a page; how long the file is makes no
 * difference. */
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

static void init(void *file, bool json) {
    contact_file_init(file, json);
}

static enum file_line head(void *file, struct sv names, struct err *why) {
    return contact_file_head(file, names, why);
}

static enum file_line line(struct api_request *rq, void *file, struct sv record, void *row, struct err *why) {
    struct contact *c = row;
    enum file_line got = contact_file_line(file, (char *)(uintptr_t)record.p, record.n,
                                           api_settings(rq)->defaults.region, &rq->x->arena, c, why);
    c->account_id = rq->account_id;
    return got;
}

static bool write_rows(struct db *db, struct store_write *w, int64_t now, struct err *e) {
    struct part_step *step = (struct part_step *)w;
    const struct contact *rows = step->rows;
    step->added = step->renewed = 0;
    for (size_t i = 0; i < step->n; i++) {
        struct contact_write one = {.act = CONTACT_PUT, .contact = &rows[i], .with_devices = true};
        if (!contacts_write(db, &one, now, e))
            return false;
        step->added += one.outcome == CONTACT_MADE;
        step->renewed += one.outcome == CONTACT_CHANGED;
    }
    return true;
}

void native_contact_import(struct api_request *rq) {
    static const struct part_kind kind = {.rows_name = "contacts",
                                          .file_size = sizeof(struct contact_file),
                                          .row_size = sizeof(struct contact),
                                          .record_max = CONTACT_LINE_BYTES_MAX,
                                          .init = init,
                                          .head = head,
                                          .line = line,
                                          .write = write_rows};
    part_import_run(rq, &kind);
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
