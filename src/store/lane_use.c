#include "store/lane_use.h"

#include "store/rows.h"

static const int64_t sender_kept_us = (int64_t)LANE_SENDER_KEPT_DAYS * 86400 * 1000 * 1000;

static bool count_minute(struct db *db, const struct job *job, struct err *e) {
    static const char sql[] =
        "INSERT INTO lane_use (lane, minute, units) VALUES (?,?,?) ON CONFLICT (lane, minute) DO "
        "UPDATE SET units=lane_use.units+excluded.units";
    struct db_stmt *s = db_stmt(db, sql, e);
    db_text(s, sv_of(job->change.attempt.lane));
    db_int(s, job->change.attempt.started_at / MINUTE_US);
    db_int(s, job->units);
    return db_run(s, e);
}

/* units are those of the day of last_at; a sender that was forgotten begins anew. */
static bool count_sender(struct db *db, const struct job *job, struct err *e) {
    static const char sql[] =
        "INSERT INTO lane_sender (lane, sender, first_at, last_at, units) VALUES (?,?,?,?,?) "
        "ON CONFLICT (lane, sender) DO UPDATE SET "
        "first_at=CASE WHEN lane_sender.last_at<? THEN excluded.first_at ELSE lane_sender.first_at END, "
        "units=CASE WHEN lane_sender.last_at>=? THEN lane_sender.units+excluded.units ELSE excluded.units "
        "END, "
        "last_at=max(lane_sender.last_at, excluded.last_at)";
    int64_t at = job->change.attempt.started_at;
    if (at < job->day_at)
        at = job->day_at; /* a clock that stepped back: it is still that day */
    struct db_stmt *s = db_stmt(db, sql, e);
    db_text(s, sv_of(job->change.attempt.lane));
    db_text(s, sv_sub(job->sender, 0, job->sender.n < LANE_SENDER_MAX ? job->sender.n : LANE_SENDER_MAX));
    db_int(s, at);
    db_int(s, at);
    db_int(s, job->units);
    db_int(s, job->day_at - sender_kept_us);
    db_int(s, job->day_at);
    return db_run(s, e);
}

bool lane_use_count(struct db *db, const struct job *job, struct err *e) {
    if (!job->units || !job->change.attempt_begins)
        return true;
    return count_minute(db, job, e) && (!job->day_at || count_sender(db, job, e));
}

static bool read_minutes(struct db *db, struct job *job, struct err *e) {
    static const char sql[] = "SELECT minute, units FROM lane_use WHERE lane=? ORDER BY minute";
    struct db_stmt *s = db_stmt(db, sql, e);
    if (!s)
        return false;
    job->use = calloc(LANE_USE_KEPT_MINUTES + 2, sizeof *job->use);
    ASSERT(job->use);
    db_text(s, job->lane);
    for (bool row;;) {
        if (!db_next(s, &row, e))
            return false;
        if (!row)
            return true;
        int64_t units = db_col_int(s, 1);
        if (job->n_use < LANE_USE_KEPT_MINUTES + 2)
            job->use[job->n_use++] =
                (struct lane_use){.minute_at = db_col_int(s, 0) * MINUTE_US,
                                  .units = units < UINT32_MAX ? (uint32_t)units : UINT32_MAX};
    }
}

static bool read_senders(struct db *db, struct job *job, struct err *e) {
    static const char sql[] = "SELECT sender, first_at, last_at, units FROM lane_sender WHERE lane=? AND "
                              "last_at>=? ORDER BY last_at DESC LIMIT ?";
    struct db_stmt *s = db_stmt(db, sql, e);
    db_text(s, job->lane);
    db_int(s, job->now - sender_kept_us);
    db_int(s, LANE_SENDERS_MAX);
    for (bool row;;) {
        if (!db_next(s, &row, e))
            return false;
        if (!row)
            return true;
        if (!job->senders) {
            job->senders = calloc(LANE_SENDERS_MAX, sizeof *job->senders);
            ASSERT(job->senders);
        }
        struct lane_sender *out = &job->senders[job->n_senders++];
        int64_t units = db_col_int(s, 3);
        rows_copy(out->sender, sizeof out->sender, db_col_text(s, 0));
        out->first_at = db_col_int(s, 1);
        out->last_at = db_col_int(s, 2);
        out->units = units < UINT32_MAX ? (uint32_t)units : UINT32_MAX;
    }
}

