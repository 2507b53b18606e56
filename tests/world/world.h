/* world: the real core, queue, dispatch, receipt and journal code in one thread, from one seed: a virtual
 * clock, a seeded scheduler, lanes that come and go by reloads, lying providers, callbacks nobody takes,
 * opt-outs at any time, a database that fails, mailboxes that are too small, stops, and a crash between any
 * two steps. One seed, one trace.
 *
 * In some seeds several processes, nodes, share the database: they are paused, cut off from it, lose their
 * leases, end and come anew, and what is for a message of one comes to another. Their clocks may differ.
 */
#ifndef HY_TESTS_WORLD_WORLD_H
#define HY_TESTS_WORLD_WORLD_H

#include "base/map.h"
#include "model/settings.h"
#include "model/world.h"
#include "pipeline/ask.h"
#include "pipeline/call.h"
#include "pipeline/core.h"
#include "provider.h"
#include "provider/adapter.h"
#include "store/journal.h"

enum {
    PROMISES_MAX = 2000,
    FLYING_MAX = 512,
    KEYS_MAX = 64,
    SETTINGS_KEPT = 64,
    EVENTS_MAX = 300,
    SIM_CODES_MAX = 200,
    WITHDRAWN_MAX = 300,
    PUSH_DEVICES = 4,
    PUSH_TOLD_MAX = 1000,
    PROCS_MAX = 3
};

/* What a client was told with a 2xx. */
struct promise {
    int64_t id;
    enum delivery delivery;
    int key; /* index of its idempotency key, or -1 */
    char body[64];
    int64_t expires_at;                             /* as asked for: counted from the moment it may be sent */
    bool alone;                                     /* when asked, no other request with its key was open */
    bool delete_asked, deleted, redacted, canceled; /* the last three: answered so */
};

/* A message that a later event withdrew, and when its sender was told. */
struct withdrawn {
    int64_t id, heard_at;
};

/* A one-time code that was begun, and what was heard of it. */
struct sim_code {
    int64_t id;
    char code[CODE_CHARS_MAX + 1], to[24];
    uint32_t attempts;
    bool taken;
};

/* A device that the provider called dead, in the answer to that attempt. */
struct push_told {
    int64_t message_id, since; /* 0: now */
    unsigned attempt, device;
    bool heard; /* the answer is on disk */
};

/* A call at a sender. */
struct flying {
    struct call *call;
    bool answered;          /* and judged; the core has not heard of it yet */
    int64_t since, back_at; /* the latter: campaigns' */
    struct http_request request;
    struct arena mem;
};

/* One process. */
struct proc {
    struct sim *sim;
    struct meters meters;
    struct world world;
    struct journal *journal;
    struct core *core;
    struct core_mail mail;
    struct mailbox *replies;
    struct flying flying[FLYING_MAX];
    size_t n_flying;
    int64_t core_wants_at;
    int64_t opened_at; /* this process */
    bool draining;
    unsigned drained_for;        /* steps */
    unsigned key_open[KEYS_MAX]; /* requests with that key that this process has not answered */

    struct node_self self; /* where there are several */
    struct lease lease;
    int64_t skew_us; /* of its clock */
    int64_t paused_until;
    bool cut; /* from the database */

    struct {
        int64_t closed_at; /* by its breaker, as it was seen first; 0: it is not */
        uint32_t in_flight;
    } breakers[HOSTS];
};

struct sim {
    uint64_t seed, state;
    int64_t now;
    uint64_t trace; /* hash of all that happened */
    bool print;
    struct log log;
    struct proc procs[PROCS_MAX];
    unsigned n_procs;
    struct proc *p; /* whose step it is */
    bool skewed;
    bool plain; /* nothing is drawn by the seed but what a campaign draws */
    unsigned lost, left, pauses, cuts;
    /* Each reload makes new ones; the last are those in force. Those of before live as long as the process.
     */
    struct settings *settings[SETTINGS_KEPT];
    size_t n_settings;
    unsigned hosts; /* that a lane may be configured for */
    uint32_t windows[HOSTS];
    struct rate rates[HOSTS];         /* max 0: none */
    struct lane_config quotas[HOSTS]; /* of these only quota, warm-ups and time zone count */
    struct adapter adapter;           /* of every lane */
    bool batches;                     /* of this seed: it takes several messages at once */
    unsigned joined;                  /* calls that were for more than one */
    bool polls;                       /* of this seed: receipts that are overdue are asked for */
    int64_t mended_at;                /* since then everything works; 0: something stays broken */
    bool has_quotas;                  /* of this seed; then a midnight comes, and messages name senders */

