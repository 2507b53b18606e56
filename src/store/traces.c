#include "store/traces.h"

#include "store/events.h"
#include "text/mention.h"

#include <stdlib.h>
#include <string.h>

/* ---- whom it mentions ---- */

struct finder {
    const struct person *person;
    struct mention *mentions; /* of its addresses, then of its contacts' ids as whole texts of JSON */
    size_t n;
    struct arena mem;
};

static void add(struct finder *f, struct sv address) {
    if (address.n)
        mention_init(&f->mentions[f->n++], address);
}

/* A device is known by its token, behind the platform's name. */
static struct sv word_of(struct sv address) {
    size_t colon = sv_find_char(address, ':');
    bool plain = address.p[0] == '+' || sv_find_char(address, '@') != SIZE_MAX;
    return plain || colon == SIZE_MAX ? address : sv_from(address, colon + 1);
}

static void finder_init(struct finder *f, const struct person *p) {
    enum { QUOTED_BYTES_MAX = 1024 };
    *f = (struct finder){.person = p, .mentions = calloc(p->n + p->n_contacts + 1, sizeof *f->mentions)};
    ASSERT(f->mentions);
    arena_init(&f->mem, PERSON_CONTACTS_MAX * QUOTED_BYTES_MAX);
    for (size_t i = 0; i < p->n; i++)
        if (p->addresses[i].n)
            add(f, word_of(p->addresses[i]));
    for (size_t i = 0; i < p->n_contacts; i++) {
        if (p->contacts[i].n < TRACE_ID_BYTES_MIN)
            continue;
        char *quoted = arena_alloc(&f->mem, p->contacts[i].n + 2);
        ASSERT(quoted);
        quoted[0] = quoted[p->contacts[i].n + 1] = '"';
        memcpy(quoted + 1, p->contacts[i].p, p->contacts[i].n);
        add(f, sv_make(quoted, p->contacts[i].n + 2));
    }
}

static void finder_done(struct finder *f) {
    free(f->mentions);
    arena_done(&f->mem);
}

static bool says(const struct finder *f, struct sv text) {
    for (size_t i = 0; i < f->n; i++)
        if (mention_in(&f->mentions[i], text))
            return true;
    return false;
}

static bool is_theirs(const struct person *p, struct sv recipient) {
    for (size_t i = 0; i < p->n; i++)
        if (sv_eq(p->addresses[i], recipient))
            return true;
    return false;
}

static bool is_contact(const struct person *p, struct sv id) {
    for (size_t i = 0; i < p->n_contacts; i++)
        if (sv_eq(p->contacts[i], id))
            return true;
    return false;
}

/* ---- events ---- */

struct trace {
    int64_t id;
    bool theirs;
    bool named; /* by the event's own id */
};

/* Did one of its texts go to them? Of erased messages nobody can tell any more whose they were. */
static bool went_to(struct db *db, const struct person *p, struct trace *f, struct err *e) {
    static const char sql[] = "SELECT m.recipient FROM event_outcome AS o CROSS JOIN message AS m ON "
                              "m.id=o.message_id WHERE o.event_id=? AND m.account_id=?";
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, f->id);
    db_int(s, p->account_id);
    for (bool row;;) {
        if (!db_next(s, &row, e))
            return false;
        if (!row)
            return true;
        struct sv to = db_col_text(s, 0);
        f->theirs |= sv_eq(to, SV("erased")) || is_theirs(p, to);
    }
}

/* The next rows behind *after, with whether they are theirs. Those that were erased already are none. */
static bool look(struct db *db, const struct finder *f, int64_t until, size_t limit, int64_t *after,
                 struct trace *out, size_t *n, bool *more, struct err *e) {
    static const char sql[] =
        "SELECT id, name, subject, data FROM business_event INDEXED BY business_event_account "
        "WHERE account_id=? AND id>? AND id<? ORDER BY id LIMIT ?";
    struct db_stmt *s = db_stmt(db, sql, e);
    size_t bytes = 0, rows = 0;
    *n = 0;
    *more = false;
    db_int(s, f->person->account_id);
    db_int(s, *after);
    db_int(s, until);
    db_int(s, (int64_t)limit + 1);
    for (bool row;;) {
        if (!db_next(s, &row, e))
            return false;
        if (!row)
            return true;
        if (rows++ == limit || bytes > TRACES_BYTES_MAX) {
            *more = true;
            db_end(s);
            return true;
        }
        struct sv name = db_col_text(s, 1), subject = db_col_text(s, 2), data = db_col_text(s, 3);
        *after = db_col_int(s, 0);
        bytes += data.n;
        if (sv_eq(data, SV("{}")) && !name.n && !subject.n)
            continue;
        struct trace it = {.id = *after, .named = says(f, name) || is_contact(f->person, name)};
        it.theirs =
            it.named || says(f, data) || says(f, subject) || (subject.n && is_contact(f->person, subject));
        out[(*n)++] = it;
    }
}

