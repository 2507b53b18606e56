/* What would become of a message that is not there: the decisions of the core in their order, each told by
 * one function. They look at copies, or through what only reads; nothing is stored or counted. */
#include "pipeline/core_parts.h"

#include "base/clock.h"
#include "model/sender_kind.h"
#include "provider/view.h"

#include <stdarg.h>

__attribute__((format(printf, 2, 3))) static void say(struct explain_step *s, const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(s->text, sizeof s->text, format, args);
    va_end(args);
}

struct explaining {
    struct core *c;
    const struct ask *ask;
    const struct message *m;
    struct explain *x;
    struct choice choice;
    int64_t quiet_until; /* 0: it is not held back by quiet hours */
    int64_t at;          /* when lanes are looked at: not before its send_at, nor before their end */
};

/* ---- the steps ---- */

static void explain_rates(struct explaining *e, struct explain_step *s) {
    const struct settings *set = e->c->settings;
    struct limit_subject subject = core_subject(e->ask, e->m);
    say(s, "%s", set->limits.n_rates ? "no rate is used up" : "no rates are configured");
    for (uint32_t i = 0; i < set->limits.n_rates; i++) {
        struct explain_rate *r = &e->x->rates[e->x->n_rates++];
        struct limit_answer a;
        snprintf(r->text, sizeof r->text, "%.*s", SV_FMT(set->limits.rates[i].text));
        r->applies = limits_look(e->c->limits, &set->limits.rates[i], &subject, e->x->at, &a);
        r->left = a.left;
        if (!r->applies || a.left)
            continue;
        r->free_at = e->x->at + a.wait_us;
        s->says = EXPLAIN_REFUSES;
        if (s->until < r->free_at) {
            s->until = r->free_at;
            say(s, "the limit `%s` is reached", r->text);
        }
    }
}

static void explain_country(struct explaining *e, struct explain_step *s) {
    if (core_guard_allows(e->c, e->ask, e->m)) {
        say(s, "the account may send to the country of the number");
        return;
    }
    s->says = EXPLAIN_STOPS;
    s->reason = REASON_COUNTRY_NOT_ALLOWED;
    say(s, "the account may not send to the country of the number%s",
        e->ask->countries ? " (see /v1/fraud/countries)" : "");
}

static void explain_fraud(struct explaining *e, struct explain_step *s) {
    struct guard_flag flag;
    bool hold;
    if (!core_guard_flagged(e->c, e->m, &flag, &hold)) {
        say(s, "%s", e->c->guard ? "its prefix is not flagged" : "no bursts or conversions are watched");
        return;
    }
    s->says = hold ? EXPLAIN_WAITS : EXPLAIN_STOPS;
    s->reason = hold ? REASON_FRAUD_HOLD : REASON_PREFIX_BLOCKED;
    say(s, "the prefix %s is flagged: %s", flag.prefix, guard_why_name(flag.why));
    if (hold)
        e->x->expected = (struct expectation){.reason = REASON_FRAUD_HOLD, .waiting_for = "fraud_hold"};
}

/* Both are counted on disk: the asker looks there. */
static void explain_duplicates(struct explaining *e, struct explain_step *s) {
    e->x->duplicates = s;
    say(s, "%s",
        e->c->settings->limits.duplicates.n ? "no window of duplicates is for it"
                                            : "no windows of duplicates are configured");
}

static void explain_caps(struct explaining *e, struct explain_step *s) {
    e->x->caps = s;
    say(s, "%s",
        e->c->settings->limits.caps.n ? "no frequency cap is for it" : "no frequency caps are configured");
    e->x->tally = core_tally_of(e->c, e->m, e->at, false);
}

static void explain_schedule(struct explaining *e, struct explain_step *s) {
    if (e->m->send_at <= e->x->at) {
        say(s, "to be sent at once");
        return;
    }
    s->says = EXPLAIN_WAITS;
    s->reason = REASON_SCHEDULED;
    s->until = e->m->send_at;
    say(s, "not before its send_at; what follows is reckoned for then, with the lanes as they stand now");
}

static void explain_quiet(struct explaining *e, struct explain_step *s) {
    if (!e->quiet_until) {
        say(s, "%s", e->c->quiet ? "it is not quiet there then" : "no quiet hours are configured");
        return;
    }
    s->says = EXPLAIN_WAITS;
    s->reason = REASON_QUIET_HOURS;
    s->until = e->quiet_until;
    say(s, "quiet hours of its recipient; what follows is reckoned for their end");
}

