#include "kit.h"

#include "base/codec.h"

#include <string.h>
#include <unistd.h>

bool kit_on_postgres(void) {
    return getenv("HONGYAN_TEST_DATABASE") != NULL;
}

/* A schema of its own in the database of the test; the server goes with all of them. */
static struct db *open_schema(unsigned n, bool make, struct err *e) {
    char sql[128];
    const char *server = getenv("HONGYAN_TEST_DATABASE");
    snprintf(sql, sizeof sql, "CREATE SCHEMA t%d_%u", (int)getpid(), n);
    if (make) {
        struct db *db = db_open(sv_of(server), DB_READER, e);
        ASSERT(db && db_script(db, "SET default_transaction_read_only=off", e) && db_script(db, sql, e));
        db_close(db);
    }
    struct buf BUF_AUTO url = BUF_INIT(1024);
    buf_addf(&url, "%s&options=-csearch_path%%3Dt%d_%u", server, (int)getpid(), n);
    return db_open(buf_sv(&url), DB_WRITER, e);
}

/* Tables are dear to make with PostgreSQL: a test empties those of the one before. */
static struct db *emptied(void) {
    static bool there;
    static const char sql[] =
        "DO $$ DECLARE t record; BEGIN FOR t IN SELECT relname, relkind FROM pg_class WHERE "
        "relnamespace=current_schema()::regnamespace AND (relkind='r' OR relkind='S') AND relname NOT IN "
        "('account', 'period') LOOP "
        "IF t.relkind='S' THEN PERFORM setval(t.relname::regclass, 1, false); "
        "ELSIF t.relname='meta' THEN DELETE FROM meta WHERE name<>'schema_version'; "
        "ELSE EXECUTE 'DELETE FROM ' || t.relname; END IF; END LOOP; DELETE FROM account; END $$";
    struct err e = ERR_INIT;
    int from, to;
    struct db *db = open_schema(0, !there, &e);
    ASSERT(db && (there ? db_script(db, sql, &e) : migrate(db, &from, &to, &e)));
    there = true;
    return db;
}

struct db *kit_db_empty(void) {
    static unsigned n;
    struct err e = ERR_INIT;
    struct db *db = kit_on_postgres() ? open_schema(++n, true, &e) : db_open(SV_NONE, DB_MEMORY, &e);
    if (!db)
        fprintf(stderr, "%s\n", e.text);
    ASSERT(db);
    return db;
}

struct db *kit_db(void) {
    struct err e = ERR_INIT;
    int from, to;
    if (kit_on_postgres())
        return emptied();
    struct db *db = kit_db_empty();
    bool ok = migrate(db, &from, &to, &e);
    if (!ok)
        fprintf(stderr, "%s\n", e.text);
    ASSERT(ok);
    return db;
}

int kit_open_shelf(void **state) {
    struct kit_shelf *s = calloc(1, sizeof *s);
    struct err e = ERR_INIT;
    ASSERT(s);
    s->db = kit_db();
    s->journal = journal_new(s->db, &e);
    ASSERT(s->journal);
    *state = s;
    return 0;
}

int kit_close_shelf(void **state) {
    struct kit_shelf *s = *state;
    for (size_t i = 0; i < s->n; i++)
        message_free(s->messages[i]);
    journal_free(s->journal);
    db_close(s->db);
    free(s);
    return 0;
}

int64_t kit_number(struct db *db, const char *sql) {
    struct err e = ERR_INIT;
    int64_t n;
    ASSERT(db_value(db_stmt(db, sql, &e), &n, &e));
    return n;
}

struct message *kit_message_to(int64_t id, const char *to, const char *body, const char *key) {
    const struct sv text[TEXT_COUNT] = {
        [TEXT_TO] = sv_of(to ? to : "+8613800138000"), [TEXT_FROM] = SV("+15005550006"),
        [TEXT_BODY] = sv_of(body ? body : "hello"),    [TEXT_METADATA] = SV("{\"n\":1}"),
        [TEXT_IDEMPOTENCY_KEY] = sv_of(key),
    };
    struct message *m = message_new(text);
    ASSERT(m);
    m->id = id;
    m->account_id = 1;
    m->priority = PRIORITY_TRANSACTIONAL;
    m->segments = 1;
    m->created_at = KIT_NOW;
    m->expires_at = KIT_NOW + 3600 * US_PER_S;
    return m;
}

struct message *kit_message(int64_t id, const char *body, const char *key) {
    return kit_message_to(id, NULL, body, key);
}

void kit_fingerprint(struct message *m, const char *request) {
    uint8_t hash[SHA256_BYTES];
    sha256(sv_of(request), hash);
    memcpy(m->fingerprint, hash, sizeof m->fingerprint);
}

static struct job job_of(enum job_kind kind, struct message *m, enum state to, int64_t due_at) {
    struct job j = {.kind = kind, .message = m, .change = change_of(m)};
    change_move(&j.change, to, REASON_NONE, KIT_NOW);
    j.change.next.due_at = due_at;
    return j;
}

