/* rows: a message's row and its events and attempts, read into the model's structs. */
#ifndef HY_STORE_ROWS_H
#define HY_STORE_ROWS_H

#include "model/message.h"
#include "store/db.h"

/* The columns rows_message reads, in its order, for `SELECT ROW_COLUMNS FROM message AS m ...`. */
#define ROW_COLUMNS                                                                                          \
    "m.id, m.account_id, m.direction, m.priority, m.delivery, m.face, m.encoding, m.segments, "              \
    "m.created_at, "                                                                                         \
    "m.send_at, m.expires_at, m.state, m.reason, m.attempts, m.lookups, m.events, m.code, m.due_at, "        \
    "m.updated_at, "                                                                                         \
    "m.sent_at, m.done_at, m.lane, m.provider_id, m.recipient, m.sender, m.body, m.topic, m.metadata, "      \
    "m.status_callback, m.traceparent, m.template, m.template_version, m.channel, m.content, m.step, "       \
    "m.step_from, m.spared"
enum { ROW_COLUMNS_N = 37 };

/* The row the statement stands on; owned by the caller. Aborts when memory is short. */
struct message *rows_message(struct db_stmt *s);
/* Columns number, lane, started_at, ended_at, fate, hint, reason, code, http_status, provider_id, account,
 * sender, price, currency, country. */
struct attempt rows_attempt(struct db_stmt *s, int64_t message_id);
/* A number of a row that this program does not know reads as the first. */
enum fate rows_fate(int64_t value);
enum lane_hint rows_hint(int64_t value);
/* Columns number, at, state, reason, attempt, code, note. */
struct event rows_event(struct db_stmt *s);

/* Copies a short text into a fixed array, cut where it must be; always NUL-terminated. */
void rows_copy(char *to, size_t size, struct sv from);

#endif
