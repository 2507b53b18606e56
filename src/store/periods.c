#include "store/periods.h"

#include "base/buf.h"
#include "base/clock.h"
#include "model/id.h"
#include "store/rows.h"

#include <time.h>

enum { SQL_MAX = 8192, AHEAD_DAYS = 3, MADE_AT_ONCE = 8 };

static const int64_t late_us = 3600 * US_PER_S;

/* Of a table's page this much is filled when rows are stored (docs/postgresql.md). */
static const struct part {
    const char *table;
    int fillfactor;
} parts[] = {{"message", 45}, {"attempt", 42}, {"event", 100}};
enum { PARTS = sizeof parts / sizeof parts[0] };

/* A script that changes the tables: whoever waits for a lock on them holds up all that come behind. A
 * transaction that may wait for ever (db_begin_schema) does. */
#define PATIENTLY_BEGIN                                                                                      \
    "DO $do$ DECLARE patience text := current_setting('lock_timeout'); n int8; BEGIN <<work>> BEGIN "        \
    "IF patience<>'0' THEN PERFORM set_config('lock_timeout', '200ms', true); END IF; "
#define PATIENTLY_END                                                                                        \
    "EXCEPTION WHEN lock_not_available OR deadlock_detected THEN NULL; END; "                                \
    "PERFORM set_config('lock_timeout', patience, true); END $do$"

/* ---- which there are ---- */

#define SELECT_PERIOD "SELECT from_id, to_id, touched_at, name FROM period "

static bool read_one(struct db_stmt *s, struct period *out, bool *there, struct err *e) {
    if (!db_next(s, there, e))
        return false;
    if (!*there)
        return true;
    *out = (struct period){
        .from_id = db_col_int(s, 0), .to_id = db_col_int(s, 1), .touched_at = db_col_int(s, 2)};
    rows_copy(out->name, sizeof out->name, db_col_text(s, 3));
    db_end(s);
    return true;
}

bool periods_find(struct db *db, int64_t after_id, struct period *out, bool *there, struct err *e) {
    static const char sql[] = SELECT_PERIOD "WHERE to_id>? AND coalesce(gone, -1)<0 ORDER BY from_id LIMIT 1";
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, after_id + 1);
    return read_one(s, out, there, e);
}

static bool find_last(struct db *db, struct period *out, bool *there, struct err *e) {
    static const char sql[] = SELECT_PERIOD "ORDER BY from_id DESC LIMIT 1";
    return read_one(db_stmt(db, sql, e), out, there, e);
}

/* ---- making ---- */

static int64_t day_of(int64_t id) {
    return (id_time(id) - id_time(0)) / US_PER_DAY;
}

static int64_t id_of_day(int64_t day) {
    return id_floor(id_time(0) + day * US_PER_DAY);
}

enum { DAY = 1, WEEK = 7, FOUR_WEEKS = 28 };

static int64_t length_of(const struct period *p) {
    return day_of(p->to_id) - day_of(p->from_id);
}

bool periods_is_long(const struct period *p) {
    return length_of(p) > FOUR_WEEKS;
}

static int64_t days_of(const struct period *last, int keep_days) {
    int64_t had = length_of(last);
    if (keep_days == PERIODS_AS_LAST)
        return had == WEEK || had == FOUR_WEEKS ? had : DAY;
    return keep_days == 0 || keep_days > 371 ? FOUR_WEEKS : keep_days > 31 ? WEEK : DAY;
}

/* The one behind last. Where nobody was there to make any for a while, it reaches up to now. */
static struct period behind(const struct period *last, int64_t days, int64_t now) {
    struct period p = {.from_id = last->to_id};
    int64_t day = day_of(p.from_id) > day_of(id_floor(now)) ? day_of(p.from_id) : day_of(id_floor(now));
    p.to_id = id_of_day((day / days + 1) * days);
    time_t from = (time_t)(id_time(p.from_id) / US_PER_S);
    struct tm tm;
    ASSERT(gmtime_r(&from, &tm) && strftime(p.name, sizeof p.name, "%Y%m%d", &tm));
    return p;
}

/* Whoever starts may be making the same. Attaching a table hinders nobody who reads or writes. */
static bool make(struct db *db, const struct period *p, struct err *e) {
    struct buf BUF_AUTO sql = BUF_INIT(SQL_MAX);
    buf_addf(&sql,
             PATIENTLY_BEGIN "EXIT work WHEN NOT pg_try_advisory_xact_lock(hashtext('hongyan ' || "
                             "current_schema())) OR (SELECT max(to_id) FROM period)<>%lld; ",
             (long long)p->from_id);
    for (int i = 0; i < PARTS; i++) {
        const struct part *t = &parts[i];
        buf_addf(&sql,
                 "CREATE TABLE %s_%s (LIKE %s INCLUDING DEFAULTS) WITH (fillfactor=%d); ALTER TABLE %s "
                 "ATTACH PARTITION %s_%s FOR VALUES FROM (%lld) TO (%lld); ",
                 t->table, p->name, t->table, t->fillfactor, t->table, t->table, p->name,
                 (long long)p->from_id, (long long)p->to_id);
    }
    buf_addf(
        &sql,
        "INSERT INTO period (from_id, to_id, name, touched_at) VALUES (%lld, %lld, '%s', 0); " PATIENTLY_END,
        (long long)p->from_id, (long long)p->to_id, p->name);
    ASSERT(!sql.overflow);
    return db_script(db, sql.p, e);
}

