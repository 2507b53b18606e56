/* verification_text: from what a text with a one-time code is made of (a recipe) to the two submissions of
 * it: as it is said, and as it is shown. A recipe is kept, sealed, for as long as its code may be sent anew.
 */
#ifndef HY_API_VERIFICATION_TEXT_H
#define HY_API_VERIFICATION_TEXT_H

#include "api/api.h"
#include "ingest/code_texts.h"
#include "model/code.h"

struct recipe {
    struct sv code;
    enum code_alphabet alphabet;
    struct sv brand, template, language, from;
    struct code_reader reader;
    const json_t *vars; /* an object, or NULL */
    enum channel channels[PLAN_MAX + 1];
    size_t n_channels; /* at least 1 */
    uint32_t fallback_s;
};

/* As JSON, sealed with the world's key; in the request's arena. */
struct sv recipe_seal(struct api_request *rq, const struct recipe *r);
/* The same back; *root owns what it points to, the caller's to free. False: not sealed with this key. */
MUST_USE bool recipe_open(struct api_request *rq, struct sv sealed, json_t **root, struct recipe *out);

struct code_message {
    const struct recipe *recipe;
    struct sv to;     /* as the caller writes it */
    struct sv number; /* the same in E.164 */
    struct sv metadata, idempotency_key, fingerprint_of, traceparent;
    int64_t valid_us; /* how long the code is good from now */
};
/* Sends it: api_submit_secret with the two submissions. What is wrong is answered. */
void code_message_submit(struct api_request *rq, const struct code_message *m, struct verification_write *v,
                         struct sv client_ip, api_submitted *done);

#endif
