#include "store/suppression.h"

#include "base/codec.h"
#include "model/content.h"
#include "store/consents.h"
#include "store/numbers.h"

#include <ctype.h>
#include <string.h>

enum { LOOKED_AT_MAX = 20000, BY_BYTES_MAX = 64 };

struct suppression_pseudonym suppression_pseudonym(struct sv number) {
    struct suppression_pseudonym out = {.text = {SUPPRESSION_PSEUDONYM_MARK}};
    struct buf BUF_AUTO all = BUF_INIT(SUPPRESSION_NUMBER_BYTES_MAX + 64);
    struct buf BUF_AUTO hex = BUF_INIT(64);
    uint8_t hash[SHA256_BYTES];
    buf_adds(&all, "hongyan erased number/");
    buf_add(&all, number);
    sha256(buf_sv(&all), hash);
    hex_add(&hex, hash, 8);
    hex_u64(out.text + 1, (uint64_t)numbers_hash(number) << 1);
    memcpy(out.text + 17, hex.p, 16);
    return out;
}

static const char *const kinds[SUPPRESSION_KINDS] = {
    [SUPPRESSION_ANY] = "any",
    [SUPPRESSION_OPT_OUT] = "opt_out",
    [SUPPRESSION_BLOCK] = "block",
    [SUPPRESSION_INVALID] = "invalid",
};

static const char *const sources[SUPPRESSION_SOURCES] = {
    [0] = "",
    [SUPPRESSION_BY_API] = "api",
    [SUPPRESSION_BY_REPLY] = "reply",
    [SUPPRESSION_BY_PROVIDER] = "provider",
    [SUPPRESSION_BY_IMPORT] = "import",
    [SUPPRESSION_BY_CONSOLE] = "console",
};

const char *suppression_kind_name(enum suppression_kind k) {
    ASSERT(k < SUPPRESSION_KINDS);
    return kinds[k];
}

bool suppression_kind_parse(struct sv name, enum suppression_kind *out) {
    int at = sv_place(name, kinds, SUPPRESSION_KINDS);
    if (at >= SUPPRESSION_OPT_OUT)
        *out = (enum suppression_kind)at;
    return at >= SUPPRESSION_OPT_OUT;
}

const char *suppression_source_name(enum suppression_source s) {
    ASSERT(s < SUPPRESSION_SOURCES);
    return sources[s];
}

bool suppression_source_parse(struct sv name, enum suppression_source *out) {
    int at = sv_place(name, sources, SUPPRESSION_SOURCES);
    if (at >= SUPPRESSION_BY_API)
        *out = (enum suppression_source)at;
    return at >= SUPPRESSION_BY_API;
}

/* ---- writing ---- */

static bool is_there(struct db *db, const struct suppression *r, bool *there, struct err *e) {
    static const char sql[] =
        "SELECT 1 FROM suppression WHERE account_id=? AND number=? AND topic=? AND kind=?";
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, r->account_id);
    db_text(s, r->number);
    db_text(s, r->topic);
    db_int(s, r->kind);
    return db_any(s, there, e);
}

/* Rows of a number were added, or taken away. */
static bool count_key(struct db *db, struct sv number, int64_t rows, struct err *e) {
    static const char more[] = "INSERT INTO suppression_key (hash, n) VALUES (?,?) ON CONFLICT (hash) DO "
                               "UPDATE SET n=suppression_key.n+excluded.n";
    static const char none[] = "DELETE FROM suppression_key WHERE hash=? AND n<=0";
    if (rows == 0)
        return true;
    struct db_stmt *s = db_stmt(db, more, e);
    db_int(s, numbers_hash(number));
    db_int(s, rows);
    if (!db_run(s, e))
        return false;
    if (rows > 0)
        return true;
    s = db_stmt(db, none, e);
    db_int(s, numbers_hash(number));
    return db_run(s, e);
}

static bool has_key(struct db *db, struct sv number, bool *there, struct err *e) {
    static const char sql[] = "SELECT 1 FROM suppression_key WHERE hash=?";
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, numbers_hash(number));
    return db_any(s, there, e);
}

