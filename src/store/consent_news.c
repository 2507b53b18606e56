#include "store/consent_news.h"

#include "base/json.h"
#include "store/consents.h"

enum { MEM_BYTES_MAX = 2 << 20, NOTICE_BYTES_MAX = 4096 };

struct news {
    int64_t row, account_id, at;
    struct sv number, topic;
    enum consent_act act;
    enum suppression_source source;
};

static bool read_marked(struct db *db, struct arena *mem, struct news *out, unsigned max, unsigned *n,
                        struct err *e) {
    static const char sql[] =
        "SELECT id, account_id, number, topic, act, source, at FROM consent WHERE untold IS "
        "NOT NULL ORDER BY id LIMIT ?";
    struct db_stmt *s = db_stmt(db, sql, e);
    bool row;
    db_int(s, max);
    for (*n = 0;; ++*n) {
        if (!db_next(s, &row, e))
            return false;
        if (!row)
            return !mem->full || err_set(e, ERR_OUTSIDE, "out of memory for consents");
        ASSERT(*n < max);
        out[*n] = (struct news){.row = db_col_int(s, 0),
                                .account_id = db_col_int(s, 1),
                                .number = arena_dup(mem, db_col_text(s, 2)),
                                .topic = arena_dup(mem, db_col_text(s, 3)),
                                .act = (enum consent_act)db_col_int(s, 4),
                                .source = (enum suppression_source)db_col_int(s, 5),
                                .at = db_col_int(s, 6)};
    }
}

/* Another node may have told it meanwhile. */
static bool take_mark(struct db *db, const struct news *w, bool *ours, struct err *e) {
    static const char sql[] = "UPDATE consent SET untold=NULL WHERE id=? AND untold IS NOT NULL";
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, w->row);
    if (!db_run(s, e))
        return false;
    *ours = db_changes(db) > 0;
    return true;
}

static bool owe(struct db *db, const struct hook_list *l, const struct news *w, int64_t id, int64_t now,
                struct hooked *out, struct err *e) {
    struct buf BUF_AUTO data = BUF_INIT(NOTICE_BYTES_MAX);
    buf_addc(&data, '{');
    json_pair(&data, "number", w->number);
    json_pair_or_null(&data, "topic", w->topic);
    json_pair(&data, "source", sv_of(suppression_source_name(w->source)));
    json_pair(&data, "act", sv_of(consent_act_name(w->act)));
    json_pair_time(&data, "at", w->at);
    buf_addc(&data, '}');
    const struct notice notice = {.account_id = w->account_id,
                                  .type = w->act == CONSENT_WITHDRAWN ? HOOK_OPTED_OUT : HOOK_OPTED_IN,
                                  .id = id,
                                  .topic = w->topic,
                                  .data = data.overflow ? SV("{}") : buf_sv(&data)};
    return deliveries_owe_notice(db, l, &notice, now, out, e);
}

bool consent_news_tell(struct db *db, const struct hook_list *l, const int64_t *ids, unsigned n, int64_t now,
                       struct hooked *out, bool *more, struct err *e) {
    struct news news[CONSENT_NEWS_MAX];
    unsigned found;
    ARENA_AUTO struct arena mem;
    arena_init(&mem, MEM_BYTES_MAX);
    ASSERT(n <= CONSENT_NEWS_MAX);
    if (!read_marked(db, &mem, news, n, &found, e))
        return false;
    *more = found == n;
    for (unsigned i = 0; i < found; i++) {
        bool ours;
        if (!take_mark(db, &news[i], &ours, e) || (ours && !owe(db, l, &news[i], ids[i], now, out, e)))
            return false;
    }
    return true;
}
