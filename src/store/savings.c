#include "store/savings.h"

#include "base/clock.h"
#include "store/rows.h"

static bool add(struct db *db, const struct job *job, const struct saving *v, struct err *e) {
    static const char sql[] =
        "INSERT INTO saving (account_id, day, saved_by, currency, messages, segments, cost) VALUES "
        "(?,?,?,?,?,?,?) ON CONFLICT (account_id, day, saved_by, currency) DO UPDATE SET "
        "messages=saving.messages+excluded.messages, segments=saving.segments+excluded.segments, "
        "cost=saving.cost+excluded.cost";
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, job->message->account_id);
    db_int(s, job->change.next.updated_at / US_PER_DAY);
    db_int(s, v->by);
    db_text(s, sv_of(v->currency));
    db_int(s, v->messages);
    db_int(s, v->segments);
    db_int(s, v->cost);
    return db_run(s, e);
}

bool savings_count(struct db *db, const struct job *job, struct err *e) {
    for (unsigned i = 0; i < job->change.n_saved; i++)
        if (!add(db, job, &job->change.saved[i], e))
            return false;
    return true;
}

bool savings_read(struct db *db, int64_t account_id, int64_t from_day, int64_t until_day,
                  struct saving out[SAVINGS_ROWS_MAX], size_t *n, struct err *e) {
    static const char sql[] = "SELECT saved_by, currency, sum(messages), sum(segments), sum(cost) FROM "
                              "saving WHERE account_id=? AND "
                              "day>=? AND day<? AND saved_by<? GROUP BY 1, 2 ORDER BY 1, 2 LIMIT ?";
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, account_id);
    db_int(s, from_day);
    db_int(s, until_day);
    db_int(s, SAVED_BYS); /* a newer program's rows are not ours to read */
    db_int(s, SAVINGS_ROWS_MAX);
    *n = 0;
    for (bool row;; (*n)++) {
        if (!db_next(s, &row, e))
            return false;
        if (!row)
            return true;
        out[*n] = (struct saving){.by = (enum saved_by)db_col_int(s, 0),
                                  .messages = db_col_int(s, 2),
                                  .segments = db_col_int(s, 3),
                                  .cost = db_col_int(s, 4)};
        rows_copy(out[*n].currency, sizeof out[*n].currency, db_col_text(s, 1));
    }
}
