#include "store/contacts.h"

#include "base/buf.h"
#include "store/suppression.h"

enum { LOOKED_AT_MAX = 20000, NUMBER = 1, EMAIL = 2 };

/* ---- writing ---- */

static bool find(struct db *db, const struct contact *c, int64_t *row, int64_t *version, struct err *e) {
    static const char sql[] = "SELECT row, version FROM contact WHERE account_id=? AND id=?";
    struct db_stmt *s = db_stmt(db, sql, e);
    bool there;
    *row = *version = 0;
    db_int(s, c->account_id);
    db_text(s, c->id);
    if (!db_next(s, &there, e))
        return false;
    if (there) {
        *row = db_col_int(s, 0);
        *version = db_col_int(s, 1);
        db_end(s);
    }
    return true;
}

static bool run_on(struct db *db, const char *sql, int64_t row, struct err *e) {
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, row);
    return db_run(s, e);
}

static bool add_addresses(struct db *db, int64_t account_id, int64_t row, int kind, const struct sv *list,
                          size_t n, struct err *e) {
    static const char sql[] =
        "INSERT INTO contact_address (account_id, address, contact, kind, place) VALUES "
        "(?,?,?,?,?) ON CONFLICT (account_id, address, contact) DO NOTHING";
    for (size_t i = 0; i < n; i++) {
        struct db_stmt *s = db_stmt(db, sql, e);
        db_int(s, account_id);
        db_text(s, list[i]);
        db_int(s, row);
        db_int(s, kind);
        db_int(s, (int64_t)i);
        if (!db_run(s, e))
            return false;
    }
    return true;
}

/* Also after a deletion no version comes twice, as time goes on. */
static bool touch(struct db *db, int64_t row, int64_t version, int64_t now, struct err *e) {
    static const char sql[] = "UPDATE contact SET version=?, updated_at=? WHERE row=?";
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, version < now ? now : version + 1);
    db_int(s, now);
    db_int(s, row);
    return db_run(s, e);
}

/* Those that were not seen for longest, over what one contact may have. */
static bool drop_old_devices(struct db *db, int64_t row, struct err *e) {
    static const char sql[] =
        "DELETE FROM contact_device WHERE (account_id, platform, token) IN (SELECT account_id, platform, "
        "token FROM contact_device WHERE contact=? ORDER BY seen_at DESC, added_at DESC LIMIT -1 OFFSET ?)";
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, row);
    db_int(s, CONTACT_DEVICES_MAX);
    return db_run(s, e);
}

/* As a file has them, which may be older than what is known here. */
static bool bring_devices(struct db *db, const struct contact *c, int64_t row, int64_t now, struct err *e) {
    static const char sql[] =
        "INSERT INTO contact_device (account_id, platform, token, contact, added_at, seen_at) VALUES "
        "(?,?,?,?,?,?) ON CONFLICT (account_id, platform, token) DO UPDATE SET contact=excluded.contact, "
        "added_at=excluded.added_at, seen_at=excluded.seen_at WHERE "
        "excluded.seen_at>contact_device.seen_at";
    for (size_t i = 0; i < c->n_devices; i++) {
        const struct contact_device *d = &c->devices[i];
        int64_t seen = d->seen_at && d->seen_at < now ? d->seen_at : now;
        struct db_stmt *s = db_stmt(db, sql, e);
        db_int(s, c->account_id);
        db_text(s, d->platform);
        db_text(s, d->token);
        db_int(s, row);
        db_int(s, d->added_at && d->added_at < seen ? d->added_at : seen);
        db_int(s, seen);
        if (!db_run(s, e))
            return false;
    }
    return !c->n_devices || drop_old_devices(db, row, e);
}

