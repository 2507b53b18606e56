/* The suppression list as a file over HTTP, part by part: a row that is there is said anew, so that a part
 * that was not answered is sent once more. */
#include "api/part_import.h"

#include "ingest/suppression_file.h"

static void init(void *file, bool json) {
    suppression_file_init(file, json, SUPPRESSION_OPT_OUT);
}

static enum file_line head(void *file, struct sv names, struct err *why) {
    return suppression_file_head(file, names, why);
}

static enum file_line line(struct api_request *rq, void *file, struct sv record, void *row, struct err *why) {
    const struct settings *s = api_settings(rq);
    const struct suppression_ground ground = {
        .region = s->defaults.region, .invalid_days = s->consent.invalid_days, .now = rq->now};
    struct suppression *r = row;
    enum file_line got =
        suppression_file_line(file, (char *)(uintptr_t)record.p, record.n, &ground, &rq->x->arena, r, why);
    if (got != FILE_LINE_ROW)
        return got;
    r->account_id = rq->account_id;
    r->by = sid_sv(&rq->key);
    return r->kind != SUPPRESSION_BLOCK || api_need_scope(rq, SCOPE_ADMIN, why) ? got : FILE_LINE_WRONG;
}

static bool write_rows(struct db *db, struct store_write *w, int64_t now, struct err *e) {
    struct part_step *step = (struct part_step *)w;
    struct suppression_write all = {.act = SUPPRESSION_ADD, .rows = step->rows, .n = step->n};
    bool ok = suppression_run(db, &all.write, now, e);
    w->suppresses = all.write.suppresses;
    step->added = all.added;
    step->renewed = all.renewed;
    return ok;
}

static void stored(struct api_request *rq, const struct part_import *im) {
    log_info(api_world(rq)->log, "suppression.imported", kv_word("account", sid_sv(&rq->account_sid)),
             kv_word("key", sid_sv(&rq->key)), kv_int("added", (int64_t)im->added),
             kv_int("renewed", (int64_t)im->renewed));
}

void native_suppression_import(struct api_request *rq) {
    static const struct part_kind kind = {.rows_name = "rows",
                                          .file_size = sizeof(struct suppression_file),
                                          .row_size = sizeof(struct suppression),
                                          .record_max = SUPPRESSION_LINE_BYTES_MAX,
                                          .init = init,
                                          .head = head,
                                          .line = line,
                                          .write = write_rows,
                                          .stored = stored};
    part_import_run(rq, &kind);
}