static void explain_route(struct explaining *e, struct explain_step *s) {
    struct core *c = e->c;
    const struct settings *set = c->settings;
    struct explain *x = e->x;
    if (e->choice.all) {
        say(s, "no routes are configured: every lane, in the order of the settings");
        return;
    }
    struct route_query q = core_route_query(c, e->m);
    bool taken = false;
    for (uint32_t i = 0; i < set->n_routes && x->n_routes < x->routes_max; i++) {
        struct explain_route *r = &x->routes[x->n_routes++];
        memcpy(r->name, set->routes[i].name, sizeof r->name);
        r->misfits = route_misfits(c->routes, i, &q);
        r->taken = &set->routes[i] == e->choice.route;
        r->hidden = taken && !r->misfits;
        taken |= r->taken;
    }
    if (e->choice.route) {
        say(s, "route `%s`", e->choice.route->name);
        return;
    }
    s->says = EXPLAIN_WAITS;
    s->reason = REASON_NO_ROUTE;
    say(s, "none of %u routes is for it", set->n_routes);
}

static void explain_canary(struct explaining *e, struct explain_step *s) {
    const struct route_rule *r = e->choice.route;
    if (!r || !r->canary_permille) {
        say(s, "no lane is on trial on its route");
        return;
    }
    const struct canary *t = &e->c->canaries[r - e->c->settings->routes];
    const char *name = e->c->lanes[r->canary]->config->name;
    if (t->out)
        say(s, "`%s` was on trial and is taken out of the route", name);
    else if (e->choice.order.canary)
        say(s, "this recipient is among those (%u of 1000) that lane `%s` is tried with", r->canary_permille,
            name);
    else
        say(s, "this recipient is not among those (%u of 1000) that lane `%s` is tried with",
            r->canary_permille, name);
}

static void sender_of(const struct explaining *e, const struct lane_config *lane, struct explain_lane *out) {
    struct sv name = e->m->text[TEXT_FROM], pooled = core_sender(e->c, lane, e->m);
    const struct route_rule *route = e->choice.route;
    out->sender_of = "message";
    if (!name.n) {
        name = pooled.n ? pooled : lane->from;
        out->sender_of = pooled.n && route && route->senders.n ? "route" : "lane";
    }
    if (!name.n)
        out->sender_of = NULL;
    snprintf(out->sender, sizeof out->sender, "%.*s", SV_FMT(name));
}

static uint32_t place_of(const struct explaining *e, size_t lane) {
    if (e->choice.all)
        return (uint32_t)lane + 1;
    for (uint32_t k = 0; k < e->choice.order.n; k++)
        if (e->choice.order.lanes[k] == lane)
            return k + 1;
    return 0;
}

static void look_at_lanes(struct explaining *e) {
    struct core *c = e->c;
    for (size_t i = 0; i < c->n_lanes; i++) {
        struct explain_lane *out = &e->x->lanes[e->x->n_lanes++];
        const struct lane_config *config = c->lanes[i]->config;
        struct lane copy = *c->lanes[i]; /* the senders of its quota are shared, and only read */
        out->report = lane_report_of(&copy, e->at);
        out->place = place_of(e, i);
        out->on_route = out->place != 0;
        out->canary = e->choice.route && e->choice.route->canary_permille && e->choice.route->canary == i;
        out->refused = core_refused(e->c, e->choice.route, e->m, config);
        out->expected = core_expect_of_lane(c->lanes[i], core_load_of(c, config, e->m), e->at);
        sender_of(e, config, out);
        char region[3];
        out->priced = core_price(c, config, e->m, &out->price, region);
        snprintf(out->currency, sizeof out->currency, "%.*s", SV_FMT(config->currency));
    }
}

/* The lane that would take it; NULL: none does now. */
static const struct explain_lane *taker(const struct explain *x) {
    const struct explain_lane *first = NULL;
    for (size_t i = 0; i < x->n_lanes; i++) {
        const struct explain_lane *l = &x->lanes[i];
        bool takes = l->place && l->refused == REASON_NONE && l->expected.reason == REASON_NONE;
        if (takes && (!first || l->place < first->place))
            first = l;
    }
    return first;
}

static void explain_lanes(struct explaining *e, struct explain_step *s) {
    struct core *c = e->c;
    look_at_lanes(e);
    const struct explain_lane *l = taker(e->x);
    if (l && !c->draining) {
        say(s, "lane `%s`, number %u in its order", l->report.name, l->place);
        return;
    }
    s->says = EXPLAIN_WAITS;
    /* That of the lane which opens first, as a message that waits tells it. */
    bool told = e->x->expected.reason != REASON_NONE;
    s->reason = told ? e->x->expected.reason : core_why_waiting(c, e->m);
    s->until = e->x->expected.at;
    say(s, "%s",
        c->draining                          ? "the gateway is stopping"
        : !e->choice.all && !e->choice.route ? "there is no route to take one of"
        : e->x->expected.kind == EXPECT_UNKNOWN
            ? "no lane takes it now, nor, as far as is known, before it expires"
            : "no lane takes it now");
}

