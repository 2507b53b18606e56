#include "store/verifications.h"

#include "base/clock.h"
#include "model/id.h"
#include "store/rows.h"

#include <string.h>

enum { LOOKED_AT_MAX = 5000 };

static const char *const names[VERIFICATION_STATUSES] = {
    [VERIFICATION_PENDING] = "pending",           [VERIFICATION_APPROVED] = "approved",
    [VERIFICATION_EXPIRED] = "expired",           [VERIFICATION_CANCELED] = "canceled",
    [VERIFICATION_MAX_ATTEMPTS] = "max_attempts",
};

const char *verification_status_name(enum verification_status s) {
    ASSERT(s < VERIFICATION_STATUSES);
    return names[s];
}

#define VERIFICATION_COLUMNS                                                                                 \
    "id, account_id, message_id, recipient, purpose, status, superseded, channel, attempts, attempts_max, "  \
    "resends, resends_max, resend_us, created_at, sent_at, expires_at, done_at, salt, hash, sealed"
enum { COL_SALT = 17, COL_HASH, COL_SEALED };

static struct verification row_of(struct db_stmt *s, int64_t now) {
    int64_t status = db_col_int(s, 5), channel = db_col_int(s, 7);
    struct verification v = {
        .id = db_col_int(s, 0),
        .account_id = db_col_int(s, 1),
        .message_id = db_col_int(s, 2),
        .status = status >= 0 && status < VERIFICATION_STATUSES ? (enum verification_status)status
                                                                : VERIFICATION_CANCELED,
        .superseded = db_col_int(s, 6) != 0,
        .channel = channel >= 0 && channel < CHANNEL_COUNT ? (enum channel)channel : CHANNEL_SMS,
        .attempts = (uint32_t)db_col_int(s, 8),
        .attempts_max = (uint32_t)db_col_int(s, 9),
        .resends = (uint32_t)db_col_int(s, 10),
        .resends_max = (uint32_t)db_col_int(s, 11),
        .resend_us = db_col_int(s, 12),
        .created_at = db_col_int(s, 13),
        .sent_at = db_col_int(s, 14),
        .expires_at = db_col_int(s, 15),
        .done_at = db_col_int(s, 16),
    };
    rows_copy(v.to, sizeof v.to, db_col_text(s, 3));
    rows_copy(v.purpose, sizeof v.purpose, db_col_text(s, 4));
    if (v.status == VERIFICATION_PENDING && v.expires_at <= now) {
        v.status = VERIFICATION_EXPIRED;
        v.done_at = v.expires_at;
    }
    return v;
}

/* ---- looking ---- */

static struct db_stmt *find(struct db *db, int64_t account_id, int64_t id, struct err *e) {
    static const char sql[] = "SELECT " VERIFICATION_COLUMNS " FROM verification WHERE id=? AND account_id=?";
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, id);
    db_int(s, account_id);
    return s;
}

static struct db_stmt *find_latest(struct db *db, int64_t account_id, struct sv to, struct sv purpose,
                                   struct err *e) {
    static const char sql[] =
        "SELECT " VERIFICATION_COLUMNS " FROM verification WHERE account_id=? AND recipient=? AND "
        "purpose=? ORDER BY id DESC LIMIT 1";
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, account_id);
    db_text(s, to);
    db_text(s, purpose.n ? purpose : SV(""));
    return s;
}

/* What is looked at is written next: no other node counts guesses or texts of it meanwhile. */
static bool hold(struct db *db, int64_t account_id, int64_t id, struct err *e) {
    static const char sql[] = "SELECT 1 FROM verification WHERE id=? AND account_id=? /*pg FOR UPDATE */";
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, id);
    db_int(s, account_id);
    return db_run(s, e);
}

/* The same of the recipient's pending one, of which there is one at most (the unique index
 * verification_pending); its id, or 0. */
static bool hold_pending(struct db *db, int64_t account_id, struct sv to, struct sv purpose, int64_t *id,
                         struct err *e) {
    static const char sql[] = "SELECT id FROM verification WHERE account_id=? AND recipient=? AND purpose=? "
                              "AND done_at=0 /*pg FOR UPDATE */";
    struct db_stmt *s = db_stmt(db, sql, e);
    *id = 0;
    db_int(s, account_id);
    db_text(s, to);
    db_text(s, purpose.n ? purpose : SV(""));
    return db_value(s, id, e);
}

