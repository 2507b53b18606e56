/* What nodes count that no rule of Redis has to answer for at once: each tells the others once a second what
 * it counted of lanes on trial and for the fraud guard, in lines of a row of the database, and counts what
 * they told beside its own. What follows from counts (a lane is out, a prefix is flagged or released) is a
 * row of its own, read again every other second. A lone gateway, and nodes with neither in use, do none of
 * this.
 *
 * Lines: `R KEY WHICH n failed timed log_sum log_squares` of a trial, `T KEY n 0` of texts, `C KEY n good` of
 * codes; keys are hashes by the installation's key, in hexadecimal. Others are of a newer program, and
 * skipped.
 */
#include "pipeline/core_parts.h"

#include "base/clock.h"

#include <inttypes.h>
#include <math.h>

enum { EVERY_US = 1000 * 1000, LOOK_ROUNDS = 2, COUNTS_MAX = 256, LINE_MAX = 160 };

static bool has_room(const struct buf *b) {
    return b->n + LINE_MAX < GOSSIP_BODY_MAX;
}

static void print_trials(struct core *c, struct buf *out) {
    for (uint32_t i = 0; c->route_canaries && i < c->settings->n_routes; i++)
        for (int which = 0; which < 2; which++) {
            struct trial_count t;
            if (!has_room(out) || !core_trial_untold(c, i, which, &t))
                continue;
            buf_addf(out, "R %" PRIx64 " %d %u %u %u %.17g %.17g\n", t.key, t.which, t.sample.n,
                     t.sample.failed, t.sample.timed, t.sample.log_sum, t.sample.log_squares);
        }
}

/* Nobody is there to be told. */
static void forget_trials(struct core *c) {
    struct trial_count ignored;
    for (uint32_t i = 0; c->route_canaries && i < c->settings->n_routes; i++)
        for (int which = 0; which < 2; which++)
            (void)core_trial_untold(c, i, which, &ignored);
}

static void print_guard(struct core *c, struct buf *out) {
    struct guard_count counts[COUNTS_MAX];
    size_t n = COUNTS_MAX < (GOSSIP_BODY_MAX - out->n) / LINE_MAX ? COUNTS_MAX
                                                                  : (GOSSIP_BODY_MAX - out->n) / LINE_MAX;
    n = core_guard_untold(c, counts, n);
    for (size_t i = 0; i < n; i++)
        buf_addf(out, "%c %" PRIx64 " %.0f %.0f\n", counts[i].codes ? 'C' : 'T', counts[i].key,
                 (double)counts[i].n, (double)counts[i].good);
}

/* What was told before this process is in what it has read. */
static void hear_from_now(struct core *c) {
    for (size_t i = 0; i < GOSSIP_NODES; i++)
        c->gossip.heard[i] = c->now;
}

void core_gossip_turn(struct core *c) {
    if (!c->world->node || c->gossip.asking || c->now < c->gossip.at)
        return;
    if (c->gossip.at == 0)
        hear_from_now(c);
    c->gossip.at = c->now + EVERY_US;
    bool guard = core_guard_tells(c, c->nodes.alive), trials = core_trials_tell(c);
    if (c->nodes.alive == 1)
        forget_trials(c);
    if (c->nodes.alive < 2 || (!guard && !trials))
        return;
    if (c->gossip.rounds++ % LOOK_ROUNDS == 0) {
        if (trials)
            core_trials_look(c);
        if (guard)
            core_guard_look(c);
    }
    struct gossip_write *g = calloc(1, sizeof *g);
    ASSERT(g);
    BUF_AUTO struct buf body = BUF_INIT(GOSSIP_BODY_MAX);
    print_trials(c, &body);
    print_guard(c, &body);
    g->write.run = gossip_run;
    g->node = c->world->node;
    g->slot = c->gossip.slot;
    g->told_at = c->now;
    memcpy(g->after, c->gossip.heard, sizeof g->after);
    g->n_body = body.n;
    if (body.n) {
        memcpy(g->body, buf_sv(&body).p, body.n);
        c->gossip.slot = (c->gossip.slot + 1) % GOSSIP_SLOTS;
    }
    c->gossip.asking = true;
    core_write(c, FOR_GOSSIP, &g->write, NULL);
}

static void hear(struct core *c, const char *line) {
    struct trial_count t = {0};
    struct guard_count u = {0};
    struct canary_sample *s = &t.sample;
    if (sscanf(line, "R %" SCNx64 " %d %u %u %u %lf %lf", &t.key, &t.which, &s->n, &s->failed, &s->timed,
               &s->log_sum, &s->log_squares) == 7 &&
        (t.which == 0 || t.which == 1) && isfinite(s->log_sum) && isfinite(s->log_squares))
        core_trial_hear(c, &t);
    u.codes = line[0] == 'C';
    if ((line[0] == 'T' || u.codes) && sscanf(line + 1, "%" SCNx64 " %f %f", &u.key, &u.n, &u.good) == 3 &&
        u.n > 0 && u.n < 1e9F && u.good >= 0 && u.good <= u.n)
        core_guard_hear(c, &u);
}

/* What could not be told is counted here only. */
void core_gossip_done(struct core *c, struct work *w) {
    const struct gossip_write *g = w->own;
    c->gossip.asking = false;
    if (w->job.result != JOB_DONE)
        return;
    memcpy(c->gossip.heard, g->heard_until, sizeof c->gossip.heard);
    struct sv rest = sv_make(g->heard, g->n_heard);
    while (rest.n) {
        struct sv line = sv_cut(&rest, '\n');
        char text[LINE_MAX];
        snprintf(text, sizeof text, "%.*s", SV_FMT(line));
        hear(c, text);
    }
    c->gossip.begun = true;
}
