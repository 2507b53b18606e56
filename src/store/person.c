#include "store/person.h"

#include "model/state.h"

#include <string.h>

static bool too_many(struct err *e) {
    return err_set(e, ERR_TOO_LARGE,
                   "more contacts or addresses than one person may have: erase them one by one");
}

static bool has(const struct person *p, struct sv address) {
    for (size_t i = 0; i < p->n; i++)
        if (sv_eq(p->addresses[i], address))
            return true;
    return false;
}

static bool add(struct person *p, struct sv address, struct err *e) {
    if (has(p, address))
        return true;
    if (p->n == PERSON_ADDRESSES_MAX)
        return too_many(e);
    p->addresses[p->n++] = address;
    return true;
}

static bool add_contact(struct person *p, const struct contact *c, struct arena *mem, struct err *e) {
    if (p->n_contacts == PERSON_CONTACTS_MAX)
        return too_many(e);
    p->contacts[p->n_contacts++] = c->id;
    p->n_devices += c->n_devices;
    for (size_t i = 0; i < c->n_numbers; i++)
        if (!add(p, c->numbers[i], e))
            return false;
    for (size_t i = 0; i < c->n_emails; i++)
        if (!add(p, c->emails[i], e))
            return false;
    for (size_t i = 0; i < c->n_devices; i++) {
        const struct contact_device *d = &c->devices[i];
        char *both = arena_alloc(mem, d->platform.n + 1 + d->token.n);
        if (!both)
            return too_many(e);
        memcpy(both, d->platform.p, d->platform.n);
        both[d->platform.n] = ':';
        memcpy(both + d->platform.n + 1, d->token.p, d->token.n);
        if (!add(p, sv_make(both, d->platform.n + 1 + d->token.n), e))
            return false;
    }
    return true;
}

bool person_of_contact(struct db *db, int64_t account_id, struct sv id, struct arena *mem, struct person *out,
                       struct err *e) {
    struct contact c;
    *out = (struct person){.account_id = account_id};
    return contacts_get(db, account_id, id, mem, &c, e) && add_contact(out, &c, mem, e);
}

bool person_of_address(struct db *db, int64_t account_id, struct sv address, struct arena *mem,
                       struct person *out, struct err *e) {
    const struct contact_filter f = {
        .account_id = account_id, .address = address, .limit = PERSON_CONTACTS_MAX};
    struct contact *rows = calloc(f.limit, sizeof *rows);
    size_t n;
    bool more, ok;
    int64_t last;
    ASSERT(rows);
    *out = (struct person){.account_id = account_id};
    ok = add(out, address, e) && contacts_list(db, &f, mem, rows, &n, &more, &last, e) &&
         (!more || too_many(e));
    for (size_t i = 0; ok && i < n; i++)
        ok = add_contact(out, &rows[i], mem, e);
    free(rows);
    return ok;
}

/* ---- messages ---- */

struct page {
    int64_t *ids;
    size_t n, limit;
    bool more;
};

/* Keeps the lowest `limit`, rising. */
static void keep(struct page *p, int64_t id) {
    size_t at = p->n;
    while (at && p->ids[at - 1] > id)
        at--;
    if (at && p->ids[at - 1] == id)
        return;
    if (p->n == p->limit) {
        p->more = true;
        if (at == p->limit)
            return;
        p->n--;
    }
    memmove(&p->ids[at + 1], &p->ids[at], (p->n - at) * sizeof p->ids[0]);
    p->ids[at] = id;
    p->n++;
}

static bool add_ids(struct db *db, const char *sql, int64_t account_id, struct sv address, int64_t after_id,
                    struct page *page, struct err *e) {
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, account_id);
    db_text(s, address);
    db_int(s, after_id);
    db_int(s, (int64_t)page->limit + 1);
    for (bool row;;) {
        if (!db_next(s, &row, e))
            return false;
        if (!row)
            return true;
        keep(page, db_col_int(s, 0));
    }
}

bool person_messages(struct db *db, const struct person *p, bool open, int64_t after_id, size_t limit,
                     int64_t *ids, size_t *n, bool *more, struct err *e) {
    static const char to[] = "SELECT id FROM message INDEXED BY message_recipient WHERE account_id=?1 AND "
                             "recipient=?2 AND id>?3 AND direction=0 ORDER BY id LIMIT ?4";
    static const char waiting[] = "SELECT id FROM message INDEXED BY message_recipient WHERE account_id=?1 "
                                  "AND recipient=?2 AND id>?3 AND "
                                  "direction=0 AND state IN (2, 3) ORDER BY id LIMIT ?4";
    static const char from[] = "SELECT message_id FROM reply INDEXED BY reply_number WHERE account_id=?1 AND "
                               "number=?2 AND message_id>?3 ORDER BY message_id LIMIT ?4";
    _Static_assert(STATE_SCHEDULED == 2 && STATE_QUEUED == 3, "as the statement has them");
    struct page page = {.ids = ids, .limit = limit};
    for (size_t i = 0; i < p->n; i++)
        if (!add_ids(db, open ? waiting : to, p->account_id, p->addresses[i], after_id, &page, e) ||
            (!open && !add_ids(db, from, p->account_id, p->addresses[i], after_id, &page, e)))
            return false;
    *n = page.n;
    *more = page.more;
    return true;
}