bool verifications_get(struct db *db, int64_t account_id, int64_t id, int64_t now, struct verification *out,
                       struct buf *sealed, struct err *e) {
    struct db_stmt *s = find(db, account_id, id, e);
    bool row;
    *out = (struct verification){0};
    if (!db_next(s, &row, e))
        return false;
    if (!row)
        return true;
    *out = row_of(s, now);
    if (sealed)
        buf_add(sealed, db_col_text(s, COL_SEALED));
    db_end(s);
    return true;
}

bool verifications_of_message(struct db *db, int64_t message_id, int64_t *id, struct err *e) {
    static const char sql[] = "SELECT verification_id FROM verification_message WHERE message_id=?";
    struct db_stmt *s = db_stmt(db, sql, e);
    *id = 0;
    db_int(s, message_id);
    return db_value(s, id, e);
}

bool verifications_over(struct db *db, int64_t message_id, int64_t now, bool *over, struct err *e) {
    static const char sql[] =
        "SELECT v.status, v.expires_at FROM verification_message AS m JOIN verification AS v "
        "ON v.id=m.verification_id WHERE m.message_id=?";
    struct db_stmt *s = db_stmt(db, sql, e);
    bool row;
    *over = false;
    db_int(s, message_id);
    if (!db_next(s, &row, e))
        return false;
    *over = row && (db_col_int(s, 0) != VERIFICATION_PENDING || db_col_int(s, 1) <= now);
    db_end(s);
    return true;
}

bool verifications_list(struct db *db, const struct verification_filter *f, int64_t now,
                        struct verification *out, size_t *n, bool *more, int64_t *last_id, struct err *e) {
    static const char all[] = "SELECT " VERIFICATION_COLUMNS
                              " FROM verification WHERE account_id=? AND id<? ORDER BY id DESC LIMIT ?";
    static const char of_one[] =
        "SELECT " VERIFICATION_COLUMNS
        " FROM verification INDEXED BY verification_of WHERE account_id=? AND id<? AND "
        "recipient=? ORDER BY id DESC LIMIT ?";
    struct db_stmt *s = db_stmt(db, f->to.n ? of_one : all, e);
    *n = 0;
    *more = false;
    db_int(s, f->account_id);
    db_int(s, f->before_id ? f->before_id : INT64_MAX);
    if (f->to.n)
        db_text(s, f->to);
    db_int(s, LOOKED_AT_MAX + 1);
    for (int looked = 0;; looked++) {
        bool row;
        if (!db_next(s, &row, e))
            return false;
        if (!row)
            return true;
        if (*n == f->limit || looked == LOOKED_AT_MAX) {
            *more = true;
            db_end(s);
            return true;
        }
        struct verification v = row_of(s, now);
        *last_id = v.id;
        if (!f->by_status || v.status == f->status)
            out[(*n)++] = v;
    }
}

/* ---- beginning and sending anew ---- */

static bool limited(struct verification_write *w, int64_t until, int64_t now, const char *what,
                    struct err *why) {
    w->wait_us = until - now;
    return err_set(why, ERR_LIMITED, "%s: try again in %lld s", what,
                   (long long)((w->wait_us + US_PER_S - 1) / US_PER_S));
}

static void admit_first(const struct verification *before, struct verification_write *w, int64_t now,
                        struct err *why) {
    /* Whoever is let in may come back at once; a withdrawn code is no way around the wait. */
    if (before->id && before->status != VERIFICATION_APPROVED && before->sent_at + w->resend_us > now)
        (void)limited(w, before->sent_at + w->resend_us, now, "a code was sent to this number a moment ago",
                      why);
}

static void admit_again(const struct verification *v, struct verification_write *w, int64_t now,
                        struct err *why) {
    if (!v->id)
        err_set(why, ERR_NOT_FOUND, "there is no such verification");
    else if (v->status != VERIFICATION_PENDING)
        err_set(why, ERR_CONFLICT, "the verification is `%s`: begin a new one", names[v->status]);
    else if (v->resends >= v->resends_max)
        (void)limited(w, v->expires_at, now, "its code was sent as often as it may be", why);
    else if (v->sent_at + v->resend_us > now)
        (void)limited(w, v->sent_at + v->resend_us, now, "its code was sent a moment ago", why);
}

