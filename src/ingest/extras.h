/* extras: what goes with a push besides its title and body, as the caller gives it: {"data": {name: text},
 * "collapse": text}. For this room.
 */
#ifndef HY_INGEST_EXTRAS_H
#define HY_INGEST_EXTRAS_H

#include "base/buf.h"
#include "base/err.h"

#include <jansson.h>

enum {
    EXTRAS_COLLAPSE_BYTES_MAX = 64, /* apns-collapse-id */
    EXTRAS_NAME_BYTES_MAX = 64,
    /* Of title, body and data as JSON. FCM and APNs take 4096 bytes of all there is in a message. */
    EXTRAS_PUSH_BYTES_MAX = 3900,
};

/* push may be NULL. ERR_INVALID names field, or a member of it. */
MUST_USE bool extras_check(const json_t *push, const char *field, struct err *e);
/* ERR_TOO_LARGE when a push of that text is more than push services take. */
MUST_USE bool extras_fit(const json_t *push, struct sv title, struct sv body, const char *field,
                         struct err *e);
/* Adds its members to the content (model/content.h). */
void extras_add(const json_t *push, struct buf *out);

#endif
