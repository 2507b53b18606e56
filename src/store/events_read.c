/* Reading business events, digests and what rules did. */
#include "store/events.h"

static bool is_out(const struct arena *a, struct err *e) {
    return !a->full || err_set(e, ERR_OUTSIDE, "out of memory for events");
}

static struct event_row row_of(struct db_stmt *s, struct arena *a) {
    return (struct event_row){
        .id = db_col_int(s, 0),
        .source = arena_dup(a, db_col_text(s, 1)),
        .name = arena_dup(a, db_col_text(s, 2)),
        .type = arena_dup(a, db_col_text(s, 3)),
        .subject = arena_dup(a, db_col_text(s, 4)),
        .at = db_col_int(s, 5),
    };
}

static bool load_outcomes(struct db *db, struct arena *a, struct event_row *out, struct err *e) {
    static const char sql[] =
        "SELECT rule, did, message_id, detail FROM event_outcome WHERE event_id=? ORDER BY number";
    struct db_stmt *s = db_stmt(db, sql, e);
    bool row;
    out->outcomes = arena_alloc(a, EVENT_OUTCOMES_MAX * sizeof *out->outcomes);
    if (!s || !out->outcomes)
        return s ? is_out(a, e) : false;
    db_int(s, out->id);
    while (out->n_outcomes < EVENT_OUTCOMES_MAX) {
        if (!db_next(s, &row, e))
            return false;
        if (!row)
            return is_out(a, e);
        out->outcomes[out->n_outcomes++] = (struct event_outcome){.rule = arena_dup(a, db_col_text(s, 0)),
                                                                  .did = (enum event_did)db_col_int(s, 1),
                                                                  .message_id = db_col_int(s, 2),
                                                                  .detail = arena_dup(a, db_col_text(s, 3))};
    }
    db_end(s);
    return is_out(a, e);
}

bool events_load(struct db *db, int64_t account_id, int64_t id, struct arena *a, struct event_row *out,
                 struct err *e) {
    static const char sql[] =
        "SELECT id, source, name, type, subject, at, data, passed, unjudged FROM business_event "
        "WHERE id=? AND account_id=?";
    struct db_stmt *s = db_stmt(db, sql, e);
    bool row;
    db_int(s, id);
    db_int(s, account_id);
    if (!db_next(s, &row, e))
        return false;
    if (!row)
        return err_set(e, ERR_NOT_FOUND, "there is no such event");
    *out = row_of(s, a);
    out->data = arena_dup(a, db_col_text(s, 6));
    out->passed = arena_dup(a, db_col_text(s, 7));
    out->unjudged = arena_dup(a, db_col_text(s, 8));
    db_end(s);
    return load_outcomes(db, a, out, e);
}

bool events_list(struct db *db, int64_t account_id, struct sv type, int64_t before, unsigned limit,
                 struct arena *a, struct event_row *out, size_t *n, bool *more, struct err *e) {
    static const char sql[] = "SELECT id, source, name, type, subject, at FROM business_event WHERE "
                              "account_id=? AND id<? AND (?3='' OR type=?3) ORDER BY id DESC LIMIT ?";
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, account_id);
    db_int(s, before ? before : INT64_MAX);
    db_text(s, type.p ? type : SV(""));
    db_int(s, (int64_t)limit + 1);
    *more = false;
    bool row;
    for (*n = 0;; ++*n) {
        if (!db_next(s, &row, e))
            return false;
        if (!row)
            return is_out(a, e);
        if (*n == limit)
            break;
        out[*n] = row_of(s, a);
    }
    *more = true;
    db_end(s);
    return is_out(a, e);
}

bool events_tied(struct db *db, int64_t account_id, const struct event_withdrawal *w, int64_t *ids,
                 size_t max, size_t *n, struct err *e) {
    static const char sql[] =
        "SELECT r.message_id FROM rule_message AS r JOIN message AS m ON m.id=r.message_id WHERE "
        "r.account_id=? AND r.rule=? AND r.key=? AND r.withdrawn=0 AND m.state IN (1,2,3)";
    struct db_stmt *s = db_stmt(db, sql, e);
    bool row;
    *n = 0;
    db_int(s, account_id);
    db_text(s, w->rule);
    db_text(s, w->key);
    while (*n < max) {
        if (!db_next(s, &row, e))
            return false;
        if (!row)
            return true;
        ids[(*n)++] = db_col_int(s, 0);
    }
    db_end(s);
    return true;
}

