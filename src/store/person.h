/* person: whoever has certain numbers, addresses and devices in an account, and the messages from and to
 * them. For what is shown or erased of one person.
 *
 * A message belongs to a person whose address it goes to first, or a text that came from one. A later channel
 * of its plan is the same person's: it is found by the first.
 */
#ifndef HY_STORE_PERSON_H
#define HY_STORE_PERSON_H

#include "store/contacts.h"

enum { PERSON_ADDRESSES_MAX = 256, PERSON_CONTACTS_MAX = 16 };

struct person {
    int64_t account_id;
    struct sv addresses[PERSON_ADDRESSES_MAX]; /* as messages have them, addresses with @ in small letters */
    size_t n;
    struct sv contacts[PERSON_CONTACTS_MAX]; /* ids */
    size_t n_contacts, n_devices;
};

/* Of a contact; ERR_NOT_FOUND. */
MUST_USE bool person_of_contact(struct db *db, int64_t account_id, struct sv id, struct arena *mem,
                                struct person *out, struct err *e);
/* Of a number or address: with all that the contacts who have it have. */
MUST_USE bool person_of_address(struct db *db, int64_t account_id, struct sv address, struct arena *mem,
                                struct person *out, struct err *e);
/* Ids of their messages above after_id, both directions, rising. open: only those that wait to be sent.
 * ids has room for limit; *more: there may be others beyond the last. */
MUST_USE bool person_messages(struct db *db, const struct person *p, bool open, int64_t after_id,
                              size_t limit, int64_t *ids, size_t *n, bool *more, struct err *e);

#endif
