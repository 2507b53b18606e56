#include "store/nodes.h"

#include "model/state.h"
#include "store/rows.h"
#include "store/sending.h"

#include <string.h>

_Static_assert(STATE_SENDING == 4, "as the statements have it");

/* The number that a statement brings; 0 without a row. id: its parameter, -1 where it has none. */
static bool number(struct db *db, const char *sql, int64_t id, int64_t *out, struct err *e) {
    struct db_stmt *s = db_stmt(db, sql, e);
    if (id >= 0)
        db_int(s, id);
    return db_value(s, out, e);
}

bool nodes_now(struct db *db, const struct node_self *self, int64_t *now, struct err *e) {
    static const char sql[] = "SELECT CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)";
    if (!self || !self->db_clock)
        return number(db, sql, -1, now, e);
    *now = self->db_clock(self->db_clock_ctx);
    return true;
}

/* ---- coming and going ---- */

/* Rows of before there were nodes are moved like those of one that is gone. */
static bool put_row_0(struct db *db, int64_t now, struct err *e) {
    static const char sql[] =
        "INSERT INTO node (id, name, incarnation, version, address, started_at, seen_at, lease_until, taken, "
        "batch) VALUES (0, '', 0, '', '', ?, ?, 0, 1, 0) ON CONFLICT (id) DO UPDATE SET taken=1";
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, now);
    db_int(s, now);
    return db_run(s, e) && sending_forget(db, 0, e);
}

static bool go_on(struct db *db, struct node_self *self, const struct node_row *card,
                  const struct node_self *before, int64_t now, bool *done, struct err *e) {
    static const char sql[] =
        "UPDATE node SET name=?, incarnation=?, version=?, address=?, started_at=?, "
        "seen_at=?, lease_until=?, batch=0, sees_far=1 WHERE id=? AND incarnation=? AND taken=0";
    struct db_stmt *s = db_stmt(db, sql, e);
    db_text(s, sv_of(card->name));
    db_int(s, self->incarnation);
    db_text(s, sv_of(card->version));
    db_text(s, sv_of(card->address));
    db_int(s, now);
    db_int(s, now);
    db_int(s, now + self->lease_us);
    db_int(s, before->id);
    db_int(s, before->incarnation);
    if (!db_run(s, e))
        return false;
    *done = db_changes(db) == 1;
    if (*done)
        self->id = before->id;
    return true;
}

/* The smallest id that nobody has, or whose work is all done. */
static bool take_id(struct db *db, struct node_self *self, const struct node_row *card, int64_t now,
                    bool *done, struct err *e) {
    static const char free_one[] =
        "SELECT min(id) FROM (SELECT id FROM node WHERE taken=2 AND id>0 UNION ALL SELECT n.id+1 FROM node "
        "AS n WHERE n.id<255 AND NOT EXISTS (SELECT 1 FROM node AS o WHERE o.id=n.id+1)) AS f";
    static const char take[] =
        "INSERT INTO node (id, name, incarnation, version, address, started_at, seen_at, lease_until, taken, "
        "batch, sees_far) VALUES (?,?,?,?,?,?,?,?,0,0,1) ON CONFLICT (id) DO UPDATE SET name=excluded.name, "
        "incarnation=excluded.incarnation, version=excluded.version, address=excluded.address, "
        "started_at=excluded.started_at, seen_at=excluded.seen_at, lease_until=excluded.lease_until, "
        "taken=0, batch=0, sees_far=1 WHERE node.taken=2";
    int64_t id;
    *done = false;
    if (!number(db, free_one, -1, &id, e))
        return false;
    if (id < 1)
        return err_set(e, ERR_BUSY,
                       "all 255 node ids are in use: wait until the work of nodes that are gone is moved");
    struct db_stmt *s = db_stmt(db, take, e);
    db_int(s, id);
    db_text(s, sv_of(card->name));
    db_int(s, self->incarnation);
    db_text(s, sv_of(card->version));
    db_text(s, sv_of(card->address));
    db_int(s, now);
    db_int(s, now);
    db_int(s, now + self->lease_us);
    if (!db_run(s, e))
        return false;
    *done = db_changes(db) == 1;
    self->id = (unsigned)id;
    return !*done || sending_forget(db, self->id, e);
}

static bool join(struct db *db, struct node_self *self, const struct node_row *card,
                 const struct node_self *before, bool *done, struct err *e) {
    int64_t now;
    *done = false;
    if (!nodes_now(db, self, &now, e) || !put_row_0(db, now, e))
        return false;
    if (before && before->id && !go_on(db, self, card, before, now, done, e))
        return false;
    return *done || take_id(db, self, card, now, done, e);
}

