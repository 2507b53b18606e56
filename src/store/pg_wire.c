#include "base/clock.h"
#include "store/pg.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <time.h>

enum {
    STATEMENT_MS = 60000, /* the server's limit for one statement; for the answer we wait a little longer */
    ANSWER_MS = STATEMENT_MS + 10000,
    RETRY_FIRST_US = 50 * 1000, /* between two attempts to connect: doubled each time */
    RETRY_MOST_US = 2 * 1000 * 1000,
    CLASHES_MAX = 3,
};

/* What each connection is told once. Whole tables are never walked where an index serves (check_plans.py
 * looks at the statements), so plans need not be made anew for every value; nested loops over those indexes
 * are all there is to join. A plan for any value takes a range for a few rows: it would gather all that an
 * account has and sort it, to give the newest fifty, unless it is kept from bitmaps and sorts
 * (check_postgres.py fills the tables, and looks). */
static const char settings[] =
    "SET application_name='hongyan'; SET client_encoding='UTF8'; SET TimeZone='UTC'; "
    "SET plan_cache_mode=force_generic_plan; SET enable_seqscan=off; SET enable_hashjoin=off; "
    "SET enable_mergejoin=off; SET enable_bitmapscan=off; SET enable_sort=off; SET jit=off; SET "
    "statement_timeout=60000; SET lock_timeout=10000; "
    "SET idle_in_transaction_session_timeout=10000; SET standard_conforming_strings=on; "
    "SET client_min_messages=error; SET default_transaction_isolation='read committed'; ";

/* A commit that is not on disk when it is answered would be a lie; who asks for more (remote_apply) keeps it.
 */
static const char writer_settings[] =
    "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit')='off';";
static const char reader_settings[] = "SET default_transaction_read_only=on;";

static void one_line(char *text) {
    for (char *p = text; *p; p++)
        if (*p == '\n' || *p == '\t')
            *p = p[1] ? ' ' : 0;
}

void pg_disconnect(struct pg *pg) {
    PQclear(pg->last);
    pg->last = NULL;
    PQfinish(pg->conn);
    pg->conn = NULL;
    pg->unread = 0;
    pg_stmt_answered(pg, true);
}

bool pg_lost(struct pg *pg, struct err *e) {
    char why[200];
    snprintf(why, sizeof why, "%s", pg->conn ? PQerrorMessage(pg->conn) : "");
    one_line(why);
    err_set(&pg->trouble, ERR_OUTSIDE, "database %s: the connection was lost: %s", pg->place, why);
    pg_disconnect(pg);
    if (e)
        *e = pg->trouble;
    return false;
}

static const char *mend_of(const char *state) {
    return strncmp(state, "53", 2) == 0      ? "; its disk or memory is full, or it has too many connections"
           : strcmp(state, "57014") == 0     ? "; it took too long"
           : strcmp(state, "55P03") == 0     ? "; another session holds a lock for too long"
           : strncmp(state, "28", 2) == 0    ? "; see pg_hba.conf, and docs/postgresql.md on passwords"
           : strcmp(state, "42501") == 0     ? "; the role needs rights to the tables: docs/postgresql.md"
           : strncmp(state, "42P01", 5) == 0 ? "; is it the right database and schema?"
                                             : "";
}

/* Admin shutdown, crash shutdown, cannot connect now; a server that has become a standby. */
static bool means_lost(const char *state) {
    return strncmp(state, "57P0", 4) == 0 || strncmp(state, "08", 2) == 0 || strcmp(state, "25006") == 0 ||
           strcmp(state, "25P03") == 0;
}

bool pg_failed(struct pg *pg, const PGresult *r, struct err *e) {
    const char *state = PQresultErrorField(r, PG_DIAG_SQLSTATE),
               *why = PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY);
    if (!state || means_lost(state)) {
        pg_lost(pg, e);
        if (state && why)
            err_set(e, ERR_OUTSIDE, "database %s: %s (PostgreSQL %s)", pg->place, why, state);
        return false;
    }
    /* Our own rows contradict each other: going on could store nonsense, so stop, as with SQLite. But a row
     * that is there already may be another node's, written a moment ago: then it is seen the next time. */
    bool clash = strcmp(state, "23505") == 0;
    if (strncmp(state, "23", 2) == 0 && (!clash || ++pg->clashes >= CLASHES_MAX)) {
        fprintf(stderr, "bug: database: %s (PostgreSQL %s)\n", why ? why : "", state);
        abort();
    }
    /* Two transactions met, and this one gave way. */
    if (clash || strcmp(state, "40001") == 0 || strcmp(state, "40P01") == 0)
        pg->failure = DB_AGAIN;
    err_set(e, ERR_OUTSIDE, "database %s: %s (PostgreSQL %s)%s", pg->place, why ? why : "", state,
            mend_of(state));
    return false;
}

/* Waits for bytes to read; sends what is left to be sent. */
static bool pump(struct pg *pg, int64_t until_us) {
    for (;;) {
        int unsent = PQflush(pg->conn);
        if (unsent < 0)
            return false;
        if (!PQisBusy(pg->conn))
            return true;
        struct pollfd fd = {.fd = PQsocket(pg->conn), .events = (short)(POLLIN | (unsent ? POLLOUT : 0))};
        int64_t left_ms = (until_us - clock_monotonic_us()) / US_PER_MS;
        int n = left_ms > 0 ? poll(&fd, 1, (int)left_ms + 1) : 0;
        if (n == 0 || (n < 0 && errno != EINTR))
            return false;
        if (fd.revents & ~POLLOUT && !PQconsumeInput(pg->conn))
            return false;
    }
}

/* The next result; NULL (and *ok) at the end of a statement's. */
static PGresult *next_result(struct pg *pg, int64_t until_us, bool *ok) {
    *ok = pump(pg, until_us);
    return *ok ? PQgetResult(pg->conn) : NULL;
}

