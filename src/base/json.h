/* json: writing JSON into a buf. (Reading is jansson's.) The caller keeps the grammar: commas and braces are
 * its own. */
#ifndef HY_BASE_JSON_H
#define HY_BASE_JSON_H

#include "base/buf.h"

/* A quoted string, escaped as RFC 8259 section 7; bytes that are not well-formed UTF-8 become U+FFFD. */
void json_add_string(struct buf *out, struct sv v);
/* "key": with a comma before it unless the last byte written is { or [ or the buf is empty. */
void json_key(struct buf *out, const char *key);
/* The usual pairs: key and value. An empty view writes null with json_pair_or_null, "" with json_pair. */
void json_pair(struct buf *out, const char *key, struct sv v);
void json_pair_or_null(struct buf *out, const char *key, struct sv v);
void json_pair_i64(struct buf *out, const char *key, int64_t v);
void json_pair_bool(struct buf *out, const char *key, bool v);
/* RFC 3339; null when at is 0. */
void json_pair_time(struct buf *out, const char *key, int64_t at);

#endif
