/* contacts: the people an account writes to: under the account's own id, numbers, e-mail addresses and
 * devices, a language, a time zone, and attributes for texts.
 *
 * Writing is for the journal's connection (or that of a command), inside a transaction of the caller's;
 * reading is for any. Every question carries the account. What is handed in was checked before
 * (ingest/contact): E.164 numbers, addresses as messages have them, a known zone, attributes that are an
 * object. A contact's version grows with each change, so that whoever read it can say which one they change.
 */
#ifndef HY_STORE_CONTACTS_H
#define HY_STORE_CONTACTS_H

#include "base/arena.h"
#include "store/write.h"

enum {
    CONTACT_ID_BYTES_MAX = 128,
    CONTACT_NAME_BYTES_MAX = 200,
    CONTACT_ZONE_BYTES_MAX = 64,
    CONTACT_ATTRIBUTES_BYTES_MAX = 8192,
    CONTACT_NUMBERS_MAX = 8,
    CONTACT_EMAILS_MAX = 8,
    CONTACT_DEVICES_MAX = 16, /* one more takes the place of the one not seen for longest */
    CONTACT_PLATFORM_BYTES_MAX = 16,
    CONTACT_TOKEN_BYTES_MAX = 4000, /* FCM sets no maximum for its tokens: they have some 200 bytes */
    CONTACT_BYTES_MAX = CONTACT_ATTRIBUTES_BYTES_MAX + CONTACT_DEVICES_MAX * CONTACT_TOKEN_BYTES_MAX + 8192,
};

/* Views are borrowed. */
struct contact_device {
    struct sv platform, token; /* "fcm", "apns"; together, with a colon, what a message has in TEXT_TO */
    int64_t added_at, seen_at;
};

struct contact {
    int64_t account_id;
    struct sv id, name, language, zone;
    struct sv attributes; /* JSON text of an object, or empty */
    struct sv numbers[CONTACT_NUMBERS_MAX];
    struct sv emails[CONTACT_EMAILS_MAX];
    struct contact_device devices[CONTACT_DEVICES_MAX]; /* seen last first; written where with_devices */
    size_t n_numbers, n_emails, n_devices;
    int64_t version, created_at, updated_at; /* read only */
    int64_t row;                             /* read only: its place in lists */
};

/* ---- writing ---- */

enum contact_act {
    CONTACT_PUT,           /* all but the devices (with_devices); made if it is not there */
    CONTACT_DELETE,        /* with its devices */
    CONTACT_ADD_DEVICE,    /* of contact id; a token that is known is seen anew */
    CONTACT_REMOVE_DEVICE, /* of contact id */
};

enum contact_outcome {
    CONTACT_MADE,
    CONTACT_CHANGED,
    CONTACT_GONE,   /* DELETE, REMOVE_DEVICE: done */
    CONTACT_ABSENT, /* there is no such contact, or device */
    CONTACT_OTHER,  /* it has another version than was expected */
};

enum { CONTACT_VERSION_ANY = 0, CONTACT_VERSION_NONE = -1 /* it must not be there */ };

struct contact_write {
    struct store_write write; /* first; contact_write_run */
    enum contact_act act;
    const struct contact *contact; /* account_id and id always; PUT: the rest */
    struct contact_device device;  /* *_DEVICE: platform and token */
    int64_t version;               /* expected, or CONTACT_VERSION_* */
    bool with_devices; /* PUT: those it has as well, with their times (0: now); none is taken from who showed
                          it later */

    enum contact_outcome outcome;
};
/* For store_write.run. */
MUST_USE bool contact_write_run(struct db *db, struct store_write *w, int64_t now, struct err *e);
/* The same for whoever has a transaction of their own. */
MUST_USE bool contacts_write(struct db *db, struct contact_write *w, int64_t now, struct err *e);
/* A provider says that the token is dead, and since when (0: now). *alive: a contact's app has shown it after
 * that, so that it stays; else whoever had it has it no more. */
MUST_USE bool contacts_forget_device(struct db *db, int64_t account_id, struct sv platform, struct sv token,
                                     int64_t since, bool *alive, struct err *e);

/* ---- reading: texts live in the arena ---- */

/* ERR_NOT_FOUND if the account has no contact of that id. */
MUST_USE bool contacts_get(struct db *db, int64_t account_id, struct sv id, struct arena *mem,
                           struct contact *out, struct err *e);

enum { CONTACTS_PAGE_MAX = 1000 };

struct contact_filter {
    int64_t account_id;
    struct sv address;    /* has that number or e-mail address; empty: any */
    struct sv language;   /* has exactly that; empty: any */
    int64_t updated_from; /* changed at or after; 0: any time */
    int64_t after_row;    /* keyset cursor, in the order of making; 0: from the first */
    unsigned limit;       /* 1..CONTACTS_PAGE_MAX */
};
/* In the order of making. At most a bounded number of rows is looked at, and taken into the arena what fits:
 * a page may be short, or empty, with *more set and *last_row to go on after. */
MUST_USE bool contacts_list(struct db *db, const struct contact_filter *f, struct arena *mem,
                            struct contact *out, size_t *n, bool *more, int64_t *last_row, struct err *e);

#endif
