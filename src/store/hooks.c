#include "store/hooks.h"

#include <string.h>

enum { LIST_BYTES_MAX = 512 * 1024 * 1024 };

#define COLUMNS                                                                                              \
    "id, account_id, url, description, types, topics, secret, old_secret, old_until, status, status_since, " \
    "failing_since, replay_since, replay_after, replay_until, created_at, updated_at, node"

static struct hook_secret read_secret(struct sv v) {
    struct hook_secret out = {0};
    if (v.n && v.n <= sizeof out.sealed) {
        out.n = (uint8_t)v.n;
        memcpy(out.sealed, v.p, v.n);
    }
    return out;
}

static uint64_t bits_of(struct sv types) {
    uint64_t bits = UINT64_C(1) << HOOK_TEST;
    while (types.p)
        bits |= hook_types_of(sv_cut(&types, '\n'));
    return bits;
}

/* False when mem is full. */
static bool read_hook(struct db_stmt *s, struct arena *mem, struct webhook *out) {
    *out = (struct webhook){
        .id = db_col_int(s, 0),
        .account_id = db_col_int(s, 1),
        .url = arena_dup(mem, db_col_text(s, 2)),
        .description = arena_dup(mem, db_col_text(s, 3)),
        .types = arena_dup(mem, db_col_text(s, 4)),
        .topics = arena_dup(mem, db_col_text(s, 5)),
        .secret = read_secret(db_col_text(s, 6)),
        .old_secret = read_secret(db_col_text(s, 7)),
        .old_until = db_col_int(s, 8),
        .status = (enum hook_status)db_col_int(s, 9),
        .status_since = db_col_int(s, 10),
        .failing_since = db_col_int(s, 11),
        .replay_since = db_col_int(s, 12),
        .replay_after = db_col_int(s, 13),
        .replay_until = db_col_int(s, 14),
        .created_at = db_col_int(s, 15),
        .updated_at = db_col_int(s, 16),
        .node = (unsigned)db_col_int(s, 17),
    };
    if (out->status >= HOOK_STATUSES && out->status != HOOK_DELETED)
        out->status = HOOK_BY_CALLER; /* of a newer program */
    out->type_bits = bits_of(out->types);
    return !mem->full;
}

/* ---- the list ---- */

void hook_list_free(struct hook_list *l) {
    if (!l)
        return;
    map_done(&l->firsts);
    arena_done(&l->mem);
    free(l);
}

static bool fill(struct db *db, struct hook_list *l, size_t room, struct err *e) {
    static const char sql[] = "SELECT " COLUMNS " FROM webhook ORDER BY account_id, id";
    struct db_stmt *s = db_stmt(db, sql, e);
    for (bool row;;) {
        if (!db_next(s, &row, e))
            return false;
        if (!row)
            return true;
        if (l->n == room || !read_hook(s, &l->mem, &l->at[l->n])) {
            db_end(s);
            return err_set(e, ERR_OUTSIDE, "there are too many webhooks to keep in memory");
        }
        struct webhook *h = &l->at[l->n++];
        if (!map_get(&l->firsts, (uint64_t)h->account_id))
            map_put(&l->firsts, (uint64_t)h->account_id, h);
    }
}

struct hook_list *hooks_load(struct db *db, unsigned node, struct err *e) {
    struct hook_list *l = calloc(1, sizeof *l);
    int64_t n;
    ASSERT(l);
    l->node = node;
    arena_init(&l->mem, LIST_BYTES_MAX);
    map_init(&l->firsts);
    bool ok = db_value(db_stmt(db, "SELECT count(*) FROM webhook", e), &n, e);
    if (ok && n) {
        l->at = arena_alloc(&l->mem, (size_t)n * sizeof *l->at);
        ok = l->at ? fill(db, l, (size_t)n, e) : err_set(e, ERR_OUTSIDE, "out of memory for webhooks");
    }
    if (ok)
        return l;
    hook_list_free(l);
    return NULL;
}

const struct webhook *hooks_of(const struct hook_list *l, int64_t account_id) {
    return map_get(&l->firsts, (uint64_t)account_id);
}

