#include "store/pg.h"

#include <endian.h>
#include <string.h>

enum { SQL_MAX = 16384, OID_BOOL = 16, OID_INT2 = 21, OID_INT4 = 23, OID_NUMERIC = 1700 };

static struct pg_stmt *of(struct db_stmt *s) {
    return (struct pg_stmt *)s;
}

struct db_stmt *pg_stmt_new(struct db *db, const char *sql, struct err *e) {
    struct pg *pg = (struct pg *)db;
    struct buf BUF_AUTO text = BUF_INIT(SQL_MAX);
    struct pg_sql about;
    if (!pg_sql_translate(sv_of(sql), &text, &about)) {
        err_set(e, ERR_INTERNAL, "database: a statement is too long");
        return NULL;
    }
    struct pg_stmt *s = calloc(1, sizeof *s);
    struct pg_param *params = calloc(about.n_params + 1, sizeof *params);
    ASSERT(s && params);
    *s = (struct pg_stmt){.sql = buf_steal(&text),
                          .tables = about.tables,
                          .reads = about.reads,
                          .undoes = about.undoes,
                          .n_params = about.n_params,
                          .params = params,
                          .scratch = BUF_INIT(4096),
                          .number = ++pg->names};
    for (unsigned i = 0; i < s->n_params; i++)
        params[i] = (struct pg_param){.type = PG_INT8, .null = true, .mended = BUF_INIT(SIZE_MAX)};
    s->gather = pg_gather_new(s->sql, s->n_params);
    return &s->stmt;
}

void pg_stmt_reset(struct db_stmt *stmt) {
    struct pg_stmt *s = of(stmt);
    PQclear(s->result);
    s->result = NULL;
    s->next_param = 0;
}

static void forget_preparing(struct pg_stmt *s) {
    struct pg_stmt **p = &((struct pg *)s->stmt.db)->first_preparing;
    while (*p != s)
        p = &(*p)->next_preparing;
    *p = s->next_preparing;
}

void pg_stmt_free(struct db_stmt *stmt) {
    struct pg_stmt *s = of(stmt);
    if (s->preparing)
        forget_preparing(s);
    PQclear(s->result);
    for (unsigned i = 0; i < s->n_params; i++)
        buf_done(&s->params[i].mended);
    free(s->params);
    buf_done(&s->scratch);
    pg_gather_free(s->gather);
    free(s->sql);
    free(s);
}

/* ---- parameters ---- */

static struct pg_param *next_param(struct pg_stmt *s, Oid type) {
    ASSERT(s->next_param < s->n_params);
    struct pg_param *p = &s->params[s->next_param++];
    if (p->type != type && s->prepared) /* it had another type, and was prepared with it */
        s->prepared = 0, s->number = ++((struct pg *)s->stmt.db)->names;
    p->type = type;
    p->null = false;
    return p;
}

void pg_bind_int(struct db_stmt *stmt, const int64_t *v) {
    struct pg_param *p = next_param(of(stmt), PG_INT8);
    p->null = !v;
    uint64_t be = v ? htobe64((uint64_t)*v) : 0;
    memcpy(p->be, &be, sizeof be);
    p->p = p->be;
    p->n = (int)sizeof be;
}

/* One character of well-formed UTF-8 that is not NUL, or U+FFFD for the byte that stands there. */
static void mend_one(struct sv *rest, struct buf *out) {
    static const char replacement[] = "\xef\xbf\xbd";
    for (size_t n = 1; n <= 4 && n <= rest->n; n++) {
        struct sv c = sv_sub(*rest, 0, n);
        if (c.p[0] && sv_is_utf8(c)) {
            buf_add(out, c);
            *rest = sv_from(*rest, n);
            return;
        }
    }
    buf_adds(out, replacement);
    *rest = sv_from(*rest, 1);
}

bool pg_add_kept(struct db *db, struct sv text, struct buf *out) {
    (void)db;
    if (!text.n || (!memchr(text.p, 0, text.n) && sv_is_utf8(text)))
        return false;
    while (text.n)
        mend_one(&text, out);
    return true;
}

void pg_bind_text(struct db_stmt *stmt, const struct sv *v) {
    struct pg_param *p = next_param(of(stmt), PG_TEXT);
    p->null = !v;
    p->p = v && v->n ? v->p : "";
    p->n = v ? (int)v->n : 0;
    if (p->mended.n)
        buf_reset(&p->mended);
    if (!v || !pg_add_kept(stmt->db, *v, &p->mended))
        return;
    ASSERT(!p->mended.overflow);
    p->p = p->mended.p;
    p->n = (int)p->mended.n;
}

