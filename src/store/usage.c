#include "store/usage.h"

#include "base/clock.h"
#include "base/codec.h"
#include "store/tally.h"

#include <string.h>

/* Was it counted, and not taken back? Its row still says what it was before this change. */
static bool was_counted(struct db *db, const struct attempt *a, bool *counted, struct err *e) {
    static const char sql[] =
        "SELECT ended_at, fate FROM attempt WHERE message_id=? AND number=? AND currency IS "
        "NOT NULL";
    struct db_stmt *s = db_stmt(db, sql, e);
    bool row;
    db_int(s, a->message_id);
    db_int(s, a->number);
    if (!db_next(s, &row, e))
        return false;
    *counted = row && (db_col_int(s, 0) == 0 || db_col_int(s, 1) == FATE_UNKNOWN);
    if (row)
        db_end(s);
    return true;
}

static bool add(struct db *db, const struct message *m, const struct attempt *a, int64_t times,
                struct err *e) {
    static const char sql[] =
        "INSERT INTO usage (account_id, day, lane, country, topic, currency, messages, segments, cost) "
        "VALUES "
        "(?,?,?,?,?,?,?,?,?) ON CONFLICT (account_id, day, lane, country, topic, currency) DO UPDATE SET "
        "messages=usage.messages+excluded.messages, segments=usage.segments+excluded.segments, "
        "cost=usage.cost+excluded.cost";
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, m->account_id);
    db_int(s, a->started_at / US_PER_DAY);
    db_text(s, sv_of(a->lane));
    db_text(s, sv_of(a->country));
    db_text(s, m->text[TEXT_TOPIC]);
    db_text(s, sv_of(a->currency));
    db_int(s, times);
    db_int(s, times * m->segments);
    db_int(s, times * a->price);
    return db_run(s, e);
}

bool usage_spent(struct db *db, int64_t account_id, int64_t day, struct sv currency, int64_t *micro,
                 struct err *e) {
    static const char sql[] =
        "SELECT coalesce(sum(cost), 0) FROM usage WHERE account_id=? AND day=? AND currency=?";
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, account_id);
    db_int(s, day);
    db_text(s, currency);
    return db_value(s, micro, e);
}

/* What nodes count one after the other: an account's spending in a currency, apart from all that rules of
 * caps count. Anything else that has the hash waits, too, and no sum is other for it. */
static int64_t hash_of(int64_t account_id, const char *currency) {
    char what[64];
    int n = snprintf(what, sizeof what, "spend %lld %s", (long long)account_id, currency);
    uint64_t h = siphash((struct sip_key){.k0 = 0}, sv_make(what, (size_t)n));
    int64_t out;
    memcpy(&out, &h, sizeof out);
    return out;
}

bool usage_check(struct db *db, struct job *job, struct err *e) {
    const struct attempt *a = &job->change.attempt;
    int64_t day = a->started_at / US_PER_DAY, spent;
    if (!job->spend_max || !job->change.attempt_begins || !a->currency[0])
        return true;
    if (job->self && !tally_hold(db, hash_of(job->message->account_id, a->currency), job->now, e))
        return false;
    if (!usage_spent(db, job->message->account_id, day, sv_of(a->currency), &spent, e))
        return false;
    if (spent + a->price <= job->spend_max)
        return true;
    job->result = JOB_POSTPONED;
    job->why = REASON_SPEND_CEILING;
    job->until = (day + 1) * US_PER_DAY;
    return true;
}

bool usage_count(struct db *db, const struct job *job, struct err *e) {
    const struct attempt *a = &job->change.attempt;
    if (!a->currency[0])
        return true;
    if (job->change.attempt_begins)
        return add(db, job->message, a, 1, e);
    bool not_taken = job->change.attempt_ends && (a->fate == FATE_REJECTED || a->fate == FATE_RETRY),
         counted = false;
    if (!not_taken || !was_counted(db, a, &counted, e))
        return !not_taken;
    return !counted || add(db, job->message, a, -1, e);
}

static const char *const by_names[USAGE_BYS] = {"day", "lane", "country", "topic"};

const char *usage_by_name(int by) {
    return by_names[by];
}

#define SUMS                                                                                                 \
    ", currency, sum(messages), sum(segments), sum(cost) FROM usage WHERE account_id=? AND day>=? AND "      \
    "day<? GROUP BY 1, 2 ORDER BY 1, 2 LIMIT ?"

bool usage_read(struct db *db, int64_t account_id, int64_t from_day, int64_t until_day, enum usage_by by,
                struct arena *mem, struct usage_row *out, size_t max, size_t *n, bool *more, struct err *e) {
    static const char *const sql[USAGE_BYS] = {"SELECT day" SUMS, "SELECT lane" SUMS, "SELECT country" SUMS,
                                               "SELECT topic" SUMS};
    struct db_stmt *s = db_stmt(db, sql[by], e);
    *n = 0;
    *more = false;
    db_int(s, account_id);
    db_int(s, from_day);
    db_int(s, until_day);
    db_int(s, (int64_t)max + 1);
    for (bool row;;) {
        if (!db_next(s, &row, e))
            return false;
        if (!row)
            return true;
        if (*n == max) {
            *more = true;
            db_end(s);
            return true;
        }
        struct usage_row *r = &out[(*n)++];
        *r = (struct usage_row){.currency = arena_dup(mem, db_col_text(s, 1)),
                                .messages = db_col_int(s, 2),
                                .segments = db_col_int(s, 3),
                                .cost = db_col_int(s, 4)};
        if (by == USAGE_BY_DAY)
            r->day = db_col_int(s, 0) * US_PER_DAY;
        else
            r->what = arena_dup(mem, db_col_text(s, 0));
    }
}
