#include "store/move.h"

#include "base/clock.h"
#include "base/codec.h"
#include "store/db_move.h"
#include "store/migrate.h"
#include "store/move_rows.h"
#include "store/nodes.h"
#include "store/rows.h"
#include "store/seal.h"
#include "store/sending.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

enum { PATIENCE_S = 60 /* for a database that went away, without a row copied meanwhile */ };

struct move {
    const struct move_plan *plan;
    struct move_report *report;
    struct shape *shape;                      /* owned */
    struct move_rows *rows[SHAPE_TABLES_MAX]; /* owned; NULL: its rows do not move */
    struct db *from, *to;                     /* owned */
    struct move_mark old, new;
    bool had_nodes; /* the old one, when this began */
    int64_t mover;
};

/* Commits the transaction that is open on db when all of it went well (ok), and rolls it back otherwise. */
static bool finish(struct db *db, bool ok, struct err *e) {
    if (ok && db_commit(db, e))
        return true;
    db_rollback(db);
    return false;
}

/* ---- which rows move ---- */

/* meta is written at the end, without the schema's version, which SQLite keeps elsewhere; db_batch is of the
 * driver's connections; move tells of this; periods are each database's own. */
static bool stays(const struct shape_table *t) {
    static const char *const names[] = {"meta", "db_batch", "move", "period"};
    return sv_place(sv_of(t->name), names, 4) >= 0;
}

/* ---- opening ---- */

static int64_t nodes_alive(struct db *db, struct err *e) {
    static const char sql[] = "SELECT count(*) FROM node WHERE id>0 AND taken=0 AND lease_until>?";
    int64_t now, n;
    bool row;
    if (!nodes_now(db, NULL, &now, e))
        return -1;
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, now);
    if (!db_next(s, &row, e))
        return -1;
    n = db_col_int(s, 0);
    db_end(s);
    return n;
}

static bool open_from(struct move *m, struct err *e) {
    m->from = db_open(m->plan->from, DB_WRITER, e);
    if (m->from)
        db_set_patience(m->from, PATIENCE_S * 1000 / 2); /* nodes of the old database may be writing */
    return m->from != NULL;
}

/* Nodes lose their leases when the database is shut, and send nothing without one; a lone gateway would go on
 * with what it has begun. */
static bool only_nodes_use_it(struct move *m, bool used, struct err *e) {
    int64_t alive = nodes_alive(m->from, e);
    m->had_nodes |= alive > 0;
    if (alive < 0)
        return false;
    return !used || alive > 0 ||
           err_set(e, ERR_CONFLICT,
                   "%.*s: a gateway, or another program, has it open: stop it first (SIGTERM lets a gateway "
                   "finish what is in flight)",
                   SV_FMT(m->plan->from));
}

static bool open_old(struct move *m, struct err *e) {
    struct sv url = m->plan->from;
    bool used;
    int from, to, version = 0;
    if (!db_in_use(url, &used, e) || !open_from(m, e) || !db_version(m->from, &version, e))
        return false;
    if (version == 0)
        return err_set(e, ERR_NOT_FOUND, "%.*s: there is nothing to be moved", SV_FMT(url));
    if (!migrate_schema(m->from, &from, &to, e) || !move_mark_read(m->from, &m->old, e))
        return false;
    if (m->old.state == MOVE_ARRIVING)
        return move_allows(m->from, e);
    return only_nodes_use_it(m, used, e);
}

static void make_rows(struct move *m) {
    for (unsigned i = 0; i < m->shape->n_tables; i++)
        if (!stays(&m->shape->tables[i]))
            m->rows[i] = move_rows_new(&m->shape->tables[i], m->from, m->to);
}

static void close_all(struct move *m) {
    db_close(m->to);
    db_close(m->from);
    m->to = m->from = NULL;
    for (unsigned i = 0; i < m->shape->n_tables; i++) {
        move_rows_free(m->rows[i]);
        m->rows[i] = NULL;
    }
}