static bool add(struct db *db, const struct suppression *r, int64_t now, bool *there, struct err *e) {
    static const char sql[] =
        "INSERT INTO suppression (account_id, number, topic, kind, source, said_by, note, message_id, "
        "created_at, "
        "updated_at, expires_at) VALUES (?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT (account_id, number, topic, "
        "kind) "
        "DO UPDATE SET source=excluded.source, said_by=excluded.said_by, note=excluded.note, "
        "message_id=excluded.message_id, updated_at=excluded.updated_at, expires_at=excluded.expires_at";
    ASSERT(r->number.n && r->kind > SUPPRESSION_ANY && r->kind < SUPPRESSION_KINDS);
    /* Counted first: so no other node takes the same number off until this is committed, and what is there is
     * there. */
    if (!count_key(db, r->number, 1, e) || !is_there(db, r, there, e))
        return false;
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, r->account_id);
    db_text(s, r->number);
    db_text(s, r->topic);
    db_int(s, r->kind);
    db_int(s, r->source);
    db_text_or_null(s, r->by);
    db_text_or_null(s, r->note);
    db_int(s, r->message_id);
    db_int(s, now);
    db_int(s, now);
    db_int(s, r->expires_at);
    numbers_changed(db);
    return db_run(s, e) && count_key(db, r->number, *there ? -1 : 0, e);
}

/* Nodes that meet over a number wait for each other here, before they touch a row of it: one that adds has
 * its count first, too, and if this one had the row first each would wait for the other. */
static bool wait_for_key(struct db *db, struct sv number, struct err *e) {
    static const char sql[] = "UPDATE suppression_key SET n=n WHERE hash=?";
    if (db_is_file(db)) /* has one writer at a time */
        return true;
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, numbers_hash(number));
    return db_run(s, e);
}

static bool release(struct db *db, const struct suppression *r, size_t *n, struct err *e) {
    static const char all[] = "DELETE FROM suppression WHERE account_id=? AND number IN (?, ?) AND (?<>0 OR "
                              "kind=?)";
    static const char one[] = "DELETE FROM suppression WHERE account_id=? AND number IN (?, ?) AND (?<>0 OR "
                              "kind=?) AND topic=?";
    struct suppression_pseudonym erased = suppression_pseudonym(r->number);
    if (!wait_for_key(db, r->number, e))
        return false;
    struct db_stmt *s = db_stmt(db, r->topic.p ? one : all, e);
    db_int(s, r->account_id);
    db_text(s, r->number);
    db_text(s, sv_of(erased.text));
    db_int(s, r->kind == SUPPRESSION_ANY);
    db_int(s, r->kind);
    if (r->topic.p)
        db_text(s, r->topic);
    if (!db_run(s, e))
        return false;
    int64_t gone = db_changes(db);
    *n += (size_t)gone;
    numbers_changed(db);
    return count_key(db, r->number, -gone, e);
}

bool suppression_write(struct db *db, struct suppression_write *w, int64_t now, struct err *e) {
    w->added = w->renewed = w->released = 0;
    for (size_t i = 0; i < w->n; i++) {
        bool there;
        const struct suppression *r = &w->rows[i];
        if (w->act == SUPPRESSION_RELEASE) {
            size_t before = w->released;
            if (!release(db, r, &w->released, e))
                return false;
            bool said = w->released > before || r->source == SUPPRESSION_BY_REPLY;
            if (said && !w->told && !consents_follow(db, r, false, now, e))
                return false;
            continue;
        }
        if (!add(db, r, now, &there, e) || (!w->told && !consents_follow(db, r, true, now, e)))
            return false;
        w->renewed += there;
        w->added += !there;
    }
    return true;
}

bool suppression_run(struct db *db, struct store_write *write, int64_t now, struct err *e) {
    struct suppression_write *w = (struct suppression_write *)write;
    write->suppresses = w->act == SUPPRESSION_ADD;
    return suppression_write(db, w, now, e);
}

static bool on_number(struct db *db, const char *sql, int64_t account_id, struct sv number, size_t *n,
                      struct err *e) {
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, account_id);
    db_text(s, number);
    if (!db_run(s, e))
        return false;
    *n = (size_t)db_changes(db);
    return true;
}