const struct webhook *hooks_end(const struct hook_list *l) {
    return l->at + l->n;
}

/* ---- writing ---- */

static void bind_secret(struct db_stmt *s, const struct hook_secret *v) {
    db_blob(s, v->n ? v->sealed : NULL, v->n);
}

static bool create(struct db *db, struct hook_write *w, int64_t now, struct err *e) {
    static const char many[] = "SELECT count(*) FROM webhook WHERE account_id=? AND status<>9";
    static const char sql[] = "INSERT INTO webhook (id, account_id, url, description, types, topics, secret, "
                              "created_at, updated_at, status_since, node) VALUES (?,?,?,?,?,?,?,?,?,?,?) "
                              "ON CONFLICT DO NOTHING";
    struct db_stmt *s = db_stmt(db, many, e);
    int64_t n;
    db_int(s, w->hook.account_id);
    if (!db_value(s, &n, e))
        return false;
    w->full = n >= HOOKS_PER_ACCOUNT_MAX;
    if (w->full)
        return true;
    s = db_stmt(db, sql, e);
    db_int(s, w->hook.id);
    db_int(s, w->hook.account_id);
    db_text(s, w->hook.url);
    db_text_or_null(s, w->hook.description);
    db_text(s, w->hook.types);
    db_text_or_null(s, w->hook.topics);
    bind_secret(s, &w->hook.secret);
    db_int(s, now);
    db_int(s, now);
    db_int(s, now);
    db_int(s, w->hook.node);
    if (!db_run(s, e))
        return false;
    w->absent = db_changes(db) == 0; /* the id is another's: the clock was set back */
    return true;
}

/* Statements that end with the endpoint's id and account. */
static bool run_on(struct db *db, struct db_stmt *s, struct hook_write *w, struct err *e) {
    db_int(s, w->hook.id);
    db_int(s, w->hook.account_id);
    if (!db_run(s, e))
        return false;
    w->absent = db_changes(db) == 0;
    return true;
}

static bool update(struct db *db, struct hook_write *w, int64_t now, struct err *e) {
    static const char sql[] =
        "UPDATE webhook SET url=coalesce(?,url), description=CASE WHEN ?<>0 THEN ? ELSE description END, "
        "types=coalesce(?,types), topics=CASE WHEN ?<>0 THEN ? ELSE topics END, updated_at=? WHERE id=? AND "
        "account_id=? AND status<>9";
    struct db_stmt *s = db_stmt(db, sql, e);
    db_text_or_null(s, w->hook.url);
    db_int(s, w->hook.description.p != NULL);
    db_text_or_null(s, w->hook.description);
    db_text_or_null(s, w->hook.types);
    db_int(s, w->hook.topics.p != NULL);
    db_text_or_null(s, w->hook.topics);
    db_int(s, now);
    return run_on(db, s, w, e);
}

static bool rotate(struct db *db, struct hook_write *w, int64_t now, struct err *e) {
    static const char sql[] = "UPDATE webhook SET old_secret=secret, old_until=?, secret=?, updated_at=? "
                              "WHERE id=? AND account_id=? AND status<>9";
    struct db_stmt *s = db_stmt(db, sql, e);
    if (!s)
        return false;
    db_int(s, w->hook.old_until);
    bind_secret(s, &w->hook.secret);
    db_int(s, now);
    return run_on(db, s, w, e);
}

static bool set_status(struct db *db, struct hook_write *w, enum hook_status status, int64_t now,
                       struct err *e) {
    static const char sql[] =
        "UPDATE webhook SET status_since=CASE WHEN status=?1 THEN status_since ELSE ?2 END, "
        "failing_since=CASE WHEN ?1=0 THEN 0 ELSE failing_since END, updated_at=?2, status=?1 WHERE id=?3 "
        "AND account_id=?4 AND status<>9";
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, status);
    db_int(s, now);
    return run_on(db, s, w, e);
}