bool nodes_join(struct db *db, struct node_self *self, const struct node_row *card,
                const struct node_self *before, struct err *e) {
    enum { TRIES_MAX = 50, SLOW_MAX = 5 }; /* others may come at the same moment, and take what was free */
    struct node_self joined;
    for (int i = 0, slow = 0; i < TRIES_MAX; i++) {
        int64_t begun = self->lease->mono_us(self->lease->ctx);
        bool done = false;
        if (!db_begin(db, e) || !join(db, self, card, before, &done, e) || !db_commit(db, e)) {
            db_rollback(db);
            return false;
        }
        /* A commit that took long, for a lock or the disk, wrote down a lease that is nearly over. */
        bool late = self->lease->mono_us(self->lease->ctx) - begun > self->lease_us / 2;
        if (done && late && ++slow < SLOW_MAX) {
            joined = *self;
            before = &joined;
            continue;
        }
        if (done) {
            atomic_store(&self->lease->lost, false);
            atomic_store(&self->lease->until_us, begun + self->lease_us - self->lease_us / 8);
            return true;
        }
    }
    return err_set(e, ERR_BUSY, "no node id could be had: others took each first");
}

bool nodes_leave(struct db *db, const struct node_self *self, struct err *e) {
    static const char sql[] =
        "UPDATE node SET taken=1, lease_until=0 WHERE id=? AND incarnation=? AND taken=0";
    struct db_stmt *s = db_begin(db, e) ? db_stmt(db, sql, e) : NULL;
    db_int(s, self->id);
    db_int(s, self->incarnation);
    if (db_run(s, e) && db_commit(db, e))
        return true;
    db_rollback(db);
    return false;
}

bool nodes_list(struct db *db, struct node_row *out, size_t *n, int64_t *now, struct err *e) {
    static const char sql[] =
        "SELECT id, name, version, address, incarnation, started_at, seen_at, lease_until, taken FROM node "
        "WHERE id>0 ORDER BY id";
    static const char due[] = "SELECT count(*) FROM message WHERE node=? AND due_at IS NOT NULL";
    *n = 0;
    if (!nodes_now(db, NULL, now, e))
        return false;
    struct db_stmt *s = db_stmt(db, sql, e);
    for (bool row; *n < NODES_MAX;) {
        if (!db_next(s, &row, e))
            return false;
        if (!row)
            break;
        struct node_row *r = &out[(*n)++];
        *r = (struct node_row){.id = (unsigned)db_col_int(s, 0),
                               .incarnation = db_col_int(s, 4),
                               .started_at = db_col_int(s, 5),
                               .seen_at = db_col_int(s, 6),
                               .lease_until = db_col_int(s, 7),
                               .taken = (enum node_taken)db_col_int(s, 8)};
        rows_copy(r->name, sizeof r->name, db_col_text(s, 1));
        rows_copy(r->version, sizeof r->version, db_col_text(s, 2));
        rows_copy(r->address, sizeof r->address, db_col_text(s, 3));
    }
    db_end(s);
    for (size_t i = 0; i < *n; i++)
        if (!number(db, due, out[i].id, &out[i].due, e))
            return false;
    return true;
}

/* ---- the fence ---- */

/* Whoever follows the database's clock hears of it, too. */
static bool hear_now(struct db *db, const struct node_self *self, int64_t *now, struct err *e) {
    struct lease *l = self->lease;
    int64_t asked = l->mono_us(l->ctx);
    if (!nodes_now(db, self, now, e))
        return false;
    int64_t took = l->mono_us(l->ctx) - asked;
    if (l->hear_clock)
        l->hear_clock(l->ctx, *now - (asked + took / 2), took);
    return true;
}