static bool find_events(struct db *db, const struct finder *f, int64_t until, size_t limit, int64_t *after,
                        struct trace *out, size_t *n, bool *more, struct err *e) {
    if (!look(db, f, until, limit, after, out, n, more, e))
        return false;
    for (size_t i = 0; i < *n; i++)
        if (!out[i].theirs && !went_to(db, f->person, &out[i], e))
            return false;
    return true;
}

static bool erase_event(struct db *db, const struct trace *f, int64_t *events, struct err *e) {
    static const char row[] = "UPDATE business_event SET data='{}', subject=NULL, name=CASE WHEN ?<>0 THEN "
                              "NULL ELSE name END WHERE "
                              "id=? AND (data<>'{}' OR subject IS NOT NULL OR ?<>0)";
    static const char outcomes[] =
        "UPDATE event_outcome SET detail=NULL WHERE event_id=? AND detail IS NOT NULL";
    struct db_stmt *s = db_stmt(db, row, e);
    db_int(s, f->named);
    db_int(s, f->id);
    db_int(s, f->named);
    if (!db_run(s, e))
        return false;
    *events += db_changes(db);
    s = db_stmt(db, outcomes, e);
    db_int(s, f->id);
    return db_run(s, e);
}

static bool some_events(struct db *db, const struct finder *f, int64_t until, struct traces_place *place,
                        int64_t *events, struct err *e) {
    struct trace *found = calloc(TRACES_ROWS_MAX, sizeof *found);
    size_t n;
    bool more;
    ASSERT(found);
    bool ok = find_events(db, f, until, TRACES_ROWS_MAX, &place->a, found, &n, &more, e);
    for (size_t i = 0; ok && i < n; i++)
        ok = !found[i].theirs || erase_event(db, &found[i], events, e);
    free(found);
    if (ok && !more)
        *place = (struct traces_place){.step = TRACES_MARKS};
    return ok;
}

bool traces_events(struct db *db, const struct person *p, int64_t *after, size_t limit, int64_t *ids,
                   size_t *n, bool *more, struct err *e) {
    struct trace *found = calloc(TRACES_ROWS_MAX, sizeof *found);
    struct finder f;
    size_t rows;
    ASSERT(found);
    finder_init(&f, p);
    bool ok = find_events(db, &f, INT64_MAX, TRACES_ROWS_MAX, after, found, &rows, more, e);
    *n = 0;
    for (size_t i = 0; ok && i < rows; i++) {
        if (!found[i].theirs)
            continue;
        if (*n == limit) {
            *after = ids[*n - 1];
            *more = true;
            break;
        }
        ids[(*n)++] = found[i].id;
    }
    finder_done(&f);
    free(found);
    return ok;
}

/* ---- dedupe keys ---- */

static bool drop_mark(struct db *db, const struct person *p, const struct traces_place *at, struct err *e) {
    static const char sql[] = "DELETE FROM rule_mark WHERE account_id=? AND rule=? AND key=?";
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, p->account_id);
    db_text(s, at->rule);
    db_text(s, at->key);
    return db_run(s, e);
}

static bool some_marks(struct db *db, const struct finder *f, struct traces_place *place, struct arena *mem,
                       int64_t *counted, struct err *e) {
    static const char sql[] =
        "SELECT rule, key FROM rule_mark WHERE account_id=? AND (rule, key)>(?, ?) ORDER BY "
        "rule, key LIMIT ?";
    struct traces_place *found = calloc(TRACES_ROWS_MAX, sizeof *found);
    size_t n = 0, rows = 0;
    bool ok, row = true;
    ASSERT(found);
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, f->person->account_id);
    db_text(s, place->rule.n ? place->rule : SV(""));
    db_text(s, place->key.n ? place->key : SV(""));
    db_int(s, TRACES_ROWS_MAX);
    while ((ok = db_next(s, &row, e)) && row) {
        rows++;
        place->rule = arena_dup(mem, db_col_text(s, 0));
        place->key = arena_dup(mem, db_col_text(s, 1));
        if (says(f, place->key) || is_contact(f->person, place->key))
            found[n++] = *place;
    }
    for (size_t i = 0; ok && i < n; i++)
        ok = drop_mark(db, f->person, &found[i], e);
    free(found);
    if (!ok || mem->full)
        return ok ? err_set(e, ERR_OUTSIDE, "out of memory for keys") : false;
    *counted += (int64_t)n;
    if (rows < TRACES_ROWS_MAX)
        *place = (struct traces_place){.step = TRACES_TALLIES, .a = INT64_MIN, .b = 0};
    return true;
}