    struct quiet_rule quiet[2]; /* of this seed: texts of a topic wait in these minutes */
    char quiet_texts[2][64];
    uint32_t n_quiet;
    struct tally_rule tallies[3]; /* likewise */
    uint32_t n_tallies;

    struct { /* the server that gateways share */
        bool away;
        int64_t epoch, born_at, hangs_until;
    } shared;

    struct db *db; /* survives crashes */
    struct provider provider;

    bool db_fails; /* now */
    bool calm;     /* but not for the oracle */
    unsigned fail_percent;
    unsigned client_fails; /* percent of status callbacks that are not taken */
    struct map hook_posts; /* the same of webhooks */
    struct map posts;      /* client_callback_key -> twice the times it was posted, and 1 when it was taken */

    struct promise promises[PROMISES_MAX];
    size_t n_promises;
    int64_t key_ids[KEYS_MAX];  /* the message each key made; 0: none yet */
    char key_texts[KEYS_MAX];   /* which of its texts the key came with first */
    int64_t events[EVENTS_MAX]; /* the id each was answered with; 0: none yet */
    size_t n_events;
    struct withdrawn withdrawn[WITHDRAWN_MAX];
    size_t n_withdrawn;
    struct sim_code codes[SIM_CODES_MAX];
    size_t n_codes;
    struct {
        bool dead[PUSH_DEVICES]; /* to the provider */
        int64_t since[PUSH_DEVICES];
        int64_t seen[PUSH_DEVICES];    /* by the gateway, at the last look; 0: not there */
        int64_t gone_at[PUSH_DEVICES]; /* when it was heard that it is dead, since when nobody has shown it */
        bool excused[PUSH_DEVICES];
        struct push_told told[PUSH_TOLD_MAX];
        size_t n_told;
    } push;
    int64_t digest_at; /* when fronts look again */
    unsigned submitted, crashes, stops, reloads, serial;
    char failure[400]; /* the first broken invariant, or "" */
};

void sim_open(struct sim *s, uint64_t seed, bool print);
/* One process, honest providers, no trouble, and the settings that make says. */
void sim_open_plain(struct sim *s, uint64_t seed, bool print,
                    void (*make)(struct sim *s, struct settings *set));
