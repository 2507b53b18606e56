/* What is kept of lanes on trial over a restart: what was counted, and that they were taken out. */
#include "pipeline/core_parts.h"

#include "base/clock.h"
#include "store/trials.h"

/* What a kill may lose of the counts. */
static const int64_t keep_every_us = 5 * US_PER_S;

static struct trial_write *new_write(enum trial_act act) {
    struct trial_write *t = calloc(1, sizeof *t + (act == TRIAL_READ ? ROUTES_MAX : 0) * sizeof t->rows[0]);
    ASSERT(t);
    t->write.run = trials_run;
    t->act = act;
    return t;
}

void core_trial_keep(struct core *c, const struct route_rule *route) {
    struct canary *of = &c->canaries[route - c->settings->routes];
    if (c->trials.reading || c->trials.unread || (!of->out && c->now < of->kept_at + keep_every_us))
        return; /* what is on disk is not to be lost */
    of->kept_at = c->now;
    BUF_AUTO struct buf counts = BUF_INIT(TRIAL_COUNTS_MAX);
    struct trial_write *t = new_write(TRIAL_PUT);
    t->row.out = of->out;
    canary_print(of, &counts);
    snprintf(t->row.counts, sizeof t->row.counts, "%.*s", SV_FMT(buf_sv(&counts)));
    memcpy(t->row.route, route->name, sizeof t->row.route);
    snprintf(t->row.canary, sizeof t->row.canary, "%.*s", SV_FMT(route->canary_text));
    core_write(c, FOR_TRIAL, &t->write, NULL);
}

/* What other nodes have taken out. */
void core_trials_look(struct core *c) {
    c->trials.unread |= c->route_canaries && !c->trials.reading;
}

/* Asked for again with each reload: what the settings no longer say is forgotten. */
void core_ask_for_trials(struct core *c) {
    if (!c->trials.unread || c->trials.reading || c->now < c->trials.ask_at)
        return;
    c->trials.reading = true;
    c->trials.unread = false;
    core_write(c, FOR_TRIAL, &new_write(TRIAL_READ)->write, NULL);
}

static void apply(struct core *c, const struct trial_row *r) {
    const struct settings *s = c->settings;
    for (uint32_t i = 0; i < s->n_routes; i++) {
        const struct route_rule *route = &s->routes[i];
        if (strcmp(route->name, r->route) != 0)
            continue;
        if (route->canary_permille && sv_eq(route->canary_text, sv_of(r->canary))) {
            struct canary *of = &c->canaries[i];
            if (r->out && !of->out && c->gossip.begun)
                log_warn(c->world->log, "route.canary_out", kv_name("route", route->name),
                         kv_name("lane", c->lanes[route->canary]->config->name), kv_name("why", "told"));
            of->out |= r->out;
            if (of->turned_at == 0) /* nothing was counted since */
                (void)canary_parse(sv_of(r->counts), of);
            return;
        }
    }
    struct trial_write *t = new_write(TRIAL_FORGET);
    t->row = *r;
    core_write(c, FOR_TRIAL, &t->write, NULL);
}

static bool is_out_on_disk(const struct trial_write *t, const struct route_rule *route) {
    for (size_t i = 0; i < t->n; i++)
        if (t->rows[i].out && strcmp(t->rows[i].route, route->name) == 0 &&
            sv_eq(route->canary_text, sv_of(t->rows[i].canary)))
            return true;
    return false;
}

/* Taken out while the rows were read, when nothing is kept. */
static void keep_outs(struct core *c, const struct trial_write *t) {
    for (uint32_t i = 0; c->route_canaries && i < c->settings->n_routes; i++) {
        const struct route_rule *route = &c->settings->routes[i];
        if (route->canary_permille && c->canaries[i].out && !is_out_on_disk(t, route))
            core_trial_keep(c, route);
    }
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
        if (w->job.result == JOB_DONE)
            keep_outs(c, t);
    }
}

void core_report_routes(struct core *c, struct ask *a) {
    const struct settings *s = c->settings;
    for (uint32_t i = 0; i < s->n_routes && a->n_routes < a->routes_max; i++) {
        struct route_report *r = &a->routes[a->n_routes++];
        memcpy(r->name, s->routes[i].name, sizeof r->name);
        if (!s->routes[i].canary_permille)
            continue;
        memcpy(r->canary, c->lanes[s->routes[i].canary]->config->name, sizeof r->canary);
        r->permille = s->routes[i].canary_permille;
        r->out = c->canaries[i].out;
        r->own = canary_window(&c->canaries[i], 1);
        r->others = canary_window(&c->canaries[i], 0);
    }
    core_answer(c, a, ASK_DONE);
}
