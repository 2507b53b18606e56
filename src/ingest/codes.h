/* codes: what the providers that render templates themselves get of one: its code, sign and parameters, each
 * parameter rendered like any text. For this room.
 */
#ifndef HY_INGEST_CODES_H
#define HY_INGEST_CODES_H

#include "ingest/shorten.h"
#include "ingest/stock.h"

/* Sees every parameter before it is written, and may give another text for it; false ends the writing. */
struct codes_reader {
    bool (*see)(void *self, struct sv *param, struct err *e); /* NULL: nobody looks */
    void *self;
};

/* Appends a JSON object, {"aliyun": {"code", "sign", "params"}}; an empty one when the document has no codes.
 * doc and the templates that params include belong to what stock found last. Errors name the field vars. */
MUST_USE bool codes_add(const struct stock *stock, struct shortener *links, const struct template_options *o,
                        const struct template_doc *doc, const struct language *l, const json_t *vars,
                        const struct codes_reader *reader, struct buf *out, struct err *e);
/* Appends what a caller gave himself, an object or array of strings. */
MUST_USE bool codes_add_given(const json_t *params, const struct codes_reader *reader, struct buf *out,
                              struct err *e);

#endif
