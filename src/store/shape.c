#include "store/shape.h"

#include "store/migrate.h"
#include "store/rows.h"

static bool kind_of(struct sv type, enum shape_kind *out) {
    static const char *const names[] = {"INTEGER", "TEXT", "BLOB"};
    int place = sv_place(type, names, 3);
    *out = place < 0 ? SHAPE_INTEGER : (enum shape_kind)place;
    return place >= 0;
}

static bool strange(const struct shape_table *t, struct err *e) {
    return err_set(e, ERR_INTERNAL,
                   "table %s has a column of no known type, too many of them, or no primary key", t->name);
}

static bool add_column(struct shape_table *t, struct db_stmt *s, struct err *e) {
    if (t->n_columns == SHAPE_COLUMNS_MAX)
        return strange(t, e);
    struct shape_column *c = &t->columns[t->n_columns];
    int64_t key = db_col_int(s, 2); /* its place in the primary key, from 1 */
    rows_copy(c->name, sizeof c->name, db_col_text(s, 0));
    if (!kind_of(db_col_text(s, 1), &c->kind) || key < 0 || key > SHAPE_COLUMNS_MAX)
        return strange(t, e);
    if (key) {
        t->keys[key - 1] = t->n_columns;
        t->n_keys++;
    }
    t->n_columns++;
    return true;
}

static bool read_columns(struct db *db, struct shape_table *t, struct err *e) {
    static const char sql[] = "SELECT name, type, pk FROM pragma_table_info(?) ORDER BY cid";
    struct db_stmt *s = db_stmt(db, sql, e);
    db_text(s, sv_of(t->name));
    for (bool row;;) {
        if (!db_next(s, &row, e))
            return false;
        if (!row)
            return t->n_keys > 0 || strange(t, e);
        if (!add_column(t, s, e))
            return false;
    }
}

static bool read_tables(struct db *db, struct shape *out, struct err *e) {
    static const char sql[] = "SELECT name FROM sqlite_master WHERE type='table' AND name NOT LIKE "
                              "'sqlite_%' ORDER BY rowid";
    struct db_stmt *s = db_stmt(db, sql, e);
    for (bool row;;) {
        if (!db_next(s, &row, e))
            return false;
        if (!row)
            return true;
        if (out->n_tables == SHAPE_TABLES_MAX)
            return err_set(e, ERR_INTERNAL, "the schema has more than %d tables", SHAPE_TABLES_MAX);
        rows_copy(out->tables[out->n_tables++].name, SHAPE_NAME_MAX + 1, db_col_text(s, 0));
    }
}

bool shape_read(struct shape *out, struct err *e) {
    int from, to;
    *out = (struct shape){.n_tables = 0};
    struct db *db = db_open(SV_NONE, DB_MEMORY, e);
    bool ok = db && migrate_schema(db, &from, &to, e) && read_tables(db, out, e);
    for (unsigned i = 0; ok && i < out->n_tables; i++)
        ok = read_columns(db, &out->tables[i], e);
    db_close(db);
    return ok;
}

bool shape_is_numbered(const struct shape_table *t) {
    return t->n_keys == 1 && t->columns[t->keys[0]].kind == SHAPE_INTEGER;
}
