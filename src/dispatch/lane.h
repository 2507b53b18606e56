/* lane: one provider account as it stands now: calls in flight, rates, quotas, pauses, the breaker.
 *
 * A lane lets calls through while it is not broken, not paused, has room in its window, and neither a rate
 * nor a quota (dispatch/quota) is used up: the units (messages, or segments where the provider counts those)
 * of attempts begun hold to every rate in every interval of it, and to every quota in its day and month.
 * After a DOWN hint it is closed for a while that doubles each time, then lets one call through as a probe; a
 * good answer opens it wide. BROKEN (credentials, account) stays until the settings are loaded again. Pure:
 * the time is handed in.
 */
#ifndef HY_DISPATCH_LANE_H
#define HY_DISPATCH_LANE_H

#include "base/window.h"
#include "dispatch/flow.h"
#include "dispatch/health.h"
#include "dispatch/pace.h"
#include "dispatch/quota.h"
#include "model/lane.h"
#include "model/message.h"
#include "model/verdict.h"

struct lane {
    const struct lane_config *config;
    int64_t account; /* hash of what names the provider account, never 0 */
    uint32_t in_flight;
    uint32_t strikes; /* DOWN hints in a row */
    uint32_t downs;   /* times closed since the last good answer; while not 0, one call at a time */
    int64_t paused_until;
    bool broken;
    struct lane_rate { /* a rate of its own copy: it outlives settings */
        uint32_t max;
        int64_t period_us;
        struct window begun;
        bool unread; /* what it counted before is not here yet */
    } rates[LANE_RATES_MAX];
    uint32_t n_rates;
    struct quota quota;
    bool quota_unread;
    bool state_unread;                    /* how the breaker stood before this process is not here yet */
    bool kept_trouble;                    /* on disk it is not closed */
    bool unread, reading;                 /* some of this is on disk yet; has been asked for */
    struct window polls;                  /* questions after receipts that did not come */
    uint32_t wanted;                      /* units that last found no room in a rate */
    struct pace pace;                     /* where its rate is to be learned */
    int64_t kept_good, kept_bad, kept_at; /* of that, as it is on disk */
    struct flow flow;                     /* where the settings let the window adapt */
    struct health health;
    struct lane_standing standing; /* of that, as it is on disk */
    int64_t stood_at;              /* when that was looked at last */
    struct lane_shared {
        uint32_t parts;       /* gateways; 0 or 1: no other */
        bool together;        /* they count for each other, in slices */
        bool stale;           /* settings or what is recalled have changed since */
        uint32_t units;       /* of the slice, not begun */
        int64_t until;        /* its end */
        uint32_t size;        /* of the next */
        uint32_t short_of;    /* units that found no slice; 0: none did */
        int64_t retry_at;     /* the next is not asked for before that */
        int64_t used_up_at;   /* until then a quota is used up by others */
        int64_t told_epoch;   /* the core's: in which its quotas are known to everybody */
        int64_t counted_at;   /* the core's: the slice, by the others' clock */
        int64_t tell_at;      /* the core's: its quotas are told and asked again */
        bool asking;          /* the core's */
        int64_t look_at;      /* the core's: the others are asked then whether they have closed it */
        int64_t closed_until; /* by calls of our own */
        int64_t slowed_until; /* the provider told a call of ours to wait */
    } shared;
    int64_t looked_at;          /* when it was last looked at, for lane_health */
    struct lane_meters *meters; /* the world's; NULL: nobody counts */
};

/* All zero is a lane without settings; free what it holds. */
void lane_done(struct lane *l);

/* What an attempt for m costs of the lane's rates and quotas. */
struct lane_load lane_load_of(const struct lane_config *config, const struct message *m);
/* Is what it begins counted, and so to be kept over restarts? */
bool lane_counts(const struct lane_config *config);

/* May one more call start now, of that load (a look-up: none)? */
bool lane_is_open(struct lane *l, struct lane_load load, int64_t now);
/* Why not, when it is not; REASON_NONE when open. */
enum reason lane_reason(struct lane *l, struct lane_load load, int64_t now);
/* When a quota or the warm-up lets the load go, where that is what it waits for; 0: it waits for something
 * else, or for nothing. */
int64_t lane_quota_opens_at(struct lane *l, struct lane_load load, int64_t now);
/* How many calls may be in flight. */
uint32_t lane_window(const struct lane *l);
/* How well it serves, from 0 (not at all) to 1, as of the latest call, receipt or lane_look. At most a half
 * while the breaker tries it with one call at a time. */
