/* admit: from what a caller asked for to a message that may be stored: validated, rendered, screened,
 * counted. Runs on the front threads, in parallel, and decides nothing about when and through whom.
 *
 * Always: what is screened, counted, billed and sent is the same bytes (the body of the message made here,
 * never changed after).
 */
#ifndef HY_INGEST_ADMIT_H
#define HY_INGEST_ADMIT_H

#include "base/arena.h"
#include "model/link.h"
#include "model/message.h"
#include "model/settings.h"
#include "model/template_doc.h"
#include "text/screen/screen.h"
#include "text/template/template.h"

#include <jansson.h>

/* Templates and word lists as they stand in their files; immutable, shared by threads; made anew on reload.
 */
struct texts;
/* Reads templates.dir and screen.*; an error names file and line. */
MUST_USE struct texts *texts_load(const struct settings *s, struct err *e);
void texts_free(struct texts *t);
/* Whether some screen list is for certain accounts. */
bool texts_screen_by_account(const struct texts *t);
/* How inbound texts are read (ingest/replies.h); NULL: none is a keyword, and none is answered. */
const struct replies *texts_replies(const struct texts *t);

/* One thread's copies of the accounts' stored templates: ingest/stock.h. */
struct stock;

/* One thread's working memory. stock: where templates of accounts are looked for; NULL: nowhere, there are
 * only files. world: draws the codes of short links. Both are borrowed. */
struct admitter;
struct contact;
struct world;
MUST_USE struct admitter *admitter_new(struct stock *stock, const struct world *world, struct err *e);
void admitter_free(struct admitter *a);

/* Whether look-alikes are replaced where that makes a text GSM-7 (text/smart.h). */
enum smart_choice { SMART_BY_SETTING, SMART_YES, SMART_NO };

/* What a face read from a request. Views are borrowed; p == NULL: not given. */
struct submission {
    int64_t account_id;
    struct sv account_name; /* needed when texts_screen_by_account; else it may be empty */
    struct sv to, from, body;
    struct sv template, language; /* instead of body */
    const json_t *vars;           /* object or NULL */
    enum channel channel;
    struct sv title, html;  /* an e-mail's subject and other part, a push's title */
    const json_t *push;     /* what goes with a push: an object of data and collapse, or NULL */
    const json_t *code;     /* how providers know the template: an object, or NULL */
    const json_t *channels; /* the plan: an array, or NULL; its first goes before channel */
    /* Whom it is for, or NULL: where they are reached by those channels of the plan that name no `to`; those
     * by which they cannot be reached are left out. */
    const struct contact *contact;
    /* What rendering may take besides a message's own limit, and takes off; NULL: no more is said. */
    uint64_t *steps;
    struct sv topic, status_callback, traceparent, idempotency_key;
    struct sv metadata;       /* JSON text of an object */
    struct sv fingerprint_of; /* the request as received: what an idempotency key is bound to */
    int64_t send_at;          /* 0: at once */
    int64_t validity_s;       /* 0: the setting's */
    struct sv time_zone;      /* the recipient's */
    int64_t max_price;        /* it may cost, in micro-units; 0: whatever */
    enum priority priority;
    enum delivery delivery;
    enum face face;
    enum smart_choice smart_encoding;
    /* Names of the fields in this face, for errors: "to" or "To". NULL: the native names. */
    const struct admit_names *names;
};

struct admit_names {
    const char *to, *from, *body, *status_callback, *send_at, *validity;
};

struct admitted {
    struct message *message; /* the caller's */
    enum reason suppress;    /* not REASON_NONE: store it, but do not send it */
    /* What the screen lists said; places are in the text before replacing; list names live as long as texts.
     */
    struct screen_verdict screened;
    /* The short links in its text, to be stored with it; the admitter's until it admits again. */
    const struct link *links;
    size_t n_links;
};

/* Errors name the field. ERR_INVALID: a value has the wrong form; ERR_UNPROCESSABLE: well-formed, but it
 * cannot be sent (number cannot get texts, template fails, text empty or too long). */
MUST_USE bool admit(struct admitter *a, const struct settings *s, const struct texts *t,
                    const struct submission *in, int64_t now, struct admitted *out, struct err *e);

/* How templates are read, by settings; includes load from t, and none do when it is NULL. */
struct template_options texts_template_options(const struct settings *s, struct texts *t);

struct render_want {
    int64_t account_id;
    struct sv name, language;
    uint32_t version; /* 0: the published one */
    enum channel channel;
    enum template_part part;
};
#endif
