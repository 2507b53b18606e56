#include "store/erasures.h"

#include "base/buf.h"
#include "base/clock.h"
#include "model/id.h"
#include "store/consents.h"
#include "store/links.h"
#include "store/rows.h"
#include "store/spent.h"

#include <string.h>

enum {
    AT_ONCE_MAX = 500, /* messages of one transaction: others wait for it */
    AGAIN_S = 60,
    DUE_MAX = 4,
    PERSON_BYTES_MAX = PERSON_CONTACTS_MAX * (CONTACT_BYTES_MAX + 4096) + TRACES_ROWS_MAX * 2 * 256,
    ADDRESSES_BYTES_MAX = PERSON_ADDRESSES_MAX * (CONTACT_TOKEN_BYTES_MAX + CONTACT_PLATFORM_BYTES_MAX + 2) +
                          PERSON_CONTACTS_MAX * (CONTACT_ID_BYTES_MAX + 10),
    TRACES_MEMORY_MAX = TRACES_ROWS_MAX * 2 * 256 + 4096,
};

/* ---- messages ---- */

/* The message when nothing is left to be done with it, and nobody is owed anything about it; else *m is NULL.
 */
static bool load_over(struct db *db, int64_t account_id, int64_t id, struct message **m, struct err *e) {
    static const char sql[] =
        "SELECT " ROW_COLUMNS
        " FROM message AS m WHERE m.id=? AND m.account_id=? AND m.due_at IS NULL AND NOT "
        "EXISTS (SELECT 1 FROM callback AS c WHERE c.message_id=m.id) AND NOT EXISTS (SELECT 1 FROM webhook "
        "AS w "
        "CROSS JOIN delivery AS d ON d.webhook_id=w.id AND d.subject_id=m.id WHERE w.account_id=m.account_id "
        "AND "
        "d.due_at IS NOT NULL)";
    struct db_stmt *s = db_stmt(db, sql, e);
    bool row;
    *m = NULL;
    db_int(s, id);
    db_int(s, account_id);
    if (!db_next(s, &row, e))
        return false;
    if (row) {
        *m = rows_message(s);
        db_end(s);
    }
    return true;
}

static bool run_on(struct db *db, const char *sql, int64_t id, int64_t *n, struct err *e) {
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, id);
    if (!db_run(s, e))
        return false;
    *n += db_changes(db);
    return true;
}

/* What endpoints were told of a message besides what stands in it. */
static bool erase_deliveries(struct db *db, const struct message *m, struct err *e) {
    static const char sql[] = "UPDATE delivery SET data=NULL, error=NULL WHERE webhook_id IN (SELECT id FROM "
                              "webhook WHERE account_id=?) AND subject_id=?";
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, m->account_id);
    db_int(s, m->id);
    return db_run(s, e);
}

static bool erase_message(struct db *db, const struct message *m, struct erasure *r, int64_t now,
                          struct err *e) {
    static const char out[] = "UPDATE message SET recipient='erased', body='', metadata=NULL, content=NULL, "
                              "status_callback=NULL WHERE id=?";
    static const char in[] =
        "UPDATE message SET sender='erased', body='', metadata=NULL, content=NULL WHERE id=?";
    static const char links[] = "DELETE FROM link WHERE message_id=?";
    static const char ties[] = "DELETE FROM rule_message WHERE message_id=?";
    static const char reply[] =
        "UPDATE reply SET number='erased', keyword=NULL, answer=NULL WHERE message_id=?";
    int64_t unused = 0;
    bool outbound = m->direction == DIRECTION_OUT;
    return spent_keep(db, m, now, e) && erase_deliveries(db, m, e) &&
           run_on(db, outbound ? out : in, m->id, outbound ? &r->messages : &unused, e) &&
           run_on(db, links, m->id, &r->links, e) && run_on(db, ties, m->id, &r->counted, e) &&
           run_on(db, reply, m->id, &r->replies, e);
}

