#include "store/consents.h"

#include "model/hook.h"
#include "store/numbers.h"
#include "store/rows.h"

static const char *const acts[CONSENT_ACTS] = {[0] = "",
                                               [CONSENT_GRANTED] = "granted",
                                               [CONSENT_WITHDRAWN] = "withdrawn",
                                               [CONSENT_RELEASED] = "released",
                                               [CONSENT_REQUESTED] = "requested"};

const char *consent_act_name(enum consent_act a) {
    ASSERT(a < CONSENT_ACTS);
    return acts[a];
}

/* ---- writing ---- */

bool consents_add(struct db *db, const struct consent *c, int64_t now, struct err *e) {
    static const char sql[] =
        "INSERT INTO consent (account_id, number, topic, act, source, at, created_at, message_id, said_by, "
        "method, text, ip, url, note, expires_at, untold) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?, CASE WHEN "
        "?=1 "
        "THEN (SELECT 1 FROM webhook WHERE account_id=? AND status=0 LIMIT 1) END)";
    _Static_assert(HOOK_ENABLED == 0, "as the statement has it");
    bool is_told = c->source == SUPPRESSION_BY_REPLY || c->source == SUPPRESSION_BY_PROVIDER ||
                   c->act == CONSENT_REQUESTED;
    struct db_stmt *s = db_stmt(db, sql, e);
    ASSERT(c->number.n && c->act > 0 && c->act < CONSENT_ACTS);
    db_int(s, c->account_id);
    db_text(s, c->number);
    db_text(s, c->topic);
    db_int(s, c->act);
    db_int(s, c->source);
    db_int(s, c->at);
    db_int(s, now);
    db_int(s, c->message_id);
    db_text_or_null(s, c->by);
    db_text_or_null(s, c->method);
    db_text_or_null(s, c->text);
    db_text_or_null(s, c->ip);
    db_text_or_null(s, c->url);
    db_text_or_null(s, c->note);
    db_int(s, c->expires_at);
    db_int(s, is_told ? 0 : 1); /* else by store/consent_news */
    db_int(s, c->account_id);
    numbers_changed(db);
    return db_run(s, e);
}

bool consents_follow(struct db *db, const struct suppression *row, bool added, int64_t now, struct err *e) {
    bool about = row->kind == SUPPRESSION_OPT_OUT || (!added && row->kind == SUPPRESSION_ANY);
    if (!about || row->source == SUPPRESSION_BY_IMPORT || row->account_id == 0)
        return true;
    bool asked = !added && row->source == SUPPRESSION_BY_REPLY;
    const struct consent c = {
        .account_id = row->account_id,
        .number = row->number,
        .topic = row->topic,
        .act = added   ? CONSENT_WITHDRAWN
               : asked ? CONSENT_GRANTED
                       : CONSENT_RELEASED,
        .source = row->source ? row->source : SUPPRESSION_BY_API,
        .at = now,
        .message_id = row->message_id,
        .by = row->by,
        .note = row->note,
    };
    return consents_add(db, &c, now, e);
}

/* Was the contrary said later, in the history, of the topic or of all? */
static bool is_outdone(struct db *db, const struct consent *c, bool *outdone, struct err *e) {
    static const char sql[] = "SELECT 1 FROM consent WHERE account_id=? AND number=? AND at>? AND (?='' OR "
                              "topic IN ('', ?)) AND act=? LIMIT 1";
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, c->account_id);
    db_text(s, c->number);
    db_int(s, c->at);
    db_text(s, c->topic);
    db_text(s, c->topic);
    db_int(s, c->act == CONSENT_GRANTED ? CONSENT_WITHDRAWN : CONSENT_GRANTED);
    return db_any(s, outdone, e);
}

/* An opt-out that was said later stays, whether the history knows it or (imports) not. Each topic is a place
 * in the list's key: of a number with rows for thousands of them two are read. */
static bool has_later_opt_out(struct db *db, const struct consent *c, bool *later, struct err *e) {
    static const char any[] = "SELECT 1 FROM suppression WHERE account_id=? AND number IN (?, ?) AND kind=? "
                              "AND updated_at>? LIMIT 1";
    static const char one[] = "SELECT 1 FROM suppression WHERE account_id=? AND number IN (?, ?) AND kind=? "
                              "AND updated_at>? AND topic IN ('', ?) LIMIT 1";
    struct suppression_pseudonym erased = suppression_pseudonym(c->number);
    struct db_stmt *s = db_stmt(db, c->topic.n ? one : any, e);
    db_int(s, c->account_id);
    db_text(s, c->number);
    db_text(s, sv_of(erased.text));
    db_int(s, SUPPRESSION_OPT_OUT);
    db_int(s, c->at);
    if (c->topic.n)
        db_text(s, c->topic);
    return db_any(s, later, e);
}

