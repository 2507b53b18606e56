/* callbacks: form posts to the tested side, signed as Twilio signs, a limited number at a time. */
#ifndef HY_SIMULATOR_SIM_CALLBACKS_H
#define HY_SIMULATOR_SIM_CALLBACKS_H

#include "base/buf.h"
#include "model/form.h"
#include "model/http.h"

struct sim;

/* One connection each: more than that only queue up inside the HTTP client, which costs it a third of its
 * speed. */
enum { CALLBACKS_MAX = 64, CALLBACK_TIMEOUT_MS = 15000, CALLBACK_CONNECT_TIMEOUT_MS = 5000 };

enum callback_sign { SIGN_RIGHT, SIGN_WRONG, SIGN_NONE };

struct callback {
    struct sim *sim;
    struct callback *next; /* when free */
    struct http_request request;
    struct buf url, body, signature, dedup;
    void (*done)(struct sim *sim, void *ctx, const struct http_response *r);
    void *ctx;
};

struct callbacks {
    struct callback *all; /* owned: CALLBACKS_MAX of them */
    struct callback *free;
    size_t in_flight;
};

MUST_USE bool callbacks_init(struct callbacks *cs, struct sim *sim, struct err *e);
/* After the client is closed. */
void callbacks_done(struct callbacks *cs);

struct callback_post {
    struct sv url;   /* a fragment is neither sent nor signed */
    struct sv token; /* signs */
    enum callback_sign sign;
    const struct form *form;
    struct sv dedup; /* I-Twilio-Idempotency-Token */
    void (*done)(struct sim *sim, void *ctx, const struct http_response *r);
    void *ctx;
};

bool callbacks_have_room(const struct callbacks *cs);
/* Precondition: room. done is called once, later; on failure (the URL is no good) never. */
MUST_USE bool callbacks_send(struct sim *sim, const struct callback_post *post, struct err *e);

#endif
