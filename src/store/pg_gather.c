#include "store/pg.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>

enum { ROWS_MAX = 2000, BYTES_MAX = 4 << 20, HEAD_BYTES = 20, SQL_MAX = 16384, SHAPE_MAX = 64 };

/* What is gathered of one statement: an array for each parameter, in the form that PostgreSQL reads
 * (src/backend/utils/adt/arrayfuncs.c, array_recv). */
struct pg_gather {
    unsigned key;     /* which parameter says whose row it is */
    struct sv column; /* ... and in which column it stands; borrowed from the statement */
    unsigned n_params;
    struct buf *columns; /* owned, n_params */
    struct map seen;     /* hashes of the keys of these rows */
    unsigned rows;
    size_t bytes;
    bool has_null[PG_PARAMS_MAX];
    struct pg_stmt *next; /* with gathered rows, behind this one */
    char *many;           /* owned: the statement for many rows; made when the types are known */
    struct pg_stmt *runs; /* owned: it */
};

static bool is(struct sv t, const char *word) {
    return sv_eq_nocase(t, sv_of(word));
}

static bool is_name(struct sv t) {
    return t.n && (isalpha((unsigned char)t.p[0]) || t.p[0] == '_');
}

static bool param_of(struct sv t, unsigned *n) {
    uint64_t v;
    if (t.n < 2 || t.p[0] != '$' || !sv_to_u64(sv_from(t, 1), &v) || v == 0)
        return false;
    *n = (unsigned)v - 1;
    return true;
}

/* column=$n AND column=$n ... to the end. The first is the key. */
static bool read_where(struct sv rest, struct pg_gather *g) {
    for (bool first = true;; first = false) {
        struct sv column = pg_sql_token(&rest), equals = pg_sql_token(&rest);
        unsigned n;
        if (!is_name(column) || !is(equals, "=") || !param_of(pg_sql_token(&rest), &n))
            return false;
        if (first) {
            g->column = column;
            g->key = n;
        }
        struct sv and = pg_sql_token(&rest);
        if (!and.n)
            return true;
        if (!is(and, "AND"))
            return false;
    }
}

/* column=$n or a constant, by commas, up to WHERE, which *rest is left behind. */
static bool read_set(struct sv *rest) {
    for (;;) {
        struct sv column = pg_sql_token(rest), equals = pg_sql_token(rest), value = pg_sql_token(rest);
        unsigned n;
        bool constant =
            value.n && (value.p[0] == '\'' || isdigit((unsigned char)value.p[0]) || is(value, "NULL"));
        if (!is_name(column) || !is(equals, "=") || !(param_of(value, &n) || constant))
            return false;
        struct sv after = pg_sql_token(rest);
        if (is(after, "WHERE"))
            return true;
        if (!is(after, ","))
            return false;
    }
}

/* INSERT INTO t (a, ...) VALUES ($1, ...), and nothing behind it, or ON CONFLICT DO NOTHING. */
static bool read_insert(struct sv rest, struct pg_gather *g) {
    unsigned n;
    struct sv t = pg_sql_token(&rest);
    if (!is(t, "("))
        return false;
    g->column = pg_sql_token(&rest);
    while (t.n && !is(t, "VALUES"))
        t = pg_sql_token(&rest);
    if (!is(pg_sql_token(&rest), "(") || !param_of(pg_sql_token(&rest), &n))
        return false;
    g->key = n;
    for (t = pg_sql_token(&rest); t.n && !is(t, ")"); t = pg_sql_token(&rest))
        if (is(t, "("))
            return false;
    return !pg_sql_token(&rest).n;
}

/* Is it of a shape that can be written for many rows? */
static bool read_shape(const char *sql, struct pg_gather *g) {
    struct sv rest = sv_of(sql), verb = pg_sql_token(&rest), table = pg_sql_token(&rest);
    if (is(verb, "INSERT"))
        return is(table, "INTO") && is_name(pg_sql_token(&rest)) && read_insert(rest, g);
    if (is(verb, "UPDATE"))
        return is_name(table) && is(pg_sql_token(&rest), "SET") && read_set(&rest) && read_where(rest, g);
    return is(verb, "DELETE") && is(table, "FROM") && is_name(pg_sql_token(&rest)) &&
           is(pg_sql_token(&rest), "WHERE") && read_where(rest, g);
}