/* One-time codes to an address: those that are over go, the others are left over for now. */
static bool erase_verifications(struct db *db, int64_t account_id, struct sv address, int64_t *left,
                                struct err *e) {
    static const char over[] = "DELETE FROM verification WHERE account_id=? AND recipient=? AND done_at<>0";
    static const char open[] = "SELECT count(*) FROM verification WHERE account_id=? AND recipient=?";
    int64_t n;
    struct db_stmt *s = db_stmt(db, over, e);
    db_int(s, account_id);
    db_text(s, address);
    if (!db_run(s, e))
        return false;
    s = db_stmt(db, open, e);
    db_int(s, account_id);
    db_text(s, address);
    if (!db_value(s, &n, e))
        return false;
    *left += n;
    return true;
}

/* Up to AT_ONCE_MAX of them; counts those that are not over. */
static bool erase_messages(struct db *db, const struct person *p, struct erasure *r, int64_t now,
                           struct err *e) {
    int64_t ids[AT_ONCE_MAX];
    size_t n, erased = 0;
    bool more = true;
    r->left_over = 0;
    for (size_t i = 0; i < p->n; i++)
        if (!erase_verifications(db, p->account_id, p->addresses[i], &r->left_over, e))
            return false;
    for (int64_t after = 0; more;) {
        if (!person_messages(db, p, false, after, AT_ONCE_MAX, ids, &n, &more, e))
            return false;
        for (size_t i = 0; i < n; i++) {
            struct message *m = NULL;
            if (erased < AT_ONCE_MAX && !load_over(db, p->account_id, ids[i], &m, e))
                return false;
            bool ok = !m || erase_message(db, m, r, now, e);
            r->left_over += m == NULL;
            erased += m != NULL;
            message_free(m);
            if (!ok)
                return false;
            after = ids[i];
        }
        more = more && n;
    }
    return true;
}

/* ---- the rest ---- */

static bool erase_contacts(struct db *db, const struct person *p, struct erasure *r, int64_t now,
                           struct err *e) {
    for (size_t i = 0; i < p->n_contacts; i++) {
        const struct contact c = {.account_id = p->account_id, .id = p->contacts[i]};
        struct contact_write w = {.act = CONTACT_DELETE, .contact = &c};
        if (!contacts_write(db, &w, now, e))
            return false;
        r->contacts += w.outcome == CONTACT_GONE;
    }
    r->devices += (int64_t)p->n_devices;
    return true;
}

static bool erase_words(struct db *db, const struct person *p, struct erasure *r, struct err *e) {
    for (size_t i = 0; i < p->n; i++) {
        size_t consents, marks;
        if (p->addresses[i].n > SUPPRESSION_NUMBER_BYTES_MAX)
            continue;
        if (!consents_erase(db, p->account_id, p->addresses[i], &consents, e) ||
            !suppression_forget_number(db, p->account_id, p->addresses[i], &marks, e))
            return false;
        r->consents += (int64_t)consents;
        r->marks += (int64_t)marks;
    }
    return true;
}

/* ---- what mentions them besides ---- */

/* Those that came up to the request; what is said of them later is none of it. */
static int64_t events_until(const struct erasure *r) {
    return id_floor(r->requested_at + US_PER_MS);
}

static bool erase_traces(struct db *db, const struct person *p, struct erasure *r, struct arena *mem,
                         int64_t now, struct err *e) {
    if (!traces_erase_some(db, p, events_until(r), r->left_over == 0, &r->place, mem, &r->events, &r->counted,
                           e))
        return false;
    r->finished_at = r->left_over || r->place.step != TRACES_DONE ? 0 : now;
    return true;
}

/* Waits it for a message to be over, or only for its turn? */
static bool may_go_on(const struct erasure *r) {
    return !r->finished_at && !(r->left_over && r->place.step == TRACES_TALLIES);
}

/* ---- certificates ---- */

#define ERASURE_COLUMNS                                                                                      \
    "subject, request, requested_at, finished_at, contacts, devices, consents, messages, replies, links, "   \
    "marks, left_over, events, gathered, counted, step, after_a, after_b, after_rule, after_key"

