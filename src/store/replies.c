#include "store/replies.h"

#include "base/clock.h"
#include "store/consents.h"
#include "store/rows.h"
#include "store/suppression.h"

enum { LOOKED_AT_MAX = 5000, CONVERSATION_MAX = 50, HOUR_S = 3600 };

/* ---- writing ---- */

static bool count_answers(struct db *db, struct sv number, int64_t since, unsigned max, int64_t *n,
                          struct err *e) {
    static const char sql[] = "SELECT count(*) FROM (SELECT 1 FROM reply INDEXED BY reply_answered WHERE "
                              "number=? AND answered_at<>0 AND answered_at>? LIMIT ?) AS t";
    struct db_stmt *s = db_stmt(db, sql, e);
    db_text(s, number);
    db_int(s, since);
    db_int(s, (int64_t)max);
    return db_value(s, n, e);
}

/* A yes to a text that asked for a consent is that, whatever else its word means. */
static bool confirm(struct db *db, const struct message *m, struct reply *r, int64_t now, struct err *e) {
    _Static_assert(sizeof r->confirmed == SUPPRESSION_TOPIC_BYTES_MAX + 1, "a topic of the list");
    const struct consent_answer a = {.account_id = m->account_id,
                                     .message_id = m->id,
                                     .in_reply_to = r->in_reply_to,
                                     .number = m->text[TEXT_FROM],
                                     .word = r->confirm};
    bool granted;
    if (!r->confirm.n)
        return true;
    if (!consents_confirm(db, &a, now, &granted, r->confirmed, e))
        return false;
    if (granted) {
        r->action = REPLY_CONFIRM;
        r->keyword = r->confirm;
        r->topic = sv_of(r->confirmed);
        r->answer = r->confirm_answer;
    }
    return true;
}

/* Nobody is written to who does not want it, in a circle, or without end. */
static bool check_answer(struct db *db, const struct message *m, struct reply *r, int64_t now,
                         struct err *e) {
    const struct message to = {.account_id = m->account_id, .text = {[TEXT_TO] = m->text[TEXT_FROM]}};
    const struct suppression_question q = {
        .m = &to, .list = true, .exempt = r->action != REPLY_OTHER, .now = now};
    enum reason why;
    int64_t given;
    if (!r->answer.n)
        return true;
    if (!suppression_ask(db, &q, &why, e) ||
        !count_answers(db, m->text[TEXT_FROM], now - HOUR_S * US_PER_S, r->answers_max, &given, e))
        return false;
    if (why == REASON_BLOCKED || why == REASON_OPTED_OUT || given >= (int64_t)r->answers_max)
        r->answer = SV_NONE;
    return true;
}

/* What it asks for. Whoever writes START means everything, unless the word is for one topic. */
static bool obey(struct db *db, const struct message *m, const struct reply *r, int64_t now, bool *opted,
                 struct err *e) {
    const struct suppression row = {
        .account_id = m->account_id,
        .number = m->text[TEXT_FROM],
        .topic = r->topic.n || r->action == REPLY_STOP ? r->topic : SV_NONE,
        .kind = SUPPRESSION_OPT_OUT,
        .source = SUPPRESSION_BY_REPLY,
        .by = r->keyword,
        .message_id = m->id,
    };
    struct suppression_write w = {
        .act = r->action == REPLY_STOP ? SUPPRESSION_ADD : SUPPRESSION_RELEASE, .rows = &row, .n = 1};
    *opted = r->action == REPLY_STOP;
    if (r->action != REPLY_STOP && r->action != REPLY_START)
        return true;
    return suppression_write(db, &w, now, e);
}

