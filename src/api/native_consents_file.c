/* The history of consents as a file over HTTP, part by part: what is in the history already is not added
 * again, so that a part that was not answered is sent once more. */
#include "api/part_import.h"

#include "ingest/consent_file.h"

static void init(void *file, bool json) {
    consent_file_init(file, json);
}

static enum file_line head(void *file, struct sv names, struct err *why) {
    return consent_file_head(file, names, why);
}

static enum file_line line(struct api_request *rq, void *file, struct sv record, void *row, struct err *why) {
    struct consent *c = row;
    enum file_line got = consent_file_line(file, (char *)(uintptr_t)record.p, record.n,
                                           api_settings(rq)->defaults.region, rq->now, &rq->x->arena, c, why);
    c->account_id = rq->account_id;
    if (got == FILE_LINE_ROW && !native_check_history(rq, c->number, why))
        return FILE_LINE_WRONG;
    return got;
}

static bool write_rows(struct db *db, struct store_write *w, int64_t now, struct err *e) {
    struct part_step *step = (struct part_step *)w;
    const struct consent *rows = step->rows;
    step->added = step->renewed = 0;
    w->suppresses = true; /* a withdrawal puts its number on the list */
    for (size_t i = 0; i < step->n; i++) {
        bool there;
        if (!consents_bring(db, &rows[i], now, &there, e))
            return false;
        step->added += !there;
        step->renewed += there;
    }
    return true;
}

static void stored(struct api_request *rq, const struct part_import *im) {
    log_info(api_world(rq)->log, "consent.imported", kv_word("account", sid_sv(&rq->account_sid)),
             kv_word("key", sid_sv(&rq->key)), kv_int("added", (int64_t)im->added));
}

void native_consent_import(struct api_request *rq) {
    static const struct part_kind kind = {.rows_name = "consents",
                                          .file_size = sizeof(struct consent_file),
                                          .row_size = sizeof(struct consent),
                                          .record_max = CONSENT_LINE_BYTES_MAX,
                                          .init = init,
                                          .head = head,
                                          .line = line,
                                          .write = write_rows,
                                          .stored = stored};
    part_import_run(rq, &kind);
}
