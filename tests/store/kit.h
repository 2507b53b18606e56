/* kit: a database in memory with this program's schema, jobs as the core would hand them over, and a picture
 * of all that is stored, so that two states can be compared as text.
 */
#ifndef HY_TESTS_STORE_KIT_H
#define HY_TESTS_STORE_KIT_H

#include "base/buf.h"
#include "base/clock.h"
#include "store/journal.h"
#include "store/migrate.h"

/* 2026-01-01T00:00:00Z */
#define KIT_NOW (INT64_C(1767225600) * US_PER_S)

/* Where HONGYAN_TEST_DATABASE names a PostgreSQL server it is a new schema there. */
struct db *kit_db(void);
struct db *kit_db_empty(void); /* without a schema */
bool kit_on_postgres(void);

/* A message of account 1 to +8613800138000, created at KIT_NOW and valid for an hour. */
struct message *kit_message(int64_t id, const char *body, const char *key);
/* The message with other texts (NULL: as kit_message has them); its numbers are KIT_NOW's. */
struct message *kit_message_to(int64_t id, const char *to, const char *body, const char *key);
void kit_fingerprint(struct message *m, const char *request);

/* A job that stores m as `to`, due at due_at (0: never). */
struct job kit_put(struct message *m, enum state to, int64_t due_at);
/* A job that moves m to `to`; m->head is the committed one. */
struct job kit_move(struct message *m, enum state to, int64_t due_at);
/* Adds to the job's change the beginning of attempt number 1 more than before, or the end of the latest. */
void kit_begin(struct job *j, const char *lane, int64_t at);
void kit_end(struct job *j, enum fate fate, const char *provider_id, int64_t at);
/* Marks every event of the job's change as owing a status callback. */
void kit_owe(struct job *j, int64_t due_at);

/* Does the one job, which must come back; its message's head is then the change's, when it was stored. */
enum job_result kit_do(struct journal *j, struct job *job);
/* What a job brought back, freed. */
void kit_forget(struct job *job);

/* A database with its journal, and messages that go with it, for tests that begin with an empty one: setup
 * and teardown of cmocka, *state is the shelf. */
struct kit_shelf {
    struct db *db;
    struct journal *journal;
    struct message *messages[64]; /* owned */
    size_t n;
};
int kit_open_shelf(void **state);
int kit_close_shelf(void **state);

/* The one number that a statement without parameters brings. */
int64_t kit_number(struct db *db, const char *sql);
/* Every row of every table, one a line. */
void kit_picture(struct db *db, struct buf *out);

/* xorshift64 */
uint64_t kit_random(uint64_t *seed);

#endif