bool replies_put(struct db *db, const struct message *m, struct reply *r, int64_t now, bool *opted,
                 struct err *e) {
    static const char sql[] =
        "INSERT INTO reply (message_id, account_id, number, in_reply_to, polarity, mood, "
        "action, keyword, topic, answer, answered_at, read_at) VALUES "
        "(?,?,?,?,?,?,?,?,?,?,?,0)";
    if (!confirm(db, m, r, now, e) || !check_answer(db, m, r, now, e))
        return false;
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, m->id);
    db_int(s, m->account_id);
    db_text(s, m->text[TEXT_FROM]);
    db_int(s, r->in_reply_to);
    db_int(s, r->polarity);
    db_int(s, r->mood);
    db_int(s, r->action);
    db_text_or_null(s, r->keyword);
    db_text_or_null(s, r->topic);
    db_text_or_null(s, r->answer);
    db_int(s, r->answer.n ? now : 0);
    return db_run(s, e) && obey(db, m, r, now, opted, e);
}

bool replies_forget(struct db *db, int64_t message_id, struct err *e) {
    static const char sql[] = "DELETE FROM reply WHERE message_id=?";
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, message_id);
    return db_run(s, e);
}

bool replies_mark(struct db *db, struct store_write *write, int64_t now, struct err *e) {
    struct reply_mark *w = (struct reply_mark *)write;
    static const char sql[] =
        "UPDATE reply SET read_at=CASE WHEN ?=0 THEN 0 WHEN read_at=0 THEN ? ELSE read_at "
        "END WHERE message_id=? AND account_id=?";
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, w->read);
    db_int(s, now);
    db_int(s, w->message_id);
    db_int(s, w->account_id);
    if (!db_run(s, e))
        return false;
    w->there = db_changes(db) > 0;
    return true;
}

/* ---- reading ---- */

#define REPLY_COLUMNS                                                                                        \
    "r.in_reply_to, r.polarity, r.mood, r.action, r.keyword, r.topic, r.answer, r.answered_at, r.read_at"

/* From column `at` on; false when the arena is full. */
static bool read_reply(struct db_stmt *s, int at, struct arena *mem, struct reply *out, int64_t *answered_at,
                       int64_t *read_at) {
    int64_t mood = db_col_int(s, at + 2), action = db_col_int(s, at + 3);
    *out = (struct reply){
        .in_reply_to = db_col_int(s, at),
        .polarity = (int32_t)db_col_int(s, at + 1),
        .mood = mood >= 0 && mood < REPLY_MOODS ? (enum reply_mood)mood : REPLY_NEUTRAL,
        .action = action >= 0 && action < REPLY_ACTIONS ? (enum reply_action)action : REPLY_OTHER,
        .keyword = arena_dup(mem, db_col_text(s, at + 4)),
        .topic = arena_dup(mem, db_col_text(s, at + 5)),
        .answer = arena_dup(mem, db_col_text(s, at + 6)),
    };
    *answered_at = db_col_int(s, at + 7);
    *read_at = db_col_int(s, at + 8);
    return !mem->full;
}

static bool passes(const struct reply_filter *f, const struct message *m, struct db_stmt *s) {
    return (!f->from.n || sv_eq(f->from, m->text[TEXT_FROM])) &&
           (!f->to.n || sv_eq(f->to, m->text[TEXT_TO])) &&
           (!f->by_mood || db_col_int(s, ROW_COLUMNS_N + 2) == (int64_t)f->mood) &&
           (!f->by_action || db_col_int(s, ROW_COLUMNS_N + 3) == (int64_t)f->action) &&
           (!f->unread || db_col_int(s, ROW_COLUMNS_N + 8) == 0) && m->created_at >= f->created_from &&
           (!f->created_until || m->created_at < f->created_until);
}