void pg_bind_blob(struct db_stmt *stmt, const void *bytes, size_t n) {
    struct pg_param *p = next_param(of(stmt), PG_BYTEA);
    p->null = !bytes;
    p->p = bytes ? bytes : "";
    p->n = (int)n;
}

void pg_stmt_answered(struct pg *pg, bool failed) {
    for (struct pg_stmt *s = pg->first_preparing; s; s = s->next_preparing) {
        s->preparing = false;
        if (!failed)
            continue;
        s->prepared = 0; /* one of that name may be there, or not: it gets another */
        s->number = ++pg->names;
    }
    pg->first_preparing = NULL;
}

static void note_preparing(struct pg *pg, struct pg_stmt *s) {
    s->prepared = pg->generation;
    if (s->preparing)
        return;
    s->preparing = true;
    s->next_preparing = pg->first_preparing;
    pg->first_preparing = s;
}

bool pg_stmt_send(struct pg *pg, struct pg_stmt *s, struct err *e) {
    char name[16];
    const char *values[PG_PARAMS_MAX];
    int lengths[PG_PARAMS_MAX], formats[PG_PARAMS_MAX];
    Oid types[PG_PARAMS_MAX];
    for (unsigned i = 0; i < s->n_params; i++) {
        values[i] = s->params[i].null ? NULL : s->params[i].p;
        lengths[i] = s->params[i].n;
        formats[i] = 1;
        types[i] = s->params[i].type;
    }
    snprintf(name, sizeof name, "s%u", s->number);
    if (s->prepared != pg->generation) {
        if (!PQsendPrepare(pg->conn, name, s->sql, (int)s->n_params, types))
            return pg_lost(pg, e);
        note_preparing(pg, s);
        pg->unread++;
    }
    if (!PQsendQueryPrepared(pg->conn, name, (int)s->n_params, values, lengths, formats, 1))
        return pg_lost(pg, e);
    pg->unread++;
    pg->sent++;
    return true;
}

/* ---- columns ---- */

static int64_t be_int(const char *p, int n) {
    uint64_t v = n && (unsigned char)p[0] & 0x80 ? UINT64_MAX : 0;
    for (int i = 0; i < n; i++)
        v = v << 8 | (unsigned char)p[i];
    return (int64_t)v;
}

/* What sums of int8 are: groups of four decimal digits (src/backend/utils/adt/numeric.c, numeric_send). Only
 * whole numbers stand here; those beyond int64_t are cut to it. */
static int64_t numeric_int(const char *p, int bytes) {
    if (bytes < 8)
        return 0;
    int n = (int)be_int(p, 2), weight = (int)be_int(p + 2, 2);
    bool negative = be_int(p + 4, 2) == 0x4000;
    int64_t v = 0;
    for (int i = 0; i <= weight; i++) {
        int64_t digit = i < n && 8 + 2 * i + 2 <= bytes ? be_int(p + 8 + 2 * i, 2) : 0;
        if (__builtin_mul_overflow(v, 10000, &v) || __builtin_add_overflow(v, digit, &v))
            return negative ? INT64_MIN : INT64_MAX;
    }
    return negative ? -v : v;
}

int64_t pg_int(const PGresult *r, int row, int col) {
    if (PQgetisnull(r, row, col))
        return 0;
    const char *p = PQgetvalue(r, row, col);
    int n = PQgetlength(r, row, col);
    switch (PQftype(r, col)) {
    case OID_BOOL: return p[0];
    case OID_INT2:
    case OID_INT4:
    case PG_INT8: return be_int(p, n);
    case OID_NUMERIC: return numeric_int(p, n);
    default: return 0;
    }
}

int64_t pg_col_int(struct db_stmt *s, int col) {
    return of(s)->result ? pg_int(of(s)->result, of(s)->row, col) : 0;
}

struct sv pg_col_text(struct db_stmt *stmt, int col) {
    struct pg_stmt *s = of(stmt);
    if (!s->result || PQgetisnull(s->result, s->row, col))
        return SV_NONE;
    Oid type = PQftype(s->result, col);
    if (type != OID_BOOL && type != OID_INT2 && type != OID_INT4 && type != PG_INT8 && type != OID_NUMERIC) {
        int n = PQgetlength(s->result, s->row, col);
        return n ? sv_make(PQgetvalue(s->result, s->row, col), (size_t)n) : SV_NONE;
    }
    /* As text, where somebody prints what he does not know. */
    buf_reset(&s->scratch);
    buf_add_i64(&s->scratch, pg_int(s->result, s->row, col));
    return buf_sv(&s->scratch);
}
