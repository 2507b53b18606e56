/* front_parts: the inside of struct front, for front.c, request.c and submit.c. */
#ifndef HY_API_FRONT_PARTS_H
#define HY_API_FRONT_PARTS_H

#include "api/api.h"
#include "api/clicks.h"
#include "api/front.h"
#include "ingest/rulebook.h"

#include <stdatomic.h>

/* Asks on their way to one mailbox, put in one go after the handlers have run: one lock and at most one
 * wake-up for many requests. */
struct outbox {
    struct mailbox *to;
    void **asks; /* as many as may be out */
    size_t n;
    void **away; /* as many: what found no room, while it is turned away and its requests perhaps ask again */
};

struct digester;
struct offer {
    const struct settings *settings;
    const struct texts *texts;
};

struct front {
    struct front_parts parts;
    const struct settings *settings; /* in use */
    const struct texts *texts;
    struct server *server;
    struct db *db;
    struct directory *directory;
    struct stock *stock;
    struct admitter *admitter;

    struct rulebook *rules;
    struct digester *digester;
    struct clickbook clicks;
    struct outbox asks, receipts;
    size_t asks_out; /* in an outbox, with the core, or in replies */
    size_t asks_out_max;

    struct buf scratch;
    uint64_t ids; /* the latest request id's number */
    bool draining;
    int64_t housekept_at;      /* monotonic */
    int64_t warned_at;         /* when a 5xx was logged last, monotonic */
    uint64_t warnings_kept;    /* 5xx since then that were not */
    unsigned connections_told; /* this front's part of GAUGE_CONNECTIONS */

    /* Any thread. */
    _Atomic(struct offer *) offered;                 /* owned by who takes it out */
    _Atomic(const struct settings *) settings_taken; /* == settings */
    atomic_bool drain_asked;
    atomic_bool idle;
};

/* A whole request arrived: finds its route, checks the caller, runs it. The server's handler. */
void front_handle(void *ctx, struct exchange *x);
/* Puts what the handlers asked; what finds no room comes back at once. */
void front_flush(struct front *f);
/* Asks for the clicks gathered to be stored, when it is time. */
void front_put_clicks(struct front *f);
/* An ask came back. */
void front_reply(struct front *f, struct ask *a);

#endif