/* Reads one statement's answer; the latest is kept. */
static bool read_answer(struct pg *pg, int64_t until_us, bool *failed, struct err *e) {
    bool ok;
    for (;;) {
        PGresult *r = next_result(pg, until_us, &ok);
        if (!ok)
            return pg_lost(pg, e);
        if (!r)
            return true;
        ExecStatusType status = PQresultStatus(r);
        bool bad = status == PGRES_FATAL_ERROR || status == PGRES_BAD_RESPONSE;
        if (bad && !*failed) {
            *failed = true;
            pg_failed(pg, r, e);
        }
        *failed |= status == PGRES_PIPELINE_ABORTED;
        PQclear(pg->last);
        pg->last = r;
        if (!pg->conn)
            return false;
    }
}

bool pg_wait(struct pg *pg, struct err *e) {
    bool failed = false, ok;
    if (!pg->conn)
        return pg_lost(pg, e);
    if (!PQpipelineSync(pg->conn))
        return pg_lost(pg, e);
    int64_t until_us = clock_monotonic_us() + ANSWER_MS * US_PER_MS;
    for (; pg->unread; pg->unread--)
        if (!read_answer(pg, until_us, &failed, e))
            return false;
    PGresult *sync = next_result(pg, until_us, &ok);
    bool synced = ok && PQresultStatus(sync) == PGRES_PIPELINE_SYNC;
    PQclear(sync);
    if (!synced)
        return pg_lost(pg, e);
    pg_stmt_answered(pg, failed);
    return !failed;
}

bool pg_send(struct pg *pg, const char *sql, struct err *e) {
    if (!pg->conn || !PQsendQueryParams(pg->conn, sql, 0, NULL, NULL, NULL, NULL, 1))
        return pg_lost(pg, e);
    pg->unread++;
    pg->sent++;
    return true;
}

bool pg_exec(struct pg *pg, const char *sql, PGresult **result, struct err *e) {
    if (pg->unread && !pg_wait(pg, e))
        return false;
    if (!pg->conn || !PQexitPipelineMode(pg->conn))
        return pg_lost(pg, e);
    PGresult *r = PQexec(pg->conn, sql);
    ExecStatusType status = PQresultStatus(r);
    bool ok = (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) || pg_failed(pg, r, e);
    if (pg->conn && !PQenterPipelineMode(pg->conn))
        ok = pg_lost(pg, e);
    if (ok && result)
        *result = r;
    else
        PQclear(r);
    return ok;
}

static void set_place(struct pg *pg) {
    const char *host = PQhost(pg->conn), *port = PQport(pg->conn), *name = PQdb(pg->conn);
    snprintf(pg->place, sizeof pg->place, "%s:%s/%s", host ? host : "", port ? port : "", name ? name : "");
}

/* Says why without the connection string, which may hold a password; libpq's own messages do not say it. */
static bool cannot_connect(struct pg *pg, struct err *e) {
    char why[200];
    snprintf(why, sizeof why, "%s", PQerrorMessage(pg->conn));
    one_line(why);
    return err_set(e, ERR_OUTSIDE, "database %s: cannot connect: %s", pg->place, why);
}

static bool connect_once(struct pg *pg, struct err *e) {
    /* Ours first: what the operator wrote in the URL comes behind, and holds. */
    static const char *const names[] = {"connect_timeout",
                                        "keepalives_idle",
                                        "keepalives_interval",
                                        "keepalives_count",
                                        "tcp_user_timeout",
                                        "target_session_attrs",
                                        "dbname",
                                        NULL};
    const char *const values[] = {
        "3", "10", "5", "3", "20000", pg->mode == DB_READER ? "any" : "read-write", pg->conninfo, NULL};
    pg->conn = PQconnectdbParams(names, values, 1);
    ASSERT(pg->conn);
    set_place(pg);
    bool ok = PQstatus(pg->conn) == CONNECTION_OK || cannot_connect(pg, e);
    if (ok && PQserverVersion(pg->conn) < 130000)
        ok = err_set(e, ERR_OUTSIDE, "database %s: PostgreSQL 13 or later is needed", pg->place);
    ok = ok && (PQenterPipelineMode(pg->conn) || cannot_connect(pg, e));
    ok = ok && pg_exec(pg, settings, NULL, e) &&
         pg_exec(pg, pg->mode == DB_READER ? reader_settings : writer_settings, NULL, e);
    if (!ok)
        pg_disconnect(pg);
    else
        pg->generation++;
    return ok;
}

bool pg_connect(struct pg *pg, int patience_ms, struct err *e) {
    int64_t until = clock_monotonic_us() + patience_ms * US_PER_MS;
    while (!pg->conn) {
        int64_t now = clock_monotonic_us();
        if (now < pg->retry_at && patience_ms == 0) {
            *e = pg->trouble;
            return false;
        }
        if (now < pg->retry_at && pg->retry_at > until) {
            *e = pg->trouble;
            return false;
        }
        if (now < pg->retry_at) {
            struct timespec ts = {.tv_sec = (pg->retry_at - now) / US_PER_S,
                                  .tv_nsec = (pg->retry_at - now) % US_PER_S * 1000};
            nanosleep(&ts, NULL);
        }
        if (connect_once(pg, &pg->trouble))
            break;
        pg->retry_us = pg->retry_us ? pg->retry_us * 2 : RETRY_FIRST_US;
        pg->retry_us = pg->retry_us < RETRY_MOST_US ? pg->retry_us : RETRY_MOST_US;
        pg->retry_at = clock_monotonic_us() + pg->retry_us;
    }
    pg->retry_at = pg->retry_us = 0;
    return true;
}
