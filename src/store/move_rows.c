#include "store/move_rows.h"

#include "store/db_move.h"

#include <string.h>

enum { CHUNK = 2000, SQL_MAX = 16384, PAGE_BYTES_MAX = 1 << 30 };

/* A value of the primary key that was reached. */
struct key_value {
    int64_t number;
    struct buf text; /* owned */
};

struct cursor {
    struct key_value at[SHAPE_COLUMNS_MAX];
    bool begun;
};

struct move_rows {
    const struct shape_table *table;
    struct db *from, *to;
    /* Owned: SQL, and the keys of the statements that the connections hold. */
    char *first, *next, *nth, *any, *count, *put, *wipe;
    struct cursor source, copy;
    uint8_t digest[SHA256_BYTES];
    int64_t mended;
};

/* ---- SQL ---- */

static void add_keys(const struct shape_table *t, const char *form, struct buf *out) {
    for (unsigned i = 0; i < t->n_keys; i++) {
        buf_adds(out, i ? ", " : "");
        if (form)
            buf_adds(out, form);
        else
            buf_addf(out, "t.%s", t->columns[t->keys[i]].name);
    }
}

static char *page_sql(const struct shape_table *t, bool next) {
    struct buf out = BUF_INIT(SQL_MAX);
    for (unsigned i = 0; i < t->n_columns; i++)
        buf_addf(&out, "%s t.%s, t.%s IS NULL", i ? "," : "SELECT", t->columns[i].name, t->columns[i].name);
    buf_addf(&out, " FROM %s AS t", t->name);
    if (next) {
        buf_adds(&out, t->n_keys > 1 ? " WHERE (" : " WHERE ");
        add_keys(t, NULL, &out);
        buf_adds(&out, t->n_keys > 1 ? ") > (" : " > ");
        add_keys(t, "?", &out);
        buf_adds(&out, t->n_keys > 1 ? ")" : "");
    }
    buf_adds(&out, " ORDER BY ");
    add_keys(t, NULL, &out);
    buf_adds(&out, " LIMIT ?");
    ASSERT(!out.overflow);
    return buf_steal(&out);
}

static char *nth_sql(const struct shape_table *t) {
    struct buf out = BUF_INIT(SQL_MAX);
    buf_adds(&out, "SELECT ");
    add_keys(t, NULL, &out);
    buf_addf(&out, " FROM %s AS t ORDER BY ", t->name);
    add_keys(t, NULL, &out);
    buf_adds(&out, " LIMIT 1 OFFSET ?");
    ASSERT(!out.overflow);
    return buf_steal(&out);
}

static char *put_sql(const struct shape_table *t) {
    struct buf out = BUF_INIT(SQL_MAX);
    buf_addf(&out, "INSERT INTO %s (", t->name);
    for (unsigned i = 0; i < t->n_columns; i++)
        buf_addf(&out, "%s%s", i ? ", " : "", t->columns[i].name);
    buf_adds(&out, ") VALUES (");
    for (unsigned i = 0; i < t->n_columns; i++)
        buf_adds(&out, i ? ",?" : "?");
    buf_adds(&out, ")");
    ASSERT(!out.overflow);
    return buf_steal(&out);
}

static char *short_sql(const char *before, const struct shape_table *t, const char *behind) {
    struct buf out = BUF_INIT(SQL_MAX);
    buf_addf(&out, "%s%s%s", before, t->name, behind);
    return buf_steal(&out);
}

/* ---- life ---- */

static void cursor_init(struct cursor *c) {
    for (unsigned i = 0; i < SHAPE_COLUMNS_MAX; i++)
        c->at[i].text = BUF_INIT(PAGE_BYTES_MAX);
    c->begun = false;
}

static void cursor_done(struct cursor *c) {
    for (unsigned i = 0; i < SHAPE_COLUMNS_MAX; i++)
        buf_done(&c->at[i].text);
}

