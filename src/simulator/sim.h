/* sim: the simulated provider as a whole, shared by the files of this room and by nobody else: the state, and
 * the little that all of them need (clock, answers).
 *
 * One thread owns it and everything in it.
 */
#ifndef HY_SIMULATOR_SIM_H
#define HY_SIMULATOR_SIM_H

#include "net/client.h"
#include "net/server.h"
#include "simulator/sim_callbacks.h"
#include "simulator/sim_profile.h"
#include "simulator/sim_push.h"
#include "simulator/sim_receipts.h"
#include "simulator/sim_store.h"
#include "simulator/sim_timers.h"

#include <jansson.h>

enum {
    SIM_ACCOUNTS_MAX = 256,
    SIM_TOKEN_BYTES_MAX = 128,
    SIM_ANSWER_BYTES_MAX = 64 * 1024 * 1024,
    SIM_REFUSED_ONCE_MAX = 4096,
};

struct sim_account {
    char sid[SID_BYTES + 1];
    char token[SIM_TOKEN_BYTES_MAX + 1]; /* signs this account's callbacks */
};

/* Counters since start or the last reset; sim_control names each in /_sim/stats. */
struct sim_stats {
    uint64_t requests;      /* all but those to /_sim and / */
    uint64_t received;      /* create calls whose message was recorded */
    uint64_t unique;        /* of these, the first with its To and Body */
    uint64_t rejected;      /* create calls refused for what they said (4xx but 401 and 429) */
    uint64_t throttled;     /* 429 */
    uint64_t server_errors; /* 5xx */
    uint64_t auth_failures; /* 401 */
    uint64_t lost_answers, lost_requests, half_answers, silenced;
    uint64_t fetches, lists;
    uint64_t receipts_sent;   /* posts, doubles included; not repeated ones, not lies */
    uint64_t receipts_ok;     /* answered 2xx */
    uint64_t receipts_failed; /* answered otherwise, or given up */
    uint64_t receipts_retried;
    uint64_t receipts_dropped; /* too many waiting, or the message was forgotten first */
    uint64_t forged_sent;      /* lies: wrong signature or none */
    uint64_t forged_accepted;  /* lies that were answered 2xx */
    uint64_t replies_sent, replies_ok;
    uint64_t handed_out; /* receipts and replies that were kept, and asked for */
};

struct sim {
    struct profile profile, first_profile; /* now, and at start (reset returns to it) */
    struct prng dice;
    struct prng sids; /* of inbound texts: not the profile's, so that runs differ */
    struct store store;
    struct timers timers;
    struct receipts receipts;
    struct callbacks callbacks;
    struct server *server;
    struct client *client;
    struct sim_account accounts[SIM_ACCOUNTS_MAX];
    size_t n_accounts;
    bool fixed_account;      /* accounts[0] is the only one and its token is checked */
    struct map refused_once; /* hashes of texts that had their 429 */
    struct map nonces;       /* hashes of what may come once only; bounded */
    struct sim_push push;
    json_t *kept_replies; /* of tencent: an array, oldest first, each as it will be handed out; or NULL */
    int64_t rate_at;      /* GCRA: the theoretical arrival time */
    struct sim_stats stats;
    uint64_t generation; /* of resets: what was begun before does not count after */
    size_t held;         /* requests without an answer yet */
    int64_t clock_shift; /* wall clock minus monotonic, at start: so the clock never steps */
    struct buf out;      /* scratch for an answer's body */
    struct buf date;     /* the second date_s in Twilio's form */
    int64_t date_s;
    int epoll_fd;
};

/* Microseconds since 1970, never stepping back. */
int64_t sim_now(const struct sim *sim);

#endif
