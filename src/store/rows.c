#include "store/rows.h"

#include "model/content.h"

#include <string.h>

void rows_copy(char *to, size_t size, struct sv from) {
    size_t n = from.n < size - 1 ? from.n : size - 1;
    if (n)
        memcpy(to, from.p, n);
    to[n] = '\0';
}

/* A number of ours from outside memory: a value this program does not know is a damaged or newer row. */
static int known(int64_t value, int count) {
    return value >= 0 && value < count ? (int)value : 0;
}

struct message *rows_message(struct db_stmt *s) {
    struct sv text[TEXT_COUNT] = {
        [TEXT_TO] = db_col_text(s, 23),          [TEXT_FROM] = db_col_text(s, 24),
        [TEXT_BODY] = db_col_text(s, 25),        [TEXT_TOPIC] = db_col_text(s, 26),
        [TEXT_METADATA] = db_col_text(s, 27),    [TEXT_STATUS_CALLBACK] = db_col_text(s, 28),
        [TEXT_TRACEPARENT] = db_col_text(s, 29), [TEXT_TEMPLATE] = db_col_text(s, 30),
        [TEXT_CONTENT] = db_col_text(s, 33),
    };
    struct message *m = message_new(text);
    ASSERT(m);
    m->id = db_col_int(s, 0);
    m->account_id = db_col_int(s, 1);
    m->direction = (enum direction)known(db_col_int(s, 2), 2);
    m->priority = (enum priority)known(db_col_int(s, 3), PRIORITY_COUNT);
    m->delivery = (enum delivery)known(db_col_int(s, 4), 2);
    m->face = (enum face)known(db_col_int(s, 5), FACE_COUNT);
    m->encoding = (enum encoding)known(db_col_int(s, 6), 2);
    m->segments = (uint16_t)db_col_int(s, 7);
    m->created_at = db_col_int(s, 8);
    m->send_at = db_col_int(s, 9);
    m->expires_at = db_col_int(s, 10);
    m->head = (struct head){
        .state = (enum state)known(db_col_int(s, 11), STATE_COUNT),
        .reason = (enum reason)known(db_col_int(s, 12), REASON_COUNT),
        .attempts = (uint16_t)db_col_int(s, 13),
        .lookups = (uint16_t)db_col_int(s, 14),
        .events = (uint16_t)db_col_int(s, 15),
        .code = (int32_t)db_col_int(s, 16),
        .due_at = db_col_int(s, 17),
        .updated_at = db_col_int(s, 18),
        .sent_at = db_col_int(s, 19),
        .done_at = db_col_int(s, 20),
        .step = (uint8_t)db_col_int(s, 34),
        .step_from = (uint16_t)db_col_int(s, 35),
        .spared = (uint16_t)db_col_int(s, 36),
    };
    m->template_version = (uint32_t)db_col_int(s, 31);
    m->channel = (enum channel)known(db_col_int(s, 32), CHANNEL_COUNT);
    content_note_plan(m);
    rows_copy(m->head.lane, sizeof m->head.lane, db_col_text(s, 21));
    rows_copy(m->head.provider_id, sizeof m->head.provider_id, db_col_text(s, 22));
    return m;
}

enum fate rows_fate(int64_t value) {
    return (enum fate)known(value, FATE_UNKNOWN + 1);
}

enum lane_hint rows_hint(int64_t value) {
    return (enum lane_hint)known(value, LANE_BROKEN + 1);
}

struct attempt rows_attempt(struct db_stmt *s, int64_t message_id) {
    struct attempt a = {
        .message_id = message_id,
        .number = (uint16_t)db_col_int(s, 0),
        .started_at = db_col_int(s, 2),
        .ended_at = db_col_int(s, 3),
        .fate = rows_fate(db_col_int(s, 4)),
        .hint = rows_hint(db_col_int(s, 5)),
        .reason = (enum reason)known(db_col_int(s, 6), REASON_COUNT),
        .code = (int32_t)db_col_int(s, 7),
        .http_status = (int16_t)db_col_int(s, 8),
        .account = db_col_int(s, 10),
    };
    rows_copy(a.lane, sizeof a.lane, db_col_text(s, 1));
    rows_copy(a.provider_id, sizeof a.provider_id, db_col_text(s, 9));
    rows_copy(a.sender, sizeof a.sender, db_col_text(s, 11));
    a.price = db_col_int(s, 12);
    rows_copy(a.currency, sizeof a.currency, db_col_text(s, 13));
    rows_copy(a.country, sizeof a.country, db_col_text(s, 14));
    return a;
}

struct event rows_event(struct db_stmt *s) {
    return (struct event){
        .number = (uint16_t)db_col_int(s, 0),
        .at = db_col_int(s, 1),
        .state = (enum state)known(db_col_int(s, 2), STATE_COUNT),
        .reason = (enum reason)known(db_col_int(s, 3), REASON_COUNT),
        .attempt = (uint16_t)db_col_int(s, 4),
        .code = (int32_t)db_col_int(s, 5),
        .note = db_col_int(s, 6) != 0,
    };
}
