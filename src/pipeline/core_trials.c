/* What is kept of lanes on trial over a restart: that they were taken out. Counts begin anew. */
#include "pipeline/core_parts.h"

#include "store/trials.h"

static struct trial_write *new_write(enum trial_act act) {
    struct trial_write *t = calloc(1, sizeof *t + (act == TRIAL_READ ? ROUTES_MAX : 0) * sizeof t->rows[0]);
    ASSERT(t);
    t->write.run = trials_run;
    t->act = act;
    return t;
}

static void record(struct core *c, struct trial_write *t) {
    struct work *w = core_work(c, FOR_TRIAL, JOB_WRITE, NULL);
    w->own = w->job.write = &t->write;
    core_record(c, w);
}

void core_trial_out(struct core *c, const struct route_rule *route) {
    struct trial_write *t = new_write(TRIAL_OUT);
    memcpy(t->row.route, route->name, sizeof t->row.route);
    snprintf(t->row.canary, sizeof t->row.canary, "%.*s", SV_FMT(route->canary_text));
    record(c, t);
}

/* Asked for again with each reload: what the settings no longer say is forgotten. */
void core_ask_for_trials(struct core *c) {
    if (!c->trials.unread || c->trials.reading || c->now < c->trials.ask_at)
        return;
    c->trials.reading = true;
    c->trials.unread = false;
    record(c, new_write(TRIAL_READ));
}

static void apply(struct core *c, const struct trial_row *r) {
    const struct settings *s = c->settings;
    for (uint32_t i = 0; i < s->n_routes; i++) {
        const struct route_rule *route = &s->routes[i];
        if (strcmp(route->name, r->route) != 0)
            continue;
        if (route->canary_permille && sv_eq(route->canary_text, sv_of(r->canary))) {
            c->canaries[i].out = true;
            return;
        }
    }
    struct trial_write *t = new_write(TRIAL_FORGET);
    t->row = *r;
    record(c, t);
}

/* What could not be kept: at worst a restart tries the lane once more. */
void core_trial_done(struct core *c, struct work *w) {
    const struct trial_write *t = w->own;
    if (t->act == TRIAL_READ) {
        c->trials.reading = false;
        if (w->job.result != JOB_DONE) {
            c->trials.unread = true;
            c->trials.ask_at = c->now + RETRY_SCAN_US;
        }
        for (size_t i = 0; w->job.result == JOB_DONE && i < t->n; i++)
            apply(c, &t->rows[i]);
    }
}
