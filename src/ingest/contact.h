/* contact: a contact as callers and files write it, checked; and as it is shown to them and to templates.
 * Pure.
 *
 * One table of members for JSON: id, name, numbers, emails, language, time_zone, attributes. Numbers become
 * E.164 (as written in the region), e-mail addresses small letters, languages and zones must be real ones.
 */
#ifndef HY_INGEST_CONTACT_H
#define HY_INGEST_CONTACT_H

#include "base/buf.h"
#include "model/channel.h"
#include "store/contacts.h"

#include <jansson.h>

/* 1 to CONTACT_ID_BYTES_MAX bytes of UTF-8 without spaces and control characters. */
MUST_USE bool contact_check_id(struct sv id, struct err *e);

/* Reads an object into *io: members that are there take the place of what it has; null is nothing. merge:
 * attributes are merged (RFC 7396), else they are replaced. Texts live in mem. Errors name the member:
 * ERR_INVALID, ERR_UNPROCESSABLE for numbers that are none. */
MUST_USE bool contact_from_json(const json_t *object, bool merge, struct sv region, struct arena *mem,
                                struct contact *io, struct err *e);

/* Adds a number, or address, of people's writing, behind those there are; one that is there already is left
 * out. field: for errors. */
MUST_USE bool contact_add_number(struct contact *c, struct sv text, struct sv region, const char *field,
                                 struct arena *mem, struct err *e);
MUST_USE bool contact_add_email(struct contact *c, struct sv text, const char *field, struct arena *mem,
                                struct err *e);
/* Of people's writing, checked; empty is none. */
MUST_USE bool contact_set_language(struct contact *c, struct sv text, struct arena *mem, struct err *e);
MUST_USE bool contact_set_zone(struct contact *c, struct sv text, struct err *e);
/* An object, or NULL. */
MUST_USE bool contact_set_attributes(struct contact *c, const json_t *object, struct arena *mem,
                                     struct err *e);
/* Platform: small letters, digits, - and _; token: without spaces. */
MUST_USE bool contact_check_device(const struct contact_device *d, struct err *e);
/* The token as messages have it: Apple's in small letters; in mem. */
struct sv contact_token(struct sv platform, struct sv token, struct arena *mem);

/* One JSON object: what contact_from_json reads, and the devices and times. */
void contact_print(const struct contact *c, struct buf *out);
/* What templates see as `contact`: {id, name, number, numbers, email, emails, language, time_zone,
 * attributes}; attributes that clash with none of these stand beside them, too. The caller's to free; NULL
 * without memory. */
json_t *contact_vars(const struct contact *c);
/* Where a message to it goes on that channel: its first number or address, the device seen last (made in
 * mem). Empty: it has none. */
struct sv contact_address(const struct contact *c, enum channel channel, struct arena *mem);
/* That of its i-th device; empty: it has not so many. */
struct sv contact_device_address(const struct contact *c, size_t i, struct arena *mem);

#endif
