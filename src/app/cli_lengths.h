/* cli_lengths: what `hongyan render --lengths` says of a template: its variables, and how many segments it
 * can make.
 */
#ifndef HY_APP_CLI_LENGTHS_H
#define HY_APP_CLI_LENGTHS_H

#include "base/buf.h"
#include "base/err.h"
#include "ingest/preview.h"
#include "text/template/template.h"

/* Appends a JSON object and a newline. json: {"name": [least, most] or [least, most, script]}; "*" for values
 * not named (0 to 30 of any script when it is not there); paths as text/template/extent.h has them.
 * ERR_INVALID when it is not so. */
MUST_USE bool cli_lengths(const struct template *t, const char *json, struct buf *out, struct err *e);
/* The same of a preview that was made with lengths. */
void cli_lengths_of(const struct preview *p, struct buf *out);

#endif
