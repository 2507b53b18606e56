/* The history of consents as a file over HTTP, part by part: each part is one transaction, and what is in the
 * history already is not added again, so that one that was not answered is sent once more. */
#include "api/part_import.h"

#include "ingest/consent_file.h"

struct import {
    struct store_write write; /* first */
    struct part_import part;
    struct consent *rows;
    size_t n;
    struct sv refused;
};

static bool write_rows(struct db *db, struct store_write *w, int64_t now, struct err *e) {
    struct import *im = (struct import *)w;
    im->part.added = im->part.renewed = 0;
    for (size_t i = 0; i < im->n; i++) {
        bool there;
        if (!consents_bring(db, &im->rows[i], now, &there, e))
            return false;
        im->part.added += !there;
        im->part.renewed += there;
    }
    return true;
}

static void was_imported(struct api_request *rq, struct ask *a) {
    const struct import *im = rq->own;
    if (a->result != ASK_DONE) {
        api_fail(rq, &a->err);
        return;
    }
    log_info(api_world(rq)->log, "consent.imported", kv_word("account", sid_sv(&rq->account_sid)),
             kv_word("key", sid_sv(&rq->key)), kv_int("added", (int64_t)im->part.added));
    part_import_answer(rq, &im->part, im->refused);
}

static bool take(struct api_request *rq, struct consent_file *f, struct import *im, struct err *e) {
    struct sv region = api_settings(rq)->defaults.region, body = rq->x->body, record;
    int64_t line;
    while (part_import_next(rq, &im->part, &body, CONSENT_LINE_BYTES_MAX, &record, &line, e)) {
        struct err why = ERR_INIT;
        struct consent *c = &im->rows[im->n];
        enum consent_line got = consent_file_line(f, (char *)(uintptr_t)record.p, record.n, region, rq->now,
                                                  &rq->x->arena, c, &why);
        if (got == CONSENT_LINE_HEAD_WRONG) {
            *e = why;
            return false;
        }
        if (got == CONSENT_LINE_WRONG)
            part_import_refuse(&im->part, line, &why);
        if (got != CONSENT_LINE_WORD)
            continue;
        c->account_id = rq->account_id;
        if (im->n++ == PART_ROWS_MAX)
            return err_set(e, ERR_TOO_LARGE, "at most %d consents at once: send the file in parts",
                           PART_ROWS_MAX);
    }
    return e->kind == ERR_NONE;
}

void native_consent_import(struct api_request *rq) {
    struct consent_file f;
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
    consent_file_init(&f, im->part.json);
    bool ok = im->rows && (!columns.n || consent_file_head(&f, columns, &e) != CONSENT_LINE_HEAD_WRONG) &&
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
