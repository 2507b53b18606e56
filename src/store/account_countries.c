/* To which countries an account may send, as was said over HTTP. */
#include "store/account.h"

bool account_countries_run(struct db *db, struct store_write *w, int64_t now, struct err *e) {
    static const char sql[] = "UPDATE account SET countries=? WHERE id=?";
    const struct account_countries_write *cw = (const void *)w;
    struct buf BUF_AUTO text = BUF_INIT(4096);
    struct db_stmt *s = db_stmt(db, sql, e);
    (void)now;
    region_set_print(&cw->countries, &text);
    db_text(s, buf_sv(&text));
    db_int(s, cw->account_id);
    return db_run(s, e) && accounts_touch(db, e);
}

bool account_countries_read(struct db *db, int64_t account_id, struct region_set *out, struct err *e) {
    struct db_stmt *s = db_stmt(db, "SELECT countries FROM account WHERE id=?", e);
    bool row;
    db_int(s, account_id);
    if (!db_next(s, &row, e))
        return false;
    region_set_read(out, row ? db_col_text(s, 0) : SV_NONE);
    if (row)
        db_end(s);
    return true;
}