static bool new_in_use(struct move *m, bool *used, struct err *e) {
    struct sv url = m->plan->to;
    struct buf BUF_AUTO path = BUF_INIT(MOVE_PLACE_MAX + 1);
    *used = false;
    if (!db_is_postgres(url) && buf_add(&path, sv_from(url, 7)) && access(path.p, F_OK) != 0)
        return true; /* not there yet */
    return db_in_use(url, used, e);
}

static bool refuse_used(struct move *m, struct err *e) {
    return err_set(
        e, ERR_CONFLICT,
        "%.*s: a gateway, or another program, has it open: stop it first, or give the move another "
        "empty database",
        SV_FMT(m->plan->to));
}

/* Whoever has it open while it takes rows in is another mover; and once all is done, a gateway. */
static bool open_new(struct move *m, struct err *e) {
    bool used;
    int from, to, version = 0;
    if (!new_in_use(m, &used, e))
        return false;
    m->to = db_open(m->plan->to, DB_WRITER, e);
    if (!m->to || !db_version(m->to, &version, e) ||
        (version >= MOVE_SINCE && !move_mark_read(m->to, &m->new, e)))
        return false;
    if (used && m->new.state != MOVE_ARRIVING && m->old.state != MOVE_GONE)
        return refuse_used(m, e);
    if (!migrate_schema(m->to, &from, &to, e) || !move_mark_read(m->to, &m->new, e))
        return false;
    make_rows(m);
    return true;
}

/* Who else has them open, now that nobody may begin to: they are closed meanwhile. */
static bool look_again(struct move *m, bool *old_used, bool *new_used, struct err *e) {
    close_all(m);
    if (!db_in_use(m->plan->from, old_used, e) || !db_in_use(m->plan->to, new_used, e) || !open_from(m, e))
        return false;
    m->to = db_open(m->plan->to, DB_WRITER, e);
    if (!m->to)
        return false;
    make_rows(m);
    return true;
}

static bool any_rows(struct move *m, bool *any, const char **table, struct err *e) {
    *any = false;
    for (unsigned i = 0; i < m->shape->n_tables && !*any; i++) {
        *table = m->shape->tables[i].name;
        if (m->rows[i] && !move_rows_any(m->rows[i], m->to, any, e))
            return false;
    }
    return true;
}

/* ---- beginning ---- */

static bool draw(int64_t *out, struct err *e) {
    if (!seal_random(out, sizeof *out, e))
        return false;
    *out = (int64_t)((uint64_t)*out >> 1) | 1;
    return true;
}

/* Its rows are of no use: of a round that was given up. */
static bool wipe(struct move *m, struct err *e) {
    bool ok = true;
    for (unsigned i = m->shape->n_tables; ok && i-- > 0;) /* those that refer to others first */
        ok = !m->rows[i] || move_rows_wipe(m->rows[i], e);
    return ok;
}

/* From here on no gateway starts on the new one, nor on the old one. */
static bool shut(struct move *m, struct err *e) {
    /* Transactions of gateways may be in the way: one that has written a table which is shut here last, and
     * wants one that is shut already. */
    enum { TRIES_MAX = 40 };
    struct buf BUF_AUTO words = BUF_INIT(MOVE_PLACE_MAX + 200);
    buf_addf(&words, MOVE_SHUT_WORDS "%.*s (hongyan migrate)", SV_FMT(m->plan->to));
    for (int i = 0;; i++) {
        m->old.since = clock_system_us();
        bool ok = db_begin_schema(m->from, e) && move_mark_write(m->from, &m->old, e);
        for (unsigned t = 0; ok && t < m->shape->n_tables; t++)
            ok = !m->rows[t] || db_shut(m->from, m->shape->tables[t].name, buf_sv(&words), e);
        if (ok && db_commit(m->from, e))
            return true;
        bool again = db_failure(m->from) == DB_AGAIN && i < TRIES_MAX;
        db_rollback(m->from);
        if (!again)
            return false;
    }
}

static bool is_empty(struct move *m, struct err *e) {
    const char *table = "";
    bool any;
    return any_rows(m, &any, &table, e) &&
           (!any || err_set(e, ERR_CONFLICT,
                            "%.*s: it is in use (table %s has rows): give the move an empty database",
                            SV_FMT(m->plan->to), table));
}