static bool put(struct db *db, struct contact_write *w, int64_t row, int64_t version, int64_t now,
                struct err *e) {
    static const char sql[] =
        "INSERT INTO contact (account_id, id, name, language, zone, attributes, version, created_at, "
        "updated_at) VALUES (?,?,?,?,?,?,?,?,?) ON CONFLICT (account_id, id) DO UPDATE SET "
        "name=excluded.name, language=excluded.language, zone=excluded.zone, "
        "attributes=excluded.attributes, version=excluded.version, updated_at=excluded.updated_at";
    static const char addresses[] = "DELETE FROM contact_address WHERE contact=?";
    const struct contact *c = w->contact;
    int64_t unused;
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, c->account_id);
    db_text(s, c->id);
    db_text_or_null(s, c->name);
    db_text_or_null(s, c->language);
    db_text_or_null(s, c->zone);
    db_text_or_null(s, c->attributes);
    db_int(s, version < now ? now : version + 1);
    db_int(s, now);
    db_int(s, now);
    w->outcome = row ? CONTACT_CHANGED : CONTACT_MADE;
    if (!db_run(s, e) || (row && !run_on(db, addresses, row, e)) || (!row && !find(db, c, &row, &unused, e)))
        return false;
    return add_addresses(db, c->account_id, row, NUMBER, c->numbers, c->n_numbers, e) &&
           add_addresses(db, c->account_id, row, EMAIL, c->emails, c->n_emails, e) &&
           (!w->with_devices || bring_devices(db, c, row, now, e));
}

static bool add_device(struct db *db, const struct contact_write *w, int64_t row, int64_t now,
                       struct err *e) {
    static const char sql[] =
        "INSERT INTO contact_device (account_id, platform, token, contact, added_at, seen_at) VALUES "
        "(?,?,?,?,?,?) ON CONFLICT (account_id, platform, token) DO UPDATE SET added_at=CASE WHEN "
        "contact_device.contact=excluded.contact THEN contact_device.added_at ELSE excluded.added_at END, "
        "contact=excluded.contact, "
        "seen_at=excluded.seen_at";
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, w->contact->account_id);
    db_text(s, w->device.platform);
    db_text(s, w->device.token);
    db_int(s, row);
    db_int(s, now);
    db_int(s, now);
    return db_run(s, e) && drop_old_devices(db, row, e);
}

/* An app that shows its token lives, whatever a push service said of it before. */
static bool revive(struct db *db, const struct contact_write *w, int64_t now, struct err *e) {
    struct buf BUF_AUTO address =
        BUF_INIT(CONTACT_PLATFORM_BYTES_MAX + 1 + CONTACT_TOKEN_BYTES_MAX); /* as messages have it */
    char folded[SUPPRESSION_NUMBER_BYTES_MAX];
    buf_join(&address, w->device.platform, SV(":"), w->device.token);
    const struct suppression row = {.account_id = w->contact->account_id,
                                    .number = suppression_address(buf_sv(&address), folded),
                                    .kind = SUPPRESSION_INVALID};
    struct suppression_write release = {.act = SUPPRESSION_RELEASE, .rows = &row, .n = 1};
    return suppression_write(db, &release, now, e);
}

static bool remove_device(struct db *db, struct contact_write *w, int64_t row, struct err *e) {
    static const char sql[] =
        "DELETE FROM contact_device WHERE account_id=? AND platform=? AND token=? AND contact=?";
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, w->contact->account_id);
    db_text(s, w->device.platform);
    db_text(s, w->device.token);
    db_int(s, row);
    if (!db_run(s, e))
        return false;
    w->outcome = db_changes(db) > 0 ? CONTACT_GONE : CONTACT_ABSENT;
    return true;
}