/* A contact's id among the addresses, which have no spaces. */
static const char contact_mark[] = "contact ";

static bool keep(struct db *db, const struct erasure *r, const struct person *p, int64_t now, struct err *e) {
    static const char sql[] =
        "INSERT INTO erasure (id, account_id, due_at, addresses, " ERASURE_COLUMNS
        ") VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT (id) DO "
        "UPDATE SET "
        "due_at=excluded.due_at, addresses=excluded.addresses, "
        "finished_at=excluded.finished_at, contacts=excluded.contacts, "
        "devices=excluded.devices, consents=excluded.consents, "
        "messages=excluded.messages, replies=excluded.replies, links=excluded.links, "
        "marks=excluded.marks, left_over=excluded.left_over, events=excluded.events, "
        "gathered=excluded.gathered, counted=excluded.counted, step=excluded.step, "
        "after_a=excluded.after_a, after_b=excluded.after_b, "
        "after_rule=excluded.after_rule, after_key=excluded.after_key";
    struct buf BUF_AUTO addresses = BUF_INIT(ADDRESSES_BYTES_MAX);
    for (size_t i = 0; !r->finished_at && i < p->n; i++) {
        buf_add(&addresses, p->addresses[i]);
        buf_addc(&addresses, '\n');
    }
    for (size_t i = 0; !r->finished_at && i < p->n_contacts; i++)
        buf_addf(&addresses, "%s%.*s\n", contact_mark, SV_FMT(p->contacts[i]));
    const int64_t numbers[] = {r->requested_at, r->finished_at, r->contacts, r->devices,
                               r->consents,     r->messages,    r->replies,  r->links,
                               r->marks,        r->left_over,   r->events,   r->gathered,
                               r->counted,      r->place.step,  r->place.a,  r->place.b};
    struct db_stmt *s = db_stmt(db, sql, e);
    db_text(s, sv_of(r->id));
    db_int(s, r->account_id);
    db_int_or_null(s, r->finished_at ? 0 : may_go_on(r) ? now : now + AGAIN_S * US_PER_S);
    db_text_or_null(s, buf_sv(&addresses));
    db_text(s, sv_of(r->subject));
    db_text(s, sv_of(r->request));
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        db_int(s, numbers[i]);
    db_text_or_null(s, r->place.rule);
    db_text_or_null(s, r->place.key);
    return db_run(s, e);
}

bool erasure_write_run(struct db *db, struct store_write *write, int64_t now, struct err *e) {
    struct erasure_write *w = (struct erasure_write *)write;
    struct erasure *r = &w->erasure;
    struct arena ARENA_AUTO mem;
    struct person p;
    struct err why = ERR_INIT;
    arena_init(&mem, PERSON_BYTES_MAX);
    r->requested_at = now;
    r->finished_at = r->contacts = r->devices = r->consents = r->messages = r->replies = r->links = r->marks =
        r->events = r->gathered = r->counted = 0;
    r->place = (struct traces_place){.step = TRACES_EVENTS};
    bool found = w->contact.n ? person_of_contact(db, r->account_id, w->contact, &mem, &p, &why)
                              : person_of_address(db, r->account_id, w->address, &mem, &p, &why);
    w->absent = !found && why.kind == ERR_NOT_FOUND;
    if (!found)
        return w->absent || (*e = why, false);
    if (!erase_contacts(db, &p, r, now, e) || !erase_words(db, &p, r, e) ||
        !traces_erase_digests(db, &p, &r->gathered, e) || !erase_messages(db, &p, r, now, e) ||
        !erase_traces(db, &p, r, &mem, now, e))
        return false;
    write->scrubs = true;
    return keep(db, r, &p, now, e);
}

