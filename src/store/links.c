#include "store/links.h"

bool links_taken(struct db *db, const struct link *links, size_t n, bool *taken, struct err *e) {
    static const char sql[] = "SELECT 1 FROM link WHERE code=?";
    *taken = false;
    for (size_t i = 0; i < n && !*taken; i++) {
        struct db_stmt *s = db_stmt(db, sql, e);
        db_int(s, links[i].code);
        if (!db_any(s, taken, e))
            return false;
    }
    return true;
}

bool links_add(struct db *db, const struct links_owner *of, const struct link *links, size_t n,
               struct err *e) {
    static const char sql[] = "INSERT INTO link (code, account_id, message_id, target, created_at, "
                              "expires_at) VALUES (?,?,?,?,?,?)";
    for (size_t i = 0; i < n; i++) {
        struct db_stmt *s = db_stmt(db, sql, e);
        db_int(s, links[i].code);
        db_int(s, of->account_id);
        db_int(s, of->message_id);
        db_text(s, links[i].target);
        db_int(s, of->created_at);
        db_int(s, of->expires_at);
        if (!db_run(s, e))
            return false;
    }
    return true;
}

bool links_count(struct db *db, struct store_write *write, int64_t now, struct err *e) {
    const struct links_clicked *w = (const struct links_clicked *)write;
    (void)now;
    static const char sql[] =
        "UPDATE link SET clicks=clicks+?, first_click_at=CASE WHEN first_click_at=0 THEN ? ELSE "
        "min(first_click_at, ?) END, last_click_at=max(last_click_at, ?) WHERE code=?";
    for (size_t i = 0; i < w->n; i++) {
        struct db_stmt *s = db_stmt(db, sql, e);
        db_int(s, w->clicks[i].n);
        db_int(s, w->clicks[i].first_at);
        db_int(s, w->clicks[i].first_at);
        db_int(s, w->clicks[i].last_at);
        db_int(s, w->clicks[i].code);
        if (!db_run(s, e))
            return false;
    }
    return true;
}

bool links_delete(struct db *db, int64_t message_id, struct err *e) {
    static const char sql[] = "DELETE FROM link WHERE message_id=?";
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, message_id);
    return db_run(s, e);
}

bool links_prune(struct db *db, int64_t now, unsigned limit, struct err *e) {
    static const char sql[] =
        "DELETE FROM link WHERE code IN (SELECT code FROM link WHERE expires_at<=? LIMIT ?)";
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, now);
    db_int(s, limit);
    return db_run(s, e);
}

bool links_target(struct db *db, int64_t code, int64_t now, struct buf *target, bool *found, struct err *e) {
    static const char sql[] = "SELECT target FROM link WHERE code=? AND expires_at>?";
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, code);
    db_int(s, now);
    if (!db_next(s, found, e))
        return false;
    if (*found)
        buf_add(target, db_col_text(s, 0));
    db_end(s);
    return true;
}

static struct link_row row_of(struct db_stmt *s, struct arena *a) {
    return (struct link_row){
        .link = {.code = db_col_int(s, 0), .target = arena_dup(a, db_col_text(s, 1))},
        .created_at = db_col_int(s, 2),
        .expires_at = db_col_int(s, 3),
        .clicks = db_col_int(s, 4),
        .first_click_at = db_col_int(s, 5),
        .last_click_at = db_col_int(s, 6),
    };
}

bool links_of(struct db *db, int64_t account_id, int64_t message_id, struct arena *a, struct link_row *out,
              size_t max, size_t *n, struct err *e) {
    static const char sql[] =
        "SELECT code, target, created_at, expires_at, clicks, first_click_at, last_click_at "
        "FROM link WHERE message_id=? AND account_id=?";
    struct db_stmt *s = db_stmt(db, sql, e);
    bool row;
    *n = 0;
    db_int(s, message_id);
    db_int(s, account_id);
    while (*n < max) {
        if (!db_next(s, &row, e))
            return false;
        if (!row)
            return true;
        out[*n] = row_of(s, a);
        if (!out[(*n)++].link.target.p)
            break;
    }
    db_end(s);
    return !a->full || err_set(e, ERR_OUTSIDE, "out of memory for the links of a message");
}