bool replies_list(struct db *db, const struct reply_filter *f, struct arena *mem, struct reply_row *out,
                  size_t *n, bool *more, int64_t *last_id, struct err *e) {
    static const char all[] = "SELECT " ROW_COLUMNS ", " REPLY_COLUMNS
                              " FROM reply AS r INDEXED BY reply_account CROSS JOIN message AS m ON "
                              "m.id=r.message_id WHERE r.account_id=? AND r.message_id<? AND ?=0 ORDER BY "
                              "r.message_id DESC";
    static const char unread[] = "SELECT " ROW_COLUMNS ", " REPLY_COLUMNS
                                 " FROM reply AS r INDEXED BY reply_unread CROSS JOIN message AS m ON "
                                 "m.id=r.message_id WHERE r.account_id=? AND r.message_id<? AND ?=0 AND "
                                 "r.read_at=0 ORDER BY r.message_id DESC";
    static const char of_one[] = "SELECT " ROW_COLUMNS ", " REPLY_COLUMNS
                                 " FROM reply AS r INDEXED BY reply_to CROSS JOIN message AS m ON "
                                 "m.id=r.message_id WHERE r.account_id=? AND r.message_id<? AND "
                                 "r.in_reply_to=? AND r.in_reply_to<>0 ORDER BY r.message_id DESC";
    ASSERT(f->limit >= 1 && f->limit <= REPLIES_PAGE_MAX);
    *n = 0;
    *more = false;
    *last_id = 0;
    struct db_stmt *s = db_stmt(db, f->in_reply_to ? of_one : f->unread ? unread : all, e);
    db_int(s, f->account_id);
    db_int(s, f->before_id ? f->before_id : INT64_MAX);
    db_int(s, f->in_reply_to);
    for (unsigned looked = 0;; looked++) {
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
        struct reply_row *r = &out[*n];
        r->message = rows_message(s);
        *last_id = r->message->id;
        if (!passes(f, r->message, s)) {
            message_free(r->message);
            continue;
        }
        (*n)++;
        if (!read_reply(s, ROW_COLUMNS_N, mem, &r->reply, &r->answered_at, &r->read_at)) {
            db_end(s);
            return err_set(e, ERR_TOO_LARGE, "the page is too large: ask for fewer texts");
        }
    }
}

bool replies_get(struct db *db, int64_t message_id, struct arena *mem, struct reply *out,
                 int64_t *answered_at, int64_t *read_at, bool *there, struct err *e) {
    static const char sql[] = "SELECT " REPLY_COLUMNS " FROM reply AS r WHERE r.message_id=?";
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, message_id);
    if (!db_next(s, there, e))
        return false;
    if (!*there)
        return true;
    bool fits = read_reply(s, 0, mem, out, answered_at, read_at);
    db_end(s);
    return fits || err_set(e, ERR_TOO_LARGE, "the answer does not fit");
}

bool replies_owner(struct db *db, int64_t message_id, struct arena *mem, int64_t *account_id,
                   struct sv *topic, struct err *e) {
    static const char sql[] = "SELECT account_id, topic FROM message WHERE id=?";
    struct db_stmt *s = db_stmt(db, sql, e);
    bool row = false;
    *account_id = 0;
    *topic = SV_NONE;
    db_int(s, message_id);
    if (!db_next(s, &row, e))
        return false;
    if (row) {
        *account_id = db_col_int(s, 0);
        *topic = arena_dup(mem, db_col_text(s, 1));
        db_end(s);
    }
    return true;
}

bool replies_conversation(struct db *db, struct sv handset, struct sv own, struct sv lane,
                          int64_t *account_id, int64_t *message_id, struct err *e) {
    static const char sql[] = "SELECT id, account_id, lane, sender FROM message INDEXED BY message_recipient "
                              "WHERE recipient=? AND direction=0 AND attempts>0 ORDER BY id DESC LIMIT ?";
    struct db_stmt *s = db_stmt(db, sql, e);
    int best = 0;
    *account_id = *message_id = 0;
    db_text(s, handset);
    db_int(s, CONVERSATION_MAX);
    for (bool row;;) {
        if (!db_next(s, &row, e))
            return false;
        if (!row)
            return true;
        bool same_lane = sv_eq(db_col_text(s, 2), lane);
        int fit = same_lane ? (sv_eq(db_col_text(s, 3), own) ? 3 : 2) : 1;
        if (fit <= best)
            continue;
        best = fit;
        *message_id = db_col_int(s, 0);
        *account_id = db_col_int(s, 1);
    }
}
