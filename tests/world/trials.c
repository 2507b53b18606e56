/* Trials of the seeded world: a route with two lanes and a third on trial. In one seed of three the third is
 * as good as they are, in the others it refuses, fails, does not deliver or is slow, from its first text or
 * from some later one; and the gateway is killed now and then. */
#include "campaign.h"

#include "base/clock.h"
#include "pipeline/core_parts.h"

enum fault { REFUSES, FAILS, DOES_NOT_DELIVER, IS_SLOW, FAULTS };

enum {
    RECIPIENTS = 600,
    A_SECOND = 10,    /* messages */
    OTHERS_FAIL = 20, /* permille */
    BAD_FAILS = 200,  /* likewise, at least */
    SLOWER = 4,       /* times, at least */
    RECEIPT_S = 8,    /* the last is told after that */
    KEPT_S = 6,       /* counts that a kill may lose */
    GOOD_TEXTS = 400, /* of a good one, and then it stays */
};

static const char canary_host[] = "third";

struct trial {
    bool good;
    enum fault fault;
    unsigned permille, fails, slower, well; /* texts that go well before it turns bad */
    int64_t latency_us;
    unsigned texts, kills;
    int64_t out_at;             /* 0: it is not */
    int64_t closed_at;          /* it had no room, or was shut: others took over then */
    signed char by[RECIPIENTS]; /* 1: the canary had its first attempt, -1: another */
    unsigned tried, with_canary;
};

static void make(struct sim *s, struct settings *set) {
    (void)s;
    for (unsigned host = 0; host < HOSTS; host++)
        lanes_add(s, set, host);
    struct route_rule *r = arena_zalloc(&set->arena, sizeof *r);
    ASSERT(r);
    snprintf(r->name, sizeof r->name, "all");
    for (uint32_t i = 0; i < 2; i++)
        r->lanes[r->n_lanes++] =
            (struct route_lane){.lane = i, .name = sv_of(set->lanes[i].name), .weight = 1};
    r->canary = 2;
    r->canary_permille = 100 + (uint32_t)(sim_random(s) % 4) * 100;
    r->canary_text = SV("third");
    set->routes = r;
    set->n_routes = 1;
}

static void draw(struct sim *s, struct trial *t) {
    *t = (struct trial){.good = sim_chance(s, 33),
                        .fault = (enum fault)(sim_random(s) % FAULTS),
                        .permille = lanes_settings(s)->routes->canary_permille,
                        .fails = BAD_FAILS + (unsigned)(sim_random(s) % 600),
                        .slower = SLOWER + (unsigned)(sim_random(s) % 8),
                        .latency_us = (int64_t)(20 + sim_random(s) % 300) * US_PER_MS};
    t->well = sim_chance(s, 50) ? 0 : (unsigned)(sim_random(s) % 100);
}

static bool is_bad(const struct trial *t) {
    return !t->good && t->texts > t->well;
}

static bool is_canary(const struct call *c) {
    return strcmp(c->lane->name, canary_host) == 0;
}

static void watch(struct sim *s, struct trial *t) {
    const struct lane *lane = core_lane(s->p->core, canary_host);
    bool full = lane->in_flight >= lane_window(lane);
    if (full || lane->downs || lane->paused_until > s->now || lane->unread)
        t->closed_at = s->now;
    if (s->p->core->canaries[0].out && !t->out_at) {
        t->out_at = s->now;
        sim_say(s, "out after %u texts", t->texts);
    }
}

/* Shares go by the recipient: whoever was tried with it once is always, and nobody else. */
static void check_sticky(struct sim *s, struct trial *t, const struct call *c) {
    uint64_t who;
    bool known = sv_to_u64(sv_from(c->message->text[TEXT_TO], strlen("+861380")), &who);
    ASSERT(known && who < RECIPIENTS);
    watch(s, t);
    if (c->attempt != 1 || t->out_at || c->started_at <= t->closed_at)
        return;
    signed char by = is_canary(c) ? 1 : -1;
    t->tried += t->by[who] == 0;
    t->with_canary += t->by[who] == 0 && by == 1;
    if (t->by[who] && t->by[who] != by)
        sim_broken(s, "trial", "recipient %u goes by %s, and went by %s before", (unsigned)who, c->lane->name,
                   by == 1 ? "another" : "the one on trial");
    t->by[who] = by;
}

static void check_out(struct sim *s, const struct trial *t, const struct call *c) {
    if (is_canary(c) && t->out_at && c->started_at > t->out_at + US_PER_S)
        sim_broken(s, "trial", "message %llx goes by a lane that was taken out %lld ms before",
                   (unsigned long long)c->message->id, (long long)((c->started_at - t->out_at) / US_PER_MS));
}

