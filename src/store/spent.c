#include "store/spent.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/codec.h"

enum { MARK_BYTES = 16, TEXT_MAX_BYTES = 64 * 1024 };

/* kind keeps an id and a text apart that happen to be the same bytes. */
static void mark_of(const char *kind, struct sv number, struct sv what, uint8_t out[SHA256_BYTES]) {
    struct buf BUF_AUTO all = BUF_INIT(TEXT_MAX_BYTES);
    buf_addf(&all, "%s/%.*s/", kind, SV_FMT(number));
    buf_add(&all, what);
    sha256(buf_sv(&all), out);
}

static bool put(struct db *db, const char *kind, const struct message *m, struct sv what, int64_t now,
                struct err *e) {
    static const char sql[] =
        "INSERT INTO spent (mark, expires_at) VALUES (?,?) ON CONFLICT (mark) DO UPDATE "
        "SET expires_at=excluded.expires_at";
    uint8_t mark[SHA256_BYTES];
    mark_of(kind, m->text[TEXT_TO], what, mark);
    struct db_stmt *s = db_stmt(db, sql, e);
    db_blob(s, mark, MARK_BYTES);
    db_int(s, now + SPENT_KEPT_S * US_PER_S);
    return db_run(s, e);
}

/* What the attempt says that the statement stands on. *open: it has no outcome. */
static bool keep_attempt(struct db *db, struct db_stmt *s, const struct message *m, int64_t now, bool *open,
                         struct err *e) {
    struct sv id = db_col_text(s, 1);
    *open |= db_col_int(s, 2) == 0 || db_col_int(s, 3) == FATE_UNKNOWN;
    bool said = sv_eq(id, sv_of(m->head.provider_id));
    return !id.n || said || put(db, "id", m, id, now, e);
}

static bool keep_text(struct db *db, const struct message *m, bool open, int64_t now, struct err *e) {
    return !open || put(db, "text", m, m->text[TEXT_BODY], now, e);
}

bool spent_keep_all(struct db *db, const struct message *const *m, size_t n, int64_t now, struct err *e) {
    static const char sql[] = "SELECT message_id, provider_id, ended_at, fate FROM attempt WHERE "
                              "message_id>=? AND message_id<=? ORDER BY message_id";
    for (size_t i = 0; i < n; i++) {
        struct sv id = sv_of(m[i]->head.provider_id);
        if (id.n && !put(db, "id", m[i], id, now, e))
            return false;
    }
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, m[0]->id);
    db_int(s, m[n - 1]->id);
    bool open = false;
    for (size_t i = 0;;) {
        bool row;
        if (!db_next(s, &row, e))
            return false;
        if (!row)
            return keep_text(db, m[i], open, now, e);
        bool ok = true;
        for (; ok && m[i]->id < db_col_int(s, 0); i++, open = false) {
            ASSERT(i + 1 < n);
            ok = keep_text(db, m[i], open, now, e);
        }
        if (!ok || !keep_attempt(db, s, m[i], now, &open, e)) {
            db_end(s);
            return false;
        }
    }
}

bool spent_keep(struct db *db, const struct message *m, int64_t now, struct err *e) {
    return spent_keep_all(db, &m, 1, now, e);
}

static bool has(struct db *db, const char *kind, const struct message *m, struct sv what, bool *found,
                struct err *e) {
    static const char sql[] = "SELECT 1 FROM spent WHERE mark=?";
    uint8_t mark[SHA256_BYTES];
    mark_of(kind, m->text[TEXT_TO], what, mark);
    struct db_stmt *s = db_stmt(db, sql, e);
    db_blob(s, mark, MARK_BYTES);
    return db_any(s, found, e);
}

bool spent_ask(struct db *db, const struct message *m, struct sv provider_id, bool *taken, bool *open,
               struct err *e) {
    return has(db, "id", m, provider_id, taken, e) && has(db, "text", m, m->text[TEXT_BODY], open, e);
}

bool spent_prune(struct db *db, int64_t now, unsigned limit, struct err *e) {
    static const char sql[] =
        "DELETE FROM spent WHERE mark IN (SELECT mark FROM spent WHERE expires_at<=? LIMIT ?)";
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, now);
    db_int(s, limit);
    return db_run(s, e);
}
