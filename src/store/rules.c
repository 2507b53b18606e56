#include "store/rules.h"

static struct db_stmt *of_rule(struct db *db, const char *sql, int64_t account_id, struct sv name,
                               struct err *e) {
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, account_id);
    db_text(s, name);
    return s;
}

static bool run(struct db *db, const char *sql, const struct rule_write *w, struct err *e) {
    struct db_stmt *s = of_rule(db, sql, w->account_id, w->name, e);
    return db_run(s, e);
}

/* ---- writing ---- */

/* Tells every reader to look; part of the writer's transaction. */
static bool touch(struct db *db, struct rule_write *w, struct err *e) {
    static const char sql[] = "INSERT INTO meta (name, value) VALUES ('rules_generation', 1) ON CONFLICT "
                              "(name) DO UPDATE SET value=meta.value+1";
    struct db_stmt *s = db_stmt(db, sql, e);
    w->changed = true;
    return db_run(s, e);
}

struct standing {
    bool there;
    uint32_t latest, published;
};

static bool look(struct db *db, const struct rule_write *w, struct standing *out, struct err *e) {
    static const char sql[] = "SELECT latest, published FROM rule WHERE account_id=? AND name=?";
    struct db_stmt *s = of_rule(db, sql, w->account_id, w->name, e);
    if (!db_next(s, &out->there, e))
        return false;
    out->latest = out->there ? (uint32_t)db_col_int(s, 0) : 0;
    out->published = out->there ? (uint32_t)db_col_int(s, 1) : 0;
    db_end(s);
    return true;
}

static bool set_published(struct db *db, struct rule_write *w, uint32_t number, int64_t now, struct err *e) {
    static const char head[] = "UPDATE rule SET published=?, updated_at=? WHERE account_id=? AND name=?";
    static const char version[] =
        "UPDATE rule_version SET published_at=? WHERE account_id=? AND name=? AND number=?";
    struct db_stmt *s = db_stmt(db, head, e);
    db_int(s, number);
    db_int(s, now);
    db_int(s, w->account_id);
    db_text(s, w->name);
    if (!db_run(s, e))
        return false;
    s = db_stmt(db, version, e);
    db_int(s, now);
    db_int(s, w->account_id);
    db_text(s, w->name);
    db_int(s, number);
    return db_run(s, e) && touch(db, w, e);
}

static bool has_version(struct db *db, const struct rule_write *w, uint32_t number, struct sv same_as,
                        bool *yes, struct err *e) {
    static const char sql[] = "SELECT doc FROM rule_version WHERE account_id=? AND name=? AND number=?";
    struct db_stmt *s = of_rule(db, sql, w->account_id, w->name, e);
    db_int(s, number);
    if (!db_next(s, yes, e))
        return false;
    *yes = *yes && (!same_as.p || sv_eq(same_as, db_col_text(s, 0)));
    db_end(s);
    return true;
}

static bool is_full(struct db *db, const struct rule_write *w, bool *full, struct err *e) {
    static const char sql[] = "SELECT count(*) FROM rule WHERE account_id=?";
    int64_t n;
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, w->account_id);
    if (!db_value(s, &n, e))
        return false;
    *full = n >= RULES_PER_ACCOUNT_MAX;
    return true;
}

static bool insert(struct db *db, const struct rule_write *w, int64_t now, struct err *e) {
    static const char head[] =
        "INSERT INTO rule (account_id, name, latest, created_at, updated_at) VALUES (?,?,?,?,?) ON CONFLICT "
        "(account_id, name) DO UPDATE SET latest=excluded.latest, updated_at=excluded.updated_at";
    static const char version[] =
        "INSERT INTO rule_version (account_id, name, number, created_at, doc) VALUES (?,?,?,?,?)";
    struct db_stmt *s = of_rule(db, head, w->account_id, w->name, e);
    db_int(s, w->number);
    db_int(s, now);
    db_int(s, now);
    if (!db_run(s, e))
        return false;
    s = of_rule(db, version, w->account_id, w->name, e);
    db_int(s, w->number);
    db_int(s, now);
    db_text(s, w->doc);
    return db_run(s, e);
}

static bool add(struct db *db, struct rule_write *w, int64_t now, struct err *e) {
    struct standing at;
    bool same, full = false;
    if (!look(db, w, &at, e) || !has_version(db, w, at.latest, w->doc, &same, e) ||
        (!at.there && !is_full(db, w, &full, e)))
        return false;
    w->number = same ? at.latest : at.latest + 1;
    w->outcome = full ? RULE_FULL : same ? RULE_SAME : RULE_DONE;
    if (full || (!same && !insert(db, w, now, e)))
        return full;
    return !w->publish || at.published == w->number || set_published(db, w, w->number, now, e);
}

static bool publish(struct db *db, struct rule_write *w, int64_t now, struct err *e) {
    struct standing at;
    bool there;
    if (!look(db, w, &at, e) || !has_version(db, w, w->number, SV_NONE, &there, e))
        return false;
    w->outcome = !there ? RULE_ABSENT : at.published == w->number ? RULE_SAME : RULE_DONE;
    return w->outcome != RULE_DONE || set_published(db, w, w->number, now, e);
}

static bool disable(struct db *db, struct rule_write *w, int64_t now, struct err *e) {
    struct standing at;
    if (!look(db, w, &at, e))
        return false;
    w->outcome = !at.there ? RULE_ABSENT : at.published ? RULE_DONE : RULE_SAME;
    w->number = at.latest;
    return w->outcome != RULE_DONE || set_published(db, w, 0, now, e);
}