bool suppression_forget_number(struct db *db, int64_t account_id, struct sv number, size_t *kept,
                               struct err *e) {
    static const char said[] =
        "DELETE FROM suppression WHERE account_id=? AND number=? AND kind NOT IN (1, 2)";
    static const char twice[] =
        "DELETE FROM suppression AS s WHERE account_id=?1 AND number=?3 AND EXISTS (SELECT 1 FROM "
        "suppression "
        "AS t WHERE t.account_id=?1 AND t.number=?2 AND t.topic=s.topic AND t.kind=s.kind)";
    static const char hide[] =
        "UPDATE suppression SET number=?3, note=NULL, message_id=0 WHERE account_id=?1 "
        "AND number=?2";
    _Static_assert(SUPPRESSION_OPT_OUT == 1 && SUPPRESSION_BLOCK == 2, "as the statement has them");
    struct suppression_pseudonym erased = suppression_pseudonym(number);
    static const char *const both[] = {twice, hide};
    size_t gone;
    *kept = 0;
    numbers_changed(db);
    if (!on_number(db, said, account_id, number, &gone, e) || !count_key(db, number, -(int64_t)gone, e))
        return false;
    for (size_t i = 0; i < 2; i++) {
        struct db_stmt *s = db_stmt(db, both[i], e);
        db_int(s, account_id);
        db_text(s, number);
        db_text(s, sv_of(erased.text));
        if (!db_run(s, e))
            return false;
        *kept = (size_t)db_changes(db);
        if (i == 0 && !count_key(db, number, -(int64_t)*kept, e))
            return false;
    }
    return true;
}

struct sv suppression_address(struct sv v, char out[SUPPRESSION_NUMBER_BYTES_MAX]) {
    if (v.n > SUPPRESSION_NUMBER_BYTES_MAX) {
        static const char head[] = "sha256:";
        uint8_t hash[SHA256_BYTES];
        struct buf BUF_AUTO hex = BUF_INIT(2 * SHA256_BYTES);
        sha256(v, hash);
        hex_add(&hex, hash, sizeof hash);
        memcpy(out, head, sizeof head - 1);
        memcpy(out + sizeof head - 1, hex.p, hex.n);
        return sv_make(out, sizeof head - 1 + hex.n);
    }
    if (sv_find_char(v, '@') == SIZE_MAX)
        return v;
    for (size_t i = 0; i < v.n; i++)
        out[i] = (char)tolower((unsigned char)v.p[i]);
    return sv_make(out, v.n);
}

struct sv suppression_step_address(const struct message *m, unsigned step, struct arena *mem) {
    struct content_step s;
    struct content_code ignored;
    if (step == 0)
        return m->text[TEXT_TO];
    content_read(m, step, "", "", mem, &s, &ignored);
    return s.to;
}

bool suppression_learn(struct db *db, const struct message *m, const struct suppression_lesson *l,
                       int64_t now, bool *learned, struct err *e) {
    *learned = false;
    bool invalid = l->reason == REASON_INVALID_NUMBER && l->invalid_until;
    if (!invalid && l->reason != REASON_OPTED_OUT)
        return true;
    struct arena ARENA_AUTO mem;
    arena_init(&mem, CONTENT_BYTES_MAX);
    char by[BY_BYTES_MAX], folded[SUPPRESSION_NUMBER_BYTES_MAX];
    int n = snprintf(by, sizeof by, "%s %d", l->lane, l->code);
    struct sv number = suppression_address(suppression_step_address(m, m->head.step, &mem), folded);
    if (number.n == 0)
        return true;
    const struct suppression row = {
        .account_id = m->account_id,
        .number = number,
        .kind = invalid ? SUPPRESSION_INVALID : SUPPRESSION_OPT_OUT,
        .source = SUPPRESSION_BY_PROVIDER,
        .by = sv_make(by, (size_t)n),
        .message_id = m->id,
        .expires_at = invalid ? l->invalid_until : 0,
    };
    *learned = true;
    bool there;
    return add(db, &row, now, &there, e) && consents_follow(db, &row, true, now, e);
}

bool suppression_prune(struct db *db, int64_t now, unsigned limit, struct err *e) {
    static const char sql[] = "SELECT account_id, number, topic, kind FROM suppression INDEXED BY "
                              "suppression_expires WHERE expires_at<>0 AND expires_at<=? ORDER BY expires_at "
                              "LIMIT 1";
    for (unsigned i = 0; i < limit; i++) {
        struct arena ARENA_AUTO mem;
        arena_init(&mem, SUPPRESSION_NUMBER_BYTES_MAX + SUPPRESSION_TOPIC_BYTES_MAX + 64);
        struct db_stmt *s = db_stmt(db, sql, e);
        bool row;
        size_t gone = 0;
        db_int(s, now);
        if (!db_next(s, &row, e))
            return false;
        if (!row)
            return true;
        const struct suppression over = {.account_id = db_col_int(s, 0),
                                         .number = arena_dup(&mem, db_col_text(s, 1)),
                                         .topic = arena_dup(&mem, db_col_text(s, 2)),
                                         .kind = (enum suppression_kind)db_col_int(s, 3)};
        db_end(s);
        if (!release(db, &over, &gone, e))
            return false;
        if (gone == 0) /* not one of ours: leave it for a person */
            return true;
    }
    return true;
}