void sim_close(struct sim *s);
uint64_t sim_random(void *sim);
bool sim_chance(struct sim *s, unsigned percent);
/* A line of the trace. */
void sim_say(struct sim *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Invariant id is broken. */
void sim_broken(struct sim *s, const char *id, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Ends this process between two steps and begins the next; a crash also rolls back. */
void sim_restart(struct sim *s, const char *how);
/* Looks through the eyes of process i. */
void sim_turn_to(struct sim *s, unsigned i);
bool sim_is_paused(const struct sim *s);

/* lanes.c: settings and what happens to lanes. */
void lanes_init(struct sim *s);
struct settings *lanes_blank(void); /* without lanes */
/* Into settings that have room for it. */
struct lane_config *lanes_add(struct sim *s, struct settings *set, unsigned host);
void lanes_done(struct sim *s);
const struct settings *lanes_settings(const struct sim *s); /* in force */
void lanes_forget_old(struct sim *s);                       /* nobody refers to them any more */
/* A person changes the file and says so: lanes come, go and change places; whole: all of them are there. */
void lanes_reload(struct sim *s, bool whole);
/* The settings in force come to this process, too. Precondition: it has room for an ask. */
void lanes_tell(struct sim *s);
void lanes_trouble(struct sim *s); /* a provider locks the account, goes away, or comes back */
/* The sender that message number n names, where senders count. */
struct sv lanes_sender(const struct sim *s, unsigned n);
/* Is a lane of this name allowed one more call at the senders? */
void lanes_check_window(struct sim *s, const struct call *c);
/* After a turn of the core: which lanes their breakers have closed. */
void lanes_watch_breakers(struct sim *s);

/* batches.c: calls for several messages at once. */
void batches_init(struct sim *s);
/* Takes calls from a sender's mailbox, at most room, as they go out: those of one request chained. */
size_t batches_take(struct sim *s, struct mailbox *from, struct call **out, size_t room);

/* routes.c: which lanes a message may take. */
bool routes_has(const struct sim *s);
void routes_make(struct sim *s, struct settings *set, bool whole);
struct sv routes_account_name(void);                         /* of account 1 */
void routes_check_call(struct sim *s, const struct call *c); /* an attempt goes by its route */
void routes_check_flow(struct sim *s);                       /* closed lanes hold up nobody else's messages */

/* push.c: a contact's devices, and which of them are gone. */
bool sim_push_has(const struct sim *s);
void sim_push_open(struct sim *s); /* into the fresh database */
void sim_push_act(struct sim *s);
struct verdict sim_push_judge(const struct lane_config *lane, const struct http_response *r);
/* Answers for a device that is gone. */
bool sim_push_refuses(struct sim *s, const struct call *c, struct http_response *r);
void sim_push_answered(struct sim *s, const struct call *c, const struct http_response *r);
void sim_push_watch(struct sim *s); /* after each step of the journal */
void sim_push_check_call(struct sim *s, const struct call *c);

/* prices.c: what texts cost, and what the account may spend. */
void prices_make(const struct sim *s, struct settings *set);
void prices_check(struct sim *s); /* never more than that */
void prices_end(struct sim *s);   /* sums, attempts and the provider agree */

/* shared.c: rates and slices are counted by a server that others share. */
bool shared_has(const struct sim *s);
void shared_make(const struct sim *s, struct settings *set);
void shared_open(struct sim *s); /* of each process */
void shared_close(struct sim *s);
void shared_step(struct sim *s);

/* times.c: quiet hours, frequency caps and duplicate windows. */
void times_init(struct sim *s);
void times_make(const struct sim *s, struct settings *set);
void times_check(struct sim *s); /* no attempt began against them */

/* client.c: what callers do, are told, and hear by callbacks. */
void client_submit(struct sim *s);
void client_push(struct sim *s, struct sv to); /* a text for a device */
void client_command(struct sim *s);
void guard_make(const struct sim *s, struct settings *set);
void guard_command(struct sim *s);
void guard_check(struct sim *s); /* what is held is not sent */
void client_hear(struct sim *s);
void client_missed(struct sim *s, const struct call *c);
void client_callback(struct sim *s, const struct call *c, struct http_response *r);
/* Asks, and takes a over with what its owner points at. False: the core has no room, and a is freed. */
bool client_ask(struct sim *s, struct ask *a);
void client_forget(struct ask *a); /* nobody answers it */
uint64_t client_callback_key(int64_t id, unsigned event);

/* consent.c: numbers are put on the suppression list, and taken off. */
void consent_change(struct sim *s);
struct sv consent_topic(unsigned dice); /* of a message; the list's rows are for one of them, or for all */

/* hooks.c: what webhooks are told. */
bool hooks_has(const struct sim *s);
void hooks_open(struct sim *s); /* into the fresh database */
void hooks_settings(struct settings *set);
bool hooks_open_secret(void *ctx, struct sv sealed, char out[HOOK_SECRET_BYTES_MAX]);
void hooks_check_call(struct sim *s, const struct call *c);
void hooks_answer(struct sim *s, const struct call *c, struct http_response *r);
void hooks_change(struct sim *s);
void sim_hooks_end(struct sim *s); /* I10 */

/* events.c: business events, and what rules make of them. */
bool sim_events_has(const struct sim *s);
void sim_events_settings(struct settings *set);
void sim_events_post(struct sim *s);
void sim_events_digest(struct sim *s);
void sim_events_heard(struct sim *s, const struct ask *a);
void sim_events_check_call(struct sim *s, const struct call *c);
void sim_events_end(struct sim *s); /* I18 */

/* codes.c: one-time codes, and who guesses them. */
bool sim_codes_has(const struct sim *s);
void sim_codes_settings(struct settings *set);
void sim_codes_act(struct sim *s);
void sim_codes_heard(struct sim *s, const struct ask *a);
void sim_codes_check_call(struct sim *s, const struct call *c, struct sv request);
void sim_codes_end(struct sim *s); /* I13, I19 */

/* steps.c: what may happen next. */
void sim_step(struct sim *s);
void sim_settle(struct sim *s); /* no more trouble: run until nothing is due any more */
void sim_core_step(struct sim *s);
void sim_journal_step(struct sim *s);
void sim_sender_step(struct sim *s);
void sim_receipt_step(struct sim *s);
void sim_give_back(struct sim *s, size_t flying); /* its call is the core's again */

/* oracle.c: looks into the database. */
void oracle_call(struct sim *s,
                 const struct call *c); /* before the provider or client sees it: I3, I4, I7, I8 */
void oracle_stopped(struct sim *s);     /* a clean stop left nothing open */
void oracle_timely(struct sim *s);      /* none waits on past its validity */
void oracle_alive(struct sim *s);       /* nothing that is due is forgotten */
void oracle_end(struct sim *s);         /* I1, I2, I5, I6, I9, I10, I11 */
size_t oracle_history(struct sim *s, int64_t account_id, int64_t id,
                      struct event **out); /* the events of a message; the caller frees them */

#endif