bool nodes_fence(struct db *db, const struct node_self *self, int64_t batch, bool renew, bool *ours,
                 int64_t *hooks_version, struct err *e) {
    static const char plain[] = "UPDATE node SET batch=? WHERE id=? AND incarnation=? AND taken=0 RETURNING "
                                "(SELECT value FROM meta WHERE name='hooks_version')";
    static const char longer[] =
        "UPDATE node SET batch=?, seen_at=?, lease_until=? WHERE id=? AND incarnation=? AND taken=0 "
        "RETURNING (SELECT value FROM meta WHERE name='hooks_version')";
    int64_t now;
    if (renew && !hear_now(db, self, &now, e))
        return false;
    struct db_stmt *s = db_stmt(db, renew ? longer : plain, e);
    db_int(s, batch);
    if (renew) {
        db_int(s, now);
        db_int(s, now + self->lease_us);
    }
    db_int(s, self->id);
    db_int(s, self->incarnation);
    if (!db_next(s, ours, e))
        return false;
    *hooks_version = *ours ? db_col_int(s, 0) : 0;
    bool row = *ours;
    while (row)
        if (!db_next(s, &row, e))
            return false;
    return true;
}

bool nodes_hooks_changed(struct db *db, struct err *e) {
    static const char sql[] = "INSERT INTO meta (name, value) VALUES ('hooks_version', 1) ON CONFLICT (name) "
                              "DO UPDATE SET value=meta.value+1";
    struct db_stmt *s = db_stmt(db, sql, e);
    return db_run(s, e);
}

/* ---- taking over ---- */

/* Holds the row of a node that is not alive, so that nobody takes its id meanwhile. */
static bool hold_gone(struct db *db, unsigned id, bool *gone, struct err *e) {
    static const char sql[] = "UPDATE node SET taken=taken WHERE id=? AND taken>0";
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, id);
    if (!db_run(s, e))
        return false;
    *gone = db_changes(db) == 1;
    return true;
}

bool nodes_adopt(struct db *db, const struct node_self *self, int64_t message_id, int64_t sending_until,
                 unsigned *owner, bool *adopted, struct err *e) {
    static const char whose[] = "SELECT coalesce(max(node), -1) FROM message WHERE id=?";
    static const char mine[] =
        "UPDATE message SET node=?, due_at=CASE WHEN state=4 AND due_at<? OR " SENDING_IS_FAR
        " THEN ? ELSE due_at END WHERE id=? AND node=?";
    enum { TRIES_MAX = 3 }; /* another node may be doing the same */
    for (int i = 0; i < TRIES_MAX; i++) {
        int64_t node;
        bool gone;
        if (!number(db, whose, message_id, &node, e))
            return false;
        *owner = node < 0 ? self->id : (unsigned)node; /* one that is not there is nobody else's */
        if (*owner == self->id)
            return true;
        if (!hold_gone(db, *owner, &gone, e))
            return false;
        if (!gone)
            return true;
        struct db_stmt *s = db_stmt(db, mine, e);
        db_int(s, self->id);
        db_int(s, sending_until);
        db_int(s, sending_until);
        db_int(s, message_id);
        db_int(s, node);
        if (!db_run(s, e))
            return false;
        *adopted = db_changes(db) == 1;
    }
    return true; /* whoever has it now */
}

/* Its own row is this transaction's already; of the others, those that another is at are left for later: a
 * process that was stopped within a transaction holds its row until the server ends its session. */
static bool mark_expired(struct db *db, const struct node_self *self, struct node_news *out, struct err *e) {
    static const char find[] = "SELECT id FROM node WHERE taken=0 AND lease_until<? AND id<>? LIMIT 8 "
                               "/*pg FOR UPDATE SKIP LOCKED */";
    static const char mark[] = "UPDATE node SET taken=1 WHERE id=? AND taken=0 AND lease_until<?";
    int64_t now;
    unsigned ids[8], n = 0;
    if (!nodes_now(db, self, &now, e))
        return false;
    struct db_stmt *s = db_stmt(db, find, e);
    db_int(s, now);
    db_int(s, self->id);
    for (bool row;;) {
        if (!db_next(s, &row, e))
            return false;
        if (!row)
            break;
        if (n < 8)
            ids[n++] = (unsigned)db_col_int(s, 0);
    }
    for (unsigned i = 0; i < n; i++) {
        s = db_stmt(db, mark, e);
        db_int(s, ids[i]);
        db_int(s, now);
        if (!db_run(s, e))
            return false;
        if (db_changes(db) == 1)
            out->taken[out->n_taken++] = ids[i];
    }
    return true;
}

static bool move(struct db *db, const char *sql, const int64_t *args, size_t n, int64_t *moved,
                 struct err *e) {
    struct db_stmt *s = db_stmt(db, sql, e);
    for (size_t i = 0; i < n; i++)
        db_int(s, args[i]);
    if (!db_run(s, e))
        return false;
    *moved = db_changes(db);
    return true;
}

