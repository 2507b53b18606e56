/* replies: how inbound texts are read and answered: the built-in keywords and those of `replies.*`, compiled.
 * Immutable once loaded, shared by threads; made anew on reload.
 */
#ifndef HY_INGEST_REPLIES_H
#define HY_INGEST_REPLIES_H

#include "model/reply.h"
#include "model/settings.h"

struct replies;

/* *out is NULL when the settings know no keyword and answer nothing. ERR_INVALID names what is wrong with a
 * rule. Takes some tens of milliseconds. */
MUST_USE bool replies_load(const struct settings *s, struct replies **out, struct err *e);
void replies_free(struct replies *x); /* NULL is fine */

/* What an inbound text asks for, of that account (its name). Views live as long as x. */
struct reply_reading {
    enum reply_action action;
    struct sv keyword, topic, language; /* of the rule that its word is in; empty: none */
    /* A word that also confirms, where a consent was asked for; it has no action then. */
    struct sv confirm, confirm_language;
};
void replies_read(const struct replies *x, struct sv account, struct sv text, struct reply_reading *out);

/* What to answer to a text from that number; empty: nothing. Never to short codes, and never to what looks
 * like another machine's answer. The language is the settings' if they say one, the keyword's if it has an
 * answer of its own, Chinese to Chinese characters and to numbers where Chinese is read, else English. */
struct sv replies_answer(const struct replies *x, struct sv account, struct sv from, struct sv text,
                         const struct reply_reading *r);

/* Does the text look like an automatic answer? */
bool replies_is_automatic(const struct replies *x, struct sv text);

#endif