bool events_is_marked(struct db *db, int64_t account_id, struct sv rule, struct sv key, int64_t now,
                      bool *yes, struct err *e) {
    static const char sql[] =
        "SELECT 1 FROM rule_mark WHERE account_id=? AND rule=? AND key=? AND expires_at>?";
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, account_id);
    db_text(s, rule);
    db_text(s, key);
    db_int(s, now);
    return db_any(s, yes, e);
}

static bool load_items(struct db *db, struct arena *a, struct digest_row *out, struct err *e) {
    static const char sql[] = "SELECT event_id, vars FROM digest_item WHERE account_id=? AND rule=? AND "
                              "recipient=? ORDER BY event_id LIMIT ?";
    struct db_stmt *s = db_stmt(db, sql, e);
    bool row;
    db_int(s, out->account_id);
    db_text(s, out->rule);
    db_text(s, out->recipient);
    db_int(s, DIGEST_ITEMS_MAX);
    for (;;) {
        if (!db_next(s, &row, e))
            return false;
        if (!row)
            return is_out(a, e);
        if (out->n_items == DIGEST_ITEMS_MAX)
            break;
        out->last_event = db_col_int(s, 0);
        out->items[out->n_items++] = arena_dup(a, db_col_text(s, 1));
    }
    db_end(s);
    return is_out(a, e);
}

bool events_due_digest(struct db *db, int64_t now, struct arena *a, struct digest_row *out, bool *found,
                       struct err *e) {
    static const char sql[] =
        "SELECT account_id, rule, recipient, tries FROM digest WHERE due_at<=? ORDER BY due_at LIMIT 1";
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, now);
    if (!db_next(s, found, e))
        return false;
    if (!*found)
        return true;
    *out = (struct digest_row){.account_id = db_col_int(s, 0),
                               .rule = arena_dup(a, db_col_text(s, 1)),
                               .recipient = arena_dup(a, db_col_text(s, 2)),
                               .tries = (unsigned)db_col_int(s, 3)};
    db_end(s);
    return load_items(db, a, out, e);
}

#define RULE_COUNTS "account_id, rule, matched, fired, suppressed, errors, canceled, last_at FROM rule_count"

static struct rule_count count_of(struct db_stmt *s, struct arena *a) {
    return (struct rule_count){.account_id = db_col_int(s, 0),
                               .rule = a ? arena_dup(a, db_col_text(s, 1)) : SV_NONE,
                               .matched = db_col_int(s, 2),
                               .fired = db_col_int(s, 3),
                               .suppressed = db_col_int(s, 4),
                               .errors = db_col_int(s, 5),
                               .canceled = db_col_int(s, 6),
                               .last_at = db_col_int(s, 7)};
}

bool events_count(struct db *db, int64_t account_id, struct sv rule, struct rule_count *out, struct err *e) {
    static const char sql[] = "SELECT " RULE_COUNTS " WHERE account_id=? AND rule=?";
    struct db_stmt *s = db_stmt(db, sql, e);
    bool row;
    *out = (struct rule_count){.account_id = account_id};
    db_int(s, account_id);
    db_text(s, rule);
    if (!db_next(s, &row, e))
        return false;
    if (row)
        *out = count_of(s, NULL);
    out->rule = rule;
    db_end(s);
    return true;
}

bool events_counts(struct db *db, unsigned limit, struct arena *a, struct rule_count *out, size_t *n,
                   struct err *e) {
    static const char sql[] = "SELECT " RULE_COUNTS " ORDER BY account_id, rule LIMIT ?";
    struct db_stmt *s = db_stmt(db, sql, e);
    bool row;
    *n = 0;
    db_int(s, limit);
    for (;;) {
        if (!db_next(s, &row, e))
            return false;
        if (!row)
            return is_out(a, e);
        out[(*n)++] = count_of(s, a);
    }
}