static void explain_sender(struct explaining *e, struct explain_step *s) {
    const struct explain_lane *l = taker(e->x);
    if (!l)
        say(s, "chosen with the lane");
    else if (!l->sender_of)
        say(s, "the provider's own");
    else
        say(s, "`%s` (%s), out of the %s", l->sender, sender_kind_name(sender_kind_of(sv_of(l->sender))),
            l->sender_of);
}

static void explain_price(struct explaining *e, struct explain_step *s) {
    const struct explain_lane *l = taker(e->x);
    struct buf BUF_AUTO text = BUF_INIT(64);
    size_t too_dear = 0;
    for (size_t i = 0; i < e->x->n_lanes; i++)
        too_dear += e->x->lanes[i].place && e->x->lanes[i].refused == REASON_PRICE_CEILING;
    if (!l && too_dear) {
        s->says = EXPLAIN_WAITS;
        s->reason = REASON_PRICE_CEILING;
        price_print(core_max_price(e->choice.route, e->m), &text);
        say(s, "%zu of its lanes cost more than %.*s, or have no price", too_dear, SV_FMT(buf_sv(&text)));
    } else if (l && l->priced) {
        price_print(l->price, &text);
        say(s, "%.*s %s by lane `%s`", SV_FMT(buf_sv(&text)), l->currency, l->report.name);
    } else {
        say(s, "%s", l ? "its lane has no price for it" : "known with the lane");
    }
}

/* What was spent is counted on disk, too. */
static void explain_spend(struct explaining *e, struct explain_step *s) {
    const struct explain_lane *l = taker(e->x);
    const struct sv_list *rules = &e->c->settings->limits.spend;
    e->x->spend = s;
    say(s, "%s", rules->n ? "no ceiling of a day is for it" : "no ceilings of a day are configured");
    if (!rules->n || !l || !l->priced)
        return;
    e->x->spend_max = spend_max(rules, core_account_name(e->c, e->m->account_id), sv_of(l->currency));
    e->x->spend_price = l->price;
    memcpy(e->x->spend_currency, l->currency, sizeof e->x->spend_currency);
}

static void explain_queue(struct explaining *e, struct explain_step *s) {
    uint32_t ahead = e->x->ahead;
    if (!ahead) {
        say(s, "nothing is before it");
        return;
    }
    /* Those before it may wait for other lanes, or for a route. */
    bool waits = e->x->expected.kind == EXPECT_UNKNOWN || e->x->expected.at > e->at;
    if (waits) {
        s->says = EXPLAIN_WAITS;
        s->reason = REASON_LANE_FULL;
        s->until = e->x->expected.at;
    }
    say(s, "%s%u message%s of its priority, or more urgent, due before it%s",
        e->x->ahead_more ? "at least " : "", ahead, ahead == 1 ? "" : "s",
        waits ? "" : ", which it need not wait for");
}

static const struct {
    const char *name;
    void (*run)(struct explaining *e, struct explain_step *s);
} steps[] = {
    {"rates", explain_rates},       {"country", explain_country},   {"fraud", explain_fraud},
    {"schedule", explain_schedule}, {"quiet_hours", explain_quiet}, {"duplicates", explain_duplicates},
    {"caps", explain_caps},         {"route", explain_route},       {"canary", explain_canary},
    {"lanes", explain_lanes},       {"sender", explain_sender},     {"price", explain_price},
    {"spend", explain_spend},       {"queue", explain_queue},
};

void core_explain(struct core *c, struct ask *a) {
    struct explain *x = a->explain;
    struct explaining e = {.c = c, .ask = a, .m = a->about, .x = x};
    core_know_account(c, e.m->account_id, a->account_name);
    if (x->at < c->now)
        x->at = c->now;
    e.at = e.m->send_at > x->at ? e.m->send_at : x->at;
    e.quiet_until = core_quiet_until(c, e.m, e.at);
    if (e.quiet_until)
        e.at = e.quiet_until;
    core_choose(c, e.m, &e.choice);
    x->exempt = core_is_exempt(c, e.m);
    x->needs_consent = core_needs_consent(c, e.m);
    x->expected = core_expect(c, e.m, e.at, e.at > x->at ? 0 : x->ahead, x->ahead_more);
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++)
        steps[i].run(&e, explain_add(x, steps[i].name));
    core_answer(c, a, ASK_DONE);
}