/* ---- asking ---- */

bool suppression_any(struct db *db, bool *any, struct err *e) {
    static const char sql[] = "SELECT 1 FROM suppression LIMIT 1";
    struct db_stmt *s = db_stmt(db, sql, e);
    return db_any(s, any, e);
}

/* Of two reasons the one that says more. */
static enum reason heavier(enum reason a, enum suppression_kind kind) {
    static const enum reason reasons[SUPPRESSION_KINDS] = {[SUPPRESSION_OPT_OUT] = REASON_OPTED_OUT,
                                                           [SUPPRESSION_BLOCK] = REASON_BLOCKED,
                                                           [SUPPRESSION_INVALID] = REASON_KNOWN_INVALID};
    enum reason b = reasons[kind];
    if (a == REASON_NONE || b == REASON_BLOCKED)
        return b;
    return a == REASON_KNOWN_INVALID ? b : a;
}

/* Adds what the rows of one address say; counting: bits of the kinds that do. */
static bool ask_rows(struct db *db, const struct suppression_question *q, struct sv number, unsigned counting,
                     enum reason *why, struct err *e) {
    static const char sql[] =
        "SELECT kind, expires_at FROM suppression WHERE account_id IN (0, ?) AND number IN (?, ?) AND topic "
        "IN ('', ?)";
    struct suppression_pseudonym erased = suppression_pseudonym(number);
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, q->m->account_id);
    db_text(s, number);
    db_text(s, sv_of(erased.text));
    db_text(s, q->m->text[TEXT_TOPIC]);
    for (bool row;;) {
        if (!db_next(s, &row, e))
            return false;
        if (!row)
            return true;
        int64_t kind = db_col_int(s, 0), expires_at = db_col_int(s, 1);
        bool known = kind > SUPPRESSION_ANY && kind < SUPPRESSION_KINDS;
        bool holds = expires_at == 0 || expires_at > q->now;
        if (known && holds && counting & 1u << kind)
            *why = heavier(*why, (enum suppression_kind)kind);
    }
}

static bool ask_list(struct db *db, const struct suppression_question *q, struct sv number,
                     enum numbers_answer listed, unsigned counting, enum reason *why, struct err *e) {
    bool there = listed == NUMBERS_YES;
    if (listed == NUMBERS_ASK && !has_key(db, number, &there, e))
        return false;
    return !there || ask_rows(db, q, number, counting, why, e);
}

static bool ask_consent(struct db *db, const struct suppression_question *q, struct sv number,
                        enum numbers_answer answer, enum reason *why, struct err *e) {
    bool granted = answer == NUMBERS_YES;
    if (answer == NUMBERS_ASK &&
        !consents_ask(db, q->m->account_id, number, q->m->text[TEXT_TOPIC], &granted, e))
        return false;
    if (!granted)
        *why = REASON_NO_CONSENT;
    return true;
}

/* What is said of one address; consent: also whether it agreed. */
static bool ask_address(struct db *db, const struct suppression_question *q, struct sv address, bool consent,
                        unsigned counting, enum reason *why, struct err *e) {
    char folded[SUPPRESSION_NUMBER_BYTES_MAX];
    struct sv number = suppression_address(address, folded);
    struct numbers_known known;
    if (!numbers_ask(db, q->m->account_id, number, q->m->text[TEXT_TOPIC], &known, e) ||
        (q->list && !ask_list(db, q, number, known.listed, counting, why, e)))
        return false;
    return !consent || *why != REASON_NONE || ask_consent(db, q, number, known.granted, why, e);
}

bool suppression_ask(struct db *db, const struct suppression_question *q, enum reason *why, struct err *e) {
    const struct message *m = q->m;
    unsigned opt_out = q->exempt ? 0 : 1u << SUPPRESSION_OPT_OUT, block = 1u << SUPPRESSION_BLOCK;
    /* Whoever refused a text to a number may have meant that it takes none: a landline can be called. */
    bool call = content_channel(m, q->step) == CHANNEL_VOICE;
    bool alone = q->begins || q->step >= m->n_plan, consent = q->consent && alone;
    unsigned invalid = alone && !call ? 1u << SUPPRESSION_INVALID : 0;
    *why = REASON_NONE;
    if (q->step == 0)
        return ask_address(db, q, m->text[TEXT_TO], consent, opt_out | block | invalid, why, e);
    if (q->list && !ask_address(db, q, m->text[TEXT_TO], false, opt_out | block, why, e))
        return false;
    if (*why != REASON_NONE)
        return true;
    struct arena ARENA_AUTO mem;
    arena_init(&mem, CONTENT_BYTES_MAX);
    return ask_address(db, q, suppression_step_address(m, q->step, &mem), consent, opt_out | block | invalid,
                       why, e);
}

