/* steps: the channels of a message, one after the other: for each its address checked, its texts rendered and
 * screened; and the content (model/content) that keeps what does not stand in the message itself. For this
 * room.
 */
#ifndef HY_INGEST_STEPS_H
#define HY_INGEST_STEPS_H

#include "ingest/admitter.h"
#include "model/content.h"

/* Whether a submission is more than one plain text message. */
bool steps_needed(const struct submission *in);
/* The content of a plain text message: the recipient's time zone, and the codes its template has at
 * providers. doc: of its version, as stock found it last, or NULL. Leaves *content where there are none. */
MUST_USE bool steps_codes(struct admitter *a, const struct texts *t, const struct submission *in,
                          const struct template_doc *doc, struct sv *content, struct admitted *out,
                          struct err *e);
/* Makes all of it: the first channel, and the content as JSON; views into a's memory, valid until it admits
 * again. Errors name the field of the submission, `channels[1].to` and the like for later channels. */
MUST_USE bool steps_make(struct admitter *a, const struct settings *s, const struct texts *t,
                         const struct submission *in, struct content_step *first, struct sv *content,
                         uint32_t *version, struct admitted *out, struct err *e);

#endif