bool consent_write_run(struct db *db, struct store_write *w, int64_t now, struct err *e) {
    const struct consent *c = &((struct consent_write *)w)->consent;
    bool outdone, later = false, granted = c->act == CONSENT_GRANTED;
    if (!consents_add(db, c, now, e) || !is_outdone(db, c, &outdone, e) ||
        (granted && !has_later_opt_out(db, c, &later, e)))
        return false;
    if (outdone || later)
        return true;
    const struct suppression row = {
        .account_id = c->account_id,
        .number = c->number,
        /* A consent for everything takes every opt-out off. */
        .topic = c->topic.n || !granted ? c->topic : SV_NONE,
        .kind = SUPPRESSION_OPT_OUT,
        .source = c->source,
        .by = c->by,
        .note = c->note.n <= SUPPRESSION_NOTE_BYTES_MAX ? c->note : SV_NONE,
        .message_id = c->message_id,
    };
    struct suppression_write s = {
        .act = granted ? SUPPRESSION_RELEASE : SUPPRESSION_ADD, .rows = &row, .n = 1, .told = true};
    w->suppresses = !granted;
    return suppression_write(db, &s, now, e);
}

/* ---- confirmations ---- */

bool consents_request(struct db *db, const struct consent *c, int64_t message_id, int64_t now,
                      struct err *e) {
    struct consent asked = *c;
    ASSERT(c->act == CONSENT_REQUESTED && c->expires_at);
    asked.message_id = message_id;
    return consents_add(db, &asked, now, e);
}

/* The request that an answer is for; *row: there is one. Its texts live in mem. */
static bool find_request(struct db *db, const struct consent_answer *a, int64_t now, struct arena *mem,
                         struct consent *out, bool *row, struct err *e) {
    static const char sql[] =
        "SELECT topic, text, ip, url, note FROM consent AS c WHERE account_id=? AND number=? AND act=4 AND "
        "expires_at>? AND NOT EXISTS (SELECT 1 FROM consent AS d WHERE d.account_id=c.account_id AND "
        "d.number=c.number AND d.id>c.id AND d.topic IN ('', c.topic) AND d.act IN (1, 2, 4)) ORDER BY "
        "message_id=? DESC, id DESC LIMIT 1";
    _Static_assert(CONSENT_REQUESTED == 4, "as the statement has it");
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, a->account_id);
    db_text(s, a->number);
    db_int(s, now);
    db_int(s, a->in_reply_to);
    if (!db_next(s, row, e))
        return false;
    if (!*row)
        return true;
    *out = (struct consent){.account_id = a->account_id,
                            .number = a->number,
                            .topic = arena_dup(mem, db_col_text(s, 0)),
                            .act = CONSENT_GRANTED,
                            .source = SUPPRESSION_BY_REPLY,
                            .at = now,
                            .message_id = a->message_id,
                            .by = a->word,
                            .method = SV("double opt-in"),
                            .text = arena_dup(mem, db_col_text(s, 1)),
                            .ip = arena_dup(mem, db_col_text(s, 2)),
                            .url = arena_dup(mem, db_col_text(s, 3)),
                            .note = arena_dup(mem, db_col_text(s, 4))};
    db_end(s);
    return !mem->full || err_set(e, ERR_OUTSIDE, "out of memory for a consent");
}

bool consents_confirm(struct db *db, const struct consent_answer *a, int64_t now, bool *granted,
                      char topic[SUPPRESSION_TOPIC_BYTES_MAX + 1], struct err *e) {
    struct arena ARENA_AUTO mem;
    struct consent_write w = {0};
    arena_init(&mem, 2 * CONSENT_BYTES_MAX);
    if (!find_request(db, a, now, &mem, &w.consent, granted, e))
        return false;
    if (!*granted)
        return true;
    rows_copy(topic, SUPPRESSION_TOPIC_BYTES_MAX + 1, w.consent.topic);
    return consent_write_run(db, &w.write, now, e);
}

bool consents_erase(struct db *db, int64_t account_id, struct sv number, size_t *n, struct err *e) {
    static const char sql[] = "DELETE FROM consent WHERE account_id=? AND number=?";
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, account_id);
    db_text(s, number);
    numbers_changed(db);
    if (!db_run(s, e))
        return false;
    *n = (size_t)db_changes(db);
    return true;
}

/* ---- asking ---- */

bool consents_ask(struct db *db, int64_t account_id, struct sv address, struct sv topic, bool *granted,
                  struct err *e) {
    /* consent_number has all of it. Most numbers have no word, or one: looking at words of other topics is
     * cheaper than asking for two topics, and for an order. */
    static const char sql[] = "SELECT act FROM consent INDEXED BY consent_number WHERE account_id=? AND "
                              "number=? AND CASE WHEN topic='' THEN 1 WHEN topic=? THEN 1 ELSE 0 END=1 AND "
                              "act BETWEEN 1 AND 2 ORDER BY at DESC, id DESC LIMIT 1";
    _Static_assert(CONSENT_GRANTED == 1 && CONSENT_WITHDRAWN == 2, "as the statement has them");
    struct db_stmt *s = db_stmt(db, sql, e);
    int64_t act;
    db_int(s, account_id);
    db_text(s, address);
    db_text(s, topic);
    if (!db_value(s, &act, e))
        return false;
    *granted = act == CONSENT_GRANTED;
    return true;
}

