/* yaml_json: a document of YAML as JSON, and where in the file a member of it stands.
 *
 * Plain words are null, true, false or whole numbers where they look so, all else is text. Files may come
 * from strangers: depth and number of values are bounded, aliases counted each time.
 */
#ifndef HY_INGEST_YAML_JSON_H
#define HY_INGEST_YAML_JSON_H

#include "base/err.h"
#include "base/sv.h"

#include <jansson.h>
#include <yaml.h>

struct yaml_json {
    yaml_document_t doc;
    unsigned lines_before; /* in the file, before the text */
};

/* text: without NUL, UTF-8. *out: the caller's; NULL for an empty document. On failure, with line and column,
 * there is nothing to be done away with. */
MUST_USE bool yaml_json_read(struct yaml_json *y, struct sv text, unsigned lines_before, json_t **out,
                             struct err *e);
void yaml_json_done(struct yaml_json *y);
/* Gives e the place in the file of the member at a path such as email.subject or rules.2.when (or of the
 * deepest there is on the way); a place that e has already is one within that member's text. */
void yaml_json_place(const struct yaml_json *y, struct sv path, struct err *e);

#endif