bool periods_make(struct db *db, int64_t now, int keep_days, int64_t *until, struct err *e) {
    struct period last = {.to_id = 0};
    *until = INT64_MAX;
    if (db_is_file(db))
        return true;
    for (unsigned i = 0; i < MADE_AT_ONCE; i++) {
        int64_t before = last.to_id;
        bool there;
        if (!find_last(db, &last, &there, e))
            return false;
        *until = id_time(last.to_id);
        if (!there || last.to_id == INT64_MAX || last.to_id == before ||
            *until - AHEAD_DAYS * US_PER_DAY >= now)
            return true;
        struct period next = behind(&last, days_of(&last, keep_days), now);
        if (!make(db, &next, e))
            return false;
    }
    return true;
}

/* ---- what is late ---- */

bool periods_touch(struct db *db, int64_t id, int64_t at, struct period_touch *last, struct err *e) {
    static const char sql[] =
        "UPDATE period SET touched_at=?1 WHERE from_id<=?2 AND to_id>?2 AND touched_at<?1";
    int64_t day = day_of(id);
    if (db_is_file(db) || at - id_time(id) < late_us || (day == last->day && at < last->until))
        return true;
    *last = (struct period_touch){day, at + late_us};
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, last->until);
    db_int(s, id);
    return db_run(s, e);
}

bool periods_rests(const struct period *p, int64_t since) {
    return p->to_id <= id_floor(since - late_us) && p->touched_at < since;
}

/* ---- taking away ---- */

enum { WAITS = -1 };

static bool read_gone(struct db *db, const struct period *p, int64_t fallback, int64_t *out, struct err *e) {
    static const char sql[] = "SELECT coalesce((SELECT gone FROM period WHERE from_id=?), ?)";
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, p->from_id);
    db_int(s, fallback);
    return db_value(s, out, e);
}

bool periods_waits(struct db *db, const struct period *p, bool *waits, struct err *e) {
    struct buf BUF_AUTO sql = BUF_INIT(SQL_MAX);
    int64_t gone;
    buf_addf(&sql,
             "UPDATE period SET gone=CASE WHEN EXISTS (SELECT 1 FROM message_%s WHERE due_at IS NOT NULL) "
             "THEN %d END WHERE from_id=%lld",
             p->name, WAITS, (long long)p->from_id);
    ASSERT(!sql.overflow);
    if (!db_script(db, sql.p, e) || !read_gone(db, p, 0, &gone, e))
        return false;
    *waits = gone == WAITS;
    return true;
}

/* The tables' locks keep everybody out for as long as they are waited for, and until the commit: their files
 * go later. */
static bool detach(struct db *db, const struct period *p, int64_t since, struct err *e) {
    struct buf BUF_AUTO sql = BUF_INIT(SQL_MAX);
    buf_addf(&sql,
             PATIENTLY_BEGIN
             "n := (SELECT CASE WHEN relpages>1000 AND reltuples>=0 THEN reltuples END FROM pg_class WHERE "
             "oid='message_%s'::regclass); "
             "IF n IS NULL THEN n := (SELECT count(*) FROM message_%s); END IF; "
             "LOCK TABLE ONLY message, ONLY attempt, ONLY event IN ACCESS EXCLUSIVE MODE; "
             "EXIT work WHEN EXISTS (SELECT 1 FROM message_%s WHERE due_at IS NOT NULL) OR NOT EXISTS "
             "(SELECT 1 FROM period WHERE from_id=%lld AND touched_at<%lld); ",
             p->name, p->name, p->name, (long long)p->from_id, (long long)since);
    for (int i = 0; i < PARTS; i++)
        buf_addf(&sql, "ALTER TABLE %s DETACH PARTITION %s_%s; ", parts[i].table, parts[i].table, p->name);
    buf_addf(&sql, "UPDATE period SET gone=n WHERE from_id=%lld; " PATIENTLY_END, (long long)p->from_id);
    ASSERT(!sql.overflow);
    return db_script(db, sql.p, e);
}

bool periods_take(struct db *db, const struct period *p, int64_t since, int64_t *messages, struct err *e) {
    return detach(db, p, since, e) && read_gone(db, p, -1, messages, e);
}

bool periods_discard(struct db *db, bool *any, struct err *e) {
    static const char taken[] = SELECT_PERIOD "WHERE gone>=0 LIMIT 1";
    struct buf BUF_AUTO sql = BUF_INIT(SQL_MAX);
    struct period p;
    if (!read_one(db_stmt(db, taken, e), &p, any, e))
        return false;
    if (!*any)
        return true;
    buf_adds(&sql, PATIENTLY_BEGIN);
    for (int i = 0; i < PARTS; i++)
        buf_addf(&sql, "IF to_regclass('%s_%s') IS NOT NULL THEN DROP TABLE %s_%s; EXIT work; END IF; ",
                 parts[i].table, p.name, parts[i].table, p.name);
    buf_addf(&sql, "DELETE FROM period WHERE from_id=%lld; " PATIENTLY_END, (long long)p.from_id);
    ASSERT(!sql.overflow);
    return db_script(db, sql.p, e);
}