/* ---- reading ---- */

#define LIST_COLUMNS                                                                                         \
    "account_id, number, topic, kind, source, said_by, note, message_id, created_at, updated_at, expires_at"

/* False when the arena is full. */
static bool read_row(struct db_stmt *s, struct arena *mem, struct suppression *out) {
    int64_t kind = db_col_int(s, 3), source = db_col_int(s, 4);
    *out = (struct suppression){
        .account_id = db_col_int(s, 0),
        .number = arena_dup(mem, db_col_text(s, 1)),
        .topic = arena_dup(mem, db_col_text(s, 2)),
        .kind = kind >= 0 && kind < SUPPRESSION_KINDS ? (enum suppression_kind)kind : SUPPRESSION_ANY,
        .source = source >= 0 && source < SUPPRESSION_SOURCES ? (enum suppression_source)source : 0,
        .by = arena_dup(mem, db_col_text(s, 5)),
        .note = arena_dup(mem, db_col_text(s, 6)),
        .message_id = db_col_int(s, 7),
        .created_at = db_col_int(s, 8),
        .updated_at = db_col_int(s, 9),
        .expires_at = db_col_int(s, 10),
    };
    return !mem->full;
}

static bool passes(const struct suppression_filter *f, struct db_stmt *s) {
    return (f->kind == SUPPRESSION_ANY || db_col_int(s, 3) == (int64_t)f->kind) &&
           (f->source == 0 || db_col_int(s, 4) == (int64_t)f->source) &&
           (f->topic.p == NULL || sv_eq(f->topic, db_col_text(s, 2)));
}

static bool page_full(struct db_stmt *s, struct err *e) {
    db_end(s);
    return err_set(e, ERR_TOO_LARGE, "the page is too large: ask for fewer rows");
}

bool suppression_list(struct db *db, const struct suppression_filter *f, struct arena *mem,
                      struct suppression *out, size_t *n, bool *more, struct suppression *last,
                      struct err *e) {
    static const char sql[] =
        "SELECT " LIST_COLUMNS " FROM suppression WHERE account_id=? AND (number, topic, "
        "kind) > (?, ?, ?) ORDER BY number, topic, kind";
    ASSERT(f->limit >= 1 && f->limit <= SUPPRESSION_PAGE_MAX);
    *n = 0;
    *more = false;
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, f->account_id);
    db_text(s, f->after.number);
    db_text(s, f->after.topic);
    db_int(s, f->after.kind);
    for (unsigned looked = 0;; looked++) {
        bool row;
        if (!db_next(s, &row, e))
            return false;
        if (!row)
            return true;
        if (*n == f->limit) {
            *more = true;
            *last = out[*n - 1];
            db_end(s);
            return true;
        }
        bool wanted = passes(f, s);
        bool enough = looked == LOOKED_AT_MAX;
        if ((wanted || enough) && !read_row(s, mem, last))
            return page_full(s, e);
        if (wanted)
            out[(*n)++] = *last;
        if (enough) {
            *more = true;
            db_end(s);
            return true;
        }
    }
}

bool suppression_of(struct db *db, int64_t account_id, struct sv number, int64_t now, struct arena *mem,
                    struct suppression *out, size_t max, size_t *n, struct err *e) {
    static const char sql[] =
        "SELECT " LIST_COLUMNS " FROM suppression WHERE account_id IN (0, ?) AND number IN (?, ?) AND "
        "(expires_at=0 OR expires_at>?) LIMIT ?";
    struct suppression_pseudonym erased = suppression_pseudonym(number);
    *n = 0;
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, account_id);
    db_text(s, number);
    db_text(s, sv_of(erased.text));
    db_int(s, now);
    db_int(s, (int64_t)max);
    for (bool row;;) {
        if (!db_next(s, &row, e))
            return false;
        if (!row)
            return true;
        if (!read_row(s, mem, &out[(*n)++]))
            return page_full(s, e);
    }
}