bool consents_are_full(struct db *db, int64_t account_id, struct sv number) {
    static const char sql[] = "SELECT 1 FROM consent INDEXED BY consent_number WHERE account_id=? AND "
                              "number=? LIMIT 1 OFFSET 4999";
    _Static_assert(CONSENT_WORDS_MAX == 5000, "as the statement has it");
    struct err ignored = ERR_INIT;
    struct db_stmt *s = db_stmt(db, sql, &ignored);
    bool full;
    db_int(s, account_id);
    db_text(s, number);
    return db_any(s, &full, &ignored) && full;
}

#define CONSENT_COLUMNS                                                                                      \
    "id, topic, act, source, at, created_at, message_id, said_by, method, text, ip, url, note, expires_at"

static struct consent row_of(struct db_stmt *s, int64_t account_id, struct arena *mem) {
    int64_t act = db_col_int(s, 2), source = db_col_int(s, 3);
    return (struct consent){
        .id = db_col_int(s, 0),
        .account_id = account_id,
        .topic = arena_dup(mem, db_col_text(s, 1)),
        .act = act > 0 && act < CONSENT_ACTS ? (enum consent_act)act : 0,
        .source = source > 0 && source < SUPPRESSION_SOURCES ? (enum suppression_source)source : 0,
        .at = db_col_int(s, 4),
        .created_at = db_col_int(s, 5),
        .message_id = db_col_int(s, 6),
        .by = arena_dup(mem, db_col_text(s, 7)),
        .method = arena_dup(mem, db_col_text(s, 8)),
        .text = arena_dup(mem, db_col_text(s, 9)),
        .ip = arena_dup(mem, db_col_text(s, 10)),
        .url = arena_dup(mem, db_col_text(s, 11)),
        .note = arena_dup(mem, db_col_text(s, 12)),
        .expires_at = db_col_int(s, 13),
    };
}

static bool too_large(struct db_stmt *s, struct err *e) {
    db_end(s);
    return err_set(e, ERR_TOO_LARGE, "the history is too large for one answer");
}

bool consents_of(struct db *db, int64_t account_id, struct sv number, struct sv topic, struct arena *mem,
                 struct consent *out, size_t max, size_t *n, struct err *e) {
    static const char sql[] = "SELECT " CONSENT_COLUMNS " FROM consent WHERE account_id=? AND number=? AND "
                              "(?<>0 OR topic IN ('', ?)) ORDER BY at DESC, id DESC LIMIT ?";
    struct db_stmt *s = db_stmt(db, sql, e);
    *n = 0;
    db_int(s, account_id);
    db_text(s, number);
    db_int(s, topic.p == NULL);
    db_text(s, topic);
    db_int(s, (int64_t)max);
    for (bool row;;) {
        if (!db_next(s, &row, e))
            return false;
        if (!row)
            return true;
        out[*n] = row_of(s, account_id, mem);
        out[(*n)++].number = number;
        if (mem->full)
            return too_large(s, e);
    }
}

bool consents_list(struct db *db, int64_t account_id, struct consents_place *after, struct arena *mem,
                   struct consent *out, size_t max, size_t *n, struct err *e) {
    static const char sql[] = "SELECT " CONSENT_COLUMNS ", number FROM consent INDEXED BY consent_number "
                              "WHERE account_id=? AND (number, at, id)>(?, ?, ?) ORDER BY number, at, id "
                              "LIMIT ?";
    struct db_stmt *s = db_stmt(db, sql, e);
    *n = 0;
    db_int(s, account_id);
    db_text(s, sv_of(after->number));
    db_int(s, after->at);
    db_int(s, after->id);
    db_int(s, (int64_t)max);
    for (bool row;;) {
        if (!db_next(s, &row, e))
            return false;
        if (!row)
            break;
        out[*n] = row_of(s, account_id, mem);
        out[(*n)++].number = arena_dup(mem, db_col_text(s, 14));
        if (mem->full)
            return too_large(s, e);
    }
    if (*n) {
        const struct consent *last = &out[*n - 1];
        rows_copy(after->number, sizeof after->number, last->number);
        after->at = last->at;
        after->id = last->id;
    }
    return true;
}

bool consents_has(struct db *db, const struct consent *c, bool *there, struct err *e) {
    static const char sql[] =
        "SELECT 1 FROM consent WHERE account_id=? AND number=? AND at=? AND topic=? AND act=? LIMIT 1";
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, c->account_id);
    db_text(s, c->number);
    db_int(s, c->at);
    db_text(s, c->topic);
    db_int(s, c->act);
    return db_any(s, there, e);
}

bool consents_bring(struct db *db, const struct consent *c, int64_t now, bool *there, struct err *e) {
    struct consent_write w = {.consent = *c};
    if (!consents_has(db, c, there, e))
        return false;
    if (*there)
        return true;
    bool says = c->act == CONSENT_GRANTED || c->act == CONSENT_WITHDRAWN;
    return says ? consent_write_run(db, &w.write, now, e) : consents_add(db, c, now, e);
}
