/* Learned rates of the seeded world: one lane with `rate_learn`, a provider that throttles by seconds of its
 * clock or evenly with a burst, a campaign that waits all the time, and a kill now and then. */
#include "campaign.h"

#include "base/clock.h"
#include "pipeline/core_parts.h"

enum {
    WAITING = 120, /* messages, at least */
    RECIPIENTS = 5000,
    LEARNS_S = 150, /* as long may it take to find the limit */
    AFTER_S = 120,
    NEAR_PERCENT = 85, /* of the limit goes through then */
};

struct meter {
    double limit, burst; /* units a second; burst 0: it counts by seconds of its clock */
    int64_t latency_us, second;
    double taken, debt_at;
    unsigned calls, refused;
    unsigned kills;
};

static void make(struct sim *s, struct settings *set) {
    lanes_add(s, set, 0)->rate_learn = true;
}

static void draw(struct sim *s, struct meter *m) {
    *m = (struct meter){.limit = (double)(4 + sim_random(s) % 40),
                        .latency_us = (int64_t)(10 + sim_random(s) % 200) * US_PER_MS};
    m->burst = sim_chance(s, 50) ? 0 : (double)(2 + sim_random(s) % 20);
}

static bool takes(struct meter *m, int64_t at) {
    if (m->burst > 0) {
        double step = US_PER_S / m->limit, debt = m->debt_at > (double)at ? m->debt_at : (double)at;
        if (debt - (double)at > m->burst * step)
            return false;
        m->debt_at = debt + step;
        return true;
    }
    if (at / US_PER_S != m->second) {
        m->second = at / US_PER_S;
        m->taken = 0;
    }
    return m->taken + 1 <= m->limit && ++m->taken > 0;
}

static void answer(struct sim *s, void *ctx, const struct flying *f, struct http_response *r) {
    struct meter *m = ctx;
    bool attempt = f->call->kind == CALL_ATTEMPT;
    bool refuses = attempt && !takes(m, s->now);
    s->provider.lies = (struct lies){.throttle = refuses ? 100 : 0, .no_receipt = 100};
    m->calls += attempt;
    m->refused += refuses;
    provider_answer(&s->provider, &f->request, s->now, r);
    r->elapsed_us = m->latency_us / 2 + (int64_t)(sim_random(s) % (uint64_t)m->latency_us);
}

static void run(struct sim *s, struct meter *m, int64_t until) {
    const struct campaign c = {.answer = answer, .ctx = m};
    while (!s->failure[0] && s->now < until) {
        while (s->submitted < m->calls - m->refused + WAITING &&
               campaign_submit(s, (unsigned)(sim_random(s) % RECIPIENTS)))
            ;
        campaign_step(s, &c, until);
        if (sim_random(s) % 40000 == 0) {
            m->kills++;
            campaign_kill(s);
        }
    }
}

struct campaign_end rates_run(struct sim *s, uint64_t seed, bool print) {
    static struct meter m;
    sim_open_plain(s, seed, print, make);
    draw(s, &m);
    run(s, &m, s->now + LEARNS_S * US_PER_S);
    unsigned calls = m.calls, refused = m.refused, kills = m.kills;
    int64_t from = s->now;
    run(s, &m, s->now + AFTER_S * US_PER_S);
    unsigned calls_after = m.calls - calls, refused_after = m.refused - refused;
    double a_second = (calls_after - refused_after) / ((double)(s->now - from) / US_PER_S);
    /* A kill forgets what was learned in the last seconds, and what was counted of refusals. */
    if (refused_after * 100 > calls_after + 200 * (m.kills - kills))
        sim_broken(s, "rates", "of %u calls after it had learned %u were refused", calls_after,
                   refused_after);
    if (a_second * 100 < m.limit * NEAR_PERCENT)
        sim_broken(s, "rates", "%.1f a second go through, where the provider takes %.0f", a_second, m.limit);
    if (print)
        printf("# seed %llu: limit %.0f, burst %.0f, latency %lld ms: learned with %u of %u refused, then %u "
               "of %u, "
               "%.1f a second, %u kills\n",
               (unsigned long long)seed, m.limit, m.burst, (long long)(m.latency_us / US_PER_MS), refused,
               calls, refused_after, calls_after, a_second, m.kills);
    struct campaign_end end = {.trace = s->trace};
    sim_close(s);
    return end;
}