bool contacts_write(struct db *db, struct contact_write *w, int64_t now, struct err *e) {
    static const char addresses[] = "DELETE FROM contact_address WHERE contact=?";
    static const char devices[] = "DELETE FROM contact_device WHERE contact=?";
    static const char contact[] = "DELETE FROM contact WHERE row=?";
    int64_t row, version;
    ASSERT(w->contact->id.n);
    if (!find(db, w->contact, &row, &version, e))
        return false;
    bool expected = w->version == CONTACT_VERSION_ANY ||
                    (w->version == CONTACT_VERSION_NONE ? row == 0 : row != 0 && version == w->version);
    if (!expected || (w->act != CONTACT_PUT && !row)) {
        w->outcome = row || w->act == CONTACT_PUT ? CONTACT_OTHER : CONTACT_ABSENT;
        return true;
    }
    switch (w->act) {
    case CONTACT_PUT: return put(db, w, row, version, now, e);
    case CONTACT_DELETE:
        w->outcome = CONTACT_GONE;
        return run_on(db, addresses, row, e) && run_on(db, devices, row, e) && run_on(db, contact, row, e);
    case CONTACT_ADD_DEVICE:
        w->outcome = CONTACT_CHANGED;
        return add_device(db, w, row, now, e) && revive(db, w, now, e) && touch(db, row, version, now, e);
    case CONTACT_REMOVE_DEVICE: break;
    }
    return remove_device(db, w, row, e) && (w->outcome != CONTACT_GONE || touch(db, row, version, now, e));
}

bool contact_write_run(struct db *db, struct store_write *w, int64_t now, struct err *e) {
    return contacts_write(db, (struct contact_write *)w, now, e);
}

bool contacts_forget_device(struct db *db, int64_t account_id, struct sv platform, struct sv token,
                            int64_t since, bool *alive, struct err *e) {
    static const char newer[] =
        "SELECT 1 FROM contact_device WHERE account_id=? AND platform=? AND token=? AND seen_at>?";
    static const char gone[] = "DELETE FROM contact_device WHERE account_id=? AND platform=? AND token=?";
    *alive = false;
    for (int i = since ? 0 : 1; i < 2 && !*alive; i++) {
        struct db_stmt *s = db_stmt(db, i == 0 ? newer : gone, e);
        db_int(s, account_id);
        db_text(s, platform);
        db_text(s, token);
        if (i == 0)
            db_int(s, since);
        if (i == 0 ? !db_next(s, alive, e) : !db_run(s, e))
            return false;
        if (i == 0)
            db_end(s);
    }
    return true;
}

/* ---- reading ---- */

#define CONTACT_COLUMNS "row, id, name, language, zone, attributes, version, created_at, updated_at"

static void read_head(struct db_stmt *s, int64_t account_id, struct arena *mem, struct contact *out) {
    *out = (struct contact){
        .account_id = account_id,
        .row = db_col_int(s, 0),
        .id = arena_dup(mem, db_col_text(s, 1)),
        .name = arena_dup(mem, db_col_text(s, 2)),
        .language = arena_dup(mem, db_col_text(s, 3)),
        .zone = arena_dup(mem, db_col_text(s, 4)),
        .attributes = arena_dup(mem, db_col_text(s, 5)),
        .version = db_col_int(s, 6),
        .created_at = db_col_int(s, 7),
        .updated_at = db_col_int(s, 8),
    };
}

static bool read_addresses(struct db *db, struct arena *mem, struct contact *c, struct err *e) {
    static const char sql[] =
        "SELECT kind, address FROM contact_address WHERE contact=? ORDER BY kind, place";
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, c->row);
    for (bool row;;) {
        if (!db_next(s, &row, e))
            return false;
        if (!row)
            return true;
        bool number = db_col_int(s, 0) == NUMBER;
        if (number && c->n_numbers < CONTACT_NUMBERS_MAX)
            c->numbers[c->n_numbers++] = arena_dup(mem, db_col_text(s, 1));
        else if (!number && c->n_emails < CONTACT_EMAILS_MAX)
            c->emails[c->n_emails++] = arena_dup(mem, db_col_text(s, 1));
    }
}