static void answer(struct sim *s, void *ctx, const struct flying *f, struct http_response *r) {
    struct trial *t = ctx;
    const struct call *c = f->call;
    bool attempt = c->kind == CALL_ATTEMPT, canary = attempt && is_canary(c);
    struct lies *lies = &s->provider.lies;
    *lies = (struct lies){0};
    if (attempt) {
        check_sticky(s, t, c);
        check_out(s, t, c);
        t->texts += canary;
        bool bad = canary && is_bad(t);
        unsigned fails = bad && t->fault != IS_SLOW ? t->fails : OTHERS_FAIL;
        unsigned percent = sim_random(s) % 1000 < fails ? 100 : 0;
        if (bad && t->fault == FAILS)
            lies->server_error = percent;
        else if (bad && t->fault == DOES_NOT_DELIVER)
            lies->undelivered = percent;
        else
            lies->refuse_number = percent;
    }
    provider_answer(&s->provider, &f->request, s->now, r);
    int64_t mean_us = t->latency_us * (canary && is_bad(t) && t->fault == IS_SLOW ? t->slower : 1);
    r->elapsed_us = mean_us / 2 + (int64_t)(sim_random(s) % (uint64_t)mean_us);
}

static void kill_it(struct sim *s, struct trial *t) {
    if (t->out_at > s->now - US_PER_S) /* it may not be on disk yet */
        t->out_at = 0;
    t->kills++;
    campaign_kill(s);
}

/* A receipt that nobody has heard of yet, and counts that died with the process, say nothing. */
static unsigned texts_max(const struct trial *t) {
    unsigned a_second = A_SECOND * t->permille / ROUTE_CANARY_ALL + 1;
    unsigned unknown = t->fault == DOES_NOT_DELIVER ? a_second * RECEIPT_S : a_second;
    return TRIAL_TEXTS_MAX + 2 * t->well + unknown + t->kills * a_second * KEPT_S;
}

static void look(struct sim *s, struct trial *t) {
    watch(s, t);
    if (!t->good && !t->out_at && t->texts > texts_max(t))
        sim_broken(s, "trial",
                   "a lane that is worse has had %u texts (fault %d, %u of 1000, %u times as slow)", t->texts,
                   t->fault, t->fails, t->slower);
}

/* Within five deviations. */
static void check_share(struct sim *s, const struct trial *t) {
    double share = (double)t->permille / ROUTE_CANARY_ALL, off = t->with_canary - t->tried * share;
    if (off * off > 25 * t->tried * share * (1 - share))
        sim_broken(s, "trial", "%u of %u recipients are tried with it, where %u of 1000 are meant",
                   t->with_canary, t->tried, t->permille);
}

struct campaign_end trial_run(struct sim *s, uint64_t seed, bool print) {
    static struct trial t;
    sim_open_plain(s, seed, print, make);
    draw(s, &t);
    const struct campaign c = {.answer = answer, .ctx = &t};
    int64_t next_at = s->now, after_at = 0;
    while (!s->failure[0] && !(after_at && s->now >= after_at) && !(t.good && t.texts >= GOOD_TEXTS)) {
        if (s->now >= next_at && campaign_submit(s, (unsigned)(sim_random(s) % RECIPIENTS))) {
            next_at = s->now + US_PER_S / A_SECOND;
            if (sim_random(s) % 700 == 0)
                kill_it(s, &t);
        }
        campaign_step(s, &c, next_at);
        look(s, &t);
        if (t.out_at && !after_at) { /* and that holds over kills */
            after_at = s->now + 60 * US_PER_S;
        } else if (!t.out_at) {
            after_at = 0;
        } else if (sim_random(s) % 5000 == 0) {
            kill_it(s, &t);
        }
        if (t.good && t.out_at)
            break;
    }
    check_share(s, &t);
    struct campaign_end end = {
        .trace = s->trace, .good = t.good, .by_chance = t.good && t.out_at, .texts = t.texts};
    if (print)
        printf(
            "# seed %llu: good %d, fault %d, %u permille, fails %u, %u times as slow, bad after %u: %u texts "
            "(%u allowed), %u kills, %u submitted\n",
            (unsigned long long)seed, t.good, t.fault, t.permille, t.fails, t.slower, t.well, t.texts,
            texts_max(&t), t.kills, s->submitted);
    sim_close(s);
    return end;
}