/* ---- counts ---- */

/* With the row that nodes hold (store/tally). */
static bool drop_tally(struct db *db, const struct traces_place *at, struct err *e) {
    struct db_stmt *s = db_stmt(db, "DELETE FROM tally WHERE hash=? AND message_id IN (?, 0)", e);
    db_int(s, at->a);
    db_int(s, at->b);
    return db_run(s, e);
}

static bool some_tallies(struct db *db, const struct finder *f, struct traces_place *place, int64_t *counted,
                         struct err *e) {
    static const char sql[] =
        "SELECT t.hash, t.message_id, m.account_id, m.recipient FROM tally AS t LEFT JOIN message AS m ON "
        "m.id=t.message_id WHERE (t.hash, t.message_id)>(?, ?) ORDER BY t.hash, t.message_id LIMIT ?";
    struct traces_place *found = calloc(TRACES_ROWS_MAX, sizeof *found);
    size_t n = 0, rows = 0;
    bool ok, row = true;
    ASSERT(found);
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, place->a);
    db_int(s, place->b);
    db_int(s, TRACES_ROWS_MAX);
    while ((ok = db_next(s, &row, e)) && row) {
        struct sv to = db_col_text(s, 3);
        rows++;
        place->a = db_col_int(s, 0);
        place->b = db_col_int(s, 1);
        if (db_col_int(s, 2) == f->person->account_id &&
            (sv_eq(to, SV("erased")) || is_theirs(f->person, to)))
            found[n++] = *place;
    }
    for (size_t i = 0; ok && i < n; i++)
        ok = drop_tally(db, &found[i], e);
    free(found);
    if (ok) {
        *counted += (int64_t)n;
        if (rows < TRACES_ROWS_MAX)
            *place = (struct traces_place){.step = TRACES_DONE};
    }
    return ok;
}

/* ---- the whole ---- */

bool traces_erase_some(struct db *db, const struct person *p, int64_t until, bool over,
                       struct traces_place *place, struct arena *mem, int64_t *events, int64_t *counted,
                       struct err *e) {
    struct finder f;
    bool ok = true;
    finder_init(&f, p);
    if (place->step == TRACES_EVENTS)
        ok = some_events(db, &f, until, place, events, e);
    if (ok && place->step == TRACES_MARKS)
        ok = some_marks(db, &f, place, mem, counted, e);
    if (ok && place->step == TRACES_TALLIES && over)
        ok = some_tallies(db, &f, place, counted, e);
    finder_done(&f);
    return ok;
}

static bool erase_digest(struct db *db, int64_t account_id, struct sv recipient, int64_t *n, struct err *e) {
    static const char items[] = "DELETE FROM digest_item WHERE account_id=? AND recipient=?";
    static const char rows[] = "DELETE FROM digest WHERE account_id=? AND recipient=?";
    struct db_stmt *s = db_stmt(db, items, e);
    db_int(s, account_id);
    db_text(s, recipient);
    if (!db_run(s, e))
        return false;
    *n += db_changes(db);
    s = db_stmt(db, rows, e);
    db_int(s, account_id);
    db_text(s, recipient);
    return db_run(s, e);
}

bool traces_erase_digests(struct db *db, const struct person *p, int64_t *n, struct err *e) {
    for (size_t i = 0; i < p->n; i++)
        if (!erase_digest(db, p->account_id, p->addresses[i], n, e))
            return false;
    for (size_t i = 0; i < p->n_contacts; i++) {
        struct buf BUF_AUTO contact = BUF_INIT(CONTACT_ID_BYTES_MAX + sizeof DIGEST_CONTACT);
        buf_join(&contact, SV(DIGEST_CONTACT), p->contacts[i]);
        if (!erase_digest(db, p->account_id, buf_sv(&contact), n, e))
            return false;
    }
    return true;
}
