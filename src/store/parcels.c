#include "store/parcels.h"

#include "model/id.h"
#include "store/rows.h"

#define PARCEL_COLUMNS                                                                                       \
    "id, to_node, from_node, kind, message_id, account_id, attempt, state, reason, code, provider_id, "      \
    "result"

bool parcels_put(struct db *db, const struct parcel *p, int64_t now, struct err *e) {
    static const char sql[] =
        "INSERT INTO parcel (id, to_node, from_node, done, kind, message_id, account_id, attempt, state, "
        "reason, code, provider_id, result, created_at) VALUES (?,?,?,0,?,?,?,?,?,?,?,?,0,?)";
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, p->id);
    db_int(s, p->to);
    db_int(s, p->from);
    db_int(s, p->kind);
    db_int(s, p->message_id);
    db_int(s, p->account_id);
    db_int(s, p->attempt);
    db_int(s, p->receipt.state);
    db_int(s, p->receipt.reason);
    db_int(s, p->receipt.code);
    db_text(s, sv_of(p->receipt.provider_id));
    db_int(s, now);
    return db_run(s, e);
}

bool parcels_read(struct db *db, unsigned node, bool answers, struct parcel *out, unsigned limit, unsigned *n,
                  struct err *e) {
    static const char todo[] =
        "SELECT " PARCEL_COLUMNS " FROM parcel WHERE to_node=? AND done=0 ORDER BY id LIMIT ?";
    static const char done[] =
        "SELECT " PARCEL_COLUMNS " FROM parcel WHERE from_node=? AND done=1 ORDER BY id LIMIT ?";
    struct db_stmt *s = db_stmt(db, answers ? done : todo, e);
    db_int(s, node);
    db_int(s, limit);
    *n = 0;
    for (bool row;;) {
        if (!db_next(s, &row, e))
            return false;
        if (!row)
            return true;
        ASSERT(*n < limit);
        struct parcel *p = &out[(*n)++];
        *p = (struct parcel){.id = db_col_int(s, 0),
                             .to = (unsigned)db_col_int(s, 1),
                             .from = (unsigned)db_col_int(s, 2),
                             .kind = (enum parcel_kind)db_col_int(s, 3),
                             .message_id = db_col_int(s, 4),
                             .account_id = db_col_int(s, 5),
                             .attempt = (unsigned)db_col_int(s, 6),
                             .receipt = {.state = (enum state)db_col_int(s, 7),
                                         .reason = (enum reason)db_col_int(s, 8),
                                         .code = (int32_t)db_col_int(s, 9)},
                             .result = (enum parcel_result)db_col_int(s, 11)};
        rows_copy(p->receipt.provider_id, sizeof p->receipt.provider_id, db_col_text(s, 10));
    }
}

bool parcels_answer(struct db *db, const struct parcel *p, struct err *e) {
    static const char sql[] = "UPDATE parcel SET done=1, result=?, state=? WHERE id=?";
    if (p->kind == PARCEL_RECEIPT)
        return parcels_forget(db, p->id, e);
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, p->result);
    db_int(s, p->receipt.state);
    db_int(s, p->id);
    return db_run(s, e);
}

bool parcels_forget(struct db *db, int64_t id, struct err *e) {
    struct db_stmt *s = db_stmt(db, "DELETE FROM parcel WHERE id=?", e);
    db_int(s, id);
    return db_run(s, e);
}

bool parcels_prune(struct db *db, int64_t before, unsigned limit, struct err *e) {
    static const char sql[] =
        "DELETE FROM parcel WHERE id IN (SELECT id FROM parcel WHERE id<? AND done=1 LIMIT ?)";
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, id_floor(before));
    db_int(s, limit);
    return db_run(s, e);
}