static bool forget(struct db *db, struct rule_write *w, struct err *e) {
    static const char versions[] = "DELETE FROM rule_version WHERE account_id=? AND name=?";
    static const char head[] = "DELETE FROM rule WHERE account_id=? AND name=?";
    static const char counts[] = "DELETE FROM rule_count WHERE account_id=? AND rule=?";
    struct standing at;
    if (!look(db, w, &at, e))
        return false;
    w->outcome = at.there ? RULE_DONE : RULE_ABSENT;
    return !at.there ||
           (run(db, versions, w, e) && run(db, head, w, e) && run(db, counts, w, e) && touch(db, w, e));
}

bool rules_write_run(struct db *db, struct store_write *write, int64_t now, struct err *e) {
    struct rule_write *w = (struct rule_write *)write;
    w->changed = false;
    switch (w->act) {
    case RULE_ADD: return add(db, w, now, e);
    case RULE_PUBLISH: return publish(db, w, now, e);
    case RULE_DISABLE: return disable(db, w, now, e);
    case RULE_DELETE: return forget(db, w, e);
    }
    BUG("an act of rules");
}

/* ---- reading ---- */

bool rules_generation(struct db *db, int64_t *out, struct err *e) {
    static const char sql[] = "SELECT value FROM meta WHERE name='rules_generation'";
    struct db_stmt *s = db_stmt(db, sql, e);
    return db_value(s, out, e);
}

#define RULE_HEAD "SELECT name, latest, published, created_at, updated_at FROM rule WHERE account_id=?"

static struct rule_head head_of(struct db_stmt *s, struct arena *a) {
    return (struct rule_head){.name = arena_dup(a, db_col_text(s, 0)),
                              .latest = (uint32_t)db_col_int(s, 1),
                              .published = (uint32_t)db_col_int(s, 2),
                              .created_at = db_col_int(s, 3),
                              .updated_at = db_col_int(s, 4)};
}

static bool is_out(const struct arena *a, struct err *e) {
    return !a->full || err_set(e, ERR_OUTSIDE, "out of memory for rules");
}

bool rules_head(struct db *db, int64_t account_id, struct sv name, struct arena *a, struct rule_head *out,
                struct err *e) {
    static const char sql[] = RULE_HEAD " AND name=?";
    struct db_stmt *s = of_rule(db, sql, account_id, name, e);
    bool row;
    if (!db_next(s, &row, e))
        return false;
    if (!row)
        return err_set(e, ERR_NOT_FOUND, "there is no such rule");
    *out = head_of(s, a);
    db_end(s);
    return is_out(a, e);
}

bool rules_list(struct db *db, int64_t account_id, struct arena *a, struct rule_head *out, size_t *n,
                struct err *e) {
    static const char sql[] = RULE_HEAD " ORDER BY name LIMIT ?";
    struct db_stmt *s = db_stmt(db, sql, e);
    bool row;
    *n = 0;
    db_int(s, account_id);
    db_int(s, RULES_PER_ACCOUNT_MAX);
    for (;;) {
        if (!db_next(s, &row, e))
            return false;
        if (!row)
            return is_out(a, e);
        out[(*n)++] = head_of(s, a);
    }
}

bool rules_versions(struct db *db, int64_t account_id, struct sv name, unsigned limit,
                    struct rule_version *out, size_t *n, struct err *e) {
    static const char sql[] = "SELECT number, created_at, published_at FROM rule_version WHERE account_id=? "
                              "AND name=? ORDER BY number DESC LIMIT ?";
    struct db_stmt *s = of_rule(db, sql, account_id, name, e);
    bool row;
    *n = 0;
    db_int(s, limit);
    for (;;) {
        if (!db_next(s, &row, e))
            return false;
        if (!row)
            return true;
        out[(*n)++] = (struct rule_version){.number = (uint32_t)db_col_int(s, 0),
                                            .created_at = db_col_int(s, 1),
                                            .published_at = db_col_int(s, 2)};
    }
}

bool rules_load(struct db *db, int64_t account_id, struct sv name, uint32_t number, struct arena *a,
                struct rule_version *out, struct err *e) {
    static const char sql[] =
        "SELECT v.number, v.created_at, v.published_at, v.doc FROM rule AS r JOIN rule_version AS v ON "
        "v.account_id=r.account_id AND v.name=r.name WHERE r.account_id=?1 AND r.name=?2 AND v.number=CASE "
        "WHEN ?3<>0 THEN ?3 WHEN r.published<>0 THEN r.published ELSE r.latest END";
    struct db_stmt *s = of_rule(db, sql, account_id, name, e);
    bool row;
    db_int(s, number);
    if (!db_next(s, &row, e))
        return false;
    if (!row)
        return err_set(e, ERR_NOT_FOUND, "there is no such rule, or version of it");
    *out = (struct rule_version){.number = (uint32_t)db_col_int(s, 0),
                                 .created_at = db_col_int(s, 1),
                                 .published_at = db_col_int(s, 2),
                                 .doc = arena_dup(a, db_col_text(s, 3))};
    db_end(s);
    return is_out(a, e);
}

bool rules_published(struct db *db, int64_t account_id,
                     bool (*each)(void *ctx, struct sv name, uint32_t number, struct sv doc), void *ctx,
                     struct err *e) {
    static const char sql[] =
        "SELECT r.name, r.published, v.doc FROM rule AS r JOIN rule_version AS v ON "
        "v.account_id=r.account_id AND v.name=r.name AND v.number=r.published WHERE r.account_id=? AND "
        "r.published<>0 ORDER BY r.name";
    struct db_stmt *s = db_stmt(db, sql, e);
    bool row;
    db_int(s, account_id);
    for (;;) {
        if (!db_next(s, &row, e))
            return false;
        if (!row)
            return true;
        if (each(ctx, db_col_text(s, 0), (uint32_t)db_col_int(s, 1), db_col_text(s, 2)))
            continue;
        db_end(s);
        return true;
    }
}
