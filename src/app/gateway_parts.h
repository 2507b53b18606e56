/* gateway_parts: what the files of the gateway share: gateway.c opens and closes all parts, gateway_run.c
 * runs their threads, gateway_reload.c takes over new settings. Nobody else includes it.
 *
 * The gateway owns everything here but what `world` only names. All functions are called by the main thread.
 */
#ifndef HY_APP_GATEWAY_PARTS_H
#define HY_APP_GATEWAY_PARTS_H

#include "app/gateway.h"

#include "api/front.h"
#include "app/doors.h"
#include "app/membership.h"
#include "app/puller.h"
#include "app/real_world.h"
#include "app/sharing.h"
#include "app/threads.h"
#include "net/papers.h"
#include "pipeline/ask.h"

enum {
    FRONTS_MAX = 16,
    RETIRED_MAX = 1024,
};

struct front_loop {
    struct loop loop;
    struct front *front;
};

struct papers_loop {
    struct loop loop;
    struct papers *papers;
};

struct retired {
    struct settings *settings;
    struct texts *texts;
};

struct gateway {
    struct settings_source source;
    struct settings *settings;
    struct texts *texts;
    struct retired retired[RETIRED_MAX]; /* calls in flight may still name them: kept to the end */
    size_t n_retired;

    struct real_clock clock;
    struct log log;
    struct meters meters;
    struct world world;
    struct master_key master;
    int lock_fd, signal_fd;

    struct db *db;
    struct membership member;
    struct core_mail mail;
    struct mailbox *replies[FRONTS_MAX], *reloaded, *pull_replies;
    struct core *core;

    struct journal_loop journal;
    struct checkpoint_loop checkpoint;
    struct sender_loop senders[CORE_SENDERS_MAX];
    struct core_loop core_loop;
    struct front_loop fronts[FRONTS_MAX];
    struct doors *doors;
    struct puller *puller; /* where a lane has something fetched */
    struct papers *papers;
    struct papers_loop papers_loop;
    struct sharing_loop sharing; /* without a Redis: nothing */
    unsigned n_fronts, n_senders;
    struct ask reload;
    bool reloading, reload_again; /* again: asked for while it was under way */
    bool clock_told;
};

/* Once the settings have something fetched, and there is no puller yet: makes one. ERR_OUTSIDE. */
MUST_USE bool gateway_open_puller(struct gateway *g, struct err *e);
/* Starts its thread, if there is a puller whose thread does not run. ERR_OUTSIDE. */
MUST_USE bool gateway_start_puller(struct gateway *g, struct err *e);

/* Loads the settings again and offers them to fronts, doors, the puller and the core; those with errors are
 * refused, and logged. While the core has not answered to the ones before, it is put off: reload_again. */
void gateway_reload(struct gateway *g);
/* Looks whether the core has answered. */
void gateway_reloaded(struct gateway *g);

#endif