struct pg_gather *pg_gather_new(const char *sql, unsigned n_params) {
    struct pg_gather *g = calloc(1, sizeof *g);
    ASSERT(g);
    if (n_params == 0 || !read_shape(sql, g)) {
        free(g);
        return NULL;
    }
    g->n_params = n_params;
    g->columns = calloc(n_params, sizeof *g->columns);
    ASSERT(g->columns);
    for (unsigned i = 0; i < n_params; i++)
        g->columns[i] = BUF_INIT(2 * BYTES_MAX);
    return g;
}

static void empty(struct pg_gather *g) {
    map_done(&g->seen);
    map_init(&g->seen);
    for (unsigned i = 0; i < g->n_params; i++)
        buf_reset(&g->columns[i]);
    memset(g->has_null, 0, sizeof g->has_null);
    g->rows = 0;
    g->bytes = 0;
    g->next = NULL;
}

void pg_gather_free(struct pg_gather *g) {
    if (!g)
        return;
    for (unsigned i = 0; i < g->n_params; i++)
        buf_done(&g->columns[i]);
    free(g->columns);
    map_done(&g->seen);
    if (g->runs)
        pg_stmt_free(&g->runs->stmt);
    free(g->many);
    free(g);
}

/* ---- the statement for many rows ---- */

/* $n -> u.pn */
static void add_renamed(struct sv from, struct sv until_word, struct sv *behind, struct buf *out) {
    for (struct sv rest = from;;) {
        struct sv t = pg_sql_token(&rest);
        unsigned n;
        if (!t.n || (until_word.n && sv_eq_nocase(t, until_word))) {
            *behind = rest;
            return;
        }
        buf_addc(out, ' ');
        if (param_of(t, &n))
            buf_addf(out, "u.p%u", n + 1);
        else
            buf_add(out, t);
    }
}

static void add_unnest(const struct pg_stmt *s, struct buf *out) {
    buf_adds(out, " unnest(");
    for (unsigned i = 0; i < s->n_params; i++)
        buf_addf(out, "%s$%u::%s[]", i ? ", " : "", i + 1,
                 s->params[i].type == PG_INT8   ? "int8"
                 : s->params[i].type == PG_TEXT ? "text"
                                                : "bytea");
    buf_adds(out, ") AS u(");
    for (unsigned i = 0; i < s->n_params; i++)
        buf_addf(out, "%sp%u", i ? ", " : "", i + 1);
    buf_adds(out, ")");
}

static Oid array_of(Oid type) {
    return type == PG_INT8 ? 1016 : type == PG_TEXT ? 1009 : 1001;
}

static void make_many(struct pg *pg, struct pg_stmt *s) {
    struct pg_gather *g = s->gather;
    struct buf BUF_AUTO out = BUF_INIT(SQL_MAX);
    struct sv sql = sv_of(s->sql), rest = sql, verb = pg_sql_token(&rest);
    if (is(verb, "INSERT")) {
        add_renamed(sql, SV("VALUES"), &rest, &out);
        buf_adds(&out, " SELECT");
        (void)pg_sql_token(&rest); /* the bracket; the one that closes it ends the statement */
        add_renamed(rest, SV(")"), &rest, &out);
        buf_adds(&out, " FROM");
        add_unnest(s, &out);
    } else {
        add_renamed(sql, SV("WHERE"), &rest, &out);
        buf_adds(&out, is(verb, "UPDATE") ? " FROM" : " USING");
        add_unnest(s, &out);
        buf_adds(&out, " WHERE");
        add_renamed(rest, SV_NONE, &rest, &out);
    }
    ASSERT(!out.overflow);
    struct pg_stmt *runs = calloc(1, sizeof *runs);
    struct pg_param *params = calloc(s->n_params, sizeof *params);
    ASSERT(runs && params);
    *runs = (struct pg_stmt){.stmt.db = &pg->db,
                             .sql = buf_steal(&out),
                             .tables = s->tables,
                             .n_params = s->n_params,
                             .params = params,
                             .scratch = BUF_INIT(1),
                             .number = ++pg->names};
    for (unsigned i = 0; i < s->n_params; i++)
        params[i] = (struct pg_param){.type = array_of(s->params[i].type), .mended = BUF_INIT(1)};
    g->runs = runs;
}

/* ---- gathering ---- */

static void add_be32(struct buf *b, uint32_t v) {
    uint32_t be = htonl(v);
    buf_add(b, sv_make((const char *)&be, sizeof be));
}