/* The new one is marked first: from then on no gateway starts there, but one that had started just before
 * would have seen nothing. Then it is given back. */
static bool claim_new(struct move *m, bool ours, struct err *e) {
    const struct move_mark none = {.state = MOVE_NONE};
    bool old_used, new_used;
    if (!finish(m->to,
                db_begin(m->to, e) && (ours || is_empty(m, e)) && wipe(m, e) &&
                    move_mark_write(m->to, &m->new, e),
                e) ||
        !look_again(m, &old_used, &new_used, e))
        return false;
    if (!new_used || ours)
        return true;
    struct err ignored = ERR_INIT;
    (void)!finish(m->to, db_begin(m->to, &ignored) && move_mark_write(m->to, &none, &ignored), &ignored);
    return refuse_used(m, e);
}

/* The same of the old one: what a gateway has begun that started just before would be looked up, and perhaps
 * sent again, while it is being sent. */
static bool claim_old(struct move *m, struct err *e) {
    bool old_used, new_used;
    return shut(m, e) && look_again(m, &old_used, &new_used, e) &&
           (m->had_nodes || only_nodes_use_it(m, old_used, e));
}

static bool begin_anew(struct move *m, struct err *e) {
    struct move_mark mine = m->old;
    bool ours = m->new.state == MOVE_ARRIVING && m->new.number == m->old.number && m->old.number;
    if (m->old.state != MOVE_NONE || !mine.number) /* back from where it came: another move */
        mine = (struct move_mark){.round = 0};
    if (!mine.number && !draw(&mine.number, e))
        return false;
    mine.round++;
    m->old = m->new = mine;
    m->old.state = MOVE_LEAVING;
    m->new.state = MOVE_ARRIVING;
    m->new.mover = m->mover;
    snprintf(m->old.place, sizeof m->old.place, "%.*s", SV_FMT(m->plan->to));
    snprintf(m->new.place, sizeof m->new.place, "%.*s", SV_FMT(m->plan->from));
    return claim_new(m, ours, e) && claim_old(m, e);
}

static bool begin_again(struct move *m, struct err *e) {
    if (!sv_eq(sv_of(m->old.place), m->plan->to) || m->new.number != m->old.number ||
        m->new.round != m->old.round || m->new.state != MOVE_ARRIVING)
        return err_set(e, ERR_CONFLICT,
                       "%.*s is being moved to %.150s: go on with that, or give it up (--abandon) first",
                       SV_FMT(m->plan->from), m->old.place);
    m->new.mover = m->mover;
    return finish(m->to, db_begin(m->to, e) && move_mark_write(m->to, &m->new, e), e);
}

/* A gateway that has lost its lease sends nothing more. */
static bool wait_for_leases(struct move *m, struct err *e) {
    static const struct timespec between = {.tv_nsec = 200 * 1000 * 1000};
    for (;;) {
        int64_t alive = nodes_alive(m->from, e);
        if (alive <= 0)
            return alive == 0;
        m->plan->tell(m->plan->ctx, MOVE_WAITS, "node", alive, alive);
        nanosleep(&between, NULL);
    }
}

/* ---- copying and comparing ---- */

/* After a failure: waits a little, and finds out what became of the latest transaction. */
static bool recover(struct move *m, int64_t since_us, struct err *e) {
    static const struct timespec between = {.tv_nsec = 500 * 1000 * 1000};
    struct err ignored = ERR_INIT;
    bool committed;
    if (e->kind == ERR_CONFLICT || clock_monotonic_us() - since_us > PATIENCE_S * US_PER_S)
        return false;
    nanosleep(&between, NULL);
    (void)!db_settle(m->to, &committed, &ignored);
    return true;
}

