/* codes: what the providers that render templates themselves get of one: its code, sign and parameters, each
 * parameter rendered like any text. For this room.
 */
#ifndef HY_INGEST_CODES_H
#define HY_INGEST_CODES_H

#include "ingest/shorten.h"
#include "ingest/stock.h"

/* Appends a JSON object, {"aliyun": {"code", "sign", "params"}}; an empty one when the document has no codes.
 * doc and the templates that params include belong to what stock found last. Errors name the field vars. */
MUST_USE bool codes_add(const struct stock *stock, struct shortener *links, const struct template_options *o,
                        const struct template_doc *doc, const struct language *l, const json_t *vars,
                        struct buf *out, struct err *e);

#endif