bool verifications_admit(struct db *db, const struct message *m, struct verification_write *w, int64_t now,
                         struct err *why, struct err *e) {
    bool first = w->act == VERIFICATION_BEGIN, row;
    struct verification v = {0};
    if (first ? !hold_pending(db, m->account_id, m->text[TEXT_TO], w->purpose, &w->before, e)
              : !hold(db, m->account_id, w->id, e))
        return false;
    struct db_stmt *s = first ? find_latest(db, m->account_id, m->text[TEXT_TO], w->purpose, e)
                              : find(db, m->account_id, w->id, e);
    if (!db_next(s, &row, e))
        return false;
    if (row)
        v = row_of(s, now);
    db_end(s);
    *why = ERR_INIT;
    if (first)
        admit_first(&v, w, now, why);
    else
        admit_again(&v, w, now, why);
    return true;
}

/* The one that was there when this one was let in, and no other: another that came since, from another node,
 * stops this one's insertion, and the whole transaction is done again. */
static bool supersede(struct db *db, const struct message *m, const struct verification_write *w, int64_t now,
                      struct err *e) {
    static const char sql[] =
        "UPDATE verification SET status=CASE WHEN expires_at>? THEN ? ELSE ? END, superseded=CASE WHEN "
        "expires_at>? THEN 1 ELSE 0 END, "
        "done_at=min(?, expires_at), sealed=NULL WHERE id=? AND account_id=? AND done_at=0";
    if (!w->before)
        return true;
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, now);
    db_int(s, VERIFICATION_CANCELED);
    db_int(s, VERIFICATION_EXPIRED);
    db_int(s, now);
    db_int(s, now);
    db_int(s, w->before);
    db_int(s, m->account_id);
    return db_run(s, e);
}

static bool insert(struct db *db, const struct message *m, struct verification_write *w, int64_t now,
                   struct err *e) {
    static const char sql[] = "INSERT INTO verification (" VERIFICATION_COLUMNS ") VALUES "
                              "(?,?,?,?,?,0,0,?,0,?,0,?,?,?,?,?,0,?,?,?)";
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, m->id);
    db_int(s, m->account_id);
    db_int(s, m->id);
    db_text(s, m->text[TEXT_TO]);
    db_text(s, w->purpose.n ? w->purpose : SV(""));
    db_int(s, m->channel);
    db_int(s, w->attempts_max);
    db_int(s, w->resends_max);
    db_int(s, w->resend_us);
    db_int(s, now);
    db_int(s, now);
    db_int(s, now + w->valid_us);
    db_blob(s, w->salt, sizeof w->salt);
    db_blob(s, w->hash, sizeof w->hash);
    db_text_or_null(s, w->sealed);
    return db_run(s, e);
}

static bool sent_anew(struct db *db, const struct message *m, const struct verification_write *w, int64_t now,
                      struct err *e) {
    static const char sql[] = "UPDATE verification SET message_id=?, channel=?, resends=resends+1, sent_at=? "
                              "WHERE id=? AND account_id=?";
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, m->id);
    db_int(s, m->channel);
    db_int(s, now);
    db_int(s, w->id);
    db_int(s, m->account_id);
    return db_run(s, e);
}

bool verifications_put(struct db *db, const struct message *m, struct verification_write *w, int64_t now,
                       struct err *e) {
    static const char sql[] = "INSERT INTO verification_message (message_id, verification_id) VALUES (?,?)";
    bool first = w->act == VERIFICATION_BEGIN;
    int64_t id = first ? m->id : w->id;
    bool ok = first ? supersede(db, m, w, now, e) && insert(db, m, w, now, e) : sent_anew(db, m, w, now, e);
    struct db_stmt *s = ok ? db_stmt(db, sql, e) : NULL;
    db_int(s, m->id);
    db_int(s, id);
    return db_run(s, e) && verifications_get(db, m->account_id, id, now, &w->row, NULL, e);
}

/* ---- trying and withdrawing ---- */

static bool is_right(struct db_stmt *s, const struct verification_write *w) {
    uint8_t hash[SHA256_BYTES];
    struct sv salt = db_col_text(s, COL_SALT), kept = db_col_text(s, COL_HASH);
    if (salt.n != CODE_SALT_BYTES || kept.n != SHA256_BYTES)
        return false;
    code_hash(w->key, (const uint8_t *)salt.p, w->code, hash);
    return sv_eq_secret(sv_make((const char *)hash, sizeof hash), kept);
}