struct job kit_put(struct message *m, enum state to, int64_t due_at) {
    struct job j = job_of(JOB_PUT, m, to, due_at);
    j.idempotency_until = KIT_NOW + 86400 * US_PER_S;
    return j;
}

struct job kit_move(struct message *m, enum state to, int64_t due_at) {
    return job_of(JOB_MOVE, m, to, due_at);
}

void kit_begin(struct job *j, const char *lane, int64_t at) {
    struct change *c = &j->change;
    c->next.attempts++;
    c->attempt_begins = true;
    c->attempt = (struct attempt){.message_id = j->message->id, .number = c->next.attempts, .started_at = at};
    snprintf(c->attempt.lane, sizeof c->attempt.lane, "%s", lane);
    snprintf(c->next.lane, sizeof c->next.lane, "%s", lane);
}

void kit_end(struct job *j, enum fate fate, const char *provider_id, int64_t at) {
    struct change *c = &j->change;
    c->attempt_ends = true;
    c->attempt.message_id = j->message->id;
    c->attempt.number = c->next.attempts;
    c->attempt.ended_at = at;
    c->attempt.fate = fate;
    snprintf(c->attempt.provider_id, sizeof c->attempt.provider_id, "%s", provider_id);
    snprintf(c->next.provider_id, sizeof c->next.provider_id, "%s", provider_id);
}

void kit_owe(struct job *j, int64_t due_at) {
    j->change.callbacks = (1u << j->change.n_events) - 1;
    j->change.callback_due_at = due_at;
}

enum job_result kit_do(struct journal *j, struct job *job) {
    struct job *one = job, *done[8];
    size_t n = journal_apply(j, &one, 1, done);
    ASSERT(n == 1 && done[0] == job);
    free(job->lapsed); /* its own tests ask the store */
    job->lapsed = NULL;
    job->n_lapsed = 0;
    if (job->result == JOB_DONE && (job->kind == JOB_PUT || job->kind == JOB_MOVE))
        job->message->head = job->change.next;
    return job->result;
}

void kit_forget(struct job *job) {
    message_free(job->loaded);
    for (unsigned i = 0; i < job->n_rows; i++)
        message_free(job->rows[i]);
    for (unsigned i = 0; i < job->n_callbacks; i++)
        message_free(job->callbacks[i].message);
    free(job->rows);
    free(job->attempts);
    free(job->callbacks);
    free(job->lapsed);
    job->loaded = NULL;
    job->rows = NULL;
    job->attempts = NULL;
    job->callbacks = NULL;
    job->lapsed = NULL;
    job->n_rows = job->n_callbacks = 0;
}

void kit_picture(struct db *db, struct buf *out) {
    static const struct {
        const char *sql;
        int columns;
    } tables[] = {
        {"SELECT * FROM message ORDER BY id", 32},
        {"SELECT * FROM attempt ORDER BY message_id, number", 11},
        {"SELECT * FROM event ORDER BY message_id, number", 8},
        {"SELECT account_id, key, message_id, hex(fingerprint), expires_at FROM idempotency ORDER BY 1, 2",
         5},
        {"SELECT * FROM callback ORDER BY message_id, event", 7},
        {"SELECT name, value FROM meta WHERE name='templates_generation'", 2},
        {"SELECT * FROM template ORDER BY account_id, name", 6},
        {"SELECT account_id, name, number, state, created_at, published_at, hex(digest), note, sample FROM "
         "template_version ORDER BY 1, 2, 3",
         9},
        {"SELECT * FROM template_body ORDER BY account_id, name, number, language, channel, part", 7},
        {"SELECT * FROM template_code ORDER BY account_id, name, number, provider, language", 8},
        {"SELECT * FROM link ORDER BY code", 9},
        {"SELECT * FROM suppression ORDER BY account_id, number, topic, kind", 11},
        {"SELECT * FROM suppression_key ORDER BY hash", 2},
        {"SELECT * FROM reply ORDER BY message_id", 12},
        {"SELECT * FROM contact ORDER BY row", 10},
        {"SELECT * FROM contact_address ORDER BY account_id, address, contact", 5},
        {"SELECT * FROM contact_device ORDER BY account_id, platform, token", 6},
        {"SELECT * FROM consent ORDER BY id", 15},
        {"SELECT * FROM erasure ORDER BY id", 16},
    };
    struct err e = ERR_INIT;
    for (size_t t = 0; t < sizeof tables / sizeof tables[0]; t++) {
        struct db_stmt *s = db_stmt(db, tables[t].sql, &e);
        ASSERT(s);
        bool row;
        for (;;) {
            ASSERT(db_next(s, &row, &e));
            if (!row)
                break;
            buf_addf(out, "%zu:", t);
            for (int c = 0; c < tables[t].columns; c++) {
                buf_addc(out, ' ');
                buf_add(out, db_col_text(s, c));
            }
            buf_addc(out, '\n');
        }
    }
    ASSERT(!out->overflow);
}

uint64_t kit_random(uint64_t *seed) {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}