bool lane_use_keep_state(struct db *db, struct job *job, struct err *e) {
    static const char keep[] =
        "INSERT INTO lane_state (lane, broken, downs, until, pace_good, pace_bad, stood_at, slow_until, "
        "flow_window, good, bad, delivered, undelivered) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?) ON "
        "CONFLICT (lane) DO UPDATE SET broken=excluded.broken, downs=excluded.downs, "
        "until=excluded.until, pace_good=excluded.pace_good, pace_bad=excluded.pace_bad, "
        "stood_at=excluded.stood_at, slow_until=excluded.slow_until, flow_window=excluded.flow_window, "
        "good=excluded.good, bad=excluded.bad, delivered=excluded.delivered, "
        "undelivered=excluded.undelivered";
    static const char drop[] = "DELETE FROM lane_state WHERE lane=?";
    const struct lane_state *st = &job->lane_state;
    bool well = !st->broken && !st->downs && !st->pace_good && !st->pace_bad && !st->standing.at;
    struct db_stmt *s = db_stmt(db, well ? drop : keep, e);
    db_text(s, job->lane);
    if (!well) {
        db_int(s, st->broken);
        db_int(s, st->downs);
        db_int(s, st->until);
        db_int(s, st->pace_good);
        db_int(s, st->pace_bad);
        db_int(s, st->standing.at);
        db_int(s, st->standing.slow_until);
        db_int(s, st->standing.window);
        db_int(s, st->standing.good);
        db_int(s, st->standing.bad);
        db_int(s, st->standing.delivered);
        db_int(s, st->standing.undelivered);
    }
    return db_run(s, e);
}

static bool read_state(struct db *db, struct job *job, struct err *e) {
    static const char sql[] =
        "SELECT broken, downs, until, pace_good, pace_bad, stood_at, slow_until, flow_window, good, bad, "
        "delivered, undelivered FROM lane_state WHERE lane=?";
    struct db_stmt *s = db_stmt(db, sql, e);
    bool row;
    db_text(s, job->lane);
    if (!db_next(s, &row, e))
        return false;
    job->lane_state = (struct lane_state){0};
    if (row)
        job->lane_state = (struct lane_state){.broken = db_col_int(s, 0) != 0,
                                              .downs = (uint32_t)db_col_int(s, 1),
                                              .until = db_col_int(s, 2),
                                              .pace_good = db_col_int(s, 3),
                                              .pace_bad = db_col_int(s, 4),
                                              .standing = {.at = db_col_int(s, 5),
                                                           .slow_until = db_col_int(s, 6),
                                                           .window = (uint32_t)db_col_int(s, 7),
                                                           .good = (uint32_t)db_col_int(s, 8),
                                                           .bad = (uint32_t)db_col_int(s, 9),
                                                           .delivered = (uint32_t)db_col_int(s, 10),
                                                           .undelivered = (uint32_t)db_col_int(s, 11)}};
    db_end(s);
    return true;
}

bool lane_use_read(struct db *db, struct job *job, struct err *e) {
    return read_minutes(db, job, e) && read_senders(db, job, e) && read_state(db, job, e);
}

static bool forget(struct db *db, const char *sql, int64_t before, struct err *e) {
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, before);
    return db_run(s, e);
}

bool lane_use_prune(struct db *db, int64_t now, struct err *e) {
    static const char minutes[] = "DELETE FROM lane_use WHERE minute<?";
    static const char senders[] = "DELETE FROM lane_sender WHERE last_at<?";
    return forget(db, minutes, now / MINUTE_US - LANE_USE_KEPT_MINUTES, e) &&
           forget(db, senders, now - 2 * sender_kept_us, e);
}
