/* sender_id: one of several senders of a lane or route, as configured.
 *
 * Written `+15005550006`, or `Shop for GB,IE`: then it is used only for numbers of those regions, and there
 * before those that are for all.
 */
#ifndef HY_MODEL_SENDER_ID_H
#define HY_MODEL_SENDER_ID_H

#include "base/err.h"
#include "base/sv.h"

struct sender_id {
    struct sv name;
    struct sv countries; /* ISO 3166 regions with commas between; empty: all */
    struct sv text;      /* as it was written */
};

struct sender_id_list {
    struct sender_id *at; /* in the settings' arena */
    uint32_t n;
};

enum { SENDERS_MAX = 256, SENDER_NAME_MAX = 64 };

/* Views of text are kept in out. ERR_INVALID ("must be ..."). Whether the regions exist is not known here. */
MUST_USE bool sender_id_parse(struct sv text, struct sender_id *out, struct err *e);
/* Whether it is named for that region. */
bool sender_id_names(const struct sender_id *s, struct sv region);

#endif