static void add_value(struct pg_gather *g, unsigned i, const struct pg_param *p) {
    struct buf *b = &g->columns[i];
    if (b->n == 0) { /* one dimension; whether there are NULLs, and how many values, is known at the end */
        add_be32(b, 1);
        add_be32(b, 0);
        add_be32(b, p->type);
        add_be32(b, 0);
        add_be32(b, 1);
    }
    g->has_null[i] |= p->null;
    add_be32(b, p->null ? UINT32_MAX : (uint32_t)p->n);
    if (!p->null)
        buf_add(b, sv_make(p->p, (size_t)p->n));
    g->bytes += 4 + (p->null ? 0 : (size_t)p->n);
}

static void put_be32(struct buf *b, size_t at, uint32_t v) {
    uint32_t be = htonl(v);
    memcpy(b->p + at, &be, sizeof be);
}

static bool write_rows(struct pg *pg, struct pg_stmt *s, struct err *e) {
    struct pg_gather *g = s->gather;
    if (!g->runs)
        make_many(pg, s);
    for (unsigned i = 0; i < g->n_params; i++) {
        struct buf *b = &g->columns[i];
        ASSERT(!b->overflow);
        put_be32(b, 4, g->has_null[i]);
        put_be32(b, 12, g->rows);
        g->runs->params[i].p = b->p;
        g->runs->params[i].n = (int)b->n;
    }
    bool ok = pg_stmt_send(pg, g->runs, e);
    empty(g);
    return ok;
}

static uint64_t hash_of(const struct pg_param *p) {
    uint64_t h = 14695981039346656037u;
    for (int i = 0; i < p->n; i++)
        h = (h ^ (unsigned char)p->p[i]) * 1099511628211u;
    return h;
}

/* Do rows of s that wait concern the row of t, so that they have to be written before it? */
static bool stands_before(const struct pg_stmt *s, const struct pg_stmt *t, uint64_t key) {
    if (!(s->tables & t->tables))
        return false;
    if (s == t && s->sql[0] == 'I') /* two new rows of one table are no matter of order */
        return false;
    return !sv_eq(s->gather->column, t->gather->column) || map_get(&s->gather->seen, key);
}

/* Those behind it stay; those before it are written, too, so that the order of the first rows is kept. */
static bool flush_through(struct pg *pg, const struct pg_stmt *last, struct err *e) {
    for (bool more = true; more && pg->first_gather;) {
        struct pg_stmt *s = pg->first_gather;
        more = s != last;
        pg->first_gather = s->gather->next;
        if (!write_rows(pg, s, e))
            return false;
    }
    pg->gathered = 0;
    for (struct pg_stmt *s = pg->first_gather; s; s = s->gather->next)
        pg->gathered |= s->tables;
    return true;
}

bool pg_gather_flush(struct pg *pg, uint64_t tables, struct err *e) {
    if (!(pg->gathered & tables))
        return true;
    const struct pg_stmt *last = NULL;
    for (struct pg_stmt *s = pg->first_gather; s; s = s->gather->next)
        if (s->tables & tables)
            last = s;
    return flush_through(pg, last, e);
}

void pg_gather_drop(struct pg *pg) {
    while (pg->first_gather) {
        struct pg_stmt *s = pg->first_gather;
        pg->first_gather = s->gather->next;
        empty(s->gather);
    }
    pg->gathered = 0;
}

bool pg_gather_add(struct pg *pg, struct pg_stmt *s, struct err *e) {
    struct pg_gather *g = s->gather;
    uint64_t key = hash_of(&s->params[g->key]);
    const struct pg_stmt *before = NULL;
    for (struct pg_stmt *t = pg->first_gather; t; t = t->gather->next)
        if (stands_before(t, s, key))
            before = t;
    if (before && !flush_through(pg, before, e))
        return false;
    if (g->rows >= ROWS_MAX || g->bytes >= BYTES_MAX)
        if (!flush_through(pg, s, e))
            return false;
    if (g->rows == 0) {
        struct pg_stmt **end = &pg->first_gather;
        while (*end)
            end = &(*end)->gather->next;
        *end = s;
        pg->gathered |= s->tables;
    }
    for (unsigned i = 0; i < g->n_params; i++)
        add_value(g, i, &s->params[i]);
    map_put(&g->seen, key, g);
    g->rows++;
    return true;
}
