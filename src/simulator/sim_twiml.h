/* twiml: what a TwiML document has said: the texts of its Say verbs, and in what language and voice. A small
 * reader of its own for the verbs that speak (Say, Pause, Play, Gather, Redirect, Hangup), not of XML at
 * large: no DTD, comments or namespaces. Source: Twilio's TwiML reference.
 */
#ifndef HY_SIMULATOR_SIM_TWIML_H
#define HY_SIMULATOR_SIM_TWIML_H

#include "base/buf.h"

struct sim_twiml {
    struct buf *said;          /* the first Say's text, entities undone; the caller's */
    struct sv language, voice; /* of the first Say; views into the document */
    int64_t times;             /* how often that text is said */
    struct sv action;          /* of the first Gather, entities and all; a view into the document */
};

/* False: it is not well-formed, or has a verb or entity that is not known. */
bool sim_twiml_read(struct sv document, struct sim_twiml *out);
/* The text between tags or quotation marks, entities undone; false: one is not known. */
bool sim_twiml_text(struct buf *out, struct sv text);

#endif