double lane_health(struct lane *l);
void lane_look(struct lane *l, int64_t now);
/* A receipt said how a message ended that it had sent. */
void lane_receipt(struct lane *l, bool delivered, int64_t now);
void lane_begin(struct lane *l, struct lane_load load, int64_t now);
/* What was begun at `then` did not come to be. */
void lane_take_back(struct lane *l, struct lane_load load, int64_t then);
/* A lane that is new here, or counts by something new, is closed (`unread`) until what it began before is
 * counted, by the minute, oldest first, and lane_read says that this is all. For its rates the minute is over
 * when it ended (or now): never more than may be. */
void lane_recall(struct lane *l, uint32_t units, int64_t minute_at, int64_t now);
void lane_recall_sender(struct lane *l, struct sv sender, int64_t first_at, int64_t last_at, uint32_t units);
void lane_read(struct lane *l);
/* A lane that is new in this process: closed until it is read. */
void lane_start(struct lane *l);
/* How its breaker stood when a process before ended; only after lane_start. A lane that was broken is tried
 * once, by one call: a person may have mended the account meanwhile. */
void lane_resume(struct lane *l, bool broken, uint32_t downs, int64_t until, int64_t now);
/* What its pace had learned. */
void lane_resume_pace(struct lane *l, int64_t good, int64_t bad);
/* Has it learned something worth keeping since it was kept last? Yes is said once. */
bool lane_wants_pace_kept(struct lane *l, int64_t now);
/* Does it stand otherwise than on disk? It is looked at every ten seconds, and when the provider asks it to
 * wait: then yes, and l->standing is what to keep. */
bool lane_wants_standing_kept(struct lane *l, int64_t now);
/* As it stood when a process before ended; only after lane_start, and before lane_resume. */
void lane_resume_standing(struct lane *l, const struct lane_standing *s, int64_t now);
/* Has what is on disk of the breaker to be written anew? Closed says that it closed to calls just now. Yes is
 * said once. */
bool lane_wants_keeping(struct lane *l, bool closed);
/* New settings; rates and quotas that stay keep what they have counted. */
void lane_configure(struct lane *l, const struct lane_config *config);
/* Nothing in flight, and nothing that a rate still counts. */
bool lane_is_fresh(const struct lane *l, int64_t now);
/* How long an attempt took that is about to be told by lane_end, and how it ended: what the window learns
 * from. */
void lane_timed(struct lane *l, const struct verdict *v, int64_t began_at, int64_t elapsed_us, int64_t now);
/* A call ended; v may be NULL when it said nothing about the lane. Returns true when the hint closed the lane
 * just now (worth a line in the log). */
bool lane_end(struct lane *l, const struct verdict *v, int64_t now);
/* May one more question after an overdue receipt start now? Whether it is open is asked apart. */
bool lane_may_poll(const struct lane *l, int64_t now);
void lane_polls(struct lane *l, int64_t now);
/* When one more may, as far as their rate goes. */
int64_t lane_may_poll_at(const struct lane *l, int64_t now);
/* When it makes sense to look again; 0: any time. */
int64_t lane_opens_at(const struct lane *l, int64_t now);

/* ---- together with other gateways ---- */

/* Calls of another gateway have closed it for so long from now: nothing where that is 0, or it is closed for
 * longer. */
void lane_closed_by_others(struct lane *l, int64_t for_us, int64_t now);

/* A call of another gateway was told by the provider to wait for so long from now: as if it were one of ours.
 */
void lane_slowed_by_others(struct lane *l, int64_t for_us, int64_t now);

/* Others begin by the same limits. Together, units are had in slices (lane_slice), which everybody counts and
 * which end soon; alone, each keeps to one part in `parts` of every rate, at least one unit, and of what its
 * quotas have left. To be called whenever it may have changed; it is cheap. */
void lane_share(struct lane *l, uint32_t parts, bool together, int64_t now);
/* How long a slice may last: what began with it begins no later than that after everybody counted it. */
int64_t lane_slice_us(const struct lane *l);
/* Units to ask for now, at most and at least; 0: none. */
uint32_t lane_slice_wanted(const struct lane *l, int64_t now, uint32_t *least);
/* Had until then. */
void lane_slice(struct lane *l, uint32_t units, int64_t until);
/* Not had; to be asked for again then. by_quota: others have used it up. */
void lane_slice_refused(struct lane *l, int64_t again_at, bool by_quota);
/* Units of a slice that has ended, and were not begun: they are the others' again. */
uint32_t lane_slice_rest(struct lane *l, int64_t now);

#endif