struct move_rows *move_rows_new(const struct shape_table *t, struct db *from, struct db *to) {
    struct move_rows *r = calloc(1, sizeof *r);
    ASSERT(r);
    *r = (struct move_rows){.table = t,
                            .from = from,
                            .to = to,
                            .first = page_sql(t, false),
                            .next = page_sql(t, true),
                            .nth = nth_sql(t),
                            .any = short_sql("SELECT 1 FROM ", t, " LIMIT 1"),
                            .count = short_sql("SELECT count(*) FROM ", t, ""),
                            .put = put_sql(t),
                            .wipe = short_sql("DELETE FROM ", t, "")};
    cursor_init(&r->source);
    cursor_init(&r->copy);
    return r;
}

void move_rows_free(struct move_rows *r) {
    if (!r)
        return;
    cursor_done(&r->source);
    cursor_done(&r->copy);
    free(r->first);
    free(r->next);
    free(r->nth);
    free(r->any);
    free(r->count);
    free(r->put);
    free(r->wipe);
    free(r);
}

/* ---- values ---- */

static void bind(struct db_stmt *s, enum shape_kind kind, bool null, int64_t number, struct sv text) {
    switch (kind) {
    case SHAPE_INTEGER:
        if (null)
            db_int_or_null(s, 0);
        else
            db_int(s, number);
        return;
    case SHAPE_TEXT:
        if (null)
            db_text_or_null(s, SV_NONE);
        else
            db_text(s, text);
        return;
    case SHAPE_BLOB: db_blob(s, null ? NULL : text.n ? text.p : "", text.n); return;
    }
}

/* step: between two columns of the statement: 2 where each is followed by whether it is NULL. */
static void cursor_set(struct cursor *c, const struct shape_table *t, struct db_stmt *s, int step) {
    for (unsigned i = 0; i < t->n_keys; i++) {
        int col = step == 2 ? 2 * (int)t->keys[i] : (int)i;
        buf_reset(&c->at[i].text);
        if (t->columns[t->keys[i]].kind == SHAPE_INTEGER)
            c->at[i].number = db_col_int(s, col);
        else
            buf_add(&c->at[i].text, db_col_text(s, col));
    }
    c->begun = true;
}

static struct db_stmt *next_page(const struct move_rows *r, struct db *db, const struct cursor *c,
                                 struct err *e) {
    struct db_stmt *s = db_stmt(db, c->begun ? r->next : r->first, e);
    for (unsigned i = 0; c->begun && i < r->table->n_keys; i++)
        bind(s, r->table->columns[r->table->keys[i]].kind, false, c->at[i].number, buf_sv(&c->at[i].text));
    db_int(s, CHUNK);
    return s;
}

/* ---- looking ---- */

bool move_rows_any(struct move_rows *r, struct db *db, bool *any, struct err *e) {
    struct db_stmt *s = db_stmt(db, r->any, e);
    if (!db_next(s, any, e))
        return false;
    db_end(s);
    return true;
}

bool move_rows_count(struct move_rows *r, struct db *db, int64_t *n, struct err *e) {
    struct db_stmt *s = db_stmt(db, r->count, e);
    bool row;
    if (!db_next(s, &row, e))
        return false;
    *n = row ? db_col_int(s, 0) : 0;
    db_end(s);
    return true;
}

bool move_rows_wipe(struct move_rows *r, struct err *e) {
    return db_run(db_stmt(r->to, r->wipe, e), e);
}

/* ---- copying ---- */

bool move_rows_resume(struct move_rows *r, int64_t *there, struct err *e) {
    bool row;
    r->source.begun = false;
    if (!move_rows_count(r, r->to, there, e))
        return false;
    if (!*there)
        return true;
    struct db_stmt *s = db_stmt(r->from, r->nth, e);
    db_int(s, *there - 1);
    if (!db_next(s, &row, e))
        return false;
    if (!row)
        return err_set(e, ERR_CONFLICT, "table %s: the new database has more rows than the old one",
                       r->table->name);
    cursor_set(&r->source, r->table, s, 1);
    db_end(s);
    return true;
}

static bool is_movers(struct db *db, int64_t mover, struct err *e) {
    static const char sql[] = "UPDATE move SET mover=mover WHERE id=1 AND state=3 AND mover=?";
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, mover);
    if (!db_run(s, e))
        return false;
    return db_changes(db) == 1 ||
           err_set(e, ERR_CONFLICT, "another `hongyan migrate` goes on with this move");
}

