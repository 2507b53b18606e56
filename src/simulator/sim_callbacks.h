/* callbacks: posts to the tested side, a limited number at a time. A face writes each (body, content type,
 * headers, signature) between callback_begin and callback_send. */
#ifndef HY_SIMULATOR_SIM_CALLBACKS_H
#define HY_SIMULATOR_SIM_CALLBACKS_H

#include "base/buf.h"
#include "base/err.h"
#include "model/http.h"

struct sim;

/* One connection each: more than that only queue up inside the HTTP client, which costs it a third of its
 * speed. */
enum {
    CALLBACKS_MAX = 64,
    CALLBACK_TIMEOUT_MS = 15000,
    CALLBACK_CONNECT_TIMEOUT_MS = 5000,
    CALLBACK_HEADERS_MAX = 8
};

enum callback_sign { SIGN_RIGHT, SIGN_WRONG, SIGN_NONE };

struct callback {
    struct sim *sim;
    struct callback *next; /* when free */
    struct http_request request;
    struct buf url;    /* as it goes over the wire: without fragment, with a path */
    struct buf body;   /* for the face to fill */
    struct buf header; /* the headers' bytes */
    size_t header_at[CALLBACK_HEADERS_MAX][2];
    size_t n_headers;
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

bool callbacks_have_room(const struct callbacks *cs);
/* A post to url, its body empty. Precondition: room. Ends by callback_send or callback_drop. */
struct callback *callback_begin(struct sim *sim, struct sv url);
/* name and value are copied. */
void callback_header(struct callback *c, const char *name, struct sv value);
/* done is called once, later; on failure (the URL is no good, the post too large) never. */
MUST_USE bool callback_send(struct callback *c,
                            void (*done)(struct sim *sim, void *ctx, const struct http_response *r),
                            void *ctx, struct err *e);
void callback_drop(struct callback *c);

#endif