static bool copy_table(struct move *m, unsigned t, struct err *e) {
    struct move_rows *r = m->rows[t];
    int64_t of = 0, there = 0, n, moved_us = clock_monotonic_us();
    if (!move_rows_count(r, m->from, &of, e) || !move_rows_resume(r, &there, e))
        return false;
    m->report->resumed += there;
    for (;;) {
        if (move_rows_some(r, m->mover, &n, e)) {
            if (n == 0)
                break;
            there += n;
            moved_us = clock_monotonic_us();
            m->plan->tell(m->plan->ctx, MOVE_COPIES, m->shape->tables[t].name, there, of);
            continue;
        }
        do {
            if (!recover(m, moved_us, e))
                return false;
        } while (!move_rows_resume(r, &there, e));
    }
    m->report->rows += there;
    m->report->tables++;
    return true;
}

static bool compare_table(struct move *m, unsigned t, struct buf *digests, struct err *e) {
    uint8_t digest[SHA256_BYTES];
    int64_t seen = 0, n;
    move_rows_rewind(m->rows[t]);
    do {
        if (!move_rows_compare(m->rows[t], &n, digest, e))
            return false;
        seen += n;
        m->plan->tell(m->plan->ctx, MOVE_COMPARES, m->shape->tables[t].name, seen, seen);
    } while (n);
    buf_add(digests, sv_make((const char *)digest, sizeof digest));
    m->report->mended += move_rows_mended(m->rows[t]);
    return true;
}

static bool copy_all(struct move *m, struct err *e) {
    struct buf BUF_AUTO digests = BUF_INIT(SHAPE_TABLES_MAX * SHA256_BYTES), hex = BUF_INIT(32);
    uint8_t all[SHA256_BYTES];
    for (unsigned t = 0; t < m->shape->n_tables; t++)
        if (m->rows[t] && !copy_table(m, t, e))
            return false;
    for (unsigned t = 0; t < m->shape->n_tables; t++)
        if (m->rows[t] && !compare_table(m, t, &digests, e))
            return false;
    sha256(buf_sv(&digests), all);
    hex_add(&hex, all, 8);
    snprintf(m->report->digest, sizeof m->report->digest, "%s", hex.p);
    return true;
}

/* ---- the end ---- */

static bool copy_meta(struct move *m, struct err *e) {
    static const char read[] = "SELECT name, value FROM meta WHERE name<>'schema_version'";
    static const char put[] = "INSERT INTO meta (name, value) VALUES (?,?) ON CONFLICT (name) DO UPDATE SET "
                              "value=excluded.value";
    struct db_stmt *s = db_stmt(m->from, read, e);
    for (bool row;;) {
        if (!db_next(s, &row, e))
            return false;
        if (!row)
            return true;
        struct db_stmt *w = db_stmt(m->to, put, e);
        db_text(w, db_col_text(s, 0));
        db_int(w, db_col_int(s, 1));
        if (!db_run(w, e))
            return false;
    }
}

static bool number_on(struct move *m, struct err *e) {
    for (unsigned t = 0; t < m->shape->n_tables; t++) {
        const struct shape_table *table = &m->shape->tables[t];
        if (m->rows[t] && shape_is_numbered(table) &&
            !db_number_on(m->to, table->name, table->columns[table->keys[0]].name, e))
            return false;
    }
    return true;
}

/* What must be right before the new one is opened, and changes nothing that is compared. */
static bool prepare(struct move *m, struct err *e) {
    return finish(
        m->to,
        db_begin(m->to, e) && move_mark_is_still(m->to, &m->new, e) && copy_meta(m, e) && number_on(m, e), e);
}

static bool leave(struct move *m, struct err *e) {
    struct move_mark gone = m->old;
    gone.state = MOVE_GONE;
    if (!finish(m->from,
                db_begin(m->from, e) && move_mark_is_still(m->from, &m->old, e) &&
                    move_mark_write(m->from, &gone, e),
                e))
        return false;
    m->old = gone;
    return true;
}

/* The nodes that were there are gone, whatever the clock of the old database said of their leases. A file is
 * a lone gateway's, as a rule: it is to find all that is due. */
