/* admitter: one thread's working memory for admission: the inside, for this room. */
#ifndef HY_INGEST_ADMITTER_H
#define HY_INGEST_ADMITTER_H

#include "ingest/admit.h"
#include "ingest/shorten.h"

enum { BODY_BYTES_MAX = 16 * 1024, HTML_BYTES_MAX = 128 * 1024 };

struct admitter {
    struct stock *stock;
    struct screen_scratch *scratch;
    struct buf rendered, smart, screened;
    size_t saved_segments; /* by smart encoding, of the message at hand */
    struct shortener links;
    struct buf html, content; /* of messages that have more than a text */
    struct arena mem;         /* for those, too; empty for all others */
};

/* Checks a text that is to be sent as `field` says: there, UTF-8, more than spaces, not too long. */
MUST_USE bool admit_check_text(struct sv text, size_t bytes_max, size_t chars_max, const char *field,
                               bool rendered, struct err *e);
/* What the lists say of one more text of the message: *text may become one with stars, and out keeps the
 * worst that was said of any. */
MUST_USE bool admit_screen(struct admitter *a, const struct texts *t, const struct submission *in,
                           struct sv *text, struct admitted *out, struct err *e);

#endif