/* Writes what has come of a row: its guesses, and its end, with which the sealed code goes. */
static bool update(struct db *db, struct verification *v, int64_t now, struct err *e) {
    static const char sql[] = "UPDATE verification SET status=?, attempts=?, done_at=?, sealed=CASE WHEN "
                              "?=0 THEN NULL ELSE sealed END WHERE id=? AND account_id=?";
    struct db_stmt *s = db_stmt(db, sql, e);
    bool pending = v->status == VERIFICATION_PENDING;
    if (!pending)
        v->done_at = now;
    db_int(s, v->status);
    db_int(s, v->attempts);
    db_int(s, v->done_at);
    db_int(s, pending);
    db_int(s, v->id);
    db_int(s, v->account_id);
    return db_run(s, e);
}

static void guess(struct verification_write *w, bool right) {
    w->row.attempts++;
    w->valid = right;
    if (right)
        w->row.status = VERIFICATION_APPROVED;
    else if (w->row.attempts >= w->row.attempts_max)
        w->row.status = VERIFICATION_MAX_ATTEMPTS;
    w->lapsed = w->row.status == VERIFICATION_MAX_ATTEMPTS;
}

bool verifications_write(struct db *db, struct verification_write *w, int64_t now, struct err *e) {
    int64_t pending;
    if (w->id ? !hold(db, w->account_id, w->id, e)
              : !hold_pending(db, w->account_id, w->to, w->purpose, &pending, e))
        return false;
    struct db_stmt *s =
        w->id ? find(db, w->account_id, w->id, e) : find_latest(db, w->account_id, w->to, w->purpose, e);
    bool row;
    w->row = (struct verification){0};
    w->valid = w->lapsed = false;
    if (!db_next(s, &row, e))
        return false;
    if (!row)
        return true;
    w->row = row_of(s, now);
    bool right = w->act == VERIFICATION_CHECK && is_right(s, w);
    db_end(s);
    if (w->row.status != VERIFICATION_PENDING)
        return true;
    if (w->act == VERIFICATION_CHECK)
        guess(w, right);
    else
        w->row.status = VERIFICATION_CANCELED;
    return update(db, &w->row, now, e);
}

/* ---- what is past ---- */

static bool end_one(struct db *db, int64_t id, struct err *e) {
    static const char sql[] =
        "UPDATE verification SET status=?, done_at=expires_at, sealed=NULL WHERE id=? AND done_at=0";
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, VERIFICATION_EXPIRED);
    db_int(s, id);
    return db_run(s, e);
}

static bool forget(struct db *db, const char *sql, int64_t floor, unsigned limit, struct err *e) {
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, floor);
    db_int(s, limit);
    return db_run(s, e);
}

bool verifications_prune(struct db *db, int64_t now, int64_t keep_from, unsigned limit,
                         struct verification_lapsed *lapsed, unsigned *n_lapsed, struct err *e) {
    static const char past[] = "SELECT id, account_id, recipient FROM verification WHERE done_at=0 AND "
                               "expires_at<=? ORDER BY expires_at LIMIT ?";
    static const char messages[] = "DELETE FROM verification_message WHERE message_id IN (SELECT message_id "
                                   "FROM verification_message WHERE message_id<? LIMIT ?)";
    static const char rows[] = "DELETE FROM verification WHERE id IN (SELECT id FROM verification WHERE id<? "
                               "AND done_at<>0 LIMIT ?)";
    struct db_stmt *s = db_stmt(db, past, e);
    int64_t *ids = calloc(limit, sizeof *ids);
    ASSERT(ids);
    bool ok = s != NULL, row = true;
    *n_lapsed = 0;
    if (ok) {
        db_int(s, now);
        db_int(s, limit);
    }
    while (ok && row && (ok = db_next(s, &row, e)) && row) {
        struct verification_lapsed *l = &lapsed[*n_lapsed];
        ids[(*n_lapsed)++] = db_col_int(s, 0);
        l->account_id = db_col_int(s, 1);
        rows_copy(l->to, sizeof l->to, db_col_text(s, 2));
    }
    for (unsigned i = 0; ok && i < *n_lapsed; i++)
        ok = end_one(db, ids[i], e);
    free(ids);
    int64_t floor = id_floor(keep_from);
    return ok && forget(db, messages, floor, limit, e) && forget(db, rows, floor, limit, e);
}