static bool copy_page(struct move_rows *r, int64_t *n, struct err *e) {
    const struct shape_table *t = r->table;
    struct db_stmt *s = next_page(r, r->from, &r->source, e);
    for (bool row;; ++*n) {
        if (!db_next(s, &row, e))
            return false;
        if (!row)
            return true;
        struct db_stmt *put = db_stmt(r->to, r->put, e);
        for (unsigned i = 0; i < t->n_columns; i++)
            bind(put, t->columns[i].kind, db_col_int(s, 2 * (int)i + 1) != 0, db_col_int(s, 2 * (int)i),
                 t->columns[i].kind == SHAPE_INTEGER ? SV_NONE : db_col_text(s, 2 * (int)i));
        cursor_set(&r->source, t, s, 2);
        if (!db_put(put, e)) {
            db_end(s);
            return false;
        }
    }
}

bool move_rows_some(struct move_rows *r, int64_t mover, int64_t *n, struct err *e) {
    *n = 0;
    if (db_begin(r->to, e) && is_movers(r->to, mover, e) && copy_page(r, n, e) && db_commit(r->to, e))
        return true;
    db_rollback(r->to);
    return false;
}

/* ---- comparing ---- */

void move_rows_rewind(struct move_rows *r) {
    static const uint8_t none[SHA256_BYTES];
    r->source.begun = r->copy.begun = false;
    memcpy(r->digest, none, sizeof none);
    r->mended = 0;
}

static void add_value(struct move_rows *r, struct db_stmt *s, unsigned i, struct buf *out) {
    struct sv text;
    if (db_col_int(s, 2 * (int)i + 1)) {
        buf_addc(out, 'n');
        return;
    }
    if (r->table->columns[i].kind == SHAPE_INTEGER) {
        buf_addf(out, "%lld ", (long long)db_col_int(s, 2 * (int)i));
        return;
    }
    text = db_col_text(s, 2 * (int)i);
    struct buf BUF_AUTO kept = BUF_INIT(PAGE_BYTES_MAX);
    if (r->table->columns[i].kind == SHAPE_TEXT && db_add_kept(r->to, text, &kept)) {
        r->mended++;
        text = buf_sv(&kept);
    }
    buf_addf(out, "%zu:", text.n);
    buf_add(out, text);
}

static bool read_page(struct move_rows *r, struct db *db, struct cursor *c, int64_t *n, struct buf *out,
                      struct err *e) {
    struct db_stmt *s = next_page(r, db, c, e);
    for (bool row;; ++*n) {
        if (!db_next(s, &row, e))
            return false;
        if (!row)
            return !out->overflow ||
                   err_set(e, ERR_TOO_LARGE, "table %s: its rows are too large", r->table->name);
        for (unsigned i = 0; i < r->table->n_columns; i++)
            add_value(r, s, i, out);
        cursor_set(c, r->table, s, 2);
    }
}

bool move_rows_compare(struct move_rows *r, int64_t *n, uint8_t digest[SHA256_BYTES], struct err *e) {
    struct buf BUF_AUTO one = BUF_INIT(PAGE_BYTES_MAX), two = BUF_INIT(PAGE_BYTES_MAX);
    struct sv before = sv_make((const char *)r->digest, sizeof r->digest);
    int64_t n_two = 0;
    *n = 0;
    buf_add(&one, before);
    buf_add(&two, before);
    if (!read_page(r, r->from, &r->source, n, &one, e) || !read_page(r, r->to, &r->copy, &n_two, &two, e))
        return false;
    if (*n != n_two || !sv_eq(buf_sv(&one), buf_sv(&two)))
        return err_set(e, ERR_CONFLICT, "table %s: the new database does not hold what the old one does",
                       r->table->name);
    if (*n)
        sha256(buf_sv(&one), r->digest);
    memcpy(digest, r->digest, sizeof r->digest);
    return true;
}

int64_t move_rows_mended(const struct move_rows *r) {
    return r->mended;
}