static bool read_devices(struct db *db, int64_t contact, struct arena *mem, struct contact_device *out,
                         size_t max, size_t *n, struct err *e) {
    static const char sql[] = "SELECT platform, token, added_at, seen_at FROM contact_device WHERE contact=? "
                              "ORDER BY seen_at DESC, added_at DESC LIMIT ?";
    struct db_stmt *s = db_stmt(db, sql, e);
    *n = 0;
    db_int(s, contact);
    db_int(s, (int64_t)max);
    for (bool row;;) {
        if (!db_next(s, &row, e))
            return false;
        if (!row)
            return true;
        out[(*n)++] = (struct contact_device){.platform = arena_dup(mem, db_col_text(s, 0)),
                                              .token = arena_dup(mem, db_col_text(s, 1)),
                                              .added_at = db_col_int(s, 2),
                                              .seen_at = db_col_int(s, 3)};
    }
}

static bool read_rest(struct db *db, struct arena *mem, struct contact *c, struct err *e) {
    return read_addresses(db, mem, c, e) &&
           read_devices(db, c->row, mem, c->devices, CONTACT_DEVICES_MAX, &c->n_devices, e);
}

bool contacts_get(struct db *db, int64_t account_id, struct sv id, struct arena *mem, struct contact *out,
                  struct err *e) {
    static const char sql[] = "SELECT " CONTACT_COLUMNS " FROM contact WHERE account_id=? AND id=?";
    struct db_stmt *s = db_stmt(db, sql, e);
    bool row;
    db_int(s, account_id);
    db_text(s, id);
    if (!db_next(s, &row, e))
        return false;
    if (!row)
        return err_set(e, ERR_NOT_FOUND, "there is no such contact");
    read_head(s, account_id, mem, out);
    db_end(s);
    return read_rest(db, mem, out, e) &&
           (!mem->full || err_set(e, ERR_TOO_LARGE, "the contact is too large"));
}

static bool passes(const struct contact_filter *f, struct db_stmt *s) {
    return (!f->language.n || sv_eq(f->language, db_col_text(s, 3))) && db_col_int(s, 8) >= f->updated_from;
}

static struct db_stmt *list_stmt(struct db *db, const struct contact_filter *f, struct err *e) {
    static const char all[] =
        "SELECT " CONTACT_COLUMNS
        " FROM contact INDEXED BY contact_account WHERE account_id=? AND row>? ORDER BY row";
    static const char having[] = "SELECT " CONTACT_COLUMNS
                                 " FROM contact WHERE account_id=? AND row>? AND row IN (SELECT contact FROM "
                                 "contact_address WHERE account_id=? AND address=?) ORDER BY row";
    struct db_stmt *s = db_stmt(db, f->address.n ? having : all, e);
    db_int(s, f->account_id);
    db_int(s, f->after_row);
    if (f->address.n) {
        db_int(s, f->account_id);
        db_text(s, f->address);
    }
    return s;
}

/* What one more may take must be left, but for the first. */
static bool is_room(const struct arena *mem, size_t n) {
    return n == 0 || mem->max - mem->used > CONTACT_BYTES_MAX;
}

bool contacts_list(struct db *db, const struct contact_filter *f, struct arena *mem, struct contact *out,
                   size_t *n, bool *more, int64_t *last_row, struct err *e) {
    ASSERT(f->limit >= 1 && f->limit <= CONTACTS_PAGE_MAX);
    *n = 0;
    *more = false;
    *last_row = f->after_row;
    struct db_stmt *s = list_stmt(db, f, e);
    for (unsigned looked = 0;; looked++) {
        bool row;
        if (!db_next(s, &row, e))
            return false;
        if (!row)
            break;
        if (*n == f->limit || looked == LOOKED_AT_MAX || !is_room(mem, *n)) {
            *more = true;
            db_end(s);
            break;
        }
        *last_row = db_col_int(s, 0);
        if (!passes(f, s))
            continue;
        struct contact *c = &out[(*n)++];
        read_head(s, f->account_id, mem, c);
        if (!read_rest(db, mem, c, e)) {
            db_end(s);
            return false;
        }
    }
    return !mem->full || err_set(e, ERR_TOO_LARGE, "the page is too large: ask for fewer contacts");
}
