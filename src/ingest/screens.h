/* screens: the lists of words and patterns of `screen.*`, read from their files and compiled into one set,
 * and for whose texts each is. Immutable once loaded, shared by threads; made anew on reload.
 */
#ifndef HY_INGEST_SCREENS_H
#define HY_INGEST_SCREENS_H

#include "model/settings.h"
#include "text/screen/screen.h"

struct screens;

/* Reads the files that settings name. *out is NULL when they name none. ERR_INVALID or ERR_TOO_LARGE names
 * file and line. */
MUST_USE bool screens_load(const struct settings *s, struct screens **out, struct err *e);
void screens_free(struct screens *x); /* NULL is fine */

/* Whether some list is for certain accounts, so that screens_check needs to know the text's. */
bool screens_by_account(const struct screens *x);

/* What the lists for this account (its name) and topic say of a text; as screen_check. Without x nothing is
 * hit. */
MUST_USE bool screens_check(const struct screens *x, struct screen_scratch *scratch, struct sv account,
                            struct sv topic, struct sv text, struct screen_verdict *out, struct buf *replaced,
                            struct err *e);

#endif