/* The due ones first by priority: that is the index. */
static bool move_rows(struct db *db, const struct node_self *self, int64_t from, int64_t sending_until,
                      unsigned limit, struct node_news *out, struct err *e) {
    static const char messages[] =
        "UPDATE message SET node=?, due_at=CASE WHEN state=4 AND due_at<? OR " SENDING_IS_FAR
        " THEN ? ELSE due_at END WHERE id IN "
        "(SELECT id FROM message WHERE node=? AND due_at IS NOT NULL LIMIT ?)";
    static const char callbacks[] =
        "UPDATE callback SET node=? WHERE (message_id, event) IN (SELECT message_id, event FROM callback "
        "WHERE node=? LIMIT ?)";
    static const char hooks[] = "UPDATE webhook SET node=? WHERE node=?";
    int64_t n_callbacks, n_hooks, me = self->id;
    if (!move(db, messages, (int64_t[]){me, sending_until, sending_until, from, limit}, 5, &out->messages,
              e) ||
        !move(db, callbacks, (int64_t[]){me, from, limit}, 3, &n_callbacks, e) ||
        !move(db, hooks, (int64_t[]){me, from}, 2, &n_hooks, e))
        return false;
    out->from = (unsigned)from;
    out->moved = out->messages || n_callbacks || n_hooks;
    out->more = out->messages == limit || n_callbacks == limit;
    return !n_hooks || nodes_hooks_changed(db, e);
}

static bool move_some(struct db *db, const struct node_self *self, int64_t sending_until, unsigned limit,
                      struct node_news *out, struct err *e) {
    static const char next[] = "SELECT coalesce((SELECT min(id) FROM node WHERE taken=1), -1)";
    static const char empty[] = "UPDATE node SET taken=2 WHERE id=?";
    int64_t from;
    bool gone;
    if (!number(db, next, -1, &from, e))
        return false;
    if (from < 0)
        return true;
    if (!hold_gone(db, (unsigned)from, &gone, e))
        return false;
    if (!gone)
        return true;
    if (!move_rows(db, self, from, sending_until, limit, out, e))
        return false;
    struct db_stmt *s = out->more ? NULL : db_stmt(db, empty, e);
    db_int(s, from);
    return out->more || db_run(s, e);
}

/* Of a node that is gone, its parcels are anybody's: who has them sends them on. */
static bool move_parcels(struct db *db, const struct node_self *self, struct err *e) {
    static const char sql[] = "UPDATE parcel SET to_node=? WHERE done=0 AND to_node IN (SELECT id FROM node "
                              "WHERE taken>0)";
    int64_t moved;
    return move(db, sql, (int64_t[]){self->id}, 1, &moved, e);
}

static bool keep(struct db *db, const struct node_self *self, bool *keeper, struct err *e) {
    static const char who[] = "SELECT m.value FROM meta AS m JOIN node AS n ON n.id=m.value AND n.taken=0 "
                              "WHERE m.name='keeper'";
    static const char become[] =
        "INSERT INTO meta (name, value) VALUES ('keeper', ?) ON CONFLICT (name) DO UPDATE SET "
        "value=excluded.value WHERE meta.value NOT IN (SELECT id FROM node WHERE taken=0)";
    int64_t id;
    if (!number(db, who, -1, &id, e))
        return false;
    if (!id) {
        struct db_stmt *s = db_stmt(db, become, e);
        db_int(s, self->id);
        if (!db_run(s, e))
            return false;
        id = db_changes(db) == 1 ? (int64_t)self->id : 0;
    }
    *keeper = id == (int64_t)self->id;
    atomic_store_explicit(&self->lease->keeper, *keeper, memory_order_relaxed);
    return true;
}

bool nodes_look(struct db *db, const struct node_self *self, int64_t sending_until, unsigned limit,
                struct node_news *out, struct err *e) {
    static const char alive[] = "SELECT count(*) FROM node WHERE taken=0";
    static const char blind[] = "SELECT count(*) FROM node WHERE taken=0 AND sees_far=0";
    int64_t n, n_blind;
    *out = (struct node_news){0};
    if (!mark_expired(db, self, out, e) || !move_some(db, self, sending_until, limit, out, e) ||
        !move_parcels(db, self, e) || !keep(db, self, &out->keeper, e) || !number(db, alive, -1, &n, e) ||
        !number(db, blind, -1, &n_blind, e))
        return false;
    out->alive = (unsigned)n;
    out->all_see_far = n_blind == 0;
    out->more |= out->moved;
    return true;
}
