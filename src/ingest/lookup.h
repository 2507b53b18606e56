/* lookup: which text a template's name stands for, and rendering it within the limits of a message: the
 * account's published templates first, then the files of the folder. For this room.
 */
#ifndef HY_INGEST_LOOKUP_H
#define HY_INGEST_LOOKUP_H

#include "ingest/admit.h"
#include "ingest/shorten.h"
#include "ingest/stock.h"

/* The compiled text; version 0: a file's. out->compiled is NULL when there is such a version, but it has
 * nothing for the channel and part. Errors name the field template, version, channel or language. Valid until
 * the next call. */
MUST_USE bool lookup_text(struct stock *stock, const struct settings *s, const struct texts *t,
                          const struct render_want *w, struct stock_text *out, struct err *e);
/* The error of a version that has no such text (out->compiled was NULL): in which languages it has one. */
MUST_USE bool lookup_has_none(const struct render_want *w, const struct stock_text *found, struct err *e);
/* Appends what it makes, no more than out may hold; links: who makes addresses short, NULL: nobody. steps:
 * as a submission has them, or NULL. Errors name the field vars, or are not the caller's. */
MUST_USE bool lookup_render(const struct stock *stock, const struct template *compiled, const json_t *vars,
                            struct shortener *links, uint64_t *steps, struct buf *out, struct err *e);

#endif