/* The place's texts live in mem, if there is one. */
static void read_row(struct db_stmt *s, int at, struct arena *mem, struct erasure *out) {
    int64_t step;
    int64_t *const numbers[] = {
        &out->requested_at, &out->finished_at, &out->contacts, &out->devices, &out->consents,
        &out->messages,     &out->replies,     &out->links,    &out->marks,   &out->left_over,
        &out->events,       &out->gathered,    &out->counted,  &step,         &out->place.a,
        &out->place.b};
    const size_t n = sizeof numbers / sizeof numbers[0];
    rows_copy(out->subject, sizeof out->subject, db_col_text(s, at));
    rows_copy(out->request, sizeof out->request, db_col_text(s, at + 1));
    for (size_t i = 0; i < n; i++)
        *numbers[i] = db_col_int(s, at + 2 + (int)i);
    out->place.step = step >= 0 && step <= TRACES_DONE ? (enum traces_step)step : TRACES_EVENTS;
    if (!mem)
        return;
    out->place.rule = arena_dup(mem, db_col_text(s, at + 2 + (int)n));
    out->place.key = arena_dup(mem, db_col_text(s, at + 3 + (int)n));
}

bool erasures_get(struct db *db, int64_t account_id, struct sv id, struct erasure *out, struct err *e) {
    static const char sql[] = "SELECT " ERASURE_COLUMNS " FROM erasure WHERE id=? AND account_id=?";
    struct db_stmt *s = db_stmt(db, sql, e);
    bool row;
    db_text(s, id);
    db_int(s, account_id);
    if (!db_next(s, &row, e))
        return false;
    if (!row)
        return err_set(e, ERR_NOT_FOUND, "there is no such erasure");
    *out = (struct erasure){.account_id = account_id};
    rows_copy(out->id, sizeof out->id, id);
    read_row(s, 0, NULL, out);
    db_end(s);
    return true;
}

/* The one that is due first; *row: there is one. */
static bool load_due(struct db *db, int64_t now, struct arena *mem, struct erasure *r, struct person *p,
                     bool *row, struct err *e) {
    static const char sql[] = "SELECT id, account_id, addresses, " ERASURE_COLUMNS
                              " FROM erasure INDEXED BY erasure_due WHERE due_at IS NOT NULL AND due_at<=? "
                              "ORDER BY due_at LIMIT 1";
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, now);
    if (!db_next(s, row, e))
        return false;
    if (!*row)
        return true;
    *r = (struct erasure){.account_id = db_col_int(s, 1)};
    rows_copy(r->id, sizeof r->id, db_col_text(s, 0));
    read_row(s, 3, mem, r);
    *p = (struct person){.account_id = r->account_id};
    struct sv rest = arena_dup(mem, db_col_text(s, 2));
    db_end(s);
    while (rest.n) {
        struct sv line = sv_cut(&rest, '\n');
        if (sv_starts(line, sv_of(contact_mark)) && p->n_contacts < PERSON_CONTACTS_MAX)
            p->contacts[p->n_contacts++] = sv_from(line, strlen(contact_mark));
        else if (p->n < PERSON_ADDRESSES_MAX)
            p->addresses[p->n++] = line;
    }
    return true;
}

bool erasures_go_on(struct db *db, int64_t now, bool *erased, bool *more, struct err *e) {
    *erased = *more = false;
    for (unsigned i = 0; i < DUE_MAX; i++) {
        struct arena ARENA_AUTO mem;
        struct erasure r;
        struct person p;
        bool row;
        arena_init(&mem, ADDRESSES_BYTES_MAX + TRACES_MEMORY_MAX);
        if (!load_due(db, now, &mem, &r, &p, &row, e))
            return false;
        if (!row)
            return true;
        if (!erase_messages(db, &p, &r, now, e) || !erase_traces(db, &p, &r, &mem, now, e))
            return false;
        *erased = true;
        *more |= may_go_on(&r);
        if (!keep(db, &r, &p, now, e))
            return false;
    }
    return true;
}

bool erasures_any(struct db *db, bool *any, struct err *e) {
    static const char sql[] = "SELECT 1 FROM erasure LIMIT 1";
    struct db_stmt *s = db_stmt(db, sql, e);
    return db_any(s, any, e);
}