static bool settle_nodes(struct move *m, struct err *e) {
    static const char leases[] = "UPDATE node SET lease_until=0 WHERE id>0";
    static const char nodes[] = "UPDATE node SET taken=2 WHERE id>0";
    static const char messages[] = "UPDATE message SET node=0 WHERE node<>0";
    static const char callbacks[] = "UPDATE callback SET node=0 WHERE node<>0";
    static const char hooks[] = "UPDATE webhook SET node=0 WHERE node<>0";
    static const char parcels[] = "SELECT count(*) FROM parcel WHERE done=0";
    bool row;
    if (!db_run(db_stmt(m->to, leases, e), e))
        return false;
    if (db_is_postgres(m->plan->to))
        return true;
    struct db_stmt *s = db_stmt(m->to, parcels, e);
    if (!db_next(s, &row, e))
        return false;
    m->report->parcels = db_col_int(s, 0);
    db_end(s);
    return db_run(db_stmt(m->to, nodes, e), e) && db_run(db_stmt(m->to, messages, e), e) &&
           sending_mark_all(m->to, e) && db_run(db_stmt(m->to, callbacks, e), e) &&
           db_run(db_stmt(m->to, hooks, e), e);
}

static bool arrive(struct move *m, struct err *e) {
    struct move_mark there = m->new;
    there.state = MOVE_ARRIVED;
    there.since = clock_system_us();
    if (!finish(m->to,
                db_begin(m->to, e) && move_mark_is_still(m->to, &m->new, e) && settle_nodes(m, e) &&
                    move_mark_write(m->to, &there, e),
                e))
        return false;
    m->new = there;
    m->report->shut_us = m->new.since - m->old.since;
    return true;
}

/* The old one is gone: what is left is to open the new one, if that is not done. Only the one that it was
 * copied into: others may be left, half full, of rounds that were given up. */
static bool end(struct move *m, struct err *e) {
    bool copied = sv_eq(sv_of(m->old.place), m->plan->to) && m->new.number == m->old.number &&
                  m->new.round == m->old.round &&
                  (m->new.state == MOVE_ARRIVING || m->new.state == MOVE_ARRIVED);
    if (!copied)
        return move_allows(m->from, e);
    m->report->was_done = m->new.state == MOVE_ARRIVED;
    m->report->shut_us = m->new.since - m->old.since;
    return m->report->was_done || arrive(m, e);
}

static bool run(struct move *m, struct err *e) {
    if (!draw(&m->mover, e) || !shape_read(m->shape, e) || !open_old(m, e) || !open_new(m, e))
        return false;
    if (m->old.state == MOVE_GONE)
        return end(m, e);
    return (m->old.state == MOVE_LEAVING ? begin_again(m, e) : begin_anew(m, e)) && wait_for_leases(m, e) &&
           copy_all(m, e) && prepare(m, e) && leave(m, e) && arrive(m, e);
}

bool move_run(const struct move_plan *plan, struct move_report *out, struct err *e) {
    *out = (struct move_report){.tables = 0};
    struct move m = {.plan = plan, .report = out, .shape = calloc(1, sizeof *m.shape)};
    ASSERT(m.shape);
    bool ok = run(&m, e);
    close_all(&m);
    free(m.shape);
    return ok;
}

static bool give_up(struct db *db, const struct shape *shape, struct err *e) {
    struct move_mark m;
    int from, to;
    if (!migrate_schema(db, &from, &to, e) || !move_mark_read(db, &m, e))
        return false;
    if (m.state == MOVE_GONE)
        return move_allows(db, e);
    if (m.state != MOVE_LEAVING)
        return err_set(e, ERR_CONFLICT, "no move from this database is under way");
    m.state = MOVE_NONE;
    bool ok = db_begin_schema(db, e) && move_mark_write(db, &m, e);
    for (unsigned i = 0; ok && i < shape->n_tables; i++)
        ok = stays(&shape->tables[i]) || db_unshut(db, shape->tables[i].name, e);
    return finish(db, ok, e);
}

bool move_abandon(struct sv from, struct err *e) {
    struct shape *shape = calloc(1, sizeof *shape);
    ASSERT(shape);
    struct db *db = shape_read(shape, e) ? db_open(from, DB_WRITER, e) : NULL;
    bool ok = db && give_up(db, shape, e);
    db_close(db);
    free(shape);
    return ok;
}