static bool read_status(struct db *db, struct hook_write *w, enum hook_status *out, struct err *e) {
    static const char sql[] = "SELECT status FROM webhook WHERE id=? AND account_id=? AND status<>9";
    struct db_stmt *s = db_stmt(db, sql, e);
    bool row;
    db_int(s, w->hook.id);
    db_int(s, w->hook.account_id);
    if (!db_next(s, &row, e))
        return false;
    w->absent = !row;
    *out = row ? (enum hook_status)db_col_int(s, 0) : HOOK_DELETED;
    db_end(s);
    return true;
}

static bool disable(struct db *db, struct hook_write *w, int64_t now, struct err *e) {
    enum hook_status was;
    if (!read_status(db, w, &was, e))
        return false;
    if (w->absent || was == w->hook.status)
        return true;
    if (was != HOOK_ENABLED && w->hook.status != HOOK_BY_CALLER) {
        w->absent = true; /* somebody was faster */
        return true;
    }
    return set_status(db, w, w->hook.status, now, e);
}

static bool replay(struct db *db, struct hook_write *w, struct err *e) {
    static const char sql[] =
        "UPDATE webhook SET replay_since=CASE WHEN replay_until<>0 THEN min(replay_since,?) ELSE ? END, "
        "replay_after=CASE WHEN replay_until<>0 THEN min(replay_after,?) ELSE ? END, replay_until=? WHERE "
        "id=? AND account_id=?";
    enum hook_status status;
    if (!read_status(db, w, &status, e))
        return false;
    w->off = status != HOOK_ENABLED;
    if (w->absent || w->off)
        return true;
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, w->hook.replay_since);
    db_int(s, w->hook.replay_since);
    db_int(s, w->hook.replay_after);
    db_int(s, w->hook.replay_after);
    db_int(s, w->hook.replay_until);
    return run_on(db, s, w, e);
}

static bool note_failing(struct db *db, struct hook_write *w, struct err *e) {
    static const char sql[] = "UPDATE webhook SET failing_since=? WHERE id=? AND account_id=?";
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, w->hook.failing_since);
    return run_on(db, s, w, e);
}

bool hooks_write(struct db *db, struct hook_write *w, int64_t now, struct err *e) {
    enum hook_status status;
    w->absent = w->full = w->off = false;
    switch (w->act) {
    case HOOK_CREATE: return create(db, w, now, e);
    case HOOK_UPDATE: return update(db, w, now, e);
    case HOOK_ROTATE: return rotate(db, w, now, e);
    case HOOK_ENABLE: return set_status(db, w, HOOK_ENABLED, now, e);
    case HOOK_DISABLE: return disable(db, w, now, e);
    case HOOK_DELETE: return set_status(db, w, HOOK_DELETED, now, e);
    case HOOK_SEND_TEST:
        if (!read_status(db, w, &status, e))
            return false;
        w->off = status != HOOK_ENABLED;
        return true;
    case HOOK_REPLAY: return replay(db, w, e);
    case HOOK_NOTE_FAILING: return note_failing(db, w, e);
    }
    return false;
}

/* ---- reading ---- */

bool hooks_read(struct db *db, int64_t account_id, int64_t id, struct arena *mem, struct webhook *out,
                size_t *n, struct err *e) {
    static const char sql[] = "SELECT " COLUMNS " FROM webhook INDEXED BY webhook_account WHERE account_id=? "
                              "AND status<>9 AND (?2=0 OR id=?2) ORDER BY id LIMIT 16";
    _Static_assert(HOOKS_PER_ACCOUNT_MAX == 16, "as the statement has it");
    struct db_stmt *s = db_stmt(db, sql, e);
    *n = 0;
    db_int(s, account_id);
    db_int(s, id);
    for (bool row;;) {
        if (!db_next(s, &row, e))
            return false;
        if (!row)
            return true;
        if (!read_hook(s, mem, &out[*n])) {
            db_end(s);
            return err_set(e, ERR_TOO_LARGE, "the webhooks do not fit into an answer");
        }
        (*n)++;
    }
}

bool hooks_find(struct db *db, int64_t account_id, struct sv url, int64_t *id, struct err *e) {
    static const char sql[] = "SELECT id FROM webhook WHERE account_id=? AND url=? AND status<>?";
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, account_id);
    db_text(s, url);
    db_int(s, HOOK_DELETED);
    return db_value(s, id, e);
}
